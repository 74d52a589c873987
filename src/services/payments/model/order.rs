//! What a payer asks for: the body as it came, and the order that it makes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use busbar_http::{Invalid, Problem};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::storage::stored_as_text;
use crate::types::{Amount, BillId, Currency, Money, Refused, Text, text_form, words};

use super::card;
use super::metadata::{self, PaymentMetadata};

const TOKEN_LENGTH_MAX: usize = 255;

/// The body of `POST /payments`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPayment {
    bill_id: BillId,
    /// At least 1.
    amount_minor: Amount,
    currency: Currency,
    method: PaymentMethod,
    /// At most 20 names of up to 40 characters with texts of up to 500; no card numbers.
    #[serde(default, deserialize_with = "metadata::read")]
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
        if card::is_number(text) {
            return Err(card::refused());
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
        // Not where a token is read: what is stored stays readable.
        if card::holds_card_number(body.method.token.as_str()) {
            let refused = card::refused();
            invalid.add("/method/token", refused.code(), refused.detail().to_owned());
        }
        let metadata = PaymentMetadata::checked(body.metadata, &mut invalid);
        invalid.finish()?;
        Ok(Order {
            bill_id: body.bill_id,
            money: body.amount_minor.in_currency(body.currency),
            method: body.method.kind,
            token: body.method.token,
            metadata,
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
        for number in ["4242424242424242", "4242 4242 4242 4242", "tok_4242-4242-4242-4242"] {
            let refused = order(|body| body["method"]["token"] = json!(number)).unwrap_err();
            assert_eq!(refused.code(), "card_number_refused");
            assert_eq!(refused.body(None)["errors"][0]["pointer"], "/method/token");
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

    #[test]
    fn notes_hold_no_card_number() {
        let number = "4242 4242 4242 4242";
        for (notes, pointer) in [
            (json!({"note": format!("paid by {number}")}), "/metadata/note"),
            (json!({"a/b~c": number}), "/metadata/a~1b~0c"),
            // A name that is one is not repeated.
            (json!({number: "x"}), "/metadata"),
        ] {
            let refused = order(|body| body["metadata"] = notes.clone()).unwrap_err();
            assert_eq!((refused.status().as_u16(), refused.code()), (422, "card_number_refused"));
            assert_eq!(refused.body(None)["errors"][0]["pointer"], pointer);
        }
    }

    #[test]
    fn a_note_comes_once() {
        let body = json!({
            "bill_id": BillId::new(), "amount_minor": 4496, "currency": "USD",
            "method": {"type": "sim", "token": "tok_ok"}, "metadata": {"note": "a"}
        });
        let twice = body.to_string().replace(r#""note":"a""#, r#""note":"a","note":"b""#);
        let refused = busbar_http::body::parse::<NewPayment>(twice.as_bytes()).unwrap_err();
        assert_eq!((refused.status().as_u16(), refused.code()), (422, "field_repeated"));
        let told = refused.body(None)["errors"][0]["pointer"].to_string();
        assert!(told.starts_with("\"/metadata"), "{told}");
    }
}
