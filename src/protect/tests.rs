//! A whole request on its way out and a whole answer on its way back, through a contract with every protection.

use crate::clock::UnixSeconds;
use crate::contract::Checked;
use crate::contract::Contract;
use crate::contract::Rebuilt;
use crate::contract::RebuiltEvent;
use crate::contract::check;
use crate::contract::declare;
use crate::contract::rebuild;
use crate::contract::rebuild_event;
use crate::crypto::SecretKey;
use crate::crypto::SivKey;
use crate::crypto::encode_base64url;
use crate::diagnostic::Source;
use crate::identity::Caller;
use crate::identity::a_caller;
use crate::model::DataClass;
use crate::model::Direction;
use crate::model::Head;
use crate::model::IdentifierKind;
use crate::model::Located;
use crate::model::Name;
use crate::model::ResourceId;
use crate::model::Zone;
use crate::partner::Answer;
use crate::policy::EventPermit;
use crate::policy::Permit;
use crate::protect::ProtectFault;
use crate::protect::Protected;
use crate::protect::Protector;
use crate::protect::pseudonym::Domain;
use crate::protect::pseudonym::pseudonymize;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use std::sync::Arc;

const NOW: UnixSeconds = UnixSeconds::new(1_790_000_000);

const CONTRACT: &str = r##"openapi: 3.1.0
info: {title: Smart-home partner, version: "1"}
x-portcullis: {partner: smarthome, recipient: Smart Home Operator LLC, country: RU, retention: P30D}
paths:
  /v1/houses/{houseId}/doors/{doorId}/open:
    post:
      operationId: openDoor
      x-portcullis:
        action: openDoor
        resource: {type: Door, id: [houseId, doorId]}
        right: {type: door_access, action: open}
        direction: outbound
        actuates: door
        max_age: 10s
        idempotency: header
        purpose: access
        legal_basis: contract
      parameters:
        - name: houseId
          in: path
          required: true
          schema: {type: string, maxLength: 40, x-portcullis: {class: identifier, of: house, protect: keep}}
        - name: doorId
          in: path
          required: true
          schema: {type: string, maxLength: 40, x-portcullis: {class: identifier, of: door, protect: pseudonymize}}
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              additionalProperties: false
              required: [userId, guest, plate]
              properties:
                userId:
                  type: string
                  maxLength: 64
                  x-portcullis: {class: identifier, of: user, claim: sub, protect: pseudonymize}
                guest:
                  type: string
                  maxLength: 64
                  x-portcullis: {class: personal, protect: drop}
                plate:
                  type: string
                  maxLength: 4096
                  x-portcullis: {class: personal, protect: require-encrypted}
      responses:
        "200":
          description: the door was opened
          content:
            application/json:
              schema:
                type: object
                additionalProperties: false
                required: [userId]
                properties:
                  userId:
                    type: string
                    maxLength: 64
                    x-portcullis: {class: identifier, of: user, protect: pseudonymize}
                  houseId: {type: string, maxLength: 64, x-portcullis: {class: identifier, of: house, protect: keep}}
                  site: {type: string, maxLength: 64, x-portcullis: {class: identifier, of: house, protect: drop}}
                  of: {type: string, maxLength: 64, x-portcullis: {class: identifier, of: house, protect: pseudonymize}}
                  near: {type: string, maxLength: 64, x-portcullis: {class: identifier, of: door, protect: keep}}
"##;

fn protector(partner: &str, key: u8) -> Protector {
    Protector::new(Name::new(partner).unwrap(), SivKey::new(&SecretKey::new([key; 32])))
}

fn permit(tenant: &str) -> Permit {
    let resource = ResourceId { kind: "Door".into(), parts: vec!["house-1".into(), "door-7".into()] };
    let tenant = Name::new(tenant).unwrap();
    let (ancestors, zone, partners) = (Vec::new(), Zone::UTC, Arc::default());
    Permit::for_test(Located { resource, tenant, ancestors, zone, partners, directory_version: 1 }, &["open"])
}

