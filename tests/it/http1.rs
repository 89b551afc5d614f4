//! HTTP/1.1 over real sockets: where a request ends, when a body is asked for, and how a connection ends.

use crate::harness::Command;
use crate::harness::Fate;
use crate::harness::Scene;
use crate::harness::bytes_of;
use crate::harness::now;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::Backend;

mod bodies;
mod heads;

/// The reason on record of the answer that comes to these pieces, the only one.
#[track_caller]
fn reason_of_the_only_answer(scene: &Scene, what: &str, pieces: &[&[u8]], status: u16) -> String {
    let answers = scene.answers(pieces);
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [status], "{what}: one answer, and then the end");
    scene.record(answers[0].header("receipt-id").unwrap()).text("reason").to_owned()
}

#[test]
fn no_second_request_is_found_behind_a_chunk_that_is_malformed() {
    let scene = Scene::new();
    let head = || format!("{}Transfer-Encoding: chunked\r\n\r\n", scene.command().head());
    for (what, first, second) in [
        ("with the head", head() + "ZZ\r\n", String::new()),
        ("in a later record", head(), "ZZ\r\n".to_owned()),
        ("behind a good chunk", head() + "2\r\n{\"\r\n", "ZZ\r\n".to_owned()),
        ("an extension", head() + "2", ";x=y\r\n{}\r\n0\r\n\r\n".to_owned()),
        ("a trailer", head() + "2\r\n{}\r\n0\r\n", "X-Late: 1\r\n\r\n".to_owned()),
        ("a last chunk that breaks off", head() + "2\r\n{}\r\n0\r\n", "POST".to_owned()),
    ] {
        let next = scene.command().with_length();
        let pieces = [first.as_bytes(), second.as_bytes(), next.as_bytes()];
        assert_eq!(reason_of_the_only_answer(&scene, what, &pieces, 400), "malformed-head", "{what}");
        scene.passes_after(what);
    }
}

#[test]
fn a_request_in_chunks_is_served_however_it_is_cut_and_the_next_one_behind_it() {
    let scene = Scene::new();
    let request = scene.command().in_chunks();
    let head = request.find("\r\n\r\n").unwrap() + 4;
    for cut in [head, head + 1, head + 2, head + 3, head + 8, request.len() - 3, request.len() - 1] {
        let (request, next) = (scene.command().in_chunks(), scene.command().with_length());
        let (first, second) = request.as_bytes().split_at(cut);
        let last = format!("GET /-/x HTTP/1.1\r\nHost: {AUTHORITY}\r\nConnection: close\r\n\r\n");
        let answers = scene.answers(&[first, &[second, next.as_bytes()].concat(), last.as_bytes()]);
        assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200, 200, 404], "{cut}");
    }
}

#[test]
fn who_is_refused_reads_the_answer_though_much_still_comes() {
    let scene = Scene::new();
    let much = vec![b'x'; 60 * 1024];
    let bad_head = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\n".as_slice();
    let no_token = Command { token: None, ..scene.command() };
    let unread = format!("{}Content-Length: 61440\r\n\r\n", no_token.head());
    for _ in 0..5 {
        let bad_chunks = format!("{}Transfer-Encoding: chunked\r\n\r\nZZ\r\n", scene.command().head());
        for (what, head, status) in
            [("a head", bad_head, 400), ("no token", unread.as_bytes(), 401), ("chunks", bad_chunks.as_bytes(), 400)]
        {
            reason_of_the_only_answer(&scene, what, &[head, &much], status);
        }
    }
    scene.passes();
}

#[test]
fn a_body_is_asked_for_once_the_caller_is_admitted_and_never_when_refused() {
    let scene = Scene::within("body_timeout_ms: 1m");
    let expecting = |command: &Command| {
        format!("{}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n", command.head(), command.body.len())
    };
    let good = scene.command();
    let revoked =
        scene.command().bearing(scene.stage.sessions.mint(&scene.stage.claims().with("jti", "gone")).unwrap());
    let order = br#"{"kind":"token","value":"gone","tenant":"north"}"#;
    let headers = [("Content-Type", "application/json")];
    assert_eq!(scene.stage.wait(scene.backend.call("POST", "/-/revocations", &headers, order)).unwrap().status, 200);
    for (command, status) in [
        (Command { token: None, ..good.clone() }, "401"),
        (good.clone().bearing("a.b.c".into()), "401"),
        (revoked, "403"),
        (Command { time: Some(format!("@{}", now().get() - 30)), ..good.clone() }, "403"),
        (good.clone().to("/v1/houses/house-1/doors/door-1/close"), "404"),
        (Command { media_type: Some("text/plain".into()), ..good.clone() }, "415"),
    ] {
        // The body never comes, and nobody waits for it.
        let said = scene.stage.wait(async {
            let mut connection = scene.backend.connect().await.unwrap();
            connection.send(expecting(&command).as_bytes()).await.unwrap();
            String::from_utf8(connection.rest().await.unwrap()).unwrap()
        });
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")) && !said.contains("100 Continue"), "{said}");
        scene.passes_after(status);
    }
    let answered = scene.stage.wait(async {
        let mut connection = scene.backend.connect().await.unwrap();
        let last = format!("GET /-/x HTTP/1.1\r\nHost: {AUTHORITY}\r\nConnection: close\r\n\r\n");
        connection.send(expecting(&good).as_bytes()).await.unwrap();
        connection.send(&[&good.body, last.as_bytes()].concat()).await.unwrap();
        String::from_utf8(connection.rest().await.unwrap()).unwrap()
    });
    let statuses: Vec<_> = answered.split("HTTP/1.1 ").skip(1).filter_map(|answer| answer.get(..3)).collect();
    assert_eq!(statuses, ["100", "200", "404"], "{answered}");
}

