//! A look at a template before it is used.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::types::{Locale, Zone};

use super::Template;

/// `POST /notifications/preview`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreviewOrder {
    pub(crate) template: Template,
    /// `en` if not said.
    #[serde(default)]
    pub(crate) locale: Locale,
    /// In which times are written; `UTC` if not said.
    #[serde(default)]
    pub(crate) timezone: Zone,
    /// What the template fills in: amounts in minor units, dates and instants as the API has them.
    #[schema(value_type = Object)]
    pub(crate) variables: Map<String, Value>,
}

/// What would be sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Preview {
    /// The language of the texts, which may be a wider one than was asked for.
    pub(crate) locale: Locale,
    pub(crate) subject: String,
    /// The mail as plain text.
    pub(crate) text: String,
    /// The mail as HTML.
    pub(crate) html: String,
    /// The notice in the inbox.
    pub(crate) notice: String,
}
