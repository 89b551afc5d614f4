//! The tokens of partners that call, and their clients' assertions, with one check left out: each time, one of them gets in that
//! must not.

use super::LIFETIME;
use super::NOW;
use super::SKEW;
use super::World;
use super::array;
use super::fields;
use super::mutation::each_turns_red;
use super::mutation::names;
use super::number;
use crate::clock::UnixSeconds;
use crate::crypto::KeySet;
use crate::crypto::SigningAlgorithm;
use crate::crypto::SigningKey;
use crate::crypto::encode_base64url;
use crate::crypto::jwks_json;
use crate::crypto::sha256;
use crate::identity::Asserted;
use crate::identity::ClientTokens;
use crate::identity::IdentityFault;
use crate::identity::KnownPartner;
use crate::identity::PartnerClient;
use crate::identity::checks::Check;
use crate::identity::checks::asked;
use crate::json;
use crate::json::Object;
use crate::json::Value;
use crate::model::Name;
use std::sync::Arc;

const AUTHORITY: &str = "smarthome.gateway.example";
const ISSUER: &str = "https://smarthome.gateway.example";
const CLIENT: &str = "intercom";
const SCOPE: &str = "grants.read";
const OTHER: &str = "https://parkline.gateway.example";

/// A partner at its door, the gateway's key for its tokens, and the key of its client.
struct Scene {
    known: KnownPartner,
    own: Arc<SigningKey>,
    tokens: ClientTokens,
    clients: SigningKey,
    client: PartnerClient,
}

impl Scene {
    fn new() -> Self {
        let key = || SigningKey::from_pem(&SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap()).unwrap();
        let World { peer, verifier, .. } = World::new();
        let known = verifier.partner(&peer, &Name::new("smarthome").unwrap(), peer.name(), NOW).unwrap();
        let (own, clients) = (Arc::new(key()), key());
        let tokens = ClientTokens::new(&[Arc::clone(&own)], LIFETIME, SKEW).unwrap();
        let published = KeySet::parse(jwks_json(&[&clients]).as_bytes()).unwrap();
        let client = PartnerClient::new(CLIENT.into(), AUTHORITY, Some(Arc::new(published)));
        Self { known, own, tokens, clients, client }
    }

    fn thumbprint(&self) -> String {
        encode_base64url(self.known.peer().certificate().thumbprint.as_bytes())
    }

    /// Claims of a good token.
    fn token(&self) -> Object {
        Object::from_iter([
            ("iss", Value::from(ISSUER)),
            ("aud", ISSUER.into()),
            ("sub", CLIENT.into()),
            ("client_id", CLIENT.into()),
            ("scope", SCOPE.into()),
            ("jti", "token-1".into()),
            ("iat", number(NOW.get())),
            ("exp", number(NOW.get() + LIFETIME)),
            ("cnf", Object::from_iter([("x5t#S256", self.thumbprint())]).into()),
        ])
    }

    fn verify(&self, authorization: &[String], now: UnixSeconds) -> Option<IdentityFault> {
        let authorization: Vec<&str> = authorization.iter().map(String::as_str).collect();
        self.tokens.verify(&self.known, &self.client, SCOPE, &fields(&authorization), now).err()
    }
}

/// Claims of a good assertion.
fn assertion() -> Object {
    Object::from_iter([
        ("iss", Value::from(CLIENT)),
        ("sub", CLIENT.into()),
        ("aud", ISSUER.into()),
        ("jti", "assertion-1".into()),
        ("iat", number(NOW.get())),
        ("exp", number(NOW.get() + 300)),
    ])
}

fn with(mut claims: Object, changes: Vec<(&str, Value)>) -> Object {
    changes.into_iter().for_each(|(name, value)| drop(claims.insert(name, value)));
    claims
}

