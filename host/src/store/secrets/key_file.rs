//! The file `secret.key`: made once, read at each start, refused when others can see it.
//!
//! What it is not: a key store. There is one key; who wants another restores or re-enters what it
//! sealed.
//!
//! **Invariant:** the file is there wholly or not at all, and it is never made while something is
//! sealed with a key that is lost.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use zeroize::Zeroizing;

use super::{envelope::KeyId, key::SecretKey, no_randomness};
use crate::store::{
    OpenError,
    directory::{Directory, io_error},
};

/// The name of the file in the data directory.
pub(super) const NAME: &str = "secret.key";
/// It has this name until it is complete.
const UNFINISHED: &str = "secret.key.new";
/// Permission bits: the group or others may do anything.
const OPEN_TO_OTHERS: u32 = 0o077;
/// More is surely another file.
const LONGEST_FILE: u64 = 4096;

/// The key of the file. A new one is made unless one is `needed`.
pub(super) fn load(directory: &Directory, needed: Option<KeyId>) -> Result<SecretKey, OpenError> {
    let path = directory.file(NAME);
    match File::open(&path) {
        Ok(file) => read(file, &path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match needed {
            Some(key_id) => Err(OpenError::MissingKey { path, key_id: key_id.to_string() }),
            None => create(directory, &path),
        },
        Err(error) => Err(io_error("open secret key", &path)(error)),
    }
}

fn read(file: File, path: &Path) -> Result<SecretKey, OpenError> {
    let error = || io_error("read secret key", path);
    // Asked of the open file: the name may mean another one by now.
    let mode = file.metadata().map_err(error())?.permissions().mode() & 0o7777;
    if mode & OPEN_TO_OTHERS != 0 {
        let path = path.to_owned();
        return Err(OpenError::ExposedKey { path, mode });
    }
    let malformed = || OpenError::MalformedKey { path: path.to_owned() };
    // Long enough from the start: growing would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_FILE as usize + 1));
    file.take(LONGEST_FILE).read_to_end(&mut bytes).map_err(error())?;
    let text = str::from_utf8(&bytes).map_err(|_| malformed())?;
    SecretKey::from_hex(text).ok_or_else(malformed)
}

fn create(directory: &Directory, path: &Path) -> Result<SecretKey, OpenError> {
    let key = SecretKey::generate().map_err(no_randomness)?;
    write(directory, &key, path).map_err(io_error("create secret key", path))?;
    directory.sync()?;
    log::info!("created secret key {path:?}; back it up together with the database");
    Ok(key)
}

fn write(directory: &Directory, key: &SecretKey, path: &Path) -> io::Result<()> {
    let unfinished = directory.file(UNFINISHED);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = directory.create_private(UNFINISHED)?;
    file.write_all(key.to_hex().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}
