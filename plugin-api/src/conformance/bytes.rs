//! Writing a pattern into an object in uneven chunks, and comparing what comes back.

use super::failure::{Checked, Doing, Failure, ensure, equal, equal_digests};
use super::pattern::{Content, Pattern};
use super::scene::{Named, Scene, set_path};
use crate::{
    CheckpointToken, Chunk, DataObject, DataReader, DataWriter, OpenReaderRequest,
    OpenWriterRequest, WriteResult,
};

/// Lengths of chunks, in turn: on, below and above everything that rounds.
const UNEVEN: [u64; 8] = [1 << 20, 511, 512, 4096, 65_535, 1, 300_007, 65_537];

/// What was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ReadBack {
    /// Where the reader ended.
    pub(super) end: u64,
    /// How many bytes came as holes.
    pub(super) hole_bytes: u64,
}

impl Scene {
    /// Writes an object whole, and takes over a new path.
    pub(super) async fn fill(
        &self,
        object: &mut DataObject,
        pattern: &Pattern,
    ) -> Checked<WriteResult> {
        let mut writer = self.writer(object, pattern.size, None).await?;
        self.send(writer.as_mut(), pattern, 0, pattern.size).await?;
        let finished = self.finish_write(writer.as_mut()).await;
        let result = finished.doing(format_args!("finishing the write of {}", Named(object)))?;
        ensure(result.size_bytes >= pattern.size, || {
            format!(
                "finishing the write of {}: expected a size of at least {} bytes, got {}",
                Named(object),
                pattern.size,
                result.size_bytes
            )
        })?;
        if let Some(path) = result.path.clone() {
            set_path(object, path);
            self.track(object);
        }
        Ok(result)
    }

    /// Checks a digest that is recorded with an object, if one is: told by describe, it is that of
    /// the bytes. Of a digest of another kind than BLAKE3 only the form is looked at.
    pub(super) async fn expect_digest(
        &self,
        object: &DataObject,
        pattern: &Pattern,
        told: Option<&String>,
    ) -> Checked {
        let recorded = self.expect_present(object).await?.digest;
        if let Some(told) = told {
            let what = format!("the digest of {} when it was written and later", Named(object));
            equal(what, Some(told), recorded.as_ref())?;
        }
        let Some(recorded) = recorded else {
            return Ok(());
        };
        let what = format!("the digest recorded with {}", Named(object));
        equal_digests(what, pattern.digest(), &recorded)
    }

    /// Opens a writer, which must begin where the token says.
    pub(super) async fn writer(
        &self,
        object: &DataObject,
        size_bytes: u64,
        resume: Option<CheckpointToken>,
    ) -> Checked<Box<dyn DataWriter>> {
        let offset = resume.as_ref().map_or(0, |token| token.offset);
        let mut request = OpenWriterRequest::new(object.clone(), size_bytes);
        request.resume = resume;
        let opened = self.open_writer(request).await;
        let opened = opened.doing(format_args!("opening {} for writing", Named(object)))?;
        let what = format!("the offset where the writer of {} begins", Named(object));
        equal(what, offset, opened.offset)?;
        Ok(opened.writer)
    }

    /// Sends a range of a pattern in uneven chunks; the latest token comes back.
    pub(super) async fn send(
        &self,
        writer: &mut dyn DataWriter,
        pattern: &Pattern,
        from: u64,
        to: u64,
    ) -> Checked<Option<CheckpointToken>> {
        let mut token = None;
        let mut lengths = UNEVEN.iter().cycle();
        for run in pattern.runs() {
            let end = (run.offset + run.length).min(to);
            let mut at = run.offset.max(from);
            while at < end && run.content != Content::Untouched {
                let as_hole = run.content == Content::Hole && self.can.sparse;
                let next = lengths.next().copied().unwrap_or(1 << 20);
                let chunk = if as_hole {
                    Chunk::Hole { offset: at, length: end - at }
                } else {
                    let length = next.min(end - at) as usize;
                    Chunk::Data { offset: at, bytes: pattern.bytes(at, length).into() }
                };
                at += chunk.length();
                let written = self.write_chunk(writer, chunk).await;
                let newer = written.doing(format_args!("writing up to byte {at}"))?;
                token = newer.or(token);
            }
        }
        Ok(token)
    }

