//! Paths of the description: those that a contract can have, with their operations, and what stands at none.

use crate::contract::draft::Drafter;
use crate::contract::draft::Wanted;
use crate::contract::draft::finding::Note;
use crate::contract::draft::here::Here;
use crate::contract::draft::measure::Sizes;
use crate::contract::draft::operation;
use crate::contract::draft::shape::Form;
use crate::contract::draft::shape::Operation;
use crate::contract::draft::shape::Path;
use crate::contract::draft::shape::Paths;
use crate::contract::router;
use crate::contract::router::Piece;
use crate::contract::target;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::diagnostic::nearest;
use crate::yaml::Node;

/// The methods that a contract can declare.
const METHODS: [&str; 6] = ["get", "put", "post", "patch", "delete", "options"];

/// What else may stand beside them.
const BESIDE: [&str; 5] = ["summary", "description", "parameters", "servers", "$ref"];

/// The most schemas of a contract, references followed (`refs.rs`), less what is read beside bodies.
const MAX_SCHEMAS: usize = 18_000;

/// The most levels of a body: `json_max_depth` unless it is set otherwise.
const MAX_LEVELS: usize = 16;

/// What stands at no path and has no place in a contract.
const OF_THE_WHOLE: [(&str, &str); 3] = [
    ("security", "who may call is said by the gateway's own token for each command"),
    ("webhooks", "events: a contract's are `{type, timestamp, data}`, see docs/contract.md"),
    ("externalDocs", "a link for people"),
];

/// Drafts all paths.
pub(super) fn all<'a>(drafter: &mut Drafter<'a>, wanted: &Wanted<'_>) -> Paths {
    let mut found = Paths::default();
    let root = drafter.root.clone();
    for (key, why) in OF_THE_WHOLE {
        found
            .notes
            .extend(root.get(key).map(|at| Note::left_out(&at, "unsupported-keyword", format!("`{key}`: {why}"))));
    }
    let base = base(&root, &mut found.notes);
    let mut room = Room { taken: Vec::new(), ids: Vec::new(), schemas: 0, sizes: Sizes::new() };
    for (key, item) in root.get("paths").map(|paths| paths.entries()).unwrap_or_default() {
        if key.text.starts_with("x-") {
            continue;
        }
        let Some(item) = item.resolved(&root) else {
            found.notes.push(Note::left_out(
                &item,
                "ref-outside",
                format!("`{}`: it stands in another file", key.text),
            ));
            continue;
        };
        let template = format!("{base}{}", key.text);
        let operations = operations(drafter, &item, wanted, &mut room, &mut found, &template);
        if operations.is_empty() {
            continue;
        }
        match room.take(&template) {
            Ok(()) => found.paths.push(named_apart(drafter, Path { template, operations })),
            Err((code, why)) => {
                let ids: Vec<&str> = operations.iter().map(|one| one.id.as_str()).collect();
                let why = format!("`{template}` ({}): {why}", ids.join(", "));
                found.notes.push(Note::left_out(&item, code, why));
            }
        }
    }
    found
}

/// Whether every operation that is wanted was met.
pub(super) fn all_are_there(
    source: &Source,
    root: &Node,
    wanted: &Wanted<'_>,
    found: &Paths,
) -> Result<(), Diagnostics> {
    let mut faults = Diagnostics::new();
    for id in wanted.operations.iter().filter(|id| !found.met.contains(id)) {
        let fault = source.fault("unknown-operation", root.place, format!("there is no operation `{id}`"));
        faults.push(match nearest(id, found.met.iter().map(String::as_str)) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => {
                fault.help("name it by its `operationId`, or by method and path where it has none, as `get_v1_locks`")
            }
        });
    }
    faults.or_fail(())
}

/// The path of the first server, which stands before every path of the description.
fn base(root: &Here<'_>, notes: &mut Vec<Note>) -> String {
    let servers = root.get("servers").map(|servers| servers.items()).unwrap_or_default();
    let Some((first, url)) = servers.first().and_then(|first| Some((first, first.get("url")?.text()?))) else {
        return String::new();
    };
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path =
        if url.starts_with('/') { url } else { rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default() };
    let path = path.trim_end_matches('/');
    if path.contains('{') {
        let why = format!("the server's path `{path}` has variables: put it before each path yourself");
        notes.push(Note::left_out(first, "server-path", why));
        return String::new();
    }
    if !path.is_empty() {
        let why = format!("the server's path `{path}` stands before each path; `upstream` in gateway.yaml has none");
        notes.push(Note::changed(first, "server-path", why));
    }
    path.to_owned()
}

/// What the operations of a contract share.
struct Room {
    taken: Vec<(String, Vec<Piece>)>,
    ids: Vec<String>,
    schemas: usize,
    sizes: Sizes,
}

impl Room {
    /// Takes a template, or tells why it cannot be.
    fn take(&mut self, template: &str) -> Result<(), (&'static str, String)> {
        let pieces = pieces(template)?;
        if let Some((other, _)) = self.taken.iter().find(|(_, other)| router::overlap(other, &pieces)) {
            return Err(("overlapping-paths", format!("one request could match `{other}`, too; keep one of them")));
        }
        self.taken.push((template.to_owned(), pieces));
        Ok(())
    }

