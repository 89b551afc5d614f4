//! A gateway on a stage: in this process, or in one of its own that can be killed.

use crate::harness::disk::AHEAD_BYTES;
use crate::harness::disk::Deeds;
use crate::harness::disk::FaultyDisk;
use crate::harness::records::Record;
use crate::harness::records::records;
use crate::harness::stage::Stage;
use portcullis::audit::Disk;
use portcullis::audit::FileDisk;
use portcullis::clock::Clock;
use portcullis::clock::SystemClock;
use portcullis::config::Config;
use portcullis::devkit::GatewayProcess;
use portcullis::devkit::ProcessFault;
use portcullis::diagnostic::Diagnostics;
use portcullis::gateway;
use portcullis::gateway::Ended;
use portcullis::gateway::Injected;
use portcullis::gateway::Running;
use portcullis::pipeline::Gate;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::process::Command;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

/// How long a test waits for something that comes.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A gateway in this process.
pub struct Served {
    running: Option<Running>,
    pub address: SocketAddr,
    /// Where partners call.
    pub partners: Option<SocketAddr>,
    pub ops: SocketAddr,
}

impl Served {
    /// Starts one by the stage's configuration.
    pub fn on(stage: &Stage) -> Self {
        Self::with(stage, Injected::default())
    }

    /// Starts one whose log lies on a disk that does as it is told.
    pub fn on_disk(stage: &Stage, deeds: &Arc<Deeds>) -> Self {
        let disk = FaultyDisk::new(&stage.path("state/audit"), deeds);
        Self::with(stage, deeds.injected(disk))
    }

    /// The same with another configuration than the stage's file can say.
    pub fn on_disk_with(stage: &Stage, deeds: &Arc<Deeds>, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::load(&stage.path("gateway.yaml")).unwrap_or_else(|faults| panic!("{faults}"));
        change(&mut config);
        let disk = FaultyDisk::new(&config.audit.directory, deeds);
        Self::of(stage, config, deeds.injected(disk)).unwrap_or_else(|faults| panic!("{faults}"))
    }

    /// Starts one by another clock.
    pub fn by(stage: &Stage, clock: Arc<dyn Clock>) -> Self {
        Self::with(stage, Injected { clock: Some(clock), ..Injected::default() })
    }

    /// Starts one by the stage's configuration, or tells why it does not start.
    pub fn try_on(stage: &Stage) -> Result<Self, Diagnostics> {
        Self::of(stage, Config::load(&stage.path("gateway.yaml"))?, Injected::default())
    }

    fn with(stage: &Stage, injected: Injected) -> Self {
        let config = Config::load(&stage.path("gateway.yaml"));
        config.and_then(|config| Self::of(stage, config, injected)).unwrap_or_else(|faults| panic!("{faults}"))
    }

    fn of(stage: &Stage, config: Config, injected: Injected) -> Result<Self, Diagnostics> {
        let folder = config.audit.directory.clone();
        // As the real one, but with little written ahead of use: making 64 MiB of zeros durable takes the longest here.
        let disk = || -> Box<dyn Disk> { Box::new(FileDisk::new(folder.clone(), AHEAD_BYTES)) };
        let injected = Injected { disk: Some(injected.disk.unwrap_or_else(disk)), ..injected };
        let running = gateway::start_with(config, injected)?;
        stage.desk.meets(running.gate());
        let (address, partners, ops) = (running.backend_address(), running.partner_address(), running.ops_address());
        Ok(Self { address, partners, ops, running: Some(running) })
    }

    /// Goes down in order and tells how.
    pub fn shutdown(mut self) -> Ended {
        self.running.take().unwrap().shutdown()
    }

    /// The operator's gate.
    pub fn gate(&self) -> Gate {
        self.running.as_ref().unwrap().gate().clone()
    }

    /// Why it is not ready, as `/readyz` says it; nothing when it is.
    pub fn not_ready(&self) -> String {
        let (status, body) = ops_page(self.ops, "/readyz");
        if status == 200 { String::new() } else { body }
    }

    /// The metrics page.
    pub fn metrics(&self) -> String {
        ops_page(self.ops, "/metrics").1
    }

    /// The whole number that the metrics page shows for a series, which is written as there, with its labels.
    #[track_caller]
    pub fn metric(&self, series: &str) -> u64 {
        let page = self.metrics();
        let value = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no series {series} in:\n{page}")).parse().unwrap()
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
    process: GatewayProcess,
    pub address: SocketAddr,
    /// Where partners call.
    pub partners: Option<SocketAddr>,
    pub ops: SocketAddr,
}

impl Process {
    /// Starts `portcullis run` by the stage's configuration and waits until it serves.
    pub fn on(stage: &Stage) -> Self {
        stage.desk.forgets();
        Self::having(GatewayProcess::start(env!("CARGO_BIN_EXE_portcullis"), &stage.configuration()))
    }

    /// Starts a command that becomes a gateway.
    pub fn of(command: Command) -> Self {
        Self::having(GatewayProcess::of(command))
    }

    /// The same by a shell, after it has done `first`.
    pub fn after(first: &str, stage: &Stage) -> Self {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{first}; exec \"$0\" run --config \"$1\""));
        command.arg(env!("CARGO_BIN_EXE_portcullis")).arg(stage.configuration());
        Self::of(command)
    }

    fn having(process: Result<GatewayProcess, ProcessFault>) -> Self {
        let process = process.unwrap_or_else(|fault| panic!("{fault}"));
        Self { address: process.backend(), partners: process.partner(), ops: process.ops(), process }
    }

    /// Waits for a line of the log that holds `text`.
    pub fn until(&mut self, text: &str) -> String {
        self.process.until(text).unwrap_or_else(|fault| panic!("no line with {text}: {fault}"))
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.process.terminate().unwrap();
    }

    /// Ends it as a power cut would end it.
    pub fn kill(self) {
        drop(self);
    }

    /// Waits until it has ended by itself; all of its log is read then.
    pub fn ended(self) -> (ExitStatus, Vec<String>) {
        self.process.ended().unwrap_or_else(|fault| panic!("{fault}"))
    }
}

impl Stage {
    /// The records of this stage's gateway.
    pub fn records(&self) -> Vec<Record> {
        records(&self.path("state/audit"))
    }

    /// The records of exchanges in a few words: kind, and state, reason and detail where there are any. That a gateway in a
    /// process of its own asked the app for a nonce first is no matter of the test's.
    pub fn story(&self) -> Vec<String> {
        let told = |record: &Record| {
            let words = ["kind", "state", "reason", "detail"].map(|name| record.text(name));
            words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        };
        let of_exchange = |record: &Record| {
            let is_told = matches!(record.text("kind"), "intent" | "outcome" | "refusal" | "repeat");
            is_told && record.text("reason") != "dpop-nonce-needed"
        };
        self.records().iter().filter(|record| of_exchange(record)).map(told).collect()
    }
}

/// Asks again and again until it is so; for what has no event to wait for, such as a page of the ops listener.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let clock = SystemClock::new();
    while !is_so() {
        assert!(clock.steady() < PATIENCE, "{what} does not come");
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

/// Runs `portcullis` with these arguments: exit code, standard output, standard error.
pub fn told_by(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis")).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}
