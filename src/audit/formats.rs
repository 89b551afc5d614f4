//! A record as a SIEM reads it: JSON lines, OCSF, CEF, RFC 5424. Nothing here reads a log, opens a socket or asks the time.
//!
//! **For whoever exports.** An [`Entry`] is a record and the place where it stands; [`Format::write`] appends it to a buffer
//! as exactly one line, without a line feed: how lines are framed is the destination's ([`Framing`]; [`Format::write_message`] is the
//! same for a destination that takes nothing but syslog messages, RFC 5425 for instance). At the end of each batch stands
//! [`Format::write_checkpoint`]: the signed checkpoint that covers all of it, so that every receiver is a witness.
//!
//! Whatever stands in a record, a line holds no control character and none that turns or hides text ([`hides`]): JSON has its
//! own escape for them, the others the one of [`escape`]. Nothing fails: a record that can be read can be written.
//!
//! `salt`, `sum` and the sealed `answer` serve proofs and repetitions only. They go out in JSON lines, which carry the record
//! as it stands, and in no other format. What a record means to others says one table ([`meaning`]).
//!
//! [`hides`]: crate::diagnostic::hides

mod cef;
mod entry;
mod escape;
mod framing;
mod jsonl;
mod meaning;
mod ocsf;
mod otlp;
mod syslog;

pub use entry::Covered;
pub use entry::Entry;
pub use framing::Framing;
pub use otlp::OtlpLogs;

/// The name of what writes the records, and of who makes it.
const PRODUCT: &str = "Portcullis";
/// Its version.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Members that no reader but our own needs.
const OURS: &[&str] = &["v", "kind", "time", "salt", "sum", "answer"];

/// The formats in which records leave the house.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// JSON lines: the record as it stands, and its place.
    Jsonl,
    /// The Open Cybersecurity Schema Framework, as JSON lines.
    Ocsf,
    /// ArcSight's Common Event Format.
    Cef,
    /// Syslog (RFC 5424).
    Syslog,
}

impl Format {
    /// All formats, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Jsonl, Self::Ocsf, Self::Cef, Self::Syslog];

    /// The word for it in commands and in the configuration.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Ocsf => "ocsf",
            Self::Cef => "cef",
            Self::Syslog => "syslog",
        }
    }

    /// The format of this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.word() == word)
    }

    /// Appends a record as one line, without a line feed.
    pub fn write(self, entry: &Entry<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Jsonl => jsonl::write(entry, out),
            Self::Ocsf => ocsf::write(entry, out),
            Self::Cef => cef::write(entry, out),
            Self::Syslog => syslog::write(entry, out),
        }
    }

    /// Appends the checkpoint that covers a batch as one line, without a line feed.
    pub fn write_checkpoint(self, covered: &Covered<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Jsonl => jsonl::write_checkpoint(covered, out),
            Self::Ocsf => ocsf::write_checkpoint(covered, out),
            Self::Cef => cef::write_checkpoint(covered, out),
            Self::Syslog => syslog::write_checkpoint(covered, out),
        }
    }

    /// Appends a record as one syslog message (RFC 5424), whose text is what [`Format::write`] writes where that is none itself.
    pub fn write_message(self, entry: &Entry<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Syslog => syslog::write(entry, out),
            Self::Jsonl | Self::Ocsf | Self::Cef => {
                let mut text = Vec::new();
                self.write(entry, &mut text);
                syslog::wrap(entry, &text, out);
            }
        }
    }

    /// Appends the checkpoint that covers a batch as one syslog message.
    pub fn write_checkpoint_message(self, covered: &Covered<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Syslog => syslog::write_checkpoint(covered, out),
            Self::Jsonl | Self::Ocsf | Self::Cef => {
                let mut text = Vec::new();
                self.write_checkpoint(covered, &mut text);
                syslog::wrap_checkpoint(covered, &text, out);
            }
        }
    }
}

#[cfg(test)]
mod tests;
