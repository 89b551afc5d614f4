//! TLS configurations: TLS 1.3 preferred and 1.2, aws-lc, X25519MLKEM768 offered first, certificates on both sides.
//!
//! There is no configuration without client certificates here. Nothing is resumed: no tickets, no session cache, no early
//! data, because rustls resumes a session without looking at the client's certificate again, and a revoked one would
//! go on. In TLS 1.2 the extended master secret is required (RFC 7627), so that no session can be spliced into another.

use crate::crypto::provider::provider;
use crate::crypto::tls_files::TlsIdentity;
use crate::crypto::tls_verifier::MeantForClients;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::client::Resumption;
use rustls::server::NoServerSessionStorage;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::SingleCertAndKey;
use rustls::version::TLS12;
use rustls::version::TLS13;
use rustls_pki_types::CertificateDer;
use std::sync::Arc;

/// Why no configuration can be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TlsError {
    /// A root is no certificate that chains can be built on; roots are counted from 1.
    #[error("certificate {0} cannot be a trusted root")]
    Root(usize),
    /// There is no root.
    #[error("there is no trusted root")]
    NoRoots,
    /// The provider lacks what TLS 1.2 or 1.3 needs.
    #[error("the TLS provider supports neither TLS 1.2 nor 1.3")]
    Versions,
}

/// The configuration of a listener: HTTP/2 and HTTP/1.1, and clients with certificates of `client_roots` that are meant
/// for clients.
///
/// # Errors
/// [`TlsError`].
pub fn server_config(
    identity: &TlsIdentity,
    client_roots: Vec<CertificateDer<'static>>,
) -> Result<Arc<ServerConfig>, TlsError> {
    server_config_speaking(identity, client_roots, &["h2", "http/1.1"])
}

/// As [`server_config`], with other protocols (RFC 7301), the preferred one first: for the simulated partner.
///
/// # Errors
/// [`TlsError`].
pub fn server_config_speaking(
    identity: &TlsIdentity,
    client_roots: Vec<CertificateDer<'static>>,
    protocols: &[&str],
) -> Result<Arc<ServerConfig>, TlsError> {
    let webpki = WebPkiClientVerifier::builder_with_provider(root_store(client_roots)?, provider())
        .clear_root_hint_subjects()
        .build()
        .map_err(|_| TlsError::NoRoots)?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|_| TlsError::Versions)?
        .with_client_cert_verifier(Arc::new(MeantForClients::new(webpki)))
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified.clone())));
    config.alpn_protocols = spelled(protocols);
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    config.require_ems = true;
    Ok(Arc::new(config))
}

/// The configuration of a client that trusts servers of `roots` and shows `identity`, if it has one: for the development
/// backend and for tests. What goes out of the gateway is `wire/`'s.
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

fn root_store(roots: Vec<CertificateDer<'static>>) -> Result<Arc<RootCertStore>, TlsError> {
    if roots.is_empty() {
        return Err(TlsError::NoRoots);
    }
    let mut store = RootCertStore::empty();
    for (index, root) in roots.into_iter().enumerate() {
        store.add(root).map_err(|_| TlsError::Root(index + 1))?;
    }
    Ok(Arc::new(store))
}

fn spelled(protocols: &[&str]) -> Vec<Vec<u8>> {
    protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect()
}
