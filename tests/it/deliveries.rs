//! Deliveries that do not go well: an endpoint that fails at every phase, that is away, gone or busy; a process that is killed;
//! and what may not go on any more by the time that it could.

use crate::harness::Post;
use crate::harness::Process;
use crate::harness::Served;
use crate::harness::ops_page;
use crate::harness::until;
use portcullis::clock::SystemClock;
use portcullis::devkit::Manner;
use portcullis::devkit::SimulatedEndpoint;
use portcullis::model::Actor;
use portcullis::model::AdminDoor;
use portcullis::model::Name;
use portcullis::model::Stranger;
use portcullis::model::TenantId;
use portcullis::pipeline::Act;
use portcullis::pipeline::RevocationKind;
use portcullis::pipeline::RevocationOrder;
use std::sync::Arc;

#[test]
fn an_endpoint_that_fails_at_any_phase_is_tried_again_with_the_same_id_until_it_takes_the_event() {
    let post = Post::new();
    let gateway = Served::on(&post.stage);
    // How it fails, and what is on record of it.
    let rows = [
        // First, while there is no connection yet that could be used again.
        (Manner::ClosesAtOnce, "delivery failed handshake"),
        (Manner::Says(500, None), "delivery failed status 500"),
        (Manner::Says(404, None), "delivery failed status 404"),
        (Manner::Redirects, "delivery failed status 307"),
        (Manner::Chatters(16 * 1024 + 1), "delivery failed answer-too-large"),
        (Manner::ClosesInRequest, "delivery failed"),
        (Manner::ClosesBeforeAnswer, "delivery failed answer-broke-off"),
        (Manner::ClosesInAnswer, "delivery failed answer-broke-off"),
    ];
    for (number, (manner, told)) in rows.into_iter().enumerate() {
        post.endpoint.behave(manner);
        let connections = post.endpoint.connections();
        post.announce("ivanov", &format!("g-{number}")).told(&post.stage, gateway.address).is(202, "");
        // Twice at least, so that it was tried again.
        until("two attempts", || post.failures() >= 2);
        assert!(post.story().iter().rev().any(|words| words.starts_with(told)), "{manner:?}: {:?}", post.story());
        post.endpoint.behave(Manner::Takes);
        let delivered = number + 1;
        post.settled("delivered", delivered);
        assert!(post.endpoint.connections() > connections, "{manner:?}");
        let of_this: Vec<_> = post.endpoint.attempts();
        let last = of_this.last().unwrap();
        assert!(last.taken && last.fault.is_none(), "{last:?}");
        // Attempts of which the request came whole bear one id.
        let same = of_this.iter().filter(|attempt| attempt.body == last.body);
        assert!(same.clone().all(|attempt| attempt.id == last.id), "{manner:?}");
        post.forget_failures();
    }
    assert_eq!(post.endpoint.attempts().iter().filter(|attempt| attempt.fault.is_some()).count(), 0);
}

#[test]
fn the_largest_answer_is_borne_and_one_byte_more_is_no_answer() {
    let post = Post::new();
    let gateway = Served::on(&post.stage);
    post.endpoint.behave(Manner::Chatters(16 * 1024));
    post.announce("ivanov", "g-1").told(&post.stage, gateway.address).is(202, "");
    post.settled("delivered", 1);
    assert_eq!(post.story(), ["event", "delivery sent", "delivery delivered"]);
}

#[test]
fn events_about_one_thing_arrive_in_order_and_do_not_hold_up_those_about_another() {
    let post = Post::new();
    post.endpoint.behave(Manner::Says(500, None));
    let gateway = Served::on(&post.stage);
    post.announce("ivanov", "g-1").told(&post.stage, gateway.address).is(202, "");
    post.came(1);
    post.announce("ivanov", "g-2").told(&post.stage, gateway.address).is(202, "");
    post.announce_in("house-2", "petrov", "g-3").told(&post.stage, gateway.address).is(202, "");
    until("the other house's", || post.endpoint.attempts().iter().any(|attempt| attempt.body.contains("house-2")));
    let tried: Vec<_> =
        post.endpoint.attempts().into_iter().filter(|attempt| attempt.body.contains("house-1")).collect();
    assert!(tried.iter().all(|attempt| attempt.id == tried[0].id), "the second waits for the first");
    post.endpoint.behave(Manner::Takes);
    post.settled("delivered", 3);
    let taken: Vec<_> = post.endpoint.attempts().into_iter().filter(|attempt| attempt.taken).collect();
    let of_house: Vec<_> = taken.iter().filter(|attempt| attempt.body.contains("house-1")).collect();
    assert_eq!((of_house.len(), &of_house[0].id), (2, &tried[0].id));
}

