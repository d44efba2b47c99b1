//! Uploads in parts that are under way, or were left: found, looked into, ended.

use super::Bucket;
use super::failure::{failed, found};
use aws_sdk_s3::types::CompletedPart;
use std::collections::BTreeMap;
use storage_plugin_api::{PluginErrorKind as Kind, PluginResult as Result};

/// An upload that is not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The key of the object that it was to become.
    pub key: String,
    /// Its id.
    pub id: String,
}

/// A part that a server has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) size: u64,
    pub(super) tag: Option<String>,
    pub(super) crc64: Option<String>,
}

impl Part {
    pub(super) fn completed(&self, number: u32) -> CompletedPart {
        CompletedPart::builder()
            .part_number(number as i32)
            .set_e_tag(self.tag.clone())
            .set_checksum_crc64_nvme(self.crc64.clone())
            .build()
    }
}

impl Bucket {
    /// The uploads whose keys begin with a prefix (`listMultipartUploads`), all pages; `None` where the server cannot tell.
    ///
    /// # Errors
    /// Those of every request.
    pub async fn unfinished(&self, prefix: &str) -> Result<Option<Vec<Unfinished>>> {
        let (mut all, mut after) = (Vec::new(), (None, None));
        loop {
            let request = self
                .client
                .list_multipart_uploads()
                .bucket(&self.at.bucket)
                .prefix(prefix)
                .set_key_marker(after.0)
                .set_upload_id_marker(after.1);
            let page = match request.send().await {
                Ok(page) => page,
                Err(error) => match failed(&self.at, "a listing of the uploads", error) {
                    error if error.kind() == Kind::Unsupported => return Ok(None),
                    error => return Err(error),
                },
            };
            all.extend(page.uploads().iter().filter_map(|one| {
                let (key, id) = (one.key()?.to_owned(), one.upload_id()?.to_owned());
                Some(Unfinished { key, id })
            }));
            after = (
                page.next_key_marker().map(str::to_owned),
                page.next_upload_id_marker().map(str::to_owned),
            );
            if !page.is_truncated().unwrap_or(false) || after.0.is_none() {
                all.retain(|one| one.key.starts_with(prefix));
                return Ok(Some(all));
            }
        }
    }

    /// Ends an upload and removes its parts (`abortMultipartUpload`); one that is gone is a success.
    ///
    /// # Errors
    /// Those of every request.
    pub async fn abort_upload(&self, of: &Unfinished) -> Result<()> {
        let request = self.client.abort_multipart_upload().bucket(&self.at.bucket);
        let ended = request.key(&of.key).upload_id(&of.id).send().await;
        let doing = format!("ending the upload of {:?} to the objects", of.key);
        found(ended.map_err(|error| failed(&self.at, &doing, error))).map(drop)
    }

    /// The parts that an upload has (`listParts`), by number: all pages. `None` where there is no such upload.
    pub(super) async fn parts(&self, of: &Unfinished) -> Result<Option<BTreeMap<u32, Part>>> {
        let (mut all, mut after) = (BTreeMap::new(), None);
        loop {
            let request = self
                .client
                .list_parts()
                .bucket(&self.at.bucket)
                .key(&of.key)
                .upload_id(&of.id)
                .set_part_number_marker(after);
            let doing = format!("a listing of the parts of {:?} in the objects", of.key);
            let page = request.send().await.map_err(|error| failed(&self.at, &doing, error));
            let Some(page) = found(page)? else {
                return Ok(None);
            };
            for part in page.parts() {
                let number = part.part_number().and_then(|number| u32::try_from(number).ok());
                let size = part.size().and_then(|size| u64::try_from(size).ok());
                if let (Some(number), Some(size)) = (number, size) {
                    let crc64 = part.checksum_crc64_nvme().map(str::to_owned);
                    let tag = part.e_tag().map(str::to_owned);
                    all.insert(number, Part { size, tag, crc64 });
                }
            }
            after = page.next_part_number_marker().map(str::to_owned);
            if !page.is_truncated().unwrap_or(false) || after.is_none() {
                return Ok(Some(all));
            }
        }
    }
}
