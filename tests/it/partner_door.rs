//! The door of the partners: its own trust, and who a partner is there. What is somebody's at one door is nobody's at the
//! other, one partner's certificate is nothing at another's authority, and what changes is taken up here as well.

use crate::harness::Command;
use crate::harness::Process;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::now;
use crate::harness::ops_page;
use crate::harness::until;
use portcullis::crypto::TlsIdentity;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::Authority;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendFault;
use portcullis::devkit::Leaf;
use portcullis::devkit::PARKLINE_AUTHORITY;
use portcullis::devkit::PARTNER_PEER;
use portcullis::devkit::Usage;
use portcullis::devkit::Validity;
use std::fs;
use std::net::SocketAddr;

const OTHER_AUTHORITY: &str = "other.gateway.prop.example";
const OTHER_PEER: &str = "other.example";

fn day() -> Validity {
    Validity::a_day_from(now())
}

/// What a call to where nothing is comes to: status and reason on record, or that there is no connection.
fn met(stage: &Stage, caller: &Backend) -> String {
    asked(stage, caller, "GET", "/-/nothing")
}

fn asked(stage: &Stage, caller: &Backend, method: &str, path: &str) -> String {
    match stage.wait(caller.call(method, path, &[], b"")) {
        Ok(answer) => {
            let receipt = answer.header("receipt-id").unwrap().to_owned();
            let records = stage.records();
            let record = records.iter().rfind(|record| record.text("receipt") == receipt).unwrap();
            format!("{} {}", answer.status, record.text("reason"))
        }
        Err(BackendFault::Handshake(_)) => "no handshake".into(),
        Err(fault) => fault.to_string(),
    }
}

/// A client at an address with a certificate of `authority` that bears this leaf's names.
fn of(stage: &Stage, at: SocketAddr, authority: &Authority, leaf: &Leaf) -> Backend {
    let identity: TlsIdentity = authority.issue(leaf).unwrap().identity().unwrap();
    stage.backend_as(at, Some(&identity))
}

#[test]
fn a_certificate_of_one_door_is_worth_nothing_at_the_other() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let (backends, partners) = (gateway.address, gateway.partners.unwrap());
    let (pki, backend) = (&stage.pki, Leaf::client("spiffe://prop.example/backend", day()));
    let partner = Leaf::client(PARTNER_PEER, day());
    assert_eq!(met(&stage, &stage.caller(gateway.partners)), "404 unknown-operation");
    assert_eq!(met(&stage, &stage.backend(backends)), "404 unknown-operation");
    // The same names, certified by who speaks for the other door.
    for (at, authority, leaf) in [
        (partners, &pki.backend_authority, &backend),
        (partners, &pki.backend_authority, &partner),
        (partners, &pki.partner_authority, &partner),
        (partners, &pki.gateway_authority, &partner),
        (backends, &pki.partner_client_authority, &partner),
        (backends, &pki.partner_client_authority, &backend),
    ] {
        assert_eq!(met(&stage, &of(&stage, at, authority, leaf)), "no handshake", "{leaf:?}");
    }
    for usages in [&[][..], &[Usage::Server], &[Usage::Any]] {
        let leaf = partner.clone().used_for(usages);
        assert_eq!(met(&stage, &of(&stage, partners, &pki.partner_client_authority, &leaf)), "no handshake");
    }
    assert_eq!(met(&stage, &stage.backend_as(partners, None)), "no handshake", "without any");
}

#[test]
fn nothing_of_the_backends_door_is_found_at_the_partners() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let caller = stage.caller(gateway.partners);
    let command = Command::new(&stage);
    let answer = stage.wait(command.give(&caller)).unwrap();
    assert_eq!(answer.status, 404, "a good command with a good token");
    for (method, path) in [("POST", "/-/revocations"), ("PUT", "/-/directory"), ("GET", "/"), ("OPTIONS", "/-/events/")]
    {
        assert_eq!(asked(&stage, &caller, method, path), "404 unknown-operation", "{method} {path}");
    }
    drop(gateway);
    stage.assert_nothing_was_sent();
}

