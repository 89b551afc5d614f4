//! Raw answers of the partner: what the caller is told, what is on record, and what becomes of the connection. Each row
//! changes one thing of the right answer; behind each stands a good command.

use crate::harness::Record;
use crate::harness::Scene;
use crate::harness::Told;
use crate::harness::bytes_of;
use portcullis::devkit::Misbehaviour;

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    /// It is passed on, and the connection is used again.
    Good,
    /// It is passed on, and the connection is not used again.
    GoodOnce,
    /// It is no valid HTTP: 504, the outcome is unknown, this word on record, the connection dropped.
    Unknown(&'static str),
    /// It is valid HTTP and not what the contract declares: 502, unknown, this word on record, the connection dropped.
    Undeclared(&'static str),
}

use Fate::Good;
use Fate::Undeclared;
use Fate::Unknown;

type Row = (&'static str, &'static str, &'static str, Fate);

const LINE: &str = "HTTP/1.1 200 OK\r\n";
const TYPE: &str = "Content-Type: ";
const LENGTH: &str = "Content-Length: ";

const STATUS_LINES: &[Row] = &[
    ("as it should be", LINE, "HTTP/1.1 200 OK\r\n", Good),
    ("no reason", LINE, "HTTP/1.1 200 \r\n", Good),
    ("a long reason", LINE, "HTTP/1.1 200 All is well, very well\r\n", Good),
    ("a byte above ASCII in the reason", LINE, "HTTP/1.1 200 \u{e9}\r\n", Good),
    ("no space behind the status", LINE, "HTTP/1.1 200\r\n", Unknown("status-line")),
    ("two spaces before the status", LINE, "HTTP/1.1  200 OK\r\n", Unknown("status-line")),
    ("a tab before the status", LINE, "HTTP/1.1\t200 OK\r\n", Unknown("status-line")),
    ("a tab behind the status", LINE, "HTTP/1.1 200\tOK\r\n", Unknown("status-line")),
    ("a space in front", LINE, " HTTP/1.1 200 OK\r\n", Unknown("status-line")),
    ("an empty line in front", LINE, "\r\nHTTP/1.1 200 OK\r\n", Unknown("status-line")),
    ("a line feed in front", LINE, "\nHTTP/1.1 200 OK\r\n", Unknown("status-line")),
    ("HTTP/1.0", LINE, "HTTP/1.0 200 OK\r\n", Unknown("status-line")),
    ("HTTP/1.2", LINE, "HTTP/1.2 200 OK\r\n", Unknown("status-line")),
    ("HTTP/2", LINE, "HTTP/2 200 OK\r\n", Unknown("status-line")),
    ("lower case", LINE, "http/1.1 200 OK\r\n", Unknown("status-line")),
    ("another protocol", LINE, "ICY 200 OK\r\n", Unknown("status-line")),
    ("no protocol", LINE, "200 OK\r\n", Unknown("status-line")),
    ("a status of two digits", LINE, "HTTP/1.1 20 OK\r\n", Unknown("status-line")),
    ("a status of four digits", LINE, "HTTP/1.1 2000 OK\r\n", Unknown("status-line")),
    ("a status with a sign", LINE, "HTTP/1.1 +20 OK\r\n", Unknown("status-line")),
    ("a status of letters", LINE, "HTTP/1.1 abc OK\r\n", Unknown("status-line")),
    ("a status below all", LINE, "HTTP/1.1 099 OK\r\n", Unknown("status-line")),
    ("a status beyond all", LINE, "HTTP/1.1 600 OK\r\n", Unknown("status-line")),
    ("a control in the reason", LINE, "HTTP/1.1 200 O\u{1}K\r\n", Unknown("status-line")),
    ("a NUL in the reason", LINE, "HTTP/1.1 200 O\0K\r\n", Unknown("status-line")),
    ("DEL in the reason", LINE, "HTTP/1.1 200 O\u{7f}K\r\n", Unknown("status-line")),
    ("LF behind it", LINE, "HTTP/1.1 200 OK\n", Unknown("status-line")),
    ("CR behind it", LINE, "HTTP/1.1 200 OK\r", Unknown("status-line")),
    ("CR CR LF behind it", LINE, "HTTP/1.1 200 OK\r\r\n", Unknown("status-line")),
    ("a request", LINE, "POST / HTTP/1.1\r\n", Unknown("status-line")),
    ("an interim answer before it", LINE, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n", Good),
    ("early hints before it", LINE, "HTTP/1.1 103 E\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n", Good),
    (
        "a malformed interim answer",
        LINE,
        "HTTP/1.1 103 E\r\nLink : x\r\n\r\nHTTP/1.1 200 OK\r\n",
        Unknown("field-line"),
    ),
    ("a switch of protocols", LINE, "HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\nHTTP/1.1 200 OK\r\n", Unknown("interim")),
    ("an undeclared success", LINE, "HTTP/1.1 201 Created\r\n", Undeclared("status-not-declared")),
    ("a redirect", LINE, "HTTP/1.1 302 Found\r\nLocation: /x\r\n", Undeclared("status-not-declared")),
    ("a refusal that is not declared", LINE, "HTTP/1.1 403 Forbidden\r\n", Undeclared("status-not-declared")),
    ("an error", LINE, "HTTP/1.1 500 Error\r\n", Undeclared("status-not-declared")),
    ("no content, with a length", LINE, "HTTP/1.1 204 No Content\r\n", Unknown("framing")),
    ("not modified, with a length", LINE, "HTTP/1.1 304 Not Modified\r\n", Unknown("framing")),
];

const FIELD_LINES: &[Row] = &[
    ("a field that nobody declared", TYPE, "X-Y: 1\r\nContent-Type: ", Good),
    ("an empty value", TYPE, "X-Y:\r\nContent-Type: ", Good),
    ("a byte above ASCII in a value", TYPE, "X-Y: \u{e9}\r\nContent-Type: ", Good),
    ("a space before the colon", TYPE, "Content-Type : ", Unknown("field-line")),
    ("a tab before the colon", TYPE, "Content-Type\t: ", Unknown("field-line")),
    ("no colon", TYPE, "X-Y\r\nContent-Type: ", Unknown("field-line")),
    ("no name", TYPE, ": 1\r\nContent-Type: ", Unknown("field-line")),
    ("a space in a name", TYPE, "X Y: 1\r\nContent-Type: ", Unknown("field-line")),
    ("a bracket in a name", TYPE, "X(Y): 1\r\nContent-Type: ", Unknown("field-line")),
    ("a NUL in a name", TYPE, "X\0Y: 1\r\nContent-Type: ", Unknown("field-line")),
    ("a byte above ASCII in a name", TYPE, "X\u{e9}: 1\r\nContent-Type: ", Unknown("field-line")),
    ("folded by a space", TYPE, "Content-Type:\r\n ", Unknown("field-line")),
    ("folded by a tab", TYPE, "Content-Type:\r\n\t", Unknown("field-line")),
    ("folded at the first field", TYPE, " Content-Type: ", Unknown("field-line")),
    ("LF alone", TYPE, "X-Y: 1\nContent-Type: ", Unknown("field-line")),
    ("CR alone", TYPE, "X-Y: 1\rContent-Type: ", Unknown("field-line")),
    ("CR CR LF", TYPE, "X-Y: 1\r\r\nContent-Type: ", Unknown("field-line")),
    ("a NUL in a value", TYPE, "X-Y: a\0b\r\nContent-Type: ", Unknown("field-line")),
    ("a bell in a value", TYPE, "X-Y: a\u{7}b\r\nContent-Type: ", Unknown("field-line")),
    ("DEL in a value", TYPE, "X-Y: a\u{7f}b\r\nContent-Type: ", Unknown("field-line")),
    ("a cookie", TYPE, "Set-Cookie: canary=1\r\nContent-Type: ", Good),
    ("a trailer announced", TYPE, "Trailer: X-Y\r\nContent-Type: ", Good),
    ("a close announced", TYPE, "Connection: x, close\r\nContent-Type: ", Fate::GoodOnce),
    ("no media type", TYPE, "X-Y: ", Undeclared("media-type-not-declared")),
    ("two media types", TYPE, "Content-Type: text/html\r\nContent-Type: ", Undeclared("media-type-not-declared")),
    ("coded", TYPE, "Content-Encoding: gzip\r\nContent-Type: ", Undeclared("encoded")),
    ("coded twice", TYPE, "Content-Encoding: identity, br\r\nContent-Type: ", Undeclared("encoded")),
    ("not coded, and said so", TYPE, "Content-Encoding: identity\r\nContent-Type: ", Good),
    ("no length", LENGTH, "X-Length: ", Unknown("framing")),
    ("two lengths", LENGTH, "Content-Length: 2\r\nContent-Length: ", Unknown("framing")),
    ("a list of lengths", LENGTH, "Content-Length: 2, ", Unknown("framing")),
    ("a signed length", LENGTH, "Content-Length: +", Unknown("framing")),
    ("a negative length", LENGTH, "Content-Length: -", Unknown("framing")),
    ("a hexadecimal length", LENGTH, "Content-Length: 0x", Unknown("framing")),
    ("a length of many digits", LENGTH, "Content-Length: 000000000", Unknown("framing")),
    ("a length beyond the limit", LENGTH, "Content-Length: 9999", Unknown("answer-too-large")),
    ("a length beside chunks", LENGTH, "Transfer-Encoding: chunked\r\nContent-Length: ", Unknown("framing")),
    ("a length beside another coding", LENGTH, "Transfer-Encoding: identity\r\nContent-Length: ", Unknown("framing")),
    ("a length that is not reached", LENGTH, "Content-Length: 1", Unknown("timeout")),
    ("a body that goes on", "{\"status\"", "{ \"status\"", Unknown("excess")),
    ("another answer behind it", "{\"status\"", "HTTP/1.1 200 OK\r\n\r\n{\"status\"", Unknown("excess")),
    ("a member more", "\"status\":\"opened\"", "\"door\":\"x\"       ", Undeclared("body-invalid")),
    ("a word that is not declared", "opened\"", "closed\"", Undeclared("body-invalid")),
    ("a member twice", "\"openedAt\"", "\"status\"  ", Undeclared("body-malformed")),
    ("no JSON", "{\"status\":", "<\"status\":", Undeclared("body-malformed")),
];

const CHUNKS: &[Row] = &[
    ("as they should be", "\r\nA\r\n", "\r\nA\r\n", Good),
    ("leading zeros", "\r\nA\r\n", "\r\n0000000a\r\n", Good),
    ("nine digits", "\r\nA\r\n", "\r\n00000000A\r\n", Unknown("framing")),
    ("0x before a size", "\r\nA\r\n", "\r\n0xA\r\n", Unknown("framing")),
    ("a sign", "\r\nA\r\n", "\r\n+A\r\n", Unknown("framing")),
    ("no size", "\r\nA\r\n", "\r\n\r\n", Unknown("framing")),
    ("a size that is none", "\r\nA\r\n", "\r\nG\r\n", Unknown("framing")),
    ("a size beyond the limit", "\r\nA\r\n", "\r\nFFFFFFFF\r\n", Unknown("answer-too-large")),
    ("a blank before the size", "\r\nA\r\n", "\r\n A\r\n", Unknown("framing")),
    ("a blank behind the size", "\r\nA\r\n", "\r\nA \r\n", Unknown("framing")),
    ("an extension", "\r\nA\r\n", "\r\nA;x=y\r\n", Unknown("framing")),
    ("LF behind the size", "\r\nA\r\n", "\r\nA\n", Unknown("framing")),
    ("CR behind the size", "\r\nA\r\n", "\r\nA\r", Unknown("framing")),
    ("more data than the size", "\r\nA\r\n", "\r\n9\r\n", Unknown("framing")),
    ("less data than the size", "\r\nA\r\n", "\r\nB\r\n", Unknown("framing")),
    ("LF behind the last chunk", "\r\n0\r\n\r\n", "\r\n0\n\r\n", Unknown("framing")),
    ("LF at the end", "\r\n0\r\n\r\n", "\r\n0\r\n\n", Unknown("framing")),
    ("an extension of the last chunk", "\r\n0\r\n\r\n", "\r\n0;x\r\n\r\n", Unknown("framing")),
    ("a trailer", "\r\n0\r\n\r\n", "\r\n0\r\nX-Y: z\r\n\r\n", Unknown("framing")),
    ("no end", "\r\n0\r\n\r\n", "\r\n", Unknown("timeout")),
    ("a byte behind the end", "\r\n0\r\n\r\n", "\r\n0\r\n\r\nx", Unknown("excess")),
    ("an answer behind the end", "\r\n0\r\n\r\n", "\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", Unknown("excess")),
    ("another coding", "chunked", "gzip", Unknown("framing")),
    ("two codings", "chunked", "gzip, chunked", Unknown("framing")),
    ("chunked twice", "chunked", "chunked, chunked", Unknown("framing")),
    ("an unknown coding", "chunked", "xchunked", Unknown("framing")),
    ("a coding on two lines", "Transfer-", "Transfer-Encoding: chunked\r\nTransfer-", Unknown("framing")),
    ("a length behind the coding", "Transfer-", "Content-Length: 5\r\nTransfer-", Unknown("framing")),
    ("no coding", "Transfer-Encoding", "X-Y", Unknown("framing")),
];

#[track_caller]
fn meet_all(rows: &[Row], altered: fn(&'static str, &'static str) -> Misbehaviour) {
    let scene = Scene::within("exchange_timeout_ms: 700ms");
    let partner = &scene.stage.partner;
    for (name, from, to, fate) in rows {
        let before = partner.progress();
        partner.behave(altered(from, to));
        let answer = scene.stage.wait(scene.command().give(&scene.backend)).unwrap();
        partner.behave_well();
        assert!(!answer.text().contains("canary"), "{name}: {}", answer.text());
        let receipt = answer.header("receipt-id").unwrap();
        let outcome = |record: &Record| record.text("receipt") == receipt && record.text("kind") == "outcome";
        let outcome = scene.stage.records().into_iter().find(outcome).unwrap();
        let met = (Told::by(&answer), outcome.text("state"), outcome.text("detail").split(' ').next().unwrap());
        let (told, state, detail, reused) = match fate {
            Fate::Good => (Told(200, String::new()), "done", "", true),
            Fate::GoodOnce => (Told(200, String::new()), "done", "", false),
            Fate::Unknown(word) => (Told(504, "outcome-unknown".into()), "unknown", *word, false),
            Fate::Undeclared(word) => (Told(502, "bad-partner-answer".into()), "unknown", *word, false),
        };
        assert_eq!(met, (told, state, detail), "{name}");
        let answered = partner.raw().into_iter().flat_map(|connection| connection.answered).collect::<Vec<_>>();
        let wanted = bytes_of(to);
        assert!(answered.windows(wanted.len()).any(|bytes| bytes == wanted), "{name}: the answer was not altered");
        let good = scene.stage.wait(scene.command().give(&scene.backend)).unwrap();
        assert_eq!(good.status, 200, "{name}: the next one gets its own answer");
        let after = partner.progress();
        let connections = before.connections + usize::from(!reused);
        assert_eq!((after.requests, after.connections), (before.requests + 2, connections), "{name}");
    }
    assert_eq!(partner.refusals(), [""; 0]);
}

#[test]
fn every_status_line_of_the_table_meets_its_fate() {
    meet_all(STATUS_LINES, |from, to| Misbehaviour::Altered { from, to });
}

#[test]
fn every_field_length_and_body_of_the_table_meets_its_fate() {
    meet_all(FIELD_LINES, |from, to| Misbehaviour::Altered { from, to });
}

#[test]
fn every_chunked_answer_of_the_table_meets_its_fate() {
    meet_all(CHUNKS, |from, to| Misbehaviour::AlteredChunks { from, to });
}
