//! From files to rules: the schema and the policies, parsed, named and validated strictly; and Cedar's words as diagnostics.
//!
//! A warning of Cedar's (an impossible condition, a confusable identifier) is a fault here. Each policy carries two
//! annotations: `@id`, a name that is unique over all files, because records and alerts refer to it, and `@reason`, one line
//! that says to a person why the policy is there. A permit may have a third, `@until` (`until.rs`); there are no others.

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::diagnostic::nearest;
use crate::model::Name;
use crate::policy::Demand;
use crate::policy::Policies;
use crate::policy::assemble::assemble;
use crate::policy::until;
use cedar_policy::Policy;
use cedar_policy::PolicyId;
use cedar_policy::PolicySet;
use cedar_policy::Schema;
use cedar_policy::ValidationMode;
use cedar_policy::Validator;
use cedar_policy_core::ast;
use std::collections::HashMap;
use std::collections::HashSet;

/// The longest `@reason`, in characters.
const REASON_MAX_CHARS: usize = 200;

/// The policies of all files.
#[derive(Default)]
pub(super) struct Named {
    pub(super) set: PolicySet,
    /// In the order of the files, and in each file in the order of its text; with the file's index.
    pub(super) list: Vec<(Policy, usize)>,
}

impl Named {
    /// The policies of files that have compiled.
    pub(super) fn read(sources: &[Source]) -> Self {
        read_policies(sources, &mut Diagnostics::new())
    }
}

impl Policies {
    /// Compiles a schema, the policies under it and the constants, and holds all against what the contracts demand.
    ///
    /// # Errors
    /// All faults of all files, as far as each can be read.
    pub fn compile(
        schema: &Source,
        policies: &[Source],
        constants: Option<&Source>,
        demands: &[Demand],
    ) -> Result<Self, Diagnostics> {
        let mut faults = Diagnostics::new();
        let parsed = read_schema(schema, &mut faults);
        let named = read_policies(policies, &mut faults);
        let Some(parsed) = parsed else {
            return Err(faults);
        };
        validate(&parsed, policies, &named, &mut faults);
        let compiled = assemble(schema, &parsed, &named, constants, demands, &mut faults);
        faults.or_fail(compiled)
    }
}

/// Reads a schema; also one with warnings, so that the policies are looked at in the same run.
pub(super) fn read_schema(source: &Source, faults: &mut Diagnostics) -> Option<Schema> {
    match Schema::from_cedarschema_str(source.text()) {
        Ok((schema, warnings)) => {
            for warning in warnings {
                faults.push(diagnostic(source, "cedar-schema", &warning));
            }
            Some(schema)
        }
        Err(error) => {
            faults.push(diagnostic(source, "cedar-schema", &error));
            None
        }
    }
}

/// Reads and names the policies of all files.
pub(super) fn read_policies(sources: &[Source], faults: &mut Diagnostics) -> Named {
    let mut named = Named::default();
    let mut seen = HashMap::new();
    for (file, source) in sources.iter().enumerate() {
        let set: PolicySet = match source.text().parse() {
            Ok(set) => set,
            Err(errors) => {
                let errors: &cedar_policy::ParseErrors = &errors;
                errors.iter().for_each(|error| faults.push(diagnostic(source, "cedar-syntax", error)));
                continue;
            }
        };
        for template in set.templates() {
            let place = start(AsRef::<ast::Template>::as_ref(template).loc(), source);
            let message = "a policy with `?principal` or `?resource` is a template, and nothing fills it";
            faults.push(source.fault("cedar-template", place, message).help("write the entity into the policy"));
        }
        let mut policies: Vec<&Policy> = set.policies().collect();
        policies.sort_by_key(|policy| offset(policy));
        for policy in policies {
            if let Some(policy) = name(policy, source, &mut seen, faults)
                && named.set.add(policy.clone()).is_ok()
            {
                named.list.push((policy, file));
            }
        }
    }
    named
}

/// Validates all policies, strictly.
fn validate(schema: &Schema, sources: &[Source], named: &Named, faults: &mut Diagnostics) {
    let files: HashMap<&PolicyId, usize> = named.list.iter().map(|(policy, file)| (policy.id(), *file)).collect();
    let source = |id: &PolicyId| files.get(id).and_then(|file| sources.get(*file));
    let result = Validator::new(schema.clone()).validate(&named.set, ValidationMode::Strict);
    let mut found: Vec<Diagnostic> = Vec::new();
    let mut wrong: HashSet<&PolicyId> = HashSet::new();
    for error in result.validation_errors() {
        if let Some(source) = source(error.policy_id()) {
            wrong.insert(error.policy_id());
            found.push(with_nearest(schema, diagnostic(source, "cedar-validation", error)));
        }
    }
    for warning in result.validation_warnings() {
        // That a policy with a misspelt name can never hold is no news.
        let is_news = !wrong.contains(warning.policy_id());
        if let Some(source) = source(warning.policy_id()).filter(|_| is_news) {
            found.push(diagnostic(source, "cedar-warning", warning));
        }
    }
    if found.is_empty() && !result.validation_passed_without_warnings() {
        found.push(Diagnostic::without_file("cedar-validation", result.to_string()));
    }
    // Cedar validates in no order, and once for each action; a reader wants that of the files, and each place once.
    let path = |fault: &Diagnostic| fault.source.as_ref().map(|source| source.path().to_owned());
    found.sort_by_cached_key(|fault| (path(fault), fault.place, fault.code, fault.message.clone()));
    found.dedup_by_key(|fault| (path(fault), fault.place, fault.code, fault.help.clone()));
    found.into_iter().for_each(|fault| faults.push(fault));
}

