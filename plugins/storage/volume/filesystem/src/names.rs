//! What the files of a store are called, and which file an object has.
//!
//! ```text
//! <uuid>.<installation id>.volume.raw     also ….snapshot.raw and ….template.raw
//! <uuid>.<installation id>.volume.qcow2   also ….snapshot.qcow2; an object has one of the two
//! <uuid>.<installation id>.volume.new     one in the making, never shown
//! anything-else.img                       somebody else's, until it is adopted under this name
//! ```
//! Invariant: a name that leaves this file is a single component, and none of our own files'.

use crate::details::Place;
use std::path::{Component, Path};
use storage_plugin_api::PluginResult as Result;
use storage_plugin_api::prelude::*;

/// How the bytes of an object lie in its file. The name says it, never the bytes: those of a raw
/// file are a guest's, who could write anything there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// As they are.
    Raw,
    /// A qcow2 image, maybe on top of a template.
    Qcow2,
}

impl Format {
    /// The word for it, which a file's name ends with.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
        }
    }

    /// Whether the bytes of the file are those of the disk.
    pub(crate) fn is_raw(self) -> bool {
        self == Self::Raw
    }

    /// That of a file. What was adopted under a name of its own is raw, whatever it is called.
    pub(crate) fn of(file: &str) -> Self {
        match Name::parse(file) {
            Some(_) if file.ends_with(".qcow2") => Self::Qcow2,
            _ => Self::Raw,
        }
    }
}

/// What the name of a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) uuid: Uuid,
    pub(crate) installation: String,
    pub(crate) kind: DataObjectType,
}

impl Name {
    /// The name of an object on a store.
    pub(crate) fn of(place: &Place, object: &DataObject) -> Result<Self> {
        let kind = object.object_type();
        if word(kind).is_none() {
            return Err(PluginError::unsupported(format!("a directory holds no {kind}")));
        }
        Ok(Self { uuid: object.uuid(), installation: place.installation.clone(), kind })
    }

    /// The file of the finished object in a format.
    pub(crate) fn file(&self, format: Format) -> String {
        self.with(format.word())
    }

    /// The file while it is made.
    pub(crate) fn unfinished(&self) -> String {
        self.with("new")
    }

    fn with(&self, ending: &str) -> String {
        let word = word(self.kind).unwrap_or_default();
        format!("{}.{}.{word}.{ending}", self.uuid, self.installation)
    }

    /// What the name of a finished object says; `None` for every other name.
    pub(crate) fn parse(file: &str) -> Option<Self> {
        let thin = || Self::parse_with(file, ".qcow2");
        // A template is what others lie on top of: it stands alone.
        let stands_alone = |name: &Self| name.kind == DataObjectType::Template;
        Self::parse_with(file, ".raw").or_else(|| thin().filter(|name| !stands_alone(name)))
    }

    /// As [`parse`](Self::parse), of one in the making.
    pub(crate) fn parse_unfinished(file: &str) -> Option<Self> {
        Self::parse_with(file, ".new")
    }

    fn parse_with(file: &str, ending: &str) -> Option<Self> {
        let mut parts = file.strip_suffix(ending)?.split('.');
        let (uuid, installation, kind) = (parts.next()?, parts.next()?, parts.next()?);
        let name = Self {
            uuid: Uuid::try_parse(uuid).ok()?,
            installation: installation.to_owned(),
            kind: DataObjectType::ALL.iter().copied().find(|one| word(*one) == Some(kind))?,
        };
        // One object has one name: a uuid in capitals is no name of ours.
        (name.with(&ending[1..]) == file).then_some(name)
    }
}

fn word(kind: DataObjectType) -> Option<&'static str> {
    match kind {
        DataObjectType::Volume => Some("volume"),
        DataObjectType::Snapshot => Some("snapshot"),
        DataObjectType::Template => Some("template"),
        _ => None,
    }
}

/// The name of an adopted file, if an object has one; `None` for one that is known by its uuid.
///
/// Only a path that is a name nobody of us gives is taken from the caller. A path that leads
/// elsewhere is refused, whatever is there.
pub(crate) fn adopted(place: &Place, object: &DataObject) -> Result<Option<String>> {
    let (own, path) = (Name::of(place, object)?, object.path());
    let mut parts = Path::new(path).components();
    match (parts.next(), parts.next()) {
        (None, _) => Ok(None),
        (Some(Component::Normal(only)), None) if only == path => {
            if Name::parse(path).as_ref() == Some(&own) {
                return Ok(None);
            }
            adoptable(path).map(|()| Some(path.to_owned()))
        }
        _ if is_outside(path) => Err(outside(path)),
        // Nothing of ours lies in a directory below: what is meant is found by its uuid, or not.
        _ => Ok(None),
    }
}

/// Whether a name may be that of an adopted file.
pub(crate) fn adoptable(name: &str) -> Result<()> {
    if name.contains('/') || is_outside(name) {
        return Err(outside(name));
    }
    let is_ours = Name::parse(name).is_some() || Name::parse_unfinished(name).is_some();
    if is_ours || name.starts_with('.') || name.is_empty() {
        let why = format!("path {name:?} is the name of another object, or of the store itself");
        return Err(PluginError::permission_denied(why));
    }
    Ok(())
}

fn is_outside(path: &str) -> bool {
    let leads_out = |part| !matches!(part, Component::Normal(_) | Component::CurDir);
    path.contains('\0') || Path::new(path).components().any(leads_out)
}

fn outside(path: &str) -> PluginError {
    let why = format!("path {path:?} leads out of the store; a path here is the name of a file");
    PluginError::permission_denied(why)
}
