//! The house rules of `docs/architecture.md`, held against the text of `src/`: who may import whom, which crate is
//! fenced into which room, and what keeps that readable by a check as simple as this one.
//!
//! A room is a module at the root of the crate. Each file is read without comments, literals and the test module that
//! ends it; what is left of it names another room as `crate::<room>::<item>`, and in no other way. What the standard
//! library offers and we fence (clocks, tasks, locks) is clippy's: see `clippy.toml`.

use std::fs;
use std::path::Path;

/// A room, its floor, and what it may import: rooms by name, one proof as `room::Proof`, or several by a name of [`GROUPS`].
const ROOMS: &[(&str, u8, &[&str])] = &[
    ("main", 5, &["cli", "crypto"]),
    ("lib", 5, &[]),
    ("cli", 5, &["gateway", "doors", "devkit", "workbench", "pipeline", "assembly", "rooms", "ground"]),
    ("gateway", 5, &["doors", "pipeline", "exporters", "assembly", "rooms", "ground"]),
    ("listener", 4, &["pipeline", "ground"]),
    ("admin", 4, &["pipeline", "audit", "ground"]),
    ("devkit", 4, &["approval", "bundle", "ground"]),
    ("workbench", 4, &["devkit", "pipeline", "assembly", "rooms", "ground"]),
    ("pipeline", 3, &["bundle", "approval", "rooms", "ground"]),
    ("exporters", 3, &["audit", "ground"]),
    ("config", 2, &["rooms", "ground"]),
    ("bundle", 2, &["contract", "policy", "protect", "ground"]),
    ("approval", 2, &["bundle", "contract", "ground"]),
    ("store", 2, &["approval", "guard", "audit", "webhook", "directory", "ground"]),
    ("directory", 1, &["ground"]),
    ("identity", 1, &["ground"]),
    ("contract", 1, &["identity::Caller", "partner::Answer", "ground"]),
    ("guard", 1, &["proofs", "ground"]),
    ("policy", 1, &["proofs", "ground"]),
    ("protect", 1, &["proofs", "ground"]),
    ("audit", 1, &["proofs", "ground"]),
    // A stranger to the writer: not even `audit`'s proofs.
    ("evidence", 1, &["model", "json", "crypto", "clock"]),
    ("partner", 1, &["proofs", "ground"]),
    ("webhook", 1, &["proofs", "ground"]),
    ("model", 0, &[]),
    ("json", 0, &["limits"]),
    ("crypto", 0, &["model", "json", "clock", "secret"]),
    ("wire", 0, &["chunks", "clock", "crypto", "limits"]),
    ("telemetry", 0, &["model"]),
    ("chunks", 0, &[]),
    ("clock", 0, &["model", "files"]),
    ("catalogue", 0, &[]),
    ("diagnostic", 0, &["model", "files"]),
    ("durable", 0, &["model", "files"]),
    ("form", 0, &[]),
    ("limits", 0, &["model", "files"]),
    ("problem", 0, &["model", "json", "files"]),
    ("secret", 0, &["model", "files"]),
    ("tasks", 0, &["model", "files"]),
    ("yaml", 0, &["model", "files"]),
];

/// Names for several rooms in [`ROOMS`]. `ground`, `rooms` and `assembly` are floors 0 to 2; `proofs` are those made
/// earlier than one's own last.
const GROUPS: &[(&str, &[&str])] = &[
    ("doors", &["listener", "admin"]),
    ("files", &["clock", "diagnostic", "durable", "limits", "problem", "secret", "tasks", "yaml"]),
];
const FLOORS: &[(&str, u8)] = &[("ground", 0), ("rooms", 1), ("assembly", 2)];

