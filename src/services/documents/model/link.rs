//! Links: for how long one is asked, and what is answered.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::types::{DocumentId, Timestamp};

use super::document::DocumentKind;
use super::subject::Subject;

/// The longest that a link is good.
pub(crate) const SECONDS_MAX: u64 = 7 * 86_400;

/// For how long a link is to be good.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkOrder {
    /// Seconds, up to seven days.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 604_800)]
    pub(crate) expires_in: Option<u64>,
}

/// Which document another service asks a link to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkQuestion {
    pub(crate) subject: Subject,
    pub(crate) kind: DocumentKind,
}

/// A link that works without a token.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Link {
    pub(crate) document_id: DocumentId,
    /// Relative to the gateway.
    pub(crate) url: String,
    pub(crate) expires_at: Timestamp,
}
