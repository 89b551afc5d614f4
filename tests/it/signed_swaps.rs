//! Swaps of bundles that people sign: a newer one comes into force only by its own statements, an older one only by new ones,
//! and what is told of it is what was signed.

use crate::harness::Command;
use crate::harness::Process;
use crate::harness::Record;
use crate::harness::Stage;
use crate::harness::now;
use crate::harness::ops_page;
use crate::harness::told_by;
use crate::harness::until;
use portcullis::bundle::Bundle;
use portcullis::clock::UnixMillis;
use portcullis::devkit::Signatories;
use portcullis::limits::Limits;
use portcullis::model::Sha256;
use portcullis::model::SigningRole;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;

const BOTH: [SigningRole; 2] = [SigningRole::Infosec, SigningRole::ProductOwner];

/// A stage whose bundle everybody has signed, and which lies behind a link, so that another is put in its place at once.
struct Shelf {
    stage: Stage,
    people: Signatories,
}

impl Shelf {
    fn new(reload: &str) -> Self {
        let (stage, people) = (Stage::new(), Signatories::new().unwrap());
        stage.approve(&people, UnixMillis::new(now().get() * 1_000)).unwrap();
        stage.edit("gateway.yaml", "signers: signers.yaml}", &format!("signers: signers.yaml, reload: {reload}}}"));
        fs::create_dir(stage.path("shelf")).unwrap();
        fs::rename(stage.path("policies"), stage.path("shelf/first")).unwrap();
        symlink("shelf/first", stage.path("policies")).unwrap();
        Self { stage, people }
    }

    /// A copy of a bundle, whose doors open to commands of another age; its statements come along.
    fn copy(&self, from: &str, name: &str, age: u32) {
        let done = std::process::Command::new("cp")
            .args(["-r", from, name])
            .current_dir(self.stage.path("shelf"))
            .status()
            .unwrap();
        assert!(done.success());
        let doors = self.stage.path(&format!("shelf/{name}/cedar/doors.cedar"));
        let text = fs::read_to_string(&doors).unwrap();
        fs::write(doors, text.replacen("context.ageSeconds > 10", &format!("context.ageSeconds > {age}"), 1)).unwrap();
    }

    fn digest(&self, name: &str) -> Sha256 {
        let bundle = Bundle::load(&self.stage.path(&format!("shelf/{name}")), &Limits::default());
        bundle.unwrap_or_else(|faults| panic!("{faults}")).digest()
    }

    /// Infosec and the product owner sign the bundle as this step from that one.
    fn sign(&self, name: &str, sequence: u64, previous: &str) {
        let folder = self.stage.path(&format!("shelf/{name}"));
        let bundle = Bundle::load(&folder, &Limits::default()).unwrap_or_else(|faults| panic!("{faults}"));
        for signatory in self.people.all.iter().filter(|one| BOTH.contains(&one.role)) {
            let mut statement = signatory.statement(&bundle, UnixMillis::new(now().get() * 1_000)).unwrap();
            (statement.sequence, statement.previous) = (sequence, Some(self.digest(previous)));
            signatory.put(&folder, &statement).unwrap();
        }
    }

    /// Puts a bundle in the place of the one that is there, and tells how the attempt to take it up ended.
    fn offer(&self, gateway: &Process, name: &str, is_watched: bool) -> Value {
        let before = status(gateway)["policies"]["last_attempt"].clone();
        symlink(format!("shelf/{name}"), self.stage.path("next")).unwrap();
        fs::rename(self.stage.path("next"), self.stage.path("policies")).unwrap();
        if !is_watched {
            let sent = std::process::Command::new("kill").args(["-HUP", &gateway.id().to_string()]).status();
            assert!(sent.unwrap().success());
        }
        let mut told = Value::Null;
        until("the attempt", || {
            told = status(gateway);
            told["policies"]["last_attempt"] != before
        });
        assert_eq!(told["policies"]["last_attempt"]["bundle"], self.digest(name).to_string(), "{name}");
        told
    }

    fn records(&self, kind: &str) -> Vec<Record> {
        self.stage.records().into_iter().filter(|record| record.text("kind") == kind).collect()
    }
}

fn status(gateway: &Process) -> Value {
    serde_json::from_str(&ops_page(gateway.ops, "/-/status").1).unwrap()
}

/// What the status says of who signed, without the time, and the bundle that it is about: as a record says it.
fn as_recorded(told: &Value) -> [Value; 4] {
    let approval = &told["approval"];
    assert!(UnixMillis::parse(approval["activated_at"].as_str().unwrap()).is_some(), "{approval}");
    [told["bundle"].clone(), approval["sequence"].clone(), approval["data"].clone(), approval["signed_by"].clone()]
}

fn signed_by(people: &[(&str, &str)]) -> Value {
    people.iter().map(|(role, person)| serde_json::json!({"role": role, "person": person})).collect()
}

