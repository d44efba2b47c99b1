//! Confinement, against real directories: what is found, and each refusal with its text.

use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown, symlink},
        net::UnixListener,
    },
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{SIZE_LIMIT, Trusted, candidates, locate, locate_as};
use crate::loader::refusal::RefusalCode::{self, *};

/// A plugin directory with `volume/libgood.so`, and a library outside it.
struct Plugins {
    _temp: TempDir,
    root: PathBuf,
    outside: PathBuf,
}

impl Plugins {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().join("plugins");
        fs::create_dir_all(root.join("volume/sample/src")).unwrap();
        let outside = temp.path().join("liboutside.so");
        for file in [&root.join("volume/libgood.so"), &outside] {
            fs::write(file, "library").unwrap();
            chmod(file, 0o755);
        }
        Self { _temp: temp, root, outside }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join("volume").join(name)
    }

    #[track_caller]
    fn refused(&self, name: &str, code: RefusalCode, texts: &[&str]) {
        let refusal = locate(&self.root, "volume", name).unwrap_err();
        let shown = refusal.to_string();
        assert_eq!(refusal.code, code, "{shown}");
        for text in texts {
            assert!(shown.contains(text), "no {text:?} in:\n{shown}");
        }
    }
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn library_in_its_directory_is_located() {
    let plugins = Plugins::new();
    let located = locate(&plugins.root, "volume", "libgood.so").unwrap();
    let metadata = fs::metadata(plugins.path("libgood.so")).unwrap();
    assert_eq!(located.path, fs::canonicalize(plugins.path("libgood.so")).unwrap());
    assert_eq!((located.dev, located.ino, located.size), (metadata.dev(), metadata.ino(), 7));
    assert_eq!(located.mtime, metadata.modified().unwrap());
    located.recheck().unwrap();
    let json = serde_json::to_string(&located).unwrap();
    assert_eq!(serde_json::from_str::<super::Located>(&json).unwrap(), located);
}

#[test]
fn name_that_is_a_path_is_refused() {
    let plugins = Plugins::new();
    let absolute = plugins.outside.display().to_string();
    let names =
        ["", ".", "..", "/", "../liboutside.so", "./libgood.so", "libgood.so/", "sample/libx.so"];
    for name in names.into_iter().chain([absolute.as_str(), "a\\b.so", "a\0b.so"]) {
        plugins.refused(name, OutsideDirectory, &["bare file name", "way out: install", "plugins"]);
        let refusal = locate(&plugins.root, name, "libgood.so").unwrap_err();
        assert_eq!(refusal.code, OutsideDirectory);
    }
}

#[test]
fn symbolic_link_may_stay_inside_but_not_leave() {
    let plugins = Plugins::new();
    symlink("libgood.so", plugins.path("libinside.so")).unwrap();
    symlink(&plugins.outside, plugins.path("libescape.so")).unwrap();
    symlink("../..", plugins.path("libup.so")).unwrap();
    symlink(".", plugins.path("libself.so")).unwrap();
    symlink("libnone.so", plugins.path("libbroken.so")).unwrap();
    symlink("libloop.so", plugins.path("libloop.so")).unwrap();
    let inside = locate(&plugins.root, "volume", "libinside.so").unwrap();
    let good = locate(&plugins.root, "volume", "libgood.so").unwrap();
    assert_eq!(inside, good, "both names are the same file, and are seen to be");
    let leads = ["libescape.so", "liboutside.so", "copy the library itself"];
    plugins.refused("libescape.so", OutsideDirectory, &leads);
    plugins.refused("libup.so", OutsideDirectory, &["libup.so"]);
    plugins.refused("libself.so", OutsideDirectory, &["libself.so"]);
    plugins.refused("libbroken.so", Missing, &["libbroken.so", "link to \"libnone.so\""]);
    plugins.refused("libloop.so", Unreadable, &["libloop.so", "permissions"]);
}

#[test]
fn missing_library_lists_those_that_are_there() {
    let plugins = Plugins::new();
    let texts = ["libgod.so", "there is: libgood.so", "cargo xtask stage", "plugins.toml"];
    plugins.refused("libgod.so", Missing, &texts);
    for number in 0..30 {
        fs::write(plugins.path(&format!("libmany{number}.so")), "x").unwrap();
    }
    plugins.refused("libgod.so", Missing, &["and 11 more"]);
    let refusal = locate(&plugins.root, "image", "libx.so").unwrap_err();
    assert_eq!(refusal.code, Missing);
    assert!(refusal.why.contains("there is no directory"), "{refusal}");
}

#[test]
fn directory_or_socket_is_no_plugin() {
    let plugins = Plugins::new();
    fs::create_dir(plugins.path("libdir.so")).unwrap();
    let _socket = UnixListener::bind(plugins.path("libsock.so")).unwrap();
    for name in ["libdir.so", "libsock.so"] {
        plugins.refused(name, NotAFile, &[name, "not a regular file", "name the compiled library"]);
    }
}

#[test]
fn world_writable_file_is_refused() {
    let plugins = Plugins::new();
    chmod(&plugins.path("libgood.so"), 0o757);
    plugins.refused("libgood.so", WorldWritable, &["libgood.so", "mode 0757", "chmod o-w"]);
}

