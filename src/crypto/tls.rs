//! TLS configurations: TLS 1.3 preferred and 1.2, aws-lc, X25519MLKEM768 offered first, certificates on both sides.
//!
//! There is no configuration without client certificates here. Nothing is resumed: no tickets, no session cache, no early
//! data, because rustls resumes a session without looking at the client's certificate again, and a revoked one would
//! go on. In TLS 1.2 the extended master secret is required (RFC 7627), so that no session can be spliced into another.

use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::crypto::provider::provider;
use crate::crypto::tls_files::TlsIdentity;
use crate::crypto::tls_verifier::MeantForClients;
use crate::crypto::trust::ClientTrust;
use arc_swap::ArcSwap;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::client::Resumption;
use rustls::server::ClientHello;
use rustls::server::NoServerSessionStorage;
use rustls::server::ResolvesServerCert;
use rustls::sign::CertifiedKey;
use rustls::sign::SingleCertAndKey;
use rustls::time_provider::TimeProvider;
use rustls::version::TLS12;
use rustls::version::TLS13;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::UnixTime;
use std::sync::Arc;
use std::time::Duration;

/// Why no configuration can be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TlsError {
    /// A root is no certificate that chains can be built on; roots are counted from 1.
    #[error("certificate {0} cannot be a trusted root")]
    Root(usize),
    /// There is no root.
    #[error("there is no trusted root")]
    NoRoots,
    /// Our own certificate cannot be read.
    #[error("our own certificate cannot be read")]
    Own,
    /// A revocation list is none to the one who verifies certificates.
    #[error("a revocation list cannot be used")]
    Crl,
    /// The provider lacks what TLS 1.2 or 1.3 needs.
    #[error("the TLS provider supports neither TLS 1.2 nor 1.3")]
    Versions,
}

/// The certificate and key that a listener shows; exchangeable, for the handshakes that come after.
pub struct OwnCertificate(ArcSwap<CertifiedKey>);

impl OwnCertificate {
    /// Shows `identity`.
    #[must_use]
    pub fn new(identity: &TlsIdentity) -> Self {
        Self(ArcSwap::new(Arc::clone(&identity.certified)))
    }

    /// Shows `identity` from the next handshake on.
    pub fn replace(&self, identity: &TlsIdentity) {
        self.0.store(Arc::clone(&identity.certified));
    }
}

impl ResolvesServerCert for OwnCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl std::fmt::Debug for OwnCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OwnCertificate")
    }
}

/// rustls' time, by our clock.
pub(super) struct OurTime(pub(super) Arc<dyn Clock>);

impl TimeProvider for OurTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0.now().seconds().get())))
    }
}

impl std::fmt::Debug for OurTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OurTime")
    }
}

/// The configuration of a listener: HTTP/2 and HTTP/1.1, showing `own`, and clients whom `trust` lets in, with certificates
/// that are meant for clients. `own` and `trust` may be exchanged while it is in use.
///
/// # Errors
/// [`TlsError::Versions`].
pub fn server_config(
    own: Arc<OwnCertificate>,
    trust: Arc<ClientTrust>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<ServerConfig>, TlsError> {
    server_side(own, trust, clock, &["h2", "http/1.1"])
}

/// As [`server_config`], by the machine's clock and with other protocols (RFC 7301), the preferred one first: for the
/// simulated partner.
///
/// # Errors
/// [`TlsError`].
pub fn server_config_speaking(
    identity: &TlsIdentity,
    client_roots: Vec<CertificateDer<'static>>,
    protocols: &[&str],
) -> Result<Arc<ServerConfig>, TlsError> {
    let trust = Arc::new(ClientTrust::new(client_roots, Vec::new())?);
    server_side(Arc::new(OwnCertificate::new(identity)), trust, Arc::new(SystemClock::new()), protocols)
}

fn server_side(
    own: Arc<OwnCertificate>,
    trust: Arc<ClientTrust>,
    clock: Arc<dyn Clock>,
    protocols: &[&str],
) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_details(provider(), Arc::new(OurTime(clock)))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|_| TlsError::Versions)?
        .with_client_cert_verifier(Arc::new(MeantForClients::new(trust)))
        .with_cert_resolver(own);
    config.alpn_protocols = spelled(protocols);
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    config.require_ems = true;
    Ok(Arc::new(config))
}

/// The configuration of a client that trusts servers of `roots` and shows `identity`, if it has one: for the development
/// backend and for tests. What goes out of the gateway does so by `outward.rs`.
///
/// # Errors
/// [`TlsError`].
pub fn client_config(
    identity: Option<&TlsIdentity>,
    roots: Vec<CertificateDer<'static>>,
    protocols: &[&str],
) -> Result<Arc<ClientConfig>, TlsError> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|_| TlsError::Versions)?
        .with_root_certificates(root_store(roots)?);
    let mut config = match identity {
        Some(identity) => {
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified.clone())))
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = spelled(protocols);
    config.resumption = Resumption::disabled();
    config.require_ems = true;
    Ok(Arc::new(config))
}

pub(super) fn root_store(roots: Vec<CertificateDer<'static>>) -> Result<Arc<RootCertStore>, TlsError> {
    if roots.is_empty() {
        return Err(TlsError::NoRoots);
    }
    let mut store = RootCertStore::empty();
    for (index, root) in roots.into_iter().enumerate() {
        store.add(root).map_err(|_| TlsError::Root(index + 1))?;
    }
    Ok(Arc::new(store))
}

pub(super) fn spelled(protocols: &[&str]) -> Vec<Vec<u8>> {
    protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect()
}
