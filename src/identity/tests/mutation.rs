//! The verifier with one check left out: each time, one of these tokens gets in that must not. So no check is there for
//! nothing, and none can be lost without a test that turns red.

use super::AUDIENCE;
use super::LIFETIME;
use super::NOW;
use super::SKEW;
use super::World;
use super::fields;
use super::number;
use super::settings;
use crate::clock::UnixSeconds;
use crate::crypto::Algorithm;
use crate::crypto::SigningAlgorithm;
use crate::crypto::encode_base64url;
use crate::crypto::sha256;
use crate::devkit::TokenClaims;
use crate::devkit::TokenIssuer;
use crate::identity::IdentityFault;
use crate::identity::IdentitySettings;
use crate::identity::IssuerSettings;
use crate::identity::TokenDemand;
use crate::identity::TokenKind;
use crate::identity::Verifier;
use crate::identity::checks::Check;
use crate::json::Object;
use crate::json::Value;

/// One way to be refused by one check alone.
struct Row {
    check: Check,
    /// The `Authorization` fields.
    sent: Vec<String>,
    now: UnixSeconds,
}

/// The usual world, with a third issuer that signs with Ed25519 and may not.
struct Scene {
    world: World,
    restricted: TokenIssuer,
}

impl Scene {
    fn new() -> Self {
        let mut world = World::new();
        let restricted = TokenIssuer::new("https://restricted.example", SigningAlgorithm::EdDsa).unwrap();
        let issuers = vec![
            settings(&world.session, TokenKind::Session),
            settings(&world.sign_in, TokenKind::SignIn),
            IssuerSettings { algorithms: vec![Algorithm::Es256], ..settings(&restricted, TokenKind::Session) },
        ];
        world.verifier = Verifier::new(IdentitySettings { issuers, clock_skew_s: SKEW }).unwrap();
        Self { world, restricted }
    }

    fn verdict(&self, row: &Row) -> Option<IdentityFault> {
        let sent: Vec<&str> = row.sent.iter().map(String::as_str).collect();
        self.world.verifier.verify(&self.world.peer, &fields(&sent), TokenDemand::Session, row.now).err()
    }

    /// A session token with claims that `change` made of the good ones.
    fn claiming(&self, check: Check, change: impl FnOnce(TokenClaims) -> TokenClaims) -> Row {
        bearing(check, self.world.session.mint(&change(self.world.claims())).unwrap())
    }

    /// Good claims under another header.
    fn headed(&self, check: Check, header: &str) -> Row {
        bearing(check, self.world.session.mint_raw(header, &self.world.claims().text()).unwrap())
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
        let (signed, _) = good.rsplit_once('.').unwrap();
        let of_sign_in = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"at+jwt"}}"#, world.sign_in.key().kid());
        let restricted = world.claims().with("iss", self.restricted.name());
        vec![
            Row { now: until.plus(1), ..bearing(Check::PeerStands, world.session.mint(&outlived).unwrap()) },
            Row {
                sent: vec![format!("Bearer {good}"), "Basic YTpi".to_owned()],
                ..bearing(Check::OneAuthorization, String::new())
            },
            Row { sent: vec![format!("DPoP {good}")], ..bearing(Check::Scheme, String::new()) },
            self.headed(Check::HeaderMembers, &world.header(r#","crit":"exp""#)),
            self.headed(Check::Type, &good_header.replace("at+jwt", "JWT")),
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
            self.claiming(Check::BoundByCertificateAlone, |claims| claims.with("cnf", cnf("jkt", b"key"))),
            self.claiming(Check::BoundToPeer, |claims| claims.with("cnf", cnf("x5t#S256", b"another certificate"))),
            bearing(Check::SessionKind, world.sign_in.mint(&world.claims().with("iss", world.sign_in.name())).unwrap()),
            self.claiming(Check::Subject, |claims| claims.without("sub")),
            self.claiming(Check::TokenId, |claims| claims.without("jti")),
            self.claiming(Check::ClientId, |claims| claims.without("client_id")),
        ]
    }
}

fn bearing(check: Check, token: String) -> Row {
    Row { check, sent: vec![format!("Bearer {token}")], now: NOW }
}

#[test]
fn without_any_one_check_a_token_gets_in_that_must_not() {
    let mut scene = Scene::new();
    let rows = scene.rows();
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
