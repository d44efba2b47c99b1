//! Records as bytes: MessagePack with field names, the same in the library and on the socket.
//!
//! Named fields make records self-describing: an unknown one is skipped, a missing one gets its
//! default, so records grow without a new layout.

use super::bytes::FfiBytes;
use super::decoder::Decoder;
use super::encoder::Encoder;
use crate::error::{PluginError, PluginResult};
use serde::de::DeserializeOwned;
use serde::{Serialize, de, ser};
use std::any::Any;
use std::fmt;

/// The encoding of nothing, which is not sent.
const NOTHING: &[u8] = &[0xc0];

/// A record as bytes; `()` as no bytes at all.
pub fn encode<T: Serialize>(record: &T) -> PluginResult<Vec<u8>> {
    if size_of::<T>() == 0 {
        return Ok(Vec::new());
    }
    // A full record is somewhat longer encoded than it is in memory. Up to about a kilobyte an
    // allocator gives memory out fastest.
    let mut encoder = Encoder::with_capacity((size_of::<T>() * 3 / 2).clamp(16, 1024));
    match record.serialize(&mut encoder) {
        Ok(()) => Ok(encoder.into_bytes()),
        Err(error) => Err(unreadable("encode", std::any::type_name::<T>(), &error)),
    }
}

/// An answer as bytes. Many are a mere yes or no, and those bytes are constants.
pub fn encode_answer<T: Serialize + Any>(answer: &T) -> PluginResult<FfiBytes> {
    match (answer as &dyn Any).downcast_ref() {
        Some(true) => Ok(FfiBytes::constant(&[0xc3])),
        Some(false) => Ok(FfiBytes::constant(&[0xc2])),
        None => encode(answer).map(FfiBytes::from),
    }
}

/// A record from bytes.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> PluginResult<T> {
    let bytes = if size_of::<T>() == 0 { NOTHING } else { bytes };
    T::deserialize(&mut Decoder::new(bytes))
        .map_err(|error| unreadable("decode", std::any::type_name::<T>(), &error))
}

#[cold]
fn unreadable(verb: &str, record: &str, why: &RecordError) -> PluginError {
    PluginError::internal(format!("cannot {verb} a {record}")).caused_by(why)
}

/// Why bytes are not the record they should be. Small, since every step of a decoder returns it.
#[derive(Debug)]
pub struct RecordError(Box<str>);

impl RecordError {
    #[cold]
    pub fn new(what: impl fmt::Display) -> Self {
        Self(what.to_string().into())
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RecordError {}

impl de::Error for RecordError {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self::new(what)
    }
}

impl ser::Error for RecordError {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self::new(what)
    }
}

/// Serde for `Bytes` as a byte string rather than a list of numbers.
pub mod bytes_as_bytes {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        Bytes::deserialize(deserializer)
    }
}
