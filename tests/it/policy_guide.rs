//! `docs/policy-guide.md` is followed literally, beside a running gateway, from the copy of the bundle to the change in force. Its
//! Russian twin has the same blocks, so what is true of one is true of the other.

use crate::examples::done;
use crate::examples::sample;
use crate::examples::shell;
use crate::harness::blocks;
use crate::harness::page;
use crate::harness::shell_blocks;
use crate::harness::until;
use portcullis::devkit::GatewayProcess;
use std::fs;
use std::path::Path;

const PAGE: &str = "docs/policy-guide.md";
const IN_RUSSIAN: &str = "docs/ru/policy-guide.md";
const PROGRAM: &str = env!("CARGO_BIN_EXE_portcullis");

#[test]
fn the_guide_in_russian_has_the_same_blocks() {
    assert_eq!(blocks(&page(PAGE)), blocks(&page(IN_RUSSIAN)));
}

#[test]
fn the_guide_leads_from_a_wish_to_a_change_in_force() {
    let sample = sample();
    let folder = sample.path();
    let gateway =
        GatewayProcess::start(PROGRAM, &folder.join("gateway.yaml")).unwrap_or_else(|fault| panic!("{fault}"));
    let programs = Path::new(PROGRAM).parent().unwrap().display();
    // The port of this gateway is its own.
    let ops = format!("--ops {}", gateway.ops());
    let paste = |block: &str| {
        let set = format!("export PATH={programs}:$PATH HOME=$PWD/home GATEWAY={}", gateway.id());
        let block = block.replace("status --config gateway.yaml", &format!("status {ops}"));
        done(&shell(folder, &format!("{set}\n{block}")))
    };
    done(&shell(folder, "mkdir -p home/.ssh && ssh-keygen -q -t ed25519 -N '' -f home/.ssh/id_ed25519"));
    let digest = |name: &str| {
        let find = "find * -type f -not -path 'approvals/*' | LC_ALL=C sort | xargs sha256sum | sha256sum";
        done(&shell(&folder.join(name), find)).split(' ').next().unwrap().to_owned()
    };
    let before = digest("policies");

    let all = shell_blocks(&page(PAGE));
    let [copy, operation, policy, forbid, cases, meaning, signing, live, status] = &all[..] else {
        panic!("{} blocks", all.len())
    };
    paste(copy);
    let told = paste(operation);
    assert!(told.contains("openYard"), "{told}");
    paste(policy);
    let cedar = || fs::read_to_string(folder.join("policies-next/cedar/barriers.cedar")).unwrap();
    let (_, shown) = blocks(&page(PAGE)).into_iter().find(|(kind, _)| kind == "cedar").unwrap();
    assert!(cedar().ends_with(&shown), "{}", cedar());
    paste(forbid);
    assert_eq!(cedar().matches("\n     PropDevelopment::Action::\"openYard\",\n").count(), 3);
    paste(cases);
    paste(meaning);
    let change = fs::read_to_string(folder.join("change.md")).unwrap();
    assert!(change.contains("openYard") && change.contains("open-granted-yard"), "{change}");
    paste(signing);
    let signatures = fs::read_dir(folder.join("policies-next/approvals")).unwrap();
    let signed = signatures.filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|end| end == "sig"));
    assert_eq!(signed.count(), 2);
    let new = digest("policies-next");
    assert_ne!(new, before);
    assert!(paste(status).contains(&before), "nothing has changed so far");
    paste(live);
    until("the new bundle", || paste(status).contains(&new));
}
