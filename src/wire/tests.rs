//! The client against raw TLS servers: each test holds both ends of every connection, so that what was sent, and what
//! was not, is seen and not inferred. Nothing waits by time; deadlines are short only where they are what is tested.

mod one_way;

use crate::clock::Clock;
use crate::clock::ManualClock;
use crate::clock::SystemClock;
use crate::crypto::Crl;
use crate::crypto::Outward;
use crate::crypto::TlsIdentity;
use crate::crypto::server_config_speaking;
use crate::devkit::Leaf;
use crate::devkit::Pki;
use crate::devkit::Usage;
use crate::devkit::Validity;
use crate::wire::Client;
use crate::wire::ClientSettings;
use crate::wire::Connect;
use crate::wire::ConnectFault;
use crate::wire::Connection;
use crate::wire::ExchangeFault;
use crate::wire::ExchangeFaultKind as Fault;
use crate::wire::Request;
use crate::wire::Response;
use bytes::Bytes;
use http::Method;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

/// Long enough for a loaded machine, short enough for a test that fails.
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(50);

/// The server's end of one connection.
type Line = TlsStream<TcpStream>;

/// A raw server that does nothing by itself, and a client of it.
struct Place {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    client: Client,
    pki: Pki,
}

impl Place {
    async fn new() -> Self {
        let pki = pki();
        let identity = pki.partner.identity().unwrap();
        Self::showing(pki, &identity, 0).await
    }

    /// A server that shows `identity` and sends so many session tickets after each handshake.
    async fn showing(pki: Pki, identity: &TlsIdentity, tickets: usize) -> Self {
        let config = server_config_speaking(identity, vec![pki.partner_authority.root()], &["http/1.1"]).unwrap();
        let mut config = Arc::unwrap_or_clone(config);
        config.send_tls13_tickets = tickets;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let client = client(&pki, listener.local_addr().unwrap().port(), LONG, LONG);
        Self { listener, acceptor: TlsAcceptor::from(Arc::new(config)), client, pki }
    }

    fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    async fn accept(&self) -> Line {
        let accepted = tokio::time::timeout(LONG, self.listener.accept());
        let (tcp, _) = accepted.await.expect("no new connection came").unwrap();
        // What a test sends must be there when it goes on, and not wait for an acknowledgement.
        tcp.set_nodelay(true).unwrap();
        self.acceptor.accept(tcp).await.unwrap()
    }

    /// Both ends of a new connection.
    async fn connect_anew(&self) -> (Box<dyn Connection>, Line) {
        let (connection, line) = tokio::join!(self.client.connect(), self.accept());
        (connection.unwrap(), line)
    }

    /// Both ends of a connection that has carried one good exchange and stands in the pool.
    async fn pooled(&self) -> Line {
        let (connection, mut line) = self.connect_anew().await;
        let (answer, request) = tokio::join!(connection.exchange(request("/first")), served(&mut line, OK));
        assert_eq!(valid(answer).body, "{}");
        assert!(request.starts_with("POST /first "));
        line
    }

    /// A fence: the next request comes over a *new* connection, and it is this one and no other.
    async fn next_comes_anew(&self) {
        let (connection, mut line) = self.connect_anew().await;
        let (answer, request) = tokio::join!(connection.exchange(request("/fence")), served(&mut line, OK));
        assert!(answer.is_ok());
        assert!(request.starts_with("POST /fence "), "{request}");
    }

    /// What the client says of a server that shows this, whose handshake may fail.
    async fn fault_at(&self) -> (ConnectFault, Vec<u8>) {
        let server = async {
            let (tcp, _) = self.listener.accept().await.unwrap();
            let mut seen = Vec::new();
            if let Ok(mut line) = self.acceptor.accept(tcp).await {
                let _end = line.read_to_end(&mut seen).await;
            }
            seen
        };
        let (connected, seen) = tokio::join!(self.client.connect(), server);
        (connected.err().unwrap(), seen)
    }
}

fn pki() -> Pki {
    crate::crypto::install_provider().unwrap();
    Pki::new(SystemClock::new().now().seconds()).unwrap()
}

