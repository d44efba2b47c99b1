//! Columns: values of the model as SQL has them, and back.
//!
//! What it is not: the columns of a table; each table's file has those.
//!
//! **Invariant:** a uuid is text, for people look into the database; nothing here allocates on the
//! way in.

use rusqlite::{
    Error, Row, ToSql,
    types::{ToSqlOutput, Type, ValueRef},
};
use uuid::{Uuid, fmt::Hyphenated};

/// The largest number that SQL has.
pub(super) const LARGEST_NUMBER: u64 = i64::MAX.unsigned_abs();

/// A uuid on its way in.
pub(super) struct Id([u8; Hyphenated::LENGTH]);

impl From<Uuid> for Id {
    fn from(uuid: Uuid) -> Self {
        let mut text = [0; Hyphenated::LENGTH];
        uuid.hyphenated().encode_lower(&mut text);
        Self(text)
    }
}

impl ToSql for Id {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(&self.0)))
    }
}

/// A number on its way in. One above [`LARGEST_NUMBER`] is an error.
pub(super) struct Number(pub(super) u64);

impl ToSql for Number {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        i64::try_from(self.0)
            .map(ToSqlOutput::from)
            .map_err(|error| Error::ToSqlConversionFailure(Box::new(error)))
    }
}

/// A number on its way out.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| Error::IntegralValueOutOfRange(column, value))
}

/// A uuid on its way out.
pub(super) fn uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    word(row, column, |text| Uuid::try_parse(text).ok())
}

/// A text that stands for something.
pub(super) fn word<T>(
    row: &Row<'_>,
    column: usize,
    parse: impl FnOnce(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    word_or_null(row, column, parse)?.ok_or_else(|| unknown(column, Type::Null))
}

/// The same, where there may be none.
pub(super) fn word_or_null<T>(
    row: &Row<'_>,
    column: usize,
    parse: impl FnOnce(&str) -> Option<T>,
) -> rusqlite::Result<Option<T>> {
    let Some(text) = row.get_ref(column)?.as_str_or_null()? else {
        return Ok(None);
    };
    parse(text).map(Some).ok_or_else(|| unknown(column, Type::Text))
}

fn unknown(column: usize, kind: Type) -> Error {
    Error::FromSqlConversionFailure(column, kind, "a word that this host does not know".into())
}
