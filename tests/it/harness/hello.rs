//! A ClientHello made by hand, which may offer anything, and what a server says to it before anything is encrypted
//! (RFC 5246 §7.4, RFC 8446 §4.1).

use crate::harness::gateway::PATIENCE;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;

pub const TLS12: u16 = 0x0303;
pub const TLS13: u16 = 0x0304;

/// Extensions by their IANA numbers.
pub const EXTENDED_MASTER_SECRET: u16 = 23;
pub const SUPPORTED_VERSIONS: u16 = 43;
pub const KEY_SHARE: u16 = 51;

/// What one record may carry (RFC 8446 §5.1).
const RECORD_BYTES: usize = 1 << 14;

/// The random value of a ServerHello that asks for another (RFC 8446 §4.1.3), as far as needed to know it.
const RETRY: [u8; 4] = [0xcf, 0x21, 0xad, 0x74];

/// What a client offers; [`Hello::tls12`] and [`Hello::tls13`] offer what the gateway takes.
#[derive(Clone)]
pub struct Hello {
    /// The version at the head, which TLS 1.3 leaves at that of TLS 1.2.
    pub version: u16,
    pub suites: Vec<u16>,
    pub compressions: Vec<u8>,
    pub groups: Vec<u16>,
    pub schemes: Vec<u16>,
    /// More extensions, in their order, each with its body.
    pub more: Vec<(u16, Vec<u8>)>,
}

/// What a server chose.
#[derive(Debug)]
pub struct Chosen {
    pub version: u16,
    pub session_id: Vec<u8>,
    pub suite: u16,
    pub compression: u8,
    pub extensions: Vec<(u16, Vec<u8>)>,
    /// The group, where it says one in the clear: TLS 1.2, or a request for another share.
    pub group: Option<u16>,
    /// The scheme of its signature, in TLS 1.2.
    pub scheme: Option<u16>,
}

/// A list of numbers behind its length in bytes.
pub fn list(numbers: &[u16]) -> Vec<u8> {
    sized(&numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<_>>())
}

/// Bytes behind their number, of 16 bits.
fn sized(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

/// The extension that offers these versions.
pub fn versions(offered: &[u16]) -> (u16, Vec<u8>) {
    let body = list(offered);
    // Its length has 8 bits only.
    assert_eq!(body[0], 0, "127 versions at most");
    (SUPPORTED_VERSIONS, body[1..].to_vec())
}

/// One message of a handshake.
pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind], &length[1..], body].concat()
}

/// One record.
pub fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 1][..], &sized(body)].concat()
}

impl Hello {
    /// One of TLS 1.2.
    pub fn tls12() -> Self {
        Self {
            version: TLS12,
            suites: vec![0xc02b],
            compressions: vec![0],
            groups: vec![29],
            schemes: vec![0x0403],
            more: vec![(EXTENDED_MASTER_SECRET, Vec::new())],
        }
    }

    /// One of TLS 1.3 with a share of X25519: the base point, which is as good as any.
    pub fn tls13() -> Self {
        let share = [&[0, 29][..], &sized(&[&[9][..], &[0; 31]].concat())].concat();
        Self { suites: vec![0x1301], more: vec![versions(&[TLS13]), (KEY_SHARE, sized(&share))], ..Self::tls12() }
    }

    /// The message.
    pub fn message(&self) -> Vec<u8> {
        let compressions = [&[u8::try_from(self.compressions.len()).unwrap()], &self.compressions[..]].concat();
        let own = [(10, list(&self.groups)), (13, list(&self.schemes))];
        let written =
            own.iter().chain(&self.more).flat_map(|(kind, body)| [&kind.to_be_bytes()[..], &sized(body)].concat());
        let extensions = sized(&written.collect::<Vec<_>>());
        let head = [&self.version.to_be_bytes()[..], &[7; 32], &[0]].concat();
        message(1, &[head, list(&self.suites), compressions, extensions].concat())
    }

