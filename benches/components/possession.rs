//! What it costs to know who asks: a token's signature by its algorithm, seen before and for the first time, and a proof of
//! possession (DPoP) beside it, which is always for the first time.

use crate::AUDIENCE;
use crate::Fallible;
use crate::NOW;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use aws_lc_rs::signature::RsaKeyPair;
use criterion::BatchSize;
use criterion::Criterion;
use http::HeaderMap;
use http::Method;
use portcullis::crypto::Algorithm;
use portcullis::crypto::KeySet;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::encode_base64url;
use portcullis::crypto::sha256;
use portcullis::devkit::AppKey;
use portcullis::devkit::TokenClaims;
use portcullis::devkit::TokenIssuer;
use portcullis::identity::Bind;
use portcullis::identity::Caller;
use portcullis::identity::IdentitySettings;
use portcullis::identity::IssuerSettings;
use portcullis::identity::Peer;
use portcullis::identity::TokenDemand;
use portcullis::identity::TokenKind;
use portcullis::identity::TokenRules;
use portcullis::identity::Verifier;
use portcullis::json::Object;
use portcullis::json::Value;
use portcullis::model::PublicUrl;
use std::hint::black_box;
use std::sync::Arc;

const PATH: &str = "/v1/houses/house-1/doors/main/open";
const ISSUER: &str = "https://sessions.example";

/// What makes a proof for a token.
type Prove<'s> = Box<dyn Fn(&str) -> Fallible<String> + 's>;

/// What signs tokens or proofs.
enum Signer {
    Ours(SigningAlgorithm),
    /// RS256 with 2,048 bits.
    Rsa(Box<RsaKeyPair>),
}

impl Signer {
    const fn name(&self) -> &'static str {
        match self {
            Self::Ours(algorithm) => algorithm.name(),
            Self::Rsa(_) => "RS256",
        }
    }
}

/// A token and what verifies it.
struct Presented {
    token: String,
    jwks: String,
    algorithm: Algorithm,
}

/// Measures it all for the peer.
pub fn all(criterion: &mut Criterion, peer: &Peer) -> Fallible<()> {
    let rsa = || -> Fallible<_> { Ok(Signer::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048)?))) };
    let signers = [Signer::Ours(SigningAlgorithm::Es256), Signer::Ours(SigningAlgorithm::EdDsa), rsa()?];
    for signer in &signers {
        let name = signer.name();
        let presented = token(signer, |claims| claims, peer)?;
        let fields =
            HeaderMap::from_iter([(http::header::AUTHORIZATION, format!("Bearer {}", presented.token).parse()?)]);
        bench(criterion, &format!("identity: {name} token of the peer's certificate"), &presented, peer, &fields)?;
    }
    for signer in &signers {
        let (jkt, proof) = prover(signer)?;
        let bound = |claims: TokenClaims| claims.with("cnf", Object::from_iter([("jkt", jkt.as_str())]));
        let presented = token(&Signer::Ours(SigningAlgorithm::Es256), bound, peer)?;
        let fields = HeaderMap::from_iter([
            (http::header::AUTHORIZATION, format!("DPoP {}", presented.token).parse()?),
            (portcullis::identity::DPOP, proof(&presented.token)?.parse()?),
        ]);
        let name = format!("identity: ES256 token and {} proof of the app's key", signer.name());
        bench(criterion, &name, &presented, peer, &fields)?;
    }
    Ok(())
}

/// With the token seen before, and with a verifier that has seen none.
fn bench(
    criterion: &mut Criterion,
    name: &str,
    presented: &Presented,
    peer: &Peer,
    fields: &HeaderMap,
) -> Fallible<()> {
    let seen = presented.verifier()?;
    let _caller = verify(&seen, peer, fields)?;
    criterion.bench_function(&format!("{name}, token seen before"), |bencher| {
        bencher.iter(|| verify(&seen, peer, black_box(fields)));
    });
    criterion.bench_function(&format!("{name}, for the first time"), |bencher| {
        let fresh = || presented.verifier();
        bencher.iter_batched(fresh, |verifier| verify(&verifier?, peer, black_box(fields)), BatchSize::SmallInput);
    });
    Ok(())
}

