//! What the backend sends: a snapshot or a delta, read as strict JSON, closed world. The first fault ends it.
//!
//! ```json
//! {"version": 1, "kind": "snapshot", "revision": 8, "made_at": "2026-11-27T03:00:00Z", "tenants": ["north"],
//!  "houses": [{"id": "house-1", "tenant": "north", "zone": "Europe/Moscow", "partners": ["smarthome"],
//!              "doors": ["door-1"], "barriers": []}]}
//! {"version": 1, "kind": "delta", "base": 8, "revision": 9, "made_at": "2026-11-27T04:00:00Z",
//!  "put": [{"id": "house-2", "tenant": "north", "zone": "Asia/Omsk", "partners": []}], "remove": ["house-1"]}
//! ```
//! Members come in any order. A house is as in the file; `doors` and `barriers` may be absent there too. In a delta `put` adds
//! houses or replaces them as a whole; `put`, `remove` and `tenants`, which replaces the list, may be absent.

use crate::clock::UnixMillis;
use crate::directory::rules;
use crate::directory::rules::Names;
use crate::directory::rules::RuleFault;
use crate::directory::rules::Rules;
use crate::directory::signature::Signed;
use crate::directory::snapshot::Directory;
use crate::directory::snapshot::House;
use crate::json::Fault;
use crate::json::JsonError;
use crate::json::Kind;
use crate::json::Limits;
use crate::json::MAX_MAGNITUDE;
use crate::json::Reader;
use crate::model::Name;
use crate::model::TenantId;
use crate::problem::WrongPlace;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

/// How deep and wide a document is. How many elements it has, its length bounds.
const LIMITS: Limits = Limits { max_depth: 4, max_members: 16, max_elements: usize::MAX, max_string_bytes: 256 };

/// An update, understood, and not yet held against what is in force.
#[derive(Debug)]
pub struct Document {
    pub(super) revision: u64,
    pub(super) made_at: UnixMillis,
    pub(super) change: Change,
}

/// What it does.
pub(super) enum Change {
    /// Everything is as it says.
    Whole(BTreeSet<TenantId>, Vec<(Name, House)>),
    /// Everything is as in `base`, but for what it says.
    On { base: u64, tenants: Option<BTreeSet<TenantId>>, put: Vec<(Name, House)>, remove: Vec<Name> },
}

/// Where in a document one stands: names of ours and indices.
pub(super) struct At<'p>(Option<&'p At<'p>>, Step);

