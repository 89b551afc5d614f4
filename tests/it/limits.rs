//! Every limit of the table is walked by a test, at the limit and one past it, or at the bound in time; here is the list of
//! who does it, and the walks that stand nowhere else. And every bound that is no setting stands in the documents.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::Trickle;
use portcullis::clock::Clock;
use portcullis::clock::SystemClock;
use portcullis::limits::TABLE;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

/// A limit, and the tests that walk it.
pub const WALKS: &[(&str, &[(&str, &str)])] = &[
    ("head_max_bytes", &[("src/listener/head.rs", "heads_targets_and_fields_hold_their_limit_and_not_one_more")]),
    (
        "head_max_fields",
        &[
            ("src/listener/head.rs", "heads_targets_and_fields_hold_their_limit_and_not_one_more"),
            ("src/listener/request.rs", "an_http2_head_holds_its_limits_and_not_one_more"),
        ],
    ),
    (
        "target_max_bytes",
        &[
            ("src/listener/head.rs", "heads_targets_and_fields_hold_their_limit_and_not_one_more"),
            ("src/listener/request.rs", "an_http2_head_holds_its_limits_and_not_one_more"),
        ],
    ),
    (
        "head_timeout_ms",
        &[
            ("tests/it/http1/heads.rs", "a_head_that_is_not_whole_gets_no_answer"),
            ("tests/it/h2/bounds.rs", "what_ends_a_connection_is_counted_by_its_kind"),
        ],
    ),
    ("handshake_timeout_ms", &[("tests/it/tls.rs", "who_does_not_finish_the_handshake_in_time_is_closed_and_counted")]),
    ("idle_timeout_ms", &[("tests/it/limits.rs", "who_stands_idle_is_closed_in_time_and_who_comes_before_is_served")]),
    (
        "body_max_bytes",
        &[
            ("tests/it/refusals.rs", "a_body_holds_its_limit_and_not_one_byte_more"),
            ("tests/it/h2.rs", "a_body_holds_its_limit_over_http_2_too"),
        ],
    ),
    ("body_timeout_ms", &[("tests/it/limits.rs", "a_body_that_does_not_come_is_refused_in_time_and_its_key_is_free")]),
    ("reply_timeout_ms", &[("src/listener/reply.rs", "one_who_does_not_read_is_left_at_the_deadline")]),
    ("answer_max_bytes", &[("src/wire/exchange.rs", "a_body_holds_its_limit_and_not_one_byte_more")]),
    (
        "exchange_timeout_ms",
        &[("tests/it/partner_faults.rs", "where_no_valid_answer_came_the_outcome_is_unknown_and_stays_so")],
    ),
    (
        "connect_timeout_ms",
        &[("tests/it/partner_faults.rs", "a_partner_that_hangs_in_its_handshake_has_received_nothing")],
    ),
    (
        "connections_max",
        &[
            ("src/listener/accept.rs", "seats_are_given_up_to_each_cap_and_come_back"),
            ("tests/it/limits.rs", "all_together_hold_as_many_connections_as_they_may_and_not_one_more"),
        ],
    ),
    (
        "partner_connections_max",
        &[("tests/it/partner_door.rs", "partners_hold_as_many_connections_as_they_may_and_take_none_of_the_backends")],
    ),
    (
        "connections_per_peer_max",
        &[("tests/it/tls.rs", "one_address_holds_as_many_connections_as_it_may_and_not_one_more")],
    ),
    ("h2_streams_max", &[("tests/it/h2.rs", "a_stream_beyond_the_limit_is_refused_and_those_within_it_are_answered")]),
    (
        "bytes_in_flight_max",
        &[
            ("src/pipeline/room.rs", "answers_count_beside_bodies_from_before_they_come_until_the_reply_is_gone"),
            ("tests/it/rates.rs", "answers_are_held_in_memory_before_they_come_and_beyond_it_nothing_is_sent"),
        ],
    ),
    (
        "exchanges_max",
        &[
            ("src/pipeline/room.rs", "a_partner_has_its_places_and_not_one_more_and_the_other_finds_its_own"),
            ("tests/it/rates.rs", "answers_are_held_in_memory_before_they_come_and_beyond_it_nothing_is_sent"),
        ],
    ),
    (
        "exchanges_per_partner_max",
        &[(
            "tests/it/rates.rs",
            "a_partner_takes_so_many_commands_at_once_and_the_next_is_told_so_and_its_key_is_free",
        )],
    ),
    ("peer_rate_per_second", RATES),
    ("subject_rate_per_minute", RATES),
    ("device_rate_per_minute", RATES),
    ("object_rate_per_minute", RATES),
    ("tenant_rate_per_second", RATES),
    (
        "rate_keys_max",
        &[("src/guard/rate.rs", "a_full_table_refuses_strangers_serves_those_it_knows_and_evicts_nobody")],
    ),
    ("directory_max_bytes", &[("tests/it/directory.rs", "an_update_holds_its_limit_and_not_one_byte_more")]),
    ("json_max_depth", &[("src/json/tests/limits.rs", "depth_counts_arrays_and_objects_alike"), CONTRACTS]),
    ("json_max_members", &[("src/json/tests/limits.rs", "members_are_counted_per_object"), CONTRACTS]),
    (
        "clock_skew_s",
        &[
            ("src/identity/tests.rs", "times_hold_at_their_limit_and_not_one_second_past_it"),
            ("src/guard/age.rs", "a_command_passes_at_both_limits_and_is_refused_one_second_past_each"),
        ],
    ),
    ("proof_age_s", &[("src/identity/tests/proofs.rs", "a_proof_is_good_for_a_moment")]),
    (
        "proof_nonce_s",
        &[("tests/it/proofs.rs", "a_nonce_is_good_for_its_time_and_a_newer_one_is_offered_before_it_ends")],
    ),
    (
        "proofs_max",
        &[
            (
                "src/guard/replay.rs",
                "a_full_memory_refuses_the_next_evicts_nobody_and_takes_again_once_one_has_run_out",
            ),
            (
                "tests/it/proofs.rs",
                "as_many_proofs_are_remembered_as_may_be_and_the_next_is_refused_until_one_has_run_out",
            ),
        ],
    ),
    (
        "record_timeout_ms",
        &[("tests/it/audit_faults.rs", "an_intent_that_becomes_durable_too_late_sends_nothing_and_its_key_is_free")],
    ),
    (
        "refusal_records_per_peer_per_minute",
        &[("src/audit/flood.rs", "each_peer_has_its_rate_and_another_for_callers_who_are_known")],
    ),
    (
        "known_refusal_records_per_peer_per_minute",
        &[("src/audit/flood.rs", "each_peer_has_its_rate_and_another_for_callers_who_are_known")],
    ),
    (
        "idempotency_keys_max",
        &[("src/guard/ledger/tests.rs", "the_ledger_holds_as_many_keys_as_it_may_and_refuses_one_more")],
    ),
    (
        "revocations_max",
        &[(
            "src/guard/tests.rs",
            "a_full_set_takes_nothing_new_from_a_peer_forgets_nothing_and_still_obeys_the_operator",
        )],
    ),
    (
        "peer_revocations_per_hour",
        &[("tests/it/rates.rs", "a_peer_orders_so_many_revocations_in_an_hour_and_the_operator_as_many_as_it_takes")],
    ),
    ("peer_answers_per_minute", SHARES),
    (
        "peer_events_per_minute",
        &[(
            "tests/it/shares.rs",
            "what_a_partner_brings_and_asks_for_has_a_bound_and_a_flood_twice_as_long_adds_sums_alone",
        )],
    ),
    (
        "person_acts_per_minute",
        &[(
            "tests/it/shares.rs",
            "a_person_acts_so_often_and_no_more_and_a_script_that_goes_on_adds_sums_and_still_may_revoke",
        )],
    ),
    ("outbox_max", &[("src/webhook/outbox/tests.rs", "the_outbox_holds_as_many_as_it_may_and_not_one_more")]),
    (
        "deliveries_at_once_max",
        &[("tests/it/deliveries.rs", "an_endpoint_that_hangs_holds_as_many_deliveries_as_may_be_and_not_one_more")],
    ),
    ("delivery_attempts_max", SCHEDULE),
    (
        "delivery_first_wait_ms",
        &[(
            "src/webhook/schedule.rs",
            "the_bound_of_a_wait_doubles_up_to_the_longest_and_a_wait_is_drawn_from_all_of_it",
        )],
    ),
    (
        "delivery_wait_max_s",
        &[(
            "src/webhook/schedule.rs",
            "the_bound_of_a_wait_doubles_up_to_the_longest_and_a_wait_is_drawn_from_all_of_it",
        )],
    ),
    ("delivery_age_max_s", SCHEDULE),
    (
        "dead_letters_kept_s",
        &[("src/webhook/outbox/tests.rs", "what_has_ended_is_forgotten_in_its_time_and_not_before")],
    ),
    ("lift_confirm_ms", &[("src/guard/lift/tests.rs", "a_proposal_holds_its_time_and_not_a_millisecond_longer")]),
    (
        "receipts_max",
        &[("src/audit/receipts.rs", "as_many_are_remembered_as_may_be_and_the_oldest_is_forgotten_for_one_more")],
    ),
    ("receipts_ms", &[("src/audit/receipts.rs", "a_command_is_remembered_for_its_time_and_not_a_millisecond_longer")]),
    (
        "drain_max_bytes",
        &[("src/listener/stream.rs", "what_a_peer_still_sends_is_forgotten_up_to_the_limit_and_not_beyond")],
    ),
    (
        "drain_timeout_ms",
        &[(
            "src/listener/stream.rs",
            "ending_a_connection_takes_no_longer_than_its_time_whatever_the_peer_does_not_do",
        )],
    ),
    (
        "shutdown_lead_ms",
        &[("tests/it/shutdown.rs", "readiness_fails_first_and_whoever_comes_in_the_lead_is_still_served")],
    ),
    (
        "shutdown_timeout_ms",
        &[("tests/it/shutdown.rs", "an_exchange_left_at_the_deadline_is_cut_off_told_and_recorded_as_unknown")],
    ),
];

