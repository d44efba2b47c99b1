//! Uploads: a template or ISO whose bytes its owner sends, in one go or in parts.
//!
//! What it is: the offer, the way of the bytes onto the image store, and the end of an offer that
//! nobody took. What it is not: HTTP; whoever has the bytes hands them over piece by piece.
//!
//! **Invariants:** the bytes go straight to the driver of the store, and what broke off goes on at
//! its token. What was sent is a template only after it was looked into, as one that was
//! downloaded. An upload that failed leaves the offer, with the reason, and nothing else.

mod abandon;
mod body;
mod offer;
mod receive;
mod sign;

use super::rooms::Rooms;
use crate::model::{Failure, ObjectInStore, Stored, Upload};
use crate::store::now_us;
use body::Sessions;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

pub use body::{Arrived, Pieces};
pub use offer::OfferUpload;
pub use receive::{Part, Receiving};
pub use sign::{is_signed, signature};

/// How long an offer stands.
const EXPIRES: Duration = Duration::from_hours(24);
/// How often offers are looked for that nobody took.
const SWEEP: Duration = Duration::from_hours(1);

/// The service of uploads.
#[derive(Debug, Clone)]
pub struct Uploads {
    rooms: Arc<Rooms>,
    sessions: Arc<Sessions>,
}

impl Uploads {
    pub(super) fn new(rooms: Arc<Rooms>) -> Self {
        let sessions = Arc::<Sessions>::default();
        let receive = receive::Flow { rooms: Arc::clone(&rooms), sessions: Arc::clone(&sessions) };
        rooms.jobs.add_flow(Arc::new(receive));
        rooms.jobs.add_flow(Arc::new(abandon::Flow(Arc::clone(&rooms))));
        Self { rooms, sessions }
    }

    /// An offer that stands.
    ///
    /// # Errors
    /// The store's.
    pub async fn find(&self, uuid: Uuid) -> Result<Option<Stored<Upload>>, Failure> {
        let found = self.rooms.repository.find::<Upload>(uuid).await?;
        Ok(found.filter(|upload| !upload.is_over(now_us())))
    }

    /// How far an upload has come.
    ///
    /// # Errors
    /// `NotFound` for one that ended.
    pub async fn progress(&self, upload: &Upload) -> Result<Arrived, Failure> {
        let one = self.rooms.find_in_store(upload.place).await?;
        Ok(self::progress(&one))
    }

    /// The most bytes that are taken.
    pub fn max_bytes(&self) -> u64 {
        self.rooms.policy.images.max_bytes
    }

    /// Ends offers that nobody took, now and then, as long as the host runs.
    pub fn sweep_periodically(&self) {
        let rooms = Arc::downgrade(&self.rooms);
        let sessions = Arc::clone(&self.sessions);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                let Some(rooms) = rooms.upgrade() else {
                    return;
                };
                let this = Self { rooms, sessions: Arc::clone(&sessions) };
                if let Err(error) = this.sweep(now_us()).await {
                    log::warn!("offers to upload cannot be swept: {error}");
                }
            }
        });
    }
}

fn progress(one: &ObjectInStore) -> Arrived {
    Arrived {
        offset: one.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.token.offset),
        total: Some(one.length_bytes).filter(|total| *total > 0),
        is_whole: false,
    }
}
