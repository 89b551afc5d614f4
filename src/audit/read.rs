//! Reading records back: whole lines out of a segment, and of a line what recovery and a repeated key need.

use crate::audit::checkpoint::digest;
use crate::audit::facts::KeyDigests;
use crate::audit::outcome::OutcomeState;
use crate::audit::receipts::TokenOf;
use crate::audit::record::Head;
use crate::audit::record::Kind;
use crate::audit::record::OPENS;
use crate::audit::record::SUM_CLOSES;
use crate::audit::record::SUM_DIGITS;
use crate::audit::record::SUM_OPENS;
use crate::audit::record::VERSION;
use crate::audit::record::sum;
use crate::audit::tree::Tree;
use crate::clock::UnixMillis;
use crate::crypto::decode_base64url;
use crate::crypto::sha256;
use crate::json;
use crate::json::Value;
use crate::model::Epoch;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::Sha256;

/// What our own records keep to; an answer is the longest text in them.
const LIMITS: json::Limits =
    json::Limits { max_depth: 16, max_members: 4096, max_elements: 65_536, max_string_bytes: 16 * 1024 * 1024 };

/// What of a record matters after a restart.
pub(super) struct Line {
    pub(super) kind: Kind,
    pub(super) time: UnixMillis,
    pub(super) receipt: Option<Receipt>,
    pub(super) key: Option<KeyDigests>,
    pub(super) state: Option<OutcomeState>,
    /// The command that an event tells of.
    pub(super) command: Option<Receipt>,
    value: Value,
}

/// The whole records at the start of `bytes`, each with its offset, its line feed included.
pub(super) struct Lines<'b> {
    bytes: &'b [u8],
    /// Where the next line begins; after the last one, the first byte that is not part of a whole record.
    pub(super) offset: usize,
}

impl<'b> Lines<'b> {
    pub(super) const fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, offset: 0 }
    }
}

impl<'b> Iterator for Lines<'b> {
    type Item = (usize, &'b [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.offset..)?;
        let length = rest.iter().position(|byte| *byte == b'\n')? + 1;
        let line = rest.get(..length).filter(|line| is_whole(line))?;
        let offset = self.offset;
        self.offset += length;
        Some((offset, line))
    }
}

/// Whether a line, with its line feed, is what was written.
pub(super) fn is_whole(line: &[u8]) -> bool {
    let Some(line) = line.strip_suffix(SUM_CLOSES) else { return false };
    let Some((line, digits)) = line.split_last_chunk::<SUM_DIGITS>() else { return false };
    line.strip_suffix(SUM_OPENS).is_some_and(|summed| sum(summed) == *digits)
}

/// The version that the first line of `bytes` is of, where that is another than is known here, and the line is what was written.
/// Sums were once made without a zero byte.
pub(super) fn other_version(bytes: &[u8]) -> Option<u64> {
    let digits = bytes.strip_prefix(b"{\"v\":")?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    let version = std::str::from_utf8(digits.get(..end)?).ok()?.parse().ok().filter(|version| *version != VERSION)?;
    let line = bytes.get(..=bytes.iter().position(|byte| *byte == b'\n')?)?;
    let (line, told) = line.strip_suffix(SUM_CLOSES)?.split_last_chunk::<SUM_DIGITS>()?;
    let summed = line.strip_suffix(SUM_OPENS)?;
    let without = sha256(summed).to_string();
    (sum(summed) == *told || without.as_bytes().starts_with(told)).then_some(version)
}

/// The word for the kind of a whole line, without reading all of it, and what follows its quote.
pub(super) fn kind_word(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = line.strip_prefix(OPENS)?.strip_prefix(b",\"kind\":\"")?;
    let (word, rest) = rest.split_at_checked(rest.iter().position(|byte| *byte == b'"')?)?;
    Some((word, rest.get(1..)?))
}

/// How many leaves of the tree lie before a segment, as its first record tells.
pub(super) fn leaves_before(line: &[u8]) -> Option<u64> {
    // Cheap for all the others.
    kind_word(line).filter(|(word, _)| *word == Kind::Segment.word().as_bytes())?;
    json::parse(line, LIMITS).ok()?.get("size")?.as_integer().and_then(|size| u64::try_from(size).ok())
}

impl Line {
    /// Reads a whole line; `None` if it is not a record of a version known here.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let value = json::parse(line, LIMITS).ok()?;
        if u64::try_from(value.get("v")?.as_integer()?) != Ok(VERSION) {
            return None;
        }
        let text = |name| value.get(name).and_then(Value::as_str);
        let digest = |name| decode_base64url(value.get("key")?.get(name)?.as_str()?)?.try_into().ok().map(Sha256::new);
        Some(Self {
            kind: Kind::of_word(text("kind")?)?,
            time: UnixMillis::parse(text("time")?)?,
            receipt: text("receipt").and_then(Receipt::parse),
            key: digest("digest").zip(digest("body")).map(|(key, body)| KeyDigests { key, body }),
            state: text("state").and_then(OutcomeState::of_word),
            command: text("command").and_then(Receipt::parse),
            value,
        })
    }

    /// All members.
    pub(super) fn into_value(self) -> Value {
        self.value
    }

    /// All members, to look at.
    pub(super) const fn value(&self) -> &Value {
        &self.value
    }

    /// A member.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.value.get(name)
    }

    /// The epoch that it tells, if it tells one.
    pub(super) fn epoch(&self) -> Option<Epoch> {
        self.value.get("epoch").and_then(epoch_of)
    }

    /// What the beginning of a segment tells, if its parts fit together.
    pub(super) fn head(&self) -> Option<Head> {
        let text = |name| self.value.get(name).and_then(Value::as_str);
        let number =
            |name| self.value.get(name).and_then(Value::as_integer).and_then(|number| u64::try_from(number).ok());
        let nodes = self.value.get("frontier")?.as_array()?;
        let frontier: Option<Vec<_>> = nodes.iter().map(|node| digest(node.as_str()?)).collect();
        let tree = Tree::restore(number("size")?, frontier?)?;
        let fits = self.kind == Kind::Segment && digest(text("root")?)? == tree.root();
        let (number, origin) = (number("segment")?, text("origin")?.to_owned());
        fits.then_some(Head { number, origin, tree, epoch: self.epoch()? })
    }

    /// The partner token of an intent.
    pub(super) fn token(&self) -> Option<TokenOf> {
        let text = |name| self.value.get(name).and_then(Value::as_str);
        text("partner").zip(text("token")).map(|(partner, jti)| TokenOf::new(partner, jti))
    }

    /// What an event tells of its command.
    pub(super) fn told(&self) -> Option<OutcomeState> {
        self.value.get("told").and_then(Value::as_str).and_then(OutcomeState::of_word)
    }

    /// The name of the peer, if it had one.
    pub(super) fn peer(&self) -> Option<&str> {
        self.value.get("peer")?.as_str()
    }

    /// Why it ended so; `None` where another version has a reason that is not known here.
    pub(super) fn reason(&self) -> Option<Reason> {
        let code = self.value.get("reason")?.as_str()?;
        Reason::ALL.iter().copied().find(|reason| reason.code() == code)
    }

    /// The sealed answer, if one was kept.
    pub(super) fn sealed_answer(&self) -> Option<Vec<u8>> {
        decode_base64url(self.value.get("answer")?.as_str()?)
    }

    /// Whether an answer was kept.
    pub(super) fn has_answer(&self) -> bool {
        self.value.get("answer").is_some()
    }
}

fn epoch_of(value: &Value) -> Option<Epoch> {
    value.as_integer().and_then(|number| u64::try_from(number).ok()).map(Epoch::new)
}
