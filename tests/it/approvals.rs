//! Approvals: each way of getting a bundle in that the wrong people signed, or nobody, is refused for its own reason, by a
//! gateway that starts and by `portcullis verify`; and what was activated lasts.

use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::now;
use crate::harness::page;
use crate::harness::shell_blocks;
use portcullis::approval::LIST_NAMESPACE;
use portcullis::approval::NAMESPACE;
use portcullis::approval::Statement;
use portcullis::bundle::Bundle;
use portcullis::clock::UnixMillis;
use portcullis::crypto::sha256;
use portcullis::devkit::Signatories;
use portcullis::devkit::Signatory;
use portcullis::limits::Limits;
use portcullis::model::Name;
use portcullis::model::Sha256;
use portcullis::model::SigningRole;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;

const PROGRAM: &str = env!("CARGO_BIN_EXE_portcullis");
const POLICY: &str = "policies/cedar/doors.cedar";

fn millis() -> UnixMillis {
    UnixMillis::new(now().get() * 1_000)
}

/// A stage whose bundle everybody has signed.
struct Desk {
    stage: Stage,
    people: Signatories,
}

impl Desk {
    fn new() -> Self {
        let (stage, people) = (Stage::new(), Signatories::new().unwrap());
        stage.approve(&people, millis()).unwrap();
        let desk = Self { stage, people };
        desk.shell("cp -r policies signed-policies && cp signers.yaml signed-signers.yaml");
        desk
    }

    /// As it was when everybody had signed.
    fn restore(&self) {
        self.shell(
            "rm -rf policies signers.yaml* && cp -r signed-policies policies && cp signed-signers.yaml signers.yaml",
        );
    }

    fn shell(&self, line: &str) -> String {
        let output = Command::new("sh").args(["-euc", line]).current_dir(self.stage.path(".")).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn by(&self, role: SigningRole) -> &Signatory {
        self.people.all.iter().find(|signatory| signatory.role == role).unwrap()
    }

    fn bundle(&self) -> Bundle {
        Bundle::load(&self.stage.path("policies"), &Limits::default()).unwrap_or_else(|faults| panic!("{faults}"))
    }

    /// What somebody says about the bundle as it lies there.
    fn says(&self, role: SigningRole) -> Statement {
        self.by(role).statement(&self.bundle(), millis()).unwrap()
    }

    fn put(&self, statement: &Statement) {
        self.by(statement.role).put(&self.stage.path("policies"), statement).unwrap();
    }

    /// Everybody's statement, changed.
    fn all_say(&self, change: impl Fn(&mut Statement)) {
        for role in SigningRole::ALL {
            let mut statement = self.says(role);
            change(&mut statement);
            self.put(&statement);
        }
    }

    fn file(&self, role: SigningRole, ending: &str) -> PathBuf {
        let statement = format!("policies/approvals/{}{ending}", self.says(role).file_name());
        self.stage.path(&statement)
    }

    /// Why a gateway does not start; empty where it does.
    fn start(&self) -> Vec<&'static str> {
        let started = Served::try_on(&self.stage);
        started.err().map(|faults| faults.iter().map(|fault| fault.code).collect()).unwrap_or_default()
    }

    fn verify(&self, more: &[&str]) -> Output {
        let mut command = Command::new(PROGRAM);
        command.arg("verify").args(more).current_dir(self.stage.path("."));
        command.output().unwrap()
    }

    /// Refused for this reason, with a hint, at a start and by the command.
    #[track_caller]
    fn refuses(&self, what: &str, code: &str) {
        let codes = self.start();
        assert!(codes.contains(&code), "{what}: {codes:?} instead of {code}");
        let told = self.verify(&["--config", "gateway.yaml"]);
        let said = String::from_utf8(told.stderr).unwrap();
        assert!(!told.status.success() && said.contains(&format!("error[{code}]")), "{what}: {said}");
        let about = said.split("\n\n").find(|fault| fault.contains(&format!("error[{code}]"))).unwrap();
        assert!(about.contains("\n  help: "), "{what}: no hint in {about}");
    }
}

type Spoil = fn(&Desk);

