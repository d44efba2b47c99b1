//! What lies under which key: CloudStack's install paths, with names that are ours.
//!
//! ```text
//! .storage-store.<installation id>.json                                    the mark
//! template/tmpl/<account>/<template>/<uuid>.<installation id>.qcow2        a template, or an ISO
//! volumes/<account>/<volume>/<uuid>.<installation id>.vmdk                 a volume
//! snapshots/<account>/<volume>/<uuid>.<installation id>.raw                a backup of a snapshot
//! snapshots/<account>/<volume>/<uuid>.<installation id>.<attempt>.record   what is known of it
//! ```
//! Invariant: a key that leaves this file is one of these, so it is no other installation's.

use crate::details::Place;
use std::fmt;
use storage_plugin_api::PluginResult as Result;
use storage_plugin_api::install_path::{InstallFolder, InstallName, not_that_of, root};
use storage_plugin_api::prelude::*;

/// What the key of a record ends with.
const RECORD: &str = ".record";

/// What all keys of a kind begin with.
pub(crate) fn prefix(kind: DataObjectType) -> String {
    format!("{}/", root(kind))
}

/// What the keys of an object begin with: its folder, and its name. As text, with the dot at its
/// end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) folder: InstallFolder,
    pub(crate) name: InstallName,
}

/// What a key is the key of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    /// A finished object.
    Object(Name, ImageFormat),
    /// What is known of one, by the attempt that wrote it.
    Record(Name),
    /// Somebody else's.
    Foreign,
}

impl Name {
    /// The name of an object on a store.
    pub(crate) fn of(place: &Place, object: &DataObject) -> Self {
        let name = InstallName::of(object, &place.installation);
        Self { folder: InstallFolder::of(object), name }
    }

    /// The key of the finished object.
    ///
    /// # Errors
    /// `InvalidArgument` for a format that is no file.
    pub(crate) fn key(&self, format: ImageFormat) -> Result<String> {
        Ok(self.folder.path(&self.name.file(format)?))
    }

    /// The key of what an attempt says of the object.
    pub(crate) fn record(&self, attempt: Uuid) -> String {
        self.folder.path(&self.name.with(&format!("{}{RECORD}", attempt.simple())))
    }

    /// Whether it is the name of the same object, wherever it lies.
    pub(crate) fn is_of(&self, other: &Self) -> bool {
        self.name == other.name && self.folder.kind == other.folder.kind
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.folder.path(&self.name.with("")))
    }
}

impl Key {
    /// What a key says.
    pub(crate) fn parse(key: &str) -> Self {
        Self::parts(key).unwrap_or(Self::Foreign)
    }

    fn parts(key: &str) -> Option<Self> {
        let (folder, file) = InstallFolder::parse(key)?;
        let (name, ending) = InstallName::parse(file)?;
        let name = Name { folder, name };
        if let Some(format) = InstallName::format(ending) {
            return Some(Self::Object(name, format));
        }
        let attempt = ending.strip_suffix(RECORD)?;
        Uuid::try_parse(attempt).ok().map(|_| Self::Record(name))
    }

    /// Whose it is, if it is one of ours or another installation's.
    pub(crate) fn name(&self) -> Option<&Name> {
        match self {
            Self::Object(name, _) | Self::Record(name) => Some(name),
            Self::Foreign => None,
        }
    }

    /// Whether it is one of an installation's.
    pub(crate) fn is_of(&self, installation: &str) -> bool {
        self.name().is_some_and(|of| of.name.installation == installation)
    }
}

/// Where an object is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Spot {
    /// Under this key, as its path says.
    At(String),
    /// By its uuid, first of all where it belongs: the path says nothing.
    Anywhere,
    /// Where it belongs: the path is that of nothing that could be here.
    Nowhere,
}

/// Where an object is looked for.
///
/// An object is known by its uuid. A path is believed where it is the key of this very object; it
/// names another folder than the record where the owner changed since.
///
/// # Errors
/// `PermissionDenied` for a path that is another object's, or tries to lead elsewhere.
pub(crate) fn spot(name: &Name, object: &DataObject) -> Result<Spot> {
    let path = object.path();
    if path.is_empty() {
        return Ok(Spot::Anywhere);
    }
    match Key::parse(path) {
        Key::Object(of, _) if of.is_of(name) => Ok(Spot::At(path.to_owned())),
        Key::Foreign if path.split('/').all(|part| ![".", "..", ""].contains(&part)) => {
            Ok(Spot::Nowhere)
        }
        _ => Err(not_that_of(object, path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> Name {
        let name = InstallName { uuid: Uuid::nil(), installation: "ins-1".to_owned() };
        let folder = InstallFolder { kind: DataObjectType::Template, account: 2, id: 201 };
        Name { folder, name }
    }

    #[test]
    fn a_key_says_what_it_is_the_key_of() {
        let (name, nil) = (name(), Uuid::nil());
        let folder = "template/tmpl/2/201";
        let key = name.key(ImageFormat::Qcow2).unwrap();
        assert_eq!(key, format!("{folder}/{nil}.ins-1.qcow2"));
        assert_eq!(Key::parse(&key), Key::Object(name.clone(), ImageFormat::Qcow2));
        assert_eq!(Key::parse(&name.record(nil)), Key::Record(name.clone()));
        for foreign in [
            "",
            "template/tmpl/2/201/",
            &format!("template/tmpl/02/201/{nil}.ins-1.qcow2"),
            &format!("{folder}/{nil}.ins-1.exe"),
            &format!("{folder}/{nil}..qcow2"),
            &format!("{folder}/{nil}.ins-1.x.record"),
            &format!("{folder}/more/{nil}.ins-1.qcow2"),
            &format!("other/{key}"),
        ] {
            assert_eq!(Key::parse(foreign), Key::Foreign, "{foreign}");
        }
        assert!(name.key(ImageFormat::Dir).is_err());
    }

    #[test]
    fn a_path_is_believed_of_its_own_object_alone() {
        let name = name();
        let key = name.key(ImageFormat::Raw).unwrap();
        let spot = |name: &Name, path: &str| {
            let mut template = TemplateInfo::new(Uuid::nil(), "t", ImageFormat::Raw, 7);
            template.install_path = path.to_owned();
            super::spot(name, &template.into())
        };
        assert_eq!(spot(&name, "").unwrap(), Spot::Anywhere);
        assert_eq!(spot(&name, &key).unwrap(), Spot::At(key.clone()));
        let moved = key.replace("/2/", "/3/");
        assert_eq!(spot(&name, &moved).unwrap(), Spot::At(moved.clone()));
        assert_eq!(spot(&name, "no/such/key").unwrap(), Spot::Nowhere);
        let others = key.replace("ins-1", "ins-2");
        for path in [others.as_str(), "../etc/passwd", "a//b", &name.record(Uuid::nil())] {
            let refused = spot(&name, path).unwrap_err();
            assert_eq!(refused.kind(), PluginErrorKind::PermissionDenied, "{path}");
        }
    }
}
