//! What a token is made of: its header, its claims, its rights and the field that it comes in, each read strictly.

use super::NOW;
use super::World;
use super::all;
use super::array;
use super::fields;
use super::number;
use super::settings;
use super::verified;
use crate::crypto::Algorithm;
use crate::identity::IdentityFault;
use crate::identity::IssuerSettings;
use crate::identity::TokenDemand;
use crate::identity::TokenKind;
use crate::identity::Verifier;
use crate::json::Number;
use crate::json::Value;

#[test]
fn a_header_has_alg_kid_and_typ_and_nothing_else() {
    let world = World::new();
    assert_eq!(world.fault_of_header(&world.header("")), None);
    for more in [
        r#","crit":["exp"]"#,
        r#","b64":true"#,
        r#","zip":"DEF""#,
        r#","jwk":{}"#,
        r#","jku":"https://a.example""#,
        r#","x5u":"https://a.example""#,
        r#","x5c":["MII"]"#,
        r#","cty":"JWT""#,
        r#","something":1"#,
        r#","alg":"ES256""#,
        r#","\u0061lg":"none""#,
        "} ,{",
        " ] ",
    ] {
        assert_eq!(world.fault_of_header(&world.header(more)), Some(IdentityFault::Header), "{more}");
    }
    let kid = world.session.key().kid();
    for header in [
        "{}".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#),
        r#"{"alg":"ES256","typ":"at+jwt"}"#.to_owned(),
        format!(r#"{{"kid":"{kid}","typ":"at+jwt"}}"#),
        world.header("").replace(&format!("\"{kid}\""), "1"),
        world.header("").replace(kid, &"k".repeat(257)),
        format!("{}x", world.header("")),
        format!("\u{feff}{}", world.header("")),
    ] {
        assert_eq!(world.fault_of_header(&header), Some(IdentityFault::Header), "{header}");
    }
    let kid_of_256 = world.header("").replace(kid, &"k".repeat(256));
    assert_eq!(world.fault_of_header(&kid_of_256), Some(IdentityFault::KeyUnknown));
}

#[test]
fn the_type_is_that_of_access_tokens() {
    let world = World::new();
    let typ = |typ: &str| world.fault_of_header(&world.header("").replace("at+jwt", typ));
    assert_eq!(typ("application/at+jwt"), None);
    for other in ["JWT", "jwt", "AT+JWT", "dpop+jwt", "at+jwt ", "", "secevent+jwt"] {
        assert_eq!(typ(other), Some(IdentityFault::Type), "{other}");
    }
}

#[test]
fn the_algorithm_is_the_keys() {
    let world = World::new();
    for other in ["none", "None", "HS256", "RS256", "ES384", "es256", "EdDSA", "Ed25519", ""] {
        let header = world.header("").replace("ES256", other);
        assert_eq!(world.fault_of_header(&header), Some(IdentityFault::Algorithm), "{other}");
    }
    // Ed25519 goes by two names (RFC 9864).
    for name in ["EdDSA", "Ed25519"] {
        let header = format!(r#"{{"alg":"{name}","kid":"{}","typ":"at+jwt"}}"#, world.sign_in.key().kid());
        let claims = world.claims().with("iss", world.sign_in.name());
        let token = world.sign_in.mint_raw(&header, &claims.text()).unwrap();
        assert!(world.verify(&token, TokenDemand::Any).is_ok(), "{name}");
    }
    // An algorithm that we know, that the issuer's key has, and that it may not use.
    let only_eddsa =
        IssuerSettings { algorithms: vec![Algorithm::EdDsa], ..settings(&world.session, TokenKind::Session) };
    let verifier = Verifier::new(all(vec![only_eddsa])).unwrap();
    let world = World { verifier, ..world };
    assert_eq!(world.fault(|claims| claims), Some(IdentityFault::Algorithm));
}

#[test]
fn claims_are_one_strict_json_object() {
    let world = World::new();
    let good = world.claims().text();
    let fault = |payload: &str| {
        let token = world.session.mint_raw(&world.header(""), payload).unwrap();
        world.verify(&token, TokenDemand::Session).err()
    };
    assert_eq!(fault(&good), None);
    assert_eq!(fault(&good.replace('{', "{ \n")), None);
    let more = |more: &str| fault(&good.replacen('{', &format!("{{{more},"), 1));
    assert_eq!(more(r#""other":{"a":[1,null,true,"x",{}]}"#), None);
    for bad in [
        r#""sub":"petrov""#,
        r#""s\u0075b":"petrov""#,
        r#""other":1,"other":1"#,
        r#""other":{"a":1,"a":1}"#,
        r#""other":"\ud800""#,
        r#""other":01"#,
        r#""other":1e400"#,
        r#""other":9007199254740993"#,
        r#""other":[[[[[[[[1]]]]]]]]"#,
        r#""other":nul"#,
    ] {
        assert_eq!(more(bad), Some(IdentityFault::ClaimsMalformed), "{bad}");
    }
    for whole in ["[]", "1", "\"a\"", "{}x", "{} {}"] {
        assert_eq!(fault(whole), Some(IdentityFault::ClaimsMalformed), "{whole}");
    }
    assert_eq!(fault(""), Some(IdentityFault::TokenMalformed));
    assert_eq!(fault("{}"), Some(IdentityFault::ClaimMissing));
}

#[test]
fn a_known_claim_has_its_form() {
    let world = World::new();
    let fault = |name: &str, value: Value| world.fault(|claims| claims.with(name, value));
    for name in ["iss", "sub", "jti", "client_id", "tenant", "device_id", "car_id", "sid", "acr"] {
        for value in [Value::Null, number(1), "".into(), "a\u{7}b".into(), "a".repeat(256).into(), array(&["a"])] {
            assert_eq!(fault(name, value.clone()), Some(IdentityFault::ClaimInvalid), "{name}: {value:?}");
        }
    }
    assert_eq!(fault("sub", "a".repeat(255).into()), None);
    assert_eq!(fault("tenant", "no such/name".into()), Some(IdentityFault::ClaimInvalid));
    for name in ["iat", "nbf", "exp", "auth_time"] {
        let half = Number::try_from(0.5).unwrap();
        let values = ["1".into(), Value::Null, Number::from(-1).into(), half.into(), Value::Boolean(true), array(&[])];
        for value in values {
            assert_eq!(fault(name, value.clone()), Some(IdentityFault::ClaimInvalid), "{name}: {value:?}");
        }
    }
    for (name, value) in [
        ("roles", "resident".into()),
        ("roles", vec![number(1)].into()),
        ("amr", "pwd".into()),
        ("amr", array(&[""])),
        ("scope", array(&["a"])),
        ("houses", "house-1".into()),
        ("houses", vec![number(1)].into()),
        ("houses", array(&[""])),
        ("houses", array(&["house-1"; 33])),
    ] {
        assert_eq!(fault(name, value), Some(IdentityFault::ClaimInvalid), "{name}");
    }
    assert_eq!(fault("houses", array(&["house-1"; 32])), None);
    for scope in ["", " a", "a ", "a  b", "a\tb", "a\u{e9}"] {
        assert_eq!(fault("scope", scope.into()), Some(IdentityFault::ClaimInvalid), "{scope:?}");
    }
    assert_eq!(fault("scope", "a".repeat(2048).into()), None);
    assert_eq!(fault("scope", "a".repeat(2049).into()), Some(IdentityFault::ClaimInvalid));
}

#[test]
fn rights_are_of_a_type_that_we_know_with_members_that_we_know() {
    let world = World::new();
    let fault = |rights: &str| {
        let payload = world.claims().text().replacen('{', &format!(r#"{{"authorization_details":{rights},"#), 1);
        let token = world.session.mint_raw(&world.header(""), &payload).unwrap();
        world.verify(&token, TokenDemand::Session).err()
    };
    assert_eq!(fault("[]"), None);
    for known in [
        r#"[{"type":"door_access","house":"h","actions":["open"]}]"#,
        r#"[{"type":"door_access","house":"h","door":"d","actions":["open"]}]"#,
        r#"[{"barrier":"b","type":"barrier_access","house":"h","actions":["open"]}]"#,
        r#"[{"type":"barrier_access","house":"h","actions":["open"]}]"#,
        r#"[{"type":"house_access","house":"h","actions":["read-events"]}]"#,
        r#"[{"type":"door_access","house":"h","doors":["d","e"],"actions":["open"]}]"#,
        r#"[{"type":"barrier_access","house":"h","barriers":["b"],"actions":["open"]}]"#,
        r#"[{"type":"door_access","house":"h","actions":["open"],"not_before":2,"not_after":2}]"#,
    ] {
        assert_eq!(fault(known), None, "{known}");
    }
    for unknown in [
        r#"[{"type":"door_access","house":"h","barrier":"b","actions":["open"]}]"#,
        r#"[{"type":"barrier_access","house":"h","door":"d","actions":["open"]}]"#,
        r#"[{"type":"house_access","house":"h","door":"d","actions":["open"]}]"#,
        r#"[{"type":"barrier_access","house":"h","barrier":"b","door":"d","actions":["open"]}]"#,
        r#"[{"type":"door_access","house":"h","doors":[],"actions":["open"]}]"#,
        r#"[{"type":"door_access","house":"h","door":"d","doors":["d"],"actions":["open"]}]"#,
        r#"[{"type":"door_access","house":"h","doors":["d"],"door":"d","actions":["open"]}]"#,
        r#"[{"type":"door_access","house":"h","barriers":["b"],"actions":["open"]}]"#,
        r#"[{"type":"barrier_access","house":"h","doors":["d"],"actions":["open"]}]"#,
        r#"[{"type":"house_access","house":"h","doors":["d"],"actions":["open"]}]"#,
        r#"[{"type":"door_access","house":"h","actions":["open"],"not_before":3,"not_after":2}]"#,
        r#"[{"type":"door_access","house":"h","actions":["open"],"locations":["https://a.example"]}]"#,
        r#"[{"type":"door_access","house":"h","actions":["open"],"privileges":["admin"]}]"#,
        r#"[{"type":"payment","house":"h","actions":["open"]}]"#,
        r#"[{"house":"h","actions":["open"]}]"#,
        r#"[{"type":"door_access","actions":["open"]}]"#,
        r#"[{"type":"door_access","house":"h"}]"#,
        r#"[{"type":"door_access","house":"h","actions":[]}]"#,
        r#"[{"type":"door_access","house":"h","actions":["open"],"until":"18:00"}]"#,
        r#"[{"type":"door_access","house":"h","actions":["open"]},{"type":"payment"}]"#,
        "[{}]",
    ] {
        assert_eq!(fault(unknown), Some(IdentityFault::RightUnknown), "{unknown}");
    }
    for malformed in [
        r#"{"type":"door_access"}"#,
        "null",
        "[1]",
        r#"[{"type":"door_access","house":1,"actions":["open"]}]"#,
        r#"[{"type":"door_access","house":"h","door":null,"actions":["open"]}]"#,
        r#"[{"type":"door_access","house":"h","door":["d"],"actions":["open"]}]"#,
        r#"[{"type":"door_access","house":"h","doors":"d","actions":["open"]}]"#,
        r#"[{"type":"door_access","house":"h","actions":["open"],"not_before":"1"}]"#,
        r#"[{"type":"door_access","house":"h","actions":["open"],"not_after":-1}]"#,
        r#"[{"type":"door_access","house":"h","actions":"open"}]"#,
    ] {
        assert_eq!(fault(malformed), Some(IdentityFault::ClaimInvalid), "{malformed}");
    }
}

#[test]
fn there_is_one_authorization_field_of_the_scheme_of_its_token() {
    let world = World::new();
    let token = world.session.mint(&world.claims()).unwrap();
    let fault = |authorization: &[&str]| {
        verified(&world.verifier, &world.peer, &fields(authorization), TokenDemand::Session, NOW).err()
    };
    let good = format!("Bearer {token}");
    assert_eq!(fault(&[&good]), None);
    assert_eq!(fault(&[]), Some(IdentityFault::TokenMissing));
    assert_eq!(fault(&[&good, &good]), Some(IdentityFault::AuthorizationRepeated));
    assert_eq!(fault(&[&good, "Basic YTpi"]), Some(IdentityFault::AuthorizationRepeated));
    for scheme in ["bearer", "BEARER", "DPoP", "dpop", "DPOP", "Basic", "Bearer\t", ""] {
        assert_eq!(fault(&[&format!("{scheme} {token}")]), Some(IdentityFault::Scheme), "{scheme:?}");
    }
    assert_eq!(fault(&["Bearer"]), Some(IdentityFault::Scheme));
    assert_eq!(fault(&[&token]), Some(IdentityFault::Scheme));
    for malformed in [format!("Bearer  {token}"), format!("Bearer {token},"), format!("{good}, Bearer x.y.z")] {
        assert_eq!(fault(&[&malformed]), Some(IdentityFault::TokenMalformed), "{malformed}");
    }
    let (head, _) = token.rsplit_once('.').unwrap();
    for malformed in
        ["Bearer ", "Bearer a.b", &format!("Bearer {head}."), &format!("Bearer {head}"), &format!("{good}.x")]
    {
        assert_eq!(fault(&[malformed]), Some(IdentityFault::TokenMalformed), "{malformed}");
    }
    let long = format!("Bearer {}", "a".repeat(8 * 1024));
    assert_eq!(fault(&[&long]), Some(IdentityFault::TokenMalformed));
    assert_eq!(fault(&[&format!("{long}a")]), Some(IdentityFault::TokenTooLong));
}