#[test]
fn an_endpoint_that_hangs_holds_as_many_deliveries_as_may_be_and_not_one_more() {
    let post = Post::within("deliveries_at_once_max: 1");
    post.endpoint.behave(Manner::Hangs);
    let gateway = Served::on(&post.stage);
    post.announce("ivanov", "g-1").told(&post.stage, gateway.address).is(202, "");
    post.came(1);
    post.announce_in("house-2", "petrov", "g-2").told(&post.stage, gateway.address).is(202, "");
    // A round trip through the gateway later it would be there.
    assert_eq!(gateway.not_ready(), "");
    assert_eq!(post.endpoint.connections(), 1);
    post.endpoint.behave(Manner::Takes);
    post.endpoint.release();
    post.settled("delivered", 2);
}

#[test]
fn who_is_gone_is_left_alone_and_who_is_busy_is_given_the_time_that_it_asks_for() {
    let post = Post::new();
    post.endpoint.behave(Manner::Says(410, None));
    let gateway = Served::on(&post.stage);
    post.announce("ivanov", "g-1").told(&post.stage, gateway.address).is(202, "");
    post.settled("dead", 1);
    assert_eq!(post.story(), ["event", "delivery sent", "delivery dead endpoint-gone 410"]);
    post.endpoint.behave(Manner::Takes);
    post.announce("ivanov", "g-2").told(&post.stage, gateway.address).is(202, "");
    assert_eq!(gateway.not_ready(), "");
    assert_eq!(post.endpoint.attempts().len(), 1, "it is asked again after `delivery_wait_max_s`");
    drop(gateway);

    let post = Post::new();
    post.endpoint.behave(Manner::Says(503, Some("1")));
    let _gateway = Served::on(&post.stage);
    post.announce("ivanov", "g-1").told(&post.stage, _gateway.address).is(202, "");
    post.came(1);
    post.endpoint.behave(Manner::Takes);
    let came = post.delivered(2);
    let at = |index: usize| came[index].timestamp.parse::<u64>().unwrap();
    assert!(at(1) > at(0), "a second later at least, and by the attempt's own time");
    assert_eq!(came[0].id, came[1].id);
    assert_ne!(came[0].signature, came[1].signature);
}

#[test]
fn what_was_taken_outlives_a_kill_and_an_endpoint_that_is_away() {
    let post = Post::new();
    let address = post.endpoint.address();
    post.stage.wait(post.endpoint.stop());
    let process = Process::on(&post.stage);
    post.announce("ivanov", "g-1").told(&post.stage, process.address).is(202, "");
    process.kill();
    let process = Process::on(&post.stage);
    post.announce("ivanov", "g-2").told(&post.stage, process.address).is(202, "");
    process.kill();

    let clock = Arc::new(SystemClock::new());
    let back = post.stage.wait(SimulatedEndpoint::start_at(address, &post.stage.pki, &post.secret, clock)).unwrap();
    let process = Process::on(&post.stage);
    post.stage.wait(back.until(|_, came| came.iter().filter(|attempt| attempt.taken).count() >= 2));
    let taken = back.attempts();
    assert!(taken.iter().all(|attempt| attempt.fault.is_none()));
    until("both on record", || post.count("delivered") == 2);
    // A record is older than its row: who is killed between the two sends once more, under the same id.
    let none_queued = "portcullis_outbox_deliveries{direction=\"outbound\",partner=\"smarthome\",state=\"queued\"} 0";
    until("both known to the store", || ops_page(process.ops, "/metrics").1.contains(none_queued));
    process.kill();
    // Nothing is left, so nothing comes a second time.
    let process = Process::on(&post.stage);
    post.announce("ivanov", "g-3").told(&post.stage, process.address).is(202, "");
    post.stage.wait(back.until(|_, came| came.len() >= 3));
    assert_eq!(back.attempts().len(), 3);
    process.kill();
    post.stage.wait(back.stop());
}

