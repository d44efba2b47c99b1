//! Secrets at rest: the key, where it comes from, and the envelope that every secret is put in.
//!
//! What it is not: the type that hides a secret in memory; that is the contract's `Secret`.
//!
//! **Invariant:** an [`Envelope`] exists only with the key that sealed the database's secrets, or
//! with the first key of a database that has none yet.

mod envelope;
mod key;
mod key_file;

pub use key::{KeySource, SecretKey};

pub(super) use envelope::{Envelope, SealFault};

use std::{path::Path, sync::Arc};

use super::{OpenError, directory::Directory, hex, schema::meta};

/// What the proof of the key says, under its seal.
const PROOF: &[u8] = b"the key of this database";
const PROOF_PLACE: [&str; 2] = ["meta", meta::KEY_PROOF];

/// An envelope, and what the database must remember of it.
pub(super) struct Unlocked {
    /// The envelope.
    pub(super) envelope: Envelope,
    /// The first proof of the key, where the database has none: to be made durable before
    /// anything is sealed.
    pub(super) new_proof: Option<String>,
}

/// Gets the key, and proves it by the record of the database.
pub(super) fn unlock(
    directory: &Directory,
    source: &KeySource,
    proof: Option<&str>,
    database: &Path,
) -> Result<Unlocked, OpenError> {
    let damaged = || OpenError::DamagedRecord { path: database.to_owned(), name: meta::KEY_PROOF };
    let proof = match proof {
        Some(text) => Some(hex::decode(text).ok_or_else(damaged)?),
        None => None,
    };
    let needed = match &proof {
        Some(sealed) => Some(envelope::key_id_of(sealed).ok_or_else(damaged)?),
        None => None,
    };
    let envelope = match source {
        KeySource::Given(key) => Envelope::new(key),
        KeySource::File => Envelope::new(&key_file::load(directory, needed)?),
    };
    let Some(sealed) = proof else {
        let sealed = envelope
            .seal(&PROOF_PLACE, PROOF)
            .map_err(|source| OpenError::NoRandomness { source })?;
        let new_proof = Some(hex::encode(&sealed));
        return Ok(Unlocked { envelope, new_proof });
    };
    match envelope.open(&PROOF_PLACE, &sealed) {
        Ok(text) if *text == PROOF => Ok(Unlocked { envelope, new_proof: None }),
        Err(SealFault::OtherKey(needed)) => Err(OpenError::WrongKey {
            origin: source.origin(directory),
            given: envelope.key_id().to_string(),
            needed: needed.to_string(),
        }),
        Ok(_) | Err(SealFault::Broken) => Err(damaged()),
    }
}

/// The system drew no random numbers.
pub(super) fn no_randomness(error: getrandom::Error) -> OpenError {
    OpenError::NoRandomness { source: Arc::new(error) }
}
