//! `docs/policy-guide.md` is followed literally where the README's ten minutes end: from the start of a gateway to the change
//! in force on it, in one shell. Its Russian twin has the same blocks, so what is true of one is true of the other.

use crate::first_page::Machine;
use crate::first_page::NEXT;
use crate::first_page::said;
use crate::first_page::steps;
use crate::harness::blocks;
use crate::harness::page;
use crate::harness::shell_blocks;
use std::fs;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PAGE: &str = "docs/policy-guide.md";
const IN_RUSSIAN: &str = "docs/ru/policy-guide.md";

/// The digest of a bundle, by standard tools.
const DIGEST: &str = "find * -type f -not -path 'approvals/*' | LC_ALL=C sort | xargs sha256sum | sha256sum";

/// What `status` tells of the bundle in force, and who has signed it.
fn in_force(told: &str) -> (&str, &str) {
    let of = |word: &str| told.lines().find_map(|line| line.strip_prefix(word)).map(str::trim).unwrap_or_default();
    (of("bundle  "), of("signed by"))
}

#[test]
fn the_guide_in_russian_has_the_same_blocks_and_headings() {
    let (english, russian) = (page(PAGE), page(IN_RUSSIAN));
    assert_eq!(blocks(&english), blocks(&russian));
    let steps = |text: &str| text.lines().filter(|line| line.starts_with("## ")).count();
    assert_eq!(steps(&english), steps(&russian));
    for (text, folder) in [(english, "docs"), (russian, "docs/ru")] {
        for link in text.split("](").skip(1).map(|rest| rest.split([')', '#']).next().unwrap()) {
            assert!(Path::new(ROOT).join(folder).join(link).is_file(), "{folder}: {link}");
        }
    }
}

#[test]
fn the_guide_leads_from_a_wish_to_a_change_in_force() {
    let machine = Machine::new();
    // All that makes the folder; the check and the run of the README are the guide's own.
    let prepared: String = steps()[..5].concat();
    let told = said(&machine.run("clone", &prepared));
    assert!(told.contains("valid 90 days"), "{told}");

    let folder = "home/portcullis-try";
    let digest =
        |name: &str| said(&machine.run(&format!("{folder}/{name}"), DIGEST)).trim_end_matches("  -\n").to_owned();
    let before = digest("policies");
    let program = "export PATH=\"$PWD/target/debug:$PATH\"\n";
    let script = shell_blocks(&page(PAGE)).join(&format!("echo '{NEXT}'\n"));
    let told = said(&machine.run("clone", &format!("{program}{script}")));
    let told: Vec<&str> = told.split(&format!("{NEXT}\n")).collect();
    let [start, _, asked, who, forbidden, played, coverage, more, _, _, _, signed, live, demanded, _] = told[..] else {
        panic!("{} blocks", told.len())
    };
    assert_eq!(in_force(start), (before.as_str(), "nobody"));
    assert!(asked.contains("openYard  ") && asked.contains("it would start"), "{asked}");
    assert!(who.contains("barriers.cedar") && forbidden.contains("it would start"), "{who}{forbidden}");
    assert!(played.contains(" cases passed in "), "{played}");
    assert!(coverage.contains("`resource in context.grantedHouses` never true"), "{coverage}");
    assert!(
        more.starts_with("100 %: ") && more.contains("  0 not noticed") && more.ends_with("it would start\n"),
        "{more}"
    );
    assert!(signed.contains("may come into force"), "{signed}");

    let read = |name: &str| fs::read_to_string(machine.path(folder).join(name)).unwrap();
    let cedar = read("policies/cedar/barriers.cedar");
    let (_, shown) = blocks(&page(PAGE)).into_iter().find(|(word, _)| word == "cedar").unwrap();
    assert!(cedar.ends_with(&shown), "{cedar}");
    assert_eq!(cedar.matches("\n     PropDevelopment::Action::\"openYard\",\n").count(), 3);
    let change = read("change.md");
    assert!(change.contains("openYard") && change.contains("open&#45;granted&#45;yard"), "{change}");
    assert!(change.contains("barrier&#45;by&#45;parkline</code> changed, and that is **not shown"), "{change}");

    let new = digest("policies");
    assert_eq!(digest("policies-before"), before);
    assert_ne!(new, before);
    assert_eq!(in_force(live), (new.as_str(), "nobody"));
    let (demanded, by) = in_force(demanded);
    assert_eq!(demanded, new);
    for person in ["anna", "boris", "clara"] {
        assert!(by.contains(person), "{by}");
    }
}