#[test]
fn a_coded_body_is_an_unsupported_media_type_and_identity_is_none() {
    let scene = Scene::new();
    for coding in ["gzip", "br", "deflate", "identity, gzip", "identity, identity", "", "x", "aws-chunked"] {
        scene.refuses(&scene.command().with("Content-Encoding", coding), 415, "media-type-not-declared");
    }
    scene.refuses(
        &scene.command().with("Content-Encoding", "identity").with("Content-Encoding", "gzip"),
        415,
        "media-type-not-declared",
    );
    scene.passes();
    for coding in ["identity", "Identity"] {
        let answer = scene.stage.wait(scene.command().with("Content-Encoding", coding).give(&scene.backend)).unwrap();
        assert_eq!(answer.status, 200);
    }
    let sent: Vec<u8> = scene.stage.partner.raw().into_iter().flat_map(|connection| connection.bytes).collect();
    assert!(!String::from_utf8(sent).unwrap().to_ascii_lowercase().contains("content-encoding"), "it does not cross");
}

#[test]
fn an_answer_to_head_has_its_length_and_no_body() {
    let scene = Scene::new();
    let said = scene.stage.wait(async {
        let mut connection = scene.backend.connect().await.unwrap();
        let head = format!("HEAD /v1/nothing HTTP/1.1\r\nHost: {AUTHORITY}\r\n\r\n");
        let next = format!("GET /-/x HTTP/1.1\r\nHost: {AUTHORITY}\r\nConnection: close\r\n\r\n");
        connection.send((head + &next).as_bytes()).await.unwrap();
        String::from_utf8(connection.rest().await.unwrap()).unwrap()
    });
    let (first, rest) = said.split_once("\r\n\r\n").unwrap();
    assert!(first.starts_with("HTTP/1.1 404 ") && first.to_ascii_lowercase().contains("content-length: "), "{said}");
    assert!(rest.starts_with("HTTP/1.1 404 "), "{said}");
}

#[test]
fn the_authority_is_the_one_of_the_handshake_also_on_the_gateways_own_paths() {
    let scene = Scene::new();
    let (stage, address) = (&scene.stage, scene.gateway.address);
    let roots = || vec![stage.pki.gateway_authority.root()];
    let identity = stage.pki.backend.identity().unwrap();
    let asking_for = |name: &str| Backend::new(address, name, Some(&identity), roots()).unwrap();
    let order = br#"{"kind":"token","value":"gone","tenant":"north"}"#;
    let headers = [("Content-Type", "application/json")];
    for (what, backend) in [
        ("another authority", asking_for(AUTHORITY).calling("other.gateway.prop.example")),
        ("another name in the handshake", asking_for("localhost").calling(AUTHORITY)),
        ("a name that leads nowhere", asking_for("localhost")),
    ] {
        for answer in [
            stage.wait(backend.call("POST", "/-/revocations", &headers, order)).unwrap(),
            stage.wait(scene.command().give(&backend)).unwrap(),
        ] {
            assert_eq!(answer.status, 421, "{what}");
            assert_eq!(scene.record(answer.header("receipt-id").unwrap()).text("reason"), "unknown-authority");
        }
        scene.passes_after(what);
    }
}

/// Rows that change one thing of a good request: the text that is replaced, and what stands there instead.
type Row = (&'static str, &'static str, &'static str, Fate);

#[track_caller]
fn meet_all(scene: &Scene, request: fn(&Command) -> String, rows: &[Row]) {
    for (name, from, to, fate) in rows {
        let good = request(&scene.command());
        assert!(good.contains(from), "{name}: `{from}` is not in the request");
        scene.meets(name, &bytes_of(&good.replacen(from, to, 1)), *fate);
    }
}
