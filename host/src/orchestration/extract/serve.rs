//! The bytes behind a link, as this host serves them.
//!
//! **Invariant:** no byte leaves after what the link leads to began to change or to go: that is
//! looked at before each piece, so a download that came to its end is of one state of the object.

use super::origin;
use crate::jobs::StepError;
use crate::model::{
    ExtractLink, Failure, Instance, ObjectInStoreState, RecordKind, Snapshot, SnapshotState,
    Stored, Template, TemplateState, Volume, VolumeState,
};
use crate::motion::{ObjectRead, RandomRead};
use crate::orchestration::random_word::hash_of;
use crate::store::{Filter, now_us};
use bytes::Bytes;
use std::ops::Range;
use std::time::Duration;
use storage_plugin_api::{CHUNK_BYTES, CallContext};
use tokio::sync::mpsc::Sender;
use uuid::Uuid;

/// How long whoever downloads may take for one piece.
const STALLED: Duration = Duration::from_secs(60);

/// A link that was opened.
#[derive(Debug, Clone)]
pub struct Opened {
    link: Stored<ExtractLink>,
    object: Condition,
}

/// What tells whether the bytes of a link are the same still.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    /// How many there are. A volume may have another size than it had when its link was made.
    length_bytes: u64,
    versions: Vec<u64>,
}

impl Opened {
    /// How many bytes it has.
    pub fn length_bytes(&self) -> u64 {
        self.object.length_bytes
    }

    /// What the file is called.
    pub fn file_name(&self) -> &str {
        &self.link.file_name
    }

    /// Another one says that the bytes may be others.
    pub fn tag(&self) -> String {
        match &self.link.digest {
            Some(digest) => digest.chars().filter(char::is_ascii_alphanumeric).collect(),
            None => {
                let versions = self.object.versions.iter().map(|version| format!("-{version}"));
                format!("{}{}", self.link.object, versions.collect::<String>())
            }
        }
    }
}

impl super::Extracts {
    /// Opens the link of a word; `None` where there is none that works, whatever the reason.
    ///
    /// # Errors
    /// The store's.
    pub async fn open(&self, token: &str) -> Result<Option<Opened>, Failure> {
        let filter = Filter { name: Some(hash_of(token)), ..Filter::default() };
        let links = self.rooms.repository.list::<ExtractLink>(&filter).await?;
        let Some(link) = links.into_iter().next() else {
            return Ok(None);
        };
        if link.token.is_empty() || !link.is_ready || link.is_over(now_us()) {
            return Ok(None);
        }
        let object = self.condition(&link).await?;
        Ok(object.map(|object| Opened { link, object }))
    }

    /// Of the bytes of a link; `None` where they are not there to be read.
    async fn condition(&self, link: &ExtractLink) -> Result<Option<Condition>, Failure> {
        let repository = &self.rooms.repository;
        if link.kind == RecordKind::Template {
            let template = repository.find::<Template>(link.object).await?;
            if template.is_none_or(|template| template.state != TemplateState::Active) {
                return Ok(None);
            }
        }
        if link.kind == RecordKind::Snapshot {
            let snapshot = repository.find::<Snapshot>(link.object).await?;
            let is_there = |one: &Stored<Snapshot>| {
                one.state == SnapshotState::BackedUp && (link.place.is_some() || one.on_primary)
            };
            if !snapshot.as_ref().is_some_and(is_there) {
                return Ok(None);
            }
        }
        let lasting = Condition { length_bytes: link.length_bytes, versions: Vec::new() };
        if let Some(place) = link.place {
            let place = repository.find::<crate::model::ObjectInStore>(place).await?;
            let is_ready = place.is_some_and(|place| place.state == ObjectInStoreState::Ready);
            return Ok(is_ready.then_some(lasting));
        }
        match link.kind {
            RecordKind::Volume => self.condition_of_volume(link.object).await,
            _ => Ok(Some(lasting)),
        }
    }

    /// A volume's bytes change while its instance runs. Whoever starts, stops, attaches or resizes
    /// in between leaves other versions.
    async fn condition_of_volume(&self, uuid: Uuid) -> Result<Option<Condition>, Failure> {
        let repository = &self.rooms.repository;
        let volume = repository.find::<Volume>(uuid).await?;
        let Some(volume) = volume.filter(|volume| volume.state == VolumeState::Ready) else {
            return Ok(None);
        };
        if self.rooms.running_instance(&volume).await?.is_some() {
            return Ok(None);
        }
        let mut versions = vec![volume.version];
        if let Some(instance) = volume.instance {
            let instance = repository.find::<Instance>(instance).await?;
            versions.extend(instance.map(|instance| instance.version));
        }
        Ok(Some(Condition { length_bytes: volume.size_bytes, versions }))
    }

    /// Sends some of the bytes of a link, piece by piece and as fast as they are taken. Where it
    /// cannot go on, it drops `to` before the last of them.
    pub async fn send(&self, opened: &Opened, range: Range<u64>, to: Sender<Bytes>) {
        let link = &opened.link;
        if let Err(error) = self.send_all(opened, range, &to).await {
            log::info!(
                "the download of {} {} ({}) broke off: {}",
                link.kind,
                link.object,
                link.uuid,
                error.failure
            );
            // Whoever reads must not take the end for that of the file.
            return;
        }
        log::debug!("{} {} ({}) was downloaded", link.kind, link.object, link.uuid);
    }

    async fn send_all(
        &self,
        opened: &Opened,
        range: Range<u64>,
        to: &Sender<Bytes>,
    ) -> Result<(), StepError> {
        let link = &opened.link;
        let call = CallContext::new(link.uuid);
        let from = self.rooms.bytes_of(origin(link)).await?;
        let mut object =
            ObjectRead::new(from.access.end(from.object.clone()), opened.length_bytes());
        let mut at = range.start;
        while at < range.end {
            let length = (range.end - at).min(CHUNK_BYTES as u64);
            let piece = object.read_at(&call, at, length as usize).await?;
            if self.condition(link).await?.as_ref() != Some(&opened.object) {
                return Err(Failure::conflict("it is changed or removed at this moment").into());
            }
            at += length;
            match tokio::time::timeout(STALLED, to.send(piece)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(Failure::conflict("nobody reads it any more").into()),
                Err(_) => {
                    let why = format!("nothing of it was read for {} s", STALLED.as_secs());
                    return Err(Failure::conflict(why).into());
                }
            }
        }
        Ok(())
    }
}
