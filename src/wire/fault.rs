//! Why an exchange outward failed, and whether bytes may have left. Holds nothing that came from outside.

/// Why there is no connection. Nothing was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConnectFault {
    /// The name does not resolve.
    #[error("the name does not resolve")]
    Resolve,
    /// The other side refused or reset the connection, or the network did.
    #[error("the connection was refused")]
    Refused,
    /// It took longer than the deadline, handshake included.
    #[error("connecting took too long")]
    Timeout,
    /// The TLS handshake failed: certificate, name, version, or our certificate was refused.
    #[error("the TLS handshake failed")]
    Handshake,
    /// A revocation list names the server's certificate, or one of its authorities.
    #[error("the certificate is revoked")]
    Revoked,
    /// No list in force says that the certificate is not revoked.
    #[error("no revocation list speaks for the certificate")]
    Unlisted,
    /// Our own certificate is not valid yet, or no longer: nobody was asked.
    #[error("our own certificate is not in force")]
    OwnCertificate,
    /// A revocation list about the other side has run out: nobody was asked.
    #[error("a revocation list has run out")]
    List,
    /// The server's certificate is not meant for servers.
    #[error("the certificate is not for servers")]
    Purpose,
}

/// Why an exchange has no valid answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{kind}")]
pub struct ExchangeFault {
    /// What went wrong.
    pub kind: ExchangeFaultKind,
    /// Whether a byte of the request may have left. `false` only if certainly none has.
    pub may_have_left: bool,
}

/// What went wrong in an exchange.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ExchangeFaultKind {
    /// The request cannot be written as HTTP.
    #[error("the request cannot be written")]
    Unwritable,
    /// Sending broke off.
    #[error("sending broke off")]
    Send,
    /// It took longer than the deadline.
    #[error("no whole answer came in time")]
    Timeout,
    /// The connection ended before the answer did.
    #[error("the answer broke off")]
    BrokenOff,
    /// The status line is malformed.
    #[error("the status line is malformed")]
    StatusLine,
    /// A field line is malformed, folded, or there are too many.
    #[error("a field line is malformed")]
    FieldLine,
    /// The answer's length is ambiguous, missing, or its coding is not `chunked` alone.
    #[error("the framing is ambiguous")]
    Framing,
    /// Larger than the limit.
    #[error("the answer is too large")]
    TooLarge,
    /// Too many interim answers, or one that switches protocols.
    #[error("the interim answers are too many or not allowed")]
    Interim,
    /// Something came behind the answer.
    #[error("something came behind the answer")]
    Excess,
}

impl ExchangeFault {
    /// A fault after which it is not known what the other side has.
    #[must_use]
    pub const fn after_sending(kind: ExchangeFaultKind) -> Self {
        Self { kind, may_have_left: true }
    }

    /// A fault before the first byte.
    #[must_use]
    pub const fn before_sending(kind: ExchangeFaultKind) -> Self {
        Self { kind, may_have_left: false }
    }
}

impl ExchangeFaultKind {
    /// The stable word for the record.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unwritable => "unwritable",
            Self::Send => "sending-broke-off",
            Self::Timeout => "timeout",
            Self::BrokenOff => "answer-broke-off",
            Self::StatusLine => "status-line",
            Self::FieldLine => "field-line",
            Self::Framing => "framing",
            Self::TooLarge => "answer-too-large",
            Self::Interim => "interim",
            Self::Excess => "excess",
        }
    }
}

impl ConnectFault {
    /// The stable word for the record.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Refused => "refused",
            Self::Timeout => "connect-timeout",
            Self::Handshake => "handshake",
            Self::Purpose => "certificate-purpose",
            Self::Revoked => "certificate-revoked",
            Self::Unlisted => "revocation-unknown",
            Self::OwnCertificate => "own-certificate-expired",
            Self::List => "crl-expired",
        }
    }
}
