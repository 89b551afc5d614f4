//! Heads of requests: the request line, field lines, the host, and what is refused wherever it stands.

use crate::harness::Command;
use crate::harness::Fate;
use crate::harness::Scene;
use crate::http1::Row;
use crate::http1::meet_all;

const BAD: Fate = Fate::Ends(400);
const OPEN: &str = "POST /v1/houses/house-1/doors/door-1/open?reason=guest HTTP/1.1\r\n";
const HOST: &str = "Host: smarthome.gateway.prop.example\r\n";

const REQUEST_LINES: &[Row] = &[
    ("as it should be", "POST ", "POST ", Fate::LivesOn(200)),
    ("two spaces behind the method", "POST ", "POST  ", BAD),
    ("a tab behind the method", "POST ", "POST\t", BAD),
    ("two spaces behind the target", " HTTP/1.1\r\n", "  HTTP/1.1\r\n", BAD),
    ("a tab behind the target", " HTTP/1.1\r\n", "\tHTTP/1.1\r\n", BAD),
    ("a space at the end", " HTTP/1.1\r\n", " HTTP/1.1 \r\n", BAD),
    ("a space at the front", "POST ", " POST ", BAD),
    ("an empty line at the front", "POST ", "\r\nPOST ", BAD),
    ("a line feed at the front", "POST ", "\nPOST ", BAD),
    ("a method in lower case", "POST ", "post ", BAD),
    ("a method in mixed case", "POST ", "pOST ", BAD),
    ("a method that no token can be", "POST ", "PO(T ", BAD),
    ("a method of seventeen letters", "POST ", "POSTPOSTPOSTPOSTP ", BAD),
    ("a method of no letters", "POST ", " ", BAD),
    ("a byte of another script", "POST ", "P\u{d5}ST ", BAD),
    ("CONNECT", "POST ", "CONNECT ", Fate::Ends(405)),
    ("TRACE", "POST ", "TRACE ", Fate::Ends(405)),
    ("OPTIONS", "POST ", "OPTIONS ", Fate::Ends(405)),
    ("PRI", OPEN, "PRI * HTTP/2.0\r\n", BAD),
    ("HTTP/0.9", " HTTP/1.1\r\n", "\r\n", BAD),
    ("HTTP/1.0", " HTTP/1.1\r\n", " HTTP/1.0\r\n", BAD),
    ("HTTP/1.2", " HTTP/1.1\r\n", " HTTP/1.2\r\n", BAD),
    ("HTTP/2", " HTTP/1.1\r\n", " HTTP/2\r\n", BAD),
    ("HTTP/2.0", " HTTP/1.1\r\n", " HTTP/2.0\r\n", BAD),
    ("HTTP/1.10", " HTTP/1.1\r\n", " HTTP/1.10\r\n", BAD),
    ("HTTP/01.1", " HTTP/1.1\r\n", " HTTP/01.1\r\n", BAD),
    ("http/1.1 in lower case", " HTTP/1.1\r\n", " http/1.1\r\n", BAD),
    ("another protocol", " HTTP/1.1\r\n", " ICAP/1.1\r\n", BAD),
    ("a third word behind the version", " HTTP/1.1\r\n", " HTTP/1.1 HTTP/1.1\r\n", BAD),
    ("LF behind the request line", " HTTP/1.1\r\n", " HTTP/1.1\n", BAD),
    ("CR behind the request line", " HTTP/1.1\r\n", " HTTP/1.1\r", BAD),
    ("CR CR LF behind the request line", " HTTP/1.1\r\n", " HTTP/1.1\r\r\n", BAD),
    ("a space in the target", "?reason=guest", "?reason= guest", BAD),
    ("a fragment", "?reason=guest", "?reason=guest#top", BAD),
    ("an absolute target", "POST /v1", "POST https://smarthome.gateway.prop.example/v1", BAD),
    ("an absolute target elsewhere", "POST /v1", "POST http://other.example/v1", BAD),
    ("an asterisk", OPEN, "OPTIONS * HTTP/1.1\r\n", BAD),
    ("an authority as target", OPEN, "CONNECT a.example:443 HTTP/1.1\r\n", BAD),
    ("no slash in front", "POST /v1", "POST v1", BAD),
    ("an empty target", "POST /v1/houses/house-1/doors/door-1/open?reason=guest ", "POST  ", BAD),
    ("a NUL in the target", "?reason=guest", "?reason=gu\0est", BAD),
    ("a bell in the target", "?reason=guest", "?reason=gu\u{7}est", BAD),
    ("DEL in the target", "?reason=guest", "?reason=gu\u{7f}est", BAD),
    ("a byte above ASCII in the target", "?reason=guest", "?reason=gu\u{e9}st", BAD),
    ("UTF-8 in the target", "?reason=guest", "?reason=gu\u{c3}\u{a9}st", BAD),
    ("a quotation mark in the target", "?reason=guest", "?reason=\"guest\"", BAD),
    ("a backslash in the target", "/doors/", "\\doors\\", BAD),
    ("braces in the target", "?reason=guest", "?reason={guest}", BAD),
    ("a pipe in the target", "?reason=guest", "?reason=a|b", BAD),
    ("a caret in the target", "?reason=guest", "?reason=a^b", BAD),
    ("a grave accent in the target", "?reason=guest", "?reason=a`b", BAD),
    ("brackets in the target", "?reason=guest", "?reason[]=guest", BAD),
];

