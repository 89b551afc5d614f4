//! HTTP/2 (RFC 9113): several commands at once over one connection, what is cut in the middle, and what breaks its rules.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::Streams;
use crate::harness::connect_h2;
use crate::harness::whole;
use bytes::Bytes;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::Misbehaviour;
use portcullis::gateway::Ended;
use std::collections::HashSet;
use std::net::SocketAddr;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

mod bounds;
mod frames;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const REFUSED_STREAM: [u8; 4] = [0, 0, 0, 7];

/// The reason on record under the answer's receipt.
#[track_caller]
fn reason(stage: &Stage, answer: &BackendAnswer) -> String {
    let receipt = answer.header("receipt-id").unwrap();
    let records = stage.records();
    let record = records.iter().find(|record| record.text("receipt") == receipt).expect("the refusal is on record");
    record.text("reason").to_owned()
}

/// A good command passes, and it is the one request more than `requests` that the partner has received.
#[track_caller]
fn fence(stage: &Stage, gateway: &Served, requests: usize) {
    let answer = stage.wait(Command::new(stage).give(&stage.backend(gateway.address))).unwrap();
    assert_eq!((answer.status, stage.partner.progress().requests), (200, requests + 1), "the fence alone");
}

#[test]
fn the_streams_of_one_connection_open_their_doors_side_by_side() {
    const STREAMS: usize = 20;
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    stage.wait(async {
        let (streams, _driver) = Streams::open(&stage, gateway.address).await;
        stage.partner.behave(Misbehaviour::HangBeforeAnswer);
        let give = |_| {
            let (streams, command) = (streams.clone(), Command::new(&stage));
            stage.beside(async move { streams.give(&command).await.unwrap() })
        };
        let given: Vec<_> = (0..STREAMS).map(give).collect();
        stage.partner.until(|progress| progress.hanging == STREAMS).await;
        stage.partner.behave_well();
        stage.partner.release();
        let mut receipts = HashSet::new();
        for answer in given {
            let answer = answer.await.unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert!(answer.text().contains("resident-ivanov"), "each is turned back");
            receipts.insert(answer.header("receipt-id").unwrap().to_owned());
        }
        assert_eq!(receipts.len(), STREAMS);
    });
    assert_eq!(stage.partner.total_actuations(), STREAMS as u64);
}

#[test]
fn a_stream_or_connection_that_is_cut_after_the_intent_loses_the_answer_and_not_the_outcome() {
    for cut_the_connection in [false, true] {
        let stage = Stage::new();
        let gateway = Served::on(&stage);
        let command = Command::new(&stage);
        stage.partner.behave(Misbehaviour::HangBeforeAnswer);
        stage.wait(async {
            let (streams, driver) = Streams::open(&stage, gateway.address).await;
            let (answer, mut body) = streams.begin(&command).await.unwrap();
            body.send_data(command.body.clone().into(), true).unwrap();
            stage.partner.until(|progress| progress.hanging == 1).await;
            if cut_the_connection {
                driver.abort();
                assert!(driver.await.is_err_and(|end| end.is_cancelled()));
            } else {
                body.send_reset(h2::Reason::CANCEL);
                assert!(answer.await.is_err());
                // The same connection still carries a refusal, which reaches no partner.
                let other = streams.give(&Command::new(&stage).saying("{}")).await.unwrap();
                assert_eq!(other.status, 400);
            }
        });
        stage.partner.behave_well();
        stage.partner.release();
        assert_eq!(gateway.shutdown(), Ended::InOrder, "going down waits for the outcome");
        let records = stage.records();
        let outcomes: Vec<_> = records.iter().filter(|record| record.text("kind") == "outcome").collect();
        assert_eq!(outcomes.len(), 1);
        assert_eq!((outcomes[0].text("state"), stage.partner.total_actuations()), ("done", 1));

        let gateway = Served::on(&stage);
        let again = stage.wait(command.give(&stage.backend(gateway.address))).unwrap();
        assert_eq!((again.status, stage.partner.total_actuations()), (200, 1), "and the key still knows the answer");
    }
}

