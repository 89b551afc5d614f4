//! Signatures against those of the reference libraries (`tests/README.md`), and everything that must not pass for one.

use crate::clock::UnixSeconds;
use crate::model::PartnerName;
use crate::secret::Secret;
use crate::webhook::TOLERANCE_S;
use crate::webhook::Verified;
use crate::webhook::Verifier;
use crate::webhook::WebhookFault;
use crate::webhook::WebhookId;
use crate::webhook::WebhookSecret;
use crate::webhook::WebhookSecretError;
use crate::webhook::sign;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use proptest::prelude::ProptestConfig;
use proptest::prelude::any;
use proptest::proptest;

const NOW: u64 = 1_700_000_000;
const BODY: &[u8] = br#"{"type":"access.granted"}"#;

fn secret(seed: u8) -> WebhookSecret {
    of_text(&format!("whsec_{}", STANDARD.encode([seed; 32]))).ok().unwrap()
}

fn of_text(text: &str) -> Result<WebhookSecret, WebhookSecretError> {
    WebhookSecret::parse(&Secret::new(text.as_bytes().to_vec()))
}

fn verifier(seeds: &[u8]) -> Verifier {
    Verifier::new(PartnerName::new("smarthome").unwrap(), seeds.iter().map(|seed| secret(*seed)).collect())
}

fn id(text: &str) -> WebhookId {
    WebhookId::new(text).unwrap()
}

/// A message's headers, to be spoiled by rows.
fn fields(id: &str, at: &str, signature: &str) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for (name, value) in [("webhook-id", id), ("webhook-timestamp", at), ("webhook-signature", signature)] {
        fields.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    fields
}

/// What the verifier of secret 1 says at `NOW`.
fn verdict(fields: &HeaderMap, body: &'static [u8]) -> Option<WebhookFault> {
    verified(&verifier(&[1]), fields, body).err()
}

fn verified(verifier: &Verifier, fields: &HeaderMap, body: &'static [u8]) -> Result<Verified, WebhookFault> {
    verifier.verify(fields, Bytes::from_static(body), UnixSeconds::new(NOW))
}

fn signed(seed: u8, at: u64) -> String {
    sign([&secret(seed)], &id("msg_1"), UnixSeconds::new(at), BODY)
}

#[test]
fn we_sign_what_the_reference_libraries_sign_and_verify_what_they_signed() {
    let rows: serde_json::Value = serde_json::from_str(include_str!("tests/vectors.json")).unwrap();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 5);
    for row in rows {
        let text = |name: &str| row[name].as_str().unwrap();
        let at = UnixSeconds::new(row["timestamp"].as_u64().unwrap());
        let secret = of_text(text("secret")).ok().unwrap();
        let ours = sign([&secret], &id(text("id")), at, text("body").as_bytes());
        assert_eq!([&*ours; 2], [text("python"), text("javascript")]);
        let verifier = Verifier::new(PartnerName::new("smarthome").unwrap(), vec![secret]);
        let fields = fields(text("id"), &at.get().to_string(), text("python"));
        let verified = verifier.verify(&fields, Bytes::from(text("body").to_owned()), at).unwrap();
        assert_eq!((verified.id().as_str(), verified.at()), (text("id"), at));
        assert_eq!((verified.sender().as_str(), &verified.body()[..]), ("smarthome", text("body").as_bytes()));
    }
}

#[test]
fn an_attempt_passes_five_minutes_from_now_either_way_and_not_one_second_more() {
    let at = |at: u64| verdict(&fields("msg_1", &at.to_string(), &signed(1, at)), BODY);
    assert_eq!(at(NOW), None);
    assert_eq!((at(NOW - TOLERANCE_S), at(NOW - TOLERANCE_S - 1)), (None, Some(WebhookFault::TooOld)));
    assert_eq!((at(NOW + TOLERANCE_S), at(NOW + TOLERANCE_S + 1)), (None, Some(WebhookFault::FromTheFuture)));
    assert_eq!(TOLERANCE_S, 300);
}

#[test]
fn the_time_is_told_only_to_who_knows_a_secret() {
    let old = fields("msg_1", "1600000000", &signed(2, 1_600_000_000));
    assert_eq!(verdict(&old, BODY), Some(WebhookFault::Mismatch));
}