    /// Checks the bytes of an object: the whole, and ranges from odd offsets.
    pub(super) async fn expect_bytes(&self, object: &DataObject, pattern: &Pattern) -> Checked {
        let whole = self.read_back(object, pattern, 0, None).await?;
        ensure(whole.end >= pattern.size, || {
            format!("reading {}: expected {} bytes, got {}", Named(object), pattern.size, whole.end)
        })?;
        let size = pattern.size;
        for (offset, length) in [(1, 1), (513, 70_000), (65_535, 65_538), (size / 2 + 3, 4097)] {
            if offset + length <= size {
                let read = self.read_back(object, pattern, offset, Some(length)).await?;
                let what = format!("where a read of {length} bytes from {offset} ended");
                equal(what, offset + length, read.end)?;
            }
        }
        let tail = self.read_back(object, pattern, size - 1, None).await?;
        equal("where a read from the last byte ended", whole.end, tail.end)
    }

    /// Reads a range only to see that its chunks follow one another; answers where it ended.
    pub(super) async fn read_places(
        &self,
        object: &DataObject,
        offset: u64,
        length: Option<u64>,
    ) -> Checked<u64> {
        let read = self.read(object, None, offset, length).await?;
        Ok(read.end)
    }

    /// Reads a range and compares it; bytes behind the pattern must be zeros.
    pub(super) async fn read_back(
        &self,
        object: &DataObject,
        pattern: &Pattern,
        offset: u64,
        length: Option<u64>,
    ) -> Checked<ReadBack> {
        self.read(object, Some(pattern), offset, length).await
    }

    async fn read(
        &self,
        object: &DataObject,
        pattern: Option<&Pattern>,
        offset: u64,
        length: Option<u64>,
    ) -> Checked<ReadBack> {
        let mut request = OpenReaderRequest::new(object.clone());
        request.offset = offset;
        request.length = length;
        let opened = self.open_reader(request).await;
        let mut reader = opened.doing(format_args!("opening {} for reading", Named(object)))?;
        let read = self.compare(reader.as_mut(), pattern, offset, length).await;
        read.doing(format_args!("reading {} from byte {offset}", Named(object)))
    }

    async fn compare(
        &self,
        reader: &mut dyn DataReader,
        pattern: Option<&Pattern>,
        offset: u64,
        length: Option<u64>,
    ) -> Checked<ReadBack> {
        let mut read = ReadBack { end: offset, hole_bytes: 0 };
        while let Some(chunk) = self.next_chunk(reader).await.doing("the next chunk")? {
            equal("the offset of the next chunk", read.end, chunk.offset())?;
            ensure(chunk.length() > 0, || {
                format!("the chunk at {}: expected bytes, got none", read.end)
            })?;
            if let Some(length) = length {
                ensure(chunk.length() <= offset + length - read.end, || {
                    format!(
                        "expected an end at byte {}, got a chunk of {} bytes at {}",
                        offset + length,
                        chunk.length(),
                        read.end
                    )
                })?;
            }
            if let Some(pattern) = pattern {
                compare_chunk(pattern, &chunk)?;
            }
            read.end += chunk.length();
            if let Chunk::Hole { length, .. } = chunk {
                read.hole_bytes += length;
            }
        }
        Ok(read)
    }
}

fn compare_chunk(pattern: &Pattern, chunk: &Chunk) -> Checked {
    match chunk {
        Chunk::Hole { offset, length } => match pattern.first_data(*offset, *length) {
            Some(at) => Err(Failure::new(format!(
                "expected data at byte {at}, got a hole of {length} bytes from {offset}"
            ))),
            None => Ok(()),
        },
        Chunk::Data { offset, bytes } => {
            let expected = pattern.bytes(*offset, bytes.len());
            if expected[..] == bytes[..] {
                return Ok(());
            }
            let different = expected.iter().zip(bytes).position(|(one, other)| one != other);
            match different {
                Some(at) => Err(Failure::new(format!(
                    "byte {}: expected {:#04x}, got {:#04x}",
                    *offset + at as u64,
                    expected[at],
                    bytes[at]
                ))),
                None => Ok(()),
            }
        }
    }
}
