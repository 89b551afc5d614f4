//! The bad peers, by name. Each is wrong in the one way that its name says, and in nothing else.
//!
//! What an answer *says* wrongly is in `contents.rs`, what is wrong with its *framing* in `framing.rs`; those are pure
//! functions from the right answer to the wrong bytes. What is wrong in *time* (hanging, closing, resetting) is done by
//! the connection, see `connection.rs`.

mod contents;
mod framing;

use crate::devkit::partner::answer::Done;
use std::time::Duration;

/// How the partner misbehaves. Only what a well-behaved partner would have answered with 200 is answered wrongly; what it
/// refuses it refuses as ever. Unless said otherwise the door *moves*: the partner did what it was asked for, and what
/// fails comes after.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Misbehaviour {
    /// Answers with everything it knows of the person: members that the contract does not declare.
    FullProfile,
    /// Answers with the right body under `text/html`.
    WrongMediaType,
    /// Answers with the right body under 202, which the contract does not declare.
    UndeclaredStatus,
    /// Answers 307 with a `Location` elsewhere. The door does *not* move.
    Redirect,
    /// Answers as declared, and adds `Set-Cookie`, `Location` and `Server`. The answer is good without them.
    SetCookie,
    /// Answers as declared, but for another person: `userId` is a pseudonym that the gateway never made.
    ForeignPseudonym,
    /// Answers as declared, but with so many bytes of white space behind the JSON text, counted in its length.
    Oversized {
        /// White space, in bytes.
        bytes: usize,
    },
    /// Sends a second answer right behind the first, in the same write.
    SecondAnswer,
    /// Sends so many interim answers (103) before the right one.
    InterimFlood {
        /// How many.
        count: usize,
    },
    /// Answers 101 and switches to a protocol that nobody asked for.
    SwitchingProtocols,
    /// Sends the right body in chunks, and fields after it (RFC 9110 §6.5).
    Trailers,
    /// Sends the right body in chunks, the second of which has a size that is no number.
    ChunkedGarbage,
    /// Sends the right answer with one text of it replaced: for tables of what is wrong in one place.
    Altered {
        /// What stands in the right answer.
        from: &'static str,
        /// What stands there instead, each character the byte of its number.
        to: &'static str,
    },
    /// The same with the right body in chunks: ten bytes, and then the rest.
    AlteredChunks {
        /// What stands in the right answer.
        from: &'static str,
        /// What stands there instead, each character the byte of its number.
        to: &'static str,
    },
    /// Sends the right answer byte by byte, one in each `every`.
    SlowDrip {
        /// The pause before each byte.
        every: Duration,
    },
    /// Takes the command, moves the door, and answers only when released; until then it is silent.
    HangBeforeAnswer,
    /// Takes the connection, and looks at the `ClientHello` only when released. Until then no door moves: it sees no command.
    HangInHandshake,
    /// Moves the door and closes the connection in order, without an answer.
    CloseWithoutAnswer,
    /// Answers as declared and closes the connection behind it, without having said `Connection: close`.
    ClosesIdle,
    /// Resets the connection (TCP RST) when so many bytes of an exchange are over: those of the request as it reads them,
    /// then those of the answer as it writes them. The door moves if the request is whole by then, so at the request's
    /// length it moves and no byte of the answer leaves. At 0 a connection is reset as soon as it stands idle.
    ResetAt {
        /// Bytes of the exchange, above TLS.
        byte: usize,
    },
}

impl Misbehaviour {
    /// One of each, for tests that must meet them all.
    pub const ALL: [Self; 20] = [
        Self::FullProfile,
        Self::WrongMediaType,
        Self::UndeclaredStatus,
        Self::Redirect,
        Self::SetCookie,
        Self::ForeignPseudonym,
        Self::Oversized { bytes: 2 * 1024 * 1024 },
        Self::SecondAnswer,
        Self::InterimFlood { count: 1_000 },
        Self::SwitchingProtocols,
        Self::Trailers,
        Self::ChunkedGarbage,
        Self::Altered { from: "HTTP/1.1", to: "HTTP/1.0" },
        Self::AlteredChunks { from: "\r\n0\r\n", to: "\r\n0;x\r\n" },
        Self::SlowDrip { every: Duration::from_millis(20) },
        Self::HangBeforeAnswer,
        Self::HangInHandshake,
        Self::CloseWithoutAnswer,
        Self::ClosesIdle,
        Self::ResetAt { byte: 0 },
    ];

    /// Whether it moves the door for a good command that it has read whole.
    #[must_use]
    pub const fn moves_door(self) -> bool {
        !matches!(self, Self::Redirect)
    }

    /// The bytes that it sends where a well-behaved partner would send `right`.
    pub(super) fn answer(self, right: &Done) -> Vec<u8> {
        match self {
            Self::FullProfile => contents::full_profile(right),
            Self::WrongMediaType => contents::wrong_media_type(right),
            Self::UndeclaredStatus => contents::undeclared_status(right),
            Self::Redirect => contents::redirect(),
            Self::SetCookie => contents::set_cookie(right),
            Self::ForeignPseudonym => contents::foreign_pseudonym(right),
            Self::Oversized { bytes } => contents::oversized(right, bytes),
            Self::SecondAnswer => framing::second_answer(right),
            Self::InterimFlood { count } => framing::interim_flood(right, count),
            Self::SwitchingProtocols => framing::switching_protocols(right),
            Self::Trailers => framing::trailers(right),
            Self::ChunkedGarbage => framing::chunked_garbage(right),
            Self::Altered { from, to } => framing::altered(&right.answer().bytes(), from, to),
            Self::AlteredChunks { from, to } => framing::altered(&framing::in_chunks(right), from, to),
            Self::CloseWithoutAnswer => Vec::new(),
            Self::SlowDrip { .. }
            | Self::HangBeforeAnswer
            | Self::HangInHandshake
            | Self::ClosesIdle
            | Self::ResetAt { .. } => right.answer().bytes(),
        }
    }
}
