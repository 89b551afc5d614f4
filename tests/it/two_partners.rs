//! Two partners behind one gateway: each command arrives at its own, as the identity and with the token that are that
//! partner's, and no connection of one is ever used for the other.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::now;
use portcullis::crypto::KeySet;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::SigningKey;
use portcullis::crypto::jwks_json;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::Authority;
use portcullis::devkit::Backend;
use portcullis::devkit::Leaf;
use portcullis::devkit::Misbehaviour;
use portcullis::devkit::PartnerSettings;
use portcullis::devkit::SimulatedPartner;
use portcullis::devkit::TokenTrust;
use portcullis::devkit::Validity;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;

/// By this name the backend means the second partner.
const OTHER_AUTHORITY: &str = "other.gateway.prop.example";
const OTHER_AUDIENCE: &str = "https://api.other.example";
const OTHER_NAME: &str = "spiffe://prop.example/portcullis-at-other";
const GATEWAY: &str = "https://gateway.prop.example";

/// A stage with a second partner, and a gateway that knows both.
struct Two {
    gateway: Served,
    other: SimulatedPartner,
    stage: Stage,
}

impl Two {
    /// A second partner with an authority, keys and a token key of its own.
    fn new() -> Self {
        Self::on(Stage::new())
    }

    /// The same with limits.
    fn limited(limits: &str) -> Self {
        let stage = Stage::new();
        stage.limit(limits);
        Self::on(stage)
    }

    fn on(stage: Stage) -> Self {
        let validity = Validity::a_day_from(now());
        let authority = Authority::new("the other partner's authority", validity).unwrap();
        let server = authority.issue(&Leaf::server(&["other.example"], validity)).unwrap();
        let key = SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap();
        let keys = jwks_json(&[&SigningKey::from_pem(&key).unwrap()]);
        secret(&stage, "pki/other-token.key", key.expose());
        let keys = KeySet::parse(keys.as_bytes()).unwrap();
        let trust = TokenTrust { issuer: GATEWAY.into(), audience: OTHER_AUDIENCE.into(), keys };
        let settings = PartnerSettings {
            identity: server.identity().unwrap(),
            client_roots: vec![authority.root()],
            client_name: OTHER_NAME.into(),
            ..PartnerSettings::new(&stage.pki, trust).unwrap()
        };
        let other = stage.wait(SimulatedPartner::start(settings)).unwrap();
        let address = other.address();
        let gateway = Self::configure(&stage, &authority, "other.example", address);
        Self { gateway, other, stage }
    }

    /// A second partner that is found where the first is, by whom it is not known: the same place under another identity.
    fn in_one_place() -> (Stage, Served) {
        let stage = Stage::new();
        let key = SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap();
        secret(&stage, "pki/other-token.key", key.expose());
        let gateway = Self::configure(&stage, &stage.pki.partner_authority, "localhost", stage.partner.address());
        (stage, gateway)
    }

    /// Writes what the second partner needs, whose server and the gateway's certificate for it `authority` signs.
    fn configure(stage: &Stage, authority: &Authority, server_name: &str, upstream: SocketAddr) -> Served {
        let validity = Validity::a_day_from(now());
        fs::write(stage.path("pki/other-authority.pem"), authority.pem()).unwrap();
        let client = authority.issue(&Leaf::client(OTHER_NAME, validity)).unwrap();
        client.write(&stage.path("pki"), "gateway-at-other").unwrap();
        secret(stage, "pki/other-pseudonym.key", &[7; 32]);
        for name in ["pki/gateway.pem", "pki/gateway.key"] {
            fs::remove_file(stage.path(name)).unwrap();
        }
        let gateway = Leaf::server(&[AUTHORITY, OTHER_AUTHORITY], validity);
        stage.pki.gateway_authority.issue(&gateway).unwrap().write(&stage.path("pki"), "gateway").unwrap();
        stage.edit("gateway.yaml", "policies: {directory: policies}", &format!(
            "  other:\n    authority: {OTHER_AUTHORITY}\n    upstream: https://{upstream}\n    server_name: {server_name}\n    \
             tls: {{ca: pki/other-authority.pem, certificate: pki/gateway-at-other.pem, key: pki/gateway-at-other.key}}\n    \
             token: {{issuer: {GATEWAY}, audience: {OTHER_AUDIENCE}, client_id: prop-development, \
             key: pki/other-token.key, lifetime: 30s}}\n    \
             pseudonym_key: pki/other-pseudonym.key\npolicies: {{directory: policies}}"
        ));
        stage.edit("directory.yaml", "partners: [smarthome", "partners: [smarthome, other");
        stage.edit("policies/requirements.yaml", "partners:\n", "partners:\n  other: {hosts: [127.0.0.1]}\n");
        let contract = fs::read_to_string(stage.path("policies/contracts/smarthome.openapi.yaml")).unwrap();
        let contract = contract.replace("partner: smarthome", "partner: other");
        fs::write(stage.path("policies/contracts/other.openapi.yaml"), contract).unwrap();
        stage.edit(
            "policies/cedar/doors.cedar",
            "unless { context.partner == PropDevelopment::Partner::\"smarthome\" };",
            "unless { [PropDevelopment::Partner::\"smarthome\", PropDevelopment::Partner::\"other\"]\
             .contains(context.partner) };",
        );
        Served::on(stage)
    }
}

