//! A server on a port of its own, two plugins that are only reports, and a client that sends
//! exactly the bytes it is given.

use crate::api::credentials::Credentials;
use crate::api::{
    Api, ApiError, Call, Command, CommandTable, HostInfo, Reply, Services, format_timestamp, serve,
    sign,
};
use crate::orchestration::testing::World;
use crate::orchestration::{Orchestration, Policy, Rooms, RoomsParts};
use crate::registry::DataStoreProviderManager;
use crate::store::Store;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};
use storage_plugin_api::Secret;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// A running API.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    shutdown: Option<oneshot::Sender<()>>,
    served: Option<tokio::task::JoinHandle<()>>,
    runtime: Runtime,
    api: Api,
    _data_dir: TempDir,
}

/// How many calls of `finish` have come to their end. Of one test only.
pub(crate) static FINISHED: AtomicUsize = AtomicUsize::new(0);

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

pub(crate) fn credentials() -> Credentials {
    Credentials {
        username: "admin".to_owned(),
        password: Secret::new("password"),
        apikey: "KEY".to_owned(),
        secretkey: Secret::new("Secret/Key+1"),
    }
}

/// One plugin that serves, one that was refused.
fn services(data_dir: &Path) -> Services {
    let providers = DataStoreProviderManager::new();
    let ready = json!({
        "name": "s3", "kind": "image", "isolation": "process", "required": true,
        "state": "Ready", "path": "/plugins/image/libstorage_image_s3.so",
        "digest": "ab".repeat(32),
        "metadata": {
            "crate": "storage-image-s3", "version": "1.2.3", "abi": "0.1", "sdk": "0.1.0",
            "rustc": "1.95.0", "target": "x86_64-unknown-linux-gnu", "license": "MIT",
        },
        "glibc": [2, 34],
        "provider": {
            "name": "S3", "types": ["IMAGE", "ImageCache"], "scopes": ["REGION"],
            "host_listener": false, "vm_snapshot_strategy": false,
            "settings_schema": {}, "input_schemas": [],
        },
        "load_ms": 12.5,
        "process": { "pid": 4711, "restarts": 2, "last_end": "signal 11" },
    });
    let refused = json!({
        "name": "ceph", "kind": "volume", "isolation": "in-process", "required": false,
        "state": "Failed", "path": "/plugins/volume/libstorage_volume_ceph.so",
        "refusal": {
            "code": "newer-glibc", "what": "cannot load \"ceph\"", "why": "needs glibc 2.99",
            "way_out": "build it on an older system",
        },
    });
    for (row, report) in [ready, refused].into_iter().enumerate() {
        providers.put(row, serde_json::from_value(report).unwrap(), None, None);
    }
    let providers = Arc::new(providers);
    let parts = RoomsParts {
        repository: Store::open(data_dir).unwrap().repository(),
        providers: Arc::clone(&providers),
        policy: Policy::default(),
        windows: Box::new(|_| Duration::from_secs(60)),
    };
    Services {
        orchestration: Orchestration::new(Arc::new(Rooms::new(parts))),
        providers,
        host: host_info(),
    }
}

