//! What can be wrong with a request and with an answer. Faults name the place in the contract's words and hold nothing of what
//! stood there.

use crate::json;
use crate::problem::WrongPlace;

/// Why a request does not fit the contract.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ContractFault {
    /// A header field that is refused wherever it stands.
    #[error("request holds a field that is always refused")]
    RefusedField,
    /// No operation has this path.
    #[error("path is not declared")]
    NotFound,
    /// The path is declared, this method is not.
    #[error("method is not declared for this path")]
    MethodNotDeclared,
    /// A value in the path is not well formed or does not fit its schema.
    #[error("path value does not fit the contract")]
    Path(WrongPlace),
    /// The query is not well formed, holds something undeclared or twice, lacks something, or a value does not fit.
    #[error("query does not fit the contract")]
    Query(WrongPlace),
    /// A declared header is missing, stands twice, or does not fit its schema.
    #[error("header does not fit the contract")]
    Header(WrongPlace),
    /// `Idempotency-Key` is missing where the operation demands it, stands twice or is malformed.
    #[error("idempotency key is missing or malformed")]
    IdempotencyKey,
    /// The body's media type is not the declared one.
    #[error("media type is not declared")]
    MediaTypeNotDeclared,
    /// There is a body where none is declared.
    #[error("body is not declared")]
    BodyNotDeclared,
    /// There is no body where one is declared.
    #[error("body is missing")]
    BodyMissing,
    /// The body is longer than the operation allows.
    #[error("body is too large")]
    BodyTooLarge,
    /// The body is not strict JSON, or exceeds the limits of all JSON.
    #[error("body is not strict JSON: {0}")]
    BodyMalformed(json::Fault),
    /// The body does not fit its schema.
    #[error("body does not fit the contract")]
    Body(WrongPlace),
    /// An identifier in the request is not the token's.
    #[error("identifier is not the token's")]
    IdentifierMismatch,
}

impl ContractFault {
    /// The place that was wrong, if the fault has one, for `errors` of a problem document that goes to a known caller.
    #[must_use]
    pub const fn place(&self) -> Option<&WrongPlace> {
        match self {
            Self::Path(place) | Self::Query(place) | Self::Header(place) | Self::Body(place) => Some(place),
            Self::RefusedField
            | Self::NotFound
            | Self::MethodNotDeclared
            | Self::IdempotencyKey
            | Self::MediaTypeNotDeclared
            | Self::BodyNotDeclared
            | Self::BodyMissing
            | Self::BodyTooLarge
            | Self::BodyMalformed(_)
            | Self::IdentifierMismatch => None,
        }
    }
}

/// Why an answer does not fit the contract; for the record, never for the caller.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AnswerFault {
    /// The status is not declared.
    #[error("status is not declared")]
    StatusNotDeclared,
    /// The media type is not the declared one.
    #[error("media type is not declared")]
    MediaTypeNotDeclared,
    /// The body is encoded (`Content-Encoding`).
    #[error("body is encoded")]
    Encoded,
    /// There is a body where none is declared.
    #[error("body is not declared")]
    BodyNotDeclared,
    /// There is no body where one is declared.
    #[error("body is missing")]
    BodyMissing,
    /// The body is not strict JSON, or exceeds the limits of all JSON.
    #[error("body is not strict JSON: {0}")]
    BodyMalformed(json::Fault),
    /// The body does not fit its schema.
    #[error("body does not fit the contract")]
    Body(WrongPlace),
    /// A declared header is missing, stands twice, or does not fit its schema.
    #[error("header does not fit the contract")]
    Header(WrongPlace),
}

impl AnswerFault {
    /// The stable word for the record.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::StatusNotDeclared => "status-not-declared",
            Self::MediaTypeNotDeclared => "media-type-not-declared",
            Self::Encoded => "encoded",
            Self::BodyNotDeclared => "body-not-declared",
            Self::BodyMissing => "body-missing",
            Self::BodyMalformed(_) => "body-malformed",
            Self::Body(_) => "body-invalid",
            Self::Header(_) => "header-invalid",
        }
    }

    /// The place that was wrong, if the fault has one.
    #[must_use]
    pub const fn place(&self) -> Option<&WrongPlace> {
        match self {
            Self::Body(place) | Self::Header(place) => Some(place),
            Self::StatusNotDeclared
            | Self::MediaTypeNotDeclared
            | Self::Encoded
            | Self::BodyNotDeclared
            | Self::BodyMissing
            | Self::BodyMalformed(_) => None,
        }
    }
}
