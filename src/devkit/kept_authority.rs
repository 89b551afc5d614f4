//! A development authority that is kept: its certificate and its key in two files, so that it can issue and revoke later.
//!
//! What it issues bears the mark of development in its subject, and so does it itself; a gateway outside development refuses
//! both. An authority without that mark is not opened: this signs nothing in the name of one that somebody answers for.
//! Keys are for their owner alone (0600), and no file is overwritten but a revocation list, which each new one replaces.

use crate::clock::UnixSeconds;
use crate::crypto::Continued;
use crate::crypto::Crl;
use crate::crypto::CrlError;
use crate::crypto::DEVELOPMENT_ORGANIZATION;
use crate::crypto::DescribedCertificate;
use crate::crypto::names_as_issuer;
use crate::crypto::read_certificates;
use crate::crypto::sha256;
use crate::devkit::pki::Leaf;
use crate::devkit::pki::PkiError;
use crate::devkit::pki::Validity;
use crate::devkit::pki::authority_params;
use crate::devkit::pki::crl_params;
use crate::durable;
use crate::secret::Secret;
use rcgen::DnType;
use rcgen::Issuer;
use rcgen::KeyPair;
use rcgen::PublicKeyData;
use rustls_pki_types::CertificateDer;
use std::io;
use std::path::Path;
use std::path::PathBuf;

/// The mark of development, as the first part of a subject.
const MARK: &[(DnType, &str)] = &[(DnType::OrganizationName, DEVELOPMENT_ORGANIZATION)];

/// An authority and its key.
pub struct KeptAuthority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    file: PathBuf,
    /// The last second of its life.
    until: UnixSeconds,
}

/// Why an authority of these files issues nothing.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityFault {
    /// A certificate cannot be read.
    #[error("`{0}` holds no certificate that can be read: {1}")]
    Certificate(PathBuf, String),
    /// Its key cannot be read.
    #[error("the key of the authority, `{0}`, cannot be read: {1}")]
    Key(PathBuf, String),
    /// It is not one of these: no authority, or not marked.
    #[error("`{0}` is no development authority")]
    NotOurs(PathBuf),
    /// The key is another one's.
    #[error("`{0}` is not the key of the authority beside it")]
    AnothersKey(PathBuf),
    /// It is over, or not yet.
    #[error("the authority `{0}` is not valid now")]
    NotNow(PathBuf),
    /// A certificate is not of this authority.
    #[error("`{0}` was not issued by this authority")]
    NotIssuedHere(PathBuf),
    /// The list that is there is none of this authority.
    #[error("`{0}` is no revocation list of this authority")]
    List(PathBuf),
    /// Nothing could be made.
    #[error(transparent)]
    Pki(#[from] PkiError),
}

impl KeptAuthority {
    /// Makes an authority: `<stem>.pem` and `<stem>.key` in `folder`, neither of which is there yet.
    ///
    /// # Errors
    /// [`PkiError::Issue`], [`PkiError::Write`].
    pub fn make(folder: &Path, stem: &str, validity: Validity) -> Result<Self, PkiError> {
        let params = authority_params(MARK, stem, validity);
        let key = KeyPair::generate().map_err(PkiError::Issue)?;
        let certificate = params.self_signed(&key).map_err(PkiError::Issue)?;
        let file = folder.join(format!("{stem}.pem"));
        write(&file, certificate.pem().as_bytes(), 0o644)?;
        write(&file.with_extension("key"), key.serialize_pem().as_bytes(), 0o600)?;
        let certificate = certificate.der().clone();
        Ok(Self { issuer: Issuer::new(params, key), certificate, file, until: validity.until })
    }

    /// Opens the authority whose certificate lies in `file`, and its key beside it, in the file of the same name with the
    /// ending `key`.
    ///
    /// # Errors
    /// [`AuthorityFault`]: nothing else than what [`KeptAuthority::make`] made issues anything.
    pub fn open(file: &Path, now: UnixSeconds) -> Result<Self, AuthorityFault> {
        let (certificate, described) = certificate(file)?;
        let name = described.common_name.filter(|_| described.is_authority && described.is_for_development);
        let Some(name) = name else { return Err(AuthorityFault::NotOurs(file.to_owned())) };
        if now < described.not_before || described.not_after < now {
            return Err(AuthorityFault::NotNow(file.to_owned()));
        }
        let key_file = file.with_extension("key");
        let unreadable = |why: String| AuthorityFault::Key(key_file.clone(), why);
        let pem = Secret::read(&key_file).map_err(|error| unreadable(error.to_string()))?;
        let pem = std::str::from_utf8(pem.expose()).map_err(|_| unreadable("it is no PEM".to_owned()))?;
        let key = KeyPair::from_pem(pem).map_err(|_| unreadable("it is no private key in PEM".to_owned()))?;
        if sha256(&key.subject_public_key_info()) != described.public_key {
            return Err(AuthorityFault::AnothersKey(key_file));
        }
        let validity = Validity { from: described.not_before, until: described.not_after };
        let issuer = Issuer::new(authority_params(MARK, &name, validity), key);
        Ok(Self { issuer, certificate, file: file.to_owned(), until: described.not_after })
    }