    /// The records.
    pub fn records(&self) -> Vec<u8> {
        self.message().chunks(RECORD_BYTES).flat_map(|part| record(22, part)).collect()
    }

    /// What the server chooses of it, or the alert by which it refuses; none where it closes without a word.
    pub fn offer(&self, server: SocketAddr) -> Result<Chosen, Option<u8>> {
        let mut tcp = TcpStream::connect(server).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp.write_all(&self.records()).unwrap();
        Chosen::read(&mut tcp)
    }
}

/// Takes so many bytes from the front.
fn take<'b>(bytes: &mut &'b [u8], count: usize) -> &'b [u8] {
    let (taken, rest) = bytes.split_at(count);
    *bytes = rest;
    taken
}

fn number(bytes: &mut &[u8]) -> u16 {
    u16::from_be_bytes(take(bytes, 2).try_into().unwrap())
}

impl Chosen {
    /// Reads what a server says until it has chosen all that it chooses in the clear.
    pub fn read(from: &mut impl Read) -> Result<Self, Option<u8>> {
        let (mut said, mut chosen) = (Vec::new(), None::<Self>);
        loop {
            let mut head = [0; 5];
            if from.read(&mut head[..1]).unwrap() == 0 {
                return Err(None);
            }
            from.read_exact(&mut head[1..]).unwrap();
            let mut body = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
            from.read_exact(&mut body).unwrap();
            match head[0] {
                21 => return Err(Some(body[1])),
                22 => said.extend(body),
                other => panic!("a record of kind {other} before the choice is made"),
            }
            while let Some((kind, message)) = first_message(&mut said) {
                match (kind, &mut chosen) {
                    (2, None) => chosen = Some(Self::in_server_hello(&message)),
                    (12, Some(chosen)) => {
                        let mut rest = &message[1..];
                        chosen.group = Some(number(&mut rest));
                        let point = take(&mut rest, 1)[0];
                        take(&mut rest, usize::from(point));
                        chosen.scheme = Some(number(&mut rest));
                    }
                    (11, Some(_)) => {}
                    other => panic!("an unexpected message {other:?}"),
                }
                if chosen.as_ref().is_some_and(|chosen| chosen.version == TLS13 || chosen.scheme.is_some()) {
                    return Ok(chosen.unwrap());
                }
            }
        }
    }

    fn in_server_hello(message: &[u8]) -> Self {
        let mut rest = message;
        let version = number(&mut rest);
        let asks_again = take(&mut rest, 32).starts_with(&RETRY);
        let length = usize::from(take(&mut rest, 1)[0]);
        let session_id = take(&mut rest, length).to_vec();
        let (suite, compression) = (number(&mut rest), take(&mut rest, 1)[0]);
        let mut extensions = Vec::new();
        if !rest.is_empty() {
            number(&mut rest);
        }
        while !rest.is_empty() {
            let (kind, length) = (number(&mut rest), usize::from(number(&mut rest)));
            extensions.push((kind, take(&mut rest, length).to_vec()));
        }
        let body = |kind| extensions.iter().find(|(known, _)| *known == kind).map(|(_, body)| body.as_slice());
        let version = body(SUPPORTED_VERSIONS).map_or(version, |mut body| number(&mut body));
        let group = body(KEY_SHARE).filter(|_| asks_again).map(|mut body| number(&mut body));
        Self { version, session_id, suite, compression, group, scheme: None, extensions }
    }
}

/// Takes the first whole message out of what was said.
fn first_message(said: &mut Vec<u8>) -> Option<(u8, Vec<u8>)> {
    let length = usize::try_from(u32::from_be_bytes([0, *said.get(1)?, *said.get(2)?, *said.get(3)?])).unwrap();
    (said.len() >= 4 + length).then(|| {
        let message: Vec<u8> = said.drain(..4 + length).collect();
        (message[0], message[4..].to_vec())
    })
}