fn verify(verifier: &Verifier, peer: &Peer, fields: &HeaderMap) -> Fallible<Caller> {
    Ok(verifier.verify(peer, fields, &Method::POST, PATH, TokenDemand::Session, None, NOW)?)
}

impl Presented {
    fn verifier(&self) -> Fallible<Verifier> {
        let settings = IssuerSettings {
            issuer: ISSUER.to_owned(),
            keys: Arc::new(KeySet::parse(self.jwks.as_bytes())?).into(),
            audience: AUDIENCE.to_owned(),
            algorithms: vec![self.algorithm],
            max_lifetime_s: 600,
            bind: Bind::ALL.to_vec(),
            kind: TokenKind::Session,
            rules: TokenRules::default(),
        };
        let public_url = PublicUrl::new(AUDIENCE).ok_or("an origin")?;
        Ok(Verifier::new(IdentitySettings { issuers: vec![settings], clock_skew_s: 5, proof_age_s: 60, public_url })?)
    }
}

fn token(signer: &Signer, change: impl FnOnce(TokenClaims) -> TokenClaims, peer: &Peer) -> Fallible<Presented> {
    let algorithm = match signer {
        Signer::Ours(algorithm) => *algorithm,
        Signer::Rsa(_) => SigningAlgorithm::Es256,
    };
    let issuer = TokenIssuer::new(ISSUER, algorithm)?;
    let claims = issuer
        .claims(AUDIENCE, "user-1", &peer.certificate().thumbprint, NOW, 300)
        .with("tenant", "north")
        .acted_by(peer.name());
    let claims = change(claims.with("scope", "profile doors:open").door_access("house-1", Some("main"), &["open"]));
    match signer {
        Signer::Ours(algorithm) => {
            Ok(Presented { token: issuer.mint(&claims)?, jwks: issuer.jwks(), algorithm: algorithm.verified_by() })
        }
        Signer::Rsa(key) => {
            let token = by_rsa(key, r#"{"alg":"RS256","kid":"rsa","typ":"at+jwt"}"#, &claims.text())?;
            let jwk = rsa_jwk(key)?.replacen('{', r#"{"kid":"rsa","alg":"RS256","#, 1);
            Ok(Presented { token, jwks: format!(r#"{{"keys":[{jwk}]}}"#), algorithm: Algorithm::Rs256 })
        }
    }
}

/// The thumbprint of the signer's key, and what makes proofs by it.
fn prover(signer: &Signer) -> Fallible<(String, Prove<'_>)> {
    let url = format!("{AUDIENCE}{PATH}");
    match signer {
        Signer::Ours(algorithm) => {
            let app = AppKey::new(*algorithm)?;
            let jkt = app.jkt().to_owned();
            Ok((jkt, Box::new(move |token| Ok(app.proof("POST", &url, Some(token), None, NOW)?))))
        }
        Signer::Rsa(key) => {
            let jwk = rsa_jwk(key)?;
            let jkt = encode_base64url(sha256(jwk.as_bytes()).as_bytes());
            let header = format!(r#"{{"typ":"dpop+jwt","alg":"RS256","jwk":{jwk}}}"#);
            let prove = move |token: &str| {
                let mut payload = Vec::new();
                let claims = AppKey::claims("POST", &url, Some(token), None, NOW);
                portcullis::json::write(&Value::Object(claims), &mut payload);
                by_rsa(key, &header, &String::from_utf8(payload)?)
            };
            Ok((jkt, Box::new(prove)))
        }
    }
}

/// The required members, in the order of a thumbprint (RFC 7638 §3.3).
fn rsa_jwk(key: &RsaKeyPair) -> Fallible<String> {
    // RSAPublicKey in DER: a modulus of 257 bytes with its leading zero, the exponent 65537.
    let modulus = key.public_key().as_ref().get(9..265).ok_or("a modulus of 2,048 bits")?;
    Ok(format!(r#"{{"e":"AQAB","kty":"RSA","n":"{}"}}"#, encode_base64url(modulus)))
}

fn by_rsa(key: &RsaKeyPair, header: &str, payload: &str) -> Fallible<String> {
    let signed = format!("{}.{}", encode_base64url(header.as_bytes()), encode_base64url(payload.as_bytes()));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)?;
    Ok(format!("{signed}.{}", encode_base64url(&signature)))
}
