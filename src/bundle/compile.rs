//! From the files of a bundle to its meaning: contracts, policies and requirements, held against one another.

use crate::bundle::requirements::Requirements;
use crate::bundle::tree::CONTRACT_ENDING;
use crate::bundle::tree::Role;
use crate::bundle::tree::Tree;
use crate::bundle::tree::role_of;
use crate::contract::Contract;
use crate::contract::Event;
use crate::contract::Field;
use crate::contract::Operation;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::json;
use crate::limits::Limits;
use crate::model::ActionName;
use crate::model::DataClass;
use crate::model::Direction;
use crate::model::IdentifierKind;
use crate::model::Part;
use crate::model::PartnerName;
use crate::model::Recordable;
use crate::model::Sha256;
use crate::policy::Demand;
use crate::policy::DemandValue;
use crate::policy::DemandedBy;
use crate::policy::Policies;
use crate::policy::ValueKind;
use crate::policy::Witness;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// One immutable snapshot of everything that was approved together; copies share it.
#[derive(Clone)]
pub struct Bundle {
    digest: Sha256,
    contracts: Arc<BTreeMap<PartnerName, Arc<Contract>>>,
    policies: Policies,
    requirements: Arc<Requirements>,
    files: Arc<BTreeMap<String, Source>>,
    approvals: Arc<BTreeMap<String, Vec<u8>>>,
}

/// A bundle that is to replace another one, or why it cannot.
pub struct Offered {
    /// The digest over its files; `None` where not all of them could be read.
    pub digest: Option<Sha256>,
    /// The bundle, or all faults of all files.
    pub bundle: Result<Bundle, Diagnostics>,
}

impl Bundle {
    /// Reads and compiles the bundle in a folder; `limits` bound what its contracts may allow.
    ///
    /// # Errors
    /// All faults of all files.
    pub fn load(folder: &Path, limits: &Limits) -> Result<Self, Diagnostics> {
        let mut faults = Diagnostics::new();
        let tree = Tree::read(folder, &mut faults);
        Self::compile(tree, limits, faults)
    }

    /// Compiles a bundle whose files are in memory, each by its path within it; `root` is what diagnostics call its folder.
    ///
    /// # Errors
    /// As [`Bundle::load`].
    pub fn of_files(
        root: &Path,
        files: impl IntoIterator<Item = (String, Vec<u8>)>,
        limits: &Limits,
    ) -> Result<Self, Diagnostics> {
        let mut faults = Diagnostics::new();
        let tree = Tree::of(root, files, &mut faults);
        Self::compile(tree, limits, faults)
    }

    /// Reads and compiles a bundle that is to replace another one.
    #[must_use]
    pub fn offered(folder: &Path, limits: &Limits) -> Offered {
        let mut faults = Diagnostics::new();
        let tree = Tree::read(folder, &mut faults);
        let digest = faults.is_empty().then(|| tree.digest());
        Offered { digest, bundle: Self::compile(tree, limits, faults) }
    }

    fn compile(tree: Tree, limits: &Limits, mut faults: Diagnostics) -> Result<Self, Diagnostics> {
        let contracts = contracts(&tree, limits, &mut faults);
        let complete = contracts.len() == tree.of_role(Role::Contract).count();
        let requirements = tree.of_role(Role::Requirements).next().and_then(|(_, source)| {
            let requirements = kept(Requirements::compile(source), &mut faults)?;
            if complete {
                requirements.hold_against(contracts.keys(), &mut faults);
            }
            Some(requirements)
        });
        let policies = tree.of_role(Role::Schema).next().and_then(|(_, schema)| {
            let sources: Vec<Source> = tree.of_role(Role::Policy).map(|(_, source)| source.clone()).collect();
            let source = |contract: &Contract| {
                let name = format!("{}{CONTRACT_ENDING}", contract.partner());
                tree.of_role(Role::Contract).find(|(known, _)| **known == *name).map(|(_, source)| source)
            };
            let demands = contracts.values().flat_map(|contract| {
                let source = source(contract);
                let operations = contract.operations().iter().map(move |operation| demand(operation, source));
                operations.chain(contract.events().iter().map(move |event| event_demand(event, source)))
            });
            let demands: Vec<Demand> = demands.collect();
            let constants = tree.of_role(Role::Constants).next().map(|(_, source)| source);
            kept(Policies::compile(schema, &sources, constants, &demands), &mut faults)
        });
        match (policies, requirements) {
            (Some(policies), Some(requirements)) => {
                let digest = tree.digest();
                let (files, approvals) = tree.into_parts();
                faults.or_fail(Self {
                    digest,
                    contracts: Arc::new(contracts),
                    policies,
                    requirements: Arc::new(requirements),
                    files: Arc::new(files),
                    approvals: Arc::new(approvals),
                })
            }
            // What is missing was reported when it was not found, or did not compile.
            _ => Err(faults),
        }
    }

