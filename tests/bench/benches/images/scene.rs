//! A staged host with an image store and a pool, and what is asked of it.

use crate::tools::Cost;
use anyhow::{Context, Result, bail};
use benches::api_client::{ApiClient, field};
use benches::host_process::{HostProcess, Installation};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Fields: the host last, so that its directory outlives it.
pub(crate) struct Scene {
    client: ApiClient,
    zone: String,
    pool: String,
    pool_directory: PathBuf,
    templates: Vec<String>,
    volumes: Vec<String>,
    snapshots: Vec<String>,
    pub(crate) host: HostProcess,
    _installation: Installation,
}

impl Scene {
    /// With templates from files below one directory, and its pool in another.
    pub(crate) async fn new(sources: &Path, pools: &Path) -> Result<Self> {
        let storage = format!(
            "[storage]\ndownload_allow = [\"127.0.0.1\"]\ndownload_directories = [{sources:?}]\n\
             expunge_delay = \"0s\"\nmax_image_bytes = 137438953472\n"
        );
        let plugins = "[[plugin]]\nname = \"filesystem\"\nkind = \"volume\"\n\
                       [[plugin]]\nname = \"nfs\"\nkind = \"image\"\n";
        let rows = format!("{storage}{plugins}");
        let installation =
            Installation::new(&rows, &["storage-volume-filesystem", "storage-image-nfs"])?;
        let host = installation.start()?;
        let mut client = ApiClient::connect(host.address, &host.credentials).await?;
        let zones = client.call("listZones", &[]).await?;
        let zone = field(&zones, "id").context("a zone")?.to_owned();
        let pool_directory = pools.join(format!("pool-{}", host.address.port()));
        std::fs::create_dir(&pool_directory)?;
        let url = format!("file://{}", pool_directory.display());
        let wish =
            [("name", "bench"), ("zoneid", &*zone), ("url", &*url), ("provider", "Filesystem")];
        let made = client.call("createStoragePool", &wish).await?;
        let pool = field(&made, "id").context("a pool")?.to_owned();
        let mut scene = Self {
            client,
            zone,
            pool,
            pool_directory,
            templates: Vec::new(),
            volumes: Vec::new(),
            snapshots: Vec::new(),
            host,
            _installation: installation,
        };
        scene
            .until("listImageStores", &[], |stores| Ok(stores.contains("\"state\":\"Up\"")))
            .await?;
        Ok(scene)
    }

    /// What something costs the host, and how long it takes.
    pub(crate) async fn cost(
        &mut self,
        what: impl AsyncFnOnce(&mut Self) -> Result<()>,
    ) -> Result<Cost> {
        let (cpu, begun) = (self.host.cpu()?, Instant::now());
        what(self).await?;
        let wall = begun.elapsed().as_secs_f64();
        Ok(Cost { wall, cpu: (self.host.cpu()? - cpu).as_secs_f64() })
    }

    /// Registers a template and waits until it is there.
    pub(crate) async fn register(&mut self, url: &str, format: &str) -> Result<()> {
        let wish = [
            ("name", "bench"),
            ("displaytext", "bench"),
            ("url", url),
            ("format", format),
            ("hypervisor", "KVM"),
            ("zoneid", &*self.zone.clone()),
        ];
        let made = self.client.call("registerTemplate", &wish).await?;
        let template = field(&made, "id").context("a template")?.to_owned();
        let which = [("templatefilter", "all"), ("id", &*template)];
        self.until("listTemplates", &which, |told| {
            let status = field(told, "status").unwrap_or_default();
            let goes_on = status.contains("Process") || status.contains('%');
            match told.contains("\"isready\":true") {
                false if !goes_on => bail!("{url}: {status}"),
                is_ready => Ok(is_ready),
            }
        })
        .await?;
        self.templates.push(template);
        Ok(())
    }

    pub(crate) fn last_template(&self) -> Result<String> {
        self.templates.last().cloned().context("a template")
    }

    /// Caches a template on the pool.
    pub(crate) async fn prepare(&mut self, template: &str) -> Result<()> {
        let wish = [
            ("templateid", template),
            ("zoneid", &*self.zone.clone()),
            ("storageid", &*self.pool.clone()),
        ];
        self.client.call("prepareTemplate", &wish).await?;
        Ok(())
    }

    /// Makes a volume from a template.
    pub(crate) async fn volume_of(&mut self, template: &str) -> Result<()> {
        let wish = [
            ("name", "bench"),
            ("templateid", template),
            ("zoneid", &*self.zone.clone()),
            ("storageid", &*self.pool.clone()),
        ];
        let volume = self.client.create("createVolume", &wish).await?;
        self.volumes.push(volume);
        Ok(())
    }

    pub(crate) async fn snapshot_of_last_volume(&mut self) -> Result<String> {
        let volume = self.volumes.last().cloned().context("a volume")?;
        let snapshot = self.client.create("createSnapshot", &[("volumeid", &volume)]).await?;
        self.snapshots.push(snapshot.clone());
        Ok(snapshot)
    }

    /// Copies a snapshot to the image store.
    pub(crate) async fn back_up(&mut self, snapshot: &str) -> Result<()> {
        let begun = self.client.call("backupSnapshot", &[("id", snapshot)]).await?;
        self.client.finish(&begun).await?;
        Ok(())
    }

    /// Deletes a template and whatever was made since the last time.
    pub(crate) async fn forget(&mut self, template: &str) -> Result<()> {
        for snapshot in std::mem::take(&mut self.snapshots) {
            let begun = self.client.call("deleteSnapshot", &[("id", &snapshot)]).await?;
            self.client.finish(&begun).await?;
        }
        for volume in std::mem::take(&mut self.volumes) {
            self.client.call("deleteVolume", &[("id", &volume)]).await?;
        }
        let begun = self.client.call("deleteTemplate", &[("id", template)]).await?;
        self.client.finish(&begun).await?;
        Ok(())
    }

    /// The bytes that the pool's files have on the disk.
    pub(crate) fn pool_bytes(&self) -> Result<u64> {
        let mut bytes = 0;
        let mut directories = vec![self.pool_directory.clone()];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory)? {
                let entry = entry?;
                let metadata = entry.metadata()?;
                bytes += metadata.blocks() * 512;
                if metadata.is_dir() {
                    directories.push(entry.path());
                }
            }
        }
        Ok(bytes)
    }

    async fn until(
        &mut self,
        command: &str,
        wish: &[(&str, &str)],
        holds: impl Fn(&str) -> Result<bool>,
    ) -> Result<()> {
        let begun = Instant::now();
        loop {
            let told = self.client.call(command, wish).await?;
            if holds(&told)? {
                return Ok(());
            }
            if begun.elapsed() > Duration::from_secs(600) {
                bail!("{command}: {told}");
            }
            // sleeps because the API does not tell of changes
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
