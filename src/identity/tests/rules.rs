//! What is particular about the tokens of one issuer: where its claims are, which it must have, its types, its clock.

use super::AUDIENCE;
use super::LIFETIME;
use super::NOW;
use super::SKEW;
use super::World;
use super::all;
use super::array;
use super::fields;
use super::number;
use super::settings;
use super::verified;
use crate::crypto::SigningAlgorithm;
use crate::devkit::TokenClaims;
use crate::devkit::TokenIssuer;
use crate::identity::Caller;
use crate::identity::ClaimMapping;
use crate::identity::IdentityFault;
use crate::identity::IssuerSettings;
use crate::identity::MappedClaim;
use crate::identity::RequiredClaim;
use crate::identity::TokenDemand;
use crate::identity::TokenKind;
use crate::identity::TokenRules;
use crate::identity::Verifier;
use crate::json::Object;
use crate::json::Value;

/// The usual world, and one more issuer with rules of its own.
struct Ruled {
    world: World,
    issuer: TokenIssuer,
}

impl Ruled {
    fn by(rules: TokenRules) -> Self {
        let mut world = World::new();
        let issuer = TokenIssuer::new("https://ruled.example", SigningAlgorithm::Es256).unwrap();
        let ruled = IssuerSettings { rules, ..settings(&issuer, TokenKind::SignIn) };
        let issuers = vec![settings(&world.session, TokenKind::Session), ruled];
        world.verifier = Verifier::new(all(issuers)).unwrap();
        Self { world, issuer }
    }

    fn mapped(paths: &[(MappedClaim, &[&str])]) -> Self {
        let with = |mapping: ClaimMapping, (claim, path): &(MappedClaim, &[&str])| {
            mapping.with(*claim, path.iter().map(|name| (*name).into()).collect()).unwrap()
        };
        let mapping = paths.iter().fold(ClaimMapping::default(), with);
        Self::by(TokenRules { mapping, ..TokenRules::default() })
    }

    fn claims(&self) -> TokenClaims {
        self.issuer.claims(AUDIENCE, "ivanov", &self.world.peer.certificate().thumbprint, NOW, LIFETIME)
    }

    fn verify(&self, token: &str) -> Result<Caller, IdentityFault> {
        let fields = fields(&[&format!("Bearer {token}")]);
        verified(&self.world.verifier, &self.world.peer, &fields, TokenDemand::Any, NOW)
    }

    fn of(&self, claims: &TokenClaims) -> Result<Caller, IdentityFault> {
        self.verify(&self.issuer.mint(claims).unwrap())
    }