fn host_info() -> HostInfo {
    HostInfo { version: "1.0.0".to_owned(), listen: (Ipv4Addr::LOCALHOST, 0).into() }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

/// A command that does as it is told, for what the real ones do not.
fn test_command(name: &'static str, run: crate::api::Handler) -> Command {
    Command {
        name,
        description: "A command of the tests.",
        since: None,
        is_async: false,
        begins: false,
        params: &[],
        response: &[],
        run,
    }
}

fn commands() -> CommandTable {
    let own = [
        test_command("panic", |_, _| Box::pin(async { panic!("secret detail") })),
        test_command("fail", |_, _| Box::pin(async { Err(ApiError::internal("secret detail")) })),
        test_command("echo", |_, args| Box::pin(async move { echo(args.text("text")) })),
        test_command("whoAmI", |call: Call, _| {
            Box::pin(async move { Reply::flat(&json!({ "account": &*call.caller.account })) })
        }),
        test_command("finish", |_, _| {
            Box::pin(async {
                // sleeps because a request must be under way when the shutdown begins
                tokio::time::sleep(Duration::from_millis(200)).await;
                FINISHED.fetch_add(1, Ordering::SeqCst);
                Ok(Reply::success(None))
            })
        }),
        test_command("sleep", |_, _| {
            Box::pin(async {
                // sleeps because requests must overlap to be parallel
                tokio::time::sleep(Duration::from_millis(300)).await;
                Ok(Reply::success(None))
            })
        }),
    ];
    let all = crate::api::commands::all();
    CommandTable::new(all.iter().copied().chain(own))
}

fn echo(text: Option<&str>) -> Result<Reply, ApiError> {
    Reply::flat(&json!({ "text": text }))
}

impl TestServer {
    pub(crate) fn start() -> Self {
        let data_dir = tempfile::tempdir().unwrap();
        Self::serve(runtime(), services(data_dir.path()), data_dir)
    }

    /// A server over a host that has a provider of storage.
    pub(crate) fn with_storage() -> (Self, World) {
        let runtime = runtime();
        let world = runtime.block_on(World::new());
        let orchestration = world.orchestration.clone();
        let services = Services {
            providers: Arc::clone(&orchestration.rooms().providers),
            orchestration,
            host: host_info(),
        };
        (Self::serve(runtime, services, tempfile::tempdir().unwrap()), world)
    }

    fn serve(runtime: Runtime, services: Services, data_dir: TempDir) -> Self {
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let api = Api::with_commands(services, &credentials(), commands());
        let (shutdown, stop) = oneshot::channel();
        let served = runtime.spawn(serve(listener, api.clone(), async {
            stop.await.ok();
        }));
        Self {
            address,
            shutdown: Some(shutdown),
            served: Some(served),
            runtime,
            api,
            _data_dir: data_dir,
        }
    }

    /// Runs something of the host where the host runs.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Waits until a handler runs.
    pub(crate) fn wait_until_busy(&self) {
        let busy = async { tokio::time::timeout(Duration::from_secs(10), self.api.busy()).await };
        self.runtime.block_on(busy).unwrap();
    }

    /// The engine of the host.
    pub(crate) fn jobs(&self) -> &crate::jobs::Jobs {
        &self.api.services().orchestration.rooms().jobs
    }

    /// Changes the store behind the API's back.
    pub(crate) fn change(&self, changes: Vec<crate::store::Change>) {
        let repository = &self.api.services().orchestration.rooms().repository;
        self.runtime.block_on(repository.transact(changes)).unwrap();
    }

    /// Begins the shutdown.
    pub(crate) fn stop(&mut self) {
        self.shutdown.take().unwrap().send(()).unwrap();
    }

    /// Waits for the end of the shutdown.
    pub(crate) fn wait(&mut self) {
        let served = self.served.take().unwrap();
        self.runtime
            .block_on(async { tokio::time::timeout(Duration::from_secs(10), served).await })
            .unwrap()
            .unwrap();
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    /// Sends a request and reads to the end of the connection.
    pub(crate) fn send(&self, request: impl AsRef<[u8]>) -> Answer {
        let mut stream = self.connect();
        // A server may answer before it has read all: then there is something to read, too.
        stream.write_all(request.as_ref()).ok();
        read(&mut stream)
    }

    pub(crate) fn get(&self, query: &str) -> Answer {
        self.send(format!(
            "GET /client/api?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        ))
    }

    pub(crate) fn post(&self, query: &str, body: impl AsRef<[u8]>) -> Answer {
        let body = body.as_ref();
        let mut request = format!(
            "POST /client/api?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.send(request)
    }

    /// Calls a command, signed.
    pub(crate) fn call(&self, command: &str, params: &[(&str, &str)]) -> Answer {
        self.get(&signed(command, params))
    }
}

pub(crate) fn read(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text:?}"));
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_ascii_lowercase(),
        body: body.to_owned(),
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// What is under the one wrapper.
    pub(crate) fn inner(&self) -> Value {
        let json = self.json();
        let wrappers = json.as_object().unwrap();
        assert_eq!(wrappers.len(), 1, "{}", self.body);
        wrappers.values().next().unwrap().clone()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

pub(crate) fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

pub(crate) fn query(params: &[(&str, &str)]) -> String {
    let pairs = params.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// The query of a signed call.
pub(crate) fn signed(command: &str, params: &[(&str, &str)]) -> String {
    let expires = format_timestamp(SystemTime::now() + Duration::from_secs(60));
    let mut all = vec![
        ("apiKey", "KEY"),
        ("command", command),
        ("response", "json"),
        ("signatureVersion", "3"),
        ("expires", &expires),
    ];
    all.extend_from_slice(params);
    sign_all(&all)
}

/// The query of exactly these parameters, signed.
pub(crate) fn sign_all(params: &[(&str, &str)]) -> String {
    let signature = sign(params, &credentials().secretkey);
    let mut all = params.to_vec();
    all.push(("signature", &signature));
    query(&all)
}
