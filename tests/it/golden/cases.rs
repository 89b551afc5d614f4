//! What is wrong with each configuration; everything else about it is right.

use crate::golden::Case;
use std::fs;

const CONFIG: &str = "gateway.yaml";
const REQUIREMENTS: &str = "policies/requirements.yaml";
const SMARTHOME: &str = "policies/contracts/smarthome.openapi.yaml";
const DOORS: &str = "policies/cedar/doors.cedar";
const SCHEMA: &str = "policies/cedar/schema.cedarschema";
const CONSTANTS: &str = "policies/cedar/constants.json";

/// `gateway.yaml` itself.
pub(super) const GATEWAY: &[Case] = &[
    ("a misspelt key", |s| s.edit(CONFIG, "directory: {file:", "directry: {file:")),
    ("a key that stands twice", |s| s.edit(CONFIG, "workers: 2", "workers: 2\nworkers: 4")),
    ("another version", |s| s.edit(CONFIG, "version: 1", "version: 2")),
    ("a missing key", |s| s.edit(CONFIG, "version: 1\n", "")),
    ("text that is no YAML", |s| s.edit(CONFIG, "issuers:", "issuers: [")),
    ("an alias", |s| s.edit(CONFIG, "environment: development", "environment: &where development\nworkers: *where")),
    ("an environment that is no name", |s| s.edit(CONFIG, "environment: development", "environment: \"my own\"")),
    ("no worker", |s| s.edit(CONFIG, "workers: 2", "workers: 0")),
    ("a number that is text", |s| s.edit(CONFIG, "workers: 2", "workers: two")),
    ("an address without a port", |s| s.edit(CONFIG, "\"127.0.0.1:0\"\n    tls", "\"localhost\"\n    tls")),
    ("an unknown key within a listener", |s| s.edit(CONFIG, "client_ca:", "client_cas:")),
    ("no algorithm", |s| s.edit(CONFIG, "algorithms: [ES256]", "algorithms: []")),
    ("the algorithm none", |s| s.edit(CONFIG, "algorithms: [ES256]", "algorithms: [none]")),
    ("an algorithm with a shared secret", |s| s.edit(CONFIG, "algorithms: [ES256]", "algorithms: [HS256]")),
    ("an algorithm that stands twice", |s| s.edit(CONFIG, "algorithms: [ES256]", "algorithms: [ES256, ES256]")),
    ("a sign-in token that lives too long", |s| s.edit(CONFIG, "max_lifetime: 1h", "max_lifetime: 2d")),
    ("a session token that lives too long", |s| s.edit(CONFIG, "max_lifetime: 5m", "max_lifetime: 16m")),
    ("a token that is bound to nothing", |s| s.edit(CONFIG, "    bind: [mtls]\n", "")),
    ("a binding that does not exist", |s| s.edit(CONFIG, "bind: [mtls]", "bind: [nothing]")),
    ("one issuer for sign-in and sessions", |s| {
        s.edit(CONFIG, "issuer: https://gateway.prop.example/sessions", "issuer: https://login.prop.example");
    }),
    ("an empty audience", |s| s.edit(CONFIG, "audience: https://gateway.prop.example", "audience: \"\"")),
    ("an authority that is no host name", |s| {
        s.edit(CONFIG, "authority: smarthome.gateway.prop.example", "authority: https://smarthome.example/");
    }),
    ("an upstream without TLS", |s| s.edit(CONFIG, "upstream: https://", "upstream: http://")),
    ("an upstream with a path", |s| {
        s.edit(CONFIG, "upstream: https://127.0.0.1:8443", "upstream: https://a.example/v1")
    }),
    ("an address without the name in its certificate", |s| s.edit(CONFIG, "    server_name: localhost\n", "")),
    ("a partner token that lives too long", |s| s.edit(CONFIG, "lifetime: 30s", "lifetime: 6m")),
    ("a duration without its unit", |s| s.edit(CONFIG, "lifetime: 30s", "lifetime: 30")),
    ("an authority of both listeners", |s| {
        s.edit(CONFIG, "client_ca: pki/partner-clients.pem", "client_ca: pki/backend-authority.pem");
    }),
    ("a listener at which nobody may call", |s| s.edit(CONFIG, "    peer: spiffe://smarthome.example/events\n", "")),
    ("a peer without a name", |s| s.edit(CONFIG, "peer: spiffe://smarthome.example/events", "peer: \"*.example\"")),
    ("a partner that has no name", |s| s.edit(CONFIG, "  smarthome:\n", "  smart home:\n")),
    ("a partner without a contract", |s| {
        s.edit(CONFIG, "  smarthome:\n", "  smartdoor:\n");
        s.edit(REQUIREMENTS, "partners:\n", "partners:\n  smartdoor: {hosts: [127.0.0.1]}\n");
    }),
    ("a partner whom nobody approved", |s| s.edit(CONFIG, "  smarthome:\n", "  smartdoor:\n")),
    ("an operation without a right whose partner gives the tokens", |s| {
        let path = s.touch(CONFIG);
        let text = fs::read_to_string(&path).unwrap();
        let (before, rest) = text.split_once("    token:\n").unwrap();
        let (_, after) = rest.split_once("    signing:").unwrap();
        let server =
            "url: \"https://127.0.0.1:8445/token\", server_name: localhost, tls: {ca: pki/partner-authority.pem}";
        let token = format!("    token: {{fetch: {{client_id: prop-development, {server}}}}}\n");
        fs::write(path, format!("{before}{token}    signing:{after}")).unwrap();
        s.edit(SMARTHOME, "        right: {type: door_access, action: open}\n", "");
        s.edit(SMARTHOME, "        right: {type: house_access, action: revoke-grant}\n", "");
    }),
    ("an unknown limit", |s| s.edit(CONFIG, "limits: {}", "limits: {body_max_byte: 64KiB}")),
    ("a limit beyond its bounds", |s| s.edit(CONFIG, "limits: {}", "limits: {body_max_bytes: 9MiB}")),
    ("a limit of nothing", |s| s.edit(CONFIG, "limits: {}", "limits: {exchange_timeout_ms: 0ms}")),
    ("a limit without its unit", |s| s.edit(CONFIG, "limits: {}", "limits: {exchange_timeout_ms: 5000}")),
    ("limits that are a list", |s| s.edit(CONFIG, "limits: {}", "limits: []")),
    ("one key for two purposes", |s| s.edit(CONFIG, "key: pki/store.key", "key: pki/pseudonym.key")),
    ("a secret in the file itself", |s| s.edit(CONFIG, "key: pki/store.key", "secret: 0123456789abcdef")),
];

