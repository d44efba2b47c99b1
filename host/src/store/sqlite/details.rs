//! Plugin details on SQLite.
//!
//! What it is not: their rules (`store::details`).
//!
//! **Invariant:** what reaches the threads of the engine is sealed already; it is opened after it
//! left them.

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};
use storage_plugin_api::{DetailKey, Details, ListDetailsRequest, Secret, SetDetailRequest};
use zeroize::{Zeroize, Zeroizing};

use super::SqliteRepository;
use crate::store::{
    DetailRepository, StoreError,
    details::{DetailPlace, check_value},
    secrets::SealFault,
    time::now_us,
};

const GET: &str = "SELECT value_encrypted FROM plugin_details
    WHERE plugin = $1 AND owner_kind = $2 AND owner_uuid = $3 AND key = $4";
const SET: &str = "INSERT INTO plugin_details
    (plugin, owner_kind, owner_uuid, key, value_encrypted, updated_at_us)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (plugin, owner_kind, owner_uuid, key) DO UPDATE
    SET value_encrypted = excluded.value_encrypted, updated_at_us = excluded.updated_at_us";
const REMOVE: &str = "DELETE FROM plugin_details
    WHERE plugin = $1 AND owner_kind = $2 AND owner_uuid = $3 AND key = $4";
const LIST: &str = "SELECT key, value_encrypted FROM plugin_details
    WHERE plugin = $1 AND owner_kind = $2 AND owner_uuid = $3";

#[async_trait]
impl DetailRepository for SqliteRepository {
    async fn get_detail(&self, plugin: &str, at: &DetailKey) -> Result<Option<Secret>, StoreError> {
        let place = DetailPlace::new(plugin, at)?;
        let wanted = place.clone();
        let sealed = self
            .readers
            .submit(place.what("read"), move |connection| {
                connection
                    .prepare_cached(GET)?
                    .query_row(
                        params![wanted.plugin, wanted.owner_kind, wanted.owner_uuid, wanted.key],
                        |row| row.get::<_, Vec<u8>>(0),
                    )
                    .optional()
            })
            .await?;
        sealed.map(|sealed| self.open_detail(&place, &sealed)).transpose()
    }

    async fn set_detail(&self, plugin: &str, request: &SetDetailRequest) -> Result<(), StoreError> {
        let place = DetailPlace::new(plugin, &request.at)?;
        check_value(&place, &request.value)?;
        let what = place.what("keep");
        let sealed = self
            .envelope
            .seal(&place.bound_to(), request.value.expose().as_bytes())
            .map_err(|source| StoreError::Write { what: what.clone(), source })?;
        self.writer
            .submit(what, move |connection| {
                connection.prepare_cached(SET)?.execute(params![
                    place.plugin,
                    place.owner_kind,
                    place.owner_uuid,
                    place.key,
                    sealed,
                    now_us()
                ])?;
                Ok(())
            })
            .await
    }

    async fn remove_detail(&self, plugin: &str, at: &DetailKey) -> Result<(), StoreError> {
        let place = DetailPlace::new(plugin, at)?;
        self.writer
            .submit(place.what("forget"), move |connection| {
                connection.prepare_cached(REMOVE)?.execute(params![
                    place.plugin,
                    place.owner_kind,
                    place.owner_uuid,
                    place.key
                ])?;
                Ok(())
            })
            .await
    }

    async fn list_details(
        &self,
        plugin: &str,
        request: &ListDetailsRequest,
    ) -> Result<Details, StoreError> {
        let owner = DetailPlace::of_owner(plugin, request.owner, request.uuid)?;
        let wanted = owner.clone();
        let rows = self
            .readers
            .submit(owner.what("list"), move |connection| {
                let mut statement = connection.prepare_cached(LIST)?;
                let rows = statement.query_map(
                    params![wanted.plugin, wanted.owner_kind, wanted.owner_uuid],
                    |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)),
                )?;
                rows.collect::<rusqlite::Result<Vec<_>>>()
            })
            .await?;
        let mut details = Details::new();
        for (key, sealed) in rows {
            let value = self.open_detail(&owner.with_key(key.clone()), &sealed)?;
            details.insert(key, value.expose());
        }
        Ok(details)
    }
}

impl SqliteRepository {
    fn open_detail(&self, place: &DetailPlace, sealed: &[u8]) -> Result<Secret, StoreError> {
        let unreadable = |reason| StoreError::Unreadable { what: place.what("read"), reason };
        let bytes = self.envelope.open(&place.bound_to(), sealed).map_err(|fault| match fault {
            SealFault::OtherKey(_) => unreadable("was sealed with another key"),
            SealFault::Broken => unreadable("was changed or moved from another place"),
        })?;
        into_secret(bytes).ok_or_else(|| unreadable("is no text"))
    }
}

/// Moves the text, so that no copy of it stays behind.
fn into_secret(mut bytes: Zeroizing<Vec<u8>>) -> Option<Secret> {
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Some(Secret::new(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            None
        }
    }
}