enum Step {
    Root,
    Member(&'static str),
    Element(usize),
}

/// The members of a document, as they come.
#[derive(Default)]
struct Members {
    version: Option<u64>,
    kind: Option<bool>,
    revision: Option<u64>,
    base: Option<u64>,
    made_at: Option<UnixMillis>,
    tenants: Option<Names>,
    houses: Option<Vec<(Name, House)>>,
    put: Option<Vec<(Name, House)>>,
    remove: Option<Vec<Name>>,
}

impl Document {
    /// Reads an update.
    ///
    /// # Errors
    /// The first place that is wrong.
    pub fn read(signed: &Signed<'_>) -> Result<Self, WrongPlace> {
        read(signed.bytes)
    }
}

impl Directory {
    /// Reads back what [`Directory::text`] wrote; `None` of anything else.
    #[must_use]
    pub fn restored(text: &[u8]) -> Option<Self> {
        let document = read(text).ok()?;
        // What was taken up once was not from the future then.
        document.onto(None, UnixMillis::new(u64::MAX)).ok()
    }
}

pub(super) fn read(text: &[u8]) -> Result<Document, WrongPlace> {
    let root = At(None, Step::Root);
    let mut reader = Reader::new(text, LIMITS).map_err(|error| root.json(error))?;
    let mut rules = Rules::new(0);
    let mut found = Members::default();
    reader.begin_object().map_err(|error| root.json(error))?;
    while let Some(name) = reader.next_key().map_err(|error| root.json(error))? {
        let at = |name| At(Some(&root), Step::Member(name));
        match &*name {
            "version" => found.version = Some(integer(&mut reader, &at("version"), 1)?),
            "kind" => found.kind = Some(read_kind(&mut reader, &at("kind"))?),
            "revision" => found.revision = Some(integer(&mut reader, &at("revision"), MAX_MAGNITUDE)?),
            "base" => found.base = Some(integer(&mut reader, &at("base"), MAX_MAGNITUDE)?),
            "made_at" => found.made_at = Some(read_instant(&mut reader, &at("made_at"))?),
            "tenants" => found.tenants = Some(read_names(&mut reader, &at("tenants"))?),
            "houses" => found.houses = Some(read_houses(&mut reader, &at("houses"), &mut rules)?),
            "put" => found.put = Some(read_houses(&mut reader, &at("put"), &mut rules)?),
            "remove" => found.remove = Some(read_ids(&mut reader, &at("remove"))?),
            _ => return Err(root.wrong("declared")),
        }
    }
    reader.finish().map_err(|error| root.json(error))?;
    found.understood(&root)
}

impl Members {
    fn understood(self, root: &At<'_>) -> Result<Document, WrongPlace> {
        let Self { version, kind, revision, base, made_at, tenants, houses, put, remove } = self;
        let present = |name| At(Some(root), Step::Member(name)).wrong("present");
        let foreign = |name, is_there: bool| match is_there {
            true => Err(At(Some(root), Step::Member(name)).wrong("declared")),
            false => Ok(()),
        };
        if version.ok_or_else(|| present("version"))? != 1 {
            return Err(At(Some(root), Step::Member("version")).wrong("bounds"));
        }
        let tenants = tenants.map(|names| names.into_names());
        let change = if kind.ok_or_else(|| present("kind"))? {
            foreign("base", base.is_some())?;
            foreign("put", put.is_some())?;
            foreign("remove", remove.is_some())?;
            let tenants = tenants.ok_or_else(|| present("tenants"))?;
            Change::Whole(tenants, houses.ok_or_else(|| present("houses"))?)
        } else {
            foreign("houses", houses.is_some())?;
            let base = base.ok_or_else(|| present("base"))?;
            Change::On { base, tenants, put: put.unwrap_or_default(), remove: remove.unwrap_or_default() }
        };
        let revision = revision.ok_or_else(|| present("revision"))?;
        Ok(Document { revision, made_at: made_at.ok_or_else(|| present("made_at"))?, change })
    }
}

/// Whether it is a snapshot.
fn read_kind(reader: &mut Reader<'_>, at: &At<'_>) -> Result<bool, WrongPlace> {
    match &*text(reader, at)? {
        "snapshot" => Ok(true),
        "delta" => Ok(false),
        _ => Err(at.wrong("enum")),
    }
}

fn read_instant(reader: &mut Reader<'_>, at: &At<'_>) -> Result<UnixMillis, WrongPlace> {
    rules::instant(&text(reader, at)?).ok_or_else(|| at.wrong("format"))
}

fn read_names(reader: &mut Reader<'_>, at: &At<'_>) -> Result<Names, WrongPlace> {
    let mut names = Names::default();
    reader.begin_array().map_err(|error| at.json(error))?;
    while reader.next_element().map_err(|error| at.json(error))? {
        let at = At(Some(at), Step::Element(names.len()));
        names.add(&text(reader, &at)?).map_err(|fault| at.rule(fault))?;
    }
    Ok(names)
}

/// Names in the order in which they stand.
fn read_ids(reader: &mut Reader<'_>, at: &At<'_>) -> Result<Vec<Name>, WrongPlace> {
    let mut ids = Vec::new();
    reader.begin_array().map_err(|error| at.json(error))?;
    while reader.next_element().map_err(|error| at.json(error))? {
        let at = At(Some(at), Step::Element(ids.len()));
        ids.push(Name::new(&text(reader, &at)?).map_err(|fault| at.rule(fault.into()))?);
    }
    Ok(ids)
}

fn read_houses(reader: &mut Reader<'_>, at: &At<'_>, rules: &mut Rules) -> Result<Vec<(Name, House)>, WrongPlace> {
    let mut houses = Vec::new();
    reader.begin_array().map_err(|error| at.json(error))?;
    while reader.next_element().map_err(|error| at.json(error))? {
        houses.push(read_house(reader, &At(Some(at), Step::Element(houses.len())), rules)?);
    }
    Ok(houses)
}

fn read_house(reader: &mut Reader<'_>, at: &At<'_>, rules: &mut Rules) -> Result<(Name, House), WrongPlace> {
    let (mut id, mut tenant, mut zone, mut partners, mut doors, mut barriers) = (None, None, None, None, None, None);
    reader.begin_object().map_err(|error| at.json(error))?;
    while let Some(name) = reader.next_key().map_err(|error| at.json(error))? {
        let part = |name| At(Some(at), Step::Member(name));
        match &*name {
            "id" => {
                let at = part("id");
                id = Some(Name::new(&text(reader, &at)?).map_err(|fault| at.rule(fault.into()))?);
            }
            "tenant" => {
                // That it is listed is asked once the list is known.
                let at = part("tenant");
                tenant = Some(rules.name(&text(reader, &at)?).map_err(|fault| at.rule(fault))?);
            }
            "zone" => {
                let at = part("zone");
                zone = Some(rules.zone(&text(reader, &at)?).map_err(|fault| at.rule(fault))?);
            }
            "partners" => partners = Some(read_names(reader, &part("partners"))?),
            "doors" => doors = Some(read_names(reader, &part("doors"))?),
            "barriers" => barriers = Some(read_names(reader, &part("barriers"))?),
            _ => return Err(at.wrong("declared")),
        }
    }
    let present = |name| At(Some(at), Step::Member(name)).wrong("present");
    let house = House {
        tenant: tenant.ok_or_else(|| present("tenant"))?,
        zone: zone.ok_or_else(|| present("zone"))?,
        partners: rules.partners(partners.ok_or_else(|| present("partners"))?),
        doors: doors.map(Names::into_ids).unwrap_or_default(),
        barriers: barriers.map(Names::into_ids).unwrap_or_default(),
    };
    Ok((id.ok_or_else(|| present("id"))?, house))
}

fn text<'t>(reader: &mut Reader<'t>, at: &At<'_>) -> Result<Cow<'t, str>, WrongPlace> {
    reader.string(usize::MAX).map_err(|error| at.json(error))
}

/// A whole number from 0 to `high`.
fn integer(reader: &mut Reader<'_>, at: &At<'_>, high: i64) -> Result<u64, WrongPlace> {
    let number = reader.number().map_err(|error| at.json(error))?;
    let number = number.as_integer().ok_or_else(|| at.wrong("integer"))?;
    u64::try_from(number).ok().filter(|_| number <= high).ok_or_else(|| at.wrong("bounds"))
}

impl At<'_> {
    /// A step further: the element of that index in the member of that name of the whole.
    pub(super) fn element(list: &'static str, index: usize) -> String {
        let root = At(None, Step::Root);
        let list = At(Some(&root), Step::Member(list));
        At(Some(&list), Step::Element(index)).to_string()
    }

    fn wrong(&self, expected: &'static str) -> WrongPlace {
        WrongPlace { part: "body", pointer: self.to_string(), expected }
    }

    fn rule(&self, fault: RuleFault) -> WrongPlace {
        self.wrong(fault.expected())
    }

    fn json(&self, error: JsonError) -> WrongPlace {
        self.wrong(match error.fault() {
            Fault::WrongKind { wanted, .. } => match wanted {
                Kind::String => "text",
                Kind::Number => "number",
                Kind::Array => "array",
                Kind::Object => "object",
                Kind::Null | Kind::Boolean => "JSON",
            },
            Fault::StringTooLong => "length",
            Fault::DuplicateName => "once",
            _ => "JSON",
        })
    }
}

/// A JSON pointer (RFC 6901); no name of ours needs an escape.
impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.0 {
            above.fmt(f)?;
        }
        match self.1 {
            Step::Root => Ok(()),
            Step::Member(name) => write!(f, "/{name}"),
            Step::Element(index) => write!(f, "/{index}"),
        }
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(_, houses) => write!(f, "{} houses", houses.len()),
            Self::On { base, put, .. } => write!(f, "{} houses on {base}", put.len()),
        }
    }
}
