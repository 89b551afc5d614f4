//! Too fast: each rate at its limit and one past it, who is not touched by it, and what a refusal costs: nothing.

use crate::harness::Command;
use crate::harness::Record;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::ops_page;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::Leaf;
use portcullis::devkit::Misbehaviour;
use portcullis::devkit::Validity;
use portcullis::json::Number;
use portcullis::json::Value;
use std::sync::Arc;
use std::time::Duration;

/// A gateway whose clock stands still until it is moved, so that no bucket fills by itself.
struct Still {
    gateway: Served,
    clock: Arc<ManualClock>,
    stage: Stage,
}

/// Who asks, and about which house.
#[derive(Clone, Copy)]
struct Who<'a> {
    tenant: &'a str,
    subject: &'a str,
    device: &'a str,
    house: &'a str,
}

const IVANOV: Who<'_> =
    Who { tenant: "north", subject: "resident-ivanov", device: "phone-of-ivanov", house: "house-1" };

impl Still {
    fn with(limits: &str) -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
        let stage = Stage::by(clock.clone());
        stage.limit(limits);
        let gateway = Served::by(&stage, clock.clone());
        Self { gateway, clock, stage }
    }

    fn command(&self, who: Who<'_>) -> Command {
        let now = self.clock.now().seconds();
        let time = |seconds| Value::Number(Number::try_from(now.plus(seconds).get()).unwrap());
        let claims = self.stage.claims().with("tenant", who.tenant).with("sub", who.subject);
        let claims = claims.with("device_id", who.device).with("iat", time(0)).with("nbf", time(0));
        let mut command = Command::new(&self.stage)
            .bearing(self.stage.sessions.mint(&claims.with("exp", time(100))).unwrap())
            .to(&format!("/v1/houses/{}/doors/door-1/open?reason=guest", who.house))
            .saying(&format!(r#"{{"userId":"{}","deviceId":"{}"}}"#, who.subject, who.device));
        command.time = Some(format!("@{}", now.get()));
        command
    }

    fn answer(&self, command: &Command) -> BackendAnswer {
        command.begin(&self.stage, self.gateway.address).answer()
    }

    /// Gives commands until one is refused for its rate; how many were not, and the refusal.
    fn until_refused<'w>(
        &self,
        who: impl Fn(&'w str) -> Who<'w>,
        fresh: &'w [String],
    ) -> (usize, Command, BackendAnswer) {
        for (passed, fresh) in fresh.iter().enumerate() {
            let command = self.command(who(fresh));
            let answer = self.answer(&command);
            if answer.status == 429 {
                return (passed, command, answer);
            }
        }
        panic!("{} passed", fresh.len());
    }

    #[track_caller]
    fn record(&self, answer: &BackendAnswer) -> Record {
        let receipt = answer.header("receipt-id").unwrap();
        self.stage.records().into_iter().find(|record| record.text("receipt") == receipt).expect("on record")
    }
}

#[test]
fn each_rate_holds_its_limit_and_one_past_it_is_told_when_to_come_back() {
    let still = Still::with(
        "subject_rate_per_minute: 2, device_rate_per_minute: 3, object_rate_per_minute: 4, \
         tenant_rate_per_second: 5, peer_rate_per_second: 6",
    );
    let fresh: Vec<String> = (0..10).map(|number| format!("n{number}")).collect();
    type Of = for<'w> fn(&'w str) -> Who<'w>;
    let rows: [(&str, usize, &str, Of); 5] = [
        ("rate-subject", 2, "30", |fresh| Who { device: fresh, ..IVANOV }),
        ("rate-device", 3, "20", |fresh| Who { subject: fresh, ..IVANOV }),
        ("rate-object", 4, "15", |fresh| Who { subject: fresh, device: fresh, ..IVANOV }),
        ("rate-tenant", 5, "1", |fresh| Who { subject: fresh, device: fresh, house: fresh, ..IVANOV }),
        ("rate-peer", 6, "1", |fresh| Who { tenant: fresh, subject: fresh, device: fresh, house: fresh }),
    ];
    for (reason, limit, wait, who) in rows {
        still.clock.advance(Duration::from_secs(60));
        let (passed, command, refusal) = still.until_refused(who, &fresh);
        assert_eq!((passed, refusal.header("retry-after")), (limit, Some(wait)), "{reason}");
        assert!(refusal.text().contains("/problems/too-many-requests"), "{}", refusal.text());
        assert_eq!(still.record(&refusal).text("reason"), reason);
        let counted = format!("portcullis_refusals_total{{reason=\"{reason}\"}} 1\n");
        assert!(still.gateway.metrics().contains(&counted), "{reason} is counted once");

        // The same key, in time: nothing of the refusal is left.
        still.clock.advance(Duration::from_secs(wait.parse().unwrap()));
        let again = Command { time: Some(format!("@{}", still.clock.now().seconds().get())), ..command };
        assert_ne!(still.answer(&again).status, 429, "{reason}");
    }
}