#[test]
fn who_calls_is_the_partner_of_the_authority_by_its_own_certificate() {
    let stage = Stage::new();
    add_second(&stage);
    let gateway = Served::on(&stage);
    let clients = &stage.pki.partner_client_authority;
    let at = gateway.partners.unwrap();
    let calling = |host: &str, leaf: &Leaf| {
        let identity = clients.issue(leaf).unwrap().identity().unwrap();
        let roots = vec![stage.pki.gateway_authority.root()];
        met(&stage, &Backend::new(at, host, Some(&identity), roots).unwrap())
    };
    let (one, other) = (Leaf::client(PARTNER_PEER, day()), host_client(OTHER_PEER));
    let known = "404 unknown-operation";
    assert_eq!([calling(AUTHORITY, &one), calling(OTHER_AUTHORITY, &other)], [known; 2]);
    assert_eq!(calling(OTHER_AUTHORITY, &host_client("OTHER.example")), known, "a host name has no case");
    for (host, leaf) in [
        (AUTHORITY, &other),
        (OTHER_AUTHORITY, &one),
        (AUTHORITY, &Leaf::client("spiffe://smarthome.example/Events", day())),
        (AUTHORITY, &Leaf::client("spiffe://smarthome.example/events/", day())),
        (AUTHORITY, &host_client("smarthome.example")),
        (AUTHORITY, &Leaf { uris: vec![PARTNER_PEER.into(), "spiffe://x/y".into()], ..one.clone() }),
        (AUTHORITY, &Leaf { uris: Vec::new(), ..one.clone() }),
        (OTHER_AUTHORITY, &Leaf { uris: vec!["spiffe://x/y".into()], ..other.clone() }),
        (OTHER_AUTHORITY, &host_client("sub.other.example")),
    ] {
        assert_eq!(calling(host, leaf), "403 peer-refused", "{leaf:?} at {host}");
    }
    // Of the right certificate at no authority of a partner that calls, or another than the handshake's.
    let identity = clients.issue(&one).unwrap().identity().unwrap();
    let caller = stage.backend_as(at, Some(&identity));
    for host in ["localhost", "quiet.gateway.prop.example", PARKLINE_AUTHORITY, OTHER_AUTHORITY, "nowhere.example"] {
        assert_eq!(met(&stage, &caller.clone().calling(host)), "421 unknown-authority", "{host}");
    }
    let record = stage.records().into_iter().rfind(|record| record.text("reason") == "peer-refused").unwrap();
    assert_eq!((record.text("partner"), record.text("peer")), ("other", "sub.other.example"));
}

/// A second partner that calls, and a third that does not.
fn add_second(stage: &Stage) {
    for name in ["gateway", "gateway-for-partners"] {
        for ending in ["pem", "key"] {
            fs::remove_file(stage.path(&format!("pki/{name}.{ending}"))).unwrap();
        }
        let leaf = Leaf::server(
            &[AUTHORITY, PARKLINE_AUTHORITY, "gateway.prop.example", OTHER_AUTHORITY, "quiet.gateway.prop.example"],
            day(),
        );
        stage.pki.gateway_authority.issue(&leaf).unwrap().write(&stage.path("pki"), name).unwrap();
    }
    let contract = fs::read_to_string(stage.path("policies/contracts/smarthome.openapi.yaml")).unwrap();
    let mut partners = String::new();
    for (name, authority, peer) in [("other", OTHER_AUTHORITY, OTHER_PEER), ("quiet", "quiet.gateway.prop.example", "")]
    {
        let client = stage.pki.partner_authority.issue(&Leaf::client("spiffe://prop.example/x", day())).unwrap();
        client.write(&stage.path("pki"), &format!("gateway-at-{name}")).unwrap();
        let token = portcullis::crypto::SigningKey::generate_pem(portcullis::crypto::SigningAlgorithm::Es256).unwrap();
        let signing =
            portcullis::crypto::SigningKey::generate_pem(portcullis::crypto::SigningAlgorithm::EdDsa).unwrap();
        let pseudonym = [name.as_bytes()[0]; 32];
        for (file, content) in [("token", token.expose()), ("signing", signing.expose()), ("pseudonym", &pseudonym)] {
            let path = stage.path(&format!("pki/{name}-{file}.key"));
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        }
        partners.push_str(&format!(
            "  {name}:\n    authority: {authority}\n    upstream: https://{}\n    server_name: localhost\n    \
             tls: {{ca: pki/partner-authority.pem, certificate: pki/gateway-at-{name}.pem, key: pki/gateway-at-{name}.key}}\n    \
             token: {{issuer: https://a.example, audience: https://b.example, client_id: c, key: pki/{name}-token.key, \
             lifetime: 30s}}\n    signing: {{key: pki/{name}-signing.key}}\n    pseudonym_key: pki/{name}-pseudonym.key\n",
            stage.partner.address()
        ));
        if !peer.is_empty() {
            partners.push_str(&format!("    peer: {peer}\n"));
        }
        let of_this = contract.replace("partner: smarthome", &format!("partner: {name}"));
        fs::write(stage.path(&format!("policies/contracts/{name}.openapi.yaml")), of_this).unwrap();
        let listed = format!("partners:\n  {name}: {{hosts: [127.0.0.1]}}\n");
        stage.edit("policies/requirements.yaml", "partners:\n", &listed);
    }
    stage.edit("gateway.yaml", "policies: {directory", &format!("{partners}policies: {{directory"));
}