/// What is done to a signed bundle, and the reason that must be given.
const SPOILT: &[(&str, &str, Spoil)] = &[
    ("nobody has signed", "approval-missing", |desk| {
        desk.shell("rm -r policies/approvals");
    }),
    ("not signed yet", "statement-unsigned", |desk| fs::remove_file(desk.file(SigningRole::Infosec, ".sig")).unwrap()),
    ("wrong key", "signer-unknown", |desk| {
        let stranger = Signatory::new(SigningRole::Infosec, "anna").unwrap();
        stranger.put(&desk.stage.path("policies"), &desk.says(SigningRole::Infosec)).unwrap();
    }),
    ("right key for other bytes", "signature-mismatch", |desk| {
        let file = desk.file(SigningRole::ProductOwner, "");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace("\"sequence\":1", "\"sequence\":2")).unwrap();
    }),
    ("one person twice", "approval-missing", |desk| {
        fs::remove_file(desk.file(SigningRole::ProductOwner, "")).unwrap();
        fs::remove_file(desk.file(SigningRole::ProductOwner, ".sig")).unwrap();
        // The same person with a second key, which stands in the list.
        let second = Signatory::new(SigningRole::Infosec, "anna").unwrap();
        fs::write(desk.stage.path("signers.yaml"), desk.people.list(1) + &second.line()).unwrap();
        let statement = Statement { not_after: millis().plus(1_000_000), ..desk.says(SigningRole::Infosec) };
        let path = desk.stage.path("policies/approvals/second.json");
        fs::write(path.with_extension("json.sig"), second.sign(NAMESPACE, &statement.bytes()).unwrap()).unwrap();
        fs::write(path, statement.bytes()).unwrap();
    }),
    ("one person in two roles", "signer-of-two-roles", |desk| {
        let second = Signatory::new(SigningRole::ProductOwner, "Anna").unwrap();
        fs::write(desk.stage.path("signers.yaml"), desk.people.list(1) + &second.line()).unwrap();
    }),
    ("another's key", "signer-other", |desk| {
        let statement = desk.says(SigningRole::ProductOwner);
        desk.by(SigningRole::Infosec).put(&desk.stage.path("policies"), &statement).unwrap();
    }),
    ("expired", "statement-expired", |desk| {
        let past = UnixMillis::new(millis().get() - 1_000);
        desk.put(&Statement { created: past, not_after: past, ..desk.says(SigningRole::Infosec) });
    }),
    ("from the future", "statement-from-the-future", |desk| {
        let later = millis().plus(3_600_000);
        desk.put(&Statement { created: later, not_after: later, ..desk.says(SigningRole::Infosec) });
    }),
    ("revoked signer", "signer-unknown", |desk| {
        let gone = desk.by(SigningRole::ProductOwner).line();
        fs::write(desk.stage.path("signers.yaml"), desk.people.list(1).replace(&gone, "")).unwrap();
    }),
    ("other namespace", "signature-namespace", |desk| {
        let signature = desk.by(SigningRole::Infosec).sign("git", &desk.says(SigningRole::Infosec).bytes()).unwrap();
        let bytes = fs::read(desk.file(SigningRole::Infosec, "")).unwrap();
        assert_ne!(bytes, b"");
        fs::write(desk.file(SigningRole::Infosec, ""), desk.says(SigningRole::Infosec).bytes()).unwrap();
        fs::write(desk.file(SigningRole::Infosec, ".sig"), signature).unwrap();
    }),
    ("other environment", "statement-environment", |desk| {
        desk.all_say(|statement| statement.environment = Name::new("production").unwrap());
    }),
    ("list of another environment", "signers-environment", |desk| {
        desk.stage.edit("signers.yaml", "environment: development", "environment: production");
    }),
    ("statements of different sequences", "approval-apart", |desk| {
        fs::remove_file(desk.file(SigningRole::ProductOwner, "")).unwrap();
        fs::remove_file(desk.file(SigningRole::ProductOwner, ".sig")).unwrap();
        desk.put(&Statement { sequence: 2, ..desk.says(SigningRole::ProductOwner) });
    }),
    ("the officer on other data", "statement-other-data", |desk| {
        desk.put(&Statement { data: sha256(b"other"), ..desk.says(SigningRole::DataOfficer) });
    }),
    ("file changed after signing", "statement-other-bundle", |desk| {
        desk.shell(&format!("printf '// nothing\n' >> {POLICY}"));
    }),
    ("file added after signing", "statement-other-bundle", |desk| {
        desk.shell("printf 'version: 1\ncases: {}\n' > policies/tests/more.yaml");
    }),
    ("CRLF in a file", "statement-other-bundle", |desk| {
        desk.shell(&format!("sed -i 's/$/\r/' {POLICY}"));
    }),
    ("reordered files", "statement-other-bundle", |desk| {
        let lines = "find * -type f -not -path 'approvals/*' | LC_ALL=C sort -r | xargs sha256sum | sha256sum";
        let digest = desk.shell(&format!("cd policies && {lines}"));
        let digest = Sha256::from_hex(digest.split(' ').next().unwrap()).unwrap();
        desk.all_say(|statement| statement.bundle = digest);
    }),
    ("CRLF in a statement", "statement-form", |desk| {
        desk.shell("sed -i 's/$/\r/' policies/approvals/*.json");
    }),
    ("members in another order", "statement-form", |desk| {
        let file = desk.file(SigningRole::Infosec, "");
        let text = fs::read_to_string(&file).unwrap();
        let (first, rest) = text.strip_prefix('{').unwrap().split_once(',').unwrap();
        fs::write(&file, format!("{{{},{first}}}\n", rest.trim_end().trim_end_matches('}'))).unwrap();
    }),
    ("CRLF in a signature", "signature-form", |desk| {
        desk.shell("sed -i 's/$/\r/' policies/approvals/*.sig");
    }),
    ("signatures exchanged", "signature-mismatch", |desk| {
        let [one, other] = [SigningRole::Infosec, SigningRole::ProductOwner].map(|role| desk.file(role, ".sig"));
        let (first, second) = (fs::read(&one).unwrap(), fs::read(&other).unwrap());
        fs::write(one, second).unwrap();
        fs::write(other, first).unwrap();
    }),
    ("a signature of nothing", "signature-alone", |desk| fs::remove_file(desk.file(SigningRole::Infosec, "")).unwrap()),
    ("a statement that is a link", "link", |desk| {
        let file = desk.file(SigningRole::Infosec, "");
        fs::rename(&file, desk.stage.path("elsewhere.json")).unwrap();
        symlink(desk.stage.path("elsewhere.json"), file).unwrap();
    }),
    ("a list that is a link", "signers-link", |desk| {
        fs::remove_file(desk.stage.path("signers.yaml")).unwrap();
        symlink(desk.stage.path("signed-signers.yaml"), desk.stage.path("signers.yaml")).unwrap();
    }),
    ("no list", "signers-unreadable", |desk| fs::remove_file(desk.stage.path("signers.yaml")).unwrap()),
];

