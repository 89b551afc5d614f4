//! Raw HTTP/1.1 at the gateway: bytes as a table writes them, a request in a later TLS record behind them, and all that
//! comes back up to the end of the connection.

use crate::harness::client::Command;
use crate::harness::scene::Scene;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::BackendFault;

/// What becomes of bytes that are sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// Answered with this status, and the connection ends: what comes behind is not even looked at.
    Ends(u16),
    /// Answered with this status, and the next request on the connection is answered, too.
    LivesOn(u16),
    /// Answered with the first, since it has no body by its head; what was meant for one is taken for the next head,
    /// answered with the second, and the connection ends.
    TakenApart(u16, u16),
    /// The connection ends without an answer.
    Silence,
}

/// What comes behind the bytes of a row, and its status when it is answered.
const NEXT: (&str, u16) =
    ("GET /-/nothing HTTP/1.1\r\nHost: smarthome.gateway.prop.example\r\nConnection: close\r\n\r\n", 404);

impl Command {
    /// The head up to its framing, which the test writes.
    pub fn head(&self) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {AUTHORITY}\r\n", self.method, self.target);
        for (name, value) in self.fields() {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head
    }

    /// The whole request with its length.
    pub fn with_length(&self) -> String {
        let body = String::from_utf8(self.body.clone()).unwrap();
        format!("{}Content-Length: {}\r\n\r\n{body}", self.head(), body.len())
    }

    /// The whole request in two chunks.
    pub fn in_chunks(&self) -> String {
        let body = String::from_utf8(self.body.clone()).unwrap();
        let (first, second) = body.split_at(10);
        let chunks = format!("a\r\n{first}\r\n{:X}\r\n{second}\r\n0\r\n\r\n", second.len());
        format!("{}Transfer-Encoding: chunked\r\n\r\n{chunks}", self.head())
    }
}

/// A text of a table as bytes: each character is the byte of its number, so that a table can write any byte.
pub fn bytes_of(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect()
}

impl Scene {
    /// Sends each piece in a TLS record of its own and gives all answers up to the end of the connection.
    pub fn answers(&self, pieces: &[&[u8]]) -> Vec<BackendAnswer> {
        self.stage.wait(async {
            let mut connection = self.backend.connect().await.unwrap();
            for piece in pieces {
                // A gateway that has ended the connection is no fault here: what it said stands there to be read.
                let _ = connection.send(piece).await;
            }
            let mut answers = Vec::new();
            loop {
                match connection.answer().await {
                    Ok(answer) => answers.push(answer),
                    Err(BackendFault::Ended { received: 0 }) => return answers,
                    Err(fault) => panic!("behind {} answers: {fault}", answers.len()),
                }
            }
        })
    }

    /// Fails the test unless the bytes meet their fate, every answer is one that a stranger may see, and the fence holds.
    #[track_caller]
    pub fn meets(&self, name: &str, bytes: &[u8], fate: Fate) {
        let (expected, next) = match fate {
            Fate::Ends(status) => (vec![status], NEXT.0),
            Fate::LivesOn(status) => (vec![status, NEXT.1], NEXT.0),
            Fate::TakenApart(first, second) => (vec![first, second], NEXT.0),
            Fate::Silence => (Vec::new(), ""),
        };
        let answers = self.answers(&[bytes, next.as_bytes()]);
        let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, expected, "{name}");
        answers.iter().for_each(|answer| Command::new(&self.stage).examine(answer));
        match fate {
            Fate::Ends(_) => assert_eq!(answers[0].header("connection"), Some("close"), "{name}"),
            Fate::LivesOn(200) => self.notes(),
            Fate::LivesOn(_) | Fate::TakenApart(..) | Fate::Silence => {}
        }
        self.passes_after(name);
    }
}
