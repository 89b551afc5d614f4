//! Bundles that are broken in one more way each, beyond those of `cases.rs`; everything else about them is right.

use crate::golden::Case;
use crate::golden::Scene;

const REQUIREMENTS: &str = "policies/requirements.yaml";
const SMARTHOME: &str = "policies/contracts/smarthome.openapi.yaml";
const PARKLINE: &str = "policies/contracts/parkline.openapi.yaml";
const DOORS: &str = "policies/cedar/doors.cedar";
const BARRIERS: &str = "policies/cedar/barriers.cedar";
const SCHEMA: &str = "policies/cedar/schema.cedarschema";
const CONSTANTS: &str = "policies/cedar/constants.json";

/// A policy of one's own below the others.
fn with_policy(s: &mut Scene, policy: &str) {
    s.append(BARRIERS, &format!("\n@id(\"mine\")\n@reason(\"Because.\")\n{policy}\n"));
}

/// What the compiler of policies says, with the nearest name where one is misspelt.
pub(super) const CEDAR: &[Case] = &[
    ("a misspelt attribute of the context", |s| s.edit(BARRIERS, "context.ageSeconds > 15", "15 < context.ageSeconsd")),
    ("a misspelt entity type in a scope", |s| {
        s.edit(BARRIERS, "resource is PropDevelopment::Barrier\n", "resource is PropDevelopment::Barier\n");
    }),
    ("a misspelt entity type in a condition", |s| {
        s.edit(
            BARRIERS,
            "context.partner == PropDevelopment::Partner::",
            "context.partner == PropDevelopment::Partnr::",
        );
    }),
    ("a misspelt action", |s| {
        s.edit(
            BARRIERS,
            "action == PropDevelopment::Action::\"openBarrier\"",
            "action == PropDevelopment::Action::\"openBarier\"",
        );
    }),
    ("a misspelt action in a list", |s| {
        s.edit(
            BARRIERS,
            "    PropDevelopment::Action::\"readBarrier\",",
            "    PropDevelopment::Action::\"readBarier\",",
        );
    }),
    ("a type without its namespace", |s| s.edit(BARRIERS, "PropDevelopment::Role::\"resident\"", "Role::\"resident\"")),
    ("a method that there is not", |s| s.edit(BARRIERS, ".contains(resource)", ".contain(resource)")),
    ("an attribute that may be absent", |s| {
        s.edit(
            BARRIERS,
            "context has tenant && context.tenant == context.resourceTenant",
            "context.tenant == context.resourceTenant",
        );
    }),
    ("an attribute after what is not ASCII", |s| {
        s.edit(BARRIERS, "context.purpose == \"access\"", "\"доступ\" == \"доступ\" && context.purpos == \"access\"");
    }),
    ("a condition that is no condition", |s| s.edit(BARRIERS, "context.ageSeconds > 15", "context.ageSeconds")),
    ("a quote that does not end", |s| {
        s.edit(BARRIERS, "\"spiffe://prop.example/backend\"", "\"spiffe://prop.example/backend")
    }),
    ("a policy without its semicolon", |s| {
        s.edit(BARRIERS, "resource in context.grantedHouses };", "resource in context.grantedHouses }")
    }),
    ("a forbid that would end", |s| {
        s.edit(DOORS, "@id(\"door-at-once\")", "@id(\"door-at-once\")\n@until(\"2027-01-31\")")
    }),
    ("a last day that is none", |s| {
        s.edit(DOORS, "@id(\"see-granted-door\")", "@id(\"see-granted-door\")\n@until(\"31.01.2027\")");
    }),
    ("an id that is no name", |s| s.edit(DOORS, "@id(\"door-at-once\")", "@id(\"door at once\")")),
    ("a misspelt type in the schema", |s| s.edit(SCHEMA, "entity Door in [House];", "entity Door in [Huose];")),
    ("a constant that stands there twice", |s| s.edit(CONSTANTS, "\"id\": \"concierge\"}", "\"id\": \"resident\"}")),
    ("a constant with attributes", |s| {
        s.edit(CONSTANTS, "\"parents\": []}", "\"parents\": [], \"attrs\": {\"a\": 1}}")
    }),
    ("a constant with an unknown key", |s| s.edit(CONSTANTS, "\"parents\": []}", "\"parents\": [], \"tags\": {}}")),
    ("a constant without parents", |s| s.edit(CONSTANTS, ", \"parents\": []}", "}")),
    ("a constant of an unknown type", |s| {
        s.edit(CONSTANTS, "PropDevelopment::Role\", \"id\": \"concierge", "PropDevelopment::Rol\", \"id\": \"concierge")
    }),
    ("a constant in a tenant", |s| {
        s.edit(
            CONSTANTS,
            "[{\"type\": \"PropDevelopment::Role\", \"id\": \"resident\"}]",
            "[{\"type\": \"PropDevelopment::Tenant\", \"id\": \"north\"}]",
        );
        s.edit(
            CONSTANTS,
            "\n]\n",
            ",\n  {\"uid\": {\"type\": \"PropDevelopment::Tenant\", \"id\": \"north\"}, \"parents\": []}\n]\n",
        );
    }),
    ("an action of the schema that is asked by another", |s| {
        s.edit(SMARTHOME, "action: reportAccessGranted\n", "action: openDoor\n");
    }),
    ("an own action of something else", |s| {
        s.edit(
            SCHEMA,
            "action updateDirectory appliesTo {\n    principal: [Backend],\n    resource: [Gateway]",
            "action updateDirectory appliesTo {\n    principal: [Backend],\n    resource: [House]",
        )
    }),
    ("a policy that compares a thing with a text", |s| {
        with_policy(s, "forbid (principal, action, resource) when { resource == \"a\" };")
    }),
];

