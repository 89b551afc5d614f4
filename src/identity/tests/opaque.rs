//! Tokens that say nothing by themselves: which are asked about, and that what their issuer says goes through every check, each
//! time that the token comes.

use super::AUDIENCE;
use super::LIFETIME;
use super::NOW;
use super::World;
use super::all;
use super::fields;
use super::number;
use super::settings;
use super::verified_as_told;
use crate::clock::UnixSeconds;
use crate::crypto::ClientTrust;
use crate::crypto::SigningAlgorithm;
use crate::crypto::Standing;
use crate::crypto::encode_base64url;
use crate::crypto::sha256;
use crate::devkit::APP;
use crate::devkit::AppKey;
use crate::devkit::Pki;
use crate::devkit::TokenClaims;
use crate::devkit::TokenIssuer;
use crate::identity::ActorSettings;
use crate::identity::AskingAs;
use crate::identity::Caller;
use crate::identity::ClaimMapping;
use crate::identity::DPOP;
use crate::identity::IdentityFault;
use crate::identity::IssuerKeys;
use crate::identity::IssuerSettings;
use crate::identity::MappedClaim;
use crate::identity::Peer;
use crate::identity::Proof;
use crate::identity::RequiredClaim;
use crate::identity::SettingsError;
use crate::identity::TokenDemand;
use crate::identity::TokenKind;
use crate::identity::TokenRules;
use crate::identity::Told;
use crate::identity::Verifier;
use crate::identity::told::Answer;
use crate::json::Object;
use crate::json::Value;
use std::sync::Arc;
use std::time::Duration;

/// A token that says nothing.
pub(super) const TOKEN: &str = "mF_9.B5f-4.1JqM~x+/y==";

const NAME: &str = "https://opaque.example";

/// The issuer that is asked.
pub(super) fn issuer(kind: TokenKind) -> IssuerSettings {
    let named = TokenIssuer::new(NAME, SigningAlgorithm::Es256).unwrap();
    let asking_as = Arc::new(AskingAs { client_id: "gateway".into(), audience: NAME.into(), key: None });
    let keys = IssuerKeys::Asked { keep_s: 5, timeout: Duration::from_secs(2), asking_as };
    IssuerSettings { keys, algorithms: Vec::new(), ..settings(&named, kind) }
}

/// What it says of a token.
pub(super) fn told(token: &str, answer: &str) -> Told {
    Told { token: sha256(token.as_bytes()), answer: Arc::new(Answer::read(answer.as_bytes()).unwrap()) }
}

/// The usual world, and the issuer that is asked.
fn world(rules: TokenRules) -> World {
    let mut world = World::new();
    let asked = IssuerSettings { rules, ..issuer(TokenKind::SignIn) };
    world.verifier = Verifier::new(all(vec![settings(&world.session, TokenKind::Session), asked])).unwrap();
    world
}

impl World {
    /// Claims of a good answer.
    fn answer(&self) -> TokenClaims {
        self.claims().without("iss").without("jti").without("act").with("active", true)
    }

    fn as_told(&self, claims: &TokenClaims, now: UnixSeconds) -> Result<Caller, IdentityFault> {
        self.told_to(&self.peer, claims, now)
    }

    fn told_to(&self, peer: &Peer, claims: &TokenClaims, now: UnixSeconds) -> Result<Caller, IdentityFault> {
        let (fields, told) = (fields(&[&format!("Bearer {TOKEN}")]), told(TOKEN, &claims.text()));
        verified_as_told(&self.verifier, peer, &fields, TokenDemand::Any, Some(&told), now)
    }
}

#[test]
fn what_the_issuer_says_is_taken_as_a_tokens_own_claims_and_an_id_is_made_where_it_says_none() {
    let world = world(TokenRules::default());
    let caller = world.as_told(&world.answer().with("tenant", "north").with("scope", "doors"), NOW).unwrap();
    let token = caller.token().unwrap();
    assert_eq!((token.subject.expose(), &*token.issuer, token.kind), ("ivanov", NAME, TokenKind::SignIn));
    assert_eq!(token.claim("tenant"), Some("north"));
    assert_eq!(token.token_id.expose(), encode_base64url(sha256(TOKEN.as_bytes()).as_bytes()));
    let named = world.as_told(&world.answer().with("iss", NAME).with("jti", "id-1"), NOW).unwrap();
    assert_eq!(named.token().unwrap().token_id.expose(), "id-1");
    let moves = fields(&[&format!("Bearer {TOKEN}")]);
    let told = told(TOKEN, &world.answer().text());
    let moved = verified_as_told(&world.verifier, &world.peer, &moves, TokenDemand::Session, Some(&told), NOW);
    assert_eq!(moved.err(), Some(IdentityFault::SessionRequired), "it moves nothing");
}

