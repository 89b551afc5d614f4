//! Coverage of the `.cedar` files as an lcov tracefile (geninfo(1), "FILES"), which editors and CI show beside the lines.
//!
//! A policy is a function, called as often as it matched; a clause is a branch with two ways, true and false; a line counts what
//! was asked of the clauses that begin on it, and of a policy's first line how many questions came into its scope.

use crate::cli::output::plain;
use crate::workbench::Coverage;
use crate::workbench::PolicyCoverage;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The whole tracefile.
pub(super) fn tracefile(coverage: &Coverage) -> String {
    let mut files: BTreeMap<String, Vec<&PolicyCoverage>> = BTreeMap::new();
    for policy in &coverage.policies {
        files.entry(policy.source.path().display().to_string()).or_default().push(policy);
    }
    let mut out = String::new();
    for (path, policies) in files {
        file(&mut out, &path, &policies);
    }
    out
}

fn file(out: &mut String, path: &str, policies: &[&PolicyCoverage]) {
    let _ = write!(out, "TN:\nSF:{}\n", plain(path));
    for policy in policies {
        let _ = writeln!(out, "FN:{},{}", policy.place.line, plain(&policy.id));
    }
    for policy in policies {
        let _ = writeln!(out, "FNDA:{},{}", policy.matched, plain(&policy.id));
    }
    let matched = policies.iter().filter(|policy| policy.matched > 0).count();
    let _ = write!(out, "FNF:{}\nFNH:{matched}\n", policies.len());
    let mut lines: BTreeMap<u32, usize> = BTreeMap::new();
    let (mut branches, mut taken) = (0_usize, 0_usize);
    for policy in policies {
        *lines.entry(policy.place.line).or_default() += policy.in_scope;
        for (block, one) in policy.clauses.iter().enumerate() {
            let [yes, no, erred] = one.seen;
            let (line, reached) = (one.clause.place.line, yes + no + erred);
            *lines.entry(line).or_default() += reached;
            for (way, times) in [yes, no].into_iter().enumerate() {
                // What was never come to is told apart from a way that was not taken.
                let times_text = if reached == 0 { "-".to_owned() } else { times.to_string() };
                let _ = writeln!(out, "BRDA:{line},{block},{way},{times_text}");
                (branches, taken) = (branches + 1, taken + usize::from(times > 0));
            }
        }
    }
    let _ = write!(out, "BRF:{branches}\nBRH:{taken}\n");
    for (line, times) in &lines {
        let _ = writeln!(out, "DA:{line},{times}");
    }
    let hit = lines.values().filter(|times| **times > 0).count();
    let _ = write!(out, "LF:{}\nLH:{hit}\nend_of_record\n", lines.len());
}
