//! Handshakes that fail, each by a real client, each counted under its own reason and under no other.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::now;
use crate::harness::until;
use portcullis::clock::UnixSeconds;
use portcullis::crypto::TlsIdentity;
use portcullis::crypto::client_config;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::Backend;
use portcullis::devkit::Issued;
use portcullis::devkit::Leaf;
use portcullis::devkit::Usage;
use portcullis::devkit::Validity;
use portcullis::telemetry::HandshakeFailure;
use rustls_pki_types::ServerName;
use std::io::Write;
use std::net::TcpStream;
use std::process::Stdio;
use tokio_rustls::TlsConnector;

const NAME: &str = "spiffe://prop.example/backend";

/// A stage with a gateway, and what its page says of failed handshakes.
struct Scene {
    gateway: Served,
    stage: Stage,
}

impl Scene {
    fn counts(&self) -> Vec<u64> {
        let page = self.gateway.metrics();
        let count = |reason: &HandshakeFailure| {
            let series = format!("portcullis_handshakes_failed_total{{reason=\"{}\"}} ", reason.word());
            let line = page.lines().find_map(|line| line.strip_prefix(&series));
            line.unwrap_or_else(|| panic!("no {series}")).parse().unwrap()
        };
        HandshakeFailure::ALL.iter().map(count).collect()
    }

    /// The attempt fails, and is counted once, under `reason`.
    #[track_caller]
    fn counts_one(&self, reason: HandshakeFailure, attempt: impl FnOnce(&Self)) {
        let mut wanted = self.counts();
        wanted[HandshakeFailure::ALL.iter().position(|known| *known == reason).unwrap()] += 1;
        let sum = |counts: &[u64]| counts.iter().sum::<u64>();
        attempt(self);
        // It is counted once the server has noticed, on another thread.
        until(reason.word(), || sum(&self.counts()) >= sum(&wanted));
        let words = HandshakeFailure::ALL.iter().map(|known| known.word());
        let named = |counts: Vec<u64>| words.clone().zip(counts).collect::<Vec<_>>();
        assert_eq!(named(self.counts()), named(wanted), "{}", reason.word());
    }

    /// A client with this identity, which is refused.
    fn refused(&self, identity: Option<&TlsIdentity>) {
        self.refuses(&self.stage.backend_as(self.gateway.address, identity));
    }

    fn refuses(&self, backend: &Backend) {
        assert!(self.stage.wait(Command::new(&self.stage).give(backend)).is_err());
    }

    /// `openssl s_client` with these arguments, which does not come to a connection.
    fn openssl(&self, arguments: &[&str]) {
        let output = std::process::Command::new("openssl")
            .args(["s_client", "-brief", "-servername", AUTHORITY, "-connect", &self.gateway.address.to_string()])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("CONNECTION ESTABLISHED") && said.contains("alert"), "{said}");
    }
}

fn identity(issued: Issued) -> TlsIdentity {
    issued.identity().unwrap()
}

#[test]
fn every_failed_handshake_is_counted_under_its_own_reason() {
    let stage = Stage::new();
    let scene = Scene { gateway: Served::on(&stage), stage };
    let pki = &scene.stage.pki;
    let day = Validity::a_day_from(now());
    let before = |seconds| UnixSeconds::new(now().get() - seconds);

    scene.counts_one(HandshakeFailure::NotTls, |scene| {
        let mut plain = TcpStream::connect(scene.gateway.address).unwrap();
        plain.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    });
    scene.counts_one(HandshakeFailure::Closed, |scene| drop(TcpStream::connect(scene.gateway.address).unwrap()));
    scene.counts_one(HandshakeFailure::Version, |scene| scene.openssl(&["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]));
    scene.counts_one(HandshakeFailure::Parameters, |scene| scene.openssl(&["-tls1_2", "-cipher", "AES128-SHA"]));
    scene.counts_one(HandshakeFailure::Parameters, |scene| scene.openssl(&["-tls1_3", "-groups", "P-521"]));
    scene.counts_one(HandshakeFailure::Protocol, |scene| {
        let identity = pki.backend.identity().unwrap();
        let config = client_config(Some(&identity), vec![pki.gateway_authority.root()], &["spdy/1"]).unwrap();
        let failed = scene.stage.wait(async {
            let tcp = tokio::net::TcpStream::connect(scene.gateway.address).await.unwrap();
            TlsConnector::from(config).connect(ServerName::try_from(AUTHORITY).unwrap(), tcp).await
        });
        assert!(failed.is_err());
    });
    scene.counts_one(HandshakeFailure::PeerAlert, |scene| {
        // A client that trusts another authority than ours refuses us.
        let identity = pki.backend.identity().unwrap();
        let roots = vec![pki.partner_authority.root()];
        scene.refuses(&Backend::new(scene.gateway.address, AUTHORITY, Some(&identity), roots).unwrap());
    });
    scene.counts_one(HandshakeFailure::CertificateMissing, |scene| scene.refused(None));
    scene.counts_one(HandshakeFailure::CertificateUntrusted, |scene| {
        let stranger = pki.partner_authority.issue(&Leaf::client(NAME, day)).unwrap();
        scene.refused(Some(&identity(stranger)));
    });
    for validity in [
        Validity { from: before(7_200), until: before(3_600) },
        Validity { from: now().plus(3_600), until: now().plus(7_200) },
    ] {
        let leaf = Leaf::client(NAME, validity);
        let issued = identity(pki.backend_authority.issue(&leaf).unwrap());
        scene.counts_one(HandshakeFailure::CertificateExpired, |scene| scene.refused(Some(&issued)));
    }
    scene.counts_one(HandshakeFailure::CertificatePurpose, |scene| {
        let leaf = Leaf::client(NAME, day).used_for(&[Usage::Server]);
        scene.refused(Some(&identity(pki.backend_authority.issue(&leaf).unwrap())));
    });

    let answer = scene.stage.wait(Command::new(&scene.stage).give(&scene.stage.backend(scene.gateway.address)));
    assert_eq!(answer.unwrap().status, 200, "a good neighbour");
}
