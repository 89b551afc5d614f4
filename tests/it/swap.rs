//! Another bundle in force while the gateway runs: at a signal or by itself, as a whole or not at all, under load without a
//! request that fails, and every attempt on record.

use crate::harness::Command;
use crate::harness::Process;
use crate::harness::Record;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::Streams;
use crate::harness::ops_page;
use crate::harness::page;
use crate::harness::shell_blocks;
use crate::harness::told_by;
use crate::harness::until;
use portcullis::admin::SocketAnswer;
use portcullis::admin::ask;
use portcullis::bundle::Bundle;
use portcullis::crypto::Jws;
use portcullis::devkit::NORTH;
use portcullis::limits::Limits;
use portcullis::pipeline::Act;
use serde_json::Value;
use std::collections::HashMap;
use std::collections::HashSet;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

const DOORS: &str = "cedar/doors.cedar";
const CONTRACT: &str = "contracts/smarthome.openapi.yaml";

/// How often a bundle is exchanged under load; every tenth one is broken.
const SWAPS: usize = 100;

/// A stage whose bundle lies behind a link, so that one of several is put in its place at once.
struct Shelf {
    stage: Stage,
}

impl Shelf {
    fn new() -> Self {
        let stage = Stage::new();
        fs::create_dir(stage.path("shelf")).unwrap();
        fs::rename(stage.path("policies"), stage.path("shelf/sample")).unwrap();
        symlink("shelf/sample", stage.path("policies")).unwrap();
        Self { stage }
    }

    /// Puts a copy of the sample with one thing changed on the shelf.
    fn copy(&self, name: &str, file: &str, from: &str, to: &str) {
        let (sample, folder) = (self.stage.path("shelf/sample"), self.stage.path(&format!("shelf/{name}")));
        for inner in ["cedar", "contracts", "tests"].map(Path::new) {
            let Ok(entries) = fs::read_dir(sample.join(inner)) else { continue };
            fs::create_dir_all(folder.join(inner)).unwrap();
            for entry in entries {
                let entry = entry.unwrap();
                fs::copy(entry.path(), folder.join(inner).join(entry.file_name())).unwrap();
            }
        }
        fs::copy(sample.join("requirements.yaml"), folder.join("requirements.yaml")).unwrap();
        self.change(name, file, from, to);
    }

    fn change(&self, name: &str, file: &str, from: &str, to: &str) {
        self.stage.edit(&format!("shelf/{name}/{file}"), from, to);
    }

    /// Puts a bundle in the place of the one that is there, by one rename.
    fn take(&self, name: &str) {
        symlink(format!("shelf/{name}"), self.stage.path("next")).unwrap();
        fs::rename(self.stage.path("next"), self.stage.path("policies")).unwrap();
    }

    fn digest(&self, name: &str) -> String {
        let bundle = Bundle::load(&self.stage.path(&format!("shelf/{name}")), &Limits::default());
        bundle.unwrap_or_else(|faults| panic!("{faults}")).digest().to_string()
    }

    /// The records of attempts: kind, and the digests of the bundle before and of the one offered.
    fn attempts(&self) -> Vec<[String; 3]> {
        let records = self.stage.records();
        let swaps = records.iter().filter(|record| matches!(record.text("kind"), "bundle" | "bundle-refused")).skip(1);
        let of = |record: &Record, names: [&str; 2]| {
            let [before, offered] = names.map(|name| record.text(name).to_owned());
            [record.text("kind").to_owned(), before, offered]
        };
        let told = |record: &Record| match record.text("kind") {
            "bundle" => of(record, ["replaces", "bundle"]),
            _ => of(record, ["bundle", "offered"]),
        };
        swaps.map(told).collect()
    }
}

