//! Every check of a token, each at its limit and one past it, with real keys, certificates and signatures.
//!
//! [`a_caller`] is for other rooms' tests: a caller is a proof, and they get one as the gateway does.

mod clients;
mod form;
mod mutation;
mod narrowing;
mod opaque;
mod proofs;
mod rules;
mod vectors;

use crate::clock::UnixSeconds;
use crate::crypto::Algorithm;
use crate::crypto::ClientTrust;
use crate::crypto::KeySet;
use crate::crypto::SigningAlgorithm;
use crate::crypto::Standing;
use crate::crypto::encode_base64url;
use crate::crypto::sha256;
use crate::devkit::BACKEND;
use crate::devkit::Pki;
use crate::devkit::TokenClaims;
use crate::devkit::TokenIssuer;
use crate::identity::Bind;
use crate::identity::Caller;
use crate::identity::IdentityFault;
use crate::identity::IdentitySettings;
use crate::identity::IssuerSettings;
use crate::identity::Peer;
use crate::identity::SettingsError;
use crate::identity::TokenDemand;
use crate::identity::TokenKind;
use crate::identity::TokenRules;
use crate::identity::Told;
use crate::identity::Verifier;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use crate::model::Extent;
use crate::model::PublicUrl;
use http::HeaderMap;
use http::Method;
use http::header::AUTHORIZATION;
use std::sync::Arc;

const NOW: UnixSeconds = UnixSeconds::new(1_790_000_000);
const LIFETIME: u64 = 300;
const SKEW: u64 = 5;
const PROOF_AGE: u64 = 60;
const PATH: &str = "/v1/houses/h-1/doors/d-1/open";
const AUDIENCE: &str = "https://gateway.example";

/// A session caller at `now`: user `ivanov` of the development backend, with what `change` makes of the claims.
pub(crate) fn a_caller(now: UnixSeconds, change: impl FnOnce(TokenClaims) -> TokenClaims) -> Caller {
    let world = World::at(now);
    let token = world.session.mint(&change(world.claims())).unwrap();
    world.verify(&token, TokenDemand::Session).unwrap()
}

/// A backend with its certificate, an issuer of session tokens (ES256) and one of sign-in tokens (EdDSA), and the verifier.
struct World {
    peer: Peer,
    pki: Pki,
    trust: Arc<ClientTrust>,
    session: TokenIssuer,
    sign_in: TokenIssuer,
    verifier: Verifier,
    now: UnixSeconds,
}

impl World {
    fn new() -> Self {
        Self::at(NOW)
    }

    fn at(now: UnixSeconds) -> Self {
        let pki = Pki::new(now).unwrap();
        let trust = Arc::new(ClientTrust::new(vec![pki.backend_authority.root()], Vec::new()).unwrap());
        let standing = Arc::new(Standing::new(Arc::clone(&trust), &[pki.backend.der()]).unwrap());
        let peer = Peer::of(Arc::new(pki.backend.parsed().unwrap()), standing).unwrap();
        let session = TokenIssuer::new("https://sessions.example", SigningAlgorithm::Es256).unwrap();
        let sign_in = TokenIssuer::new("https://id.example", SigningAlgorithm::EdDsa).unwrap();
        let issuers = vec![settings(&session, TokenKind::Session), settings(&sign_in, TokenKind::SignIn)];
        let verifier = Verifier::new(all(issuers)).unwrap();
        Self { peer, pki, trust, session, sign_in, verifier, now }
    }

    /// Claims of a good session token.
    fn claims(&self) -> TokenClaims {
        let claims = self.session.claims(AUDIENCE, "ivanov", &self.peer.certificate().thumbprint, self.now, LIFETIME);
        claims.acted_by(self.peer.name())
    }

    fn verify(&self, token: &str, demand: TokenDemand) -> Result<Caller, IdentityFault> {
        verified(&self.verifier, &self.peer, &fields(&[&format!("Bearer {token}")]), demand, self.now)
    }

    /// What becomes of a session token with claims that `change` made of the good ones.
    fn fault(&self, change: impl FnOnce(TokenClaims) -> TokenClaims) -> Option<IdentityFault> {
        let token = self.session.mint(&change(self.claims())).unwrap();
        self.verify(&token, TokenDemand::Session).err()
    }

