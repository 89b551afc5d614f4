//! An explanation as text: one screen. What others wrote goes through [`plain`], field by field.

use crate::cli::output::plain;
use crate::workbench::ClauseLine;
use crate::workbench::ContractRule;
use crate::workbench::Effect;
use crate::workbench::Explanation;
use crate::workbench::PolicyLine;
use crate::workbench::PolicyView;
use std::fmt::Write;

/// How many policies are shown: those that decided, and the nearest of the others.
const POLICIES_SHOWN: usize = 6;

/// How many permits that do not hold are shown of what was refused.
const PERMITS_SHOWN: usize = 3;

/// How many conditions are shown of a policy that holds.
const CONDITIONS_SHOWN: usize = 3;

/// The widest label.
const LABEL_WIDTH: usize = 16;

pub(super) fn text(explanation: &Explanation) -> String {
    let Explanation { about, allowed, reason, says, step, facts, contract, policies, notes } = explanation;
    let mut out = String::new();
    let word = if *allowed { "let through" } else { "refused" };
    let _ = writeln!(out, "{word}: {} ({step})\n  {}\n", plain(reason), plain(says));
    let _ = writeln!(out, "{}", plain(about));
    for (label, value) in facts {
        labelled(&mut out, label, value);
    }
    if let Some(rule) = contract {
        of_contract(&mut out, rule);
    }
    if let Some(view) = policies {
        of_policies(&mut out, view, *allowed);
    }
    if !notes.is_empty() {
        out.push_str("\nnote\n");
        for note in notes {
            let _ = writeln!(out, "  {}", plain(note));
        }
    }
    out
}

fn labelled(out: &mut String, label: &str, value: &str) {
    let _ = writeln!(out, "  {label:<LABEL_WIDTH$} {}", plain(value));
}

fn of_contract(out: &mut String, rule: &ContractRule) {
    let ContractRule { place, expected, declared } = rule;
    out.push_str("\ncontract\n");
    for (label, value) in [("place", place), ("expected", expected), ("declared", declared)] {
        if let Some(value) = value {
            labelled(out, label, value);
        }
    }
}

fn of_policies(out: &mut String, view: &PolicyView, allowed: bool) {
    let _ = writeln!(out, "\npolicies of {}", plain(&view.action));
    let decided = |line: &PolicyLine| line.determines || matches!(line.holds, "true" | "error");
    let mut permits = 0;
    let shown: Vec<&PolicyLine> = view
        .policies
        .iter()
        .filter(|line| {
            if decided(line) {
                return true;
            }
            match line.effect {
                Effect::Permit => {
                    permits += 1;
                    !allowed && permits <= PERMITS_SHOWN
                }
                // Nearly: one condition is all that it was short of.
                Effect::Forbid => line.failing().count() == 1,
            }
        })
        .take(POLICIES_SHOWN)
        .collect();
    if view.policies.is_empty() {
        out.push_str("  none: what no policy speaks of is refused\n");
    }
    shown.iter().for_each(|line| policy(out, line));
    let more = view.policies.len().saturating_sub(shown.len());
    if more > 0 {
        let _ = writeln!(out, "  and {more} more that do not hold; --format json tells all of them");
    }
    match &view.change {
        Some(change) => {
            let _ = writeln!(
                out,
                "\nthe smallest change that would have let it through (asked again: {} permits)",
                plain(&change.by)
            );
            for one in &change.moves {
                let _ = writeln!(out, "  {}", plain(one));
            }
        }
        None if view.sought => out.push_str("\nno change of facts was found that would have let it through\n"),
        None => {}
    }
}

fn policy(out: &mut String, line: &PolicyLine) {
    let failing = line.failing().count();
    let (effect, id, all) = (line.effect.word(), plain(&line.id), line.clauses.len());
    let came_to = match (line.holds, line.determines) {
        ("true", true) => "holds, and decides".to_owned(),
        ("true", false) => "holds".to_owned(),
        ("error", _) => "cannot be evaluated, which denies".to_owned(),
        ("unknown", true) => "decided then; what it read is not all on record".to_owned(),
        ("false", true) => "decided then, and does not hold by what is given here".to_owned(),
        ("unknown", false) => "not known: what it reads is not all on record".to_owned(),
        _ => format!("does not hold: {failing} of {all} conditions"),
    };
    let _ = writeln!(out, "  {effect} {id} ({}) {came_to}", plain(&line.place));
    // A forbid that does not hold says enough by what it saw.
    if line.determines || line.holds != "false" || line.effect == Effect::Permit {
        let _ = writeln!(out, "    {}", plain(&line.reason));
    }
    if line.holds == "true" {
        // What the scope asks is seldom what one wants to know.
        let told = line.clauses.iter().filter(|clause| !clause.saw.is_empty());
        let told: Vec<&ClauseLine> = told.collect();
        let first = told.len().saturating_sub(CONDITIONS_SHOWN);
        told.iter().skip(first).for_each(|one| clause(out, one));
    } else if let Some(first) = line.failing().next() {
        clause(out, first);
    }
}

fn clause(out: &mut String, clause: &ClauseLine) {
    let mark = match clause.truth {
        "true" => "yes",
        "false" => "no",
        "error" => "err",
        _ => "?",
    };
    let _ = writeln!(out, "    {mark:<4}{}", plain(&clause.text));
    if !clause.saw.is_empty() {
        let saw = clause.saw.iter().map(|(name, value)| format!("{} = {}", plain(name), plain(value)));
        let _ = writeln!(out, "        where {}", saw.collect::<Vec<_>>().join("; "));
    }
}
