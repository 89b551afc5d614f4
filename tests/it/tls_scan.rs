//! The TLS door examined from outside: by testssl, which knows the past faults of others; by OpenSSL; and by hellos that
//! offer every number there is, so that what the gateway takes is known and not only what a client of today offers.

use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::hello::Chosen;
use crate::harness::hello::EXTENDED_MASTER_SECRET;
use crate::harness::hello::Hello;
use crate::harness::hello::KEY_SHARE;
use crate::harness::hello::SUPPORTED_VERSIONS;
use crate::harness::hello::TLS12;
use crate::harness::hello::TLS13;
use crate::harness::hello::versions;
use portcullis::devkit::AUTHORITY;
use std::collections::BTreeSet;
use std::io::Write;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

/// Refusals: alerts (RFC 8446 §6), and closing without one.
const HANDSHAKE_FAILURE: Option<u8> = Some(40);
const ILLEGAL_PARAMETER: Option<u8> = Some(47);
const PROTOCOL_VERSION: Option<u8> = Some(70);
const SILENCE: Option<u8> = None;

/// How many numbers one hello offers; a list of versions has its length in one byte.
const AT_ONCE: usize = 4_096;
const VERSIONS_AT_ONCE: usize = 127;

/// What testssl does not call good, and why it may stand. Its own hellos of TLS 1.2 lack the extended master secret, without
/// which there is no TLS 1.2 here; whether it goes on with OpenSSL's, which have it, depends on how fast its probe is told
/// that a client certificate is missing. So it vouches for TLS 1.3 and for all that is old; TLS 1.2 is examined below.
const KNOWN: &[(&str, &str)] = &[
    ("engine_problem", "its OpenSSL lacks the engine for GOST, which we do not speak"),
    ("pre_128cipher", "`of_every_cipher_suite_there_is_six_are_taken` offers 4,096 suites at once, and is answered"),
    ("secure_client_renego", "needs a client certificate: `nothing_is_resumed_or_negotiated_anew` shows one"),
    ("CRIME_TLS", "needs a client certificate; `what_weakens_a_connection_is_not_agreed_on` offers compression"),
    ("BREACH", "needs a client certificate; answers are never compressed"),
];

/// What it must have examined and found good.
const EXAMINED: &[&str] = &[
    "SSLv2",
    "SSLv3",
    "TLS1_3",
    "cipherlist_NULL",
    "cipherlist_aNULL",
    "cipherlist_EXPORT",
    "cipherlist_LOW",
    "cipherlist_STRONG",
    "heartbleed",
    "CCS",
    "ROBOT",
    "secure_renego",
    "POODLE_SSL",
    "fallback_SCSV",
    "FREAK",
    "DROWN",
    "LOGJAM",
    "BEAST",
    "LUCKY13",
    "RC4",
];

/// What it reports without judging, and what it must say.
const NOT_OFFERED: &[&str] = &["TLS1", "TLS1_1", "NPN", "cipherlist_3DES_IDEA", "cipherlist_AVERAGE"];

#[test]
fn testssl_finds_nothing_old_weak_or_vulnerable() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let report = stage.path("testssl.json");
    let output = Command::new("testssl")
        .args(["--quiet", "--color", "0", "--warnings", "batch", "-n", "none", "--ip", "127.0.0.1"])
        .args(["--openssl-timeout", "5", "-p", "-s", "-U", "--jsonfile"])
        .arg(&report)
        .arg(format!("{AUTHORITY}:{}", gateway.address.port()))
        .env("TMPDIR", stage.path("."))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = std::fs::read_to_string(report).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let findings: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let word = |finding: &serde_json::Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let mut good = BTreeSet::new();
    for finding in &findings {
        let id = word(finding, "id");
        match word(finding, "severity").as_str() {
            "OK" => drop(good.insert(id)),
            "INFO" | "DEBUG" => {}
            _ => assert!(KNOWN.iter().any(|(known, _)| *known == id), "{finding}"),
        }
    }
    let missing: Vec<_> = EXAMINED.iter().filter(|id| !good.contains(**id)).collect();
    assert!(
        missing.is_empty(),
        "not found good: {missing:?} in {text}",
        text = text.split_whitespace().collect::<String>()
    );
    for id in NOT_OFFERED {
        let said = findings.iter().find(|finding| word(finding, "id") == *id).map(|finding| word(finding, "finding"));
        assert_eq!(said.as_deref(), Some("not offered"), "{id}");
    }
}

/// A gateway that is offered lists of numbers, and picks.
struct Scan {
    gateway: Served,
    _stage: Stage,
}

