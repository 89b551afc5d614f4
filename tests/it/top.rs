//! `portcullis top` and `status --watch` as people have them: on a terminal, which is left as it was found; in a pipe; and
//! before an end that means harm.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::told_by;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::process::Child;
use std::process::Stdio;

/// DEC private modes: the second page and the cursor.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

fn spawned(program: &str, arguments: &[&str]) -> Child {
    let mut command = std::process::Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().unwrap()
}

fn interrupt(child: &Child) {
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn one_frame_tells_decisions_refusals_times_queues_and_what_runs_out() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
    Command::new(&stage).bearing("no token".to_owned()).told(&stage, gateway.address).is(401, "unauthenticated");
    let (code, out, err) = told_by(&["top", "--ops", &gateway.ops.to_string(), "--once"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(!out.contains('\u{1b}'), "no terminal, no sequences: {out:?}");
    for told in [
        concat!("portcullis ", env!("CARGO_PKG_VERSION"), "  up "),
        "  ready  ",
        "\ndecisions ",
        "(rates since the start)",
        "\n  token-",
        "\npartner ",
        "\n  smarthome ",
        "\nqueues       exchanges 0/240",
        " days  certificate of listeners.backend",
    ] {
        assert!(out.contains(told), "{told:?} is not in:\n{out}");
    }
    let total = out.lines().find(|line| line.starts_with("total ")).unwrap();
    assert_eq!(total.split_whitespace().filter(|word| matches!(*word, "ms" | "µs" | "s")).count(), 3, "{total}");
    let (code, out, err) = told_by(&["top", "--ops", "127.0.0.1:1", "--once"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.starts_with("error[not-reached]: "), "{err}");
}

#[test]
fn in_a_pipe_frames_follow_one_another_until_ctrl_c() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let ops = gateway.ops.to_string();
    let mut child = spawned(env!("CARGO_BIN_EXE_portcullis"), &["top", "--ops", &ops]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("(rates since the start)")));
    assert!(lines.any(|line| line.contains("(rates of the last ")), "the second frame");
    interrupt(&child);
    assert!(lines.all(|line| !line.contains('\u{1b}')));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_terminal_is_left_as_it_was_found() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let program = env!("CARGO_BIN_EXE_portcullis");
    for command in ["top", "status --watch"] {
        let line = format!("exec {program} {command} --ops {}", gateway.ops);
        let mut child = spawned("script", &["-qefc", &line, "/dev/null"]);
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut seen = Vec::new();
        // Of a frame a terminal shows what fits; the first lines always do.
        while !String::from_utf8_lossy(&seen).contains("epoch") {
            assert!(output.read_until(b'\n', &mut seen).unwrap() > 0, "{}", String::from_utf8_lossy(&seen));
        }
        // Ctrl-C, as a keyboard sends it.
        child.stdin.as_mut().unwrap().write_all(b"\x03").unwrap();
        output.read_to_end(&mut seen).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{command}");
        let seen = String::from_utf8(seen).unwrap();
        assert!(seen.starts_with(ENTER) && seen.trim_end().ends_with(LEAVE), "{command}: {seen:?}");
        assert_eq!((seen.matches(ENTER).count(), seen.matches(LEAVE).count()), (1, 1), "{command}");
    }
}

/// An ops listener that says what it likes, so many times.
fn hostile(pages: &'static [&'static str]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = move || {
        for page in pages {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]).unwrap();
            stream.write_all(format!("HTTP/1.1 200 OK\r\n\r\n{page}").as_bytes()).unwrap();
        }
    };
    std::thread::Builder::new().spawn(serve).unwrap();
    address
}

#[test]
fn an_end_that_means_harm_moves_no_cursor_and_retitles_no_window() {
    const STATUS: &str = "{\"status\":1,\"ready\":false,\"version\":\"\\u001b[2J\",\"reasons\":[{\"code\":\"\\u001b]0;x\\u0007\",\
                          \"says\":\"a\\nb\",\"hint\":\"\\u202e\"}],\"partners\":[{\"name\":\"\\u009b1m\"}]}\n";
    const METRICS: &str =
        "portcullis_refusals_total{reason=\"\u{1b}c\"} 3\nportcullis_step_duration_seconds_count{step=\"\u{8}\"} 1\n";
    let harmless = |out: &str| {
        assert!(!out.chars().any(|c| c.is_control() && c != '\n') && !out.contains('\u{202e}'), "{out:?}");
        assert!(out.contains("\\u{1b}[2J"), "{out}");
    };
    let at = hostile(&[STATUS, METRICS]).to_string();
    let (code, out, err) = told_by(&["top", "--ops", &at, "--once"]);
    assert_eq!((code, err.as_str()), (0, ""));
    harmless(&out);
    let at = hostile(&[STATUS]).to_string();
    let (code, out, err) = told_by(&["status", "--ops", &at]);
    assert_eq!((code, err.as_str()), (1, ""));
    harmless(&out);
    for nonsense in [&["{}"], &["[1]"], &["\u{1b}c"]] as [&'static [&'static str]; 3] {
        let at = hostile(nonsense).to_string();
        let (code, out, err) = told_by(&["status", "--ops", &at]);
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(err.starts_with("error[not-ours]: ") && !err.contains('\u{1b}'), "{err}");
    }
}
