//! What an operation, a parameter or a path must say, and does not load without: with its code and line.

use super::compile;
use super::faults;
use super::load::NOTE;
use super::load::changed;
use super::load::refused;
use crate::contract::Idempotency;

#[test]
fn what_moves_something_says_all_that_it_must() {
    refused(&[
        ("        max_age: 10s\n", "", "actuates-max-age", -1),
        ("        idempotency: header\n", "", "actuates-idempotency", -2),
        ("max_age: 10s", "max_age: 10", "wrong-type", 0),
        ("max_age: 10s", "max_age: 0s", "duration", 0),
        ("max_age: 10s", "max_age: 61m", "duration", 0),
        ("max_age: 10s", "max_age: 10h", "duration", 0),
        ("idempotency: header", "idempotency: comment", "idempotency-field", 0),
        ("idempotency: header", "idempotency: nothing", "idempotency-field", 0),
        ("actuates: door", "actuates: barrier", "actuates-object", -3),
        ("actuates: door", "actuates: lamp", "unknown-word", 0),
        ("id: [houseId, doorId]}", "id: [houseId, requestId]}", "actuates-object", 0),
        ("id: [houseId, doorId]}", "id: [doorId, houseId]}", "actuates-object", 0),
        ("\"409\":", "\"202\":", "actuates-answer", 0),
        ("\"409\":", "\"303\":", "actuates-answer", 0),
        ("\"409\":", "\"399\":", "actuates-answer", 0),
        ("\"409\":", "\"500\":", "actuates-answer", 0),
        ("\"409\":", "\"503\":", "actuates-answer", 0),
        ("id: [houseId, doorId]}", "id: []}", "resource-id", 0),
        ("id: [houseId, doorId]}", "id: [houseId, reason]}", "resource-id", 0),
        ("id: [houseId, doorId]}", "id: [houseId, comment]}", "resource-id", 0),
    ]);
    refused(&[
        ("        max_age: 10s\n", "        max_age: 10s\n        life_safety: egress\n", "egress-local-override", 1),
        (
            "        max_age: 10s\n",
            "        max_age: 10s\n        life_safety: egress\n        local_override: false\n",
            "egress-local-override",
            2,
        ),
        ("        max_age: 10s\n", "        max_age: 10s\n        local_override: true\n", "local-override-unfit", 1),
        ("        max_age: 10s\n", "        max_age: 10s\n        life_safety: fire\n", "unknown-word", 1),
    ]);
    let also = |more: &'static str| format!("        max_age: 10s\n        {more}\n");
    let wrong = [
        ("acr: []", "invalid-value"),
        ("acr: [a, a]", "invalid-value"),
        ("acr: [\"a b\"]", "invalid-value"),
        ("amr: ['a\"b']", "invalid-value"),
        ("amr: [\"\"]", "invalid-value"),
        ("acr: [a, b, c, d, e, f, g, h, i]", "invalid-value"),
        ("acr: high", "wrong-type"),
        ("max_auth_age: 0s", "duration"),
        ("max_auth_age: 25h", "duration"),
        ("max_auth_age: PT5M", "duration"),
        ("max_auth_age: 5", "wrong-type"),
    ];
    for (more, code) in wrong {
        refused(&[("        max_age: 10s\n", &also(more), code, 1)]);
    }
    let (text, _) =
        changed("        max_age: 10s\n", &also("acr: [high, highest]\n        amr: [otp]\n        max_auth_age: 24h"));
    let demand = compile(&text).unwrap().operations()[0].authentication.clone();
    assert_eq!(demand.levels.join(" "), "high highest");
    assert_eq!((demand.means.join(" "), demand.max_age_s), ("otp".to_owned(), Some(86_400)));
    let (text, _) = changed("max_age: 10s", "max_age: 1m\n        life_safety: egress\n        local_override: true");
    let contract = compile(&text).unwrap();
    assert!(contract.operations()[0].lets_people_out);
    assert_eq!(contract.operations()[0].max_age_s, Some(60));
    for final_status in ["206", "400", "499"] {
        let (text, _) = changed("\"409\":", &format!("\"{final_status}\":"));
        assert_eq!(faults(&text), [], "{final_status}");
    }
    // What moves nothing may be answered with anything that is declared.
    let (text, _) = changed("        actuates: door\n", "");
    assert_eq!(faults(&text.replace("\"409\":", "\"503\":")), []);
    let (text, _) = changed("idempotency: header", "idempotency: requestId");
    assert_eq!(compile(&text).unwrap().operations()[0].idempotency, Some(Idempotency::BodyField("requestId".into())));
    let (text, line) = changed("    post:\n", "    get:\n");
    assert_eq!(faults(&text), [("body-unfit", line + 27), ("actuates-method", line + 7)]);
}

