//! `backup.json`: what a backup is, and where the log stood when it was made. It is written last, so that a folder without it
//! is no backup.

use crate::audit::Position;
use crate::cli::output::json_text;
use crate::clock::UnixMillis;
use crate::json;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use crate::model::Epoch;
use crate::model::Sha256;
use crate::store::StoreStanding;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;

/// Its name in the folder.
pub(crate) const MANIFEST: &str = "backup.json";

/// The version of its format.
const VERSION: i64 = 1;

/// What a backup is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Manifest {
    /// When it was made.
    pub(crate) made: UnixMillis,
    /// Of the copy.
    pub(crate) digest: Sha256,
    /// What the copy was seen to be.
    pub(crate) standing: StoreStanding,
    /// How far the log had come before the copy was made; `None` where it held nothing.
    pub(crate) position: Option<Position>,
    /// The log's newest checkpoint by then: how many records it had, and the root of the tree over them, signed.
    pub(crate) checkpoint: Option<String>,
}

impl Manifest {
    /// Writes it into the folder, durably.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        let mut file = File::create_new(folder.join(MANIFEST))?;
        file.write_all(self.text().as_bytes())?;
        file.sync_all()?;
        File::open(folder)?.sync_all()
    }

    /// Reads it from the folder.
    ///
    /// # Errors
    /// What the system says, or that it is no manifest of this version.
    pub(crate) fn read(folder: &Path) -> io::Result<Self> {
        let text = fs::read(folder.join(MANIFEST))?;
        Self::parse(&text).ok_or_else(|| io::Error::other("it is no `backup.json` of a version that is known here"))
    }

    fn text(&self) -> String {
        let Self { made, digest, standing, position, .. } = *self;
        let checkpoint = self.checkpoint.as_deref().map_or(Value::Null, Value::from);
        let log = position.map_or(Value::Null, |position| {
            object([
                ("segment", number(position.segment)),
                ("offset", number(position.offset)),
                ("epoch", number(position.epoch.get())),
                ("checkpoint", checkpoint),
            ])
        });
        let store = object([
            ("sha256", digest.to_string().into()),
            ("schema", Number::try_from(standing.schema).map_or(Value::Null, Value::from)),
            ("epoch", number(standing.epoch.get())),
            ("revocations", number(standing.revocations)),
        ]);
        json_text(&object([
            ("version", Value::from(1)),
            ("made", made.to_string().into()),
            ("program", env!("CARGO_PKG_VERSION").into()),
            ("store", store),
            ("log", log),
        ]))
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let value = json::parse(text, json::Limits::default()).ok()?;
        if value.get("version")?.as_integer()? != VERSION {
            return None;
        }
        let count = |value: &Value, name| value.get(name)?.as_integer().and_then(|number| u64::try_from(number).ok());
        let store = value.get("store")?;
        let position = match value.get("log")? {
            Value::Null => None,
            log => Some(Position {
                segment: count(log, "segment")?,
                offset: count(log, "offset")?,
                epoch: Epoch::new(count(log, "epoch")?),
            }),
        };
        Some(Self {
            made: UnixMillis::parse(value.get("made")?.as_str()?)?,
            digest: Sha256::from_hex(store.get("sha256")?.as_str()?)?,
            standing: StoreStanding {
                schema: store.get("schema")?.as_integer()?,
                epoch: Epoch::new(count(store, "epoch")?),
                revocations: count(store, "revocations")?,
            },
            position,
            checkpoint: match value.get("log")?.get("checkpoint") {
                None | Some(Value::Null) => None,
                Some(note) => Some(note.as_str()?.to_owned()),
            },
        })
    }
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    members.into_iter().collect::<Object>().into()
}

fn number(number: u64) -> Value {
    Number::try_from(number).map_or(Value::Null, Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_another_version_is_not() {
        let position = Position { segment: 3, offset: 1_234, epoch: Epoch::new(7) };
        for position in [None, Some(position)] {
            let manifest = Manifest {
                made: UnixMillis::new(1_000),
                digest: Sha256::new([7; 32]),
                standing: StoreStanding { schema: 1, epoch: Epoch::new(7), revocations: 2 },
                position,
                checkpoint: position.map(|_| "log.example/a\n1\nroot\n".to_owned()),
            };
            let text = manifest.text();
            assert_eq!(Manifest::parse(text.as_bytes()), Some(manifest.clone()));
            for wrong in
                [text.replace("\"version\":1", "\"version\":2"), text.replace("\"made\"", "\"x\""), "{}".into()]
            {
                assert_eq!(Manifest::parse(wrong.as_bytes()), None, "{wrong}");
            }
        }
    }
}
