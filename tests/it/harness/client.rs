//! The one client, which is suspicious: an answer may hold the fields that it knows and no others, must hold those that
//! every answer carries, and may not show what a stranger must not see.

use crate::harness::prover::Prover;
use crate::harness::prover::is_bound_to_key;
use crate::harness::stage::Stage;
use crate::harness::stage::now;
use portcullis::clock::UnixSeconds;
use portcullis::devkit::AppKey;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::BackendConnection;
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

impl Stage {
    /// Has a gateway in a process of its own tell its nonce, for tests that send bytes of their own making.
    pub fn hear_nonce(&self, gateway: SocketAddr) {
        let (command, backend) = (Command::new(self), self.backend(gateway));
        let answer = self.wait(command.give_once(&backend)).unwrap();
        command.asked_anew(&answer).expect("the gateway asks for a nonce");
    }
}

/// A command to open a door: a good one, unless something is changed.
#[derive(Clone)]
pub struct Command {
    pub method: &'static str,
    pub target: String,
    /// The scheme under which the token comes, if not under that of what it is bound to.
    pub scheme: Option<&'static str>,
    pub token: Option<String>,
    /// What the backend says of its time; a proof that comes along says the same, where that is a time.
    pub time: Option<String>,
    pub key: Option<String>,
    pub media_type: Option<String>,
    pub body: Vec<u8>,
    pub more: Vec<(String, String)>,
    /// Who proves the key of a token that is bound to one, anew each time that the command is sent; unless a proof stands in
    /// `more`.
    pub app: Option<Prover>,
}

impl Command {
    /// A good command for house-1, door-1, given when it is sent, with a key of its own and the proof of the stage's app.
    pub fn new(stage: &Stage) -> Self {
        Self {
            method: "POST",
            target: "/v1/houses/house-1/doors/door-1/open?reason=guest".into(),
            scheme: None,
            token: Some(stage.sessions.mint(&stage.claims()).unwrap()),
            time: None,
            key: Some(fresh_key()),
            media_type: Some("application/json".into()),
            body: br#"{"userId":"resident-ivanov","deviceId":"phone-of-ivanov"}"#.to_vec(),
            more: Vec::new(),
            app: Some(stage.prover(&stage.app)),
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
            scheme: None,
            token: Some(stage.sessions.mint(&claims).unwrap()),
            time: None,
            key: errand.moves.then_some(key),
            media_type: errand.body.is_some().then(|| "application/json".into()),
            body: errand.body.unwrap_or_default().into_bytes(),
            more: Vec::new(),
            app: Some(stage.prover(&stage.app)),
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

    /// The same from the app of this key, with a session token that is bound to it.
    pub fn of_app(self, stage: &Stage, app: &Arc<AppKey>) -> Self {
        let token = stage.sessions.mint(&stage.claims().bound_to(app)).unwrap();
        self.proven_by(stage, app).bearing(token)
    }

    /// The same with the proofs of this key, whatever the token says.
    pub fn proven_by(self, stage: &Stage, app: &Arc<AppKey>) -> Self {
        Self { app: Some(stage.prover(app)), ..self }
    }

    /// The same without a proof.
    pub fn unproven(self) -> Self {
        Self { app: None, ..self }
    }

    /// The same with one proof by this key, made now for what is asked and for its token; it stays the same however often the
    /// command is sent.
    pub fn proven(self, app: &AppKey, nonce: Option<&str>) -> Self {
        let path = self.target.split('?').next().unwrap();
        let proof = app.proof(self.method, &format!("{PUBLIC_URL}{path}"), self.token.as_deref(), nonce, now());
        self.proving(&proof.unwrap())
    }

    /// The same with the proof that it would be sent with now, whatever becomes of the command.
    pub fn pinned(self) -> Self {
        let (app, token) = self.prover().unwrap();
        let proof = app.proof(self.method, &self.target, token, self.at());
        self.proving(&proof)
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
        Self { time: None, ..self.clone() }
    }

    /// The same with one more field.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.more.push((name.into(), value.into()));
        self
    }

    /// The header fields, with a proof of their own.
    pub fn fields(&self) -> Vec<(String, String)> {
        self.fields_with(self.prover().map(|(app, token)| app.proof(self.method, &self.target, token, self.at())))
    }

    /// Who proves the key of the token, and the token.
    fn prover(&self) -> Option<(&Prover, &str)> {
        let has_none = !self.more.iter().any(|(name, _)| name == "DPoP");
        let token = self.token.as_deref().filter(|token| has_none && is_bound_to_key(token))?;
        Some((self.app.as_ref()?, token))
    }

    /// The time that the backend says, if it is one.
    fn at(&self) -> Option<UnixSeconds> {
        self.time.as_ref()?.strip_prefix('@')?.parse().ok().map(UnixSeconds::new)
    }

    fn fields_with(&self, proof: Option<String>) -> Vec<(String, String)> {
        let scheme = |token: &str| match self.scheme {
            Some(scheme) => scheme,
            None if is_bound_to_key(token) => "DPoP",
            None => "Bearer",
        };
        let named = [
            ("Authorization", self.token.as_ref().map(|token| format!("{} {token}", scheme(token)))),
            ("DPoP", proof),
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
        match self.asked_anew(&answer) {
            Some(again) => again.give_once(backend).await,
            None => Ok(answer),
        }
    }

    /// Takes the nonce that an answer offers. The same command with a proof for it, if the answer asks for one and the proof is
    /// not a given one.
    pub fn asked_anew(&self, answer: &BackendAnswer) -> Option<Self> {
        let nonce = answer.header("dpop-nonce")?;
        let (app, token) = self.prover()?;
        app.hears(nonce);
        let again = || app.proof_for(nonce, self.method, &self.target, token, self.at());
        (answer.status == 401).then(|| self.clone().proving(&again()))
    }

    /// The same as it stands, whatever the gateway asks for.
    pub async fn give_once(&self, backend: &Backend) -> Result<BackendAnswer, BackendFault> {
        let fields = self.fields();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = backend.call(self.method, &self.target, &fields, &self.body).await?;
        self.examine(&answer);
        Ok(answer)
    }

    /// Gives it on a connection that stands.
    pub async fn give_on(&self, connection: &mut BackendConnection) -> Result<BackendAnswer, BackendFault> {
        let answer = self.give_once_on(connection).await?;
        match self.asked_anew(&answer) {
            Some(again) => again.give_once_on(connection).await,
            None => Ok(answer),
        }
    }

    async fn give_once_on(&self, connection: &mut BackendConnection) -> Result<BackendAnswer, BackendFault> {
        let fields = self.fields();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = connection.call(self.method, &self.target, &fields, &self.body).await?;
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
