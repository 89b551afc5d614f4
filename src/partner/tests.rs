//! The voucher and the line, with a scripted connection: what leaves, what it is minted for, and what does not leave.

use crate::audit::Facts;
use crate::audit::Recorded;
use crate::clock::UnixMillis;
use crate::clock::UnixSeconds;
use crate::crypto::Jws;
use crate::crypto::KeySet;
use crate::crypto::PublishedKeys;
use crate::crypto::SignedParts;
use crate::crypto::SigningAlgorithm;
use crate::crypto::SigningKey;
use crate::crypto::content_digest;
use crate::crypto::jwks_json;
use crate::crypto::sha256;
use crate::guard::Admitted;
use crate::guard::Current;
use crate::json;
use crate::json::Object;
use crate::json::Value;
use crate::model::Epoch;
use crate::model::Name;
use crate::model::Receipt;
use crate::model::Sha256;
use crate::model::TreeHead;
use crate::partner::Answer;
use crate::partner::Minting;
use crate::partner::Partner;
use crate::partner::PartnerFault;
use crate::partner::PartnerSettings;
use crate::partner::SendFault;
use crate::partner::TokenSource;
use crate::partner::Voucher;
use crate::protect::Protected;
use crate::wire::Connect;
use crate::wire::ConnectFault;
use crate::wire::Connection;
use crate::wire::ExchangeFault;
use crate::wire::ExchangeFaultKind;
use crate::wire::Request;
use crate::wire::Response;
use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderMap;
use http::StatusCode;
use http::header;
use parking_lot::Mutex;
use std::sync::Arc;

const NOW: UnixMillis = UnixMillis::new(1_790_000_000_500);
const LIFETIME_S: u64 = 30;

/// Keeps what it is asked to send, and ends as it was told.
#[derive(Clone)]
struct Script {
    sent: Arc<Mutex<Vec<Request>>>,
    fault: Option<ExchangeFault>,
}

