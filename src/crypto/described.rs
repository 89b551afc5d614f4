//! What a certificate says, for people who look at it: more than a decision needs, and also of one that we would not take.
//!
//! Nothing here decides who is trusted. All text is what stands in the certificate, as whoever made it wrote it: it is shown
//! only by way of what spells out control characters.
//!
//! The development kit marks what it issues by the organisation of its subject ([`DEVELOPMENT_ORGANIZATION`]), so that a
//! gateway for people's doors can tell such a certificate from one that somebody answers for.

use crate::clock::UnixSeconds;
use crate::crypto::certificate::CertificateError;
use crate::crypto::certificate::begins_sequence;
use crate::crypto::certificate::seconds;
use crate::crypto::digest::sha256;
use crate::model::Sha256;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;

/// The organisation (`O`) in the subject of what the development kit issues.
pub const DEVELOPMENT_ORGANIZATION: &str = "Portcullis development";

/// Kinds of keys: on elliptic curves (RFC 5480 §2.1.1), and Ed25519 (RFC 8410 §3).
const ID_EC_PUBLIC_KEY: &str = "1.2.840.10045.2.1";
const ID_ED25519: &str = "1.3.101.112";

/// What a certificate says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DescribedCertificate {
    /// The subject, in one line.
    pub subject: String,
    /// Its common name, where it has exactly one that is text.
    pub common_name: Option<String>,
    /// Who signed it, by its own account.
    pub issuer: String,
    /// The serial number, in hexadecimal.
    pub serial: String,
    /// The subject's alternative names, each with its kind.
    pub names: Vec<(&'static str, String)>,
    /// What it is for: names of extended key usages, identifiers of those that have none here.
    pub purposes: Vec<String>,
    /// Whether it may sign others (`cA`).
    pub is_authority: bool,
    /// The kind of its key, with its size where that says something.
    pub key: String,
    /// The first second in which it is valid.
    pub not_before: UnixSeconds,
    /// The last second in which it is valid.
    pub not_after: UnixSeconds,
    /// SHA-256 of the certificate: a pin, and `x5t#S256` (RFC 8705 §3.1).
    pub thumbprint: Sha256,
    /// SHA-256 of the public key (SubjectPublicKeyInfo): the other pin.
    pub public_key: Sha256,
    /// Whether its subject, or that of its issuer, bears [`DEVELOPMENT_ORGANIZATION`].
    pub is_for_development: bool,
}

impl DescribedCertificate {
    /// Reads what the DER encoding of a certificate says.
    ///
    /// # Errors
    /// [`CertificateError`]; a name that we would not take is none here.
    pub fn of(der: &[u8]) -> Result<Self, CertificateError> {
        let parsed = whole(der)?;
        let extended = parsed.extended_key_usage().map_err(|_| CertificateError::Extension)?;
        let named = parsed.subject_alternative_name().map_err(|_| CertificateError::Extension)?;
        let basic = parsed.basic_constraints().map_err(|_| CertificateError::Extension)?;
        let mut common = parsed.subject().iter_common_name().map(|name| name.as_str().ok());
        let common_name = common.next().flatten().filter(|_| common.next().is_none());
        Ok(Self {
            subject: parsed.subject().to_string(),
            common_name: common_name.map(str::to_owned),
            issuer: parsed.issuer().to_string(),
            serial: parsed.raw_serial().iter().map(|byte| format!("{byte:02x}")).collect(),
            names: named.map(|names| names.value.general_names.iter().map(name_of).collect()).unwrap_or_default(),
            purposes: extended.map(|usage| purposes(usage.value)).unwrap_or_default(),
            is_authority: basic.is_some_and(|basic| basic.value.ca),
            key: key_of(&parsed),
            not_before: seconds(parsed.validity().not_before)?,
            not_after: seconds(parsed.validity().not_after)?,
            thumbprint: sha256(der),
            public_key: sha256(parsed.public_key().raw),
            is_for_development: is_marked(&parsed),
        })
    }
}

