//! Slow senders in every phase, and floods of connections, streams, resets and refusals, against a gateway in a process of
//! its own: a good client is served all the while, and afterwards the process holds what it held before.

use crate::h2::frame;
use crate::h2::head as head_of;
use crate::harness::Command;
use crate::harness::Process;
use crate::harness::Stage;
use crate::harness::connect_h1;
use crate::harness::connect_h2;
use crate::harness::ops_page;
use crate::harness::until;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::Backend;
use std::fs;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Connections that are slow at the same time, in each phase.
const SLOW: usize = 10;

/// Connections of one peer that the gateway takes.
const SEATS: usize = 150;

/// How much more memory the process may hold after a flood, in KiB.
const MEMORY_KIB: usize = 64 * 1024;

/// Descriptors that come and go by themselves: the partner's pool, the store.
const SPARE_DESCRIPTORS: usize = 6;

/// A gateway, its good backend, and what the process held when it was warm.
pub struct Flooded {
    pub stage: Stage,
    pub process: Process,
    backend: Backend,
    descriptors: usize,
    memory: usize,
}

impl Flooded {
    /// One that takes `seats` connections of one peer.
    pub fn with(seats: usize) -> Self {
        let stage = Stage::new();
        stage.limit(&format!(
            "handshake_timeout_ms: 500ms, head_timeout_ms: 500ms, idle_timeout_ms: 1s, body_timeout_ms: 500ms, \
             drain_timeout_ms: 100ms, connections_per_peer_max: {seats}"
        ));
        let process = Process::on(&stage);
        let backend = stage.backend(process.address);
        let flooded = Self { backend, descriptors: 0, memory: 0, stage, process };
        flooded.serves("before");
        let (descriptors, memory) = (flooded.open_descriptors(), flooded.resident_kib());
        Self { descriptors, memory, ..flooded }
    }

    fn open_descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.process.id())).unwrap().count()
    }

    fn resident_kib(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        resident.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// A good client is served, as soon as there is a place for it.
    #[track_caller]
    pub fn serves(&self, what: &str) {
        until(&format!("a good client's door, {what}"), || {
            let answer = self.stage.wait(Command::new(&self.stage).give(&self.backend));
            answer.is_ok_and(|answer| answer.status == 200)
        });
    }

    /// The process holds again what it held.
    #[track_caller]
    pub fn settles(&self, what: &str) {
        let most = self.descriptors + SPARE_DESCRIPTORS;
        until(&format!("{most} descriptors at most, {what}"), || self.open_descriptors() <= most);
        let memory = self.resident_kib();
        assert!(memory < self.memory + MEMORY_KIB, "{what}: {memory} KiB after {} KiB", self.memory);
        self.serves(what);
    }

    pub fn counts(&self, series: &str) -> u64 {
        let (_, page) = ops_page(self.process.ops, "/metrics");
        page.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok()).unwrap()
    }
}

fn begun_h2() -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, &[])].concat()
}

#[test]
fn who_is_slow_in_any_phase_holds_up_nobody_and_is_let_go() {
    let flooded = Flooded::with(SEATS);
    let stage = &flooded.stage;
    let command = Command::new(stage);
    let with_length = command.with_length();
    let (head, _) = with_length.split_once("\r\n\r\n").unwrap();
    let over_http_1 = [
        ("nothing", String::new()),
        ("a byte of a head", "P".to_owned()),
        ("half a head", head.to_owned()),
        ("half a body", format!("{head}\r\n\r\n{{\"user")),
        ("half a chunk", format!("{}Transfer-Encoding: chunked\r\n\r\nff\r\n{{", command.head())),
    ];
    let fields = head_of(&command, &[]);
    let over_http_2 = [
        ("no preface", Vec::new()),
        ("half a preface", b"PRI * HTTP".to_vec()),
        ("no stream", begun_h2()),
        ("half a frame", [begun_h2(), frame(1, 4, 1, &fields)[..20].to_vec()].concat()),
        ("a head without end", [begun_h2(), frame(1, 0, 1, &fields)].concat()),
        ("half a body", [begun_h2(), frame(1, 4, 1, &fields), frame(0, 0, 1, b"{\"user")].concat()),
    ];
    let slow = stage.wait(async {
        let (mut tcp, mut http_1, mut http_2) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..SLOW {
            tcp.push(TcpStream::connect(flooded.process.address).await.unwrap());
            for (_, bytes) in &over_http_1 {
                let mut connection = flooded.backend.connect().await.unwrap();
                connection.send(bytes.as_bytes()).await.unwrap();
                http_1.push(connection);
            }
            for (_, bytes) in &over_http_2 {
                let mut connection = connect_h2(stage, flooded.process.address).await;
                connection.write_all(bytes).await.unwrap();
                connection.flush().await.unwrap();
                http_2.push(connection);
            }
        }
        (tcp, http_1, http_2)
    });
    flooded.serves("beside slow senders");
    // They are let go while they still hold their ends: nothing here is closed by the client.
    flooded.settles("after slow senders");
    drop(slow);
}