    /// The digest over all files; see `tree.rs` for how to compute it without us.
    #[must_use]
    pub const fn digest(&self) -> Sha256 {
        self.digest
    }

    /// The contract with a partner.
    #[must_use]
    pub fn contract(&self, partner: &PartnerName) -> Option<&Arc<Contract>> {
        self.contracts.get(partner)
    }

    /// All contracts, by the name of the partner.
    pub fn contracts(&self) -> impl Iterator<Item = &Arc<Contract>> {
        self.contracts.values()
    }

    /// The policies.
    #[must_use]
    pub const fn policies(&self) -> &Policies {
        &self.policies
    }

    /// The files of its test cases, unread: a gateway needs none of them.
    #[must_use]
    pub fn tests(&self) -> Vec<Source> {
        let of_tests = |path: &str| role_of(path) == Some(Role::Test);
        self.files().filter(|(path, _)| of_tests(path)).map(|(_, source)| source.clone()).collect()
    }

    /// What the configuration may not undercut.
    #[must_use]
    pub fn requirements(&self) -> &Requirements {
        &self.requirements
    }

    /// Every file that the digest covers, by its path within the bundle, sorted: the very text that was digested and compiled.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.files.iter().map(|(path, source)| (path.as_str(), source))
    }

    /// The statements and signatures beside the bundle, by their names under `approvals/`, as they were read together with
    /// its files. Whether any of them is true, `approval` says.
    pub fn approvals(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.approvals.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// The same bundle, with somebody who sees each question that its policies are asked, for the workbench.
    #[must_use]
    pub fn witnessed(&self, witness: Arc<dyn Witness>) -> Self {
        Self { policies: self.policies.witnessed(witness), ..self.clone() }
    }
}

/// Its digest: all of it would be a book.
impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bundle {}", self.digest)
    }
}

/// Compiles every contract; a file bears the name of the partner that it is made with.
fn contracts(tree: &Tree, limits: &Limits, faults: &mut Diagnostics) -> BTreeMap<PartnerName, Arc<Contract>> {
    let mut contracts = BTreeMap::new();
    for (name, source) in tree.of_role(Role::Contract) {
        let compiled = Contract::compile_within(source, limits).map_err(explained);
        let Some(contract) = kept(compiled, faults) else { continue };
        let partner = contract.partner().clone();
        if name.strip_suffix(CONTRACT_ENDING) != Some(partner.as_str()) {
            let message = format!("a contract with `{partner}` stands in `contracts/{partner}{CONTRACT_ENDING}`");
            let fault = source.fault("contract-file-name", Place::WHOLE, message);
            faults.push(fault.help("rename the file, or correct `partner` in it"));
        }
        contracts.insert(partner, Arc::new(contract));
    }
    contracts
}

/// Faults of a contract: one that says by itself what to do is left so, any other is explained in the manual.
fn explained(faults: Diagnostics) -> Diagnostics {
    let mut explained = Diagnostics::new();
    for fault in faults.iter().cloned() {
        let page = format!("docs/contract.md says what a contract may say; see `{}` there", fault.code);
        explained.push(match fault.help {
            Some(_) => fault,
            None => fault.help(page),
        });
    }
    explained
}

/// What an operation, which stands in `source`, demands of the policies.
pub(super) fn demand(operation: &Operation, source: Option<&Source>) -> Demand {
    Demand {
        operation: operation.id.clone(),
        stated: stated(source, &format!("operationId: {}", operation.id), &operation.action),
        by: match operation.direction {
            Direction::Outbound => DemandedBy::User,
            Direction::Inbound => DemandedBy::Client,
        },
        action: operation.action.clone(),
        resource: (*operation.resource.kind).into(),
        dated: operation.max_age_s.is_some(),
        values: operation.fields.iter().filter_map(demand_value).collect(),
    }
}

/// What an event, which stands in `source`, demands of the policies.
pub(super) fn event_demand(event: &Event, source: Option<&Source>) -> Demand {
    Demand {
        operation: event.name.clone(),
        stated: stated(source, &format!("  {}:", event.name), &event.action),
        by: match event.direction {
            Direction::Outbound => DemandedBy::Backend,
            Direction::Inbound => DemandedBy::Partner,
        },
        action: event.action.clone(),
        resource: (*event.resource.kind).into(),
        dated: false,
        values: event.fields.iter().filter_map(event_value).collect(),
    }
}

