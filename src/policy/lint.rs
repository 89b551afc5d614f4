//! What of a bundle's policies somebody should look at: rules about policies that compile, and say something other than is meant.
//!
//! Nothing here is refused. Each finding is a lint, at the policy or the word in it that it is about; that it is meant is said
//! in the file itself (`bundle/allow.rs`). What one policy says is `lint_words.rs`'s; here is what the policies say together, and
//! what is asked of them at all.

use crate::clock::UnixSeconds;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::policy::Demand;
use crate::policy::Policies;
use crate::policy::assemble::Assembly;
use crate::policy::compile::offset;
use crate::policy::compile::read_policies;
use crate::policy::compile::read_schema;
use crate::policy::index::demanded_type;
use crate::policy::lint_words;
use crate::policy::own::OWN_ACTIONS;
use crate::policy::until::Until;
use cedar_policy::Policy;
use cedar_policy_core::ast;
use cedar_policy_core::ast::Effect;
use cedar_policy_core::validator::ValidatorActionId;
use std::collections::HashMap;

/// How long before its last day a permit is warned of, in seconds: fourteen days.
const ENDS_SOON_S: u64 = 14 * 24 * 60 * 60;

/// What the policies are held against.
pub struct Surroundings<'a> {
    /// The demands of all contracts.
    pub demands: &'a [Demand],
    /// The partners that have a contract.
    pub partners: Vec<&'a str>,
    /// The purposes that contracts state.
    pub purposes: Vec<&'a str>,
    /// The time.
    pub now: UnixSeconds,
}

/// One way in which policies are asked: an action, by a kind of principal, of a kind of thing.
struct Ask<'a> {
    action: &'a ValidatorActionId,
    principal: &'a str,
    resource: &'a str,
}

/// One policy, with what is told of it.
struct Looked<'a> {
    policy: &'a Policy,
    ast: &'a ast::Policy,
    source: &'a Source,
}

impl Policies {
    /// Looks at policies that compile; of those that do not, only what can be read is told.
    #[must_use]
    pub fn lint(schema: &Source, policies: &[Source], known: &Surroundings<'_>) -> Diagnostics {
        let (mut unread, mut found) = (Diagnostics::new(), Diagnostics::new());
        let named = read_policies(policies, &mut unread);
        let Some(parsed) = read_schema(schema, &mut unread) else { return found };
        let assembly = Assembly::new(schema, parsed.as_ref(), &named);
        let asks = asks(&assembly, known.demands);
        let looked: Vec<Looked<'_>> = named
            .list
            .iter()
            .filter_map(|(policy, file)| Some(Looked { policy, ast: policy.as_ref(), source: policies.get(*file)? }))
            .collect();
        let attributes = assembly.attributes();
        let mut permitted = vec![false; asks.len()];
        for one in &looked {
            let mut is_asked = false;
            for (_, permitted) in asks.iter().zip(&mut permitted).filter(|(ask, _)| ask.meets(&assembly, one.ast)) {
                is_asked = true;
                *permitted |= one.ast.effect() == Effect::Permit;
            }
            if !is_asked {
                found.push(one.never_asked());
            }
            found.extend_with(one.until(known.now));
            lint_words::examine(one.ast, one.source, known, &attributes, &mut found);
        }
        identical(&looked, &mut found);
        without_policy(&assembly, schema, &asks, &permitted, &mut found);
        found
    }
}

/// All ways in which the contracts and the gateway itself ask.
fn asks<'a>(assembly: &'a Assembly<'_>, demands: &'a [Demand]) -> Vec<Ask<'a>> {
    let demanded = demands.iter().filter_map(|demand| {
        let action = assembly.action(demand.action.as_str())?;
        Some(Ask { action, principal: demand.by.principal(), resource: &demand.resource })
    });
    let own = OWN_ACTIONS.iter().filter_map(|own| Some((own, assembly.action(own.name)?)));
    let own = own.flat_map(|(own, action)| {
        own.resources.iter().map(move |resource| Ask { action, principal: own.principal, resource })
    });
    demanded.chain(own).collect()
}