/// The same with the nearest name of the schema, where a name is what it lacks: Cedar's own guess may be far from it.
fn with_nearest(schema: &Schema, fault: Diagnostic) -> Diagnostic {
    let word =
        |what: &str| fault.message.split_once(what).and_then(|(_, rest)| rest.split_once('`')).map(|(word, _)| word);
    let known: Vec<String> = if word("unrecognized action `").is_some() {
        schema.actions().map(ToString::to_string).collect()
    } else {
        schema.entity_types().map(ToString::to_string).collect()
    };
    let Some(wrong) = word("unrecognized action `").or_else(|| word("unrecognized entity type `")) else {
        return fault;
    };
    // A namespace that is left out is no slip of the pen of the name itself.
    let last = |name: &str| name.rsplit("::").next().unwrap_or_default().to_owned();
    let near = nearest(&last(wrong), known.iter().map(|name| name.rsplit("::").next().unwrap_or_default()));
    let near = near.and_then(|near| known.iter().find(|name| last(name) == near).cloned());
    match near {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help("hold the policy against `cedar/schema.cedarschema`"),
    }
}

/// The policy under its own name, if its annotations are in order.
fn name<'a>(
    policy: &Policy,
    source: &'a Source,
    seen: &mut HashMap<String, (&'a Source, usize)>,
    faults: &mut Diagnostics,
) -> Option<Policy> {
    let place = |source: &Source, at| source.place_of(at);
    let at = offset(policy);
    let fault = |code, message: String, help: &str| source.fault(code, place(source, at), message).help(help);
    for (key, _) in policy.annotations().filter(|(key, _)| !matches!(*key, "id" | "reason" | "until")) {
        let message = format!("unknown annotation `@{key}`");
        faults.push(fault("unknown-annotation", message, "known are `@id`, `@reason` and `@until`"));
    }
    faults.extend_with(until::fault(policy, source, || place(source, at)));
    let reason = policy.annotation("reason").unwrap_or_default();
    if reason.trim().is_empty() || reason.contains(['\n', '\r']) || reason.chars().count() > REASON_MAX_CHARS {
        let message = "the policy has no `@reason` of one line, at most 200 characters".to_owned();
        faults.push(fault("missing-reason", message, "write above it: @reason(\"why it is there\")"));
    }
    let id = policy.annotation("id").unwrap_or_default();
    if id.is_empty() {
        faults.push(fault("missing-id", "the policy has no `@id`".into(), "write above it: @id(\"its-name\")"));
        return None;
    }
    if let Err(error) = Name::new(id) {
        faults.push(fault("not-a-name", format!("the `@id` is not a name: {error}"), "for instance `open-door`"));
        return None;
    }
    if let Some((other, first)) = seen.get(id) {
        let help = format!("the first is in {}, line {}", other.path().display(), place(other, *first).line);
        faults.push(fault("repeated-id", format!("the policy `{id}` stands here a second time"), &help));
        return None;
    }
    seen.insert(id.to_owned(), (source, at));
    Some(policy.new_id(PolicyId::new(id)))
}

/// One of Cedar's errors or warnings: its message, its first label, its help.
pub(super) fn diagnostic(source: &Source, code: &'static str, error: &dyn miette::Diagnostic) -> Diagnostic {
    let label = error.labels().and_then(|mut labels| labels.next());
    let mut message = error.to_string();
    let place = label.as_ref().map_or(Place::WHOLE, |label| source.place_of(pointed(source, label, &message)));
    if let Some(text) = label.as_ref().and_then(miette::LabeledSpan::label) {
        message = format!("{message}: {text}");
    }
    let fault = source.fault(code, place, message);
    match (error.help(), code) {
        (Some(help), _) => fault.help(help.to_string()),
        (None, "cedar-warning") => {
            fault.help("a policy with a warning does not load: make it hold for something, or take it out")
        }
        (None, "cedar-schema" | "cedar-syntax") => fault.help("look here and at the end of what stands before"),
        (None, _) => fault.help("hold the policy against `cedar/schema.cedarschema`"),
    }
}

/// Where a label points: at the attribute that is wrong, where the label is about all that it is read from.
fn pointed(source: &Source, label: &miette::LabeledSpan, message: &str) -> usize {
    let (begin, text) = (label.offset(), source.text());
    let span = text.get(begin..begin.saturating_add(label.len())).unwrap_or_default();
    let named = message.split_once("attribute `").and_then(|(_, rest)| rest.split_once('`'));
    let at = named.and_then(|(name, _)| span.rfind(&format!(".{name}"))).map_or(0, |dot| dot + 1);
    begin + at
}

fn start(loc: Option<&cedar_policy_core::parser::Loc>, source: &Source) -> Place {
    loc.map_or(Place::WHOLE, |loc| source.place_of(loc.span.offset()))
}

pub(super) fn offset(policy: &Policy) -> usize {
    AsRef::<ast::Policy>::as_ref(policy).loc().map_or(0, |loc| loc.span.offset())
}
