//! Traces: whose `traceparent` is taken, what the partner is told instead, and where alone the two stand together.

use crate::harness::Command;
use crate::harness::Record;
use crate::harness::Served;
use crate::harness::Stage;
use std::collections::BTreeSet;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

fn parent(flags: &str) -> String {
    format!("00-{TRACE}-{SPAN}-{flags}")
}

fn stage(trusted: &str) -> Stage {
    let stage = Stage::new();
    let tls = "client_ca: pki/backend-authority.pem}";
    stage.edit("gateway.yaml", tls, &format!("{tls}\n    trace_from: [{trusted}]"));
    stage
}

/// Gives a good command with these fields: its intent, and each head that the partner received for it.
fn given(stage: &Stage, gateway: &Served, fields: &[(&str, &str)]) -> (Record, String) {
    let heard = |stage: &Stage| -> Vec<u8> { stage.partner.raw().into_iter().flat_map(|line| line.bytes).collect() };
    let before = heard(stage).len();
    let command = fields.iter().fold(Command::new(stage), |command, (name, value)| command.with(name, value));
    let answer = stage.wait(command.give(&stage.backend(gateway.address))).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let receipt = answer.header("receipt-id").unwrap();
    let is_intent = |record: &Record| record.text("receipt") == receipt && record.text("kind") == "intent";
    let intent = stage.records().into_iter().find(is_intent).unwrap();
    // One worker, so one connection: what came, came behind the rest.
    (intent, String::from_utf8(heard(stage).split_off(before)).unwrap().to_ascii_lowercase())
}

/// The trace, span and flags that the partner was told; exactly once, and nothing else of that kind.
fn told(heard: &str) -> (String, String, String) {
    for foreign in [TRACE, SPAN, "tracestate", "baggage", "canary"] {
        assert!(!heard.contains(foreign), "the partner received {foreign}: {heard}");
    }
    let lines: Vec<&str> = heard.lines().filter_map(|line| line.strip_prefix("traceparent: ")).collect();
    let [line] = lines.as_slice() else { panic!("{heard}") };
    let parts: Vec<&str> = line.split('-').collect();
    let [version, trace, span, flags] = parts.as_slice() else { panic!("{line}") };
    assert_eq!((*version, trace.len(), span.len()), ("00", 32, 16), "{line}");
    ((*trace).to_owned(), (*span).to_owned(), (*flags).to_owned())
}

#[test]
fn a_trusted_peers_trace_is_on_record_and_each_command_has_another_one_at_the_partner() {
    let stage = stage("spiffe://prop.example/other, spiffe://prop.example/backend");
    stage.edit("gateway.yaml", "workers: 2", "workers: 1");
    let gateway = Served::on(&stage);
    let mut seen = BTreeSet::new();
    for flags in ["01", "00", "01"] {
        let fields = [("traceparent", &*parent(flags)), ("tracestate", "canary=1"), ("baggage", "user=canary")];
        let (intent, heard) = given(&stage, &gateway, &fields);
        let (trace, span, told_flags) = told(&heard);
        assert_eq!((intent.text("trace"), intent.text("partner_trace")), (TRACE, trace.as_str()));
        assert_eq!(told_flags, flags, "whether it is recorded");
        assert!(seen.insert(trace) && seen.insert(span), "no number leaves twice");
    }
    let metrics = gateway.metrics();
    assert!(!metrics.contains(TRACE) && seen.iter().all(|number| !metrics.contains(number.as_str())));
}

#[test]
fn a_trace_that_is_malformed_or_named_twice_is_none_and_a_new_one_begins() {
    let stage = stage("spiffe://prop.example/backend");
    stage.edit("gateway.yaml", "workers: 2", "workers: 1");
    let gateway = Served::on(&stage);
    let (good, upper) = (parent("01"), parent("01").to_ascii_uppercase());
    let (later, zero) = (good.replacen("00-", "01-", 1), good.replace(TRACE, &"0".repeat(32)));
    let rows: [&[(&str, &str)]; 6] = [
        &[("traceparent", &upper)],
        &[("traceparent", &later)],
        &[("traceparent", &zero)],
        &[("traceparent", "canary")],
        &[("traceparent", &good), ("traceparent", &good)],
        &[],
    ];
    let mut seen = BTreeSet::new();
    for fields in rows {
        let (intent, heard) = given(&stage, &gateway, fields);
        let (trace, _, flags) = told(&heard);
        assert_eq!((intent.text("partner_trace"), flags.as_str()), (trace.as_str(), "00"), "{fields:?}");
        let own = intent.text("trace").to_owned();
        assert!(own.len() == 32 && own != TRACE, "{fields:?}: {own}");
        assert!(seen.insert(own) && seen.insert(trace), "{fields:?}");
    }
}

#[test]
fn a_peer_who_is_not_trusted_with_it_says_nothing_by_a_trace() {
    for stage in [Stage::new(), stage("spiffe://prop.example/backend-2")] {
        stage.edit("gateway.yaml", "workers: 2", "workers: 1");
        let gateway = Served::on(&stage);
        let (intent, heard) = given(&stage, &gateway, &[("traceparent", &parent("01"))]);
        let (trace, _, flags) = told(&heard);
        assert_eq!((intent.text("partner_trace"), flags.as_str()), (trace.as_str(), "00"));
        assert_ne!(intent.text("trace"), TRACE);
        let command = Command::new(&stage).with("traceparent", &parent("01")).saying("{}");
        stage.wait(command.give(&stage.backend(gateway.address))).unwrap();
        let refusal = stage.records().pop().unwrap();
        assert!(
            refusal.text("kind") == "refusal" && refusal.text("trace").len() == 32,
            "a refusal belongs to a trace too"
        );
        assert_ne!(refusal.text("trace"), TRACE);
    }
}
