//! The values that labels may take, each as a closed list. A label never comes from a request, so that no stranger can
//! make series without end.

use crate::model::Side;

/// Declares a list of label values once: variant and word.
macro_rules! labels {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum $name {
            $($(#[$value_doc])* $variant,)+
        }

        impl $name {
            /// All of them, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word in metrics, records and logs.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}

labels! {
    /// A listener.
    Door {
        /// Where the backend calls.
        Backend = "backend",
        /// Where partners call.
        Partner = "partner",
    }
}

impl From<Side> for Door {
    fn from(side: Side) -> Self {
        match side {
            Side::Backend => Self::Backend,
            Side::Partner => Self::Partner,
        }
    }
}

labels! {
    /// A step of an exchange, for durations.
    Step {
        /// Router, path, query and headers against the contract.
        Declare = "declare",
        /// Peer and token.
        Identify = "identify",
        /// Revocation and age.
        Admit = "admit",
        /// Waiting for the body's bytes.
        Body = "body",
        /// Parsing, checking and rebuilding the body.
        Rebuild = "rebuild",
        /// The idempotency key.
        Bind = "bind",
        /// Cedar's decision.
        Decide = "decide",
        /// Protecting each field.
        Protect = "protect",
        /// The partner's token, where tokens are fetched.
        Token = "token",
        /// Making the intent durable.
        Intent = "intent",
        /// A connection to the partner.
        Connect = "connect",
        /// The partner's whole answer, from the first byte sent.
        Partner = "partner",
        /// Checking, restoring and filtering the answer.
        Answer = "answer",
        /// Making the outcome or the refusal durable.
        Outcome = "outcome",
        /// Everything, from the head to the answer.
        Total = "total",
    }
}

labels! {
    /// Why a connection was closed before anything was read from it.
    ConnectionRefusal {
        /// The listener holds as many as it may.
        TooMany = "too-many",
        /// This peer address holds as many as it may.
        TooManyOfPeer = "too-many-of-peer",
        /// The machine has no descriptor or memory for it.
        Resources = "resources",
    }
}

labels! {
    /// Why a TLS handshake failed.
    HandshakeFailure {
        /// It took longer than `handshake_timeout_ms`.
        Timeout = "timeout",
        /// The peer closed or reset the connection.
        Closed = "closed",
        /// What came is not TLS.
        NotTls = "not-tls",
        /// No protocol version in common.
        Version = "version",
        /// No cipher suite, group or signature scheme in common.
        Parameters = "parameters",
        /// No application protocol in common.
        Protocol = "protocol",
        /// No client certificate.
        CertificateMissing = "certificate-missing",
        /// A client certificate that no authority of ours signed, or that is broken.
        CertificateUntrusted = "certificate-untrusted",
        /// A client certificate out of its validity.
        CertificateExpired = "certificate-expired",
        /// A client certificate that a revocation list names.
        CertificateRevoked = "certificate-revoked",
        /// A client certificate for which no revocation list speaks, or only one that has run out.
        RevocationUnknown = "revocation-unknown",
        /// A certificate that is not for clients, or names nobody.
        CertificatePurpose = "certificate-purpose",
        /// The peer refused ours by an alert.
        PeerAlert = "peer-alert",
        /// Anything else.
        Other = "other",
    }
}

labels! {
    /// Why a connection of HTTP/2 ended before its time, or a stream was not taken.
    Http2Fault {
        /// The preface did not come whole and in time (RFC 9113 §3.4).
        Preface = "preface",
        /// The peer broke the connection off.
        BrokenOff = "broken-off",
        /// The peer ended it for a fault that it saw in us.
        PeerError = "peer-error",
        /// Frames or pseudo-fields that break the rules (PROTOCOL_ERROR).
        Protocol = "protocol",
        /// More data than the window allowed (FLOW_CONTROL_ERROR).
        FlowControl = "flow-control",
        /// A frame of a wrong size (FRAME_SIZE_ERROR).
        FrameSize = "frame-size",
        /// A head in pieces that is too long to be read (COMPRESSION_ERROR).
        Compression = "compression",
        /// Resets, empty frames, continuations or fields without measure (ENHANCE_YOUR_CALM).
        EnhanceYourCalm = "enhance-your-calm",
        /// Malformed heads without measure; each was answered.
        MalformedHeads = "malformed-heads",
        /// A stream beyond `h2_streams_max` exchanges under way; the connection lives on.
        StreamRefused = "stream-refused",
        /// Anything else.
        Other = "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_values_of_a_label_share_a_word() {
        let distinct = |words: Vec<&str>| words.iter().collect::<HashSet<_>>().len() == words.len();
        assert!(distinct(Door::ALL.iter().map(|value| value.word()).collect()));
        assert!(distinct(Step::ALL.iter().map(|value| value.word()).collect()));
        assert!(distinct(ConnectionRefusal::ALL.iter().map(|value| value.word()).collect()));
        assert!(distinct(Http2Fault::ALL.iter().map(|value| value.word()).collect()));
        assert!(distinct(HandshakeFailure::ALL.iter().map(|value| value.word()).collect()));
    }
}
