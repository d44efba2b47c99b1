//! The plugin `nfs` when it is interrupted: in the midst of a write its process is killed, and the
//! write goes on in another one.

use serde_json::{Map, json};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use storage_plugin_api::{
    CheckpointToken, Chunk, DataObject, ImageStoreDriver, OpenReaderRequest, OpenedWriter,
    PluginErrorKind, StoreContext, TemplateInfo,
};
use tests::{Images, Skin, call, chunks_of, objects_below};

const MIB: u64 = 1 << 20;
/// Several checkpoints, and no round number of anything.
const SIZE: u64 = 100 * MIB + 12_345;
const URL: &str = "nfs://nas.example/export";

/// An image store in a directory that the plugin's settings call an export.
struct Mounted {
    images: Images,
    mounted: tempfile::TempDir,
}

impl Mounted {
    async fn new(skin: Skin) -> Self {
        let mounted = tempfile::tempdir().unwrap();
        let path = mounted.path().canonicalize().unwrap();
        let settings = Map::from_iter([("mounts".to_owned(), json!({ URL: path }))]);
        Self { images: Images::new(skin, settings, URL).await, mounted }
    }

    fn driver(&self) -> Arc<dyn ImageStoreDriver> {
        self.images.driver()
    }

    fn store(&self) -> &StoreContext {
        &self.images.store
    }

    /// Writes from the start until a second token came, or a later one; the last of them.
    async fn begin(&self, of: &TemplateInfo) -> (OpenedWriter, CheckpointToken) {
        let mut opened = self.images.writer(of, SIZE, None).await.unwrap();
        let mut tokens: Vec<CheckpointToken> = Vec::new();
        for chunk in chunks_of(SIZE) {
            tokens.extend(opened.writer.write(chunk).await.unwrap());
            if tokens.len() >= 2 && tokens.iter().any(|token| token.offset >= 32 * MIB) {
                break;
            }
        }
        let offsets: Vec<_> = tokens.iter().map(|token| token.offset).collect();
        assert!(offsets.len() >= 2, "tokens came at {offsets:?} only");
        assert!(offsets.is_sorted_by(|one, next| one < next), "{offsets:?}");
        let last = tokens.pop().unwrap();
        assert!((1..SIZE).contains(&last.offset), "{offsets:?} of {SIZE} bytes");
        (opened, last)
    }

    async fn is_there(&self, of: &TemplateInfo) -> bool {
        self.images.is_there(of.clone()).await.unwrap()
    }

    /// Whether the object is there, has its bytes and says so by its digest.
    async fn expect_whole(&self, of: &TemplateInfo) {
        let object = DataObject::from(of.clone());
        let there = self.driver().describe(&call(), self.store(), object).await.unwrap();
        assert!(there.present);
        assert_eq!((there.size_bytes, there.physical_size_bytes), (10 << 30, Some(SIZE)));
        let file = self.mounted.path().join(&of.install_path);
        let expected: Vec<u8> = chunks_of(SIZE).flat_map(bytes_of).collect();
        assert!(fs::read(file).unwrap() == expected, "it has other bytes");
        let digest = blake3::hash(&expected).to_hex();
        assert_eq!(there.digest, Some(format!("{{BLAKE3}}{digest}")));
        let request = OpenReaderRequest::new(of.clone());
        let mut reader = self.driver().open_reader(&call(), self.store(), request).await.unwrap();
        let mut end = 0;
        while let Some(chunk) = reader.next().await.unwrap() {
            assert_eq!(chunk.offset(), end);
            end += chunk.length();
        }
        assert_eq!(end, SIZE);
    }

    /// All files but those of the mark.
    fn files(&self) -> Vec<PathBuf> {
        objects_below(self.mounted.path())
    }
}

fn bytes_of(chunk: Chunk) -> Vec<u8> {
    match chunk {
        Chunk::Data { bytes, .. } => bytes.to_vec(),
        Chunk::Hole { length, .. } => vec![0; length as usize],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_process_is_killed_goes_on_in_the_next_one_and_nothing_is_sent_twice() {
    let mounted = Mounted::new(Skin::Process).await;
    let template = mounted.images.create().await;
    let (mut opened, token) = mounted.begin(&template).await;
    tests::signal(mounted.images.plugin.pid(), rustix::process::Signal::KILL);
    let error = opened.writer.finish().await.unwrap_err();
    assert_eq!(error.kind(), PluginErrorKind::Unavailable, "{error}");
    drop(opened);

    mounted.images.plugin.supervisor().up().await;
    assert!(!mounted.is_there(&template).await);
    assert_eq!(mounted.files().len(), 1, "{:?}", mounted.files());
    let mut opened = mounted.images.writer(&template, SIZE, Some(token.clone())).await.unwrap();
    assert_eq!(opened.offset, token.offset);
    for chunk in chunks_of(SIZE).filter(|chunk| chunk.offset() >= token.offset) {
        opened.writer.write(chunk).await.unwrap();
    }
    let written = opened.writer.finish().await.unwrap();
    assert_eq!(written.path.as_deref(), Some(template.install_path.as_str()));
    drop(opened);
    mounted.expect_whole(&template).await;

    // The token has served its time.
    let error = mounted.images.writer(&template, SIZE, Some(token)).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), PluginErrorKind::InvalidArgument, "{error}");
    mounted.expect_whole(&template).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_nobody_goes_on_with_goes_with_its_object() {
    for skin in Skin::BOTH {
        let mounted = Mounted::new(skin).await;
        let template = mounted.images.create().await;
        let (mut opened, token) = mounted.begin(&template).await;
        if skin == Skin::Process {
            tests::signal(mounted.images.plugin.pid(), rustix::process::Signal::KILL);
            opened.writer.finish().await.unwrap_err();
            mounted.images.plugin.supervisor().up().await;
        }
        drop(opened);
        let object = DataObject::from(template.clone());
        mounted.driver().delete_async(&call(), mounted.store(), object).await.unwrap();
        assert_eq!(mounted.files(), Vec::<PathBuf>::new(), "{skin:?}");
        assert!(!mounted.mounted.path().join("template").exists(), "{skin:?}");
        let error =
            mounted.images.writer(&template, SIZE, Some(token)).await.map(drop).unwrap_err();
        assert_eq!(error.kind(), PluginErrorKind::NotFound, "{skin:?}: {error}");
    }
}
