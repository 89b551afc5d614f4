//! One operation of the description: its parameters, its body, its answers, as far as they can cross.

use crate::contract::draft::Drafter;
use crate::contract::draft::Made;
use crate::contract::draft::finding::Note;
use crate::contract::draft::here::Here;
use crate::contract::draft::lines::quoted;
use crate::contract::draft::schema::description;
use crate::contract::draft::shape::Answer;
use crate::contract::draft::shape::Drafted;
use crate::contract::draft::shape::Form;
use crate::contract::draft::shape::Leaf;
use crate::contract::draft::shape::LeafKind;
use crate::contract::draft::shape::Operation;
use crate::contract::draft::shape::Parameter;
use crate::contract::headers;
use crate::contract::target;
use crate::yaml::Yaml;

/// Keys of an operation that are read, or that say something to people only.
const KNOWN: [&str; 9] = [
    "tags",
    "summary",
    "description",
    "operationId",
    "parameters",
    "requestBody",
    "responses",
    "deprecated",
    "externalDocs",
];

/// Drafts an operation; a note of why it is left out.
pub(super) fn draft<'a>(
    drafter: &mut Drafter<'a>,
    item: &Here<'a>,
    here: &Here<'a>,
    method: &'static str,
    id: &str,
) -> Made<Operation> {
    let mut notes = Vec::new();
    for (key, at) in here.entries() {
        if !KNOWN.contains(&key.text.as_str()) && !key.text.starts_with("x-") {
            notes.push(Note::left_out(&at, "unsupported-keyword", format!("`{}`", key.text)));
        }
    }
    let body = match here.get("requestBody") {
        None => None,
        Some(at) if matches!(method, "get" | "delete" | "options") => {
            notes.push(Note::left_out(
                &at,
                "body-unfit",
                format!("a body of {} has no meaning", method.to_uppercase()),
            ));
            None
        }
        Some(at) => Some(request_body(drafter, &at, &mut notes)?),
    };
    let members = body.as_ref().and_then(|(_, body)| drafter.plain(body)).unwrap_or_default();
    let mut parameters = Vec::new();
    for at in declared(drafter, item, here) {
        match parameter(drafter, &at) {
            Ok(made) => {
                let clashes = made.location != "path" && members.iter().any(|member| member.name == made.name);
                let twice = parameters.iter().any(|known: &Parameter| known.name.eq_ignore_ascii_case(&made.name));
                if clashes || twice {
                    let why = format!("the parameter `{}`: another value has this name", made.name);
                    left_out(Note::left_out(&at, "ambiguous-name", why), made.required, &mut notes)?;
                } else {
                    parameters.push(made);
                }
            }
            Err(note) => {
                if at.text_of("in") == Some("path") {
                    return Err(note);
                }
                left_out(note, at.says("required"), &mut notes)?;
            }
        }
    }
    let answers = answers(drafter, here, &mut notes)?;
    let candidates = candidates(drafter, &parameters, &members);
    if candidates.is_empty() {
        let why = "no text of the request is always there that could name the thing it is about";
        return Err(Note::left_out(here, "resource-id", why));
    }
    Ok(Operation {
        place: here.node.place,
        pointer: here.pointer.clone(),
        method,
        id: id.to_owned(),
        description: description(here),
        parameters,
        body,
        answers,
        candidates,
        notes,
    })
}

/// Notes a parameter that is left out; where the partner requires it, the operation is.
fn left_out(note: Note, required: bool, notes: &mut Vec<Note>) -> Made<()> {
    if required {
        return Err(Note { message: format!("{}, and the partner requires it", note.message), ..note });
    }
    notes.push(note);
    Ok(())
}