fn hang_up(gateway: &Process) {
    let sent = std::process::Command::new("kill").args(["-HUP", &gateway.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn status(ops: SocketAddr) -> Value {
    serde_json::from_str(&ops_page(ops, "/-/status").1).unwrap()
}

/// How the last attempt ended, once there was one after `before`.
fn attempt_after(ops: SocketAddr, before: &Value) -> Value {
    let mut told = Value::Null;
    until("another attempt", || {
        told = status(ops)["policies"]["last_attempt"].clone();
        told != *before
    });
    told
}

/// Asks for the bundle that lies there, and tells how that ended: result, and the code of what is wrong.
fn asked(gateway: &Process) -> (String, String) {
    let before = status(gateway.ops)["policies"]["last_attempt"].clone();
    hang_up(gateway);
    let told = attempt_after(gateway.ops, &before);
    let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
    (text("result"), text("fault"))
}

/// Requests that go on until they are told to stop.
struct Load {
    going: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    tasks: Vec<tokio::task::JoinHandle<HashMap<String, usize>>>,
}

impl Load {
    /// One connection of HTTP/1.1 and one of HTTP/2, each one command after the other.
    fn begin(stage: &Stage, gateway: SocketAddr) -> Self {
        // A refusal whose body is not read ends its connection.
        stage.hear_nonce(gateway);
        let (going, done) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
        let mut tasks = Vec::new();
        {
            let (going, done, command) = (Arc::clone(&going), Arc::clone(&done), Command::new(stage));
            let mut connection = stage.wait(stage.backend(gateway).connect()).unwrap();
            tasks.push(stage.beside(async move {
                let mut told = HashMap::new();
                while going.load(Ordering::Relaxed) {
                    let command = command.again().under(&crate::harness::fresh_key());
                    let answer = command.give_on(&mut connection).await;
                    let word = answer.map_or_else(|fault| fault.to_string(), |answer| answer.status.to_string());
                    *told.entry(word).or_default() += 1;
                    done.fetch_add(1, Ordering::Relaxed);
                }
                told
            }));
        }
        let (streams, _) = stage.wait(Streams::open(stage, gateway));
        {
            let (going, done, command) = (Arc::clone(&going), Arc::clone(&done), Command::new(stage));
            let streams = streams.clone();
            tasks.push(stage.beside(async move {
                let mut told = HashMap::new();
                while going.load(Ordering::Relaxed) {
                    let command = command.again().under(&crate::harness::fresh_key());
                    let answer = streams.give(&command).await;
                    let word = answer.map_or_else(|fault| fault.to_string(), |answer| answer.status.to_string());
                    *told.entry(word).or_default() += 1;
                    done.fetch_add(1, Ordering::Relaxed);
                }
                told
            }));
        }
        Self { going, done, tasks }
    }

    /// Waits until more has been answered since the call.
    fn goes_on(&self) {
        let before = self.done.load(Ordering::Relaxed);
        until("another answer", || self.done.load(Ordering::Relaxed) > before + 2);
    }

    /// Ends it; what was answered, and how often.
    fn end(self, stage: &Stage) -> HashMap<String, usize> {
        self.going.store(false, Ordering::Relaxed);
        let mut told = HashMap::new();
        for task in self.tasks {
            for (word, times) in stage.wait(task).unwrap() {
                *told.entry(word).or_default() += times;
            }
        }
        told
    }
}

#[test]
fn a_hundred_swaps_under_load_fail_no_request_and_each_attempt_is_on_record() {
    let shelf = Shelf::new();
    let stage = &shelf.stage;
    // Another policy, and another contract around the operation that is asked for.
    shelf.copy("other", DOORS, "context.ageSeconds > 10", "context.ageSeconds > 9");
    shelf.change("other", CONTRACT, "How a door is now.", "How a door stands.");
    shelf.copy("broken", DOORS, "permit (", "permit ((");
    let digests = ["sample", "other"].map(|name| shelf.digest(name));
    let gateway = Process::on(stage);
    let load = Load::begin(stage, gateway.address);
    let (mut in_force, mut expected) = (0, Vec::new());
    for swap in 1..=SWAPS {
        let broken = swap % 10 == 0;
        let next = if broken { in_force } else { 1 - in_force };
        shelf.take(if broken { "broken" } else { ["sample", "other"][next] });
        let (result, fault) = asked(&gateway);
        match broken {
            true => {
                assert_eq!((result.as_str(), fault.as_str()), ("refused", "cedar-syntax"), "swap {swap}");
                assert!(ops_page(gateway.ops, "/readyz").1.contains("\"notices\":[\"bundle-refused\"]"));
                expected.push(("bundle-refused", digests[in_force].clone()));
            }
            false => {
                assert_eq!((result.as_str(), fault.as_str()), ("done", ""), "swap {swap}");
                assert!(ops_page(gateway.ops, "/readyz").1.contains("\"notices\":[]"));
                expected.push(("bundle", digests[in_force].clone()));
            }
        }
        in_force = next;
        assert_eq!(status(gateway.ops)["bundle"], digests[in_force]);
        load.goes_on();
    }
    let told = load.end(stage);
    assert_eq!(told.keys().collect::<Vec<_>>(), ["200"], "{told:?}");
    assert!(told["200"] >= SWAPS * 2, "{told:?}");
    let metrics = ops_page(gateway.ops, "/metrics").1;
    assert!(metrics.contains("portcullis_bundle_swaps_total{result=\"done\"} 90\n"), "{metrics}");
    assert!(metrics.contains("portcullis_bundle_swaps_total{result=\"failed\"} 10\n"));
    gateway.terminate();
    let (ended, _) = gateway.ended();
    assert!(ended.success());
    let attempts = shelf.attempts();
    assert_eq!(attempts.iter().map(|[kind, before, _]| (kind.as_str(), before.clone())).collect::<Vec<_>>(), expected);
    assert!(attempts.iter().all(|[_, before, offered]| before != offered && offered.len() == 64), "both digests");
    let ends: HashSet<String> = stage.story().into_iter().collect();
    assert_eq!(ends, ["intent", "outcome done done"].map(str::to_owned).into());
}

#[test]
fn what_a_partner_receives_is_always_protected_by_the_bundle_that_permitted_it() {
    let shelf = Shelf::new();
    let stage = &shelf.stage;
    // The policy that permits says by its name which protection is its own.
    shelf.copy("dropping", DOORS, "@id(\"open-granted-door\")", "@id(\"open-granted-door-without-reason\")");
    let reason = "enum: [access, guest]\n            x-portcullis: {class: public";
    shelf.change("dropping", CONTRACT, reason, &format!("{reason}, protect: drop"));
    // What a record of a decision names a bundle by is the first half of its digest.
    let digests = ["sample", "dropping"].map(|name| shelf.digest(name).chars().take(32).collect::<String>());
    let gateway = Process::on(stage);
    let load = Load::begin(stage, gateway.address);
    for swap in 1..=12 {
        shelf.take(["sample", "dropping"][swap % 2]);
        assert_eq!(asked(&gateway).0, "done", "swap {swap}");
        load.goes_on();
    }
    let told = load.end(stage);
    gateway.terminate();
    let _ = gateway.ended();
    // Whoever is between record and first byte when the protection changes is told to ask again; nobody else is.
    assert!(told.keys().all(|word| word == "200" || word == "503"), "{told:?}");
    let allowed = ["intent", "outcome done done", "outcome withdrawn withdrawn bundle-changed"];
    assert!(stage.story().iter().all(|line| allowed.contains(&line.as_str())), "{:?}", stage.story());

    let mut permitted = HashMap::new();
    for record in stage.records().iter().filter(|record| record.text("kind") == "intent") {
        let policy = record.get("decision")["policies"][0].as_str().unwrap().to_owned();
        permitted.insert(record.text("token").to_owned(), (policy, record.text("bundle").to_owned()));
    }
    let (mut kept, mut dropped) = (0, 0);
    for connection in stage.partner.raw() {
        let text = String::from_utf8_lossy(&connection.bytes).into_owned();
        for request in text.split("POST ").skip(1) {
            let target = request.split(' ').next().unwrap();
            let token = request.split("Bearer ").nth(1).or_else(|| request.split("bearer ").nth(1)).unwrap();
            let token = token.lines().next().unwrap().trim();
            let payload = Jws::split(token).unwrap().payload().to_vec();
            let claims: Value = serde_json::from_slice(&payload).unwrap();
            let (policy, bundle) = &permitted[claims["jti"].as_str().unwrap()];
            match target.contains("reason=guest") {
                true => assert_eq!((policy.as_str(), bundle), ("open-granted-door", &digests[0]), "{target}"),
                false => {
                    assert_eq!(
                        (policy.as_str(), bundle),
                        ("open-granted-door-without-reason", &digests[1]),
                        "{target}"
                    );
                }
            }
            *(if target.contains("reason=guest") { &mut kept } else { &mut dropped }) += 1;
        }
    }
    assert!(kept > 10 && dropped > 10, "{kept} and {dropped}");
}

#[test]
fn every_bundle_that_a_start_would_refuse_is_refused_while_it_runs_and_the_last_good_one_stays() {
    let shelf = Shelf::new();
    let stage = &shelf.stage;
    let gateway = Process::on(stage);
    let good = shelf.digest("sample");
    type Break = fn(&Shelf, &Path);
    let rows: [(&str, Break); 7] = [
        ("yaml-syntax", |shelf, _| shelf.change("bad", "requirements.yaml", "version: 1", "version: [1")),
        ("requirement-undercut", |shelf, _| shelf.change("bad", "requirements.yaml", "development", "production")),
        ("requirement-undercut", |shelf, _| {
            let pinned = format!("  smarthome:\n    ca: ['{}']\n", "a".repeat(64));
            shelf.change("bad", "requirements.yaml", "  smarthome:\n", &pinned);
        }),
        // A partner that the configuration has.
        ("requirement-undercut", |_, folder| {
            fs::remove_file(folder.join("contracts/parkline.openapi.yaml")).unwrap();
            fs::remove_file(folder.join("cedar/barriers.cedar")).unwrap();
            let text = fs::read_to_string(folder.join("requirements.yaml")).unwrap();
            let (first, _) = text.split_once("  parkline:").unwrap();
            fs::write(folder.join("requirements.yaml"), first).unwrap();
        }),
        ("link", |_, folder| symlink("doors.cedar", folder.join("cedar/link.cedar")).unwrap()),
        ("unknown-file", |_, folder| fs::write(folder.join("cedar/doors.cedar~"), "").unwrap()),
        ("missing-file", |_, folder| fs::remove_file(folder.join("cedar/schema.cedarschema")).unwrap()),
    ];
    for (code, spoil) in rows {
        shelf.copy("bad", DOORS, "context.ageSeconds > 10", "context.ageSeconds > 9");
        let folder = stage.path("shelf/bad");
        spoil(&shelf, &folder);
        shelf.take("bad");
        assert_eq!(asked(&gateway), ("refused".to_owned(), code.to_owned()));
        assert_eq!(status(gateway.ops)["bundle"], good);
        Command::new(stage).told(stage, gateway.address).is(200, "");
        // A restart would be refused for the same.
        let (exit, _, said) = told_by(&["check", "--config", stage.configuration().to_str().unwrap()]);
        assert!(exit != 0 && said.contains(&format!("error[{code}]")), "{code}: {said}");
        shelf.take("sample");
        assert_eq!(asked(&gateway), ("unchanged".to_owned(), String::new()), "taken back");
        assert!(ops_page(gateway.ops, "/readyz").1.contains("\"notices\":[]"));
        fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn an_operation_for_which_no_token_could_be_fetched_is_refused_at_a_start_and_while_it_runs() {
    let shelf = Shelf::new();
    let stage = &shelf.stage;
    let tls = "tls: {ca: pki/partner-authority.pem}";
    stage.fetch_from(&format!("url: \"https://127.0.0.1:1/token\", server_name: localhost, {tls}"));
    let gateway = Process::on(stage);
    let good = shelf.digest("sample");
    shelf.copy("bad", CONTRACT, "        right: {type: door_access, action: see}\n", "");
    shelf.take("bad");
    assert_eq!(asked(&gateway), ("refused".to_owned(), "missing-right".to_owned()));
    assert_eq!(status(gateway.ops)["bundle"], good);
    drop(gateway);
    let (exit, _, said) = told_by(&["check", "--config", stage.configuration().to_str().unwrap()]);
    assert!(exit != 0 && said.contains("error[missing-right]: `readDoor` names no `right`"), "{exit} {said}");
    let codes = Served::try_on(stage).err().map(|faults| faults.iter().map(|fault| fault.code).collect::<Vec<_>>());
    assert_eq!(codes, Some(vec!["missing-right"]));
}

#[test]
fn an_operation_that_comes_with_a_bundle_works_without_a_restart_and_a_restart_takes_the_same_bundle() {
    let shelf = Shelf::new();
    let stage = &shelf.stage;
    // The gateway begins without the operation that reads a door.
    shelf.copy("later", DOORS, "context.ageSeconds > 10", "context.ageSeconds > 9");
    shelf.change("sample", CONTRACT, "operationId: readDoor", "operationId: peekDoor");
    shelf.change("sample", CONTRACT, "/doors/{doorId}/status:", "/doors/{doorId}/peek:");
    let gateway = Process::on(stage);
    let read = Command::errand(stage, &NORTH, "readDoor");
    read.told(stage, gateway.address).is(404, "not-found");
    shelf.take("later");
    assert_eq!(asked(&gateway).0, "done");
    read.again().told(stage, gateway.address).is(200, "");
    let series = "portcullis_decisions_total{operation=\"readDoor\",result=\"allow\"} 1\n";
    assert!(ops_page(gateway.ops, "/metrics").1.contains(series));
    let told = status(gateway.ops);
    gateway.terminate();
    let _ = gateway.ended();
    let again = Process::on(stage);
    assert_eq!(status(again.ops)["bundle"], told["bundle"]);
    assert_eq!(status(again.ops)["configuration"], told["configuration"]);
    let starts = stage.records();
    let starts: Vec<&str> =
        starts.iter().filter(|record| record.text("kind") == "start").map(|record| record.text("config")).collect();
    assert_eq!(starts, [told["configuration"].as_str().unwrap(); 2]);
}

/// Waits until an attempt of its own ends so.
fn takes_up(gateway: &Served, result: &str) -> Value {
    until(result, || status(gateway.ops)["policies"]["last_attempt"]["result"] == result);
    status(gateway.ops)
}

#[test]
fn a_watched_bundle_is_taken_up_by_itself_as_kubernetes_swaps_it_and_as_editors_write_it() {
    let shelf = Shelf::new();
    let stage = &shelf.stage;
    stage.edit("gateway.yaml", "policies: {directory: policies}", "policies: {directory: policies, reload: watch}");
    shelf.copy("second", DOORS, "context.ageSeconds > 10", "context.ageSeconds > 9");
    let gateway = Served::on(stage);
    takes_up(&gateway, "unchanged");
    // The link, as Kubernetes exchanges `..data`.
    shelf.take("second");
    assert_eq!(takes_up(&gateway, "done")["bundle"], shelf.digest("second"));
    // A file that is written half.
    let doors = stage.path(&format!("policies/{DOORS}"));
    let text = fs::read_to_string(&doors).unwrap();
    fs::write(&doors, text.split_at(text.len() / 2).0).unwrap();
    assert_eq!(takes_up(&gateway, "refused")["notices"][0]["code"], "bundle-refused");
    // And whole, as an editor does it: elsewhere first, then renamed.
    fs::write(stage.path("shelf/new"), text.replace("> 9", "> 8")).unwrap();
    fs::rename(stage.path("shelf/new"), &doors).unwrap();
    assert_eq!(takes_up(&gateway, "done")["notices"], Value::Array(Vec::new()));
    Command::new(stage).told(stage, gateway.address).is(200, "");
    drop(gateway);
    let kinds: Vec<String> = shelf.attempts().into_iter().map(|[kind, _, _]| kind).collect();
    assert_eq!(kinds, ["bundle", "bundle-refused", "bundle"]);
}

#[test]
fn authorities_are_pinned_by_what_the_documents_own_commands_print_and_no_other_is_taken_up() {
    let stage = Stage::new();
    let block =
        shell_blocks(&page("docs/bundle.md")).into_iter().find(|block| block.starts_with("openssl x509")).unwrap();
    let commands: Vec<&str> = block.lines().collect();
    assert_eq!(commands.len(), 2);
    // By certificate and by key: what `openssl` prints ends with the digest.
    for command in commands {
        let command = command.replace("partner-ca.pem", "pki/partner-authority.pem");
        let output =
            std::process::Command::new("sh").args(["-c", &command]).current_dir(stage.path("")).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let pin = printed.trim().rsplit(['=', ' ']).next().unwrap();
        let pinned = format!("  smarthome:\n    ca: ['{pin}']\n");
        stage.edit("policies/requirements.yaml", "  smarthome:\n", &pinned);
        let gateway = Served::on(&stage);
        Command::new(&stage).told(&stage, gateway.address).is(200, "");
        // Another authority beside it is no longer the one that was approved.
        let authority = fs::read_to_string(stage.path("pki/partner-authority.pem")).unwrap();
        let more = fs::read_to_string(stage.path("pki/backend-authority.pem")).unwrap();
        fs::write(stage.path("pki/partner-authority.pem"), format!("{authority}{more}")).unwrap();
        until("the refusal", || gateway.metric("portcullis_reloads_total{result=\"failed\"}") == 1);
        drop(gateway);
        let (exit, _, said) = told_by(&["check", "--config", stage.configuration().to_str().unwrap()]);
        assert!(
            exit != 0 && said.contains("error[requirement-undercut]: an authority that certifies `smarthome`"),
            "{said}"
        );
        fs::write(stage.path("pki/partner-authority.pem"), authority).unwrap();
        stage.edit("policies/requirements.yaml", &pinned, "  smarthome:\n");
    }
}

#[test]
fn the_operators_socket_tells_the_bundle_in_force_whatever_lies_in_the_folder() {
    let shelf = Shelf::new();
    let stage = &shelf.stage;
    shelf.copy("other", DOORS, "context.ageSeconds > 10", "context.ageSeconds > 9");
    let gateway = Process::on(stage);
    let told = || match ask(&stage.path("state/admin.sock"), &Act::Bundle).unwrap() {
        SocketAnswer::Bundle { digest, files } => (digest, files),
        answer => panic!("{answer:?}"),
    };
    shelf.take("other");
    let (digest, files) = told();
    assert_eq!(digest.to_string(), shelf.digest("sample"));
    let folder = stage.path("shelf/sample");
    for (path, content) in &files {
        assert_eq!(*content, fs::read_to_string(folder.join(path)).unwrap(), "{path}");
    }
    // What is told is a whole bundle of that digest.
    let files = files.into_iter().map(|(path, content)| (path, content.into_bytes()));
    let again =
        Bundle::of_files(Path::new("live"), files, &Limits::default()).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(again.digest(), digest);
    assert_eq!(asked(&gateway).0, "done");
    assert_eq!(told().0.to_string(), shelf.digest("other"));
}