impl Scan {
    fn new() -> Self {
        let stage = Stage::new();
        Self { gateway: Served::on(&stage), _stage: stage }
    }

    /// Every number of 16 bits that the gateway takes. What it picks of a list is left out of the next, until it refuses
    /// the rest by one of `refusals`, and by no other: a list that is refused for another reason would prove nothing.
    fn taken(
        &self,
        at_once: usize,
        refusals: &[Option<u8>],
        offer: impl Fn(&[u16]) -> Hello,
        picked: impl Fn(&Chosen) -> u16,
    ) -> BTreeSet<u16> {
        let all: Vec<u16> = (0..=u16::MAX).collect();
        let mut taken = BTreeSet::new();
        for part in all.chunks(at_once) {
            let mut left = part.to_vec();
            let refused = loop {
                match offer(&left).offer(self.gateway.address) {
                    Ok(chosen) => {
                        let pick = picked(&chosen);
                        assert!(left.contains(&pick), "{pick:#06x} was not offered");
                        left.retain(|number| *number != pick);
                        taken.insert(pick);
                    }
                    Err(refused) => break refused,
                }
            };
            assert!(refusals.contains(&refused), "{refused:?} from {:#06x} on", part[0]);
        }
        taken
    }

    #[track_caller]
    fn refuses(&self, alert: Option<u8>, hello: &Hello, what: &str) {
        assert_eq!(hello.offer(self.gateway.address).map_err(|said| (what, said)).err(), Some((what, alert)));
    }

    fn chooses(&self, hello: &Hello) -> Chosen {
        hello.offer(self.gateway.address).unwrap()
    }
}

#[test]
fn of_every_cipher_suite_there_is_six_are_taken() {
    let scan = Scan::new();
    let offer = |suites: &[u16], hello: Hello| Hello { suites: suites.to_vec(), ..hello };
    let in_tls13 =
        scan.taken(AT_ONCE, &[HANDSHAKE_FAILURE], |suites| offer(suites, Hello::tls13()), |chosen| chosen.suite);
    // AES-128-GCM, AES-256-GCM, ChaCha20-Poly1305.
    assert_eq!(in_tls13, [0x1301, 0x1302, 0x1303].into());
    let in_tls12 =
        scan.taken(AT_ONCE, &[HANDSHAKE_FAILURE], |suites| offer(suites, Hello::tls12()), |chosen| chosen.suite);
    // The same three, each with ECDHE and ECDSA.
    assert_eq!(in_tls12, [0xc02b, 0xc02c, 0xcca9].into());
}

#[test]
fn of_every_version_there_is_two_are_taken() {
    let scan = Scan::new();
    let (twelve, thirteen) = (Hello::tls12(), Hello::tls13());
    let offer = |offered: &[u16]| {
        let mut more = [twelve.more.clone(), thirteen.more.clone()].concat();
        more.retain(|(kind, _)| *kind != SUPPORTED_VERSIONS);
        more.push(versions(offered));
        Hello { suites: [&twelve.suites[..], &thirteen.suites].concat(), more, ..twelve.clone() }
    };
    let taken = scan.taken(VERSIONS_AT_ONCE, &[PROTOCOL_VERSION], offer, |chosen| chosen.version);
    assert_eq!(taken, [TLS12, TLS13].into());
    // As they were offered before TLS 1.3: the highest that the client speaks.
    for old in [0, 0x0002, 0x0200, 0x02ff, 0x0300, 0x0301, 0x0302] {
        let hello = Hello { version: old, ..Hello::tls12() };
        scan.refuses(PROTOCOL_VERSION, &hello, &format!("version {old:#06x}"));
    }
    for newer in [TLS12, TLS13, 0x03ff] {
        let hello = Hello { version: newer, ..Hello::tls12() };
        assert_eq!(scan.chooses(&hello).version, TLS12);
    }
}

