//! What an outcome says about the instance that was asked. Pure.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};

use super::breaker::Verdict;
use crate::gateway::forward::Loss;

/// What else is known.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::gateway) struct Facts {
    /// Its supervisor is in this process, and takes care of crashes itself.
    pub(in crate::gateway) is_hosted: bool,
    /// The supervisor says that none serves at the moment.
    pub(in crate::gateway) is_starting: bool,
    /// Running out of time may be another's fault: the client sends its body meanwhile, or most of the
    /// time had gone before.
    pub(in crate::gateway) is_excused: bool,
}

/// One of our services that says itself that it is busy, and when to come again, is alive and does
/// the right thing: to leave it alone would make a short wait of one path a long one of all.
pub(in crate::gateway) fn of_answer(
    status: StatusCode,
    fields: &HeaderMap,
    is_ours: bool,
) -> Verdict {
    match status.as_u16() {
        503 if is_ours && says_when(fields) => Verdict::Nothing,
        // A client can have any instance say so.
        501 | 505 => Verdict::Nothing,
        502..=504 => Verdict::Failed,
        500.. => Verdict::Errored,
        _ => Verdict::Good,
    }
}

fn says_when(fields: &HeaderMap) -> bool {
    let is_problem = fields
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
    is_problem && fields.contains_key(RETRY_AFTER)
}

pub(in crate::gateway) fn of_loss(loss: &Loss, facts: Facts) -> Verdict {
    let counts = match loss {
        Loss::Unreachable(_) => !facts.is_starting,
        Loss::Broken(_) | Loss::Cut => !facts.is_hosted,
        Loss::TimedOut => !facts.is_excused,
        Loss::Overflow
        | Loss::Rejecting(_)
        | Loss::TooLarge
        | Loss::BodyIncomplete(_)
        | Loss::BodyStalled
        | Loss::Panicked(_) => false,
    };
    if counts { Verdict::Failed } else { Verdict::Nothing }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let plain = HeaderMap::new();
        for (status, expected) in [
            (200, Verdict::Good),
            (101, Verdict::Good),
            (404, Verdict::Good),
            (429, Verdict::Good),
            (500, Verdict::Errored),
            (501, Verdict::Nothing),
            (505, Verdict::Nothing),
            (507, Verdict::Errored),
            (502, Verdict::Failed),
            (503, Verdict::Failed),
            (504, Verdict::Failed),
            (599, Verdict::Errored),
        ] {
            let status = StatusCode::from_u16(status).unwrap_or_default();
            assert_eq!(of_answer(status, &plain, true), expected, "{status}");
        }
        let mut busy = HeaderMap::new();
        busy.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        busy.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        let of = |is_ours| of_answer(StatusCode::SERVICE_UNAVAILABLE, &busy, is_ours);
        assert_eq!((of(true), of(false)), (Verdict::Nothing, Verdict::Failed));
    }

    #[test]
    fn what_others_did_is_not_held_against_an_instance() {
        let (away, broken) = (Loss::Unreachable("refused".into()), Loss::Broken("reset".into()));
        let none = Facts::default();
        let hosted = Facts { is_hosted: true, ..none };
        let starting = Facts { is_starting: true, ..hosted };
        let streamed = Facts { is_excused: true, ..none };
        for (loss, facts, expected) in [
            (&away, none, Verdict::Failed),
            (&away, hosted, Verdict::Failed),
            (&away, starting, Verdict::Nothing),
            (&broken, none, Verdict::Failed),
            (&broken, hosted, Verdict::Nothing),
            (&Loss::Cut, hosted, Verdict::Nothing),
            (&Loss::TimedOut, hosted, Verdict::Failed),
            (&Loss::TimedOut, streamed, Verdict::Nothing),
            (&Loss::Overflow, none, Verdict::Nothing),
            (&Loss::TooLarge, none, Verdict::Nothing),
        ] {
            assert_eq!(of_loss(loss, facts), expected, "{loss} {facts:?}");
        }
    }
}
