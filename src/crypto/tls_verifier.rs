//! Who may open a TLS connection to us: a client whose certificate chains to our roots and is *meant* for clients.
//!
//! webpki accepts a certificate without extended key usage, and one with `anyExtendedKeyUsage` would be good for
//! everything. A backend's certificate says `clientAuth`, or the handshake fails (RFC 5280 §4.2.1.12). No root hints
//! are sent: which authorities we trust is nobody's business, and hints cannot change when roots are reloaded.

use crate::crypto::certificate::Certificate;
use crate::crypto::certificate::CertificateError;
use rustls::DigitallySignedStruct;
use rustls::DistinguishedName;
use rustls::Error;
use rustls::SignatureScheme;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::server::danger::ClientCertVerified;
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::UnixTime;
use std::sync::Arc;

/// webpki's verifier, and the extended key usage besides.
#[derive(Debug)]
pub(super) struct MeantForClients {
    webpki: Arc<dyn ClientCertVerifier>,
}

impl MeantForClients {
    pub(super) const fn new(webpki: Arc<dyn ClientCertVerifier>) -> Self {
        Self { webpki }
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
        let verified = self.webpki.verify_client_cert(leaf, intermediates, now)?;
        match Certificate::parse(leaf) {
            Ok(certificate) if certificate.client_auth => Ok(verified),
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
        self.webpki.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }

    fn client_auth_mandatory(&self) -> bool {
        true
    }
}