fn client(pki: &Pki, port: u16, connect_timeout: Duration, exchange_timeout: Duration) -> Client {
    by_clock(pki, port, connect_timeout, exchange_timeout, Arc::new(SystemClock::new()))
}

fn by_clock(
    pki: &Pki,
    port: u16,
    connect_timeout: Duration,
    exchange_timeout: Duration,
    clock: Arc<dyn Clock>,
) -> Client {
    Client::new(ClientSettings {
        host: "127.0.0.1".into(),
        port,
        server_name: "partner.example".into(),
        identity: &pki.gateway_at_partner.identity().unwrap(),
        roots: vec![pki.partner_authority.root()],
        lists: Vec::new(),
        connect_timeout,
        exchange_timeout,
        answer_max_bytes: 4096,
        clock,
    })
    .unwrap()
}

fn request(target: &str) -> Request {
    Request {
        method: Method::POST,
        target: target.into(),
        fields: Vec::new(),
        body: Bytes::from_static(b"{}"),
        leaving: None,
    }
}

/// Reads one request of ours, head and body, and answers with these bytes in one write.
async fn served(line: &mut Line, answer: &[u8]) -> String {
    let request = one_request(line).await;
    line.write_all(answer).await.unwrap();
    line.flush().await.unwrap();
    request
}

async fn one_request(line: &mut Line) -> String {
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n{}") {
        assert_ne!(line.read_buf(&mut seen).await.unwrap(), 0, "the request ended early");
    }
    String::from_utf8(seen).unwrap()
}

/// Everything that still comes over a connection until it ends, in whatever way.
async fn rest_of(line: &mut Line) -> Vec<u8> {
    let mut rest = Vec::new();
    let _end = line.read_to_end(&mut rest).await;
    rest
}

/// Resets the connection instead of closing it.
fn reset(line: Line) {
    let (tcp, _) = line.into_inner();
    tcp.set_zero_linger().unwrap();
}

/// The answer, found valid: its connection is given back.
fn valid(answer: Result<Response, ExchangeFault>) -> Response {
    let mut answer = answer.unwrap();
    answer.spent.take().unwrap().give_back();
    answer
}

fn unknown(kind: Fault) -> Option<ExchangeFault> {
    Some(ExchangeFault::after_sending(kind))
}

async fn exchanged_with(
    line: &mut Line,
    connection: Box<dyn Connection>,
    answer: &[u8],
) -> Result<Response, ExchangeFault> {
    tokio::join!(connection.exchange(request("/second")), served(line, answer)).0
}

#[tokio::test]
async fn a_connection_carries_one_exchange_after_another_also_where_the_server_sends_tickets() {
    for tickets in [0, 2] {
        let pki = pki();
        let identity = pki.partner.identity().unwrap();
        let place = Place::showing(pki, &identity, tickets).await;
        let mut line = place.pooled().await;
        for _ in 0..3 {
            let connection = place.client.connect().await.unwrap();
            assert_eq!(valid(exchanged_with(&mut line, connection, OK).await).status, 200, "{tickets} tickets");
        }
    }
}

#[tokio::test]
async fn the_server_sees_our_certificate_and_the_name_that_it_must_bear() {
    let place = Place::new().await;
    let (_connection, line) = place.connect_anew().await;
    let (_, tls) = line.get_ref();
    assert_eq!(tls.peer_certificates().unwrap(), [place.pki.gateway_at_partner.der()]);
    assert_eq!(tls.server_name(), Some("partner.example"));
}

#[tokio::test]
async fn a_pooled_connection_that_the_server_ended_is_replaced_before_a_byte_leaves() {
    let place = Place::new().await;
    // Closed in order, by TLS and TCP.
    let mut line = place.pooled().await;
    line.shutdown().await.unwrap();
    place.next_comes_anew().await;
    assert_eq!(rest_of(&mut line).await, b"");
    // Closed by TCP alone, and reset.
    let place = Place::new().await;
    let (mut tcp, _) = place.pooled().await.into_inner();
    tcp.shutdown().await.unwrap();
    place.next_comes_anew().await;
    let mut rest = Vec::new();
    let _end = tcp.read_to_end(&mut rest).await;
    assert!(rest.len() < 64, "an alert at most, and no request");
    let place = Place::new().await;
    reset(place.pooled().await);
    place.next_comes_anew().await;
}

