//! Programs of others: Node's and Python's libraries, pinned in `tests/peers` and brought to `target/peers` by
//! `scripts/setup`. A script runs in a process of its own, is given lines and answers in lines, within a deadline, and is
//! ended by its id.

use crate::harness::gateway::PATIENCE;
use serde_json::Value;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::ChildStdin;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::thread::JoinHandle;

/// Node of the pinned version. It runs in the folder where its packages are: a program given by `-e` finds them.
pub fn node() -> Command {
    let place = made("node");
    let mut node = Command::new(place.join("node_modules/.bin/node"));
    node.current_dir(place).args(["--preserve-symlinks", "--preserve-symlinks-main", "--input-type=module"]);
    node
}

/// A script of `tests/peers/node`, where it finds its packages.
pub fn node_script(name: &str) -> Command {
    let place = made("node");
    let mut node = Command::new(place.join("node_modules/.bin/node"));
    node.args(["--preserve-symlinks", "--preserve-symlinks-main"]).arg(place.join("scripts").join(name));
    node
}

/// Python with the pinned packages.
pub fn python() -> Command {
    let mut python = Command::new(made("python").join("bin/python"));
    // Nothing is written beside the scripts.
    python.args(["-B", "-X", "utf8"]);
    python
}

/// A script of `tests/peers/python`.
pub fn python_script(name: &str) -> Command {
    let mut python = python();
    python.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/python").join(name));
    python
}

/// The folder of a language's peers, which is there and whole.
fn made(language: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers").join(language);
    assert!(place.join("made-from").exists(), "no peers in target/peers/{language}: run scripts/setup");
    place
}

/// A peer that runs; killed by its id when dropped.
pub struct Peer {
    child: Child,
    asked: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    complaints: Option<JoinHandle<String>>,
}

impl Peer {
    /// Starts it.
    pub fn start(mut command: Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let (said, lines) = mpsc::channel();
        let (answers, mut errors) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let listen = move || {
            // Nobody hears the rest once the peer is dropped.
            let _ = BufReader::new(answers).lines().map_while(Result::ok).try_for_each(|line| said.send(line));
        };
        thread::Builder::new().name("peer-answers".into()).spawn(listen).unwrap();
        let hear = move || {
            let mut text = String::new();
            let _ = errors.read_to_string(&mut text);
            text
        };
        let complaints = thread::Builder::new().name("peer-complaints".into()).spawn(hear).unwrap();
        Self { asked: child.stdin.take(), child, lines, complaints: Some(complaints) }
    }

    /// Gives it a line.
    #[track_caller]
    pub fn say(&mut self, line: &str) {
        let asked = self.asked.as_mut().unwrap();
        if writeln!(asked, "{line}").and_then(|()| asked.flush()).is_err() {
            panic!("the peer does not listen: {}", self.complaint());
        }
    }

    /// The next line that it says, which comes in time.
    #[track_caller]
    pub fn line(&mut self) -> String {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(_) => panic!("the peer says nothing more: {}", self.complaint()),
        }
    }

    /// Gives it a document as a line, and takes the line that it answers with as one.
    #[track_caller]
    pub fn ask(&mut self, question: &Value) -> Value {
        self.say(&question.to_string());
        self.told()
    }

    /// The next line that it says, as a document.
    #[track_caller]
    pub fn told(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the peer says: {line}"))
    }

    /// Tells it that nothing more comes, and waits until it has ended well; gives what it said since.
    #[track_caller]
    pub fn ended(mut self) -> Vec<String> {
        drop(self.asked.take());
        let mut rest = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => rest.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("the peer does not end: {}", self.complaint()),
            }
        }
        let status = self.child.wait().unwrap();
        assert!(status.success(), "the peer failed: {}", self.complaint());
        rest
    }

    /// Ends it and gives what it complained about.
    fn complaint(&mut self) -> String {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.complaints.take().and_then(|thread| thread.join().ok()).unwrap_or_default()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
