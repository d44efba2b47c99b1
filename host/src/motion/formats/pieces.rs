//! Where the bytes of a disk are in its image: imago's part of a conversion, on threads of its own.

use super::storage::{Ask, AskStorage};
use bytes::{Bytes, BytesMut};
use imago::qcow2::Qcow2;
use imago::{DenyImplicitOpenGate, FormatAccess, FormatDriverBuilder as _, Mapping};
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use storage_plugin_api::CHUNK_BYTES;
use tokio::sync::{mpsc, oneshot};

/// Pieces that wait for their reader; of those that are decompressed, each has a chunk.
pub(super) const AHEAD: usize = 8;
/// More do not make it quicker: someone has to write it, too.
const MOST_WORKERS: usize = 4;

/// A piece of the disk, and where its bytes are. Pieces follow each other without gaps.
pub(super) enum Piece {
    /// Zeros.
    Hole { length: u64 },
    /// In the file, as they are.
    Stored { at: u64, length: u64 },
    /// Being decompressed.
    Packed { length: u64, bytes: oneshot::Receiver<io::Result<Bytes>> },
}

/// A part of the disk that is to be decompressed.
struct Job {
    offset: u64,
    length: usize,
    reply: oneshot::Sender<io::Result<Bytes>>,
}

type Pieces = mpsc::Sender<io::Result<Piece>>;

/// Finds all pieces of a qcow2 image, in order. Runs until it is done or nobody listens.
pub(super) fn find(asks: mpsc::Sender<Ask>, file_bytes: u64, disk_bytes: u64, pieces: &Pieces) {
    if let Err(error) = open_and_map(AskStorage::new(asks, file_bytes), disk_bytes, pieces) {
        // Whoever went away needs no error.
        pieces.blocking_send(Err(error)).ok();
    }
}

fn open_and_map(storage: AskStorage, disk_bytes: u64, pieces: &Pieces) -> io::Result<()> {
    // Neither a backing image nor a data file: it was vetted to have none, and would get none.
    let image = Qcow2::<AskStorage>::builder(storage)
        .backing(None)
        .data_file(None)
        .open(DenyImplicitOpenGate::default())?;
    let image = FormatAccess::new(image);
    if image.size() != disk_bytes {
        return Err(io::Error::other(format!(
            "the disk has {} bytes now, and had {disk_bytes}",
            image.size()
        )));
    }
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS);
    std::thread::scope(|scope| {
        let (jobs, queue) = sync_channel(workers);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..workers {
            let (image, queue) = (&image, Arc::clone(&queue));
            scope.spawn(move || work(image, &queue));
        }
        // The queue ends with the last worker, the workers end with the jobs.
        drop(queue);
        map(&image, disk_bytes, pieces, &jobs)
    })
}

/// Walks through the disk.
fn map(
    image: &FormatAccess<AskStorage>,
    disk_bytes: u64,
    pieces: &Pieces,
    jobs: &SyncSender<Job>,
) -> io::Result<()> {
    let mut run = Run { pieces, last: None };
    let mut at = 0;
    while at < disk_bytes {
        let (mapping, mut length) = image.get_mapping(at, disk_bytes - at)?;
        if length == 0 {
            return Err(io::Error::other(format!("the disk ends at byte {at}")));
        }
        match mapping {
            Mapping::Zero { .. } => run.push(Piece::Hole { length })?,
            Mapping::Raw { offset, .. } => run.push(Piece::Stored { at: offset, length })?,
            Mapping::Special { .. } => {
                length = length.min(CHUNK_BYTES as u64);
                let (reply, bytes) = oneshot::channel();
                let job = Job { offset: at, length: length as usize, reply };
                jobs.send(job).map_err(|_| gone())?;
                run.push(Piece::Packed { length, bytes })?;
            }
            _ => return Err(io::Error::other(format!("what is at byte {at} is unclear"))),
        }
        at += length;
    }
    run.flush()
}

fn gone() -> io::Error {
    io::Error::other("the conversion was given up")
}

/// Joins pieces that follow each other in the file as well.
struct Run<'a> {
    pieces: &'a Pieces,
    last: Option<Piece>,
}

impl Run<'_> {
    fn push(&mut self, piece: Piece) -> io::Result<()> {
        match (&mut self.last, &piece) {
            (Some(Piece::Hole { length }), Piece::Hole { length: more }) => *length += more,
            (Some(Piece::Stored { at, length }), Piece::Stored { at: next, length: more })
                if at.checked_add(*length) == Some(*next) =>
            {
                *length += more;
            }
            _ => {
                self.flush()?;
                self.last = Some(piece);
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.last.take() {
            Some(piece) => self.pieces.blocking_send(Ok(piece)).map_err(|_| gone()),
            None => Ok(()),
        }
    }
}

/// Decompresses until there are no more jobs.
fn work(image: &FormatAccess<AskStorage>, queue: &Mutex<Receiver<Job>>) {
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
    while let Ok(job) = next() {
        let mut bytes = BytesMut::zeroed(job.length);
        let read = image.read(&mut bytes[..], job.offset).map(|()| bytes.freeze());
        // Whoever went away needs no bytes.
        job.reply.send(read).ok();
    }
}