/// The proofs with the room that makes each, in the order in which one exchange earns them.
const PROOFS: &[(&str, &str)] = &[
    ("webhook", "Opened"),
    ("contract", "Declared"),
    ("identity", "Proof"),
    ("identity", "Caller"),
    ("identity", "KnownPartner"),
    ("identity", "Asserted"),
    ("identity", "Subject"),
    ("guard", "Admitted"),
    ("contract", "Rebuilt"),
    ("contract", "RebuiltEvent"),
    ("guard", "Bound"),
    ("policy", "Permit"),
    ("policy", "EventPermit"),
    ("policy", "Narrowed"),
    ("guard", "Placed"),
    ("protect", "Protected"),
    ("protect", "ProtectedEvent"),
    ("audit", "Recorded"),
    ("audit", "EventRecorded"),
    ("audit", "AttemptRecorded"),
    ("guard", "EventCurrent"),
    ("guard", "ErasureAgreed"),
    ("audit", "Noted"),
    ("guard", "Current"),
    ("audit", "RecordedAnswer"),
    ("partner", "Answer"),
    ("webhook", "Answered"),
    ("contract", "Checked"),
    ("protect", "Restored"),
    ("policy", "Visible"),
    ("audit", "Concluded"),
];

/// Crates and the rooms that may name them; `*` at the end stands for any ending.
const FENCED: &[(&str, &[&str])] = &[
    // `wire`: what the kernel knows of a TCP connection.
    ("pingora*", &["listener", "wire"]),
    ("cedar_policy*", &["policy"]),
    ("serde_yaml", &["yaml"]),
    ("rusqlite", &["store"]),
    ("clap*", &["cli"]),
    ("prometheus", &["telemetry"]),
    ("aws_lc_rs", &["crypto"]),
    ("jsonwebtoken", &["crypto"]),
    ("webpki", &["crypto"]),
    ("x509_parser", &["crypto"]),
    ("rustls", &["crypto", "listener", "wire"]),
    // `devkit`: the simulated ends speak TLS by themselves, so that tests do not meet the gateway's faults twice.
    ("tokio_rustls", &["devkit", "listener", "wire"]),
    ("h2", &["listener"]),
    ("rcgen", &["devkit"]),
    ("listenfd", &["gateway"]),
    ("sd_notify", &["gateway"]),
];

/// Ways of naming things that would hide an import from this check, and what to write instead.
const REFUSED: &[(&str, &str)] = &[
    ("use crate::{", "one `use` for each room"),
    ("pub(in", "`pub(crate)`, `pub(super)` or private"),
    ("$crate::", "a macro stays in its room: `crate::`"),
    ("super::super", "`crate::<room>`"),
    ("extern crate", "`use`"),
    ("#[path", "a module lies where its name says"),
    ("include!(", "a module"),
];

const MAX_LINES: usize = 700;

#[test]
fn every_room_keeps_to_the_house_rules() {
    let found = offences(&sources());
    assert!(found.is_empty(), "{} offences:\n{}", found.len(), found.join("\n"));
}

#[test]
fn the_architecture_names_every_room() {
    let text = fs::read_to_string(root().join("docs/architecture.md")).unwrap_or_default();
    let found = undocumented(&sources(), &text);
    assert!(found.is_empty(), "not in docs/architecture.md: {}", found.join(", "));
}

#[test]
fn every_direct_dependency_has_its_entry_among_the_decisions() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let entries = fs::read_to_string(root().join("docs/decisions/0004-dependencies.md")).unwrap();
    let sections = manifest.split("\n[").filter_map(|s| s.split_once("dependencies]\n").map(|(_, lines)| lines));
    let lines = sections.flat_map(str::lines).filter(|line| line.contains('='));
    let names = lines.map(|line| match line.split_once("package = \"") {
        Some((_, renamed)) => renamed.split('"').next().unwrap(),
        None => line.split([' ', '.']).next().unwrap(),
    });
    let missing: Vec<&str> = names.filter(|name| !entries.contains(&format!("\n**{name}** "))).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn the_table_itself_looks_down_and_takes_only_earlier_proofs_from_its_own_floor() {
    for (room, floor, _) in ROOMS {
        for (target, item) in allowed(room) {
            let below = floor_of(target).unwrap_or_else(|| panic!("`{room}` may import `{target}`, which is no room"));
            assert!(below <= *floor, "`{room}` on floor {floor} may import `{target}` on floor {below}");
            if *floor == 1 && below == 1 {
                let proof = PROOFS.iter().position(|(maker, proof)| *maker == target && Some(*proof) == item);
                let own = PROOFS.iter().rposition(|(maker, _)| maker == room);
                assert!(proof.is_some() && proof < own, "`{room}` may import `{target}::{item:?}`, no earlier proof");
            }
        }
    }
    for (maker, proof) in PROOFS {
        assert_eq!(floor_of(maker), Some(1), "`{maker}`, which makes `{proof}`, is no room of floor 1");
    }
}