/// What the compiler of contracts and the readers of the other files say.
pub(super) const FILES: &[Case] = &[
    ("an issuer that stands there twice", |s| {
        s.edit(
            REQUIREMENTS,
            "  - https://login.prop.example\n",
            "  - https://login.prop.example\n  - https://login.prop.example\n",
        )
    }),
    ("a version that is none", |s| s.edit(REQUIREMENTS, "version: 1", "version: 2")),
    ("an environment that is two words", |s| s.edit(REQUIREMENTS, "environment: development", "environment: my own")),
    ("hosts that are a text", |s| s.edit(REQUIREMENTS, "hosts: [127.0.0.1]", "hosts: 127.0.0.1")),
    ("requirements that are no YAML", |s| s.edit(REQUIREMENTS, "issuers:", "issuers: [")),
    ("a policy that is not UTF-8", |s| s.write("policies/cedar/other.cedar", [0xff, 0xfe])),
    ("one operation twice", |s| s.edit(PARKLINE, "operationId: readBarrier", "operationId: openBarrier")),
    ("two paths for one request", |s| {
        s.edit(PARKLINE, "/sites/{siteId}/cars/{carId}/plate:", "/sites/{siteId}/barriers/{carId}/commands:");
    }),
    ("a key that stands there twice", |s| s.edit(PARKLINE, "  country: RU\n", "  country: RU\n  country: KZ\n")),
    ("a country that is none", |s| s.edit(PARKLINE, "country: RU", "country: Russia")),
    ("a retention that is none", |s| s.edit(PARKLINE, "retention: P7D", "retention: a week")),
    ("a component that nobody uses", |s| {
        s.edit(PARKLINE, "  schemas:\n", "  schemas:\n    Idle: {type: boolean, x-portcullis: {class: public}}\n")
    }),
    ("a list without an end", |s| s.edit(PARKLINE, "                    maxItems: 8\n", "")),
    ("a reference to itself", |s| {
        s.edit(
            PARKLINE,
            "    Refused:\n      type: object\n",
            "    Refused:\n      $ref: \"#/components/schemas/Refused\"\n    Other:\n      type: object\n",
        );
    }),
    ("a reference out of the file", |s| {
        s.edit(PARKLINE, "\"#/components/parameters/SiteId\"", "\"other.yaml#/SiteId\"")
    }),
    ("an enum with a value twice", |s| s.edit(PARKLINE, "[down, up, moving, offline]", "[down, down]")),
    ("a required name that there is not", |s| {
        s.edit(PARKLINE, "required: [commandId, carId, driverId]", "required: [commandId, carId, drverId]")
    }),
    ("a required name twice", |s| s.edit(PARKLINE, "required: [state, faults]", "required: [state, state]")),
    ("a media type that is not JSON", |s| s.edit(PARKLINE, "application/json", "application/xml")),
    ("an operation that cannot succeed", |s| s.edit(PARKLINE, "\"204\":", "\"404\":")),
    ("a plate that crosses as it is", |s| {
        s.edit(PARKLINE, "{class: personal, protect: require-encrypted}", "{class: biometric, protect: keep}")
    }),
    ("a protection that is not there yet", |s| s.edit(PARKLINE, "protect: require-encrypted", "protect: encrypt")),
    ("an `of` at a date", |s| {
        s.edit(PARKLINE, "{class: access, protect: keep}", "{class: access, of: car, protect: keep}")
    }),
    ("a body limit that is none", |s| s.edit(PARKLINE, "body_max_bytes: 16KiB", "body_max_bytes: much")),
    ("a key that may be absent", |s| s.edit(PARKLINE, "idempotency: commandId", "idempotency: comandId")),
    ("a move by GET", |s| {
        s.edit(PARKLINE, "    post:\n      operationId: openBarrier", "    options:\n      operationId: openBarrier")
    }),
    ("a path with a space", |s| {
        s.edit(PARKLINE, "/sites/{siteId}/barriers/{barrierId}:", "\"/sites/{siteId}/bar riers/{barrierId}\":")
    }),
    ("an operation without a purpose", |s| s.edit(PARKLINE, "        purpose: operation\n", "")),
    ("a text where a number stands", |s| s.edit(PARKLINE, "maxLength: 8192", "maxLength: long")),
    ("no operation", |s| {
        s.write(PARKLINE, "openapi: 3.1.0\ninfo: {}\nx-portcullis: {partner: parkline, recipient: P, country: RU, retention: P7D}\npaths: {}\n")
    }),
    ("an event that is none", |s| {
        s.edit(SMARTHOME, "required: [type, timestamp, data]", "required: [type, timestamp]")
    }),
    ("an event that narrows from the partner", |s| {
        s.edit(SMARTHOME, "        direction: inbound\n", "        direction: inbound\n        narrows: true\n");
    }),
    ("an operation from the partner", |s| s.edit(PARKLINE, "direction: outbound", "direction: inbound")),
];
