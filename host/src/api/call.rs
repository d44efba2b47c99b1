//! One call of a command: who calls, and what the handler may ask.

use super::command::CommandTable;
use super::endpoint::Endpoint;
use super::error::ApiError;
use super::objects::JobResponse;
use super::reply::Reply;
use super::values::Id;
use crate::jobs::Jobs;
use crate::model::{
    Caller, ClientToken, Failure, ImageStore, Operation, Phase, Record, StoragePool, Stored,
};
use crate::orchestration::{Orchestration, RequestContext};
use crate::registry::DataStoreProviderManager;
use crate::store::{Key, Repository};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use storage_plugin_api::PluginErrorKind;
use uuid::Uuid;

/// The id of a request, in every line of the log that is about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(Uuid);

impl RequestId {
    /// A new one.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerContext {
    /// The account.
    pub account: Arc<str>,
    /// By what the caller recognises its own request.
    pub token: Option<ClientToken>,
    /// The request, for the log.
    pub request: RequestId,
}

/// What the host says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostInfo {
    /// Its version.
    pub version: String,
    /// The address at which it serves.
    pub listen: SocketAddr,
}

/// What handlers work with.
#[derive(Debug)]
pub struct Services {
    /// Providers and the plugins they come from.
    pub providers: Arc<DataStoreProviderManager>,
    /// The host itself.
    pub host: HostInfo,
    /// What happens to storage.
    pub orchestration: Orchestration,
}

/// What a handler is given besides its parameters.
#[derive(Debug, Clone)]
pub struct Call {
    /// The name of the command.
    pub command: &'static str,
    /// Who calls.
    pub caller: CallerContext,
    /// What to work with.
    pub services: Arc<Services>,
    /// All commands.
    pub commands: Arc<CommandTable>,
    /// The host and port under which the caller reached this host, as far as it said so.
    pub reached_at: Option<String>,
}

/// How long a command that answers with an outcome waits before it looks what keeps it waiting.
const PATIENCE: Duration = Duration::from_secs(10);

impl Call {
    /// The beginning of URLs of this host that the caller can reach.
    pub(super) fn base_url(&self) -> String {
        let listens = || Endpoint::of(self.services.host.listen).address();
        format!("http://{}", self.reached_at.clone().unwrap_or_else(listens))
    }

    /// Durable state.
    pub(super) fn repository(&self) -> &Arc<dyn Repository> {
        &self.services.orchestration.rooms().repository
    }

    /// The engine of operations.
    pub(super) fn jobs(&self) -> &Jobs {
        &self.services.orchestration.rooms().jobs
    }

    /// Who asks, for the rooms below.
    pub(super) fn request(&self) -> RequestContext {
        RequestContext {
            caller: Caller {
                account: self.caller.account.as_ref().to_owned(),
                user: Uuid::nil(),
                token: self.caller.token.clone(),
            },
            command: self.command.to_owned(),
        }
    }

    /// The record that a parameter names.
    ///
    /// # Errors
    /// 431 where there is none.
    pub(super) async fn find<T: Record>(
        &self,
        parameter: &str,
        id: Id,
    ) -> Result<Stored<T>, ApiError> {
        let key = match id {
            Id::Uuid(uuid) => Key::Uuid(uuid),
            Id::Number(number) => Key::Id(number),
            Id::None => return Err(ApiError::no_such_entity(parameter, "-1")),
        };
        let found = self.repository().find_any::<T>(key).await?;
        found
            .filter(|stored| stored.removed_us.is_none())
            .ok_or_else(|| ApiError::no_such_entity(parameter, &id.to_string()))
    }

    /// The uuid of the record that a parameter names, if it is given.
    ///
    /// # Errors
    /// 431 where there is no such record, as of `-1`.
    pub(super) async fn uuid_of<T: Record>(
        &self,
        parameter: &str,
        id: Option<Id>,
    ) -> Result<Option<Uuid>, ApiError> {
        match id {
            None => Ok(None),
            Some(id) => Ok(Some(self.find::<T>(parameter, id).await?.record.uuid())),
        }
    }

    /// The uuid of the storage pool, image store or image cache that a parameter names, if it is
    /// given.
    ///
    /// # Errors
    /// 431 where there is none.
    pub(super) async fn data_store(
        &self,
        parameter: &str,
        id: Option<Id>,
    ) -> Result<Option<Uuid>, ApiError> {
        match id {
            None => Ok(None),
            Some(id) => match self.find::<ImageStore>(parameter, id).await {
                // A number is that of a pool.
                Ok(store) if matches!(id, Id::Uuid(_)) => Ok(Some(store.uuid)),
                _ => self.uuid_of::<StoragePool>(parameter, Some(id)).await,
            },
        }
    }