#[test]
fn what_is_refused_for_its_rate_reaches_no_partner_and_leaves_its_key_free() {
    let still = Still::with("subject_rate_per_minute: 1");
    assert_eq!(still.answer(&still.command(IVANOV)).status, 200);
    let before = still.stage.partner.progress().bytes;
    let command = still.command(IVANOV);
    assert_eq!(still.answer(&command).status, 429);
    assert_eq!(still.stage.partner.progress().bytes, before, "the partner received something");
    still.clock.advance(Duration::from_secs(60));
    let again = Command { time: Some(format!("@{}", still.clock.now().seconds().get())), ..command };
    assert_eq!(still.answer(&again).status, 200);
    assert_eq!(still.stage.partner.total_actuations(), 2);
}

#[test]
fn a_tenant_or_a_peer_at_its_limit_leaves_the_others_alone() {
    let still = Still::with("tenant_rate_per_second: 3, object_rate_per_minute: 2");
    let fresh: Vec<String> = (0..9).map(|number| format!("n{number}")).collect();
    let south = |fresh| Who { tenant: "south", subject: fresh, device: fresh, house: "house-1" };
    let (passed, _, refusal) = still.until_refused(south, &fresh);
    assert_eq!(
        (passed, still.record(&refusal).text("reason")),
        (2, "rate-object"),
        "the door of north, asked for by south"
    );
    let south = |fresh| Who { tenant: "south", subject: fresh, device: fresh, house: fresh };
    let (_, _, refusal) = still.until_refused(south, &fresh);
    assert_eq!(still.record(&refusal).text("reason"), "rate-tenant");
    assert_eq!(still.answer(&still.command(IVANOV)).status, 200, "north opens that very door");
}

#[test]
fn a_peer_is_counted_before_its_token_is_looked_at() {
    let still = Still::with("peer_rate_per_second: 2");
    let stage = &still.stage;
    let forged = || Command { token: Some("a.b.c".into()), ..still.command(IVANOV) };
    for _ in 0..2 {
        assert_eq!(still.answer(&forged()).status, 401);
    }
    assert_eq!(still.answer(&forged()).status, 429);
    let refusal = still.answer(&still.command(IVANOV));
    assert_eq!((refusal.status, still.record(&refusal).text("reason")), (429, "rate-peer"));

    let leaf = Leaf::client("spiffe://prop.example/somebody", Validity::a_day_from(still.clock.now().seconds()));
    let somebody = stage.pki.backend_authority.issue(&leaf).unwrap().identity().unwrap();
    let somebody = stage.backend_as(still.gateway.address, Some(&somebody));
    let answer = stage.wait(forged().give(&somebody)).unwrap();
    assert_eq!(answer.status, 401, "another peer has a bucket of its own");
}