#[test]
fn floods_end_where_their_limits_are_and_leave_nothing_behind() {
    let flooded = Flooded::with(SEATS);
    let stage = &flooded.stage;
    // Connections.
    let most = flooded.descriptors + SEATS + SPARE_DESCRIPTORS;
    let flood = stage.wait(async {
        let mut flood = Vec::new();
        for _ in 0..SEATS * 4 {
            flood.push(TcpStream::connect(flooded.process.address).await.unwrap());
        }
        flood
    });
    until("the flood is over", || {
        assert!(flooded.open_descriptors() <= most, "{} descriptors", flooded.open_descriptors());
        flooded.counts("portcullis_connections_refused_total{door=\"backend\",reason=\"too-many-of-peer\"}") > 0
    });
    flooded.serves("in a flood of connections");
    flooded.settles("after a flood of connections");
    drop(flood);

    // Streams, whose bodies never come; and streams that are reset as fast as they come.
    let fields = head_of(&Command::new(stage), &[]);
    let open = |stream| frame(1, 4, stream, &fields);
    let reset = |stream| [open(stream), frame(3, 0, stream, &[0, 0, 0, 8])].concat();
    let streams: Vec<u8> = (1..400).step_by(2).flat_map(open).collect();
    let resets: Vec<u8> = (1..8_000).step_by(2).flat_map(reset).collect();
    for (what, frames) in [("a flood of streams", streams), ("a flood of resets", resets)] {
        let flood = stage.wait(async {
            let mut flood = Vec::new();
            for _ in 0..5 {
                let mut connection = connect_h2(stage, flooded.process.address).await;
                // A gateway that has had enough ends the connection.
                let _ = connection.write_all(&[begun_h2(), frames.clone()].concat()).await;
                let _ = connection.flush().await;
                flood.push(connection);
            }
            flood
        });
        flooded.serves(what);
        flooded.settles(what);
        drop(flood);
    }

    // Refusals, one behind the other.
    const REFUSALS: usize = 3_000;
    let refused = format!("GET /-/x HTTP/1.1\r\nHost: {AUTHORITY}\r\n\r\n").repeat(REFUSALS);
    let last = format!("GET /-/x HTTP/1.1\r\nHost: {AUTHORITY}\r\nConnection: close\r\n\r\n");
    // Who sends all before it reads anything would wait for itself once the buffers are full.
    let answers = stage.wait(async {
        let (mut reading, mut writing) = tokio::io::split(connect_h1(stage, flooded.process.address).await);
        let (bytes, mut said) = (refused + &last, Vec::new());
        let (_, _) = tokio::join!(writing.write_all(bytes.as_bytes()), reading.read_to_end(&mut said));
        String::from_utf8(said).unwrap()
    });
    assert_eq!(answers.matches("HTTP/1.1 404 ").count(), REFUSALS + 1);
    flooded.settles("after a flood of refusals");
    assert_eq!(stage.partner.refusals(), [""; 0]);
}
