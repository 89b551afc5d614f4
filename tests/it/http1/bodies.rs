//! Bodies of requests: chunks, lengths, and what is neither.

use crate::harness::Command;
use crate::harness::Fate;
use crate::harness::Scene;
use crate::http1::Row;
use crate::http1::meet_all;

const BAD: Fate = Fate::Ends(400);

/// Chunks; the good request has `a`, ten bytes, `2F`, the rest, and the end.
const CHUNKS: &[Row] = &[
    ("as they should be", "\r\na\r\n", "\r\na\r\n", Fate::LivesOn(200)),
    ("a size in upper case", "\r\na\r\n", "\r\nA\r\n", Fate::LivesOn(200)),
    ("leading zeros", "\r\na\r\n", "\r\n0000000a\r\n", Fate::LivesOn(200)),
    ("a last chunk of many zeros", "\r\n0\r\n\r\n", "\r\n00000000\r\n\r\n", Fate::LivesOn(200)),
    ("nine digits", "\r\na\r\n", "\r\n00000000a\r\n", BAD),
    ("a last chunk of nine zeros", "\r\n0\r\n\r\n", "\r\n000000000\r\n\r\n", BAD),
    ("a size beyond 64 bits", "\r\na\r\n", "\r\n1000000000000000a\r\n", BAD),
    ("a size that wraps round", "\r\na\r\n", "\r\nffffffffffffffff\r\n", BAD),
    ("0x before a size", "\r\na\r\n", "\r\n0xa\r\n", BAD),
    ("a plus sign", "\r\na\r\n", "\r\n+a\r\n", BAD),
    ("a minus sign", "\r\na\r\n", "\r\n-a\r\n", BAD),
    ("an underscore", "\r\na\r\n", "\r\n0_a\r\n", BAD),
    ("a point", "\r\na\r\n", "\r\na.0\r\n", BAD),
    ("no size", "\r\na\r\n", "\r\n\r\n", BAD),
    ("no digit", "\r\na\r\n", "\r\ng\r\n", BAD),
    ("a digit of another script", "\r\na\r\n", "\r\n\u{b2}\r\n", BAD),
    ("a NUL behind the size", "\r\na\r\n", "\r\na\0\r\n", BAD),
    ("a blank before the size", "\r\na\r\n", "\r\n a\r\n", BAD),
    ("a blank behind the size", "\r\na\r\n", "\r\na \r\n", BAD),
    ("a tab behind the size", "\r\na\r\n", "\r\na\t\r\n", BAD),
    ("a form feed behind the size", "\r\na\r\n", "\r\na\u{c}\r\n", BAD),
    ("an extension", "\r\na\r\n", "\r\na;x=y\r\n", BAD),
    ("an extension without value", "\r\na\r\n", "\r\na;x\r\n", BAD),
    ("an extension without name", "\r\na\r\n", "\r\na;\r\n", BAD),
    ("an extension in quotes", "\r\na\r\n", "\r\na;x=\"y\"\r\n", BAD),
    ("an extension with a line feed", "\r\na\r\n", "\r\na;\n\r\n", BAD),
    ("an extension of the last chunk", "\r\n0\r\n\r\n", "\r\n0;x=y\r\n\r\n", BAD),
    ("LF behind the size", "\r\na\r\n", "\r\na\n", BAD),
    ("CR behind the size", "\r\na\r\n", "\r\na\r", BAD),
    ("CR CR LF behind the size", "\r\na\r\n", "\r\na\r\r\n", BAD),
    ("LF CR behind the size", "\r\na\r\n", "\r\na\n\r", BAD),
    ("LF behind the data", "\r\n2F\r\n", "\n2F\r\n", BAD),
    ("CR behind the data", "\r\n2F\r\n", "\r2F\r\n", BAD),
    ("nothing behind the data", "\r\n2F\r\n", "2F\r\n", BAD),
    ("more data than the size", "\r\n2F\r\n", "x\r\n2F\r\n", BAD),
    ("less data than the size", "\r\na\r\n", "\r\nb\r\n", BAD),
    ("an empty line too much", "\r\n2F\r\n", "\r\n\r\n2F\r\n", BAD),
    ("LF behind the last chunk", "\r\n0\r\n\r\n", "\r\n0\n\r\n", BAD),
    ("LF at the end", "\r\n0\r\n\r\n", "\r\n0\r\n\n", BAD),
    ("a trailer", "\r\n0\r\n\r\n", "\r\n0\r\nX-Late: 1\r\n\r\n", BAD),
    ("a trailer that would frame", "\r\n0\r\n\r\n", "\r\n0\r\nContent-Length: 5\r\n\r\n", BAD),
    ("a trailer that would authorise", "\r\n0\r\n\r\n", "\r\n0\r\nAuthorization: Bearer x\r\n\r\n", BAD),
    (
        "another request where a trailer would stand",
        "\r\n0\r\n\r\n",
        "\r\n0\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n",
        BAD,
    ),
    ("a chunk behind the last", "\r\n0\r\n\r\n", "\r\n0\r\n2\r\n{}\r\n0\r\n\r\n", BAD),
];

