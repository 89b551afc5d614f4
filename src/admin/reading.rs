//! Reads one message that ends in a mark, from a peer of whom nothing is assumed: bounded, and nothing after it.

use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;

/// Why there is no message.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum ReadFault {
    /// The peer stopped before the mark, or the connection broke.
    #[error("message broke off")]
    BrokeOff,
    /// No mark within the limit.
    #[error("message is too long")]
    TooLong,
    /// Bytes after the mark; the peer sends one message for each connection.
    #[error("something follows the message")]
    SomethingFollows,
}

/// Reads up to and including `mark`, at most `max_bytes`, mark included. The deadline is the caller's.
///
/// Bytes after the mark are noticed if they come with it; those that come later are never looked at.
pub(super) async fn read_message(
    from: &mut (impl AsyncRead + Unpin),
    mark: &[u8],
    max_bytes: usize,
) -> Result<Vec<u8>, ReadFault> {
    // One byte more than allowed, so that what is too long is seen to be.
    let mut limited = from.take(u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1));
    let mut message = Vec::with_capacity(512);
    loop {
        if limited.read_buf(&mut message).await.map_err(|_| ReadFault::BrokeOff)? == 0 {
            return Err(if message.len() > max_bytes { ReadFault::TooLong } else { ReadFault::BrokeOff });
        }
        if let Some(at) = message.windows(mark.len()).position(|window| window == mark) {
            return match message.len().cmp(&(at + mark.len())) {
                _ if at + mark.len() > max_bytes => Err(ReadFault::TooLong),
                std::cmp::Ordering::Greater => Err(ReadFault::SomethingFollows),
                _ => Ok(message),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(sent: &[u8], max_bytes: usize) -> Result<Vec<u8>, ReadFault> {
        read_message(&mut &*sent, b"\r\n\r\n", max_bytes).await
    }

    #[tokio::test]
    async fn a_message_is_read_at_its_limit_and_refused_one_byte_past_it() {
        assert_eq!(read(b"abcd\r\n\r\n", 8).await.unwrap(), b"abcd\r\n\r\n");
        assert_eq!(read(b"abcde\r\n\r\n", 8).await, Err(ReadFault::TooLong));
        assert_eq!(read(&[b'a'; 9], 8).await, Err(ReadFault::TooLong));
        assert_eq!(read(&[b'a'; 8], 8).await, Err(ReadFault::BrokeOff), "as far as one can tell");
    }

    #[tokio::test]
    async fn a_message_that_breaks_off_or_goes_on_is_refused() {
        assert_eq!(read(b"", 8).await, Err(ReadFault::BrokeOff));
        assert_eq!(read(b"ab\r\n\r", 8).await, Err(ReadFault::BrokeOff));
        assert_eq!(read(b"a\r\n\r\nb", 8).await, Err(ReadFault::SomethingFollows));
    }

    #[tokio::test]
    async fn a_mark_that_comes_in_pieces_is_found() {
        let (mut near, mut far) = tokio::io::duplex(1);
        let send = async move { tokio::io::AsyncWriteExt::write_all(&mut near, b"ab\r\n\r\n").await };
        let (sent, read) = tokio::join!(send, read_message(&mut far, b"\r\n\r\n", 100));
        sent.unwrap();
        assert_eq!(read.unwrap(), b"ab\r\n\r\n");
    }
}