const FIELD_LINES: &[Row] = &[
    ("an empty value", HOST, "X-Y:\r\nHost: smarthome.gateway.prop.example\r\n", Fate::LivesOn(200)),
    ("a value of blanks", HOST, "X-Y: \t \r\nHost: smarthome.gateway.prop.example\r\n", Fate::LivesOn(200)),
    ("no blank behind the colon", "Host: ", "Host:", Fate::LivesOn(200)),
    ("every sign of a token", "Host: ", "!#$%&'*+-.^_`|~9aZ: 1\r\nHost: ", Fate::LivesOn(200)),
    ("a byte above ASCII in a value", "Host: ", "X-Y: \u{e9}\r\nHost: ", Fate::LivesOn(200)),
    ("a space before the colon", "Content-Type:", "Content-Type :", BAD),
    ("a tab before the colon", "Content-Type:", "Content-Type\t:", BAD),
    ("no colon", "Host: ", "X-Y\r\nHost: ", BAD),
    ("no name", "Host: ", ": 1\r\nHost: ", BAD),
    ("a name of blanks", "Host: ", " : 1\r\nHost: ", BAD),
    ("a space in a name", "Host: ", "X Y: 1\r\nHost: ", BAD),
    ("a bracket in a name", "Host: ", "X(Y): 1\r\nHost: ", BAD),
    ("a quotation mark in a name", "Host: ", "\"X\": 1\r\nHost: ", BAD),
    ("a slash in a name", "Host: ", "X/Y: 1\r\nHost: ", BAD),
    ("a NUL in a name", "Host: ", "X\0Y: 1\r\nHost: ", BAD),
    ("a byte above ASCII in a name", "Host: ", "X\u{e9}: 1\r\nHost: ", BAD),
    ("a pseudo-field", "Host: ", ":path: /x\r\nHost: ", BAD),
    ("folded by a space", "Content-Type: ", "Content-Type:\r\n ", BAD),
    ("folded by a tab", "Content-Type: ", "Content-Type:\r\n\t", BAD),
    ("folded at the first field", HOST, " Host: smarthome.gateway.prop.example\r\n", BAD),
    ("LF alone", "Content-Type: ", "X-Y: 1\nContent-Type: ", BAD),
    ("CR alone", "Content-Type: ", "X-Y: 1\rContent-Type: ", BAD),
    ("CR CR LF", "Content-Type: ", "X-Y: 1\r\r\nContent-Type: ", BAD),
    ("LF CR", "Content-Type: ", "X-Y: 1\n\rContent-Type: ", BAD),
    ("a NUL in a value", "Host: ", "X-Y: a\0b\r\nHost: ", BAD),
    ("a bell in a value", "Host: ", "X-Y: a\u{7}b\r\nHost: ", BAD),
    ("an escape in a value", "Host: ", "X-Y: a\u{1b}b\r\nHost: ", BAD),
    ("DEL in a value", "Host: ", "X-Y: a\u{7f}b\r\nHost: ", BAD),
    ("a vertical tab in a value", "Host: ", "X-Y: a\u{b}b\r\nHost: ", BAD),
    ("a form feed in a value", "Host: ", "X-Y: a\u{c}b\r\nHost: ", BAD),
];

const HOSTS: &[Row] = &[
    (
        "in upper case",
        "Host: smarthome.gateway.prop.example",
        "HOST: SMARTHOME.gateway.prop.example",
        Fate::LivesOn(200),
    ),
    ("with a port", "prop.example\r\n", "prop.example:8443\r\n", Fate::LivesOn(200)),
    ("none", HOST, "", BAD),
    ("empty", HOST, "Host: \r\n", BAD),
    ("twice", "Host: ", "Host: smarthome.gateway.prop.example\r\nHost: ", BAD),
    ("twice, another", "Host: ", "Host: other.example\r\nHost: ", BAD),
    ("another", HOST, "Host: other.example\r\n", Fate::Ends(421)),
    ("a part of it", HOST, "Host: gateway.prop.example\r\n", Fate::Ends(421)),
    ("with a point behind", "prop.example\r\n", "prop.example.\r\n", Fate::Ends(421)),
    ("a list", "prop.example\r\n", "prop.example, other.example\r\n", BAD),
    ("with a user", "Host: ", "Host: user@", BAD),
    ("with a path", "prop.example\r\n", "prop.example/x\r\n", BAD),
    ("with a scheme", "Host: ", "Host: https://", BAD),
    ("with a blank", "Host: smarthome.", "Host: smarthome .", BAD),
    ("with an underscore", "Host: smarthome.", "Host: smart_home.", BAD),
    ("with a percent sign", "Host: smarthome.", "Host: smarthome%2e", BAD),
    ("with a byte above ASCII", "Host: smarthome.", "Host: sm\u{e4}rthome.", BAD),
    ("with a port of letters", "prop.example\r\n", "prop.example:https\r\n", Fate::Ends(421)),
    ("with two ports", "prop.example\r\n", "prop.example:1:2\r\n", Fate::Ends(421)),
    ("with an empty port", "prop.example\r\n", "prop.example:\r\n", Fate::Ends(421)),
    ("an address", HOST, "Host: 127.0.0.1\r\n", Fate::Ends(421)),
    ("a bracketed address", HOST, "Host: [::1]\r\n", Fate::Ends(421)),
];

