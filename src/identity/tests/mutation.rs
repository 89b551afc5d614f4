//! The verifier with one check left out: each time, one of these tokens gets in that must not. So no check is there for
//! nothing, and none can be lost without a test that turns red.

use super::AUDIENCE;
use super::LIFETIME;
use super::NOW;
use super::PROOF_AGE;
use super::SKEW;
use super::World;
use super::all;
use super::fields;
use super::number;
use super::settings;
use super::verified;
use crate::clock::UnixSeconds;
use crate::crypto::Algorithm;
use crate::crypto::SigningAlgorithm;
use crate::crypto::encode_base64url;
use crate::crypto::sha256;
use crate::devkit::APP;
use crate::devkit::AppKey;
use crate::devkit::TokenClaims;
use crate::devkit::TokenIssuer;
use crate::identity::ActorSettings;
use crate::identity::Bind;
use crate::identity::DPOP;
use crate::identity::IdentityFault;
use crate::identity::IssuerSettings;
use crate::identity::Proof;
use crate::identity::RequiredClaim;
use crate::identity::TokenDemand;
use crate::identity::TokenKind;
use crate::identity::TokenRules;
use crate::identity::Verifier;
use crate::identity::checks::Check;
use crate::json::Object;
use crate::json::Value;

/// What the requests of these rows ask for.
const URL: &str = "https://gateway.example/v1/houses/h-1/doors/d-1/open";

/// One way to be refused by one check alone.
struct Row {
    check: Check,
    /// The `Authorization` fields.
    sent: Vec<String>,
    /// The `DPoP` fields.
    proofs: Vec<String>,
    now: UnixSeconds,
    /// A token to be exchanged, in place of a request.
    subject: Option<String>,
}

/// The usual world, with an issuer that signs with Ed25519 and may not, one that binds by proof and may not, and an app's key.
struct Scene {
    world: World,
    restricted: TokenIssuer,
    /// Its tokens are of the type `JWT`, and name their tenant.
    plain: TokenIssuer,
    by_certificate: TokenIssuer,
    app: AppKey,
}

impl Scene {
    fn new() -> Self {
        let mut world = World::new();
        let restricted = TokenIssuer::new("https://restricted.example", SigningAlgorithm::EdDsa).unwrap();
        let by_certificate = TokenIssuer::new("https://certificates.example", SigningAlgorithm::Es256).unwrap();
        let plain = TokenIssuer::new("https://plain.example", SigningAlgorithm::Es256).unwrap();
        let required = vec![RequiredClaim::Tenant];
        let rules = TokenRules { takes_plain: true, takes_typed: false, required, ..TokenRules::default() };
        let issuers = vec![
            IssuerSettings { rules, ..settings(&plain, TokenKind::Session) },
            settings(&world.session, TokenKind::Session),
            settings(&world.sign_in, TokenKind::SignIn),
            IssuerSettings { algorithms: vec![Algorithm::Es256], ..settings(&restricted, TokenKind::Session) },
            IssuerSettings { bind: vec![Bind::Mtls], ..settings(&by_certificate, TokenKind::Session) },
        ];
        world.verifier = Verifier::new(all(issuers)).unwrap();
        Self { world, restricted, plain, by_certificate, app: AppKey::new(SigningAlgorithm::Es256).unwrap() }
    }

    fn verdict(&self, row: &Row) -> Option<IdentityFault> {
        if let Some(token) = &row.subject {
            let actor = ActorSettings {
                peer: self.world.peer.name().into(),
                audiences: vec![AUDIENCE.into()],
                clients: vec![APP.into()],
            };
            let proof = Proof::for_test(self.app.thumbprint(), "once", NOW, None);
            return self.world.verifier.subject(&self.world.peer, &actor, token, proof, row.now).err();
        }
        let sent: Vec<&str> = row.sent.iter().map(String::as_str).collect();
        let mut fields = fields(&sent);
        for proof in &row.proofs {
            fields.append(DPOP, proof.parse().unwrap());
        }
        verified(&self.world.verifier, &self.world.peer, &fields, TokenDemand::Session, row.now).err()
    }

    /// A session token with claims that `change` made of the good ones.
    fn claiming(&self, check: Check, change: impl FnOnce(TokenClaims) -> TokenClaims) -> Row {
        bearing(check, self.world.session.mint(&change(self.world.claims())).unwrap())
    }

    /// Good claims under another header.
    fn headed(&self, check: Check, header: &str) -> Row {
        bearing(check, self.world.session.mint_raw(header, &self.world.claims().text()).unwrap())
    }

