//! A host's directory: `plugins.toml`, the libraries it names, the data.

use crate::artifacts::{self, file_name, host_binary};
use crate::fail::OrFail;
use crate::host::{Ended, Host};
use crate::process::Running;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use toml::{Table, Value};

/// One row of `plugins.toml`, and the library it means.
#[derive(Debug, Clone)]
pub struct Row {
    name: String,
    library: Option<PathBuf>,
    keys: Table,
    settings: Table,
}

impl Row {
    /// A row without a library: the test puts a file there itself, or none.
    pub fn new(name: &str) -> Self {
        let mut keys = Table::new();
        keys.insert("name".to_owned(), name.into());
        keys.insert("kind".to_owned(), "volume".into());
        Self { name: name.to_owned(), library: None, keys, settings: Table::new() }
    }

    /// A row with a copy of this library.
    pub fn with(name: &str, library: &Path) -> Self {
        Self { library: Some(library.to_owned()), ..Self::new(name) }
    }

    /// A row with the plugin of the workspace that is called `storage-volume-<of>`.
    pub fn of(name: &str, of: &str) -> Self {
        Self::with(name, &artifacts::library(&format!("storage-volume-{of}")))
    }

    /// A row with the image plugin of the workspace that is called `storage-image-<of>`.
    pub fn image(name: &str, of: &str) -> Self {
        let library = artifacts::library(&format!("storage-image-{of}"));
        Self::with(name, &library).key("kind", "image")
    }

    /// A row with the plugin that misbehaves.
    pub fn fault(name: &str) -> Self {
        Self::of(name, "fault")
    }

    /// Sets a key of the row.
    #[must_use]
    pub fn key(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.keys.insert(key.to_owned(), value.into());
        self
    }

    /// Puts the plugin into a process of its own.
    #[must_use]
    pub fn isolated(self) -> Self {
        self.key("isolation", "process")
    }

    /// Sets one of the plugin's settings.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.settings.insert(key.to_owned(), value.into());
        self
    }

    fn kind(&self) -> &str {
        self.keys.get("kind").and_then(Value::as_str).unwrap_or("volume")
    }

    /// Where its library lies, below the directory of plugins.
    fn library_path(&self) -> PathBuf {
        let name = format!("storage_{}_{}", self.kind(), self.name.replace('-', "_"));
        Path::new(self.kind()).join(file_name(&name))
    }

    fn to_toml(&self) -> Table {
        let mut table = self.keys.clone();
        if !self.settings.is_empty() {
            table.insert("settings".to_owned(), Value::Table(self.settings.clone()));
        }
        table
    }
}

/// A directory in which a host can be started, again and again.
#[derive(Debug)]
pub struct Installation {
    // Shared with its hosts: none must lose the ground it stands on.
    directory: Arc<tempfile::TempDir>,
    host: Table,
    storage: Table,
    rows: Vec<Row>,
    variables: Vec<(String, String)>,
}

impl Installation {
    /// An installation without plugins; its host listens on a free port.
    pub fn new() -> Self {
        let directory = tempfile::tempdir().or_fail("make a directory");
        for kind in ["image", "volume"] {
            let kind = directory.path().join("plugins").join(kind);
            fs::create_dir_all(kind).or_fail("make a directory");
        }
        let host = Table::from_iter([
            ("listen".to_owned(), "127.0.0.1:0".into()),
            ("plugin_dir".to_owned(), "plugins".into()),
        ]);
        Self {
            directory: Arc::new(directory),
            host,
            storage: Table::new(),
            rows: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// One with the plugin `null`, which works: whatever else is wrong must not disturb it.
    pub fn with_null() -> Self {
        Self::new().row(Row::of("null", "null"))
    }

    /// Adds a row and installs its library.
    #[must_use]
    pub fn row(mut self, row: Row) -> Self {
        if let Some(library) = &row.library {
            let path = self.file("plugins").join(row.library_path());
            fs::copy(library, path).or_fail("copy a library");
        }
        self.rows.push(row);
        self
    }

    /// Adds rows.
    #[must_use]
    pub fn rows(self, rows: impl IntoIterator<Item = Row>) -> Self {
        rows.into_iter().fold(self, Self::row)
    }

    /// Replaces a row of the same name; its library stays.
    pub fn replace_row(&mut self, row: Row) {
        let old = self.rows.iter_mut().find(|old| old.name == row.name).or_fail("such a row");
        *old = row;
    }

    /// Enables or disables a row.
    pub fn enable(&mut self, row: &str, enabled: bool) {
        let row = self.rows.iter_mut().find(|one| one.name == row).or_fail("such a row");
        row.keys.insert("enabled".to_owned(), enabled.into());
    }

    /// Sets a key of `[host]`.
    #[must_use]
    pub fn host_key(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.host.insert(key.to_owned(), value.into());
        self
    }

    /// Sets a key of `[storage]`.
    #[must_use]
    pub fn storage_key(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.storage.insert(key.to_owned(), value.into());
        self
    }

    /// Takes a key of `[host]` away.
    #[must_use]
    pub fn without_host_key(mut self, key: &str) -> Self {
        self.host.remove(key);
        self
    }

    /// Sets a variable of the host's environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// Where everything is.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A path in here.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// The file that the row of this name, of a volume plugin, means.
    pub fn library(&self, row: &str) -> PathBuf {
        self.file("plugins").join(Row::new(row).library_path())
    }

    /// The host's data.
    pub fn data_dir(&self) -> PathBuf {
        self.file("data")
    }

    /// The host's binary with this configuration, and nothing of the test's own environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let rows = self.rows.iter().map(|row| Value::Table(row.to_toml())).collect();
        let mut document = Table::new();
        document.insert("host".to_owned(), Value::Table(self.host.clone()));
        if !self.storage.is_empty() {
            document.insert("storage".to_owned(), Value::Table(self.storage.clone()));
        }
        document.insert("plugin".to_owned(), Value::Array(rows));
        let config = self.file("plugins.toml");
        fs::write(&config, document.to_string()).or_fail("write plugins.toml");

        let mut command = Command::new(host_binary());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("STORAGE_HOST_") {
                command.env_remove(name);
            }
        }
        command.current_dir(self.path()).arg("--config").arg(config);
        command.args(arguments);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts a host and waits until it serves.
    #[track_caller]
    pub fn start(&self) -> Host {
        Host::new(self.launch(), self.data_dir(), Arc::clone(&self.directory))
    }

    /// Starts a host without waiting for anything.
    pub fn launch(&self) -> Running {
        Running::start(&mut self.command(&["run"]))
    }

    /// Starts a host that does not come to serve, and waits for its end.
    #[track_caller]
    pub fn start_and_fail(&self) -> Ended {
        let (status, said) = self.launch().wait();
        Ended { code: status.code(), out: String::new(), err: said }
    }

    /// Runs a verb of the command line to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(&mut self.command(arguments))
    }
}

impl Default for Installation {
    fn default() -> Self {
        Self::new()
    }
}
