//! What drivers on a directory rely on.

use super::*;
use crate::PluginErrorKind;
use crate::driver::{OpenReaderRequest, OpenWriterRequest};
use crate::stream::{CHUNK_BYTES, CheckpointToken, Chunk, DataReader, OpenedWriter};
use crate::types::VolumeInfo;
use bytes::Bytes;
use std::path::PathBuf;
use uuid::Uuid;

/// A directory that is removed with its last test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("files-{}", Uuid::new_v4()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

const CHUNK: u64 = CHUNK_BYTES as u64;

fn volume() -> VolumeInfo {
    VolumeInfo::new(Uuid::new_v4(), "v", 0)
}

fn open(file: &Path, size: u64, resume: Option<CheckpointToken>) -> PluginResult<OpenedWriter> {
    let mut request = OpenWriterRequest::new(volume(), size);
    request.resume = resume;
    FileWriter::open(file, &request)
}

fn data(offset: u64, byte: u8) -> Chunk {
    Chunk::Data { offset, bytes: Bytes::from(vec![byte; CHUNK_BYTES]) }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn a_file_that_cannot_be_filled_leaves_nothing() {
    let directory = Directory::new();
    let file = directory.file("a.volume");
    let error = make(&file, |new| {
        fs::write(new, "half")?;
        Err(io::Error::from(ErrorKind::StorageFull))
    });
    assert_eq!(error.unwrap_err().kind(), PluginErrorKind::CapacityExceeded);
    assert_eq!(fs::read_dir(&directory.0).unwrap().count(), 0);
}

#[test]
fn what_a_crash_left_is_not_seen_and_goes_with_the_object() {
    let directory = Directory::new();
    let file = directory.file("a.volume");
    fs::write(directory.file("a.new"), "half").unwrap();
    assert!(!describe(&file).unwrap().present);
    create(&file, 4096, None).unwrap();
    fs::write(directory.file("a.new"), "half").unwrap();
    remove(&file).unwrap();
    remove(&file).unwrap();
    assert_eq!(fs::read_dir(&directory.0).unwrap().count(), 0);
}

#[test]
fn a_symbolic_link_is_refused() {
    let directory = Directory::new();
    let file = directory.file("a.volume");
    std::os::unix::fs::symlink("/etc/hostname", &file).unwrap();
    let refused = [
        look(&file).map(drop),
        describe(&file).map(drop),
        resize(&file, 1 << 20, true),
        create(&file, 4096, None),
        create(&directory.file("b.volume"), 4096, Some(&file)),
        FileReader::open(&file, &OpenReaderRequest::new(volume())).map(drop),
        open(&file, 1, None).map(drop),
    ];
    for outcome in refused {
        assert_eq!(outcome.unwrap_err().kind(), PluginErrorKind::PermissionDenied);
    }
}

#[test]
fn a_sparse_file_stays_sparse_on_its_way() {
    run(async {
        let directory = Directory::new();
        let (from, to) = (directory.file("from.volume"), directory.file("to.volume"));
        let size = 64 * CHUNK;
        for file in [&from, &to] {
            create(file, size, None).unwrap();
        }
        let mut writer = open(&from, size, None).unwrap().writer;
        writer.write(data(3 * CHUNK, 7)).await.unwrap();
        writer.write(Chunk::Hole { offset: 4 * CHUNK, length: 60 * CHUNK }).await.unwrap();
        writer.finish().await.unwrap();

        let mut reader = FileReader::open(&from, &OpenReaderRequest::new(volume())).unwrap();
        let mut writer = open(&to, size, None).unwrap().writer;
        while let Some(chunk) = reader.next().await.unwrap() {
            writer.write(chunk).await.unwrap();
        }
        let written = writer.finish().await.unwrap();
        assert!(written.physical_size_bytes <= 2 * CHUNK, "{written:?}");
        assert!(fs::read(&from).unwrap() == fs::read(&to).unwrap());
    });
}

const SIZE: u64 = 40 * CHUNK;

/// A file that was written until behind the first token.
async fn begun(directory: &Directory) -> (PathBuf, CheckpointToken) {
    let file = directory.file("a.volume");
    create(&file, SIZE, None).unwrap();
    let mut writer = open(&file, SIZE, None).unwrap().writer;
    let mut token = None;
    for at in 0..36 {
        token = writer.write(data(at * CHUNK, 1)).await.unwrap().or(token);
    }
    let token = token.unwrap();
    assert_eq!(token.offset, 32 * CHUNK);
    (file, token)
}

#[test]
fn a_write_goes_on_at_its_token_and_at_no_other() {
    run(async {
        let directory = Directory::new();
        let (file, token) = begun(&directory).await;
        let opened = open(&file, SIZE, Some(token.clone())).unwrap();
        assert_eq!(opened.offset, 32 * CHUNK);
        let mut writer = opened.writer;
        for at in 32..40 {
            writer.write(data(at * CHUNK, 2)).await.unwrap();
        }
        writer.finish().await.unwrap();
        let bytes = fs::read(&file).unwrap();
        let (first, second) = bytes.split_at(32 * CHUNK_BYTES);
        assert!(first.iter().all(|byte| *byte == 1) && second.iter().all(|byte| *byte == 2));

        // A new write made a new file, which the old token is not of.
        drop(open(&file, SIZE, None).unwrap());
        let error = open(&file, SIZE, Some(token)).unwrap_err();
        assert_eq!(error.kind(), PluginErrorKind::InvalidArgument);
    });
}

#[test]
fn what_came_after_a_token_is_forgotten_and_the_length_stays() {
    run(async {
        let directory = Directory::new();
        let (file, token) = begun(&directory).await;
        let mut writer = open(&file, SIZE, Some(token)).unwrap().writer;
        writer.write(Chunk::Hole { offset: 32 * CHUNK, length: 8 * CHUNK }).await.unwrap();
        writer.finish().await.unwrap();
        let bytes = fs::read(&file).unwrap();
        let (kept, forgotten) = bytes.split_at(32 * CHUNK_BYTES);
        assert!(kept.iter().all(|byte| *byte == 1) && forgotten.iter().all(|byte| *byte == 0));
        assert_eq!(bytes.len() as u64, SIZE);
    });
}

/// A file that refuses to become shorter shows that it never does: a kill in between would leave
/// it so.
#[cfg(target_os = "linux")]
#[test]
fn a_write_that_is_given_up_leaves_zeros_and_the_length() {
    use rustix::fs::{MemfdFlags, SealFlags};
    use std::os::unix::fs::FileExt;
    run(async {
        let sealed = rustix::fs::memfd_create("volume", MemfdFlags::ALLOW_SEALING).unwrap();
        let file = File::from(sealed);
        file.set_len(4 * CHUNK).unwrap();
        rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK).unwrap();
        assert!(file.set_len(0).is_err());
        let request = OpenWriterRequest::new(volume(), 4 * CHUNK);
        let again = file.try_clone().unwrap();
        let mut writer = FileWriter::over(Path::new("sealed"), again, &request).unwrap().writer;
        writer.write(data(CHUNK, 7)).await.unwrap();
        writer.abort().await.unwrap();
        let mut bytes = vec![1; 4 * CHUNK_BYTES];
        file.read_exact_at(&mut bytes, 0).unwrap();
        assert!(bytes.iter().all(|byte| *byte == 0));
        assert_eq!(file.metadata().unwrap().len(), 4 * CHUNK);
    });
}