/// Whether a certificate was made for development, by its own account or that of its issuer. What cannot be read was not.
#[must_use]
pub fn is_for_development(der: &[u8]) -> bool {
    whole(der).is_ok_and(|parsed| is_marked(&parsed))
}

/// Whether a certificate names this authority as its issuer: by its subject, byte for byte, and its key's identifier (RFC 5280
/// §4.2.1.1). No signature is verified.
#[must_use]
pub fn names_as_issuer(certificate: &[u8], authority: &[u8]) -> bool {
    let (Ok(certificate), Ok(authority)) = (whole(certificate), whole(authority)) else { return false };
    let of_issuer = certificate.iter_extensions().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(id) => id.key_identifier.as_ref().map(|id| id.0),
        _ => None,
    });
    let own = authority.iter_extensions().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0),
        _ => None,
    });
    certificate.issuer().as_raw() == authority.subject().as_raw() && of_issuer.is_some() && of_issuer == own
}

fn whole(der: &[u8]) -> Result<X509Certificate<'_>, CertificateError> {
    let (rest, parsed) = X509Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
    if rest.is_empty() && begins_sequence(der) { Ok(parsed) } else { Err(CertificateError::Malformed) }
}

fn is_marked(parsed: &X509Certificate<'_>) -> bool {
    let marked = |name: &x509_parser::x509::X509Name<'_>| {
        name.iter_organization().any(|one| one.as_str().is_ok_and(|text| text == DEVELOPMENT_ORGANIZATION))
    };
    marked(parsed.subject()) || marked(parsed.issuer())
}

fn name_of(name: &GeneralName<'_>) -> (&'static str, String) {
    match name {
        GeneralName::URI(text) => ("URI", (*text).to_owned()),
        GeneralName::DNSName(text) => ("DNS", (*text).to_owned()),
        GeneralName::RFC822Name(text) => ("email", (*text).to_owned()),
        GeneralName::DirectoryName(name) => ("directory", name.to_string()),
        GeneralName::RegisteredID(id) => ("id", id.to_id_string()),
        GeneralName::IPAddress(bytes) => match (<[u8; 4]>::try_from(*bytes), <[u8; 16]>::try_from(*bytes)) {
            (Ok(four), _) => ("IP", IpAddr::from(Ipv4Addr::from(four)).to_string()),
            (_, Ok(six)) => ("IP", IpAddr::from(Ipv6Addr::from(six)).to_string()),
            _ => ("IP", format!("{} bytes", bytes.len())),
        },
        GeneralName::OtherName(id, _) => ("other", id.to_id_string()),
        GeneralName::X400Address(_) => ("other", "X.400".to_owned()),
        GeneralName::EDIPartyName(_) => ("other", "EDI".to_owned()),
    }
}

fn purposes(usage: &x509_parser::extensions::ExtendedKeyUsage<'_>) -> Vec<String> {
    let named = [
        (usage.server_auth, "serverAuth"),
        (usage.client_auth, "clientAuth"),
        (usage.any, "anyExtendedKeyUsage"),
        (usage.code_signing, "codeSigning"),
        (usage.email_protection, "emailProtection"),
        (usage.time_stamping, "timeStamping"),
        (usage.ocsp_signing, "OCSPSigning"),
    ];
    let named = named.into_iter().filter(|(there, _)| *there).map(|(_, name)| name.to_owned());
    named.chain(usage.other.iter().map(x509_parser::der_parser::Oid::to_id_string)).collect()
}

fn key_of(parsed: &X509Certificate<'_>) -> String {
    let key = parsed.public_key();
    let kind = key.algorithm.algorithm.to_id_string();
    match (kind.as_str(), key.parsed()) {
        (_, Ok(PublicKey::RSA(rsa))) => format!("RSA {}", rsa.key_size()),
        (ID_EC_PUBLIC_KEY, Ok(PublicKey::EC(point))) => format!("EC {}", point.key_size()),
        (ID_ED25519, _) => "Ed25519".to_owned(),
        _ => kind,
    }
}
