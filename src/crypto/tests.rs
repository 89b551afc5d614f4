//! Handshakes between real ends over a pipe in memory: who gets in, with which key exchange, and that nobody is resumed.

mod json_web_signature;
mod message_signature;
mod trust;
mod wycheproof;

use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::clock::UnixSeconds;
use crate::crypto::Certificate;
use crate::crypto::CertificateError;
use crate::crypto::ClientTrust;
use crate::crypto::OwnCertificate;
use crate::crypto::Standing;
use crate::crypto::TlsError;
use crate::crypto::TlsFileError;
use crate::crypto::TlsIdentity;
use crate::crypto::client_config;
use crate::crypto::provider::provider;
use crate::crypto::read_certificates;
use crate::crypto::server_config;
use crate::crypto::server_config_speaking;
use crate::devkit::Authority;
use crate::devkit::Issued;
use crate::devkit::Leaf;
use crate::devkit::Pki;
use crate::devkit::Usage;
use crate::devkit::Validity;
use crate::secret::SecretFileError;
use rustls::ClientConfig;
use rustls::HandshakeKind;
use rustls::NamedGroup;
use rustls::ProtocolVersion;
use rustls::ServerConfig;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::TlsConnector;

/// What one end knows after a handshake.
#[derive(Debug)]
struct Seen {
    group: Option<NamedGroup>,
    version: Option<ProtocolVersion>,
    protocol: Option<Vec<u8>>,
    kind: Option<HandshakeKind>,
    /// SHA-256 of the other end's leaf.
    other: Option<String>,
}

/// The standing of a client whom nothing limits, for the tests of rooms that demand one.
pub(crate) fn a_standing() -> Arc<Standing> {
    let always = Validity { from: UnixSeconds::new(0), until: UnixSeconds::new(4_000_000_000) };
    let authority = Authority::new("authority", always).unwrap();
    let client = authority.issue(&Leaf::client("spiffe://prop.example/backend", always)).unwrap();
    let trust = ClientTrust::new(vec![authority.root()], Vec::new()).unwrap();
    Arc::new(Standing::new(Arc::new(trust), &[client.der()]).unwrap())
}

/// The machine's time: rustls asks it, so the certificates must fit it.
fn now() -> UnixSeconds {
    SystemClock::new().now().seconds()
}

fn seen<D>(connection: &rustls::ConnectionCommon<D>) -> Seen {
    let leaf = connection.peer_certificates().and_then(<[_]>::first);
    Seen {
        group: connection.negotiated_key_exchange_group().map(|group| group.name()),
        version: connection.protocol_version(),
        protocol: connection.alpn_protocol().map(<[u8]>::to_vec),
        kind: connection.handshake_kind(),
        other: leaf.map(|leaf| Certificate::parse(leaf).unwrap().thumbprint.to_string()),
    }
}

/// Shakes hands and sends one byte each way; what the server and the client saw, or why the server refused.
async fn shake(server: Arc<ServerConfig>, client: Arc<ClientConfig>) -> Result<(Seen, Seen), rustls::Error> {
    let (here, there) = tokio::io::duplex(64 * 1024);
    let serving = async {
        let mut stream = TlsAcceptor::from(server).accept(here).await?;
        stream.write_all(b"s").await?;
        stream.flush().await?;
        stream.read_u8().await?;
        Ok::<_, std::io::Error>(seen(stream.get_ref().1))
    };
    let calling = async {
        let name = "localhost".try_into().unwrap();
        let mut stream = TlsConnector::from(client).connect(name, there).await?;
        stream.read_u8().await?;
        stream.write_all(b"c").await?;
        stream.flush().await?;
        Ok::<_, std::io::Error>(seen(stream.get_ref().1))
    };
    match tokio::join!(serving, calling) {
        (Ok(server), Ok(client)) => Ok((server, client)),
        (Err(refusal), Err(_)) => Err(refusal.downcast::<rustls::Error>().unwrap()),
        (Ok(_), Err(error)) => panic!("only the client refused: {error}"),
        (Err(error), Ok(_)) => panic!("only the server refused: {error}"),
    }
}

fn server(pki: &Pki) -> Arc<ServerConfig> {
    trusting(pki, Arc::new(ClientTrust::new(vec![pki.backend_authority.root()], Vec::new()).unwrap()))
}

/// The gateway's side, with this trust in clients.
fn trusting(pki: &Pki, trust: Arc<ClientTrust>) -> Arc<ServerConfig> {
    let own = Arc::new(OwnCertificate::new(&pki.gateway.identity().unwrap()));
    server_config(own, trust, Arc::new(SystemClock::new())).unwrap()
}

