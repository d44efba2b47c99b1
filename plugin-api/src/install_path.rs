//! Where objects lie on an image store: CloudStack's install paths, with names that are ours.
//!
//! ```text
//! template/tmpl/<account>/<template>/<uuid>.<installation id>.qcow2   a template, or an ISO
//! snapshots/<account>/<volume>/<uuid>.<installation id>.raw           a backup of a snapshot
//! volumes/<account>/<volume>/<uuid>.<installation id>.vmdk            a volume
//! ```
//! For drivers of image stores, whether a path is one of a file or a key: folders are those of
//! CloudStack, so that people find their way, and a name says which object of which installation it
//! is of, so that several installations share a store. What a driver keeps beside an object bears
//! its name with another ending.
//!
//! What it is not: a look at the store. **Invariant:** one object has one path, and what is spelled
//! otherwise is nobody's.

use crate::error::{PluginError, PluginResult};
use crate::types::{DataObject, DataObjectType, ImageFormat};
use std::fmt;
use uuid::Uuid;

/// The kinds of objects on an image store, in the order of the paths of their folders.
pub const KINDS: [DataObjectType; 3] =
    [DataObjectType::Snapshot, DataObjectType::Template, DataObjectType::Volume];

/// The folder in which those of the accounts lie, from the root of the store, without a slash at its
/// end; empty for a kind that no image store holds.
pub const fn root(kind: DataObjectType) -> &'static str {
    match kind {
        DataObjectType::Snapshot => "snapshots",
        DataObjectType::Template => "template/tmpl",
        DataObjectType::Volume => "volumes",
        DataObjectType::Unknown => "",
    }
}

/// The formats whose bytes an image store keeps: all that are files.
pub fn formats() -> impl Iterator<Item = ImageFormat> {
    ImageFormat::ALL.iter().copied().filter(|one| *one != ImageFormat::Dir)
}

/// What the name of an object of a format ends with.
pub fn ending(format: ImageFormat) -> String {
    format.as_str().to_ascii_lowercase()
}

/// The number that a folder is called after. One number has one name.
pub fn number(name: &str) -> Option<u64> {
    name.parse().ok().filter(|number: &u64| number.to_string() == name)
}

/// The error of a path in the record of an object that is another one's.
pub fn not_that_of(object: &DataObject, path: &str) -> PluginError {
    let kind = object.object_type().as_str().to_ascii_lowercase();
    PluginError::permission_denied(format!("path {path:?} is not that of {kind} {}", object.uuid()))
}

/// The folder of an object; of a snapshot, that of its volume's snapshots. As text it is its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstallFolder {
    /// What lies there.
    pub kind: DataObjectType,
    /// The id of the account that owns it.
    pub account: u64,
    /// The id of the template, or of the volume.
    pub id: u64,
}

impl InstallFolder {
    /// The folder that an object is put into.
    pub const fn of(object: &DataObject) -> Self {
        let kind = object.object_type();
        let (account, id) = match object {
            DataObject::Template(template) => (template.account_id, template.id),
            DataObject::Volume(volume) => (volume.account_id, volume.id),
            DataObject::Snapshot(snapshot) => (snapshot.account_id, snapshot.volume.id),
        };
        Self { kind, account, id }
    }

    /// The path of a file in here, as the host keeps it.
    pub fn path(&self, file: &str) -> String {
        format!("{self}/{file}")
    }

    /// The folder and the file that a path names; `None` for one that is spelled otherwise.
    pub fn parse(path: &str) -> Option<(Self, &str)> {
        let (folder, file) = path.rsplit_once('/')?;
        let (folder, id) = folder.rsplit_once('/')?;
        let (root_of_path, account) = folder.rsplit_once('/')?;
        let kind = KINDS.into_iter().find(|kind| root(*kind) == root_of_path)?;
        Some((Self { kind, account: number(account)?, id: number(id)? }, file))
    }
}

impl fmt::Display for InstallFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", root(self.kind), self.account, self.id)
    }
}

/// What the names of all that is kept of an object begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallName {
    /// The object's.
    pub uuid: Uuid,
    /// The id of the installation that it belongs to.
    pub installation: String,
}

