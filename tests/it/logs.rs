//! The log of a gateway in a process of its own, after everything that can go wrong: lines of JSON, of a known kind, and
//! nothing in them that came from a request.

use crate::harness::Command;
use crate::harness::Process;
use crate::harness::Stage;
use crate::harness::now;
use portcullis::devkit::Backend;
use portcullis::devkit::Misbehaviour;
use portcullis::devkit::TokenClaims;
use serde_json::Value;

/// Stands in heads, queries, bodies and tokens, and in nothing of ours.
const PLANTED: &str = "planted";

/// Commands that are refused, one for each step and kind, each with something planted in it where it may hold anything.
fn refused(stage: &Stage) -> Vec<Command> {
    let good = || Command::new(stage).with("X-Note", PLANTED);
    let open = "/v1/houses/house-1/doors/door-1/open";
    let mint = |claims: TokenClaims| stage.sessions.mint(&claims).unwrap();
    vec![
        good().to("/v1/planted"),
        good().to(&format!("{open}?planted=planted")),
        good().to(&format!("{open}?reason=planted")),
        good().to("/v1/houses/PLANTED/doors/door-1/open"),
        Command { method: "PUT", ..good() },
        Command { media_type: Some("text/planted".into()), ..good() },
        good().with("X-Forwarded-For", PLANTED),
        good().bearing("planted.planted.planted".into()),
        Command { token: None, ..good() },
        good().bearing(mint(stage.claims().with("aud", PLANTED))),
        good().bearing(mint(stage.claims().with("iss", PLANTED))),
        good().bearing(mint(stage.claims().without("cnf"))),
        good().bearing(stage.login.mint(&stage.claims_of(&stage.login)).unwrap()),
        Command { time: Some(PLANTED.into()), ..good() },
        Command { time: Some(format!("@{}", now().get() - 30)), ..good() },
        Command { time: Some(format!("@{}", now().get() + 60)), ..good() },
        good().saying("planted"),
        good().saying(r#"{"userId":"resident-ivanov","planted":"planted"}"#),
        good().saying(r#"{"userId":"planted"}"#),
        good().saying(&format!("\"{}\"", PLANTED.repeat(20_000))),
        good().under("planted key with blanks"),
        good().to("/v1/houses/planted-house/doors/door-1/open"),
        good().to("/v1/houses/house-2/doors/door-1/open"),
    ]
}

/// Heads that are no strict HTTP.
const MALFORMED: &[&str] = &[
    "POST /planted HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\nX: planted\r\n\r\n",
    "planted planted planted\r\n\r\n",
    "GET /planted HTTP/1.1\r\nHost: planted.example\r\nAuthorization: Bearer planted\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: planted\r\n\r\n",
];

fn malformed(stage: &Stage, backend: &Backend, head: &str) {
    stage.wait(async {
        let mut connection = backend.connect().await.unwrap();
        connection.send(head.as_bytes()).await.unwrap();
        assert!(connection.answer().await.unwrap().status >= 400, "{head:?}");
    });
}

#[test]
fn every_line_of_the_log_is_json_of_a_known_kind_and_shows_nothing_of_a_request() {
    let stage = Stage::new();
    stage.limit("exchange_timeout_ms: 300ms");
    let process = Process::on(&stage);
    let backend = stage.backend(process.address);
    let mut tokens: Vec<String> = Vec::new();
    let mut give = |command: Command| {
        tokens.extend(command.token.clone());
        stage.wait(command.give(&backend)).unwrap()
    };

    assert_eq!(give(Command::new(&stage).with("X-Note", PLANTED)).status, 200);
    let mut unknown = Vec::new();
    for misbehaviour in [
        Misbehaviour::HangBeforeAnswer,
        Misbehaviour::CloseWithoutAnswer,
        Misbehaviour::FullProfile,
        Misbehaviour::Trailers,
    ] {
        stage.partner.behave(misbehaviour);
        let answer = give(Command::new(&stage));
        assert!(matches!(answer.status, 502 | 504), "{misbehaviour:?}: {}", answer.status);
        unknown.push(answer.header("receipt-id").unwrap().to_owned());
        stage.partner.behave_well();
        stage.partner.release();
    }
    for command in refused(&stage) {
        let answer = give(command);
        assert!((400..500).contains(&answer.status), "{}", answer.text());
    }
    MALFORMED.iter().for_each(|head| malformed(&stage, &backend, head));

    process.terminate();
    let (status, log) = process.ended();
    assert_eq!(status.code(), Some(0), "{}", log.join("\n"));
    let mut receipts = Vec::new();
    for line in &log {
        let told: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        match told["receipt"].as_str() {
            Some(receipt) => receipts.push(receipt.to_owned()),
            // A new kind of line is looked at here before it is let in: one about an exchange carries its receipt.
            None => {
                let known =
                    matches!(told["message"].as_str(), Some("serving" | "going down" | "softer than the defaults"));
                assert!(known, "{line}");
            }
        }
    }
    assert_eq!(receipts, unknown, "the lines about exchanges are those of unknown outcomes");
    let log = log.join("\n");
    let parts = tokens.iter().flat_map(|token| token.split('.')).filter(|part| part.len() > 6);
    for canary in parts.chain([PLANTED, "PLANTED", "ivanov", "phone-of", "session-of", "house-", "door-", "Bearer"]) {
        assert!(!log.contains(canary), "the log shows `{canary}`:\n{log}");
    }
}