/// The parameters of the path and of the operation, which come before those of the path of the same name.
fn declared<'a>(drafter: &Drafter<'a>, item: &Here<'a>, here: &Here<'a>) -> Vec<Here<'a>> {
    let of = |at: &Here<'a>| at.get("parameters").map(|list| list.items()).unwrap_or_default();
    let resolved = |at: Here<'a>| at.resolved(&drafter.root).unwrap_or(at);
    let mut found: Vec<Here<'a>> = of(here).into_iter().map(resolved).collect();
    for shared in of(item).into_iter().map(resolved) {
        let same = |known: &Here<'_>| {
            known.text_of("name") == shared.text_of("name") && known.text_of("in") == shared.text_of("in")
        };
        if !found.iter().any(same) {
            found.push(shared);
        }
    }
    found
}

fn parameter<'a>(drafter: &mut Drafter<'a>, here: &Here<'a>) -> Made<Parameter> {
    let Some(name) = here.text_of("name") else {
        return Err(Note::left_out(here, "ref-outside", "a parameter that stands in another file"));
    };
    let unfit = |code, why: &str| Err(Note::left_out(here, code, format!("the parameter `{name}`: {why}")));
    let location = match here.text_of("in") {
        Some("path") => "path",
        Some("query") => "query",
        Some("header") => "header",
        _ => return unfit("parameter-place", "it stands neither in the path nor in the query nor in a header"),
    };
    let schema = match here.get("schema") {
        Some(schema) => drafter.schema(&schema)?,
        None => return unfit("parameter-style", "it has no `schema`"),
    };
    let is_list = matches!(drafter.target(&schema).map(|target| &target.form), Some(Form::Array(..)));
    match location {
        "path" if here.text_of("style").is_some_and(|style| style != "simple") => {
            return unfit("parameter-style", "its style is another than `simple`");
        }
        "query" if here.text_of("style").is_some_and(|style| style != "form") => {
            return unfit("parameter-style", "its style is another than `form`");
        }
        "query" if is_list && here.get("explode").is_some_and(|at| at.node.value == Yaml::Bool(false)) => {
            return unfit("parameter-style", "a list in a query is written `name=a&name=b` alone");
        }
        "query" if name.is_empty() || !name.bytes().all(target::unreserved) => {
            return unfit("parameter-name", "its name has more than one spelling");
        }
        "header" if !can_be_declared(name) => {
            return unfit("reserved-header", "the gateway gives this field its meaning");
        }
        _ => {}
    }
    let Some(mut schema) = leaf_or_list(drafter, schema, location == "query") else {
        return unfit("not-a-leaf", "only text, numbers and truth values can stand there");
    };
    if location == "path" {
        as_text(drafter, here, &mut schema);
    }
    if schema.description.is_none() && !matches!(schema.form, Form::Ref(_)) {
        schema.description = description(here);
    }
    Ok(Parameter { name: name.to_owned(), location, required: location == "path" || here.says("required"), schema })
}

fn can_be_declared(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    http::HeaderName::try_from(lower.as_str()).is_ok() && headers::declarable(&lower)
}

/// A leaf without `null`, or a list of such.
fn leaf_or_list(drafter: &Drafter<'_>, schema: Drafted, lists: bool) -> Option<Drafted> {
    let target = drafter.target(&schema)?.clone();
    match &target.form {
        Form::Leaf(_) | Form::Unknown(..) if !target.null && !schema.null => Some(schema),
        Form::Leaf(_) | Form::Unknown(..) => Some(Drafted { null: false, ..target }),
        Form::Array(items, counts, unique) if lists => {
            let items = leaf_or_list(drafter, (**items).clone(), false)?;
            let form = Form::Array(Box::new(items), *counts, *unique);
            Some(Drafted { null: false, form, ..target })
        }
        _ => None,
    }
}