/// What breaks a rule in `files` (path, text), one line each as `path:line: what`.
fn offences(files: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files {
        let room = room_of(path);
        let lines = text.lines().count();
        if !text.starts_with("//!") {
            found.push(format!("{path}:1: no `//!` at the head that says what this file owns"));
        }
        if lines > MAX_LINES {
            found.push(format!("{path}:{lines}: {lines} lines; at most {MAX_LINES} are one concept"));
        }
        if floor_of(room).is_none() {
            found.push(format!("{path}:1: `{room}` is not in the table of rooms"));
        }
        if path.ends_with("/tests.rs") || path.contains("/tests/") {
            continue; // only under `#[cfg(test)]`: `line_offences` sees to that
        }
        let code = code_of(text);
        let (product, rest) = before_tests(&code);
        for (number, (line, before)) in product.iter().zip(std::iter::once(&"").chain(&product)).enumerate() {
            let found_here = line_offences(path, room, line, before);
            found.extend(found_here.into_iter().map(|what| format!("{path}:{}: {what}", number + 1)));
        }
        if rest.iter().position(|line| *line == "}").is_some_and(|end| rest[end + 1..].iter().any(|l| !l.is_empty())) {
            found.push(format!("{path}:{lines}: code after the test module; tests come last"));
        }
    }
    found
}

/// What is wrong with one line of product code; `before` is the line above it.
fn line_offences(path: &str, room: &str, line: &str, before: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (bad, instead) in REFUSED {
        if line.contains(bad) {
            found.push(format!("`{bad}`; instead: {instead}"));
        }
    }
    let at_root = path.matches('/').count() == 1 || path.ends_with("/mod.rs") && path.matches('/').count() == 2;
    if at_root && line.contains("super::") {
        found.push("`super::` is the root of the crate here; instead: `crate::<room>`".to_owned());
    }
    if path.ends_with("/mod.rs") && line.trim_start().starts_with("pub") && line.contains(" mod ") {
        found.push("an inner module is private; instead: `mod`, and `pub use` of what the room offers".to_owned());
    }
    if line.contains("mod tests;") && before.trim() != "#[cfg(test)]" {
        found.push("`mod tests;` without `#[cfg(test)]` above it".to_owned());
    }
    let prefix = if room == "main" { "portcullis" } else { "crate" };
    if line.contains("on_stage(") && !matches!(room, "approval" | "workbench") {
        found.push("`on_stage` puts a bundle on a stage, past its approval: only the workbench does".to_owned());
    }
    for (head, after) in paths(line) {
        if head == prefix {
            found.extend(import_offence(room, after));
        } else if let Some((_, homes)) = FENCED.iter().find(|(fenced, _)| is_named(fenced, head))
            && !homes.contains(&room)
        {
            found.push(format!("crate `{head}` is fenced into {}", homes.join(", ")));
        }
    }
    found
}

/// What is wrong with `room` naming what stands `after` `crate::`, if anything.
fn import_offence(room: &str, after: &str) -> Option<String> {
    let (target, after) = split_ident(after);
    let item = after.strip_prefix("::").map(|after| split_ident(after).0);
    if after.trim_start().starts_with("as ") {
        return Some(format!("`crate::{target} as ..` gives a room a second name"));
    }
    if target == room || target.is_empty() {
        return None; // empty: `use crate::{`, refused by its own rule
    }
    let Some(floor) = floor_of(target) else {
        return Some(format!("`crate::{target}` is not in the table of rooms"));
    };
    let fits = |(name, proof): &(&str, Option<&str>)| *name == target && (proof.is_none() || *proof == item);
    if allowed(room).iter().any(fits) {
        return None;
    }
    let own = floor_of(room).unwrap_or_default();
    Some(match floor.cmp(&own) {
        std::cmp::Ordering::Greater => {
            format!("`{room}` (floor {own}) looks up to `{target}` (floor {floor})")
        }
        _ => format!("`{room}` may not import `{target}::{}`", item.unwrap_or_default()),
    })
}

