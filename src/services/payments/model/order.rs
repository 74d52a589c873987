//! What a payer asks for: the body as it came, and the order that it makes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use busbar_http::{Invalid, Problem};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::storage::stored_as_text;
use crate::types::{Amount, BillId, Currency, Money, Refused, Text, text_form, words};

/// Notes that a client may keep with a payment.
const METADATA_ENTRIES_MAX: usize = 20;
const METADATA_NAME_CHARS_MAX: usize = 40;
const METADATA_VALUE_CHARS_MAX: usize = 500;
const TOKEN_LENGTH_MAX: usize = 255;
/// The lengths of card numbers (ISO/IEC 7812).
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 12..=19;

/// The body of `POST /payments`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPayment {
    bill_id: BillId,
    /// At least 1.
    amount_minor: Amount,
    currency: Currency,
    method: PaymentMethod,
    /// At most 20 names of up to 40 characters with texts of up to 500.
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

/// What is paid with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PaymentMethod {
    #[serde(rename = "type")]
    kind: PaymentMethodKind,
    token: MethodToken,
}

words! {
    /// The kinds of method. Each belongs to the connector of its name.
    pub(crate) enum PaymentMethodKind: "method_unsupported" {
        /// The simulator's scripted tokens.
        Simulated = "sim",
    }
}

/// What a connector knows a method by. Never a card number.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct MethodToken(String);

impl MethodToken {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Tokens stay out of logs.
impl std::fmt::Debug for MethodToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MethodToken(***)")
    }
}

impl Text for MethodToken {
    fn example() -> Option<&'static str> {
        Some("tok_ok")
    }

    fn text(&self) -> Cow<'_, str> {
        self.as_str().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || b" -".contains(&byte));
        if is_number && CARD_DIGITS.contains(&digits) {
            let never = "card numbers are not taken: send the token that stands for the card";
            return Err(Refused::new("card_number_refused", never));
        }
        let fits = (1..=TOKEN_LENGTH_MAX).contains(&text.len());
        if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(MethodToken(text.to_owned()));
        }
        Err(Refused::new("token_invalid", "1 to 255 visible ASCII characters"))
    }
}
text_form!(MethodToken);
stored_as_text!(MethodToken);

/// A client's notes, kept as JSON.
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize, ToSchema)]
#[serde(transparent)]
pub(crate) struct PaymentMetadata(BTreeMap<String, String>);

impl Text for PaymentMetadata {
    fn text(&self) -> Cow<'_, str> {
        serde_json::json!(self.0).to_string().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let read = serde_json::from_str(text).map(PaymentMetadata);
        read.map_err(|error| Refused::new("metadata_invalid", error.to_string()))
    }
}
stored_as_text!(PaymentMetadata);

/// An order that makes sense by itself. What the bill says to it is billing's to know.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Order {
    pub(crate) bill_id: BillId,
    pub(crate) money: Money,
    pub(crate) method: PaymentMethodKind,
    pub(crate) token: MethodToken,
    pub(crate) metadata: PaymentMetadata,
}

impl TryFrom<NewPayment> for Order {
    type Error = Problem;

    fn try_from(body: NewPayment) -> Result<Order, Problem> {
        let mut invalid = Invalid::default();
        if let Err(refused) = body.amount_minor.positive() {
            invalid.add("/amount_minor", refused.code(), refused.detail().to_owned());
        }
        let entries = body.metadata.len() <= METADATA_ENTRIES_MAX;
        invalid.check(entries, "/metadata", "metadata_too_many", "at most 20 entries");
        let fits = |(name, value): (&String, &String)| {
            let name_chars = name.chars().count();
            (1..=METADATA_NAME_CHARS_MAX).contains(&name_chars)
                && value.chars().count() <= METADATA_VALUE_CHARS_MAX
        };
        let sizes = body.metadata.iter().all(fits);
        let allowed = "names of 1 to 40 characters, texts of up to 500";
        invalid.check(sizes, "/metadata", "metadata_too_long", allowed);
        invalid.finish()?;
        Ok(Order {
            bill_id: body.bill_id,
            money: body.amount_minor.in_currency(body.currency),
            method: body.method.kind,
            token: body.method.token,
            metadata: PaymentMetadata(body.metadata),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn order(change: impl Fn(&mut Value)) -> Result<Order, Problem> {
        let mut body = json!({
            "bill_id": BillId::new(), "amount_minor": 4496, "currency": "USD",
            "method": {"type": "sim", "token": "tok_ok"}
        });
        change(&mut body);
        busbar_http::body::parse::<NewPayment>(body.to_string().as_bytes())?.try_into()
    }

    #[test]
    fn bad_money_is_told_by_its_code_and_place() {
        for (amount, code) in [
            (json!(44.96), "money_not_integer"),
            (json!("4496"), "money_not_integer"),
            (json!(0), "amount_below_minimum"),
            (json!(-1), "amount_below_minimum"),
            (json!(9_007_199_254_740_993_i64), "amount_out_of_range"),
        ] {
            let refused = order(|body| body["amount_minor"] = amount.clone()).unwrap_err();
            assert_eq!((refused.status().as_u16(), refused.code()), (422, code), "{amount}");
            assert_eq!(refused.body(None)["errors"][0]["pointer"], "/amount_minor");
        }
        let refused = order(|body| body["currency"] = json!("usd")).unwrap_err();
        assert_eq!(refused.code(), "currency_invalid");
    }

    #[test]
    fn nothing_but_the_order_is_taken() {
        let refused = order(|body| body["status"] = json!("succeeded")).unwrap_err();
        assert_eq!(refused.code(), "unknown_field");
        assert_eq!(refused.body(None)["errors"][0]["pointer"], "/status");
        let other = order(|body| body["method"]["type"] = json!("cash")).unwrap_err();
        assert_eq!(other.code(), "method_unsupported");
    }

    #[test]
    fn a_card_number_is_no_token() {
        for number in ["4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242"] {
            let refused = order(|body| body["method"]["token"] = json!(number)).unwrap_err();
            assert_eq!(refused.code(), "card_number_refused");
        }
        assert!(order(|body| body["method"]["token"] = json!("123")).is_ok());
        assert!(order(|body| body["method"]["token"] = json!("")).is_err());
    }

    #[test]
    fn notes_have_bounds() {
        let long = "x".repeat(501);
        let noted = |notes: Value| order(move |body| body["metadata"] = notes.clone());
        assert!(noted(json!({"meter": "M-1"})).is_ok());
        assert_eq!(noted(json!({"note": long})).unwrap_err().code(), "metadata_too_long");
        let many: BTreeMap<_, _> = (0..21).map(|i| (i.to_string(), "")).collect();
        assert_eq!(noted(json!(many)).unwrap_err().code(), "metadata_too_many");
    }
}
