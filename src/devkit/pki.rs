//! A development PKI: authorities in memory, and certificates for clients and servers, also ones that must be refused.
//!
//! Keys are P-256. Key files are created with mode 0600 and never overwritten; authorities' keys are not written at all,
//! so what a folder holds can issue nothing. Times come as arguments.

use crate::clock::UnixSeconds;
use crate::crypto::Certificate;
use crate::crypto::CertificateError;
use crate::crypto::TlsFileError;
use crate::crypto::TlsIdentity;
use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertificateRevocationListParams;
use rcgen::CertifiedIssuer;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::KeyIdMethod;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rcgen::RevokedCertParams;
use rcgen::SanType;
use rcgen::SerialNumber;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

/// The name that the development backend's certificate bears.
pub const BACKEND: &str = "spiffe://prop.example/backend";
/// The name by which the gateway calls on the development partner.
pub const GATEWAY: &str = "spiffe://prop.example/portcullis";
/// The name by which it calls on the development partner that runs the barriers.
pub const GATEWAY_AT_PARKLINE: &str = "spiffe://prop.example/portcullis-at-parkline";

/// The name by which the development partner calls on the gateway.
pub const PARTNER_PEER: &str = "spiffe://smarthome.example/events";

/// From when until when, both included.
#[derive(Clone, Copy, Debug)]
pub struct Validity {
    /// The first second.
    pub from: UnixSeconds,
    /// The last second.
    pub until: UnixSeconds,
}

/// What a certificate says that it is for (RFC 5280 §4.2.1.12).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Usage {
    /// `clientAuth`
    Client,
    /// `serverAuth`
    Server,
    /// `anyExtendedKeyUsage`
    Any,
}

/// What a certificate shall say.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// URIs of the subjectAltName.
    pub uris: Vec<String>,
    /// DNS names and addresses of the subjectAltName.
    pub hosts: Vec<String>,
    /// Extended key usages; none leaves the extension out.
    pub usages: Vec<Usage>,
    /// When it is valid.
    pub validity: Validity,
}

