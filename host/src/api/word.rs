//! Words: parameters whose value is one of a closed list.
//!
//! **Invariant:** a word that is not of the list is refused with the whole list. It never narrows a
//! list to nothing, which would look like "there is none".

use super::args::Args;
use super::error::ApiError;
use super::param::{Kind, Param, ParamType};
use crate::config::PluginKind;
use crate::model::{
    EventLevel, InstanceState, IntervalType, Phase, StoragePoolState, VmSnapshotState, VolumeState,
};
use crate::orchestration::doctor::Severity;
use storage_plugin_api::{HypervisorType, ImageFormat, ProvisioningType, ScopeType};

/// A closed list of words.
pub trait Words: Copy + 'static {
    /// All of them.
    const WORDS: &'static [Self];

    /// How one is spelled; clients may use any letter case.
    fn word(self) -> &'static str;
}

/// `words_of! { Phase, … }`: types that know all their words themselves.
macro_rules! words_of {
    ($($type:ty),+ $(,)?) => {
        $( impl Words for $type {
            const WORDS: &'static [Self] = <$type>::ALL;

            fn word(self) -> &'static str {
                self.as_str()
            }
        } )+
    };
}

words_of! {
    EventLevel,
    HypervisorType,
    ImageFormat,
    InstanceState,
    IntervalType,
    Phase,
    ProvisioningType,
    ScopeType,
    StoragePoolState,
    VmSnapshotState,
    VolumeState,
}

impl Words for Severity {
    const WORDS: &'static [Self] = &[Self::Info, Self::Warning, Self::Error];

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Words for PluginKind {
    const WORDS: &'static [Self] = &[Self::Image, Self::Volume];

    fn word(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Volume => "volume",
        }
    }
}

/// `word_list! { /// What it is. enum State { Up = "Up" } }`: words that only the API has.
macro_rules! word_list {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $vis enum $name { $($variant),+ }

        impl $crate::api::word::Words for $name {
            const WORDS: &'static [Self] = &[$(Self::$variant),+];

            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}
pub(super) use word_list;

/// A word of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<T>(pub T);

impl<T: Words> Word<T> {
    fn parse(text: &str, param: &Param) -> Result<Self, ApiError> {
        let found = T::WORDS.iter().copied().find(|one| one.word().eq_ignore_ascii_case(text));
        found.map(Self).ok_or_else(|| {
            ApiError::invalid_parameter(format!(
                "Invalid value for parameter {}: use {}",
                param.name,
                list_of(T::WORDS)
            ))
        })
    }
}

/// `a, b or c`.
fn list_of<T: Words>(words: &[T]) -> String {
    let words: Vec<&str> = words.iter().map(|one| one.word()).collect();
    match words.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

impl<T: Words> ParamType for Word<T> {
    const KIND: Kind = Kind::String;

    fn read_if_given(args: &Args, param: &Param) -> Result<Option<Self>, ApiError> {
        args.text(param.name).map(|text| Self::parse(text, param)).transpose()
    }
}

impl<T: Words> ParamType for Vec<Word<T>> {
    const KIND: Kind = Kind::List;

    fn read_if_given(args: &Args, param: &Param) -> Result<Option<Self>, ApiError> {
        let words = Option::<Vec<String>>::read(args, param)?;
        words.map(|words| words.iter().map(|one| Word::parse(one, param)).collect()).transpose()
    }
}
