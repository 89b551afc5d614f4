//! Revocation lists and exchanged authorities: at the last second and one past it, for a handshake and for a connection that
//! stands already.

use super::client;
use super::now;
use super::shake;
use super::trusting;
use crate::clock::UnixSeconds;
use crate::crypto::ClientTrust;
use crate::crypto::Crl;
use crate::crypto::CrlError;
use crate::crypto::Distrust;
use crate::crypto::Standing;
use crate::devkit::Authority;
use crate::devkit::Issued;
use crate::devkit::Leaf;
use crate::devkit::Pki;
use crate::devkit::Validity;
use std::sync::Arc;

/// An authority of long life with two clients of long life.
struct World {
    authority: Authority,
    good: Issued,
    bad: Issued,
}

const BEGIN: UnixSeconds = UnixSeconds::new(1_000_000_000);

fn lasting(seconds: u64) -> Validity {
    Validity { from: BEGIN, until: BEGIN.plus(seconds) }
}

impl World {
    fn new() -> Self {
        let authority = Authority::new("authority", lasting(10_000)).unwrap();
        let client = |name: &str| authority.issue(&Leaf::client(name, lasting(10_000))).unwrap();
        let (good, bad) = (client("spiffe://a/good"), client("spiffe://a/bad"));
        Self { authority, good, bad }
    }

    /// A list of this authority that names these, good for so many seconds.
    fn list(&self, revoked: &[&Issued], seconds: u64) -> Vec<Crl> {
        Crl::parse(self.authority.crl(revoked, lasting(seconds)).unwrap().as_bytes()).unwrap()
    }

    fn trust(&self, lists: Vec<Crl>) -> Arc<ClientTrust> {
        Arc::new(ClientTrust::new(vec![self.authority.root()], lists).unwrap())
    }
}

fn standing(trust: &Arc<ClientTrust>, issued: &Issued) -> Standing {
    Standing::new(Arc::clone(trust), &[issued.der()]).unwrap()
}

#[test]
fn whom_a_list_names_is_revoked_from_the_moment_that_the_list_is_in_force() {
    let world = World::new();
    let trust = world.trust(world.list(&[], 5_000));
    let (good, bad) = (standing(&trust, &world.good), standing(&trust, &world.bad));
    let at = BEGIN.plus(100);
    assert_eq!((good.check(at), bad.check(at)), (Ok(()), Ok(())));
    trust.replace(vec![world.authority.root()], world.list(&[&world.bad], 5_000)).unwrap();
    assert_eq!((good.check(at), bad.check(at)), (Ok(()), Err(Distrust::Revoked)));
    trust.replace(vec![world.authority.root()], world.list(&[], 5_000)).unwrap();
    assert_eq!(bad.check(at), Ok(()), "the list in force decides, and no earlier one");
}

#[test]
fn a_list_speaks_until_its_last_second_and_then_nobody_is_let_in() {
    let world = World::new();
    let trust = world.trust(world.list(&[&world.bad], 5_000));
    let good = standing(&trust, &world.good);
    let last = BEGIN.plus(4_999);
    assert_eq!((good.check(last), trust.list_ran_out(last)), (Ok(()), false));
    assert_eq!((good.check(last.plus(1)), trust.list_ran_out(last.plus(1))), (Err(Distrust::Untrusted), true));
    trust.replace(vec![world.authority.root()], world.list(&[], 6_000)).unwrap();
    assert_eq!((good.check(last.plus(1)), trust.list_ran_out(last.plus(1))), (Ok(()), false));
}

#[test]
fn a_list_of_somebody_else_says_nothing_and_that_is_not_enough() {
    let world = World::new();
    let other = Authority::new("authority", lasting(10_000)).unwrap();
    let third = Authority::new("third", lasting(10_000)).unwrap();
    // The same name with another key, and another name.
    for stranger in [&other, &third] {
        let list = Crl::parse(stranger.crl(&[], lasting(5_000)).unwrap().as_bytes()).unwrap();
        let trust = world.trust(list);
        assert_eq!(standing(&trust, &world.good).check(BEGIN.plus(1)), Err(Distrust::Untrusted));
    }
}