#[test]
fn what_was_signed_for_another_id_time_body_or_secret_does_not_fit() {
    let (now, ours) = (NOW.to_string(), signed(1, NOW));
    assert_eq!(verdict(&fields("msg_1", &now, &ours), BODY), None);
    let rows = [
        ("another id", fields("msg_2", &now, &ours), BODY),
        ("another time", fields("msg_1", &(NOW + 1).to_string(), &ours), BODY),
        ("another body", fields("msg_1", &now, &ours), br#"{"type":"access.refused"}"#),
        ("a space more", fields("msg_1", &now, &ours), br#"{"type": "access.granted"}"#),
        ("no body", fields("msg_1", &now, &ours), b""),
        ("another secret", fields("msg_1", &now, &signed(2, NOW)), BODY),
        ("under another version", fields("msg_1", &now, &ours.replace("v1,", "v2,")), BODY),
        ("under the asymmetric version", fields("msg_1", &now, &ours.replace("v1,", "v1a,")), BODY),
    ];
    for (what, fields, body) in rows {
        assert_eq!(verdict(&fields, body), Some(WebhookFault::Mismatch), "{what}");
    }
    let none = verified(&verifier(&[]), &fields("msg_1", &now, &ours), BODY);
    assert_eq!(none.err(), Some(WebhookFault::Mismatch), "a sender without a secret");
}

#[test]
fn either_side_exchanges_its_secret_without_a_gap() {
    let now = NOW.to_string();
    let both = sign([&secret(1), &secret(2)], &id("msg_1"), UnixSeconds::new(NOW), BODY);
    assert_eq!(both, format!("{} {}", signed(1, NOW), signed(2, NOW)));
    for known in [&[1_u8][..], &[2], &[1, 2], &[3, 2]] {
        assert!(verified(&verifier(known), &fields("msg_1", &now, &both), BODY).is_ok(), "{known:?}");
    }
    assert!(verified(&verifier(&[3]), &fields("msg_1", &now, &both), BODY).is_err());
    assert!(verified(&verifier(&[2, 1]), &fields("msg_1", &now, &signed(1, NOW)), BODY).is_ok());
    let mixed = format!("v1a,AAAA v9,AA== {}", signed(1, NOW));
    assert_eq!(verdict(&fields("msg_1", &now, &mixed), BODY), None, "versions of others are passed over");
}

#[test]
fn each_header_stands_there_once_and_as_the_specification_writes_it() {
    let (now, ours) = (NOW.to_string(), signed(1, NOW));
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let name = HeaderName::from_static(name);
        let mut headers = fields("msg_1", &now, &ours);
        let value = headers.remove(&name).unwrap();
        assert_eq!(verdict(&headers, BODY), Some(WebhookFault::Missing), "{name}");
        headers.append(&name, value.clone());
        headers.append(&name, value);
        assert_eq!(verdict(&headers, BODY), Some(WebhookFault::Repeated), "{name}");
        headers.insert(&name, HeaderValue::from_bytes("é".as_bytes()).unwrap());
        assert_eq!(verdict(&headers, BODY), Some(WebhookFault::Malformed), "{name}");
    }
    for other in ["", "msg.1", "msg 1", "msg_1 ", "msg/1", "msg:1", "msg_1,msg_2", &"x".repeat(129)] {
        assert_eq!(verdict(&fields(other, &now, &ours), BODY), Some(WebhookFault::Malformed), "id {other:?}");
        assert!(WebhookId::new(other).is_none());
    }
    assert!(WebhookId::new(&"x".repeat(128)).is_some());
    for other in ["", "+1700000000", "-1", "01700000000", "00", "1700000000.0", "1.7e9", " 1700000000", "1000000000000"]
    {
        assert_eq!(verdict(&fields("msg_1", other, &ours), BODY), Some(WebhookFault::Malformed), "time {other:?}");
    }
    let (base64, nine) = (ours.strip_prefix("v1,").unwrap(), [&*ours; 9].join(" "));
    let unpadded = ours.trim_end_matches('=');
    let urlsafe = "v1,__________________________________________8=";
    let spellings = ["", "v1", "v1,", "v1=", base64, "V1,AAAA", ",AAAA", "1,AAAA", "v1,AAAA", unpadded, urlsafe, &nine];
    let joined = [format!("{ours}  {ours}"), format!("{ours} "), format!(" {ours}"), format!("{ours},{ours}")];
    for other in spellings.into_iter().chain(joined.iter().map(String::as_str)) {
        let found = verdict(&fields("msg_1", &now, other), BODY);
        assert_eq!(found, Some(WebhookFault::Malformed), "signature {other:?}");
    }
    let eight = [&*ours; 8].join(" ");
    assert_eq!(verdict(&fields("msg_1", &now, &eight), BODY), None);
}

#[test]
fn a_secret_has_24_to_64_bytes_in_base64_behind_its_prefix() {
    let text = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
    let verdict = |text: &str| of_text(text).err();
    for bytes in [24, 25, 32, 63, 64] {
        assert_eq!(verdict(&text(bytes)), None, "{bytes}");
        assert_eq!(verdict(&format!("{}\n", text(bytes))), None, "{bytes} and a line break");
    }
    for bytes in [0, 1, 23, 65, 300] {
        assert_eq!(verdict(&text(bytes)), Some(WebhookSecretError::Length), "{bytes}");
    }
    for other in ["", "whsk_AAAA", "WHSEC_AAAA", text(24).trim_start_matches("whsec_"), " whsec_"] {
        assert_eq!(verdict(other), Some(WebhookSecretError::Prefix), "{other:?}");
    }
    for spoiled in [text(25).trim_end_matches('='), &text(24).replace('B', "-"), &format!("{}\n\n", text(24))] {
        assert_eq!(verdict(spoiled), Some(WebhookSecretError::Base64), "{spoiled:?}");
    }
    assert!(secret(1).is(&secret(1)) && !secret(1).is(&secret(2)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_signature_survives_a_changed_byte(body in any::<Vec<u8>>(), at in 0..=NOW * 2, place in any::<usize>(), bit in 0..8_u8) {
        let stamp = UnixSeconds::new(at);
        let header = sign([&secret(1)], &id("msg_1"), stamp, &body);
        let fields = fields("msg_1", &at.to_string(), &header);
        assert!(verifier(&[1]).verify(&fields, Bytes::from(body.clone()), stamp).is_ok());
        let mut other = body;
        let place = place % (other.len() + 1);
        if let Some(byte) = other.get_mut(place) {
            *byte ^= 1 << bit;
        } else {
            other.push(0);
        }
        let found = verifier(&[1]).verify(&fields, Bytes::from(other), stamp);
        assert_eq!(found.err(), Some(WebhookFault::Mismatch));
    }
}
