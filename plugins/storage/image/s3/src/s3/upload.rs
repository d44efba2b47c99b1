//! Bytes go up: in one request, or in parts beside each other (CloudStack's
//! `TransferManager.upload`).
//!
//! Memory is bounded by the length of a part times the parts in flight, and one more that is
//! filled. After each part that arrived, all that is before it can be gone on with by another
//! process: the server has the parts, and [`Going`] the rest. Dropped, an upload stands still and
//! keeps what arrived; [`abort`](Upload::abort) removes it.

use super::sending::{Arrived, Target};
use super::uploads::Part;
use super::{Bucket, Unfinished, UploadPlan};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use storage_plugin_api::bytes::Bytes;
use storage_plugin_api::digest::{Digest, Subtrees, Top};
use storage_plugin_api::files::blocking;
use storage_plugin_api::tokio::task::{JoinError, JoinSet};
use storage_plugin_api::{PluginError, PluginResult as Result};

/// What zeros are taken from: they take no memory, however many.
static ZEROS: [u8; 1 << 20] = [0; 1 << 20];

/// Where an upload can be gone on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Going {
    /// The id of the upload.
    pub id: String,
    /// So many parts arrived, without a gap.
    pub parts: u32,
    /// The tops of their digest.
    pub tops: Vec<Top>,
}

/// An object that is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Its tag.
    pub tag: String,
    /// Its length in bytes, as the server tells it.
    pub size: u64,
    /// The digest of its bytes.
    pub digest: Digest,
}

/// An upload under way.
#[derive(Debug)]
pub struct Upload {
    to: Arc<Target>,
    /// `None` for one that goes up in one request.
    upload: Option<Unfinished>,
    filling: Vec<Bytes>,
    filled: u64,
    /// The part that is filled.
    number: u32,
    running: JoinSet<Result<Arrived>>,
    /// Those behind a gap.
    early: BTreeMap<u32, (Part, Top)>,
    /// All that arrived, from the first, without a gap.
    parts: Vec<Part>,
    tops: Subtrees,
    /// The top of the last part, which is not like the others.
    last: Option<Top>,
    /// What a server has of an earlier attempt, behind where it is gone on.
    there: BTreeMap<u32, Part>,
    told: u32,
    sent: Arc<AtomicU64>,
}

impl Upload {
    /// Begins an upload (`createMultipartUpload`, where it has more than one part).
    ///
    /// # Errors
    /// Those of every request.
    pub async fn begin(bucket: Bucket, plan: UploadPlan) -> Result<Self> {
        let to = Arc::new(Target { bucket, plan: plan.fitted() });
        let upload = if to.plan.parts() > 1 { Some(to.begin().await?) } else { None };
        Ok(Self::new(to, upload))
    }

    /// Goes on with an upload; `None` where the server has less of it than is said.
    ///
    /// # Errors
    /// Those of every request.
    pub async fn resume(bucket: Bucket, plan: UploadPlan, going: &Going) -> Result<Option<Self>> {
        let to = Arc::new(Target { bucket, plan: plan.fitted() });
        let upload = Unfinished { key: to.plan.key.clone(), id: going.id.clone() };
        let Some(mut there) = to.bucket.parts(&upload).await? else {
            return Ok(None);
        };
        let tops = Subtrees::thaw(u64::from(going.parts), &going.tops);
        let Some(tops) = tops.filter(|_| going.parts < to.plan.parts()) else {
            return Ok(None);
        };
        let mut parts = Vec::new();
        for number in 1..=going.parts {
            match there.remove(&number) {
                Some(part) if part.size == to.plan.length_of(number) => parts.push(part),
                _ => return Ok(None),
            }
        }
        let mut this = Self::new(to, Some(upload));
        (this.number, this.told) = (going.parts + 1, going.parts);
        (this.parts, this.tops, this.there) = (parts, tops, there);
        Ok(Some(this))
    }

    fn new(to: Arc<Target>, upload: Option<Unfinished>) -> Self {
        Self {
            to,
            upload,
            filling: Vec::new(),
            filled: 0,
            number: 1,
            running: JoinSet::new(),
            early: BTreeMap::new(),
            parts: Vec::new(),
            tops: Subtrees::default(),
            last: None,
            there: BTreeMap::new(),
            told: 0,
            sent: Arc::default(),
        }
    }

    /// The upload on the server, if it goes up in parts.
    pub fn unfinished(&self) -> Option<&Unfinished> {
        self.upload.as_ref()
    }

    /// The first byte that it wants next.
    pub fn offset(&self) -> u64 {
        u64::from(self.number - 1) * self.to.plan.part_bytes + self.filled
    }