fn client(pki: &Pki, identity: Option<&Issued>) -> Arc<ClientConfig> {
    let identity = identity.map(|issued| issued.identity().unwrap());
    client_config(identity.as_ref(), vec![pki.gateway_authority.root()], &["h2", "http/1.1"]).unwrap()
}

/// A client as rustls makes it, of one version.
fn plain_client(
    pki: &Pki,
    provider: Arc<CryptoProvider>,
    version: &'static rustls::SupportedProtocolVersion,
) -> Arc<ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(pki.gateway_authority.root()).unwrap();
    let identity = rustls::sign::SingleCertAndKey::from(pki.backend.identity().unwrap().certified);
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
    Arc::new(builder.with_root_certificates(roots).with_client_cert_resolver(Arc::new(identity)))
}

#[tokio::test]
async fn both_sides_negotiate_tls_1_3_with_x25519mlkem768() {
    let pki = Pki::new(now()).unwrap();
    let (server, client) = shake(server(&pki), client(&pki, Some(&pki.backend))).await.unwrap();
    for end in [&server, &client] {
        assert_eq!(end.group, Some(NamedGroup::X25519MLKEM768));
        assert_eq!(end.version, Some(ProtocolVersion::TLSv1_3));
        assert_eq!(end.protocol.as_deref(), Some(&b"h2"[..]));
    }
    assert_eq!(server.other.unwrap(), pki.backend.parsed().unwrap().thumbprint.to_string());
    assert_eq!(client.other.unwrap(), pki.gateway.parsed().unwrap().thumbprint.to_string());
}

#[tokio::test]
async fn a_client_of_tls_1_2_is_served_and_one_without_the_hybrid_group_too() {
    let pki = Pki::new(now()).unwrap();
    let mut provider = CryptoProvider::clone(&provider());
    provider.kx_groups.retain(|group| group.name() == NamedGroup::X25519);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let client = plain_client(&pki, Arc::new(provider.clone()), version);
        let (server, client) = shake(server(&pki), client).await.unwrap();
        assert_eq!(server.group, Some(NamedGroup::X25519));
        assert_eq!((server.version, client.version), (Some(version.version), Some(version.version)));
    }
}

#[tokio::test]
async fn only_a_certificate_that_is_meant_for_clients_gets_in() {
    let pki = Pki::new(now()).unwrap();
    let leaf = Leaf::client("spiffe://prop.example/backend", Validity::a_day_from(now()));
    for (usages, gets_in) in [
        (&[][..], false),
        (&[Usage::Server], false),
        (&[Usage::Any], false),
        (&[Usage::Any, Usage::Server], false),
        (&[Usage::Client], true),
        (&[Usage::Client, Usage::Server], true),
        (&[Usage::Any, Usage::Client], true),
    ] {
        let issued = pki.backend_authority.issue(&leaf.clone().used_for(usages)).unwrap();
        let outcome = shake(server(&pki), client(&pki, Some(&issued))).await;
        match outcome {
            Ok(_) => assert!(gets_in, "{usages:?} got in"),
            Err(error) => {
                assert!(!gets_in, "{usages:?}: {error}");
                let purpose = matches!(
                    error,
                    rustls::Error::InvalidCertificate(
                        rustls::CertificateError::InvalidPurpose
                            | rustls::CertificateError::InvalidPurposeContext { .. }
                    )
                );
                assert!(purpose, "{usages:?}: {error:?}");
            }
        }
    }
}

#[tokio::test]
async fn strangers_and_those_out_of_time_do_not_get_in() {
    let pki = Pki::new(now()).unwrap();
    let uri = "spiffe://prop.example/backend";
    let hour = |from: u64, until: u64| Validity { from: UnixSeconds::new(from), until: UnixSeconds::new(until) };
    let (past, future) =
        (hour(now().get() - 7_200, now().get() - 3_600), hour(now().get() + 3_600, now().get() + 7_200));
    let issue = |authority: &Authority, validity| authority.issue(&Leaf::client(uri, validity)).unwrap();
    let other = Authority::new("development backend authority", Validity::a_day_from(now())).unwrap();
    let cases = [
        ("no certificate", None),
        ("another authority of the same name", Some(issue(&other, Validity::a_day_from(now())))),
        ("the partner's authority", Some(issue(&pki.partner_authority, Validity::a_day_from(now())))),
        ("expired", Some(issue(&pki.backend_authority, past))),
        ("not valid yet", Some(issue(&pki.backend_authority, future))),
    ];
    for (case, identity) in cases {
        let error = shake(server(&pki), client(&pki, identity.as_ref())).await.unwrap_err();
        let fits = match (case, &error) {
            ("no certificate", error) => *error == rustls::Error::NoCertificatesPresented,
            ("expired", rustls::Error::InvalidCertificate(error)) => format!("{error:?}").starts_with("Expired"),
            ("not valid yet", rustls::Error::InvalidCertificate(error)) => {
                format!("{error:?}").starts_with("NotValidYet")
            }
            (_, rustls::Error::InvalidCertificate(_)) => true,
            _ => false,
        };
        assert!(fits, "{case}: {error:?}");
    }
}

