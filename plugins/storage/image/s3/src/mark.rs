//! The mark: the object by which a bucket says whose store it holds, since which epoch, and what
//! its server can do.
//!
//! One for each installation, so that several may share a bucket. It tells the right bucket from
//! one that was made anew under its name, and a host of today from one whose database is older than
//! what it did.

use crate::details::Place;
use crate::s3::{Bucket, PartChecksum, Payload, PutOptions};
use storage_plugin_api::bytes::Bytes;
use storage_plugin_api::prelude::*;
use storage_plugin_api::{PluginResult as Result, serde_json};

/// A mark is a few hundred bytes; whatever is larger is none.
const MAX_BYTES: usize = 64 << 10;

/// What a server was found to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(crate = "storage_plugin_api::serde", default)]
pub(crate) struct Features {
    /// It compares the CRC-64/NVME of parts.
    pub(crate) crc64nvme: bool,
    /// It lists the uploads that are not finished.
    pub(crate) lists_uploads: bool,
    /// It looks at `If-None-Match`.
    pub(crate) conditional_writes: bool,
}

impl Features {
    /// What the server is told of a part, besides its signature.
    pub(crate) const fn checksum(self, payload_signing: bool) -> PartChecksum {
        match (self.crc64nvme, payload_signing) {
            (true, _) => PartChecksum::Crc64Nvme,
            (false, true) => PartChecksum::None,
            (false, false) => PartChecksum::Md5,
        }
    }
}

/// What a mark says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(crate = "storage_plugin_api::serde")]
pub(crate) struct Mark {
    /// For whoever looks into the bucket.
    about: String,
    pub(crate) installation_id: String,
    pub(crate) store: Uuid,
    /// The newest epoch in which something was changed here.
    pub(crate) epoch: u64,
    #[serde(default)]
    pub(crate) features: Features,
    /// The bucket was made with the store, and goes with it.
    #[serde(default)]
    pub(crate) made_bucket: bool,
}

/// The key of an installation's mark.
pub(crate) fn key(installation: &str) -> String {
    format!(".storage-store.{installation}.json")
}

impl Mark {
    /// The mark of a new store.
    pub(crate) fn new(place: &Place, features: Features) -> Self {
        Self {
            about: "An image store of storage-host lies in this bucket. Without this object \
                    nothing here is used; do not copy it to another bucket."
                .to_owned(),
            installation_id: place.installation.clone(),
            store: place.store,
            epoch: place.epoch,
            features,
            made_bucket: false,
        }
    }

    /// The mark of this installation in a bucket, if it has one.
    pub(crate) async fn read(bucket: &Bucket, place: &Place) -> Result<Option<Self>> {
        let key = key(&place.installation);
        let Some(text) = bucket.get_small(&key, MAX_BYTES).await? else {
            return Ok(None);
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| {
            PluginError::corrupt(format!(
                "the mark {key:?} in {} cannot be read; if its text is lost, remove it and add the \
                 store again",
                place.url()
            ))
            .caused_by(&error)
        })
    }

    /// Puts the mark in place.
    pub(crate) async fn write(&self, bucket: &Bucket, place: &Place, only_new: bool) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(|error| {
            PluginError::internal("a mark cannot be written as JSON").caused_by(&error)
        })?;
        let options = PutOptions {
            content_type: Some("application/json".to_owned()),
            only_new: only_new && self.features.conditional_writes,
            ..PutOptions::default()
        };
        let key = key(&place.installation);
        bucket.put(&key, small(place, text), options).await.map(drop)
    }

    /// Puts a new mark in place, or keeps the one that is there already: of two hosts that add the
    /// store one is quicker, and of one the answer may have been lost.
    ///
    /// # Errors
    /// `AlreadyExists` where it is that of another store.
    pub(crate) async fn write_new(self, bucket: &Bucket, place: &Place) -> Result<Self> {
        match self.write(bucket, place, true).await {
            Err(error) if error.kind() == PluginErrorKind::Conflict => {
                let there = Self::read(bucket, place).await?.ok_or(error)?;
                there.check_owner(place).map(|()| there)
            }
            written => written.map(|()| self),
        }
    }

    /// Whether it is that of this store.
    pub(crate) fn is_of(&self, place: &Place) -> bool {
        self.store == place.store && self.installation_id == place.installation
    }

    /// Refuses a second store of one installation in one bucket.
    pub(crate) fn check_owner(&self, place: &Place) -> Result<()> {
        if self.is_of(place) {
            return Ok(());
        }
        Err(PluginError::already_exists(format!(
            "the bucket {} is that of the store {} of this installation, not of the store {}",
            place.url(),
            self.store,
            place.store
        )))
    }

    /// Refuses a host whose knowledge of the store is older than what was done here.
    pub(crate) fn check_epoch(&self, place: &Place) -> Result<()> {
        if self.epoch <= place.epoch {
            return Ok(());
        }
        Err(PluginError::conflict(format!(
            "a newer host owns this store: epoch {} in {}, ours is {}; this host's database is \
             older than the store and must not change it",
            self.epoch,
            place.url(),
            place.epoch
        ))
        .with("epoch", self.epoch))
    }
}

/// The error of a bucket that bears no mark.
pub(crate) fn missing(place: &Place) -> PluginError {
    PluginError::unavailable(format!(
        "the bucket {} does not bear the mark {:?} of the store {}: is it the right one, or was it \
         emptied?",
        place.url(),
        key(&place.installation),
        place.store
    ))
}

/// A few bytes of ours, with all that a server may compare.
pub(crate) fn small(place: &Place, text: Vec<u8>) -> Payload {
    Payload::new(vec![Bytes::from(text)], place.connection.payload_signing, PartChecksum::Md5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::details::tests::place;
    use crate::s3::stub::{answer, is, server};
    use storage_plugin_api::tokio;

    #[tokio::test]
    async fn a_new_mark_is_that_of_whoever_was_first() {
        let place = place(&[]).unwrap();
        let features = Features { conditional_writes: true, ..Features::default() };
        let ours = Mark::new(&place, features);
        let others = Mark { store: Uuid::new_v4(), ..ours.clone() };
        for (there, is_ours) in [(ours.clone(), true), (others, false)] {
            let text = serde_json::to_string(&there).unwrap();
            let (bucket, _) = server(move |head| match is(head, "PUT") {
                true => answer("412 Precondition Failed", "", ""),
                false => answer("200 OK", "", &text),
            });
            let written = ours.clone().write_new(&bucket, &place).await;
            match is_ours {
                true => assert_eq!(written.unwrap(), there),
                false => assert_eq!(written.unwrap_err().kind(), PluginErrorKind::AlreadyExists),
            }
        }
    }
}
