//! Coverage as one page that needs nothing beside it: no script, no font, no picture.

use crate::cli::coverage::text;
use crate::cli::output::markup;
use crate::workbench::ClauseCoverage;
use crate::workbench::Coverage;
use crate::workbench::OperationCoverage;
use crate::workbench::PolicyCoverage;
use std::fmt::Write as _;

/// Nothing from elsewhere: neither loaded nor run, should something in it look like markup all the same.
const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
<title>Coverage of the policies</title>\n<style>\n\
body{font:15px/1.4 sans-serif;margin:2em;max-width:70em}\
table{border-collapse:collapse;width:100%;margin:1em 0}\
th,td{text-align:left;padding:.2em .6em;border-bottom:1px solid #ccc;vertical-align:top}\
code{white-space:pre-wrap}.miss{background:#fdd}.none{color:#777}\n\
</style>\n</head>\n<body>\n";

/// The page.
pub(super) fn page(coverage: &Coverage) -> String {
    let mut out = HEAD.to_owned();
    let (seen, wanted) = coverage.counts();
    let percent = coverage.percent();
    let _ = write!(out, "<h1>{percent} %</h1>\n<p>{seen} of {wanted} are exercised by {} cases.</p>\n", coverage.cases);
    out.push_str("<table>\n");
    for (what, (seen, wanted)) in text::sums(coverage) {
        let class = if seen < wanted { " class=\"miss\"" } else { "" };
        let _ = writeln!(out, "<tr{class}><td>{seen} of {wanted}</td><td>{what}</td></tr>");
    }
    out.push_str("</table>\n<h2>Policies</h2>\n");
    coverage.policies.iter().for_each(|policy| of_policy(&mut out, policy));
    out.push_str("<h2>Operations and events</h2>\n<table>\n<tr><th>partner</th><th>name</th><th>let through</th>");
    out.push_str("<th>refused</th><th>values that are never carried</th></tr>\n");
    coverage.operations.iter().for_each(|one| of_operation(&mut out, one));
    out.push_str("</table>\n<h2>Reasons</h2>\n<p>");
    let reasons: Vec<String> =
        coverage.reasons.iter().map(|reason| format!("<code>{}</code>", reason.code())).collect();
    let _ = writeln!(out, "{}</p>\n</body>\n</html>", reasons.join(" "));
    out
}

fn of_policy(out: &mut String, policy: &PolicyCoverage) {
    let place = format!("{}:{}", policy.source.path().display(), policy.place.line);
    let state = match (policy.may_match, policy.determined, policy.matched, policy.in_scope) {
        (false, ..) => "cannot match while the contracts are as they are",
        (true, 0, 0, 0) => "no case comes into its scope",
        (true, 0, 0, _) => "never matches",
        (true, 0, ..) => "matches, and never determines a decision",
        (true, ..) => "determines decisions",
    };
    let class = if policy.may_match && policy.determined == 0 { " class=\"miss\"" } else { "" };
    let _ = writeln!(out, "<h3><code>{}</code></h3>\n<p{class}>{}: {state}.</p>", markup(&policy.id), markup(&place));
    if policy.clauses.is_empty() {
        return;
    }
    out.push_str("<table>\n<tr><th>line</th><th>clause</th><th>true</th><th>false</th><th>errors</th></tr>\n");
    for ClauseCoverage { clause, seen: [yes, no, erred], wanted: [want_true, want_false] } in &policy.clauses {
        let cell = |times: usize, is_wanted: bool| match (times, is_wanted) {
            (0, true) => "<td class=\"miss\">0</td>".to_owned(),
            (0, false) => "<td class=\"none\">cannot be</td>".to_owned(),
            (times, _) => format!("<td>{times}</td>"),
        };
        let (line, text) = (clause.place.line, markup(&clause.text));
        let (yes, no) = (cell(*yes, *want_true), cell(*no, *want_false));
        let _ = writeln!(out, "<tr><td>{line}</td><td><code>{text}</code></td>{yes}{no}<td>{erred}</td></tr>");
    }
    out.push_str("</table>\n");
}

fn of_operation(out: &mut String, one: &OperationCoverage) {
    let cell = |times: usize| format!("<td{}>{times}</td>", if times == 0 { " class=\"miss\"" } else { "" });
    let missing = one.values.iter().filter(|(_, times)| *times == 0).map(|(name, _)| markup(name));
    let missing: Vec<String> = missing.map(|name| format!("<code>{name}</code>")).collect();
    let [through, refused] = one.cases.map(cell);
    let (partner, name, missing) = (markup(&one.partner), markup(&one.name), missing.join(", "));
    let _ = writeln!(out, "<tr><td>{partner}</td><td>{name}</td>{through}{refused}<td>{missing}</td></tr>");
}
