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
use super::opaque;
use super::settings;
use super::verified_as_told;
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
use crate::identity::checks::asked;
use crate::json::Object;
use crate::json::Value;
use std::collections::BTreeSet;
use std::fmt::Debug;

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
    /// What its issuer says, and of which token.
    told: Option<(&'static str, String)>,
}

/// The usual world, with an issuer that signs with Ed25519 and may not, one that binds by proof and may not, one that binds by
/// certificate and may not, and an app's key.
struct Scene {
    world: World,
    restricted: TokenIssuer,
    /// Its tokens are of the type `JWT`, and name their tenant.
    plain: TokenIssuer,
    by_certificate: TokenIssuer,
    by_proof: TokenIssuer,
    app: AppKey,
    /// Whether the tokens of [`Scene::rows`] are bound to the app's key, and not to the peer's certificate.
    by_key: bool,
}

impl Scene {
    fn new() -> Self {
        let mut world = World::new();
        let restricted = TokenIssuer::new("https://restricted.example", SigningAlgorithm::EdDsa).unwrap();
        let by_certificate = TokenIssuer::new("https://certificates.example", SigningAlgorithm::Es256).unwrap();
        let by_proof = TokenIssuer::new("https://proofs.example", SigningAlgorithm::Es256).unwrap();
        let plain = TokenIssuer::new("https://plain.example", SigningAlgorithm::Es256).unwrap();
        let required = vec![RequiredClaim::Tenant];
        let rules = TokenRules { takes_plain: true, takes_typed: false, required, ..TokenRules::default() };
        let issuers = vec![
            IssuerSettings { rules, ..settings(&plain, TokenKind::Session) },
            settings(&world.session, TokenKind::Session),
            settings(&world.sign_in, TokenKind::SignIn),
            IssuerSettings { algorithms: vec![Algorithm::Es256], ..settings(&restricted, TokenKind::Session) },
            IssuerSettings { bind: vec![Bind::Mtls], ..settings(&by_certificate, TokenKind::Session) },
            IssuerSettings { bind: vec![Bind::Dpop], ..settings(&by_proof, TokenKind::Session) },
            opaque::issuer(TokenKind::Session),
        ];
        world.verifier = Verifier::new(all(issuers)).unwrap();
        let app = AppKey::new(SigningAlgorithm::Es256).unwrap();
        Self { world, restricted, plain, by_certificate, by_proof, app, by_key: false }
    }

    fn verdict(&self, row: &Row) -> Option<IdentityFault> {
        if let Some(token) = &row.subject {
            let actor = ActorSettings {
                peer: self.world.peer.name().into(),
                audiences: vec![AUDIENCE.into()],
                clients: vec![APP.into()],
            };
            let proof = Proof::for_test(self.app.thumbprint(), "once", NOW, None);
            return self.world.verifier.subject(&self.world.peer, &actor, token, None, proof, row.now).err();
        }
        let sent: Vec<&str> = row.sent.iter().map(String::as_str).collect();
        let mut fields = fields(&sent);
        for proof in &row.proofs {
            fields.append(DPOP, proof.parse().unwrap());
        }
        let told = row.told.as_ref().map(|(token, answer)| opaque::told(token, answer));
        let World { verifier, peer, .. } = &self.world;
        verified_as_told(verifier, peer, &fields, TokenDemand::Session, told.as_ref(), row.now).err()
    }

    /// Claims of a good session token, bound as the scene has it.
    fn claims(&self) -> TokenClaims {
        let claims = self.world.claims();
        if self.by_key { claims.bound_to(&self.app) } else { claims }
    }

    /// What binds it, and something besides.
    fn bound_and(&self, name: &str, of: &[u8]) -> Object {
        let mut members = Object::new();
        if self.by_key {
            members.insert("jkt", self.app.jkt());
        }
        members.insert(name, encode_base64url(sha256(of).as_bytes()));
        members
    }

    /// A request with this token at that time, and with a good proof where it is to be bound to a key.
    fn bringing(&self, check: Check, token: String, now: UnixSeconds) -> Row {
        if !self.by_key {
            return Row { now, ..bearing(check, token) };
        }
        let proof = self.app.proof("POST", URL, Some(&token), None, now).unwrap();
        Row { check, sent: vec![format!("DPoP {token}")], proofs: vec![proof], now, subject: None, told: None }
    }

    fn brings(&self, check: Check, token: String) -> Row {
        self.bringing(check, token, NOW)
    }