    /// Issues a certificate with a new key as `<stem>.pem` and `<stem>.key` in `folder`, neither of which is there yet. It ends
    /// with its authority at the latest. Returns both files and its last second.
    ///
    /// # Errors
    /// [`AuthorityFault::NotOurs`] where the authority is not marked as what is issued here; [`AuthorityFault::Pki`].
    pub fn issue(
        &self,
        leaf: &Leaf,
        folder: &Path,
        stem: &str,
    ) -> Result<(PathBuf, PathBuf, UnixSeconds), AuthorityFault> {
        let until = leaf.validity.until.min(self.until);
        let leaf = Leaf { validity: Validity { until, ..leaf.validity }, ..leaf.clone() };
        let key = KeyPair::generate().map_err(PkiError::Issue)?;
        let issued = leaf.params(MARK)?.signed_by(&key, &self.issuer).map_err(PkiError::Issue)?;
        // Its name was put together anew from what its certificate says: one that says more would not be the issuer's name.
        if !names_as_issuer(issued.der(), &self.certificate) {
            return Err(AuthorityFault::NotOurs(self.file.clone()));
        }
        let file = folder.join(format!("{stem}.pem"));
        let key_file = folder.join(format!("{stem}.key"));
        if std::fs::symlink_metadata(&key_file).is_ok() {
            return Err(PkiError::Write(key_file, io::ErrorKind::AlreadyExists.into()).into());
        }
        write(&file, issued.pem().as_bytes(), 0o644)?;
        write(&key_file, key.serialize_pem().as_bytes(), 0o600)?;
        Ok((file, key_file, until))
    }

    /// Revokes the certificates in these files: the list `<authority>.crl` is made, or made anew with whom it named already. It
    /// is good until the last second of `validity`. Returns its file and how many it names.
    ///
    /// # Errors
    /// [`AuthorityFault`]; the list is then as it was.
    pub fn revoke(&self, files: &[PathBuf], validity: Validity) -> Result<(PathBuf, usize), AuthorityFault> {
        let list = self.file.with_extension("crl");
        let Continued { number, mut serials } = self.continued(&list)?;
        for file in files {
            let (issued, _) = certificate(file)?;
            if !names_as_issuer(&issued, &self.certificate) || issued == self.certificate {
                return Err(AuthorityFault::NotIssuedHere(file.clone()));
            }
            let parsed = crate::crypto::Certificate::parse(&issued);
            let serial = parsed.map_err(|error| AuthorityFault::Certificate(file.clone(), error.to_string()))?.serial;
            if !serials.contains(&serial) {
                serials.push(serial);
            }
        }
        // RFC 5280 §5.2.3: numbers grow, also within a second and when the clock was set back.
        let number = number.saturating_add(1).max(validity.from.get());
        let params = crl_params(&serials, number, validity);
        let pem = params.signed_by(&self.issuer).and_then(|list| list.pem()).map_err(PkiError::Issue)?;
        durable::replace(&list, pem.as_bytes()).map_err(|error| PkiError::Write(list.clone(), error))?;
        Ok((list, serials.len()))
    }