#[test]
fn what_an_operation_says_must_be_known_and_whole() {
    refused(&[
        ("        action: openDoor\n", "", "missing-key", 0),
        ("        purpose: access\n", "", "missing-key", -7),
        ("        direction: outbound\n", "        direction: outbound\n        scope: a\n", "inbound-scope", 1),
        ("        direction: outbound\n", "        direction: sideways\n", "unknown-word", 0),
        ("        purpose: access\n", "        purpose: a b\n", "invalid-name", 0),
        ("        purpose: access\n", "        purpose: access\n        revoke_within: 1s\n", "unknown-key", 1),
        ("right: {type: door_access, action: open}", "right: {type: door_access}", "missing-key", 0),
        ("right: {type: door_access, action: open}", "right: {type: door_acess, action: open}", "unknown-word", 0),
        ("operationId: listDoors", "operationId: openDoor", "duplicate-operation", 0),
        ("operationId: listDoors", "operationId: list doors", "invalid-name", 0),
        ("      operationId: listDoors\n", "", "missing-key", 0),
        (
            "        \"201\": {description: taken}\n",
            "        \"201\": {description: taken, links: {}}\n",
            "unknown-key",
            0,
        ),
        ("        \"201\":", "        default:", "status", 0),
        ("        \"201\":", "        \"2XX\":", "status", 0),
        ("        \"201\":", "        \"101\":", "status", 0),
        ("        \"201\":", "        \"+20\":", "status", 0),
        (
            "\"201\": {description: taken}",
            "\"204\": {content: {application/json: {schema: {type: object}}}}",
            "body-unfit",
            0,
        ),
        (
            "\"201\": {description: taken}",
            "\"201\": {content: {text/plain: {}, application/json: {schema: {type: object}}}}",
            "media-type",
            0,
        ),
        ("\"201\": {description: taken}", "\"201\": {content: {}}", "media-type", 0),
        (
            "\"201\": {description: taken}",
            "\"201\": {content: {application/json: {schema: {type: boolean, x-portcullis: {class: public}}}}}",
            "body-not-an-object",
            0,
        ),
        ("X-Door-State:", "Set-Cookie:", "reserved-header", 0),
        ("X-Door-State:", "Location:", "reserved-header", 0),
        ("        required: true\n        content:", "        content:", "optional-body", 0),
    ]);
    let (text, line) = changed("        \"200\":\n          content:", "        \"404\":\n          content:");
    let unsaid = [("no-success", line - 5), ("records-missing", line + 4), ("records-array", line - 4)];
    assert_eq!(faults(&text), unsaid);
}