/// What `room` may import: a room, and one item of it if that is all.
fn allowed(room: &str) -> Vec<(&'static str, Option<&'static str>)> {
    let mut found = Vec::new();
    for name in ROOMS.iter().filter(|(name, ..)| *name == room).flat_map(|(.., names)| *names) {
        if let Some((maker, proof)) = name.split_once("::") {
            found.push((maker, Some(proof)));
        } else if *name == "proofs" {
            let last = PROOFS.iter().rposition(|(maker, _)| *maker == room).unwrap_or_default();
            found.extend(PROOFS[..last].iter().map(|(maker, proof)| (*maker, Some(*proof))));
        } else if let Some((_, floor)) = FLOORS.iter().find(|(group, _)| group == name) {
            found.extend(ROOMS.iter().filter(|(_, of, _)| of == floor).map(|(member, ..)| (*member, None)));
        } else if let Some((_, members)) = GROUPS.iter().find(|(group, _)| group == name) {
            found.extend(members.iter().map(|member| (*member, None)));
        } else {
            found.push((*name, None));
        }
    }
    found
}

/// The rooms of `files` that `architecture` does not name as `` `room/` `` or `` `room.rs` ``.
fn undocumented(files: &[(String, String)], architecture: &str) -> Vec<String> {
    let mut rooms: Vec<&str> = files.iter().map(|(path, _)| room_of(path)).collect();
    rooms.dedup();
    let named =
        |room: &str| architecture.contains(&format!("`{room}/`")) || architecture.contains(&format!("`{room}.rs`"));
    rooms.into_iter().filter(|room| !named(room)).map(str::to_owned).collect()
}

/// `src/policy/index.rs` and `src/policy.rs` are of the room `policy`.
fn room_of(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
}

fn floor_of(room: &str) -> Option<u8> {
    ROOMS.iter().find(|(name, ..)| *name == room).map(|(_, floor, _)| *floor)
}

fn is_named(fenced: &str, name: &str) -> bool {
    fenced.strip_suffix('*').map_or(fenced == name, |start| name.starts_with(start))
}

/// Each first segment of a path in `line`, with what follows its `::`; `use name;` and `use name as ..` count.
fn paths(line: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let statement = line.trim_start().trim_start_matches("pub ").strip_prefix("use ").map(split_ident);
    if let Some((name, after)) = statement.filter(|(_, after)| !after.starts_with("::")) {
        found.push((name, after));
    }
    for (at, _) in line.match_indices("::") {
        let (before, after) = line.split_at(at);
        let outside = before.trim_end_matches(is_ident);
        let name = before.strip_prefix(outside).unwrap();
        let parent = outside.strip_suffix("::").unwrap_or_default();
        if !name.is_empty() && !parent.ends_with(|c| is_ident(c) || c == '>') {
            found.push((name, after.strip_prefix("::").unwrap()));
        }
    }
    found
}

fn is_ident(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn split_ident(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c| !is_ident(c)).unwrap_or(text.len()))
}

/// The lines of `code` before the inline test module that ends it, and that module's.
fn before_tests(code: &str) -> (Vec<&str>, Vec<&str>) {
    let mut lines: Vec<&str> = code.lines().map(str::trim_end).collect();
    let opens = |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{');
    let tests = lines.windows(2).position(opens).unwrap_or(lines.len());
    let rest = lines.split_off(tests);
    (lines, rest)
}

/// `text` with comments and the insides of literals blanked, line for line.
fn code_of(text: &str) -> String {
    let mut left = text.as_bytes();
    let mut code = Vec::with_capacity(left.len());
    while let Some(first) = left.first() {
        let blank = blank_length(left).min(left.len());
        code.extend(left[..blank].iter().map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }));
        if blank == 0 {
            code.push(*first);
        }
        left = &left[blank.max(1)..];
    }
    String::from_utf8(code).unwrap()
}

