//! Parameters: what a command takes, declared once for parser and documentation.
//!
//! A command writes its parameters as a struct in [`params!`]; each field's type says how the
//! value is read ([`ParamType`], the types are in `values.rs` and `map.rs`) and whether it may be
//! missing (`Option`). [`Inputs`] is what a handler takes: such a struct, `()`, or a
//! [`Listing`](super::page::Listing) of one.

use super::args::Args;
use super::error::ApiError;

/// The type of a parameter, as `listApis` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` in any letter case, or anything else for false.
    Boolean,
    /// A day, or a moment in the host's time zone, which is UTC.
    Date,
    /// A number with a fraction.
    Float,
    /// A 32-bit number; blank is as good as missing.
    Integer,
    /// Texts, separated by commas.
    List,
    /// A 64-bit number.
    Long,
    /// `name[i].field=value`, any number of times.
    Map,
    /// A text of limited length.
    String,
    /// A moment with its offset from UTC.
    TzDate,
    /// The id of an object.
    Uuid,
}

impl Kind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Float => "float",
            Self::Integer => "integer",
            Self::List => "list",
            Self::Long => "long",
            Self::Map => "map",
            Self::String => "string",
            Self::TzDate => "tzdate",
            Self::Uuid => "uuid",
        }
    }
}

/// A parameter of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param {
    /// Its name, in lower case.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// The command does not run without it.
    pub required: bool,
    /// What it means, in a sentence.
    pub description: &'static str,
    /// The most characters its value, or each of a list, may have.
    pub length: usize,
    /// The CloudStack release that had it first, where that matters to clients.
    pub since: Option<&'static str>,
}

/// The length of a parameter that declares none.
pub(super) const DEFAULT_LENGTH: usize = 255;

/// A type that a parameter's value can be read as.
pub(super) trait ParamType: Sized {
    /// How `listApis` names it.
    const KIND: Kind;
    /// Whether the command runs without it.
    const REQUIRED: bool = true;

    /// Reads the value, if there is one.
    fn read_if_given(args: &Args, param: &Param) -> Result<Option<Self>, ApiError>;

    /// Reads the value, or says that it is missing.
    fn read(args: &Args, param: &Param) -> Result<Self, ApiError> {
        Self::read_if_given(args, param)?.ok_or_else(|| Self::missing(args, param))
    }

    /// What to say where the value is missing.
    fn missing(args: &Args, param: &Param) -> ApiError {
        ApiError::missing_parameter(args.command(), param.name)
    }
}

impl<T: ParamType> ParamType for Option<T> {
    const KIND: Kind = T::KIND;
    const REQUIRED: bool = false;

    fn read_if_given(args: &Args, param: &Param) -> Result<Option<Self>, ApiError> {
        T::read_if_given(args, param).map(Some)
    }

    fn read(args: &Args, param: &Param) -> Result<Self, ApiError> {
        T::read_if_given(args, param)
    }
}

/// What a handler takes besides the call.
pub(super) trait Inputs: Sized {
    /// Its parameters: first its own, then those of the lists.
    const PARAMS: &'static [&'static [Param]];

    /// Reads them all.
    fn read(args: &Args) -> Result<Self, ApiError>;
}

impl Inputs for () {
    const PARAMS: &'static [&'static [Param]] = &[&[]];

    fn read(_: &Args) -> Result<Self, ApiError> {
        Ok(())
    }
}

/// Declares the parameters of a command as a struct that implements [`Inputs`].
///
/// ```text
/// params! {
///     struct Params {
///         "url"     url: String, length = 2048      => "the URL of the storage pool";
///         "tags"    tags: Option<Vec<String>>       => "the tags of the storage pool";
///         "details" details: Option<Details>        => "the details of the storage pool";
///     }
/// }
/// ```
macro_rules! params {
    (
        $vis:vis struct $name:ident {
            $(
                $wire:literal $field:ident : $type:ty
                $(, length = $length:expr)? $(, since = $since:literal)?
                => $description:literal ;
            )+
        }
    ) => {
        $vis struct $name {
            $( #[doc = $description] $field: $type, )+
        }

        impl $name {
            const OWN: &'static [$crate::api::param::Param] = &[$(
                $crate::api::param::params!(
                    @param $wire, $type, $description, [$($length)?], [$($since)?]
                ),
            )+];
        }

        impl $crate::api::param::Inputs for $name {
            const PARAMS: &'static [&'static [$crate::api::param::Param]] = &[Self::OWN];

            fn read(args: &$crate::api::args::Args) -> Result<Self, $crate::api::error::ApiError> {
                let mut declared = Self::OWN.iter();
                Ok(Self {
                    $( $field: $crate::api::param::read_next(args, &mut declared)?, )+
                })
            }
        }
    };
    (
        @param $wire:literal, $type:ty, $description:literal,
        [$($length:expr)?], [$($since:literal)?]
    ) => {
        $crate::api::param::Param {
            name: $wire,
            kind: <$type as $crate::api::param::ParamType>::KIND,
            required: <$type as $crate::api::param::ParamType>::REQUIRED,
            description: $description,
            length: $crate::api::param::params!(
                @or $crate::api::param::DEFAULT_LENGTH, $($length)?
            ),
            since: $crate::api::param::params!(@option $($since)?),
        }
    };
    (@or $default:expr, $value:expr) => { $value };
    (@or $default:expr,) => { $default };
    (@option $value:expr) => { Some($value) };
    (@option) => { None };
}
pub(super) use params;

/// Reads the next declared parameter: the macro's struct has its fields in the same order.
pub(super) fn read_next<T: ParamType>(
    args: &Args,
    declared: &mut std::slice::Iter<'static, Param>,
) -> Result<T, ApiError> {
    match declared.next() {
        Some(param) => T::read(args, param),
        None => Err(ApiError::internal("a parameter was read that is not declared")),
    }
}
