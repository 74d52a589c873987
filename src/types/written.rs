//! Types with one written form: the same text in JSON, in storage, in logs and in addresses.
use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, de};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, Type};

/// Why a value was not accepted: a stable code and a sentence for people.
///
/// Shown as `code: sentence`, which is how a deserialisation error carries a code to the client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    code: &'static str,
    detail: Cow<'static, str>,
}

impl Refused {
    pub fn new(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Refused { code, detail: detail.into() }
    }

    /// The problem code: part of the contract with clients.
    pub fn code(&self) -> &'static str {
        self.code
    }

    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl std::error::Error for Refused {}

/// A type with one written form. `text_form!(T)` adds all that follows from it.
pub trait Text: Sized {
    /// The format named in the API description, where there is a usual one.
    const FORMAT: Option<&'static str> = None;

    fn text(&self) -> Cow<'_, str>;

    fn parse(text: &str) -> Result<Self, Refused>;

    /// A value for the API description, where the format does not say enough.
    fn example() -> Option<&'static str> {
        None
    }

    /// Every value, where the set is closed.
    fn closed_set() -> Option<Vec<&'static str>> {
        None
    }
}

/// `text_form!(Email)` derives `Display`, `FromStr`, `Serialize`, `Deserialize` and the API
/// schema of `Email` from its [`Text`].
macro_rules! text_form {
    ($($type:ty),+ $(,)?) => {$(
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&$crate::types::Text::text(self))
            }
        }
        impl std::str::FromStr for $type {
            type Err = $crate::types::Refused;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::types::Text::parse(text)
            }
        }
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&$crate::types::Text::text(self))
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::types::expansion::deserialize_text(from)
            }
        }
        impl utoipa::PartialSchema for $type {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $crate::types::expansion::text_schema::<Self>()
            }
        }
        impl utoipa::ToSchema for $type {}
    )+};
}
pub(crate) use text_form;

/// A closed set of words, such as the states of a bill:
/// `words! { pub enum Status: "status_invalid" { Draft = "draft", Issued = "issued" } }`
/// is the enum with `ALL`, `as_str`, and its [`Text`] form; other words get the code.
#[allow(unused_macros, reason = "for states of one service")]
macro_rules! words {
    ($(#[$meta:meta])* $visible:vis enum $name:ident: $code:literal {
        $($(#[$about:meta])* $variant:ident = $word:literal),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        $visible enum $name { $($(#[$about])* $variant),+ }

        #[allow(dead_code, reason = "the same three for every set of words")]
        impl $name {
            $visible const ALL: &'static [$name] = &[$($name::$variant),+];
            $visible const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }
        impl $crate::types::Text for $name {
            fn text(&self) -> std::borrow::Cow<'_, str> { self.as_str().into() }
            fn parse(text: &str) -> Result<Self, $crate::types::Refused> {
                match text {
                    $($word => Ok($name::$variant),)+
                    _ => Err($crate::types::Refused::new(
                        $code, concat!("one of" $(, " `", $word, "`")+))),
                }
            }
            fn closed_set() -> Option<Vec<&'static str>> { Some(vec![$($word),+]) }
        }
        $crate::types::text_form!($name);
    };
}
pub(crate) use words;

/// Reads the written form; a refusal becomes an error that begins with its code.
pub fn deserialize_text<'de, T: Text, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let text = Cow::<'de, str>::deserialize(from)?;
    T::parse(&text).map_err(de::Error::custom)
}

pub fn text_schema<T: Text>() -> RefOr<Schema> {
    let format = T::FORMAT.map(|name| SchemaFormat::Custom(name.to_owned()));
    let schema = ObjectBuilder::new().schema_type(Type::String).format(format);
    let schema = schema.examples(T::example().map(serde_json::Value::from));
    schema.enum_values(T::closed_set()).into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    words! {
        /// A light.
        enum Light: "light_invalid" { Red = "red", Green = "green" }
    }

    #[test]
    fn a_word_reads_and_writes_the_same_everywhere() {
        for light in Light::ALL {
            let json = serde_json::to_string(light).unwrap();
            assert_eq!(json, format!("\"{light}\""));
            assert_eq!(serde_json::from_str::<Light>(&json).unwrap(), *light);
        }
    }

    #[test]
    fn an_unknown_word_is_refused_with_its_code_and_the_known_ones() {
        let fault = serde_json::from_str::<Light>("\"blue\"").unwrap_err().to_string();
        assert!(fault.starts_with("light_invalid: one of `red` `green`"), "{fault}");
    }
}
