//! The credentials of the first account, made once for each data directory.
//!
//! **Invariant:** the file is its owner's alone. One that others may read is refused, not
//! repaired: who knows who has read it.

use super::private_file::write_json;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use storage_plugin_api::Secret;

/// The name of the file in the data directory.
pub const FILE_NAME: &str = "credentials.json";

/// Who may use the API. `Debug` hides what is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The account.
    pub username: String,
    /// Its password, for people.
    pub password: Secret,
    /// Its key, for programs.
    pub apikey: String,
    /// The secret to sign with.
    pub secretkey: Secret,
}

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The file cannot be read.
    #[error("cannot read {path:?}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {path:?}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others may read the file.
    #[error(
        "{path:?} is open to others (mode {mode:o}): run `chmod 600` on it, or remove it to get \
         new credentials"
    )]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file holds something else.
    // Without the parser's own text, which quotes the file.
    #[error(
        "{path:?} holds no credentials (line {line}): restore it, or remove it to get new \
         credentials"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where it stops making sense.
        line: usize,
    },
    /// The system has no random numbers to give.
    #[error("cannot make new credentials: the system gives no random numbers: {0}")]
    NoRandomness(getrandom::Error),
}

/// Reads the credentials of a data directory, or makes them.
///
/// # Errors
/// The file is open to others, cannot be read, or cannot be written.
pub fn load_or_create(data_dir: &Path) -> Result<Credentials, CredentialsError> {
    match load(data_dir) {
        Err(CredentialsError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            create(data_dir)
        }
        other => other,
    }
}

/// Reads the credentials of a data directory.
///
/// # Errors
/// The file is open to others, or cannot be read.
pub fn load(data_dir: &Path) -> Result<Credentials, CredentialsError> {
    let path = data_dir.join(FILE_NAME);
    let (mode, text) =
        read(&path).map_err(|source| CredentialsError::Read { path: path.clone(), source })?;
    if mode & 0o077 != 0 {
        return Err(CredentialsError::OpenToOthers { path, mode });
    }
    serde_json::from_str(&text)
        .map_err(|error| CredentialsError::Malformed { path, line: error.line() })
}

fn read(path: &Path) -> io::Result<(u32, String)> {
    let mut file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode() & 0o7777;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok((mode, text))
}

fn create(data_dir: &Path) -> Result<Credentials, CredentialsError> {
    let credentials = generate().map_err(CredentialsError::NoRandomness)?;
    let path = data_dir.join(FILE_NAME);
    write_json(&path, 0o600, &credentials)
        .map_err(|source| CredentialsError::Write { path, source })?;
    Ok(credentials)
}

fn generate() -> Result<Credentials, getrandom::Error> {
    Ok(Credentials {
        username: "admin".to_owned(),
        password: Secret::new(random::<18>()?),
        apikey: random::<64>()?,
        secretkey: Secret::new(random::<64>()?),
    })
}

/// So many random bytes, in letters, digits, `-` and `_`.
fn random<const BYTES: usize>() -> Result<String, getrandom::Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