#[test]
fn a_body_holds_its_limit_over_http_2_too() {
    let stage = Stage::new();
    stage.limit("body_max_bytes: 100B");
    let gateway = Served::on(&stage);
    let padded = |size: usize| {
        let body = r#"{"userId":"resident-ivanov"}"#;
        format!("{body}{}", " ".repeat(size - body.len()))
    };
    stage.wait(async {
        let (streams, _driver) = Streams::open(&stage, gateway.address).await;
        for (declares, size, status) in [(true, 100, 200), (false, 100, 200), (true, 101, 413), (false, 101, 413)] {
            let mut command = Command::new(&stage).saying(&padded(size));
            if declares {
                command = command.with("content-length", &size.to_string());
            }
            let answer = streams.give(&command).await.unwrap();
            assert_eq!(answer.status, status, "{size} bytes, declared: {declares}: {}", answer.text());
        }
    });
    assert_eq!(stage.partner.total_actuations(), 2);
}

#[test]
fn what_one_stream_is_refused_for_is_on_record_and_hurts_no_other() {
    let stage = Stage::new();
    stage.edit("gateway.yaml", "workers: 2", "workers: 1");
    let gateway = Served::on(&stage);
    let good = || Command::new(&stage);
    let mut many = good();
    for number in 0..64 {
        many = many.with(&format!("x-{number}"), "1");
    }
    stage.wait(async {
        let (streams, _driver) = Streams::open(&stage, gateway.address).await;
        for (command, status, why) in [
            (good().to("/v1/houses/house-1/doors/door-1/close"), 404, "unknown-operation"),
            (Command { method: "GET", ..good() }, 405, "method-not-declared"),
            (Command { token: None, ..good() }, 401, "token-missing"),
            (good().saying("{}"), 400, "body-invalid"),
            (good().with("x-forwarded-for", "10.0.0.1"), 400, "refused-field"),
            (good().with("expect", "100-continue"), 400, "malformed-head"),
            (good().to(&format!("/{}", "a".repeat(3_000))), 400, "malformed-head"),
            (many, 400, "malformed-head"),
        ] {
            let answer = streams.give(&command).await.unwrap_or_else(|fault| panic!("{why}: {fault}"));
            assert_eq!((answer.status, reason(&stage, &answer).as_str()), (status, why));
        }
        let (answer, mut body) = streams.begin_at(&good(), "other.gateway.prop.example").await.unwrap();
        drop(body.send_data(Bytes::new(), true));
        let answer = whole(answer).await.unwrap();
        assert_eq!((answer.status, reason(&stage, &answer).as_str()), (421, "unknown-authority"));
        assert_eq!(stage.partner.progress().bytes, 0);
        assert_eq!(streams.give(&good()).await.unwrap().status, 200, "the same connection");
    });
    fence(&stage, &gateway, 1);
}

#[test]
fn a_list_of_fields_beyond_twice_the_limit_gets_a_bare_status_of_the_codec_and_goes_no_further() {
    let stage = Stage::new();
    stage.edit("gateway.yaml", "workers: 2", "workers: 1");
    let gateway = Served::on(&stage);
    let contradicting = Command::new(&stage).with("host", "other.gateway.prop.example");
    let long = |bytes| Command::new(&stage).with("x-long", &"a".repeat(bytes));
    stage.wait(async {
        let (streams, _driver) = Streams::open(&stage, gateway.address).await;
        for command in [contradicting, long(17_000), long(30_000)] {
            let answer = streams.give(&command).await.unwrap();
            assert_eq!((answer.status, reason(&stage, &answer).as_str()), (400, "malformed-head"));
        }
        let (answer, mut body) = streams.begin(&long(33_000)).await.unwrap();
        drop(body.send_data(Bytes::from_static(b"{}"), true));
        let answer = whole(answer).await.unwrap();
        assert_eq!((answer.status, answer.headers.len(), answer.body.len()), (431, 0, 0));
    });
    fence(&stage, &gateway, 0);
}

