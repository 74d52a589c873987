//! What a document is about.
use std::borrow::Cow;

use crate::types::{BillId, PaymentId, Refused, Text, text_form};

const KIND_LENGTH_MAX: usize = 32;
const ID_LENGTH_MAX: usize = 64;

/// A kind of thing and its id, `bill/0190…`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Subject(String);

impl Subject {
    pub(crate) fn bill(id: BillId) -> Subject {
        Subject(format!("bill/{id}"))
    }

    pub(crate) fn payment(id: PaymentId) -> Subject {
        Subject(format!("payment/{id}"))
    }
}

impl Text for Subject {
    fn text(&self) -> Cow<'_, str> {
        self.0.as_str().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let fits = |part: &str, max| (1..=max).contains(&part.len());
        let is_good = text.split_once('/').is_some_and(|(kind, id)| {
            fits(kind, KIND_LENGTH_MAX)
                && fits(id, ID_LENGTH_MAX)
                && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte))
        });
        if is_good {
            return Ok(Subject(text.to_owned()));
        }
        Err(Refused::new("subject_invalid", "a kind and an id, like bill/0190…"))
    }
}
text_form!(Subject);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_a_kind_and_an_id() {
        let bill = BillId::new();
        assert_eq!(format!("bill/{bill}").parse::<Subject>().unwrap(), Subject::bill(bill));
        assert!("service_account/acme:7".parse::<Subject>().is_ok());
        for bad in ["", "bill", "bill/", "/1", "Bill/1", "bill/a b", "bill/1/2", "bill/é"] {
            assert_eq!(bad.parse::<Subject>().unwrap_err().code(), "subject_invalid", "{bad}");
        }
    }
}
