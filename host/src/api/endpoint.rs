//! Where the host of a data directory serves: a file for the CLI, there while the host is.

use super::private_file::write_json;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// The name of the file in the data directory.
pub const FILE_NAME: &str = "endpoint.json";

/// Where a host serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The URL of the API.
    pub api: String,
    /// The URL of the console.
    pub console: String,
    /// The host's process.
    pub pid: u32,
}

/// Why the file cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path:?}: {source}")]
pub struct EndpointError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl EndpointError {
    /// There is no such file: no host serves.
    pub fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }
}

impl Endpoint {
    /// Where this process serves, at an address that it listens on.
    pub fn of(listen: SocketAddr) -> Self {
        let ip = match listen.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        let address = SocketAddr::new(ip, listen.port());
        Self {
            api: format!("http://{address}/client/api"),
            console: format!("http://{address}/"),
            pid: std::process::id(),
        }
    }

    /// Its host and port.
    pub(super) fn address(&self) -> String {
        self.console.trim_start_matches("http://").trim_end_matches('/').to_owned()
    }
}

/// Says where this process serves. To be called once it does.
///
/// # Errors
/// The file cannot be written.
pub fn write(data_dir: &Path, listen: SocketAddr) -> Result<Endpoint, EndpointError> {
    let path = data_dir.join(FILE_NAME);
    let endpoint = Endpoint::of(listen);
    match write_json(&path, 0o644, &endpoint) {
        Ok(()) => Ok(endpoint),
        Err(source) => Err(EndpointError { action: "write", path, source }),
    }
}

/// Reads where the host of a data directory serves.
///
/// # Errors
/// There is no file, or it cannot be read.
pub fn read(data_dir: &Path) -> Result<Endpoint, EndpointError> {
    let path = data_dir.join(FILE_NAME);
    let endpoint = fs::read_to_string(&path)
        .and_then(|text| serde_json::from_str(&text).map_err(io::Error::from));
    endpoint.map_err(|source| EndpointError { action: "read", path, source })
}

/// Takes back that this process serves; leaves what another process wrote.
///
/// # Errors
/// The file cannot be removed.
pub fn remove(data_dir: &Path) -> Result<(), EndpointError> {
    if !read(data_dir).is_ok_and(|endpoint| endpoint.pid == std::process::id()) {
        return Ok(());
    }
    let path = data_dir.join(FILE_NAME);
    match fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(EndpointError { action: "remove", path, source })
        }
        _ => Ok(()),
    }
}
