//! Certificates and keys from PEM files, checked when they are read: a key that others may read, a chain without a
//! certificate, a key of another certificate are refused then, not at the first handshake.

use crate::crypto::provider::provider;
use crate::secret::Secret;
use crate::secret::SecretFileError;
use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use std::path::Path;
use std::sync::Arc;

/// The largest file of certificates that is read, in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// A certificate chain and its private key.
#[derive(Clone)]
pub struct TlsIdentity {
    pub(super) certified: Arc<CertifiedKey>,
}

/// Why a file of certificates or keys is refused.
#[derive(Debug, thiserror::Error)]
pub enum TlsFileError {
    /// The certificate file cannot be read.
    #[error("cannot be read")]
    Io(#[source] std::io::Error),
    /// The certificate file is larger than 1 MiB.
    #[error("is larger than 1 MiB")]
    TooLarge,
    /// The certificate file is no PEM, or a section of it is broken.
    #[error("is not well-formed PEM")]
    NotPem,
    /// There is no certificate in it.
    #[error("holds no certificate (`-----BEGIN CERTIFICATE-----`)")]
    NoCertificate,
    /// The key file is refused.
    #[error("key file: {0}")]
    KeyFile(#[source] SecretFileError),
    /// There is no private key in the key file.
    #[error("key file: holds no private key (`-----BEGIN PRIVATE KEY-----`)")]
    NoKey,
    /// The key is of a kind that cannot be used.
    #[error("key file: the key is of an unsupported kind")]
    KeyUnsupported,
    /// The key belongs to another certificate.
    #[error("key file: the key is not that of the certificate")]
    KeyMismatch,
}

impl TlsIdentity {
    /// Reads a chain (the leaf first) and its key.
    ///
    /// # Errors
    /// [`TlsFileError`]; those that speak of the key file begin with it.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, TlsFileError> {
        let chain = read_certificates(certificate)?;
        let key = Secret::read(key).map_err(TlsFileError::KeyFile)?;
        let key = PrivateKeyDer::from_pem_slice(key.expose()).map_err(|_| TlsFileError::NoKey)?;
        Self::of(chain, key)
    }

    /// A chain (the leaf first) and its key, both in memory.
    ///
    /// # Errors
    /// [`TlsFileError::KeyUnsupported`], [`TlsFileError::KeyMismatch`], [`TlsFileError::NoCertificate`].
    pub fn of(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, TlsFileError> {
        if chain.is_empty() {
            return Err(TlsFileError::NoCertificate);
        }
        let key = provider().key_provider.load_private_key(key).map_err(|_| TlsFileError::KeyUnsupported)?;
        let certified = CertifiedKey::new(chain, key);
        certified.keys_match().map_err(|_| TlsFileError::KeyMismatch)?;
        Ok(Self { certified: Arc::new(certified) })
    }

    /// The chain, the leaf first.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.certified.cert
    }
}

/// Reads all certificates of a PEM file; at least one.
///
/// # Errors
/// [`TlsFileError`].
pub fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFileError> {
    let size = std::fs::metadata(path).map_err(TlsFileError::Io)?.len();
    if size > MAX_FILE_BYTES {
        return Err(TlsFileError::TooLarge);
    }
    let text = std::fs::read(path).map_err(TlsFileError::Io)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.map_err(|_| TlsFileError::NotPem)?;
    if found.is_empty() {
        return Err(TlsFileError::NoCertificate);
    }
    Ok(found)
}
