//! Bytes of which nobody knows how many they are, until all have come: packed ones, and forms.
//!
//! They wait in a file of this host, without a name, for writers want the length at the beginning:
//! an object store cuts its parts by it. The file is gone with its process.

use super::rooms::Rooms;
use crate::motion::{ByteStream, Chunked};
use async_trait::async_trait;
use bytes::Bytes;
use storage_plugin_api::{CHUNK_BYTES, CallContext, PluginError, PluginResult};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

/// Bytes that wait, from the first one on.
pub(super) struct Spooled {
    pub(super) chunks: Chunked<InFile>,
    pub(super) length_bytes: u64,
}

impl Rooms {
    /// Lets all bytes of a stream wait.
    ///
    /// # Errors
    /// Those of the stream; `CapacityExceeded` where the directory of such files is full.
    pub(super) async fn spool(
        &self,
        call: &CallContext,
        source: &mut dyn ByteStream,
    ) -> PluginResult<Spooled> {
        let failed = |error: std::io::Error| {
            let directory = self.policy.images.spool.display();
            PluginError::from_io(format!("cannot keep what is unpacked in {directory}"), &error)
        };
        let file = tempfile::tempfile_in(&self.policy.images.spool).map_err(failed)?;
        let (mut file, mut length_bytes) = (File::from_std(file), 0);
        while let Some(bytes) = source.next(call).await? {
            file.write_all(&bytes).await.map_err(failed)?;
            length_bytes += bytes.len() as u64;
            call.report_progress(length_bytes, None);
        }
        file.flush().await.map_err(failed)?;
        file.rewind().await.map_err(failed)?;
        Ok(Spooled { chunks: Chunked::new(InFile(file), 0), length_bytes })
    }
}

/// The bytes of such a file.
pub(super) struct InFile(File);

#[async_trait]
impl ByteStream for InFile {
    async fn next(&mut self, _: &CallContext) -> PluginResult<Option<Bytes>> {
        let mut bytes = Vec::with_capacity(CHUNK_BYTES);
        let mut piece = (&mut self.0).take(CHUNK_BYTES as u64);
        let read = piece.read_to_end(&mut bytes).await;
        read.map_err(|error| PluginError::from_io("cannot read what was unpacked", &error))?;
        Ok((!bytes.is_empty()).then(|| bytes.into()))
    }
}
