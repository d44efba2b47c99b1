//! Sources that are files of this host.

use super::*;
use std::os::unix::fs::symlink;
use std::path::Path;

async fn from(directories: &[&Path], path: &Path) -> PluginResult<Vec<u8>> {
    let directories: Vec<_> = directories.iter().map(|&directory| directory.to_owned()).collect();
    let policy = SourcePolicy::new(&[], &directories).unwrap();
    let downloader = Downloader::new(DownloadSettings::new(policy));
    let url = format!("file://{}", path.display());
    rest(&mut downloader.open(&call(), request(&url)).await?).await
}

#[tokio::test]
async fn only_files_of_allowed_directories_are_read() {
    let place = tempfile::tempdir().unwrap();
    let (images, other) = (place.path().join("images"), place.path().join("other"));
    std::fs::create_dir_all(images.join("deep")).unwrap();
    std::fs::create_dir(&other).unwrap();
    let bytes = content(MIB + 1);
    std::fs::write(images.join("deep/a b.raw"), &bytes).unwrap();
    std::fs::write(other.join("secret"), b"secret").unwrap();
    symlink(other.join("secret"), images.join("out")).unwrap();
    symlink(&other, images.join("out-dir")).unwrap();
    symlink("deep/a b.raw", images.join("in")).unwrap();
    let pipe = images.join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();

    assert!(from(&[&images], &images.join("deep/a b.raw")).await.unwrap() == bytes);
    assert!(from(&[&other, &images], &images.join("in")).await.unwrap() == bytes);
    for path in ["out", "out-dir/secret", "../other/secret", "../other/missing", "out-dir/missing"]
    {
        let refused = from(&[&images], &images.join(path)).await.unwrap_err();
        assert_eq!(refused.kind(), PluginErrorKind::PermissionDenied, "{path}: {refused}");
    }
    let missing = from(&[&images], &images.join("missing")).await.unwrap_err();
    assert_eq!(missing.kind(), PluginErrorKind::NotFound);
    for path in [&images.join("deep"), &pipe] {
        let refused = from(&[&images], path).await.unwrap_err();
        assert_eq!(refused.kind(), PluginErrorKind::InvalidArgument, "{refused}");
    }
    let off = from(&[], &images.join("in")).await.unwrap_err();
    assert!(off.message().contains("not allowed on this host"), "{off}");
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_is_told() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("image");
    std::fs::write(&path, content(2 * MIB)).unwrap();
    let policy = SourcePolicy::new(&[], &[place.path().to_owned()]).unwrap();
    let downloader = Downloader::new(DownloadSettings::new(policy));
    let mut request = request(&format!("file://{}", path.display()));
    let mut download = downloader.open(&call(), request.clone()).await.unwrap();
    download.next(&call()).await.unwrap();
    // After a crash it goes on.
    request.resume = Some((download.offset(), download.identity().clone()));
    let mut resumed = downloader.open(&call(), request.clone()).await.unwrap();
    assert!(rest(&mut resumed).await.unwrap() == content(2 * MIB)[MIB..]);
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_len(3 << 20).unwrap();
    let changed = rest(&mut download).await.unwrap_err();
    assert_eq!(changed.kind(), PluginErrorKind::Conflict);
    let changed = downloader.open(&call(), request).await.unwrap_err();
    assert_eq!(changed.kind(), PluginErrorKind::Conflict);
}
