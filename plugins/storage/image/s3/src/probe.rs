//! The connection test: everything that a store needs of its server is done once, on an object of
//! no other use, before anything is saved.
//!
//! Invariant: what it makes it removes, also where it fails.

use crate::details::Place;
use crate::mark::{Features, small};
use crate::s3::{Bucket, PutOptions};
use storage_plugin_api::PluginResult as Result;
use storage_plugin_api::prelude::*;

/// What is put and read again.
const TEXT: &[u8] = b"A test of the connection by storage-host. It may be removed.\n";

/// What was found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tried {
    pub(crate) features: Features,
    /// The bucket was not there, and was made.
    pub(crate) made_bucket: bool,
}

/// Tries a server out.
///
/// # Errors
/// `InvalidConfig`, `Unauthenticated`, `PermissionDenied`, `NotFound`, `Unavailable`, each naming
/// what is wrong, and the way out.
pub(crate) async fn probe(place: &Place) -> Result<Tried> {
    let mut connection = place.connection.clone();
    // A clock that is wrong is said: links for download would be wrong as well.
    connection.clock_correction = false;
    let bucket = storage_plugin_api::files::blocking(move || Bucket::new(connection)).await?;
    let made_bucket = match bucket.list("", "", 1).await {
        Err(error) if place.create_bucket && error.kind() == PluginErrorKind::NotFound => {
            bucket.create_bucket().await?;
            true
        }
        listed => listed.map(|_| false)?,
    };
    match try_out_and_clean_up(&bucket, place).await {
        Ok(features) => Ok(Tried { features, made_bucket }),
        Err(error) => {
            if made_bucket {
                // The error of the test is the one to report.
                bucket.delete_bucket().await.ok();
            }
            Err(error)
        }
    }
}

async fn try_out_and_clean_up(bucket: &Bucket, place: &Place) -> Result<Features> {
    let key = format!(".storage-store.{}.{}.test", place.installation, Uuid::new_v4().simple());
    let found = try_out(bucket, place, &key).await;
    let removed = bucket.delete(&key).await;
    let features = found?;
    removed?;
    Ok(features)
}

async fn try_out(bucket: &Bucket, place: &Place, key: &str) -> Result<Features> {
    let put = |only_new| {
        let options = PutOptions { only_new, ..PutOptions::default() };
        bucket.put(key, small(place, TEXT.to_vec()), options)
    };
    put(false).await?;
    let back = bucket.get_small(key, 1 << 10).await?;
    if back.as_deref() != Some(TEXT) {
        return Err(PluginError::corrupt(format!(
            "bucket {} gives other bytes than were put; is something between this machine and the \
             server that changes them?",
            place.url()
        )));
    }
    let conditional_writes = match put(true).await {
        Ok(_) => false,
        Err(error) if error.kind() == PluginErrorKind::Conflict => true,
        // Some servers know the condition for nothing but refuse it.
        Err(error) if error.kind() == PluginErrorKind::Unsupported => false,
        Err(error) => return Err(error),
    };
    let lists_uploads = bucket.unfinished(key).await?.is_some();
    let crc64nvme = bucket.compares_crc64(key).await?;
    Ok(Features { crc64nvme, lists_uploads, conditional_writes })
}