/// Files that it names: keys, certificates, key sets, folders, the directory.
pub(super) const FILES: &[Case] = &[
    ("a certificate that is not there", |s| s.remove("pki/backend-authority.pem")),
    ("a certificate that is none", |s| s.write("pki/gateway.pem", "hello")),
    ("an authority without a certificate", |s| s.write("pki/partner-authority.pem", "")),
    ("a key of another certificate", |s| {
        s.edit(CONFIG, "certificate: pki/gateway.pem", "certificate: pki/partner.pem");
    }),
    ("a TLS key that everybody may read", |s| s.mode("pki/gateway.key", 0o604)),
    ("a store key that everybody may read", |s| s.mode("pki/store.key", 0o644)),
    ("a store key that everybody may write", |s| s.mode("pki/store.key", 0o602)),
    ("a store key that is too short", |s| s.write("pki/store.key", [7; 16])),
    ("a pseudonym key that is too short", |s| s.write("pki/pseudonym.key", "short")),
    ("a signing key that is none", |s| s.write("pki/partner-token.key", "-----BEGIN NOTHING-----\n")),
    ("a key set that is no JSON", |s| s.write("pki/login.jwks", "{\"keys\": [")),
    ("a key set without a key", |s| s.write("pki/login.jwks", "{\"keys\": []}")),
    ("a key set with a shared secret", |s| {
        s.write("pki/login.jwks", r#"{"keys": [{"kty": "oct", "kid": "a", "k": "c2VjcmV0"}]}"#);
    }),
    ("a key set that is not there", |s| s.remove("pki/login.jwks")),
    ("a session key that is not there", |s| s.remove("pki/session.key")),
    ("a folder of the log that is not there", |s| s.edit(CONFIG, "directory: state/audit", "directory: state/log")),
    ("a bundle that is a file", |s| s.edit(CONFIG, "{directory: policies}", "{directory: directory.yaml}")),
    ("a folder of the store that is not there", |s| s.edit(CONFIG, "path: state/store", "path: elsewhere/store")),
    ("a directory that is not there", |s| s.remove("directory.yaml")),
    ("a directory of another version", |s| s.edit("directory.yaml", "version: 1", "version: 2")),
    ("a directory without a revision", |s| s.edit("directory.yaml", "revision: 7", "# none")),
    ("a house of an unknown tenant", |s| s.edit("directory.yaml", "tenant: south", "tenant: sout")),
    ("a house that stands twice", |s| s.edit("directory.yaml", "id: house-2", "id: house-1")),
    ("a door that stands twice", |s| s.edit("directory.yaml", "[door-1, door-2]", "[door-1, door-1]")),
    ("updates of a directory that may grow as old as it likes", |s| s.edit(CONFIG, ", max_age: 24h}", "}")),
    ("a directory that may grow too old", |s| s.edit(CONFIG, "max_age: 24h", "max_age: 1y")),
    ("a directory that may grow older than a month", |s| s.edit(CONFIG, "max_age: 24h", "max_age: 31d")),
    ("a directory signed by a key of tokens", |s| {
        let login = std::fs::read_to_string(s.place.path().join("pki/login.jwks")).unwrap();
        s.write("pki/directory.jwks", format!("{login}\n"));
    }),
    ("a directory that was made at no time", |s| {
        s.write("directory.yaml", "version: 1\nrevision: 7\nmade_at: noon\ntenants: []\nhouses: []\n");
    }),
    ("a house of an unknown zone", |s| s.edit("directory.yaml", "Europe/Moscow", "Europe/Moskow")),
    ("a house of no partner that is told", |s| {
        s.edit("directory.yaml", "Asia/Yekaterinburg, partners: [smarthome, parkline]", "Asia/Yekaterinburg")
    }),
    ("a house with an unknown key", |s| s.edit("directory.yaml", "barriers:", "bariers:")),
];

/// The bundle: requirements, schema, policies, constants.
pub(super) const BUNDLE: &[Case] = &[
    ("a bundle of another environment", |s| {
        s.edit(REQUIREMENTS, "environment: development", "environment: production")
    }),
    ("an issuer that is not approved", |s| {
        s.edit(REQUIREMENTS, "https://login.prop.example", "https://id.prop.example")
    }),
    ("a host that is not approved", |s| s.edit(REQUIREMENTS, "127.0.0.1", "api.smarthome.example")),
    ("a partner that is not approved", |s| s.edit(REQUIREMENTS, "smarthome:", "smartdoor:")),
    ("requirements with an unknown key", |s| s.edit(REQUIREMENTS, "environment:", "enviroment:")),
    ("a bundle without requirements", |s| s.remove(REQUIREMENTS)),
    ("a bundle without a schema", |s| s.remove(SCHEMA)),
    ("a bundle without a policy", |s| {
        for name in ["barriers", "directory", "doors", "events", "houses", "partners", "revocations", "sessions"] {
            s.remove(&format!("policies/cedar/{name}.cedar"));
        }
    }),
    ("a file that has no place in a bundle", |s| s.write("policies/cedar/doors.cedar~", "")),
    ("a link in a bundle", |s| {
        let link = s.touch("policies/cedar/link.cedar");
        std::os::unix::fs::symlink("doors.cedar", link).unwrap();
    }),
    ("a policy that is no Cedar", |s| s.edit(DOORS, "permit (", "permits (")),
    ("a policy that reads what there is not", |s| s.edit(DOORS, "context.ageSeconds", "context.ageSecond")),
    ("a policy without a name", |s| s.edit(DOORS, "@id(\"door-at-once\")\n", "")),
    ("a policy without a reason", |s| {
        s.edit(DOORS, "@reason(\"Doors are moved by the smart-home partner and by no other.\")\n", "");
    }),
    ("an annotation that nobody reads", |s| {
        s.edit(DOORS, "@id(\"door-at-once\")", "@id(\"door-at-once\")\n@note(\"x\")");
    }),
    ("two policies of one name", |s| s.edit(DOORS, "@id(\"door-at-once\")", "@id(\"door-by-backend\")")),
    ("a policy that compares what cannot be equal", |s| {
        s.edit(DOORS, "context.purpose == \"access\"", "context.purpose == context.ageSeconds");
    }),
    ("a policy that never holds", |s| s.edit(DOORS, "context.ageSeconds > 10", "false")),
    ("a template", |s| {
        s.edit(
            DOORS,
            "principal is PropDevelopment::User in PropDevelopment::Role::\"resident\"",
            "principal == ?principal",
        )
    }),
    ("a schema that is none", |s| s.edit(SCHEMA, "entity Tenant;", "entity Tenant")),
    ("an action that the schema lacks", |s| s.edit(SMARTHOME, "action: openDoor", "action: openDor")),
    ("an operation that takes the gateway's own action", |s| s.edit(SMARTHOME, "action: openDoor", "action: revoke")),
    ("a resource that the schema lacks", |s| s.edit(SMARTHOME, "{type: Door,", "{type: Dor,")),
    ("an action for another resource", |s| s.edit(SCHEMA, "resource: [Door]", "resource: [House]")),
    ("a context that nobody fills", |s| s.edit(SCHEMA, "peer: String,", "peer: String, floor: Long,")),
    ("an entity with attributes", |s| {
        s.edit(SCHEMA, "entity Door in [House];", "entity Door in [House] { floor: Long };")
    }),
    ("two namespaces", |s| {
        s.edit(SCHEMA, "namespace PropDevelopment {", "namespace Other { entity Thing; }\nnamespace PropDevelopment {")
    }),
    ("a constant that is a person", |s| s.edit(CONSTANTS, "Role\", \"id\": \"concierge", "User\", \"id\": \"ivanov")),
    ("a constant in what is not listed", |s| {
        s.edit(
            CONSTANTS,
            "[{\"type\": \"PropDevelopment::Role\", \"id\": \"resident\"}]",
            "[{\"type\": \"PropDevelopment::Role\", \"id\": \"residnet\"}]",
        )
    }),
    ("a constant that stands in itself", |s| {
        s.edit(
            CONSTANTS,
            "[{\"type\": \"PropDevelopment::Role\", \"id\": \"resident\"}]",
            "[{\"type\": \"PropDevelopment::Role\", \"id\": \"concierge\"}]",
        )
    }),
    ("constants that are no JSON", |s| s.edit(CONSTANTS, "\"parents\": []},", "\"parents\": [],},")),
];

/// The contract.
pub(super) const CONTRACT: &[Case] = &[
    ("another version of OpenAPI", |s| s.edit(SMARTHOME, "openapi: 3.1.0", "openapi: 3.0.3")),
    ("an open object", |s| s.edit(SMARTHOME, "additionalProperties: false", "additionalProperties: true")),
    ("an unknown keyword", |s| {
        s.edit(SMARTHOME, "maxLength: 64", "maxLength: 64\n                  maximumLength: 64")
    }),
    ("a value without a class", |s| {
        s.edit(SMARTHOME, "enum: [access, guest]\n            x-portcullis: {class: public}", "enum: [access, guest]")
    }),
    ("an unknown class", |s| s.edit(SMARTHOME, "{class: public}", "{class: publik}")),
    ("an identifier of nobody", |s| s.edit(SMARTHOME, "of: user, claim: sub, ", "claim: sub, ")),
    ("a user that is not the token's", |s| s.edit(SMARTHOME, "of: user, claim: sub, ", "of: user, ")),
    ("a device that is not the token's", |s| s.edit(SMARTHOME, "of: device, claim: device_id, ", "of: device, ")),
    ("an identifier that nobody protects", |s| {
        s.edit(SMARTHOME, ", claim: sub, protect: pseudonymize}", ", claim: sub}")
    }),
    ("text without an end", |s| {
        s.edit(SMARTHOME, "                  minLength: 1\n                  maxLength: 64\n", "")
    }),
    ("a pattern that is not anchored", |s| {
        s.edit(SMARTHOME, "pattern: \"^[a-z0-9][a-z0-9-]{0,39}$\"", "pattern: \"[a-z0-9]+\"")
    }),
    ("a reference to nothing", |s| s.edit(SMARTHOME, "schemas/HouseId\"", "schemas/HauseId\"")),
    ("a move without an age", |s| s.edit(SMARTHOME, "        max_age: 10s\n", "")),
    ("a move that may be old", |s| s.edit(SMARTHOME, "max_age: 10s", "max_age: 2h")),
    ("a move without a key", |s| s.edit(SMARTHOME, "        idempotency: header\n", "")),
    ("a move of what the path does not name", |s| s.edit(SMARTHOME, "id: [houseId, doorId]", "id: [houseId]")),
    ("a way out that hangs on the gateway", |s| {
        s.edit(SMARTHOME, "        actuates: door\n", "        actuates: door\n        life_safety: egress\n")
    }),
    ("a path of the gateway's own", |s| s.edit(SMARTHOME, "/v1/houses/{houseId}", "/-/houses/{houseId}")),
    ("a parameter that the path lacks", |s| s.edit(SMARTHOME, "doors/{doorId}/open", "doors/door/open")),
    ("a direction that is none", |s| s.edit(SMARTHOME, "direction: outbound", "direction: sideways")),
    ("an answer of any status", |s| s.edit(SMARTHOME, "\"409\":", "default:")),
    ("a body that may be absent", |s| {
        s.edit(SMARTHOME, "      requestBody:\n        required: true", "      requestBody:\n        required: false")
    }),
    ("a contract in a file of another name", |s| s.edit(SMARTHOME, "partner: smarthome", "partner: smartdoor")),
];
