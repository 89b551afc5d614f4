//! Who is on the stage: peers with certificates, issuers of tokens, the partner's and the backend's keys. All keys are made
//! for the stage, but for those of pseudonyms, which follow from the partner's name: what a case expects stays the same.

use crate::clock::UnixMillis;
use crate::clock::UnixSeconds;
use crate::crypto::Certificate;
use crate::crypto::ClientTrust;
use crate::crypto::KeySet;
use crate::crypto::NoteName;
use crate::crypto::NoteSigner;
use crate::crypto::SecretKey;
use crate::crypto::SigningAlgorithm;
use crate::crypto::SigningKey;
use crate::crypto::SivKey;
use crate::crypto::Standing;
use crate::crypto::encode_base64url;
use crate::crypto::jwks_json;
use crate::crypto::sha256;
use crate::devkit::AppKey;
use crate::devkit::Authority;
use crate::devkit::Leaf;
use crate::devkit::Validity;
use crate::directory;
use crate::identity::Bind;
use crate::identity::IdentitySettings;
use crate::identity::IssuerSettings;
use crate::identity::SessionIssuer;
use crate::identity::SessionSettings;
use crate::identity::TokenKind;
use crate::identity::TokenRules;
use crate::identity::write_rights;
use crate::json;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use crate::limits::Limits;
use crate::model::PartnerName;
use crate::model::PublicUrl;
use crate::model::Right;
use crate::model::Sha256;
use crate::secret::Secret;
use crate::webhook::WebhookSecret;
use crate::workbench::case::CaseRight;
use crate::workbench::case::CaseToken;
use crate::workbench::stage::StageFault;
use http::Method;
use parking_lot::Mutex;
use rustls_pki_types::CertificateDer;
use std::collections::HashMap;
use std::sync::Arc;

/// What every token on the stage is for, and by which URL apps know its gateways.
const AUDIENCE: &str = "https://gateway.stage.example";

/// Whom the stage's tokens name as their issuer, where a case names none.
const SESSIONS: &str = "https://sessions.stage.example";
const LOGIN: &str = "https://login.stage.example";

/// Valid in every second that a case may name.
const ALWAYS: Validity = Validity { from: UnixSeconds::new(0), until: UnixSeconds::new(253_370_764_800) };

/// Certificates and keys, made once for a stage.
pub(super) struct Cast {
    authority: Authority,
    trust: Arc<ClientTrust>,
    peers: Mutex<HashMap<String, CertificateDer<'static>>>,
    /// The app instance of every session.
    app: AppKey,
    tokens: SigningKey,
    token_keys: Arc<KeySet>,
    directory: SigningKey,
    directory_keys: Arc<KeySet>,
    log_signer: Arc<NoteSigner>,
    partner_pem: Secret,
    partner_signing_pem: Secret,
    secret: String,
}

impl Cast {
    pub(super) fn new() -> Result<Self, StageFault> {
        let authority = Authority::new("stage", ALWAYS).map_err(|_| StageFault::Keys)?;
        let trust = ClientTrust::new(vec![authority.root()], Vec::new()).map_err(|_| StageFault::Keys)?;
        let (tokens, token_keys, _) = signing()?;
        let (directory, directory_keys, _) = signing()?;
        let ((_, _, partner_pem), (_, _, partner_signing_pem)) = (signing()?, signing()?);
        let pem = SigningKey::generate_pem(SigningAlgorithm::EdDsa).map_err(|_| StageFault::Keys)?;
        let app = AppKey::new(SigningAlgorithm::EdDsa).map_err(|_| StageFault::Keys)?;
        let name = NoteName::new("stage").map_err(|_| StageFault::Keys)?;
        let log_signer = NoteSigner::from_pem(name, &pem).map_err(|_| StageFault::Keys)?;
        Ok(Self {
            authority,
            trust: Arc::new(trust),
            peers: Mutex::default(),
            app,
            tokens,
            token_keys,
            directory,
            directory_keys,
            log_signer: Arc::new(log_signer),
            partner_pem,
            partner_signing_pem,
            secret: webhook_secret(b"portcullis stage webhooks"),
        })
    }

    /// Whom a door of the stage trusts.
    pub(super) fn trust(&self) -> Arc<ClientTrust> {
        Arc::clone(&self.trust)
    }

    /// What vouches for the log of the stage.
    pub(super) fn log_signer(&self) -> Arc<NoteSigner> {
        Arc::clone(&self.log_signer)
    }

