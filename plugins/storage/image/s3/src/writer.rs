//! The bytes of an object come: they go up in parts, which become the object at its end.
//!
//! A checkpoint token names the upload and how many parts of it arrived, and holds the digest of
//! what is in them. Invariant: a token is one of the write that gave it and of no other, and holds
//! as long as the server keeps the parts.

use crate::layout::{self, Name, Spot};
use crate::mark::small;
use crate::objects::check_size;
use crate::record::{self, Record};
use crate::s3::{Going, PutOptions, Upload, UploadPlan};
use crate::stores::{Opened, Stores};
use crate::unfinished;
use storage_plugin_api::digest::{Digest, Top};
use storage_plugin_api::prelude::*;
use storage_plugin_api::{OpenedWriter, PluginResult as Result, log, serde_json};

/// What a checkpoint token holds besides its offset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(crate = "storage_plugin_api::serde")]
struct TokenState {
    /// Tells this write from those of other attempts.
    attempt: Uuid,
    upload: String,
    part_bytes: u64,
    parts: u32,
    tops: Vec<Top>,
}

/// Writes an object.
#[derive(Debug)]
pub(crate) struct ImageWriter {
    stores: Arc<Stores>,
    store: StoreContext,
    opened: Opened,
    object: DataObject,
    name: Name,
    key: String,
    attempt: Uuid,
    size: u64,
    part_bytes: u64,
    /// What the host knows of the digest beforehand.
    expected: Option<String>,
    /// `None` once it was finished or thrown away.
    upload: Option<Upload>,
    /// A chunk is on its way, or was given up: how much of it was taken nobody knows.
    is_between: bool,
}

/// Opens an object for writing it whole, or from a token on.
pub(crate) async fn open(
    stores: &Arc<Stores>,
    store: &StoreContext,
    of: OpenWriterRequest,
) -> Result<OpenedWriter> {
    check_size(of.size_bytes)?;
    let opened = stores.change(store).await?;
    let name = Name::of(&opened.place, &of.object);
    let key = match layout::spot(&name, &of.object)? {
        Spot::At(key) => key,
        Spot::Anywhere | Spot::Nowhere => name.key(of.object.format())?,
    };
    let state = match &of.resume {
        Some(token) => Some(state_of(token, &of)?),
        None => None,
    };
    let attempt = state.as_ref().map_or_else(Uuid::new_v4, |state| state.attempt);
    let mut plan = UploadPlan::new(key.as_str(), of.size_bytes);
    plan.part_bytes = state.as_ref().map_or(opened.place.part_bytes, |state| state.part_bytes);
    plan.in_flight = opened.place.parts_in_flight;
    plan.checksum = opened.features.checksum(opened.place.connection.payload_signing);
    plan.metadata = record::metadata(&of.object, attempt, of.size_bytes);
    plan.digest_name = Some(record::DIGEST.to_owned());
    let plan = plan.fitted();
    let part_bytes = plan.part_bytes;
    let upload = match state {
        Some(state) => go_on(&opened, plan, &of, state).await?,
        None => begin(stores, &opened, &name, plan).await?,
    };
    let offset = upload.offset();
    let writer = ImageWriter {
        stores: Arc::clone(stores),
        store: store.clone(),
        opened,
        object: of.object,
        name,
        key,
        attempt,
        size: of.size_bytes,
        part_bytes,
        expected: of.digest,
        upload: Some(upload),
        is_between: false,
    };
    Ok(OpenedWriter::new(offset, writer))
}

/// Begins a new upload. Writers of before have lost; what was finished before stays until this one
/// is.
async fn begin(stores: &Stores, opened: &Opened, name: &Name, plan: UploadPlan) -> Result<Upload> {
    opened.end_uploads(stores, name).await?;
    let upload = Upload::begin(opened.bucket.clone(), plan).await?;
    if let Some(begun) = upload.unfinished().cloned()
        && let Err(error) = unfinished::keep(stores, opened, name, &begun).await
    {
        // The error of keeping it is the one to report.
        upload.abort().await.ok();
        return Err(error);
    }
    Ok(upload)
}

