//! The TLS door, as real clients meet it.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::now;
use crate::harness::until;
use portcullis::crypto::client_config;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::BackendFault;
use portcullis::devkit::Leaf;
use portcullis::devkit::Usage;
use portcullis::devkit::Validity;
use rustls::NamedGroup;
use rustls::ProtocolVersion;
use rustls_pki_types::ServerName;
use std::process::Stdio;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

#[test]
fn the_backends_side_agrees_on_a_key_exchange_that_a_quantum_computer_does_not_break() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let identity = stage.pki.backend.identity().unwrap();
    let config = client_config(Some(&identity), vec![stage.pki.gateway_authority.root()], &["h2"]).unwrap();
    stage.wait(async {
        let tcp = TcpStream::connect(gateway.address).await.unwrap();
        let name = ServerName::try_from(AUTHORITY).unwrap();
        let tls = TlsConnector::from(config).connect(name, tcp).await.unwrap();
        let session = tls.get_ref().1;
        let group = session.negotiated_key_exchange_group().map(|group| group.name());
        assert_eq!(group, Some(NamedGroup::X25519MLKEM768));
        assert_eq!(session.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        assert_eq!(session.alpn_protocol(), Some(&b"h2"[..]));
    });
}

#[test]
fn the_partners_side_agrees_on_it_too_as_the_partner_sees_it_when_a_door_opens() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    Command::new(&stage).told(&stage, gateway.address).is(200, "");
    let seen: Vec<_> = stage.partner.raw().into_iter().map(|log| (log.handshake, log.group)).collect();
    assert_eq!(seen, [(true, "X25519MLKEM768".to_owned())]);
}

#[test]
fn a_certificate_that_is_not_for_clients_is_refused_and_counted() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    for usages in [&[][..], &[Usage::Server], &[Usage::Any]] {
        let leaf = Leaf::client("spiffe://prop.example/backend", Validity::a_day_from(now())).used_for(usages);
        let identity = stage.pki.backend_authority.issue(&leaf).unwrap().identity().unwrap();
        let fault =
            stage.wait(Command::new(&stage).give(&stage.backend_as(gateway.address, Some(&identity)))).unwrap_err();
        assert!(matches!(fault, BackendFault::Handshake(_)), "{usages:?}: {fault}");
    }
    // A client may know of its failure before it is counted.
    until("each is counted", || gateway.metrics().contains("certificate-purpose\"} 3"));
    let answer = stage.wait(Command::new(&stage).give(&stage.backend(gateway.address))).unwrap();
    assert_eq!(answer.status, 200);
}

#[test]
fn openssl_speaks_1_2_and_1_3_and_nothing_older() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    for (version, agreed) in [("-tls1_3", true), ("-tls1_2", true), ("-tls1_1", false)] {
        let output = std::process::Command::new("openssl")
            .args(["s_client", "-brief", "-verify_return_error", version, "-servername", AUTHORITY])
            .args(["-cipher", "DEFAULT@SECLEVEL=0", "-connect", &gateway.address.to_string()])
            .arg("-CAfile")
            .arg(stage.path("pki/gateway-authority.pem"))
            .arg("-cert")
            .arg(stage.path("pki/backend.pem"))
            .arg("-key")
            .arg(stage.path("pki/backend.key"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(said.contains("CONNECTION ESTABLISHED"), agreed, "{version}: {said}");
    }
    let counted = || gateway.metric("portcullis_handshakes_failed_total{reason=\"version\"}");
    until("the count", || counted() == 1);
}

#[test]
fn who_does_not_finish_the_handshake_in_time_is_closed_and_counted() {
    let stage = Stage::new();
    stage.limit("handshake_timeout_ms: 200ms");
    let gateway = Served::on(&stage);
    stage.wait(async {
        let mut silent = TcpStream::connect(gateway.address).await.unwrap();
        assert_eq!(silent.read(&mut [0; 10]).await.unwrap(), 0);
    });
    // It is counted once it is closed, on another thread.
    until("the count", || gateway.metrics().contains("reason=\"timeout\"} 1"));
    let answer = stage.wait(Command::new(&stage).give(&stage.backend(gateway.address))).unwrap();
    assert_eq!(answer.status, 200);
}

#[test]
fn one_address_holds_as_many_connections_as_it_may_and_not_one_more() {
    let stage = Stage::new();
    stage.limit("connections_per_peer_max: 2");
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
    assert!(gateway.metrics().contains("too-many-of-peer"), "{}", gateway.metrics());
}