    /// The certificate of the peer of this name, and that it is trusted.
    pub(super) fn peer(&self, name: &str) -> Result<(Certificate, Standing), StageFault> {
        let der = self.certificate(name)?;
        let certificate = Certificate::parse(&der).map_err(|_| StageFault::Peer)?;
        let standing = Standing::new(Arc::clone(&self.trust), &[der]).ok_or(StageFault::Peer)?;
        Ok((certificate, standing))
    }

    fn certificate(&self, name: &str) -> Result<CertificateDer<'static>, StageFault> {
        let mut peers = self.peers.lock();
        if let Some(known) = peers.get(name) {
            return Ok(known.clone());
        }
        let leaf = Leaf::client(name, ALWAYS);
        let issued = self.authority.issue(&leaf).map_err(|_| StageFault::Peer)?.der();
        peers.insert(name.to_owned(), issued.clone());
        Ok(issued)
    }

    fn thumbprint(&self, name: &str) -> Result<Sha256, StageFault> {
        Certificate::parse(&self.certificate(name)?).map(|parsed| parsed.thumbprint).map_err(|_| StageFault::Peer)
    }

    /// The settings by which a token like this one is verified: its issuer, and nobody else.
    pub(super) fn issuers(&self, token: Option<&CaseToken>, limits: &Limits) -> Result<IdentitySettings, StageFault> {
        let issuers = token.map(|token| IssuerSettings {
            issuer: issuer(token).to_owned(),
            keys: Arc::clone(&self.token_keys).into(),
            audience: AUDIENCE.to_owned(),
            algorithms: vec![SigningAlgorithm::EdDsa.verified_by()],
            max_lifetime_s: LONGEST_LIFETIME_S,
            bind: vec![match token.kind {
                TokenKind::Session => Bind::Dpop,
                TokenKind::SignIn => Bind::Mtls,
            }],
            kind: token.kind,
            rules: TokenRules::default(),
        });
        Ok(IdentitySettings {
            issuers: issuers.into_iter().collect(),
            clock_skew_s: limits.clock_skew_s,
            proof_age_s: limits.proof_age_s,
            public_url: PublicUrl::new(AUDIENCE).ok_or(StageFault::SetUp("public URL"))?,
        })
    }

    /// What would issue session tokens, which no case asks for.
    pub(super) fn sessions(&self) -> Result<SessionIssuer, StageFault> {
        let settings = SessionSettings {
            issuer: SESSIONS.into(),
            audience: AUDIENCE.into(),
            max_lifetime_s: 300,
            keys: vec![Arc::new(self.partner_key()?)],
            actors: Vec::new(),
            public_url: PublicUrl::new(AUDIENCE).ok_or(StageFault::SetUp("public URL"))?,
        };
        SessionIssuer::new(settings).map_err(|_| StageFault::SetUp("sessions"))
    }

    /// The token, signed.
    pub(super) fn token(&self, token: &CaseToken, at: UnixMillis) -> Result<String, StageFault> {
        let issued = UnixSeconds::new(at.seconds().get().saturating_sub(token.age_s));
        let mut claims = Object::new();
        let mut text = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                claims.insert(name, value);
            }
        };
        text("iss", Some(issuer(token)));
        text("aud", Some(AUDIENCE));
        text("sub", Some(&token.subject));
        text("client_id", Some(&token.client));
        text("jti", Some(&token.id));
        text("tenant", token.tenant.as_deref());
        text("device_id", token.device.as_deref());
        text("car_id", token.car.as_deref());
        text("sid", token.session.as_deref());
        if !token.scopes.is_empty() {
            claims.insert("scope", token.scopes.join(" "));
        }
        if !token.roles.is_empty() {
            claims.insert("roles", texts(&token.roles));
        }
        if !token.houses.is_empty() {
            claims.insert("houses", texts(&token.houses));
        }
        if !token.rights.is_empty() {
            claims.insert("authorization_details", rights(&token.rights)?);
        }
        if let Some(acr) = &token.acr {
            claims.insert("acr", acr.as_str());
        }
        if !token.amr.is_empty() {
            claims.insert("amr", texts(&token.amr));
        }
        let authenticated = token.auth_age_s.map(|age| UnixSeconds::new(at.seconds().get().saturating_sub(age)));
        let times = [("iat", issued), ("nbf", issued), ("exp", issued.plus(token.lifetime_s))];
        for (name, at) in times.into_iter().chain(authenticated.map(|at| ("auth_time", at))) {
            claims.insert(name, Number::try_from(at.get()).map_err(|_| StageFault::Keys)?);
        }
        match (&token.bound_to, token.kind) {
            (Some(peer), TokenKind::SignIn) => {
                let thumbprint = encode_base64url(self.thumbprint(peer)?.as_bytes());
                claims.insert("cnf", Object::from_iter([("x5t#S256", Value::from(thumbprint))]));
            }
            (Some(peer), TokenKind::Session) => {
                claims.insert("cnf", Object::from_iter([("jkt", Value::from(self.app.jkt()))]));
                claims.insert("act", Object::from_iter([("sub", Value::from(peer.as_str()))]));
            }
            (None, _) => {}
        }
        let mut payload = Vec::new();
        json::write(&claims.into(), &mut payload);
        self.tokens.sign_jws("at+jwt", &payload).map_err(|_| StageFault::Keys)
    }

    /// The proof of the app's key beside a session token, for a request of `method` to `path`, made at `at`.
    pub(super) fn proof(
        &self,
        method: &Method,
        path: &str,
        token: &str,
        nonce: &str,
        at: UnixSeconds,
    ) -> Result<String, StageFault> {
        let url = format!("{AUDIENCE}{path}");
        self.app.proof(method.as_str(), &url, Some(token), Some(nonce), at).map_err(|_| StageFault::Keys)
    }

    /// The keys whose updates of the directory are taken.
    pub(super) fn directory_keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.directory_keys)
    }

    /// A detached signature of the directory's key.
    pub(super) fn directory_signature(&self, body: &[u8]) -> Result<String, StageFault> {
        let whole = self.directory.sign_jws(directory::TYPE, body).map_err(|_| StageFault::Keys)?;
        let mut parts = whole.split('.');
        let (header, signature) = (parts.next().unwrap_or_default(), parts.nth(1).unwrap_or_default());
        Ok(format!("{header}..{signature}"))
    }

    /// The key of the tokens for partners.
    pub(super) fn partner_key(&self) -> Result<SigningKey, StageFault> {
        SigningKey::from_pem(&self.partner_pem).map_err(|_| StageFault::Keys)
    }

    /// The key of the signatures of requests to partners.
    pub(super) fn partner_signing_key(&self) -> Result<SigningKey, StageFault> {
        SigningKey::from_pem(&self.partner_signing_pem).map_err(|_| StageFault::Keys)
    }

    /// The secret of all webhooks on the stage.
    pub(super) fn secret(&self) -> Result<WebhookSecret, StageFault> {
        WebhookSecret::parse(&Secret::new(self.secret.clone().into_bytes())).map_err(|_| StageFault::Keys)
    }

    /// A secret that is nobody's.
    pub(super) fn wrong_secret() -> Result<WebhookSecret, StageFault> {
        let other = webhook_secret(b"portcullis stage nobody");
        WebhookSecret::parse(&Secret::new(other.into_bytes())).map_err(|_| StageFault::Keys)
    }
}

