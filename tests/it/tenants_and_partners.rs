//! Two tenants and two partners behind one gateway: whatever is one's is tried at the other, every operation in every way,
//! and each time it is refused for its own reason and no partner receives a byte.

use crate::harness::Command;
use crate::harness::Record;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::now;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::Backend;
use portcullis::devkit::Errand;
use portcullis::devkit::Household;
use portcullis::devkit::NORTH;
use portcullis::devkit::PARKLINE_AUTHORITY;
use portcullis::devkit::SOUTH;
use portcullis::devkit::TokenClaims;
use serde_json::Value;
use std::fs;

/// What a refusal says: the status, the reason, and the policies that forbid.
type Refusal = (u16, &'static str, Vec<&'static str>);

/// A stage with a gateway, and what the partners may not have received.
struct Apart {
    gateway: Served,
    stage: Stage,
    tried: usize,
}

fn errands(household: &Household) -> Vec<Errand> {
    household.errands("key-00000001")
}

fn others(household: &Household) -> Household {
    if *household == NORTH { SOUTH } else { NORTH }
}

fn other_authority(authority: &str) -> &'static str {
    if authority == AUTHORITY { PARKLINE_AUTHORITY } else { AUTHORITY }
}

/// Which of the sample's policies keeps a kind of operation to something.
fn policy(errand: &Errand, kept_to: &str) -> &'static str {
    let kind = match errand.operation {
        "openDoor" | "readDoor" => "door",
        "openBarrier" | "readBarrier" | "syncPlate" => "barrier",
        _ => "house",
    };
    let known = [
        "door-of-own-tenant",
        "barrier-of-own-tenant",
        "house-of-own-tenant",
        "door-by-smarthome",
        "barrier-by-parkline",
        "house-by-smarthome",
    ];
    known.into_iter().find(|id| id.starts_with(kind) && id.contains(kept_to)).unwrap()
}

/// Whether the request names a person or a car, which must be the token's.
fn names_somebody(errand: &Errand) -> bool {
    !matches!(errand.operation, "readDoor" | "readEvents" | "revokeGrant" | "readBarrier")
}

impl Apart {
    fn new() -> Self {
        let stage = Stage::new();
        // Houses in which one of the partners acts, and not the other.
        for tenant in ["north", "south"] {
            for partner in ["smarthome", "parkline"] {
                let house = format!(
                    "  - {{id: {tenant}-{partner}, tenant: {tenant}, zone: UTC, partners: [{partner}], doors: [door-1], barriers: [gate-1]}}\n"
                );
                stage.edit("directory.yaml", "houses:\n", &format!("houses:\n{house}"));
            }
        }
        Self::on(stage)
    }

    fn on(stage: Stage) -> Self {
        Self { gateway: Served::on(&stage), stage, tried: 0 }
    }

    /// The claims of a household's resident, with every right in their own house, and with the same rights in the other's.
    fn claims(&self, household: &Household) -> TokenClaims {
        let other = others(household).house;
        let claims = self.stage.member_of(household, &self.stage.sessions, now());
        claims
            .door_access(other, Some("door-1"), &["open", "see"])
            .barrier_access(other, Some("gate-1"), &["open", "see"])
            .house_access(other, &["read-events", "sync-face", "revoke-grant", "sync-plate"])
    }

    fn command(&self, household: &Household, errand: &Errand, claims: &TokenClaims) -> Command {
        let good = Command::errand(&self.stage, household, errand.operation);
        good.bearing(self.stage.sessions.mint(claims).unwrap())
    }

    /// Gives a command, which is refused.
    #[track_caller]
    fn refuses(&mut self, what: &str, errand: &Errand, backend: &Backend, command: &Command, expected: &Refusal) {
        let answer = self.stage.wait(command.give(backend)).unwrap();
        let receipt = answer.header("receipt-id").unwrap().to_owned();
        let records = self.stage.records();
        let of_it: Vec<&Record> = records.iter().filter(|record| record.text("receipt") == receipt).collect();
        let [record] = of_it.as_slice() else { panic!("{what}, {errand:?}: {} records", of_it.len()) };
        let policies = record.get("decision")["policies"].as_array().cloned().unwrap_or_default();
        let policies: Vec<&str> = policies.iter().filter_map(Value::as_str).collect();
        let told = (answer.status, record.text("reason"), policies);
        let (status, reason, wanted) = expected;
        assert_eq!(told, (*status, *reason, wanted.clone()), "{what}: {} of {}", errand.operation, command.target);
        let received = [&self.stage.partner, &self.stage.parkline].map(|partner| partner.progress().bytes);
        assert_eq!(received, [0, 0], "{what}: {} left", errand.operation);
        self.tried += 1;
    }
}

