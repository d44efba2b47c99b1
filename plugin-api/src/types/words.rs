//! The macro behind every closed list of words in the contract (types, formats, states).
//!
//! A list crosses as its CloudStack word, never as a number. A word this side does not know yet
//! arrives as `Unknown`, so a newer peer never breaks an older one.

/// Declares an enum whose variants are words: `as_str`, `Display`, `FromStr`, serde as the word.
macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $( $(#[$vmeta:meta])* $variant:ident = $word:literal ),+ $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$vmeta])* #[doc = concat!("\n\nThe word `", $word, "`.")] $variant, )+
            /// A word that this version of the contract does not know.
            Unknown,
        }

        impl $name {
            /// Every known word, in the order of declaration.
            pub const ALL: &'static [$name] = &[$( $name::$variant ),+];

            /// The word as it is spelled in CloudStack's API.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( $name::$variant => $word, )+
                    $name::Unknown => "Unknown",
                }
            }

            /// The variant of a word, letter case ignored; [`Unknown`](Self::Unknown) for any other.
            pub fn from_word(word: &str) -> Self {
                match word {
                    $( $word => $name::$variant, )+
                    other => Self::ALL
                        .iter()
                        .copied()
                        .find(|known| known.as_str().eq_ignore_ascii_case(other))
                        .unwrap_or($name::Unknown),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::PluginError;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match Self::from_word(word) {
                    $name::Unknown => Err($crate::PluginError::invalid_argument(format!(
                        "{word:?} is not a {}; use one of {}",
                        stringify!($name),
                        Self::ALL.iter().map(|known| known.as_str()).collect::<Vec<_>>().join(", "),
                    ))),
                    known => Ok(known),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Word;
                impl serde::de::Visitor<'_> for Word {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("a word of ", stringify!($name)))
                    }
                    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<$name, E> {
                        Ok($name::from_word(word))
                    }
                }
                deserializer.deserialize_str(Word)
            }
        }
    };
}
pub(crate) use words;