const RATES: &[(&str, &str)] =
    &[("tests/it/rates.rs", "each_rate_holds_its_limit_and_one_past_it_is_told_when_to_come_back")];
const SCHEDULE: &[(&str, &str)] =
    &[("src/webhook/schedule.rs", "the_last_attempt_and_the_age_hold_their_limit_and_not_one_more")];
const SHARES: &[(&str, &str)] =
    &[("tests/it/shares.rs", "what_a_peer_is_told_again_has_a_bound_and_a_flood_twice_as_long_adds_sums_alone")];
const CONTRACTS: (&str, &str) = ("src/contract/tests/load.rs", "the_limits_bound_bodies_depth_and_members");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_limit_of_the_table_is_walked_by_a_test_that_exists() {
    let walked: Vec<_> = WALKS.iter().map(|(limit, _)| *limit).collect();
    assert_eq!(walked, TABLE.iter().map(|limit| limit.name).collect::<Vec<_>>());
    for (limit, tests) in WALKS {
        assert!(!tests.is_empty(), "{limit}");
        for (file, name) in *tests {
            let text = fs::read_to_string(root().join(file)).unwrap_or_default();
            assert!(text.contains(&format!("fn {name}(")), "{limit}: there is no `{name}` in {file}");
        }
    }
}

#[test]
fn who_stands_idle_is_closed_in_time_and_who_comes_before_is_served() {
    let stage = Stage::new();
    stage.limit("idle_timeout_ms: 1s");
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    stage.wait(async {
        let clock = SystemClock::new();
        let mut idle = backend.connect().await.unwrap();
        let mut active = backend.connect().await.unwrap();
        let command = Command::new(&stage);
        let fields = command.fields();
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let request = active.request(command.method, &command.target, &fields, &command.body);
        active.send(&request).await.unwrap();
        assert_eq!(active.answer().await.unwrap().status, 200);
        let answered = clock.steady();
        assert!(idle.rest().await.unwrap().is_empty(), "who said nothing is told nothing");
        assert!(clock.steady() >= Duration::from_millis(900), "not before its time");
        assert!(active.rest().await.unwrap().is_empty(), "a connection between two requests is idle, too");
        assert!(clock.steady() >= answered + Duration::from_millis(900), "its time began anew");
    });
    assert_eq!(stage.partner.total_actuations(), 1);
}

