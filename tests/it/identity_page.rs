//! The page about identity (`docs/identity.md`): every request on it is sent as it stands, with what is made for one moment filled
//! in, and what comes back is what the page shows: status, fields, and the names in every document. The claims that it
//! shows are those of real tokens.

use crate::harness::Captured;
use crate::harness::Command;
use crate::harness::Inbound;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::blocks;
use crate::harness::now;
use crate::harness::page;
use portcullis::crypto::Jws;
use portcullis::crypto::SivKey;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::AppKey;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::NORTH;
use portcullis::devkit::PUBLIC_HOST;
use portcullis::devkit::PUBLIC_URL;
use portcullis::model::DataClass;
use portcullis::model::IdentifierKind;
use portcullis::model::Name;
use portcullis::protect::Protector;
use portcullis::secret::Secret;
use serde_json::Value;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;

const PAGE: &str = "docs/identity.md";
const SMARTHOME: &str = "policies/contracts/smarthome.openapi.yaml";

/// What stands for something that is made for one moment.
const MADE: char = '…';

/// A message as the page shows it.
#[derive(Clone, Debug)]
struct Shown {
    start: String,
    fields: Vec<(String, String)>,
    body: String,
}

impl Shown {
    fn of(block: &str) -> Self {
        let (head, body) = block.split_once("\n\n").unwrap_or((block.trim_end(), ""));
        let mut lines = head.lines();
        let field = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("no field: {line}"));
            (name.to_owned(), value.to_owned())
        };
        Self {
            start: lines.next().unwrap().to_owned(),
            fields: lines.map(field).collect(),
            body: body.trim_end().into(),
        }
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The method and the target of a request.
    fn asks(&self) -> (&str, &str) {
        let mut words = self.start.split(' ');
        let asked = (words.next().unwrap(), words.next().unwrap());
        assert_eq!(words.next(), Some("HTTP/1.1"), "{}", self.start);
        asked
    }

    /// The status of an answer.
    fn status(&self) -> u16 {
        self.start.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// The parameters of a form, whose lines are broken to be read.
    fn form(&self) -> BTreeMap<String, String> {
        let parameter = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        };
        self.body.replace('\n', "").split('&').map(parameter).collect()
    }

    fn with(&self, name: &str, value: &str) -> Self {
        let mut other = self.clone();
        let (_, known) = other.fields.iter_mut().find(|(known, _)| known == name).unwrap();
        value.clone_into(known);
        other
    }
}

/// The blocks of a section: its requests and answers, and its documents. The section is found by its heading.
struct Section {
    messages: Vec<Shown>,
    documents: Vec<Value>,
}

impl Section {
    #[track_caller]
    fn of(heading: &str) -> Self {
        let text = page(PAGE);
        let (_, rest) = text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
        // To the next heading, of whatever depth, but not to a comment in a block.
        let mut fenced = false;
        let own = rest.lines().take_while(|line| {
            fenced ^= line.starts_with("```");
            fenced || !line.starts_with('#')
        });
        let blocks = blocks(&own.map(|line| format!("{line}\n")).collect::<String>());
        let of = |kind: &str| blocks.iter().filter(|(word, _)| word == kind).map(|(_, text)| text.clone()).collect();
        let (messages, documents): (Vec<String>, Vec<String>) = (of("http"), of("json"));
        let document = |text: &String| serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        Self {
            messages: messages.iter().map(|text| Shown::of(text)).collect(),
            documents: documents.iter().map(document).collect(),
        }
    }

    #[track_caller]
    fn message(&self, begins: &str) -> &Shown {
        self.messages.iter().find(|shown| shown.start.starts_with(begins)).unwrap_or_else(|| panic!("no {begins}"))
    }
}

