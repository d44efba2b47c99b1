//! What lies in the directories of stores.

use crate::fail::OrFail;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The files below a directory, however deep, sorted. A folder in it may go away meanwhile.
#[track_caller]
pub fn files_below(directory: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![directory.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound && folder != directory => continue,
            entries => entries.or_fail(&format!("list {}", folder.display())),
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

/// Those of objects, finished or not: what a plugin keeps for itself begins with a dot.
#[track_caller]
pub fn objects_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = files_below(directory);
    files.retain(|file| file.file_name().is_some_and(|it| it.as_encoded_bytes()[0] != b'.'));
    files
}
