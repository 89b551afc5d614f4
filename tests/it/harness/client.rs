//! The one client, which is suspicious: an answer may hold the fields that it knows and no others, must hold those that
//! every answer carries, and may not show what a stranger must not see.

use crate::harness::stage::Stage;
use crate::harness::stage::now;
use portcullis::devkit::AppKey;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::BackendFault;
use portcullis::devkit::Household;
use portcullis::devkit::PUBLIC_URL;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use tokio::task::JoinHandle;

/// What may stand in an answer, lower case.
const KNOWN_FIELDS: &[&str] = &[
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "date",
    "receipt-id",
    "retry-after",
    "dpop-nonce",
    "www-authenticate",
    "x-content-type-options",
];

/// A key that no test has used.
pub fn fresh_key() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("key-{:012}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A command under way.
pub struct Pending<'s> {
    stage: &'s Stage,
    task: JoinHandle<Result<BackendAnswer, BackendFault>>,
}

/// What a caller is told: the status, and the kind of problem, empty where it is none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Told(pub u16, pub String);

impl Pending<'_> {
    /// The answer, which comes.
    pub fn answer(self) -> BackendAnswer {
        self.stage.wait(self.task).unwrap().unwrap()
    }

    /// What the answer says.
    pub fn told(self) -> Told {
        Told::by(&self.answer())
    }

    /// Waits for the end of the connection, which comes without an answer.
    pub fn lost(self) {
        assert!(self.stage.wait(self.task).unwrap().is_err());
    }

    /// Hangs up.
    pub fn hang_up(self) {
        self.task.abort();
        assert!(self.stage.wait(self.task).unwrap_err().is_cancelled());
    }
}

impl Told {
    /// What an answer says.
    pub fn by(answer: &BackendAnswer) -> Self {
        let kind = |text: &str| text.rsplit(['/', ':']).next().unwrap_or_default().to_owned();
        let problem = answer.json().and_then(|document| document.get("type").and_then(|text| text.as_str().map(kind)));
        Self(answer.status, problem.unwrap_or_default())
    }

    /// Fails the test unless it is this.
    #[track_caller]
    pub fn is(&self, status: u16, problem: &str) {
        assert_eq!((self.0, self.1.as_str()), (status, problem));
    }
}

/// A command to open a door: a good one, unless something is changed.
#[derive(Clone)]
pub struct Command {
    pub method: &'static str,
    pub target: String,
    /// The scheme under which the token comes.
    pub scheme: &'static str,
    pub token: Option<String>,
    pub time: Option<String>,
    pub key: Option<String>,
    pub media_type: Option<String>,
    pub body: Vec<u8>,
    pub more: Vec<(String, String)>,
    /// Whose proof comes along; it is made anew where the gateway asks for a nonce.
    pub app: Option<Arc<AppKey>>,
}

impl Command {
    /// A good command for house-1, door-1, given now, with a key of its own.
    pub fn new(stage: &Stage) -> Self {
        Self {
            method: "POST",
            target: "/v1/houses/house-1/doors/door-1/open?reason=guest".into(),
            scheme: "Bearer",
            token: Some(stage.sessions.mint(&stage.claims()).unwrap()),
            time: Some(format!("@{}", now().get())),
            key: Some(fresh_key()),
            media_type: Some("application/json".into()),
            body: br#"{"userId":"resident-ivanov","deviceId":"phone-of-ivanov"}"#.to_vec(),
            more: Vec::new(),
            app: None,
        }
    }

    /// A good request for an operation of the sample, from a household's resident.
    pub fn errand(stage: &Stage, household: &Household, operation: &str) -> Self {
        let key = fresh_key();
        let errand = household.errands(&key).into_iter().find(|errand| errand.operation == operation).unwrap();
        let claims = stage.member_of(household, &stage.sessions, now());
        Self {
            method: errand.method,
            target: errand.target,
            scheme: "Bearer",
            token: Some(stage.sessions.mint(&claims).unwrap()),
            time: errand.moves.then(|| format!("@{}", now().get())),
            key: errand.moves.then_some(key),
            media_type: errand.body.is_some().then(|| "application/json".into()),
            body: errand.body.unwrap_or_default().into_bytes(),
            more: Vec::new(),
            app: None,
        }
    }

    /// The same with another target.
    pub fn to(mut self, target: &str) -> Self {
        self.target = target.into();
        self
    }

