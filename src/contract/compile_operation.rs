//! What one operation as written means, and what it must say before it may move anything.
//!
//! A command that moves something has its object in the path (so that a proof of possession covers it), an age beyond which it is
//! refused, and an idempotency key. An operation that lets people out states that the lock also opens locally: nobody's way out
//! may depend on the gateway.

use std::collections::BTreeSet;

use crate::contract::compile;
use crate::contract::compile::Path;
use crate::contract::compile_body;
use crate::contract::compile_body::not_null;
use crate::contract::compile_inbound;
use crate::contract::compile_records;
use crate::contract::compile_schema::Position;
use crate::contract::compile_schema::SchemaCompiler;
use crate::contract::cost::Cost;
use crate::contract::leaf::Check;
use crate::contract::leaf::LeafSchema;
use crate::contract::operation::Actuates;
use crate::contract::operation::Form;
use crate::contract::operation::Idempotency;
use crate::contract::operation::Operation;
use crate::contract::operation::RecordRule;
use crate::contract::operation::ResourceRule;
use crate::contract::operation::RightDemand;
use crate::contract::operation::Segment;
use crate::contract::pattern::Patterns;
use crate::contract::router::Piece;
use crate::contract::schema::List;
use crate::contract::schema::Object;
use crate::contract::schema::Parameter;
use crate::contract::schema::Schema;
use crate::contract::target;
use crate::contract::written;
use crate::contract::written::At;
use crate::contract::written::In;
use crate::contract::written::OperationWords;
use crate::contract::written::Shape;
use crate::diagnostic::Place;
use crate::limits::Limits;
use crate::model::Direction;
use crate::model::Part;
use crate::yaml::Reader;
use http::HeaderName;
use http::Method;
use http::StatusCode;

/// Compiles an operation.
pub(super) fn compile(
    reader: &Reader,
    path: &Path<'_>,
    written: written::Operation<'_>,
    limits: &Limits,
    patterns: &mut Patterns,
) -> Option<Operation> {
    let json_limits = compile::json_limits(limits);
    let inbound = written.words.direction.value == Direction::Inbound;
    let mut schemas = SchemaCompiler {
        reader,
        limits: json_limits,
        patterns,
        fields: Vec::new(),
        cost: Cost::default(),
        tokenless: inbound.then_some(Direction::Inbound),
    };
    let parameters = parameters(&mut schemas, path, &written);
    let body_max_bytes = written.words.body_max_bytes.map_or(limits.body_max_bytes, |at| at.value);
    let bodies = compile_body::request(&mut schemas, &written, body_max_bytes);
    if inbound {
        schemas.tokenless = Some(Direction::Outbound);
    }
    let answers = compile_body::answers(&mut schemas, &written, limits.answer_max_bytes);
    answers_are_final(reader, &written);
    // Of answers that are no good, nothing is said of their lists.
    if answers.is_some() {
        compile_records::check(reader, &written);
    }
    let mut fields = schemas.fields;
    let (parameters, bodies, answers) = (parameters?, bodies?, answers?);
    compile_body::agree(reader, written.place, bodies.len(), &mut fields);
    compile_body::holds_its_limit(reader, &written, limits, &fields);
    let Parameters { path: path_parameters, query: query_parameters, header: header_parameters } = parameters;
    let names =
        Names { reader, path: &path_parameters, query: &query_parameters, header: &header_parameters, bodies: &bodies };
    names.stand_once(written.place);
    fields_stand_once(reader, &header_parameters, written.place);
    let words = written.words;
    let resource = names.resource(&words);
    let idempotency = names.idempotency(&words);
    moves_safely(reader, &words, &written.method);
    compile_inbound::fits(reader, &words);
    Some(Operation {
        id: written.id.value,
        method: written.method,
        path: path.template.value.into(),
        action: words.action,
        resource: resource?,
        direction: words.direction.value,
        actuates: words.actuates.map(|at| at.value),
        lets_people_out: words.egress.is_some(),
        max_age_s: words.max_age_s,
        idempotency: idempotency?,
        purpose: words.purpose,
        legal_basis: words.legal_basis,
        right: words.right.map(|(kind, action)| RightDemand { kind, action }),
        scope: words.scope.map(|at| at.value.into()),
        authentication: words.authentication,
        body_max_bytes: if bodies.is_empty() { 0 } else { body_max_bytes },
        fields,
        records: words
            .records
            .map(|records| RecordRule { array: records.array.value.into(), house: records.house.value.into() }),
        segments: segments(path),
        path_parameters,
        query_parameters,
        header_parameters,
        bodies,
        accept: compile_body::accept(&answers),
        answers,
    })
}