#[tokio::test]
async fn under_another_identity_neither_what_stood_idle_nor_what_was_under_way_is_used_again() {
    let place = Place::new().await;
    let day = Validity::a_day_from(SystemClock::new().now().seconds());
    let leaf = Leaf::client("spiffe://prop.example/portcullis", day);
    let fresh = place.pki.partner_authority.issue(&leaf).unwrap();
    let roots = vec![place.pki.partner_authority.root()];
    let clock = Arc::new(SystemClock::new());
    let side = Outward::new(&fresh.identity().unwrap(), roots, Vec::new(), clock).map(Arc::new).unwrap();
    // One exchange is under way, and another connection stands idle.
    let (under_way, mut its_line) = place.connect_anew().await;
    let mut idle = place.pooled().await;
    place.client.replace(side);
    assert_eq!(rest_of(&mut idle).await, b"", "closed at once");
    let (answer, _) = tokio::join!(under_way.exchange(request("/first")), served(&mut its_line, OK));
    assert_eq!(answer.unwrap().body, "{}", "what is under way is finished");
    assert_eq!(rest_of(&mut its_line).await, b"", "and closed then");
    let (_connection, line) = place.connect_anew().await;
    assert_eq!(line.get_ref().1.peer_certificates().unwrap(), [fresh.der()]);
}

#[tokio::test]
async fn a_pooled_connection_over_which_something_came_unasked_is_replaced_before_a_byte_leaves() {
    let place = Place::new().await;
    let mut line = place.pooled().await;
    line.write_all(OK).await.unwrap();
    line.flush().await.unwrap();
    place.next_comes_anew().await;
    assert_eq!(rest_of(&mut line).await, b"");
}

#[tokio::test]
async fn a_command_is_not_sent_again_when_a_reused_connection_turns_out_dead() {
    let place = Place::new().await;
    let mut line = place.pooled().await;
    let connection = place.client.connect().await.unwrap();
    let server = async {
        one_request(&mut line).await;
        drop(line);
    };
    let (answer, ()) = tokio::join!(connection.exchange(request("/second")), server);
    assert_eq!(answer.err(), unknown(Fault::BrokenOff));
    place.next_comes_anew().await;
}

#[tokio::test]
async fn a_reset_at_any_byte_of_the_answer_is_an_unknown_outcome_and_no_second_request() {
    let place = Place::new().await;
    for end in 0..OK.len() {
        let (connection, mut line) = place.connect_anew().await;
        let server = async {
            served(&mut line, &OK[..end]).await;
            reset(line);
        };
        let (answer, ()) = tokio::join!(connection.exchange(request("/x")), server);
        assert_eq!(answer.err(), unknown(Fault::BrokenOff), "{end}");
    }
    place.next_comes_anew().await;
}

#[tokio::test]
async fn a_second_answer_behind_the_first_is_a_fault_however_long_the_first_is() {
    let place = Place::new().await;
    // The first answer ends at each place around those where a buffer may be full: what comes behind it then lies
    // decrypted in the TLS session, where no look at the socket sees it.
    for size in (1..4).map(|times| times * 1024).flat_map(|full| full - 4..full + 4) {
        let head = |body: usize| format!("HTTP/1.1 200 OK\r\nContent-Length: {body:04}\r\n\r\n");
        let body = size - head(0).len();
        let first = head(body) + &"x".repeat(body);
        let (connection, mut line) = place.connect_anew().await;
        let both = [first.as_bytes(), OK].concat();
        assert_eq!(exchanged_with(&mut line, connection, &both).await.err(), unknown(Fault::Excess), "{size}");
    }
    place.next_comes_anew().await;
}