#[test]
fn a_body_that_does_not_come_is_refused_in_time_and_its_key_is_free() {
    let stage = Stage::new();
    stage.limit("body_timeout_ms: 300ms");
    let gateway = Served::on(&stage);
    let command = Command::new(&stage);
    let trickle = Trickle::begin(&stage, gateway.address, &command);
    let (status, answer) = trickle.wait();
    assert!(status == 408 && answer.contains("/problems/request-timeout"), "{answer}");
    assert_eq!(stage.story(), ["refusal body-timeout"]);
    command.again().told(&stage, gateway.address).is(200, "");
    assert_eq!(stage.partner.total_actuations(), 1);
}

#[test]
fn all_together_hold_as_many_connections_as_they_may_and_not_one_more() {
    let stage = Stage::new();
    stage.limit("connections_max: 2");
    let gateway = Served::on(&stage);
    let backend = stage.backend(gateway.address);
    stage.wait(async {
        let first = backend.connect().await.unwrap();
        let _second = backend.connect().await.unwrap();
        assert!(backend.connect().await.is_err());
        drop(first);
        // The place comes back when the gateway has noticed; asking is the only way to know.
        while backend.connect().await.is_err() {}
    });
    assert!(gateway.metrics().contains("reason=\"too-many\"} "), "{}", gateway.metrics());
}

