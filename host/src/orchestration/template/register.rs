//! A template or ISO is registered: downloaded, looked into, then Ready.
//!
//! **Invariant:** nothing is made from an image before it was looked into where it lies.

use super::create::CreateTemplate;
use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{Failure, ImageStore, RecordKind, Stored, Template};
use crate::motion::Checksum;
use crate::motion::download::SourceUrl;
use crate::orchestration::download::Wanted;
use crate::orchestration::in_store::{begins, coming_to_image_store, expect_up, fails};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage_plugin_api::{ImageFormat, PluginError};
use uuid::Uuid;

/// What is to be registered.
#[derive(Debug, Clone)]
pub struct RegisterTemplate {
    /// What it is called, and who may use it.
    pub template: CreateTemplate,
    /// Where it is downloaded from.
    pub url: String,
    /// The format that it is said to have.
    pub format: ImageFormat,
    /// The checksum that its author publishes.
    pub checksum: Option<String>,
    /// Whether the download may lead elsewhere.
    pub follow_redirects: bool,
    /// The zone whose image store takes it.
    pub zone: Uuid,
}

impl super::Templates {
    /// Begins to register a template or ISO (`registerTemplate`, `registerIso`). Its record is there
    /// when this returns; a download that fails leaves it, with the reason.
    ///
    /// # Errors
    /// `InvalidArgument` for a URL or a checksum that is none; `CapacityExceeded` where no image
    /// store of the zone takes it.
    pub async fn register(
        &self,
        request: &RequestContext,
        wish: RegisterTemplate,
    ) -> Result<Started, Failure> {
        let refused = |error: PluginError| Failure::invalid(error.message());
        let url = SourceUrl::parse(&wish.url).map_err(refused)?;
        if let Some(text) = &wish.checksum {
            text.parse::<Checksum>().map_err(|error| Failure::invalid(error.to_string()))?;
        }
        let store = self.rooms.image_store_for(wish.zone, wish.format, 0).await?;
        let mut template = wish.template.template(wish.format, 0);
        template.url = Some(url.to_string());
        template.origin = Some(wish.url);
        template.checksum.clone_from(&wish.checksum);
        self.begin_register(request, &template, &store, wish.follow_redirects).await
    }

    async fn begin_register(
        &self,
        request: &RequestContext,
        template: &Template,
        store: &Stored<ImageStore>,
        follow_redirects: bool,
    ) -> Result<Started, Failure> {
        let object = (RecordKind::Template, template.uuid);
        let one = coming_to_image_store(object, store, template.format);
        let mut changes = vec![expect_up(store.uuid), Change::insert(template)];
        changes.extend(begins(&one));
        let state = State { template: template.uuid, one: one.uuid, follow_redirects };
        let with = With { exclusive: vec![one.uuid], shared: vec![store.uuid] };
        self.rooms.begin::<Flow>(request, object, with, changes, &state).await
    }
}

/// `template.register`: downloaded, then looked into.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    template: Uuid,
    one: Uuid,
    follow_redirects: bool,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "template.register";
    const VERSION: u32 = 1;
    const STEPS: &'static [Step<Self>] = &[
        Step::outside("download it", step_fn!(download)).undone_by(step_fn!(drop_it)),
        Step::outside("look into it", step_fn!(look)),
    ];

    /// The record stays, with the reason: whoever registered it looks for it.
    fn abandon<'a>(&'a self, context: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(async move {
            let one = self.0.find_in_store(state.one).await?;
            Ok(vec![fails(one, context.failure())?])
        })
    }
}

impl Flow {
    async fn download(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let template = self.0.find_template(state.template).await?;
        let one = self.0.find_in_store(state.one).await?;
        let url = template.origin.clone().or_else(|| template.url.clone());
        let checksum = template.checksum.as_deref().map(str::parse).transpose();
        let wanted = Wanted {
            url: url.ok_or_else(|| Failure::invalid("there is no URL to download from"))?,
            follow_redirects: state.follow_redirects,
            checksum: checksum.map_err(|error: crate::motion::ChecksumError| {
                Failure::invalid(error.to_string())
            })?,
        };
        let one = self.0.download(context, one, wanted).await?;
        Ok(vec![Change::update(&one)])
    }

    async fn look(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let template = self.0.find_template(state.template).await?;
        let one = self.0.find_in_store(state.one).await?;
        self.0.look_into(context, template, one, "was registered").await
    }

    async fn drop_it(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        self.0.drop_place(context, state.one).await
    }
}
