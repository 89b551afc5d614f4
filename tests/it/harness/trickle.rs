//! A command whose body comes in pieces. It asks for `100 Continue`, which the gateway says once it has admitted the
//! caller and not before; so the test knows where the gateway stands.

use crate::harness::client::Command;
use crate::harness::stage::Stage;
use portcullis::crypto::client_config;
use portcullis::devkit::AUTHORITY;
use rustls_pki_types::ServerName;
use std::net::SocketAddr;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How much of the body comes with the head.
const FIRST_BYTES: usize = 10;

pub struct Trickle<'s> {
    stage: &'s Stage,
    stream: TlsStream<TcpStream>,
    rest: Vec<u8>,
}

impl<'s> Trickle<'s> {
    /// Sends the head, waits for the admission, and sends the first bytes of the body.
    pub fn begin(stage: &'s Stage, gateway: SocketAddr, command: &Command) -> Self {
        let identity = stage.pki.backend.identity().unwrap();
        let tls = client_config(Some(&identity), vec![stage.pki.gateway_authority.root()], &["http/1.1"]).unwrap();
        let mut head = command.head();
        let length = command.body.len();
        head.push_str(&format!("Expect: 100-continue\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"));
        let (first, rest) = command.body.split_at(FIRST_BYTES);
        let stream = stage.wait(async {
            let tcp = TcpStream::connect(gateway).await.unwrap();
            let name = ServerName::try_from(AUTHORITY).unwrap();
            let mut stream = TlsConnector::from(tls).connect(name, tcp).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut interim = Vec::new();
            while !interim.ends_with(b"\r\n\r\n") {
                interim.push(stream.read_u8().await.unwrap());
            }
            assert!(interim.starts_with(b"HTTP/1.1 100 "), "{}", String::from_utf8_lossy(&interim));
            stream.write_all(first).await.unwrap();
            stream
        });
        Self { stage, stream, rest: rest.to_vec() }
    }

    /// Sends the rest of the body and waits for the answer: its status, and all that came.
    pub fn finish(mut self) -> (u16, String) {
        let rest = std::mem::take(&mut self.rest);
        self.stage.wait(async { self.stream.write_all(&rest).await.unwrap() });
        self.wait()
    }

    /// Sends nothing more and waits for the answer.
    pub fn wait(mut self) -> (u16, String) {
        let mut answer = Vec::new();
        self.stage.wait(async {
            // How the other side ends the connection behind its answer is not the matter here.
            let _ = self.stream.read_to_end(&mut answer).await;
        });
        let answer = String::from_utf8(answer).unwrap();
        (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
    }
}