    /// What becomes of a token under the type `typ`.
    fn typed(&self, typ: &str, claims: &TokenClaims) -> Option<IdentityFault> {
        let header = format!(r#"{{"alg":"ES256","kid":"{}","typ":"{typ}"}}"#, self.issuer.key().kid());
        self.verify(&self.issuer.mint_raw(&header, &claims.text()).unwrap()).err()
    }
}

fn object(members: &[(&str, Value)]) -> Value {
    Object::from_iter(members.iter().map(|(name, value)| (*name, value.clone()))).into()
}

#[test]
fn claims_are_read_where_the_issuer_has_them_and_nowhere_else() {
    let ruled = Ruled::mapped(&[
        (MappedClaim::Tenant, &["org", "tenant"]),
        (MappedClaim::Roles, &["realm_access", "roles"]),
        (MappedClaim::Device, &["org", "app", "instance"]),
        (MappedClaim::Car, &["https://prop.example/car"]),
        (MappedClaim::Client, &["azp"]),
        (MappedClaim::Houses, &["realm_access", "houses"]),
    ]);
    let org = object(&[
        ("x", vec![Value::Null].into()),
        ("app", object(&[("instance", "phone-1".into()), ("y", 1_u32.into())])),
        ("tenant", "north".into()),
    ]);
    let claims = ruled
        .claims()
        .without("client_id")
        .with("org", org)
        .with("realm_access", object(&[("roles", array(&["resident"])), ("houses", array(&["house-1"]))]))
        .with("https://prop.example/car", "car-1")
        .with("azp", "app")
        .with("sid", "session-1");
    // What stands under our own names is somebody else's, and of whatever form.
    let shadowed =
        claims.clone().with("tenant", "south").with("roles", "admin").with("device_id", 1_u32).with("houses", "all");
    for claims in [claims, shadowed] {
        let caller = ruled.of(&claims).unwrap();
        let token = caller.token().unwrap();
        let said = ["tenant", "device_id", "car_id", "client_id", "sid"].map(|name| token.claim(name));
        assert_eq!(said, ["north", "phone-1", "car-1", "app", "session-1"].map(Some));
        assert_eq!(token.roles.iter().map(|role| role.expose()).collect::<Vec<_>>(), ["resident"]);
        assert_eq!(token.houses.iter().map(|house| house.expose()).collect::<Vec<_>>(), ["house-1"]);
    }
    // Another issuer's tokens have our names.
    let token = ruled.world.session.mint(&ruled.world.claims().with("tenant", "north").with("org", 1_u32)).unwrap();
    assert_eq!(ruled.verify(&token).unwrap().token().unwrap().claim("tenant"), Some("north"));
}

#[test]
fn what_lies_on_a_path_has_its_form_and_what_is_missing_is_missing() {
    let ruled = Ruled::mapped(&[(MappedClaim::Tenant, &["org", "tenant"]), (MappedClaim::Roles, &["org", "roles"])]);
    let of =
        |org: Value| ruled.of(&ruled.claims().with("org", org)).map(|caller| caller.token().unwrap().tenant.is_some());
    assert_eq!(ruled.of(&ruled.claims()).map(|caller| caller.token().unwrap().tenant.is_none()), Ok(true));
    assert_eq!(of(object(&[("other", 1_u32.into())])), Ok(false));
    assert_eq!(of(object(&[("tenant", "north".into())])), Ok(true));
    for bad in [
        "north".into(),
        Value::Null,
        array(&["north"]),
        object(&[("tenant", 1_u32.into())]),
        object(&[("tenant", "".into())]),
        object(&[("tenant", object(&[("tenant", "north".into())]))]),
        object(&[("roles", "resident".into())]),
        object(&[("roles", vec![Value::from(1_u32)].into())]),
    ] {
        assert_eq!(of(bad.clone()), Err(IdentityFault::ClaimInvalid), "{bad:?}");
    }
    // No name twice, on the path neither.
    let twice = ruled.claims().text().replacen('{', r#"{"org":{"tenant":"a","tenant":"b"},"#, 1);
    let token = ruled
        .issuer
        .mint_raw(&ruled.world.header("").replace(ruled.world.session.key().kid(), ruled.issuer.key().kid()), &twice);
    assert_eq!(ruled.verify(&token.unwrap()).err(), Some(IdentityFault::ClaimsMalformed));
}

#[test]
fn a_token_lacks_none_of_the_claims_that_its_issuer_is_said_to_give() {
    let every = RequiredClaim::WORDS;
    let ruled = Ruled::by(TokenRules { required: every.map(|(_, claim)| claim).to_vec(), ..TokenRules::default() });
    let whole = ruled
        .claims()
        .with("tenant", "north")
        .with("roles", array(&["resident"]))
        .with("device_id", "phone-1")
        .with("car_id", "car-1")
        .with("sid", "session-1")
        .with("scope", "doors")
        .with("acr", "2")
        .with("auth_time", number(NOW.get()))
        .with("houses", array(&["house-1"]));
    assert_eq!(ruled.of(&whole).err(), None);
    for (name, _) in every {
        assert_eq!(ruled.of(&whole.clone().without(name)).err(), Some(IdentityFault::ClaimMissing), "{name}");
    }
    assert_eq!(ruled.of(&whole.with("roles", array(&[]))).err(), Some(IdentityFault::ClaimMissing));
}

#[test]
fn a_token_of_the_plain_type_is_taken_where_it_is_admitted_and_an_id_token_never() {
    let rules = |takes_typed, takes_plain| TokenRules { takes_typed, takes_plain, ..TokenRules::default() };
    let refused = Some(IdentityFault::Type);
    let [both, plain, typed] =
        [(true, true), (false, true), (true, false)].map(|(typed, plain)| Ruled::by(rules(typed, plain)));
    for (ruled, at_jwt, jwt) in [(&both, None, None), (&plain, refused, None), (&typed, None, refused)] {
        assert_eq!(ruled.typed("at+jwt", &ruled.claims()), at_jwt);
        assert_eq!(ruled.typed("application/at+jwt", &ruled.claims()), at_jwt);
        assert_eq!(ruled.typed("JWT", &ruled.claims()), jwt);
        for other in ["jwt", "dpop+jwt", "id_token+jwt", "logout+jwt", "secevent+jwt", "token-introspection+jwt", ""] {
            assert_eq!(ruled.typed(other, &ruled.claims()), refused, "{other}");
        }
    }
    for (name, value) in [
        ("nonce", Value::from("n")),
        ("at_hash", "h".into()),
        ("c_hash", "h".into()),
        ("s_hash", "h".into()),
        ("events", object(&[("http://schemas.openid.net/event/backchannel-logout", object(&[]))])),
        ("typ", "ID".into()),
        ("typ", "Refresh".into()),
        ("typ", 1_u32.into()),
    ] {
        let claims = plain.claims().with(name, value.clone());
        assert_eq!(plain.typed("JWT", &claims), refused, "{name}");
        // A type that says what the token is for is not doubted.
        assert_eq!(both.typed("at+jwt", &both.claims().with(name, value)), None, "{name}");
    }
    for typ in ["Bearer", "DPoP"] {
        assert_eq!(plain.typed("JWT", &plain.claims().with("typ", typ)), None, "{typ}");
    }
    // An ID token lacks `client_id`, and is for its client.
    assert_eq!(plain.typed("JWT", &plain.claims().without("client_id")), Some(IdentityFault::ClaimMissing));
    assert_eq!(plain.typed("JWT", &plain.claims().with("aud", "development-app")), Some(IdentityFault::Audience));
}

#[test]
fn the_clock_of_one_issuer_may_be_further_ahead_than_those_of_others() {
    let ruled = Ruled::by(TokenRules { clock_skew_s: Some(30), ..TokenRules::default() });
    let ahead =
        |claims: TokenClaims, by: u64| claims.with("iat", number(NOW.get() + by)).with("nbf", number(NOW.get() + by));
    assert_eq!(ruled.of(&ahead(ruled.claims(), 30)).err(), None);
    assert_eq!(ruled.of(&ahead(ruled.claims(), 31)).err(), Some(IdentityFault::IssuedInFuture));
    let others = |by| ruled.verify(&ruled.world.session.mint(&ahead(ruled.world.claims(), by)).unwrap()).err();
    assert_eq!((others(SKEW), others(SKEW + 1)), (None, Some(IdentityFault::IssuedInFuture)));
}
