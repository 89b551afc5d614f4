//! Why a token is refused: what it says beside what the gateway demands of it, check by check, and the verdict.
//!
//! The verdict is the verifier's own, of a request with this token from this peer. The checks beside it are for people: they
//! are looked at one by one and none ends the others, so that all that is wrong is seen at once. They say nothing that the
//! verdict rests on; whatever it finds and they do not is told as the last of them. No socket, no clock: time is an argument.

use crate::clock::UnixMillis;
use crate::clock::UnixSeconds;
use crate::crypto::Algorithm;
use crate::crypto::Certificate;
use crate::crypto::ClientTrust;
use crate::crypto::Jws;
use crate::crypto::KeySet;
use crate::crypto::Standing;
use crate::crypto::encode_base64url;
use crate::identity::Bind;
use crate::identity::DPOP;
use crate::identity::IdentityFault;
use crate::identity::IdentitySettings;
use crate::identity::IssuerKeys;
use crate::identity::IssuerSettings;
use crate::identity::Peer;
use crate::identity::SettingsError;
use crate::identity::TokenDemand;
use crate::identity::TokenKind;
use crate::identity::Verifier;
use crate::json;
use crate::json::Limits;
use crate::json::Object;
use crate::json::Value;
use crate::model::Reason;
use crate::pipeline::Refusal;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header::AUTHORIZATION;
use rustls_pki_types::CertificateDer;
use std::sync::Arc;

/// What is asked about a token.
pub struct TokenQuestion<'q> {
    /// The token, as it came.
    pub token: &'q str,
    /// The certificate of the peer that brings it, and those behind it.
    pub chain: &'q [CertificateDer<'static>],
    /// The proof of possession beside it (RFC 9449), if there is one.
    pub proof: Option<&'q str>,
    /// The method of the request.
    pub method: &'q Method,
    /// Its path, without query.
    pub path: &'q str,
    /// Whether the operation moves something.
    pub moves: bool,
    /// When.
    pub now: UnixSeconds,
}

/// What became of it.
pub struct TokenStory {
    /// Why it is refused, for the record and in words; `None` where it is accepted.
    pub refused: Option<(Reason, String)>,
    /// The checks, in the order in which they are asked.
    pub checks: Vec<TokenCheck>,
    /// All claims, where they can be read. Personal data.
    pub claims: Option<Object>,
}

