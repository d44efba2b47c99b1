//! The HTTP stack below the SDK: connections that are kept, TLS, and the limits on waiting.
//!
//! The SDK's own has no TCP keep-alive and no end of a connection's life, which CloudStack's
//! operators set. Invariant: nothing here waits for longer than the socket timeout without a byte
//! having moved, in either direction.

use super::Connection;
use aws_sdk_s3::config::http::{HttpRequest, HttpResponse};
use aws_sdk_s3::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use http_body::{Body, Frame, SizeHint};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::error::Error;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use storage_plugin_api::bytes::Bytes;
use storage_plugin_api::tokio::time::{Sleep, sleep, timeout};
use storage_plugin_api::{PluginError, PluginResult as Result};

/// How long a connection may lie idle before it is closed.
const IDLE: Duration = Duration::from_secs(60);

/// When the kernel asks whether the other end of a silent connection lives.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Reads of one piece at most: fewer, larger pieces cross to the host.
const READ_BYTES: usize = 1 << 19;

type Connections = Client<HttpsConnector<Tcp>, Counted>;

/// The connections to one server.
#[derive(Debug, Clone)]
pub(super) struct Http(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connector: HttpsConnector<Tcp>,
    /// The pool, and since when it is: after the time to live a new one takes over, and the
    /// connections of the old one end with their requests.
    pool: Mutex<(Instant, Connections)>,
    time_to_live: Option<Duration>,
    socket_timeout: Duration,
}

impl Http {
    /// Makes the stack; connects to nothing.
    ///
    /// # Errors
    /// `InvalidConfig` for a CA file that cannot be read or holds no certificate.
    pub(super) fn new(connection: &Connection) -> Result<Self> {
        let mut tcp = Tcp::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(connection.connection_timeout));
        tcp.set_keepalive(connection.tcp_keep_alive.then_some(KEEP_ALIVE));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(connection)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let pool = Mutex::new((Instant::now(), connections(&connector)));
        Ok(Self(Arc::new(Inner {
            connector,
            pool,
            time_to_live: connection.connection_time_to_live,
            socket_timeout: connection.socket_timeout,
        })))
    }
}

fn connections(connector: &HttpsConnector<Tcp>) -> Connections {
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .http1_max_buf_size(READ_BYTES)
        .build(connector.clone())
}

fn tls(connection: &Connection) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| PluginError::internal("TLS has no protocol").caused_by(&error))?;
    Ok(builder.with_root_certificates(roots(connection)?).with_no_client_auth())
}

/// The authorities that are believed: those of the CA file and no others, or the system's.
fn roots(connection: &Connection) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    if !connection.endpoint.https {
        return Ok(roots);
    }
    let Some(file) = &connection.ca_file else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(roots);
    };
    let wrong = |why: &str| PluginError::invalid_config(format!("ca_file {file:?}: {why}"));
    let read = CertificateDer::pem_file_iter(file).map_err(|error| wrong(&error.to_string()))?;
    for certificate in read {
        let certificate = certificate.map_err(|error| wrong(&error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(&error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("holds no certificate; it is to be one or more of them as PEM"));
    }
    Ok(roots)
}

impl HttpClient for Http {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Http {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let inner = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move { inner.send(request).await })
    }
}

impl Inner {
    async fn send(
        &self,
        request: HttpRequest,
    ) -> std::result::Result<HttpResponse, ConnectorError> {
        let request =
            request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let moved = Arc::new(AtomicU64::new(0));
        let request = request.map(|body| Counted { body, moved: Arc::clone(&moved) });
        let mut answer = std::pin::pin!(self.pool().request(request));
        let mut before = 0;
        // The window begins anew whenever a piece of the request was taken by the connection.
        let answer = loop {
            if let Ok(answer) = timeout(self.socket_timeout, &mut answer).await {
                break answer;
            }
            let now = moved.load(Ordering::Relaxed);
            if now == before {
                return Err(ConnectorError::timeout(self.silence().into()));
            }
            before = now;
        };
        let answer = answer.map_err(classified)?;
        let window = self.socket_timeout;
        let answer = answer.map(|body| {
            let waiting = Box::pin(sleep(window));
            SdkBody::from_body_1_x(Watched { body, window, waiting })
        });
        HttpResponse::try_from(answer).map_err(|error| ConnectorError::other(error.into(), None))
    }

    fn pool(&self) -> Connections {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if self.time_to_live.is_some_and(|lives| pool.0.elapsed() >= lives) {
            *pool = (Instant::now(), connections(&self.connector));
        }
        pool.1.clone()
    }

    fn silence(&self) -> String {
        silence(self.socket_timeout)
    }
}

fn silence(window: Duration) -> String {
    format!("no byte moved for {} ms (sockettimeout)", window.as_millis())
}

/// What the SDK tries again, and what it does not.
fn classified(error: ClientError) -> ConnectorError {
    let is_io = error.is_connect() || has_io_below(&error);
    let text: Box<dyn Error + Send + Sync> = error.into();
    if is_io {
        return ConnectorError::io(text);
    }
    // A connection that the server closed while the request was on its way.
    ConnectorError::other(text, Some(ErrorKind::TransientError))
}

fn has_io_below(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(one) = next {
        if one.is::<std::io::Error>() {
            return true;
        }
        next = one.source();
    }
    false
}

/// The body of a request, which tells that it moves.
#[derive(Debug)]
struct Counted {
    body: SdkBody,
    moved: Arc<AtomicU64>,
}

type Polled = Poll<Option<std::result::Result<Frame<Bytes>, Box<dyn Error + Send + Sync>>>>;

impl Body for Counted {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled {
        self.moved.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        Body::is_end_stream(&self.body)
    }

    fn size_hint(&self) -> SizeHint {
        Body::size_hint(&self.body)
    }
}

/// The body of an answer, which ends with an error where nothing comes any more.
#[derive(Debug)]
struct Watched<B> {
    body: B,
    window: Duration,
    waiting: Pin<Box<Sleep>>,
}

impl<B> Body for Watched<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            let next = storage_plugin_api::tokio::time::Instant::now() + self.window;
            self.waiting.as_mut().reset(next);
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        match self.waiting.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Some(Err(silence(self.window).into()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
