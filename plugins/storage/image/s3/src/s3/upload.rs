//! Bytes go up: in one request, or in parts beside each other (CloudStack's
//! `TransferManager.upload`).
//!
//! Memory is bounded by the length of a part times the parts in flight, and one more that is
//! filled. After each part that arrived, all that is before it can be gone on with by another
//! process: the server has the parts, and [`Going`] the rest. Dropped, an upload stands still and
//! keeps what arrived; [`abort`](Upload::abort) removes it.

use super::digest::{Tops, leaf, whole};
use super::failure::failed;
use super::uploads::Part;
use super::{Bucket, PartChecksum, Payload, PutOptions, Unfinished};
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, StorageClass};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use storage_plugin_api::bytes::Bytes;
use storage_plugin_api::tokio::task::{JoinSet, spawn_blocking};
use storage_plugin_api::{PluginError, PluginErrorKind as Kind, PluginResult as Result};

/// So many parts an upload may have.
const MAX_PARTS: u64 = 10_000;

/// How often a part is sent again of which other bytes arrived.
const TRIES: u32 = 3;

/// What zeros are taken from: they take no memory, however many.
static ZEROS: [u8; 1 << 20] = [0; 1 << 20];

/// What goes up, and how.
#[derive(Debug, Clone)]
pub struct UploadPlan {
    /// The key of the object.
    pub key: String,
    /// Its length.
    pub size: u64,
    /// The length of a part: a power of two.
    pub part_bytes: u64,
    /// How many parts are on their way at once.
    pub in_flight: u32,
    /// What the server is told of a part.
    pub checksum: PartChecksum,
    /// Pairs that come back with the object.
    pub metadata: HashMap<String, String>,
    /// The digest is put with the object under this name, where it is known before the object is:
    /// where it goes up in one request.
    pub digest_name: Option<String>,
}

impl UploadPlan {
    /// A plan with everything else at its default.
    pub fn new(key: impl Into<String>, size: u64) -> Self {
        Self {
            key: key.into(),
            size,
            part_bytes: 16 << 20,
            in_flight: 4,
            checksum: PartChecksum::default(),
            metadata: HashMap::new(),
            digest_name: None,
        }
    }

    /// Makes parts as long as an object of this length needs, and fewer of them fly then, so that
    /// the memory is the same as long as possible.
    #[must_use]
    pub fn fitted(mut self) -> Self {
        let memory = self.part_bytes.saturating_mul(u64::from(self.in_flight));
        while self.size.div_ceil(self.part_bytes) > MAX_PARTS {
            self.part_bytes *= 2;
        }
        let fly = (memory / self.part_bytes).max(1);
        self.in_flight = u32::try_from(fly).unwrap_or(1).min(self.in_flight);
        self
    }

    /// How many parts there are.
    pub fn parts(&self) -> u32 {
        self.size.div_ceil(self.part_bytes).max(1) as u32
    }

    fn length_of(&self, number: u32) -> u64 {
        let begin = u64::from(number - 1) * self.part_bytes;
        self.part_bytes.min(self.size - begin)
    }
}

/// Where an upload can be gone on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Going {
    /// The id of the upload.
    pub id: String,
    /// So many parts arrived, without a gap.
    pub parts: u32,
    /// The tops of their digest.
    pub tops: Vec<[u8; 32]>,
}

/// An object that is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Its tag.
    pub tag: String,
    /// Its length, as the server tells it.
    pub size: u64,
    /// The digest of its bytes, `{BLAKE3}hex`.
    pub digest: String,
}

/// A part that arrived.
struct Arrived {
    number: u32,
    part: Part,
    top: [u8; 32],
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
    early: BTreeMap<u32, (Part, [u8; 32])>,
    /// All that arrived, from the first, without a gap.
    parts: Vec<Part>,
    tops: Tops,
    /// The top of the last part, which is not like the others.
    last: Option<[u8; 32]>,
    /// What a server has of an earlier attempt, behind where it is gone on.
    there: BTreeMap<u32, Part>,
    told: u32,
    sent: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Target {
    bucket: Bucket,
    plan: UploadPlan,
}

impl Upload {
    /// Begins an upload.
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
        let tops = Tops::thaw(u64::from(going.parts), going.tops.clone());
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
            tops: Tops::default(),
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
    pub async fn prepare(&mut self) -> Result<String> {
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
            return blocking(move || whole(&pieces)).await;
        }
        while self.arrive().await? {}
        let last =
            self.last.ok_or_else(|| PluginError::internal("an upload lost its last part"))?;
        let digest = self.tops.clone().finish(last);
        digest.ok_or_else(|| PluginError::internal("an upload lost its digest"))
    }

