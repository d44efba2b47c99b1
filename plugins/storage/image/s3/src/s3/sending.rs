//! The requests of an upload in parts: begun, each part, all of them made the object.
//!
//! Invariant: a part that arrived has the bytes that were sent, or it is sent again.

use super::failure::failed;
use super::uploads::Part;
use super::{Bucket, Object, PartChecksum, Payload, PutOptions, Unfinished, UploadPlan};
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, StorageClass};
use storage_plugin_api::bytes::Bytes;
use storage_plugin_api::digest::{Digest, Top, top};
use storage_plugin_api::files::blocking;
use storage_plugin_api::{PluginError, PluginErrorKind as Kind, PluginResult as Result};

/// How often a part is sent again of which other bytes arrived.
const TRIES: u32 = 3;

/// A part that arrived.
pub(super) struct Arrived {
    pub(super) number: u32,
    pub(super) part: Part,
    pub(super) top: Top,
}

/// Where it goes.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) bucket: Bucket,
    pub(super) plan: UploadPlan,
}

impl Target {
    /// Begins an upload in parts (`CreateMultipartUpload`). Tried again after an answer that was
    /// lost it leaves one without parts, which ends with the next write of the object.
    pub(super) async fn begin(&self) -> Result<Unfinished> {
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

    /// Sends a part (`UploadPart`), unless the server has it.
    pub(super) async fn send(
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
            let top = top(&pieces, offset);
            Ok((Payload::new(pieces, signed, checksum), top))
        })
        .await?;
        if let Some(part) = there {
            let tag = part.tag.clone().unwrap_or_default();
            let same_crc = part.crc64.is_some() && part.crc64 == work.0.crc64;
            if same_crc || (part.crc64.is_none() && work.0.agrees(&tag)) {
                return Ok(Arrived { number, part, top: work.1 });
            }
            let (pieces, wanted) = (work.0.pieces().to_vec(), self.plan.checksum);
            work.0 = blocking(move || Ok(Payload::new(pieces, signed, wanted))).await?;
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
        if payload.contradicts(tag.as_deref().unwrap_or_default(), sent.server_side_encryption()) {
            return Err(PluginError::corrupt(format!(
                "{doing}: other bytes arrived than were sent"
            )));
        }
        Ok(Part { size: payload.length, tag, crc64: payload.crc64.clone() })
    }

    /// Puts all bytes in one request (`PutObject`); the tag of the object.
    pub(super) async fn put(&self, pieces: Vec<Bytes>, digest: &Digest) -> Result<String> {
        let signed = self.bucket.connection().payload_signing;
        let checksum = self.plan.checksum;
        let payload = blocking(move || Ok(Payload::new(pieces, signed, checksum))).await?;
        let mut with = PutOptions { metadata: self.plan.metadata.clone(), ..PutOptions::default() };
        if let Some(name) = &self.plan.digest_name {
            with.metadata.insert(name.clone(), digest.to_string());
        }
        self.bucket.put(&self.plan.key, payload, with).await
    }

    /// Makes the parts the object (`CompleteMultipartUpload`); its tag.
    pub(super) async fn complete(&self, upload: &Unfinished, parts: &[Part]) -> Result<String> {
        let at = self.bucket.connection();
        let parts = (1..).zip(parts).map(|(number, part)| part.completed(number)).collect();
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self.bucket.client.complete_multipart_upload().bucket(&at.bucket);
        let request = request.key(&upload.key).upload_id(&upload.id).multipart_upload(parts);
        let doing = format!("finishing the upload of {:?} to the objects", upload.key);
        let done = request.send().await.map_err(|error| failed(at, &doing, error))?;
        Ok(done.e_tag().unwrap_or_default().to_owned())
    }

    /// The object that was made, which has to be there as it was sent.
    pub(super) async fn made(&self, tag: String) -> Result<Object> {
        let UploadPlan { key, size, .. } = &self.plan;
        let object = self.bucket.head(key).await?.filter(|object| object.size == *size);
        let mut object = object.ok_or_else(|| {
            PluginError::corrupt(format!(
                "{key:?} is not there with its {size} bytes after it was sent; does something else \
                 write into bucket {:?}?",
                self.bucket.connection().bucket
            ))
        })?;
        if object.tag.is_empty() {
            object.tag = tag;
        }
        Ok(object)
    }

    /// The answer may be lost, and the object there: the one that bears our marks. With other bytes
    /// than were sent it must not stay.
    pub(super) async fn made_in_spite_of(&self, error: PluginError) -> Result<Object> {
        let there = self.bucket.head(&self.plan.key).await.ok().flatten();
        match there.filter(|object| self.is_ours(object)) {
            Some(object) if error.kind() != Kind::Corrupt => Ok(object),
            Some(_) => {
                // The error of its making is the one to report.
                self.bucket.delete(&self.plan.key).await.ok();
                Err(error)
            }
            None => Err(error),
        }
    }

    /// Whether an object bears the marks of this very upload.
    fn is_ours(&self, object: &Object) -> bool {
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