impl InstallName {
    /// The name of an object of an installation.
    pub fn of(object: &DataObject, installation: &str) -> Self {
        Self { uuid: object.uuid(), installation: installation.to_owned() }
    }

    /// The file of the finished object.
    ///
    /// # Errors
    /// `InvalidArgument` for a format that is no file.
    pub fn file(&self, format: ImageFormat) -> PluginResult<String> {
        if formats().all(|one| one != format) {
            let known: Vec<_> = formats().map(ImageFormat::as_str).collect();
            return Err(PluginError::invalid_argument(format!(
                "an image store keeps no images of the format {format}, but {}",
                known.join(", ")
            )));
        }
        Ok(self.with(&ending(format)))
    }

    /// A file with an ending, which the driver chooses so that it is none of a format.
    pub fn with(&self, ending: &str) -> String {
        format!("{}.{}.{ending}", self.uuid, self.installation)
    }

    /// The name and the ending of a file; `None` for one that is spelled otherwise.
    pub fn parse(file: &str) -> Option<(Self, &str)> {
        let mut parts = file.splitn(3, '.');
        let (uuid, installation, ending) = (parts.next()?, parts.next()?, parts.next()?);
        let uuid = Uuid::try_parse(uuid).ok()?;
        let name = Self { uuid, installation: installation.to_owned() };
        // One object has one name: a uuid in capitals is no name of ours.
        let is_ours = !installation.is_empty() && name.with(ending) == file;
        is_ours.then_some((name, ending))
    }

    /// The format that an ending says, if it is that of a finished object.
    pub fn format(of: &str) -> Option<ImageFormat> {
        formats().find(|format| ending(*format) == of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{SnapshotInfo, TemplateInfo, VolumeInfo};

    fn volume() -> VolumeInfo {
        let mut volume = VolumeInfo::new(Uuid::nil(), "a volume", 7);
        (volume.account_id, volume.id) = (2, 33);
        volume
    }

    #[test]
    fn an_object_has_the_path_that_cloudstack_gives_it() {
        let mut template = TemplateInfo::new(Uuid::nil(), "a template", ImageFormat::Qcow2, 7);
        (template.account_id, template.id) = (2, 201);
        let mut snapshot = SnapshotInfo::new(Uuid::nil(), "a snapshot", volume());
        (snapshot.account_id, snapshot.id) = (3, 44);
        for (object, path) in [
            (DataObject::from(template), "template/tmpl/2/201"),
            (volume().into(), "volumes/2/33"),
            (snapshot.into(), "snapshots/3/33"),
        ] {
            let (folder, name) = (InstallFolder::of(&object), InstallName::of(&object, "ins-1"));
            let file = name.file(object.format()).unwrap();
            assert_eq!(folder.to_string(), path);
            assert_eq!(InstallFolder::parse(&folder.path(&file)), Some((folder, file.as_str())));
            let (of, ending) = InstallName::parse(&file).unwrap();
            assert_eq!((of, InstallName::format(ending)), (name, Some(object.format())));
        }
    }

    #[test]
    fn what_is_spelled_otherwise_is_nobodys() {
        for path in ["", "a", "volumes/2/a", "volumes/02/3/a", "volumes/2/3/4/a", "other/2/3/a"] {
            assert_eq!(InstallFolder::parse(path), None, "{path}");
        }
        let nil = Uuid::nil();
        let one = Uuid::from_u128(0xa).to_string().to_uppercase();
        for file in ["a", &format!("{nil}.ins-1"), &format!("{nil}..raw"), &format!("{one}.i.raw")]
        {
            assert_eq!(InstallName::parse(file), None, "{file}");
        }
        assert_eq!(InstallName::format("exe"), None);
    }

    #[test]
    fn a_folder_of_files_is_no_image() {
        let name = InstallName::of(&volume().into(), "ins-1");
        let refused = name.file(ImageFormat::Dir).unwrap_err().to_string();
        assert!(refused.contains("DIR") && refused.contains("QCOW2"), "{refused}");
    }
}
