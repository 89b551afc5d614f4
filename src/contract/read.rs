//! Reading an OpenAPI 3.1 document as it is written: paths, operations, parameters, bodies, answers.
//!
//! Known are the keys that the gateway holds requests against, and annotations. `servers`, `security`, callbacks, links,
//! other styles of parameters and media types other than JSON's are faults: they would promise what nobody enforces.

use crate::contract::headers;
use crate::contract::read_schema;
use crate::contract::read_webhook;
use crate::contract::refs::Refs;
use crate::contract::written::Answer;
use crate::contract::written::At;
use crate::contract::written::Body;
use crate::contract::written::Document;
use crate::contract::written::In;
use crate::contract::written::Operation;
use crate::contract::written::Parameter;
use crate::contract::written::PathItem;
use crate::contract::written_words;
use crate::yaml::Fields;
use crate::yaml::Key;
use crate::yaml::Node;
use crate::yaml::Reader;
use http::Method;
use http::StatusCode;

/// The methods that can be declared. CONNECT and TRACE never cross; HEAD does not, because its answer tells the length of
/// a body that does not follow, and `wire` reads an answer whole.
const METHODS: [(&str, Method); 6] = [
    ("get", Method::GET),
    ("put", Method::PUT),
    ("post", Method::POST),
    ("patch", Method::PATCH),
    ("delete", Method::DELETE),
    ("options", Method::OPTIONS),
];

/// Reads the document; the faults are the reader's. What could be read is returned also when something could not, so that the
/// compiler finds the faults of the rest.
pub(super) fn document<'a>(reader: &'a Reader, root: &'a Node) -> Option<Document<'a>> {
    let fields = reader.fields(root)?;
    if let Some(node) = fields.required("openapi")
        && let Some(version) = reader.text(node)
        && !version.starts_with("3.1.")
    {
        reader.fault("openapi-version", node.place, format!("`{version}` is not OpenAPI 3.1"));
    }
    fields.required("info");
    fields.optional("tags");
    let words = fields.required("x-portcullis").and_then(|node| written_words::contract(reader, node));
    let refs = Refs::new(reader, root);
    let components = fields.optional("components");
    let paths = fields.required("paths").and_then(|node| reader.fields(node));
    let items = paths.map(|paths| paths.rest());
    let webhooks = fields.optional("webhooks");
    fields.finish();
    let items = items?;
    let count = items.len();
    let paths: Vec<PathItem<'_>> = items.into_iter().filter_map(|(key, node)| path_item(&refs, key, node)).collect();
    let webhooks = webhooks.map(|node| read_webhook::webhooks(&refs, node)).unwrap_or_default();
    let whole = paths.len() == count
        && paths.iter().flat_map(|path| &path.operations).all(Option::is_some)
        && webhooks.iter().all(Option::is_some);
    refs.finish(components, whole);
    if paths.iter().all(|path| path.operations.is_empty()) && webhooks.is_empty() {
        reader.fault("no-operations", root.place, "the contract declares neither operation nor event");
    }
    Some(Document { words, paths, webhooks })
}

fn path_item<'a>(refs: &Refs<'a>, key: &'a Key, node: &'a Node) -> Option<PathItem<'a>> {
    let reader = refs.reader;
    let fields = reader.fields(node)?;
    fields.optional("summary");
    fields.optional("description");
    let shared = fields.optional("parameters");
    let mut operations = Vec::new();
    for (word, method) in METHODS {
        let Some(node) = fields.optional(word) else { continue };
        operations.push(operation(refs, node, method, shared));
    }
    fields.finish();
    let template = At { place: key.place, value: key.text.as_str() };
    Some(PathItem { template, operations })
}

fn operation<'a>(refs: &Refs<'a>, node: &'a Node, method: Method, shared: Option<&'a Node>) -> Option<Operation<'a>> {
    let reader = refs.reader;
    let fields = reader.fields(node)?;
    for annotation in ["summary", "description", "tags", "deprecated"] {
        fields.optional(annotation);
    }
    let id = fields
        .required("operationId")
        .and_then(|node| Some(At { place: node.place, value: written_words::name(reader, node)? }));
    let words = fields.required("x-portcullis").and_then(|node| written_words::operation(reader, node));
    let own = fields.optional("parameters");
    let lists: Option<Vec<&[Node]>> = shared.into_iter().chain(own).map(|node| reader.list(node)).collect();
    let parameters = lists
        .and_then(|lists| all(lists.into_iter().flatten(), |node| refs.follow(node, &|node| parameter(refs, node))));
    let bodies = match fields.optional("requestBody") {
        None => Some(Vec::new()),
        Some(node) => refs.follow(node, &|node| request_body(refs, node)),
    };
    let answers = fields
        .required("responses")
        .and_then(|node| reader.fields(node))
        .and_then(|responses| all(responses.rest(), |(key, node)| refs.follow(node, &|node| answer(refs, key, node))));
    fields.finish();
    Some(Operation {
        place: node.place,
        method,
        id: id?,
        words: words?,
        parameters: parameters?,
        bodies: bodies?,
        answers: answers?,
    })
}

