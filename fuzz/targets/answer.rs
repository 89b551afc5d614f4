//! A partner's answers: one framing, the whole body and not a byte more, however the bytes come.

use super::chunks::Decoded;
use super::chunks::decode;
use http::Method;
use portcullis::wire::ExchangeFaultKind;
use portcullis::wire::Exchanged;
use portcullis::wire::read_answer;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use tokio::io::AsyncRead;
use tokio::io::ReadBuf;

pub const WORDS: &[&str] = &[
    "\r\n",
    "\r\n\r\n",
    "\n",
    "\0",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 204 No Content\r\n",
    "HTTP/1.1 103 Early Hints\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "Content-Length: 2\r\n",
    "Content-Length: 0\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Connection: close\r\n",
    "2\r\n{}\r\n",
    "0\r\n\r\n",
];

const MAX_BYTES: usize = 1_024;

/// Bytes that come in pieces, and then the end.
struct Pieces<'d> {
    left: &'d [u8],
    step: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let count = self.step.min(self.left.len()).min(into.remaining());
        let (now, left) = self.left.split_at(count);
        into.put_slice(now);
        self.left = left;
        Poll::Ready(Ok(()))
    }
}

pub fn answer(data: &[u8]) -> bool {
    let whole = read(data, usize::MAX);
    let byte_by_byte = read(data, 1);
    match (&whole, &byte_by_byte) {
        (Ok(whole), Ok(cut)) => {
            assert_eq!((whole.status, &whole.fields, &whole.body), (cut.status, &cut.fields, &cut.body));
        }
        // What follows an answer has not come yet when the answer is whole.
        (Err(ExchangeFaultKind::Excess), Ok(_)) => {}
        (Err(one), Err(other)) => assert_eq!(one, other),
        (Ok(_), Err(fault)) | (Err(fault), Ok(_)) => panic!("{fault} depends on how the bytes come"),
    }
    let Ok(found) = whole else { return false };
    assert!((200..600).contains(&found.status.as_u16()) && found.body.len() <= MAX_BYTES);
    let (head, body) = final_head(data);
    assert_eq!(head.split(' ').nth(1), Some(found.status.as_str()));
    let values = |name: &str| -> Vec<String> {
        let fields = head.split("\r\n").skip(1).map(|line| line.split_once(':').expect("a colon"));
        fields.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().into()).collect()
    };
    match (&values("content-length")[..], &values("transfer-encoding")[..]) {
        ([], []) => assert!(matches!(found.status.as_u16(), 204 | 304) && body.is_empty()),
        ([length], []) => assert_eq!((length.parse().ok(), body), (Some(body.len()), &found.body[..])),
        ([], [coding]) => {
            assert!(coding.eq_ignore_ascii_case("chunked"), "{coding}");
            assert_eq!(decode(body), Decoded::Whole(found.body.to_vec(), body.len()));
        }
        both => panic!("more than one framing: {both:?}"),
    }
    true
}

fn read(data: &[u8], step: usize) -> Result<Exchanged, ExchangeFaultKind> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(read_answer(&mut Pieces { left: data, step }, &Method::POST, MAX_BYTES))
}

/// The head of the last answer, behind all interim ones, and what follows it.
fn final_head(mut data: &[u8]) -> (String, &[u8]) {
    loop {
        let end = data.windows(4).position(|window| window == b"\r\n\r\n").expect("a head ends");
        let head = String::from_utf8_lossy(&data[..end]).into_owned();
        data = &data[end + 4..];
        if !head.starts_with("HTTP/1.1 1") {
            return (head, data);
        }
    }
}
