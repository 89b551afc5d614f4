//! A file system of its own under the log, by a loop device, and what becomes of it while a gateway runs: full, broken, and
//! read-only. Needs root and `mount`; nothing of it is played in a process that also runs other tests.

use crate::harness::Command;
use crate::harness::PATIENCE;
use crate::harness::Process;
use crate::harness::Stage;
use crate::harness::fresh_key;
use crate::harness::ops_page;
use crate::harness::until;
use crate::torture::kills::verified;
use std::fs;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process;

/// Commands at the same time.
const CALLERS: usize = 16;
/// The most that are given before the test has fallen over: a segment of 32 MiB holds fewer.
const COMMANDS_MAX: usize = 80_000;

/// An ext4 file system in a file beside the stage's folder, mounted where the log lies. Unmounted when dropped.
struct Mounted {
    /// A tmpfs in which the image lies, of little more than its size.
    beneath: PathBuf,
    image: PathBuf,
    at: PathBuf,
}

fn run(program: &str, arguments: &[&str]) {
    let output = process::Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

impl Mounted {
    fn under_the_log_of(stage: &Stage, mebibytes: u64) -> Self {
        let (beneath, at) = (stage.path("beneath"), stage.path("state/audit"));
        let image = beneath.join("log.ext4");
        fs::create_dir(&beneath).unwrap();
        run("mount", &["-t", "tmpfs", "-o", &format!("size={}m", mebibytes + 1), "none", text(&beneath)]);
        File::create_new(&image).unwrap().set_len(mebibytes << 20).unwrap();
        run("mkfs.ext4", &["-q", "-F", "-m", "0", text(&image)]);
        run("mount", &["-o", "loop,errors=remount-ro", text(&image), text(&at)]);
        run("chmod", &["700", text(&at)]);
        stage.edit("gateway.yaml", "segments: {}", "segments: {max_bytes: 32MiB}");
        Self { beneath, image, at }
    }

    /// From now on what is written comes nowhere, and the kernel says EIO: the image is cut, and it cannot grow again.
    fn break_the_device(&self) {
        File::options().write(true).open(&self.image).unwrap().set_len(1 << 20).unwrap();
        let mut filler = File::create_new(self.beneath.join("filler")).unwrap();
        let lump = vec![1; 1 << 20];
        while filler.write_all(&lump).is_ok() {}
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // The file system may be broken; what counts is that nothing stays mounted.
        for place in [&self.at, &self.beneath] {
            let _ = process::Command::new("umount").arg("--lazy").arg(place).status();
        }
    }
}

/// Gives commands from many sides until one is answered with this status; how many were answered with 200 by then.
fn commands_until(stage: &Stage, process: &Process, status: u16) -> usize {
    let (base, address) = (Command::new(stage), process.address);
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (base, backend) = (base.clone(), stage.backend(address));
            stage.beside(async move {
                for done in 0..COMMANDS_MAX / CALLERS {
                    let answer = base.again().under(&fresh_key()).give(&backend).await.unwrap();
                    if answer.status == status {
                        return done;
                    }
                    assert_eq!(answer.status, 200);
                }
                panic!("no command was answered with {status}");
            })
        })
        .collect();
    callers.into_iter().map(|caller| stage.wait_within(PATIENCE * 20, caller).unwrap()).sum()
}

fn one(stage: &Stage, process: &Process) -> u16 {
    Command::new(stage).told(stage, process.address).0
}

fn metric(process: &Process, name: &str) -> u64 {
    let page = ops_page(process.ops, "/metrics").1;
    let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no series {name}")).parse().unwrap()
}

#[test]
#[ignore = "mounts a file system: `make torture`"]
#[expect(clippy::print_stderr, reason = "the figures of a long run")]
fn a_full_file_system_refuses_commands_and_takes_them_again_when_there_is_room() {
    let stage = Stage::new();
    let mounted = Mounted::under_the_log_of(&stage, 128);
    let filler = mounted.at.join("filler");
    fs::write(&filler, vec![1; 40 << 20]).unwrap();
    let process = Process::on(&stage);
    let given = commands_until(&stage, &process, 503);
    let sent = stage.partner.progress().requests;
    assert_eq!(one(&stage, &process), 503);
    assert_eq!(stage.partner.progress().requests, sent, "nothing is sent that has no record");
    assert!(metric(&process, "portcullis_audit_records_lost_total") > 0);
    fs::remove_file(&filler).unwrap();
    until("room", || one(&stage, &process) == 200);
    process.terminate();
    assert!(process.ended().0.success());
    verified(&stage);
    eprintln!("full: {given} commands until there was no room, then refused, then taken again");
}

#[test]
#[ignore = "mounts a file system: `make torture`"]
fn where_the_device_gives_errors_nothing_more_is_sent() {
    let stage = Stage::new();
    let mounted = Mounted::under_the_log_of(&stage, 160);
    let process = Process::on(&stage);
    assert_eq!(one(&stage, &process), 200);
    mounted.break_the_device();
    assert_eq!(one(&stage, &process), 503);
    assert!(metric(&process, "portcullis_audit_sync_failures_total") > 0, "the fault was hit");
    assert_eq!(one(&stage, &process), 503);
    assert_eq!((stage.partner.total_actuations(), stage.partner.progress().requests), (1, 1));
    assert!(ops_page(process.ops, "/readyz").1.contains("audit"));
    process.kill();
}

#[test]
#[ignore = "mounts a file system: `make torture`"]
fn where_the_file_system_turns_read_only_nothing_more_is_sent() {
    let stage = Stage::new();
    let mounted = Mounted::under_the_log_of(&stage, 160);
    let process = Process::on(&stage);
    assert_eq!(one(&stage, &process), 200);
    // As ext4 does it by itself after an error of the journal.
    run("mount", &["-o", "remount,abort", text(&mounted.at)]);
    until("the refusal", || one(&stage, &process) == 503);
    let sent = stage.partner.progress().requests;
    assert_eq!(one(&stage, &process), 503);
    assert_eq!(stage.partner.progress().requests, sent);
    process.kill();
}
