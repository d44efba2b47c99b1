//! The bytes of an object go: pieces of it beside each other, zeros as holes, and checked at the
//! end against the digest that was recorded with them.

use crate::objects::Found;
use crate::s3::{Download, Pin};
use crate::stores::Opened;
use storage_plugin_api::PluginResult as Result;
use storage_plugin_api::bytes::Bytes;
use storage_plugin_api::digest::Tree;
use storage_plugin_api::prelude::*;

/// The unit in which zeros are looked for: as small as file systems give out space, or nearly.
const BLOCK: usize = 64 << 10;
const ZEROS: &[u8; BLOCK] = &[0; BLOCK];

/// Reads a range of an object.
pub(crate) struct ImageReader {
    bytes: Download,
    offset: u64,
    end: u64,
    /// Read, not yet given out; begins at `offset`.
    piece: Bytes,
    /// Where all of the object is read and its digest is known: what came, and what it is to be.
    check: Option<(Tree, String)>,
    key: String,
}

/// Opens an object for reading a range of it.
pub(crate) async fn open(opened: &Opened, of: &OpenReaderRequest) -> Result<ImageReader> {
    if of.since.is_some() {
        return Err(PluginError::unsupported("what changed since a snapshot is not known"));
    }
    let found = opened.existing(&of.object).await?;
    let size = found.object.size;
    let asked = of.length.map(|length| of.offset.saturating_add(length));
    let end = asked.map_or(size, |end| end.min(size));
    let is_whole = of.offset == 0 && end == size;
    let digest = if is_whole { opened.digest(&found).await? } else { None };
    let Found { key, object, .. } = found;
    let place = &opened.place;
    let pin = Pin { tag: object.tag, size };
    let (range, bucket) = (of.offset.min(end)..end, opened.bucket.clone());
    Ok(ImageReader {
        bytes: Download::new(bucket, &key, pin, range, place.part_bytes, place.parts_in_flight),
        offset: of.offset.min(end),
        end,
        piece: Bytes::new(),
        check: digest.map(|digest| (Tree::new(BLOCK as u64), digest)),
        key,
    })
}

impl ImageReader {
    fn ended(&mut self) -> Result<()> {
        if self.offset != self.end {
            return Err(self.corrupt(&format!("it ended at {} of {}", self.offset, self.end)));
        }
        let Some((Some(got), expected)) = self.check.take().map(|(tree, it)| (tree.finish(), it))
        else {
            return Ok(());
        };
        match got.agrees_with(&expected) {
            Some(false) => {
                Err(self.corrupt(&format!("its digest is {got}, and {expected} was written")))
            }
            // One of another kind says nothing here.
            _ => Ok(()),
        }
    }

    fn corrupt(&self, why: &str) -> PluginError {
        PluginError::corrupt(format!("{:?} is not what was written: {why}", self.key))
    }
}

#[async_trait]
impl DataReader for ImageReader {
    async fn next(&mut self) -> Result<Option<Chunk>> {
        if self.piece.is_empty() {
            let Some(piece) = self.bytes.next().await? else {
                return self.ended().map(|()| None);
            };
            if let Some((tree, _)) = &mut self.check {
                tree.update(&piece, |_| ());
            }
            self.piece = piece;
        }
        Ok(Some(first_run(&mut self.piece, &mut self.offset)))
    }
}

/// The run of blocks at the start that are holes, or are not, as the first is. Less than a block is
/// data: a single zero that somebody wrote is no hole.
fn first_run(piece: &mut Bytes, at: &mut u64) -> Chunk {
    let hole = piece.starts_with(ZEROS);
    let run = piece.chunks(BLOCK).take_while(|block| (block == ZEROS) == hole);
    let mut length: usize = run.map(<[u8]>::len).sum();
    length = if hole { length } else { length.min(CHUNK_BYTES) };
    let bytes = piece.split_to(length);
    let (offset, length) = (*at, bytes.len() as u64);
    *at += length;
    if hole { Chunk::Hole { offset, length } } else { Chunk::Data { offset, bytes } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_blocks_of_zeros_are_holes() {
        let mut bytes = vec![0; 3 * BLOCK + 5];
        bytes[BLOCK] = 1;
        let (mut piece, mut at) = (Bytes::from(bytes), 7);
        let runs: Vec<_> = std::iter::from_fn(|| {
            (!piece.is_empty()).then(|| {
                let chunk = first_run(&mut piece, &mut at);
                (matches!(chunk, Chunk::Hole { .. }), chunk.offset(), chunk.length())
            })
        })
        .collect();
        let block = BLOCK as u64;
        let expected = [(true, 7, block), (false, 7 + block, block), (true, 7 + 2 * block, block)];
        assert_eq!(runs[..3], expected);
        assert_eq!(runs[3..], [(false, 7 + 3 * block, 5)]);
    }
}