#[test]
fn an_answer_is_no_verdict_and_goes_through_every_check_each_time_that_its_token_comes() {
    let world = world(TokenRules { required: vec![RequiredClaim::Tenant], ..TokenRules::default() });
    let good = world.answer().with("tenant", "north");
    // The very same answer, as if it was remembered: as time goes on, and to another peer.
    let end = NOW.plus(LIFETIME);
    assert!(world.as_told(&good, UnixSeconds::new(end.get() - 1)).is_ok());
    assert_eq!(world.as_told(&good, end).err(), Some(IdentityFault::Expired));
    let other = Pki::new(NOW).unwrap();
    let trust = Arc::new(ClientTrust::new(vec![other.backend_authority.root()], Vec::new()).unwrap());
    let standing = Arc::new(Standing::new(trust, &[other.backend.der()]).unwrap());
    let thief = Peer::of(Arc::new(other.backend.parsed().unwrap()), standing).unwrap();
    assert_eq!(world.told_to(&thief, &good, NOW).err(), Some(IdentityFault::BoundToAnother));
    let refused = |claims: TokenClaims| world.as_told(&claims, NOW).err();
    let cnf = |name: &str| Object::from_iter([(name, Value::from(encode_base64url(sha256(b"other").as_bytes())))]);
    for (what, claims, fault) in [
        ("inactive", good.clone().with("active", false), IdentityFault::Inactive),
        ("another issuer", good.clone().with("iss", "https://id.example"), IdentityFault::IssuerUnknown),
        ("another audience", good.clone().with("aud", "https://other.example"), IdentityFault::Audience),
        ("no audience", good.clone().without("aud"), IdentityFault::Audience),
        ("no beginning", good.clone().without("iat"), IdentityFault::ClaimMissing),
        ("no end", good.clone().without("exp"), IdentityFault::ClaimMissing),
        ("too long a life", good.clone().with("exp", number(end.get() + 1)), IdentityFault::LifetimeTooLong),
        ("not yet", good.clone().with("nbf", number(NOW.get() + 60)), IdentityFault::NotYetValid),
        ("bound to nothing", good.clone().without("cnf"), IdentityFault::Unbound),
        ("bound to another", good.clone().with("cnf", cnf("x5t#S256")), IdentityFault::BoundToAnother),
        ("bound as nobody knows", good.clone().with("cnf", cnf("kid")), IdentityFault::BindingUnsupported),
        ("bound to a key", good.clone().with("cnf", cnf("jkt")), IdentityFault::Scheme),
        ("nobody", good.clone().without("sub"), IdentityFault::ClaimMissing),
        ("no client", good.clone().without("client_id"), IdentityFault::ClaimMissing),
        ("no tenant", good.clone().without("tenant"), IdentityFault::ClaimMissing),
        ("a subject of another type", good.clone().with("sub", 1_u32), IdentityFault::ClaimInvalid),
        ("another kind of token", good.clone().with("token_type", "refresh_token"), IdentityFault::Type),
        ("a token that needs a proof", good.clone().with("token_type", "DPoP"), IdentityFault::Scheme),
        ("an ID token", good.clone().with("at_hash", "x"), IdentityFault::Type),
    ] {
        assert_eq!(refused(claims), Some(fault), "{what}");
    }
    assert_eq!(refused(good), None);
}

#[test]
fn claims_are_read_where_that_issuer_has_them() {
    let mapping = ClaimMapping::default().with(MappedClaim::Tenant, vec!["org".into(), "tenant".into()]).unwrap();
    let world = world(TokenRules { mapping, ..TokenRules::default() });
    let org = Object::from_iter([("tenant", Value::from("north"))]);
    let caller = world.as_told(&world.answer().with("org", org).with("tenant", "south"), NOW).unwrap();
    assert_eq!(caller.token().unwrap().claim("tenant"), Some("north"));
}

#[test]
fn a_token_that_is_bound_to_a_key_comes_with_a_proof_of_that_key_for_this_very_token() {
    let world = world(TokenRules::default());
    let app = AppKey::new(SigningAlgorithm::Es256).unwrap();
    let url = format!("{AUDIENCE}{}", super::PATH);
    let answer = world.answer().bound_to(&app).with("token_type", "DPoP");
    let told = told(TOKEN, &answer.text());
    let with = |proof: String| {
        let mut fields = fields(&[&format!("DPoP {TOKEN}")]);
        fields.append(DPOP, proof.parse().unwrap());
        verified_as_told(&world.verifier, &world.peer, &fields, TokenDemand::Any, Some(&told), NOW).err()
    };
    assert_eq!(with(app.proof("POST", &url, Some(TOKEN), None, NOW).unwrap()), None);
    let another = app.proof("POST", &url, Some("another"), None, NOW).unwrap();
    assert_eq!(with(another), Some(IdentityFault::ProofOfAnotherToken));
    let thief = AppKey::new(SigningAlgorithm::Es256).unwrap();
    let stolen = thief.proof("POST", &url, Some(TOKEN), None, NOW).unwrap();
    assert_eq!(with(stolen), Some(IdentityFault::BoundToAnotherKey));
}

