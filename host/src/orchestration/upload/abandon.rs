//! An offer that nobody took ends, and with it what came of it.

use crate::jobs::{self, Step, StepContext, StepError, step_fn};
use crate::model::{
    Failure, Machine, RecordKind, Stored, Template, TemplateEvent, TemplateState, Upload,
};
use crate::orchestration::in_store::ends;
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::{Change, Filter};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

impl super::Uploads {
    /// Ends the offers whose time is over by this moment. Gives how many are being ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn sweep(&self, now_us: i64) -> Result<usize, Failure> {
        let mut ended = 0;
        for upload in self.rooms.repository.list::<Upload>(&Filter::default()).await? {
            let template = self.rooms.repository.find::<Template>(upload.template).await?;
            let waits = template.is_some_and(|one| one.state == TemplateState::NotUploaded);
            if !waits {
                // It was deleted meanwhile.
                let forgotten = vec![Change::Forget(RecordKind::Upload, upload.record.uuid)];
                if let Err(refused) = self.rooms.repository.transact(forgotten).await {
                    log::info!("an offer to upload is forgotten later: {refused}");
                }
            } else if upload.is_over(now_us) {
                match self.abandon(&upload).await {
                    Ok(_) => ended += 1,
                    // It is being uploaded, or its store does not answer: the next sweep finds it.
                    Err(failure) => log::info!("an offer to upload ends later: {failure}"),
                }
            }
        }
        Ok(ended)
    }

    /// Begins to end an offer.
    ///
    /// # Errors
    /// `InUse` while somebody uploads; why its store cannot be reached.
    pub(in crate::orchestration) async fn abandon(
        &self,
        upload: &Stored<Upload>,
    ) -> Result<Started, Failure> {
        let one = self.rooms.find_in_store(upload.place).await?;
        // There is no way back once it began, so what cannot be reached is refused now.
        self.rooms.store_access(one.store).await?;
        let changes = vec![
            Change::expect(RecordKind::Template, upload.template, "NotUploaded"),
            Change::expect(RecordKind::ObjectInStore, one.uuid, "Allocated"),
        ];
        let object = (RecordKind::Template, upload.template);
        let with = With { exclusive: vec![one.uuid], shared: vec![one.store] };
        let state = State { upload: upload.record.uuid };
        let request = RequestContext::system("upload sweep");
        self.rooms.begin::<Flow>(&request, object, with, changes, &state).await
    }
}

/// `upload.abandon`: what came of an upload goes; its template says that it was given up.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    upload: Uuid,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "upload.abandon";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] =
        &[Step::outside("remove what came of it", step_fn!(remove)).forward_only()];
}

impl Flow {
    async fn remove(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let upload = self.0.repository.find::<Upload>(state.upload).await?;
        let upload = upload.ok_or_else(|| Failure::not_found("the offer to upload has ended"))?;
        let one = self.0.find_in_store(upload.place).await?;
        self.0.drop_from_store(context, &one).await?;
        let mut template = self.0.find_template(upload.template).await?;
        template.state = template.state.next(TemplateEvent::OperationTimeout)?;
        let told = format!("the upload of {} {:?} was given up", template.word(), template.name);
        let object = (RecordKind::Template, template.uuid);
        let mut changes = ends(one)?;
        changes.extend([
            Change::update(&template),
            Change::Forget(RecordKind::Upload, upload.record.uuid),
            context.event("TEMPLATE.UPLOAD.ABANDON", object, told),
        ]);
        Ok(changes)
    }
}
