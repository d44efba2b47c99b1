//! What a call costs on its way: across the boundary, to the plugin's runtime, to another process;
//! beside a plain `dyn` call, a tokio spawn and join, gRPC on a Unix socket.

use benches::{host_executable, library, median, nanos, per_call, rate, row};
use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage_host::isolation::{RunnerSpec, Supervisor};
use storage_host::loader::open::open_library;
use storage_plugin_api::abi::{
    FfiTransport, HostDispatcher, OpenOptions, RemoteProvider, Transport,
};
use storage_plugin_api::conformance::MemoryHost;
use storage_plugin_api::uuid::Uuid;
use storage_plugin_api::*;
use tokio::sync::mpsc;

#[path = "../../fixtures/null/src/null.rs"]
mod direct;
#[path = "peers/grpc.rs"]
mod grpc;

/// Rounds of each contender, taken in turn.
const ROUNDS: usize = 15;

type Anyhow<T> = anyhow::Result<T>;

fn main() -> Anyhow<()> {
    if let Some(socket) = std::env::var_os(grpc::SERVE) {
        return grpc::serve(&socket);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // From outside of the workers, so that every contender has to wake another thread: a task that
    // a worker spawns for itself runs on the same thread and hops nowhere.
    runtime.block_on(run())
}

async fn run() -> Anyhow<()> {
    let contenders = Contenders::new().await?;
    // `cargo bench … -- calls` for one section.
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|one| !one.starts_with('-')).collect();
    let wants = |section: &str| wanted.is_empty() || wanted.iter().any(|one| one == section);
    if wants("calls") {
        calls(&contenders).await?;
    }
    if wants("hops") {
        hops(&contenders).await?;
    }
    if wants("streams") {
        streams(&contenders).await?;
    }
    Ok(())
}

/// One provider, reached in every way.
struct Contenders {
    direct: Provider,
    in_place: Provider,
    own_runtime: Provider,
    isolated: Provider,
    store: StoreContext,
    call: CallContext,
    _supervisor: Arc<Supervisor>,
}

struct Provider {
    life_cycle: Arc<dyn DataStoreLifeCycle>,
    driver: Arc<dyn DataStoreDriver>,
}

impl Provider {
    async fn configured(provider: Arc<dyn DataStoreProvider>) -> Anyhow<Self> {
        let call = CallContext::new(Uuid::new_v4());
        let host = Arc::new(MemoryHost::new("bench"));
        provider.configure(&call, Settings::new(), host).await?;
        let primary = DataStoreProviderType::Primary;
        let parts = provider
            .get_data_store_life_cycle(primary)
            .zip(provider.get_data_store_driver(primary));
        let (life_cycle, driver) = parts.ok_or_else(|| anyhow::anyhow!("no driver"))?;
        Ok(Self { life_cycle: life_cycle.base(), driver: driver.base() })
    }

    async fn remote(transport: Arc<dyn Transport>) -> Anyhow<Self> {
        let call = CallContext::new(Uuid::new_v4());
        Self::configured(Arc::new(RemoteProvider::connect(transport, &call).await?)).await
    }
}

fn dispatcher() -> Arc<HostDispatcher> {
    Arc::new(HostDispatcher::new(Box::new(|_| {})))
}

impl Contenders {
    async fn new() -> Anyhow<Self> {
        let path = library("storage-volume-null");
        let open = |in_place| -> Anyhow<Arc<dyn Transport>> {
            let root = open_library(&path)?;
            let options = OpenOptions::new("null", log::LevelFilter::Off, in_place);
            Ok(Arc::new(FfiTransport::open(root, dispatcher(), options)?))
        };
        let spec = RunnerSpec {
            executable: host_executable(),
            plugin: "null".to_owned(),
            path: path.clone(),
            log_level: log::LevelFilter::Off,
            load_timeout: Duration::from_secs(10),
            cancel_grace: Duration::from_secs(5),
        };
        let supervisor = Supervisor::start(spec, dispatcher()).await?;
        Ok(Self {
            direct: Provider::configured(Arc::new(direct::Null)).await?,
            in_place: Provider::remote(open(true)?).await?,
            own_runtime: Provider::remote(open(false)?).await?,
            isolated: Provider::remote(Arc::clone(&supervisor) as Arc<dyn Transport>).await?,
            store: StoreContext::new(store()),
            call: CallContext::new(Uuid::new_v4()),
            _supervisor: supervisor,
        })
    }
}

fn store() -> DataStore {
    let mut store = DataStore::new(Uuid::new_v4(), DataStoreRole::Primary);
    store.id = 7;
    store.name = "pool one".to_owned();
    store.scope = Scope::zone(Uuid::new_v4());
    store.url = "null://array.example/pool".to_owned();
    store.installation_id = "ins-abcdefghijkl".to_owned();
    store.epoch = 3;
    for key in ["endpoint", "username", "password", "pool", "protocol"] {
        store.details.insert(key, "a value of usual length");
    }
    store
}

/// Every field set, every text of usual length.
fn volume() -> VolumeInfo {
    let mut volume = VolumeInfo::new(Uuid::new_v4(), "ROOT-1742", 64 << 30);
    volume.id = 1742;
    volume.path = "ins-abcdefghijkl/volumes/0f5a6f0e-2f0c-4b43-8a53-6d1f0e0b7f11".to_owned();
    volume.volume_type = VolumeType::Root;
    volume.pool_id = Some(7);
    volume.device_id = Some(0);
    volume.vm_name = Some("i-2-1742-VM".to_owned());
    volume.account_id = 2;
    volume.chain_info = Some("{\"diskDeviceBusName\":\"scsi0:0\"}".to_owned());
    let rate = Rate::sustained(100 << 20);
    volume.quality_of_service.min_iops = Some(500);
    volume.quality_of_service.max_iops = Some(5000);
    volume.quality_of_service.bytes_read = rate;
    volume.quality_of_service.bytes_write = rate;
    volume.quality_of_service.iops_read = Rate::sustained(2000);
    volume.quality_of_service.iops_write = Rate::sustained(1000);
    volume.cache_mode = Some(DiskCacheMode::WriteBack);
    volume.hypervisor_type = Some("KVM".to_owned());
    volume.hypervisor_snapshot_reserve_percent = Some(10);
    volume.encrypt_format = Some("luks".to_owned());
    volume.details.insert("wwn", "6005076801810523e0000000000000a1");
    volume.details.insert("lun", "12");
    volume
}

