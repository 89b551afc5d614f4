//! What one connection of HTTP/2 may hold, how it ends, and what is counted when it does.

use crate::h2::AUTHORITY;
use crate::h2::DATA;
use crate::h2::END_HEADERS;
use crate::h2::END_STREAM;
use crate::h2::Frames;
use crate::h2::GOAWAY;
use crate::h2::HEADERS;
use crate::h2::PING;
use crate::h2::REFUSED_STREAM;
use crate::h2::RST_STREAM;
use crate::h2::SETTINGS;
use crate::h2::field;
use crate::h2::frame;
use crate::h2::head;
use crate::harness::Command;
use crate::harness::Process;
use crate::harness::Scene;
use crate::harness::Stage;
use crate::harness::connect_h2;
use crate::harness::until;
use portcullis::devkit::Misbehaviour;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;

const CANCEL: [u8; 4] = [0, 0, 0, 8];
const ACK: u8 = 1;

/// `:status: 200` and `400` (RFC 7541 Appendix A).
const OK: u8 = 0x88;
const BAD_REQUEST: u8 = 0x8c;

/// A whole command on a stream.
fn whole_command(stage: &Stage, stream: u32) -> Vec<u8> {
    let command = Command::new(stage);
    let head = frame(HEADERS, END_HEADERS, stream, &head(&command, &[]));
    [head, frame(DATA, END_STREAM, stream, &command.body)].concat()
}

/// Waits until a series has this value.
#[track_caller]
fn counted(scene: &Scene, series: &str, value: usize) {
    let line = format!("{series} {value}\n");
    until(&line, || scene.gateway.metrics().contains(&line));
}

#[test]
fn a_stream_that_is_reset_keeps_its_place_until_its_exchange_has_ended() {
    let scene = Scene::within("h2_streams_max: 2");
    let stage = &scene.stage;
    stage.partner.behave(Misbehaviour::HangBeforeAnswer);
    let mut frames = stage.wait(async {
        let mut frames = Frames::open(stage, scene.gateway.address).await;
        for stream in [1, 3] {
            assert!(frames.send(&whole_command(stage, stream)).await);
        }
        stage.partner.until(|partner| partner.hanging == 2).await;
        for stream in [1, 3] {
            assert!(frames.send(&frame(RST_STREAM, 0, stream, &CANCEL)).await);
        }
        for stream in [5, 7, 9] {
            assert!(frames.send(&whole_command(stage, stream)).await);
            assert_eq!(frames.until(RST_STREAM).await, Some((stream, REFUSED_STREAM.to_vec())));
        }
        assert_eq!((stage.partner.progress().hanging, stage.partner.progress().requests), (2, 3));
        frames
    });
    counted(&scene, "portcullis_http2_faults_total{kind=\"stream-refused\"}", 3);
    stage.partner.behave_well();
    stage.partner.release();
    counted(&scene, "portcullis_exchanges_in_flight", 0);
    stage.wait(async {
        assert!(frames.send(&whole_command(stage, 11)).await);
        let (stream, block) = frames.until(HEADERS).await.unwrap();
        assert_eq!((stream, block[0]), (11, OK), "the places are free again");
    });
    assert_eq!(stage.partner.total_actuations(), 4, "no refused stream moved anything");
}

#[test]
fn an_answer_to_head_ends_with_its_fields() {
    let scene = Scene::new();
    let asked = Command { method: "HEAD", ..scene.command() };
    scene.stage.wait(async {
        let mut frames = Frames::open(&scene.stage, scene.gateway.address).await;
        frames.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &head(&asked, &[]))).await;
        let flags = loop {
            let (kind, flags, stream, _) = frames.frame().await.unwrap();
            if (kind, stream) == (HEADERS, 1) {
                break flags;
            }
        };
        assert_eq!(flags & END_STREAM, END_STREAM);
        frames.send(&frame(PING, 0, 0, &[7; 8])).await;
        let (kind, _, payload) = frames.next().await.unwrap();
        assert_eq!((kind, payload), (PING, vec![7; 8]), "and nothing between");
    });
    scene.passes();
}

#[test]
fn a_scheme_or_authority_that_is_not_ours_is_our_own_refusal() {
    let scene = Scene::new();
    let command = scene.command();
    let good = [(":method", "POST"), (":scheme", "https"), (":authority", AUTHORITY), (":path", &*command.target)];
    let fields = command.fields();
    let fields: Vec<u8> = fields.iter().flat_map(|(name, value)| field(&name.to_ascii_lowercase(), value)).collect();
    for (what, changed, value) in [
        ("another scheme", ":scheme", Some("http")),
        ("no authority", ":authority", None),
        ("a user in the authority", ":authority", Some("user@smarthome.gateway.prop.example")),
        ("a method in lower case", ":method", Some("post")),
    ] {
        let pseudo = good.iter().filter_map(|(name, was)| {
            let value = if *name == changed { value? } else { was };
            Some(field(name, value))
        });
        let block: Vec<u8> = pseudo.flatten().chain(fields.iter().copied()).collect();
        scene.stage.wait(async {
            let mut frames = Frames::open(&scene.stage, scene.gateway.address).await;
            frames.send(&frame(HEADERS, END_HEADERS, 1, &block)).await;
            frames.send(&frame(DATA, END_STREAM, 1, &command.body)).await;
            let (stream, block) = frames.until(HEADERS).await.unwrap();
            assert_eq!((stream, block[0]), (1, BAD_REQUEST), "{what}");
        });
        let refusal = scene.stage.records().pop().unwrap();
        assert_eq!((refusal.text("kind"), refusal.text("reason")), ("refusal", "malformed-head"), "{what}");
        scene.passes_after(what);
    }
}

