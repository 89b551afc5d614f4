//! The closed world laid out: the very leaves that the compiler lists, each with what bounds it.

use super::DOORS;
use crate::contract::Contract;
use crate::contract::View;
use crate::contract::ViewedBody;
use crate::contract::ViewedValue;
use crate::diagnostic::Source;
use crate::limits::Limits;
use crate::model::Part;
use std::collections::BTreeSet;

const SAMPLES: [&str; 3] = [
    DOORS,
    include_str!("../../../policies/contracts/smarthome.openapi.yaml"),
    include_str!("../../../policies/contracts/parkline.openapi.yaml"),
];

fn view(text: &str) -> View {
    View::of(&Source::new("test.yaml", text), &Limits::default()).unwrap_or_else(|faults| panic!("{faults}"))
}

/// A leaf, for comparison.
type Row = (u8, Option<u16>, String, String, Option<String>, bool);

const fn order(part: Part) -> u8 {
    match part {
        Part::Path => 0,
        Part::Query => 1,
        Part::Header => 2,
        Part::Body => 3,
    }
}

fn rows<'v>(status: Option<u16>, values: impl IntoIterator<Item = &'v ViewedValue>) -> Vec<Row> {
    let row = |value: &ViewedValue| {
        let leaf = value.leaf.as_ref()?;
        let rule = format!("{:?} {:?} {:?}", leaf.class, leaf.of, leaf.protection);
        Some((order(value.part), status, value.pointer.clone(), rule, leaf.claim.clone(), value.required))
    };
    values.into_iter().filter_map(row).collect()
}

fn compiled(fields: &[crate::contract::Field]) -> BTreeSet<Row> {
    let row = |field: &crate::contract::Field| {
        let rule = format!("{:?} {:?} {:?}", field.rule.class, field.rule.of, field.rule.protection);
        let claim = field.claim.as_deref().map(str::to_owned);
        (order(field.part), field.status, field.pointer.clone(), rule, claim, field.required)
    };
    fields.iter().map(row).collect()
}

fn of_bodies(status: Option<u16>, bodies: &[ViewedBody]) -> Vec<Row> {
    bodies.iter().flat_map(|body| rows(status, &body.values)).collect()
}

#[test]
fn the_view_has_the_leaves_of_the_compiled_contract_and_no_others() {
    for text in SAMPLES {
        let contract = Contract::compile(&Source::new("test.yaml", text)).unwrap();
        let view = view(text);
        assert_eq!(view.operations.len(), contract.operations().len());
        for (one, operation) in view.operations.iter().zip(contract.operations()) {
            let mut found: BTreeSet<Row> = rows(None, &one.parameters).into_iter().collect();
            found.extend(of_bodies(None, &one.bodies));
            for answer in &one.answers {
                found.extend(rows(Some(answer.status), &answer.headers));
                found.extend(of_bodies(Some(answer.status), &answer.bodies));
            }
            assert_eq!(found, compiled(&operation.fields), "{}", one.id);
        }
        assert_eq!(view.events.len(), contract.events().len());
        for (one, event) in view.events.iter().zip(contract.events()) {
            let found: BTreeSet<Row> = rows(None, &one.body.values).into_iter().collect();
            assert_eq!(found, compiled(&event.fields), "{}", one.name);
        }
    }
}

const SHAPES: &str = r#"openapi: 3.1.0
info: {title: t, version: "1"}
x-portcullis: {partner: p, recipient: r, country: RU, retention: P1D}
paths:
  /a/{id}:
    post:
      operationId: a
      x-portcullis:
        {action: a, resource: {type: House, id: [id]}, direction: outbound, purpose: p, legal_basis: c}
      parameters:
        - {name: id, in: path, required: true, schema: {type: string, maxLength: 9, x-portcullis: {class: public}}}
        - {name: q, in: query, schema: {type: array, maxItems: 3, items: {type: integer, format: int32, x-portcullis: {class: public}}}}
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [text, any]
              properties:
                text: {type: [string, "null"], minLength: 1, maxLength: 5, pattern: "^[a-z]+$", x-portcullis: {class: public}}
                price: {type: number, exclusiveMinimum: 0, maximum: 9.5, multipleOf: 0.01, x-portcullis: {class: public}}
                yes: {type: boolean, const: true, x-portcullis: {class: public}}
                free:
                  type: object
                  propertyNames: {type: string, maxLength: 4, x-portcullis: {class: public}}
                  additionalProperties: {type: string, format: date, x-portcullis: {class: public}}
                  maxProperties: 2
                any:
                  anyOf:
                    - {type: integer, x-portcullis: {class: public}}
                    - {type: array, maxItems: 1, uniqueItems: true, items: {type: boolean, x-portcullis: {class: public}}}
                pick:
                  type: object
                  discriminator: {propertyName: kind}
                  oneOf:
                    - {type: object, required: [kind], properties: {kind: {type: string, const: a/b, x-portcullis: {class: public}}}}
                    - {type: object, required: [kind], properties: {kind: {type: string, enum: [c, d], x-portcullis: {class: public}}}}
      responses:
        "204": {description: done}
"#;

#[test]
fn every_shape_is_told_with_its_limits_in_words() {
    let view = view(SHAPES);
    let operation = &view.operations[0];
    let told = |values: &[ViewedValue]| -> Vec<String> {
        let told = values.iter().map(|one| {
            format!("{} {} [{}]{}", one.pointer, one.kind, one.bounds, if one.required { " always" } else { "" })
        });
        told.collect()
    };
    assert_eq!(
        told(&operation.parameters),
        [
            "id string [0 to 9 characters] always",
            "q array [0 to 3 elements]",
            "q/* integer [from -2147483648 to 2147483647]"
        ]
    );
    assert_eq!(
        told(&operation.bodies[0].values),
        [
            " object [6 members, no others] always",
            "/text string or null [1 to 5 characters, `^[a-z]+$`]",
            "/price number [above 0 to 9.5, a multiple of 0.01]",
            "/yes boolean [only `true`]",
            "/free map [0 to 2 members]",
            "/free/*# string [0 to 4 characters]",
            "/free/* string [date]",
            "/any/(number) integer []",
            "/any/(array) array [0 to 1 elements, none twice]",
            "/any/(array)/* boolean []",
            "/pick one object of several [told by `kind`]",
            "/pick branch 1 [where `kind` is `a/b`]",
            "/pick/kind string [`a/b`]",
            "/pick branch 2 [where `kind` is `c`, `d`]",
            "/pick/kind string [`c`, `d`]",
        ]
    );
    assert_eq!((operation.answers[0].status, operation.answers[0].bodies.len()), (204, 0));
    let contract = Contract::compile(&Source::new("test.yaml", SHAPES)).unwrap();
    let mut found: BTreeSet<Row> = rows(None, &operation.parameters).into_iter().collect();
    found.extend(of_bodies(None, &operation.bodies));
    assert_eq!(found, compiled(&contract.operations()[0].fields));
}

#[test]
fn a_contract_that_does_not_load_has_no_view() {
    let broken = SHAPES.replace("maxLength: 9", "maxLength: 9, secret: 1");
    let faults = View::of(&Source::new("test.yaml", broken), &Limits::default()).map(|_| ()).unwrap_err();
    assert_eq!(faults.iter().next().unwrap().code, "unknown-key");
}
