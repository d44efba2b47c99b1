//! Links for download of templates, ISOs, snapshots and volumes: made, served, ended.
//!
//! Where the driver of a store makes links itself (capability `extract_url`), its link is handed
//! out; else this host serves the bytes, straight from the store that has them.
//!
//! **Invariants:** a link leads to an object that is there: as soon as its deletion begins, or a
//! volume's instance starts, the link is refused, and a download that runs breaks off before its
//! last byte. A link ends by itself, and nobody is told why one does not work.

mod create;
mod end;
mod serve;

use super::in_store::Origin;
use super::rooms::Rooms;
use crate::model::{ExtractLink, Failure, Stored};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

pub(super) use create::image_driver;
pub use serve::Opened;

/// How long a link works (CloudStack's `extract.url.expiration.interval`).
pub const EXPIRES: Duration = Duration::from_secs(14_400);
/// How often links are looked for that ended (CloudStack's `extract.url.cleanup.interval`).
const SWEEP: Duration = Duration::from_secs(7_200);

/// The service of links for download.
#[derive(Debug, Clone)]
pub struct Extracts {
    rooms: Arc<Rooms>,
}

impl Extracts {
    pub(super) fn new(rooms: Arc<Rooms>) -> Self {
        rooms.jobs.add_flow(Arc::new(create::Flow(Arc::clone(&rooms))));
        rooms.jobs.add_flow(Arc::new(end::Flow(Arc::clone(&rooms))));
        Self { rooms }
    }

    /// Ends links whose time is over, now and then, as long as the host runs.
    pub fn sweep_periodically(&self) {
        let rooms = Arc::downgrade(&self.rooms);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                let Some(rooms) = rooms.upgrade() else {
                    return;
                };
                if let Err(error) = (Self { rooms }).sweep(crate::store::now_us()).await {
                    log::warn!("links for download cannot be swept: {error}");
                }
            }
        });
    }
}

impl Rooms {
    async fn find_link(&self, uuid: Uuid) -> Result<Stored<ExtractLink>, Failure> {
        let found = self.repository.find::<ExtractLink>(uuid).await?;
        found.ok_or_else(|| Failure::not_found(format!("there is no link for download {uuid}")))
    }
}

/// Where the bytes of a link are.
fn origin(link: &ExtractLink) -> Origin {
    match (link.place, link.kind) {
        (Some(place), _) => Origin::InStore(place),
        (None, crate::model::RecordKind::Snapshot) => Origin::Snapshot(link.object),
        (None, _) => Origin::Volume(link.object),
    }
}
