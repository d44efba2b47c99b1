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
use storage_plugin_api::prelude::*;

/// The kinds of objects, in the order of their keys.
pub(crate) const KINDS: [DataObjectType; 3] =
    [DataObjectType::Snapshot, DataObjectType::Template, DataObjectType::Volume];

/// What the key of a record ends with.
const RECORD: &str = "record";

/// The formats whose bytes are kept: all that are files.
pub(crate) fn formats() -> impl Iterator<Item = ImageFormat> {
    ImageFormat::ALL.iter().copied().filter(|one| *one != ImageFormat::Dir)
}

/// What all keys of a kind begin with.
pub(crate) const fn root(kind: DataObjectType) -> &'static str {
    match kind {
        DataObjectType::Snapshot => "snapshots/",
        DataObjectType::Template => "template/tmpl/",
        _ => "volumes/",
    }
}

/// What the keys of an object begin with: its folder, and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) kind: DataObjectType,
    pub(crate) account: u64,
    /// The object's; of a snapshot, that of its volume.
    pub(crate) id: u64,
    pub(crate) uuid: Uuid,
    pub(crate) installation: String,
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
    ///
    /// # Errors
    /// `Unsupported` for a kind of object that an image store does not hold.
    pub(crate) fn of(place: &Place, object: &DataObject) -> Result<Self> {
        let kind = object.object_type();
        let (account, id) = match object {
            DataObject::Template(template) => (template.account_id, template.id),
            DataObject::Volume(volume) => (volume.account_id, volume.id),
            DataObject::Snapshot(snapshot) => (snapshot.account_id, snapshot.volume.id),
            _ => return Err(PluginError::unsupported(format!("an image store holds no {kind}"))),
        };
        let installation = place.installation.clone();
        Ok(Self { kind, account, id, uuid: object.uuid(), installation })
    }

    /// The key of the finished object.
    ///
    /// # Errors
    /// `InvalidArgument` for a format that is no file.
    pub(crate) fn key(&self, format: ImageFormat) -> Result<String> {
        if formats().all(|one| one != format) {
            let known: Vec<_> = formats().map(ImageFormat::as_str).collect();
            return Err(PluginError::invalid_argument(format!(
                "an image store keeps no images of the format {format}, but {}",
                known.join(", ")
            )));
        }
        Ok(format!("{self}{}", ending(format)))
    }

    /// The key of what an attempt says of the object.
    pub(crate) fn record(&self, attempt: Uuid) -> String {
        format!("{self}{}.{RECORD}", attempt.simple())
    }

    /// Whether it is the name of the same object, wherever it lies.
    pub(crate) fn is_of(&self, other: &Self) -> bool {
        let same_owner = self.installation == other.installation;
        same_owner && self.uuid == other.uuid && self.kind == other.kind
    }
}

impl fmt::Display for Name {
    /// What all keys of the object begin with.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, account, id, uuid, installation } = self;
        write!(f, "{}{account}/{id}/{uuid}.{installation}.", root(*kind))
    }
}

impl Key {
    /// What a key says.
    pub(crate) fn parse(key: &str) -> Self {
        Self::parts(key).unwrap_or(Self::Foreign)
    }

    fn parts(key: &str) -> Option<Self> {
        let kind = KINDS.into_iter().find(|kind| key.starts_with(root(*kind)))?;
        let mut folders = key.strip_prefix(root(kind))?.splitn(3, '/');
        let (account, id) = (number(folders.next()?)?, number(folders.next()?)?);
        let mut words = folders.next()?.splitn(3, '.');
        let (uuid, installation, rest) = (words.next()?, words.next()?, words.next()?);
        let uuid = Uuid::try_parse(uuid).ok()?;
        let name = Name { kind, account, id, uuid, installation: installation.to_owned() };
        // One object has one name: a uuid in capitals is no name of ours.
        if installation.is_empty() || format!("{name}{rest}") != key {
            return None;
        }
        if let Some(format) = formats().find(|format| ending(*format) == rest) {
            return Some(Self::Object(name, format));
        }
        let attempt = rest.strip_suffix(RECORD)?.strip_suffix('.')?;
        Uuid::try_parse(attempt).ok().map(|_| Self::Record(name))
    }

    /// Whose it is, if it is one of ours or another installation's.
    pub(crate) fn name(&self) -> Option<&Name> {
        match self {
            Self::Object(name, _) | Self::Record(name) => Some(name),
            Self::Foreign => None,
        }
    }
}

/// One number has one name.
fn number(name: &str) -> Option<u64> {
    name.parse().ok().filter(|number: &u64| number.to_string() == name)
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
pub(crate) fn spot(name: &Name, path: &str) -> Result<Spot> {
    if path.is_empty() {
        return Ok(Spot::Anywhere);
    }
    let refused = || {
        let kind = name.kind.as_str().to_ascii_lowercase();
        let why = format!("path {path:?} is not that of {kind} {}", name.uuid);
        PluginError::permission_denied(why)
    };
    match Key::parse(path) {
        Key::Object(of, _) if of.is_of(name) => Ok(Spot::At(path.to_owned())),
        Key::Object(..) | Key::Record(_) => Err(refused()),
        Key::Foreign if path.split('/').any(|part| [".", "..", ""].contains(&part)) => {
            Err(refused())
        }
        Key::Foreign => Ok(Spot::Nowhere),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> Name {
        Name {
            kind: DataObjectType::Template,
            account: 2,
            id: 201,
            uuid: Uuid::nil(),
            installation: "ins-1".to_owned(),
        }
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
