//! The table `claims`: names that one holder at a time has.
//!
//! **Invariant:** a name passes from one holder to another only by way of nobody.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::{
    columns::{Id, Number, uuid},
    transact::{Outcome, Transaction},
    writer::Halt,
};
use crate::store::{Claim, Refused};

const CLAIM: &str = "INSERT INTO claims (name, holder_uuid, epoch, since_us)
    VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING";
const UNCLAIM: &str = "DELETE FROM claims WHERE name = $1 AND holder_uuid = $2";
// `;` comes right after `:`, so this is every name with the prefix.
const USER: &str = "SELECT name, holder_uuid, since_us FROM claims
    WHERE name >= $1 AND name < $2 ORDER BY name LIMIT 1";
const REST: &str = "DELETE FROM claims
    WHERE holder_uuid = $1 AND (name LIKE 'object:%' OR name LIKE 'use:%' OR name LIKE 'cancel:%')";
const FIND: &str = "SELECT name, holder_uuid, since_us FROM claims WHERE name = $1";
const LIST: &str = "SELECT name, holder_uuid, since_us FROM claims ORDER BY name";

/// See [`Change::Claim`](crate::store::Change::Claim).
pub(super) fn claim(now: &Transaction<'_>, name: &str, holder: Uuid) -> Outcome {
    let params = params![name, Id::from(holder), Number(now.epoch), now.now_us];
    if now.execute(CLAIM, params)? != 0 {
        return Ok(());
    }
    match now.find(FIND, [name], read)? {
        Some(claim) if claim.holder != holder => {
            let Claim { name, holder, since_us } = claim;
            Err(Halt::Refused(Refused::Claimed { name, holder, since_us }))
        }
        _ => Ok(()),
    }
}

/// See [`Change::Unclaim`](crate::store::Change::Unclaim).
pub(super) fn unclaim(now: &Transaction<'_>, name: &str, holder: Uuid) -> Outcome {
    now.execute(UNCLAIM, params![name, Id::from(holder)])?;
    Ok(())
}

/// See [`Change::ExpectUnused`](crate::store::Change::ExpectUnused).
pub(super) fn expect_unused(now: &Transaction<'_>, object: Uuid) -> Outcome {
    let (from, to) = (format!("use:{object}:"), format!("use:{object};"));
    match now.find(USER, [from, to], read)? {
        Some(Claim { name, holder, since_us }) => {
            Err(Halt::Refused(Refused::Claimed { name, holder, since_us }))
        }
        None => Ok(()),
    }
}

/// Gives back what a holder has for the time it works.
pub(super) fn rest(now: &Transaction<'_>, holder: Uuid) -> Outcome {
    now.execute(REST, [Id::from(holder)])?;
    Ok(())
}

/// Who holds a name.
pub(super) fn find(connection: &Connection, name: &str) -> rusqlite::Result<Option<Claim>> {
    connection.prepare_cached(FIND)?.query_row([name], read).optional()
}

/// Every claim.
pub(super) fn list(connection: &Connection) -> rusqlite::Result<Vec<Claim>> {
    connection.prepare_cached(LIST)?.query_map([], read)?.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Claim> {
    Ok(Claim { name: row.get(0)?, holder: uuid(row, 1)?, since_us: row.get(2)? })
}
