//! The disk in an image onto a store that wants raw bytes.

use super::in_store::Bytes;
use super::rooms::Rooms;
use super::store_access::StoreAccess;
use crate::jobs::{StepContext, StepError};
use crate::model::{Failure, ObjectInStore, Stored};
use crate::motion::formats::{Conversion, ImageLimits, inspect};
use crate::motion::{ChunkStream, ObjectRead};
use async_trait::async_trait;
use storage_plugin_api::{CallContext, Chunk, ImageFormat, PluginError, PluginResult};

impl Rooms {
    /// Writes the disk in an image onto a store as raw bytes, and verifies them there. Idempotent:
    /// after a crash the image is converted once more, and written is only what was not.
    ///
    /// # Errors
    /// `InvalidArgument` for an image that is not taken; `Unsupported` for one that cannot become
    /// raw, or a store that wants another format.
    pub(super) async fn convert(
        &self,
        context: &StepContext,
        from: &Bytes<'_>,
        to: &StoreAccess<'_>,
        mut one: Stored<ObjectInStore>,
    ) -> Result<Stored<ObjectInStore>, StepError> {
        if one.format != ImageFormat::Raw {
            return Err(Failure::unsupported(format!(
                "{} wants {} bytes, and there are {} ones; only raw bytes are made of others",
                to.title, one.format, from.format
            ))
            .into());
        }
        let call = context.call();
        self.expect_streams(&call, &from.access, to).await?;
        let mut source = ObjectRead::new(from.access.end(from.object.clone()), from.length_bytes);
        let image = inspect(&call, &mut source, &self.image_limits()).await;
        let image = image.map_err(PluginError::from)?;
        image.expect(from.format).map_err(PluginError::from)?;
        one.length_bytes = image.virtual_bytes;
        let mut disk = Disk(Conversion::new(&mut source, &image)?);
        let one = self.land(context, to, one, &mut disk, Some(from.same.clone())).await?;
        let there = self.object_here(&one).await?;
        self.arrived(context, to, one, there).await
    }

    /// How much an image may be.
    pub(super) fn image_limits(&self) -> ImageLimits {
        ImageLimits { virtual_bytes: self.policy.images.max_virtual_bytes }
    }
}

/// The disk in an image, as chunks.
struct Disk<'a>(Conversion<'a>);

#[async_trait]
impl ChunkStream for Disk<'_> {
    async fn next_chunk(&mut self, call: &CallContext) -> PluginResult<Option<Chunk>> {
        self.0.next(call).await
    }
}
