//! Objects are found, described and removed: what the driver's methods do.

use crate::layout::{self, Key, Name, Spot};
use crate::record::{self, Record};
use crate::s3::{Listed, Object, Unfinished};
use crate::stores::{Opened, Stores};
use crate::unfinished;
use std::ops::ControlFlow;
use storage_plugin_api::prelude::*;
use storage_plugin_api::{CreateResult as Created, PluginResult as Result};

/// 5 TiB: what S3 takes.
pub(crate) const MAX_BYTES: u64 = 5 << 40;

/// A finished object.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) name: Name,
    pub(crate) key: String,
    pub(crate) format: ImageFormat,
    pub(crate) object: Object,
}

impl Opened {
    /// A place that a writer fills is a key, and nothing is there before. What an attempt before
    /// this one finished stays.
    pub(crate) async fn make_place(&self, object: &DataObject) -> Result<Created> {
        let name = Name::of(&self.place, object);
        let key = name.key(object.format())?;
        let Some(found) = self.find(object).await? else {
            return Ok(Created::new(key));
        };
        let truth = self.description(object, &found).await?;
        let mut created = Created::new(truth.path);
        created.size_bytes = Some(truth.size_bytes);
        created.physical_size_bytes = truth.physical_size_bytes;
        created.format = truth.format;
        Ok(created)
    }

    /// Finds a finished object.
    pub(crate) async fn find(&self, object: &DataObject) -> Result<Option<Found>> {
        let name = Name::of(&self.place, object);
        let at = match layout::spot(&name, object)? {
            Spot::At(key) => Some(key),
            Spot::Anywhere => self.search(&name).await?,
            Spot::Nowhere => self.search_below(&name, &name.to_string()).await?,
        };
        let Some(key) = at else {
            return Ok(None);
        };
        let Key::Object(name, format) = Key::parse(&key) else {
            return Ok(None);
        };
        let object = self.bucket.head(&key).await?;
        Ok(object.map(|object| Found { name, key, format, object }))
    }

    /// A finished object that must be there.
    pub(crate) async fn existing(&self, object: &DataObject) -> Result<Found> {
        self.find(object).await?.ok_or_else(|| {
            let kind = object.object_type().as_str().to_ascii_lowercase();
            let (uuid, url) = (object.uuid(), self.place.url());
            PluginError::not_found(format!("the {kind} {uuid} is not in the bucket {url}"))
        })
    }

    /// Looks for an object where it belongs, and, since only its uuid is known, wherever it lay when
    /// it had another owner.
    async fn search(&self, name: &Name) -> Result<Option<String>> {
        match self.search_below(name, &name.to_string()).await? {
            Some(key) => Ok(Some(key)),
            None => self.search_below(name, &layout::prefix(name.folder.kind)).await,
        }
    }

    async fn search_below(&self, name: &Name, prefix: &str) -> Result<Option<String>> {
        let look = |one: Listed| match Key::parse(&one.key) {
            Key::Object(of, _) if of.is_of(name) => ControlFlow::Break(one.key),
            _ => ControlFlow::Continue(()),
        };
        self.bucket.walk(prefix, "", look).await
    }

    /// The truth about an object.
    pub(crate) async fn describe(&self, object: &DataObject) -> Result<ObjectDescription> {
        match self.find(object).await? {
            Some(found) => self.description(object, &found).await,
            None => Ok(ObjectDescription::absent()),
        }
    }

    async fn description(&self, object: &DataObject, of: &Found) -> Result<ObjectDescription> {
        let size = of.object.size;
        let mut truth = ObjectDescription::new(true);
        truth.path.clone_from(&of.key);
        truth.generation = Some(of.object.tag.trim_matches('"').to_owned());
        truth.format = Some(of.format);
        truth.size_bytes = size;
        truth.physical_size_bytes = Some(size);
        if of.format != ImageFormat::Raw {
            // Only who reads the format knows the size of the disk in it: the host, which tells it.
            let told = [object.size_bytes(), record::virtual_size(&of.object).unwrap_or(0)];
            truth.size_bytes = told.into_iter().find(|size| *size > 0).unwrap_or(size);
        }
        truth.digest = self.digest(of).await?;
        Ok(truth)
    }

