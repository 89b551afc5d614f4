//! Two partners behind one gateway: each command arrives at its own, as the identity and with the token that are that
//! partner's, and no connection of one is ever used for the other.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::now;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::GATEWAY_AT_PARKLINE;
use portcullis::devkit::Leaf;
use portcullis::devkit::Misbehaviour;
use portcullis::devkit::NORTH;
use portcullis::devkit::PARKLINE_AUTHORITY;
use portcullis::devkit::SimulatedPartner;
use portcullis::devkit::Validity;
use std::fs;

/// The command of each partner, and by which name the gateway is called for it.
const DOOR: (&str, &str) = ("openDoor", AUTHORITY);
const BARRIER: (&str, &str) = ("openBarrier", PARKLINE_AUTHORITY);

/// What comes of a good command.
fn given(stage: &Stage, gateway: &Served, (operation, authority): (&str, &str)) -> u16 {
    let backend = stage.backend_for(gateway.address, authority);
    stage.wait(Command::errand(stage, &NORTH, operation).give(&backend)).unwrap().status
}

/// A stage on which the second partner is found where the first is, by whom it is not known: the same place under another
/// identity, which the first one's authority has signed too.
fn in_one_place() -> Stage {
    let stage = Stage::new();
    stage.edit("gateway.yaml", &stage.parkline.address().to_string(), &stage.partner.address().to_string());
    stage.edit("gateway.yaml", "server_name: parkline.example", "server_name: localhost");
    fs::write(stage.path("pki/parkline-authority.pem"), stage.pki.partner_authority.pem()).unwrap();
    for name in ["pki/gateway-at-parkline.pem", "pki/gateway-at-parkline.key"] {
        fs::remove_file(stage.path(name)).unwrap();
    }
    let leaf = Leaf::client(GATEWAY_AT_PARKLINE, Validity::a_day_from(now()));
    let client = stage.pki.partner_authority.issue(&leaf).unwrap();
    client.write(&stage.path("pki"), "gateway-at-parkline").unwrap();
    stage
}

#[test]
fn each_command_arrives_at_its_own_partner_over_that_partners_own_connections() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    // Turn by turn, so that each finds a connection of the other standing idle.
    for round in 1..=10_usize {
        for command in [DOOR, BARRIER] {
            assert_eq!(given(&stage, &gateway, command), 200, "round {round}");
        }
        assert_eq!((stage.partner.progress().requests, stage.parkline.progress().requests), (round, round));
    }
    assert_eq!(stage.partner.actuations("house-1", "door-1"), 10);
    assert_eq!(stage.parkline.actuations("house-1", "gate-1"), 10);
    // Each verified certificate, issuer's key and audience of every command; nothing was refused, not even a handshake.
    for partner in [&stage.partner, &stage.parkline] {
        assert!(partner.refusals().is_empty(), "{:?}", partner.refusals());
        assert_eq!(partner.progress().failed_handshakes, 0);
    }
    let heard = |partner: &SimulatedPartner| {
        let bytes: Vec<u8> = partner.raw().into_iter().flat_map(|connection| connection.bytes).collect();
        String::from_utf8(bytes).unwrap().to_ascii_lowercase()
    };
    let (first, second) = (heard(&stage.partner), heard(&stage.parkline));
    assert!(first.contains("host: localhost") && !first.contains("parkline"));
    assert!(second.contains("host: parkline.example") && !second.contains("localhost"));
    // One person is one pseudonym at each partner, and not the same at both.
    let pseudonym = |heard: &str, name: &str| heard.split(name).nth(1).unwrap().split('"').next().unwrap().to_owned();
    let (user, driver) = (pseudonym(&first, "\"userid\":\""), pseudonym(&second, "\"driverid\":\""));
    assert!(user.starts_with("p1.") && driver.starts_with("p1.") && user != driver, "{user} and {driver}");
}

#[test]
fn a_partner_that_hangs_takes_its_own_places_and_leaves_the_others_theirs() {
    let stage = Stage::new();
    stage.limit("exchanges_per_partner_max: 2");
    let gateway = Served::on(&stage);
    stage.parkline.behave(Misbehaviour::HangBeforeAnswer);
    let hanging = |_| {
        let command = Command::errand(&stage, &NORTH, BARRIER.0);
        let backend = stage.backend_for(gateway.address, BARRIER.1);
        stage.beside(async move { command.give(&backend).await.unwrap().status })
    };
    let hanging: Vec<_> = (0..2).map(hanging).collect();
    stage.wait(stage.parkline.until(|progress| progress.hanging == 2));
    assert_eq!(given(&stage, &gateway, BARRIER), 503);
    for round in 1..=5 {
        assert_eq!(given(&stage, &gateway, DOOR), 200);
        assert_eq!(stage.partner.total_actuations(), round);
    }
    stage.parkline.behave_well();
    stage.parkline.release();
    for call in hanging {
        assert_eq!(stage.wait(call).unwrap(), 200);
    }
    assert_eq!(given(&stage, &gateway, BARRIER), 200);
    assert_eq!(stage.parkline.total_actuations(), 3);
}

#[test]
fn one_place_under_two_identities_is_two_pools() {
    let stage = in_one_place();
    let gateway = Served::on(&stage);
    for round in 1..=5 {
        assert_eq!(given(&stage, &gateway, DOOR), 200, "round {round}");
        // It would be taken over the connection that stands idle there now, and refused for its token only.
        assert_eq!(given(&stage, &gateway, BARRIER), 502, "round {round}");
        assert_eq!(stage.partner.refusals(), vec!["not-the-gateway"; round]);
    }
    assert_eq!(stage.partner.total_actuations(), 5);
}
