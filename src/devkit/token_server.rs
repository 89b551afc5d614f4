//! The simulated authorisation server of a partner: a token endpoint (RFC 6749 §4.4) that knows one client, by its assertion
//! (RFC 7523 §3) or by its certificate (RFC 8705 §2), and grants the one right that it is asked for (RFC 9396) as a signed
//! access token (RFC 9068). A token for a client that its certificate proves is bound to that certificate (RFC 8705 §3).
//!
//! It is strict where a lax server would pass over what the gateway does wrong: every assertion is good once, and what is asked for is one
//! right and nothing else. Only good answers come from it; whatever else a server may say, tests say by themselves.

use crate::clock::Clock;
use crate::clock::UnixSeconds;
use crate::crypto::ASSERTION_TYPE;
use crate::crypto::Certificate;
use crate::crypto::Jws;
use crate::crypto::KeySet;
use crate::crypto::SigningAlgorithm;
use crate::crypto::SubjectName;
use crate::crypto::TlsIdentity;
use crate::crypto::encode_base64url;
use crate::crypto::random;
use crate::crypto::server_config_speaking;
use crate::devkit::http1::Head;
use crate::devkit::issuer::TokenIssuer;
use crate::devkit::serving::Serving;
use crate::devkit::serving::request;
use crate::form;
use crate::form::Form;
use crate::json;
use crate::json::Limits;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use parking_lot::Mutex;
use rustls_pki_types::CertificateDer;
use std::collections::HashSet;
use std::io;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// As whom it issues tokens.
pub const TOKEN_SERVER: &str = "https://as.smarthome.example";

/// Which client the gateway is there.
pub const TOKEN_CLIENT: &str = "prop-development";

/// The path of its token endpoint.
const PATH: &str = "/oauth/token";

const PARAMETERS: &[&str] = &[
    "grant_type",
    "client_id",
    "scope",
    "authorization_details",
    "resource",
    "client_assertion_type",
    "client_assertion",
];

/// How the client proves itself.
pub enum ClientProof {
    /// By an assertion that one of these keys signed.
    Assertion(KeySet),
    /// By a certificate that bears this URI as its only name.
    Certificate(String),
}

/// What a simulated authorisation server is made of.
pub struct TokenServerSettings {
    /// What it shows.
    pub identity: TlsIdentity,
    /// Who signs the certificates of those who may connect at all.
    pub client_roots: Vec<CertificateDer<'static>>,
    /// How the client proves itself.
    pub proof: ClientProof,
    /// For whom the tokens are: the partner.
    pub audience: String,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
}

/// A server at work. Dropping it stops it without waiting.
pub struct SimulatedTokenServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: Serving,
}

struct Shared {
    acceptor: TlsAcceptor,
    settings: TokenServerSettings,
    issuer: TokenIssuer,
    /// For how many seconds its tokens are good.
    lifetime_s: Mutex<u64>,
    /// The assertions that were used.
    used: Mutex<HashSet<String>>,
    /// What each request asked for, and why it was refused.
    seen: watch::Sender<Vec<Result<String, &'static str>>>,
    /// Whether answers wait.
    holding: watch::Sender<bool>,
}

impl SimulatedTokenServer {
    /// Starts one on a free port of 127.0.0.1, whose tokens are good for five minutes.
    ///
    /// # Errors
    /// If the address cannot be had, or no key can be made.
    pub async fn start(settings: TokenServerSettings) -> io::Result<Self> {
        let tls = server_config_speaking(&settings.identity, settings.client_roots.clone(), &["http/1.1"]);
        let issuer = TokenIssuer::new(TOKEN_SERVER, SigningAlgorithm::Es256).map_err(io::Error::other)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            acceptor: TlsAcceptor::from(tls.map_err(io::Error::other)?),
            settings,
            issuer,
            lifetime_s: Mutex::new(300),
            used: Mutex::default(),
            seen: watch::Sender::default(),
            holding: watch::Sender::new(false),
        });
        let served = Arc::clone(&shared);
        let serving = Serving::begin(listener, move |tcp| {
            let shared = Arc::clone(&served);
            async move { shared.serve(tcp).await.unwrap_or_default() }
        });
        Ok(Self { address, shared, serving })
    }

    /// Where its token endpoint is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}{PATH}", self.address)
    }

    /// What verifies its tokens.
    #[must_use]
    pub fn jwks(&self) -> String {
        self.shared.issuer.jwks()
    }

    /// How many requests came.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.shared.seen.borrow().len()
    }

    /// What each request asked for, scope, resource and rights, or why it was refused.
    #[must_use]
    pub fn seen(&self) -> Vec<Result<String, &'static str>> {
        self.shared.seen.borrow().clone()
    }

    /// Grants tokens of so many seconds from now on.
    pub fn grant_for(&self, seconds: u64) {
        *self.shared.lifetime_s.lock() = seconds;
    }

    /// Lets its answers wait, or go on.
    pub fn hold(&self, holding: bool) {
        self.shared.holding.send_replace(holding);
    }

    /// Waits until so many requests have come. Bounds no time: that is the test's.
    pub async fn until_asked(&self, times: usize) {
        let _ = self.shared.seen.subscribe().wait_for(|seen| seen.len() >= times).await;
    }

    /// Stops: the port is closed and every connection cut.
    pub async fn stop(&self) {
        self.serving.stop().await;
    }
}