    /// Makes what was [prepared](Self::prepare) the object.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub async fn complete(&mut self) -> Result<Finished> {
        let digest = self.prepare().await?;
        let to = Arc::clone(&self.to);
        let tag = match &self.upload {
            None => to.put(std::mem::take(&mut self.filling), &digest).await?,
            Some(upload) => to.complete(upload, &self.parts).await?,
        };
        let size = to.plan.size;
        let object = to.bucket.head(&to.plan.key).await?;
        let object = object.filter(|object| object.size == size).ok_or_else(|| {
            PluginError::corrupt(format!(
                "{:?} is not there with its {size} bytes after it was sent",
                to.plan.key
            ))
        })?;
        let tag = if object.tag.is_empty() { tag } else { object.tag };
        Ok(Finished { tag, size, digest })
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
            self.arrive().await?;
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

impl Target {
    async fn begin(&self) -> Result<Unfinished> {
        let (at, key) = (self.bucket.connection(), &self.plan.key);
        let is_crc = self.plan.checksum == PartChecksum::Crc64Nvme;
        let request = self
            .bucket
            .client
            .create_multipart_upload()
            .bucket(&at.bucket)
            .key(key)
            .set_metadata(Some(self.plan.metadata.clone()))
            .set_checksum_algorithm(is_crc.then_some(ChecksumAlgorithm::Crc64Nvme))
            .set_storage_class(at.storage_class.as_deref().map(StorageClass::from))
            .set_server_side_encryption(at.encryption())
            .set_ssekms_key_id(at.kms_key.clone());
        let doing = format!("beginning the upload of {key:?} to the objects");
        let begun = request.send().await.map_err(|error| failed(at, &doing, error))?;
        let id = begun.upload_id().map(str::to_owned).ok_or_else(|| {
            PluginError::unavailable(format!("{doing}: the server gave it no id"))
        })?;
        Ok(Unfinished { key: key.clone(), id })
    }

    /// Sends a part, unless the server has it.
    async fn send(
        &self,
        upload: &Unfinished,
        number: u32,
        pieces: Vec<Bytes>,
        there: Option<Part>,
    ) -> Result<Arrived> {
        let offset = u64::from(number - 1) * self.plan.part_bytes;
        let signed = self.bucket.connection().payload_signing;
        // Of what is there it is the server's own sum that is compared.
        let checksum = match &there {
            Some(Part { crc64: Some(_), .. }) => PartChecksum::Crc64Nvme,
            Some(_) => PartChecksum::Md5,
            None => self.plan.checksum,
        };
        let mut work = blocking(move || {
            let top = leaf(&pieces, offset);
            (Payload::new(pieces, signed, checksum), top)
        })
        .await?;
        if let Some(part) = there {
            let tag = part.tag.clone().unwrap_or_default();
            let same_crc = part.crc64.is_some() && part.crc64 == work.0.crc64;
            if same_crc || (part.crc64.is_none() && work.0.agrees(&tag)) {
                return Ok(Arrived { number, part, top: work.1 });
            }
            let (pieces, wanted) = (work.0.pieces().to_vec(), self.plan.checksum);
            work.0 = blocking(move || Payload::new(pieces, signed, wanted)).await?;
        }
        let (payload, top) = work;
        let mut tries = 1;
        loop {
            match self.send_once(upload, number, &payload).await {
                Err(error) if error.kind() == Kind::Corrupt && tries < TRIES => tries += 1,
                sent => return sent.map(|part| Arrived { number, part, top }),
            }
        }
    }

    async fn send_once(&self, to: &Unfinished, number: u32, payload: &Payload) -> Result<Part> {
        let at = self.bucket.connection();
        let request = self
            .bucket
            .client
            .upload_part()
            .bucket(&at.bucket)
            .key(&to.key)
            .upload_id(&to.id)
            .part_number(number as i32)
            .set_content_md5(payload.content_md5())
            .set_checksum_crc64_nvme(payload.crc64.clone());
        let doing = format!("sending part {number} of {:?} to the objects", to.key);
        let sent = request.customize().interceptor(payload.clone()).send().await;
        let sent = sent.map_err(|error| failed(at, &doing, error))?;
        let tag = sent.e_tag().map(str::to_owned);
        if payload.contradicts(tag.as_deref().unwrap_or_default()) {
            return Err(PluginError::corrupt(format!(
                "{doing}: other bytes arrived than were sent"
            )));
        }
        Ok(Part { size: payload.length, tag, crc64: payload.crc64.clone() })
    }