/// Lengths; the good request has 57 bytes of body.
const LENGTHS: &[Row] = &[
    ("as it should be", "Content-Length: ", "Content-Length: ", Fate::LivesOn(200)),
    ("blanks around", "Content-Length: 57", "Content-Length:\t 57 \t", Fate::LivesOn(200)),
    ("leading zeros", "Content-Length: 57", "Content-Length: 0000000057", Fate::LivesOn(200)),
    ("eleven digits", "Content-Length: 57", "Content-Length: 00000000057", BAD),
    ("empty", "Content-Length: 57", "Content-Length: ", BAD),
    ("signed", "Content-Length: 57", "Content-Length: +57", BAD),
    ("negative", "Content-Length: 57", "Content-Length: -57", BAD),
    ("hexadecimal", "Content-Length: 57", "Content-Length: 0x39", BAD),
    ("with an exponent", "Content-Length: 57", "Content-Length: 57e0", BAD),
    ("with a point", "Content-Length: 57", "Content-Length: 57.0", BAD),
    ("with a unit", "Content-Length: 57", "Content-Length: 57 bytes", BAD),
    ("a list", "Content-Length: 57", "Content-Length: 57, 57", BAD),
    ("an empty member of a list", "Content-Length: 57", "Content-Length: 57,", BAD),
    ("quoted", "Content-Length: 57", "Content-Length: \"57\"", BAD),
    ("a blank inside", "Content-Length: 57", "Content-Length: 5 7", BAD),
    ("twice the same", "Content-Length: 57", "Content-Length: 57\r\nContent-Length: 57", BAD),
    ("twice another", "Content-Length: 57", "Content-Length: 57\r\nContent-Length: 2", BAD),
    ("in two spellings", "Content-Length: 57", "Content-Length: 57\r\nCONTENT-LENGTH: 57", BAD),
    ("beyond 64 bits", "Content-Length: 57", "Content-Length: 18446744073709551673", BAD),
    ("with chunks", "Content-Length: 57", "Content-Length: 57\r\nTransfer-Encoding: chunked", BAD),
    ("behind chunks", "Content-Length: 57", "Transfer-Encoding: chunked\r\nContent-Length: 57", BAD),
    ("beyond the limit", "Content-Length: 57", "Content-Length: 65537", Fate::Ends(413)),
    ("none at all", "Content-Length: 57\r\n", "", Fate::TakenApart(400, 400)),
    ("zero", "Content-Length: 57", "Content-Length: 0", Fate::TakenApart(400, 400)),
    ("one too few", "Content-Length: 57", "Content-Length: 56", Fate::TakenApart(400, 400)),
    ("a body at the length", "Content-Length: 57", "Content-Length: 57\r\nX-Y: z", Fate::LivesOn(200)),
];