/// Where a contract, which has compiled, names an action: the word that stands next to `beside`, where that is defined.
fn stated(source: Option<&Source>, beside: &str, action: &ActionName) -> Option<(Source, Place)> {
    let source = source?;
    let text = source.text();
    let id = text.find(beside).unwrap_or_default();
    let actions = text.match_indices("action: ");
    let named = actions.filter(|(at, word)| {
        let value = text.get(at + word.len()..).unwrap_or_default();
        value.trim_start_matches(['"', '\'']).starts_with(action.as_str())
    });
    let nearest = named.map(|(at, _)| at).min_by_key(|at| at.abs_diff(id));
    Some((source.clone(), Place::of_offset(text, nearest.unwrap_or(id))))
}

/// A value that a policy may look at: of the path, the query, or the body's top level.
fn demand_value(field: &Field) -> Option<DemandValue> {
    let name = match (field.status, field.part) {
        // The elements of a list have no name of their own.
        (None, Part::Path | Part::Query) => Some(field.pointer.as_str()).filter(|name| !name.contains('/'))?,
        (None, Part::Body) => field.pointer.strip_prefix('/').filter(|name| !name.contains(['/', '~']))?,
        (None, Part::Header) | (Some(_), _) => return None,
    };
    named_value(name, field)
}

/// A value of an event that a policy may look at: of its data's top level.
fn event_value(field: &Field) -> Option<DemandValue> {
    named_value(field.pointer.strip_prefix("/data/").filter(|name| !name.contains(['/', '~']))?, field)
}

fn named_value(name: &str, field: &Field) -> Option<DemandValue> {
    let kind = match field.kind {
        json::Kind::String => ValueKind::Text,
        json::Kind::Boolean => ValueKind::Boolean,
        json::Kind::Number if field.whole => ValueKind::Integer,
        json::Kind::Null | json::Kind::Number | json::Kind::Array | json::Kind::Object => return None,
    };
    let recordable = recordable(field);
    Some(DemandValue { name: name.into(), kind, required: field.required, recordable })
}

/// What of a value the record of a decision may hold. A person's identifier equals the token's (a contract that does not say so
/// does not load), so that the person's handle stands for it.
const fn recordable(field: &Field) -> Recordable {
    match (field.rule.class, field.rule.of) {
        (DataClass::Public, _) => Recordable::Value,
        (DataClass::Identifier, Some(kind)) => match kind {
            IdentifierKind::User | IdentifierKind::Device | IdentifierKind::Car => Recordable::Handle(kind),
            IdentifierKind::House | IdentifierKind::Door | IdentifierKind::Barrier | IdentifierKind::Tenant => {
                Recordable::Value
            }
            IdentifierKind::Request => Recordable::Nothing,
        },
        (
            DataClass::Identifier | DataClass::Access | DataClass::Personal | DataClass::Biometric | DataClass::Secret,
            _,
        ) => Recordable::Nothing,
    }
}

/// The value, or its faults among the others.
fn kept<T>(result: Result<T, Diagnostics>, faults: &mut Diagnostics) -> Option<T> {
    result.map_err(|found| faults.extend(found)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::FieldRule;
    use crate::model::Protection;

    #[test]
    fn a_record_holds_things_by_their_ids_persons_by_their_handles_and_nothing_else_that_is_not_public() {
        let recordable = |class, of| {
            let rule = FieldRule { class, of, protection: Protection::Keep };
            let (part, kind) = (Part::Path, json::Kind::String);
            recordable(&Field {
                part,
                status: None,
                pointer: "a".into(),
                rule,
                claim: None,
                kind,
                whole: false,
                required: true,
            })
        };
        for kind in IdentifierKind::ALL {
            let expected = match kind {
                IdentifierKind::User | IdentifierKind::Device | IdentifierKind::Car => Recordable::Handle(kind),
                IdentifierKind::Request => Recordable::Nothing,
                _ => Recordable::Value,
            };
            assert_eq!(recordable(DataClass::Identifier, Some(kind)), expected, "{}", kind.word());
        }
        for class in DataClass::ALL {
            let expected = if class == DataClass::Public { Recordable::Value } else { Recordable::Nothing };
            assert_eq!(recordable(class, None), expected, "{}", class.word());
        }
    }
}
