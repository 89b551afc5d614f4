//! What we ask of an X.509 certificate (RFC 5280): its thumbprint, its names, its times, its serial, what it is for.
//!
//! A certificate is parsed once per connection. Whether it is *trusted* (chain, signature, revocation) webpki has decided
//! before; here it is only read. Names are those of the subjectAltName; the subject's common name is not looked at.

use crate::clock::UnixSeconds;
use crate::crypto::digest::sha256;
use crate::model::Sha256;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

/// A parsed certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    /// SHA-256 of the DER encoding: `x5t#S256` of RFC 8705 §3.1.
    pub thumbprint: Sha256,
    /// URI and DNS names of the subjectAltName, in its order; those of other kinds are left out.
    pub names: Vec<SubjectName>,
    /// The first second in which it is valid.
    pub not_before: UnixSeconds,
    /// The last second in which it is valid.
    pub not_after: UnixSeconds,
    /// The serial number's bytes, big end first.
    pub serial: Box<[u8]>,
    /// Whether the extended key usage names clientAuth itself; `anyExtendedKeyUsage` does not count.
    pub client_auth: bool,
    /// Whether the extended key usage names serverAuth itself.
    pub server_auth: bool,
}

/// One name of a subjectAltName: visible ASCII, not empty.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum SubjectName {
    /// `uniformResourceIdentifier`, for instance `spiffe://prop.example/backend`.
    Uri(Box<str>),
    /// `dNSName`.
    Dns(Box<str>),
}

/// Why bytes are no certificate that we can use.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CertificateError {
    /// Not DER, or not a certificate, or something follows it.
    #[error("certificate is malformed")]
    Malformed,
    /// An extension stands twice, or is not what its type says.
    #[error("certificate has a malformed or repeated extension")]
    Extension,
    /// A URI or DNS name is empty or holds something else than visible ASCII.
    #[error("certificate has a malformed subject alternative name")]
    Name,
    /// A time before 1970.
    #[error("certificate has a time before 1970")]
    Time,
}

impl Certificate {
    /// Reads a certificate from its DER encoding.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn parse(der: &[u8]) -> Result<Self, CertificateError> {
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
        if !rest.is_empty() || !begins_sequence(der) {
            return Err(CertificateError::Malformed);
        }
        let usage = parsed.extended_key_usage().map_err(|_| CertificateError::Extension)?;
        Ok(Self {
            thumbprint: sha256(der),
            names: names(&parsed)?,
            not_before: seconds(parsed.validity().not_before)?,
            not_after: seconds(parsed.validity().not_after)?,
            serial: parsed.raw_serial().into(),
            client_auth: usage.as_ref().is_some_and(|usage| usage.value.client_auth),
            server_auth: usage.as_ref().is_some_and(|usage| usage.value.server_auth),
        })
    }

    /// SHA-256 of a certificate's DER encoding and of its public key's (SubjectPublicKeyInfo, RFC 5280 §4.1.2.7): by either it
    /// can be pinned.
    ///
    /// # Errors
    /// [`CertificateError::Malformed`].
    pub fn pins(der: &[u8]) -> Result<[Sha256; 2], CertificateError> {
        let (_, parsed) = X509Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
        Ok([sha256(der), sha256(parsed.public_key().raw)])
    }

    /// Whether a DNS name of it is `host`, in lower case, or a wildcard for it (RFC 9525 §6.3: `*` is one whole label, the
    /// leftmost, and there is more than one other).
    #[must_use]
    pub fn is_for_host(&self, host: &str) -> bool {
        let parent = host.split_once('.').map(|(_, parent)| parent).filter(|parent| parent.contains('.'));
        self.names.iter().any(|name| match name {
            SubjectName::Dns(name) => {
                let name = name.to_ascii_lowercase();
                name == host || name.strip_prefix("*.").is_some_and(|of| Some(of) == parent)
            }
            SubjectName::Uri(_) => false,
        })
    }

    /// Whether `now` lies within the certificate's validity, both ends included (RFC 5280 §4.1.2.5).
    #[must_use]
    pub fn is_valid_at(&self, now: UnixSeconds) -> bool {
        self.not_before <= now && now <= self.not_after
    }
}

fn names(parsed: &X509Certificate<'_>) -> Result<Vec<SubjectName>, CertificateError> {
    let Some(extension) = parsed.subject_alternative_name().map_err(|_| CertificateError::Extension)? else {
        return Ok(Vec::new());
    };
    let mut names = Vec::with_capacity(extension.value.general_names.len());
    for name in &extension.value.general_names {
        let (text, made): (&str, fn(Box<str>) -> SubjectName) = match name {
            GeneralName::URI(text) => (text, SubjectName::Uri),
            GeneralName::DNSName(text) => (text, SubjectName::Dns),
            _ => continue,
        };
        // The parser takes any UTF-8 for IA5String; a name that prints as another one must not come in.
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CertificateError::Name);
        }
        names.push(made(text.into()));
    }
    Ok(names)
}

/// Whether this begins as DER of a SEQUENCE does (X.690 §8.9.1): the parser takes one that is not constructed, too.
pub(super) fn begins_sequence(der: &[u8]) -> bool {
    der.first() == Some(&0x30)
}

/// A time of ASN.1.
pub(super) fn seconds(time: ASN1Time) -> Result<UnixSeconds, CertificateError> {
    u64::try_from(time.timestamp()).map(UnixSeconds::new).map_err(|_| CertificateError::Time)
}
