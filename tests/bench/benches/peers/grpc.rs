//! The peer: a unary gRPC call (tonic) on a Unix socket to another process, as plugin processes
//! of other systems are reached. Messages are as small as they get.

use anyhow::Context as _;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::ffi::OsStr;
use std::future::{Ready, ready};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::body::Body;
use tonic::codegen::http;
use tonic::codegen::{BoxFuture, Service};
use tonic::server::{Grpc as ServerGrpc, NamedService, UnaryService};
use tonic::transport::{Channel, Endpoint, Server, Uri};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

/// With this variable set the bench is the peer's server, on the socket that it names.
pub(crate) const SERVE: &str = "BENCH_GRPC_SOCKET";
const METHOD: &str = "/bench.Peer/Maintain";

#[derive(Clone, PartialEq, prost::Message)]
struct Ask {
    #[prost(string, tag = "1")]
    store: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Answer {
    #[prost(bool, tag = "1")]
    done: bool,
}

/// A client, and the process it speaks to.
pub(crate) struct Peer {
    channel: Channel,
    _server: Running,
    _directory: tempfile::TempDir,
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Peer {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let socket = directory.path().join("grpc");
        let server = Command::new(std::env::current_exe()?).env(SERVE, &socket).spawn()?;
        let server = Running(server);
        for _ in 0..500 {
            if let Ok(channel) = connect(socket.clone()).await {
                return Ok(Self { channel, _server: server, _directory: directory });
            }
            // sleeps because the peer says nothing when its socket is there
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        anyhow::bail!("the gRPC peer did not start")
    }

    pub(crate) async fn call(&self) -> bool {
        let mut client = tonic::client::Grpc::new(self.channel.clone());
        if client.ready().await.is_err() {
            return false;
        }
        let request = Request::new(Ask { store: "0f5a6f0e".to_owned() });
        let path = http::uri::PathAndQuery::from_static(METHOD);
        let codec = ProstCodec::<Ask, Answer>::default();
        client.unary(request, path, codec).await.is_ok_and(|answer| answer.into_inner().done)
    }
}

async fn connect(socket: PathBuf) -> anyhow::Result<Channel> {
    let connector = tower::service_fn(move |_: Uri| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    Ok(Endpoint::from_static("http://peer").connect_with_connector(connector).await?)
}

#[derive(Clone)]
struct Maintain;

impl NamedService for Maintain {
    const NAME: &'static str = "bench.Peer";
}

impl UnaryService<Ask> for Maintain {
    type Response = Answer;
    type Future = Ready<Result<Response<Answer>, Status>>;

    fn call(&mut self, _: Request<Ask>) -> Self::Future {
        ready(Ok(Response::new(Answer { done: true })))
    }
}

impl Service<http::Request<Body>> for Maintain {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<http::Response<Body>, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = ServerGrpc::new(ProstCodec::<Answer, Ask>::default());
            Ok(grpc.unary(Maintain, request).await)
        })
    }
}

/// Serves until it is killed.
pub(crate) fn serve(socket: &OsStr) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = UnixListener::bind(socket).context("cannot bind")?;
        let incoming = UnixListenerStream::new(listener);
        Server::builder().add_service(Maintain).serve_with_incoming(incoming).await?;
        Ok(())
    })
}