#[test]
fn what_is_one_tenants_or_one_partners_is_refused_at_the_other_for_its_own_reason_and_nothing_is_received() {
    let mut apart = Apart::new();
    for household in [NORTH, SOUTH] {
        let other = others(&household);
        for errand in errands(&household) {
            let foreign = other_authority(errand.authority);
            let at = |apart: &Apart, authority: &str| apart.stage.backend_for(apart.gateway.address, authority);
            let (own_door, foreign_door) = (at(&apart, errand.authority), at(&apart, foreign));
            let claims = apart.claims(&household);
            let good = apart.command(&household, &errand, &claims);
            let denied = |by: &[&'static str]| (404, "policy-denied", by.to_vec());
            let of_own_tenant = denied(&[policy(&errand, "own-tenant")]);

            let what = "asked of the other partner";
            apart.refuses(what, &errand, &foreign_door, &good, &(404, "unknown-operation", vec![]));
            let what = "asked of the other partner, by the name of its own in the handshake";
            let backend = own_door.clone().calling(foreign);
            apart.refuses(what, &errand, &backend, &good, &(421, "unknown-authority", vec![]));
            let what = "asked of its own partner, by the other's name in the handshake";
            let backend = foreign_door.clone().calling(errand.authority);
            apart.refuses(what, &errand, &backend, &good, &(421, "unknown-authority", vec![]));

            let what = "with a token of the other tenant";
            let command = apart.command(&household, &errand, &claims.clone().with("tenant", other.tenant));
            apart.refuses(what, &errand, &own_door, &command, &of_own_tenant);
            let what = "with a token of no tenant";
            let command = apart.command(&household, &errand, &claims.clone().without("tenant"));
            apart.refuses(what, &errand, &own_door, &command, &of_own_tenant);
            let what = "with the token of the other tenant's resident";
            let command = apart.command(&household, &errand, &apart.claims(&other));
            let expected =
                if names_somebody(&errand) { (403, "identifier-mismatch", vec![]) } else { of_own_tenant.clone() };
            apart.refuses(what, &errand, &own_door, &command, &expected);
            let what = "of the other tenant's house";
            let command = good.clone().to(&good.target.replace(household.house, other.house));
            assert_ne!(command.target, good.target);
            apart.refuses(what, &errand, &own_door, &command, &of_own_tenant);
            let what = "of a house of nobody's";
            let command = good.clone().to(&good.target.replace(household.house, "house-9"));
            // Policies were asked about a thing of nobody's, which is no tenant's own.
            let nobodys = (404, "resource-unknown", of_own_tenant.2.clone());
            apart.refuses(what, &errand, &own_door, &command, &nobodys);
            let what = "of a house in which only the other partner acts";
            let partner = foreign.split('.').next().unwrap();
            let elsewhere = good.target.replace(household.house, &format!("{}-{partner}", household.tenant));
            let command = good.clone().to(&elsewhere);
            apart.refuses(what, &errand, &own_door, &command, &(404, "partner-not-linked", vec![]));
            let what = "of its own house, with rights in the other's alone";
            let rights = apart.stage.member_of(&other, &apart.stage.sessions, now());
            let rights = rights.with("tenant", household.tenant).with("sub", household.person);
            let rights = rights.with("device_id", household.phone).with("car_id", household.car);
            let command = apart.command(&household, &errand, &rights);
            apart.refuses(what, &errand, &own_door, &command, &denied(&[]));
        }
    }
    assert_eq!(apart.tried, 2 * 8 * 10);
    // Each of them is good where it belongs.
    for household in [NORTH, SOUTH] {
        for errand in errands(&household) {
            let backend = apart.stage.backend_for(apart.gateway.address, errand.authority);
            let command = apart.command(&household, &errand, &apart.claims(&household));
            let answer = apart.stage.wait(command.give(&backend)).unwrap();
            assert!(matches!(answer.status, 200 | 204), "{errand:?}: {} {}", answer.status, answer.text());
        }
    }
    for (partner, thing) in [(&apart.stage.partner, "door-1"), (&apart.stage.parkline, "gate-1")] {
        assert_eq!((partner.refusals(), partner.total_actuations()), (vec![], 2));
        assert_eq!((partner.actuations("house-1", thing), partner.actuations("house-2", thing)), (1, 1));
    }
}

#[test]
fn where_a_contract_gives_one_partner_the_operations_of_another_policies_keep_them() {
    let stage = Stage::new();
    let path = |partner: &str| stage.path(&format!("policies/contracts/{partner}.openapi.yaml"));
    let [smarthome, parkline] = ["smarthome", "parkline"].map(|partner| fs::read_to_string(path(partner)).unwrap());
    fs::write(path("smarthome"), parkline.replace("partner: parkline", "partner: smarthome")).unwrap();
    fs::write(path("parkline"), smarthome.replace("partner: smarthome", "partner: parkline")).unwrap();
    let mut apart = Apart::on(stage);
    for household in [NORTH, SOUTH] {
        for errand in errands(&household) {
            let backend = apart.stage.backend_for(apart.gateway.address, other_authority(errand.authority));
            let command = apart.command(&household, &errand, &apart.claims(&household));
            let kept = policy(&errand, "-by-");
            apart.refuses("in the other's contract", &errand, &backend, &command, &(404, "policy-denied", vec![kept]));
        }
    }
    assert_eq!(apart.tried, 2 * 8);
}