#[tokio::test]
async fn a_server_is_refused_unless_its_certificate_is_for_servers_of_that_name_and_from_our_authority() {
    let own = Leaf::server(&["partner.example"], Validity::a_day_from(SystemClock::new().now().seconds()));
    let past = Validity { from: own.validity.from, until: own.validity.from.plus(60) };
    for (leaf, fault) in [
        (own.clone().used_for(&[]), ConnectFault::Purpose),
        (own.clone().used_for(&[Usage::Any]), ConnectFault::Handshake),
        (own.clone().used_for(&[Usage::Client]), ConnectFault::Handshake),
        (Leaf::server(&["other.example"], own.validity), ConnectFault::Handshake),
        (Leaf { validity: past, ..own.clone() }, ConnectFault::Handshake),
    ] {
        let pki = pki();
        let identity = pki.partner_authority.issue(&leaf).unwrap().identity().unwrap();
        let place = Place::showing(pki, &identity, 0).await;
        assert_eq!(place.fault_at().await, (fault, Vec::new()), "{leaf:?}");
    }
    let pki = pki();
    let identity = pki.gateway_authority.issue(&own).unwrap().identity().unwrap();
    assert_eq!(Place::showing(pki, &identity, 0).await.fault_at().await, (ConnectFault::Handshake, Vec::new()));
}

/// The client's side from now on: as before, with these lists about the other side.
fn listed(place: &Place, lists: &[String]) -> Arc<Outward> {
    let (identity, roots) =
        (place.pki.gateway_at_partner.identity().unwrap(), vec![place.pki.partner_authority.root()]);
    let lists = lists.iter().flat_map(|list| Crl::parse(list.as_bytes()).unwrap()).collect();
    Outward::new(&identity, roots, lists, Arc::new(SystemClock::new())).map(Arc::new).unwrap()
}

#[tokio::test]
async fn a_server_whom_a_list_names_or_of_whom_no_list_speaks_is_refused_and_has_received_nothing() {
    let day = Validity::a_day_from(SystemClock::new().now().seconds());
    let place = Place::new().await;
    let list = |revoked: &[&crate::devkit::Issued]| place.pki.partner_authority.crl(revoked, day).unwrap();
    place.client.replace(listed(&place, &[list(&[])]));
    let (connection, mut line) = place.connect_anew().await;
    assert!(exchanged_with(&mut line, connection, OK).await.is_ok(), "a list that names nobody");
    place.client.replace(listed(&place, &[list(&[&place.pki.partner])]));
    assert_eq!(place.fault_at().await, (ConnectFault::Revoked, Vec::new()));
    let other = place.pki.gateway_authority.crl(&[], day).unwrap();
    place.client.replace(listed(&place, &[other]));
    assert_eq!(place.fault_at().await, (ConnectFault::Unlisted, Vec::new()));
}

#[tokio::test]
async fn where_our_certificate_or_a_list_has_run_out_nobody_is_asked_and_no_connection_used_again() {
    for fault in [ConnectFault::OwnCertificate, ConnectFault::List] {
        let mut place = Place::new().await;
        let now = SystemClock::new().now();
        let clock = Arc::new(ManualClock::new(now));
        let minute = Validity { from: now.seconds(), until: now.seconds().plus(60) };
        let leaf = Leaf::client("spiffe://prop.example/portcullis", minute);
        let (own, lists) = match fault {
            ConnectFault::List => {
                let list = place.pki.partner_authority.crl(&[], minute).unwrap();
                (place.pki.gateway_at_partner.identity().unwrap(), Crl::parse(list.as_bytes()).unwrap())
            }
            _ => (place.pki.partner_authority.issue(&leaf).unwrap().identity().unwrap(), Vec::new()),
        };
        place.client = by_clock(&place.pki, place.port(), LONG, LONG, clock.clone());
        let roots = vec![place.pki.partner_authority.root()];
        place.client.replace(Arc::new(Outward::new(&own, roots, lists, clock.clone()).unwrap()));
        let mut idle = place.pooled().await;
        assert_eq!(place.client.lapsed(), None);
        // Less than a pooled connection may stand idle would be enough, had nothing run out: the pool is asked second.
        clock.advance(Duration::from_secs(29));
        place.client.connect().await.map(drop).unwrap();
        assert_eq!(rest_of(&mut idle).await, b"", "it was the pooled one, and is closed now");
        let mut idle = place.pooled().await;
        clock.advance(Duration::from_secs(32));
        assert_eq!((place.client.lapsed(), place.client.connect().await.err()), (Some(fault), Some(fault)));
        let accepted = tokio::time::timeout(SHORT, place.listener.accept()).await;
        assert!(accepted.is_err(), "nobody was asked");
        drop(place);
        assert_eq!(rest_of(&mut idle).await, b"");
    }
}

