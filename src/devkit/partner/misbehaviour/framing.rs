//! Answers that say the right thing in bytes that are not exactly one whole answer (RFC 9112).

use crate::devkit::partner::answer::Answer;
use crate::devkit::partner::answer::Done;

/// The right answer, and a refusal behind it that belongs to no request: who reads on gives it to the next caller.
pub(super) fn second_answer(right: &Done) -> Vec<u8> {
    let mut bytes = right.answer().bytes();
    bytes.extend_from_slice(&Answer::refusal(409, "status", "blocked").bytes());
    bytes
}

/// Interim answers (RFC 9110 §15.2) without end in sight, then the right one.
pub(super) fn interim_flood(right: &Done, count: usize) -> Vec<u8> {
    let mut bytes = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n".repeat(count);
    bytes.extend_from_slice(&right.answer().bytes());
    bytes
}

/// Another protocol from here on (RFC 9110 §15.2.2); the right answer follows as if it were spoken in it.
pub(super) fn switching_protocols(right: &Done) -> Vec<u8> {
    let mut bytes = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n".to_vec();
    bytes.extend_from_slice(&right.answer().bytes());
    bytes
}

/// The right body in one chunk, and fields behind it (RFC 9112 §7.1.2).
pub(super) fn trailers(right: &Done) -> Vec<u8> {
    let mut bytes = chunked_head();
    bytes.extend_from_slice(&chunk(right.answer().body()));
    bytes.extend_from_slice(b"0\r\nSet-Cookie: canary-trailer=1\r\nX-Profile: canary-trailer\r\n\r\n");
    bytes
}

/// Half of the right body in a chunk, and the other half in one whose size is no number.
pub(super) fn chunked_garbage(right: &Done) -> Vec<u8> {
    let answer = right.answer();
    let (first, second) = answer.body().split_at(answer.body().len() / 2);
    let mut bytes = chunked_head();
    bytes.extend_from_slice(&chunk(first));
    bytes.extend_from_slice(b"0x1G\r\n");
    bytes.extend_from_slice(second);
    bytes.extend_from_slice(b"\r\n0\r\n\r\n");
    bytes
}

/// The right body in two chunks.
pub(super) fn in_chunks(right: &Done) -> Vec<u8> {
    let answer = right.answer();
    let (first, second) = answer.body().split_at(answer.body().len().min(10));
    [chunked_head(), chunk(first), chunk(second), b"0\r\n\r\n".to_vec()].concat()
}

/// `message` with the first `from` in it replaced by the bytes of `to`.
pub(super) fn altered(message: &[u8], from: &str, to: &str) -> Vec<u8> {
    let to: Vec<u8> = to.chars().filter_map(|character| u8::try_from(u32::from(character)).ok()).collect();
    match message.windows(from.len().max(1)).position(|window| window == from.as_bytes()) {
        Some(at) => {
            let (before, rest) = message.split_at(at);
            [before, &to, rest.get(from.len()..).unwrap_or_default()].concat()
        }
        None => message.to_vec(),
    }
}

fn chunked_head() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec()
}

fn chunk(data: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{:X}\r\n", data.len()).into_bytes();
    bytes.extend_from_slice(data);
    bytes.extend_from_slice(b"\r\n");
    bytes
}
