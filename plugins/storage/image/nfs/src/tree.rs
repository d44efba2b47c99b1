//! The folders of a store: opened, made with what is put into them, removed with the last of it,
//! gone through.
//!
//! Invariant: every file is reached through its open folder, and no link is followed.

use crate::layout::{File, Folder, Name};
use std::ops::ControlFlow;
use storage_plugin_api::files::{Directory, Found};
use storage_plugin_api::install_path::{KINDS, number, root};
use storage_plugin_api::{PluginError, PluginErrorKind, PluginResult as Result};

/// A file with the folder it lies in.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) folder: Folder,
    pub(crate) directory: &'a Directory,
    pub(crate) file: &'a str,
    pub(crate) kind: File,
}

impl Entry<'_> {
    /// What is known of it; `None` for what is gone, or no ordinary file.
    pub(crate) fn look(&self) -> Option<Found> {
        self.directory.look(self.file).ok().flatten()
    }
}

/// Opens a folder; `None` where it is not there.
pub(crate) fn open(store: &Directory, folder: &Folder) -> Result<Option<Directory>> {
    descend(store, &folder.to_string())
}

fn descend(from: &Directory, path: &str) -> Result<Option<Directory>> {
    let mut at: Option<Directory> = None;
    for part in path.split('/') {
        match at.as_ref().unwrap_or(from).below(part)? {
            Some(below) => at = Some(below),
            None => return Ok(None),
        }
    }
    Ok(at)
}

/// Opens a folder, or makes it; what was made is on the disk. The caller has the turn at folders.
pub(crate) fn open_or_make(store: &Directory, folder: &Folder) -> Result<Directory> {
    let mut at: Option<Directory> = None;
    for part in folder.to_string().split('/') {
        let parent = at.as_ref().unwrap_or(store);
        let (below, made) = parent.below_or_make(part)?;
        if made {
            parent.sync()?;
        }
        at = Some(below);
    }
    at.ok_or_else(|| PluginError::internal("a folder has a name"))
}

/// Removes a folder and those above it, as far as they are empty. The caller has the turn at
/// folders.
pub(crate) fn prune(store: &Directory, folder: &Folder) -> Result<()> {
    let path = folder.to_string();
    let mut left = path.as_str();
    while let Some((above, last)) = left.rsplit_once('/') {
        if let Some(parent) = descend(store, above)?
            && !parent.prune(last)?
        {
            return Ok(());
        }
        left = above;
    }
    store.prune(left).map(drop)
}

/// What is in a folder of an object.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// The finished file, and what is known of it.
    pub(crate) finished: Option<(String, Found)>,
    /// Files in the making.
    pub(crate) unfinished: Vec<String>,
}

/// Looks what a folder has of an object.
///
/// # Errors
/// `PermissionDenied` where something else than a file bears its name.
pub(crate) fn held(directory: &Directory, name: &Name) -> Result<Held> {
    let mut held = Held::default();
    for file in directory.names()? {
        match File::parse(&file) {
            File::Object(of, _) if of == *name => {
                // Removed since it was listed, it is not there.
                held.finished = directory.look(&file)?.map(|found| (file, found));
            }
            File::Unfinished(of) if of == *name => held.unfinished.push(file),
            _ => {}
        }
    }
    Ok(held)
}

/// Goes through the files of every folder of a store in the order of their paths, from behind a
/// path on, until `visit` breaks off. What is no folder of ours is passed by.
pub(crate) fn walk(
    store: &Directory,
    after: &str,
    mut visit: impl FnMut(&Entry<'_>) -> Result<ControlFlow<()>>,
) -> Result<()> {
    for kind in KINDS {
        let path = root(kind);
        let Some(top) = passable(descend(store, path))? else {
            continue;
        };
        for (account, path) in folders(&top, path, after)? {
            let Some(accounts) = passable(top.below(&account.to_string()))? else {
                continue;
            };
            for (id, path) in folders(&accounts, &path, after)? {
                let Some(directory) = passable(accounts.below(&id.to_string()))? else {
                    continue;
                };
                let folder = Folder { kind, account, id };
                if files(&folder, &path, &directory, after, &mut visit)?.is_break() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// The folders in one, by their numbers, with their paths and in the order of these; without those
/// that end before `after`.
fn folders(parent: &Directory, path: &str, after: &str) -> Result<Vec<(u64, String)>> {
    let mut found = Vec::new();
    for name in parent.names()? {
        let Some(number) = number(&name) else {
            continue;
        };
        // With the slash at its end: "1/" is before "10/".
        let inside = format!("{path}/{name}/");
        if inside.as_str() > after || after.starts_with(&inside) {
            found.push((number, inside));
        }
    }
    found.sort_unstable_by(|(_, one), (_, other)| one.cmp(other));
    for (_, inside) in &mut found {
        inside.pop();
    }
    Ok(found)
}

fn files(
    folder: &Folder,
    path: &str,
    directory: &Directory,
    after: &str,
    visit: &mut impl FnMut(&Entry<'_>) -> Result<ControlFlow<()>>,
) -> Result<ControlFlow<()>> {
    let mut names = directory.names()?;
    names.sort_unstable();
    for file in &names {
        if format!("{path}/{file}").as_str() <= after {
            continue;
        }
        let entry = Entry { folder: *folder, directory, file, kind: File::parse(file) };
        if visit(&entry)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// A link, or a file, in the place of a folder is nothing of ours.
fn passable(opened: Result<Option<Directory>>) -> Result<Option<Directory>> {
    match opened {
        Err(error) if error.kind() == PluginErrorKind::PermissionDenied => Ok(None),
        opened => opened,
    }
}