#[tokio::test]
async fn a_server_that_is_down_or_hangs_in_the_handshake_has_received_nothing() {
    let place = Place::new().await;
    let hasty = client(&place.pki, place.port(), SHORT, LONG);
    assert_eq!(hasty.connect().await.err(), Some(ConnectFault::Timeout));
    let Place { listener, client, .. } = place;
    drop(listener);
    assert_eq!(client.connect().await.err(), Some(ConnectFault::Refused));
}

#[tokio::test]
async fn a_server_that_takes_the_request_and_hangs_leaves_the_outcome_unknown() {
    let place = Place::new().await;
    let place = Place { client: client(&place.pki, place.port(), LONG, SHORT), ..place };
    let (connection, mut line) = place.connect_anew().await;
    let server = async {
        let request = one_request(&mut line).await;
        (request, rest_of(&mut line).await)
    };
    let (answer, (request, rest)) = tokio::join!(connection.exchange(request("/x")), server);
    assert_eq!(answer.err(), unknown(Fault::Timeout));
    assert!(request.starts_with("POST /x ") && rest.is_empty(), "one request, and then the end");
}

#[tokio::test]
async fn what_cannot_be_written_does_not_leave() {
    let place = Place::new().await;
    let (connection, mut line) = place.connect_anew().await;
    let (answer, seen) = tokio::join!(connection.exchange(request("/a b")), rest_of(&mut line));
    assert_eq!(answer.err(), Some(ExchangeFault::before_sending(Fault::Unwritable)));
    assert_eq!(seen, b"");
}

#[tokio::test]
async fn an_answer_to_head_has_no_body_whatever_its_length_says() {
    let place = Place::new().await;
    let (connection, mut line) = place.connect_anew().await;
    let head = Request { method: Method::HEAD, body: Bytes::new(), ..request("/x") };
    let server = async {
        let mut seen = Vec::new();
        while !seen.ends_with(b"\r\n\r\n") {
            assert_ne!(line.read_buf(&mut seen).await.unwrap(), 0);
        }
        line.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n").await.unwrap();
        line.flush().await.unwrap();
    };
    let (answer, ()) = tokio::join!(connection.exchange(head), server);
    assert_eq!(valid(answer).body, "");
    let connection = place.client.connect().await.unwrap();
    assert!(exchanged_with(&mut line, connection, OK).await.is_ok(), "nothing is owed: the connection goes on");
}

#[tokio::test]
async fn a_connection_whose_answer_nobody_found_valid_is_closed() {
    let place = Place::new().await;
    let (connection, mut line) = place.connect_anew().await;
    let answer = exchanged_with(&mut line, connection, OK).await.unwrap();
    assert_eq!(answer.status, 200);
    drop(answer);
    assert_eq!(rest_of(&mut line).await, b"");
    place.next_comes_anew().await;
}

#[tokio::test]
async fn a_connection_is_used_until_it_is_old_however_busy_it_is() {
    let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
    let place = Place::new().await;
    let place = Place { client: by_clock(&place.pki, place.port(), LONG, LONG, clock.clone()), ..place };
    let mut line = place.pooled().await;
    for _ in 0..14 {
        clock.advance(Duration::from_secs(20));
        let connection = place.client.connect().await.unwrap();
        valid(exchanged_with(&mut line, connection, OK).await);
    }
    clock.advance(Duration::from_secs(20));
    place.next_comes_anew().await;
    assert_eq!(rest_of(&mut line).await, b"");
    clock.advance(Duration::from_secs(30));
    place.next_comes_anew().await;
}