/// Transfer codings of a request in chunks.
const CODINGS: &[Row] = &[
    ("in upper case", "chunked", "CHUNKED", Fate::LivesOn(200)),
    ("identity", "chunked", "identity", BAD),
    ("gzip", "chunked", "gzip", BAD),
    ("gzip and chunked", "chunked", "gzip, chunked", BAD),
    ("chunked and gzip", "chunked", "chunked, gzip", BAD),
    ("chunked twice", "chunked", "chunked, chunked", BAD),
    ("chunked and identity", "chunked", "chunked, identity", BAD),
    ("an empty member", "chunked", ", chunked", BAD),
    ("an empty member behind", "chunked", "chunked,", BAD),
    ("empty", "chunked", "", BAD),
    ("quoted", "chunked", "\"chunked\"", BAD),
    ("with a parameter", "chunked", "chunked;q=1", BAD),
    ("xchunked", "chunked", "xchunked", BAD),
    ("chunkedx", "chunked", "chunkedx", BAD),
    ("chunke", "chunked", "chunke", BAD),
    ("a vertical tab before it", "chunked", "\u{b}chunked", BAD),
    ("a NUL behind it", "chunked", "chunked\0", BAD),
    ("on two lines", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", BAD),
    ("identity first", "Transfer-Encoding: chunked", "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", BAD),
    ("a space before the colon", "Transfer-Encoding: chunked", "Transfer-Encoding : chunked", BAD),
    ("folded", "Transfer-Encoding: chunked", "Transfer-Encoding:\r\n chunked", BAD),
    ("a bare line feed before it", "Transfer-Encoding: chunked", "X: y\nTransfer-Encoding: chunked", BAD),
    (
        "an underscore in its name",
        "Transfer-Encoding: chunked",
        "Transfer_Encoding: chunked",
        Fate::TakenApart(400, 400),
    ),
];

#[test]
fn every_chunked_body_of_the_table_meets_its_fate() {
    let scene = Scene::new();
    meet_all(&scene, Command::in_chunks, CHUNKS);
}

#[test]
fn every_length_of_the_table_meets_its_fate() {
    let scene = Scene::new();
    meet_all(&scene, Command::with_length, LENGTHS);
}

#[test]
fn every_transfer_coding_of_the_table_meets_its_fate() {
    let scene = Scene::new();
    meet_all(&scene, Command::in_chunks, CODINGS);
}

#[test]
fn who_comes_too_soon_keeps_the_connection_where_the_whole_body_came_along() {
    const NEXT: &[u8] = b"GET /-/nothing HTTP/1.1\r\nHost: smarthome.gateway.prop.example\r\nConnection: close\r\n\r\n";
    let body = Scene::new().command().body.len();
    // One command each minute, which the scene itself has given.
    let scene = |drain: usize| Scene::within(&format!("subject_rate_per_minute: 1, drain_max_bytes: {drain}B"));
    let statuses = |scene: &Scene, pieces: &[&[u8]]| {
        let answers = scene.answers(pieces);
        answers.iter().map(|answer| (answer.status, answer.header("connection") == Some("close"))).collect::<Vec<_>>()
    };
    let (ends, lives_on) = (vec![(429, true)], vec![(429, false), (404, true)]);
    let at = scene(body);
    let command = at.command();
    let head = format!("{}Content-Length: {body}\r\n\r\n", command.head());
    let expecting = format!("{}Expect: 100-continue\r\nContent-Length: {body}\r\n\r\n", command.head());
    let bad_chunks = format!("{}Transfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n0\r\n\r\n", command.head());
    for (what, pieces, expected) in [
        ("at the limit", [command.with_length().as_bytes(), NEXT], &lives_on),
        ("in chunks", [command.in_chunks().as_bytes(), NEXT], &lives_on),
        ("still on its way", [head.as_bytes(), b""], &ends),
        ("not asked for", [expecting.as_bytes(), b""], &ends),
        ("broken off by bad chunks", [bad_chunks.as_bytes(), NEXT], &ends),
    ] {
        assert_eq!(statuses(&at, &pieces), *expected, "{what}");
    }
    let past = scene(body - 1);
    assert_eq!(statuses(&past, &[past.command().with_length().as_bytes(), NEXT]), ends, "one byte past the limit");
}