impl Ask<'_> {
    /// Whether a policy's scope can be met by this.
    fn meets(&self, assembly: &Assembly<'_>, policy: &ast::Policy) -> bool {
        let is = |wanted: Option<&ast::EntityType>, kind: &str| {
            wanted.is_none_or(|wanted| wanted.name().basename().to_string() == kind)
        };
        assembly.concerns(policy, self.action)
            && is(demanded_type(policy.principal_constraint().as_inner()), self.principal)
            && is(demanded_type(policy.resource_constraint().as_inner()), self.resource)
    }
}

impl Looked<'_> {
    fn lint(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        self.source.fault(code, self.source.place_of(offset(self.policy)), message).as_lint()
    }

    fn never_asked(&self) -> Diagnostic {
        let id = self.policy.id();
        let help = "correct its action, principal or resource; or take it out, or add the operation to a contract";
        match self.ast.effect() {
            Effect::Permit => {
                self.lint("permit-never-asked", format!("no operation and no event can trigger the permit `{id}`"))
            }
            Effect::Forbid => {
                self.lint("forbid-never-asked", format!("the forbid `{id}` can never match: nothing asks it"))
            }
        }
        .help(help)
    }

    fn until(&self, now: UnixSeconds) -> Option<Diagnostic> {
        let (until, id) = (Until::of(self.policy)?, self.policy.id());
        let day = self.policy.annotation("until").unwrap_or_default();
        if !until.holds(Some(now)) {
            let lint = self.lint("until-over", format!("the permit `{id}` has ended: its last day was {day}"));
            return Some(lint.help("take it out, or have a later day approved"));
        }
        let soon = until.ends_within(ENDS_SOON_S, now);
        let lint = || self.lint("until-soon", format!("the permit `{id}` ends: its last day is {day}"));
        soon.then(|| lint().help("have a later day approved in time, or leave it to end"))
    }
}

/// Policies that say the same with the same effect.
fn identical(looked: &[Looked<'_>], found: &mut Diagnostics) {
    let mut seen: HashMap<(bool, String), &Looked<'_>> = HashMap::new();
    for one in looked {
        // Cedar's own text of a condition, scope included, has no places and no comments.
        let says = (one.ast.effect() == Effect::Forbid, one.ast.condition().to_string());
        let Some(first) = seen.get(&says) else {
            seen.insert(says, one);
            continue;
        };
        let message = format!("the policy `{}` says the same as `{}`", one.policy.id(), first.policy.id());
        let line = first.source.place_of(offset(first.policy)).line;
        let name = first.source.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let help = format!("keep one of them; the first is in {name}, line {line}");
        found.push(one.lint("identical-policies", message).help(help));
    }
}

/// Actions that nobody may ever do, and those that nobody ever asks.
fn without_policy(
    assembly: &Assembly<'_>,
    schema: &Source,
    asks: &[Ask<'_>],
    permitted: &[bool],
    found: &mut Diagnostics,
) {
    let mut names: Vec<&str> = assembly.applicable().map(|action| AsRef::<str>::as_ref(action.name().eid())).collect();
    names.sort_unstable();
    for name in names {
        let of = |ask: &Ask<'_>| AsRef::<str>::as_ref(ask.action.name().eid()) == name;
        let mut asked = asks.iter().zip(permitted).filter(|(ask, _)| of(ask)).peekable();
        let lint = |code, message: String| schema.fault(code, assembly.declared("action", name), message).as_lint();
        if asked.peek().is_none() {
            let lint = lint("action-never-asked", format!("no operation and no event is the action `{name}`"));
            found.push(lint.help("take it out of the schema, or add the operation to a contract"));
        } else if !asked.any(|(_, permitted)| *permitted) {
            let lint =
                lint("action-without-policy", format!("no policy permits the action `{name}`, so nobody may do it"));
            found.push(lint.help("write a permit for it, or take operation and action out"));
        }
    }
}
