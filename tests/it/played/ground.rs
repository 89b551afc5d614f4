//! The ground on which a running gateway plays cases: sockets, certificates, tokens and signatures, and nothing of the
//! workbench's but the keys of its pseudonyms, so that what is made with them can be compared byte by byte.

use crate::harness::Event;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::now;
use crate::played::scripted::Scripted;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use portcullis::clock::Clock;
use portcullis::clock::SystemClock;
use portcullis::clock::UnixMillis;
use portcullis::clock::UnixSeconds;
use portcullis::crypto::SecretKey;
use portcullis::crypto::SigningKey;
use portcullis::crypto::SivKey;
use portcullis::crypto::sha256;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::Authority;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::CLIENT_ID;
use portcullis::devkit::GATEWAY;
use portcullis::devkit::InboundKit;
use portcullis::devkit::Issued;
use portcullis::devkit::Leaf;
use portcullis::devkit::PARKLINE_AUTHORITY;
use portcullis::devkit::PARTNER_PEER;
use portcullis::devkit::Validity;
use portcullis::directory;
use portcullis::directory::Directory;
use portcullis::identity::TokenKind;
use portcullis::identity::write_rights;
use portcullis::json;
use portcullis::json::Value;
use portcullis::model::Actor;
use portcullis::model::AdminDoor;
use portcullis::model::Direction;
use portcullis::model::PartnerName;
use portcullis::model::Stranger;
use portcullis::pipeline::Act;
use portcullis::pipeline::RevocationOrder;
use portcullis::protect::Protector;
use portcullis::secret::Secret;
use portcullis::workbench::Asks;
use portcullis::workbench::Case;
use portcullis::workbench::CaseAnswer;
use portcullis::workbench::CaseRight;
use portcullis::workbench::CaseToken;
use portcullis::workbench::PartnerFault;
use portcullis::workbench::SignedAs;
use std::collections::HashMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// For whom the folder's issuers make tokens.
const AUDIENCE: &str = "https://gateway.prop.example";

/// So many cases at once are a flood; here they are none.
const LIMITS: &str = "subject_rate_per_minute: 1000000, device_rate_per_minute: 1000000, \
    object_rate_per_minute: 1000000, shutdown_lead_ms: 0ms, refusal_records_per_peer_per_minute: 1000000, \
    known_refusal_records_per_peer_per_minute: 1000000";

/// Good by the machine's clock and by every case's.
const ALWAYS: Validity = Validity { from: UnixSeconds::new(0), until: UnixSeconds::new(253_370_764_800) };

/// Of what the secrets of events are made: no two purposes may share one, but one of them is the stage's.
pub const FOR_THE_PARTNER: &str = ON_STAGE;
const FROM_THE_PARTNER: &str = "from the partner";
pub const FOR_THE_BACKEND: &str = "for the backend";

/// Of what the workbench makes the secret of all events on its stage.
pub const ON_STAGE: &str = "portcullis stage webhooks";

/// How old the directory is when a gateway begins: older than any update in a case, in milliseconds.
const AGE_MS: u64 = 3 * 3_600_000;

/// A clock whose hands are put where a case wants them.
struct Hands {
    at: AtomicU64,
    steady: SystemClock,
}