/// The bounds in the text of `src/` that are no settings: constants by their names, with file and value.
fn fixed() -> BTreeMap<(String, String), String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            let ours = !name.starts_with("src/devkit") && !name.starts_with("src/cli") && !name.contains("tests");
            if path.is_dir() && ours {
                folders.push(path);
            } else if ours {
                note_constants(&path, &name, &mut found);
            }
        }
    }
    found
}

fn note_constants(path: &PathBuf, file: &str, found: &mut BTreeMap<(String, String), String>) {
    let text = fs::read_to_string(path).unwrap();
    let product = text.split("#[cfg(test)]\nmod").next().unwrap_or_default();
    for line in product.lines() {
        let Some((_, rest)) = line.trim_start().split_once("const ") else { continue };
        let (Some((name, _)), Some((_, value))) = (rest.split_once(':'), rest.split_once(" = ")) else { continue };
        let bounds = |word: &str| matches!(word, "MAX" | "TIMEOUT" | "PAUSE");
        if name.split('_').any(bounds) && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
            found.insert((file.to_owned(), name.to_owned()), value.trim_end_matches(';').to_owned());
        }
    }
}

#[test]
fn every_bound_that_is_no_setting_is_documented_with_its_value() {
    type Bounds = BTreeMap<(String, String), String>;
    let text = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let (_, rest) = text.split_once("| bound in | constant | value |").unwrap();
    let rows = rest.lines().skip(2).take_while(|line| line.starts_with('|'));
    let documented = rows.map(|row| {
        let cells: Vec<_> =
            row.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect();
        assert!(cells[3].len() > 10, "{row} says nothing");
        ((cells[0].clone(), cells[1].clone()), cells[2].clone())
    });
    let (documented, fixed): (Bounds, Bounds) = (documented.collect(), fixed());
    let beyond = |one: &Bounds, other: &Bounds| {
        let only = one.iter().filter(|(constant, value)| other.get(*constant) != Some(value));
        only.map(|(constant, value)| format!("{constant:?} = {value}")).collect::<Vec<_>>()
    };
    assert_eq!(beyond(&fixed, &documented), [""; 0], "in the source and not so in docs/operations.md");
    assert_eq!(beyond(&documented, &fixed), [""; 0], "in docs/operations.md and not so in the source");
    assert!(fixed.len() > 30, "the constants are found");
}
