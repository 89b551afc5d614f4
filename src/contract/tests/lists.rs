//! Lists in a query, and which paths compete.

use super::claim;
use super::compile;
use super::faults;
use super::kept;
use crate::contract::Contract;
use crate::contract::ContractFault;
use crate::contract::declare;
use crate::contract::rebuild::rebuild_for;
use crate::model::Head;
use crate::model::Treated;
use crate::problem::WrongPlace;
use http::HeaderMap;
use http::Method;
use std::sync::Arc;

/// An operation with these query parameters and path.
fn searching(path: &str, parameters: &str) -> String {
    format!(
        "openapi: 3.1.0\ninfo: {{}}\nx-portcullis: {{partner: p, recipient: r, country: RU, retention: P1D}}\npaths:\n  {path}:\n    get:\n      operationId: op\n      x-portcullis: {{action: a, resource: {{type: House, id: [id]}}, direction: outbound, purpose: p, legal_basis: b}}\n      parameters:\n        - {{name: id, in: path, required: true, schema: {{type: string, maxLength: 9, x-portcullis: {{class: public}}}}}}\n{parameters}      responses: {{\"200\": {{description: found}}}}\n"
    )
}

/// A list parameter `tag` whose schema says also this, and a user's id that may stand there often.
fn lists(array: &str) -> String {
    let tag = format!(
        "        - {{name: tag, in: query, schema: {{type: array, {array}, items: {{type: string, maxLength: 3, x-portcullis: {{class: public}}}}}}}}\n"
    );
    let user = "        - {name: user, in: query, schema: {type: array, maxItems: 2, items: {type: string, maxLength: 9, x-portcullis: {class: identifier, of: user, claim: sub, protect: pseudonymize}}}}\n";
    searching("/v1/{id}", &format!("{tag}{user}"))
}

fn contract(text: &str) -> Arc<Contract> {
    Arc::new(compile(text).unwrap_or_else(|faults| panic!("{faults}")))
}

fn asking(query: &str) -> Head {
    Head {
        method: Method::GET,
        path: "/v1/1".into(),
        query: Some(query.into()),
        authority: "x".into(),
        fields: HeaderMap::new(),
        content_length: None,
        no_body: true,
    }
}

fn target(contract: &Arc<Contract>, query: &str) -> Result<String, ContractFault> {
    let rebuilt = rebuild_for(declare(contract, &asking(query))?, &claim, b"")?;
    assert!(rebuilt.value("tag").and_then(crate::json::Value::as_str).is_none());
    Ok(kept(&rebuilt).target.into())
}

#[test]
fn a_list_is_spelled_by_repetition_and_in_no_other_way() {
    let contract = contract(&lists("minItems: 2, maxItems: 3, uniqueItems: true"));
    assert_eq!(target(&contract, "tag=a&tag=b").unwrap(), "/v1/1?tag=a&tag=b");
    assert_eq!(target(&contract, "tag=b&user=u-1&tag=%61&tag=,").unwrap(), "/v1/1?tag=b&tag=a&tag=%2C&user=u-1");
    for (query, pointer, expected) in [
        ("tag=a", "tag", "items"),
        ("tag=a&tag=b&tag=c&tag=d", "tag", "items"),
        ("tag=a&tag=%61", "tag", "unique"),
        ("tag=a&tag=abcd", "tag", "length"),
        ("tag=a&tag=b+c", "tag", "well-formed"),
        ("tag[]=a&tag[]=b", "", "declared"),
        ("tag[0]=a&tag[1]=b", "", "declared"),
        ("tag=a|b", "tag", "well-formed"),
    ] {
        let place = WrongPlace { part: "query", pointer: pointer.to_owned(), expected };
        assert_eq!(target(&contract, query), Err(ContractFault::Query(place)), "{query}");
    }
    let one_text = target(&contract, "tag=a&tag=b,c").unwrap();
    assert_eq!(one_text, "/v1/1?tag=a&tag=b%2Cc", "a comma separates nothing");
    let digest = |query: &str| rebuild_for(declare(&contract, &asking(query)).unwrap(), &claim, b"").unwrap().digest();
    assert_eq!(digest("tag=a&user=u-1&tag=b"), digest("tag=a&tag=b&user=u-1"));
    assert_ne!(digest("tag=a&tag=b"), digest("tag=b&tag=a"));
}

