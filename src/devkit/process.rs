//! A gateway in a process of its own: started, heard, told to end, killed by its id.
//!
//! Its log is read by a thread beside, so that the pipe never fills up.

use crate::json;
use crate::json::Limits;
use crate::json::Value;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;
use std::ffi::OsStr;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long the process may stay silent while a line is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A gateway that serves; killed when dropped.
pub struct GatewayProcess {
    child: Child,
    lines: mpsc::Receiver<String>,
    log: Vec<String>,
    backend: SocketAddr,
    partner: Option<SocketAddr>,
    ops: SocketAddr,
}

/// Why there is no gateway, or not the line that was waited for.
#[derive(Debug, thiserror::Error)]
pub enum ProcessFault {
    /// The program cannot be started, or not be read.
    #[error("the gateway cannot be started")]
    Start(#[source] io::Error),
    /// It ended or fell silent before; this is what it said.
    #[error("the gateway ended or fell silent; it said:\n{}", .0.join("\n"))]
    Silent(Vec<String>),
}

impl GatewayProcess {
    /// Starts `program run --config configuration` and waits until it serves.
    ///
    /// # Errors
    /// [`ProcessFault`].
    pub fn start(program: impl AsRef<OsStr>, configuration: &Path) -> Result<Self, ProcessFault> {
        let mut command = Command::new(program);
        command.arg("run").arg("--config").arg(configuration);
        Self::of(command)
    }

    /// Starts a command that becomes a gateway.
    ///
    /// # Errors
    /// [`ProcessFault`].
    pub fn of(mut command: Command) -> Result<Self, ProcessFault> {
        let piped = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = piped.spawn().map_err(ProcessFault::Start)?;
        let (said, lines) = mpsc::channel();
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let stderr = child.stderr.take();
        let mut process = Self { child, lines, log: Vec::new(), backend: unknown, partner: None, ops: unknown };
        let read = move || {
            let lines = stderr.into_iter().flat_map(|stderr| BufReader::new(stderr).lines().map_while(Result::ok));
            // Nobody hears the rest once the process is dropped.
            let _ = lines.into_iter().try_for_each(|line| said.send(line));
        };
        thread::Builder::new().name("gateway-log".to_owned()).spawn(read).map_err(ProcessFault::Start)?;
        let serving = process.until("\"serving\"")?;
        let addresses = json::parse(serving.as_bytes(), Limits::default()).ok();
        let address = |name| addresses.as_ref().and_then(|line| line.get(name)).and_then(Value::as_str);
        let parsed = |name| address(name).and_then(|text| text.parse().ok());
        let (Some(backend), Some(ops)) = (parsed("backend"), parsed("ops")) else {
            return Err(ProcessFault::Silent(process.log.clone()));
        };
        (process.backend, process.partner, process.ops) = (backend, parsed("partner"), ops);
        Ok(process)
    }

    /// Where the backend calls.
    #[must_use]
    pub const fn backend(&self) -> SocketAddr {
        self.backend
    }

    /// Where partners call, if they do.
    #[must_use]
    pub const fn partner(&self) -> Option<SocketAddr> {
        self.partner
    }

    /// Where metrics and health are asked for.
    #[must_use]
    pub const fn ops(&self) -> SocketAddr {
        self.ops
    }

    /// Waits for a line of the log that holds `text`.
    ///
    /// # Errors
    /// [`ProcessFault::Silent`] if it does not come.
    pub fn until(&mut self, text: &str) -> Result<String, ProcessFault> {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                return Err(ProcessFault::Silent(self.log.clone()));
            };
            self.log.push(line.clone());
            if line.contains(text) {
                return Ok(line);
            }
        }
    }

    /// What it has said since this was asked last; `None` once it has ended and everything was told.
    pub fn said(&mut self) -> Option<Vec<String>> {
        let mut said = std::mem::take(&mut self.log);
        let ended = loop {
            match self.lines.try_recv() {
                Ok(line) => said.push(line),
                Err(pause) => break pause == mpsc::TryRecvError::Disconnected,
            }
        };
        if ended && said.is_empty() { None } else { Some(said) }
    }

    /// The process's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Tells it to stop (SIGTERM).
    ///
    /// # Errors
    /// If there is no such process any more.
    pub fn terminate(&self) -> io::Result<()> {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(id.ok_or(io::ErrorKind::NotFound)?, Signal::TERM).map_err(io::Error::from)
    }

    /// Waits until it has ended by itself; gives how, and all of its log that was not told by [`said`](Self::said).
    ///
    /// # Errors
    /// [`ProcessFault::Silent`] if it does not end.
    pub fn ended(mut self) -> Result<(ExitStatus, Vec<String>), ProcessFault> {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.log.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => return Err(ProcessFault::Silent(self.log.clone())),
            }
        }
        let status = self.child.wait().map_err(ProcessFault::Start)?;
        Ok((status, std::mem::take(&mut self.log)))
    }
}

impl Drop for GatewayProcess {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