fn without(claims: &Object, name: &str) -> Object {
    claims.iter().filter(|(known, _)| *known != name).map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

/// The claims under this header, signed.
fn signed(key: &SigningKey, header: &str, claims: &Object) -> String {
    let mut payload = Vec::new();
    json::write(&Value::Object(claims.clone()), &mut payload);
    key.sign_jws_with_header(header.as_bytes(), &payload).unwrap()
}

fn header(key: &SigningKey, typ: &str) -> String {
    format!(r#"{{"alg":"ES256","kid":"{}","typ":"{typ}"}}"#, key.kid())
}

/// What the times of a token or an assertion may be wrong by.
fn wrong_times(longest: u64, ahead: u64) -> Vec<(Check, Vec<(&'static str, Value)>)> {
    let now = NOW.get();
    vec![
        (Check::LifetimePositive, vec![("iat", number(now + 1)), ("exp", number(now + 1))]),
        (Check::LifetimeMaximum, vec![("exp", number(now + longest + 1))]),
        (Check::IssuedInPast, vec![("iat", number(now + ahead + 1))]),
        (Check::AuthenticatedInPast, vec![("auth_time", number(now + ahead + 1))]),
        (Check::NotBefore, vec![("nbf", number(now + ahead + 1))]),
        (Check::NotExpired, vec![("iat", number(now - 10)), ("exp", number(now))]),
    ]
}

#[test]
fn without_any_one_check_a_partners_token_gets_in_that_must_not() {
    let mut scene = Scene::new();
    let good = header(&scene.own, "partner-client+jwt");
    let bearing = |header: &str, claims: &Object| vec![format!("Bearer {}", signed(&scene.own, header, claims))];
    let claiming = |changes: Vec<(&str, Value)>| bearing(&good, &with(scene.token(), changes));
    let lacking = |name: &str| bearing(&good, &without(&scene.token(), name));
    let token = signed(&scene.own, &good, &scene.token());
    let other = encode_base64url(sha256(b"another").as_bytes());
    let cnf = |members: &[(&str, &str)]| {
        let members: Object = members.iter().map(|(name, value)| (*name, Value::from(*value))).collect();
        claiming(vec![("cnf", members.into())])
    };
    let ours = scene.thumbprint();
    let mut rows: Vec<(Check, Vec<String>)> = vec![
        (Check::OneAuthorization, vec![format!("Bearer {token}"), "Basic YTpi".to_owned()]),
        (Check::Scheme, vec![format!("bearer {token}")]),
        (Check::SchemeOfBinding, vec![format!("DPoP {token}")]),
        (Check::HeaderMembers, bearing(&good.replace('}', r#","crit":"exp"}"#), &scene.token())),
        (Check::Type, bearing(&header(&scene.own, "at+jwt"), &scene.token())),
        (Check::Type, bearing(&header(&scene.own, "JWT"), &scene.token())),
        (Check::IssuerOfClient, claiming(vec![("iss", OTHER.into())])),
        (Check::AlgorithmOfKey, bearing(&good.replace("ES256", "none"), &scene.token())),
        (Check::AlgorithmOfKey, bearing(&good.replace("ES256", "EdDSA"), &scene.token())),
        (Check::Signature, vec![format!("Bearer {}", signed(&scene.clients, &good, &scene.token()))]),
        (Check::Audience, claiming(vec![("aud", OTHER.into())])),
        (Check::Audience, lacking("aud")),
        (Check::AudienceAlone, claiming(vec![("aud", array(&[ISSUER, OTHER]))])),
        (Check::BoundToPeer, cnf(&[("x5t#S256", &other)])),
        (Check::BoundToCertificateAlone, cnf(&[])),
        (Check::BoundToCertificateAlone, cnf(&[("jkt", &other)])),
        (Check::BoundToCertificateAlone, cnf(&[("x5t#S256", &ours), ("jkt", &other)])),
        (Check::BoundToCertificateAlone, cnf(&[("x5t#S256", &ours), ("kid", "k")])),
        (Check::SubjectIsClient, claiming(vec![("sub", "another".into())])),
        (Check::SubjectIsClient, lacking("sub")),
        (Check::ClientIsClient, claiming(vec![("client_id", "another".into())])),
        (Check::ClientIsClient, lacking("client_id")),
        (Check::Scope, claiming(vec![("scope", "grants.write".into())])),
        (Check::Scope, lacking("scope")),
        (Check::TokenId, lacking("jti")),
    ];
    rows.extend(wrong_times(LIFETIME, SKEW).into_iter().map(|(check, changes)| (check, claiming(changes))));
    let (good, unbound) = (claiming(vec![]), lacking("cnf"));
    asked();
    assert_eq!(scene.verify(&good, NOW), None);
    // Only a header that has more members is asked about them.
    let mut asked = asked();
    asked.insert("HeaderMembers".to_owned());
    // Bound to nothing at all is a fault of its own, and not bound to the certificate, either.
    assert_eq!(scene.verify(&unbound, NOW), Some(Check::Bound.fault()));
    scene.tokens.checks.without = Some(Check::Bound);
    assert_eq!(scene.verify(&unbound, NOW), Some(Check::BoundToCertificateAlone.fault()));
    asked.remove("Bound");
    assert_eq!(names(rows.iter().map(|(check, _)| *check)), asked);
    each_turns_red(&rows, Check::fault, |without, row| {
        scene.tokens.checks.without = without;
        scene.verify(row, NOW)
    });
}

#[test]
fn without_any_one_check_an_assertion_gets_a_token_that_must_not() {
    let mut scene = Scene::new();
    let good = header(&scene.clients, "client-authentication+jwt");
    let under = |header: &str| signed(&scene.clients, header, &assertion());
    let claiming = |changes: Vec<(&str, Value)>| signed(&scene.clients, &good, &with(assertion(), changes));
    let lacking = |name: &str| signed(&scene.clients, &good, &without(&assertion(), name));
    let mut rows: Vec<(Check, String)> = vec![
        (Check::HeaderMembers, under(&good.replace('}', r#","crit":"exp"}"#))),
        (Check::Type, under(&header(&scene.clients, "at+jwt"))),
        (Check::Type, under(&header(&scene.clients, "partner-client+jwt"))),
        (Check::AlgorithmOfKey, under(&good.replace("ES256", "HS256"))),
        (Check::Signature, signed(&scene.own, &good, &assertion())),
        (Check::AssertedByClient, claiming(vec![("iss", "another".into())])),
        (Check::AssertedOfClient, claiming(vec![("sub", "another".into())])),
        (Check::Audience, claiming(vec![("aud", OTHER.into())])),
        (Check::Audience, lacking("aud")),
        (Check::AudienceAlone, claiming(vec![("aud", array(&[ISSUER, OTHER]))])),
        (Check::AudienceAlone, claiming(vec![("aud", array(&[ISSUER]))])),
        (Check::TokenId, lacking("jti")),
    ];
    let wrong = wrong_times(300, Asserted::AHEAD_S);
    rows.extend(wrong.into_iter().map(|(check, changes)| (check, claiming(changes))));
    for typ in ["client-authentication+jwt", "JWT"] {
        assert!(scene.client.asserted(&under(&header(&scene.clients, typ)), NOW).is_ok(), "{typ}");
    }
    let untyped = format!(r#"{{"alg":"ES256","kid":"{}"}}"#, scene.clients.kid());
    asked();
    assert!(scene.client.asserted(&under(&untyped), NOW).is_ok());
    let mut asked = asked();
    asked.insert("HeaderMembers".to_owned());
    assert_eq!(names(rows.iter().map(|(check, _)| *check)), asked);
    each_turns_red(&rows, Check::fault, |without, row| {
        scene.client.checks.without = without;
        scene.client.asserted(row, NOW).err()
    });
}

#[test]
fn what_an_assertion_must_say_is_missed_and_its_known_claims_have_their_form() {
    let scene = Scene::new();
    let good = header(&scene.clients, "JWT");
    let fault = |claims: &Object| scene.client.asserted(&signed(&scene.clients, &good, claims), NOW).err();
    for name in ["iss", "sub", "jti", "iat", "exp"] {
        assert_eq!(fault(&without(&assertion(), name)), Some(IdentityFault::ClaimMissing), "{name}");
    }
    let half = json::Number::try_from(0.5).unwrap();
    for (name, value) in [
        ("iss", number(1)),
        ("sub", Value::Null),
        ("aud", number(1)),
        ("jti", "".into()),
        ("jti", "a".repeat(256).into()),
        ("jti", "a\u{7}b".into()),
        ("iat", "1".into()),
        ("exp", half.into()),
        ("nbf", json::Number::from(-1).into()),
    ] {
        assert_eq!(fault(&with(assertion(), vec![(name, value)])), Some(IdentityFault::ClaimInvalid), "{name}");
    }
    assert_eq!(fault(&with(assertion(), vec![("jti", "a".repeat(255).into()), ("other", Value::Null)])), None);
}
