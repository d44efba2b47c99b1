//! What lies where in a store: CloudStack's install paths, with names that are ours.
//!
//! ```text
//! template/tmpl/<account>/<template>/<uuid>.<installation id>.qcow2   and template.properties
//! snapshots/<account>/<volume>/<uuid>.<installation id>.raw           and ….properties
//! volumes/<account>/<volume>/<uuid>.<installation id>.vmdk            and ….properties
//! volumes/<account>/<volume>/<uuid>.<installation id>.<attempt>.new   one in the making
//! ```
//! Invariant: a path that leaves this file is one of these, so it leads nowhere else.

use std::fmt;
use std::path::{Component, Path};
use storage_plugin_api::PluginResult as Result;
use storage_plugin_api::files::Site;
use storage_plugin_api::prelude::*;

/// The kinds of objects, in the order of the paths of their folders.
pub(crate) const KINDS: [DataObjectType; 3] =
    [DataObjectType::Snapshot, DataObjectType::Template, DataObjectType::Volume];

/// What the name of a file in the making ends with.
const UNFINISHED: &str = "new";

/// What the name of the record of a file ends with.
const RECORD: &str = "properties";

/// The record of a template, as CloudStack calls it: a template has its folder to itself.
pub(crate) const TEMPLATE_RECORD: &str = "template.properties";

/// The formats whose bytes are kept: all that are files.
pub(crate) fn formats() -> impl Iterator<Item = ImageFormat> {
    ImageFormat::ALL.iter().copied().filter(|one| *one != ImageFormat::Dir)
}

/// The folders in which those of the accounts lie, from the root of the store.
pub(crate) const fn root(kind: DataObjectType) -> Option<&'static [&'static str]> {
    match kind {
        DataObjectType::Snapshot => Some(&["snapshots"]),
        DataObjectType::Template => Some(&["template", "tmpl"]),
        DataObjectType::Volume => Some(&["volumes"]),
        _ => None,
    }
}

/// The folder of an object; of a snapshot, that of its volume's snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Folder {
    pub(crate) kind: DataObjectType,
    pub(crate) account: u64,
    pub(crate) id: u64,
}

impl Folder {
    /// The folder that an object is put into.
    ///
    /// # Errors
    /// `Unsupported` for a kind of object that has none.
    pub(crate) fn of(object: &DataObject) -> Result<Self> {
        let kind = object.object_type();
        let (account, id) = match object {
            DataObject::Template(template) => (template.account_id, template.id),
            DataObject::Volume(volume) => (volume.account_id, volume.id),
            DataObject::Snapshot(snapshot) => (snapshot.account_id, snapshot.volume.id),
            _ => return Err(PluginError::unsupported(format!("an image store holds no {kind}"))),
        };
        Ok(Self { kind, account, id })
    }

    /// The folders that lead to it, from the root of the store, and itself.
    pub(crate) fn parts(&self) -> Vec<String> {
        let root = root(self.kind).unwrap_or_default().iter().map(|part| (*part).to_owned());
        root.chain([self.account.to_string(), self.id.to_string()]).collect()
    }

    /// The path of a file in here, as the host keeps it.
    pub(crate) fn path(&self, file: &str) -> String {
        format!("{self}/{file}")
    }

    /// The folder and the file that a path names; `None` for a path that is none of ours.
    fn parse(path: &str) -> Option<(Self, &str)> {
        let (folder, file) = path.rsplit_once('/')?;
        let (folder, id) = folder.rsplit_once('/')?;
        let (root_of_path, account) = folder.rsplit_once('/')?;
        let is_root = |kind: &DataObjectType| {
            root(*kind).is_some_and(|parts| parts.join("/") == root_of_path)
        };
        let kind = KINDS.into_iter().find(is_root)?;
        Some((Self { kind, account: number(account)?, id: number(id)? }, file))
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts().join("/"))
    }
}

/// The number that a folder is called after. One number has one name.
pub(crate) fn number(name: &str) -> Option<u64> {
    name.parse().ok().filter(|number: &u64| number.to_string() == name)
}

/// What the names of the files of an object begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) uuid: Uuid,
    pub(crate) installation: String,
}

/// What a file is by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum File {
    /// A finished object.
    Object(Name, ImageFormat),
    /// One in the making.
    Unfinished(Name),
    /// What is known of an object, for people and for `describe`.
    Record,
    /// Somebody else's.
    Foreign,
}