fn secret(stage: &Stage, name: &str, content: &[u8]) {
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(stage.path(name)).unwrap();
    std::io::Write::write_all(&mut file, content).unwrap();
}

/// A backend that means the partner of `authority`.
fn backend(stage: &Stage, gateway: &Served, authority: &str) -> Backend {
    let identity = stage.pki.backend.identity().unwrap();
    Backend::new(gateway.address, authority, Some(&identity), vec![stage.pki.gateway_authority.root()]).unwrap()
}

#[test]
fn each_command_arrives_at_its_own_partner_over_that_partners_own_connections() {
    let two = Two::new();
    let Two { gateway, other, stage } = &two;
    let (to_first, to_other) = (backend(stage, gateway, AUTHORITY), backend(stage, gateway, OTHER_AUTHORITY));
    // Turn by turn, so that each finds a connection of the other standing idle.
    for round in 1..=10_usize {
        for to in [&to_first, &to_other] {
            assert_eq!(stage.wait(Command::new(stage).give(to)).unwrap().status, 200, "round {round}");
        }
        assert_eq!((stage.partner.progress().requests, other.progress().requests), (round, round));
    }
    assert_eq!((stage.partner.total_actuations(), other.total_actuations()), (10, 10));
    // Each verified certificate, issuer's key and audience of every command; nothing was refused, not even a handshake.
    for partner in [&stage.partner, other] {
        assert!(partner.refusals().is_empty(), "{:?}", partner.refusals());
        assert_eq!(partner.progress().failed_handshakes, 0);
    }
    let heard = |partner: &SimulatedPartner| {
        let bytes: Vec<u8> = partner.raw().into_iter().flat_map(|connection| connection.bytes).collect();
        String::from_utf8(bytes).unwrap().to_ascii_lowercase()
    };
    let (first, second) = (heard(&stage.partner), heard(other));
    assert!(first.contains("host: localhost") && !first.contains("other.example"));
    assert!(second.contains("host: other.example") && !second.contains("localhost"));
    // One person is one pseudonym at each partner, and not the same at both.
    let pseudonym = |heard: &str| heard.split("\"userid\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_ne!(pseudonym(&first), pseudonym(&second));
    drop(two);
}

#[test]
fn a_partner_that_hangs_takes_its_own_places_and_leaves_the_others_theirs() {
    let two = Two::limited("exchanges_per_partner_max: 2");
    let Two { gateway, other, stage } = &two;
    let (to_first, to_other) = (backend(stage, gateway, AUTHORITY), backend(stage, gateway, OTHER_AUTHORITY));
    other.behave(Misbehaviour::HangBeforeAnswer);
    let hanging = |_| {
        let (command, to_other) = (Command::new(stage), backend(stage, gateway, OTHER_AUTHORITY));
        stage.beside(async move { command.give(&to_other).await.unwrap().status })
    };
    let hanging: Vec<_> = (0..2).map(hanging).collect();
    stage.wait(other.until(|progress| progress.hanging == 2));
    assert_eq!(stage.wait(Command::new(stage).give(&to_other)).unwrap().status, 503);
    for round in 1..=5 {
        assert_eq!(stage.wait(Command::new(stage).give(&to_first)).unwrap().status, 200);
        assert_eq!(stage.partner.total_actuations(), round);
    }
    other.behave_well();
    other.release();
    for call in hanging {
        assert_eq!(stage.wait(call).unwrap(), 200);
    }
    assert_eq!(stage.wait(Command::new(stage).give(&to_other)).unwrap().status, 200);
    assert_eq!(other.total_actuations(), 3);
}

#[test]
fn one_place_under_two_identities_is_two_pools() {
    let (stage, gateway) = Two::in_one_place();
    let (first, second) = (backend(&stage, &gateway, AUTHORITY), backend(&stage, &gateway, OTHER_AUTHORITY));
    for round in 1..=5 {
        assert_eq!(stage.wait(Command::new(&stage).give(&first)).unwrap().status, 200, "round {round}");
        // It would be taken over the connection that stands idle there now, and refused for its token only.
        assert_eq!(stage.wait(Command::new(&stage).give(&second)).unwrap().status, 502, "round {round}");
        assert_eq!(stage.partner.refusals(), vec!["not-the-gateway"; round]);
    }
    assert_eq!(stage.partner.total_actuations(), 5);
}
