//! What each new template or ISO may be told, registered or uploaded.
//!
//! What it is not: what a command has beside that; those are its own parameters, which come last.

use super::args::Args;
use super::error::ApiError;
use super::os_types;
use super::param::{Inputs, Param, params};
use super::values::Id;
use crate::orchestration::template::CreateTemplate;

params! {
    pub(super) struct NewImage {
        "name"          name: String                 => "the name of the template or ISO";
        "displaytext"   display_text: Option<String> => "the display text of the template or ISO";
        "checksum"      checksum: Option<String>     => "the checksum value of its file: hex, or with its algorithm, like {SHA-256}hex";
        "ostypeid"      os_type: Option<Id>          => "the ID of the OS type that best represents its OS";
        "ispublic"      is_public: Option<bool>      => "true if it is available to all accounts; default is true";
        "isfeatured"    is_featured: Option<bool>    => "true if it is featured, false otherwise";
        "isextractable" is_extractable: Option<bool> => "true if it or its derivatives are extractable; default is false";
    }
}

/// The inputs of a command that makes a template or ISO.
pub(super) struct WithImage<P> {
    /// The command's own.
    pub(super) own: P,
    /// What it is to be.
    pub(super) template: CreateTemplate,
    /// The checksum of its file.
    pub(super) checksum: Option<String>,
}

impl<P: Inputs> Inputs for WithImage<P> {
    const PARAMS: &'static [&'static [Param]] = &[NewImage::OWN, P::PARAMS[0]];

    fn read(args: &Args) -> Result<Self, ApiError> {
        let image = NewImage::read(args)?;
        let own = P::read(args)?;
        let template = CreateTemplate {
            name: image.name,
            display_text: image.display_text,
            os_type: os_types::find("ostypeid", image.os_type)?,
            is_public: image.is_public.unwrap_or(true),
            is_featured: image.is_featured.unwrap_or_default(),
            is_extractable: image.is_extractable.unwrap_or_default(),
            bootable: true,
            ..CreateTemplate::default()
        };
        Ok(Self { own, template, checksum: image.checksum })
    }
}