/// Takes rounds of several contenders in turn and returns their medians.
macro_rules! in_turn {
    ($calls:expr; $($body:expr),+ $(,)?) => {{
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push([$(per_call($calls, || $body).await),+]);
        }
        let contender = |at: usize| median(rounds.iter().map(|round| round[at]).collect());
        std::array::from_fn(contender)
    }};
}

async fn calls(all: &Contenders) -> Anyhow<()> {
    let (call, store) = (&all.call, &all.store);
    let (direct, in_place) = (&all.direct.life_cycle, &all.in_place.life_cycle);
    let [plain, adapted]: [f64; 2] = in_turn!(20_000;
        direct.maintain(call, store),
        in_place.maintain(call, store),
    );
    row("ready call without a record, dyn", &nanos(plain), "");
    row("ready call without a record, across the boundary", &nanos(adapted), "");
    row("  both adapters add", &nanos(adapted - plain), "≤ 200 ns");

    let object = DataObject::from(volume());
    let (direct, in_place) = (&all.direct.driver, &all.in_place.driver);
    let [plain, adapted]: [f64; 2] = in_turn!(10_000;
        direct.get_to(call, store, object.clone()),
        in_place.get_to(call, store, object.clone()),
    );
    row("a full volume record both ways, dyn", &nanos(plain), "");
    row("a full volume record both ways, across the boundary", &nanos(adapted), "");
    row("  both adapters add", &nanos(adapted - plain), "≤ 3 µs");
    Ok(())
}

async fn hops(all: &Contenders) -> Anyhow<()> {
    let (call, store) = (&all.call, &all.store);
    let (own_runtime, isolated) = (&all.own_runtime.life_cycle, &all.isolated.life_cycle);
    let grpc = grpc::Peer::start().await?;
    let [spawned, hop, socket, peer]: [f64; 4] = in_turn!(1_000;
        tokio::spawn(async { true }),
        own_runtime.maintain(call, store),
        isolated.maintain(call, store),
        grpc.call(),
    );
    row("tokio spawn and join", &nanos(spawned), "");
    row("call on the plugin's runtime", &nanos(hop), "");
    row("  × spawn and join", &format!("{:.2}", hop / spawned), "≤ 2");
    row("call to an isolated plugin", &nanos(socket), "");
    row("  × call on the plugin's runtime", &format!("{:.2}", socket / hop), "≤ 2");
    row("gRPC (tonic) on a Unix socket, another process", &nanos(peer), "");
    row("  isolated × gRPC", &format!("{:.2}", socket / peer), "< 1");
    Ok(())
}

async fn streams(all: &Contenders) -> Anyhow<()> {
    let mut rounds: Vec<[f64; 3]> = Vec::new();
    for _ in 0..7 {
        let plain = drain_channel().await;
        let library = drain_reader(all, &all.own_runtime).await?;
        let isolated = drain_reader(all, &all.isolated).await?;
        rounds.push([plain, library, isolated]);
    }
    let contender = |at: usize| median(rounds.iter().map(|round| round[at]).collect());
    let ratio = median(rounds.iter().map(|round| round[1] / round[0]).collect());
    let gigabytes = |rate: f64| format!("{rate:.2} GB/s");
    row("1 MiB chunks, Bytes through a channel of this process", &gigabytes(contender(0)), "");
    row("1 MiB chunks, a plugin's reader", &gigabytes(contender(1)), "");
    row("  × in-process (median of pairs)", &format!("{ratio:.2}"), "≥ 0.90");
    row("1 MiB chunks, an isolated plugin's reader", &gigabytes(contender(2)), "");
    Ok(())
}

/// A task that fills chunks, a channel as deep as the boundary's, a consumer that looks at them.
async fn drain_channel() -> f64 {
    let (send, mut receive) = mpsc::channel::<Bytes>(4);
    tokio::spawn(async move {
        for at in 0..4096_u32 {
            if send.send(Bytes::from(vec![at as u8; CHUNK_BYTES])).await.is_err() {
                return;
            }
        }
    });
    let started = Instant::now();
    let mut total = 0;
    while let Some(bytes) = receive.recv().await {
        total += look_at(&bytes);
    }
    rate(total, started.elapsed())
}

async fn drain_reader(all: &Contenders, provider: &Provider) -> Anyhow<f64> {
    let request = OpenReaderRequest::new(volume());
    let mut reader = provider.driver.open_reader(&all.call, &all.store, request).await?;
    let started = Instant::now();
    let mut total = 0;
    while let Some(chunk) = reader.next().await? {
        if let Chunk::Data { bytes, .. } = chunk {
            total += look_at(&bytes);
        }
    }
    Ok(rate(total, started.elapsed()))
}

/// Reads every byte, as a consumer does that hashes or writes them.
fn look_at(bytes: &[u8]) -> u64 {
    let sum = bytes.chunks_exact(8).fold(0_u64, |sum, word| {
        sum.wrapping_add(word.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)))
    });
    std::hint::black_box(sum);
    bytes.len() as u64
}
