//! Problem documents (RFC 9457): what a caller is told, from a closed list, in neutral words.
//!
//! A document holds a type from this list, a title, the status, the receipt as `instance`, and for a known caller the
//! places that were wrong; never a value, policy text or detail of the other side.

mod challenge;
mod step_up;

use crate::json;
use crate::model::Receipt;
use crate::model::Reply;
use bytes::Bytes;
use http::HeaderName;
use http::HeaderValue;
use http::StatusCode;
use http::header;

pub use challenge::Challenge;
pub use challenge::ChallengeError;
pub use challenge::Scheme;
pub use step_up::StepUp;

/// Declares the types once: variant, slug, status, title.
macro_rules! problem_types {
    ($($(#[$doc:meta])* $variant:ident = $slug:literal, $status:ident, $title:literal;)+) => {
        /// The kinds of problem that a caller can be told.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum ProblemType {
            $($(#[$doc])* $variant,)+
        }

        impl ProblemType {
            /// All types, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The last part of the type's URI.
            #[must_use]
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$variant => $slug,)+ }
            }

            /// The status that goes with it.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }

            /// The title, the same for every occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }
        }
    };
}

problem_types! {
    /// The request is not well-formed HTTP or holds what is never accepted.
    BadRequest = "bad-request", BAD_REQUEST, "The request is malformed";
    /// The request does not fit the contract.
    InvalidRequest = "invalid-request", BAD_REQUEST, "The request does not fit the contract";
    /// The caller is not authenticated.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "A valid token is required";
    /// The caller is known and may not do this.
    Forbidden = "forbidden", FORBIDDEN, "This is not permitted";
    /// There is nothing here, or nothing for this caller.
    NotFound = "not-found", NOT_FOUND, "Not found";
    /// The path exists, the method does not.
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "The method is not declared";
    /// The first request with this idempotency key is still running.
    InProgress = "in-progress", CONFLICT, "A request with this idempotency key is still running";
    /// The directory in force does not admit this update of it.
    DirectoryConflict = "directory-conflict", CONFLICT, "The directory in force is another than this update presumes";
    /// The body is too large.
    TooLarge = "too-large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// The media type or encoding is not declared.
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The media type is not declared";
    /// The request went to an authority that is not served here.
    Misdirected = "misdirected", MISDIRECTED_REQUEST, "This authority is not served here";
    /// The idempotency key was used with another body.
    KeyReused = "idempotency-key-reused", UNPROCESSABLE_ENTITY, "The idempotency key was used with another request";
    /// The body did not come in time.
    RequestTimeout = "request-timeout", REQUEST_TIMEOUT, "The request did not come in time";
    /// The command is too old, or dated in the future.
    CommandNotTimely = "command-not-timely", FORBIDDEN, "The command is not timely";
    /// A partner's event is not signed by it, or not now.
    EventRefused = "event-refused", FORBIDDEN, "The event is not signed as it must be, or not timely";
    /// The id of an event was used with another one.
    EventIdReused = "event-id-reused", UNPROCESSABLE_ENTITY, "The event's id was used with another event";
    /// The caller asks faster than it may; nothing was sent to the partner.
    TooManyRequests = "too-many-requests", TOO_MANY_REQUESTS, "Too many requests, nothing was sent";
    /// The gateway cannot take the request now; nothing was sent to the partner.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "Temporarily unavailable, nothing was sent";
    /// A revocation is in force, but it is not both stored and on record.
    NotLasting = "not-lasting", SERVICE_UNAVAILABLE, "In force on this node, but it may not outlive the process";
    /// A revocation was not taken and is not in force.
    NotRevoked = "not-revoked", SERVICE_UNAVAILABLE, "The revocation was not taken and is not in force";
    /// The partner gave no acceptable answer.
    BadPartnerAnswer = "bad-partner-answer", BAD_GATEWAY, "The partner gave no acceptable answer";
    /// The partner could not be reached; nothing was done.
    PartnerUnreachable = "partner-unreachable", BAD_GATEWAY, "The partner could not be reached, nothing was done";
    /// The backend gave no acceptable answer.
    BadBackendAnswer = "bad-backend-answer", BAD_GATEWAY, "The backend gave no acceptable answer";
    /// The backend could not be reached; nothing was done.
    BackendUnreachable = "backend-unreachable", BAD_GATEWAY, "The backend could not be reached, nothing was done";
    /// It is not known whether the command was done.
    OutcomeUnknown = "outcome-unknown", GATEWAY_TIMEOUT, "It is not known whether the command was done";
}

/// A place in a request that was wrong: a JSON pointer (RFC 6901) into the body, or the name of a parameter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrongPlace {
    /// Where: `body`, `path`, `query` or `header`.
    pub part: &'static str,
    /// A JSON pointer made of declared names and indices, or a declared parameter's name.
    pub pointer: String,
    /// What was expected there, from a closed list of words.
    pub expected: &'static str,
}

