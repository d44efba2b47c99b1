//! The configuration file as text.
//!
//! **Invariant:** when there is no file, the message says how to name one.

use std::fs;
use std::io;
use std::path::Path;
use std::str::Utf8Error;

use super::problem::{ConfigError, Place, Problem};
use super::report::Report;

/// Reads the file.
pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    let bytes = fs::read(path).map_err(|error| unreadable(path, &error))?;
    let text = std::str::from_utf8(&bytes).map_err(|error| not_utf8(path, &bytes, error))?;
    Ok(text.to_owned())
}

/// Says what to do about a file that cannot be read.
fn unreadable(path: &Path, error: &io::Error) -> ConfigError {
    let message = match error.kind() {
        io::ErrorKind::NotFound => {
            "no such file; name the configuration file with --config FILE or STORAGE_HOST_CONFIG, \
             or run where plugins.toml is"
                .to_owned()
        }
        _ => format!(
            "cannot read the configuration file: {error}; make it a file that this user may read"
        ),
    };
    let place = Place::WholeFile { path: path.to_path_buf() };
    ConfigError::single(Problem { place, subject: String::new(), message })
}

/// Says where a file stops to be text.
fn not_utf8(path: &Path, bytes: &[u8], error: Utf8Error) -> ConfigError {
    let valid_up_to = error.valid_up_to();
    let text = String::from_utf8_lossy(&bytes[..valid_up_to]);
    let place = Report::new(path, &text).place(valid_up_to);
    let message = "this byte is not UTF-8; save the file as UTF-8".to_owned();
    ConfigError::single(Problem { place, subject: String::new(), message })
}