/// The names of all members, each with its place.
fn shape(value: &Value) -> BTreeSet<String> {
    fn add(value: &Value, at: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| {
                let place = format!("{at}.{name}");
                add(value, &place, found);
                found.insert(place);
            }),
            Value::Array(items) => items.iter().for_each(|item| add(item, &format!("{at}[]"), found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    add(value, "", &mut found);
    found
}

/// The answer is what the page shows of it: all of that, where nothing is made for one moment to the letter, and of a document
/// the same names.
#[track_caller]
fn is_as_shown(answer: &BackendAnswer, shown: &Shown) {
    assert_eq!(answer.status, shown.status(), "{}", answer.text());
    for (name, value) in &shown.fields {
        let told: Vec<&str> = answer
            .headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect();
        let made = value.contains(MADE) || name == "DPoP-Nonce";
        assert!(if made { told.len() == 1 } else { told.contains(&value.as_str()) }, "{name}: {value}, but {told:?}");
    }
    if !shown.body.is_empty() {
        let shown: Value = serde_json::from_str(&shown.body).unwrap();
        let told: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(shape(&told), shape(&shown), "{}", answer.text());
    }
}

fn payload(token: &str) -> Value {
    serde_json::from_slice(Jws::split(token).unwrap().payload()).unwrap()
}

fn header(token: &str) -> Value {
    serde_json::from_slice(Jws::split(token).unwrap().header()).unwrap()
}

fn token_of(answer: &BackendAnswer) -> String {
    serde_json::from_slice::<Value>(&answer.body).unwrap()["access_token"].as_str().unwrap().to_owned()
}

/// A gateway, and who calls it.
struct Played {
    gateway: Served,
    stage: Inbound,
}

impl Played {
    fn on(stage: Stage) -> Self {
        let stage = Inbound::on(stage);
        Self { gateway: Served::on(&stage), stage }
    }

    fn new() -> Self {
        Self::on(Stage::new())
    }

    fn backend(&self, shown: &Shown) -> Backend {
        self.stage.backend_for(self.gateway.address, shown.field("Host").unwrap())
    }

    /// Sends what the page shows, with these parameters in place of those that are made for one moment.
    #[track_caller]
    fn send_by(&self, backend: &Backend, shown: &Shown, made: &[(&str, &str)]) -> BackendAnswer {
        let (method, target) = shown.asks();
        assert!([AUTHORITY, PUBLIC_HOST].contains(&shown.field("Host").unwrap()));
        let fields: Vec<(&str, &str)> =
            shown.fields.iter().filter(|(name, _)| name != "Host").map(|(name, value)| (&**name, &**value)).collect();
        let body = match made {
            [] => shown.body.clone(),
            _ => {
                let mut form = shown.form();
                for (name, value) in made {
                    let was = form.insert((*name).to_owned(), (*value).to_owned());
                    assert!(was.is_some_and(|was| was.contains(MADE)), "the page shows no `{name}` to be filled in");
                }
                form.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
            }
        };
        let whole = fields.iter().all(|(_, value)| !value.contains(MADE)) && !target.contains(MADE);
        assert!(whole && !body.contains(MADE), "{shown:?}");
        self.stage.wait(backend.call(method, target, &fields, body.as_bytes())).unwrap()
    }

    #[track_caller]
    fn send(&self, shown: &Shown, made: &[(&str, &str)]) -> BackendAnswer {
        self.send_by(&self.backend(shown), shown, made)
    }

    /// A proof for a request of the page, by the stage's app.
    fn proof(&self, shown: &Shown, token: Option<&str>, nonce: Option<&str>) -> String {
        let (method, target) = shown.asks();
        self.stage.app.proof(method, &format!("{PUBLIC_URL}{target}"), token, nonce, now()).unwrap()
    }

    /// The user's own token.
    fn sign_in(&self) -> String {
        self.stage.login.mint(&self.stage.resident(&self.stage.login, now()).without("cnf")).unwrap()
    }

    /// A nonce, which a gateway that has just started asks for.
    fn nonce(&self, exchange: &Shown) -> String {
        let shown = exchange.with("DPoP", &self.proof(exchange, None, None));
        let answer = self.send(&shown, &[("subject_token", &self.sign_in())]);
        is_as_shown(&answer, Section::of("### The exchange").message("HTTP/1.1 400"));
        answer.header("dpop-nonce").unwrap().to_owned()
    }

    /// A session, as the page asks for one.
    fn session(&self) -> BackendAnswer {
        let section = Section::of("### The exchange");
        let exchange = section.message("POST /-/oauth/token");
        let nonce = self.nonce(exchange);
        let shown = exchange.with("DPoP", &self.proof(exchange, None, Some(&nonce)));
        let answer = self.send(&shown, &[("subject_token", &self.sign_in())]);
        is_as_shown(&answer, section.message("HTTP/1.1 200"));
        answer
    }
}

/// The page's command to open a door, with this session token and a proof by its app.
fn opens(played: &Played, token: &str, nonce: Option<&str>) -> BackendAnswer {
    let section = Section::of("## Proof of possession (DPoP)");
    let shown = section.message("POST /v1/houses/house-1/doors/door-1/open");
    let proof = played.proof(shown, Some(token), nonce);
    let shown = shown.with("Authorization", &format!("DPoP {token}")).with("DPoP", &proof);
    let (_, target) = shown.asks();
    // The page shows the fields that are about identity; the contract demands the others.
    let bare = Command { token: None, time: None, ..Command::new(&played.stage) }.to(target);
    let fields = shown.fields.iter().filter(|(name, _)| name != "Host");
    let command = fields.fold(bare, |command, (name, value)| command.with(name, value));
    played.stage.wait(command.give_once(&played.backend(&shown))).unwrap()
}

#[test]
fn signing_in_the_exchange_the_challenge_and_the_command_are_as_the_page_shows_them() {
    let played = Played::new();
    let answer = played.session();
    let token = token_of(&answer);
    let section = Section::of("### The exchange");
    assert_eq!(shape(&payload(&token)), shape(&section.documents[0]), "the claims of a session token");

    let proofs = Section::of("## Proof of possession (DPoP)");
    let challenged = opens(&played, &token, None);
    is_as_shown(&challenged, Section::of("### Nonces").message("HTTP/1.1 401"));
    let nonce = challenged.header("dpop-nonce").unwrap().to_owned();
    let opened = opens(&played, &token, Some(&nonce));
    assert_eq!(opened.status, 200, "{}", opened.text());
    let shown = proofs.message("POST /v1/houses/house-1/doors/door-1/open");
    let proof = played.proof(shown, Some(&token), None);
    assert_eq!(
        [header(&proof), payload(&proof)].map(|part| shape(&part)),
        [0, 1].map(|at| shape(&proofs.documents[at]))
    );
    assert_eq!(proofs.documents[1]["htu"], payload(&proof)["htu"]);

    // What the partner got of it.
    let sent = Captured::last(&played.stage.partner);
    let partner_token = sent.field("authorization").strip_prefix("Bearer ").unwrap().to_owned();
    assert_eq!(header(&partner_token)["typ"], "partner-token+jwt");
    assert_eq!(shape(&payload(&partner_token)), shape(&Section::of("## Towards the partner").documents[0]));

    // And once its rights are taken back, nothing.
    let revoking = Section::of("## Taking rights back");
    let answer = played.send(revoking.message("POST /-/revocations"), &[]);
    is_as_shown(&answer, revoking.message("HTTP/1.1 200"));
    let before = played.stage.partner.progress().bytes;
    assert_eq!(opens(&played, &token, Some(&nonce)).status, 403);
    assert_eq!(played.stage.partner.progress().bytes, before);
}

#[test]
fn reading_publishing_and_the_step_up_are_as_the_page_shows_them() {
    let stage = Stage::new();
    let see = "        right: {type: door_access, action: see}\n";
    let played = Played::on(stage);
    let section = Section::of("## Reading with the sign-in token");
    let shown = section.message("GET /v1/houses/house-1/doors/door-1/status");
    let claims = played.stage.resident(&played.stage.login, now()).without("authorization_details");
    let claims = claims.door_access("house-1", Some("door-1"), &["see"]);
    let token = played.stage.login.mint(&claims).unwrap();
    assert_eq!(shape(&payload(&token)), shape(&section.documents[0]), "the claims of a sign-in token");
    let answer = played.send(&shown.with("Authorization", &format!("Bearer {token}")), &[]);
    is_as_shown(&answer, section.message("HTTP/1.1 200"));

    let section = Section::of("## Keys that change");
    let answer = played.send(section.message("GET /-/oauth/jwks"), &[]);
    is_as_shown(&answer, section.message("HTTP/1.1 200"));
    drop(played);

    // The door of the page, at which one signs in again: by a session that was given without it.
    let stage = Stage::new();
    stage.edit(SMARTHOME, see, &format!("{see}        acr: [high]\n        max_auth_age: 5m\n"));
    let played = Played::on(stage);
    let command = Command::errand(&played.stage, &NORTH, "readDoor");
    let command = command.of_app(&played.stage, &played.stage.app);
    let answer = played.stage.wait(command.give(&played.stage.backend(played.gateway.address))).unwrap();
    is_as_shown(&answer, Section::of("## Rights, and signing in again").message("HTTP/1.1 401"));
}

#[test]
fn a_partner_asks_as_the_page_shows_it() {
    let played = Played::new();
    let section = Section::of("## A partner that asks");
    let asks = section.message("POST /-/oauth/token");
    let caller = played.stage.caller(played.gateway.partners);
    let issuer = format!("https://{AUTHORITY}");
    // An assertion that an earlier process may have taken is none; the gateway says so until it has been there for longer.
    let mut tries = 0;
    let answer = loop {
        tries += 1;
        let assertion = played.stage.kit.client_assertion(&issuer, &format!("page-{tries}"), now()).unwrap();
        let answer = played.send_by(&caller, asks, &[("client_assertion", &assertion)]);
        if answer.status == 200 {
            break answer;
        }
        assert!(tries < 10_000, "{}", answer.text());
    };
    is_as_shown(&answer, section.message("HTTP/1.1 200"));
    let token = token_of(&answer);
    assert_eq!(header(&token)["typ"], "partner-client+jwt");
    assert_eq!(shape(&payload(&token)), shape(&section.documents[0]));

    let seed = Secret::new(fs::read(played.stage.path("pki/pseudonym.key")).unwrap());
    let protector = Protector::new(Name::new("smarthome").unwrap(), SivKey::from_secret(&seed).unwrap());
    let (tenant, kind) = (Name::new("north").unwrap(), Some(IdentifierKind::Request));
    let grant = protector.pseudonym(&tenant, DataClass::Identifier, kind, "grant-1").unwrap();
    let mut shown =
        section.message("GET /v1/houses/house-1/grants/p1.…").with("Authorization", &format!("Bearer {token}"));
    shown.start = shown.start.replace("p1.…", &grant);
    let answer = played.send_by(&caller, &shown, &[]);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn every_message_of_the_page_is_one_that_is_played_here() {
    let whole = page(PAGE);
    let all = blocks(&whole).into_iter().filter(|(word, _)| word == "http").count();
    let played = [
        "## Proof of possession (DPoP)",
        "### Nonces",
        "### The exchange",
        "## Rights, and signing in again",
        "## Reading with the sign-in token",
        "## A partner that asks",
        "## Taking rights back",
        "## Keys that change",
        // Those of the gateway itself to others, which other tests receive: `introspection.rs`, `fetched.rs`.
        "## Opaque tokens",
        "### Tokens from the partner's own server",
    ];
    let here: usize = played.iter().map(|heading| Section::of(heading).messages.len()).sum();
    assert_eq!(all, here, "a message stands in a section that is not known here");
    // Every drawing and every document is whole.
    for (word, block) in blocks(&whole) {
        assert!(["http", "json", "mermaid", "sh", ""].contains(&word.as_str()), "{word}");
        assert!(word != "mermaid" || block.starts_with("sequenceDiagram\n"), "{block}");
    }
    let named = AppKey::claims("POST", "https://gateway.prop.example/", Some("t"), Some("n"), now());
    assert!(
        named.iter().all(|(name, _)| whole.contains(&format!("`{name}`")) || whole.contains(&format!("\"{name}\"")))
    );
}