    /// The digest that was recorded with these very bytes.
    pub(crate) async fn digest(&self, of: &Found) -> Result<Option<String>> {
        if let Some(digest) = of.object.metadata.get(record::DIGEST) {
            return Ok(Some(digest.clone()));
        }
        let Some(attempt) = record::attempt(&of.object) else {
            return Ok(None);
        };
        let text = match self.bucket.get_small(&of.name.record(attempt), record::MAX_BYTES).await {
            // What is none is no reason to refuse the object.
            Err(error) if error.kind() == PluginErrorKind::Corrupt => None,
            text => text?,
        };
        let record = text.as_deref().and_then(Record::parse);
        let record = record.filter(|record| record.size == of.object.size);
        Ok(record.map(|record| record.digest))
    }

    /// Removes an object and what was left of its making. What is gone is a success.
    pub(crate) async fn remove(&self, stores: &Stores, object: &DataObject) -> Result<()> {
        let own = Name::of(&self.place, object);
        // A path that leads elsewhere is refused before anything is touched.
        let at = match layout::spot(&own, object)? {
            Spot::At(key) => Key::parse(&key).name().cloned(),
            Spot::Anywhere => {
                let found = self.search(&own).await?;
                found.and_then(|key| Key::parse(&key).name().cloned())
            }
            Spot::Nowhere => None,
        };
        // First what could still become the object, then the object, then what is known of it.
        self.end_uploads(stores, &own).await?;
        self.remove_named(&own, &[]).await?;
        if let Some(name) = at.filter(|name| *name != own) {
            self.end_uploads(stores, &name).await?;
            self.remove_named(&name, &[]).await?;
        }
        Ok(())
    }

    /// Removes everything that is called after an object but what is named.
    pub(crate) async fn remove_named(&self, name: &Name, but: &[&str]) -> Result<()> {
        let mut listed = self.bucket.list_all(&name.to_string()).await?;
        listed.retain(|one| !but.contains(&one.key.as_str()));
        listed.retain(|one| Key::parse(&one.key).name() == Some(name));
        // An object goes before its record: what is left then is nothing.
        listed.sort_by_key(|one| matches!(Key::parse(&one.key), Key::Record(_)));
        for one in listed {
            self.bucket.delete(&one.key).await?;
        }
        Ok(())
    }

    /// Ends all uploads that were to become an object.
    pub(crate) async fn end_uploads(&self, stores: &Stores, name: &Name) -> Result<()> {
        let prefix = name.to_string();
        let listed = match self.features.lists_uploads {
            true => self.bucket.unfinished(&prefix).await?.unwrap_or_default(),
            false => Vec::new(),
        };
        let kept = unfinished::kept(stores, self, name).await?;
        for upload in listed.iter().chain(&kept) {
            self.end_upload(stores, name, upload).await?;
        }
        Ok(())
    }

    /// Ends one upload, and forgets it.
    pub(crate) async fn end_upload(
        &self,
        stores: &Stores,
        name: &Name,
        upload: &Unfinished,
    ) -> Result<()> {
        match self.bucket.abort_upload(upload).await {
            // A server that does not know it any more may say that it is somebody else's.
            Err(error)
                if error.kind() != PluginErrorKind::PermissionDenied
                    || self.features.lists_uploads =>
            {
                return Err(error);
            }
            _ => {}
        }
        unfinished::forget(stores, self, name, upload).await
    }
}

/// Refuses a length outside the declared limits.
pub(crate) fn check_size(size: u64) -> Result<()> {
    if size <= MAX_BYTES {
        return Ok(());
    }
    Err(PluginError::invalid_argument(format!(
        "{size} bytes are more than the {MAX_BYTES} (5 TiB) that one object may have here"
    )))
}