/// A whole number in a path is written as its digits: as text it can name a thing, and there is no bound to its length.
fn as_text(drafter: &Drafter<'_>, here: &Here<'_>, schema: &mut Drafted) {
    let Some(Drafted { form: Form::Leaf(leaf), .. }) = drafter.target(schema) else { return };
    if leaf.kind != LeafKind::Integer || leaf.words.is_some() {
        return;
    }
    let from_zero = |(key, value): &(&str, String)| *key == "minimum" && !value.starts_with('-');
    let sign = if leaf.keywords.iter().any(from_zero) { "" } else { "-?" };
    let keywords = vec![("pattern", quoted(&format!("^{sign}[0-9]{{1,19}}$")))];
    let leaf = Leaf { kind: LeafKind::Text, keywords, words: None, endless: false };
    let mut made = Drafted { description: schema.description.take(), ..Drafted::new(here, Form::Leaf(leaf)) };
    made.notes.push(Note::changed(
        here,
        "digits",
        "a whole number of a path is written as text, which can name a thing",
    ));
    *schema = made;
}

/// The media type and the schema of a request's body.
fn request_body<'a>(drafter: &mut Drafter<'a>, here: &Here<'a>, notes: &mut Vec<Note>) -> Made<(String, Drafted)> {
    let Some(here) = here.resolved(&drafter.root) else {
        return Err(Note::left_out(here, "ref-outside", "its body stands in another file"));
    };
    let Some((media_type, content)) = json_of(&here, notes) else {
        return Err(Note::left_out(&here, "media-type", "its body is no JSON"));
    };
    if !here.says("required") {
        notes.push(Note::changed(&here, "optional-body", "the body is always there"));
    }
    let schema = match content.get("schema") {
        Some(schema) => drafter.schema(&schema)?,
        None => return Err(Note::left_out(&content, "body-not-an-object", "nothing says what its body is")),
    };
    let mut schema = schema;
    if schema.null || drafter.target(&schema).is_some_and(|target| target.null) {
        let target = drafter.target(&schema).cloned();
        schema = Drafted { null: false, ..target.unwrap_or(schema) };
    }
    match drafter.target(&schema).map(|target| &target.form) {
        Some(Form::Object(_)) => Ok((media_type, schema)),
        _ => Err(Note::left_out(&content, "body-not-an-object", "its body is no object with declared properties")),
    }
}

/// The JSON form of a body, and notes of the others.
fn json_of<'a>(here: &Here<'a>, notes: &mut Vec<Note>) -> Option<(String, Here<'a>)> {
    let mut found: Option<(String, Here<'a>)> = None;
    for (key, at) in here.get("content").map(|content| content.entries()).unwrap_or_default() {
        let plain = key.text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let media_type = if plain == "*/*" { "application/json".to_owned() } else { plain };
        if found.is_none() && headers::is_json_type(&media_type) {
            if media_type != key.text {
                notes.push(Note::changed(&at, "media-type", format!("`{}` is written `{media_type}`", key.text)));
            }
            found = Some((media_type, at));
        } else {
            notes.push(Note::left_out(&at, "media-type", format!("the form `{}` of a body", key.text)));
        }
    }
    found
}

fn answers<'a>(drafter: &mut Drafter<'a>, here: &Here<'a>, notes: &mut Vec<Note>) -> Made<Vec<Answer>> {
    let responses = here.get("responses").map(|list| list.entries()).unwrap_or_default();
    let exact = |key: &str| {
        let number = key.parse::<u16>().ok().filter(|code| key.len() == 3 && (200..=599).contains(code));
        number.is_some()
    };
    let has_success = responses.iter().any(|(key, _)| exact(&key.text) && key.text.starts_with('2'));
    let mut answers = Vec::new();
    let mut success = has_success;
    for (key, at) in responses {
        let status = if exact(&key.text) {
            key.text.clone()
        } else if !success && matches!(key.text.as_str(), "2XX" | "2xx" | "default") {
            success = true;
            notes.push(Note::changed(&at, "status", format!("`{}` is written as 200: which one comes?", key.text)));
            "200".to_owned()
        } else {
            if !key.text.starts_with("x-") {
                let why = format!("the answer `{}`: a contract declares each status on its own", key.text);
                notes.push(Note::left_out(&at, "status", why));
            }
            continue;
        };
        answers.push(answer(drafter, &at, status));
    }
    if !success {
        return Err(Note::left_out(here, "no-success", "no answer of 200 to 299 is declared"));
    }
    Ok(answers)
}

