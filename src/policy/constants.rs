//! Constants of a bundle (`cedar/constants.json`): what stands in what, as far as no live data tells it; for instance that
//! the role `concierge` stands in the role `resident`.
//!
//! The file is Cedar's own JSON of entities, narrowed: a list of objects with `uid` and `parents`, each uid an object of
//! `type` and `id`; `attrs` may be there and must be empty, since nothing fills attributes here. No person is in it. Each
//! parent is in the list itself, so that a slip of the pen does not make a group of nobody; it is a role, or of a type of the
//! bundle's own, since what stands in a tenant or a house is told by the directory. And the schema must allow it.
//!
//! What stands above what is worked out at load; a question only looks it up.

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::diagnostic::nearest;
use crate::json::JsonError;
use crate::json::Limits;
use crate::json::Reader;
use crate::policy::Demand;
use crate::policy::entities::FILLED;
use crate::policy::entities::Types;
use crate::policy::entities::USER;
use crate::policy::entities::entity;
use cedar_policy_core::ast::Context;
use cedar_policy_core::ast::Entity;
use cedar_policy_core::ast::EntityUID;
use cedar_policy_core::ast::Expr;
use cedar_policy_core::ast::ExprKind;
use cedar_policy_core::ast::Literal;
use cedar_policy_core::ast::ValueKind;
use cedar_policy_core::validator::ValidatorSchema;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::hash_map::Entry;
use std::iter::once;

/// How large the file may be: so many constants, and so many parents of one.
const LIMITS: Limits = Limits { max_depth: 4, max_members: 8, max_elements: 4_096, max_string_bytes: 1_024 };

/// Each constant that stands in something, with all that it stands in.
#[derive(Default)]
pub(super) struct Constants {
    entities: HashMap<EntityUID, Entity>,
}

/// A uid as it is written, and where.
struct Written<'t> {
    kind: Cow<'t, str>,
    id: Cow<'t, str>,
    at: usize,
}

/// One constant as it is written.
struct Constant<'t> {
    uid: Written<'t>,
    parents: Vec<Written<'t>>,
}

/// Why reading ends.
struct Stop {
    at: usize,
    code: &'static str,
    message: String,
    help: &'static str,
}

/// What the entries are held against.
struct Look<'a> {
    source: &'a Source,
    types: &'a Types,
    schema: &'a ValidatorSchema,
    demands: &'a [Demand],
}

impl Constants {
    /// Reads the file of a bundle and holds it against its schema; pushes what does not fit.
    pub(super) fn compile(
        source: &Source,
        types: &Types,
        schema: &ValidatorSchema,
        demands: &[Demand],
        faults: &mut Diagnostics,
    ) -> Self {
        let look = Look { source, types, schema, demands };
        match read(source.text()) {
            Ok(entries) => look.close(&look.listed(&entries, faults), &entries, faults),
            Err(Stop { at, code, message, help }) => {
                faults.push(look.fault(code, at, message).help(help));
                Self::default()
            }
        }
    }

    /// Adds to `parents` of `uid` what they, and it, stand in.
    pub(super) fn extend(&self, uid: &EntityUID, parents: &mut HashSet<EntityUID>) {
        if self.entities.is_empty() {
            return;
        }
        let known = once(uid).chain(parents.iter()).filter_map(|found| self.entities.get(found));
        let more: Vec<EntityUID> = known.flat_map(Entity::ancestors).cloned().collect();
        parents.extend(more);
    }

    /// What a constant stands in.
    pub(super) fn above(&self, uid: &EntityUID) -> impl Iterator<Item = &EntityUID> {
        self.entities.get(uid).into_iter().flat_map(Entity::ancestors)
    }

    /// The constants that stand in this.
    pub(super) fn below(&self, uid: &EntityUID) -> impl Iterator<Item = &EntityUID> {
        self.entities.values().filter(move |known| known.is_descendant_of(uid)).map(Entity::uid)
    }

    /// The constants among a policy's own words.
    pub(super) fn in_text(&self, condition: &Expr) -> impl Iterator<Item = EntityUID> {
        condition.subexpressions().filter_map(|node| match node.expr_kind() {
            ExprKind::Lit(Literal::EntityUID(uid)) if self.entities.contains_key(&**uid) => Some((**uid).clone()),
            _ => None,
        })
    }