/// A stage's tokens may live for as long as a case says, up to a year.
const LONGEST_LIFETIME_S: u64 = 366 * 86_400;

/// The key of a partner's pseudonyms on every stage. It protects nobody: what is played is made up.
pub(super) fn pseudonym_key(partner: &PartnerName) -> SivKey {
    let seed = sha256(format!("portcullis stage pseudonyms {partner}").as_bytes());
    SivKey::new(&SecretKey::new(*seed.as_bytes()))
}

fn issuer(token: &CaseToken) -> &str {
    let own = match token.kind {
        TokenKind::Session => SESSIONS,
        TokenKind::SignIn => LOGIN,
    };
    token.issuer.as_deref().unwrap_or(own)
}

/// The rights as a token has them.
fn rights(rights: &[CaseRight]) -> Result<Value, StageFault> {
    let rights: Vec<Right> = rights.iter().map(CaseRight::right).collect();
    let mut text = Vec::new();
    write_rights(&rights, &mut text);
    json::parse(&text, json::Limits::default()).map_err(|_| StageFault::Keys)
}

fn texts(texts: &[String]) -> Vec<Value> {
    texts.iter().map(|text| Value::from(text.as_str())).collect()
}

fn signing() -> Result<(SigningKey, Arc<KeySet>, Secret), StageFault> {
    let pem = SigningKey::generate_pem(SigningAlgorithm::EdDsa).map_err(|_| StageFault::Keys)?;
    let key = SigningKey::from_pem(&pem).map_err(|_| StageFault::Keys)?;
    let keys = KeySet::parse(jwks_json(&[&key]).as_bytes()).map_err(|_| StageFault::Keys)?;
    Ok((key, Arc::new(keys), pem))
}

fn webhook_secret(seed: &[u8]) -> String {
    use base64::Engine;
    let bytes = sha256(seed);
    format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(bytes.as_bytes()))
}
