//! The bytes of an object come: into a file in the making, which becomes the object at its end.
//!
//! After each 16 MiB of data what came is flushed, beside the writing of the next, and a checkpoint
//! token says so: it names the file in the making and holds the digest of what is in it. A write
//! over the bytes of another object is flushed as often and gives no token. Invariant: a token holds
//! after a power failure, and is one of the write that gave it and of no other.

use crate::details::Place;
use crate::digest::{BLOCK_BYTES, Counted, Frozen};
use crate::layout::{self, Folder, Name};
use crate::objects::write_record;
use crate::record::Record;
use crate::stores::Stores;
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::{Mutex, MutexGuard, PoisonError};
use storage_plugin_api::bytes::Bytes;
use storage_plugin_api::digest::{Digest, Top};
use storage_plugin_api::files::{Directory, blocking, make_zeros};
use storage_plugin_api::prelude::*;
use storage_plugin_api::tokio::task::JoinHandle;
use storage_plugin_api::{PluginResult as Result, log, serde_json, tokio};

/// What is written, and where to.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) place: Place,
    pub(crate) stores: Arc<Stores>,
    pub(crate) object: DataObject,
    pub(crate) folder: Folder,
    pub(crate) directory: Directory,
    pub(crate) name: Name,
    /// The file of the finished object.
    pub(crate) file: String,
    pub(crate) unfinished: String,
    pub(crate) attempt: Uuid,
    /// The file in the making. Its lock goes with it.
    pub(crate) open: File,
    /// How many bytes come.
    pub(crate) size: u64,
    /// What the host knows of the digest beforehand.
    pub(crate) expected: Option<String>,
    /// Whether it began with the bytes of another object: what is not written is not zeros.
    pub(crate) is_over: bool,
}

/// What a checkpoint token holds besides its offset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(crate = "storage_plugin_api::serde")]
pub(crate) struct TokenState {
    /// Tells the file in the making from those of other attempts.
    pub(crate) attempt: Uuid,
    /// The digest until there.
    tops: Option<Vec<Top>>,
    zeros: u64,
}

impl TokenState {
    /// What a token holds; `None` for one that is not ours.
    pub(crate) fn of(token: &CheckpointToken) -> Option<Self> {
        serde_json::from_slice(&token.state).ok()
    }

    /// The digest at an offset; `None` where the two do not fit.
    pub(crate) fn tree(&self, offset: u64) -> Option<Counted> {
        let frozen = Frozen { tops: self.tops.clone(), zeros: self.zeros };
        Counted::thaw(offset, &frozen)
    }
}

/// A flush under way, and the token that is true when it is done, if there is one.
type Flush = JoinHandle<Result<Option<CheckpointToken>>>;

/// Writes an object.
#[derive(Debug)]
pub(crate) struct ImageWriter {
    to: Arc<Target>,
    tree: Arc<Mutex<Counted>>,
    /// Where the next chunk begins at the earliest.
    offset: u64,
    /// Up to here a token was given, or is being made.
    promised: u64,
    /// How much data came since. Holes are nothing that a crash could lose, but over other bytes.
    unflushed: u64,
    flushing: Option<Flush>,
}

impl ImageWriter {
    /// Opens a writer that goes on with a digest, at its offset.
    pub(crate) fn open(to: Target, tree: Counted) -> OpenedWriter {
        let offset = tree.offset();
        let (to, tree) = (Arc::new(to), Arc::new(Mutex::new(tree)));
        let writer = Self { to, tree, offset, promised: offset, unflushed: 0, flushing: None };
        OpenedWriter::new(offset, writer)
    }

    /// Does work on the target where blocking is allowed.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Target, &mut Counted) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (to, tree) = (Arc::clone(&self.to), Arc::clone(&self.tree));
        blocking(move || work(&to, &mut lock(&tree))).await
    }

    /// Begins to flush once another block is whole. One flush is under way at a time: where the
    /// disk is slower than what comes, it is waited for.
    async fn flush(&mut self) -> Result<Option<CheckpointToken>> {
        let whole = self.offset / BLOCK_BYTES * BLOCK_BYTES;
        let is_much = self.unflushed >= BLOCK_BYTES;
        let is_due = is_much && whole > self.promised && whole < self.to.size;
        let is_over = self.flushing.as_ref().is_some_and(JoinHandle::is_finished);
        let at_end = self.offset == self.to.size;
        let token = if is_due || is_over || at_end { self.flushed().await? } else { None };
        if is_due {
            (self.promised, self.unflushed) = (whole, 0);
            let to = Arc::clone(&self.to);
            // The state of now: what comes next changes it. Over a base there is none: cutting off
            // what came after a token would cut off what was there before, too.
            let frozen = if to.is_over { None } else { lock(&self.tree).freeze() };
            self.flushing = Some(tokio::spawn(blocking(move || {
                to.flush()?;
                frozen.map(|frozen| to.token(frozen)).transpose()
            })));
        }
        Ok(token)
    }

    /// The token of the flush that is under way, if one is.
    async fn flushed(&mut self) -> Result<Option<CheckpointToken>> {
        match self.flushing.take() {
            None => Ok(None),
            Some(flushing) => match flushing.await {
                Ok(token) => token,
                Err(_) => Err(PluginError::internal("a flush broke")),
            },
        }
    }
}

