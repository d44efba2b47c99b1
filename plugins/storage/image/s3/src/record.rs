//! What is known of an object besides its bytes.
//!
//! Metadata is put with an object when it begins to come, and of one in parts the digest is known
//! only then it is all there. So the digest of such a one is in a record beside it, written before
//! the object is: it names the attempt that wrote it, and the object does, too. Invariant: a record
//! is believed of the very object that its attempt made.

use crate::s3::Object;
use std::collections::HashMap;
use storage_plugin_api::prelude::*;
use storage_plugin_api::serde_json;

/// A record is a few hundred bytes; whatever is larger is none.
pub(crate) const MAX_BYTES: usize = 64 << 10;

/// The names of what is put with an object.
const ATTEMPT: &str = "storage-attempt";
const VIRTUAL_SIZE: &str = "storage-virtual-size";
/// That of the digest, where it is known beforehand.
pub(crate) const DIGEST: &str = "storage-digest";

/// A record, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(crate = "storage_plugin_api::serde")]
pub(crate) struct Record {
    about: String,
    /// The name that users see, for whoever looks into the bucket.
    name: String,
    pub(crate) size: u64,
    /// The digest of the bytes, `{ALGORITHM}hex`.
    pub(crate) digest: String,
}

impl Record {
    /// The record of an object.
    pub(crate) fn new(object: &DataObject, size: u64, digest: &str) -> Self {
        let name = match object {
            DataObject::Template(template) => &template.unique_name,
            DataObject::Volume(volume) => &volume.name,
            DataObject::Snapshot(snapshot) => &snapshot.name,
            _ => "",
        };
        Self {
            about: "About the object beside this one. Nothing is lost with it.".to_owned(),
            name: name.to_owned(),
            size,
            digest: digest.to_owned(),
        }
    }

    /// As bytes.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn to_bytes(&self) -> PluginResult<Vec<u8>> {
        serde_json::to_vec_pretty(self).map_err(|error| {
            PluginError::internal("a record cannot be written as JSON").caused_by(&error)
        })
    }

    /// Reads bytes; what cannot be read is no record.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// The size of the disk in so many bytes of an object: what the host told, but of a raw one its own.
pub(crate) fn virtual_size_of(object: &DataObject, size: u64) -> u64 {
    let told = object.size_bytes();
    if object.format() == ImageFormat::Raw || told == 0 { size } else { told }
}

/// What is put with an object that an attempt writes.
pub(crate) fn metadata(object: &DataObject, attempt: Uuid, size: u64) -> HashMap<String, String> {
    let virtual_size = virtual_size_of(object, size);
    HashMap::from([
        (ATTEMPT.to_owned(), attempt.simple().to_string()),
        (VIRTUAL_SIZE.to_owned(), virtual_size.to_string()),
    ])
}

/// The attempt that wrote an object.
pub(crate) fn attempt(of: &Object) -> Option<Uuid> {
    of.metadata.get(ATTEMPT).and_then(|text| Uuid::try_parse(text).ok())
}

/// The virtual size that an object was written with.
pub(crate) fn virtual_size(of: &Object) -> Option<u64> {
    of.metadata.get(VIRTUAL_SIZE).and_then(|text| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_with_an_object_comes_back() {
        let mut template = TemplateInfo::new(Uuid::nil(), "a ü", ImageFormat::Qcow2, 7);
        let attempt = Uuid::new_v4();
        let put = |template: &TemplateInfo| {
            let metadata = metadata(&template.clone().into(), attempt, 5);
            Object { metadata, ..Object::default() }
        };
        let object = put(&template);
        assert_eq!((super::attempt(&object), virtual_size(&object)), (Some(attempt), Some(7)));
        template.format = ImageFormat::Raw;
        assert_eq!(virtual_size(&put(&template)), Some(5));
        let record = Record::new(&template.into(), 5, "{BLAKE3}00");
        assert_eq!(Record::parse(&record.to_bytes().unwrap()), Some(record));
        assert_eq!(Record::parse(b"nonsense"), None);
    }
}
