//! The client assertions that were used, as rows: an id is a digest, and no time makes it less used.

use crate::clock::UnixSeconds;
use crate::guard::AssertionStore;
use crate::guard::StoreFault;
use crate::guard::UsedAssertion;
use crate::model::Sha256;
use crate::store::open::Sqlite;
use crate::store::writer::ANSWER_TIMEOUT;
use crate::store::writer::WorkError;
use async_trait::async_trait;

#[async_trait]
impl AssertionStore for Sqlite {
    async fn used_assertions(&self) -> Result<Vec<UsedAssertion>, StoreFault> {
        let work = |connection: &rusqlite::Connection| {
            let mut select = connection.prepare("SELECT id, until FROM assertion")?;
            let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.map(|row| of_row(row?)).collect()
        };
        self.writer.ask(work).await
    }

    async fn keep_assertion(&self, used: UsedAssertion, forgotten: Vec<UsedAssertion>) -> Result<(), StoreFault> {
        let work = self.writer.ask(move |connection| {
            let until = i64::try_from(used.until.get()).map_err(|_| WorkError::Damaged)?;
            let insert = "INSERT INTO assertion (id, until) VALUES (?1, ?2)";
            connection.prepare_cached(insert)?.execute(rusqlite::params![used.id.as_bytes(), until])?;
            for UsedAssertion { id, .. } in forgotten {
                connection.prepare_cached("DELETE FROM assertion WHERE id = ?1")?.execute([id.as_bytes()])?;
            }
            Ok(())
        });
        tokio::time::timeout(ANSWER_TIMEOUT, work).await.unwrap_or(Err(StoreFault::Overloaded))
    }
}

fn of_row((id, until): ([u8; 32], i64)) -> Result<UsedAssertion, WorkError> {
    let until = u64::try_from(until).map(UnixSeconds::new).map_err(|_| WorkError::Damaged)?;
    Ok(UsedAssertion { until, id: Sha256::new(id) })
}
