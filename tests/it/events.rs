//! Events to a partner, from the backend's request to the partner's endpoint: what is taken, what is refused, what is put on
//! record, and what leaves. How a delivery fails and goes on is `deliveries.rs`.

use crate::harness::Command;
use crate::harness::Deeds;
use crate::harness::Post;
use crate::harness::Served;
use portcullis::devkit::Manner;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::io::Write;
use std::process::Command as Program;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;

#[test]
fn an_event_is_taken_put_on_record_and_delivered_signed_in_pseudonyms() {
    let post = Post::new();
    let gateway = Served::on(&post.stage);
    let told = post.announce("ivanov-canary", "grant-canary").begin(&post.stage, gateway.address).answer();
    assert_eq!((told.status, told.text().as_str()), (202, r#"{"state":"queued"}"#));
    let receipt = told.header("receipt-id").unwrap().to_owned();
    let came = post.delivered(1);
    let [attempt] = came.as_slice() else { panic!("{came:?}") };
    assert_eq!(attempt.fault, None);
    let body: Value = serde_json::from_str(&attempt.body).unwrap();
    assert_eq!((&body["type"], &body["timestamp"]), (&json!("grant.revoked"), &json!("2026-02-28T08:30:00Z")));
    assert_eq!(body["data"]["houseId"], "house-1");
    for name in ["userId", "grantId"] {
        assert!(body["data"][name].as_str().unwrap().starts_with("p1."), "{body}");
    }
    assert!(!attempt.body.contains("canary") && body["data"].get("reason").is_none(), "{body}");
    let names: Vec<_> = attempt.fields.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "host",
        "accept-encoding",
        "content-type",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "content-length",
    ];
    assert_eq!(names, expected, "nothing else leaves");
    verified_by_the_specification(&post, attempt);

    post.settled("delivered", 1);
    assert_eq!(post.story(), ["event", "delivery sent", "delivery delivered"]);
    let records = post.stage.records();
    let ours: Vec<_> = records.iter().filter(|record| record.text("receipt") == receipt).collect();
    assert_eq!(ours.len(), 3, "one receipt from the answer to the delivery");
    assert_eq!(ours[0].get("protected"), ours[1].get("protected"), "what was taken is what left");
    for record in &records {
        assert!(!record.0.to_string().contains("canary"), "{record:?}");
    }
    let of = "partner=\"smarthome\",";
    let labels = format!("direction=\"outbound\",{of}");
    assert_eq!(gateway.metric(&format!("portcullis_deliveries_total{{{labels}result=\"delivered\"}}")), 1);
    assert_eq!(gateway.metric(&format!("portcullis_deliveries_total{{{labels}result=\"dead\"}}")), 0);
    crate::harness::until("an empty outbox", || {
        gateway.metric(&format!("portcullis_outbox_deliveries{{{labels}state=\"queued\"}}")) == 0
    });
    assert!(!gateway.metrics().contains("canary"));
}

/// Another language's own HMAC, fed as the specification says, comes to the same signature.
fn verified_by_the_specification(post: &Post, attempt: &portcullis::devkit::Attempt) {
    let script = "import base64,hashlib,hmac,json,sys
m=json.load(sys.stdin)
key=base64.b64decode(m['secret'].removeprefix('whsec_'))
signed='{}.{}.{}'.format(m['id'],m['timestamp'],m['body']).encode()
want='v1,'+base64.b64encode(hmac.new(key,signed,hashlib.sha256).digest()).decode()
sys.exit(0 if any(hmac.compare_digest(want,s) for s in m['signature'].split(' ')) else 1)";
    let message = json!({
        "secret": post.secret, "id": attempt.id, "timestamp": attempt.timestamp,
        "body": attempt.body, "signature": attempt.signature,
    });
    let verified = |message: &Value| {
        let mut python = Program::new("python3").args(["-c", script]).stdin(Stdio::piped()).spawn().unwrap();
        python.stdin.take().unwrap().write_all(message.to_string().as_bytes()).unwrap();
        python.wait().unwrap().success()
    };
    assert!(verified(&message));
    let mut other = message;
    other["body"] = json!(attempt.body.replace("house-1", "house-2"));
    assert!(!verified(&other));
}

#[test]
fn an_id_is_good_for_one_event_which_is_delivered_once_however_often_it_is_brought() {
    let post = Post::new();
    let gateway = Served::on(&post.stage);
    let event = post.announce("ivanov", "g-1");
    event.told(&post.stage, gateway.address).is(202, "");
    let again = event.begin(&post.stage, gateway.address).answer();
    assert_eq!((again.status, again.text().as_str()), (202, r#"{"state":"queued"}"#));
    event
        .clone()
        .saying(&post.data("ivanov", "g-2"))
        .told(&post.stage, gateway.address)
        .is(422, "idempotency-key-reused");
    post.delivered(1);
    post.settled("delivered", 1);
    event.told(&post.stage, gateway.address).is(202, "");
    // Its own id is another matter, and in order behind it.
    post.announce("ivanov", "g-1").told(&post.stage, gateway.address).is(202, "");
    assert_eq!(post.delivered(2).len(), 2);
    let words: Vec<_> = post.stage.story();
    assert_eq!(
        words,
        ["repeat idempotency-replayed", "refusal idempotency-key-reused", "repeat idempotency-replayed",]
    );
    let records = post.stage.records();
    let first = records.iter().find(|record| record.text("kind") == "event").unwrap().text("receipt");
    assert!(
        records.iter().filter(|record| record.text("kind") == "repeat").all(|record| record.text("first") == first)
    );
}

#[test]
fn what_is_no_declared_event_of_a_permitted_backend_is_refused_and_leaves_nothing_behind() {
    let post = Post::new();
    let unlinked = ("Asia/Yekaterinburg, partners: [smarthome, parkline]", "Asia/Yekaterinburg, partners: [parkline]");
    post.stage.edit("directory.yaml", unlinked.0, unlinked.1);
    let gateway = Served::on(&post.stage);
    let good = || post.announce("ivanov", "g-1");
    let edited = |from: &str, to: &str| good().saying(&post.data("ivanov", "g-1").replace(from, to));
    let without_key = {
        let mut command = good();
        command.key = None;
        command
    };
    let by = |method| {
        let mut command = good();
        command.method = method;
        command
    };
    let rows = [
        (edited("grant.revoked", "grant.given"), 400, "body-invalid"),
        (edited("grant.revoked", "access.granted"), 400, "body-invalid"),
        (edited("\"houseId\"", "\"more\":1,\"houseId\""), 400, "body-invalid"),
        (edited("\"data\"", "\"id\":\"x\",\"data\""), 400, "body-invalid"),
        (edited("2026-02-28T", "2026-02-30T"), 400, "body-invalid"),
        (edited("{\"type\"", "{\"type\":\"grant.revoked\",\"type\""), 400, "body-malformed"),
        (edited("house-1", "house-9"), 404, "resource-unknown"),
        (edited("house-1", "house-2"), 404, "partner-not-linked"),
        (without_key, 400, "idempotency-key-invalid"),
        (by("PUT"), 405, "method-not-declared"),
        (good().to("/-/events?x=y"), 400, "query-invalid"),
        (good().to("/-/event"), 404, "unknown-operation"),
        (good().with("Content-Encoding", "gzip"), 415, "media-type-not-declared"),
    ];
    for (command, status, reason) in rows {
        let answer = command.begin(&post.stage, gateway.address).answer();
        let told = post.stage.story().pop().unwrap();
        assert_eq!((answer.status, told), (status, format!("refusal {reason}")), "{}", answer.text());
    }
    good().told(&post.stage, gateway.address).is(202, "");
    assert_eq!(post.delivered(1).len(), 1, "nothing of the others came");
}

#[test]
fn who_may_not_announce_and_who_has_no_endpoint_are_told_that_nothing_is_there() {
    let post = Post::new();
    post.stage.edit("policies/cedar/events.cedar", "prop.example/backend\"", "prop.example/another\"");
    let gateway = Served::on(&post.stage);
    post.announce("ivanov", "g-1").told(&post.stage, gateway.address).is(404, "not-found");
    assert_eq!(post.stage.story(), ["refusal policy-denied"]);
    drop(gateway);
    let post = Post::new();
    let text = fs::read_to_string(post.stage.path("gateway.yaml")).unwrap();
    let lines = text.lines().filter(|line| !line.contains("webhooks:"));
    fs::write(post.stage.path("gateway.yaml"), lines.collect::<Vec<_>>().join("\n")).unwrap();
    let gateway = Served::on(&post.stage);
    post.announce("ivanov", "g-1").told(&post.stage, gateway.address).is(404, "not-found");
    assert_eq!(post.stage.story(), ["refusal unknown-operation"]);
}

#[test]
fn what_cannot_be_put_on_record_is_not_taken_and_not_delivered() {
    let post = Post::new();
    let deeds = Arc::new(Deeds::default());
    let gateway = Served::on_disk(&post.stage, &deeds);
    deeds.fails_to_sync.store(true, Ordering::SeqCst);
    let event = post.announce("ivanov", "g-1");
    event.told(&post.stage, gateway.address).is(503, "unavailable");
    drop(gateway);
    assert_eq!(post.endpoint.connections(), 0);
    let gateway = Served::on(&post.stage);
    event.told(&post.stage, gateway.address).is(202, "");
    assert_eq!(post.delivered(1).len(), 1);
}

#[test]
fn a_full_outbox_takes_nothing_more_until_something_has_left_it() {
    let post = Post::within("outbox_max: 1");
    post.endpoint.behave(Manner::Hangs);
    let gateway = Served::on(&post.stage);
    post.announce("ivanov", "g-1").told(&post.stage, gateway.address).is(202, "");
    let second = post.announce("ivanov", "g-2");
    second.told(&post.stage, gateway.address).is(503, "unavailable");
    assert_eq!(post.stage.story().pop().unwrap(), "refusal outbox-full");
    post.came(1);
    post.endpoint.behave(Manner::Takes);
    post.endpoint.release();
    post.settled("delivered", 1);
    crate::harness::until("room", || second.told(&post.stage, gateway.address).0 == 202);
}

#[test]
fn a_command_and_an_event_do_not_share_their_ids() {
    let post = Post::new();
    let gateway = Served::on(&post.stage);
    let event = post.announce("ivanov", "g-1");
    event.told(&post.stage, gateway.address).is(202, "");
    Command::new(&post.stage).under(event.key.as_deref().unwrap()).told(&post.stage, gateway.address).is(200, "");
    assert_eq!(post.stage.partner.total_actuations(), 1);
}

/// A secret, as its file holds it.
fn secret_of(letter: char) -> String {
    format!("whsec_{}", letter.to_string().repeat(32))
}

#[test]
fn the_secrets_that_sign_events_are_exchanged_while_the_gateway_runs_with_two_signatures_in_between() {
    let mut post = Post::new();
    let files = ["pki/webhook-sign.key", "pki/webhook-sign-next.key"].map(|name| post.stage.path(name));
    let put = |file: &std::path::Path, secret: &str| {
        let fresh = file.with_extension("fresh");
        fs::write(&fresh, secret).unwrap();
        fs::set_permissions(&fresh, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        fs::rename(fresh, file).unwrap();
    };
    let first = post.secret.clone();
    put(&files[0], &first);
    put(&files[1], &secret_of('A'));
    let both = "sign: [pki/webhook-sign.key, pki/webhook-sign-next.key]";
    post.stage.edit("gateway.yaml", "sign: pki/webhook-sign.key", both);
    let gateway = Served::on(&post.stage);
    let reloads = |result: &str| gateway.metric(&format!("portcullis_reloads_total{{result=\"{result}\"}}"));
    let exchange = |file: &std::path::Path, secret: &str, result: &str| {
        let before = reloads(result);
        put(file, secret);
        crate::harness::until(result, || reloads(result) > before);
    };
    let mut number = 0;
    let mut next = |post: &Post| {
        number += 1;
        post.announce("ivanov", &format!("g-{number}")).told(&post.stage, gateway.address).is(202, "");
        let attempt = post.delivered(number).pop().unwrap();
        assert_eq!(attempt.signature.split(' ').count(), 2, "{attempt:?}");
        attempt
    };
    let fits = |post: &mut Post, secret: &str, attempt: &portcullis::devkit::Attempt| {
        post.secret = secret.to_owned();
        verified_by_the_specification(post, attempt);
    };
    let attempt = next(&post);
    fits(&mut post, &first, &attempt);
    fits(&mut post, &secret_of('A'), &attempt);
    // Who knows the first one alone takes everything while the second is exchanged.
    exchange(&files[1], &secret_of('B'), "done");
    let attempt = next(&post);
    assert_eq!(attempt.fault, None);
    fits(&mut post, &first, &attempt);
    fits(&mut post, &secret_of('B'), &attempt);
    for bad in ["whsec_AAAA", "nothing", ""] {
        exchange(&files[0], bad, "failed");
        let attempt = next(&post);
        assert_eq!(attempt.fault, None, "the last good one signs");
        fits(&mut post, &secret_of('B'), &attempt);
    }
    exchange(&files[0], &secret_of('C'), "done");
    // The receiver that knows none but the first takes it no more, and nobody but who knows the others.
    post.announce("ivanov", "g-last").told(&post.stage, gateway.address).is(202, "");
    crate::harness::until("an attempt", || post.endpoint.attempts().len() > number);
    let attempt = post.endpoint.attempts().pop().unwrap();
    assert!(attempt.fault.is_some() && !attempt.taken, "{attempt:?}");
    fits(&mut post, &secret_of('B'), &attempt);
    fits(&mut post, &secret_of('C'), &attempt);
}
