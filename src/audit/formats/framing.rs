//! How records that are written out are told apart on their way.

use crate::audit::formats::Covered;
use crate::audit::formats::Entry;
use crate::audit::formats::Format;

/// How lines are told apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Framing {
    /// Each ends with a line feed.
    Lines,
    /// Each is a syslog message behind its length in bytes (RFC 5425 §4.3: `MSG-LEN SP SYSLOG-MSG`).
    Counted,
}

impl Framing {
    /// Appends a record.
    pub fn write(self, format: Format, entry: &Entry<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Lines => line(out, |out| format.write(entry, out)),
            Self::Counted => counted(out, |message| format.write_message(entry, message)),
        }
    }

    /// Appends the checkpoint that covers a batch.
    pub fn write_checkpoint(self, format: Format, covered: &Covered<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Lines => line(out, |out| format.write_checkpoint(covered, out)),
            Self::Counted => counted(out, |message| format.write_checkpoint_message(covered, message)),
        }
    }
}

fn line(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    write(out);
    out.push(b'\n');
}

fn counted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let mut message = Vec::with_capacity(1024);
    write(&mut message);
    out.extend_from_slice(message.len().to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(&message);
}
