//! One call of a command: who calls, and what the handler may ask.

use super::command::CommandTable;
use super::error::ApiError;
use super::objects::JobResponse;
use super::reply::Reply;
use super::values::Id;
use crate::jobs::Jobs;
use crate::model::{Caller, ClientToken, Phase, Record, Stored};
use crate::orchestration::{Orchestration, RequestContext};
use crate::registry::DataStoreProviderManager;
use crate::store::{Key, Repository};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
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
}

/// How long a command that answers with an outcome waits before it looks what keeps it waiting.
const PATIENCE: Duration = Duration::from_secs(10);

impl Call {
    /// Says why, where an operation failed already and only its undoing waits for a back end.
    async fn is_still_hopeful(&self, operation: Uuid) -> Result<(), ApiError> {
        let operation = self.jobs().find(operation).await?;
        match (operation.phase, operation.failure, operation.waiting_for) {
            (Phase::Undoing, Some(mut failure), Some(waiting_for)) => {
                failure.message = format!(
                    "{}; undoing it goes on in operation {}, which waits: {waiting_for}",
                    failure.message, operation.uuid
                );
                Err(failure.into())
            }
            _ => Ok(()),
        }
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
    /// 431 where there is no such record.
    pub(super) async fn uuid_of<T: Record>(
        &self,
        parameter: &str,
        id: Option<Id>,
    ) -> Result<Option<Uuid>, ApiError> {
        match id {
            None | Some(Id::None) => Ok(None),
            Some(id) => Ok(Some(self.find::<T>(parameter, id).await?.record.uuid())),
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
                Err(_) => self.is_still_hopeful(operation).await?,
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
            _ => Err(ApiError::unavailable(format!(
                "the host is going down; operation {} goes on at its next start",
                operation.uuid
            ))),
        }
    }
}