const REFUSED: &[Row] = &[
    ("Upgrade", "Host: ", "Upgrade: h2c\r\nHost: ", BAD),
    ("Upgrade with Connection", "Host: ", "Connection: Upgrade\r\nUpgrade: websocket\r\nHost: ", BAD),
    ("Connection that names Upgrade", "Host: ", "Connection: keep-alive, upgrade\r\nHost: ", BAD),
    ("HTTP2-Settings", "Host: ", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nHost: ", BAD),
    ("Trailer", "Host: ", "Trailer: Expires\r\nHost: ", BAD),
    ("TE that is not trailers", "Host: ", "TE: gzip\r\nHost: ", BAD),
    ("an unknown expectation", "Host: ", "Expect: 200-ok\r\nHost: ", BAD),
    ("two expectations", "Host: ", "Expect: 100-continue, x\r\nHost: ", BAD),
    ("a method override", "Host: ", "X-HTTP-Method-Override: GET\r\nHost: ", BAD),
    ("another method override", "Host: ", "X-Method-Override: GET\r\nHost: ", BAD),
    ("a third method override", "Host: ", "X-HTTP-Method: GET\r\nHost: ", BAD),
    ("X-Forwarded-For", "Host: ", "X-Forwarded-For: 10.0.0.1\r\nHost: ", BAD),
    ("X-Forwarded-Host", "Host: ", "x-forwarded-host: other.example\r\nHost: ", BAD),
    ("X-Forwarded-Anything", "Host: ", "X-Forwarded-Client-Cert: x\r\nHost: ", BAD),
    ("Forwarded", "Host: ", "Forwarded: for=10.0.0.1\r\nHost: ", BAD),
    ("X-Original-URL", "Host: ", "X-Original-URL: /-/revocations\r\nHost: ", BAD),
    ("X-Rewrite-URL", "Host: ", "X-Rewrite-URL: /-/revocations\r\nHost: ", BAD),
    ("Range", "Host: ", "Range: bytes=0-1\r\nHost: ", BAD),
    ("Content-Range", "Host: ", "Content-Range: bytes 0-1/2\r\nHost: ", BAD),
    ("Cookie", "Host: ", "Cookie: a=b\r\nHost: ", BAD),
    ("Content-Encoding", "Host: ", "Content-Encoding: gzip\r\nHost: ", Fate::Ends(415)),
    ("a second Content-Type", "Host: ", "Content-Type: application/json\r\nHost: ", Fate::Ends(415)),
    ("a second Authorization", "Host: ", "Authorization: Bearer x\r\nHost: ", Fate::Ends(401)),
    ("a second Idempotency-Key", "Host: ", "Idempotency-Key: x\r\nHost: ", Fate::Ends(400)),
    ("a second DPoP", "Host: ", "DPoP: x\r\nHost: ", Fate::Ends(401)),
    ("a second Command-Time", "Host: ", "Command-Time: @1\r\nCommand-Time: @1\r\nHost: ", Fate::Ends(400)),
];

#[test]
fn every_request_line_of_the_table_meets_its_fate() {
    meet_all(&Scene::within("head_timeout_ms: 1s"), Command::with_length, REQUEST_LINES);
}

#[test]
fn every_field_line_of_the_table_meets_its_fate() {
    meet_all(&Scene::new(), Command::with_length, FIELD_LINES);
}

#[test]
fn every_host_of_the_table_meets_its_fate() {
    meet_all(&Scene::new(), Command::with_length, HOSTS);
}

#[test]
fn every_field_that_is_refused_wherever_it_stands_ends_its_request() {
    meet_all(&Scene::new(), Command::with_length, REFUSED);
}

#[test]
fn a_head_that_is_not_whole_gets_no_answer() {
    let scene = Scene::within("head_timeout_ms: 100ms");
    let good = scene.command().with_length();
    let (head, _) = good.split_once("\r\n\r\n").unwrap();
    for end in [1, 4, 5, OPEN.len() - 2, OPEN.len() - 1, OPEN.len(), head.len(), head.len() + 2, head.len() + 3] {
        scene.meets(&format!("{end} bytes"), &good.as_bytes()[..end], Fate::Silence);
    }
    // Not HTTP/1.1 at all: whatever never ends a head is never answered.
    for bytes in ["\x16\x03\x01\x02\x00", "\0", "HELO a.example\r\n", "PRI * HTTP/2.0\r\n"] {
        scene.meets(bytes, bytes.as_bytes(), Fate::Silence);
    }
}
