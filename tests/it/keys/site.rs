//! The ground of the rows: a stage with a second of everything that a key can name, and the configuration that they change.

use crate::harness::ASKED_ISSUER;
use crate::harness::Page;
use crate::harness::Post;
use crate::harness::Publisher;
use crate::harness::Receiver;
use crate::harness::Stage;
use crate::harness::ask_about_tokens;
use crate::harness::export_records;
use crate::harness::fetch_tokens;
use crate::harness::now;
use crate::harness::publish_keys;
use crate::harness::take_events;
use crate::harness::write_key;
use crate::keys::CONFIG;
use portcullis::clock::UnixMillis;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::SigningKey;
use portcullis::devkit::Authority;
use portcullis::devkit::EventReceiver;
use portcullis::devkit::InboundKit;
use portcullis::devkit::NORTH;
use portcullis::devkit::PartnerSettings;
use portcullis::devkit::SESSION_ISSUER;
use portcullis::devkit::SimulatedEndpoint;
use portcullis::devkit::SimulatedPartner;
use portcullis::devkit::SimulatedTokenServer;
use portcullis::devkit::TokenIssuer;
use portcullis::devkit::Validity;
use portcullis::secret::Secret;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// When the directory of the first configuration was made.
pub(super) fn an_hour_ago() -> UnixMillis {
    UnixMillis::new((now().get() - 3_600) * 1_000)
}

const REQUIREMENTS: &str = "requirements.yaml";
/// A list of signers of whom nobody has signed anything; the key is that of RFC 8032 §7.1, test 1.
const SIGNERS: &str = "version: 1\nenvironment: development\nsequence: 1\nsigners:\n  - {role: infosec, person: anna, \
                       key: \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea\"}\n";

/// A stage with a second of everything that a key can name, and the configuration that the rows change.
pub(super) struct Site {
    /// Stands where the first partner stands not, and is no other in anything else.
    pub(super) second: SimulatedPartner,
    pub(super) base: Value,
    /// The key of the log's checkpoints under the first configuration, once it is known.
    pub(super) log_key: Option<String>,
    /// Logs that were begun for one look each.
    pub(super) logs: usize,
    /// The person's pseudonym under the first configuration, once it is known.
    pub(super) pseudonym: Option<String>,
    /// Where events go, and where they go instead.
    pub(super) endpoints: [SimulatedEndpoint; 2],
    /// Where the backend takes what the partner sends, and what the partner signs that with.
    pub(super) backend: EventReceiver,
    pub(super) partner_secret: String,
    pub(super) kit: InboundKit,
    /// Where records go, and where they go instead.
    pub(super) siems: [Receiver; 2],
    pub(super) otel: Receiver,
    /// Where issuers publish their keys, and the two that do.
    pub(super) publisher: Publisher,
    pub(super) published: [TokenIssuer; 2],
    /// The id of the key by which the gateway proves to the issuer that is asked who asks.
    pub(super) asking_key: String,
    /// What it says of every token.
    pub(super) said: Page,
    /// Gives the tokens of the partner that runs the barriers.
    pub(super) server: SimulatedTokenServer,
    pub(super) stage: Stage,
}

