//! An offer: the record of a template without bytes, and the place that they come to.

use super::EXPIRES;
use crate::model::{Failure, ObjectInStoreState, RecordKind, Stored, TemplateState, Upload};
use crate::motion::Checksum;
use crate::orchestration::in_store::{begins, coming_to_image_store, expect_up};
use crate::orchestration::random_word::random_word;
use crate::orchestration::request::RequestContext;
use crate::orchestration::template::CreateTemplate;
use crate::store::{Change, now_us};
use storage_plugin_api::ImageFormat;
use uuid::Uuid;

/// What is to be uploaded.
#[derive(Debug, Clone)]
pub struct OfferUpload {
    /// What it is called, and who may use it.
    pub template: CreateTemplate,
    /// The format that it is said to have.
    pub format: ImageFormat,
    /// The checksum of the file that is sent.
    pub checksum: Option<String>,
    /// The zone whose image store takes it.
    pub zone: Uuid,
}

impl super::Uploads {
    /// Makes a template that waits for its bytes (`getUploadParamsForTemplate`,
    /// `getUploadParamsForIso`), and the offer to send them.
    ///
    /// # Errors
    /// `InvalidArgument` for a checksum that is none; `CapacityExceeded` where no image store of
    /// the zone takes it.
    pub async fn offer(
        &self,
        request: &RequestContext,
        wish: OfferUpload,
    ) -> Result<Stored<Upload>, Failure> {
        if let Some(text) = &wish.checksum {
            text.parse::<Checksum>().map_err(|error| Failure::invalid(error.to_string()))?;
        }
        let store = self.rooms.image_store_for(wish.zone, wish.format, 0).await?;
        let mut template = wish.template.template(wish.format, 0);
        template.state = TemplateState::NotUploaded;
        template.checksum = wish.checksum;
        let object = (RecordKind::Template, template.uuid);
        let mut place = coming_to_image_store(object, &store, wish.format);
        place.state = ObjectInStoreState::Allocated;
        let lifetime = i64::try_from(EXPIRES.as_micros()).unwrap_or(i64::MAX);
        let upload = Upload {
            uuid: Uuid::new_v4(),
            template: template.uuid,
            place: place.uuid,
            account: request.caller.account.clone(),
            key: random_word()?,
            expires_us: now_us().saturating_add(lifetime),
        };
        let mut changes =
            vec![expect_up(store.uuid), Change::insert(&template), Change::insert(&upload)];
        changes.extend(begins(&place));
        self.rooms.repository.transact(changes).await?;
        let made = self.find(upload.uuid).await?;
        made.ok_or_else(|| Failure::not_found("the offer ended at this moment"))
    }
}
