//! What a well-behaved partner refuses, with the status and the one word of its answer.

use crate::devkit::partner::answer::Answer;
use crate::devkit::partner::platform::Platform;

/// Why a command moves no door.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// The certificate is of the right authority and names somebody else.
    NotTheGateway,
    /// The message is no request of RFC 9112, or is framed in another way than by a length.
    Malformed,
    /// No operation has that path.
    NoSuchPath,
    /// The path's operation has another method.
    Method,
    /// The query has what the contract does not declare.
    Query,
    /// There is not exactly one bearer token.
    NoToken,
    /// The token cannot be taken apart, or lacks a claim, or has one of another type.
    TokenMalformed,
    /// `typ` is not `partner-token+jwt`.
    TokenType,
    /// No key of the issuer's has that id and algorithm.
    TokenKey,
    /// The signature does not fit.
    TokenSignature,
    /// `iss` is somebody else.
    TokenIssuer,
    /// `aud` is somebody else.
    TokenAudience,
    /// `nbf` lies ahead.
    TokenNotYet,
    /// `exp` is reached.
    TokenExpired,
    /// The token is bound to another certificate, or in a way that is none.
    TokenBinding,
    /// There is not exactly one right, to do this one thing.
    Right,
    /// The right is for another door, barrier or house than the path's.
    OtherDoor,
    /// `jti` has been seen.
    TokenUsed,
    /// A field of the signature, or one that it must cover, is missing or stands twice.
    SignatureMissing,
    /// The signature's fields are not those of one signature, or lack a parameter.
    SignatureMalformed,
    /// The signature leaves out what it must cover, or covers what is not there.
    SignatureCovered,
    /// The signature was made for something else.
    SignatureTag,
    /// No key of the gateway's has that id and algorithm.
    SignatureKey,
    /// The signature is of the future.
    SignatureNotYet,
    /// The signature is not good any more.
    SignatureExpired,
    /// The signature does not fit.
    Signature,
    /// The signature's nonce has been seen.
    SignatureUsed,
    /// The content is not the one whose digest was signed.
    Digest,
    /// The receipt is not the one that the token names.
    OtherReceipt,
    /// The body is of another media type.
    MediaType,
    /// The body is not the JSON that the contract declares.
    Body,
    /// The body names somebody else than the token.
    OtherUser,
    /// The house has no such door.
    NoSuchDoor,
    /// The door is blocked.
    Blocked,
    /// There is no such grant, or no longer.
    NoSuchGrant,
}

impl Refusal {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::NotTheGateway => "not-the-gateway",
            Self::Malformed => "malformed",
            Self::NoSuchPath => "no-such-path",
            Self::Method => "method",
            Self::Query => "query",
            Self::NoToken => "no-token",
            Self::TokenMalformed => "token-malformed",
            Self::TokenType => "token-type",
            Self::TokenKey => "token-key",
            Self::TokenSignature => "token-signature",
            Self::TokenIssuer => "token-issuer",
            Self::TokenAudience => "token-audience",
            Self::TokenNotYet => "token-not-yet",
            Self::TokenExpired => "token-expired",
            Self::TokenBinding => "token-binding",
            Self::Right => "right",
            Self::OtherDoor => "other-door",
            Self::TokenUsed => "token-used",
            Self::SignatureMissing => "signature-missing",
            Self::SignatureMalformed => "signature-malformed",
            Self::SignatureCovered => "signature-covered",
            Self::SignatureTag => "signature-tag",
            Self::SignatureKey => "signature-key",
            Self::SignatureNotYet => "signature-not-yet",
            Self::SignatureExpired => "signature-expired",
            Self::Signature => "signature",
            Self::SignatureUsed => "signature-used",
            Self::Digest => "content-digest",
            Self::OtherReceipt => "other-receipt",
            Self::MediaType => "media-type",
            Self::Body => "body",
            Self::OtherUser => "other-user",
            Self::NoSuchDoor => "no-such-door",
            Self::Blocked => "blocked",
            Self::NoSuchGrant => "unknown",
        }
    }

    const fn status(self) -> u16 {
        match self {
            Self::Malformed | Self::Query | Self::MediaType | Self::Body => 400,
            Self::NoToken
            | Self::TokenMalformed
            | Self::TokenType
            | Self::TokenKey
            | Self::TokenSignature
            | Self::TokenIssuer
            | Self::TokenAudience
            | Self::TokenNotYet
            | Self::TokenExpired
            | Self::TokenBinding
            | Self::TokenUsed
            | Self::SignatureMissing
            | Self::SignatureMalformed
            | Self::SignatureCovered
            | Self::SignatureTag
            | Self::SignatureKey
            | Self::SignatureNotYet
            | Self::SignatureExpired
            | Self::Signature
            | Self::SignatureUsed
            | Self::Digest
            | Self::OtherReceipt => 401,
            Self::NotTheGateway | Self::Right | Self::OtherDoor | Self::OtherUser => 403,
            Self::NoSuchPath | Self::NoSuchDoor | Self::NoSuchGrant => 404,
            Self::Method => 405,
            Self::Blocked => 409,
        }
    }

    /// The answer. What the contract declares is said in its words, all else in our own.
    pub(super) fn answer(self, platform: Platform) -> Answer {
        match self {
            Self::Blocked | Self::NoSuchGrant => Answer::refusal(self.status(), platform.result_member(), self.word()),
            _ => Answer::refusal(self.status(), "error", self.word()),
        }
    }
}