fn encrypted() -> String {
    let header = encode_base64url(br#"{"alg":"ECDH-ES+A256KW","enc":"A256GCM"}"#);
    format!("{header}.a2V5.aXYtaXYtaXYtaXY.Y2lwaGVydGV4dA.dGFnLXRhZy10YWctdGFnLQ")
}

fn caller() -> Caller {
    a_caller(NOW, |claims| claims)
}

fn rebuilt(caller: &Caller, plate: &str) -> Rebuilt {
    let contract = Arc::new(Contract::compile(&Source::new("smarthome.openapi.yaml", CONTRACT)).unwrap());
    let body = format!(r#"{{"userId":"ivanov","guest":"Sidorova","plate":"{plate}"}}"#);
    let mut fields = HeaderMap::new();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    fields.insert(HeaderName::from_static("idempotency-key"), HeaderValue::from_static("\"8e03978e-40d5-43dd\""));
    let head = Head {
        method: Method::POST,
        path: "/v1/houses/house-1/doors/door-7/open".into(),
        query: None,
        authority: "smarthome.gateway.example".into(),
        fields,
        content_length: Some(body.len() as u64),
        no_body: false,
    };
    rebuild(declare(&contract, &head).unwrap(), caller, body.as_bytes()).unwrap()
}

fn protected(protector: &Protector, tenant: &str) -> Protected {
    let caller = caller();
    protector.protect(&permit(tenant), &caller, &rebuilt(&caller, &encrypted())).unwrap()
}

/// An answer that names `user`.
fn checked(user: &str) -> Checked {
    answered(&format!(r#"{{"userId":"{user}"}}"#))
}

/// An answer of this body.
fn answered(body: &str) -> Checked {
    let mut fields = HeaderMap::new();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let answer = Answer::for_test(StatusCode::OK, fields, body.to_owned());
    check(rebuilt(&caller(), &encrypted()).routed(), answer).unwrap()
}

#[test]
fn no_plain_value_of_a_person_is_in_the_bytes_that_leave() {
    let protected = protected(&protector("smarthome", 1), "north");
    let outgoing = protected.outgoing();
    let bytes = [outgoing.target.as_bytes(), &outgoing.body].concat();
    let text = String::from_utf8(bytes).unwrap();
    for canary in ["ivanov", "Sidorova", "guest", "door-7"] {
        assert!(!text.contains(canary), "{canary} in {text}");
    }
    assert!(text.starts_with("/v1/houses/house-1/doors/p1.") && text.contains(&encrypted()), "{text}");
    assert!(!format!("{protected:?}").contains("p1."), "{protected:?}");
}

#[test]
fn what_a_partner_token_needs_is_told_in_the_partners_words() {
    let protected = protected(&protector("smarthome", 1), "north");
    let object: Vec<_> = protected.object().collect();
    let [(IdentifierKind::House, "house-1"), (IdentifierKind::Door, door)] = object[..] else { panic!("{object:?}") };
    assert!(protected.outgoing().target.ends_with(&format!("/doors/{door}/open")));
    assert_eq!(protected.right(), Some(("door_access", "open")));
    let subject = protected.subject().unwrap();
    assert!(String::from_utf8_lossy(&protected.outgoing().body).contains(subject), "body and token name one person");
    assert_eq!((protected.partner().as_str(), protected.operation().as_str()), ("smarthome", "openDoor"));
}

#[test]
fn another_tenant_and_another_key_give_other_pseudonyms() {
    let subject = |key, tenant| protected(&protector("smarthome", key), tenant).subject().unwrap().to_owned();
    let all = [subject(1, "north"), subject(1, "south"), subject(2, "north")];
    assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
    assert_eq!(all[0], subject(1, "north"));
}

#[test]
fn the_digest_speaks_of_everything_that_leaves() {
    let north = protected(&protector("smarthome", 1), "north");
    assert_eq!(north.digest(), protected(&protector("smarthome", 1), "north").digest());
    assert_ne!(north.digest(), protected(&protector("smarthome", 1), "south").digest());
}

#[test]
fn a_field_that_must_be_encrypted_and_is_not_stops_the_request() {
    let caller = caller();
    let plain = rebuilt(&caller, "A123BC77");
    let fault = protector("smarthome", 1).protect(&permit("north"), &caller, &plain).err();
    assert_eq!(fault, Some(ProtectFault::NotEncrypted));
}

#[test]
fn a_request_of_another_partners_contract_is_not_protected() {
    let caller = caller();
    let fault = protector("other", 1).protect(&permit("north"), &caller, &rebuilt(&caller, &encrypted())).err();
    assert_eq!(fault, Some(ProtectFault::OtherPartner));
}

#[test]
fn an_answer_comes_back_with_the_id_that_the_caller_knows() {
    let protector = protector("smarthome", 1);
    let pseudonym = protected(&protector, "north").subject().unwrap().to_owned();
    let reply = protector.restore(&permit("north"), checked(&pseudonym)).unwrap().into_reply();
    assert_eq!(&reply.body[..], br#"{"userId":"ivanov"}"#);
}

#[test]
fn an_answer_with_the_pseudonym_of_another_tenant_or_of_nobody_is_refused() {
    let protector = protector("smarthome", 1);
    let pseudonym = protected(&protector, "south").subject().unwrap().to_owned();
    for foreign in [pseudonym.as_str(), "p1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        assert_eq!(protector.restore(&permit("north"), checked(foreign)).err(), Some(ProtectFault::Foreign));
    }
}

#[test]
fn an_answer_that_names_another_house_is_refused_in_whatever_form_it_names_it() {
    let protector = protector("smarthome", 1);
    let user = protected(&protector, "north").subject().unwrap().to_owned();
    let domain = |house: &str| {
        let key = SivKey::new(&SecretKey::new([1; 32]));
        let (partner, tenant) = (Name::new("smarthome").unwrap(), Name::new("north").unwrap());
        let kind = Some(IdentifierKind::House);
        let domain = Domain { partner: &partner, tenant: &tenant, class: DataClass::Identifier, kind };
        pseudonymize(&key, domain, house).unwrap()
    };
    let told = |member: &str, house: &str| {
        let checked = answered(&format!(r#"{{"userId":"{user}","{member}":"{house}"}}"#));
        protector.restore(&permit("north"), checked).map(|restored| restored.into_reply().body)
    };
    for (member, own, other) in [
        ("houseId", "house-1".to_owned(), "house-2".to_owned()),
        ("houseId", "house-1".to_owned(), "HOUSE-1".to_owned()),
        ("site", "house-1".to_owned(), "house-10".to_owned()),
        ("of", domain("house-1"), domain("house-2")),
    ] {
        assert!(told(member, &own).is_ok(), "{member}");
        assert_eq!(told(member, &other).err(), Some(ProtectFault::OtherHouse), "{member}");
    }
    let restored = told("of", &domain("house-1")).unwrap();
    assert_eq!(&restored[..], br#"{"userId":"ivanov","of":"house-1"}"#);
    assert!(told("near", "house-2").is_ok(), "a door is no house");
}

/// An event of the sample contract about house-1, and a permit in a tenant.
fn event(direction: Direction, text: &str, tenant: &str) -> (EventPermit, RebuiltEvent) {
    let contract = include_str!("../../policies/contracts/smarthome.openapi.yaml");
    let contract = Arc::new(Contract::compile(&Source::new("smarthome.openapi.yaml", contract)).unwrap());
    let event = rebuild_event(&contract, direction, text.as_bytes()).unwrap();
    let permit =
        EventPermit::for_test(Located { resource: event.resource().clone(), ..permit(tenant).located().clone() });
    (permit, event)
}

#[test]
fn an_event_goes_out_in_pseudonyms_and_one_of_the_partner_comes_in_by_the_ids_that_we_know() {
    let time = r#""timestamp":"2026-02-28T08:30:00Z""#;
    let out = format!(
        r#"{{"type":"grant.revoked",{time},"data":{{"houseId":"house-1","userId":"ivanov","grantId":"g-1","reason":"moved-out"}}}}"#
    );
    let protector = protector("smarthome", 7);
    let (permit, outbound) = event(Direction::Outbound, &out, "north");
    let protected = protector.protect_event(&permit, &outbound).unwrap();
    let text = std::str::from_utf8(protected.body()).unwrap().to_owned();
    for gone in ["ivanov", "g-1", "moved-out", "reason"] {
        assert!(!text.contains(gone), "{text}");
    }
    let (_, user) = text.split_once(r#""userId":""#).unwrap();
    let user = user.split('"').next().unwrap();

    let inward = |user: &str| {
        format!(
            r#"{{"type":"access.granted",{time},"data":{{"houseId":"house-1","doorId":"door-1","userId":"{user}"}}}}"#
        )
    };
    let came = |user: &str, tenant: &str| {
        let (permit, inbound) = event(Direction::Inbound, &inward(user), tenant);
        protector.protect_event(&permit, &inbound).map(|event| event.body().clone())
    };
    assert_eq!(came(user, "north").unwrap(), inward("ivanov"));
    assert_eq!(came(user, "south").err(), Some(ProtectFault::Foreign), "it was given out for another tenant");
    assert_eq!(came("p1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "north").err(), Some(ProtectFault::Foreign));
    let other = crate::protect::tests::protector("parkline", 7);
    assert_eq!(other.protect_event(&permit, &outbound).err(), Some(ProtectFault::OtherPartner));
}