    /// What the list that is there says; nothing where there is none.
    fn continued(&self, list: &Path) -> Result<Continued, AuthorityFault> {
        let unusable = || AuthorityFault::List(list.to_owned());
        let read = match Crl::read(list) {
            Err(CrlError::Io(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(Continued::default()),
            read => read.map_err(|_| unusable())?,
        };
        match read.as_slice() {
            [one] if one.is_of(&self.certificate) => one.continued().map_err(|_| unusable()),
            _ => Err(unusable()),
        }
    }
}

/// The first certificate of a file.
fn certificate(file: &Path) -> Result<(CertificateDer<'static>, DescribedCertificate), AuthorityFault> {
    let unreadable = |why: String| AuthorityFault::Certificate(file.to_owned(), why);
    let chain = read_certificates(file).map_err(|error| unreadable(error.to_string()))?;
    let der = chain.into_iter().next().ok_or_else(|| unreadable("it is empty".to_owned()))?;
    let described = DescribedCertificate::of(&der).map_err(|error| unreadable(error.to_string()))?;
    Ok((der, described))
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), PkiError> {
    durable::create(path, bytes, mode).map_err(|error| PkiError::Write(path.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::is_for_development;
    use crate::devkit::pki::Authority;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    const NOW: UnixSeconds = UnixSeconds::new(1_790_000_000);

    fn days(days: u64) -> Validity {
        Validity { from: NOW, until: NOW.plus(days * 86_400) }
    }

    fn backend(validity: Validity) -> Leaf {
        Leaf::client("spiffe://prop.example/backend", validity)
    }

    #[test]
    fn an_authority_is_opened_again_and_what_it_issues_is_marked_and_ends_with_it() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path();
        KeptAuthority::make(folder, "backend-ca", days(2)).unwrap();
        let authority = KeptAuthority::open(&folder.join("backend-ca.pem"), NOW).unwrap();
        for (stem, wanted, given) in [("a", 1, 1), ("b", 2, 2), ("c", 3, 2)] {
            let (file, key, until) = authority.issue(&backend(days(wanted)), folder, stem).unwrap();
            assert_eq!(until, days(given).until, "{stem}");
            let chain = read_certificates(&file).unwrap();
            let parsed = crate::crypto::Certificate::parse(&chain[0]).unwrap();
            assert_eq!((parsed.not_after, parsed.client_auth), (until, true));
            assert!(is_for_development(&chain[0]));
            assert_eq!(fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let before = fs::read(folder.join("a.pem")).unwrap();
        let again = authority.issue(&backend(days(1)), folder, "a");
        assert!(matches!(again, Err(AuthorityFault::Pki(PkiError::Write(..)))), "nothing is overwritten");
        fs::remove_file(folder.join("a.pem")).unwrap();
        assert!(authority.issue(&backend(days(1)), folder, "a").is_err(), "nor the key alone");
        assert!(!folder.join("a.pem").exists() && !before.is_empty());
    }

    #[test]
    fn only_a_development_authority_with_its_own_key_and_in_its_time_is_opened() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path();
        KeptAuthority::make(folder, "ca", days(2)).unwrap();
        KeptAuthority::make(folder, "other", days(2)).unwrap();
        let file = folder.join("ca.pem");
        let opened = |now| KeptAuthority::open(&file, now).map(drop);
        assert!(opened(days(2).until).is_ok() && opened(NOW).is_ok());
        assert!(matches!(opened(days(2).until.plus(1)), Err(AuthorityFault::NotNow(_))));
        assert!(matches!(opened(UnixSeconds::new(NOW.get() - 1)), Err(AuthorityFault::NotNow(_))));
        fs::copy(folder.join("other.key"), folder.join("ca.key")).unwrap();
        assert!(matches!(opened(NOW), Err(AuthorityFault::AnothersKey(_))));
        fs::remove_file(folder.join("ca.key")).unwrap();
        assert!(matches!(opened(NOW), Err(AuthorityFault::Key(..))));
        // Somebody answers for this one: it bears no mark.
        fs::write(&file, Authority::new("ca", days(2)).unwrap().pem()).unwrap();
        assert!(matches!(opened(NOW), Err(AuthorityFault::NotOurs(_))));
        let (leaf, ..) = KeptAuthority::open(&folder.join("other.pem"), NOW)
            .unwrap()
            .issue(&backend(days(1)), folder, "leaf")
            .unwrap();
        assert!(matches!(KeptAuthority::open(&leaf, NOW), Err(AuthorityFault::NotOurs(_))), "a leaf issues nothing");
        fs::write(&file, "nothing").unwrap();
        assert!(matches!(opened(NOW), Err(AuthorityFault::Certificate(..))));
    }

    #[test]
    fn a_list_grows_and_names_only_what_was_issued_here() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path();
        let one = KeptAuthority::make(folder, "one", days(2)).unwrap();
        fs::create_dir(folder.join("elsewhere")).unwrap();
        let twin = KeptAuthority::make(&folder.join("elsewhere"), "one", days(2)).unwrap();
        let [a, b] = ["a", "b"].map(|stem| one.issue(&backend(days(1)), folder, stem).unwrap().0);
        let (foreign, ..) = twin.issue(&backend(days(1)), folder, "foreign").unwrap();
        let revoke = |file: &PathBuf| one.revoke(std::slice::from_ref(file), days(1)).map(|(_, count)| count);
        assert_eq!(revoke(&a).unwrap(), 1);
        let number = || Crl::read(&folder.join("one.crl")).unwrap()[0].continued().unwrap().number;
        let first = number();
        assert_eq!((revoke(&a).unwrap(), revoke(&b).unwrap()), (1, 2), "none stands twice, none is forgotten");
        assert_eq!(number(), first + 2, "also within one second");
        let before = fs::read(folder.join("one.crl")).unwrap();
        assert!(matches!(revoke(&foreign), Err(AuthorityFault::NotIssuedHere(_))), "one of the same name");
        assert!(matches!(revoke(&folder.join("one.pem")), Err(AuthorityFault::NotIssuedHere(_))), "nor itself");
        assert_eq!(fs::read(folder.join("one.crl")).unwrap(), before);
        let other = KeptAuthority::make(folder, "other", days(2)).unwrap();
        fs::write(folder.join("other.crl"), before).unwrap();
        assert!(matches!(other.revoke(&[], days(1)), Err(AuthorityFault::List(_))), "another one's list");
        fs::write(folder.join("one.crl"), "nothing").unwrap();
        assert!(matches!(revoke(&a), Err(AuthorityFault::List(_))));
    }
}
