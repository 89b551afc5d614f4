//! Project Wycheproof's vectors for JWS, whole tokens with the key that each is for, through what tokens go through: taken
//! apart, the key of its `kid` from the set, the algorithm that is the key's, the signature.
//!
//! They are in `tests/vectors`, with the script that made the file. What they call valid and we refuse has a reason each:
//! we take fewer algorithms, no empty payload, one spelling of base64url, and no header that names another algorithm than the
//! key does.

use crate::crypto::jwk::Algorithm;
use crate::crypto::jws::Jws;
use crate::crypto::keyset::KeySet;
use crate::json;
use serde_json::Value;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// One published token.
struct Vector {
    number: u64,
    comment: String,
    is_valid: bool,
    jws: String,
    /// The public key that it is for; `None` where that is a secret of both sides.
    jwk: Option<Value>,
}

impl Vector {
    fn all() -> Vec<Self> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/json_web_signature.json");
        let file: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let mut all = Vec::new();
        for group in file["groups"].as_array().unwrap() {
            for test in group["tests"].as_array().unwrap() {
                let text = |index: usize| test[index].as_str().unwrap().to_owned();
                let jwk = Some(group["jwk"].clone()).filter(|jwk| !jwk.is_null());
                let (number, is_valid) = (test[0].as_u64().unwrap(), text(2) == "valid");
                all.push(Self { number, comment: text(1), is_valid, jws: text(3), jwk });
            }
        }
        all
    }

    fn split(&self) -> Option<Jws<'_>> {
        Jws::split(&self.jws).ok()
    }

    /// `alg` and `kid` of the header, where there is one.
    fn named(&self) -> Option<(String, String)> {
        let header = json::parse(self.split()?.header(), json::Limits::default()).ok()?;
        let text = |name: &str| header.get(name).and_then(json::Value::as_str).map(str::to_owned);
        text("alg").zip(text("kid"))
    }

    /// What becomes of it with this key.
    fn met(&self, jwk: &Value) -> Met {
        let Some(jws) = self.split() else { return Met::Malformed };
        let Some((alg, kid)) = self.named() else { return Met::NoKey };
        let Some(algorithm) = Algorithm::named(&alg) else { return Met::NotOurs };
        // An issuer that uses this algorithm: so a key that does not say for which it is is for this one.
        let set = KeySet::parse_for(format!(r#"{{"keys":[{jwk}]}}"#).as_bytes(), &[algorithm]);
        let Ok(set) = set else { return Met::NoKey };
        let Some(key) = set.key(&kid) else { return Met::NoKey };
        match (key.algorithm().is_called(&alg), key.verify(&jws).is_ok()) {
            (true, true) => Met::Taken,
            (true, false) => Met::Forged,
            (false, _) => Met::OtherAlgorithm,
        }
    }
}

/// What becomes of a vector.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Met {
    Taken,
    Malformed,
    /// An algorithm that we do not know.
    NotOurs,
    /// No key of that `kid`, or none that may verify.
    NoKey,
    /// The key is for another algorithm than the header says.
    OtherAlgorithm,
    Forged,
}

fn numbers(of: impl IntoIterator<Item = std::ops::RangeInclusive<u64>>) -> BTreeSet<u64> {
    of.into_iter().flatten().collect()
}

#[test]
fn of_whole_tokens_the_valid_ones_of_our_algorithms_are_taken_and_no_other_one() {
    let mut met: BTreeMap<Met, BTreeSet<u64>> = BTreeMap::new();
    for vector in Vector::all() {
        let Some(jwk) = &vector.jwk else { continue };
        let became = vector.met(jwk);
        assert!(vector.is_valid || became != Met::Taken, "{}: {}", vector.number, vector.comment);
        met.entry(became).or_default().insert(vector.number);
    }
    let of = |became: Met| met.get(&became).cloned().unwrap_or_default();
    let taken = numbers([18..=18, 33..=33, 260..=263, 273..=275, 287..=288, 345..=345, 349..=349, 378..=378]);
    assert_eq!(of(Met::Taken), taken);
    // Keys for encryption, and a `kid` that was changed: nobody's.
    assert!(of(Met::NoKey).is_superset(&numbers([25..=25, 40..=40, 353..=356])), "{:?}", of(Met::NoKey));
    // RFC 7520's figure 20, under a key that says PS256 and a header that says PS384, which we do not know.
    assert!(of(Met::NotOurs).is_superset(&numbers([265..=267, 269..=271, 321..=323, 326..=328, 346..=347, 350..=351])));
    // Without a payload there is nothing to say.
    assert!(of(Met::Malformed).is_superset(&numbers([
        20..=21,
        23..=24,
        26..=30,
        259..=259,
        264..=264,
        272..=272,
        320..=320
    ])));
    assert!(of(Met::Forged).len() > 250, "{}", of(Met::Forged).len());
}

