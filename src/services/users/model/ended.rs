//! What must not be believed any more although its signature is good. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::stored_as_text;
use crate::types::{Cursor, Timestamp, words};

use super::EndedId;

/// In one answer.
pub(crate) const ENDINGS_MAX: usize = 1_000;
/// An ending bears the time at which its request came in, and is seen when that has committed. So
/// what lies this far back is told again.
const LOOK_BACK: Duration = Duration::from_secs(20);

words! {
    pub(crate) enum EndedKind: "ended_kind_invalid" {
        Session = "session",
        /// All tokens of a user that are of a lower version.
        User = "user",
    }
}
stored_as_text!(EndedKind);

/// The query of `GET /internal/sessions/ended`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndedQuery {
    pub(crate) after: Option<Cursor>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Ended {
    pub(crate) kind: EndedKind,
    pub(crate) id: EndedId,
    /// The lowest version of a user's tokens that is good; 0 for a session.
    pub(crate) version: i64,
    #[serde(skip)]
    pub(crate) at: Timestamp,
}

/// A page of them, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Endings {
    pub(crate) ended: Vec<Ended>,
    /// For so long a token may still be shown.
    pub(crate) keep_seconds: u64,
    /// `after` of the next question.
    pub(crate) resume: Cursor,
    /// Whether it should be asked at once.
    pub(crate) is_more: bool,
}

/// Where to begin: before `token_life` no token was made that is still good.
pub(crate) fn begin(after: Option<Cursor>, token_life: Duration, now: Timestamp) -> Cursor {
    let first = Cursor::new(now.minus(token_life.saturating_add(LOOK_BACK)), Uuid::nil());
    after.filter(|after| after.created_at > first.created_at).unwrap_or(first)
}

impl Endings {
    pub(crate) fn page(ended: Vec<Ended>, token_life: Duration, now: Timestamp) -> Endings {
        let is_more = ended.len() >= ENDINGS_MAX;
        let recent = Cursor::new(now.minus(LOOK_BACK), Uuid::nil());
        let last = ended.last().filter(|_| is_more);
        let resume = last.map_or(recent, |last| Cursor::new(last.at, last.id));
        Endings { ended, keep_seconds: token_life.as_secs(), resume, is_more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(600);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn what_lies_a_moment_back_is_told_again() {
        let page = Endings::page(Vec::new(), LIFE, at(1_000));
        assert_eq!((page.resume.created_at, page.is_more), (at(980), false));
    }

    #[test]
    fn a_full_page_goes_on_behind_its_last() {
        let ended = (0..ENDINGS_MAX).map(|_| Ended {
            kind: EndedKind::Session,
            id: EndedId::new(),
            version: 0,
            at: at(7),
        });
        let ended: Vec<Ended> = ended.collect();
        let last = Cursor::new(at(7), ended[ENDINGS_MAX - 1].id);
        let page = Endings::page(ended, LIFE, at(1_000));
        assert_eq!((page.resume, page.is_more), (last, true));
    }

    #[test]
    fn nothing_is_told_that_no_token_outlives() {
        let first = begin(None, LIFE, at(1_000)).created_at;
        assert_eq!(first, at(380));
        let ask = |seconds| begin(Some(Cursor::new(at(seconds), Uuid::nil())), LIFE, at(1_000));
        assert_eq!((ask(100).created_at, ask(980).created_at), (at(380), at(980)));
    }
}
