//! What was activated, as rows, and the list of signers in effect. Both are sealed, not because they are secret, but so that
//! nobody without the store's key can write one; each is bound to its sequence.

use crate::approval::Activation;
use crate::approval::ActivationFault;
use crate::approval::ActivationStore;
use crate::approval::History;
use crate::approval::KnownList;
use crate::crypto::Sealer;
use crate::store::directory::KEEP_TIMEOUT;
use crate::store::open::Sqlite;
use crate::store::writer::WorkError;
use async_trait::async_trait;
use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::params;
use std::sync::Arc;

/// A row: its sequence, and what is sealed.
type Row = (i64, Vec<u8>);

#[async_trait]
impl ActivationStore for Sqlite {
    async fn history(&self) -> Result<History, ActivationFault> {
        let work = self.writer.ask(|connection| Ok((rows(connection)?, last_is_recorded(connection)?)));
        let ((activations, list), is_recorded) = work.await.map_err(|_| ActivationFault)?;
        opened(&self.activation_sealer, activations, list, is_recorded)
    }

    async fn recorded(&self, sequence: u64) -> Result<(), ActivationFault> {
        let work = self.writer.ask(move |connection| {
            let update = "UPDATE activation SET recorded = 1 WHERE sequence = ?1";
            Ok(connection.execute(update, [integer(sequence)?])?)
        });
        match tokio::time::timeout(KEEP_TIMEOUT, work).await {
            Ok(Ok(1)) => Ok(()),
            Ok(Ok(_) | Err(_)) | Err(_) => Err(ActivationFault),
        }
    }

    async fn activated(&self, activation: Option<Activation>, list: Option<KnownList>) -> Result<(), ActivationFault> {
        let sealer = Arc::clone(&self.activation_sealer);
        let work = self.writer.ask(move |connection| keep(connection, &sealer, activation.as_ref(), list.as_ref()));
        // It may still be written; then the next start finds the bundle activated, as it was to be.
        match tokio::time::timeout(KEEP_TIMEOUT, work).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false) | Err(_)) | Err(_) => Err(ActivationFault),
        }
    }
}

/// Every activation, the earliest first, and the list in effect, as they lie there.
pub(super) fn rows(connection: &Connection) -> Result<(Vec<Row>, Option<Row>), WorkError> {
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let mut select = connection.prepare("SELECT sequence, sealed FROM activation ORDER BY sequence")?;
    let activations = select.query_map([], row)?.collect::<rusqlite::Result<_>>()?;
    let list = "SELECT sequence, sealed FROM signers WHERE only_row = 1";
    Ok((activations, connection.query_row(list, [], row).optional()?))
}

/// Whether the last activation is known to be on record; `true` where there is none.
fn last_is_recorded(connection: &Connection) -> Result<bool, WorkError> {
    let last = "SELECT recorded FROM activation ORDER BY sequence DESC LIMIT 1";
    let recorded: Option<i64> = connection.query_row(last, [], |row| row.get(0)).optional()?;
    Ok(recorded != Some(0))
}

/// What the rows say, if they were written under this store's key.
pub(super) fn opened(
    sealer: &Sealer,
    activations: Vec<Row>,
    list: Option<Row>,
    is_recorded: bool,
) -> Result<History, ActivationFault> {
    let open = |bound: &[u8], sealed: &[u8]| {
        sealer.open(bound, sealed).map_err(|_| {
            tracing::error!("what was activated does not open under the store's key");
            ActivationFault
        })
    };
    let number = |number: i64| u64::try_from(number).map_err(|_| ActivationFault);
    let activation = |(sequence, sealed): Row| {
        let sequence = number(sequence)?;
        let restored = Activation::restored(&open(&of_activation(sequence), &sealed)?);
        restored.filter(|restored| restored.sequence == sequence).ok_or_else(|| {
            tracing::error!(sequence, "an activation in the store is not one that this version can read");
            ActivationFault
        })
    };
    let activations = activations.into_iter().map(activation).collect::<Result<Vec<_>, _>>()?;
    let list = list.map(|(sequence, sealed)| {
        let sequence = number(sequence)?;
        Ok(KnownList { sequence, text: open(&of_list(sequence), &sealed)? })
    });
    Ok(History::of(activations, list.transpose()?, is_recorded))
}

fn keep(
    connection: &Connection,
    sealer: &Sealer,
    activation: Option<&Activation>,
    list: Option<&KnownList>,
) -> Result<bool, WorkError> {
    if let Some(activation) = activation {
        // Nothing goes below what was: a second judgement that ran beside the first finds that here.
        let insert = "INSERT INTO activation (sequence, activated_at, sealed) SELECT ?1, ?2, ?3
                      WHERE NOT EXISTS (SELECT 1 FROM activation WHERE sequence >= ?1)";
        let sealed = sealer.seal(&of_activation(activation.sequence), &activation.text());
        let (sequence, at) = (integer(activation.sequence)?, integer(activation.at.get())?);
        if connection.execute(insert, params![sequence, at, sealed])? != 1 {
            return Ok(false);
        }
    }
    if let Some(list) = list {
        let upsert = "INSERT INTO signers VALUES (1, ?1, ?2) ON CONFLICT (only_row) DO UPDATE \
                      SET sequence = ?1, sealed = ?2";
        let sealed = sealer.seal(&of_list(list.sequence), &list.text);
        connection.execute(upsert, params![integer(list.sequence)?, sealed])?;
    }
    Ok(true)
}

fn integer(number: u64) -> Result<i64, WorkError> {
    i64::try_from(number).map_err(|_| WorkError::Damaged)
}

fn of_activation(sequence: u64) -> Vec<u8> {
    format!("activation {sequence}").into_bytes()
}

fn of_list(sequence: u64) -> Vec<u8> {
    format!("signers {sequence}").into_bytes()
}