    /// A token of the type `JWT` with claims that `change` made of good ones.
    fn plain(&self, check: Check, change: impl FnOnce(TokenClaims) -> TokenClaims) -> Row {
        let header = format!(r#"{{"alg":"ES256","kid":"{}","typ":"JWT"}}"#, self.plain.key().kid());
        let claims = change(self.world.claims().with("iss", self.plain.name()).with("tenant", "north"));
        bearing(check, self.plain.mint_raw(&header, &claims.text()).unwrap())
    }

    fn rows(&self) -> Vec<Row> {
        let world = &self.world;
        let good = world.session.mint(&world.claims()).unwrap();
        let now = NOW.get();
        let at = |name: &'static str, seconds: u64| move |claims: TokenClaims| claims.with(name, number(seconds));
        let cnf =
            |name: &str, of: &[u8]| Object::from_iter([(name, Value::from(encode_base64url(sha256(of).as_bytes())))]);
        let good_header = world.header("");
        let expired = world.claims().with("iat", number(now - 10)).with("exp", number(now));
        let until = world.peer.certificate().not_after;
        let outlived = world.session.claims(AUDIENCE, "ivanov", &world.peer.certificate().thumbprint, until, LIFETIME);
        let outlived = outlived.acted_by(world.peer.name());
        let (signed, _) = good.rsplit_once('.').unwrap();
        let of_sign_in = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"at+jwt"}}"#, world.sign_in.key().kid());
        let restricted = world.claims().with("iss", self.restricted.name());
        vec![
            Row { now: until.plus(1), ..bearing(Check::PeerStands, world.session.mint(&outlived).unwrap()) },
            Row {
                sent: vec![format!("Bearer {good}"), "Basic YTpi".to_owned()],
                ..bearing(Check::OneAuthorization, String::new())
            },
            Row { sent: vec![format!("Basic {good}")], ..bearing(Check::Scheme, String::new()) },
            self.headed(Check::HeaderMembers, &world.header(r#","crit":"exp""#)),
            self.headed(Check::Type, &good_header.replace("at+jwt", "JWT")),
            bearing(
                Check::Type,
                self.plain.mint(&world.claims().with("iss", self.plain.name()).with("tenant", "north")).unwrap(),
            ),
            self.plain(Check::NoOtherToken, |claims| claims.with("nonce", "n")),
            self.plain(Check::NoOtherToken, |claims| claims.with("typ", "ID")),
            self.plain(Check::Required, |claims| claims.without("tenant")),
            bearing(Check::KeyOfIssuer, world.sign_in.mint_raw(&of_sign_in, &world.claims().text()).unwrap()),
            self.headed(Check::AlgorithmOfKey, &good_header.replace("ES256", "none")),
            self.headed(Check::AlgorithmOfKey, &good_header.replace("ES256", "HS256")),
            bearing(Check::AlgorithmAllowed, self.restricted.mint(&restricted).unwrap()),
            bearing(Check::Signature, format!("{signed}.{}", "A".repeat(86))),
            self.claiming(Check::LifetimePositive, |claims| {
                claims.with("iat", number(now + 2)).with("exp", number(now + 1))
            }),
            self.claiming(Check::LifetimeMaximum, at("exp", now + LIFETIME + 1)),
            self.claiming(Check::IssuedInPast, |claims| {
                claims.with("iat", number(now + SKEW + 1)).with("exp", number(now + LIFETIME))
            }),
            self.claiming(Check::AuthenticatedInPast, at("auth_time", now + SKEW + 1)),
            self.claiming(Check::NotBefore, at("nbf", now + SKEW + 1)),
            bearing(Check::NotExpired, world.session.mint(&expired).unwrap()),
            self.claiming(Check::Audience, |claims| claims.with("aud", "https://other.example")),
            self.claiming(Check::Audience, |claims| claims.without("aud")),
            self.claiming(Check::Bound, |claims| claims.without("cnf")),
            self.claiming(Check::BoundByKnownMeans, |claims| claims.with("cnf", cnf("kid", b"key"))),
            self.claiming(Check::BoundToPeer, |claims| claims.with("cnf", cnf("x5t#S256", b"another certificate"))),
            bearing(Check::SessionKind, world.sign_in.mint(&world.claims().with("iss", world.sign_in.name())).unwrap()),
            self.claiming(Check::ActorIsPeer, |claims| claims.without("act")),
            self.claiming(Check::ActorIsPeer, |claims| claims.acted_by("spiffe://prop.example/other")),
            self.claiming(Check::Subject, |claims| claims.without("sub")),
            self.claiming(Check::TokenId, |claims| claims.without("jti")),
            self.claiming(Check::ClientId, |claims| claims.without("client_id")),
        ]
    }

    /// The rows of tokens that are bound to the app's key.
    fn rows_of_proofs(&self) -> Vec<Row> {
        let world = &self.world;
        let token = world.session.mint(&world.claims().bound_to(&self.app)).unwrap();
        let good = || AppKey::claims("POST", URL, Some(&token), None, NOW);
        let header = self.app.header("");
        let row = |check, proof: String| Row {
            check,
            sent: vec![format!("DPoP {token}")],
            proofs: vec![proof],
            now: NOW,
            subject: None,
        };
        let claiming = |check, name: &str, value: Value| {
            let mut claims = good();
            claims.insert(name, value);
            row(check, self.app.sign(&header, &claims).unwrap())
        };
        let headed = |check, header: &str| row(check, self.app.sign(header, &good()).unwrap());
        let proof = || self.app.sign(&header, &good()).unwrap();
        let other = AppKey::new(SigningAlgorithm::Es256).unwrap();
        let of_certificates = world.claims().with("iss", self.by_certificate.name()).bound_to(&self.app);
        let of_certificates = self.by_certificate.mint(&of_certificates).unwrap();
        let beside = self.app.proof("POST", URL, Some(&of_certificates), None, NOW).unwrap();
        let unbound = world.session.mint(&world.claims()).unwrap();
        let of_another = sha256(b"another token");
        vec![
            Row { sent: vec![format!("DPoP {of_certificates}")], ..row(Check::BindingAllowed, beside) },
            Row { sent: vec![format!("Bearer {token}")], proofs: vec![], ..row(Check::SchemeOfBinding, String::new()) },
            Row { sent: vec![format!("DPoP {unbound}")], proofs: vec![], ..row(Check::SchemeOfBinding, String::new()) },
            Row { sent: vec![format!("Bearer {unbound}")], ..row(Check::NoIdleProof, proof()) },
            row(Check::BoundToKey, other.proof("POST", URL, Some(&token), None, NOW).unwrap()),
            Row { proofs: vec![proof(), proof()], ..row(Check::OneProof, String::new()) },
            headed(Check::ProofHeaderMembers, &self.app.header(r#","kid":"a""#)),
            headed(Check::ProofType, &header.replace("dpop+jwt", "jwt")),
            headed(Check::ProofKeyPublic, &header.replace(r#""kty""#, r#""d":"AQAB","kty""#)),
            headed(Check::ProofKeyPurpose, &header.replace(r#""kty""#, r#""use":"enc","kty""#)),
            row(Check::ProofSignature, other.sign(&header, &good()).unwrap()),
            claiming(Check::ProofMethod, "htm", "GET".into()),
            claiming(Check::ProofTarget, "htu", format!("{URL}x").into()),
            claiming(Check::ProofToken, "ath", encode_base64url(of_another.as_bytes()).into()),
            claiming(Check::ProofInPast, "iat", number(NOW.get() + SKEW + 1)),
            claiming(Check::ProofNotOld, "iat", number(NOW.get() - PROOF_AGE - 1)),
            claiming(Check::ProofNotBefore, "nbf", number(NOW.get() + SKEW + 1)),
            claiming(Check::ProofNotExpired, "exp", number(NOW.get())),
        ]
    }
}

impl Scene {
    /// The rows of tokens that are to be exchanged, each good but for one thing.
    fn rows_of_subjects(&self) -> Vec<Row> {
        let world = &self.world;
        let good = || world.claims().without("act").without("cnf").with("iss", world.sign_in.name());
        let row = |check, claims: TokenClaims| {
            let subject = Some(world.sign_in.mint(&claims).unwrap());
            Row { subject, ..bearing(check, String::new()) }
        };
        let session = world.session.mint(&world.claims().without("act")).unwrap();
        let may = |name: &str, who: &str| Object::from_iter([(name, who)]);
        let other = AppKey::new(SigningAlgorithm::Es256).unwrap();
        vec![
            Row { subject: Some(session), ..bearing(Check::SubjectIsSignIn, String::new()) },
            row(Check::NobodyActsYet, good().acted_by(world.peer.name())),
            row(Check::AudienceOfActor, good().with("aud", vec![AUDIENCE.into(), "https://other.example".into()])),
            row(Check::ClientOfActor, good().with("client_id", "another-app")),
            row(Check::ClientOfActor, good().with("azp", "another-app")),
            row(Check::MayAct, good().with("may_act", may("sub", "spiffe://prop.example/other"))),
            row(Check::MayAct, good().with("may_act", may("client_id", world.peer.name()))),
            row(Check::BoundToKey, good().bound_to(&other)),
        ]
    }
}

fn bearing(check: Check, token: String) -> Row {
    Row { check, sent: vec![format!("Bearer {token}")], proofs: vec![], now: NOW, subject: None }
}

#[test]
fn without_any_one_check_a_token_gets_in_that_must_not() {
    let mut scene = Scene::new();
    let mut rows = scene.rows();
    rows.extend(scene.rows_of_proofs());
    rows.extend(scene.rows_of_subjects());
    for row in &rows {
        assert_eq!(scene.verdict(row), Some(row.check.fault()), "{:?}, all checks there", row.check);
    }
    for check in Check::ALL {
        scene.world.verifier.checks.without = Some(*check);
        let red: Vec<_> = rows.iter().filter(|row| scene.verdict(row).is_none()).map(|row| row.check).collect();
        assert!(!red.is_empty(), "nothing gets in without {check:?}");
        assert!(red.iter().all(|row| row == check), "without {check:?} what it does not find gets in: {red:?}");
    }
}