fn not_ours(of: &OpenWriterRequest, why: &str) -> PluginError {
    PluginError::invalid_argument(format!(
        "the token is not one of a write of {} {}: {why}",
        of.object.object_type().as_str().to_ascii_lowercase(),
        of.object.uuid()
    ))
}

fn state_of(token: &CheckpointToken, of: &OpenWriterRequest) -> Result<TokenState> {
    let state: TokenState =
        serde_json::from_slice(&token.state).map_err(|_| not_ours(of, "it cannot be read"))?;
    let part = state.part_bytes;
    let is_possible = part.is_power_of_two()
        && (1 << 20..=1 << 32).contains(&part)
        && u64::from(state.parts).checked_mul(part) == Some(token.offset)
        && token.offset < of.size_bytes;
    if is_possible { Ok(state) } else { Err(not_ours(of, "nothing of ours goes on there")) }
}

/// Goes on where a token says.
async fn go_on(
    opened: &Opened,
    plan: UploadPlan,
    of: &OpenWriterRequest,
    state: TokenState,
) -> Result<Upload> {
    if plan.part_bytes != state.part_bytes {
        return Err(not_ours(of, "that was one of another length"));
    }
    let going = Going { id: state.upload, parts: state.parts, tops: state.tops };
    let gone = "what it speaks of was finished, replaced or removed";
    match Upload::resume(opened.bucket.clone(), plan, &going).await {
        Ok(upload) => upload.ok_or_else(|| not_ours(of, gone)),
        // Some servers say so of an upload that is gone.
        Err(error) if error.kind() == PluginErrorKind::PermissionDenied => Err(not_ours(of, gone)),
        Err(error) => Err(error),
    }
}

impl ImageWriter {
    fn upload(&mut self) -> Result<&mut Upload> {
        self.upload.as_mut().ok_or_else(|| PluginError::conflict("this write has ended"))
    }

    /// Zeros would take the place of what was given up.
    fn expect_no_gap(&self) -> Result<()> {
        if !self.is_between {
            return Ok(());
        }
        Err(PluginError::conflict(format!(
            "a chunk before this one failed or was given up; open {:?} again, with the last token",
            self.key
        )))
    }

    fn token(&self, going: Going) -> Result<CheckpointToken> {
        let offset = u64::from(going.parts) * self.part_bytes;
        let state = TokenState {
            attempt: self.attempt,
            upload: going.id,
            part_bytes: self.part_bytes,
            parts: going.parts,
            tops: going.tops,
        };
        let state = serde_json::to_vec(&state).map_err(|error| {
            PluginError::internal("a token cannot be written as JSON").caused_by(&error)
        })?;
        Ok(CheckpointToken::new(offset, state))
    }

    async fn throw_away(&mut self) -> Result<()> {
        let Some(upload) = self.upload.take() else {
            return Ok(());
        };
        let begun = upload.unfinished().cloned();
        upload.abort().await?;
        self.forget(begun).await?;
        self.opened.bucket.delete(&self.name.record(self.attempt)).await
    }

    async fn forget(&self, begun: Option<crate::s3::Unfinished>) -> Result<()> {
        match begun {
            Some(begun) => unfinished::forget(&self.stores, &self.opened, &self.name, &begun).await,
            None => Ok(()),
        }
    }

    /// Refuses bytes of which the host knew that they would be others.
    async fn check_digest(&mut self, digest: &Digest) -> Result<()> {
        let is_other = |expected: &String| digest.agrees_with(expected) == Some(false);
        let Some(expected) = self.expected.clone().filter(is_other) else {
            return Ok(());
        };
        self.throw_away().await?;
        Err(PluginError::corrupt(format!(
            "the digest of what came is {digest}, and {expected} was announced; nothing of it is \
             kept"
        )))
    }

    /// Puts the record in place, before there is an object that it is of.
    async fn put_record(&self, digest: &Digest) -> Result<()> {
        let record = Record::new(&self.object, self.size, &digest.to_string()).to_bytes()?;
        let payload = small(&self.opened.place, record);
        let options = PutOptions {
            content_type: Some("application/json".to_owned()),
            ..PutOptions::default()
        };
        let key = self.name.record(self.attempt);
        self.opened.bucket.put(&key, payload, options).await.map(drop)
    }
}

