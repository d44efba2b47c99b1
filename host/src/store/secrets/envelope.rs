//! The envelope around each secret of the database: AES-256-GCM, bound to the secret's place.
//!
//! A sealed value is: version (1 byte, 1), key id (8), nonce (12, random), sealed text and tag
//! (16 more than the text). What it is bound to: version and key id, and each field of the place
//! with its length before it.
//!
//! What it is not: compression, padding (the length of a secret shows), or a change of keys; for
//! that the key id is there. A key with random nonces is good for 2^32 values.
//!
//! **Invariant:** a value opens with the key and at the place it was sealed with, or not at all.

use std::{error::Error, fmt, sync::Arc};

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::key::SecretKey;
use crate::store::{Cause, hex};

const VERSION: u8 = 1;
const KEY_ID_BYTES: usize = 8;
const NONCE_BYTES: usize = 12;
const HEADER_BYTES: usize = 1 + KEY_ID_BYTES;
const KEY_ID_DOMAIN: &[u8] = b"storage-host secret key id\0";

/// Which key sealed a value: a digest of it, which tells nothing about the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct KeyId([u8; KEY_ID_BYTES]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

/// Why a sealed value does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum SealFault {
    /// Another key sealed it.
    OtherKey(KeyId),
    /// It was changed, or it was sealed for another place.
    Broken,
}

/// Seals and opens with one key.
pub(in crate::store) struct Envelope {
    cipher: Aes256Gcm,
    key_id: KeyId,
}

impl Envelope {
    /// An envelope with a key.
    pub(super) fn new(key: &SecretKey) -> Self {
        let digest =
            Sha256::new().chain_update(KEY_ID_DOMAIN).chain_update(key.expose()).finalize();
        let mut key_id = [0; KEY_ID_BYTES];
        key_id.copy_from_slice(&digest[..KEY_ID_BYTES]);
        Self { cipher: Aes256Gcm::new(key.expose().into()), key_id: KeyId(key_id) }
    }

    /// Which key it has.
    pub(in crate::store) fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// Seals a text for a place.
    pub(in crate::store) fn seal(&self, place: &[&str], text: &[u8]) -> Result<Vec<u8>, Cause> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(cause)?;
        let mut sealed = vec![VERSION];
        sealed.extend_from_slice(&self.key_id.0);
        let aad = bound(&sealed, place);
        let payload = Payload { msg: text, aad: &aad };
        let text = self.cipher.encrypt(&nonce.into(), payload).map_err(cause)?;
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&text);
        Ok(sealed)
    }

    /// Opens what was sealed for a place.
    pub(in crate::store) fn open(
        &self,
        place: &[&str],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealFault> {
        match key_id_of(sealed) {
            Some(key_id) if key_id == self.key_id => {}
            Some(other) => return Err(SealFault::OtherKey(other)),
            None => return Err(SealFault::Broken),
        }
        let (header, rest) = sealed.split_at(HEADER_BYTES);
        let (nonce, text) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(SealFault::Broken)?;
        let payload = Payload { msg: text, aad: &bound(header, place) };
        self.cipher
            .decrypt(nonce.into(), payload)
            .map(Zeroizing::new)
            .map_err(|_| SealFault::Broken)
    }
}

fn cause(error: impl Error + Send + Sync + 'static) -> Cause {
    Arc::new(error)
}

/// Which key sealed a value; `None` when it is no sealed value of a known version.
pub(super) fn key_id_of(sealed: &[u8]) -> Option<KeyId> {
    match sealed.split_first()? {
        (&VERSION, rest) => rest.first_chunk().copied().map(KeyId),
        _ => None,
    }
}

/// What a value is bound to. The lengths keep `ab`, `c` apart from `a`, `bc`.
fn bound(header: &[u8], place: &[&str]) -> Vec<u8> {
    let mut aad = header.to_vec();
    for field in place {
        aad.extend_from_slice(&(field.len() as u64).to_be_bytes());
        aad.extend_from_slice(field.as_bytes());
    }
    aad
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(key: u8) -> Envelope {
        Envelope::new(&[key; 32].into())
    }

    #[test]
    fn a_value_opens_where_it_was_sealed() {
        for text in [&b""[..], b"secret", &[0; 70_000]] {
            let sealed = envelope(1).seal(&["a", "b"], text).unwrap();
            assert_eq!(*envelope(1).open(&["a", "b"], &sealed).unwrap(), text);
        }
    }

    #[test]
    fn it_opens_at_no_other_place() {
        let sealed = envelope(1).seal(&["ab", "c"], b"secret").unwrap();
        for place in [&["a", "bc"][..], &["ab", "d"], &["ab", "c", ""], &["abc"], &[]] {
            assert_eq!(
                envelope(1).open(place, &sealed).map(|_| ()),
                Err(SealFault::Broken),
                "{place:?}"
            );
        }
    }

    #[test]
    fn every_byte_counts() {
        let sealed = envelope(1).seal(&["a"], b"secret").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(envelope(1).open(&["a"], &changed).is_err(), "byte {at}");
            assert!(envelope(1).open(&["a"], &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn another_key_is_told_apart_from_damage() {
        let sealed = envelope(1).seal(&["a"], b"secret").unwrap();
        assert_eq!(
            envelope(2).open(&["a"], &sealed).map(|_| ()),
            Err(SealFault::OtherKey(envelope(1).key_id()))
        );
    }

    #[test]
    fn the_same_text_never_looks_the_same() {
        let seal = || envelope(1).seal(&["a"], b"secret").unwrap();
        assert_ne!(seal(), seal());
    }
}
