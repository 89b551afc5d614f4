//! The Debian package: what its description in `Cargo.toml` names is there, goes where the unit looks for it, and its
//! scripts do what they say and no more. The package itself is built by `deploy/debian/build` and installed by
//! `scripts/try-install`, which take longer than a test may.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const SERVICE: &str = include_str!("../../deploy/systemd/portcullis.service");
const MANIFEST: &str = include_str!("../../Cargo.toml");

/// What the package may make itself beside what is in the repository.
const BUILT: &[&str] = &["target/release/portcullis", "target/man/*.1", "target/man/portcullis.bash"];

/// Source, destination and mode of each file in the package.
fn assets() -> Vec<[&'static str; 3]> {
    let (_, described) = MANIFEST.split_once("\n[package.metadata.deb]\n").unwrap();
    let (_, assets) = described.split_once("\nassets = [\n").unwrap();
    let rows = assets.split("\n]").next().unwrap().lines();
    let row = |line: &'static str| {
        let mut cells = line.split('"').skip(1).step_by(2);
        [(); 3].map(|()| cells.next().unwrap())
    };
    rows.map(row).collect()
}

/// The files that a source of the package stands for; a `*` stands for all of a folder.
fn files_of(source: &str) -> Vec<String> {
    let Some((folder, pattern)) = source.rsplit_once('/').filter(|(_, name)| name.contains('*')) else {
        return if Path::new(ROOT).join(source).is_file() { vec![source.to_owned()] } else { vec![] };
    };
    let end = pattern.trim_start_matches('*');
    // A folder that only packaging makes may not be there.
    let Ok(names) = fs::read_dir(Path::new(ROOT).join(folder)) else { return vec![] };
    let names = names.map(|entry| entry.unwrap());
    let files = names.filter(|entry| entry.path().is_file()).map(|entry| entry.file_name().into_string().unwrap());
    files.filter(|name| name.ends_with(end)).map(|name| format!("{folder}/{name}")).collect()
}

#[test]
fn the_package_holds_what_is_there_and_puts_it_where_the_unit_looks() {
    let assets = assets();
    assert!(assets.len() > 10);
    for [source, ..] in &assets {
        assert!(BUILT.contains(source) || !files_of(source).is_empty(), "{source} is not there");
    }
    let put: BTreeSet<String> = assets.iter().map(|[_, to, _]| format!("/{to}")).collect();
    let start = SERVICE.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let files: Vec<&str> = start.split(' ').filter(|word| word.starts_with('/')).collect();
    assert_eq!(files, ["/usr/bin/portcullis", "/etc/portcullis/gateway.yaml"]);
    assert!(files.iter().all(|file| put.contains(*file)), "{put:?}");
    assert!(
        MANIFEST.contains("\nconf-files = [\"/etc/portcullis/gateway.yaml\"]\n"),
        "what is edited survives an upgrade"
    );
    let guide = SERVICE.lines().find_map(|line| line.strip_prefix("Documentation=file://")).unwrap();
    let guided = assets.iter().filter(|[_, to, _]| to.ends_with('/')).any(|[source, to, _]| {
        files_of(source).iter().any(|file| format!("/{to}{}", file.rsplit('/').next().unwrap()) == guide)
    });
    assert!(guided, "{guide} is in no package");
    for [source, to, mode] in &assets {
        let program = to.starts_with("usr/bin") || source.ends_with(".sh");
        assert_eq!(*mode, if program { "755" } else { "644" }, "{source}: nothing in it is secret, nothing else runs");
    }
    assert!(MANIFEST.contains(
        "unit-name = \"portcullis\", unit-scripts = \"deploy/systemd\", enable = false, start = false, restart-after-upgrade = false"
    ));
}

#[test]
fn every_file_of_the_sample_bundle_is_among_the_examples() {
    let packed: BTreeSet<String> = assets().iter().flat_map(|[source, ..]| files_of(source)).collect();
    let mut folders = vec!["policies".to_owned()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(Path::new(ROOT).join(&folder)).unwrap().map(|entry| entry.unwrap()) {
            let path = format!("{folder}/{}", entry.file_name().into_string().unwrap());
            if entry.path().is_dir() {
                folders.push(path);
            } else {
                assert!(packed.contains(&path), "{path} is not in the package");
                seen += 1;
            }
        }
    }
    assert!(seen > 5);
}

/// Runs a script of the package with stand-ins for what would change the machine; what those were called with.
fn calls(script: &str, argument: &str) -> Vec<String> {
    let place = tempfile::tempdir().unwrap();
    let said = place.path().join("said");
    for name in ["adduser", "deluser", "install", "rm", "chown", "chmod"] {
        let program = place.path().join(name);
        fs::write(&program, format!("#!/bin/sh\necho {name} \"$@\" >> {}\n", said.display())).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let program = place.path().join("getent");
    fs::write(&program, "#!/bin/sh\nexit 2\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", place.path().display());
    let script = Path::new(ROOT).join("deploy/debian").join(script);
    let mut command = Command::new("sh");
    let status =
        command.arg(script).arg(argument).env("PATH", path).stdin(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.unwrap().success());
    fs::read_to_string(said).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[test]
fn the_scripts_of_the_package_make_user_and_folders_and_delete_nothing() {
    let made = calls("postinst", "configure");
    assert_eq!(made.len(), 3, "{made:?}");
    assert!(made[0].starts_with("adduser --quiet --system --group --no-create-home --home /var/lib/portcullis"));
    assert!(made[0].ends_with(" portcullis"));
    assert_eq!(made[1], "install -d -o root -g portcullis -m 0750 /etc/portcullis/tls");
    assert_eq!(made[2], "install -d -o root -g root -m 0700 /etc/portcullis/secrets");
    for (script, argument) in
        [("postinst", "abort-upgrade"), ("prerm", "remove"), ("postrm", "remove"), ("postrm", "purge")]
    {
        assert_eq!(calls(script, argument), [""; 0], "{script} {argument}");
    }
    let user = SERVICE.lines().find_map(|line| line.strip_prefix("User=")).unwrap();
    assert!(made[0].ends_with(&format!(" {user}")), "the user of the unit is the one that is made");
}
