//! The simulated partner and the simulated backend, face to face: what moves a door, what does not, and that each
//! misbehaviour does what its name says and nothing else.

use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::clock::UnixSeconds;
use crate::crypto::Jws;
use crate::crypto::KeySet;
use crate::crypto::MessageSignature;
use crate::crypto::SignatureTerms;
use crate::crypto::SignedParts;
use crate::crypto::SigningAlgorithm;
use crate::crypto::SigningKey;
use crate::crypto::content_digest;
use crate::crypto::encode_base64url;
use crate::crypto::jwks_json;
use crate::crypto::random;
use crate::crypto::sha256;
use crate::devkit::Authority;
use crate::devkit::Backend;
use crate::devkit::BackendAnswer;
use crate::devkit::BackendConnection;
use crate::devkit::BackendFault;
use crate::devkit::Doors;
use crate::devkit::GATEWAY;
use crate::devkit::Leaf;
use crate::devkit::Malformed;
use crate::devkit::Misbehaviour;
use crate::devkit::PartnerSettings;
use crate::devkit::Pki;
use crate::devkit::SimulatedPartner;
use crate::devkit::TokenClaims;
use crate::devkit::TokenIssuer;
use crate::devkit::TokenMaker;
use crate::devkit::TokenTrust;
use crate::devkit::Usage;
use crate::devkit::Validity;
use crate::json;
use crate::json::Value;
use std::time::Duration;

const ISSUER: &str = "https://gateway.example";
const AUDIENCE: &str = "https://partner.example";
const USER: &str = "p1.dXNlcg";
const TARGET: &str = "/v1/houses/house-1/doors/door-1/open";
const BODY: &str = r#"{"userId":"p1.dXNlcg"}"#;

/// A partner, and a client that shows the gateway's certificate to it.
struct Stage {
    pki: Pki,
    issuer: TokenIssuer,
    signing: SigningKey,
    partner: SimulatedPartner,
    gateway: Backend,
}

fn now() -> UnixSeconds {
    SystemClock::new().now().seconds()
}

impl Stage {
    async fn set() -> Self {
        let pki = Pki::new(now()).unwrap();
        let issuer = TokenIssuer::new(ISSUER, SigningAlgorithm::Es256).unwrap();
        let keys = KeySet::parse(issuer.jwks().as_bytes()).unwrap();
        let signing = SigningKey::from_pem(&SigningKey::generate_pem(SigningAlgorithm::EdDsa).unwrap()).unwrap();
        let signatures = KeySet::parse(jwks_json(&[&signing]).as_bytes()).unwrap();
        let maker = TokenMaker::Gateway;
        let trust = TokenTrust { maker, issuer: ISSUER.to_owned(), audience: AUDIENCE.to_owned(), keys, signatures };
        let doors = ["door-1", "door-2", "door-3"].map(|door| ("house-1".to_owned(), door.to_owned()));
        let settings =
            PartnerSettings { doors: Doors::Listed(doors.to_vec()), ..PartnerSettings::new(&pki, trust).unwrap() };
        let partner = SimulatedPartner::start(settings).await.unwrap();
        let identity = pki.gateway_at_partner.identity().unwrap();
        let roots = vec![pki.partner_authority.root()];
        let gateway = Backend::new(partner.address(), "localhost", Some(&identity), roots).unwrap();
        Self { pki, issuer, signing, partner, gateway }
    }

    fn claims(&self) -> TokenClaims {
        let claims = self.issuer.claims(AUDIENCE, USER, &sha256(b"certificate"), now(), 30);
        claims.door_access("house-1", Some("door-1"), &["open"])
    }

    fn token(&self) -> String {
        self.mint(&self.claims())
    }