    async fn put(&self, pieces: Vec<Bytes>, digest: &str) -> Result<String> {
        let signed = self.bucket.connection().payload_signing;
        let checksum = self.plan.checksum;
        let payload = blocking(move || Payload::new(pieces, signed, checksum)).await?;
        let mut with = PutOptions { metadata: self.plan.metadata.clone(), ..PutOptions::default() };
        if let Some(name) = &self.plan.digest_name {
            with.metadata.insert(name.clone(), digest.to_owned());
        }
        self.bucket.put(&self.plan.key, payload, with).await
    }

    async fn complete(&self, upload: &Unfinished, parts: &[Part]) -> Result<String> {
        let at = self.bucket.connection();
        let parts = (1..).zip(parts).map(|(number, part)| part.completed(number)).collect();
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self.bucket.client.complete_multipart_upload().bucket(&at.bucket);
        let request = request.key(&upload.key).upload_id(&upload.id).multipart_upload(parts);
        let doing = format!("finishing the upload of {:?} to the objects", upload.key);
        match request.send().await.map_err(|error| failed(at, &doing, error)) {
            Ok(done) => Ok(done.e_tag().unwrap_or_default().to_owned()),
            // The answer may be lost, and the object there: the one that bears our marks.
            Err(error) => match self.bucket.head(&upload.key).await {
                Ok(Some(object)) if self.is_ours(&object) => Ok(object.tag),
                _ => Err(error),
            },
        }
    }

    fn is_ours(&self, object: &super::Object) -> bool {
        let mut marks = self.plan.metadata.iter();
        !self.plan.metadata.is_empty()
            && object.size == self.plan.size
            && marks.all(|(name, value)| object.metadata.get(name) == Some(value))
    }
}

impl Bucket {
    /// Whether the server compares the CRC-64/NVME of parts: it is sent a wrong one.
    ///
    /// # Errors
    /// Those of every request.
    pub async fn compares_crc64(&self, key: &str) -> Result<bool> {
        let mut plan = UploadPlan::new(key, 1);
        plan.checksum = PartChecksum::Crc64Nvme;
        let to = Target { bucket: self.clone(), plan };
        let upload = match to.begin().await {
            // A server that knows no such checksum may say so.
            Err(error) if matches!(error.kind(), Kind::Unsupported | Kind::Internal) => {
                return Ok(false);
            }
            begun => begun?,
        };
        let signed = self.connection().payload_signing;
        let mut payload =
            Payload::new(vec![Bytes::from_static(b"x")], signed, PartChecksum::Crc64Nvme);
        payload.crc64 = Some("AAAAAAAAAAA=".to_owned());
        let sent = to.send_once(&upload, 1, &payload).await;
        self.abort_upload(&upload).await?;
        match sent {
            Ok(_) => Ok(false),
            Err(error) if matches!(error.kind(), Kind::Corrupt | Kind::Internal) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

/// Hashing takes a thread that may be busy for a while.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    spawn_blocking(work).await.map_err(|error| broke(&error))
}

fn broke(error: &storage_plugin_api::tokio::task::JoinError) -> PluginError {
    PluginError::internal("a part of an upload broke").caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_grow_with_the_object_and_memory_does_not() {
        let plan = |size| UploadPlan::new("key", size).fitted();
        for (size, part, parts, fly) in [
            (0, 16 << 20, 1, 4),
            (1, 16 << 20, 1, 4),
            (16 << 20, 16 << 20, 1, 4),
            ((16 << 20) + 1, 16 << 20, 2, 4),
            (100 << 30, 16 << 20, 6400, 4),
            (200 << 30, 32 << 20, 6400, 2),
            (5 << 40, 1 << 30, 5120, 1),
        ] {
            let plan = plan(size);
            assert_eq!((plan.part_bytes, plan.parts(), plan.in_flight), (part, parts, fly));
        }
        assert_eq!(plan((16 << 20) + 1).length_of(2), 1);
    }
}
