//! An object that is written over another one.

use super::super::failure::{Checked, Doing, equal, equal_digests};
use super::super::scene::{Named, Scene, set_path};
use crate::digest::Digest;
use crate::{Chunk, DataObject, DataReader, OpenReaderRequest, OpenWriterRequest};
use std::sync::Arc;

/// What is written, in bytes from the beginning, from the middle and to the end; the second one is
/// a hole. None begins or ends at anybody's border.
const LENGTH: u64 = 70_001;

pub(in super::super) async fn written_over_a_base_keeps_the_rest(scene: Arc<Scene>) -> Checked {
    let (base, _) = scene.filled().await?;
    let size = base.size_bytes();
    let before = bytes_of(&scene, &base).await?;
    let mut expected = before.clone();
    let length = LENGTH.min(size / 4);
    let mut object = scene.blank().await?;
    let mut request = OpenWriterRequest::new(object.clone(), size);
    request.base = Some(base.clone());
    let opened = scene.open_writer(request).await;
    let opened = opened.doing(format_args!("opening {} over {}", Named(&object), Named(&base)))?;
    equal("where a writer over a base begins", 0, opened.offset)?;
    let mut writer = opened.writer;
    for (number, offset) in [1_u64, size / 2 - 3, size - length].into_iter().enumerate() {
        let range = offset as usize..(offset + length) as usize;
        let chunk = if number == 1 {
            expected.get_mut(range).unwrap_or_default().fill(0);
            Chunk::Hole { offset, length }
        } else {
            let byte = 0xA0 + number as u8;
            expected.get_mut(range).unwrap_or_default().fill(byte);
            Chunk::Data { offset, bytes: vec![byte; length as usize].into() }
        };
        let token = scene.write_chunk(writer.as_mut(), chunk).await;
        let token = token.doing(format_args!("writing over a base at byte {offset}"))?;
        equal("the token of a write over a base", None, token)?;
    }
    let written = scene.finish_write(writer.as_mut()).await;
    let written = written.doing(format_args!("finishing {} over a base", Named(&object)))?;
    if let Some(path) = written.path.clone() {
        set_path(&mut object, path);
        scene.track(&object);
    }
    expect(&scene, &object, &expected, "what was written over a base").await?;
    expect(&scene, &base, &before, "the base of a write").await?;
    let shown = scene.expect_present(&object).await?;
    if let Some(recorded) = shown.digest {
        let what = "the digest of what was written over a base";
        equal_digests(what, Digest::of([&expected]), &recorded)?;
    }
    scene.delete(&base).await?;
    expect(&scene, &object, &expected, "what was written over a base that is gone").await?;
    scene.delete(&object).await
}

async fn expect(scene: &Scene, object: &DataObject, expected: &[u8], what: &str) -> Checked {
    let read = bytes_of(scene, object).await?;
    equal(format!("how many bytes {what} has"), expected.len(), read.len())?;
    let other = expected.iter().zip(&read).position(|(one, other)| one != other);
    equal(format!("the first byte of {what} that is another"), None, other)
}

/// All bytes of an object, holes as the zeros they stand for.
async fn bytes_of(scene: &Scene, object: &DataObject) -> Checked<Vec<u8>> {
    let opened = scene.open_reader(OpenReaderRequest::new(object.clone())).await;
    let mut reader = opened.doing(format_args!("opening {} for reading", Named(object)))?;
    let mut read = Vec::new();
    while let Some(chunk) = next(scene, reader.as_mut(), object).await? {
        match chunk {
            Chunk::Data { bytes, .. } => read.extend_from_slice(&bytes),
            Chunk::Hole { length, .. } => read.resize(read.len() + length as usize, 0),
        }
    }
    Ok(read)
}

async fn next(
    scene: &Scene,
    reader: &mut dyn DataReader,
    object: &DataObject,
) -> Checked<Option<Chunk>> {
    let chunk = scene.next_chunk(reader).await;
    chunk.doing(format_args!("reading {}", Named(object)))
}
