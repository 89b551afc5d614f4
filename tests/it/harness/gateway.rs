//! A gateway on a stage: in this process, or in one of its own that can be killed.

use crate::harness::records::Record;
use crate::harness::records::records;
use crate::harness::stage::Stage;
use portcullis::config::Config;
use portcullis::gateway;
use portcullis::gateway::Ended;
use portcullis::gateway::Running;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long a test waits for a process to say something, or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A gateway in this process.
pub struct Served {
    running: Option<Running>,
    pub address: SocketAddr,
    pub ops: SocketAddr,
}

impl Served {
    /// Starts one by the stage's configuration.
    pub fn on(stage: &Stage) -> Self {
        let config = Config::load(&stage.path("gateway.yaml")).unwrap_or_else(|faults| panic!("{faults}"));
        let running = gateway::start(config).unwrap_or_else(|faults| panic!("{faults}"));
        Self { address: running.backend_address(), ops: running.ops_address(), running: Some(running) }
    }

    /// Goes down in order and tells how.
    pub fn shutdown(mut self) -> Ended {
        self.running.take().unwrap().shutdown()
    }

    /// The metrics page.
    pub fn metrics(&self) -> String {
        ops_page(self.ops, "/metrics").1
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            let _ = running.shutdown();
        }
    }
}

/// A gateway in a process of its own; killed by its id when dropped.
pub struct Process {
    child: Child,
    lines: mpsc::Receiver<String>,
    pub address: SocketAddr,
    pub ops: SocketAddr,
    pub log: Vec<String>,
}

impl Process {
    /// Starts `portcullis run` by the stage's configuration and waits until it serves.
    pub fn on(stage: &Stage) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command.arg("run").arg("--config").arg(stage.path("gateway.yaml"));
        Self::of(command)
    }

    /// Starts a command that becomes a gateway.
    pub fn of(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (send, lines) = mpsc::channel();
        #[expect(clippy::disallowed_methods, reason = "a pipe is read beside the test, so that it never fills up")]
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut process = Self { child, lines, address: unknown, ops: unknown, log: Vec::new() };
        let serving = process.until("\"serving\"");
        process.address = address_in(&serving, "backend");
        process.ops = address_in(&serving, "ops");
        process
    }

    /// Waits for a line of the log that holds `text`.
    pub fn until(&mut self, text: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("no line with {text}; the log says:\n{}", self.log.join("\n")));
            self.log.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Sends a signal by name, for instance `TERM`.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    /// Ends it as a power cut would end it.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it has ended by itself; all of its log is read then.
    pub fn ended(mut self) -> (ExitStatus, Vec<String>) {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.log.push(line);
        }
        (self.child.wait().unwrap(), std::mem::take(&mut self.log))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Stage {
    /// The records of this stage's gateway.
    pub fn records(&self) -> Vec<Record> {
        records(&self.path("state/audit"))
    }
}

/// A page of the ops listener: its status and body.
pub fn ops_page(ops: SocketAddr, path: &str) -> (u16, String) {
    let mut socket = TcpStream::connect(ops).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(socket, "GET {path} HTTP/1.1\r\nHost: {ops}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

fn address_in(line: &str, name: &str) -> SocketAddr {
    let value: serde_json::Value = serde_json::from_str(line).unwrap();
    let field = value.get(name).or_else(|| value.get("fields").and_then(|fields| fields.get(name)));
    field.and_then(|text| text.as_str()).unwrap_or_else(|| panic!("no `{name}` in {line}")).parse().unwrap()
}
