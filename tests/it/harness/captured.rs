//! A request of the gateway as the simulated partner received it, taken apart by plain means, so that a test can send it again,
//! changed or not, or hand it to somebody else's verifier.

use portcullis::devkit::SimulatedPartner;

/// One request, as it came.
#[derive(Clone)]
pub struct Captured {
    pub method: String,
    pub target: String,
    /// In their order, names in lower case.
    pub fields: Vec<(String, String)>,
    pub body: String,
}

/// What every client adds itself.
const ADDED: [&str; 2] = ["host", "content-length"];

impl Captured {
    /// The last request on the newest connection of a partner.
    pub fn last(partner: &SimulatedPartner) -> Self {
        let bytes = partner.raw().pop().expect("the partner has seen a connection").bytes;
        let text = String::from_utf8(bytes).unwrap();
        let begin =
            ["POST /", "GET /", "PUT /", "DELETE /"].iter().filter_map(|start| text.rfind(start)).max().unwrap();
        let (head, body) = text.split_at(begin).1.split_once("\r\n\r\n").unwrap();
        let mut lines = head.split("\r\n");
        let mut start = lines.next().unwrap().split(' ');
        let (method, target) = (start.next().unwrap().to_owned(), start.next().unwrap().to_owned());
        let field = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        };
        Self { method, target, fields: lines.map(field).collect(), body: body.to_owned() }
    }

    /// The value of a field that stands there once.
    pub fn field(&self, name: &str) -> &str {
        let mut found = self.fields.iter().filter(|(known, _)| known == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => value,
            _ => panic!("`{name}` does not stand there once"),
        }
    }

    /// The same with the value of a field replaced.
    pub fn saying(&self, name: &str, change: impl FnOnce(&str) -> String) -> Self {
        let mut other = self.clone();
        let (_, value) = other.fields.iter_mut().find(|(known, _)| known == name).unwrap();
        *value = change(value);
        other
    }

    /// The same without a field.
    pub fn without(&self, name: &str) -> Self {
        let mut other = self.clone();
        other.fields.retain(|(known, _)| known != name);
        other
    }

    /// The fields, but for those that a client adds itself.
    pub fn sendable(&self) -> Vec<(&str, &str)> {
        let sendable = self.fields.iter().filter(|(name, _)| !ADDED.contains(&name.as_str()));
        sendable.map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}
