//! The metadata record that every plugin's library carries in a section of its own, so that the
//! host can tell what a file is without running any of its code.

/// The link section of the record.
pub const MAGIC: &str = "STORAGE-PLUGIN-METADATA\0";

/// How many bytes the record of these texts takes.
pub const fn length(parts: &[&str]) -> usize {
    let mut total = 0;
    let mut at = 0;
    while at < parts.len() {
        total += parts[at].len();
        at += 1;
    }
    total
}

/// The texts, one after the other, as the bytes of a static.
pub const fn join<const LENGTH: usize>(parts: &[&str]) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    let mut filled = 0;
    let mut at = 0;
    while at < parts.len() {
        let part = parts[at].as_bytes();
        let mut byte = 0;
        while byte < part.len() {
            bytes[filled] = part[byte];
            filled += 1;
            byte += 1;
        }
        at += 1;
    }
    bytes
}