/// How many bytes at the start of `left` are a comment or a literal.
fn blank_length(left: &[u8]) -> usize {
    let upto = |from: usize, end: &[u8]| {
        let rest = left.get(from..).unwrap_or_default();
        rest.windows(end.len()).position(|w| w == end).map_or(left.len(), |at| from + at + end.len())
    };
    match left {
        [b'/', b'/', ..] => left.iter().position(|byte| *byte == b'\n').unwrap_or(left.len()),
        [b'/', b'*', ..] => upto(2, b"*/"),
        [b'\'', b'\\', ..] => upto(3, b"'"),
        [b'\'', first, ..] => {
            let width = (first.leading_ones() as usize).max(1);
            if left.get(1 + width) == Some(&b'\'') { width + 2 } else { 0 }
        }
        [b'"', rest @ ..] => {
            let mut escaped = false;
            let end = rest.iter().position(|byte| {
                let ends = *byte == b'"' && !escaped;
                escaped = *byte == b'\\' && !escaped;
                ends
            });
            end.map_or(left.len(), |at| at + 2)
        }
        [b'r', rest @ ..] => {
            let hashes = rest.iter().take_while(|byte| **byte == b'#').count();
            let end = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
            if rest.get(hashes) == Some(&b'"') { upto(hashes + 2, &end) } else { 0 }
        }
        _ => 0,
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below `src/` as (path from the root, text), sorted.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// Offences of one file with a proper head.
fn offences_of(path: &str, body: &str) -> Vec<String> {
    offences(&[(path.to_owned(), format!("//! Owns a thing.\n{body}\n"))])
}

#[test]
fn each_rule_catches_a_planted_offence_at_its_line() {
    let long = "\n".repeat(MAX_LINES - 1);
    let planted = [
        ("src/policy/index.rs", "use crate::pipeline::Way;", "2: `policy` (floor 1) looks up to `pipeline` (floor 3)"),
        ("src/clock.rs", "use crate::audit::Recorded;", "2: `clock` (floor 0) looks up to `audit` (floor 1)"),
        ("src/guard/age.rs", "\nuse crate::policy::Index;", "3: `guard` may not import `policy::Index`"),
        ("src/guard/age.rs", "use crate::policy::{Permit};", "2: `guard` may not import `policy::`"),
        ("src/guard/age.rs", "use crate::policy;", "2: `guard` may not import `policy::`"),
        ("src/guard/age.rs", "fn f(_: crate::policy::Index) {}", "2: `guard` may not import `policy::Index`"),
        ("src/identity/jws.rs", "use crate::contract::Declared;", "2: `identity` may not import `contract::Declared`"),
        ("src/guard/age.rs", "use crate::partner::Answer;", "2: `guard` may not import `partner::Answer`"),
        ("src/json/tree.rs", "use crate::clock::UnixSeconds;", "2: `json` may not import `clock::UnixSeconds`"),
        ("src/gateway.rs", "use crate::devkit::Pki;", "2: `gateway` may not import `devkit::Pki`"),
        ("src/main.rs", "use portcullis::audit::Writer;", "2: `main` may not import `audit::Writer`"),
        ("src/clock.rs", "use crate::UnixSeconds;", "2: `crate::UnixSeconds` is not in the table"),
        ("src/attic/box.rs", "", "1: `attic` is not in the table"),
        ("src/guard/age.rs", "use crate::clock as time;", "2: `crate::clock as ..`"),
        ("src/guard/age.rs", "use crate::{clock, limits};", "2: `use crate::{`"),
        ("src/guard/age.rs", "pub(in crate::guard) fn f() {}", "2: `pub(in`"),
        ("src/guard/age.rs", "macro_rules! m { () => { $crate::clock::now() } }", "2: `$crate::`"),
        ("src/guard/rate/bucket.rs", "use super::super::age;", "2: `super::super`"),
        ("src/guard/mod.rs", "use super::policy::Index;", "2: `super::` is the root"),
        ("src/guard/mod.rs", "pub mod age;", "2: an inner module is private"),
        ("src/guard/mod.rs", "mod tests;", "2: `mod tests;` without"),
        ("src/guard/age.rs", "#[path = \"../policy/index.rs\"]", "2: `#[path`"),
        ("src/audit/log.rs", "use rusqlite::Connection;", "2: crate `rusqlite` is fenced into store"),
        ("src/audit/log.rs", "fn f(_: ::rustls::ServerConfig) {}", "2: crate `rustls` is fenced into crypto, "),
        ("src/audit/log.rs", "#[derive(clap::Parser)]", "2: crate `clap` is fenced into cli"),
        ("src/audit/log.rs", "use prometheus as p;", "2: crate `prometheus` is fenced into telemetry"),
        ("src/partner/io.rs", "use pingora_core::Error;", "2: crate `pingora_core` is fenced into listener"),
        ("src/guard/age.rs", "#[cfg(test)]\nmod tests {\n}\nfn late() {}", "5: code after the test module"),
        ("src/guard/age.rs", &long, "701: 701 lines; at most 700"),
    ];
    for (path, body, expected) in planted {
        let found = offences_of(path, body);
        assert_eq!(found.len(), 1, "{path} with {body:?}: {found:?}");
        assert!(found[0].starts_with(&format!("{path}:{expected}")), "{path} with {body:?}: {found:?}");
    }
    let headless = offences(&[("src/clock.rs".to_owned(), "use std::fmt;\n".to_owned())]);
    assert_eq!(headless, ["src/clock.rs:1: no `//!` at the head that says what this file owns"]);
}

#[test]
fn what_is_allowed_passes() {
    let short = "\n".repeat(MAX_LINES - 2);
    let fine = [
        ("src/policy/index.rs", "use crate::contract::Rebuilt;\nuse crate::guard::Admitted;\nuse crate::clock::Clock;"),
        ("src/contract/answer.rs", "use crate::partner::Answer;\nuse crate::contract::router::{Route, Router};"),
        ("src/pipeline/operation.rs", "use crate::audit::Writer;\nuse crate::bundle::Bundle;"),
        ("src/main.rs", "use portcullis::cli;\nuse portcullis::crypto::provider;"),
        ("src/guard/age.rs", "// crate::policy::Index\n/* rusqlite:: */ const A: &str = \"\\\"crate::policy::Index\";"),
        ("src/guard/age.rs", "const A: &str = r#\"\" crate::policy::Index \"#; const B: [char; 2] = ['\"', 'é'];"),
        ("src/guard/age.rs", "fn f<'a>(x: &'a str) -> &'a str { x }\nfn g(x: crate::guard::clap::Hand) {}"),
        ("src/guard/age.rs", "#[cfg(test)]\nmod tests {\n    use super::*;\n    use crate::pipeline::Way;\n}"),
        ("src/guard/mod.rs", "mod age;\npub use age::admit;\n#[cfg(test)]\nmod tests;"),
        ("src/guard/tests.rs", "use crate::policy::Index;"),
        ("src/guard/tests/races.rs", "use crate::policy::Index;"),
        ("src/guard/age.rs", &short),
    ];
    for (path, body) in fine {
        assert_eq!(offences_of(path, body), [""; 0], "{path} with {body:?}");
    }
}

#[test]
fn a_room_that_the_architecture_does_not_name_is_found() {
    let files = ["src/clock.rs", "src/guard/age.rs", "src/guard/mod.rs"].map(|path| (path.to_owned(), String::new()));
    assert_eq!(undocumented(&files, "`clock.rs` tells the time; the guard stands by"), ["guard"]);
    assert_eq!(undocumented(&files, "`clock.rs` tells the time; `guard/` stands by"), [""; 0]);
}