/// Orders the revocation of a device and tells the status and the reason on record.
fn revoke(still: &Still, device: &str) -> (u16, String, String) {
    let order = format!(r#"{{"kind":"device","value":"{device}","tenant":"north"}}"#);
    let fields = [("Content-Type", "application/json")];
    let backend = still.stage.backend(still.gateway.address);
    let answer = still.stage.wait(backend.call("POST", "/-/revocations", &fields, order.as_bytes())).unwrap();
    let reason = if answer.status == 200 { String::new() } else { still.record(&answer).text("reason").to_owned() };
    (answer.status, reason, answer.text())
}

/// Revokes by the operator's socket.
fn revoke_as_operator(stage: &Stage, device: &str) -> bool {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.args(["revoke", "--kind", "device", "--tenant", "north", "--config"]).arg(stage.configuration());
    command.arg(device).output().unwrap().status.success()
}

#[test]
fn a_peer_orders_so_many_revocations_in_an_hour_and_the_operator_as_many_as_it_takes() {
    let still = Still::with("peer_revocations_per_hour: 2");
    for device in ["phone-1", "phone-2"] {
        assert_eq!(revoke(&still, device).0, 200);
    }
    let (status, reason, _) = revoke(&still, "phone-3");
    assert_eq!((status, reason.as_str()), (429, "rate-revocations"));
    assert_eq!(still.answer(&still.command(Who { device: "phone-3", ..IVANOV })).status, 200, "it is not in force");
    assert!(revoke_as_operator(&still.stage, "phone-3"));
    assert_eq!(still.answer(&still.command(Who { device: "phone-3", ..IVANOV })).status, 403);
    still.clock.advance(Duration::from_secs(1_800));
    assert_eq!(revoke(&still, "phone-4").0, 200);
}

#[test]
fn a_full_set_of_revocations_is_told_in_readiness_and_to_whoever_orders_one_more() {
    let still = Still::with("revocations_max: 1");
    assert_eq!(still.gateway.not_ready(), "");
    assert_eq!(revoke(&still, "phone-1").0, 200);
    let (status, ready) = ops_page(still.gateway.ops, "/readyz");
    assert!(status == 503 && ready.contains("\"revocations-full\""), "{ready}");
    let (status, reason, text) = revoke(&still, "phone-2");
    assert_eq!((status, reason.as_str()), (503, "revocations-full"));
    assert!(text.contains("/problems/not-revoked"), "{text}");
    assert_eq!(revoke(&still, "phone-1").0, 200, "what holds may be repeated");
    assert!(revoke_as_operator(&still.stage, "phone-2"));
    assert_eq!(still.answer(&still.command(Who { device: "phone-2", ..IVANOV })).status, 403);
}

#[test]
fn a_partner_takes_so_many_commands_at_once_and_the_next_is_told_so_and_its_key_is_free() {
    let stage = Stage::new();
    stage.limit("exchanges_per_partner_max: 2");
    let gateway = Served::on(&stage);
    stage.partner.behave(Misbehaviour::HangBeforeAnswer);
    let calls: Vec<_> = (0..2).map(|_| Command::new(&stage).begin(&stage, gateway.address)).collect();
    stage.partner_until(|partner| partner.hanging == 2);
    let before = stage.partner.progress().bytes;
    let command = Command::new(&stage);
    let refusal = command.begin(&stage, gateway.address).answer();
    assert_eq!((refusal.status, refusal.header("retry-after")), (503, Some("1")), "{}", refusal.text());
    assert_eq!(stage.partner.progress().bytes, before, "the partner received something");
    assert_eq!(stage.story().last().unwrap(), "refusal partner-busy");
    stage.partner.behave_well();
    stage.partner.release();
    for call in calls {
        call.told().is(200, "");
    }
    command.again().told(&stage, gateway.address).is(200, "");
    assert_eq!(stage.partner.total_actuations(), 3);
}

#[test]
fn answers_are_held_in_memory_before_they_come_and_beyond_it_nothing_is_sent() {
    // Room for three answers, and not quite for a fourth: bodies count as well.
    for (limits, fit) in [("bytes_in_flight_max: 4MiB", 3), ("exchanges_max: 2", 2)] {
        let stage = Stage::new();
        stage.limit(limits);
        let gateway = Served::on(&stage);
        stage.partner.behave(Misbehaviour::HangBeforeAnswer);
        let calls: Vec<_> = (0..fit).map(|_| Command::new(&stage).begin(&stage, gateway.address)).collect();
        stage.partner_until(|partner| partner.hanging == fit);
        let before = stage.partner.progress().bytes;
        let command = Command::new(&stage);
        command.told(&stage, gateway.address).is(503, "unavailable");
        assert_eq!(stage.story().last().unwrap(), "refusal overloaded", "{limits}");
        assert_eq!(stage.partner.progress().bytes, before, "the partner received something");
        stage.partner.behave_well();
        stage.partner.release();
        for call in calls {
            call.told().is(200, "");
        }
        command.again().told(&stage, gateway.address).is(200, "");
    }
}