    /// The constants among `words` and the values of a context: whatever a policy can ask about besides principal and
    /// resource, which are `present` already. Each once.
    pub(super) fn among(&self, words: &[EntityUID], context: &Context, present: [&EntityUID; 2]) -> Vec<Entity> {
        let Context::Value(values) = context else { return Vec::new() };
        if self.entities.is_empty() {
            return Vec::new();
        }
        let mut seen: HashSet<&EntityUID> = present.into();
        let mut found = Vec::new();
        let mut take = |uid| {
            if let Some(constant) = self.entities.get(uid)
                && seen.insert(constant.uid())
            {
                found.push(constant.clone());
            }
        };
        words.iter().for_each(&mut take);
        for value in values.values() {
            match value.value_kind() {
                ValueKind::Lit(Literal::EntityUID(uid)) => take(uid),
                ValueKind::Set(set) => set.iter().for_each(|element| {
                    if let ValueKind::Lit(Literal::EntityUID(uid)) = element.value_kind() {
                        take(uid);
                    }
                }),
                // Values of a request are no entities.
                _ => {}
            }
        }
        found
    }
}

impl Look<'_> {
    /// The entries by uid, each with its index in the file; without those of unknown types, persons and repetitions.
    fn listed(&self, entries: &[Constant<'_>], faults: &mut Diagnostics) -> HashMap<EntityUID, usize> {
        let mut listed = HashMap::new();
        for (index, entry) in entries.iter().enumerate() {
            let Some(uid) = self.uid(&entry.uid, faults) else { continue };
            if base(&entry.uid.kind) == USER {
                let message = format!("the constant `{uid}` is a person");
                let help = "who has which role is told by the token";
                faults.push(self.fault("constant-person", entry.uid.at, message).help(help));
            } else if let Entry::Vacant(vacant) = listed.entry(uid) {
                vacant.insert(index);
            } else {
                let message = format!("the constant `{}` stands here a second time", entry.uid.id);
                faults.push(self.fault("twice", entry.uid.at, message).help("write all its parents into one entry"));
            }
        }
        listed
    }

    /// What stands above each.
    fn close(
        &self,
        listed: &HashMap<EntityUID, usize>,
        entries: &[Constant<'_>],
        faults: &mut Diagnostics,
    ) -> Constants {
        let mut parents: HashMap<&EntityUID, Vec<EntityUID>> = HashMap::new();
        let mut in_order: Vec<(&EntityUID, &Constant<'_>)> =
            listed.iter().filter_map(|(uid, index)| Some((uid, entries.get(*index)?))).collect();
        in_order.sort_by_key(|(_, entry)| entry.uid.at);
        for (uid, entry) in &in_order {
            let fits = entry.parents.iter().filter_map(|written| self.parent(uid, written, listed, faults));
            parents.insert(uid, fits.collect());
        }
        let mut entities = HashMap::new();
        for (uid, entry) in in_order {
            let mut above = HashSet::new();
            let mut next: Vec<&EntityUID> = vec![uid];
            while let Some(found) = next.pop() {
                let more = parents.get(found).into_iter().flatten();
                next.extend(more.filter(|parent| above.insert((*parent).clone())));
            }
            if above.contains(uid) {
                let message = format!("the constant `{uid}` stands in itself, by way of its parents");
                faults.push(self.fault("constant-circle", entry.uid.at, message).help("leave one of the parents out"));
            } else if !above.is_empty() {
                entities.insert(uid.clone(), entity(uid.clone(), above));
            }
        }
        Constants { entities }
    }

    /// A parent, if `child` may stand in it.
    fn parent(
        &self,
        child: &EntityUID,
        written: &Written<'_>,
        listed: &HashMap<EntityUID, usize>,
        faults: &mut Diagnostics,
    ) -> Option<EntityUID> {
        let uid = self.uid(written, faults)?;
        let kind = base(&written.kind);
        let fault = if FILLED.contains(&kind) || self.demands.iter().any(|demand| &*demand.resource == kind) {
            let message = format!("what stands in a `{kind}` is no constant");
            self.fault("constant-parent", written.at, message).help("the directory tells it, or the certificate")
        } else if !listed.contains_key(&uid) {
            let fault = self.fault("unknown-constant", written.at, format!("the parent `{uid}` is not in the list"));
            let same = listed.keys().filter(|known| known.entity_type() == uid.entity_type());
            match nearest(&written.id, same.map(|known| AsRef::<str>::as_ref(known.eid()))) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault.help("add it, with `\"parents\": []` where it stands in nothing"),
            }
        } else if !self.may_hold(&uid, child) {
            let message = format!("the schema does not let a `{}` stand in a `{kind}`", child.entity_type());
            self.fault("constant-parent", written.at, message).help("declare it: `entity .. in [..]`")
        } else {
            return Some(uid);
        };
        faults.push(fault);
        None
    }

    /// Whether the schema lets `child` stand in `parent`.
    fn may_hold(&self, parent: &EntityUID, child: &EntityUID) -> bool {
        let known = self.schema.get_entity_type(parent.entity_type());
        known.is_some_and(|known| known.descendants.contains(child.entity_type()))
    }

    fn uid(&self, written: &Written<'_>, faults: &mut Diagnostics) -> Option<EntityUID> {
        let kind = base(&written.kind);
        let known = self.types.get(kind).filter(|known| known.to_string() == written.kind);
        if known.is_some() {
            return self.types.uid(kind, &written.id);
        }
        let fault =
            self.fault("unknown-entity-type", written.at, format!("the schema has no entity type `{}`", written.kind));
        let full: Vec<String> =
            self.types.names().filter_map(|name| self.types.get(name)).map(ToString::to_string).collect();
        faults.push(match nearest(&written.kind, full.iter().map(String::as_str)) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault.help("write it with its namespace, for instance `PropDevelopment::Role`"),
        });
        None
    }

    fn fault(&self, code: &'static str, at: usize, message: String) -> Diagnostic {
        self.source.fault(code, Place::of_offset(self.source.text(), at), message)
    }
}