#[test]
fn a_copy_keeps_holes_and_its_error_names_both_files() {
    let directory = Directory::new();
    let (from_path, to_path) = (directory.file("from"), directory.file("to"));
    let from = File::options().read(true).write(true).create_new(true).open(&from_path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&from, &[7; 4096], 2 * CHUNK).unwrap();
    from.set_len(8 * CHUNK).unwrap();
    let call = crate::CallContext::new(Uuid::new_v4());
    for by_kernel in [true, false] {
        let to = File::create(&to_path).unwrap();
        let copying = Copying::new((&from, &from_path), (&to, &to_path), 8 * CHUNK);
        let mut copied = 0;
        copying.copy(&call, by_kernel, CHUNK, |until_now| copied = until_now).unwrap();
        assert!(fs::read(&from_path).unwrap() == fs::read(&to_path).unwrap());
        assert!(physical(&to.metadata().unwrap()) <= CHUNK && copied <= CHUNK);
    }
    let full = File::options().write(true).open("/dev/full").unwrap();
    let copying = Copying::new((&from, &from_path), (&full, Path::new("/dev/full")), 8 * CHUNK);
    assert!(!copying.share().unwrap());
    let error = copying.copy(&call, true, CHUNK, |_| ()).unwrap_err();
    assert_eq!(error.kind(), PluginErrorKind::CapacityExceeded, "{error}");
    for named in [from_path.to_str().unwrap(), "/dev/full"] {
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[test]
fn a_token_is_of_one_attempt_and_of_no_file_that_got_the_number() {
    run(async {
        let directory = Directory::new();
        let file = directory.file("a.volume");
        let size = 40 * CHUNK;
        create(&file, size, None).unwrap();
        let begun = || async {
            // In place, so that the number of the file stays.
            let open = File::options().write(true).open(&file).unwrap();
            let request = OpenWriterRequest::new(volume(), size);
            let mut writer = FileWriter::over(&file, open, &request).unwrap().writer;
            let mut token = None;
            for at in 0..36 {
                token = writer.write(data(at * CHUNK, 1)).await.unwrap().or(token);
            }
            (writer, token.unwrap())
        };
        let refused = |token| {
            let error = open(&file, size, Some(token)).map(drop).unwrap_err();
            assert_eq!(error.kind(), PluginErrorKind::InvalidArgument);
        };
        let (writer, first) = begun().await;
        drop(writer);
        let (mut writer, second) = begun().await;
        refused(first);
        drop(open(&file, size, Some(second.clone())).unwrap());
        // A copy is another file, and what is finished or given up is nobody's to go on with.
        let copy = directory.file("b.volume");
        fs::copy(&file, &copy).unwrap();
        assert!(open(&copy, size, Some(second.clone())).is_err());
        writer.finish().await.unwrap();
        refused(second);
        let (mut writer, third) = begun().await;
        writer.abort().await.unwrap();
        refused(third);
    });
}

#[test]
fn a_smaller_size_needs_consent() {
    let directory = Directory::new();
    let file = directory.file("a.volume");
    create(&file, 8192, None).unwrap();
    let error = resize(&file, 4096, false).unwrap_err();
    assert_eq!(error.kind(), PluginErrorKind::InvalidArgument);
    resize(&file, 4096, true).unwrap();
    resize(&file, 16384, false).unwrap();
    assert_eq!(describe(&file).unwrap().size_bytes, 16384);
}

#[test]
fn a_driver_may_open_its_files_in_its_own_way() {
    run(async {
        let directory = Directory::new();
        let path = directory.file("a.volume");
        create(&path, 4 * CHUNK, None).unwrap();
        let own = File::options().read(true).write(true).open(&path).unwrap();
        // Where it may have been renamed to by then is the driver's affair.
        fs::rename(&path, directory.file("b.volume")).unwrap();
        let request = OpenWriterRequest::new(volume(), 4 * CHUNK);
        let opened = FileWriter::over(&path, own.try_clone().unwrap(), &request).unwrap();
        let mut writer = opened.writer;
        writer.write(data(CHUNK, 7)).await.unwrap();
        writer.finish().await.unwrap();
        let mut reader = FileReader::over(&path, own, CHUNK..CHUNK + 5);
        let chunk = reader.next().await.unwrap();
        let bytes = Bytes::from(vec![7; 5]);
        assert_eq!(chunk, Some(Chunk::Data { offset: CHUNK, bytes }));
        assert_eq!(reader.next().await.unwrap(), None);
        assert_eq!(fs::read_dir(&directory.0).unwrap().count(), 1);
    });
}