#[test]
fn of_every_group_and_signature_scheme_there_is_the_strong_ones_are_taken() {
    let scan = Scan::new();
    let without_share = |groups: &[u16]| {
        let more = Hello::tls13().more.into_iter();
        let more = more.map(|(kind, body)| if kind == KEY_SHARE { (kind, vec![0, 0]) } else { (kind, body) });
        Hello { groups: groups.to_vec(), more: more.collect(), ..Hello::tls13() }
    };
    let asked_for = scan.taken(AT_ONCE, &[HANDSHAKE_FAILURE], without_share, |chosen| chosen.group.unwrap());
    // P-256, P-384, X25519, and X25519MLKEM768.
    assert_eq!(asked_for, [23, 24, 29, 4_588].into());
    let in_tls12 = |groups: &[u16]| Hello { groups: groups.to_vec(), ..Hello::tls12() };
    let agreed = scan.taken(AT_ONCE, &[HANDSHAKE_FAILURE], in_tls12, |chosen| chosen.group.unwrap());
    assert_eq!(agreed, [23, 24, 29].into());
    let in_tls12 = |schemes: &[u16]| Hello { schemes: schemes.to_vec(), ..Hello::tls12() };
    // Where the client takes ECDSA, but not with the curve of our key, the library has no word for it.
    let signed = scan.taken(AT_ONCE, &[HANDSHAKE_FAILURE, SILENCE], in_tls12, |chosen| chosen.scheme.unwrap());
    assert_eq!(signed, [0x0403].into(), "ECDSA with P-256 and SHA-256, as the certificate's key is");
}

#[test]
fn what_weakens_a_connection_is_not_agreed_on() {
    let scan = Scan::new();
    let kinds = |chosen: &Chosen| chosen.extensions.iter().map(|(kind, _)| *kind).collect::<BTreeSet<_>>();
    // Short records, short tags, stapling, point formats, heartbeats, h2, timestamps, MAC order, tickets, NPN, renegotiation.
    let offered = [
        (1, vec![1]),
        (4, vec![]),
        (5, vec![1, 0, 0, 0, 0]),
        (11, vec![1, 0]),
        (15, vec![1]),
        (16, b"\0\x03\x02h2".to_vec()),
        (18, vec![]),
        (22, vec![]),
        (EXTENDED_MASTER_SECRET, vec![]),
        (35, vec![]),
        (13_172, vec![]),
        (0xff01, vec![0]),
    ];
    let chosen = scan.chooses(&Hello { more: offered.to_vec(), ..Hello::tls12() });
    assert_eq!(kinds(&chosen), [16, EXTENDED_MASTER_SECRET, 0xff01].into());
    assert_eq!((chosen.session_id.as_slice(), chosen.compression), (&[][..], 0));

    // An earlier session of TLS 1.3, and early data in it.
    let identity = [&[0, 38, 0, 32][..], &[5; 32], &[0, 0, 0, 0], &[0, 33, 32], &[6; 32]].concat();
    let mut more = Hello::tls13().more;
    more.extend([(45, vec![1, 1]), (42, vec![]), (41, identity)]);
    assert_eq!(kinds(&scan.chooses(&Hello { more, ..Hello::tls13() })), [SUPPORTED_VERSIONS, KEY_SHARE].into());

    let deflated = |compressions| Hello { compressions, ..Hello::tls12() };
    assert_eq!(scan.chooses(&deflated(vec![1, 64, 0])).compression, 0);
    scan.refuses(ILLEGAL_PARAMETER, &deflated(vec![1]), "compression only");
    scan.refuses(HANDSHAKE_FAILURE, &Hello { more: vec![], ..Hello::tls12() }, "no extended master secret");
}

/// `openssl s_client` as the good backend, with these arguments; it is told `input`.
fn openssl(stage: &Stage, gateway: &Served, arguments: &[&str], input: &str) -> Output {
    let mut client = Command::new("openssl")
        .args(["s_client", "-servername", AUTHORITY, "-connect", &gateway.address.to_string()])
        .args(arguments)
        .arg("-CAfile")
        .arg(stage.path("pki/gateway-authority.pem"))
        .arg("-cert")
        .arg(stage.path("pki/backend.pem"))
        .arg("-key")
        .arg(stage.path("pki/backend.key"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    client.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    client.wait_with_output().unwrap()
}

#[test]
fn nothing_is_resumed_or_negotiated_anew() {
    let stage = Stage::new();
    // The refusal goes out when something else does: here, the end of the idle connection.
    stage.limit("idle_timeout_ms: 1s");
    let gateway = Served::on(&stage);
    for version in ["-tls1_2", "-tls1_3"] {
        let said = openssl(&stage, &gateway, &[version, "-reconnect"], "");
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        // It connects once, and five times with the session of the first.
        assert_eq!((said.matches("\nNew, ").count(), said.matches("\nReused, ").count()), (6, 0), "{said}");
        assert!(!said.contains("session ticket"), "{said}");
    }
    // `R` at its input asks for another handshake over the same connection.
    let said = openssl(&stage, &gateway, &["-tls1_2"], "R\n");
    let complained = String::from_utf8_lossy(&said.stderr).into_owned();
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("RENEGOTIATING") || complained.contains("RENEGOTIATING"), "{said}{complained}");
    assert!(complained.contains("no renegotiation"), "{said}{complained}");
}
