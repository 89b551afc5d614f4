//! Tokens that are fetched, kept and let go of, over a scripted connection whose answers come when the test says so.

use super::*;
use crate::clock::UnixMillis;
use crate::crypto::SigningAlgorithm;
use crate::crypto::sha256;
use crate::model::Name;
use crate::wire::ConnectFault;
use crate::wire::Connection;
use crate::wire::DocumentFault;
use crate::wire::ExchangeFault;
use crate::wire::Request;
use crate::wire::Response;
use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::StatusCode;
use http::header;

const NOW: UnixMillis = UnixMillis::new(1_790_000_000_000);
const LIFETIME_S: u64 = 100;

/// A clock whose two times are set apart.
struct Hands(Mutex<(UnixMillis, Duration)>);

impl Hands {
    fn advance(&self, seconds: u64) {
        let mut hands = self.0.lock();
        *hands = (hands.0.plus(seconds * 1_000), hands.1 + Duration::from_secs(seconds));
    }

    fn set(&self, to: UnixMillis) {
        self.0.lock().0 = to;
    }
}

impl Clock for Hands {
    fn now(&self) -> UnixMillis {
        self.0.lock().0
    }

    fn steady(&self) -> Duration {
        self.0.lock().1
    }
}

/// A server that answers each request once it may, with a token of its own.
#[derive(Clone)]
struct Script {
    asked: watch::Sender<usize>,
    may_answer: watch::Sender<usize>,
    status: Arc<Mutex<StatusCode>>,
    bodies: Arc<Mutex<Vec<Bytes>>>,
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
        "as.example"
    }

    async fn exchange(self: Box<Self>, request: Request) -> Result<Response, ExchangeFault> {
        self.bodies.lock().push(request.body);
        let mut number = 0;
        self.asked.send_modify(|asked| {
            *asked += 1;
            number = *asked;
        });
        let _ = self.may_answer.subscribe().wait_for(|allowed| *allowed >= number).await;
        let body = format!(r#"{{"access_token":"token-{number}","token_type":"Bearer","expires_in":{LIFETIME_S}}}"#);
        let mut fields = HeaderMap::new();
        fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(Response { status: *self.status.lock(), fields, body: body.into(), spent: None })
    }
}

struct Stage {
    script: Script,
    server: Arc<dyn Connect>,
    clock: Arc<Hands>,
    tokens: Arc<FetchedTokens>,
}

impl Stage {
    /// Whose server answers at once.
    fn new() -> Self {
        let stage = Self::silent();
        stage.script.may_answer.send_replace(usize::MAX);
        stage
    }

    fn silent() -> Self {
        crate::crypto::install_provider().unwrap();
        let clock = Arc::new(Hands(Mutex::new((NOW, Duration::from_secs(500)))));
        let settings = FetchSettings {
            path: "/token".into(),
            client_id: "prop".into(),
            audience: "https://as.example/token".into(),
            scope: Some("{type}.{action}".into()),
            details: false,
            resource: None,
            max_lifetime_s: LIFETIME_S,
            timeout: Duration::from_secs(3),
        };
        let metrics = Arc::new(Metrics::new().unwrap());
        let shared = Arc::clone(&clock) as Arc<dyn Clock>;
        let tokens = FetchedTokens::new(name("smarthome"), settings, vec![key()], shared, metrics);
        let script = Script {
            asked: watch::Sender::new(0),
            may_answer: watch::Sender::new(0),
            status: Arc::new(Mutex::new(StatusCode::OK)),
            bodies: Arc::default(),
        };
        let server: Arc<dyn Connect> = Arc::new(script.clone());
        Self { script, server, clock, tokens: Arc::new(tokens) }
    }

    fn asked(&self) -> usize {
        *self.script.asked.borrow()
    }

    async fn asked_of(&self, times: usize) {
        self.script.asked.subscribe().wait_for(|asked| *asked >= times).await.unwrap();
    }

    async fn token_for(&self, right: &str) -> Result<String, TokenFault> {
        token(Arc::clone(&self.tokens), Arc::clone(&self.server), right.to_owned()).await
    }

    async fn voucher(&self, good_until: Option<UnixSeconds>) -> Result<Voucher, PartnerFault> {
        let mut command = Protected::for_test(&name("smarthome"), &name("openDoor"), sha256(b"command"));
        command.grant_for_test("door_access", "open");
        self.tokens.voucher(&self.server, &command, good_until).await
    }

    fn kept(&self) -> usize {
        self.tokens.kept.lock().rights.len()
    }

    /// A token that ends in so many seconds.
    fn ending_in(&self, seconds: u64, token: &str) -> Arc<Granted> {
        Arc::new(Granted {
            token: Zeroizing::new(token.to_owned()),
            expires_at: self.clock.now().seconds().plus(seconds),
            expires_steady: self.clock.steady() + Duration::from_secs(seconds),
        })
    }
}