#[test]
fn world_writable_directory_is_refused_unless_sticky() {
    let plugins = Plugins::new();
    fs::copy(plugins.path("libgood.so"), plugins.path("sample/libdeep.so")).unwrap();
    symlink("sample/libdeep.so", plugins.path("libdeep.so")).unwrap();
    let below = plugins.path("sample");
    for directory in [&plugins.root, &plugins.root.join("volume"), &below] {
        let name = if *directory == below { "libdeep.so" } else { "libgood.so" };
        chmod(directory, 0o777);
        plugins.refused(name, WorldWritable, &[name, "its directory", "chmod o-w"]);
        chmod(directory, 0o1777);
        locate(&plugins.root, "volume", name).unwrap();
        chmod(directory, 0o755);
        locate(&plugins.root, "volume", name).unwrap();
    }
}

/// What a host of this group says of a file or directory that its own group may write.
fn as_group(plugins: &Plugins, group: u32) -> Result<(), super::Refusal> {
    let trusted = Trusted { group, ..Trusted::this() };
    locate_as(trusted, &plugins.root, "volume", "libgood.so").map(|_| ())
}

#[test]
fn file_that_a_group_may_change_is_refused_unless_it_is_the_hosts_own_group() {
    let plugins = Plugins::new();
    let path = plugins.path("libgood.so");
    // The superuser's group is trusted as he is; anyone else's files are of a group of his.
    if fs::metadata(&path).unwrap().gid() == 0 {
        chown(&path, None, Some(12_345)).unwrap();
    }
    let own = fs::metadata(&path).unwrap().gid();
    as_group(&plugins, own + 1).unwrap();
    chmod(&path, 0o775);
    as_group(&plugins, own).unwrap();
    let refusal = as_group(&plugins, own + 1).unwrap_err();
    assert_eq!(refusal.code, GroupWritable);
    let why = format!("group {own} may change the file");
    assert!(refusal.why.contains(&why) && refusal.why.contains("mode 0775"), "{refusal}");
    assert!(refusal.why.contains(&format!("the host, group {}", own + 1)), "{refusal}");
    assert!(refusal.way_out.contains("chmod g-w"), "{refusal}");
}

#[test]
fn file_that_the_group_of_root_may_change_is_located() {
    let plugins = Plugins::new();
    let path = plugins.path("libgood.so");
    chmod(&path, 0o775);
    // Only the superuser can make such a file.
    if chown(&path, None, Some(0)).is_ok() {
        as_group(&plugins, 12_345).unwrap();
    }
}

#[test]
fn directory_that_a_group_may_change_is_refused_unless_sticky() {
    let plugins = Plugins::new();
    let directory = plugins.root.join("volume");
    if fs::metadata(&directory).unwrap().gid() == 0 {
        chown(&directory, None, Some(12_345)).unwrap();
    }
    let own = fs::metadata(&directory).unwrap().gid();
    chmod(&directory, 0o2775);
    as_group(&plugins, own).unwrap();
    let refusal = as_group(&plugins, own + 1).unwrap_err();
    assert_eq!(refusal.code, GroupWritable);
    assert!(refusal.why.contains("its directory"), "{refusal}");
    chmod(&directory, 0o1775);
    as_group(&plugins, own + 1).unwrap();
}

#[test]
fn file_of_another_user_is_refused() {
    let plugins = Plugins::new();
    let path = plugins.path("libgood.so");
    let me = fs::metadata(&path).unwrap().uid();
    if me == 0 {
        chown(&path, Some(12_345), None).unwrap();
    }
    let owner = fs::metadata(&path).unwrap().uid();
    let as_user = |user| {
        let trusted = Trusted { user, ..Trusted::this() };
        locate_as(trusted, &plugins.root, "volume", "libgood.so")
    };
    as_user(owner).unwrap();
    let refusal = as_user(owner + 1).unwrap_err();
    assert_eq!(refusal.code, WrongOwner);
    assert!(refusal.what.contains("libgood.so"), "{refusal}");
    assert!(refusal.why.contains(&format!("user {owner};")), "{refusal}");
    assert!(refusal.way_out.contains(&format!("chown {}", owner + 1)), "{refusal}");
}

#[test]
fn empty_and_oversize_files_are_refused() {
    let plugins = Plugins::new();
    let path = plugins.path("libgood.so");
    fs::write(&path, "").unwrap();
    plugins.refused("libgood.so", Truncated, &["libgood.so", "is empty", "rename"]);
    // A hole: it takes no space.
    fs::File::options().write(true).open(&path).unwrap().set_len(SIZE_LIMIT + 1).unwrap();
    plugins.refused("libgood.so", TooLarge, &["libgood.so", "536870913 bytes", "strip"]);
}

#[test]
fn file_that_changes_after_it_was_located_is_noticed() {
    let plugins = Plugins::new();
    let path = plugins.path("libgood.so");
    let located = locate(&plugins.root, "volume", "libgood.so").unwrap();
    fs::write(&path, "another library").unwrap();
    let refusal = located.recheck().unwrap_err();
    assert_eq!(refusal.code, Unreadable);
    assert!(refusal.why.contains("7 bytes, now 15"), "{refusal}");
    fs::remove_file(&path).unwrap();
    assert_eq!(located.recheck().unwrap_err().code, Missing);
}

#[test]
fn candidates_are_the_libraries_of_the_directory_itself() {
    let plugins = Plugins::new();
    for name in
        ["libz.dylib", "liba.so", "notes.txt", ".liba.so.tmp", "other.so", "sample/libin.so"]
    {
        fs::write(plugins.path(name), "x").unwrap();
    }
    fs::create_dir(plugins.path("libdir.so")).unwrap();
    symlink("libgood.so", plugins.path("liblink.so")).unwrap();
    let names = candidates(&plugins.root, "volume");
    assert_eq!(names, ["liba.so", "libgood.so", "liblink.so", "libz.dylib"]);
    assert!(candidates(&plugins.root, "image").is_empty());
}