    /// A name for an operation: its own, where it is one and nobody has it.
    fn name(&mut self, here: &Here<'_>, method: &str, template: &str) -> (String, Option<Note>) {
        let plain = |text: &str| -> String {
            let letters =
                text.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' });
            letters.collect::<String>().split('_').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
        };
        let own = here.text_of("operationId");
        let wanted = own.map_or_else(
            || plain(&format!("{method}_{template}")),
            |own| {
                if crate::model::Name::new(own).is_ok() { own.to_owned() } else { plain(own) }
            },
        );
        let begins_well = wanted.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let wanted = if begins_well { wanted } else { format!("op{wanted}") };
        let short: String = wanted.chars().take(60).collect();
        let mut name = short.clone();
        let mut number = 2;
        while self.ids.contains(&name) {
            name = format!("{short}-{number}");
            number += 1;
        }
        self.ids.push(name.clone());
        let changed = own != Some(name.as_str());
        let note = changed.then(|| match own {
            Some(own) => Note::changed(here, "operation-id", format!("`{own}` is no name here, or another has it")),
            None => Note::changed(here, "operation-id", "it has no `operationId`"),
        });
        (name, note)
    }
}

fn operations<'a>(
    drafter: &mut Drafter<'a>,
    item: &Here<'a>,
    wanted: &Wanted<'_>,
    room: &mut Room,
    found: &mut Paths,
    template: &str,
) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (key, at) in item.entries() {
        let word = key.text.as_str();
        let Some(method) = METHODS.iter().copied().find(|method| *method == word) else {
            if !BESIDE.contains(&word) && !word.starts_with("x-") && wanted.operations.is_empty() {
                found.notes.push(Note::left_out(&at, "method", format!("`{word}` of `{template}`")));
            }
            continue;
        };
        let (id, note) = room.name(&at, method, template);
        found.met.push(id.clone());
        if !wanted.operations.is_empty() && !wanted.operations.contains(&id) {
            continue;
        }
        let made = operation::draft(drafter, item, &at, method, &id).and_then(|one| fits(drafter, &at, one, room));
        match made {
            Ok(mut one) => {
                one.notes.extend(note);
                operations.push(one);
            }
            Err(why) => {
                let message = format!("{} `{template}` ({id}): {}", method.to_uppercase(), why.message);
                found.notes.push(Note { message, ..why });
            }
        }
    }
    operations
}

/// An operation that is no larger than a contract allows.
fn fits(drafter: &Drafter<'_>, at: &Here<'_>, one: Operation, room: &mut Room) -> Result<Operation, Note> {
    let bodies = one.body.iter().chain(one.answers.iter().filter_map(|answer| answer.body.as_ref()));
    let mut schemas = 0_usize;
    for (_, schema) in bodies {
        let size = drafter.size(schema, &mut room.sizes);
        if size.levels > MAX_LEVELS {
            let why =
                format!("its JSON is nested {} levels deep, and `json_max_depth` allows {MAX_LEVELS}", size.levels);
            return Err(Note::left_out(at, "too-deep", why));
        }
        schemas = schemas.saturating_add(size.schemas);
    }
    if room.schemas.saturating_add(schemas) > MAX_SCHEMAS {
        let why = "with it the contract is too large; take the operations that you need by `--operation`";
        return Err(Note::left_out(at, "contract-too-large", why));
    }
    room.schemas = room.schemas.saturating_add(schemas);
    Ok(one)
}

/// Takes a template apart, as the compiler does.
fn pieces(template: &str) -> Result<Vec<Piece>, (&'static str, String)> {
    let mut pieces = Vec::new();
    let mut names = Vec::new();
    for piece in template.trim_start_matches('/').split('/') {
        match piece.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) if !name.contains(['{', '}']) && !names.contains(&name) => {
                names.push(name);
                pieces.push(Piece::Any);
            }
            None if !piece.is_empty() && piece != "." && piece != ".." && piece.bytes().all(target::unreserved) => {
                pieces.push(Piece::Literal(piece.into()));
            }
            _ => {
                let why = format!("`{piece}` cannot stand between two slashes of a contract's path");
                return Err(("path-template", why));
            }
        }
    }
    match pieces.first() {
        Some(Piece::Literal(first)) if **first != *"-" && **first != *".well-known" => Ok(pieces),
        _ => Err(("reserved-path", "a path begins with a word, and not with one of the gateway's".to_owned())),
    }
}

/// A path whose parameters bear other names than what else its operations hold: policies speak of values by name.
fn named_apart(drafter: &Drafter<'_>, mut path: Path) -> Path {
    let mut others: Vec<String> = Vec::new();
    for one in &path.operations {
        others.extend(one.parameters.iter().filter(|known| known.location != "path").map(|known| known.name.clone()));
        let members = one.body.as_ref().and_then(|(_, body)| match &drafter.target(body)?.form {
            Form::Object(members) => Some(members),
            _ => None,
        });
        others.extend(members.into_iter().flatten().map(|member| member.name.clone()));
    }
    let names = path.operations.iter().flat_map(|one| &one.parameters).filter(|known| known.location == "path");
    let mut names: Vec<String> = names.map(|known| known.name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names.iter().filter(|name| others.contains(name)) {
        let mut other = format!("{name}InPath");
        while others.contains(&other) || names.contains(&other) {
            other.push('_');
        }
        path.template = path.template.replace(&format!("{{{name}}}"), &format!("{{{other}}}"));
        for one in &mut path.operations {
            for parameter in one.parameters.iter_mut().filter(|known| known.location == "path" && known.name == *name) {
                let why = format!("it is `{name}` in the description, and so is another value");
                parameter.schema.notes.push(Note {
                    kind: crate::contract::draft::FindingKind::Changed,
                    code: "ambiguous-name",
                    place: parameter.schema.place,
                    pointer: parameter.schema.pointer.clone(),
                    message: why,
                });
                parameter.name.clone_from(&other);
            }
            // The names of the path alone: a body keeps its own.
            let in_body = one.candidates.iter().filter(|known| *known == name).count() > 1;
            if let Some(known) = one.candidates.iter_mut().find(|known| *known == name) {
                known.clone_from(&other);
            }
            debug_assert!(!in_body || one.candidates.contains(name));
        }
    }
    path
}
