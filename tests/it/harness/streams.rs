//! The client over HTTP/2: as suspicious as the other, and able to drop a stream or the whole connection on purpose.

use crate::harness::Command;
use crate::harness::Stage;
use bytes::Bytes;
use h2::SendStream;
use h2::client::ResponseFuture;
use h2::client::SendRequest;
use http::Request;
use portcullis::crypto::client_config;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::BackendAnswer;
use rustls_pki_types::ServerName;
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A connection of HTTP/2; clones share it.
#[derive(Clone)]
pub struct Streams {
    sender: SendRequest<Bytes>,
}

/// What moves a connection's frames; the connection is cut when it is aborted.
pub type Driver = JoinHandle<()>;

/// A TLS connection to `gateway` that speaks HTTP/2, with the good certificate.
pub async fn connect_h2(stage: &Stage, gateway: SocketAddr) -> TlsStream<TcpStream> {
    connect(stage, gateway, "h2").await
}

/// The same that speaks HTTP/1.1.
pub async fn connect_h1(stage: &Stage, gateway: SocketAddr) -> TlsStream<TcpStream> {
    connect(stage, gateway, "http/1.1").await
}

async fn connect(stage: &Stage, gateway: SocketAddr, protocol: &str) -> TlsStream<TcpStream> {
    let identity = stage.pki.backend.identity().unwrap();
    let config = client_config(Some(&identity), vec![stage.pki.gateway_authority.root()], &[protocol]).unwrap();
    let tcp = TcpStream::connect(gateway).await.unwrap();
    TlsConnector::from(config).connect(ServerName::try_from(AUTHORITY).unwrap(), tcp).await.unwrap()
}

impl Streams {
    /// Connects, and drives the connection beside the test.
    pub async fn open(stage: &Stage, gateway: SocketAddr) -> (Self, Driver) {
        let tls = connect_h2(stage, gateway).await;
        let (sender, connection) = h2::client::handshake(tls).await.unwrap();
        // How the connection ends is told to each stream.
        let driver = stage.beside(async move { drop(connection.await) });
        (Self { sender }, driver)
    }

    /// Begins a command: its head is sent, its body may follow.
    pub async fn begin(&self, command: &Command) -> Result<(ResponseFuture, SendStream<Bytes>), h2::Error> {
        self.begin_at(command, AUTHORITY).await
    }

    /// Begins a command at another authority.
    pub async fn begin_at(
        &self,
        command: &Command,
        authority: &str,
    ) -> Result<(ResponseFuture, SendStream<Bytes>), h2::Error> {
        let uri = format!("https://{authority}{}", command.target);
        let mut request = Request::builder().method(command.method).uri(uri);
        for (name, value) in command.fields() {
            request = request.header(name, value);
        }
        let mut sender = self.sender.clone().ready().await?;
        sender.send_request(request.body(()).unwrap(), false)
    }

    /// Gives a command and holds the answer to what every answer must be. An app that is asked for a nonce makes its proof
    /// anew with it, once.
    pub async fn give(&self, command: &Command) -> Result<BackendAnswer, h2::Error> {
        let answer = self.give_once(command).await?;
        match command.asked_anew(&answer) {
            Some(again) => self.give_once(&again).await,
            None => Ok(answer),
        }
    }

    async fn give_once(&self, command: &Command) -> Result<BackendAnswer, h2::Error> {
        let (answer, mut body) = self.begin(command).await?;
        // Who is refused at the head may be told so before the body is taken.
        drop(body.send_data(command.body.clone().into(), true));
        let answer = whole(answer).await?;
        command.examine(&answer);
        Ok(answer)
    }
}

/// Reads an answer to its end.
pub async fn whole(answer: ResponseFuture) -> Result<BackendAnswer, h2::Error> {
    let (head, mut stream) = answer.await?.into_parts();
    let field = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
    };
    let headers = head.headers.iter().map(field).collect();
    let mut body = Vec::new();
    while let Some(data) = stream.data().await {
        let data = data?;
        stream.flow_control().release_capacity(data.len())?;
        body.extend_from_slice(&data);
    }
    Ok(BackendAnswer { status: head.status.as_u16(), headers, body })
}