fn parameter<'a>(refs: &Refs<'a>, node: &'a Node) -> Option<Parameter<'a>> {
    let reader = refs.reader;
    let fields = reader.fields(node)?;
    read_schema::annotations(&fields);
    let name = fields.required("name").and_then(|node| Some(At { place: node.place, value: reader.text(node)? }));
    let places = [("path", In::Path), ("query", In::Query), ("header", In::Header)];
    let location = fields.required("in").and_then(|node| reader.word(node, &places));
    let required = required(reader, &fields);
    if location == Some(In::Query) {
        one_spelling(reader, &fields);
    }
    let schema = fields.required("schema").and_then(|node| read_schema::schema(refs, node));
    fields.finish();
    let (name, location, required) = (name?, location?, required?);
    if location == In::Path && !required {
        reader.fault(
            "path-parameter",
            name.place,
            format!("the path parameter `{}` is not `required: true`", name.value),
        );
    }
    if location == In::Header {
        header_name(reader, name)?;
    }
    Some(Parameter { name, location, required, schema: schema? })
}

/// A list in a query is written `name=a&name=b`, which is what OpenAPI means by default.
fn one_spelling(reader: &Reader, fields: &Fields<'_>) {
    fields.optional("style").and_then(|node| reader.word(node, &[("form", ())]));
    if let Some(node) = fields.optional("explode")
        && reader.boolean(node) == Some(false)
    {
        let fault = reader.source().fault("parameter-style", node.place, "a list in a query can only be exploded");
        reader.report(fault.help("it is written `name=a&name=b`; take `explode` out"));
    }
}

pub(super) fn request_body<'a>(refs: &Refs<'a>, node: &'a Node) -> Option<Vec<Body<'a>>> {
    let reader = refs.reader;
    let fields = reader.fields(node)?;
    fields.optional("description");
    if required(reader, &fields) == Some(false) {
        let fault = reader.source().fault("optional-body", node.place, "the body is not `required: true`");
        reader.report(fault.help("an operation has a body or has none"));
    }
    let bodies = fields.required("content").and_then(|node| content(refs, node));
    fields.finish();
    bodies
}

fn answer<'a>(refs: &Refs<'a>, key: &'a Key, node: &'a Node) -> Option<Answer<'a>> {
    let reader = refs.reader;
    let fields = reader.fields(node)?;
    fields.optional("description");
    let status = key.text.parse::<u16>().ok().filter(|code| (200..=599).contains(code));
    let status = status.and_then(|code| StatusCode::from_u16(code).ok()).filter(|_| key.text.len() == 3);
    if status.is_none() {
        let message = format!("`{}` is no status of 200 to 599", key.text);
        let fault = reader.source().fault("status", key.place, message);
        reader.report(fault.help("declare each status on its own; `default` and ranges would let any through"));
    }
    let headers = match fields.optional("headers") {
        None => Some(Vec::new()),
        Some(node) => reader.fields(node).and_then(|headers| {
            all(headers.rest(), |(key, node)| refs.follow(node, &|node| answer_header(refs, key, node)))
        }),
    };
    let bodies = match fields.optional("content") {
        None => Some(Vec::new()),
        Some(node) => content(refs, node),
    };
    fields.finish();
    let status = At { place: key.place, value: status? };
    Some(Answer { status, headers: headers?, bodies: bodies? })
}

fn answer_header<'a>(refs: &Refs<'a>, key: &'a Key, node: &'a Node) -> Option<Parameter<'a>> {
    let reader = refs.reader;
    let fields = reader.fields(node)?;
    read_schema::annotations(&fields);
    let required = required(reader, &fields);
    let schema = fields.required("schema").and_then(|node| read_schema::schema(refs, node));
    fields.finish();
    let name = At { place: key.place, value: key.text.as_str() };
    header_name(reader, name)?;
    Some(Parameter { name, location: In::Header, required: required?, schema: schema? })
}

/// The forms that a body can have, by media type: at least one.
fn content<'a>(refs: &Refs<'a>, node: &'a Node) -> Option<Vec<Body<'a>>> {
    let reader = refs.reader;
    let entries = reader.fields(node)?.rest();
    if entries.is_empty() {
        let fault = reader.source().fault("media-type", node.place, "no media type is declared");
        reader.report(fault.help("declare `application/json`, or leave `content` out"));
        return None;
    }
    all(entries, |(key, node)| {
        if !headers::is_json_type(&key.text) {
            let message = format!("the media type `{}` cannot cross", key.text);
            let fault = reader.source().fault("media-type", key.place, message);
            reader.report(fault.help(
                "declare `application/json` or `application/<name>+json`, in small letters and without parameters",
            ));
            return None;
        }
        let fields = reader.fields(node)?;
        fields.optional("example");
        fields.optional("examples");
        let schema = fields.required("schema").and_then(|node| read_schema::schema(refs, node));
        fields.finish();
        Some(Body { media_type: &key.text, schema: schema? })
    })
}

fn required(reader: &Reader, fields: &Fields<'_>) -> Option<bool> {
    fields.optional("required").map_or(Some(false), |node| reader.boolean(node))
}

fn header_name(reader: &Reader, name: At<&str>) -> Option<()> {
    let lower = name.value.to_ascii_lowercase();
    let fits = http::HeaderName::try_from(lower.as_str()).is_ok() && headers::declarable(&lower);
    if !fits {
        let message = format!("the header `{}` cannot be declared", name.value);
        let fault = reader.source().fault("reserved-header", name.place, message);
        reader.report(fault.help("the gateway gives this field its meaning, refuses it, or never lets it cross"));
    }
    fits.then_some(())
}

/// Reads all of them, so that all faults are found; `None` if one failed.
fn all<T, U>(items: impl IntoIterator<Item = T>, mut read: impl FnMut(T) -> Option<U>) -> Option<Vec<U>> {
    let mut whole = true;
    let mut values = Vec::new();
    for item in items {
        match read(item) {
            Some(value) => values.push(value),
            None => whole = false,
        }
    }
    whole.then_some(values)
}