impl Shared {
    /// One connection; `None` where it ended.
    async fn serve(&self, tcp: TcpStream) -> Option<()> {
        let mut stream = self.acceptor.accept(tcp).await.ok()?;
        let leaf = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let client = leaf.and_then(|leaf| Certificate::parse(leaf).ok())?;
        let mut buffer = Vec::new();
        loop {
            let (head, body) = request(&mut stream, &mut buffer, || true).await?;
            let now = self.settings.clock.now().seconds();
            let granted = self.granted(&client, &head, &body, now);
            let seen = granted.as_ref().map(|(asked, _)| asked.clone()).map_err(|why| *why);
            self.seen.send_modify(|all| all.push(seen));
            let _ = self.holding.subscribe().wait_for(|holding| !holding).await;
            let (status, answer) = match granted {
                Ok((_, answer)) => ("200 OK", answer),
                Err("client") => ("401 Unauthorized", r#"{"error":"invalid_client"}"#.to_owned()),
                Err(_) => ("400 Bad Request", r#"{"error":"invalid_request"}"#.to_owned()),
            };
            let fields = "Content-Type: application/json;charset=UTF-8\r\nCache-Control: no-store\r\n";
            let answer = format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {}\r\n\r\n{answer}", answer.len());
            stream.write_all(answer.as_bytes()).await.ok()?;
            stream.flush().await.ok()?;
        }
    }

    /// What was asked for, and the answer that grants it.
    fn granted(
        &self,
        client: &Certificate,
        head: &Head,
        body: &[u8],
        now: UnixSeconds,
    ) -> Result<(String, String), &'static str> {
        if head.start != format!("POST {PATH} HTTP/1.1") || head.only("content-type") != Some(form::MEDIA_TYPE) {
            return Err("request");
        }
        let form = Form::parse(body, PARAMETERS).map_err(|_| "form")?;
        if form.get("grant_type") != Some("client_credentials") || form.get("client_id") != Some(TOKEN_CLIENT) {
            return Err("grant");
        }
        let binding = match &self.settings.proof {
            ClientProof::Certificate(name) => {
                if client.names != [SubjectName::Uri(name.as_str().into())] || form.get("client_assertion").is_some() {
                    return Err("client");
                }
                let thumbprint = Value::from(encode_base64url(client.thumbprint.as_bytes()));
                Some(Object::from_iter([("x5t#S256", thumbprint)]))
            }
            ClientProof::Assertion(keys) => {
                self.asserted(&form, keys, now).ok_or("client")?;
                None
            }
        };
        let details = form.get("authorization_details").map(|text| json::parse(text.as_bytes(), Limits::default()));
        let details = details.transpose().map_err(|_| "details")?;
        if details.as_ref().is_some_and(|details| details.as_array().is_none_or(|rights| rights.len() != 1)) {
            return Err("details");
        }
        let asked = [form.get("scope"), form.get("resource"), form.get("authorization_details")];
        let asked = asked.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let lifetime = *self.lifetime_s.lock();
        let mut claims = Object::from_iter([
            ("iss", Value::from(TOKEN_SERVER)),
            ("aud", Value::from(self.settings.audience.as_str())),
            ("sub", Value::from(TOKEN_CLIENT)),
            ("client_id", Value::from(TOKEN_CLIENT)),
            ("jti", Value::from(encode_base64url(&random::<16>()))),
            ("iat", number(now.get())),
            ("nbf", number(now.get())),
            ("exp", number(now.plus(lifetime).get())),
        ]);
        let mut answer = Object::from_iter([("token_type", Value::from("Bearer")), ("expires_in", number(lifetime))]);
        let told = [("scope", form.get("scope").map(Value::from)), ("authorization_details", details)];
        for (name, value) in told.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            claims.insert(name, value.clone());
            answer.insert(name, value);
        }
        if let Some(binding) = binding {
            claims.insert("cnf", binding);
        }
        let token = self.issuer.key().sign_jws("at+jwt", &written(claims)).map_err(|_| "key")?;
        answer.insert("access_token", token);
        Ok((asked, String::from_utf8(written(answer)).map_err(|_| "answer")?))
    }

    /// Whether the client's assertion is good, and was never used.
    fn asserted(&self, form: &Form, keys: &KeySet, now: UnixSeconds) -> Option<()> {
        if form.get("client_assertion_type") != Some(ASSERTION_TYPE) {
            return None;
        }
        let jws = Jws::split(form.get("client_assertion")?).ok()?;
        let header = json::parse(jws.header(), Limits::default()).ok()?;
        let key = keys.key(header.get("kid")?.as_str()?)?;
        key.verify(&jws).ok()?;
        let claims = json::parse(jws.payload(), Limits::default()).ok()?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let time = |name: &str| claims.get(name).and_then(Value::as_integer).and_then(|at| u64::try_from(at).ok());
        let is_ours = [text("iss"), text("sub")] == [Some(TOKEN_CLIENT); 2] && text("aud") == Some(TOKEN_SERVER);
        // Its tokens and the gateway's are made by one clock on one machine: nothing is ahead.
        let is_timely = time("iat")? <= now.get() && now.get() < time("exp")? && time("exp")? <= now.plus(300).get();
        (is_ours && is_timely && self.used.lock().insert(text("jti")?.to_owned())).then_some(())
    }
}

fn number(value: u64) -> Value {
    Number::try_from(value).map_or(Value::Null, Value::Number)
}

fn written(object: Object) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    json::write(&object.into(), &mut out);
    out
}
