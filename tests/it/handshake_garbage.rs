//! What is no handshake, or only the beginning of one, against a gateway in a process of its own: each is counted by what
//! it is, a good client is served beside it, and afterwards the process holds what it held before.

use crate::floods::Flooded;
use crate::harness::hello::Chosen;
use crate::harness::hello::Hello;
use crate::harness::hello::TLS13;
use crate::harness::hello::message;
use crate::harness::hello::record;
use crate::harness::until;
use portcullis::telemetry::HandshakeFailure;
use std::io::Read;
use std::io::Write;
use std::net::Shutdown;
use std::net::TcpStream;

/// Handshakes that are begun and not ended, at the same time; more than the good client needs are left free.
const HALF_OPEN: u64 = 500;
const SEATS: usize = 600;

/// The longest record that the library waits for: one byte less than TLS lets anybody send (RFC 5246 §6.2.3).
const LONGEST_RECORD: u16 = (1 << 14) + 2_047;

impl Flooded {
    fn failed(&self, reason: HandshakeFailure) -> u64 {
        self.counts(&format!("portcullis_handshakes_failed_total{{reason=\"{}\"}} ", reason.word()))
    }

    fn all_failed(&self) -> Vec<u64> {
        HandshakeFailure::ALL.iter().map(|reason| self.failed(*reason)).collect()
    }

    /// What these connections send fails as often as they are, for this reason and for no other.
    #[track_caller]
    fn fail(&self, reason: HandshakeFailure, what: &str, sent: &[Vec<u8>], end: impl Fn(&mut TcpStream)) {
        let mut wanted = self.all_failed();
        wanted[HandshakeFailure::ALL.iter().position(|known| *known == reason).unwrap()] += sent.len() as u64;
        let sum = |counts: &[u64]| counts.iter().sum::<u64>();
        let connect = |bytes: &Vec<u8>| {
            let mut tcp = TcpStream::connect(self.process.address).unwrap();
            // Who is found out early is cut off early.
            let _ = tcp.write_all(bytes);
            end(&mut tcp);
            tcp
        };
        let held: Vec<TcpStream> = sent.iter().map(connect).collect();
        until(what, || sum(&self.all_failed()) >= sum(&wanted));
        let words: Vec<_> = HandshakeFailure::ALL.iter().map(|reason| reason.word()).collect();
        assert_eq!(self.all_failed(), wanted, "{what}, of {words:?}");
        drop(held);
    }
}

/// Bytes that look like nothing, other ones for each seed (an xorshift).
fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// Sends nothing more, and waits.
fn hold(_: &mut TcpStream) {}

/// Says that nothing more will come.
fn finish(tcp: &mut TcpStream) {
    let _ = tcp.shutdown(Shutdown::Write);
}