#[test]
fn each_bundle_that_is_not_signed_as_it_must_be_is_refused_for_its_own_reason() {
    let desk = Desk::new();
    for (what, code, spoil) in SPOILT {
        spoil(&desk);
        desk.refuses(what, code);
        desk.restore();
    }
    let told = desk.verify(&["--config", "gateway.yaml"]);
    assert!(told.status.success(), "as it was: {}", String::from_utf8_lossy(&told.stderr));
    assert_eq!(desk.start(), [""; 0], "nothing of all that was kept");
}

#[test]
fn what_was_activated_lasts_and_nothing_older_comes_back_without_a_new_statement() {
    let desk = Desk::new();
    let first = desk.bundle().digest();
    assert_eq!(desk.start(), [""; 0]);
    // A restart asks for the same bytes and nothing else: not for the day, nor for the statements.
    desk.shell("rm -r policies/approvals");
    assert_eq!(desk.start(), [""; 0], "a restart");
    let told = desk.verify(&["--config", "gateway.yaml", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((&told["approved"], &told["in_force"], &told["sequence"]), (&true.into(), &true.into(), &1.into()));
    desk.restore();

    // A changed policy: infosec and product owner, and the officer need not, for the data are the same.
    desk.shell(&format!("printf '// nothing\n' >> {POLICY}"));
    desk.refuses("changed", "statement-rolled-back");
    for role in [SigningRole::Infosec, SigningRole::ProductOwner] {
        desk.put(&Statement { sequence: 2, previous: Some(first), ..desk.says(role) });
    }
    assert_eq!(desk.start(), [""; 0], "a new bundle, and old statements beside the new ones");

    // The first bundle with its first statements, which are as good as they were.
    desk.restore();
    desk.refuses("rolled back", "statement-rolled-back");
    for role in [SigningRole::Infosec, SigningRole::ProductOwner] {
        desk.put(&Statement { sequence: 3, ..desk.says(role) });
    }
    assert_eq!(desk.start(), [""; 0], "back by new statements");

    // Other personal data: the officer too, anew.
    desk.stage.edit("policies/contracts/smarthome.openapi.yaml", "retention: ", "retention: \"P7D\" # ");
    for role in [SigningRole::Infosec, SigningRole::ProductOwner] {
        desk.put(&Statement { sequence: 4, ..desk.says(role) });
    }
    desk.refuses("other data", "approval-missing");
    desk.put(&Statement { sequence: 4, ..desk.says(SigningRole::DataOfficer) });
    assert_eq!(desk.start(), [""; 0]);

    // Whoever takes the list away from the configuration finds that bundles are signed here.
    desk.stage.edit("gateway.yaml", ", signers: signers.yaml", "");
    assert_eq!(desk.start(), ["unsigned-after-signed"]);
}

#[test]
fn a_new_list_takes_effect_only_if_two_roles_of_the_old_one_have_signed_it() {
    let desk = Desk::new();
    assert_eq!(desk.start(), [""; 0]);
    let list = desk.stage.path("signers.yaml");
    let dora = Signatory::new(SigningRole::Infosec, "dora").unwrap();
    let new = desk.people.list(2) + &dora.line();
    let signed_by = |signatory: &Signatory, role: SigningRole, text: &str| {
        let signature = signatory.sign(LIST_NAMESPACE, text.as_bytes()).unwrap();
        fs::write(desk.stage.path(&format!("signers.yaml.{}.sig", role.word())), signature).unwrap();
    };
    fs::write(&list, desk.people.list(1) + &dora.line()).unwrap();
    desk.refuses("another list of the same sequence", "signers-rolled-back");
    fs::write(&list, &new).unwrap();
    desk.refuses("replaced", "signers-unsigned");
    signed_by(desk.by(SigningRole::Infosec), SigningRole::Infosec, &new);
    desk.refuses("signed by one role", "signers-unsigned");
    signed_by(&dora, SigningRole::ProductOwner, &new);
    desk.refuses("signed by one who is new in it", "signer-unknown");
    signed_by(desk.by(SigningRole::Infosec), SigningRole::ProductOwner, &new);
    desk.refuses("one person for two roles", "signer-other");
    signed_by(desk.by(SigningRole::ProductOwner), SigningRole::ProductOwner, &desk.people.list(3));
    desk.refuses("of other bytes", "signature-mismatch");
    signed_by(desk.by(SigningRole::ProductOwner), SigningRole::ProductOwner, &new);
    assert_eq!(desk.start(), [""; 0], "by two roles");
    desk.shell("rm signers.yaml.*.sig && cp signed-signers.yaml old && cp old signers.yaml");
    desk.refuses("the old list comes back", "signers-rolled-back");
}

#[test]
fn outside_development_a_list_that_the_service_may_write_is_refused() {
    let desk = Desk::new();
    for file in ["gateway.yaml", "policies/requirements.yaml", "signers.yaml"] {
        desk.stage.edit(file, "environment: development", "environment: staging");
    }
    // What is softer than the defaults has no place there.
    desk.shell("sed -i 's/^limits: .*/limits: {}/' gateway.yaml");
    desk.all_say(|statement| statement.environment = Name::new("staging").unwrap());
    // Whoever runs this test has made the list, or is root.
    desk.refuses("the service's own list", "signers-writable");
    // The command alone does not know whom the service is; what everybody may write, nobody believes.
    let asks = ["policies", "--signers", "signers.yaml", "--environment", "staging"];
    let list = desk.stage.path("signers.yaml");
    for (mode, good) in [(0o644, true), (0o664, false), (0o646, false)] {
        fs::set_permissions(&list, fs::Permissions::from_mode(mode)).unwrap();
        let told = desk.verify(&asks);
        let said = String::from_utf8(told.stderr).unwrap();
        assert_eq!((told.status.success(), said.contains("signers-writable")), (good, !good), "{mode:o}: {said}");
    }
    fs::set_permissions(&list, fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(desk.stage.path("."), fs::Permissions::from_mode(0o777)).unwrap();
    let said = String::from_utf8(desk.verify(&asks).stderr).unwrap();
    assert!(said.contains("signers-writable") && said.contains("its folder"), "{said}");
    fs::set_permissions(desk.stage.path("."), fs::Permissions::from_mode(0o700)).unwrap();
    desk.shell("cp signers.yaml policies/cedar/constants.json");
    let said = String::from_utf8(
        desk.verify(&["policies", "--signers", "policies/cedar/constants.json", "--environment", "staging"]).stderr,
    );
    assert!(said.unwrap().contains("signers-in-bundle"));
}

/// The two digests that are signed, by standard tools alone.
#[test]
fn both_digests_are_those_of_sha256sum() {
    let desk = Desk::new();
    let told = String::from_utf8(desk.verify(&["--config", "gateway.yaml"]).stdout).unwrap();
    let line = |name: &str| told.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    let bundle = "cd policies && find * -type f -not -path 'approvals/*' | LC_ALL=C sort | xargs sha256sum | sha256sum";
    assert_eq!(desk.shell(bundle), format!("{}  -\n", line("bundle")));
    let data = desk.shell(&format!("{PROGRAM} verify policies --data | sha256sum"));
    assert_eq!(data, format!("{}  -\n", line("data")));
    // And the list is what another reader of JSON takes, sorted as bytes.
    let list = desk.shell(&format!("{PROGRAM} verify policies --data"));
    assert_eq!(desk.shell(&format!("{PROGRAM} verify policies --data | LC_ALL=C sort")), list);
    assert!(list.lines().count() > 30);
    for line in list.lines() {
        let texts: Vec<String> = serde_json::from_str(line).unwrap();
        assert_eq!(texts.len(), 11, "{line}");
    }
}

/// Statements by the command, signatures by `ssh-keygen`: what people do.
#[test]
fn what_approve_writes_and_ssh_keygen_signs_is_taken() {
    let desk = Desk::new();
    desk.shell("rm -r policies/approvals");
    let mut list = "version: 1\nenvironment: development\nsequence: 1\nsigners:\n".to_owned();
    for (role, person, kind) in
        [("infosec", "anna", "ed25519"), ("product-owner", "boris", "ecdsa"), ("data-officer", "clara", "ed25519")]
    {
        desk.shell(&format!("ssh-keygen -q -t {kind} -N '' -C '{person} at home' -f {person}.key"));
        let key = desk.shell(&format!("cat {person}.key.pub"));
        list.push_str(&format!("  - {{role: {role}, person: {person}, key: \"{}\"}}\n", key.trim_end()));
        let who = format!("--role {role} --person {person} --environment development");
        let told = desk.shell(&format!("{PROGRAM} approve {who}"));
        let (_, line) = told.split_once("\n  ssh-keygen ").unwrap();
        let line = line.trim_end().replace("~/.ssh/id_ed25519", &format!("{person}.key"));
        desk.shell(&format!("ssh-keygen {line} 2>&1"));
        let again = Command::new("sh")
            .args(["-c", &format!("{PROGRAM} approve {who}")])
            .current_dir(desk.stage.path("."))
            .output()
            .unwrap();
        assert!(String::from_utf8(again.stderr).unwrap().contains("statement-signed"), "what is signed stays");
    }
    fs::write(desk.stage.path("signers.yaml"), list).unwrap();
    let told = desk.verify(&["--config", "gateway.yaml"]);
    let said = String::from_utf8(told.stdout).unwrap();
    assert!(told.status.success() && said.matches(": counts\n").count() == 3, "{said}");
    assert_eq!(desk.start(), [""; 0]);
    let told = desk.verify(&["--config", "gateway.yaml"]);
    assert!(String::from_utf8(told.stdout).unwrap().contains("in force since "));
}

/// `docs/approvals.md` by three people who have never done it: every block as it stands, with their own names.
#[test]
fn the_ceremony_of_the_documents_is_followed_as_it_stands() {
    const PAGE: &str = "docs/approvals.md";
    let text = page(PAGE);
    let blocks = shell_blocks(&text);
    let [keys, approve, sign, verify, data] = blocks.as_slice() else { panic!("{} blocks", blocks.len()) };
    // The report is as old as the day.
    let today = millis().to_string();
    let approve = &approve.replace("2026-11-20", today.split('T').next().unwrap());
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let run = |home: &str, block: &str| {
        let programs = std::path::Path::new(PROGRAM).parent().unwrap().display();
        let path = std::env::var("PATH").unwrap();
        let output = Command::new("sh")
            .args(["-euc", block])
            .current_dir(folder)
            .env("HOME", folder.join(home))
            .env("PATH", format!("{programs}:{path}"))
            // Who would type the passphrase.
            .env("SSH_ASKPASS", folder.join("types"))
            .env("SSH_ASKPASS_REQUIRE", "force")
            .output()
            .unwrap();
        assert!(output.status.success(), "{block}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    fs::write(folder.join("types"), "#!/bin/sh\necho correct horse battery staple\n").unwrap();
    fs::set_permissions(folder.join("types"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(folder.join("report.pdf"), "what was found").unwrap();
    run(".", &format!("cp -r {}/policies .", env!("CARGO_MANIFEST_DIR")));
    let (_, list) = text.split_once("```yaml\n").unwrap();
    let mut list = list.split_once("```").unwrap().0.to_owned();
    let people = [("infosec", "anna"), ("product-owner", "boris"), ("data-officer", "clara")];
    for (_, person) in people {
        fs::create_dir_all(folder.join(person).join(".ssh")).unwrap();
        let public = run(person, &keys.replace("anna", person));
        let public = public.lines().find(|line| line.starts_with("ssh-ed25519 ")).unwrap();
        assert!(public.ends_with(person));
        list = list.replace(&format!("ssh-ed25519 AAAA… {person}"), public);
    }
    fs::write(folder.join("signers.yaml"), list).unwrap();
    for (role, person) in people {
        let own = |block: &str| block.replace("infosec", role).replace("anna", person);
        let told = run(person, &own(approve));
        let line = own(sign);
        assert!(told.contains(line.trim().rsplit_once(' ').unwrap().1), "the line that is printed: {told}");
        run(person, &line);
    }
    let told = run(".", verify);
    assert!(told.contains("may come into force, sequence 1"), "{told}");
    assert_eq!(told.matches(": counts\n").count(), 3, "{told}");
    let digest = told.lines().find_map(|line| line.strip_prefix("data")).unwrap().trim();
    assert_eq!(run(".", data), format!("{digest}  -\n"));
    // And without the report.
    run(".", "rm policies/approvals/*");
    for (role, person) in people {
        let own = |block: &str| block.replace("infosec", role).replace("anna", person);
        run(person, own(approve).split(" --evidence").next().unwrap());
        run(person, &own(sign));
    }
    let refused = Command::new(PROGRAM)
        .args(["verify", "policies", "--signers", "signers.yaml", "--environment", "production"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("error[evidence-missing]"));
}

/// Every code that an approval is refused with is in the page's table, and nothing else is.
#[test]
fn every_code_of_a_refused_approval_is_explained() {
    let (_, table) = page("docs/approvals.md")
        .split_once("\n| code | what is wrong |\n")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let first = |row: &str| row.split('|').nth(1).unwrap_or_default().to_owned();
    let told: BTreeSet<String> = table
        .lines()
        .skip(1)
        .flat_map(|row| first(row).split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let starts =
        ["approval-", "statement-", "signature-", "signer-", "signers-", "evidence-", "unsigned-", "activation-"];
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(format!("{}/src/approval", env!("CARGO_MANIFEST_DIR"))).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let words = text.split('"').skip(1).step_by(2).map(str::to_owned);
        let is_code = |word: &String| {
            starts.iter().any(|start| word.starts_with(start))
                && word.bytes().all(|byte| byte == b'-' || byte.is_ascii_lowercase())
        };
        found.extend(words.filter(is_code));
    }
    assert_eq!(found, told);
}

#[test]
fn an_activation_that_could_not_be_recorded_is_recorded_at_the_next_start_and_then_no_more() {
    let desk = Desk::new();
    let activations = || {
        let records = desk.stage.records();
        let of_it = records.into_iter().filter(|record| record.text("kind") == "activation");
        of_it
            .map(|record| [record.get("sequence"), record.get("signed_by"), record.get("data")].map(Clone::clone))
            .collect::<Vec<_>>()
    };
    for _ in 0..2 {
        assert_eq!(desk.start(), [""; 0]);
        assert_eq!(activations().len(), 1, "once, and not by a restart");
    }
    // As it lies where the store was written and the log's disk failed.
    let store = rusqlite::Connection::open(desk.stage.path("state/store.sqlite")).unwrap();
    assert_eq!(store.execute("UPDATE activation SET recorded = 0", []).unwrap(), 1, "it was known to be on record");
    drop(store);
    for _ in 0..2 {
        assert_eq!(desk.start(), [""; 0]);
        let told = activations();
        assert_eq!(told.len(), 2, "once more, and then no more");
        assert_eq!(told[0], told[1]);
    }
}