fn revoke(gateway: &Served, post: &Post, subject: &str, tenant: &str) {
    let order = RevocationOrder {
        kind: RevocationKind::Subject,
        tenant: Some(TenantId::new(tenant).unwrap()),
        value: Stranger::new(subject),
    };
    let gate = gateway.gate();
    let owner = Actor::owner(AdminDoor::Socket);
    let reply = post.stage.wait(async { gate.act(Act::Revoke(order), &owner).await });
    assert!(reply.outcome.is_ok());
}

#[test]
fn nothing_goes_to_a_partner_that_is_stopped_and_what_waited_goes_once_it_is_lifted() {
    let post = Post::new();
    let order = || RevocationOrder { kind: RevocationKind::Partner, tenant: None, value: Stranger::new("smarthome") };
    let mut process = Process::on(&post.stage);
    let mut stop = std::process::Command::new(env!("CARGO_BIN_EXE_portcullis"));
    stop.args(["revoke", "--kind", "partner", "smarthome", "--config"]).arg(post.stage.configuration());
    assert!(stop.output().unwrap().status.success());
    post.announce("ivanov", "g-1").told(&post.stage, process.address).is(202, "");
    assert!(process.until("an event cannot be sent now").contains("\"stopped\""));
    process.kill();
    assert_eq!((post.endpoint.connections(), post.endpoint.attempts().len()), (0, 0));

    let gateway = Served::on(&post.stage);
    let lifter = |name| Actor { person: Name::new(name).unwrap(), ..Actor::owner(AdminDoor::Socket) };
    for (person, act) in [("ivanov", Act::ProposeLift(order())), ("petrova", Act::ConfirmLift(order()))] {
        assert_eq!(post.endpoint.attempts().len(), 0);
        let gate = gateway.gate();
        assert!(post.stage.wait(gate.act(act, &lifter(person))).outcome.is_ok());
    }
    post.settled("delivered", 1);
    assert_eq!(post.story(), ["event", "delivery sent", "delivery delivered"]);
}

#[test]
fn a_revocation_purges_what_is_queued_about_its_subject_and_takes_nothing_more_about_it() {
    let post = Post::new();
    post.stage.edit("policies/contracts/smarthome.openapi.yaml", "narrows: true", "narrows: false");
    post.endpoint.behave(Manner::Says(500, None));
    let gateway = Served::on(&post.stage);
    post.announce("petrov", "g-1").told(&post.stage, gateway.address).is(202, "");
    post.came(1);
    post.announce("ivanov", "g-2").told(&post.stage, gateway.address).is(202, "");
    revoke(&gateway, &post, "ivanov", "south");
    revoke(&gateway, &post, "ivanov", "north");
    post.settled("purged", 1);
    post.announce("ivanov", "g-3").told(&post.stage, gateway.address).is(403, "forbidden");
    post.endpoint.behave(Manner::Takes);
    post.settled("delivered", 1);
    post.announce("petrov", "g-4").told(&post.stage, gateway.address).is(202, "");
    post.settled("delivered", 2);
    let taken = post.endpoint.attempts().into_iter().filter(|attempt| attempt.taken).count();
    assert_eq!(taken, 2, "nothing about whom is revoked");
    assert!(post.story().contains(&"delivery purged revoked".to_owned()), "{:?}", post.story());
}

#[test]
fn what_waited_behind_an_event_that_is_purged_has_its_turn_at_once() {
    let post = Post::within("delivery_wait_max_s: 1h");
    post.stage.edit("policies/contracts/smarthome.openapi.yaml", "narrows: true", "narrows: false");
    post.endpoint.behave(Manner::Says(503, Some("3600")));
    let gateway = Served::on(&post.stage);
    post.announce("ivanov", "g-1").told(&post.stage, gateway.address).is(202, "");
    post.settled("failed", 1);
    post.announce("petrov", "g-2").told(&post.stage, gateway.address).is(202, "");
    post.endpoint.behave(Manner::Takes);
    revoke(&gateway, &post, "ivanov", "north");
    post.settled("purged", 1);
    post.settled("delivered", 1);
    assert_eq!(post.endpoint.attempts().iter().filter(|attempt| attempt.taken).count(), 1);
}