impl Stop {
    fn member(at: usize, name: &str) -> Self {
        let message = format!("unknown member `{name}`");
        Self { at, code: "unknown-key", message, help: "a constant has `uid` and `parents`, a uid `type` and `id`" }
    }

    fn missing(at: usize, name: &str) -> Self {
        let message = format!("the member `{name}` is missing");
        Self { at, code: "missing-key", message, help: "a constant has `uid` and `parents`, a uid `type` and `id`" }
    }
}

impl From<JsonError> for Stop {
    fn from(error: JsonError) -> Self {
        let message = error.fault().to_string();
        let help = "the file is a list of `{\"uid\": {\"type\": .., \"id\": ..}, \"parents\": [..]}`";
        Self { at: error.offset(), code: "malformed-json", message, help }
    }
}

/// Each constant of a file that compiles, with the parents that are written beside it, spelt as policies spell them.
pub(super) fn listed(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let spelt = |written: &Written<'_>| format!("{}::{:?}", written.kind, written.id);
    let entries = read(text).unwrap_or_default();
    entries.iter().map(|entry| (spelt(&entry.uid), entry.parents.iter().map(spelt).collect())).collect()
}

/// A type's name without its namespace.
fn base(kind: &str) -> &str {
    kind.rsplit("::").next().unwrap_or_default()
}

fn read(text: &str) -> Result<Vec<Constant<'_>>, Stop> {
    let mut reader = Reader::new(text.as_bytes(), LIMITS)?;
    let mut entries = Vec::new();
    reader.begin_array()?;
    while reader.next_element()? {
        entries.push(entry(&mut reader)?);
    }
    reader.finish()?;
    Ok(entries)
}

fn entry<'t>(reader: &mut Reader<'t>) -> Result<Constant<'t>, Stop> {
    let at = place(reader)?;
    let (mut uid, mut parents) = (None, None);
    reader.begin_object()?;
    while let Some(name) = reader.next_key()? {
        match &*name {
            "uid" => uid = Some(written(reader)?),
            "parents" => {
                let mut list = Vec::new();
                reader.begin_array()?;
                while reader.next_element()? {
                    list.push(written(reader)?);
                }
                parents = Some(list);
            }
            "attrs" => {
                let at = place(reader)?;
                reader.begin_object()?;
                if reader.next_key()?.is_some() {
                    let (code, message) = ("constant-attributes", "a constant has no attributes".to_owned());
                    return Err(Stop { at, code, message, help: "what is known comes in `context`" });
                }
            }
            _ => return Err(Stop::member(reader.offset(), &name)),
        }
    }
    let uid = uid.ok_or_else(|| Stop::missing(at, "uid"))?;
    Ok(Constant { uid, parents: parents.ok_or_else(|| Stop::missing(at, "parents"))? })
}

fn written<'t>(reader: &mut Reader<'t>) -> Result<Written<'t>, Stop> {
    let at = place(reader)?;
    let (mut kind, mut id) = (None, None);
    reader.begin_object()?;
    while let Some(name) = reader.next_key()? {
        match &*name {
            "type" => kind = Some(reader.string(LIMITS.max_string_bytes)?),
            "id" => id = Some(reader.string(LIMITS.max_string_bytes)?),
            _ => return Err(Stop::member(reader.offset(), &name)),
        }
    }
    let kind = kind.ok_or_else(|| Stop::missing(at, "type"))?;
    Ok(Written { kind, id: id.ok_or_else(|| Stop::missing(at, "id"))?, at })
}

/// Where the next value begins.
fn place(reader: &mut Reader<'_>) -> Result<usize, Stop> {
    reader.peek()?;
    Ok(reader.offset())
}