    /// How many bytes were sent and arrived.
    pub fn sent_bytes(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Takes the next bytes; waits while too many parts are on their way.
    ///
    /// # Errors
    /// `InvalidArgument` for more bytes than were announced; those of parts before.
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<()> {
        let plan = &self.to.plan;
        if bytes.len() as u64 > plan.size - self.offset() {
            return Err(PluginError::invalid_argument(format!(
                "{} bytes behind the first {} of {:?} are more than the {} that were announced",
                bytes.len(),
                self.offset(),
                plan.key,
                plan.size
            )));
        }
        while !bytes.is_empty() {
            let room = self.to.plan.length_of(self.number) - self.filled;
            let now = bytes.split_to(bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
            self.filled += now.len() as u64;
            self.filling.push(now);
            self.send_if_full().await?;
        }
        Ok(())
    }

    /// Takes zeros up to an offset. They are sent: an object has no holes.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn zeros_to(&mut self, offset: u64) -> Result<()> {
        while self.offset() < offset {
            let now = (offset - self.offset()).min(ZEROS.len() as u64) as usize;
            self.write(Bytes::from_static(&ZEROS[..now])).await?;
        }
        Ok(())
    }

    /// Where another process could go on, if that is further than when it was asked before. What is
    /// on its way is not waited for, but at the end.
    ///
    /// # Errors
    /// Those of parts that failed.
    pub async fn going(&mut self) -> Result<Option<Going>> {
        if self.upload.is_some() && self.offset() == self.to.plan.size {
            while self.arrive().await? {}
        }
        while let Some(arrived) = self.running.try_join_next() {
            self.take(arrived.map_err(|error| broke(&error))??);
        }
        // The last part is never told: what goes on has to have something to send.
        let parts = (self.parts.len() as u32).min(self.to.plan.parts() - 1);
        let Some(upload) = self.upload.as_ref().filter(|_| parts > self.told) else {
            return Ok(None);
        };
        self.told = parts;
        Ok(Some(Going { id: upload.id.clone(), parts, tops: self.tops.freeze() }))
    }

    /// Waits for all parts, and makes them the object; the object is there once this returned.
    ///
    /// # Errors
    /// `InvalidArgument` for fewer bytes than were announced; `Corrupt` where the object has
    /// another length; those of every request.
    pub async fn finish(mut self) -> Result<Finished> {
        self.prepare().await?;
        self.complete().await
    }

    /// Waits until all bytes are at the server, though not the object yet; its digest. An upload in
    /// one request has not begun then.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub async fn prepare(&mut self) -> Result<Digest> {
        let size = self.to.plan.size;
        if self.offset() != size {
            return Err(PluginError::invalid_argument(format!(
                "{} bytes of {:?} came, and {size} were announced",
                self.offset(),
                self.to.plan.key
            )));
        }
        if self.upload.is_none() {
            let pieces = self.filling.clone();
            return blocking(move || Ok(Digest::of(pieces))).await;
        }
        while self.arrive().await? {}
        let last =
            self.last.ok_or_else(|| PluginError::internal("an upload lost its last part"))?;
        let digest = self.tops.finish(last);
        digest.ok_or_else(|| PluginError::internal("an upload lost its digest"))
    }

    /// Makes what was [prepared](Self::prepare) the object.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub async fn complete(&mut self) -> Result<Finished> {
        let digest = self.prepare().await?;
        let to = Arc::clone(&self.to);
        let sent = match &self.upload {
            // The pieces stay: whoever finishes again after an error sends the same.
            None => to.put(self.filling.clone(), &digest).await,
            Some(upload) => to.complete(upload, &self.parts).await,
        };
        let object = match sent {
            Ok(tag) => to.made(tag).await?,
            Err(error) => to.made_in_spite_of(error).await?,
        };
        Ok(Finished { tag: object.tag, size: object.size, digest })
    }

    /// Ends the upload, and removes what arrived.
    ///
    /// # Errors
    /// Those of every request.
    pub async fn abort(mut self) -> Result<()> {
        self.running.shutdown().await;
        match &self.upload {
            Some(upload) => self.to.bucket.abort_upload(upload).await,
            None => Ok(()),
        }
    }

    async fn send_if_full(&mut self) -> Result<()> {
        let number = self.number;
        let (length, parts) = (self.to.plan.length_of(number), self.to.plan.parts());
        let Some(upload) = self.upload.clone().filter(|_| self.filled == length) else {
            return Ok(());
        };
        // The window begins at the first part that is missing: a token speaks of all before it, and
        // one slow part must not keep it back for long.
        while number - 1 - self.parts.len() as u32 >= self.to.plan.in_flight {
            if !self.arrive().await? {
                return Err(PluginError::conflict(format!(
                    "a part of {:?} failed before; open the write again, with the last token",
                    self.to.plan.key
                )));
            }
        }
        let pieces = std::mem::take(&mut self.filling);
        let (to, sent) = (Arc::clone(&self.to), Arc::clone(&self.sent));
        let there = self.there.remove(&number).filter(|part| part.size == length);
        self.running.spawn(async move {
            let arrived = to.send(&upload, number, pieces, there).await?;
            sent.fetch_add(length, Ordering::Relaxed);
            Ok(arrived)
        });
        // At the end there is no part to be filled: what is filled of the last stays.
        if number < parts {
            (self.number, self.filled) = (number + 1, 0);
        }
        Ok(())
    }

    /// Waits for one part; whether there was one.
    async fn arrive(&mut self) -> Result<bool> {
        match self.running.join_next().await {
            None => Ok(false),
            Some(arrived) => {
                self.take(arrived.map_err(|error| broke(&error))??);
                Ok(true)
            }
        }
    }

    fn take(&mut self, arrived: Arrived) {
        self.early.insert(arrived.number, (arrived.part, arrived.top));
        while let Some((part, top)) = self.early.remove(&(self.parts.len() as u32 + 1)) {
            self.parts.push(part);
            if self.parts.len() as u32 == self.to.plan.parts() {
                self.last = Some(top);
            } else {
                self.tops.push(top);
            }
        }
    }
}

fn broke(error: &JoinError) -> PluginError {
    PluginError::internal("a part of an upload broke").caused_by(error)
}