    fn mint(&self, claims: &TokenClaims) -> String {
        let header = format!(r#"{{"alg":"ES256","kid":"{}","typ":"partner-token+jwt"}}"#, self.issuer.key().kid());
        self.issuer.mint_raw(&header, &claims.text()).unwrap()
    }

    /// The fields of a signed request.
    fn fields(&self, method: &str, target: &str, token: &str, media_type: &str, body: &str) -> Fields {
        let mut fields = vec![
            ("content-digest", content_digest(body.as_bytes())),
            ("authorization", format!("Bearer {token}")),
            ("receipt-id", id_of(token)),
            ("content-type", media_type.to_owned()),
        ];
        let mut parts = SignedParts::of_request(method, "localhost", target);
        for (name, value) in &fields {
            parts.add(name, value.as_bytes()).unwrap();
        }
        let nonce = encode_base64url(&random::<16>());
        let terms = SignatureTerms { created: now(), expires: now().plus(30), nonce: &nonce, tag: "portcullis" };
        let MessageSignature { input, signature } = parts.sign(&self.signing, &terms).unwrap();
        fields.extend([("signature-input", input), ("signature", signature)]);
        fields
    }

    /// A good command with a token of its own.
    async fn command(&self) -> Result<BackendAnswer, BackendFault> {
        self.send("POST", TARGET, &self.token(), "application/json", BODY).await
    }

    async fn send(
        &self,
        method: &str,
        target: &str,
        token: &str,
        media_type: &str,
        body: &str,
    ) -> Result<BackendAnswer, BackendFault> {
        let fields = self.fields(method, target, token, media_type, body);
        self.gateway.call(method, target, &spelled(&fields), body.as_bytes()).await
    }

    /// A good command on a connection that stands.
    async fn command_on(&self, connection: &mut BackendConnection) -> Result<BackendAnswer, BackendFault> {
        let fields = self.fields("POST", TARGET, &self.token(), "application/json", BODY);
        connection.call("POST", TARGET, &spelled(&fields), BODY.as_bytes()).await
    }

    /// What left in the last connection, as text.
    fn last_answered(&self) -> String {
        String::from_utf8(self.partner.raw().pop().unwrap().answered).unwrap()
    }
}

/// Header fields.
type Fields = Vec<(&'static str, String)>;

fn spelled(fields: &Fields) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// The `jti` of a token; something else where it has none.
fn id_of(token: &str) -> String {
    let payload = Jws::split(token).ok().and_then(|jws| json::parse(jws.payload(), json::Limits::default()).ok());
    let id = payload.as_ref().and_then(|payload| payload.get("jti")).and_then(Value::as_str);
    id.unwrap_or("none").to_owned()
}

fn word(answer: &BackendAnswer, member: &str) -> Option<String> {
    answer.json()?.get(member)?.as_str().map(str::to_owned)
}

#[tokio::test]
async fn a_good_command_moves_its_door_once_and_every_byte_of_it_is_in_the_book() {
    let stage = Stage::set().await;
    let answer =
        stage.send("POST", &format!("{TARGET}?reason=guest"), &stage.token(), "application/json", BODY).await.unwrap();
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(word(&answer, "status").as_deref(), Some("opened"));
    assert_eq!(word(&answer, "userId").as_deref(), Some(USER));
    assert!(word(&answer, "openedAt").unwrap().ends_with('Z'));
    assert_eq!((stage.partner.actuations("house-1", "door-1"), stage.partner.total_actuations()), (1, 1));
    let progress = stage.partner.progress();
    assert_eq!((progress.connections, progress.handshakes, progress.requests, progress.answers), (1, 1, 1, 1));
    let raw = stage.partner.raw();
    let received = String::from_utf8(raw[0].bytes.clone()).unwrap();
    assert!(raw[0].handshake && received.starts_with("POST /v1/houses/") && received.ends_with(BODY), "{received}");
    assert_eq!(progress.bytes, received.len());
    assert!(stage.last_answered().ends_with(&answer.text()));
}

#[tokio::test]
async fn a_connection_carries_command_after_command() {
    let stage = Stage::set().await;
    let mut connection = stage.gateway.connect().await.unwrap();
    for _ in 0..3 {
        assert_eq!(stage.command_on(&mut connection).await.unwrap().status, 200);
    }
    assert_eq!((stage.partner.total_actuations(), stage.partner.raw().len()), (3, 1));
}

#[tokio::test]
async fn the_same_token_twice_moves_a_door_once() {
    let stage = Stage::set().await;
    let token = stage.token();
    assert_eq!(stage.send("POST", TARGET, &token, "application/json", BODY).await.unwrap().status, 200);
    let again = stage.send("POST", TARGET, &token, "application/json", BODY).await.unwrap();
    assert_eq!((again.status, word(&again, "error").as_deref()), (401, Some("token-used")));
    assert_eq!(stage.partner.total_actuations(), 1);
}

#[tokio::test]
async fn each_check_of_the_token_refuses() {
    let stage = Stage::set().await;
    let good = stage.claims();
    let mint = |claims: TokenClaims| stage.mint(&claims);
    let kid = stage.issuer.key().kid();
    let typ = "partner-token+jwt";
    let header = |alg: &str, kid: &str, typ: &str| format!(r#"{{"alg":"{alg}","kid":"{kid}","typ":"{typ}"}}"#);
    let under = |header: String| stage.issuer.mint_raw(&header, &good.text()).unwrap();
    let other = TokenIssuer::new(ISSUER, SigningAlgorithm::Es256).unwrap();
    let bare = || good.clone().without("authorization_details");
    let seconds = |at: UnixSeconds| Value::from(u32::try_from(at.get()).unwrap());
    let to = |house: &str, door: Option<&str>, actions: &[&str]| mint(bare().door_access(house, door, actions));
    let cases = [
        (String::new(), "no-token"),
        ("a.b.c".to_owned(), "token-malformed"),
        (under(header("ES256", kid, "at+jwt")), "token-type"),
        (under(header("EdDSA", kid, typ)), "token-key"),
        (under(header("none", kid, typ)), "token-key"),
        (under(header("ES256", "nobody", typ)), "token-key"),
        (other.mint_raw(&header("ES256", kid, typ), &good.text()).unwrap(), "token-signature"),
        (mint(good.clone().with("iss", "https://other.example")), "token-issuer"),
        (mint(good.clone().with("aud", "https://other.example")), "token-audience"),
        (mint(good.clone().with("nbf", seconds(now().plus(20)))), "token-not-yet"),
        (mint(good.clone().with("exp", seconds(now()))), "token-expired"),
        (mint(good.clone().without("exp")), "token-malformed"),
        (mint(good.clone().without("nbf")), "token-malformed"),
        (mint(good.clone().without("jti")), "token-malformed"),
        (mint(good.clone().without("sub")), "token-malformed"),
        (mint(good.clone().with("sub", "p1.b3RoZXI")), "other-user"),
        (mint(bare()), "right"),
        (mint(good.clone().door_access("house-1", Some("door-2"), &["open"])), "right"),
        (to("house-1", None, &["open"]), "right"),
        (to("house-1", Some("door-1"), &["close"]), "right"),
        (to("house-1", Some("door-1"), &["open", "close"]), "right"),
        (to("house-2", Some("door-1"), &["open"]), "other-door"),
        (to("house-1", Some("door-2"), &["open"]), "other-door"),
    ];
    for (token, expected) in &cases {
        let answer = stage.send("POST", TARGET, token, "application/json", BODY).await.unwrap();
        assert_eq!(word(&answer, "error").as_deref(), Some(*expected), "{token}");
    }
    assert_eq!(stage.partner.refusals(), cases.each_ref().map(|(_, expected)| *expected));
    assert_eq!(stage.partner.total_actuations(), 0);
    assert_eq!(stage.command().await.unwrap().status, 200, "and the next good one moves the door");
}

#[tokio::test]
async fn each_check_of_the_request_refuses() {
    let stage = Stage::set().await;
    stage.partner.block("house-1", "door-3");
    let json = "application/json";
    let to = |door: &str| {
        let claims = stage.claims().without("authorization_details").door_access("house-1", Some(door), &["open"]);
        (format!("/v1/houses/house-1/doors/{door}/open"), stage.mint(&claims))
    };
    let (unknown, for_unknown) = to("door-9");
    let (blocked, for_blocked) = to("door-3");
    let token = || stage.token();
    for (method, target, token, media_type, body, status, expected) in [
        ("POST", "/v1/houses/house-1/doors/door-1", token(), json, BODY, 404, "no-such-path"),
        ("POST", "/v1/houses/House-1/doors/door-1/open", token(), json, BODY, 404, "no-such-path"),
        ("POST", "/v1/houses/house-1/doors/door%2D1/open", token(), json, BODY, 404, "no-such-path"),
        ("PUT", TARGET, token(), json, BODY, 405, "method"),
        ("POST", &format!("{TARGET}?reason=why"), token(), json, BODY, 400, "query"),
        ("POST", &format!("{TARGET}?reason=guest&a=b"), token(), json, BODY, 400, "query"),
        ("POST", TARGET, token(), "text/plain", BODY, 400, "media-type"),
        ("POST", TARGET, token(), json, "", 400, "body"),
        ("POST", TARGET, token(), json, "{}", 400, "body"),
        ("POST", TARGET, token(), json, r#"{"userId":17}"#, 400, "body"),
        ("POST", TARGET, token(), json, r#"{"userId":"p1.dXNlcg","userId":"p1.dXNlcg"}"#, 400, "body"),
        ("POST", TARGET, token(), json, r#"{"userId":"p1.dXNlcg","name":"Ivan"}"#, 400, "body"),
        ("POST", TARGET, token(), json, r#"{"userId":"ivanov"}"#, 403, "other-user"),
        ("POST", &unknown, for_unknown, json, BODY, 404, "no-such-door"),
    ] {
        let answer = stage.send(method, target, &token, media_type, body).await.unwrap();
        assert_eq!((answer.status, word(&answer, "error").as_deref()), (status, Some(expected)), "{target} {body}");
    }
    let answer = stage.send("POST", &blocked, &for_blocked, json, BODY).await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (409, r#"{"status":"blocked"}"#), "as the contract declares");
    let answer = stage.gateway.call("POST", TARGET, &[("Content-Type", json)], BODY.as_bytes()).await.unwrap();
    assert_eq!(word(&answer, "error").as_deref(), Some("signature-missing"));
    let chunked = [("Transfer-Encoding", "chunked")];
    let answer = stage.gateway.call("POST", TARGET, &chunked, b"0\r\n\r\n").await.unwrap();
    assert_eq!(word(&answer, "error").as_deref(), Some("malformed"));
    assert_eq!(stage.partner.total_actuations(), 0);
}

#[tokio::test]
async fn only_the_gateways_certificate_is_let_in() {
    let stage = Stage::set().await;
    let roots = || vec![stage.pki.partner_authority.root()];
    let validity = Validity::a_day_from(now());
    let server_only = Leaf::client(GATEWAY, validity).used_for(&[Usage::Server]);
    let stranger = Authority::new("stranger", validity).unwrap();
    let unfit = [
        None,
        Some(stranger.issue(&Leaf::client(GATEWAY, validity)).unwrap().identity().unwrap()),
        Some(stage.pki.partner_authority.issue(&server_only).unwrap().identity().unwrap()),
    ];
    for identity in &unfit {
        let client = Backend::new(stage.partner.address(), "localhost", identity.as_ref(), roots()).unwrap();
        let fault = client.call("POST", TARGET, &[], BODY.as_bytes()).await.unwrap_err();
        assert!(matches!(fault, BackendFault::Handshake(_)), "{fault:?}");
    }
    stage.partner.until(|progress| progress.failed_handshakes == unfit.len()).await;
    assert_eq!(stage.partner.progress().bytes, 0);
    let other = stage.pki.partner_authority.issue(&Leaf::client("spiffe://other.example/x", validity)).unwrap();
    let other = Backend::new(stage.partner.address(), "localhost", Some(&other.identity().unwrap()), roots()).unwrap();
    let authorization = format!("Bearer {}", stage.token());
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    let answer = other.call("POST", TARGET, &headers, BODY.as_bytes()).await.unwrap();
    assert_eq!((answer.status, word(&answer, "error").as_deref()), (403, Some("not-the-gateway")));
    assert_eq!(stage.partner.total_actuations(), 0);
}

#[tokio::test]
async fn the_backend_tells_a_server_of_a_strange_authority_apart() {
    let stage = Stage::set().await;
    let roots = vec![stage.pki.backend_authority.root()];
    let client = Backend::new(stage.partner.address(), "localhost", None, roots).unwrap();
    assert!(matches!(client.call("GET", "/", &[], b"").await, Err(BackendFault::Handshake(_))));
    stage.partner.stop().await;
    assert!(matches!(stage.command().await, Err(BackendFault::Connect(_))), "and one that is down");
}

#[tokio::test]
async fn answers_with_wrong_contents_are_wrong_in_that_one_way() {
    let stage = Stage::set().await;
    let mut moved = 0;
    for (misbehaviour, status, media_type, marks) in [
        (Misbehaviour::FullProfile, 200, Some("application/json"), &[r#""phone":"#, r#""status":"opened""#][..]),
        (Misbehaviour::WrongMediaType, 200, Some("text/html"), &[r#""status":"opened""#]),
        (Misbehaviour::UndeclaredStatus, 202, Some("application/json"), &[r#""status":"opened""#]),
        (Misbehaviour::Redirect, 307, None, &["Location: https://elsewhere.example/"]),
        (Misbehaviour::SetCookie, 200, Some("application/json"), &["Set-Cookie: ", r#""userId":"p1.dXNlcg""#]),
        (Misbehaviour::ForeignPseudonym, 200, Some("application/json"), &[r#""userId":"p1.AAAA"#]),
        (Misbehaviour::Oversized { bytes: 100_000 }, 200, Some("application/json"), &["     "]),
    ] {
        stage.partner.behave(misbehaviour);
        let answer = stage.command().await.unwrap();
        let seen = (answer.status, answer.header("content-type"));
        assert_eq!(seen, (status, media_type), "{misbehaviour:?}");
        let sent = stage.last_answered();
        assert!(marks.iter().all(|mark| sent.contains(mark)), "{misbehaviour:?}: {sent}");
        assert_eq!(answer.body.len() > 100_000, matches!(misbehaviour, Misbehaviour::Oversized { .. }));
        moved += u64::from(misbehaviour.moves_door());
        assert_eq!(stage.partner.total_actuations(), moved, "{misbehaviour:?}");
    }
}

#[tokio::test]
async fn answers_with_wrong_framing_are_wrong_in_that_one_way() {
    let stage = Stage::set().await;
    let right = |answer: &BackendAnswer| answer.status == 200 && word(answer, "status").as_deref() == Some("opened");

    stage.partner.behave(Misbehaviour::SecondAnswer);
    let mut connection = stage.gateway.connect().await.unwrap();
    assert!(right(&stage.command_on(&mut connection).await.unwrap()));
    assert_eq!(connection.answer().await.unwrap().status, 409, "nobody asked for it");

    stage.partner.behave(Misbehaviour::InterimFlood { count: 20 });
    assert!(right(&stage.command().await.unwrap()));
    assert_eq!(stage.last_answered().matches("HTTP/1.1 103 ").count(), 20);

    stage.partner.behave(Misbehaviour::SwitchingProtocols);
    let answer = stage.command().await.unwrap();
    assert_eq!((answer.status, answer.header("upgrade")), (101, Some("h2c")));

    stage.partner.behave(Misbehaviour::Trailers);
    assert!(right(&stage.command().await.unwrap()));
    assert!(stage.last_answered().ends_with("0\r\nSet-Cookie: canary-trailer=1\r\nX-Profile: canary-trailer\r\n\r\n"));

    stage.partner.behave(Misbehaviour::Altered { from: "200 OK", to: "200 Fine" });
    assert!(right(&stage.command().await.unwrap()) && stage.last_answered().starts_with("HTTP/1.1 200 Fine\r\n"));

    stage.partner.behave(Misbehaviour::AlteredChunks { from: "\r\n0\r\n\r\n", to: "\r\n0\r\nX: y\r\n\r\n" });
    assert!(right(&stage.command().await.unwrap()));
    assert!(stage.last_answered().contains("\r\n\r\nA\r\n") && stage.last_answered().ends_with("0\r\nX: y\r\n\r\n"));

    stage.partner.behave(Misbehaviour::ChunkedGarbage);
    let fault = stage.command().await.unwrap_err();
    assert!(matches!(fault, BackendFault::Malformed(Malformed::Chunks)), "{fault:?}");

    assert_eq!(stage.partner.total_actuations(), 7, "each has moved its door");
}

#[tokio::test]
async fn a_partner_that_hangs_goes_on_when_released() {
    let stage = Stage::set().await;
    stage.partner.behave(Misbehaviour::HangBeforeAnswer);
    let (answer, ()) = tokio::join!(stage.command(), async {
        stage.partner.until(|progress| progress.hanging == 1).await;
        assert_eq!((stage.partner.total_actuations(), stage.partner.progress().answers), (1, 0), "moved, and silent");
        assert!(stage.last_answered().is_empty());
        stage.partner.release();
    });
    assert_eq!(answer.unwrap().status, 200);

    stage.partner.behave(Misbehaviour::HangInHandshake);
    let (answer, ()) = tokio::join!(stage.command(), async {
        stage.partner.until(|progress| progress.hanging == 1).await;
        assert_eq!((stage.partner.progress().connections, stage.partner.progress().handshakes), (2, 1));
        stage.partner.behave_well();
        stage.partner.release();
    });
    assert_eq!((answer.unwrap().status, stage.partner.total_actuations()), (200, 2));
}

#[tokio::test]
async fn stopping_cuts_what_hangs() {
    for misbehaviour in [Misbehaviour::HangBeforeAnswer, Misbehaviour::HangInHandshake] {
        let stage = Stage::set().await;
        stage.partner.behave(misbehaviour);
        let (answer, ()) = tokio::join!(stage.command(), async {
            stage.partner.until(|progress| progress.hanging == 1).await;
            stage.partner.stop().await;
        });
        let fault = answer.unwrap_err();
        let cut = matches!(fault, BackendFault::Ended { received: 0 } | BackendFault::Handshake(_));
        assert!(cut, "{misbehaviour:?}: {fault:?}");
        assert_eq!((stage.partner.progress().hanging, stage.partner.progress().ended), (0, 1));
    }
}

#[tokio::test]
async fn a_dripping_answer_comes_byte_by_byte_and_whole() {
    let stage = Stage::set().await;
    stage.partner.behave(Misbehaviour::SlowDrip { every: Duration::ZERO });
    assert_eq!(stage.command().await.unwrap().status, 200);
    stage.partner.behave(Misbehaviour::SlowDrip { every: Duration::from_secs(3_600) });
    let impatient = Stage { gateway: stage.gateway.clone().within(Duration::from_millis(200)), ..stage };
    assert!(matches!(impatient.command().await, Err(BackendFault::Deadline)));
}

#[tokio::test]
async fn closing_without_an_answer_and_behind_one_are_two_things() {
    let stage = Stage::set().await;
    stage.partner.behave(Misbehaviour::CloseWithoutAnswer);
    assert!(matches!(stage.command().await, Err(BackendFault::Ended { received: 0 })));
    assert_eq!(stage.partner.total_actuations(), 1, "the door has moved all the same");

    stage.partner.behave(Misbehaviour::ClosesIdle);
    let mut connection = stage.gateway.connect().await.unwrap();
    let answer = stage.command_on(&mut connection).await.unwrap();
    assert_eq!((answer.status, answer.header("connection")), (200, None));
    assert_eq!(connection.rest().await.unwrap(), b"", "the end, and nothing before it");
    let fault = stage.command_on(&mut connection).await.unwrap_err();
    assert!(matches!(fault, BackendFault::Ended { received: 0 }), "{fault:?}");
    assert_eq!(stage.partner.total_actuations(), 2);
}

#[tokio::test]
async fn a_reset_strikes_at_its_byte_and_the_door_moves_only_for_a_whole_request() {
    let stage = Stage::set().await;
    stage.command().await.unwrap();
    let whole = stage.partner.raw().pop().unwrap();
    let (request, exchange) = (whole.bytes.len(), whole.bytes.len() + whole.answered.len());
    let edges = [1, request - 1, request, request + 1, exchange - 1, exchange];
    for byte in (0..exchange).step_by(211).chain(edges) {
        let before = stage.partner.total_actuations();
        stage.partner.behave(Misbehaviour::ResetAt { byte });
        let answer = stage.command().await;
        stage.partner.until(|progress| progress.ended == progress.connections).await;
        let log = stage.partner.raw().pop().unwrap();
        assert_eq!((log.bytes.len(), log.answered.len()), (byte.min(request), byte.saturating_sub(request)), "{byte}");
        assert_eq!(stage.partner.total_actuations() - before, u64::from(byte >= request), "{byte}");
        assert!(byte == exchange || answer.is_err(), "{byte}: {answer:?}");
    }
}

#[tokio::test]
async fn a_reset_at_nothing_strikes_connections_that_stand_idle() {
    let stage = Stage::set().await;
    let mut connection = stage.gateway.connect().await.unwrap();
    stage.command_on(&mut connection).await.unwrap();
    stage.partner.behave(Misbehaviour::ResetAt { byte: 0 });
    stage.partner.until(|progress| progress.ended == 1).await;
    assert!(stage.command_on(&mut connection).await.is_err());
    assert_eq!(stage.partner.total_actuations(), 1);
}

#[tokio::test]
async fn a_request_may_come_in_pieces_and_a_misbehaviour_holds_for_connections_that_stand() {
    let stage = Stage::set().await;
    let mut connection = stage.gateway.connect().await.unwrap();
    stage.command_on(&mut connection).await.unwrap();
    let fields = stage.fields("POST", TARGET, &stage.token(), "application/json", BODY);
    let request = connection.request("POST", TARGET, &spelled(&fields), BODY.as_bytes());
    stage.partner.behave(Misbehaviour::UndeclaredStatus);
    let before = stage.partner.progress().bytes;
    for piece in request.chunks(100) {
        connection.send(piece).await.unwrap();
    }
    assert_eq!(connection.answer().await.unwrap().status, 202);
    assert_eq!(stage.partner.progress().bytes - before, request.len());
}