#[test]
fn a_length_that_is_not_kept_and_trailers_never_reach_the_partner() {
    let stage = Stage::new();
    stage.edit("gateway.yaml", "workers: 2", "workers: 1");
    let gateway = Served::on(&stage);
    stage.wait(async {
        let (streams, _driver) = Streams::open(&stage, gateway.address).await;
        for declared in ["10", "1000"] {
            let command = Command::new(&stage).with("content-length", declared);
            let (answer, mut body) = streams.begin(&command).await.unwrap();
            drop(body.send_data(command.body.clone().into(), true));
            let refused = match whole(answer).await {
                Ok(answer) => answer.status == 400,
                Err(fault) => fault.is_reset(),
            };
            assert!(refused && stage.partner.progress().bytes == 0, "declared {declared}");
        }
        let command = Command::new(&stage);
        let (answer, mut body) = streams.begin(&command).await.unwrap();
        body.send_data(command.body.clone().into(), false).unwrap();
        let trailers = [(http::HeaderName::from_static("x-late"), http::HeaderValue::from_static("canary"))];
        body.send_trailers(trailers.into_iter().collect()).unwrap();
        let answer = whole(answer).await.unwrap();
        command.examine(&answer);
        assert_eq!((answer.status, reason(&stage, &answer).as_str()), (400, "malformed-head"));
        let sent: Vec<u8> = stage.partner.raw().into_iter().flat_map(|connection| connection.bytes).collect();
        assert!(!String::from_utf8_lossy(&sent).contains("canary"), "status {}", answer.status);
    });
}

/// A connection whose frames are written by hand, for what no library sends.
struct Frames(TlsStream<TcpStream>);

impl Frames {
    async fn open(stage: &Stage, gateway: SocketAddr) -> Self {
        let mut tls = connect_h2(stage, gateway).await;
        tls.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        tls.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
        Self(tls)
    }

    /// Sends; a gateway that has closed the connection is no fault here.
    async fn send(&mut self, frames: &[u8]) -> bool {
        self.0.write_all(frames).await.is_ok() && self.0.flush().await.is_ok()
    }

    /// The next frame: kind, stream, payload; `None` at the connection's end.
    async fn next(&mut self) -> Option<(u8, u32, Vec<u8>)> {
        self.frame().await.map(|(kind, _, stream, payload)| (kind, stream, payload))
    }

    /// The next frame, with its flags.
    async fn frame(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.ok()?;
        let mut payload = vec![0; usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2])];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
    }

    /// The next frame of that kind; `None` at the connection's end.
    async fn until(&mut self, kind: u8) -> Option<(u32, Vec<u8>)> {
        loop {
            let (found, stream, payload) = self.next().await?;
            if found == kind {
                return Some((stream, payload));
            }
        }
    }
}

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

/// A field as HPACK writes it without index and without Huffman's code (RFC 7541 §6.2.2).
fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        let mut bytes = Vec::new();
        let mut left = text.len();
        if left < 127 {
            bytes.push(u8::try_from(left).unwrap());
        } else {
            bytes.push(127);
            left -= 127;
            while left >= 128 {
                bytes.push(u8::try_from(left % 128).unwrap() | 128);
                left /= 128;
            }
            bytes.push(u8::try_from(left).unwrap());
        }
        bytes.extend_from_slice(text.as_bytes());
        bytes
    };
    [vec![0], text(name), text(value)].concat()
}

/// The head of a command.
pub fn head(command: &Command, more: &[(&str, &str)]) -> Vec<u8> {
    let pseudo =
        [(":method", command.method), (":scheme", "https"), (":authority", AUTHORITY), (":path", &command.target)];
    let fields = command.fields();
    let fields = fields.iter().map(|(name, value)| field(&name.to_ascii_lowercase(), value));
    let pseudo = pseudo.iter().map(|(name, value)| field(name, value));
    pseudo.chain(fields).chain(more.iter().map(|(name, value)| field(name, value))).flatten().collect()
}

