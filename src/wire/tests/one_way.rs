//! What goes one way: it is delivered once the other side has read it to its end, and not before.

use super::LONG;
use super::Place;
use super::SHORT;
use super::client;
use super::pki;
use crate::clock::SystemClock;
use crate::clock::UnixSeconds;
use crate::crypto::Outward;
use crate::wire::Client;
use crate::wire::ExchangeFault;
use crate::wire::ExchangeFaultKind as Fault;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use std::net::Ipv4Addr;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// As much as no socket buffers hold.
const MUCH: usize = 8 * 1024 * 1024;

#[tokio::test]
async fn one_way_what_was_read_to_its_end_is_delivered_with_or_without_a_last_word_of_tls() {
    let place = Place::new().await;
    for says_goodbye in [true, false] {
        let sent = vec![7; MUCH];
        let (one_way, mut line) = tokio::join!(place.client.one_way(), place.accept());
        let server = async {
            let mut read = Vec::new();
            line.read_to_end(&mut read).await.unwrap();
            if says_goodbye {
                line.shutdown().await.unwrap();
            }
            drop(line);
            read
        };
        let (delivered, read) = tokio::join!(one_way.unwrap().deliver(&sent), server);
        assert_eq!(delivered, Ok(()), "{says_goodbye}");
        assert!(read == sent);
    }
    assert_eq!(place.client.connections(), crate::wire::Connections::default(), "it is in no pool");
}

#[tokio::test]
async fn one_way_what_was_not_read_to_its_end_is_not_delivered_though_the_kernel_has_acknowledged_it() {
    let place = Place::new().await;
    for (sent, read) in [(1_000, 0), (100_000, 1), (MUCH, 70_000)] {
        let (one_way, mut line) = tokio::join!(place.client.one_way(), place.accept());
        let server = async {
            let mut seen = vec![0; read];
            line.read_exact(&mut seen).await.unwrap();
            // Little enough for the buffers: everything lies in the kernel of the other end, the last alert too, which with its
            // record's frame and tag is 24 bytes (RFC 8446 §5.2), as the record's own are 22.
            while read == 0 && line.get_ref().0.peek(&mut vec![0; 2 * sent]).await.unwrap() < sent + 46 {
                tokio::task::yield_now().await;
            }
            drop(line);
        };
        let bytes = vec![7; sent];
        let (delivered, ()) = tokio::join!(one_way.unwrap().deliver(&bytes), server);
        let kind = delivered.unwrap_err().kind;
        assert!(matches!(kind, Fault::BrokenOff | Fault::Send), "{sent} {read} {kind:?}");
    }
}

#[tokio::test]
async fn one_way_who_closed_before_who_hangs_and_who_answers_has_received_nothing() {
    let place = Place::new().await;
    let (one_way, line) = tokio::join!(place.client.one_way(), place.accept());
    drop(line);
    assert!(one_way.unwrap().deliver(b"x").await.is_err(), "closed before");

    let (one_way, mut line) = tokio::join!(place.client.one_way(), place.accept());
    let server = async {
        line.write_all(b"who is there").await.unwrap();
        line.flush().await.unwrap();
        let _end = line.read_to_end(&mut Vec::new()).await;
    };
    let (delivered, ()) = tokio::join!(one_way.unwrap().deliver(b"x"), server);
    assert_eq!(delivered, Err(ExchangeFault::after_sending(Fault::Excess)));

    let hasty = client(&place.pki, place.port(), LONG, SHORT);
    let (one_way, line) = tokio::join!(hasty.one_way(), place.accept());
    assert_eq!(one_way.unwrap().deliver(b"x").await, Err(ExchangeFault::after_sending(Fault::Timeout)));
    drop(line);
}

#[tokio::test]
async fn who_shows_no_certificate_is_let_in_where_none_is_asked_for_and_nowhere_else() {
    let pki = pki();
    let roots = || vec![pki.partner_authority.root()];
    let outward = Outward::speaking(&[], None, roots(), Vec::new(), Arc::new(SystemClock::new())).unwrap();
    assert_eq!(outward.lapsed(UnixSeconds::new(0)), None, "nothing of ours can run out");
    let asking = Place::new().await;
    let to = |port| {
        let place = crate::wire::Place {
            host: "127.0.0.1".into(),
            port,
            server_name: "partner.example".into(),
            connect_timeout: LONG,
            exchange_timeout: LONG,
            answer_max_bytes: 4096,
            clock: Arc::new(SystemClock::new()),
        };
        let outward = Outward::speaking(&[], None, roots(), Vec::new(), Arc::new(SystemClock::new())).unwrap();
        Client::to(place, Arc::new(outward)).unwrap()
    };
    let (refusing, client) =
        (async { asking.acceptor.accept(asking.listener.accept().await.unwrap().0).await }, to(asking.port()));
    let delivered = async { client.one_way().await.ok()?.deliver(b"x").await.ok() };
    let (delivered, accepted) = tokio::join!(delivered, refusing);
    assert!(delivered.is_none() && accepted.is_err());

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = pki.partner.write(folder.path(), "server").unwrap();
    let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let client = to(listener.local_addr().unwrap().port());
    let server = async {
        let mut line = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
        let mut read = Vec::new();
        line.read_to_end(&mut read).await.unwrap();
        read
    };
    let delivered = async { client.one_way().await.unwrap().deliver(b"x").await };
    let (delivered, read) = tokio::join!(delivered, server);
    assert_eq!((delivered, read.as_slice()), (Ok(()), &b"x"[..]));
}