#[test]
fn parameters_are_declared_once_where_the_path_says_and_by_plain_names() {
    refused(&[
        (
            NOTE,
            "{name: note, in: cookie, schema: {type: string, maxLength: 20, x-portcullis: {class: public}}}",
            "unknown-word",
            0,
        ),
        (
            NOTE,
            "{name: note, in: query, style: deepObject, schema: {type: string, maxLength: 20, x-portcullis: {class: public}}}",
            "unknown-word",
            0,
        ),
        (
            NOTE,
            "{name: \"note[]\", in: query, schema: {type: string, maxLength: 20, x-portcullis: {class: public}}}",
            "parameter-name",
            0,
        ),
        (
            NOTE,
            "{name: note, in: query, schema: {type: array, maxItems: 1, items: {type: array, maxItems: 1, items: {type: boolean, x-portcullis: {class: public}}}}}",
            "not-a-leaf",
            0,
        ),
        (NOTE, "{name: note, in: query, schema: {type: object}}", "not-a-leaf", 0),
        (
            NOTE,
            "{name: other, in: path, required: true, schema: {type: string, maxLength: 20, x-portcullis: {class: public}}}",
            "path-parameter",
            0,
        ),
        (NOTE, "{name: note, in: query}", "missing-key", 0),
        ("name: X-Locale", "name: X-Forwarded-For", "reserved-header", 0),
        ("name: X-Locale", "name: authorization", "reserved-header", 0),
        ("name: X-Locale", "name: Idempotency-Key", "reserved-header", 0),
        ("name: X-Locale", "name: Content-Type", "reserved-header", 0),
        ("name: X-Locale", "name: \"a b\"", "reserved-header", 0),
        ("          required: true\n          schema", "          schema", "path-parameter", -2),
    ]);
    let twice = NOTE.replace("maxLength: 20", "maxLength: 21");
    let (text, _) = changed(NOTE, &format!("{NOTE}\n        - {twice}"));
    assert_eq!(faults(&text), [("ambiguous-name", 7)]);
    let (text, _) = changed(NOTE, &NOTE.replace("name: note", "name: userId"));
    assert_eq!(faults(&text), [("ambiguous-name", 7)]);
    let locale = "{name: x-locale, in: header, schema: {type: boolean, x-portcullis: {class: public}}}";
    let (text, _) = changed(NOTE, locale);
    assert_eq!(faults(&text), [("ambiguous-name", 7)]);
    let (text, line) = changed(
        "            X-Door-State:",
        "            x-door-state: {schema: {type: boolean, x-portcullis: {class: public}}}\n            X-Door-State:",
    );
    assert_eq!(faults(&text), [("ambiguous-name", line - 3)]);
    let (text, _) = changed("        - name: doorId\n", "        - name: gateId\n");
    assert_eq!(faults(&text), [("path-parameter", 7), ("path-parameter", 20)]);
}

#[test]
fn a_path_is_plain_and_leaves_the_gateways_own_alone() {
    let path = "  /v1/houses/{houseId}/doors:";
    refused(&[
        (path, "  /-/houses/{houseId}/doors:", "reserved-path", 0),
        (path, "  /.well-known/{houseId}/doors:", "reserved-path", 0),
        (path, "  /{houseId}/doors:", "reserved-path", 0),
        (path, "  /v1/houses/{houseId}/doors/:", "path-template", 0),
        (path, "  /v1//{houseId}/doors:", "path-template", 0),
        (path, "  v1/{houseId}/doors:", "path-template", 0),
        (path, "  /v1/../{houseId}/doors:", "path-template", 0),
        (path, "  /v1/house-{houseId}/doors:", "path-template", 0),
        (path, "  /v1/{houseId}/{houseId}:", "path-template", 0),
        (path, "  \"/v1/a b/{houseId}\":", "path-template", 0),
        (path, "  /v1/a%20b/{houseId}:", "path-template", 0),
        (path, "  /v1/houses/north/doors/{houseId}/open:", "overlapping-paths", 0),
    ]);
    let overlap = changed(path, "  /v1/{houseId}/x/doors/d/open:").0;
    assert_eq!(faults(&overlap).first().map(|fault| fault.0), Some("overlapping-paths"));
    let apart = changed(path, "  /v1/houses/{houseId}/gates:").0;
    assert_eq!(faults(&apart), []);
}

#[test]
fn methods_that_never_cross_cannot_be_declared() {
    for method in ["connect", "trace", "head"] {
        let (text, line) = changed("    get:\n", &format!("    {method}:\n"));
        assert!(faults(&text).contains(&("unknown-key", line)), "{method}: {:?}", faults(&text));
    }
}
