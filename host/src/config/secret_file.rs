//! Secrets kept in files: `secret_key_file = "PATH"` sets `secret_key` to what the file holds.
//!
//! What it is not: it looks at the top level of `settings` only; deeper keys are the provider's.
//!
//! **Invariant:** a secret that others on the machine can read is refused, so that a mistake in
//! its mode is found before it is used.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;

use super::keys::subject_of;
use super::report::Report;
use super::settings::{Setting, Settings, SettingsDraft};

/// The ending of a key that names a file instead of holding the secret.
pub(super) const SUFFIX: &str = "_file";

/// Longest secret; more is surely the wrong file.
const MAX_BYTES: u64 = 64 * 1024;

/// Reads the files that the settings name; relative paths start at `base`.
pub(super) fn resolve(
    mut draft: SettingsDraft,
    base: &Path,
    subject: &str,
    report: &mut Report<'_>,
) -> Settings {
    let is_file = |key: &&String| twin(key).is_some();
    let keys: Vec<String> = draft.0.keys().filter(is_file).cloned().collect();
    for key in keys {
        let Some(own) = twin(&key).map(str::to_owned) else {
            continue;
        };
        let Some(Setting { value, place }) = draft.0.remove(&key) else {
            continue;
        };
        let Value::String(path) = value else {
            // No path: the key is the provider's own, as its schema will tell.
            draft.0.insert(key, Setting { value, place });
            continue;
        };
        let secret = match draft.0.contains_key(&own) {
            true => Err(format!("settings.{own} is given too; keep one of the two")),
            false => read(&base.join(path)),
        };
        match secret {
            Ok(secret) => {
                draft.0.insert(own, Setting { value: Value::String(secret), place });
            }
            Err(message) => {
                report.push(place, subject_of(subject, &format!("settings.{key}")), message);
            }
        }
    }
    draft.into_settings()
}

/// Returns the key whose secret a `_file` key names.
pub(super) fn twin(key: &str) -> Option<&str> {
    key.strip_suffix(SUFFIX).filter(|own| !own.is_empty())
}

/// Reads one secret.
fn read(path: &Path) -> Result<String, String> {
    let shown = path.display();
    // The kind is asked before opening: to open a pipe would wait for its writer.
    let kind = fs::metadata(path).map_err(|error| unreadable(&error))?;
    if !kind.is_file() {
        return Err(format!("\"{shown}\" is not a file; name the file that holds the secret"));
    }
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    if open_to_others(&file).map_err(|error| unreadable(&error))? {
        return Err(format!("others can read \"{shown}\"; run: chmod 600 \"{shown}\""));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("\"{shown}\" holds more than 64 KiB; name a file with the secret"));
    }
    let secret = String::from_utf8(bytes)
        .map_err(|_| format!("\"{shown}\" is not UTF-8; write the secret as text"))?;
    let secret = match secret.strip_suffix('\n') {
        Some(line) => line.strip_suffix('\r').unwrap_or(line),
        None => &secret,
    };
    if secret.is_empty() {
        return Err(format!("\"{shown}\" is empty; write the secret into it"));
    }
    Ok(secret.to_owned())
}

/// Says why a file was not read. The path stays out: people paste the secret itself here.
fn unreadable(error: &io::Error) -> String {
    format!(
        "cannot read the file: {error}; write the path of a file with the secret, relative to the \
         directory of the configuration file or absolute"
    )
}

/// Tells whether anyone but the owner can read or change the file.
#[cfg(unix)]
fn open_to_others(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(file.metadata()?.permissions().mode() & 0o066 != 0)
}

/// Tells whether anyone but the owner can read or change the file.
#[cfg(not(unix))]
fn open_to_others(_: &File) -> io::Result<bool> {
    Ok(false)
}
