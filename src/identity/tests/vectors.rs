//! What Project Wycheproof has thought of for JWS (`tests/vectors`), put into a good token of ours: no header and no signature
//! of those makes another token of it. As whole tokens they are tried in `crypto/`.

use super::World;
use crate::crypto::Jws;
use crate::identity::IdentityFault;
use crate::identity::TokenDemand;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The published tokens, each in its parts.
fn published() -> Vec<Vec<String>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/json_web_signature.json");
    let file: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let groups = file["groups"].as_array().unwrap().iter();
    let tokens = groups.flat_map(|group| group["tests"].as_array().unwrap()).map(|test| test[3].as_str().unwrap());
    tokens.map(|token| token.split('.').map(str::to_owned).collect()).collect()
}

#[test]
fn no_published_header_or_signature_makes_a_token_of_a_good_one() {
    let world = World::new();
    let good = world.session.mint(&world.claims()).unwrap();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let payload = signed.split_once('.').unwrap().1;
    let faults = |token: &str| world.verify(token, TokenDemand::Session).expect_err("a token of nobody");
    let (mut of_signatures, mut of_headers) = (BTreeSet::new(), BTreeSet::new());
    let mut well_spelled = 0;
    for parts in published() {
        let [header, .., last] = parts.as_slice() else { continue };
        let token = format!("{signed}.{last}");
        let fault = faults(&token);
        let is_read = Jws::split(&token).is_ok();
        well_spelled += usize::from(is_read);
        assert_eq!(fault == IdentityFault::Signature, is_read, "{last}: {fault:?}");
        of_signatures.insert(format!("{fault:?}"));
        of_headers.insert(format!("{:?}", faults(&format!("{header}.{payload}.{signature}"))));
    }
    assert!(well_spelled > 300, "{well_spelled}");
    assert_eq!(of_signatures, BTreeSet::from(["Signature", "TokenMalformed"].map(str::to_owned)));
    assert_eq!(of_headers, BTreeSet::from(["Header", "TokenMalformed"].map(str::to_owned)));
}