#[test]
fn an_authority_speaks_within_its_validity_and_while_it_is_trusted() {
    let world = World::new();
    let brief = Authority::new("brief", lasting(50)).unwrap();
    let client = brief.issue(&Leaf::client("spiffe://a/b", lasting(10_000))).unwrap();
    let roots = || vec![brief.root(), world.authority.root()];
    let trust = Arc::new(ClientTrust::new(roots(), Vec::new()).unwrap());
    let (of_brief, of_world) = (standing(&trust, &client), standing(&trust, &world.good));
    assert_eq!(of_brief.check(BEGIN.plus(50)), Ok(()));
    assert_eq!(of_brief.check(BEGIN.plus(51)), Err(Distrust::Untrusted), "the authority's last second is over");
    assert_eq!(of_world.check(BEGIN.plus(51)), Ok(()), "the other one goes on");
    assert_eq!(of_brief.check(BEGIN.plus(50)), Ok(()), "time is the clock's");
    trust.replace(vec![world.authority.root()], Vec::new()).unwrap();
    assert_eq!(of_brief.check(BEGIN.plus(50)), Err(Distrust::Untrusted), "trusted no longer");
    assert_eq!(of_world.check(BEGIN.plus(10_000)), Ok(()));
    assert_eq!(of_world.check(BEGIN.plus(10_001)), Err(Distrust::OutOfTime));
    assert_eq!(of_world.check(UnixSeconds::new(BEGIN.get() - 1)), Err(Distrust::OutOfTime));
    // What all authorities have outlived is no reason not to start: it lets nobody in.
    let trust = Arc::new(ClientTrust::new(vec![brief.root()], Vec::new()).unwrap());
    assert_eq!(standing(&trust, &client).check(BEGIN.plus(51)), Err(Distrust::Untrusted));
}

#[tokio::test]
async fn a_revoked_client_gets_no_handshake_and_nobody_does_once_the_list_has_run_out() {
    let pki = Pki::new(now()).unwrap();
    let hour = |from: u64, until: u64| Validity { from: UnixSeconds::new(from), until: UnixSeconds::new(until) };
    let good_for = |revoked: &[&Issued], from, until| {
        let list = pki.backend_authority.crl(revoked, hour(from, until)).unwrap();
        let lists = Crl::parse(list.as_bytes()).unwrap();
        Arc::new(ClientTrust::new(vec![pki.backend_authority.root()], lists).unwrap())
    };
    let at = now().get();
    let trust = good_for(&[], at - 100, at + 3_600);
    assert!(shake(trusting(&pki, trust), client(&pki, Some(&pki.backend))).await.is_ok());
    for (trust, fault) in [
        (good_for(&[&pki.backend], at - 100, at + 3_600), "Revoked"),
        (good_for(&[], at - 3_600, at - 1), "ExpiredRevocationList"),
    ] {
        let error = shake(trusting(&pki, trust), client(&pki, Some(&pki.backend))).await.unwrap_err();
        assert!(format!("{error:?}").contains(fault), "{error:?}");
    }
}

#[test]
fn a_file_of_lists_is_pem_or_der_and_nothing_else() {
    let world = World::new();
    let pem = world.authority.crl(&[&world.bad], lasting(5_000)).unwrap();
    let one = &Crl::parse(pem.as_bytes()).unwrap()[0];
    assert_eq!((one.made_at, one.ends_at), (BEGIN, BEGIN.plus(5_000)));
    assert_eq!(Crl::parse(&one.der).unwrap()[0].ends_at, one.ends_at);
    assert_eq!(Crl::parse(format!("{pem}{pem}").as_bytes()).unwrap().len(), 2);
    assert!(matches!(Crl::parse(b""), Err(CrlError::Malformed(1))));
    assert!(matches!(Crl::parse(world.authority.pem().as_bytes()), Err(CrlError::Malformed(1))));
    assert!(matches!(Crl::parse(&[&one.der[..], &[0]].concat()), Err(CrlError::Malformed(1))));
    assert!(matches!(Crl::parse(&pem.as_bytes()[..pem.len() - 20]), Err(CrlError::NotPem)));
    for first in
        [" -----BEGIN X509 CRL-----", "----BEGIN X509 CRL-----", "-----BEGIN X509CRL-----", "-----BEGIN CRL-----"]
    {
        let broken = pem.replace("-----BEGIN X509 CRL-----", first);
        assert!(Crl::parse(broken.as_bytes()).is_err(), "{first}");
        assert!(
            matches!(Crl::parse(format!("{pem}{broken}").as_bytes()), Err(CrlError::NotPem)),
            "{first} behind another"
        );
    }
    for length in 0..one.der.len() {
        assert!(Crl::parse(&one.der[..length]).is_err(), "{length} bytes of it");
    }
}
