//! The macro behind the records of calls: what must be given, what has a default, one constructor.

/// Declares a record: the fields before `;` are given to `new`, those after it begin at their
/// default and may be missing on the wire.
macro_rules! record {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[$rmeta:meta])* $required:ident : $rty:ty, )*
            ;
            $( $(#[$ometa:meta])* $optional:ident : $oty:ty, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub struct $name {
            $( $(#[$rmeta])* pub $required: $rty, )*
            $(
                $(#[$ometa])*
                #[serde(default, skip_serializing_if = "crate::types::is_default")]
                pub $optional: $oty,
            )*
        }

        impl $name {
            #[doc = concat!("A `", stringify!($name), "` with everything else at its default.")]
            pub fn new($($required: impl Into<$rty>),*) -> Self {
                Self {
                    $( $required: $required.into(), )*
                    $( $optional: Default::default(), )*
                }
            }
        }
    };
}
pub(crate) use record;

/// Whether a field is at its default: then it need not travel.
pub(crate) fn is_default<T: Default + PartialEq>(field: &T) -> bool {
    *field == T::default()
}
