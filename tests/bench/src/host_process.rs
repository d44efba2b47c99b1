//! A staged host in a directory of its own.

use anyhow::{Context, bail};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use storage_host::api::credentials::{self, Credentials};
use storage_host::api::endpoint;

/// An installation: a configuration, libraries, a data directory.
#[derive(Debug)]
pub struct Installation {
    directory: tempfile::TempDir,
}

/// A host that serves. Killed when dropped.
#[derive(Debug)]
pub struct HostProcess {
    child: Child,
    /// Where its API is.
    pub address: SocketAddr,
    /// Who may call it.
    pub credentials: Credentials,
    /// From the start of the process until it served.
    pub started_in: Duration,
}

impl Installation {
    /// With these rows of plugins.toml after those of `[host]`, and these packages' libraries.
    ///
    /// # Errors
    /// A library that was not built.
    pub fn new(rows: &str, packages: &[&str]) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        for package in packages {
            let kind = if package.starts_with("storage-image-") { "image" } else { "volume" };
            let plugins = directory.path().join("plugins/storage").join(kind);
            std::fs::create_dir_all(&plugins)?;
            let library = crate::library(package);
            let name = library.file_name().context("a library has a name")?;
            std::fs::copy(&library, plugins.join(name))?;
        }
        let host = "[host]\nlisten = \"127.0.0.1:0\"\nlog = \"error\"\n";
        std::fs::write(directory.path().join("plugins.toml"), format!("{host}{rows}"))?;
        Ok(Self { directory })
    }

    /// A directory in it, made if it is missing.
    ///
    /// # Errors
    /// The file system's.
    pub fn directory(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.directory.path().join(name);
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }

    /// Its data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Starts the host and waits until it serves.
    ///
    /// # Errors
    /// A host that ends, or does not serve within a minute.
    pub fn start(&self) -> anyhow::Result<HostProcess> {
        let begun = Instant::now();
        let mut child = Command::new(crate::host_executable())
            .current_dir(self.directory.path())
            .stdout(Stdio::null())
            .spawn()?;
        let address = match self.wait_for(&mut child, begun) {
            Ok(address) => address,
            Err(error) => {
                child.kill().ok();
                return Err(error);
            }
        };
        let started_in = begun.elapsed();
        let credentials = credentials::load(&self.data_dir())?;
        Ok(HostProcess { child, address, credentials, started_in })
    }

    #[expect(clippy::disallowed_methods, reason = "a file does not tell that it was written")]
    fn wait_for(&self, child: &mut Child, begun: Instant) -> anyhow::Result<SocketAddr> {
        loop {
            if let Ok(found) = endpoint::read(&self.data_dir())
                && found.pid == child.id()
            {
                let api = found.api.trim_start_matches("http://");
                return Ok(api.split('/').next().unwrap_or_default().parse()?);
            }
            if child.try_wait()?.is_some() || begun.elapsed() > Duration::from_secs(60) {
                bail!("the host did not start");
            }
            // sleeps because a file does not tell that it was written
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl HostProcess {
    /// Its resident memory in KiB.
    pub fn resident_kib(&self) -> u64 {
        status(self.child.id(), "VmRSS:")
    }

    /// The most memory that was ever resident, in KiB.
    pub fn peak_kib(&self) -> u64 {
        status(self.child.id(), "VmHWM:")
    }

    /// The processor time it has used, all threads.
    ///
    /// # Errors
    /// A process that is gone.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, fields) = stat.rsplit_once(") ").context("a stat line")?;
        let fields: Vec<&str> = fields.split(' ').collect();
        let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        // USER_HZ is 100 on every Linux there is.
        Ok(Duration::from_millis(ticks * 10))
    }
}

impl Drop for HostProcess {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn status(pid: u32, key: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0)
}
