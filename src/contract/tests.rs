//! What the tests of this room share: a contract, requests, a caller's claims.

use std::sync::Arc;

use crate::contract::Contract;
use crate::contract::ContractFault;
use crate::contract::Rebuilt;
use crate::contract::declare;
use crate::contract::rebuild::rebuild_for;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::model::Head;
use crate::model::Outgoing;
use crate::model::Treated;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;

mod answers;
mod any;
mod compared;
mod compared_values;
mod dear;
mod described;
mod draft;
mod editor_schema;
mod events;
mod forms;
mod inbound;
mod keywords;
mod lists;
mod load;
mod load_operations;
mod objects;
mod properties;
mod records;
mod requests;
mod view;

/// Doors of houses, and what else the tests need.
const DOORS: &str = r##"openapi: 3.1.0
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
        - {name: houseId, in: path, required: true, schema: {$ref: "#/components/schemas/House"}}
        - name: doorId
          in: path
          required: true
          schema: {type: string, maxLength: 40, x-portcullis: {class: identifier, of: door, protect: keep}}
        - {name: reason, in: query, schema: {type: string, enum: [access, guest], x-portcullis: {class: public}}}
        - {name: count, in: query, schema: {type: integer, minimum: 1, maximum: 9, x-portcullis: {class: public}}}
        - {name: note, in: query, schema: {type: string, maxLength: 20, x-portcullis: {class: public}}}
        - {name: X-Locale, in: header, schema: {type: string, pattern: "^[a-z]{2}$", x-portcullis: {class: public}}}
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              additionalProperties: false
              required: [requestId, userId]
              properties:
                requestId:
                  {type: string, minLength: 8, maxLength: 64, pattern: "^[A-Za-z0-9-]+$", x-portcullis: {class: identifier, of: request, protect: keep}}
                userId: {type: string, maxLength: 64, x-portcullis: {class: identifier, of: user, claim: sub, protect: pseudonymize}}
                deviceId: {type: string, maxLength: 64, x-portcullis: {class: identifier, of: device, claim: device_id, protect: pseudonymize}}
                comment: {type: string, maxLength: 10, x-portcullis: {class: personal, protect: drop}}
                level: {type: number, exclusiveMinimum: 0, maximum: 1.5, x-portcullis: {class: public}}
                silent: {type: boolean, x-portcullis: {class: public}}
                visits:
                  type: array
                  minItems: 1
                  maxItems: 2
                  items:
                    type: object
                    required: [at]
                    properties:
                      at: {type: integer, x-portcullis: {class: access, protect: keep}}
                      a/b~c: {type: string, enum: [x], x-portcullis: {class: public}}
      responses:
        "200":
          description: the door was opened
          headers:
            X-Door-State: {schema: {type: string, enum: [open, shut], x-portcullis: {class: public}}}
          content: {application/json: {schema: {$ref: "#/components/schemas/Opened"}}}
        "201": {description: taken}
        "409":
          description: no
          content: {application/json: {schema: {type: object, properties: {}}}}
  /v1/houses/{houseId}/doors:
    get:
      operationId: listDoors
      x-portcullis: {action: listDoors, resource: {type: House, id: [houseId]}, direction: outbound, purpose: access, legal_basis: contract, records: {array: "", house: houseId}}
      parameters:
        - {name: houseId, in: path, required: true, schema: {$ref: "#/components/schemas/House"}}
      responses:
        "200":
          content:
            application/json:
              schema:
                type: array
                maxItems: 3
                items:
                  type: object
                  required: [houseId]
                  properties:
                    houseId: {$ref: "#/components/schemas/House"}
                    doorId: {type: string, maxLength: 40, x-portcullis: {class: identifier, of: door, protect: keep}}
components:
  schemas:
    House: {type: string, pattern: "^[a-z0-9-]{1,40}$", x-portcullis: {class: identifier, of: house, protect: keep}}
    Opened:
      type: object
      required: [status]
      properties:
        status: {type: string, enum: [opened], x-portcullis: {class: public}}
        userId: {type: string, maxLength: 64, x-portcullis: {class: identifier, of: user, protect: pseudonymize}}
        secret: {type: string, maxLength: 9, x-portcullis: {class: secret, protect: drop}}
"##;

/// What [`opening`] sends.
const BODY: &str = r#"{"userId":"u-1","requestId":"12345678"}"#;

fn compile(text: &str) -> Result<Contract, Diagnostics> {
    Contract::compile(&Source::new("test.openapi.yaml", text))
}

fn doors() -> Arc<Contract> {
    Arc::new(compile(DOORS).unwrap())
}