/// One check. Its texts may hold what the token says: nothing personal, but a stranger's text.
pub struct TokenCheck {
    /// What is looked at.
    pub what: &'static str,
    /// What the request says.
    pub told: String,
    /// What the gateway demands.
    pub wanted: String,
    /// Whether they agree; `None` where that cannot be known.
    pub holds: Option<bool>,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum TokenInspectError {
    /// There is no certificate, or it cannot be read.
    #[error("the peer's certificate cannot be read")]
    Certificate,
    /// The token's issuer publishes its keys elsewhere, and they are not here.
    #[error("the keys of the token's issuer are published elsewhere")]
    KeysElsewhere,
    /// The token says nothing here: its issuer alone can say what it is, and is asked for each request.
    #[error("only the issuer can say what this token is")]
    IssuerAlone,
    /// No verifier can be made.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

/// One issuer's demands: what stays of the settings once the verifier has taken them.
struct Issuer {
    name: String,
    /// `None` where there are none here.
    keys: Option<Arc<KeySet>>,
    /// Whether they are published elsewhere.
    is_elsewhere: bool,
    audience: String,
    algorithms: Vec<Algorithm>,
    max_lifetime_s: u64,
    bind: Vec<Bind>,
    kind: TokenKind,
}

/// Looks at a token with the verifier of a gateway that has these settings and whose listener trusts these clients.
///
/// # Errors
/// [`TokenInspectError`].
pub fn inspect_token(
    settings: IdentitySettings,
    trust: Arc<ClientTrust>,
    question: &TokenQuestion<'_>,
) -> Result<TokenStory, TokenInspectError> {
    let leaf = question.chain.first().and_then(|leaf| Certificate::parse(leaf).ok());
    let leaf = Arc::new(leaf.ok_or(TokenInspectError::Certificate)?);
    let standing = Arc::new(Standing::new(trust, question.chain).ok_or(TokenInspectError::Certificate)?);
    let skew = settings.clock_skew_s;
    let issuers: Vec<Issuer> = settings.issuers.iter().map(Issuer::of).collect();
    let claims = Jws::split(question.token).ok().and_then(|jws| object(jws.payload()));
    let of = claims.as_ref().and_then(|claims| claims.get("iss")).and_then(Value::as_str);
    if issuers.iter().any(|issuer| issuer.is_elsewhere && Some(issuer.name.as_str()) == of) {
        return Err(TokenInspectError::KeysElsewhere);
    }
    let verifier = Verifier::new(settings)?;
    if verifier.asks_about(question.token) {
        return Err(TokenInspectError::IssuerAlone);
    }
    let peer = Peer::of(Arc::clone(&leaf), standing);
    let fields = fields(question);
    let fault = match (&peer, &fields) {
        (Err(fault), _) => Some(*fault),
        // What no field can hold comes to no gateway; there it is no token.
        (Ok(_), None) => Some(IdentityFault::TokenMalformed),
        (Ok(peer), Some(fields)) => {
            let demand = if question.moves { TokenDemand::Session } else { TokenDemand::Any };
            verifier.verify(peer, fields, question.method, question.path, demand, None, question.now).err()
        }
    };

    let mut checks = vec![certificate(&peer, question.now)];
    let claims = read(&mut checks, &issuers, &leaf, skew, question);
    if let Some(jkt) = claims.as_ref().and_then(jkt)
        && let Some(fields) = &fields
    {
        checks.push(proof(&verifier, fields, jkt, question));
    }
    let refused = fault.map(|fault| (Refusal::from(fault).reason, fault.to_string()));
    if refused.is_some() && !checks.iter().any(|check| check.holds == Some(false)) {
        let (told, wanted) = (String::new(), refused.as_ref().map(|(_, words)| words.clone()).unwrap_or_default());
        checks.push(TokenCheck { what: "everything else", told, wanted, holds: Some(false) });
    }
    Ok(TokenStory { refused, checks, claims })
}

/// The fields of a request with this token, under the scheme that its binding asks for, and with the proof.
fn fields(question: &TokenQuestion<'_>) -> Option<HeaderMap> {
    let claims = Jws::split(question.token).ok().and_then(|jws| object(jws.payload()));
    let proven = question.proof.is_some() || claims.as_ref().and_then(jkt).is_some();
    let scheme = if proven { "DPoP" } else { "Bearer" };
    let token = HeaderValue::from_str(&format!("{scheme} {}", question.token)).ok()?;
    let mut fields = HeaderMap::from_iter([(AUTHORIZATION, token)]);
    if let Some(proof) = question.proof {
        fields.insert(DPOP, HeaderValue::from_str(proof).ok()?);
    }
    Some(fields)
}

/// The key to which a token is bound, as it names it.
fn jkt(claims: &Object) -> Option<&str> {
    claims.get("cnf")?.get("jkt")?.as_str()
}

/// The proof, as the verifier finds it.
fn proof(verifier: &Verifier, fields: &HeaderMap, jkt: &str, question: &TokenQuestion<'_>) -> TokenCheck {
    let now = UnixMillis::new(question.now.get().saturating_mul(1_000));
    let proven = verifier.prove(fields, question.method, question.path, Some(question.token), now);
    let proven = proven.map(|proof| encode_base64url(proof.key().as_bytes()));
    let holds = proven.as_deref() == Ok(jkt);
    TokenCheck {
        what: "proof",
        told: proven.map_or_else(|fault| fault.to_string(), |key| format!("of the key {key}")),
        wanted: format!("of the key {jkt}, for {} {}, this token and now", question.method, question.path),
        holds: Some(holds),
    }
}

/// Adds the checks of the token, as far as it can be read; gives its claims.
fn read(
    checks: &mut Vec<TokenCheck>,
    issuers: &[Issuer],
    leaf: &Certificate,
    skew: u64,
    question: &TokenQuestion<'_>,
) -> Option<Object> {
    let (bytes, jws) = (question.token.len(), Jws::split(question.token));
    let parts = question.token.split('.').count();
    checks.push(TokenCheck {
        what: "form",
        told: format!("{bytes} bytes in {parts} parts"),
        wanted: "three parts of base64url without padding, 8 KiB at most".to_owned(),
        holds: Some(jws.is_ok()),
    });
    let jws = jws.ok()?;
    let header = object(jws.header());
    let named = |name| header.as_ref().and_then(|header| header.get(name)).and_then(Value::as_str);
    let (algorithm, kid, typ) = (named("alg"), named("kid"), named("typ"));
    let members = header.as_ref().map(|header| header.iter().map(|(name, _)| name).collect::<Vec<_>>().join(", "));
    let three = header.as_ref().is_some_and(|header| header.len() == 3) && algorithm.is_some() && kid.is_some();
    checks.push(TokenCheck {
        what: "header",
        told: members.unwrap_or_else(|| "not strict JSON".to_owned()),
        wanted: "alg, kid, typ and nothing else".to_owned(),
        holds: Some(three && typ.is_some()),
    });
    checks.push(TokenCheck {
        what: "type",
        told: shown(typ),
        wanted: "at+jwt".to_owned(),
        holds: Some(matches!(typ, Some("at+jwt" | "application/at+jwt"))),
    });
    let claims = object(jws.payload());
    let Some(claims) = claims else {
        let (told, wanted) = ("not strict JSON".to_owned(), "one object of strict JSON".to_owned());
        checks.push(TokenCheck { what: "claims", told, wanted, holds: Some(false) });
        return None;
    };
    let of = claims.get("iss").and_then(Value::as_str);
    let issuer = issuers.iter().find(|issuer| Some(issuer.name.as_str()) == of);
    checks.push(TokenCheck {
        what: "issuer",
        told: shown(of),
        wanted: issuers.iter().map(|issuer| issuer.name.as_str()).collect::<Vec<_>>().join(" or "),
        holds: Some(issuer.is_some()),
    });
    if let Some(issuer) = issuer {
        signed(checks, issuer, &jws, algorithm, kid);
        timely(checks, issuer, &claims, skew, question.now);
        for_us(checks, issuer, &claims, question.moves);
    }
    bound(checks, issuer, &claims, leaf);
    let missing: Vec<&str> =
        ["sub", "jti", "client_id"].into_iter().filter(|name| claims.get(name).is_none()).collect();
    checks.push(TokenCheck {
        what: "claims",
        told: if missing.is_empty() { "all there".to_owned() } else { format!("no {}", missing.join(", no ")) },
        wanted: "sub, jti, client_id".to_owned(),
        holds: Some(missing.is_empty()),
    });
    Some(claims)
}

/// The peer's certificate.
fn certificate(peer: &Result<Peer, IdentityFault>, now: UnixSeconds) -> TokenCheck {
    let (told, holds) = match peer {
        Err(fault) => (fault.to_string(), false),
        Ok(peer) => match peer.standing().check(now) {
            Ok(()) => (peer.name().to_owned(), true),
            Err(distrust) => (format!("{}: {distrust}", peer.name()), false),
        },
    };
    let wanted = "one name, valid, of an authority of the listener, revoked by no list".to_owned();
    TokenCheck { what: "certificate", told, wanted, holds: Some(holds) }
}

/// The key, its algorithm and its signature.
fn signed(checks: &mut Vec<TokenCheck>, issuer: &Issuer, jws: &Jws<'_>, algorithm: Option<&str>, kid: Option<&str>) {
    let keys = issuer.keys.as_deref();
    let key = kid.zip(keys).and_then(|(kid, keys)| keys.key(kid));
    checks.push(TokenCheck {
        what: "key",
        told: shown(kid),
        wanted: keys.map(|keys| keys.kids().collect::<Vec<_>>().join(" or ")).unwrap_or_default(),
        holds: Some(key.is_some()),
    });
    let of_key = key.map(|key| key.algorithm());
    let allowed = issuer.algorithms.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>().join(" or ");
    let fits =
        of_key.zip(algorithm).map(|(of_key, name)| of_key.is_called(name) && issuer.algorithms.contains(&of_key));
    checks.push(TokenCheck {
        what: "algorithm",
        told: shown(algorithm),
        wanted: of_key.map_or(allowed.clone(), |of_key| format!("{}, the key's, of {allowed}", of_key.name())),
        holds: fits,
    });
    checks.push(TokenCheck {
        what: "signature",
        told: "not shown".to_owned(),
        wanted: "made by that key".to_owned(),
        holds: key.map(|key| key.verify(jws).is_ok()),
    });
}

/// `iat`, `nbf` and `exp`.
fn timely(checks: &mut Vec<TokenCheck>, issuer: &Issuer, claims: &Object, skew: u64, now: UnixSeconds) {
    let time = |name| claims.get(name).and_then(Value::as_integer).and_then(|time| u64::try_from(time).ok());
    let (issued, begins, ends) = (time("iat"), time("nbf"), time("exp"));
    let latest = now.plus(skew).get();
    let lifetime = issued.zip(ends).map(|(issued, ends)| ends.saturating_sub(issued));
    let time_check = |what, told: Option<u64>, wanted: String, holds: bool| TokenCheck {
        what,
        told: told.map_or_else(|| "none".to_owned(), stamp),
        wanted,
        holds: Some(holds),
    };
    let from = format!("no later than {}", stamp(latest));
    checks.push(time_check("issued", issued, from.clone(), issued.is_some_and(|issued| issued <= latest)));
    if begins.is_some() {
        checks.push(time_check("begins", begins, from, begins.is_some_and(|begins| begins <= latest)));
    }
    let after = format!("after {}", stamp(now.get()));
    checks.push(time_check("expires", ends, after, ends.is_some_and(|ends| now.get() < ends)));
    checks.push(TokenCheck {
        what: "lifetime",
        told: lifetime.map_or_else(|| "none".to_owned(), |lifetime| format!("{lifetime} s")),
        wanted: format!("1 s to {} s", issuer.max_lifetime_s),
        holds: Some(lifetime.is_some_and(|lifetime| lifetime > 0 && lifetime <= issuer.max_lifetime_s)),
    });
}

/// `aud`, and of which kind the issuer's tokens are.
fn for_us(checks: &mut Vec<TokenCheck>, issuer: &Issuer, claims: &Object, moves: bool) {
    let audience: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    checks.push(TokenCheck {
        what: "audience",
        told: if audience.is_empty() { "none".to_owned() } else { audience.join(", ") },
        wanted: issuer.audience.clone(),
        holds: Some(audience.contains(&issuer.audience.as_str())),
    });
    checks.push(TokenCheck {
        what: "kind",
        told: issuer.kind.word().to_owned(),
        wanted: if moves { "session: something moves" } else { "any: nothing moves" }.to_owned(),
        holds: Some(!moves || issuer.kind == TokenKind::Session),
    });
}

/// `cnf`: everything that it names must hold, and the issuer must be one that may bind so.
fn bound(checks: &mut Vec<TokenCheck>, issuer: Option<&Issuer>, claims: &Object, leaf: &Certificate) {
    let own = encode_base64url(leaf.thumbprint.as_bytes());
    let binding = claims.get("cnf").and_then(Value::as_object);
    let told = binding.map(|binding| {
        let one = |(name, value): (&str, &Value)| format!("{name} {}", value.as_str().unwrap_or("that is no text"));
        binding.iter().map(one).collect::<Vec<_>>().join(", ")
    });
    let may = |bind: &Bind| issuer.is_none_or(|issuer| issuer.bind.contains(bind));
    let means: Vec<String> = Bind::ALL
        .into_iter()
        .filter(may)
        .map(|bind| match bind {
            Bind::Mtls => format!("x5t#S256 {own}"),
            Bind::Dpop => "jkt of a key".to_owned(),
        })
        .collect();
    let fits = |(name, value): (&str, &Value)| match name {
        "x5t#S256" => may(&Bind::Mtls) && value.as_str() == Some(own.as_str()),
        "jkt" => may(&Bind::Dpop) && value.as_str().is_some(),
        _ => false,
    };
    checks.push(TokenCheck {
        what: "binding",
        told: told.filter(|told| !told.is_empty()).unwrap_or_else(|| "none".to_owned()),
        wanted: means.join(" or "),
        holds: Some(binding.is_some_and(|binding| !binding.is_empty() && binding.iter().all(fits))),
    });
}

impl Issuer {
    fn of(settings: &IssuerSettings) -> Self {
        Self {
            name: settings.issuer.clone(),
            keys: match &settings.keys {
                IssuerKeys::Known(keys) => Some(Arc::clone(keys)),
                IssuerKeys::Remote { .. } | IssuerKeys::Asked { .. } => None,
            },
            is_elsewhere: matches!(settings.keys, IssuerKeys::Remote { .. }),
            audience: settings.audience.clone(),
            algorithms: settings.algorithms.clone(),
            max_lifetime_s: settings.max_lifetime_s,
            bind: settings.bind.clone(),
            kind: settings.kind,
        }
    }
}

fn object(text: &[u8]) -> Option<Object> {
    json::parse(text, Limits::default()).ok()?.as_object().cloned()
}

fn shown(text: Option<&str>) -> String {
    text.map_or_else(|| "none".to_owned(), str::to_owned)
}

fn stamp(seconds: u64) -> String {
    UnixMillis::new(seconds.saturating_mul(1_000)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SigningAlgorithm;
    use crate::crypto::install_provider;
    use crate::devkit::AppKey;
    use crate::devkit::Pki;
    use crate::devkit::TokenClaims;
    use crate::devkit::TokenIssuer;
    use crate::identity::IssuerSettings;
    use crate::identity::TokenRules;
    use crate::model::PublicUrl;
    use std::collections::HashSet;

    const NOW: UnixSeconds = UnixSeconds::new(1_790_000_000);
    const AUDIENCE: &str = "https://gateway.example";

    /// An issuer of sign-in tokens, and the world around it.
    struct World {
        issuer: TokenIssuer,
        pki: Pki,
    }

    impl World {
        fn new() -> Self {
            install_provider().unwrap();
            let issuer = TokenIssuer::new("https://id.example", SigningAlgorithm::Es256).unwrap();
            Self { issuer, pki: Pki::new(NOW).unwrap() }
        }

        fn claims(&self) -> TokenClaims {
            let thumbprint = self.pki.backend.parsed().unwrap().thumbprint;
            self.issuer.claims(AUDIENCE, "canary-subject", &thumbprint, NOW, 300)
        }

        fn asked(&self, token: &str, moves: bool, now: UnixSeconds) -> TokenStory {
            self.asked_with(token, None, moves, now)
        }

        fn asked_with(&self, token: &str, proof: Option<&str>, moves: bool, now: UnixSeconds) -> TokenStory {
            let issuer = IssuerSettings {
                issuer: self.issuer.name().to_owned(),
                keys: Arc::new(KeySet::parse(self.issuer.jwks().as_bytes()).unwrap()).into(),
                audience: AUDIENCE.to_owned(),
                algorithms: vec![Algorithm::Es256],
                max_lifetime_s: 600,
                bind: vec![Bind::Mtls, Bind::Dpop],
                kind: TokenKind::SignIn,
                rules: TokenRules::default(),
            };
            let public_url = PublicUrl::new(AUDIENCE).unwrap();
            let settings = IdentitySettings { issuers: vec![issuer], clock_skew_s: 5, proof_age_s: 60, public_url };
            let trust = ClientTrust::new(vec![self.pki.backend_authority.root()], Vec::new()).unwrap();
            let chain = [self.pki.backend.der()];
            let (method, path) = (&Method::GET, "/v1/doors/door-1");
            let question = TokenQuestion { token, chain: &chain, proof, method, path, moves, now };
            inspect_token(settings, Arc::new(trust), &question).unwrap()
        }
    }

    fn failing(story: &TokenStory) -> Vec<&'static str> {
        story.checks.iter().filter(|check| check.holds != Some(true)).map(|check| check.what).collect()
    }

    #[test]
    fn what_is_accepted_holds_in_every_check_and_what_is_refused_fails_in_its_own() {
        let world = World::new();
        let mint = |claims: TokenClaims| world.issuer.mint(&claims).unwrap();
        let good = mint(world.claims());
        let story = world.asked(&good, false, NOW);
        assert!(story.refused.is_none() && failing(&story).is_empty(), "{:?}", failing(&story));

        let other = TokenIssuer::new("https://id.example", SigningAlgorithm::Es256).unwrap();
        let with = |name: &str, value: &str| mint(world.claims().with(name, value));
        let header = |alg: &str, kid: &str, typ: &str| {
            let header = format!(r#"{{"alg":"{alg}","kid":"{kid}","typ":"{typ}"}}"#);
            world.issuer.mint_raw(&header, &world.claims().text()).unwrap()
        };
        let kid = world.issuer.key().kid();
        let unbound = world.claims().with("cnf", Object::from_iter([("kid", Value::from("key"))]));
        let (late, early) = (NOW.plus(300), UnixSeconds::new(NOW.get() - 6));
        for (token, now, reason, fails) in [
            ("a.b".to_owned(), NOW, Reason::TokenMalformed, vec!["form"]),
            (header("ES256", kid, "JWT"), NOW, Reason::TokenMalformed, vec!["type"]),
            (header("none", kid, "at+jwt"), NOW, Reason::TokenUntrusted, vec!["algorithm"]),
            (header("ES256", "x", "at+jwt"), NOW, Reason::TokenUntrusted, vec!["key", "algorithm", "signature"]),
            (with("iss", "https://other.example"), NOW, Reason::TokenUntrusted, vec!["issuer"]),
            (with("aud", "https://other.example"), NOW, Reason::TokenAudience, vec!["audience"]),
            (mint(unbound), NOW, Reason::TokenBinding, vec!["binding"]),
            (mint(world.claims().without("sub").without("jti")), NOW, Reason::TokenMalformed, vec!["claims"]),
            (with("tenant", ""), NOW, Reason::TokenMalformed, vec!["everything else"]),
            (good.clone(), late, Reason::TokenExpired, vec!["expires"]),
            (good.clone(), early, Reason::TokenExpired, vec!["issued", "begins"]),
        ] {
            let story = world.asked(&token, false, now);
            let told = story.refused.as_ref().map(|(reason, _)| *reason);
            let right = fails.iter().all(|what| failing(&story).contains(what)) && fails.len() == failing(&story).len();
            assert!(told == Some(reason) && right, "{fails:?}: {told:?}, {:?}", failing(&story));
        }
        let forged =
            other.mint_raw(&format!(r#"{{"alg":"ES256","kid":"{kid}","typ":"at+jwt"}}"#), &world.claims().text());
        assert_eq!(failing(&world.asked(&forged.unwrap(), false, NOW)), ["signature"]);
        let moving = world.asked(&good, true, NOW);
        assert_eq!((moving.refused.as_ref().unwrap().0, failing(&moving)), (Reason::SessionRequired, vec!["kind"]));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once_and_no_check_shows_what_is_personal() {
        let world = World::new();
        let claims = world.claims().with("aud", "x").with("tenant", "canary-tenant").with("cnf", "canary-binding");
        let token = world.issuer.mint(&claims.without("client_id")).unwrap();
        let story = world.asked(&token, true, NOW.plus(301));
        let found: HashSet<_> = failing(&story).into_iter().collect();
        assert_eq!(found, HashSet::from(["expires", "audience", "kind", "binding", "claims"]));
        let signature = token.rsplit_once('.').unwrap().1;
        for check in &story.checks {
            let text = format!("{} {}", check.told, check.wanted);
            assert!(!text.contains("canary") && !text.contains(signature), "{}: {text}", check.what);
        }
    }

    #[test]
    fn a_token_that_is_bound_to_a_key_is_looked_at_with_its_proof() {
        let world = World::new();
        let key = || AppKey::new(SigningAlgorithm::Es256).unwrap();
        let (app, thief) = (key(), key());
        let token = world.issuer.mint(&world.claims().bound_to(&app)).unwrap();
        let told = |proof: Option<&str>| {
            let story = world.asked_with(&token, proof, false, NOW);
            (story.refused.as_ref().map(|(reason, _)| *reason), failing(&story))
        };
        let proof = |key: &AppKey, door: &str, now| {
            let url = format!("{AUDIENCE}/v1/doors/{door}");
            key.proof("GET", &url, Some(&token), None, now).unwrap()
        };
        assert_eq!(told(Some(&proof(&app, "door-1", NOW))), (None, vec![]));
        assert_eq!(told(None), (Some(Reason::DpopMissing), vec!["proof"]));
        assert_eq!(told(Some(&proof(&thief, "door-1", NOW))), (Some(Reason::CnfMismatch), vec!["proof"]));
        assert_eq!(told(Some(&proof(&app, "door-2", NOW))), (Some(Reason::DpopProofInvalid), vec!["proof"]));
        let late = proof(&app, "door-1", UnixSeconds::new(NOW.get() - 61));
        assert_eq!(told(Some(&late)), (Some(Reason::DpopNotTimely), vec!["proof"]));
    }
}
