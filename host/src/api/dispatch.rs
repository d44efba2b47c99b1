//! From the parameters of a request to its answer.
//!
//! **Invariant:** every request is answered, with JSON, under one wrapper. Who is not authenticated
//! gets the same refusal whatever the command; only the wrapper, which clients look for, bears the
//! name of a command that there is.

use super::args::Args;
use super::authentication::KeyRing;
use super::call::{Call, CallerContext, RequestId, Services};
use super::command::{Command, CommandTable};
use super::commands;
use super::credentials::Credentials;
use super::error::{ApiError, ErrorCode};
use super::form::Form;
use super::in_flight::InFlight;
use super::reply::Reply;
use super::token::token_of;
use std::fmt;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// The wrapper of errors that are of no command.
const NO_COMMAND: &str = "errorresponse";

/// The API. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    services: Arc<Services>,
    commands: Arc<CommandTable>,
    keys: Arc<KeyRing>,
    in_flight: InFlight,
}

/// What goes back to the client.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// For the header of errors.
    pub(super) description: Option<String>,
    pub(super) body: String,
}

impl Answer {
    /// The answer of an error.
    pub(super) fn error(wrapper: &str, error: &ApiError, request: RequestId) -> Self {
        Self {
            status: error.code().number(),
            description: Some(error.told(request)),
            body: error.wrapped(wrapper, request),
        }
    }
}

impl Api {
    /// The API of a host, for the holder of these credentials.
    pub fn new(services: Services, credentials: &Credentials) -> Self {
        Self::with_commands(services, credentials, commands::all())
    }

    /// An API of other commands.
    pub(super) fn with_commands(
        services: Services,
        credentials: &Credentials,
        commands: CommandTable,
    ) -> Self {
        Self {
            services: Arc::new(services),
            commands: Arc::new(commands),
            keys: Arc::new(KeyRing::of(credentials)),
            in_flight: InFlight::new(),
        }
    }

    /// Waits until no handler runs.
    pub(super) async fn idle(&self) {
        self.in_flight.idle().await;
    }

    /// Waits until a handler runs.
    #[cfg(test)]
    pub(super) async fn busy(&self) {
        self.in_flight.busy().await;
    }

    /// What the handlers work with.
    pub(super) fn services(&self) -> &Services {
        &self.services
    }

    /// Answers a request that reached this host under a name.
    pub(super) async fn answer(
        &self,
        request: RequestId,
        reached_at: Option<String>,
        form: Result<Form, ApiError>,
    ) -> Answer {
        let begun = Instant::now();
        let command = form
            .as_ref()
            .ok()
            .and_then(|form| form.get("command"))
            .and_then(|name| self.commands.find(name))
            .copied();
        let result = match form {
            Ok(form) => self.run((request, reached_at), command.as_ref(), form).await,
            Err(error) => Err(error),
        };
        log_end(request, command.as_ref(), &result, begun);
        match (result, command) {
            (Ok(reply), Some(command)) => {
                Answer { status: 200, description: None, body: reply.wrapped(&command.wrapper()) }
            }
            (Ok(reply), None) => {
                Answer { status: 200, description: None, body: reply.wrapped(NO_COMMAND) }
            }
            (Err(error), Some(command)) if error.code() != ErrorCode::UnsupportedAction => {
                Answer::error(&command.wrapper(), &error, request)
            }
            (Err(error), _) => Answer::error(NO_COMMAND, &error, request),
        }
    }

    async fn run(
        &self,
        (request, reached_at): (RequestId, Option<String>),
        command: Option<&Command>,
        form: Form,
    ) -> Result<Reply, ApiError> {
        let account = self.keys.authenticate(&form, SystemTime::now())?;
        let command = command.ok_or_else(|| no_such_command(&form))?;
        if form.get("response").is_some_and(|format| !format.eq_ignore_ascii_case("json")) {
            return Err(ApiError::parameter(
                "Invalid value for parameter response: this host answers in JSON only, please use \
                 response=json",
            ));
        }
        let token = token_of(command, &form)?;
        let args = Args::of(command.name, form)?;
        log_unknown(request, command, &args);
        let call = Call {
            command: command.name,
            caller: CallerContext { account, token, request },
            services: Arc::clone(&self.services),
            commands: Arc::clone(&self.commands),
            reached_at,
        };
        let (run, is_async, at_once) = (command.run, command.is_async, command.answers_at_once());
        let work = async move {
            let request = call.request();
            let services = Arc::clone(&call.services);
            let rooms = services.orchestration.rooms();
            match rooms.replayed(&request).await? {
                Some(earlier) if is_async => {
                    Ok(Reply::job(earlier.operation, Some(earlier.object)))
                }
                Some(earlier) if !at_once => call.outcome(earlier.operation).await,
                // A job that began is no error: what stands in the way may be that of the same
                // request, sent twice at the same moment.
                None if is_async => match run(call, args).await {
                    Err(error) => match rooms.replayed(&request).await? {
                        Some(earlier) => Ok(Reply::job(earlier.operation, Some(earlier.object))),
                        None => Err(error),
                    },
                    reply => reply,
                },
                _ => run(call, args).await,
            }
        };
        self.in_flight.run(work).await
    }
}

fn no_such_command(form: &Form) -> ApiError {
    match form.get("command") {
        Some(name) => {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
            ApiError::unsupported_action(format!("Unknown API command: {shown}"))
        }
        None => ApiError::unsupported_action("Invalid request, no command sent"),
    }
}

/// Parameters of the protocol, which commands do not declare.
const PROTOCOL: [&str; 8] = [
    "apikey",
    "clienttoken",
    "command",
    "expires",
    "response",
    "sessionkey",
    "signature",
    "signatureversion",
];

fn log_unknown(request: RequestId, command: &Command, args: &Args) {
    if !log::log_enabled!(log::Level::Debug) {
        return;
    }
    let unknown: Vec<&str> = args
        .names()
        .filter(|name| !PROTOCOL.contains(name) && !command.params().any(|one| one.name == *name))
        .collect();
    if !unknown.is_empty() {
        log::debug!(request:% = request, command = command.name; "unknown parameters: {unknown:?}");
    }
}

fn log_end(
    request: RequestId,
    command: Option<&Command>,
    result: &Result<Reply, ApiError>,
    begun: Instant,
) {
    let command = command.map_or("unknown", |command| command.name);
    let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    match result {
        Ok(_) => log::debug!(request:% = request, command, status = 200, ms; "answered"),
        Err(error) => {
            let status = error.code().number();
            let level = match error.code() {
                ErrorCode::Internal => log::Level::Error,
                _ => log::Level::Info,
            };
            let cause = error.cause().map(|cause| format!(": {cause}")).unwrap_or_default();
            // The text may repeat what the caller sent: it must not begin a line of its own.
            let text = format!("{error}{cause}").replace(char::is_control, " ");
            log::log!(
                level, request:% = request, command, status, ms;
                "refused or failed: {text}"
            );
        }
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("services", &self.services).finish_non_exhaustive()
    }
}