/// The parameters of a request; those of the path in its order.
struct Parameters {
    path: Vec<Parameter>,
    query: Vec<Parameter>,
    header: Vec<(HeaderName, Parameter)>,
}

fn parameters(
    schemas: &mut SchemaCompiler<'_>,
    path: &Path<'_>,
    written: &written::Operation<'_>,
) -> Option<Parameters> {
    let reader = schemas.reader;
    let mut found = Parameters { path: Vec::new(), query: Vec::new(), header: Vec::new() };
    let mut whole = true;
    let of = |location: In| written.parameters.iter().filter(move |parameter| parameter.location == location);
    for name in &path.names {
        match of(In::Path).find(|parameter| parameter.name.value == *name) {
            Some(parameter) => match compile_parameter(schemas, parameter, Part::Path, None) {
                Some(parameter) => found.path.push(parameter),
                None => whole = false,
            },
            None => {
                let message =
                    format!("the path has `{{{name}}}`, and no parameter `in: path` of that name is declared");
                reader.fault("path-parameter", written.place, message);
                whole = false;
            }
        }
    }
    for stray in of(In::Path).filter(|parameter| !path.names.contains(&parameter.name.value)) {
        let message = format!("the path has no `{{{}}}`", stray.name.value);
        reader.fault("path-parameter", stray.name.place, message);
    }
    for parameter in of(In::Query) {
        if parameter.name.value.is_empty() || !parameter.name.value.bytes().all(target::unreserved) {
            let message = format!("`{}` cannot be the name of a query parameter", parameter.name.value);
            let fault = reader.source().fault("parameter-name", parameter.name.place, message);
            reader.report(fault.help("use letters, digits, `-`, `.`, `_` and `~`, which have one spelling"));
        }
        match query_parameter(schemas, parameter) {
            Some(parameter) => found.query.push(parameter),
            None => whole = false,
        }
    }
    for parameter in of(In::Header) {
        match header(schemas, parameter, None) {
            Some(header) => found.header.push(header),
            None => whole = false,
        }
    }
    whole.then_some(found)
}

fn compile_parameter(
    schemas: &mut SchemaCompiler<'_>,
    written: &written::Parameter<'_>,
    part: Part,
    status: Option<u16>,
) -> Option<Parameter> {
    let name = written.name.value;
    not_null(schemas.reader, &written.schema)?;
    let leaf = schemas.leaf(&written.schema, &Position::named(part, status, name, written.required))?;
    Some(Parameter { name: name.into(), required: written.required, leaf, list: None })
}

/// A leaf, or a list of leaves. Policies do not see the elements of a list, so it is no value of its name.
fn query_parameter(schemas: &mut SchemaCompiler<'_>, written: &written::Parameter<'_>) -> Option<Parameter> {
    let Shape::Array(array) = &written.schema.shape else {
        return compile_parameter(schemas, written, Part::Query, None);
    };
    let name = written.name.value;
    not_null(schemas.reader, &written.schema)?;
    not_null(schemas.reader, &array.items)?;
    let max_items = schemas.max_items(written.schema.place, array)?;
    let at = Position::named(Part::Query, None, &format!("{name}/*"), false);
    let leaf = schemas.leaf(&array.items, &at)?;
    let list = Some(List { min_items: array.min_items, max_items, unique: array.unique });
    Some(Parameter { name: name.into(), required: written.required, leaf, list })
}

pub(super) fn header(
    schemas: &mut SchemaCompiler<'_>,
    written: &written::Parameter<'_>,
    status: Option<u16>,
) -> Option<(HeaderName, Parameter)> {
    let name = HeaderName::try_from(written.name.value.to_ascii_lowercase()).ok()?;
    Some((name, compile_parameter(schemas, written, Part::Header, status)?))
}