fn fields(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for (name, value) in pairs {
        fields.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    fields
}

/// The head of a request that opens a door.
fn opening() -> Head {
    Head {
        method: Method::POST,
        path: "/v1/houses/h-1/doors/d-2/open".into(),
        query: None,
        authority: "gateway.example".into(),
        fields: fields(&[("content-type", "application/json"), ("idempotency-key", "\"k-1\""), ("accept", "*/*")]),
        content_length: None,
        no_body: false,
    }
}

fn claim(name: &str) -> Option<&'static str> {
    match name {
        "sub" => Some("u-1"),
        "device_id" => Some("phone-1"),
        _ => None,
    }
}

fn rebuilt(head: &Head, body: &str) -> Result<Rebuilt, ContractFault> {
    rebuild_for(declare(&doors(), head)?, &claim, body.as_bytes())
}

/// A contract of one operation whose body has this schema, in one line.
fn with_body(schema: &str) -> String {
    format!(
        "openapi: 3.1.0\ninfo: {{}}\nx-portcullis: {{partner: p, recipient: r, country: RU, retention: P1D}}\npaths:\n  /v1/{{id}}:\n    post:\n      operationId: op\n      x-portcullis: {{action: a, resource: {{type: House, id: [id]}}, direction: outbound, purpose: p, legal_basis: b}}\n      parameters: [{{name: id, in: path, required: true, schema: {{type: string, maxLength: 9, x-portcullis: {{class: public}}}}}}]\n      requestBody: {{required: true, content: {{application/json: {{schema: {schema}}}}}}}\n      responses: {{\"202\": {{description: taken}}}}\n"
    )
}

/// The one operation of [`with_body`], and what it makes of bodies.
struct Posting(Arc<Contract>);

impl Posting {
    fn of(schema: &str) -> Self {
        Self(Arc::new(compile(&with_body(schema)).unwrap_or_else(|faults| panic!("{schema}: {faults}"))))
    }

    /// With one required property `v` of this schema.
    fn of_value(schema: &str) -> Self {
        Self::of(&format!("{{type: object, required: [v], properties: {{v: {schema}}}}}"))
    }

    fn rebuild(&self, body: &str) -> Result<Rebuilt, ContractFault> {
        let head = Head {
            method: Method::POST,
            path: "/v1/1".into(),
            query: None,
            authority: "x".into(),
            fields: fields(&[("content-type", "application/json")]),
            content_length: None,
            no_body: false,
        };
        rebuild_for(declare(&self.0, &head).unwrap(), &claim, body.as_bytes())
    }

    /// The body as it goes out, or the pointer and what was expected there.
    fn sent(&self, body: &str) -> Result<String, (String, &'static str)> {
        match self.rebuild(body) {
            Ok(rebuilt) => Ok(String::from_utf8(kept(&rebuilt).body.to_vec()).unwrap()),
            Err(ContractFault::Body(place)) => Err((place.pointer, place.expected)),
            Err(other) => panic!("{body}: {other}"),
        }
    }

    /// The same for a value of `v`.
    fn value(&self, value: &str) -> Result<String, (String, &'static str)> {
        let sent = self.sent(&format!("{{\"v\":{value}}}"))?;
        Ok(sent.strip_prefix("{\"v\":").and_then(|rest| rest.strip_suffix('}')).unwrap().to_owned())
    }
}

/// The codes of faults of schemas, each of which says what to do.
const HELPED: &[&str] = &[
    "any-of",
    "body-not-an-object",
    "body-unfit",
    "bounds",
    "discriminator",
    "enum",
    "media-type",
    "merge-unfit",
    "multiple-of",
    "name-unfit",
    "null-unfit",
    "open-object",
    "parameter-style",
    "required-twice",
    "required-unknown",
    "too-dear",
    "too-deep",
    "too-many-members",
    "type-list",
    "unbounded-array",
    "unbounded-map",
    "unbounded-text",
    "unknown-word",
];

/// Code and line of each fault.
fn faults(text: &str) -> Vec<(&'static str, u32)> {
    match compile(text) {
        Ok(_) => Vec::new(),
        Err(faults) => {
            let without = faults.iter().find(|fault| HELPED.contains(&fault.code) && fault.help.is_none());
            assert!(without.is_none(), "no help: {}", without.unwrap());
            faults.iter().map(|fault| (fault.code, fault.place.line)).collect()
        }
    }
}

/// The whole request as it is, nothing protected.
fn kept(rebuilt: &Rebuilt) -> Outgoing {
    let Ok(outgoing) = rebuilt.render::<std::convert::Infallible>(&mut |_| Ok(Treated::Keep));
    outgoing
}