fn host_client(host: &str) -> Leaf {
    Leaf::server(&[host], day()).used_for(&[Usage::Client])
}

#[test]
fn a_gateway_whose_configuration_has_no_such_listener_has_none_and_one_that_has_tells_its_address() {
    let stage = Stage::new();
    let mut process = Process::on(&stage);
    let at = process.partners.unwrap();
    assert_eq!(met(&stage, &stage.caller(Some(at))), "404 unknown-operation");
    let status = ops_page(process.ops, "/-/status").1;
    assert!(status.contains(&format!(r#"{{"name":"partner","address":"{at}","connections":"#)), "{status}");
    let (_, page) = ops_page(process.ops, "/metrics");
    assert!(page.contains("portcullis_connections_accepted_total{door=\"partner\"} 1\n"), "{page}");
    assert!(page.contains("portcullis_connections_accepted_total{door=\"backend\"} 0\n"), "{page}");
    assert!(page.contains("name=\"listeners.partner\",what=\"client_ca\""), "{page}");
    process.terminate();
    process.until("going down");
    assert!(process.ended().0.success(), "both doors are closed in order");
    let text = fs::read_to_string(stage.configuration()).unwrap();
    let (before, rest) = text.split_once("  partner:\n").unwrap();
    let (_, after) = rest.split_once("client_ca: pki/partner-clients.pem}\n").unwrap();
    fs::write(stage.configuration(), format!("{before}{after}").replace(&format!("    peer: {PARTNER_PEER}\n"), ""))
        .unwrap();
    let gateway = Served::on(&stage);
    assert_eq!(gateway.partners, None);
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
}

#[test]
fn certificates_authorities_and_lists_of_this_door_are_taken_up_while_it_stands_open() {
    let stage = Stage::new();
    let first = stage.pki.partner_client_authority.crl(&[], day()).unwrap();
    fs::write(stage.path("pki/partner-clients.crl"), first).unwrap();
    stage.edit("gateway.yaml", "partner-clients.pem}", "partner-clients.pem, crl: pki/partner-clients.crl}");
    let gateway = Served::on(&stage);
    let reloads = |times: u64| {
        let series = format!("portcullis_reloads_total{{result=\"done\"}} {times}\n");
        until(&series, || gateway.metrics().contains(&series));
    };
    let caller = stage.caller(gateway.partners);
    let mut standing = stage.wait(caller.connect()).unwrap();
    let mut on_standing = || stage.wait(standing.call("GET", "/-/nothing", &[], b"")).unwrap().status;
    assert_eq!(on_standing(), 404);
    // Its own certificate, now of an authority that the caller does not know.
    let other = Authority::new("another authority", day()).unwrap();
    let fresh = tempfile::tempdir_in(stage.path("pki")).unwrap();
    let issued = other.issue(&Leaf::server(&[AUTHORITY], day())).unwrap();
    issued.write(fresh.path(), "gateway-for-partners").unwrap();
    for ending in ["key", "pem"] {
        let name = format!("gateway-for-partners.{ending}");
        fs::rename(fresh.path().join(&name), stage.path(&format!("pki/{name}"))).unwrap();
    }
    reloads(1);
    assert_eq!(met(&stage, &caller), "no handshake");
    assert_eq!(on_standing(), 404, "who is there stays");
    let identity = stage.pki.partner_client.identity().unwrap();
    let caller = Backend::new(gateway.partners.unwrap(), AUTHORITY, Some(&identity), vec![other.root()]).unwrap();
    assert_eq!(met(&stage, &caller), "404 unknown-operation");
    // A list that names the partner's certificate cuts off who is there, too.
    let named = stage.pki.partner_client_authority.crl(&[&stage.pki.partner_client], day()).unwrap();
    fs::write(stage.path("pki/partner-clients.crl"), named).unwrap();
    reloads(2);
    assert_eq!((on_standing(), met(&stage, &caller)), (403, "no handshake".into()));
    assert_eq!(stage.records().last().unwrap().text("reason"), "peer-revoked");
    // Another authority: whom the old one certified is nobody here.
    fs::write(stage.path("pki/partner-clients.crl"), other.crl(&[], day()).unwrap()).unwrap();
    fs::write(stage.path("pki/partner-clients.pem"), other.pem()).unwrap();
    reloads(3);
    assert_eq!(met(&stage, &caller), "no handshake");
    let of_other = other.issue(&Leaf::client(PARTNER_PEER, day())).unwrap().identity().unwrap();
    let caller = Backend::new(gateway.partners.unwrap(), AUTHORITY, Some(&of_other), vec![other.root()]).unwrap();
    assert_eq!(met(&stage, &caller), "404 unknown-operation");
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
}

#[test]
fn a_list_of_this_door_that_has_run_out_shuts_it_and_readiness_tells() {
    let stage = Stage::new();
    let over = Validity { until: now(), ..day() };
    fs::write(stage.path("pki/old.crl"), stage.pki.partner_client_authority.crl(&[], over).unwrap()).unwrap();
    stage.edit("gateway.yaml", "partner-clients.pem}", "partner-clients.pem, crl: pki/old.crl}");
    let gateway = Served::on(&stage);
    assert_eq!(met(&stage, &stage.caller(gateway.partners)), "no handshake");
    assert!(gateway.not_ready().contains("crl-expired"));
}

#[test]
fn partners_hold_as_many_connections_as_they_may_and_take_none_of_the_backends() {
    let stage = Stage::new();
    stage.limit("partner_connections_max: 2, connections_max: 1");
    let gateway = Served::on(&stage);
    let (caller, backend) = (stage.caller(gateway.partners), stage.backend(gateway.address));
    stage.wait(async {
        let first = caller.connect().await.unwrap();
        let _second = caller.connect().await.unwrap();
        assert!(caller.connect().await.is_err());
        let _own = backend.connect().await.unwrap();
        assert!(backend.connect().await.is_err());
        drop(first);
        while caller.connect().await.is_err() {}
    });
    assert!(gateway.metrics().contains("door=\"partner\",reason=\"too-many\"} "), "{}", gateway.metrics());
}

#[test]
fn the_partners_rate_is_its_own_and_not_that_of_a_peer_of_the_same_name() {
    let stage = Stage::new();
    stage.limit("peer_rate_per_second: 1");
    // The backend's certificate bears the partner's name: its authority may certify whatever it likes.
    let gateway = Served::on(&stage);
    let namesake = of(&stage, gateway.address, &stage.pki.backend_authority, &Leaf::client(PARTNER_PEER, day()));
    let caller = stage.caller(gateway.partners);
    let mut told = Vec::new();
    until("the partner's limit", || {
        told.push(met(&stage, &caller));
        told.last().unwrap() == "429 rate-peer"
    });
    assert_eq!(told[0], "404 unknown-operation");
    let order = br#"{"kind":"device","value":"d-1","tenant":"north"}"#;
    let fields = [("Content-Type", "application/json")];
    let answer = stage.wait(namesake.call("POST", "/-/revocations", &fields, order)).unwrap();
    assert_eq!(answer.status, 404, "asked of policy, which permits the backend alone: {}", answer.text());
    assert_eq!(stage.records().last().unwrap().text("reason"), "policy-denied");
}