/// What a caller is told.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The type.
    pub kind: ProblemType,
    /// What was wrong where; shown to a known caller only.
    pub errors: Vec<WrongPlace>,
    /// In how many whole seconds it is worth asking again (RFC 9110 §10.2.3), where that is known.
    pub retry_after_s: Option<u64>,
    /// What a token endpoint says instead of the document.
    pub oauth: Option<OAuthError>,
    /// Of [`ProblemType::Unauthenticated`] alone: what is asked for.
    pub challenge: Challenge,
    /// Of [`ProblemType::Unauthenticated`] alone: how the user must be authenticated, where the token is good but for that.
    pub step_up: Option<Box<StepUp>>,
}

/// What a token endpoint says (RFC 6749 §5.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OAuthError {
    /// The form is none that it takes.
    InvalidRequest,
    /// The client is not known, or has not proved itself.
    InvalidClient,
    /// What was presented for a token is not good for one.
    InvalidGrant,
    /// This client may not ask in this way.
    UnauthorizedClient,
    /// There is no such grant here.
    UnsupportedGrantType,
    /// The scope is none that may be asked for.
    InvalidScope,
    /// Tokens for this target are not given here (RFC 8693 §2.2.2).
    InvalidTarget,
    /// The rights that are asked for are none, unknown or malformed (RFC 9396 §5).
    InvalidAuthorizationDetails,
    /// Nothing of what is asked for may be had.
    AccessDenied,
    /// The proof of possession is not good (RFC 9449 §5).
    InvalidDpopProof,
    /// The proof of possession needs the nonce that comes along (RFC 9449 §8).
    UseDpopNonce,
}

impl OAuthError {
    /// The word, and the status that goes with it.
    const fn told(self) -> (&'static str, StatusCode) {
        match self {
            Self::InvalidRequest => ("invalid_request", StatusCode::BAD_REQUEST),
            Self::InvalidClient => ("invalid_client", StatusCode::UNAUTHORIZED),
            Self::InvalidGrant => ("invalid_grant", StatusCode::BAD_REQUEST),
            Self::UnauthorizedClient => ("unauthorized_client", StatusCode::BAD_REQUEST),
            Self::UnsupportedGrantType => ("unsupported_grant_type", StatusCode::BAD_REQUEST),
            Self::InvalidScope => ("invalid_scope", StatusCode::BAD_REQUEST),
            Self::InvalidTarget => ("invalid_target", StatusCode::BAD_REQUEST),
            Self::InvalidAuthorizationDetails => ("invalid_authorization_details", StatusCode::BAD_REQUEST),
            Self::AccessDenied => ("access_denied", StatusCode::BAD_REQUEST),
            Self::InvalidDpopProof => ("invalid_dpop_proof", StatusCode::BAD_REQUEST),
            Self::UseDpopNonce => ("use_dpop_nonce", StatusCode::BAD_REQUEST),
        }
    }

    /// One member and no more: which check failed is for the record alone.
    fn reply(self) -> Reply {
        let (word, status) = self.told();
        let fields = vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        Reply { status, fields, body: Bytes::from(format!(r#"{{"error":"{word}"}}"#)) }
    }
}

impl From<ProblemType> for Problem {
    fn from(kind: ProblemType) -> Self {
        let challenge = Challenge::default();
        Self { kind, errors: Vec::new(), retry_after_s: None, oauth: None, challenge, step_up: None }
    }
}

impl Problem {
    /// The document as an answer, with the receipt as `instance`.
    #[must_use]
    pub fn reply(&self, receipt: Receipt) -> Reply {
        if let Some(error) = self.oauth {
            return error.reply();
        }
        let mut body = Vec::with_capacity(256);
        body.extend_from_slice(b"{\"type\":\"/problems/");
        body.extend_from_slice(self.kind.slug().as_bytes());
        body.extend_from_slice(b"\",\"title\":");
        json::write_string(self.kind.title(), &mut body);
        body.extend_from_slice(format!(",\"status\":{}", self.kind.status().as_u16()).as_bytes());
        body.extend_from_slice(format!(",\"instance\":\"urn:portcullis:receipt:{receipt}\"").as_bytes());
        self.write_errors(&mut body);
        body.push(b'}');
        let mut fields: Vec<(HeaderName, HeaderValue)> =
            vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))];
        if self.kind == ProblemType::Unauthenticated {
            // A good token is not challenged for anything but what it lacks.
            match self.step_up.as_ref().and_then(|step_up| step_up.value()) {
                Some(demanded) => fields.push((header::WWW_AUTHENTICATE, demanded)),
                None => fields.extend(self.challenge.values().map(|value| (header::WWW_AUTHENTICATE, value))),
            }
        }
        if let Some(seconds) = self.retry_after_s {
            fields.push((header::RETRY_AFTER, HeaderValue::from(seconds)));
        }
        Reply { status: self.kind.status(), fields, body: Bytes::from(body) }
    }

    fn write_errors(&self, body: &mut Vec<u8>) {
        if self.errors.is_empty() {
            return;
        }
        body.extend_from_slice(b",\"errors\":[");
        for (index, wrong) in self.errors.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            body.extend_from_slice(b"{\"in\":");
            json::write_string(wrong.part, body);
            body.extend_from_slice(b",\"pointer\":");
            json::write_string(&wrong.pointer, body);
            body.extend_from_slice(b",\"expected\":");
            json::write_string(wrong.expected, body);
            body.push(b'}');
        }
        body.push(b']');
    }
}
