//! What the API description says about one endpoint.

use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, schema::Schema};

/// Who may call an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    Public,
    Person,
    Staff,
    Admin,
    /// Other services only; left out of the document.
    Internal,
}

/// What the document says about one endpoint.
#[derive(Clone)]
pub struct About {
    pub(super) summary: &'static str,
    pub(super) audience: Audience,
    pub(super) is_keyed: bool,
    pub(super) is_list: bool,
    pub(super) takes: Option<Shape>,
    /// What it takes is a form or the bytes themselves, not JSON.
    pub(super) is_upload: bool,
    pub(super) status: u16,
    pub(super) gives: Option<Shape>,
    /// What it gives are bytes of any media type.
    pub(super) is_download: bool,
    pub(super) query: &'static [(&'static str, &'static str)],
    /// Media types that it gives besides JSON.
    pub(super) forms: &'static [&'static str],
}

#[derive(Clone)]
pub(super) struct Shape {
    pub(super) name: String,
    pub(super) schema: fn() -> RefOr<Schema>,
    pub(super) others: fn(&mut Vec<(String, RefOr<Schema>)>),
    /// Reads a value as the type; what is answered, everything is.
    pub(super) take: fn(Value) -> Result<(), serde_json::Error>,
}

impl Shape {
    fn of<T: ToSchema>() -> Shape {
        let take = |_| Ok(());
        Shape { name: T::name().into_owned(), schema: T::schema, others: T::schemas, take }
    }
}

/// An endpoint for signed-in people; the other audiences are named.
pub fn about(summary: &'static str) -> About {
    About {
        summary,
        audience: Audience::Person,
        is_keyed: false,
        is_list: false,
        takes: None,
        is_upload: false,
        status: 200,
        gives: None,
        is_download: false,
        query: &[],
        forms: &[],
    }
}

impl About {
    /// No token is needed.
    pub fn public(self) -> About {
        About { audience: Audience::Public, ..self }
    }

    /// Operators and administrators.
    pub fn staff(self) -> About {
        About { audience: Audience::Staff, ..self }
    }

    pub fn admin(self) -> About {
        About { audience: Audience::Admin, ..self }
    }

    /// Other services of the installation.
    pub fn internal(self) -> About {
        About { audience: Audience::Internal, ..self }
    }

    /// The `Idempotency-Key` header is required.
    pub fn keyed(self) -> About {
        About { is_keyed: true, ..self }
    }

    /// A body that the handler reads in a way of its own; `T` describes it.
    pub fn reads<T: ToSchema>(self) -> About {
        About { takes: Some(Shape::of::<T>()), ..self }
    }

    pub fn takes<T: ToSchema + DeserializeOwned>(self) -> About {
        let take = |value| serde_json::from_value::<T>(value).map(drop);
        About { takes: Some(Shape { take, ..Shape::of::<T>() }), ..self }
    }

    /// A file: in a form with the fields of `T`, or as the body itself.
    pub fn sends<T: ToSchema>(self) -> About {
        About { is_upload: true, takes: Some(Shape::of::<T>()), ..self }
    }

    /// 200 with the bytes of a file, or 206 with a part of them.
    pub fn gives_bytes(self) -> About {
        About { is_download: true, ..self }
    }

    /// 200 with a `T`.
    pub fn gives<T: ToSchema>(self) -> About {
        About { gives: Some(Shape::of::<T>()), ..self }
    }

    /// 201 with a `T`.
    pub fn creates<T: ToSchema>(self) -> About {
        About { gives: Some(Shape::of::<T>()), status: 201, ..self }
    }

    /// 200 with a page of `T`.
    pub fn lists<T: ToSchema>(self) -> About {
        About { gives: Some(Shape::of::<T>()), is_list: true, ..self }
    }

    /// Another status than 200.
    pub fn status(self, status: u16) -> About {
        About { status, ..self }
    }

    /// Query parameters: name and sentence.
    pub fn query(self, query: &'static [(&'static str, &'static str)]) -> About {
        About { query, ..self }
    }

    /// Media types that it gives besides JSON, when asked.
    pub fn forms(self, forms: &'static [&'static str]) -> About {
        About { forms, ..self }
    }
}