#[async_trait]
impl DataWriter for ImageWriter {
    async fn write(&mut self, chunk: Chunk) -> Result<Option<CheckpointToken>> {
        self.expect_no_gap()?;
        let written = self.upload()?.offset();
        let end = chunk.check_place(written, self.size)?;
        self.is_between = true;
        let upload = self.upload()?;
        upload.zeros_to(chunk.offset()).await?;
        match chunk {
            Chunk::Data { bytes, .. } => upload.write(bytes).await?,
            Chunk::Hole { .. } => upload.zeros_to(end).await?,
        }
        let going = upload.going().await?;
        self.is_between = false;
        going.map(|going| self.token(going)).transpose()
    }

    async fn finish(&mut self) -> Result<WriteResult> {
        self.expect_no_gap()?;
        let size = self.size;
        let upload = self.upload()?;
        upload.zeros_to(size).await?;
        let digest = upload.prepare().await?;
        let begun = upload.unfinished().cloned();
        self.check_digest(&digest).await?;
        // A newer host may own the store by now.
        self.stores.change(&self.store).await?;
        if begun.is_some() {
            self.put_record(&digest).await?;
        }
        let finished = self.upload()?.complete().await?;
        self.upload = None;
        log::debug!("finished {:?} in {}", self.key, self.opened.place.url());
        // What was there before, and what was known of it.
        let record = self.name.record(self.attempt);
        let kept = [self.key.as_str(), if begun.is_some() { record.as_str() } else { "" }];
        self.opened.remove_named(&self.name, &kept).await?;
        self.forget(begun).await?;
        let virtual_size = record::virtual_size_of(&self.object, size);
        let mut written = WriteResult::new(virtual_size, finished.size);
        written.path = Some(self.key.clone());
        written.digest = Some(digest.to_string());
        Ok(written)
    }

    async fn abort(&mut self) -> Result<()> {
        self.throw_away().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::details::tests::place;
    use crate::mark::Features;
    use crate::s3::stub::refusing;
    use storage_plugin_api::bytes::Bytes;
    use storage_plugin_api::tokio;

    async fn writer(size: u64) -> ImageWriter {
        let place = place(&[]).unwrap();
        let object: DataObject = VolumeInfo::new(Uuid::new_v4(), "a volume", size).into();
        let name = Name::of(&place, &object);
        let (bucket, _) = refusing();
        let mut plan = UploadPlan::new("object", size);
        (plan.part_bytes, plan.in_flight) = (1 << 20, 1);
        let upload = Upload::begin(bucket.clone(), plan).await.unwrap();
        ImageWriter {
            stores: Arc::default(),
            store: DataStore::new(Uuid::new_v4(), DataStoreRole::Image).into(),
            opened: Opened { place, bucket, features: Features::default() },
            object,
            name,
            key: "object".to_owned(),
            attempt: Uuid::new_v4(),
            size,
            part_bytes: 1 << 20,
            expected: None,
            upload: Some(upload),
            is_between: false,
        }
    }

    #[tokio::test]
    async fn zeros_do_not_take_the_place_of_a_chunk_that_failed() {
        let mut writer = writer(8 << 20).await;
        let chunk = |offset| Chunk::Data { offset, bytes: Bytes::from(vec![1; 3 << 20]) };
        let out_of_place = writer.write(chunk(6 << 20)).await.unwrap_err();
        assert_eq!(out_of_place.kind(), PluginErrorKind::InvalidArgument);
        let failed = writer.write(chunk(0)).await.unwrap_err();
        assert_eq!(failed.kind(), PluginErrorKind::PermissionDenied);
        for later in [writer.write(chunk(3 << 20)).await.err(), writer.finish().await.err()] {
            let later = later.unwrap();
            assert_eq!(later.kind(), PluginErrorKind::Conflict);
            assert!(later.to_string().contains("with the last token"), "{later}");
        }
        writer.abort().await.unwrap();
    }
}