#[test]
fn every_element_of_a_list_is_held_against_the_token_and_protected() {
    let contract = contract(&lists("maxItems: 3"));
    assert_eq!(target(&contract, "user=u-1&user=u-2"), Err(ContractFault::IdentifierMismatch));
    assert_eq!(target(&contract, "user=u-2"), Err(ContractFault::IdentifierMismatch));
    let rebuilt = rebuild_for(declare(&contract, &asking("user=u-1&user=u-1&tag=t")).unwrap(), &claim, b"").unwrap();
    let outgoing = rebuilt.render::<()>(&mut |leaf| {
        Ok(match leaf.protection {
            crate::model::Protection::Pseudonymize => Treated::Text("p1.x".to_owned()),
            _ if leaf.part == crate::model::Part::Query => Treated::Drop,
            _ => Treated::Keep,
        })
    });
    assert_eq!(&*outgoing.unwrap().target, "/v1/1?user=p1.x&user=p1.x");
}

#[test]
fn a_list_that_does_not_end_or_has_another_style_does_not_load() {
    let codes = |text: &str| faults(text).into_iter().map(|(code, _)| code).collect::<Vec<_>>();
    let good = lists("maxItems: 2");
    assert_eq!(codes(&good), [] as [&str; 0]);
    assert_eq!(codes(&lists("minItems: 1")), ["unbounded-array"]);
    assert_eq!(
        codes(&good.replace("name: tag, in: query,", "name: tag, in: query, style: form, explode: true,")),
        [] as [&str; 0]
    );
    assert_eq!(
        codes(&good.replace("name: tag, in: query,", "name: tag, in: query, explode: false,")),
        ["parameter-style"]
    );
    for style in ["spaceDelimited", "pipeDelimited", "deepObject", "simple"] {
        let text = good.replace("name: tag, in: query,", &format!("name: tag, in: query, style: {style},"));
        assert_eq!(codes(&text), ["unknown-word"], "{style}");
    }
    assert_eq!(
        codes(&good.replace("name: tag, in: query,", "name: tag, in: query, allowReserved: true,")),
        ["unknown-key"]
    );
    assert_eq!(codes(&good.replace("name: tag, in: query,", "name: X-Tag, in: header,")), ["not-a-leaf"]);
    assert_eq!(
        codes(&good.replace("name: tag, in: query,", "name: X-Tag, in: header, style: simple,")),
        ["unknown-key", "not-a-leaf"]
    );
    assert_eq!(
        codes(&good.replace("items: {type: string, maxLength: 3,", "items: {type: [string, \"null\"], maxLength: 3,")),
        ["null-unfit"]
    );
    assert_eq!(
        codes(&good.replace(
            "type: array, maxItems: 2, items: {type: string, maxLength: 3, x",
            "type: [array, \"null\"], maxItems: 2, items: {type: string, maxLength: 3, x"
        )),
        ["null-unfit"]
    );
    assert_eq!(
        codes(&good.replace("id: [id]", "id: [tag]").replace("name: tag,", "name: tag, required: true,")),
        ["resource-id"]
    );
}

#[test]
fn no_two_templates_that_one_path_could_fit_load_together() {
    let with = |other: &str| {
        let text = searching("/v1/{id}/x", "");
        let (head, operation) = text.split_once("  /v1/{id}/x:\n").unwrap();
        let second = operation.replace("operationId: op", "operationId: other");
        let found = faults(&format!("{head}  /v1/{{id}}/x:\n{operation}  {other}:\n{second}"));
        found.into_iter().map(|(code, _)| code).collect::<Vec<_>>()
    };
    // A parameter stands for any piece, whatever its pattern: which patterns have no text in common, nobody reads off them.
    for other in ["/v1/{id}/{name}", "/v1/{other}/x", "/v1/literal/x", "/v1/literal/{id}"] {
        let found = with(other);
        assert_eq!(found.first(), Some(&"overlapping-paths"), "{other}: {found:?}");
    }
    for other in ["/v1/{id}/y", "/v2/{id}/x", "/v1/{id}", "/v1/{id}/x/y", "/v1/{id}/X", "/V1/{id}/x"] {
        assert_eq!(with(other), [] as [&str; 0], "{other}");
    }
}
