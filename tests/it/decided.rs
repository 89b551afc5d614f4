//! What policy decided stands in every record that it came to, also where a later step refuses what it permitted.

use crate::harness::Command;
use crate::harness::Inbound;
use crate::harness::Record;
use crate::harness::Served;
use crate::harness::fresh_key;
use crate::harness::told_by;
use portcullis::devkit::Misbehaviour;

/// The last record of this reason: its kind, what was decided, and by how many policies.
fn decided(inbound: &Inbound, reason: &str) -> (String, String, usize) {
    let records = inbound.records();
    let of_it = |record: &&Record| record.text("reason") == reason;
    let record = records.iter().rfind(of_it).unwrap_or_else(|| panic!("no record of {reason}"));
    let decision = record.get("decision");
    let policies = decision["policies"].as_array().map_or(0, Vec::len);
    (record.text("kind").to_owned(), decision["result"].as_str().unwrap_or_default().to_owned(), policies)
}

#[test]
fn a_refusal_that_a_permit_preceded_tells_the_permit() {
    let inbound = Inbound::within("exchanges_per_partner_max: 1, outbox_max: 100");
    let gateway = Served::on(&inbound);
    let allowed = |kind: &str| (kind.to_owned(), "allow".to_owned(), 1);

    // No room towards the partner, and the answer given again.
    let command = Command::new(&inbound).under(&fresh_key());
    command.told(&inbound, gateway.address).is(200, "");
    command.again().told(&inbound, gateway.address).is(200, "");
    assert_eq!(decided(&inbound, "idempotency-replayed"), allowed("repeat"));
    inbound.partner.behave(Misbehaviour::HangBeforeAnswer);
    let call = Command::new(&inbound).begin(&inbound, gateway.address);
    inbound.partner_until(|partner| partner.hanging == 1);
    Command::new(&inbound).told(&inbound, gateway.address).is(503, "unavailable");
    assert_eq!(decided(&inbound, "partner-busy"), allowed("refusal"));
    inbound.partner.behave_well();
    inbound.partner.release();
    drop(call);

    // A pseudonym that is none of ours, in a partner's event that policy permits.
    let caller = inbound.caller(gateway.partners);
    let foreign = inbound.granted("p1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let answer = inbound.wait(foreign.send(&caller)).unwrap();
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(decided(&inbound, "protection-failed"), allowed("refusal"));

    // What no policy was asked about has no decision, and what one denied has its own.
    Command::new(&inbound).bearing("none".to_owned()).told(&inbound, gateway.address).is(401, "unauthenticated");
    assert_eq!(decided(&inbound, "token-malformed"), ("refusal".to_owned(), String::new(), 0));
    let denied = inbound.claims().without("authorization_details");
    let token = inbound.sessions.mint(&denied).unwrap();
    Command::new(&inbound).bearing(token).told(&inbound, gateway.address).is(404, "not-found");
    let (kind, result, _) = decided(&inbound, "policy-denied");
    assert_eq!((kind.as_str(), result.as_str()), ("refusal", "deny"));
}

#[test]
fn check_tells_the_inputs_that_stand_in_a_record_and_no_others_do() {
    let inbound = Inbound::new();
    let gateway = Served::on(&inbound);
    Command::new(&inbound).told(&inbound, gateway.address).is(200, "");
    let bundle = inbound.path("policies");
    let check = |more: &[&str]| told_by(&[&["check", bundle.to_str().unwrap(), "--footprint"], more].concat());
    let (code, told, err) = check(&["--format", "json"]);
    assert_eq!(code, 0, "{err}");
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let footprint = &told["footprint"];
    let mut seen = 0;
    for record in inbound.records() {
        let action = match record.text("operation") {
            "openDoor" => "openDoor",
            "access.granted" => "reportAccessGranted",
            _ => continue,
        };
        for (name, value) in record.get("decision")["inputs"].as_object().into_iter().flatten() {
            let told = footprint[action][name].as_str().unwrap_or_else(|| panic!("{action} {name}: {footprint}"));
            let stands = match value {
                value if value["withheld"] == "person" => "withheld",
                value if value.as_str().is_some_and(|text| text.starts_with("h-") && text.len() == 34) => "handle",
                _ => "value",
            };
            assert_eq!(told, stands, "{action} {name}");
            seen += 1;
        }
    }
    assert!(seen > 0);
    let (_, text, _) = check(&[]);
    assert!(text.contains("\nopenDoor\n  "), "{text}");
    let (_, plain, _) = told_by(&["check", bundle.to_str().unwrap(), "--format", "json"]);
    assert!(!plain.contains("footprint"), "only where it is asked for");
}