#[test]
fn a_token_fits_no_other_key_and_a_key_by_its_own_algorithm_alone() {
    let vectors = Vector::all();
    let keys: BTreeSet<String> =
        vectors.iter().filter_map(|vector| vector.jwk.as_ref()).map(Value::to_string).collect();
    let mut fits = BTreeSet::new();
    for vector in &vectors {
        let Some((_, kid)) = vector.named() else { continue };
        for key in &keys {
            // Every key, under the name that the token asks for, for every algorithm that it could be for.
            let mut jwk: Value = serde_json::from_str(key).unwrap();
            for member in ["use", "key_ops", "alg"] {
                jwk.as_object_mut().unwrap().remove(member);
            }
            jwk["kid"] = kid.clone().into();
            let algorithms: &[&str] = if jwk["kty"] == "RSA" { &["RS256", "PS256"] } else { &["ES256"] };
            for algorithm in algorithms {
                jwk["alg"] = (*algorithm).into();
                let became = vector.met(&jwk);
                let same = vector.jwk.as_ref().is_some_and(|own| own["n"] == jwk["n"] && own["x"] == jwk["x"]);
                if matches!(became, Met::Taken) {
                    assert!(same, "{}: {} fits another key", vector.number, vector.comment);
                    fits.insert((vector.number, *algorithm));
                }
            }
        }
    }
    // Beside the valid ones, those that their own key's stated purpose or algorithm refuses, and nothing else does.
    let by_purpose_alone = numbers([332..=332, 338..=338, 353..=356]);
    let valid = numbers([18..=18, 33..=33, 260..=263, 273..=275, 287..=288, 345..=345, 349..=349, 378..=378]);
    assert_eq!(fits.iter().map(|(number, _)| *number).collect::<BTreeSet<_>>(), &by_purpose_alone | &valid);
    assert_eq!(fits.len(), by_purpose_alone.len() + valid.len(), "each by one algorithm: {fits:?}");
}

#[test]
fn a_signature_that_fits_by_the_keys_own_algorithm_is_refused_under_a_header_that_names_another() {
    let vectors = Vector::all();
    // PS512 says the header; signed by RS256 and by PS256, with a key that is for just that.
    for (number, signed_by) in [(331, "RS256"), (337, "PS256")] {
        let vector = vectors.iter().find(|vector| vector.number == number).unwrap();
        let mut jwk = vector.jwk.clone().unwrap();
        jwk["alg"] = signed_by.into();
        let set = KeySet::parse(format!(r#"{{"keys":[{jwk}]}}"#).as_bytes()).unwrap();
        let (alg, kid) = vector.named().unwrap();
        let key = set.key(&kid).unwrap();
        assert_eq!(key.verify(&vector.split().unwrap()), Ok(()), "{number}: the signature is a good one");
        assert!(!key.algorithm().is_called(&alg), "{number}");
        assert_eq!(vector.met(&jwk), Met::NotOurs, "{number}");
    }
}

#[test]
fn what_is_no_compact_form_in_its_one_spelling_is_refused_before_anybody_asks_for_a_key() {
    let vectors = Vector::all();
    let of_secrets = vectors.iter().filter(|vector| vector.jwk.is_none());
    let split: BTreeSet<u64> =
        of_secrets.filter(|vector| vector.split().is_some()).map(|vector| vector.number).collect();
    // Of the vectors for HMAC these are well spelled; 372 and 373 are valid only for whoever passes over strange characters.
    // 367 and 370, of a wrong padding, have lost it where they were published: they are 357, which is valid, once more.
    let published = |number: u64| &vectors.iter().find(|vector| vector.number == number).unwrap().jws;
    assert_eq!([published(367), published(370)], [published(357); 2]);
    let well_spelled = numbers([1..=2, 5..=5, 8..=8, 348..=348, 352..=352, 357..=359, 376..=377]);
    assert_eq!(split, &well_spelled | &numbers([367..=367, 370..=370]));
    let names: BTreeSet<String> = vectors
        .iter()
        .filter(|vector| vector.jwk.is_none())
        .filter_map(|vector| vector.named().map(|(alg, _)| alg))
        .collect();
    assert_eq!(names, BTreeSet::from(["HS256".to_owned()]));
    assert_eq!(Algorithm::named("HS256"), None, "a secret that both sides know proves nobody");
}