#[test]
fn what_the_issuer_says_may_be_exchanged_and_nothing_else() {
    let world = world(TokenRules::default());
    let actor =
        ActorSettings { peer: world.peer.name().into(), audiences: vec![AUDIENCE.into()], clients: vec![APP.into()] };
    let key = sha256(b"the app's key");
    let subject = |token: &str, told: Option<&Told>| {
        let proof = Proof::for_test(key, "once", NOW, None);
        world.verifier.subject(&world.peer, &actor, token, told, proof, NOW).map(|_| ()).err()
    };
    let good = told(TOKEN, &world.answer().text());
    assert_eq!(subject(TOKEN, Some(&good)), None);
    assert_eq!(subject(TOKEN, None), Some(IdentityFault::NotTold));
    assert_eq!(subject("another", Some(&good)), Some(IdentityFault::NotTold));
    let of_another = told(TOKEN, &world.answer().with("client_id", "another-app").text());
    assert_eq!(subject(TOKEN, Some(&of_another)), Some(IdentityFault::ActorRefused));
    let inactive = told(TOKEN, r#"{"active":false}"#);
    assert_eq!(subject(TOKEN, Some(&inactive)), Some(IdentityFault::Inactive));
}

#[test]
fn asked_about_is_what_could_be_a_token_and_says_nothing_and_what_names_that_issuer() {
    let world = world(TokenRules::default());
    let asks = |token: &str| world.verifier.asks_about(token);
    let named = TokenIssuer::new(NAME, SigningAlgorithm::Es256).unwrap();
    let its_own = named.mint(&world.claims().with("iss", NAME)).unwrap();
    assert!(asks(TOKEN) && asks("x") && asks(&"x".repeat(8 * 1024)) && asks(&its_own));
    let local = world.session.mint(&world.claims()).unwrap();
    for not in ["", "a b", "a,b", &"x".repeat(8 * 1024 + 1), &local, "e30.e30.AAAA"] {
        assert!(!asks(not), "{not}");
    }
    // Its own JWS is not verified here, whoever signed it.
    let verify = |token: &str| world.verify(token, TokenDemand::Any).err();
    assert_eq!((verify(&its_own), verify(TOKEN)), (Some(IdentityFault::NotTold), Some(IdentityFault::NotTold)));
    assert_eq!(verify(&local), None);
    // Where nobody is asked, what says nothing is no token.
    let alone = World::new();
    assert!(!alone.verifier.asks_about(TOKEN));
    assert_eq!(alone.verify(TOKEN, TokenDemand::Any).err(), Some(IdentityFault::TokenMalformed));
}

#[tokio::test(start_paused = true)]
async fn nobody_asks_for_a_peer_that_is_not_trusted_or_about_what_is_no_token() {
    let world = world(TokenRules::default());
    let mut questions = world.verifier.introspections().unwrap().1.questions().unwrap();
    let steady = Duration::from_secs(500);
    let late = world.peer.certificate().not_after.plus(1);
    let opaque = fields(&[&format!("Bearer {TOKEN}")]);
    let told = world.verifier.told(&world.peer, &opaque, late, steady).await;
    assert_eq!(told.err(), Some(IdentityFault::PeerNotValidNow));
    for (field, fault) in [
        ("Basic YTpi", Some(IdentityFault::Scheme)),
        ("Bearer", Some(IdentityFault::Scheme)),
        ("Bearer a b", None),
        (&*format!("Bearer {}", "x".repeat(8 * 1024 + 1)), None),
    ] {
        let told = world.verifier.told(&world.peer, &fields(&[field]), NOW, steady).await;
        match fault {
            Some(fault) => assert_eq!(told.err(), Some(fault), "{field}"),
            None => assert!(told.unwrap().is_none(), "{field}"),
        }
    }
    assert!(questions.try_recv().is_err(), "nobody was asked");
    let unheard = world.verifier.told(&world.peer, &opaque, NOW, steady).await;
    assert_eq!(unheard.err(), Some(IdentityFault::NotTold));
    assert!(questions.try_recv().is_ok(), "that was a question");
}

#[test]
fn a_second_issuer_that_is_asked_is_refused() {
    let second = IssuerSettings { issuer: "https://second.example".to_owned(), ..issuer(TokenKind::SignIn) };
    let refused = Verifier::new(all(vec![issuer(TokenKind::SignIn), second])).err();
    assert_eq!(refused, Some(SettingsError::AskedTwice(2)));
}
