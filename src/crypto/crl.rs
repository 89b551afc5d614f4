//! Certificate revocation lists (RFC 5280 §5) from files, in PEM or DER.
//!
//! A list is only read here: when it was made, and until when it speaks. Whether its signature is that of an authority, and
//! whom it names, webpki says when a certificate is looked at. A list that does not say when the next one comes is refused:
//! it would speak for ever.

use crate::clock::UnixSeconds;
use crate::crypto::certificate::begins_sequence;
use crate::crypto::certificate::seconds;
use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::PemObject;
use std::path::Path;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

/// The largest file of revocation lists, in bytes.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;
/// What stands in the first line of a list in PEM (RFC 7468 §6).
const PEM: &[u8] = b"BEGIN X509 CRL";
/// What stands in the first line of any section.
const SECTION: &[u8] = b"BEGIN ";

/// One list.
#[derive(Clone)]
pub struct Crl {
    pub(super) der: CertificateRevocationListDer<'static>,
    /// When it was made.
    pub made_at: UnixSeconds,
    /// The first second in which it no longer speaks (`nextUpdate`, as webpki takes it).
    pub ends_at: UnixSeconds,
}

/// What a list says that the next one goes on from.
#[derive(Debug, Default)]
pub struct Continued {
    /// Its number (RFC 5280 §5.2.3); 0 where it says none, or one beyond 64 bits.
    pub number: u64,
    /// The serial numbers of whom it names, each as it is encoded.
    pub serials: Vec<Box<[u8]>>,
}

/// Why a file of revocation lists is refused. Lists are counted from 1.
#[derive(Debug, thiserror::Error)]
pub enum CrlError {
    /// It cannot be read.
    #[error("cannot be read")]
    Io(#[source] std::io::Error),
    /// Larger than 16 MiB.
    #[error("is larger than 16 MiB")]
    TooLarge,
    /// No PEM, or a section of it is broken, be it only its first line, or is no list.
    #[error("is not well-formed PEM")]
    NotPem,
    /// Neither a list in DER nor a PEM file with one.
    #[error("list {0} is no certificate revocation list (RFC 5280 §5)")]
    Malformed(usize),
    /// A list without `nextUpdate`, which RFC 5280 §5.1.2.5 demands.
    #[error("list {0} does not say when the next one comes")]
    Endless(usize),
}

impl Crl {
    /// Reads all lists of a file; at least one.
    ///
    /// # Errors
    /// [`CrlError`].
    pub fn read(path: &Path) -> Result<Vec<Self>, CrlError> {
        if std::fs::metadata(path).map_err(CrlError::Io)?.len() > MAX_FILE_BYTES {
            return Err(CrlError::TooLarge);
        }
        Self::parse(&std::fs::read(path).map_err(CrlError::Io)?)
    }

    /// Reads all lists of a text; at least one.
    ///
    /// # Errors
    /// [`CrlError`].
    pub fn parse(bytes: &[u8]) -> Result<Vec<Self>, CrlError> {
        let count = |mark: &[u8]| bytes.windows(mark.len()).filter(|window| *window == mark).count();
        let found = if count(PEM) > 0 {
            let found = CertificateRevocationListDer::pem_slice_iter(bytes);
            let found = found.collect::<Result<Vec<_>, _>>().map_err(|_| CrlError::NotPem)?;
            // A list whose first line is a little wrong is passed over by the library: whom it names would come in again.
            if found.len() < count(SECTION) {
                return Err(CrlError::NotPem);
            }
            found
        } else {
            vec![CertificateRevocationListDer::from(bytes.to_vec())]
        };
        found.into_iter().enumerate().map(|(index, der)| Self::of(der, index + 1)).collect()
    }

    /// What the next list of its authority goes on from.
    ///
    /// # Errors
    /// [`CrlError::Malformed`].
    pub fn continued(&self) -> Result<Continued, CrlError> {
        let (_, list) = CertificateRevocationList::from_der(&self.der).map_err(|_| CrlError::Malformed(1))?;
        let number = list.crl_number().and_then(|number| number.try_into().ok()).unwrap_or_default();
        let serials = list.iter_revoked_certificates().map(|one| one.raw_serial().into()).collect();
        Ok(Continued { number, serials })
    }

    /// Whether an authority's certificate bears the name of who made this list. No signature is verified.
    #[must_use]
    pub fn is_of(&self, authority: &[u8]) -> bool {
        let list = CertificateRevocationList::from_der(&self.der);
        let (Ok((_, list)), Ok((_, authority))) = (list, X509Certificate::from_der(authority)) else { return false };
        list.issuer().as_raw() == authority.subject().as_raw()
    }

    fn of(der: CertificateRevocationListDer<'static>, number: usize) -> Result<Self, CrlError> {
        let malformed = |_| CrlError::Malformed(number);
        let (rest, list) = CertificateRevocationList::from_der(&der).map_err(|_| CrlError::Malformed(number))?;
        if !rest.is_empty() || !begins_sequence(&der) {
            return Err(CrlError::Malformed(number));
        }
        let made_at = seconds(list.last_update()).map_err(malformed)?;
        let ends_at = seconds(list.next_update().ok_or(CrlError::Endless(number))?).map_err(malformed)?;
        Ok(Self { der, made_at, ends_at })
    }
}