impl Site {
    pub(super) fn new() -> Self {
        let Post { stage, endpoint, secret, .. } = Post::new();
        let (kit, backend) = take_events(&stage);
        let siems = [Receiver::syslog(&stage), Receiver::syslog(&stage)];
        let otel = Receiver::otlp(&stage);
        export_records(&stage, siems[0].address, otel.address);
        let (publisher, published) = publish(&stage);
        let (asking_key, said) = asked(&stage, &publisher);
        let server = fetch_tokens(&stage);
        let revoked = kit.authority.crl(&[&kit.server], Validity::a_day_from(now())).unwrap();
        fs::write(stage.path("pki/backend-server-revoked.crl"), revoked).unwrap();
        let doors: String = (0..40).map(|number| format!(", told-{number}")).collect();
        stage.edit("directory.yaml", "doors: [door-1, door-2]", &format!("doors: [door-1, door-2{doors}]"));
        let other = Authority::new("another authority", Validity::a_day_from(now())).unwrap();
        fs::write(stage.path("pki/other-authority.pem"), other.pem()).unwrap();
        let revoked = stage.pki.backend_authority.crl(&[&stage.pki.backend], Validity::a_day_from(now())).unwrap();
        fs::write(stage.path("pki/backend-revoked.crl"), revoked).unwrap();
        let clients = &stage.pki.partner_client_authority;
        let revoked = clients.crl(&[&stage.pki.partner_client], Validity::a_day_from(now())).unwrap();
        fs::write(stage.path("pki/callers-revoked.crl"), revoked).unwrap();
        let revoked = stage.pki.partner_authority.crl(&[&stage.pki.partner], Validity::a_day_from(now())).unwrap();
        fs::write(stage.path("pki/partner-revoked.crl"), revoked).unwrap();
        let issuer = TokenIssuer::new(SESSION_ISSUER, SigningAlgorithm::Es256).unwrap();
        fs::write(stage.path("pki/other.jwks"), issuer.jwks()).unwrap();
        let token_key = SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap();
        let webhook = format!("whsec_{}", "A".repeat(32));
        let session_key = SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap();
        let log_key = SigningKey::generate_pem(SigningAlgorithm::EdDsa).unwrap();
        let keys = [
            ("token", token_key.expose()),
            ("session", session_key.expose()),
            ("checkpoint", log_key.expose()),
            ("secret", &[9; 32]),
            ("webhook", webhook.as_bytes()),
        ];
        for (name, content) in keys {
            let path = stage.path(&format!("pki/other-{name}.key"));
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        fs::create_dir(stage.path("state/other-audit")).unwrap();
        fs::create_dir(stage.path("state/archive")).unwrap();
        let kept = "audit: {retention: {age: 400d, archive: {directory: state/archive}}, ";
        stage.edit("gateway.yaml", "audit: {", kept);
        let houses = fs::read_to_string(stage.path("directory.yaml")).unwrap();
        // Newer than what a row sends; and the first was made an hour ago.
        let other = houses.replace("house-1", "house-9").replace("revision: 7", "revision: 700");
        fs::write(stage.path("other-directory.yaml"), other).unwrap();
        let made = houses.lines().find(|line| line.starts_with("made_at: ")).unwrap();
        stage.edit("directory.yaml", made, &format!("made_at: {}", an_hour_ago()));
        // Another issuer is approved, though none is configured but by a row.
        let from = "  - https://login.prop.example\n";
        stage.edit(&format!("policies/{REQUIREMENTS}"), from, &format!("{from}  - https://other.prop.example\n"));
        // Nobody has signed the bundle.
        fs::write(stage.path("signers.yaml"), SIGNERS).unwrap();
        copy(&stage, "policies", "other-policies");
        stage.edit("other-policies/cedar/doors.cedar", "context.ageSeconds > 10", "context.ageSeconds >= 0");
        let settings = PartnerSettings::new(&stage.pki, stage.trust().unwrap()).unwrap();
        let second = stage.wait(SimulatedPartner::start(settings)).unwrap();
        let text = fs::read_to_string(stage.path(CONFIG)).unwrap();
        let base = serde_yaml::from_str(&text).unwrap();
        let endpoints = [endpoint, stage.wait(SimulatedEndpoint::start(&stage.pki, &secret)).unwrap()];
        Self {
            second,
            base,
            log_key: None,
            logs: 0,
            pseudonym: None,
            endpoints,
            backend,
            partner_secret: kit.partner_secret.clone(),
            kit,
            siems,
            otel,
            publisher,
            published,
            asking_key,
            said,
            server,
            stage,
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stage.wait(self.backend.stop());
        self.stage.wait(self.second.stop());
    }
}

/// Two issuers that publish their keys, and beside each page one that holds other keys.
fn publish(stage: &Stage) -> (Publisher, [TokenIssuer; 2]) {
    let publisher = Publisher::start(stage);
    publish_keys(stage, publisher.address);
    let names = ["https://published.prop.example", "https://discovered.prop.example"];
    let issuers = names.map(|name| TokenIssuer::new(name, SigningAlgorithm::Es256).unwrap());
    let other = TokenIssuer::new(names[0], SigningAlgorithm::Es256).unwrap();
    publisher.page("/keys", Page::json(&issuers[0].jwks()));
    publisher.page("/discovered", Page::json(&issuers[1].jwks()));
    publisher.page("/other", Page::json(&other.jwks()));
    for (path, keys) in [("/metadata", "/discovered"), ("/other-metadata", "/other")] {
        let keys = format!("https://{}{keys}", publisher.address);
        publisher.page(path, Page::json(&format!(r#"{{"issuer":"{}","jwks_uri":"{keys}"}}"#, names[1])));
    }
    (publisher, issuers)
}

/// An issuer that is asked about its tokens and says the same of all, and beside that page one that says that none is active;
/// gives the id of the key by which it is asked, and the page.
fn asked(stage: &Stage, publisher: &Publisher) -> (String, Page) {
    ask_about_tokens(stage, publisher.address);
    write_key(stage, "pki/other-introspection.key");
    let issuer = TokenIssuer::new(ASKED_ISSUER, SigningAlgorithm::Es256).unwrap();
    let claims = stage.member_of(&NORTH, &issuer, now()).with("active", true);
    let said = Page::json(&claims.text());
    publisher.page("/introspect", said.clone());
    publisher.page("/other-introspect", Page::json(r#"{"active":false}"#));
    let pem = Secret::new(fs::read(stage.path("pki/introspection.key")).unwrap());
    (SigningKey::from_pem(&pem).unwrap().kid().to_owned(), said)
}

fn copy(stage: &Stage, from: &str, to: &str) {
    fs::create_dir(stage.path(to)).unwrap();
    for entry in fs::read_dir(stage.path(from)).unwrap().map(|entry| entry.unwrap()) {
        let name = entry.file_name().into_string().unwrap();
        let (from, to) = (format!("{from}/{name}"), format!("{to}/{name}"));
        if entry.file_type().unwrap().is_dir() {
            copy(stage, &from, &to);
        } else {
            fs::copy(stage.path(&from), stage.path(&to)).unwrap();
        }
    }
}