    /// What becomes of a good payload under another header.
    fn fault_of_header(&self, header: &str) -> Option<IdentityFault> {
        let token = self.session.mint_raw(header, &self.claims().text()).unwrap();
        self.verify(&token, TokenDemand::Session).err()
    }

    /// The header that the issuer's tokens have, with more members at its end.
    fn header(&self, more: &str) -> String {
        format!(r#"{{"alg":"ES256","kid":"{}","typ":"at+jwt"{more}}}"#, self.session.key().kid())
    }
}

fn settings(issuer: &TokenIssuer, kind: TokenKind) -> IssuerSettings {
    IssuerSettings {
        issuer: issuer.name().to_owned(),
        keys: Arc::new(KeySet::parse(issuer.jwks().as_bytes()).unwrap()).into(),
        audience: AUDIENCE.to_owned(),
        algorithms: Algorithm::ALL.to_vec(),
        max_lifetime_s: LIFETIME,
        bind: Bind::ALL.to_vec(),
        kind,
        rules: TokenRules::default(),
    }
}

fn all(issuers: Vec<IssuerSettings>) -> IdentitySettings {
    let public_url = PublicUrl::new(AUDIENCE).unwrap();
    IdentitySettings { issuers, clock_skew_s: SKEW, proof_age_s: PROOF_AGE, public_url }
}

/// What becomes of a request that asks for a door.
fn verified(
    verifier: &Verifier,
    peer: &Peer,
    fields: &HeaderMap,
    demand: TokenDemand,
    now: UnixSeconds,
) -> Result<Caller, IdentityFault> {
    verified_as_told(verifier, peer, fields, demand, None, now)
}

/// The same with what the token's issuer says of it.
fn verified_as_told(
    verifier: &Verifier,
    peer: &Peer,
    fields: &HeaderMap,
    demand: TokenDemand,
    told: Option<&Told>,
    now: UnixSeconds,
) -> Result<Caller, IdentityFault> {
    verifier.verify(peer, fields, &Method::POST, PATH, demand, told, now)
}

fn fields(authorization: &[&str]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for value in authorization {
        fields.append(AUTHORIZATION, value.parse().unwrap());
    }
    fields
}

fn number(number: u64) -> Value {
    Number::try_from(number).unwrap().into()
}

fn array(texts: &[&str]) -> Value {
    texts.iter().map(|text| Value::from(*text)).collect::<Vec<_>>().into()
}

#[test]
fn a_good_token_makes_a_caller_with_all_that_it_says() {
    let claims = |claims: TokenClaims| {
        claims
            .with("tenant", "north")
            .with("device_id", "phone-1")
            .with("car_id", "car-1")
            .with("sid", "session-1")
            .with("jti", "token-1")
            .with("client_id", "app")
            .with("roles", array(&["resident"]))
            .with("houses", array(&["house-1", "house-3"]))
            .with("scope", "profile doors:open")
            .with("acr", "urn:house:two-factors")
            .with("amr", array(&["pwd", "otp"]))
            .with("auth_time", number(NOW.get() - 3_600))
            .with("acted", Object::from_iter([("sub", array(&["x"]))]))
            .door_access("house-1", Some("door-2"), &["open", "see"])
            .door_access("house-3", None, &["open"])
    };
    let caller = a_caller(NOW, claims);
    assert_eq!(caller.peer().name(), BACKEND);
    let token = caller.token().unwrap();
    assert_eq!((token.kind, &*token.issuer), (TokenKind::Session, "https://sessions.example"));
    let said = Caller::CLAIMS.map(|name| token.claim(name));
    assert_eq!(
        said,
        [
            Some("ivanov"),
            Some("phone-1"),
            Some("car-1"),
            Some("north"),
            Some("session-1"),
            Some("app"),
            Some("token-1")
        ]
    );
    assert_eq!((token.claim("iss"), token.claim("acr")), (None, None));
    let exposed =
        |list: &[crate::model::Stranger]| list.iter().map(|item| item.expose().to_owned()).collect::<Vec<_>>();
    assert_eq!(exposed(&token.roles), ["resident"]);
    assert_eq!(exposed(&token.houses), ["house-1", "house-3"]);
    assert_eq!(exposed(&token.scopes), ["profile", "doors:open"]);
    assert_eq!(token.acr.as_ref().unwrap().expose(), "urn:house:two-factors");
    assert_eq!(exposed(&token.amr), ["pwd", "otp"]);
    assert_eq!(token.auth_time, Some(UnixSeconds::new(NOW.get() - 3_600)));
    assert_eq!(token.rights.len(), 2);
    assert_eq!(token.rights[0].extent, Extent::Only(vec![crate::model::Stranger::new("door-2")]));
    assert_eq!(exposed(&token.rights[0].actions), ["open", "see"]);
    assert_eq!((token.rights[1].house.expose(), &token.rights[1].extent), ("house-3", &Extent::Whole));
    assert_eq!((token.issued_at, token.expires_at), (NOW, NOW.plus(LIFETIME)));
}

#[test]
fn a_token_needs_no_more_than_what_is_required() {
    let caller = crate::identity::a_caller(NOW, |claims| claims.without("nbf"));
    let token = caller.token().unwrap();
    assert!(token.tenant.is_none() && token.device.is_none() && token.session.is_none());
    assert!(token.acr.is_none() && token.amr.is_empty() && token.auth_time.is_none());
    assert!(token.roles.is_empty() && token.scopes.is_empty() && token.rights.is_empty());
    assert!(token.houses.is_empty());
}

#[test]
fn what_came_from_a_token_is_not_printed() {
    let caller = a_caller(NOW, |claims| {
        claims.with("device_id", "canary-device").with("sub", "canary-user").door_access(
            "canary-house",
            None,
            &["open"],
        )
    });
    assert!(!format!("{caller:?}").contains("canary"));
}

#[test]
fn each_required_claim_is_missed() {
    let world = World::new();
    for name in ["iss", "sub", "jti", "client_id", "iat", "exp"] {
        assert_eq!(world.fault(|claims| claims.without(name)), Some(IdentityFault::ClaimMissing), "{name}");
    }
    assert_eq!(world.fault(|claims| claims.without("aud")), Some(IdentityFault::Audience));
    assert_eq!(world.fault(|claims| claims.without("cnf")), Some(IdentityFault::Unbound));
}

#[test]
fn times_hold_at_their_limit_and_not_one_second_past_it() {
    let world = World::new();
    let at = |name: &'static str, seconds: u64| move |claims: TokenClaims| claims.with(name, number(seconds));
    let now = NOW.get();
    // Expired is expired: skew is not granted to `exp`.
    assert_eq!(world.fault(at("exp", now + 1)), None);
    assert_eq!(world.fault(|claims| at("iat", now - 10)(at("exp", now)(claims))), Some(IdentityFault::Expired));
    assert_eq!(world.fault(|claims| at("iat", now - 10)(at("exp", now + 1)(claims))), None);
    // From `iat` to `exp` at most the configured lifetime, and at least a second.
    assert_eq!(world.fault(at("exp", now + LIFETIME)), None);
    assert_eq!(world.fault(at("exp", now + LIFETIME + 1)), Some(IdentityFault::LifetimeTooLong));
    assert_eq!(world.fault(at("iat", now - 1)), Some(IdentityFault::LifetimeTooLong));
    assert_eq!(world.fault(at("exp", now)), Some(IdentityFault::LifetimeTooLong));
    assert_eq!(world.fault(at("exp", now - 1)), Some(IdentityFault::LifetimeTooLong));
    // `iat` and `nbf` may lie in the future as far as clocks may differ.
    let late = |claims: TokenClaims, iat: u64| claims.with("exp", number(now + LIFETIME)).with("iat", number(iat));
    assert_eq!(world.fault(|claims| late(claims, now + SKEW)), None);
    assert_eq!(world.fault(|claims| late(claims, now + SKEW + 1)), Some(IdentityFault::IssuedInFuture));
    assert_eq!(world.fault(at("auth_time", now + SKEW)), None);
    assert_eq!(world.fault(at("auth_time", now + SKEW + 1)), Some(IdentityFault::IssuedInFuture));
    assert_eq!(world.fault(at("auth_time", 0)), None);
    assert_eq!(world.fault(at("nbf", now + SKEW)), None);
    assert_eq!(world.fault(at("nbf", now + SKEW + 1)), Some(IdentityFault::NotYetValid));
}

#[test]
fn a_token_expires_while_the_connection_lives_and_so_does_the_certificate() {
    let world = World::new();
    let fields = fields(&[&format!("Bearer {}", world.session.mint(&world.claims()).unwrap())]);
    let verify = |now| verified(&world.verifier, &world.peer, &fields, TokenDemand::Session, now).err();
    assert_eq!(verify(NOW.plus(LIFETIME - 1)), None);
    assert_eq!(verify(NOW.plus(LIFETIME)), Some(IdentityFault::Expired));
    let until = world.peer.certificate().not_after;
    assert_eq!(verify(until), Some(IdentityFault::Expired));
    assert_eq!(verify(until.plus(1)), Some(IdentityFault::PeerNotValidNow));
    let before = UnixSeconds::new(world.peer.certificate().not_before.get() - 1);
    assert_eq!(verify(before), Some(IdentityFault::PeerNotValidNow));
    let peer_only = |now| world.verifier.peer_only(&world.peer, now).err();
    assert_eq!((peer_only(until), peer_only(until.plus(1))), (None, Some(IdentityFault::PeerNotValidNow)));
    assert!(world.verifier.peer_only(&world.peer, NOW).unwrap().token().is_none());
}

#[test]
fn a_connection_is_asked_again_once_the_listener_trusts_others() {
    let world = World::new();
    let fields = fields(&[&format!("Bearer {}", world.session.mint(&world.claims()).unwrap())]);
    let verify = || verified(&world.verifier, &world.peer, &fields, TokenDemand::Session, NOW).err();
    assert_eq!(verify(), None);
    world.trust.replace(vec![world.pki.partner_authority.root()], Vec::new()).unwrap();
    assert_eq!(verify(), Some(IdentityFault::PeerUntrusted));
    assert_eq!(world.verifier.peer_only(&world.peer, NOW).err(), Some(IdentityFault::PeerUntrusted));
    let both = vec![world.pki.partner_authority.root(), world.pki.backend_authority.root()];
    world.trust.replace(both, Vec::new()).unwrap();
    assert_eq!(verify(), None);
}

#[test]
fn the_audience_is_ours_alone_or_among_others() {
    let world = World::new();
    let fault = |audience: Value| world.fault(|claims| claims.with("aud", audience));
    assert_eq!(fault(array(&[AUDIENCE])), None);
    assert_eq!(fault(array(&["https://other.example", AUDIENCE])), None);
    assert_eq!(fault(array(&["https://other.example"])), Some(IdentityFault::Audience));
    assert_eq!(fault(array(&[])), Some(IdentityFault::Audience));
    for near in ["https://gateway.example/", "https://gateway.exampl", "HTTPS://gateway.example"] {
        assert_eq!(fault(near.into()), Some(IdentityFault::Audience), "{near}");
    }
    assert_eq!(fault(Value::Null), Some(IdentityFault::ClaimInvalid));
    assert_eq!(fault(vec![number(1)].into()), Some(IdentityFault::ClaimInvalid));
}

#[test]
fn an_issuer_speaks_for_itself_alone() {
    let world = World::new();
    assert_eq!(world.fault(|claims| claims.with("iss", "https://other.example")), Some(IdentityFault::IssuerUnknown));
    assert_eq!(
        world.fault(|claims| claims.with("iss", "https://sessions.example/")),
        Some(IdentityFault::IssuerUnknown)
    );
    assert_eq!(
        world.fault(|claims| claims.with("iss", array(&["https://sessions.example"]))),
        Some(IdentityFault::ClaimInvalid)
    );
    // A known issuer's key, in the name of the other.
    assert_eq!(world.fault(|claims| claims.with("iss", world.sign_in.name())), Some(IdentityFault::KeyUnknown));
    let stranger = TokenIssuer::new(world.session.name(), SigningAlgorithm::Es256).unwrap();
    let token = stranger.mint(&world.claims()).unwrap();
    assert_eq!(world.verify(&token, TokenDemand::Any).err(), Some(IdentityFault::KeyUnknown));
    let token = stranger.mint_raw(&world.header(""), &world.claims().text()).unwrap();
    assert_eq!(world.verify(&token, TokenDemand::Any).err(), Some(IdentityFault::Signature));
}

#[test]
fn only_session_tokens_move_something() {
    let world = World::new();
    let claims = world.claims().with("iss", world.sign_in.name());
    let token = world.sign_in.mint(&claims).unwrap();
    assert_eq!(world.verify(&token, TokenDemand::Session).err(), Some(IdentityFault::SessionRequired));
    let caller = world.verify(&token, TokenDemand::Any).unwrap();
    assert_eq!(caller.token().unwrap().kind, TokenKind::SignIn);
}

#[test]
fn a_bearer_token_is_bound_to_the_certificate_that_brings_it_and_to_nothing_else() {
    let world = World::new();
    let ours = encode_base64url(world.peer.certificate().thumbprint.as_bytes());
    let cnf = |members: &[(&str, &str)]| {
        let members: Object = members.iter().map(|(name, value)| (*name, Value::from(*value))).collect();
        world.fault(|claims| claims.with("cnf", members))
    };
    let other = encode_base64url(sha256(b"another certificate").as_bytes());
    assert_eq!(cnf(&[("x5t#S256", &ours)]), None);
    assert_eq!(cnf(&[("x5t#S256", &other)]), Some(IdentityFault::BoundToAnother));
    assert_eq!(cnf(&[]), Some(IdentityFault::Unbound));
    assert_eq!(cnf(&[("jkt", &ours)]), Some(IdentityFault::Scheme), "a key takes a proof");
    assert_eq!(cnf(&[("x5t#S256", &ours), ("jkt", &ours)]), Some(IdentityFault::Scheme));
    assert_eq!(cnf(&[("x5t#S256", &other), ("jkt", &ours)]), Some(IdentityFault::BoundToAnother));
    for unknown in ["kid", "jwk", "jku", "osc"] {
        assert_eq!(cnf(&[(unknown, &ours)]), Some(IdentityFault::BindingUnsupported), "{unknown}");
        assert_eq!(cnf(&[("x5t#S256", &ours), (unknown, &ours)]), Some(IdentityFault::BindingUnsupported), "{unknown}");
    }
    assert_eq!(cnf(&[("x5t#S256", &format!("{ours}="))]), Some(IdentityFault::ClaimInvalid));
    assert_eq!(cnf(&[("x5t#S256", ours.get(1..).unwrap())]), Some(IdentityFault::ClaimInvalid));
    assert_eq!(cnf(&[("x5t#S256", "")]), Some(IdentityFault::ClaimInvalid));
    assert_eq!(world.fault(|claims| claims.with("cnf", ours.as_str())), Some(IdentityFault::ClaimInvalid));
}

#[test]
fn every_changed_character_of_a_token_is_noticed() {
    let world = World::new();
    let token = world.session.mint(&world.claims()).unwrap();
    assert!(world.verify(&token, TokenDemand::Session).is_ok());
    for place in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(world.verify(&changed, TokenDemand::Session).is_err(), "character {place}");
    }
}

#[test]
fn settings_that_would_let_nobody_or_anybody_in_are_refused() {
    let issuer = TokenIssuer::new("https://id.example", SigningAlgorithm::Es256).unwrap();
    let good = || settings(&issuer, TokenKind::SignIn);
    let refusal = |issuers| Verifier::new(all(issuers)).err();
    assert_eq!(refusal(vec![good()]), None);
    assert_eq!(refusal(vec![good(), good()]), Some(SettingsError::IssuerTwice(2)));
    assert_eq!(refusal(vec![IssuerSettings { issuer: String::new(), ..good() }]), Some(SettingsError::Empty(1)));
    assert_eq!(refusal(vec![IssuerSettings { audience: String::new(), ..good() }]), Some(SettingsError::Empty(1)));
    assert_eq!(refusal(vec![IssuerSettings { algorithms: vec![], ..good() }]), Some(SettingsError::NoAlgorithm(1)));
    assert_eq!(refusal(vec![IssuerSettings { max_lifetime_s: 0, ..good() }]), Some(SettingsError::NoLifetime(1)));
    assert_eq!(refusal(vec![IssuerSettings { bind: vec![], ..good() }]), Some(SettingsError::NoBinding(1)));
}
