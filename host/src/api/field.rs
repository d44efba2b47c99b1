//! Fields: what an answer holds, declared once for serialisation and documentation.
//!
//! A command writes an object of its answer as a struct in [`response!`]; each field's type says
//! how it is documented ([`FieldType`]) and when it is left out.
//!
//! **Invariant:** an absent value is left out, never `null`: clients ask whether a key is there.

use serde::Serialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The type of a field, as `listApis` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// True or false.
    Boolean,
    /// A number with a fraction.
    Double,
    /// A 32-bit number.
    Integer,
    /// Any number of texts or objects.
    List,
    /// A 64-bit number.
    Long,
    /// Texts by key.
    Map,
    /// An object.
    Object,
    /// A text.
    String,
}

impl FieldKind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Double => "double",
            Self::Integer => "integer",
            Self::List => "list",
            Self::Long => "long",
            Self::Map => "map",
            Self::Object => "responseobject",
            Self::String => "string",
        }
    }
}

/// A field of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its key.
    pub name: &'static str,
    /// Its type.
    pub kind: FieldKind,
    /// What it means, in a phrase.
    pub description: &'static str,
    /// What its object, or each of its list, holds.
    pub fields: &'static [Field],
}

/// A type that a field can have.
pub(super) trait FieldType: Serialize {
    /// How `listApis` names it.
    const KIND: FieldKind;
    /// What its object holds.
    const FIELDS: &'static [Field] = &[];

    /// Whether the field is left out.
    fn is_absent(&self) -> bool {
        false
    }
}

/// `field_types! { String => String, … }`
macro_rules! field_types {
    ($($type:ty => $kind:ident),+ $(,)?) => {
        $( impl FieldType for $type { const KIND: FieldKind = FieldKind::$kind; } )+
    };
}

field_types! {
    bool => Boolean,
    f64 => Double,
    i32 => Integer,
    u32 => Integer,
    i64 => Long,
    u64 => Long,
    usize => Integer,
    &'static str => String,
    String => String,
    Uuid => String,
    BTreeMap<String, String> => Map,
}

impl<T: FieldType> FieldType for Option<T> {
    const KIND: FieldKind = T::KIND;
    const FIELDS: &'static [Field] = T::FIELDS;

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: FieldType> FieldType for Vec<T> {
    const KIND: FieldKind = FieldKind::List;
    const FIELDS: &'static [Field] = T::FIELDS;
}

/// Declares an object of an answer as a struct with `FIELDS`, serialised as declared.
///
/// ```text
/// response! {
///     struct ProviderResponse {
///         "name" name: String         => "the name of the storage provider";
///         "zone" zone: Option<String> => "the zone it serves, if only one";
///     }
/// }
/// ```
macro_rules! response {
    (
        $vis:vis struct $name:ident {
            $( $wire:literal $field:ident : $type:ty => $description:literal ; )+
        }
    ) => {
        #[derive(serde::Serialize)]
        $vis struct $name {
            $(
                #[doc = $description]
                #[serde(
                    rename = $wire,
                    skip_serializing_if = "crate::api::field::FieldType::is_absent"
                )]
                $field: $type,
            )+
        }

        impl $name {
            /// What it holds, for the documentation.
            $vis const FIELDS: &'static [$crate::api::field::Field] = &[$(
                $crate::api::field::Field {
                    name: $wire,
                    kind: <$type as $crate::api::field::FieldType>::KIND,
                    description: $description,
                    fields: <$type as $crate::api::field::FieldType>::FIELDS,
                },
            )+];
        }

        impl $crate::api::field::FieldType for $name {
            const KIND: $crate::api::field::FieldKind = $crate::api::field::FieldKind::Object;
            const FIELDS: &'static [$crate::api::field::Field] = Self::FIELDS;
        }
    };
}
pub(super) use response;

response! {
    pub(super) struct SuccessResponse {
        "success"     success: bool                => "true if operation is executed successfully";
        "displaytext" display_text: Option<String> => "any text associated with the success or failure";
    }
}