#[test]
fn an_event_that_tells_of_ended_rights_reaches_the_partner_although_its_subject_is_revoked() {
    let post = Post::new();
    post.endpoint.behave(Manner::Says(500, None));
    let gateway = Served::on(&post.stage);
    post.announce("ivanov", "g-1").told(&post.stage, gateway.address).is(202, "");
    post.came(1);
    revoke(&gateway, &post, "ivanov", "north");
    post.announce("ivanov", "g-2").told(&post.stage, gateway.address).is(202, "");
    post.endpoint.behave(Manner::Takes);
    post.settled("delivered", 2);
    assert_eq!(post.count("purged"), 0);
}

#[test]
fn each_attempt_is_asked_about_by_what_is_in_force_then_and_what_it_denies_is_purged() {
    type Edit = fn(&Post);
    const LINKS: [&str; 2] = ["Europe/Moscow, partners: [smarthome, parkline]", "Europe/Moscow, partners: [parkline]"];
    let rows: [(Edit, &str); 4] = [
        (
            |post| post.stage.edit("policies/cedar/events.cedar", "prop.example/backend\"", "prop.example/another\""),
            "delivery purged policy-denied",
        ),
        (
            |post| post.stage.edit("policies/contracts/smarthome.openapi.yaml", "grant.revoked", "grant.ended"),
            "delivery purged not-declared",
        ),
        (|post| post.stage.edit("directory.yaml", "id: house-1", "id: house-8"), "delivery purged resource-unknown"),
        (
            |post| {
                post.stage.edit("directory.yaml", LINKS[0], LINKS[1]);
                post.stage.edit("policies/contracts/smarthome.openapi.yaml", "narrows: true", "narrows: false");
            },
            "delivery purged partner-not-linked",
        ),
    ];
    for (edit, told) in rows {
        let post = Post::new();
        post.endpoint.behave(Manner::Says(500, None));
        let gateway = Served::on(&post.stage);
        post.announce("ivanov", "g-1").told(&post.stage, gateway.address).is(202, "");
        post.came(1);
        drop(gateway);
        post.endpoint.behave(Manner::Takes);
        edit(&post);
        let _gateway = Served::on(&post.stage);
        post.settled("purged", 1);
        assert_eq!(post.story().pop().unwrap(), told);
        assert!(post.endpoint.attempts().iter().all(|attempt| !attempt.taken), "{told}: nothing was sent");
    }
}

#[test]
fn that_rights_have_ended_a_partner_learns_also_when_it_acts_in_the_house_no_longer() {
    let post = Post::new();
    post.endpoint.behave(Manner::Says(500, None));
    let gateway = Served::on(&post.stage);
    post.announce("ivanov", "g-1").told(&post.stage, gateway.address).is(202, "");
    post.came(1);
    drop(gateway);
    post.endpoint.behave(Manner::Takes);
    post.stage.edit("directory.yaml", "Europe/Moscow, partners: [smarthome, parkline]", "Europe/Moscow, partners: []");
    let _gateway = Served::on(&post.stage);
    post.settled("delivered", 1);
    assert_eq!(post.count("purged"), 0);
}

#[test]
fn going_down_waits_for_what_is_under_way_and_leaves_the_rest_to_the_next_start() {
    let post = Post::within("deliveries_at_once_max: 1");
    post.endpoint.behave(Manner::Hangs);
    let gateway = Served::on(&post.stage);
    post.announce("ivanov", "g-1").told(&post.stage, gateway.address).is(202, "");
    post.came(1);
    post.announce_in("house-2", "petrov", "g-2").told(&post.stage, gateway.address).is(202, "");
    let (end, address) = (std::thread::Builder::new().name("going down".to_owned()), gateway.address);
    let end = end.spawn(move || gateway.shutdown()).unwrap();
    // The couriers are told when the doors are: before that the first may end, and the second begin.
    until("a closed port", || std::net::TcpStream::connect(address).is_err());
    post.endpoint.behave(Manner::Takes);
    post.endpoint.release();
    assert_eq!(end.join().unwrap(), portcullis::gateway::Ended::InOrder);
    assert_eq!((post.count("delivered"), post.endpoint.attempts().len()), (1, 1));
    let _gateway = Served::on(&post.stage);
    post.settled("delivered", 2);
}
