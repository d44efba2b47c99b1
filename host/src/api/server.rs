//! The server: accepts connections and gives their requests to a router.
//!
//! **Invariant:** a client that is slow, silent or gone holds one connection and nothing else, and
//! not for long; a shutdown lets what runs end, but does not wait for ever.

use super::dispatch::Api;
use super::http;
use super::{upload, userdata};
use axum::Router;
use axum::routing::any;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// More connections than this wait to be accepted.
const MAX_CONNECTIONS: usize = 1_024;
/// How long a connection may take for the head of its next request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a shutdown waits for the requests that run.
const GRACE: Duration = Duration::from_secs(20);
/// The pause after a connection could not be accepted: mostly, there are too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The routes of the API, to be merged with others.
pub fn router(api: Api) -> Router {
    Router::new()
        .route("/client/api", any(http::api))
        .route("/client/api/", any(http::api))
        .route(upload::PATH, any(upload::upload))
        .route(userdata::PATH, any(userdata::download))
        .with_state(api)
}

/// Serves the API until `shutdown` is ready and the requests that run have ended.
pub async fn serve(listener: TcpListener, api: Api, shutdown: impl Future<Output = ()>) {
    let routes = router(api.clone()).fallback(http::not_found);
    serve_router(listener, api, routes, shutdown).await;
}

/// Serves routes that have those of the API among them, like [`serve`].
pub async fn serve_router(
    listener: TcpListener,
    api: Api,
    routes: Router,
    shutdown: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            (stream, slot) = accept(&listener, &slots) => {
                let service = TowerToHyperService::new(routes.clone());
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD_TIMEOUT)
                    .serve_connection(TokioIo::new(stream), service);
                let connection = graceful.watch(connection);
                connections.spawn(async move {
                    let _slot = slot;
                    if let Err(error) = connection.await {
                        log::debug!(error:% = error; "a connection broke off");
                    }
                });
            }
        }
    }
    drop(listener);
    let ended = async {
        graceful.shutdown().await;
        api.idle().await;
    };
    if tokio::time::timeout(GRACE, ended).await.is_err() {
        log::warn!("some requests still ran {} s after the shutdown began", GRACE.as_secs());
    }
    connections.shutdown().await;
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, Option<tokio::sync::OwnedSemaphorePermit>) {
    loop {
        // The semaphore is never closed, so there is always a permit.
        let slot = Arc::clone(slots).acquire_owned().await.ok();
        match listener.accept().await {
            Ok((stream, _)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    log::debug!(error:% = error; "a connection cannot be set to send at once");
                }
                return (stream, slot);
            }
            Err(error) => {
                log::warn!(error:% = error; "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