/// What moves something is answered with what became of it: 2xx, or 4xx where it was refused. "Accepted" (202), a redirection
/// or a fault of the partner leave open whether it moved; undeclared, they make the outcome unknown.
fn answers_are_final(reader: &Reader, written: &written::Operation<'_>) {
    if written.words.actuates.is_none() {
        return;
    }
    for At { place, value: status } in written.answers.iter().map(|answer| answer.status) {
        if status == StatusCode::ACCEPTED || status.is_redirection() || status.is_server_error() {
            let message = format!("an answer of {} does not say whether something moved", status.as_u16());
            let fault = reader.source().fault("actuates-answer", place, message);
            reader.report(fault.help("leave it out: what is not declared makes the outcome unknown, which it is"));
        }
    }
}

/// Reports header fields that are declared in two spellings.
pub(super) fn fields_stand_once(reader: &Reader, fields: &[(HeaderName, Parameter)], place: Place) {
    for (index, (name, _)) in fields.iter().enumerate() {
        if fields.iter().take(index).any(|(earlier, _)| earlier == name) {
            reader.fault("ambiguous-name", place, format!("the header `{name}` is declared twice"));
        }
    }
}

/// The names of one request's values.
struct Names<'c, 'r> {
    reader: &'r Reader,
    path: &'c [Parameter],
    query: &'c [Parameter],
    header: &'c [(HeaderName, Parameter)],
    bodies: &'c [Form<Object>],
}

impl<'c> Names<'c, '_> {
    /// Reports names that stand twice: policy and resource ids speak of values by name.
    fn stand_once(&self, place: Place) {
        let parameters = self.path.iter().chain(self.query).chain(self.header.iter().map(|(_, parameter)| parameter));
        // A name may stand in two forms of the body: a request has one of them.
        let members = self.bodies.iter().flat_map(|form| &form.schema.members);
        let members: BTreeSet<&str> = members.map(|member| &*member.name).collect();
        let mut names: Vec<&str> = parameters.map(|parameter| &*parameter.name).collect();
        names.extend(members);
        names.sort_unstable();
        for pair in names.windows(2) {
            if let [one, two] = pair
                && one == two
            {
                let message = format!("`{one}` is the name of two values of this operation");
                let fault = self.reader.source().fault("ambiguous-name", place, message);
                self.reader.report(fault.help("policies speak of values by name: rename one, or leave it out"));
            }
        }
    }

    /// The names that make the resource's id, all of them always there, as text.
    fn resource(&self, words: &OperationWords<'_>) -> Option<ResourceRule> {
        for At { place, value: name } in &words.id {
            let in_path = self.path.iter().find(|parameter| *parameter.name == **name);
            let leaf = in_path.map(|parameter| &parameter.leaf).or_else(|| self.required(name));
            let Some(leaf) = leaf else {
                let message = format!("`{name}` is no value of this request that is always there");
                let fault = self.reader.source().fault("resource-id", *place, message);
                self.reader.report(
                    fault.help("name path parameters, required query parameters or required members of the body"),
                );
                return None;
            };
            if !matches!(leaf.check, Check::Text(_)) {
                self.reader.fault("resource-id", *place, format!("`{name}` is not text"));
            }
            if words.actuates.is_some() && in_path.is_none() {
                let message = format!("`{name}` names what is moved and does not stand in the path");
                let fault = self.reader.source().fault("actuates-object", *place, message);
                self.reader
                    .report(fault.help("what is moved stands in the path, so that a proof of possession covers it"));
            }
        }
        if let (Some(actuates), Some(last)) = (words.actuates, words.id.last())
            && let Some(parameter) = self.path.iter().find(|parameter| *parameter.name == *last.value)
        {
            self.names_what_is_moved(&parameter.leaf, actuates.value, last.place);
        }
        let id = words.id.iter().map(|at| at.value.into()).collect();
        Some(ResourceRule { kind: words.kind.as_str().into(), id })
    }

    fn names_what_is_moved(&self, leaf: &LeafSchema, actuates: Actuates, place: Place) {
        if leaf.rule.of != Some(actuates.names()) {
            let message = format!("the id of what is moved is not an identifier of a {}", actuates.names().word());
            let fault = self.reader.source().fault("actuates-object", place, message);
            self.reader.report(fault.help("the last part of `resource.id` names the door or barrier itself"));
        }
    }

    /// Where the idempotency key stands; the outer `None` is a fault.
    fn idempotency(&self, words: &OperationWords<'_>) -> Option<Option<Idempotency>> {
        let Some(At { place, value }) = words.idempotency else { return Some(None) };
        if value == "header" {
            return Some(Some(Idempotency::Header));
        }
        let is_key = |form: &Form<Object>| {
            required_leaf(&form.schema, value).is_some_and(|leaf| matches!(leaf.check, Check::Text(_)))
        };
        let is_key = !self.bodies.is_empty() && self.bodies.iter().all(is_key);
        if is_key {
            return Some(Some(Idempotency::BodyField(value.into())));
        }
        let message = format!("`{value}` is neither `header` nor a required text of the body");
        self.reader.fault("idempotency-field", place, message);
        None
    }

    /// The leaf of a required query parameter or member of the body.
    fn required(&self, name: &str) -> Option<&'c LeafSchema> {
        let is_value = |parameter: &&Parameter| parameter.required && parameter.list.is_none();
        let query = self.query.iter().find(|parameter| *parameter.name == *name && is_value(parameter));
        if let Some(parameter) = query {
            return Some(&parameter.leaf);
        }
        // In every form of the body; they agree on what it is.
        let mut leaves = self.bodies.iter().map(|form| required_leaf(&form.schema, name));
        let first = leaves.next()??;
        leaves.all(|leaf| leaf.is_some()).then_some(first)
    }
}

