//! The other end of the admin socket, for a command: gives one order and waits for its answer.
//!
//! It blocks, and is not for a gateway. It makes sure whom it speaks to, for a subject's name is personal data: the
//! listener must run under the caller's own uid, or under that of the one who owns the socket's folder, where nobody else
//! may write and therefore put a socket of their own.

use std::io;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::admin::answer::ANSWER_MAX_BYTES;
use crate::admin::answer::BUNDLE_ANSWER_MAX_BYTES;
use crate::admin::answer::SocketAnswer;
use crate::admin::line::LineFault;
use crate::admin::line::parse_act;
use crate::admin::line::write_act;
use crate::pipeline::Act;

/// For the answer to come: longer than a gateway takes to make a record durable, or to give up on it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskFault {
    /// No gateway would take this as an order; nothing was sent.
    #[error("{0}")]
    NotAnOrder(LineFault),
    /// No gateway was reached; nothing was ordered.
    #[error("no gateway was reached")]
    NotReached(#[source] io::Error),
    /// Somebody else listens there; nothing was ordered.
    #[error("the socket belongs to another user (uid {0}), who does not own its folder")]
    NotOurs(u32),
    /// The order went out, at least in part, and no answer of a gateway's came. It may be effective.
    #[error("no valid answer came; the order may be effective all the same")]
    Unanswered,
    /// What came is longer than any answer of a gateway's to this order.
    #[error("the answer is longer than any of a gateway's; the order may be effective all the same")]
    TooLong,
}

/// Gives an order to the gateway that listens at `socket`.
///
/// # Errors
/// [`AskFault`] says whether the order may be effective nevertheless. Giving it again does no harm.
pub fn ask(socket: &Path, act: &Act) -> Result<SocketAnswer, AskFault> {
    let own = rustix::process::geteuid().as_raw();
    ask_listener_of(&[Some(own), owner_of_folder(socket)], socket, act)
}

/// Who alone may put a socket into that folder, if there is such a one.
pub(super) fn owner_of_folder(socket: &Path) -> Option<u32> {
    let folder = socket.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = std::fs::metadata(folder).ok()?;
    (folder.mode() & 0o022 == 0).then_some(folder.uid())
}

/// As [`ask`], of a listener that runs under one of these uids.
pub(super) fn ask_listener_of(uids: &[Option<u32>], socket: &Path, act: &Act) -> Result<SocketAnswer, AskFault> {
    let request = write_act(act);
    parse_act(&request).map_err(AskFault::NotAnOrder)?;
    let mut stream = UnixStream::connect(socket).map_err(AskFault::NotReached)?;
    let peer = rustix::net::sockopt::socket_peercred(&stream).map_err(|error| AskFault::NotReached(error.into()))?;
    if !uids.contains(&Some(peer.uid.as_raw())) {
        return Err(AskFault::NotOurs(peer.uid.as_raw()));
    }
    let timeouts = stream.set_write_timeout(Some(ANSWER_TIMEOUT)).and(stream.set_read_timeout(Some(ANSWER_TIMEOUT)));
    timeouts.map_err(AskFault::NotReached)?;
    // A gateway that refuses closes before it reads; that it did is told by the answer, not by this.
    let _ = stream.write_all(&request);
    let mut line = Vec::with_capacity(256);
    let limit = if *act == Act::Bundle { BUNDLE_ANSWER_MAX_BYTES } else { ANSWER_MAX_BYTES };
    read_at_most(stream, limit, &mut line)?;
    SocketAnswer::parse(&line).ok_or(AskFault::Unanswered)
}

/// Reads to the end, which must come within so many bytes.
fn read_at_most(stream: impl Read, limit: usize, line: &mut Vec<u8>) -> Result<(), AskFault> {
    let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    stream.take(one_more).read_to_end(line).map_err(|_| AskFault::Unanswered)?;
    if line.len() > limit { Err(AskFault::TooLong) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_up_to_its_limit_and_one_byte_more_is_too_long() {
        let read =
            |length: usize| read_at_most(std::io::repeat(b' ').take(length.try_into().unwrap()), 64, &mut Vec::new());
        assert!(read(64).is_ok());
        assert!(matches!(read(65), Err(AskFault::TooLong)));
    }
}
