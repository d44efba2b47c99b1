//! What lies where in a store: CloudStack's install paths, with names that are ours.
//!
//! ```text
//! template/tmpl/<account>/<template>/<uuid>.<installation id>.qcow2   and template.properties
//! snapshots/<account>/<volume>/<uuid>.<installation id>.raw           and ….properties
//! volumes/<account>/<volume>/<uuid>.<installation id>.vmdk            and ….properties
//! volumes/<account>/<volume>/<uuid>.<installation id>.<attempt>.new   one in the making
//! ```
//! Invariant: a path that leaves this file is one of these, so it leads nowhere else.

use std::path::{Component, Path};
use storage_plugin_api::PluginResult as Result;
use storage_plugin_api::files::Site;
use storage_plugin_api::install_path::not_that_of;
pub(crate) use storage_plugin_api::install_path::{InstallFolder as Folder, InstallName as Name};
use storage_plugin_api::prelude::*;

/// What the name of a file in the making ends with.
const UNFINISHED: &str = "new";

/// What the name of the record of a file ends with.
const RECORD: &str = "properties";

/// The record of a template, as CloudStack calls it: a template has its folder to itself.
pub(crate) const TEMPLATE_RECORD: &str = "template.properties";

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

/// A file in the making: its attempt tells it from those of others.
pub(crate) fn unfinished(name: &Name, attempt: Uuid) -> String {
    name.with(&format!("{}.{UNFINISHED}", attempt.simple()))
}

/// The record of a finished object.
pub(crate) fn record(name: &Name, kind: DataObjectType) -> String {
    if kind == DataObjectType::Template { TEMPLATE_RECORD.to_owned() } else { name.with(RECORD) }
}

impl File {
    /// What a name says.
    pub(crate) fn parse(file: &str) -> Self {
        if file == TEMPLATE_RECORD {
            return Self::Record;
        }
        let Some((name, ending)) = Name::parse(file) else {
            return Self::Foreign;
        };
        if let Some(format) = Name::format(ending) {
            return Self::Object(name, format);
        }
        match ending.rsplit_once('.') {
            None if ending == RECORD => Self::Record,
            // Whatever is in the middle: a record in the making is one, too.
            Some((_, UNFINISHED)) => Self::Unfinished(name),
            _ => Self::Foreign,
        }
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
    let (own, path) = (Folder::of(object), object.path());
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
        File::Object(name, _)
            if name == Name::of(object, &site.installation) && folder.kind == own.kind =>
        {
            Ok(Spot::At(folder, file.to_owned()))
        }
        _ => Err(not_that_of(object, path)),
    }
}

fn leads_out(path: &str) -> bool {
    let leads_out = |part| !matches!(part, Component::Normal(_));
    path.contains('\0') || Path::new(path).components().any(leads_out)
}
