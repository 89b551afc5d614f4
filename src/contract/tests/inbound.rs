//! Operations that a partner asks for: what they must say to load, at which door they are found, and what is taken of them.

use super::compile;
use super::faults;
use crate::contract::ContractFault;
use crate::contract::declare;
use crate::contract::declare_inbound;
use crate::model::Head;
use crate::model::OperationId;
use http::HeaderMap;
use std::sync::Arc;

const CONTRACT: &str = r##"openapi: 3.1.0
info: {title: Smart-home partner, version: "1"}
x-portcullis: {partner: smarthome, recipient: Smart Home Operator LLC, country: RU, retention: P30D}
paths:
  /v1/houses/{houseId}/grants/{grantId}:
    get:
      operationId: readGrant
      x-portcullis:
        action: readGrant
        resource: {type: House, id: [houseId]}
        direction: inbound
        scope: grants.read
        purpose: access
        legal_basis: contract
      parameters:
        - {name: houseId, in: path, required: true, schema: {type: string, maxLength: 40, x-portcullis: {class: identifier, of: house, protect: keep}}}
        - {name: grantId, in: path, required: true, schema: {type: string, maxLength: 64, x-portcullis: {class: identifier, of: request, protect: pseudonymize}}}
        - {name: userId, in: query, required: false, schema: {type: string, maxLength: 64, x-portcullis: {class: identifier, of: user, protect: pseudonymize}}}
      responses:
        "200":
          description: How it stands.
          content:
            application/json:
              schema:
                type: object
                required: [status]
                properties:
                  status: {type: string, enum: [active, ended], x-portcullis: {class: public}}
                  userId: {type: string, maxLength: 64, x-portcullis: {class: identifier, of: user, protect: pseudonymize}}
    delete:
      operationId: revokeGrant
      x-portcullis:
        action: revokeGrant
        resource: {type: House, id: [houseId]}
        direction: outbound
        purpose: access
        legal_basis: contract
      parameters:
        - {name: houseId, in: path, required: true, schema: {type: string, maxLength: 40, x-portcullis: {class: identifier, of: house, protect: keep}}}
        - {name: grantId, in: path, required: true, schema: {type: string, maxLength: 64, x-portcullis: {class: identifier, of: request, protect: keep}}}
      responses:
        "204": {description: It is no longer good.}
"##;

fn head(method: &str, path: &str) -> Head {
    Head {
        method: method.parse().unwrap(),
        path: path.into(),
        query: None,
        authority: Box::default(),
        fields: HeaderMap::new(),
        content_length: None,
        no_body: true,
    }
}

#[test]
fn each_door_finds_its_own_operations_and_none_of_the_others() {
    let contract = Arc::new(compile(CONTRACT).unwrap());
    assert_eq!(contract.scopes().collect::<Vec<_>>(), ["grants.read"]);
    let grant = format!("/v1/houses/house-1/grants/p1.{}", "A".repeat(43));
    let id = |declared: Result<crate::contract::Declared, ContractFault>| -> Result<OperationId, ContractFault> {
        declared.map(|declared| declared.operation().id.clone())
    };
    let named = |name: &str| Ok(OperationId::new(name).unwrap());
    assert_eq!(id(declare_inbound(&contract, &head("GET", &grant))), named("readGrant"));
    assert_eq!(id(declare(&contract, &head("DELETE", &grant))), named("revokeGrant"));
    assert_eq!(id(declare(&contract, &head("GET", &grant))), Err(ContractFault::MethodNotDeclared));
    assert_eq!(id(declare_inbound(&contract, &head("DELETE", &grant))), Err(ContractFault::MethodNotDeclared));
    // What the partner names by a pseudonym has no other name here.
    let plain = id(declare_inbound(&contract, &head("GET", "/v1/houses/house-1/grants/grant-1")));
    assert!(matches!(plain, Err(ContractFault::Path(_))), "{plain:?}");
}

#[test]
fn what_only_a_persons_token_could_answer_for_does_not_load() {
    let text = CONTRACT;
    assert_eq!(faults(text), []);
    let line = |of: &str| u32::try_from(text.split(of).next().unwrap().matches('\n').count() + 1).unwrap();
    let direction = line("direction: inbound");
    for (from, to, expected) in [
        ("        scope: grants.read\n", "", vec![("inbound-scope", direction)]),
        ("scope: grants.read", "scope: \"grants read\"", vec![("invalid-value", direction + 1)]),
        (
            "scope: grants.read",
            "scope: grants.read\n        right: {type: house_access, action: see}",
            vec![("inbound-unfit", direction)],
        ),
        ("scope: grants.read", "scope: grants.read\n        max_age: 10s", vec![("inbound-unfit", direction)]),
        ("scope: grants.read", "scope: grants.read\n        acr: [high]", vec![("inbound-unfit", direction)]),
        ("scope: grants.read", "scope: grants.read\n        amr: [hwk]", vec![("inbound-unfit", direction)]),
        ("scope: grants.read", "scope: grants.read\n        max_auth_age: 5m", vec![("inbound-unfit", direction)]),
        (
            "scope: grants.read",
            "scope: grants.read\n        actuates: door",
            vec![
                ("actuates-object", direction - 1),
                ("actuates-max-age", direction + 2),
                ("actuates-idempotency", direction + 2),
                ("actuates-method", direction + 2),
                ("inbound-unfit", direction + 2),
            ],
        ),
        (
            "scope: grants.read",
            "scope: grants.read\n        idempotency: header",
            vec![("inbound-unfit", direction + 2)],
        ),
        (
            "direction: outbound",
            "direction: outbound\n        scope: a",
            vec![("inbound-scope", line("direction: outbound") + 1)],
        ),
        (
            "{name: userId, in: query, required: false, schema: {type: string, maxLength: 64, x-portcullis: {class: identifier, of: user, protect: pseudonymize}}}",
            "{name: userId, in: query, required: false, schema: {type: string, maxLength: 64, x-portcullis: {class: identifier, of: user, protect: keep}}}",
            vec![("event-person", line("name: userId"))],
        ),
        (
            "userId: {type: string, maxLength: 64, x-portcullis: {class: identifier, of: user, protect: pseudonymize}}",
            "userId: {type: string, maxLength: 64, x-portcullis: {class: identifier, of: user, protect: keep}}",
            vec![("event-person", line("                  userId:"))],
        ),
    ] {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        assert_eq!(faults(&text.replace(from, to)), expected, "{to}");
    }
}