#[async_trait]
impl Connect for Script {
    async fn connect(&self) -> Result<Box<dyn Connection>, ConnectFault> {
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl Connection for Script {
    fn authority(&self) -> &str {
        "api.smarthome.example"
    }

    async fn exchange(self: Box<Self>, request: Request) -> Result<Response, ExchangeFault> {
        self.sent.lock().push(request);
        let response =
            Response { status: StatusCode::OK, fields: HeaderMap::new(), body: Bytes::from_static(b"{}"), spent: None };
        self.fault.map_or(Ok(response), Err)
    }
}

/// A partner over a script.
struct Stage {
    script: Script,
    settings: Arc<PartnerSettings>,
    minting: Arc<Minting>,
    partner: Partner,
}

impl Stage {
    fn ending(fault: Option<ExchangeFault>) -> Self {
        crate::crypto::install_provider().unwrap();
        let key = |algorithm| SigningKey::from_pem(&SigningKey::generate_pem(algorithm).unwrap()).unwrap();
        let minting = Arc::new(Minting {
            issuer: "https://gateway.prop.example".into(),
            audience: "https://api.smarthome.example".into(),
            client_id: "portcullis".into(),
            keys: key(SigningAlgorithm::Es256).into(),
            lifetime_s: LIFETIME_S,
        });
        let signing = key(SigningAlgorithm::EdDsa).into();
        let settings = Arc::new(PartnerSettings { name: name("smarthome"), signing });
        let script = Script { sent: Arc::default(), fault };
        let tokens = TokenSource::Minted(Arc::clone(&minting));
        let partner = Partner::new(Arc::clone(&settings), tokens, Arc::new(script.clone()));
        Self { script, settings, minting, partner }
    }

    fn voucher(&self, protected: &Protected) -> Voucher {
        self.minting.mint(protected, Admitted::for_test(NOW.seconds()).good_until(), None, NOW.seconds()).unwrap()
    }

    /// Sends `sent` with a voucher for `vouched`, under a record of `recorded` and asked about a last time for `current`.
    async fn send(
        &self,
        vouched: &Protected,
        sent: &Protected,
        recorded: &Protected,
        current: Receipt,
    ) -> Result<Answer, SendFault> {
        let recorded = Recorded::for_test(recorded, &Facts::new(receipt(1), Epoch::new(1), digest("bundle")));
        let line = self.partner.open(&recorded).await.unwrap();
        line.send(self.voucher(vouched), sent.clone(), &recorded, Current::for_test(current, NOW)).await
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn digest(text: &str) -> Sha256 {
    sha256(text.as_bytes())
}

fn receipt(number: u8) -> Receipt {
    Receipt::new([number; 16])
}

fn command(partner: &str, text: &str) -> Protected {
    Protected::for_test(&name(partner), &name("openDoor"), digest(text))
}

fn claims(voucher: &Voucher) -> Object {
    let jws = Jws::split(voucher.token()).unwrap();
    match json::parse(jws.payload(), json::Limits::default()).unwrap() {
        Value::Object(claims) => claims,
        other => panic!("{other:?}"),
    }
}

fn time(claims: &Object, claim: &str) -> i64 {
    claims.get(claim).and_then(Value::as_integer).unwrap()
}

#[tokio::test]
async fn a_command_leaves_once_with_its_voucher() {
    let stage = Stage::ending(None);
    let one = command("smarthome", "one");
    assert_eq!(stage.send(&one, &one, &one, receipt(1)).await.unwrap().status(), StatusCode::OK);
    let sent = stage.script.sent.lock();
    let [request] = &sent[..] else { panic!("{} requests", sent.len()) };
    let fields: HeaderMap = request.fields.iter().cloned().collect();
    assert!(fields[header::AUTHORIZATION].is_sensitive());
    let token = fields[header::AUTHORIZATION].to_str().unwrap().strip_prefix("Bearer ").unwrap();
    let keys = keys_of(&stage.minting.keys);
    let jws = Jws::split(token).unwrap();
    assert_eq!(keys.key(stage.minting.keys.first().kid()).unwrap().verify(&jws), Ok(()));
    assert!(text(jws.header()).contains(r#""typ":"partner-token+jwt""#));
}

#[tokio::test]
async fn a_command_is_signed_as_it_leaves_until_its_token_ends() {
    let stage = Stage::ending(None);
    let mut one = command("smarthome", "one");
    one.give_for_test("/v1/doors/d-1/open?reason=access", "application/json", r#"{"userId":"p1.x"}"#);
    assert!(stage.send(&one, &one, &one, receipt(1)).await.is_ok());
    let sent = stage.script.sent.lock();
    let [request] = &sent[..] else { panic!("{} requests", sent.len()) };
    let field = |name: &str| {
        let mut found = request.fields.iter().filter(|(known, _)| known == name).map(|(_, value)| value);
        let (Some(value), None) = (found.next(), found.next()) else { panic!("{name} does not stand there once") };
        value.to_str().unwrap()
    };
    assert_eq!(field("content-digest"), content_digest(br#"{"userId":"p1.x"}"#));
    let token = Jws::split(field("authorization").strip_prefix("Bearer ").unwrap()).unwrap();
    let token = json::parse(token.payload(), json::Limits::default()).unwrap();
    assert_eq!(token.get("jti").and_then(Value::as_str), Some(field("receipt-id")), "the receipt is the token's id");
    // Everything but what may change on the way, and the signature itself.
    let mut parts = SignedParts::of_request("POST", "api.smarthome.example", "/v1/doors/d-1/open?reason=access");
    for (name, value) in &request.fields {
        if !["accept", "traceparent", "signature", "signature-input"].contains(&name.as_str()) {
            parts.add(name.as_str(), value.as_bytes()).unwrap();
        }
    }
    let keys = keys_of(&stage.settings.signing);
    let verify = |now| parts.verify(field("signature-input"), field("signature"), &keys, "portcullis", now);
    let verified = verify(NOW.seconds()).unwrap();
    assert_eq!((verified.created, verified.expires), (NOW.seconds(), NOW.seconds().plus(LIFETIME_S)));
    assert!(verify(verified.expires).is_err());
}

fn keys_of(keys: &PublishedKeys) -> KeySet {
    KeySet::parse(jwks_json(&keys.all().collect::<Vec<_>>()).as_bytes()).unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn proofs_that_do_not_belong_together_send_nothing() {
    let (one, two, others) = (command("smarthome", "one"), command("smarthome", "two"), command("other", "one"));
    let stage = Stage::ending(None);
    for (what, vouched, sent, recorded, current) in [
        ("a record of other bytes", &one, &one, &two, 1),
        ("a record for another partner", &one, &one, &others, 1),
        ("a command for another partner", &others, &others, &others, 1),
        ("a voucher of another command", &two, &one, &one, 1),
        ("asked about for another record", &one, &one, &one, 2),
    ] {
        let fault = stage.send(vouched, sent, recorded, receipt(current)).await.err();
        assert_eq!(fault, Some(SendFault::Mismatch), "{what}");
        assert!(!SendFault::Mismatch.may_have_left() && stage.script.sent.lock().is_empty(), "{what}");
    }
}

#[tokio::test]
async fn a_fault_after_the_first_byte_is_unknown_and_one_before_it_is_not() {
    let one = command("smarthome", "one");
    let timeout = ExchangeFaultKind::Timeout;
    for (fault, expected) in [
        (ExchangeFault::after_sending(timeout), SendFault::Unknown(timeout)),
        (ExchangeFault::before_sending(ExchangeFaultKind::Unwritable), SendFault::Unwritable),
    ] {
        let stage = Stage::ending(Some(fault));
        assert_eq!(stage.send(&one, &one, &one, receipt(1)).await.err(), Some(expected));
        assert_eq!(expected.may_have_left(), fault.may_have_left);
        assert_eq!(stage.script.sent.lock().len(), 1, "not tried again");
    }
}

#[test]
fn a_token_makes_the_partner_a_witness_of_how_far_the_record_has_come() {
    let stage = Stage::ending(None);
    let seen = TreeHead { origin: "gateway.prop.example/audit".into(), size: 4711, root: Sha256::new([0xfb; 32]) };
    let voucher = |seen| stage.minting.mint(&command("smarthome", "one"), None, seen, NOW.seconds()).unwrap();
    let with = claims(&voucher(Some(&seen)));
    let claim = with.get("audit_log").unwrap();
    let text = |name| claim.get(name).and_then(Value::as_str);
    assert_eq!((text("origin"), claim.get("size").and_then(Value::as_integer)), (Some(&*seen.origin), Some(4711)));
    // As base64(1) writes 32 bytes 0xfb.
    assert_eq!(text("root"), Some("+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s="));
    assert!(claims(&voucher(None)).get("audit_log").is_none());
}

#[test]
fn a_token_ends_with_its_lifetime_or_with_its_command_whichever_is_first() {
    let stage = Stage::ending(None);
    let (one, now) = (command("smarthome", "one"), NOW.seconds());
    let expiry = |good_until: Option<UnixSeconds>| {
        stage.minting.mint(&one, good_until, None, now).map(|voucher| time(&claims(&voucher), "exp"))
    };
    let from_now = |seconds: u64| i64::try_from(now.plus(seconds).get()).unwrap();
    assert_eq!(expiry(None), Ok(from_now(LIFETIME_S)));
    assert_eq!(expiry(Some(now.plus(LIFETIME_S + 1))), Ok(from_now(LIFETIME_S)));
    assert_eq!(expiry(Some(now.plus(10))), Ok(from_now(10)));
    assert_eq!(expiry(Some(now.plus(1))), Ok(from_now(1)));
    assert_eq!(expiry(Some(now)), Err(PartnerFault::TooOld));
}

#[test]
fn a_token_says_whose_it_is_and_no_two_have_the_same_id() {
    let stage = Stage::ending(None);
    let one = command("smarthome", "one");
    let (first, second) = (stage.voucher(&one), stage.voucher(&one));
    assert_ne!(first.jti(), second.jti());
    let claims = claims(&first);
    let text = |claim: &str| claims.get(claim).and_then(Value::as_str);
    assert_eq!(text("jti"), Some(first.jti()));
    assert_eq!(text("iss"), Some("https://gateway.prop.example"));
    assert_eq!(text("aud"), Some("https://api.smarthome.example"));
    assert_eq!(text("client_id"), Some("portcullis"));
    assert_eq!((time(&claims, "iat"), time(&claims, "nbf")), (1_790_000_000, 1_790_000_000));
}