#[test]
fn what_is_no_handshake_is_counted_by_what_it_is() {
    let flooded = Flooded::with(SEATS);
    let hello = Hello::tls13().records();
    let after = |more: Vec<u8>| [hello.clone(), more].concat();

    let starts = (0..=u8::MAX).map(|first| [vec![first], noise(u64::from(first), 600)].concat()).collect::<Vec<_>>();
    flooded.fail(HandshakeFailure::NotTls, "noise behind each first byte", &starts, hold);
    let ssl2 = [&[0x80, 0x2e, 1, 0, 2, 0, 21, 0, 0, 0, 16][..], &[1; 37]].concat();
    let too_long = |kind: u8, length: u16| [&[kind, 3, 1][..], &length.to_be_bytes(), &[0; 64]].concat();
    let not_tls = [
        ("a hello of SSLv2", ssl2),
        ("HTTP", b"POST / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
        ("a proxy's line", b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n".to_vec()),
        ("a banner of SSH", b"SSH-2.0-x\r\n".to_vec()),
        ("a record one byte too long", too_long(22, LONGEST_RECORD + 1)),
        ("the longest number of bytes", too_long(22, u16::MAX)),
        ("a record without content", record(22, &[])),
        ("a message of 16 MiB", record(22, &[1, 0xff, 0xff, 0xff, 3, 3])),
        ("a hello of nothing", record(22, &message(1, &[]))),
        (
            "a hello with a byte behind its end",
            record(22, &[message(1, &[&Hello::tls13().message()[4..], &[0]].concat())].concat()),
        ),
        ("noise behind a hello", after([vec![0], noise(1, 600)].concat())),
        ("HTTP behind a hello", after(b"GET / HTTP/1.1\r\n\r\n".to_vec())),
    ];
    for (what, bytes) in not_tls {
        flooded.fail(HandshakeFailure::NotTls, what, &[bytes], hold);
    }
    let other = [
        ("data before the handshake", record(23, &[0; 32])),
        ("another message than a hello", record(22, &message(20, &[0; 12]))),
        ("a second hello", after(hello.clone())),
        ("data that nobody encrypted, behind a hello", after(record(23, &noise(2, 64)))),
    ];
    for (what, bytes) in other {
        flooded.fail(HandshakeFailure::Other, what, &[bytes], hold);
    }
    flooded.fail(HandshakeFailure::PeerAlert, "an alert", &[record(21, &[2, 40])], hold);
    flooded.fail(HandshakeFailure::Timeout, "the longest record, begun", &[too_long(22, LONGEST_RECORD)], hold);
    flooded.settles("after garbage");
}

#[test]
fn a_hello_may_come_in_the_smallest_pieces_and_ends_nowhere_but_at_its_end() {
    let flooded = Flooded::with(SEATS);
    let groups: Vec<u16> = [29].into_iter().chain(0x0a00..0x0b00).collect();
    let hello = Hello { groups, ..Hello::tls13() };
    let whole = hello.records();
    assert!(whole.len() > 600, "a long one");
    let cuts: Vec<Vec<u8>> = (0..whole.len()).step_by(16).map(|length| whole[..length].to_vec()).collect();
    flooded.fail(HandshakeFailure::Closed, "cut and closed", &cuts, finish);
    flooded.fail(HandshakeFailure::Timeout, "cut and held", &cuts, hold);

    // Each byte in a record of its own.
    let pieces: Vec<u8> = hello.message().iter().flat_map(|byte| record(22, &[*byte])).collect();
    let answered = |tcp: &mut TcpStream| {
        assert_eq!(Chosen::read(tcp).unwrap().version, TLS13);
        finish(tcp);
        // What came so far is read, so that closing it is no reset.
        let _ = tcp.read_to_end(&mut Vec::new());
    };
    flooded.fail(HandshakeFailure::Closed, "in records of one byte", std::slice::from_ref(&pieces), answered);
    let lacking = pieces[..pieces.len() - 1].to_vec();
    flooded.fail(HandshakeFailure::Timeout, "in records of one byte, but for the last", &[lacking], hold);
    flooded.settles("after pieces");
}

#[test]
fn half_open_handshakes_keep_nobody_out_and_are_let_go_by_their_deadline() {
    let flooded = Flooded::with(SEATS);
    let hello = Hello::tls13().records();
    let before = flooded.failed(HandshakeFailure::Timeout);
    let begun = |number: u64| {
        let mut tcp = TcpStream::connect(flooded.process.address).unwrap();
        // Nothing, half a hello, or a whole one whose answer is left without an answer.
        let sent = [0, hello.len() / 2, hello.len()][usize::try_from(number % 3).unwrap()];
        tcp.write_all(&hello[..sent]).unwrap();
        tcp
    };
    let held: Vec<TcpStream> = (0..HALF_OPEN).map(begun).collect();
    flooded.serves("beside half-open handshakes");
    // They are let go while this end still holds them.
    until("the deadlines", || flooded.failed(HandshakeFailure::Timeout) >= before + HALF_OPEN);
    assert_eq!(flooded.failed(HandshakeFailure::Timeout), before + HALF_OPEN);
    flooded.settles("after half-open handshakes");
    drop(held);
}