#[test]
fn signed_bundles_are_swapped_by_their_own_statements_and_an_older_one_comes_back_by_new_ones_alone() {
    for is_watched in [false, true] {
        let shelf = Shelf::new(if is_watched { "watch" } else { "signal" });
        shelf.copy("first", "second", 9);
        shelf.sign("second", 2, "first");
        shelf.copy("second", "unsigned", 9);
        fs::remove_dir_all(shelf.stage.path("shelf/unsigned/approvals")).unwrap();
        fs::write(shelf.stage.path("shelf/unsigned/tests/more.yaml"), "version: 1\ncases: {}\n").unwrap();
        shelf.copy("first", "back", 10);
        shelf.sign("back", 3, "second");
        let digests = ["first", "second", "unsigned", "back"].map(|name| shelf.digest(name).to_string());
        assert_eq!(digests[0], digests[3]);
        assert!(digests[1] != digests[0] && digests[2] != digests[1]);

        let gateway = Process::on(&shelf.stage);
        if is_watched {
            until("the first look", || status(&gateway)["policies"]["last_attempt"]["result"] == "unchanged");
        }
        let mut in_force = vec![as_recorded(&status(&gateway))];
        let taken = shelf.offer(&gateway, "second", is_watched);
        assert_eq!((&taken["bundle"], &taken["policies"]["sequence"]), (&digests[1].as_str().into(), &2.into()));
        in_force.push(as_recorded(&taken));
        let mut refused = Vec::new();
        for name in ["unsigned", "first"] {
            let code = "approval-missing";
            let told = shelf.offer(&gateway, name, is_watched);
            let last = &told["policies"]["last_attempt"];
            assert_eq!((&last["result"], &last["fault"]), (&"refused".into(), &code.into()), "{name}");
            // The last good one stays, and everything that is said of it.
            for member in ["bundle", "approval"] {
                assert_eq!(told[member], taken[member], "{name}");
            }
            assert_eq!(told["policies"]["since"], taken["policies"]["since"], "{name}");
            assert_eq!(told["notices"][0]["code"], "bundle-refused");
            Command::new(&shelf.stage).told(&shelf.stage, gateway.address).is(200, "");
            // And people are told it in words.
            let (exit, words, _) = told_by(&["status", "--ops", &gateway.ops.to_string()]);
            let (since, at) = (told["policies"]["since"].as_str().unwrap(), last["at"].as_str().unwrap());
            let offered = shelf.digest(name);
            for line in [
                format!("bundle       {}\n", digests[1]),
                format!("in force     since {since}\n"),
                format!("last swap    {at}: REFUSED, {code}; offered was {offered}, and the one above stays\n"),
                "signed by    anna (infosec), boris (product-owner); sequence 2\n".to_owned(),
            ] {
                assert!(exit == 1 && words.contains(&line), "{line}{words}");
            }
            refused.push([digests[1].clone(), offered.to_string(), code.to_owned()]);
        }
        let back = shelf.offer(&gateway, "back", is_watched);
        assert_eq!((&back["bundle"], &back["policies"]["sequence"]), (&digests[0].as_str().into(), &3.into()));
        assert_eq!(back["notices"], Value::Array(Vec::new()));
        in_force.push(as_recorded(&back));
        gateway.terminate();
        let (_, log) = gateway.ended();
        let log: Vec<_> = log.iter().filter(|line| line.contains("a changed bundle is refused")).collect();
        let rolled_back: Vec<bool> = log.iter().map(|line| line.contains("statement-rolled-back")).collect();
        assert_eq!(rolled_back, [false, true], "the old statements are there, and are worth nothing: {log:?}");

        // A restart takes what was activated, and activates nothing.
        let again = Process::on(&shelf.stage);
        assert_eq!((&status(&again)["approval"], &status(&again)["bundle"]), (&back["approval"], &back["bundle"]));
        again.terminate();
        let _ = again.ended();

        let activations = shelf.records("activation");
        let of = |record: &Record| ["bundle", "sequence", "data", "signed_by"].map(|name| record.get(name).clone());
        assert_eq!(activations.iter().map(of).collect::<Vec<_>>(), in_force, "the status says what is on record");
        let before: Vec<&str> = activations.iter().map(|record| record.text("before")).collect();
        assert_eq!(before, ["", &digests[0], &digests[1]]);
        let both = [("infosec", "anna"), ("product-owner", "boris")];
        let all = [&both[..], &[("data-officer", "clara")]].concat();
        let signers: Vec<Value> = in_force.into_iter().map(|[_, _, _, signers]| signers).collect();
        assert_eq!(signers, [signed_by(&all), signed_by(&both), signed_by(&both)]);
        let of = |record: &Record| ["bundle", "offered", "fault"].map(|name| record.text(name).to_owned());
        assert_eq!(shelf.records("bundle-refused").iter().map(of).collect::<Vec<_>>(), refused);
        let swaps = shelf.records("bundle");
        let swaps: Vec<[&str; 2]> = swaps
            .iter()
            .map(|record| [record.text("replaces"), record.text("bundle")])
            .filter(|[old, _]| !old.is_empty())
            .collect();
        assert_eq!(swaps, [[&*digests[0], &*digests[1]], [&*digests[1], &*digests[0]]]);
    }
}