#[test]
fn a_connection_of_malformed_heads_is_answered_and_told_to_go() {
    let scene = Scene::new();
    let bad = scene.command().with("expect", "100-continue");
    scene.stage.wait(async {
        let mut frames = Frames::open(&scene.stage, scene.gateway.address).await;
        for number in 0..32 {
            frames.send(&frame(HEADERS, END_HEADERS | END_STREAM, number * 2 + 1, &head(&bad, &[]))).await;
        }
        let mut answered = 0;
        let mut told_to_go = false;
        while let Some((kind, _, payload)) = frames.next().await {
            answered += usize::from(kind == HEADERS && payload[0] == BAD_REQUEST);
            told_to_go |= kind == GOAWAY;
        }
        assert_eq!((answered, told_to_go), (32, true));
    });
    counted(&scene, "portcullis_http2_faults_total{kind=\"malformed-heads\"}", 1);
    scene.passes();
}

#[test]
fn what_ends_a_connection_is_counted_by_its_kind() {
    let scene = Scene::within("head_timeout_ms: 200ms");
    let command = scene.command();
    let window = frame(8, 0, 0, &0x7fff_ffff_u32.to_be_bytes());
    let begun = [frame(HEADERS, END_HEADERS, 1, &head(&command, &[]))].concat();
    // Already too long to be let through, and then one value that goes on and on.
    let many: Vec<u8> = (0..36).flat_map(|number| field(&format!("x-{number}"), &"a".repeat(1_000))).collect();
    let long = [head(&command, &[]), many, field("x-long", &"a".repeat(50_000))].concat();
    let in_pieces_without_end = long.chunks(16_000).enumerate();
    let in_pieces_without_end =
        in_pieces_without_end.flat_map(|(number, piece)| frame(if number == 0 { HEADERS } else { 9 }, 0, 1, piece));
    let in_pieces_without_end = in_pieces_without_end.collect();
    let rows: &[(&str, Vec<u8>)] = &[
        ("protocol", frame(DATA, 0, 0, b"x")),
        ("protocol", frame(HEADERS, END_HEADERS, 2, &head(&command, &[]))),
        ("flow-control", window),
        ("frame-size", frame(DATA, 0, 1, &[0; 16_385])),
        ("compression", in_pieces_without_end),
        ("peer-error", [begun.clone(), frame(GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 1])].concat()),
        ("enhance-your-calm", frame(RST_STREAM, 0, 1, &CANCEL)),
        ("broken-off", begun),
    ];
    for (number, (kind, bytes)) in rows.iter().enumerate() {
        let series = format!("portcullis_http2_faults_total{{kind=\"{kind}\"}}");
        let before = scene.gateway.metrics().lines().find_map(|line| line.strip_prefix(&series)?.trim().parse().ok());
        scene.stage.wait(async {
            let mut frames = Frames::open(&scene.stage, scene.gateway.address).await;
            if *kind == "enhance-your-calm" {
                // Whoever opens and resets without end.
                for stream in (1..2_000).step_by(2) {
                    let reset = frame(RST_STREAM, 0, stream, &CANCEL);
                    let open = frame(HEADERS, END_HEADERS, stream, &head(&command, &[]));
                    if !frames.send(&[open, reset].concat()).await {
                        break;
                    }
                }
            } else {
                frames.send(bytes).await;
            }
            if *kind == "broken-off" {
                frames.until(SETTINGS).await;
                return drop(frames.0.into_inner().0.set_zero_linger());
            }
            while frames.next().await.is_some() {}
        });
        counted(&scene, &series, before.unwrap_or(0) + 1);
        scene.passes_after(&format!("row {number}, {kind}"));
    }
    for preface in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "PRI * HTTP/2.0\r\n\r\n"] {
        scene.stage.wait(async {
            let mut tls = connect_h2(&scene.stage, scene.gateway.address).await;
            tls.write_all(preface.as_bytes()).await.unwrap();
            let mut rest = Vec::new();
            let _end = tls.read_to_end(&mut rest).await;
        });
    }
    counted(&scene, "portcullis_http2_faults_total{kind=\"preface\"}", 2);
    scene.passes();
}

#[test]
fn going_down_says_goaway_answers_the_stream_in_flight_and_ends() {
    let stage = Stage::new();
    stage.partner.behave(Misbehaviour::HangBeforeAnswer);
    let mut process = Process::on(&stage);
    stage.hear_nonce(process.address);
    let mut frames = stage.wait(async {
        let mut frames = Frames::open(&stage, process.address).await;
        assert!(frames.send(&whole_command(&stage, 1)).await);
        stage.partner.until(|partner| partner.hanging == 1).await;
        frames
    });
    process.terminate();
    process.until("going down");
    stage.wait(async {
        let (_, payload) = frames.until(GOAWAY).await.unwrap();
        assert_eq!(payload[4..8], [0; 4], "it is no error");
        let (_, ping) = frames.until(PING).await.unwrap();
        frames.send(&frame(PING, ACK, 0, &ping)).await;
        let (_, payload) = frames.until(GOAWAY).await.unwrap();
        assert_eq!(payload[..4], [0, 0, 0, 1], "nothing is taken behind the stream in flight");
        stage.partner.release();
        let (stream, block) = frames.until(HEADERS).await.unwrap();
        assert_eq!((stream, block[0]), (1, OK));
        while frames.next().await.is_some() {}
    });
    let (status, log) = process.ended();
    assert_eq!(status.code(), Some(0), "{}", log.join("\n"));
    assert_eq!(stage.story(), ["intent", "outcome done done"]);
}
