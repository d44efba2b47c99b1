//! Words that nobody guesses: what opens a link, what signs an upload.

use crate::model::Failure;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use storage_plugin_api::PluginErrorKind;

/// 256 random bits, in hexadecimal.
///
/// # Errors
/// `Internal`: the system drew no random numbers.
pub(super) fn random_word() -> Result<String, Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::new(PluginErrorKind::Internal, format!("no random numbers can be had: {error}"))
    })?;
    Ok(hex(&bytes))
}

/// What is kept of a word to find it by: its SHA-256, in hexadecimal.
pub(super) fn hash_of(word: &str) -> String {
    hex(&Sha256::digest(word))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_long_and_no_two_are_the_same() {
        let (one, other) = (random_word().unwrap(), random_word().unwrap());
        assert_ne!(one, other);
        assert!(one.len() == 64 && one.chars().all(|c| c.is_ascii_hexdigit()), "{one}");
        assert_eq!(
            hash_of("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