impl Clock for Hands {
    fn now(&self) -> UnixMillis {
        UnixMillis::new(self.at.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Duration {
        self.steady.steady()
    }
}

/// A gateway, and everybody around it.
pub struct Ground {
    pub gateway: Served,
    pub smarthome: Scripted,
    pub parkline: Scripted,
    /// Takes partners' events.
    pub receiver: Scripted,
    pub stage: Stage,
    clock: Arc<Hands>,
    authority: Authority,
    /// The partner as it calls: of an authority that may not be the backend's.
    partner: Issued,
    ids: AtomicU64,
    peers: Mutex<HashMap<String, Arc<Issued>>>,
}

impl Ground {
    /// A gateway on a stage that the test has set, with this directory, whose clock begins then.
    pub fn on(stage: Stage, directory: &Directory, at: UnixMillis) -> Self {
        let (authority, partners) =
            (Authority::new("all", ALWAYS).unwrap(), Authority::new("partners", ALWAYS).unwrap());
        let hosts = ["localhost", "parkline.example", "127.0.0.1"];
        let identity = authority.issue(&Leaf::server(&hosts, ALWAYS)).unwrap().identity().unwrap();
        let start = || stage.wait(Scripted::start(&identity, authority.root()));
        let (smarthome, parkline, receiver) = (start(), start(), start());
        stage.configure(smarthome.address, parkline.address).unwrap();
        stage.edit("gateway.yaml", "limits: {}", &format!("limits: {{{LIMITS}}}"));
        stage.announce_to(&format!("https://{}/events", smarthome.address)).unwrap();
        InboundKit::make(&stage, now()).unwrap().configure(&stage, receiver.address).unwrap();
        stage.edit("gateway.yaml", "path: /partner-events", "path: /events");
        stage.edit("gateway.yaml", "max_age: 24h", "max_age: 72h");
        // A gateway that takes updates wants to know how old its directory is; the stage's have no age.
        let text = String::from_utf8(directory.text()).unwrap().replacen(r#""kind":"snapshot","#, "", 1);
        assert!(!text.contains("made_at"));
        let made_at = UnixMillis::new(at.get() - AGE_MS);
        let text = text.replacen(r#","tenants":"#, &format!(r#","made_at":"{made_at}","tenants":"#), 1);
        fs::write(stage.path("directory.yaml"), text).unwrap();
        certify(&stage, &authority, &partners);
        for (file, partner) in [("pki/pseudonym.key", "smarthome"), ("pki/parkline-pseudonym.key", "parkline")] {
            fs::write(stage.path(file), pseudonym_seed(partner)).unwrap();
        }
        for (file, seed) in [
            ("pki/webhook-sign.key", FOR_THE_PARTNER),
            ("pki/partner-events.secret", FROM_THE_PARTNER),
            ("pki/backend-events.secret", FOR_THE_BACKEND),
        ] {
            fs::write(stage.path(file), secret(seed)).unwrap();
        }
        let clock = Arc::new(Hands { at: AtomicU64::new(at.get()), steady: SystemClock::new() });
        let gateway = Served::by(&stage, clock.clone());
        let partner = partners.issue(&Leaf::client(PARTNER_PEER, ALWAYS)).unwrap();
        let (ids, peers) = (AtomicU64::new(1), Mutex::default());
        Self { gateway, smarthome, parkline, receiver, stage, clock, authority, partner, ids, peers }
    }

    /// Puts the case's revocations in force, as the operator does.
    pub fn revoke(&self, case: &Case) {
        for (kind, tenant, value) in &case.revoked {
            let order = RevocationOrder { kind: *kind, tenant: tenant.clone(), value: Stranger::new(value.as_str()) };
            let gate = self.gateway.gate();
            let done = self.stage.wait(gate.act(Act::Revoke(order), &Actor::owner(AdminDoor::Socket)));
            assert!(done.outcome.is_ok(), "{}: {:?}", case.name, done.outcome);
        }
    }

    /// Who stands behind the gateway where this case goes.
    pub fn behind(&self, case: &Case) -> &Scripted {
        match &case.asks {
            asks if direction_of(asks) == Direction::Inbound => &self.receiver,
            asks if partner_of(asks).as_ref() == "parkline" => &self.parkline,
            _ => &self.smarthome,
        }
    }

    /// Plays a case; what the caller receives.
    pub fn play(&self, case: &Case) -> BackendAnswer {
        self.clock.at.store(case.at.get(), Ordering::SeqCst);
        let behind = self.behind(case);
        behind.say(answer_of(case));
        let unreachable = matches!(case.answer, Some(CaseAnswer::Fault(PartnerFault::Unreachable)));
        if unreachable {
            self.stage.wait(behind.shut());
        }
        let answer = self.ask(case);
        if unreachable {
            self.stage.wait(behind.open());
        }
        answer
    }

    fn ask(&self, case: &Case) -> BackendAnswer {
        let name = partner_of(&case.asks);
        let (method, target, mut fields, body) = match &case.asks {
            Asks::Request { method, target, fields, body, signed, .. } => {
                let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
                let mut fields: Vec<_> = fields.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
                if *signed {
                    fields.push(("directory-signature".into(), self.signature(body)));
                }
                (method.as_str(), target.as_str(), fields, body.to_vec())
            }
            Asks::Event { direction, id, body, signed, tenant, .. } => {
                let body = body.bytes(&protector(name), tenant.as_ref()).unwrap();
                let mut fields = vec![("content-type".to_owned(), "application/json".to_owned())];
                match direction {
                    Direction::Outbound => fields.push(("idempotency-key".into(), id.clone())),
                    Direction::Inbound => fields.extend(signed_fields(id, *signed, &body, case.at)),
                }
                ("POST", "/-/events", fields, body)
            }
        };
        if let Some(token) = &case.caller.token {
            let (is_session, path) = (token.kind == TokenKind::Session, target.split('?').next().unwrap());
            let (scheme, token) = if is_session && token.bound_to.is_some() {
                let said = fields.iter().find(|(name, _)| name == "command-time");
                let said = said.and_then(|(_, value)| value.strip_prefix('@')?.parse().ok());
                let at = said.map_or(case.at.seconds(), UnixSeconds::new);
                let text = self.token(token, case.at);
                fields.push(("dpop".into(), self.stage.prover(&self.stage.app).proof(method, path, &text, Some(at))));
                ("DPoP", text)
            } else {
                ("Bearer", self.token(token, case.at))
            };
            fields.push(("authorization".into(), format!("{scheme} {token}")));
        }
        if let Some(scopes) = &case.caller.client {
            fields.push(("authorization".into(), format!("Bearer {}", self.client_token(scopes, case.at))));
        }
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        let backend = self.backend(case, name);
        self.stage
            .wait(backend.call(method, target, &fields, &body))
            .unwrap_or_else(|fault| panic!("{}: {fault}", case.name))
    }

    /// Whoever asks, at the door where such a case comes in.
    fn backend(&self, case: &Case, name: &PartnerName) -> Backend {
        let authority = if name.as_ref() == "parkline" { PARKLINE_AUTHORITY } else { AUTHORITY };
        let (address, identity) = match direction_of(&case.asks) {
            Direction::Inbound => (self.gateway.partners.unwrap(), self.partner.identity().unwrap()),
            Direction::Outbound => (self.gateway.address, self.peer(&case.caller.peer).identity().unwrap()),
        };
        Backend::new(address, authority, Some(&identity), vec![self.authority.root()]).unwrap()
    }

    /// A token of the partner, as the gateway issues it: it has only just begun, and takes no assertion yet.
    fn client_token(&self, scopes: &[String], at: UnixMillis) -> String {
        let own = Secret::new(fs::read(self.stage.path("pki/clients.key")).unwrap());
        let issuer = format!("https://{AUTHORITY}");
        let thumbprint = URL_SAFE_NO_PAD.encode(self.partner.parsed().unwrap().thumbprint.as_bytes());
        let (at, jti) = (at.seconds().get(), self.ids.fetch_add(1, Ordering::Relaxed));
        let claims = serde_json::json!({
            "iss": issuer, "aud": issuer, "sub": CLIENT_ID, "client_id": CLIENT_ID, "scope": scopes.join(" "),
            "jti": jti.to_string(), "iat": at, "exp": at + 300, "cnf": {"x5t#S256": thumbprint},
        });
        let own = SigningKey::from_pem(&own).unwrap();
        own.sign_jws("partner-client+jwt", claims.to_string().as_bytes()).unwrap()
    }

    fn peer(&self, name: &str) -> Arc<Issued> {
        let made = || Arc::new(self.authority.issue(&Leaf::client(name, ALWAYS)).unwrap());
        Arc::clone(self.peers.lock().entry(name.to_owned()).or_insert_with(made))
    }

    /// A token as the gateway's issuers give it.
    fn token(&self, token: &CaseToken, at: UnixMillis) -> String {
        let issuer = match token.kind {
            TokenKind::Session => &self.stage.sessions,
            TokenKind::SignIn => &self.stage.login,
        };
        assert_eq!(token.issuer, None, "the folder's issuers have their names");
        let issued = UnixSeconds::new(at.seconds().get() - token.age_s);
        let bound_to = token.bound_to.as_deref().unwrap_or("spiffe://nobody.example");
        let thumbprint = self.peer(bound_to).parsed().unwrap().thumbprint;
        let mut claims = issuer.claims(AUDIENCE, &token.subject, &thumbprint, issued, token.lifetime_s);
        if token.kind == TokenKind::Session {
            claims = claims.bound_to(&self.stage.app).acted_by(bound_to);
        }
        if token.bound_to.is_none() {
            claims = claims.without("cnf");
        }
        claims = claims.with("client_id", token.client.as_str()).with("jti", token.id.as_str());
        let optional = [
            ("tenant", token.tenant.clone()),
            ("device_id", token.device.clone()),
            ("car_id", token.car.clone()),
            ("sid", token.session.clone()),
            ("scope", (!token.scopes.is_empty()).then(|| token.scopes.join(" "))),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                claims = claims.with(name, value);
            }
        }
        if !token.roles.is_empty() {
            claims = claims.with("roles", texts(&token.roles));
        }
        if !token.houses.is_empty() {
            claims = claims.with("houses", texts(&token.houses));
        }
        if !token.rights.is_empty() {
            claims = claims.with("authorization_details", rights(&token.rights));
        }
        issuer.mint(&claims).unwrap()
    }

    /// The directory's detached signature.
    fn signature(&self, body: &[u8]) -> String {
        let whole = self.stage.directory_key.sign_jws(directory::TYPE, body).unwrap();
        let parts: Vec<&str> = whole.split('.').collect();
        format!("{}..{}", parts[0], parts[2])
    }
}

/// For whom a case is.
pub fn partner_of(asks: &Asks) -> &PartnerName {
    match asks {
        Asks::Request { partner, .. } | Asks::Event { partner, .. } => partner,
    }
}

/// Which way it goes.
pub fn direction_of(asks: &Asks) -> Direction {
    match asks {
        Asks::Request { direction, .. } | Asks::Event { direction, .. } => *direction,
    }
}

/// Has certificates that do not end, of one authority but for partners' clients, in place of the folder's.
fn certify(stage: &Stage, authority: &Authority, partners: &Authority) {
    fs::write(stage.path("pki/partner-clients.pem"), partners.pem()).unwrap();
    for stem in ["backend-authority", "partner-authority", "parkline-authority", "backend-servers"] {
        fs::write(stage.path(&format!("pki/{stem}.pem")), authority.pem()).unwrap();
    }
    let server =
        Leaf::server(&[AUTHORITY, PARKLINE_AUTHORITY, "gateway.prop.example", "localhost", "127.0.0.1"], ALWAYS);
    let client = Leaf::client(GATEWAY, ALWAYS);
    for (stem, leaf) in [
        ("gateway", &server),
        ("gateway-for-partners", &server),
        ("gateway-at-partner", &client),
        ("gateway-at-parkline", &client),
        ("gateway-at-backend", &client),
    ] {
        for kind in ["pem", "key"] {
            fs::remove_file(stage.path(&format!("pki/{stem}.{kind}"))).unwrap();
        }
        authority.issue(leaf).unwrap().write(&stage.path("pki"), stem).unwrap();
    }
}

/// What a partner's pseudonyms are made with on the workbench's stage.
fn pseudonym_seed(partner: &str) -> [u8; 32] {
    *sha256(format!("portcullis stage pseudonyms {partner}").as_bytes()).as_bytes()
}

fn protector(partner: &PartnerName) -> Protector {
    Protector::new(partner.clone(), SivKey::new(&SecretKey::new(pseudonym_seed(partner.as_ref()))))
}

/// The secret of events that is made of this.
pub fn secret(seed: &str) -> String {
    format!("whsec_{}", STANDARD.encode(sha256(seed.as_bytes()).as_bytes()))
}

fn signed_fields(id: &str, signed: SignedAs, body: &[u8], at: UnixMillis) -> Vec<(String, String)> {
    let secret = secret(if signed == SignedAs::Wrongly { "nobody's" } else { FROM_THE_PARTNER });
    let (body, at) = (String::from_utf8(body.to_vec()).unwrap(), at.seconds().get().to_string());
    let event = Event { id: id.to_owned(), at, body, fields: Vec::new(), ..Event::new(&secret, "", "{}") };
    let mut fields = event.all_fields();
    fields.retain(|(name, _)| signed != SignedAs::Not || name != "webhook-signature");
    fields
}

/// What is answered. As on the stage, and that this was all over the connection: there is no pool there.
fn answer_of(case: &Case) -> Option<Vec<u8>> {
    let (status, fields, body) = match (&case.answer, &case.asks) {
        (Some(CaseAnswer::Whole { status, fields, body, tenant }), asks) => {
            let protector = protector(partner_of(asks));
            let body = body.as_ref().map(|body| body.bytes(&protector, tenant.as_ref()).unwrap());
            (*status, fields.clone(), body)
        }
        (None, Asks::Event { .. }) => (204, Vec::new(), None),
        (Some(CaseAnswer::Fault(PartnerFault::Garbage)), _) => return Some(b"I am no HTTP\r\n\r\n".to_vec()),
        (Some(CaseAnswer::Fault(PartnerFault::Silent)), _) => panic!("{}: no case waits for a deadline", case.name),
        (Some(CaseAnswer::Fault(_)) | None, _) => return None,
    };
    let mut head = format!("HTTP/1.1 {status} \r\nconnection: close\r\n");
    for (name, value) in fields {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if status != 204 {
        head.push_str(&format!("content-length: {}\r\n", body.as_ref().map_or(0, Vec::len)));
    }
    head.push_str("\r\n");
    Some([head.into_bytes(), body.unwrap_or_default()].concat())
}

/// The rights as a token has them.
fn rights(rights: &[CaseRight]) -> Value {
    let rights: Vec<_> = rights.iter().map(CaseRight::right).collect();
    let mut text = Vec::new();
    write_rights(&rights, &mut text);
    json::parse(&text, json::Limits::default()).unwrap()
}

fn texts(texts: &[String]) -> Vec<Value> {
    texts.iter().map(|text| Value::from(text.as_str())).collect()
}