#[async_trait]
impl DataWriter for ImageWriter {
    async fn write(&mut self, chunk: Chunk) -> Result<Option<CheckpointToken>> {
        let end = chunk.check_place(self.offset, self.to.size)?;
        let data = match &chunk {
            Chunk::Data { bytes, .. } => bytes.len() as u64,
            // Zeros that may have been written over what was there.
            Chunk::Hole { length, .. } if self.to.is_over => *length,
            Chunk::Hole { .. } => 0,
        };
        self.work(move |to, tree| {
            tree.zeros_to(chunk.offset());
            if tree.offset() != chunk.offset() {
                return Err(to.given_up());
            }
            match chunk {
                Chunk::Data { offset, bytes } => {
                    to.put(offset, &bytes)?;
                    tree.bytes(&bytes);
                }
                Chunk::Hole { offset, length } => {
                    to.put_hole(offset, length)?;
                    tree.zeros_to(end);
                }
            }
            Ok(())
        })
        .await?;
        self.offset = end;
        self.unflushed += data;
        self.flush().await
    }

    async fn finish(&mut self) -> Result<WriteResult> {
        self.flushed().await?;
        self.work(|to, tree| {
            tree.zeros_to(to.size);
            to.finish(tree.finish())
        })
        .await
    }

    async fn abort(&mut self) -> Result<()> {
        // Whether it succeeds is of no interest any more.
        self.flushed().await.ok();
        self.work(|to, _| to.empty()).await
    }
}

impl Target {
    /// A chunk that was given up may have been written, or not: only its token tells.
    fn given_up(&self) -> PluginError {
        PluginError::conflict(format!(
            "a chunk before this one was given up; open {:?} again, with the last token",
            self.directory.path().join(&self.unfinished)
        ))
    }

    fn put(&self, offset: u64, bytes: &Bytes) -> Result<()> {
        self.open
            .write_all_at(bytes, offset)
            .map_err(|error| self.directory.failed("write", &self.unfinished, error))
    }

    fn put_hole(&self, offset: u64, length: u64) -> Result<()> {
        if !self.is_over {
            return Ok(());
        }
        let path = self.directory.path().join(&self.unfinished);
        make_zeros(&self.open, &path, offset..offset + length)
    }

    fn flush(&self) -> Result<()> {
        self.open
            .sync_all()
            .map_err(|error| self.directory.failed("flush", &self.unfinished, error))
    }

    fn token(&self, (offset, frozen): (u64, Frozen)) -> Result<CheckpointToken> {
        let state = TokenState { attempt: self.attempt, tops: frozen.tops, zeros: frozen.zeros };
        let state = serde_json::to_vec(&state).map_err(|error| {
            PluginError::internal("a token cannot be written as JSON").caused_by(&error)
        })?;
        Ok(CheckpointToken::new(offset, state))
    }

    /// Makes the file the object: from the instant of its new name it is there, whole.
    fn finish(&self, digest: Option<Digest>) -> Result<WriteResult> {
        if let (Some(digest), Some(expected)) = (digest, &self.expected)
            && digest.agrees_with(expected) == Some(false)
        {
            self.empty()?;
            return Err(PluginError::corrupt(format!(
                "the digest of what came is {digest}, and {expected} was announced; nothing of it \
                 is kept"
            )));
        }
        let digest = digest.map(|digest| digest.to_string());
        self.flush()?;
        let _turn = self.stores.turn_at(&self.place, self.object.uuid());
        let found = self.expect_current()?;
        let told = self.object.size_bytes();
        let is_raw = self.file.ends_with(".raw");
        let virtual_size = if is_raw || told == 0 { found.size } else { told };
        let record = Record::new(&self.file, &found, virtual_size, digest.clone());
        write_record(&self.directory, &self.name, &self.object, &record)?;
        self.directory.rename(&self.unfinished, &self.file)?;
        self.directory.sync()?;
        log::debug!("finished {:?}", self.directory.path().join(&self.file));
        let physical = if is_raw { found.physical } else { found.size };
        let mut written = WriteResult::new(virtual_size, physical);
        written.path = Some(self.folder.path(&self.file));
        written.digest = digest;
        Ok(written)
    }

    /// Throws away what was written; the place stays, under a name that no token knows.
    fn empty(&self) -> Result<()> {
        let _turn = self.stores.turn_at(&self.place, self.object.uuid());
        if self.expect_current().is_err() {
            return Ok(());
        }
        let emptied = self.open.set_len(0);
        emptied.map_err(|error| self.directory.failed("empty", &self.unfinished, error))?;
        self.directory.rename(&self.unfinished, &layout::unfinished(&self.name, Uuid::new_v4()))?;
        self.directory.sync()
    }

    /// What is known of the file in the making, if it is still that of the object. The caller has
    /// the turn at it.
    pub(crate) fn expect_current(&self) -> Result<storage_plugin_api::files::Found> {
        let failed = |error| self.directory.failed("look at", &self.unfinished, error);
        let inode = self.open.metadata().map_err(failed)?.ino();
        let named = self.directory.look(&self.unfinished)?;
        named.filter(|found| found.inode == inode).ok_or_else(|| {
            PluginError::conflict(format!(
                "{:?} is not there any more: the object was deleted, or another write of it began",
                self.directory.path().join(&self.unfinished)
            ))
        })
    }
}

fn lock(tree: &Mutex<Counted>) -> MutexGuard<'_, Counted> {
    tree.lock().unwrap_or_else(PoisonError::into_inner)
}