fn answer<'a>(drafter: &mut Drafter<'a>, at: &Here<'a>, status: String) -> Answer {
    let mut notes = Vec::new();
    let here = at.resolved(&drafter.root).unwrap_or_else(|| at.clone());
    if here.get("links").is_some() {
        notes.push(Note::left_out(&here, "unsupported-keyword", "`links`"));
    }
    let mut headers = Vec::new();
    for (key, field) in here.get("headers").map(|list| list.entries()).unwrap_or_default() {
        match answer_header(drafter, &key.text, &field) {
            Ok(header) => headers.push(header),
            Err(note) => notes.push(note),
        }
    }
    let mut body = None;
    if let Some((media_type, content)) = json_of(&here, &mut notes) {
        match answer_body(drafter, &content, &status) {
            Ok(schema) => body = Some((media_type, schema)),
            Err(note) => notes.push(note),
        }
    }
    Answer { status, description: description(&here), headers, body, notes }
}

fn answer_header<'a>(drafter: &mut Drafter<'a>, name: &str, at: &Here<'a>) -> Made<Parameter> {
    let unfit = |code, why: &str| Note::left_out(at, code, format!("the header `{name}`: {why}"));
    let here = at.resolved(&drafter.root).ok_or_else(|| unfit("ref-outside", "it stands in another file"))?;
    if !can_be_declared(name) {
        return Err(unfit("reserved-header", "the gateway gives this field its meaning"));
    }
    let schema = here.get("schema").ok_or_else(|| unfit("not-a-leaf", "it has no `schema`"))?;
    let schema = drafter.schema(&schema)?;
    let schema = leaf_or_list(drafter, schema, false)
        .ok_or_else(|| unfit("not-a-leaf", "only text, numbers and truth values can stand there"))?;
    Ok(Parameter { name: name.to_owned(), location: "header", required: here.says("required"), schema })
}

fn answer_body<'a>(drafter: &mut Drafter<'a>, content: &Here<'a>, status: &str) -> Made<Drafted> {
    if matches!(status, "204" | "205" | "304") {
        return Err(Note::left_out(content, "body-unfit", format!("an answer of {status} has no body")));
    }
    let Some(schema) = content.get("schema") else {
        return Err(Note::left_out(content, "body-not-an-object", "nothing says what the body of this answer is"));
    };
    let mut schema = drafter.schema(&schema)?;
    let target = drafter.target(&schema).cloned();
    if schema.null || target.as_ref().is_some_and(|target| target.null) {
        schema = Drafted { null: false, ..target.clone().unwrap_or(schema) };
    }
    match target.map(|target| target.form) {
        Some(Form::Object(_) | Form::Map(..) | Form::Choice(..) | Form::Array(..)) => Ok(schema),
        _ => Err(Note::left_out(content, "body-not-an-object", "the body of this answer is neither object nor list")),
    }
}

/// The names of the texts of a request that are always there.
fn candidates(
    drafter: &Drafter<'_>,
    parameters: &[Parameter],
    members: &[crate::contract::draft::shape::Member],
) -> Vec<String> {
    let is_text = |schema: &Drafted| {
        let target = drafter.target(schema);
        !schema.null
            && target.is_some_and(|target| {
                !target.null && matches!(&target.form, Form::Leaf(leaf) if leaf.kind == LeafKind::Text)
            })
    };
    let fits = |known: &&Parameter| known.required && known.location != "header" && is_text(&known.schema);
    let mut path_first: Vec<&Parameter> = parameters.iter().filter(fits).collect();
    path_first.sort_by_key(|known| known.location != "path");
    let of_body = members.iter().filter(|member| member.required && is_text(&member.schema));
    path_first.iter().map(|known| known.name.clone()).chain(of_body.map(|member| member.name.clone())).collect()
}