/// An authority with its key.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate that was issued, with its key.
pub struct Issued {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

/// Why there is no PKI.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// The library did not make it: a name that is no IA5 text, a time that is none.
    #[error("cannot issue a certificate")]
    Issue(#[source] rcgen::Error),
    /// What was made cannot be used.
    #[error("cannot use the certificate")]
    Use(#[source] TlsFileError),
    /// What was made cannot be read.
    #[error("cannot read the certificate")]
    Read(#[source] CertificateError),
    /// A file cannot be written.
    #[error("cannot write `{0}`")]
    Write(PathBuf, #[source] std::io::Error),
}

/// Everything that a gateway, a backend and a partner need to speak with each other.
pub struct Pki {
    /// Signs the gateway's server certificate.
    pub gateway_authority: Authority,
    /// Signs backends' client certificates.
    pub backend_authority: Authority,
    /// Signs the partner's server certificate and the gateway's client certificate for it.
    pub partner_authority: Authority,
    /// Signs partners' client certificates.
    pub partner_client_authority: Authority,
    /// The gateway's certificate as a server, for `localhost` and loopback addresses.
    pub gateway: Issued,
    /// The backend's client certificate.
    pub backend: Issued,
    /// The partner's server certificate, for `localhost`, `partner.example` and loopback addresses.
    pub partner: Issued,
    /// The gateway's client certificate for the partner.
    pub gateway_at_partner: Issued,
    /// Signs what the partner that runs the barriers and the gateway show each other.
    pub parkline_authority: Authority,
    /// That partner's server certificate, for `parkline.example`.
    pub parkline: Issued,
    /// The gateway's client certificate for that partner.
    pub gateway_at_parkline: Issued,
    /// The partner's client certificate for the gateway.
    pub partner_client: Issued,
}

/// Where [`Pki::write`] put what.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each is the file of that field of `Pki`; `_key` is its private key, mode 0600")]
pub struct PkiFiles {
    pub gateway_authority: PathBuf,
    pub backend_authority: PathBuf,
    pub partner_authority: PathBuf,
    pub partner_client_authority: PathBuf,
    pub gateway: PathBuf,
    pub gateway_key: PathBuf,
    pub backend: PathBuf,
    pub backend_key: PathBuf,
    pub partner: PathBuf,
    pub partner_key: PathBuf,
    pub gateway_at_partner: PathBuf,
    pub gateway_at_partner_key: PathBuf,
    pub parkline_authority: PathBuf,
    pub parkline: PathBuf,
    pub parkline_key: PathBuf,
    pub gateway_at_parkline: PathBuf,
    pub gateway_at_parkline_key: PathBuf,
    pub partner_client: PathBuf,
    pub partner_client_key: PathBuf,
}

impl Validity {
    /// From an hour before `now` to a day after it.
    #[must_use]
    pub fn a_day_from(now: UnixSeconds) -> Self {
        Self { from: UnixSeconds::new(now.get().saturating_sub(3_600)), until: now.plus(86_400) }
    }
}

impl Leaf {
    /// A client's certificate that names it by a URI.
    #[must_use]
    pub fn client(uri: &str, validity: Validity) -> Self {
        Self { uris: vec![uri.to_owned()], hosts: Vec::new(), usages: vec![Usage::Client], validity }
    }

    /// A server's certificate for these hosts and addresses.
    #[must_use]
    pub fn server(hosts: &[&str], validity: Validity) -> Self {
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        Self { uris: Vec::new(), hosts, usages: vec![Usage::Server], validity }
    }

    /// The same for other usages.
    #[must_use]
    pub fn used_for(self, usages: &[Usage]) -> Self {
        Self { usages: usages.to_vec(), ..self }
    }

    /// What it says in rcgen's words, below a subject that begins with these parts.
    pub(super) fn params(&self, subject: &[(DnType, &str)]) -> Result<CertificateParams, PkiError> {
        let name = self.uris.first().or_else(|| self.hosts.first()).map_or("nobody", String::as_str);
        let mut params = params(subject, name, self.validity);
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.is_ca = IsCa::ExplicitNoCa;
        for uri in &self.uris {
            params.subject_alt_names.push(SanType::URI(uri.as_str().try_into().map_err(PkiError::Issue)?));
        }
        for host in &self.hosts {
            params.subject_alt_names.push(match host.parse::<IpAddr>() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName(host.as_str().try_into().map_err(PkiError::Issue)?),
            });
        }
        params.extended_key_usages = self.usages.iter().map(|usage| usage.purpose()).collect();
        Ok(params)
    }
}

impl Authority {
    /// A new authority, of that name.
    ///
    /// # Errors
    /// [`PkiError::Issue`].
    pub fn new(name: &str, validity: Validity) -> Result<Self, PkiError> {
        let params = authority_params(&[], name, validity);
        let key = KeyPair::generate().map_err(PkiError::Issue)?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(PkiError::Issue)?;
        Ok(Self { issuer })
    }

    /// The authority's certificate, to trust.
    #[must_use]
    pub fn root(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// The same in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A revocation list in PEM that names `revoked`, made at the first second of `validity` and good until its last.
    ///
    /// # Errors
    /// [`PkiError::Issue`], [`PkiError::Read`].
    pub fn crl(&self, revoked: &[&Issued], validity: Validity) -> Result<String, PkiError> {
        let serials = revoked.iter().map(|issued| Ok(issued.parsed()?.serial));
        let serials = serials.collect::<Result<Vec<_>, PkiError>>()?;
        let params = crl_params(&serials, validity.from.get(), validity);
        params.signed_by(&self.issuer).and_then(|list| list.pem()).map_err(PkiError::Issue)
    }

    /// Issues a certificate with a new key.
    ///
    /// # Errors
    /// [`PkiError::Issue`].
    pub fn issue(&self, leaf: &Leaf) -> Result<Issued, PkiError> {
        let params = leaf.params(&[])?;
        let key = KeyPair::generate().map_err(PkiError::Issue)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(PkiError::Issue)?;
        Ok(Issued { certificate, key })
    }
}

impl Issued {
    /// The certificate.
    #[must_use]
    pub fn der(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    /// The certificate as the gateway reads it.
    ///
    /// # Errors
    /// [`PkiError::Read`].
    pub fn parsed(&self) -> Result<Certificate, PkiError> {
        Certificate::parse(&self.der()).map_err(PkiError::Read)
    }

    /// Certificate and key, for a TLS configuration.
    ///
    /// # Errors
    /// [`PkiError::Use`].
    pub fn identity(&self) -> Result<TlsIdentity, PkiError> {
        let key = PrivateKeyDer::Pkcs8(self.key.serialize_der().into());
        TlsIdentity::of(vec![self.der()], key).map_err(PkiError::Use)
    }

    /// Writes `<stem>.pem` and `<stem>.key`, the latter with mode 0600; neither may be there already.
    ///
    /// # Errors
    /// [`PkiError::Write`].
    pub fn write(&self, folder: &Path, stem: &str) -> Result<(PathBuf, PathBuf), PkiError> {
        let certificate = folder.join(format!("{stem}.pem"));
        let key = folder.join(format!("{stem}.key"));
        write_new(&certificate, self.certificate.pem(), 0o644)?;
        write_new(&key, self.key.serialize_pem(), 0o600)?;
        Ok((certificate, key))
    }
}

impl Pki {
    /// A new PKI, valid from an hour before `now` to a day after it.
    ///
    /// # Errors
    /// [`PkiError::Issue`].
    pub fn new(now: UnixSeconds) -> Result<Self, PkiError> {
        let validity = Validity::a_day_from(now);
        let gateway_authority = Authority::new("development gateway authority", validity)?;
        let backend_authority = Authority::new("development backend authority", validity)?;
        let partner_authority = Authority::new("development partner authority", validity)?;
        let parkline_authority = Authority::new("development barrier partner authority", validity)?;
        let partner_client_authority = Authority::new("development authority of partners' clients", validity)?;
        let here = ["localhost", "127.0.0.1", "::1"];
        let partner = ["localhost", "partner.example", "127.0.0.1", "::1"];
        Ok(Self {
            gateway: gateway_authority.issue(&Leaf::server(&here, validity))?,
            backend: backend_authority.issue(&Leaf::client(BACKEND, validity))?,
            partner: partner_authority.issue(&Leaf::server(&partner, validity))?,
            gateway_at_partner: partner_authority.issue(&Leaf::client(GATEWAY, validity))?,
            parkline: parkline_authority.issue(&Leaf::server(&["parkline.example"], validity))?,
            gateway_at_parkline: parkline_authority.issue(&Leaf::client(GATEWAY_AT_PARKLINE, validity))?,
            partner_client: partner_client_authority.issue(&Leaf::client(PARTNER_PEER, validity))?,
            gateway_authority,
            backend_authority,
            partner_authority,
            parkline_authority,
            partner_client_authority,
        })
    }

    /// Writes all certificates and the keys that are not authorities'.
    ///
    /// # Errors
    /// [`PkiError::Write`].
    pub fn write(&self, folder: &Path) -> Result<PkiFiles, PkiError> {
        let authority = |authority: &Authority, stem: &str| {
            let path = folder.join(format!("{stem}.pem"));
            write_new(&path, authority.pem(), 0o644).map(|()| path)
        };
        let (gateway, gateway_key) = self.gateway.write(folder, "gateway")?;
        let (backend, backend_key) = self.backend.write(folder, "backend")?;
        let (partner, partner_key) = self.partner.write(folder, "partner")?;
        let (gateway_at_partner, gateway_at_partner_key) =
            self.gateway_at_partner.write(folder, "gateway-at-partner")?;
        let (parkline, parkline_key) = self.parkline.write(folder, "parkline")?;
        let (gateway_at_parkline, gateway_at_parkline_key) =
            self.gateway_at_parkline.write(folder, "gateway-at-parkline")?;
        let (partner_client, partner_client_key) = self.partner_client.write(folder, "partner-client")?;
        Ok(PkiFiles {
            gateway_authority: authority(&self.gateway_authority, "gateway-authority")?,
            backend_authority: authority(&self.backend_authority, "backend-authority")?,
            partner_authority: authority(&self.partner_authority, "partner-authority")?,
            partner_client_authority: authority(&self.partner_client_authority, "partner-clients")?,
            gateway,
            gateway_key,
            backend,
            backend_key,
            partner,
            partner_key,
            gateway_at_partner,
            gateway_at_partner_key,
            parkline_authority: authority(&self.parkline_authority, "parkline-authority")?,
            parkline,
            parkline_key,
            gateway_at_parkline,
            gateway_at_parkline_key,
            partner_client,
            partner_client_key,
        })
    }
}

impl Usage {
    const fn purpose(self) -> ExtendedKeyUsagePurpose {
        match self {
            Self::Client => ExtendedKeyUsagePurpose::ClientAuth,
            Self::Server => ExtendedKeyUsagePurpose::ServerAuth,
            Self::Any => ExtendedKeyUsagePurpose::Any,
        }
    }
}

/// A list of these serial numbers, made at the first second of `validity` and good until its last.
pub(super) fn crl_params(serials: &[Box<[u8]>], number: u64, validity: Validity) -> CertificateRevocationListParams {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let this_update = epoch + Duration::from_secs(validity.from.get());
    let entry = |serial: &[u8]| RevokedCertParams {
        serial_number: SerialNumber::from_slice(serial),
        revocation_time: this_update,
        reason_code: None,
        invalidity_date: None,
    };
    CertificateRevocationListParams {
        this_update,
        next_update: epoch + Duration::from_secs(validity.until.get()),
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs: serials.iter().map(|serial| entry(serial)).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    }
}

/// What an authority says, whose subject begins with these parts and ends with its name.
pub(super) fn authority_params(subject: &[(DnType, &str)], name: &str, validity: Validity) -> CertificateParams {
    let mut params = params(subject, name, validity);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn params(subject: &[(DnType, &str)], name: &str, validity: Validity) -> CertificateParams {
    let mut params = CertificateParams::default();
    for (kind, text) in subject {
        params.distinguished_name.push(kind.clone(), *text);
    }
    params.distinguished_name.push(DnType::CommonName, name);
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(validity.from.get());
    params.not_after = epoch + Duration::from_secs(validity.until.get());
    params
}

/// Writes a file that must not be there yet.
pub(super) fn write_new(path: &Path, content: impl AsRef<[u8]>, mode: u32) -> Result<(), PkiError> {
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let written = file.and_then(|mut file| file.write_all(content.as_ref()));
    written.map_err(|error| PkiError::Write(path.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SubjectName;
    use crate::crypto::read_certificates;
    use std::os::unix::fs::PermissionsExt;

    const NOW: UnixSeconds = UnixSeconds::new(1_790_000_000);

    #[test]
    fn what_is_issued_says_what_it_shall() {
        let authority = Authority::new("authority", Validity::a_day_from(NOW)).unwrap();
        let validity = Validity { from: UnixSeconds::new(1_000), until: UnixSeconds::new(2_000_000_000) };
        let leaf = Leaf { hosts: vec!["a.example".to_owned()], ..Leaf::client("spiffe://a/b", validity) };
        let certificate = authority.issue(&leaf).unwrap().parsed().unwrap();
        assert_eq!(certificate.names, [SubjectName::Uri("spiffe://a/b".into()), SubjectName::Dns("a.example".into())]);
        assert_eq!((certificate.not_before, certificate.not_after), (validity.from, validity.until));
        assert!(certificate.client_auth && !certificate.server_auth);
        let certificate = authority.issue(&leaf.used_for(&[Usage::Any])).unwrap().parsed().unwrap();
        assert!(!certificate.client_auth && !certificate.server_auth);
    }

    #[test]
    fn files_are_read_back_and_keys_are_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let files = Pki::new(NOW).unwrap().write(folder.path()).unwrap();
        for (certificate, key) in [
            (&files.gateway, &files.gateway_key),
            (&files.backend, &files.backend_key),
            (&files.partner, &files.partner_key),
            (&files.gateway_at_partner, &files.gateway_at_partner_key),
            (&files.parkline, &files.parkline_key),
            (&files.gateway_at_parkline, &files.gateway_at_parkline_key),
        ] {
            assert!(TlsIdentity::read(certificate, key).is_ok(), "{}", certificate.display());
            assert_eq!(fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
        }
        for authority in
            [&files.gateway_authority, &files.backend_authority, &files.partner_authority, &files.parkline_authority]
        {
            assert_eq!(read_certificates(authority).unwrap().len(), 1);
        }
        assert!(
            matches!(Pki::new(NOW).unwrap().write(folder.path()), Err(PkiError::Write(..))),
            "nothing is overwritten"
        );
    }
}