    /// A session token with claims that `change` made of the good ones.
    fn claiming(&self, check: Check, change: impl FnOnce(TokenClaims) -> TokenClaims) -> Row {
        self.brings(check, self.world.session.mint(&change(self.claims())).unwrap())
    }

    /// Good claims under another header.
    fn headed(&self, check: Check, header: &str) -> Row {
        self.brings(check, self.world.session.mint_raw(header, &self.claims().text()).unwrap())
    }

    /// A token of the type `JWT` with claims that `change` made of good ones.
    fn plain(&self, check: Check, change: impl FnOnce(TokenClaims) -> TokenClaims) -> Row {
        let header = format!(r#"{{"alg":"ES256","kid":"{}","typ":"JWT"}}"#, self.plain.key().kid());
        let claims = change(self.claims().with("iss", self.plain.name()).with("tenant", "north"));
        self.brings(check, self.plain.mint_raw(&header, &claims.text()).unwrap())
    }

    /// The rows of tokens, however they are bound.
    fn rows(&self) -> Vec<Row> {
        let world = &self.world;
        let good = world.session.mint(&self.claims()).unwrap();
        let now = NOW.get();
        let at = |name: &'static str, seconds: u64| move |claims: TokenClaims| claims.with(name, number(seconds));
        let good_header = world.header("");
        let expired = self.claims().with("iat", number(now - 10)).with("exp", number(now));
        let until = world.peer.certificate().not_after;
        let outlived = self.claims().with("iat", number(until.get())).with("nbf", number(until.get()));
        let outlived = outlived.with("exp", number(until.get() + LIFETIME));
        let (signed, _) = good.rsplit_once('.').unwrap();
        let of_sign_in = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"at+jwt"}}"#, world.sign_in.key().kid());
        let restricted = self.claims().with("iss", self.restricted.name());
        let mut twice = self.brings(Check::OneAuthorization, good.clone());
        twice.sent.push("Basic YTpi".to_owned());
        vec![
            self.bringing(Check::PeerStands, world.session.mint(&outlived).unwrap(), until.plus(1)),
            twice,
            self.headed(Check::HeaderMembers, &world.header(r#","crit":"exp""#)),
            self.headed(Check::Type, &good_header.replace("at+jwt", "JWT")),
            self.brings(
                Check::Type,
                self.plain.mint(&self.claims().with("iss", self.plain.name()).with("tenant", "north")).unwrap(),
            ),
            self.plain(Check::NoOtherToken, |claims| claims.with("nonce", "n")),
            self.plain(Check::NoOtherToken, |claims| claims.with("typ", "ID")),
            self.plain(Check::Required, |claims| claims.without("tenant")),
            self.brings(Check::KeyOfIssuer, world.sign_in.mint_raw(&of_sign_in, &self.claims().text()).unwrap()),
            self.headed(Check::AlgorithmOfKey, &good_header.replace("ES256", "none")),
            self.headed(Check::AlgorithmOfKey, &good_header.replace("ES256", "HS256")),
            self.brings(Check::AlgorithmAllowed, self.restricted.mint(&restricted).unwrap()),
            self.brings(Check::Signature, format!("{signed}.{}", "A".repeat(86))),
            self.claiming(Check::LifetimePositive, |claims| {
                claims.with("iat", number(now + 2)).with("exp", number(now + 1))
            }),
            self.claiming(Check::LifetimeMaximum, at("exp", now + LIFETIME + 1)),
            self.claiming(Check::IssuedInPast, |claims| {
                claims.with("iat", number(now + SKEW + 1)).with("exp", number(now + LIFETIME))
            }),
            self.claiming(Check::AuthenticatedInPast, at("auth_time", now + SKEW + 1)),
            self.claiming(Check::NotBefore, at("nbf", now + SKEW + 1)),
            self.brings(Check::NotExpired, world.session.mint(&expired).unwrap()),
            self.claiming(Check::Audience, |claims| claims.with("aud", "https://other.example")),
            self.claiming(Check::Audience, |claims| claims.without("aud")),
            self.claiming(Check::BoundByKnownMeans, |claims| claims.with("cnf", self.bound_and("kid", b"key"))),
            self.claiming(Check::BoundToPeer, |claims| claims.with("cnf", self.bound_and("x5t#S256", b"another"))),
            self.brings(
                Check::SessionKind,
                world.sign_in.mint(&self.claims().with("iss", world.sign_in.name())).unwrap(),
            ),
            self.claiming(Check::ActorIsPeer, |claims| claims.without("act")),
            self.claiming(Check::ActorIsPeer, |claims| claims.acted_by("spiffe://prop.example/other")),
            self.claiming(Check::Subject, |claims| claims.without("sub")),
            self.claiming(Check::TokenId, |claims| claims.without("jti")),
            self.claiming(Check::ClientId, |claims| claims.without("client_id")),
        ]
    }

    /// The rows of tokens that come without a proof, for no key is named.
    fn rows_without_a_key(&self) -> Vec<Row> {
        let good = self.world.session.mint(&self.world.claims()).unwrap();
        // As the gateway has it of its own session tokens: bound by the very certificate that brings it, and by no key.
        let of_keys = self.by_proof.mint(&self.world.claims().with("iss", self.by_proof.name())).unwrap();
        vec![
            Row { sent: vec![format!("Basic {good}")], ..bearing(Check::Scheme, String::new()) },
            bearing(Check::Bound, self.world.session.mint(&self.world.claims().without("cnf")).unwrap()),
            bearing(Check::BindingAllowed, of_keys),
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
            told: None,
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

impl Scene {
    /// The rows of tokens that say nothing by themselves.
    fn rows_of_told(&self) -> Vec<Row> {
        let good = || self.world.claims().without("iss").with("active", true);
        let row = |check, of: &'static str, claims: TokenClaims| {
            let told = Some((of, claims.text()));
            Row { told, ..bearing(check, opaque::TOKEN.to_owned()) }
        };
        let of_it = |check, claims| row(check, opaque::TOKEN, claims);
        vec![
            row(Check::ToldOfToken, "another", good()),
            of_it(Check::Active, good().with("active", false)),
            of_it(Check::ToldIssuer, good().with("iss", "https://other.example")),
            of_it(Check::ToldIssuer, good().with("iss", self.world.session.name())),
            of_it(Check::ToldScheme, good().with("token_type", "DPoP")),
            of_it(Check::ToldType, good().with("token_type", "N_A")),
            of_it(Check::NoOtherToken, good().with("nonce", "n")),
            of_it(Check::NoOtherToken, good().with("typ", "Refresh")),
            of_it(Check::NotExpired, good().with("iat", number(NOW.get() - 10)).with("exp", number(NOW.get()))),
            of_it(Check::Audience, good().without("aud")),
            of_it(Check::Bound, good().without("cnf")),
            of_it(Check::Subject, good().without("sub")),
            of_it(Check::ClientId, good().without("client_id")),
        ]
    }
}

fn bearing(check: Check, token: String) -> Row {
    Row { check, sent: vec![format!("Bearer {token}")], proofs: vec![], now: NOW, subject: None, told: None }
}

/// Each row, of which its check is told, is refused for its reason while all checks are there, and gets in once its check is left
/// out, and no other one.
pub(super) fn each_turns_red<C: Copy + Debug + PartialEq, R, F: Debug + PartialEq>(
    rows: &[(C, R)],
    fault: impl Fn(C) -> F,
    mut verdict: impl FnMut(Option<C>, &R) -> Option<F>,
) {
    for (check, row) in rows {
        assert_eq!(verdict(None, row), Some(fault(*check)), "{check:?}, all checks there");
    }
    for (check, _) in rows {
        let got_in = rows.iter().filter(|(_, row)| verdict(Some(*check), row).is_none());
        let red: Vec<C> = got_in.map(|(check, _)| *check).collect();
        assert!(!red.is_empty(), "nothing gets in without {check:?}");
        assert!(red.iter().all(|row| row == check), "without {check:?} what it does not find gets in: {red:?}");
    }
}

/// The names of these checks.
pub(super) fn names<C: Debug>(checks: impl IntoIterator<Item = C>) -> BTreeSet<String> {
    checks.into_iter().map(|check| format!("{check:?}")).collect()
}

fn each_of(scene: &mut Scene, rows: Vec<Row>) {
    let rows: Vec<(Check, Row)> = rows.into_iter().map(|row| (row.check, row)).collect();
    each_turns_red(&rows, Check::fault, |without, row| {
        scene.world.verifier.checks.without = without;
        scene.verdict(row)
    });
}

/// The checks of [`Check`] that others ask: `clients.rs` leaves them out.
const OF_CLIENTS: [Check; 8] = [
    Check::AudienceAlone,
    Check::BoundToCertificateAlone,
    Check::IssuerOfClient,
    Check::SubjectIsClient,
    Check::ClientIsClient,
    Check::Scope,
    Check::AssertedByClient,
    Check::AssertedOfClient,
];

#[test]
fn without_any_one_check_a_token_gets_in_that_must_not() {
    let mut scene = Scene::new();
    let mut rows = scene.rows();
    rows.extend(scene.rows_without_a_key());
    rows.extend(scene.rows_of_proofs());
    rows.extend(scene.rows_of_subjects());
    rows.extend(scene.rows_of_told());
    let of_ours = names(Check::ALL.iter().filter(|check| !OF_CLIENTS.contains(check)));
    assert_eq!(names(rows.iter().map(|row| row.check)), of_ours);
    each_of(&mut scene, rows);
}

/// As the gateway's own sessions are: what a proof proves takes the place of no check of the token.
#[test]
fn nor_is_any_check_of_a_token_less_because_a_good_proof_comes_with_it() {
    let mut scene = Scene::new();
    scene.by_key = true;
    let rows = scene.rows();
    each_of(&mut scene, rows);
}

/// Whatever is good has been asked everything that is asked there: a check that is left out of one way in alone is missed here.
#[test]
fn of_what_is_good_everything_was_asked() {
    let mut scene = Scene::new();
    let asked_of = |scene: &Scene, row: &Row| {
        asked();
        assert_eq!(scene.verdict(row), None, "it is good");
        asked()
    };
    // Only a header that has more members is asked about them.
    let of_a_token = [
        Check::PeerStands,
        Check::Type,
        Check::NoOtherToken,
        Check::KeyOfIssuer,
        Check::AlgorithmOfKey,
        Check::AlgorithmAllowed,
        Check::Signature,
        Check::LifetimePositive,
        Check::LifetimeMaximum,
        Check::IssuedInPast,
        Check::AuthenticatedInPast,
        Check::NotBefore,
        Check::NotExpired,
        Check::Audience,
        Check::Required,
        Check::Subject,
        Check::TokenId,
        Check::ClientId,
    ];
    let of_a_binding = [Check::Bound, Check::BoundByKnownMeans, Check::BindingAllowed, Check::BoundToPeer];
    let of_a_request = [
        Check::OneAuthorization,
        Check::Scheme,
        Check::ToldScheme,
        Check::SchemeOfBinding,
        Check::NoIdleProof,
        Check::SessionKind,
        Check::ActorIsPeer,
    ];
    let of_a_proof = [
        Check::OneProof,
        Check::ProofHeaderMembers,
        Check::ProofType,
        Check::ProofKeyPublic,
        Check::ProofKeyPurpose,
        Check::ProofSignature,
        Check::ProofMethod,
        Check::ProofTarget,
        Check::ProofToken,
        Check::ProofInPast,
        Check::ProofNotOld,
        Check::ProofNotBefore,
        Check::ProofNotExpired,
        Check::BoundToKey,
    ];
    let of_an_exchange =
        [Check::SubjectIsSignIn, Check::AudienceOfActor, Check::ClientOfActor, Check::NobodyActsYet, Check::MayAct];
    let told = [Check::ToldOfToken, Check::Active, Check::ToldIssuer, Check::ToldType];
    let good = |scene: &Scene| scene.brings(Check::Signature, scene.world.session.mint(&scene.claims()).unwrap());
    let mut expected = names(of_a_token.iter().chain(&of_a_binding).chain(&of_a_request));
    assert_eq!(asked_of(&scene, &good(&scene)), expected, "bound to a certificate");
    scene.by_key = true;
    expected.extend(names(of_a_proof));
    assert_eq!(asked_of(&scene, &good(&scene)), expected, "bound to a key");
    scene.by_key = false;

    let claims = scene.world.claims().without("act").bound_to(&scene.app).with("iss", scene.world.sign_in.name());
    let subject = Some(scene.world.sign_in.mint(&claims).unwrap());
    let expected = names(of_a_token.iter().chain(&of_a_binding).chain(&of_an_exchange).chain(&[Check::BoundToKey]));
    assert_eq!(asked_of(&scene, &Row { subject, ..bearing(Check::Subject, String::new()) }), expected, "exchanged");

    let claims = scene.world.claims().without("iss").with("active", true);
    let row = bearing(Check::Active, opaque::TOKEN.to_owned());
    let by_header = [Check::Type, Check::KeyOfIssuer, Check::AlgorithmOfKey, Check::AlgorithmAllowed, Check::Signature];
    let of_it = of_a_token.iter().filter(|check| !by_header.contains(check));
    let expected = names(of_it.chain(&told).chain(&of_a_binding).chain(&of_a_request));
    assert_eq!(asked_of(&scene, &Row { told: Some((opaque::TOKEN, claims.text())), ..row }), expected, "told");
}
