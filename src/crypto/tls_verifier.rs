//! Who may open a TLS connection to us: a client whom the listener trusts ([`ClientTrust`]), and whose certificate is *meant*
//! for clients.
//!
//! webpki accepts a certificate without extended key usage, and one with `anyExtendedKeyUsage` would be good for
//! everything. A backend's certificate says `clientAuth`, or the handshake fails (RFC 5280 §4.2.1.12). No root hints
//! are sent: which authorities we trust is nobody's business, and hints cannot change when roots are reloaded.

use crate::clock::UnixSeconds;
use crate::crypto::certificate::Certificate;
use crate::crypto::certificate::CertificateError;
use crate::crypto::provider::provider;
use crate::crypto::trust::ClientTrust;
use rustls::DigitallySignedStruct;
use rustls::DistinguishedName;
use rustls::Error;
use rustls::SignatureScheme;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::crypto::verify_tls12_signature;
use rustls::crypto::verify_tls13_signature;
use rustls::server::danger::ClientCertVerified;
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::UnixTime;
use std::sync::Arc;

/// What the listener trusts, and the extended key usage besides.
#[derive(Debug)]
pub(super) struct MeantForClients {
    trust: Arc<ClientTrust>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl MeantForClients {
    pub(super) fn new(trust: Arc<ClientTrust>) -> Self {
        Self { trust, algorithms: provider().signature_verification_algorithms }
    }
}

impl ClientCertVerifier for MeantForClients {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.trust.verify(leaf, intermediates, UnixSeconds::new(now.as_secs()))?;
        match Certificate::parse(leaf) {
            Ok(certificate) if certificate.client_auth => Ok(ClientCertVerified::assertion()),
            Ok(_) => Err(rustls::CertificateError::InvalidPurpose.into()),
            Err(
                CertificateError::Malformed
                | CertificateError::Extension
                | CertificateError::Name
                | CertificateError::Time,
            ) => Err(rustls::CertificateError::BadEncoding.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }

    fn client_auth_mandatory(&self) -> bool {
        true
    }
}