    /// The uuid that a list is narrowed to. `-1` narrows it to nothing, as in CloudStack.
    ///
    /// # Errors
    /// 431 where there is no such record.
    pub(super) async fn filter_uuid<T: Record>(
        &self,
        parameter: &str,
        id: Option<Id>,
    ) -> Result<Option<Uuid>, ApiError> {
        match id {
            Some(Id::None) => Ok(Some(Uuid::max())),
            id => self.uuid_of::<T>(parameter, id).await,
        }
    }

    /// Waits for an operation, and answers what came of it: the object, or a success.
    ///
    /// # Errors
    /// The operation's own failure.
    pub(super) async fn outcome(&self, operation: Uuid) -> Result<Reply, ApiError> {
        let operation = loop {
            let rests = tokio::time::timeout(PATIENCE, self.jobs().wait(operation)).await;
            match rests {
                Ok(operation) => break operation?,
                Err(_) => expect_hopeful(self.jobs().find(operation).await?)?,
            }
        };
        match (operation.phase, &operation.failure) {
            (Phase::Undone, Some(failure)) => Err(failure.clone().into()),
            (Phase::Done | Phase::Undone, _) => {
                let job = JobResponse::of(self, &operation).await?;
                let result =
                    job.into_result().ok_or_else(|| ApiError::internal("a result is missing"))?;
                Reply::flat(&result)
            }
            // Nobody works on it now: the host goes down, or code of it broke.
            _ => Err(ApiError::unavailable(format!(
                "operation {0} rests for now and goes on by itself, within a minute or at the next \
                 start of the host; `storage-host job {0} --wait` waits for it",
                operation.uuid
            ))),
        }
    }
}

/// Says that an operation waits for something, and for what: its caller has waited long enough.
fn expect_hopeful(operation: Operation) -> Result<(), ApiError> {
    let Operation { uuid, phase, failure, waiting_for, .. } = operation;
    let Some(waiting_for) = waiting_for else {
        return Ok(());
    };
    Err(match (phase, failure) {
        (Phase::Undoing, Some(mut failure)) => {
            failure.message = format!(
                "{}; undoing it goes on in operation {uuid}, which waits: {waiting_for}",
                failure.message
            );
            failure.into()
        }
        _ => Failure::new(
            PluginErrorKind::Unavailable,
            format!(
                "operation {uuid} goes on, and waits: {waiting_for}; `storage-host job {uuid} \
                 --wait` waits for it, `storage-host operations cancel {uuid}` turns it back"
            ),
        )
        .into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::error::ErrorCode;
    use crate::model::Journal;

    fn operation(phase: Phase, failure: Option<Failure>, waits: Option<&str>) -> Operation {
        Operation {
            uuid: Uuid::from_u128(7),
            flow: "volume.expunge".to_owned(),
            flow_version: 1,
            state: "{}".to_owned(),
            position: 0,
            phase,
            attempt: 2,
            failure,
            waiting_for: waits.map(str::to_owned),
            cancel_requested: false,
            caller: Caller::admin(),
            command: "deleteVolume".to_owned(),
            object: None,
            journal: Journal::default(),
            epoch: 1,
            created_us: 0,
            updated_us: 0,
        }
    }

    #[test]
    fn who_waits_is_told_of_the_operation_as_soon_as_that_waits_in_any_phase() {
        assert_eq!(expect_hopeful(operation(Phase::Running, None, None)), Ok(()));
        for phase in [Phase::Running, Phase::Undoing] {
            let told = expect_hopeful(operation(phase, None, Some("it hangs"))).unwrap_err();
            assert_eq!(told.code(), ErrorCode::ResourceUnavailable);
            let text = told.to_string();
            let id = Uuid::from_u128(7).to_string();
            assert!(
                text.contains(&format!("operation {id} goes on, and waits: it hangs")),
                "{text}"
            );
        }
        let failure = Some(Failure::no_room("it is full"));
        let told = expect_hopeful(operation(Phase::Undoing, failure, Some("it hangs")));
        let told = told.unwrap_err();
        assert_eq!(told.code(), ErrorCode::InsufficientCapacity);
        assert!(told.to_string().contains("undoing it goes on"), "{told}");
    }
}