#[tokio::test]
async fn nobody_is_resumed_though_the_client_would() {
    let pki = Pki::new(now()).unwrap();
    let ours = server(&pki);
    let mut lax = ServerConfig::clone(&ours);
    lax.session_storage = rustls::server::ServerSessionMemoryCache::new(8);
    lax.send_tls13_tickets = 1;
    for (server, second) in [(ours, HandshakeKind::Full), (Arc::new(lax), HandshakeKind::Resumed)] {
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            // rustls' client remembers sessions unless told not to.
            let client = plain_client(&pki, provider(), version);
            shake(server.clone(), client.clone()).await.unwrap();
            let (seen, _) = shake(server.clone(), client).await.unwrap();
            assert_eq!(seen.kind, Some(second), "{version:?}");
        }
    }
}

/// A client that notes how many authorities the server named.
#[derive(Debug)]
struct CountsHints(Arc<CertifiedKey>, Arc<AtomicUsize>);

impl ResolvesClientCert for CountsHints {
    fn resolve(&self, hints: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.1.store(hints.len(), Ordering::SeqCst);
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn the_server_does_not_tell_whom_it_trusts() {
    let pki = Pki::new(now()).unwrap();
    let hints = Arc::new(AtomicUsize::new(usize::MAX));
    let mut config = ClientConfig::clone(&client(&pki, None));
    let certified = pki.backend.identity().unwrap().certified;
    config.client_auth_cert_resolver = Arc::new(CountsHints(certified, hints.clone()));
    shake(server(&pki), Arc::new(config)).await.unwrap();
    assert_eq!(hints.load(Ordering::SeqCst), 0);
    assert_eq!(server(&pki).send_tls13_tickets, 0);
}

#[tokio::test]
async fn the_simulated_partner_may_speak_http_1_alone() {
    let pki = Pki::new(now()).unwrap();
    let roots = vec![pki.partner_authority.root()];
    let partner = pki.partner.identity().unwrap();
    let server = server_config_speaking(&partner, roots.clone(), &["http/1.1"]).unwrap();
    let gateway = pki.gateway_at_partner.identity().unwrap();
    let client = client_config(Some(&gateway), roots, &["h2", "http/1.1"]).unwrap();
    let (server, client) = shake(server, client).await.unwrap();
    assert_eq!(server.protocol.as_deref(), Some(&b"http/1.1"[..]));
    assert_eq!(client.protocol, server.protocol);
}

#[test]
fn files_that_do_not_fit_are_refused_when_they_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let files = Pki::new(now()).unwrap().write(folder.path()).unwrap();
    let read = |certificate, key| TlsIdentity::read(certificate, key).err();
    assert!(read(&files.gateway, &files.gateway_key).is_none());
    assert!(matches!(read(&files.gateway, &files.backend_key), Some(TlsFileError::KeyMismatch)));
    assert!(matches!(read(&files.gateway_key, &files.gateway_key), Some(TlsFileError::NoCertificate)));
    assert!(matches!(read(&files.gateway, &files.gateway), Some(TlsFileError::KeyFile(_))), "mode 0644");
    let missing = folder.path().join("missing");
    assert!(matches!(read(&missing, &files.gateway_key), Some(TlsFileError::Io(_))));
    fs::set_permissions(&files.gateway_key, fs::Permissions::from_mode(0o604)).unwrap();
    let refused = read(&files.gateway, &files.gateway_key);
    assert!(matches!(refused, Some(TlsFileError::KeyFile(SecretFileError::WorldAccessible(0o604)))));
    fs::write(&missing, "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").unwrap();
    assert!(matches!(read_certificates(&missing), Err(TlsFileError::NotPem)));
    fs::write(&missing, vec![b'\n'; 1024 * 1024]).unwrap();
    assert!(matches!(read_certificates(&missing), Err(TlsFileError::NoCertificate)));
    fs::write(&missing, vec![b'\n'; 1024 * 1024 + 1]).unwrap();
    assert!(matches!(read_certificates(&missing), Err(TlsFileError::TooLarge)));
}

#[test]
fn roots_must_be_there_and_be_certificates() {
    let pki = Pki::new(now()).unwrap();
    assert_eq!(ClientTrust::new(Vec::new(), Vec::new()).err(), Some(TlsError::NoRoots));
    assert_eq!(client_config(None, Vec::new(), &[]).err(), Some(TlsError::NoRoots));
    let roots = || vec![pki.backend_authority.root(), vec![0x30, 0].into()];
    assert_eq!(ClientTrust::new(roots(), Vec::new()).err(), Some(TlsError::Root(2)));
    let trust = ClientTrust::new(vec![pki.backend_authority.root()], Vec::new()).unwrap();
    assert_eq!(trust.replace(roots(), Vec::new()).err(), Some(TlsError::Root(2)));
    assert_eq!(format!("{trust:?}"), "ClientTrust(1 roots, 0 lists)", "what was trusted stays");
}

#[test]
fn a_certificate_is_whole_and_nothing_follows_it() {
    let der = Pki::new(now()).unwrap().backend.der().to_vec();
    let parsed = Certificate::parse(&der).unwrap();
    assert!(parsed.is_valid_at(parsed.not_before) && parsed.is_valid_at(parsed.not_after));
    assert!(!parsed.is_valid_at(UnixSeconds::new(parsed.not_before.get() - 1)));
    assert!(!parsed.is_valid_at(parsed.not_after.plus(1)));
    assert_eq!(Certificate::parse(&[&der[..], &[0]].concat()), Err(CertificateError::Malformed));
    for length in 0..der.len() {
        assert!(Certificate::parse(&der[..length]).is_err(), "{length} bytes of it");
    }
}

#[test]
fn a_host_is_met_by_its_name_or_by_one_whole_label_of_a_wildcard() {
    let authority = Authority::new("authority", Validity::a_day_from(now())).unwrap();
    let leaf = Leaf::server(&["A.example.org", "*.b.example.org", "*.org", "10.0.0.1"], Validity::a_day_from(now()));
    let leaf = Leaf { uris: vec!["u.example.org".to_owned()], ..leaf };
    let certificate = authority.issue(&leaf).unwrap().parsed().unwrap();
    for host in ["a.example.org", "x.b.example.org"] {
        assert!(certificate.is_for_host(host), "{host}");
    }
    for host in
        ["b.example.org", "x.y.b.example.org", "x.a.example.org", "example.org", "u.example.org", "10.0.0.1", ""]
    {
        assert!(!certificate.is_for_host(host), "{host}");
    }
}

#[tokio::test]
async fn a_ticket_of_one_listener_is_useless_at_another_and_no_data_comes_early() {
    let pki = Pki::new(now()).unwrap();
    let lax = |server: &ServerConfig| {
        let mut lax = server.clone();
        lax.session_storage = rustls::server::ServerSessionMemoryCache::new(8);
        lax.send_tls13_tickets = 1;
        Arc::new(lax)
    };
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let (one, other) = (server(&pki), server(&pki));
        assert_eq!((one.max_early_data_size, other.max_early_data_size), (0, 0));
        let mut client = ClientConfig::clone(&plain_client(&pki, provider(), version));
        client.enable_early_data = true;
        let client = Arc::new(client);
        let giving = lax(&one);
        shake(giving.clone(), client.clone()).await.unwrap();
        let early = rustls::ClientConnection::new(client.clone(), "localhost".try_into().unwrap())
            .unwrap()
            .early_data()
            .is_some();
        assert!(!early, "{version:?}: a ticket for early data");
        shake(giving.clone(), client.clone()).await.unwrap();
        // As strict as it is, and as lax as it could be.
        for other in [other.clone(), lax(&other)] {
            let (seen, _) = shake(other, client.clone()).await.unwrap();
            assert_eq!(seen.kind, Some(HandshakeKind::Full), "{version:?}");
            assert!(seen.other.is_some(), "the certificate was asked for");
        }
        // The ticket itself is good, where it comes from.
        shake(giving.clone(), client.clone()).await.unwrap();
        let (seen, _) = shake(giving, client).await.unwrap();
        assert_eq!(seen.kind, Some(HandshakeKind::Resumed), "{version:?}");
    }
}

#[test]
fn a_name_that_prints_as_another_is_no_name() {
    let authority = Authority::new("authority", Validity::a_day_from(now())).unwrap();
    for uri in ["spiffe://a/ b", "spiffe://a/\u{7f}", ""] {
        let issued = authority.issue(&Leaf::client(uri, Validity::a_day_from(now()))).unwrap();
        assert_eq!(Certificate::parse(&issued.der()), Err(CertificateError::Name), "{uri:?}");
    }
}