impl Name {
    /// The name of an object on a store.
    pub(crate) fn of(site: &Site, object: &DataObject) -> Self {
        Self { uuid: object.uuid(), installation: site.installation.clone() }
    }

    /// The file of the finished object.
    ///
    /// # Errors
    /// `InvalidArgument` for a format that is no file.
    pub(crate) fn file(&self, format: ImageFormat) -> Result<String> {
        if formats().all(|one| one != format) {
            let known: Vec<_> = formats().map(ImageFormat::as_str).collect();
            return Err(PluginError::invalid_argument(format!(
                "an image store keeps no images of the format {format}, but {}",
                known.join(", ")
            )));
        }
        Ok(self.with(&ending(format)))
    }

    /// A file in the making: its attempt tells it from those of others.
    pub(crate) fn unfinished(&self, attempt: Uuid) -> String {
        self.with(&format!("{}.{UNFINISHED}", attempt.simple()))
    }

    /// The record of the finished object.
    pub(crate) fn record(&self, kind: DataObjectType) -> String {
        if kind == DataObjectType::Template {
            return TEMPLATE_RECORD.to_owned();
        }
        self.with(RECORD)
    }

    fn with(&self, ending: &str) -> String {
        format!("{}.{}.{ending}", self.uuid, self.installation)
    }
}

impl File {
    /// What a name says.
    pub(crate) fn parse(file: &str) -> Self {
        if file == TEMPLATE_RECORD {
            return Self::Record;
        }
        let mut parts = file.splitn(3, '.');
        let (Some(uuid), Some(installation), Some(rest)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Self::Foreign;
        };
        let Ok(uuid) = Uuid::try_parse(uuid) else {
            return Self::Foreign;
        };
        let name = Name { uuid, installation: installation.to_owned() };
        // One object has one name: a uuid in capitals is no name of ours.
        if installation.is_empty() || name.with(rest) != file {
            return Self::Foreign;
        }
        if let Some(format) = formats().find(|format| ending(*format) == rest) {
            return Self::Object(name, format);
        }
        match rest.rsplit_once('.') {
            None if rest == RECORD => Self::Record,
            // Whatever is in the middle: a record in the making is one, too.
            Some((_, UNFINISHED)) => Self::Unfinished(name),
            _ => Self::Foreign,
        }
    }
}

fn ending(format: ImageFormat) -> String {
    format.as_str().to_ascii_lowercase()
}

/// The format that an object's record tells.
pub(crate) const fn format_of(object: &DataObject) -> ImageFormat {
    match object {
        DataObject::Volume(volume) => volume.format,
        DataObject::Template(template) => template.format,
        DataObject::Snapshot(snapshot) => snapshot.volume.format,
        _ => ImageFormat::Unknown,
    }
}

/// Where an object is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Spot {
    /// In this file, as its path says.
    At(Folder, String),
    /// By its uuid, first of all in this folder: the path says nothing.
    Anywhere(Folder),
    /// By its uuid in this folder: the path is that of nothing that could be here.
    Nowhere(Folder),
}

/// Where an object is looked for.
///
/// An object is known by its uuid. A path is believed where it is that of a file of this very
/// object; it names another folder than the record where the owner changed since.
///
/// # Errors
/// `PermissionDenied` for a path that leads out of the store, or to another object.
pub(crate) fn spot(site: &Site, object: &DataObject) -> Result<Spot> {
    let (own, path) = (Folder::of(object)?, object.path());
    if path.is_empty() {
        return Ok(Spot::Anywhere(own));
    }
    if leads_out(path) {
        return Err(PluginError::permission_denied(format!(
            "path {path:?} leads out of the store; a path here begins with {own}"
        )));
    }
    let Some((folder, file)) = Folder::parse(path) else {
        return Ok(Spot::Nowhere(own));
    };
    match File::parse(file) {
        File::Object(name, _) if name == Name::of(site, object) && folder.kind == own.kind => {
            Ok(Spot::At(folder, file.to_owned()))
        }
        _ => Err(PluginError::permission_denied(format!(
            "path {path:?} is not that of {} {}",
            object.object_type().as_str().to_ascii_lowercase(),
            object.uuid()
        ))),
    }
}

fn leads_out(path: &str) -> bool {
    let leads_out = |part| !matches!(part, Component::Normal(_));
    path.contains('\0') || Path::new(path).components().any(leads_out)
}
