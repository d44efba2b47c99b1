//! The scene: an installation, two pools, an image store, the host that lives for a while.

use rustix::process::Signal;
use std::path::PathBuf;
use std::time::Duration;
use tests::{Host, Installation, LONG, OrFail, Row, eventually, signal};

/// Within this everything goes on by itself: nothing waits for the next look at what stands still.
const SOON: Duration = Duration::from_secs(30);
/// An operation that takes longer is told.
const SLOW: Duration = Duration::from_secs(5);

/// Everything that outlives a host.
#[derive(Debug)]
pub(crate) struct Scene {
    installation: Installation,
    host: Option<Host>,
    pub(crate) zone: String,
    /// The id of each pool and its directory.
    pub(crate) pools: Vec<(String, PathBuf)>,
    /// The directory of the image store.
    pub(crate) images: PathBuf,
    /// Where templates are registered from.
    pub(crate) sources: PathBuf,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let installation = Installation::new();
        let sources = installation.path().join("sources");
        std::fs::create_dir_all(&sources).or_fail("make a directory");
        let installation = installation
            .host_key("log", "warn")
            .variable("STORAGE_HOST_DOWNLOAD_DIRECTORIES", sources.display().to_string())
            // How full the disk of this machine is does not matter here.
            .variable("STORAGE_HOST_USED_THRESHOLD", "1")
            .row(Row::of("sample", "sample"))
            .row(Row::of("filesystem", "filesystem").isolated())
            .row(Row::image("nfs", "nfs"));
        let host = installation.start();
        let zones = host.api("listZones", &[]);
        let zone = zones["zone"][0]["id"].as_str().or_fail("a zone").to_owned();
        let mut pools = Vec::new();
        for provider in ["Sample", "Filesystem"] {
            let directory = installation.path().join(provider);
            std::fs::create_dir_all(&directory).or_fail("make a directory");
            let path = directory.to_str().or_fail("a path");
            let made = host.api(
                "createStoragePool",
                &[
                    ("name", provider),
                    ("zoneid", &zone),
                    ("url", &format!("file://{path}")),
                    ("provider", provider),
                    if provider == "Sample" { ("details[0].path", path) } else { ("tags", "") },
                ],
            );
            let id = made["storagepool"]["id"].as_str().or_fail("a pool").to_owned();
            pools.push((id, directory));
        }
        let (_, images) = host.first_image_store();
        Self { installation, host: Some(host), zone, pools, images, sources }
    }

    /// An instance that never runs; its id.
    pub(crate) fn new_instance(&self, name: &str) -> String {
        let wish = [
            ("zoneid", &*self.zone),
            ("name", name),
            ("hypervisor", "Simulator"),
            ("startvm", "false"),
        ];
        tests::text(&self.host().done("deployVirtualMachine", &wish), "id")
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.installation.data_dir()
    }

    pub(crate) fn host(&self) -> &Host {
        self.host.as_ref().or_fail("a host")
    }

    pub(crate) fn signal(&mut self, what: Signal) {
        self.host().process().signal(what);
    }

    /// Kills the process of the isolated plugin, if it has one now.
    pub(crate) fn kill_plugin(&self) -> bool {
        let plugin = self.host().plugin("filesystem");
        let Some(pid) = plugin.0["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()) else {
            return false;
        };
        signal(pid, Signal::KILL);
        true
    }

    pub(crate) fn start_again(&mut self) {
        if let Some(host) = self.host.take() {
            host.wait();
        }
        self.host = Some(self.installation.start());
    }

    /// Waits until every operation rests; what does not within a minute is stuck.
    pub(crate) fn wait_until_nothing_runs(&self) {
        eventually(&format!("every operation rests within {LONG:?}"), || {
            let phases = [("phase", "running,undoing"), ("pagesize", "-1")];
            let running = self.host().api("listOperations", &phases);
            running.get("count").is_none().then_some(())
        });
    }

    /// A recovery that takes as long as this waited for something that does not come by itself.
    pub(crate) fn expect_recovered_soon(&self, recovered_in: Duration) {
        if recovered_in < SOON {
            return;
        }
        let slow: Vec<_> = self
            .host()
            .list("listOperations", &[])
            .into_iter()
            .filter(|one| {
                one["tookms"].as_u64().is_some_and(|ms| u128::from(ms) > SLOW.as_millis())
            })
            .collect();
        let none: Option<()> = None;
        none.or_fail(&format!("recovered in {recovered_in:?} only; slow were {slow:#?}"));
    }
}