/// The leaf of this name, if it is always there.
pub(super) fn required_leaf<'o>(object: &'o Object, name: &str) -> Option<&'o LeafSchema> {
    match object.member(name)?.1 {
        member if !member.required => None,
        member => match &member.schema {
            Schema::Leaf(leaf) => Some(leaf),
            Schema::Object(_)
            | Schema::Array(_)
            | Schema::Map(_)
            | Schema::Choice(_)
            | Schema::Kinds(_)
            | Schema::Nullable(_) => None,
        },
    }
}

/// What an operation must say before it may move anything, or let anybody out.
fn moves_safely(reader: &Reader, words: &OperationWords<'_>, method: &Method) {
    let fault = |code, place, message: &str, help: &str| {
        reader.report(reader.source().fault(code, place, message).help(help));
    };
    if let Some(actuates) = words.actuates {
        if words.max_age_s.is_none() {
            let message = "an operation that moves something has no `max_age`";
            fault(
                "actuates-max-age",
                actuates.place,
                message,
                "a door that opens late opens for whoever stands there then",
            );
        }
        if words.idempotency.is_none() {
            let message = "an operation that moves something has no `idempotency`";
            fault(
                "actuates-idempotency",
                actuates.place,
                message,
                "write `idempotency: header` or the name of a body field",
            );
        }
        if method.is_safe() {
            let message = format!("{method} cannot move anything: clients repeat it at will (RFC 9110 §9.2)");
            fault("actuates-method", actuates.place, &message, "use `post` or `put`");
        }
    }
    match (words.egress, words.local_override) {
        (Some(place), None) => {
            let message = "an operation that lets people out does not state `local_override: true`";
            fault("egress-local-override", place, message, "nobody's way out may depend on the gateway");
        }
        (Some(_), Some(At { place, value: false })) => {
            let message = "an operation that lets people out needs a lock that opens locally";
            fault("egress-local-override", place, message, "nobody's way out may depend on the gateway");
        }
        (None, Some(At { place, .. })) => {
            fault(
                "local-override-unfit",
                place,
                "`local_override` stands without `life_safety: egress`",
                "take it out",
            );
        }
        (Some(_), Some(At { value: true, .. })) | (None, None) => {}
    }
}

fn segments(path: &Path<'_>) -> Vec<Segment> {
    let mut parameters = 0..;
    let segment = |piece: &Piece| match piece {
        Piece::Literal(text) => Segment::Literal(text.clone()),
        Piece::Any => Segment::Parameter(parameters.next().unwrap_or(usize::MAX)),
    };
    path.pieces.iter().map(segment).collect()
}