#[test]
fn a_stream_beyond_the_limit_is_refused_and_those_within_it_are_answered() {
    let stage = Stage::new();
    stage.limit("h2_streams_max: 2");
    let gateway = Served::on(&stage);
    stage.wait(async {
        let mut frames = Frames::open(&stage, gateway.address).await;
        let command = Command::new(&stage);
        for stream in [1, 3, 5] {
            let command = Command::new(&stage);
            assert!(frames.send(&frame(HEADERS, END_HEADERS, stream, &head(&command, &[]))).await);
        }
        assert_eq!(frames.until(RST_STREAM).await, Some((5, REFUSED_STREAM.to_vec())));
        for stream in [1, 3] {
            assert!(frames.send(&frame(DATA, END_STREAM, stream, &command.body)).await);
        }
        let mut answered = [frames.until(HEADERS).await.unwrap(), frames.until(HEADERS).await.unwrap()];
        answered.sort();
        // 0x88 is `:status: 200` (RFC 7541 Appendix A).
        let answered = answered.map(|(stream, block)| (stream, block.first().copied()));
        assert_eq!(answered, [(1, Some(0x88)), (3, Some(0x88))]);
    });
    assert_eq!(stage.partner.total_actuations(), 2);
}

#[test]
fn heads_that_break_the_rules_of_http_2_reach_no_partner() {
    let stage = Stage::new();
    stage.edit("gateway.yaml", "workers: 2", "workers: 1");
    let gateway = Served::on(&stage);
    for (what, more) in [
        ("a field of a connection", ("connection", "close")),
        ("a coding of HTTP/1.1", ("transfer-encoding", "chunked")),
        ("an upper-case name", ("X-Loud", "1")),
        ("a pseudo-field after the others", (":path", "/v1/houses/house-2/doors/door-1/open")),
        ("a line feed in a value", ("x-split", "a\nb: c")),
        ("a second authority", ("host", "other.gateway.prop.example")),
    ] {
        stage.wait(async {
            let mut frames = Frames::open(&stage, gateway.address).await;
            let command = Command::new(&stage);
            frames.send(&frame(HEADERS, END_HEADERS, 1, &head(&command, &[more]))).await;
            frames.send(&frame(DATA, END_STREAM, 1, &command.body)).await;
            // Whether by a refusal, a reset or the connection's end: not by success.
            loop {
                match frames.next().await {
                    Some((HEADERS, 1, block)) => break assert_ne!(block.first(), Some(&0x88), "{what} passed"),
                    Some((RST_STREAM | GOAWAY, _, _)) | None => break,
                    Some(_) => {}
                }
            }
        });
        assert_eq!(stage.partner.progress().bytes, 0, "{what} reached the partner");
    }
    fence(&stage, &gateway, 0);
}

#[test]
fn streams_that_are_reset_as_fast_as_they_come_end_their_connection_and_no_other() {
    const STREAMS: u32 = 5_000;
    let stage = Stage::new();
    stage.edit("gateway.yaml", "workers: 2", "workers: 1");
    let gateway = Served::on(&stage);
    stage.wait(async {
        let mut frames = Frames::open(&stage, gateway.address).await;
        let head = head(&Command::new(&stage), &[]);
        for number in 0..STREAMS {
            let stream = number * 2 + 1;
            let head = frame(HEADERS, END_HEADERS, stream, &head);
            if !frames.send(&[head, frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()).await {
                break;
            }
        }
        // A GOAWAY may be lost to the reset behind it; that the connection ends may not.
        while frames.next().await.is_some() {}
    });
    assert_eq!(stage.partner.progress().bytes, 0);
    fence(&stage, &gateway, 0);
}