async fn token(tokens: Arc<FetchedTokens>, server: Arc<dyn Connect>, right: String) -> Result<String, TokenFault> {
    let granted = tokens.granted(&Asked::for_test(&right), &server).await?;
    Ok(granted.token.to_string())
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn key() -> Arc<SigningKey> {
    Arc::new(SigningKey::from_pem(&SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap()).unwrap())
}

#[tokio::test]
async fn a_token_goes_with_every_command_of_its_right_until_shortly_before_it_ends() {
    let stage = Stage::new();
    assert_eq!(stage.token_for("one").await.unwrap(), "token-1");
    assert_eq!(stage.token_for("one").await.unwrap(), "token-1");
    assert_eq!(stage.token_for("two").await.unwrap(), "token-2", "another right");
    stage.clock.advance(LIFETIME_S - EARLY_S - 1);
    assert_eq!(stage.token_for("one").await.unwrap(), "token-1", "in its last second");
    stage.clock.advance(1);
    assert_eq!(stage.token_for("one").await.unwrap(), "token-3");
    assert_eq!(stage.asked(), 3);
}

#[tokio::test]
async fn nobody_prolongs_a_token_by_setting_the_clock() {
    let stage = Stage::new();
    assert_eq!(stage.token_for("one").await.unwrap(), "token-1");
    stage.clock.advance(LIFETIME_S - EARLY_S);
    stage.clock.set(NOW);
    assert_eq!(stage.token_for("one").await.unwrap(), "token-2", "steady time went on");
    stage.clock.set(NOW.plus((LIFETIME_S - EARLY_S) * 1_000));
    assert_eq!(stage.token_for("one").await.unwrap(), "token-3", "by wall time it is over");
}

#[tokio::test]
async fn however_many_wait_for_a_right_it_is_fetched_once_also_if_the_first_hangs_up() {
    let stage = Stage::silent();
    {
        let mut first = Box::pin(stage.token_for("one"));
        // Polled once: the fetch begins, and goes on without the one who began it.
        assert!(tokio::time::timeout(Duration::ZERO, &mut first).await.is_err());
        stage.asked_of(1).await;
    }
    let begin =
        |right: &str| Tasks::new().spawn(token(Arc::clone(&stage.tokens), Arc::clone(&stage.server), right.to_owned()));
    let many: Vec<_> = (0..50).map(|_| begin("one")).collect();
    let beside = begin("two");
    stage.asked_of(2).await;
    stage.script.may_answer.send_replace(usize::MAX);
    for one in many {
        assert_eq!(one.await.unwrap().unwrap(), "token-1");
    }
    assert_eq!(beside.await.unwrap().unwrap(), "token-2");
    assert_eq!(stage.asked(), 2);
}

#[tokio::test]
async fn a_fetch_that_fails_is_not_kept_and_the_next_command_asks_anew() {
    let stage = Stage::new();
    for (status, fault) in [
        (StatusCode::BAD_REQUEST, TokenFault::Refused(400)),
        (StatusCode::UNAUTHORIZED, TokenFault::Refused(401)),
        (StatusCode::FOUND, TokenFault::Document(DocumentFault::Status(302))),
        (StatusCode::CREATED, TokenFault::Document(DocumentFault::Status(201))),
        (StatusCode::SERVICE_UNAVAILABLE, TokenFault::Document(DocumentFault::Status(503))),
    ] {
        *stage.script.status.lock() = status;
        assert_eq!(stage.token_for("one").await, Err(fault));
    }
    assert_eq!((stage.asked(), stage.kept()), (5, 0));
    *stage.script.status.lock() = StatusCode::OK;
    assert_eq!(stage.token_for("one").await.unwrap(), "token-6");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_holds_up_commands_for_the_configured_time_and_not_past_their_own_end() {
    let stage = Stage::silent();
    let moment = Duration::from_millis(1);
    let timeout = Some(PartnerFault::Token(TokenFault::Timeout));
    for (good_until, seconds) in [(None, 3), (Some(NOW.seconds().plus(2)), 2), (Some(NOW.seconds().plus(9)), 3)] {
        let mut waiting = Box::pin(stage.voucher(good_until));
        assert!(tokio::time::timeout(Duration::from_secs(seconds) - moment, &mut waiting).await.is_err());
        let ended = tokio::time::timeout(moment * 2, waiting).await;
        assert_eq!(ended.unwrap().err(), timeout, "{seconds} s");
        // Whoever comes next does not board what is about to fail.
        tokio::time::advance(Duration::from_secs(3)).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(stage.voucher(Some(NOW.seconds())).await.err(), Some(PartnerFault::TooOld));
}

#[tokio::test(start_paused = true)]
async fn so_many_fetches_are_under_way_at_a_time_and_the_others_wait() {
    let stage = Stage::silent();
    let begin = |right: usize| {
        Tasks::new().spawn(token(Arc::clone(&stage.tokens), Arc::clone(&stage.server), right.to_string()))
    };
    let many: Vec<_> = (0..=FETCHES_MAX).map(begin).collect();
    stage.asked_of(FETCHES_MAX).await;
    let one_more = tokio::time::timeout(Duration::from_secs(1), stage.asked_of(FETCHES_MAX + 1));
    assert!(one_more.await.is_err(), "one waits");
    stage.script.may_answer.send_replace(usize::MAX);
    for one in many {
        assert!(one.await.unwrap().is_ok());
    }
    assert_eq!(stage.asked(), FETCHES_MAX + 1);
}

#[tokio::test]
async fn a_command_is_good_for_its_own_time_however_long_the_token_is() {
    let stage = Stage::new();
    let (now, longest) = (NOW.seconds(), COMMAND_LIFETIME_MAX_S);
    for (good_until, expires) in [
        (None, longest),
        (Some(now.plus(longest + 1)), longest),
        (Some(now.plus(longest)), longest),
        (Some(now.plus(5)), 5),
    ] {
        assert_eq!(stage.voucher(good_until).await.unwrap().expires_at(), now.plus(expires));
    }
    assert_eq!(stage.asked(), 1);
    let (one, two) = (stage.voucher(None).await.unwrap(), stage.voucher(None).await.unwrap());
    assert_eq!((one.token(), two.token()), ("token-1", "token-1"));
    assert_ne!(one.jti(), two.jti(), "the command's id is its own");
    // A token that ends first ends the command.
    stage.clock.advance(LIFETIME_S - EARLY_S - 1);
    let last = stage.voucher(None).await.unwrap();
    assert_eq!((last.token(), last.expires_at()), ("token-1", now.plus(LIFETIME_S)));
}

#[tokio::test]
async fn a_command_whose_right_is_not_named_gets_no_token_and_nobody_is_asked() {
    let stage = Stage::new();
    let command = Protected::for_test(&name("smarthome"), &name("openDoor"), sha256(b"command"));
    let ended = stage.tokens.voucher(&stage.server, &command, None).await;
    assert_eq!(ended.err(), Some(PartnerFault::Token(TokenFault::NoRight)));
    assert_eq!(stage.asked(), 0);
}

#[tokio::test]
async fn a_token_that_the_partner_refused_goes_with_no_further_command_and_a_newer_one_stays() {
    let stage = Stage::new();
    let (one, same) = (stage.voucher(None).await.unwrap(), stage.voucher(None).await.unwrap());
    one.refused();
    assert_eq!(stage.voucher(None).await.unwrap().token(), "token-2");
    same.refused();
    assert_eq!(stage.voucher(None).await.unwrap().token(), "token-2", "it was not this one that was refused");
}

#[tokio::test]
async fn with_another_key_no_token_of_before_is_used_again_not_even_one_that_was_under_way() {
    let stage = Stage::silent();
    let mut waiting = Box::pin(stage.token_for("one"));
    assert!(tokio::time::timeout(Duration::ZERO, &mut waiting).await.is_err());
    stage.asked_of(1).await;
    let next = key();
    stage.tokens.replace(vec![Arc::clone(&next)]);
    stage.script.may_answer.send_replace(usize::MAX);
    assert_eq!(waiting.await.unwrap(), "token-1", "who waited for it has it");
    assert_eq!(stage.token_for("one").await.unwrap(), "token-2");
    let kid = |body: &Bytes| {
        let text = std::str::from_utf8(body).unwrap();
        let assertion = text.split("client_assertion=").nth(1).unwrap();
        let header = crate::crypto::decode_base64url(assertion.split('.').next().unwrap()).unwrap();
        String::from_utf8(header).unwrap().contains(next.kid())
    };
    assert_eq!(stage.script.bodies.lock().iter().map(kid).collect::<Vec<_>>(), [false, true]);
}

#[tokio::test]
async fn so_many_tokens_are_kept_and_of_one_more_that_which_ends_first_goes() {
    let stage = Stage::new();
    let (soonest, later) = (stage.ending_in(50, "soonest"), stage.ending_in(90, "later"));
    {
        let mut kept = stage.tokens.kept.lock();
        for number in 1..TOKENS_MAX {
            kept.rights.insert(Asked::for_test(&number.to_string()), Entry::Here(Arc::clone(&later)));
        }
        kept.rights.insert(Asked::for_test("soonest"), Entry::Here(soonest));
    }
    assert_eq!(stage.token_for("soonest").await.unwrap(), "soonest");
    assert_eq!(stage.token_for("new").await.unwrap(), "token-1");
    assert_eq!(stage.kept(), TOKENS_MAX);
    assert_eq!(stage.token_for("soonest").await.unwrap(), "token-2");
    // Those that are over make room all at once.
    stage.clock.advance(80);
    assert_eq!(stage.token_for("last").await.unwrap(), "token-3");
    assert_eq!(stage.kept(), 3);
}
