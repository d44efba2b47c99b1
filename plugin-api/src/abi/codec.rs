//! Records as bytes: MessagePack with field names, the same in the library and on the socket.
//!
//! Named fields make records self-describing: an unknown one is skipped, a missing one gets its
//! default, so records grow without a new layout.

use super::decoder::Decoder;
use crate::error::{PluginError, PluginResult};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The encoding of nothing, which is not sent.
const NOTHING: &[u8] = &[0xc0];

/// A record as bytes; `()` as no bytes at all.
pub fn encode<T: Serialize>(record: &T) -> PluginResult<Vec<u8>> {
    if size_of::<T>() == 0 {
        return Ok(Vec::new());
    }
    // Records are about as long encoded as they are in memory.
    let mut buffer = Vec::with_capacity(size_of::<T>().clamp(16, 1024));
    record
        .serialize(&mut rmp_serde::Serializer::new(&mut buffer).with_struct_map())
        .map_err(|error| PluginError::internal("cannot encode a record").caused_by(&error))?;
    Ok(buffer)
}

/// A record from bytes.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> PluginResult<T> {
    let bytes = if size_of::<T>() == 0 { NOTHING } else { bytes };
    T::deserialize(&mut Decoder::new(bytes)).map_err(|error| {
        PluginError::internal(format!("cannot decode a {}", std::any::type_name::<T>()))
            .caused_by(&error)
    })
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