    /// The same with another token.
    pub fn bearing(mut self, token: String) -> Self {
        self.token = Some(token);
        self
    }

    /// The same from the app of this key, with a session token that is bound to it and a fresh proof.
    pub fn of_app(self, stage: &Stage, app: &Arc<AppKey>) -> Self {
        let token = stage.sessions.mint(&stage.claims().bound_to(app)).unwrap();
        Self { scheme: "DPoP", app: Some(Arc::clone(app)), ..self }.bearing(token).proven(app, None)
    }

    /// The same with a fresh proof by this key, in place of any other, for what is asked and for its token.
    pub fn proven(mut self, app: &AppKey, nonce: Option<&str>) -> Self {
        // The proof says when.
        self.time = None;
        let path = self.target.split('?').next().unwrap();
        let proof = app.proof(self.method, &format!("{PUBLIC_URL}{path}"), self.token.as_deref(), nonce, now());
        self.proving(&proof.unwrap())
    }

    /// The same with this proof in place of any other.
    pub fn proving(mut self, proof: &str) -> Self {
        self.more.retain(|(name, _)| name != "DPoP");
        self.with("DPoP", proof)
    }

    /// The same with another body.
    pub fn saying(mut self, body: &str) -> Self {
        self.body = body.into();
        self
    }

    /// The same under a given key.
    pub fn under(mut self, key: &str) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The same command once more, under its key, asked for now.
    pub fn again(&self) -> Self {
        if let Some(app) = &self.app {
            return self.clone().proven(app, None);
        }
        Self { time: Some(format!("@{}", now().get())), ..self.clone() }
    }

    /// The same with one more field.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.more.push((name.into(), value.into()));
        self
    }

    /// The header fields.
    pub fn fields(&self) -> Vec<(String, String)> {
        let named = [
            ("Authorization", self.token.as_ref().map(|token| format!("{} {token}", self.scheme))),
            ("Command-Time", self.time.clone()),
            ("Idempotency-Key", self.key.clone()),
            ("Content-Type", self.media_type.clone()),
        ];
        let named = named.into_iter().filter_map(|(name, value)| value.map(|value| (name.to_owned(), value)));
        named.chain(self.more.iter().cloned()).collect()
    }

    /// Gives the command and holds the answer to what every answer must be. An app that is asked for a nonce makes its proof
    /// anew with it, once.
    pub async fn give(&self, backend: &Backend) -> Result<BackendAnswer, BackendFault> {
        let answer = self.give_once(backend).await?;
        match (&self.app, answer.header("dpop-nonce")) {
            (Some(app), Some(nonce)) if answer.status == 401 => {
                self.clone().proven(app, Some(nonce)).give_once(backend).await
            }
            _ => Ok(answer),
        }
    }

    /// The same as it stands, whatever the gateway asks for.
    pub async fn give_once(&self, backend: &Backend) -> Result<BackendAnswer, BackendFault> {
        let fields = self.fields();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = backend.call(self.method, &self.target, &fields, &self.body).await?;
        self.examine(&answer);
        Ok(answer)
    }

    /// Gives the command beside the test.
    pub fn begin<'s>(&self, stage: &'s Stage, gateway: SocketAddr) -> Pending<'s> {
        let (command, backend) = (self.clone(), stage.backend(gateway));
        Pending { stage, task: stage.beside(async move { command.give(&backend).await }) }
    }

    /// Gives the command and waits for what the caller is told.
    pub fn told(&self, stage: &Stage, gateway: SocketAddr) -> Told {
        self.begin(stage, gateway).told()
    }

    /// Fails the test on anything that an answer may not be.
    pub fn examine(&self, answer: &BackendAnswer) {
        for (name, _) in &answer.headers {
            assert!(KNOWN_FIELDS.contains(&name.to_ascii_lowercase().as_str()), "an answer has the field {name}");
        }
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert!(answer.header("receipt-id").is_some_and(|receipt| receipt.starts_with("r-")));
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let token = self.token.as_deref().unwrap_or("no token");
        assert!(!text.contains(token), "an answer shows the token");
        if answer.status >= 400 && answer.header("content-type") == Some("application/problem+json") {
            for canary in ["ivanov", "petrova", "phone-of", "car-of", "canary", "policy"] {
                assert!(!text.contains(canary), "a problem shows `{canary}`: {text}");
            }
        }
    }
}
