//! A connection to a source: resolved, judged by the policy, opened to the address that was
//! judged, with TLS where the URL says so.
//!
//! **Invariant:** the address that the policy saw is the address that is connected to.

use super::settings::{DownloadSettings, Proxy};
use super::url::{Scheme, SourceUrl};
use crate::motion::wait::within;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, PROXY_AUTHORIZATION};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use storage_plugin_api::{CHUNK_BYTES, CallContext, PluginError, PluginResult, Retry};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;

/// One of several addresses may be dead; the others should have their turn.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

const TRUST: &str =
    "if the server's authority is your own, add it to those that this system trusts";

const UNRESOLVED: &str = "a proxy would resolve it, and to which network is not known here; let \
                          this host resolve it, or allow it by its name (download_allow)";

/// How a source is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Directly,
    ThroughProxy,
}

/// Opens connections to sources.
pub(super) struct Connector {
    pub(super) settings: DownloadSettings,
    /// Made when the first source asks for it: reading the system's certificates takes a while.
    tls: OnceCell<TlsConnector>,
}

/// A connection that takes requests, and how they name their target on it.
pub(super) struct Connection {
    pub(super) sender: SendRequest<Empty<Bytes>>,
    /// The proxy that the request itself goes to, if it does.
    pub(super) proxy: Option<Proxy>,
}

impl Connector {
    pub(super) fn new(settings: DownloadSettings) -> Self {
        Self { settings, tls: OnceCell::new() }
    }

    /// Connects to the host of a URL, or to the proxy that stands before it.
    pub(super) async fn connect(
        &self,
        call: &CallContext,
        url: &SourceUrl,
    ) -> PluginResult<Connection> {
        let (way, addresses) = self.allowed(call, url).await?;
        let proxy = self.settings.proxy.as_ref().filter(|_| way == Way::ThroughProxy);
        let stream = match proxy {
            None => self.open(call, url, &addresses).await?,
            Some(proxy) => {
                let addresses = self.resolve(call, &proxy.url).await?;
                self.open(call, &proxy.url, &addresses).await?
            }
        };
        match (url.scheme(), proxy) {
            (Scheme::Https, Some(proxy)) => {
                let tunnel = self.tunnel(call, proxy, url, stream).await?;
                self.encrypt(call, url, tunnel).await
            }
            (Scheme::Https, None) => self.encrypt(call, url, stream).await,
            (_, proxy) => self.speak(call, url, stream, proxy.cloned()).await,
        }
    }

    /// The way to a source, and the addresses of it that the policy allows.
    ///
    /// What an operator allowed by its name is his own: it is reached directly, if its name means
    /// something here. Behind a proxy any other name has to mean something here as well: where a
    /// proxy would go by it could not be judged.
    async fn allowed(
        &self,
        call: &CallContext,
        url: &SourceUrl,
    ) -> PluginResult<(Way, Vec<SocketAddr>)> {
        let has_proxy = self.settings.proxy.is_some();
        let is_named = self.settings.policy.names(url.host());
        let resolved = match self.resolve(call, url).await {
            Err(error) if has_proxy && error.is_retryable() => {
                return match is_named {
                    true => Ok((Way::ThroughProxy, Vec::new())),
                    false => Err(error.with("way out", UNRESOLVED)),
                };
            }
            other => other?,
        };
        let way = if has_proxy && !is_named { Way::ThroughProxy } else { Way::Directly };
        let check = |address: &SocketAddr| {
            self.settings.policy.check_address(url.host(), address.ip()).map(|()| *address)
        };
        let (allowed, refused): (Vec<_>, Vec<_>) =
            resolved.iter().map(check).partition(Result::is_ok);
        let refusal = refused.into_iter().find_map(Result::err);
        match refusal {
            // Through a proxy the choice of the address is not ours: one that is refused is enough.
            Some(refusal) if allowed.is_empty() || way == Way::ThroughProxy => {
                Err(refusal.with("source", url))
            }
            _ => Ok((way, allowed.into_iter().flatten().collect())),
        }
    }

    async fn resolve(&self, call: &CallContext, url: &SourceUrl) -> PluginResult<Vec<SocketAddr>> {
        let lookup = tokio::net::lookup_host((url.host(), url.port()));
        let late = || PluginError::timeout(format!("{}: the name server is silent", url.host()));
        let found = within(call, self.settings.window, late, lookup).await?;
        let found: Vec<_> = found.map(Iterator::collect).map_err(|error| {
            PluginError::unavailable(format!(
                "the name {:?} of {url} cannot be resolved: {error}",
                url.host()
            ))
        })?;
        if found.is_empty() {
            return Err(PluginError::unavailable(format!("{:?} has no address", url.host())));
        }
        Ok(found)
    }

    async fn open(
        &self,
        call: &CallContext,
        url: &SourceUrl,
        addresses: &[SocketAddr],
    ) -> PluginResult<TcpStream> {
        let mut last = None;
        for address in addresses {
            let late = || PluginError::timeout(format!("{address} does not answer"));
            let window = self.settings.window.min(CONNECT_TIMEOUT);
            match within(call, window, late, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // One request, and then only bytes that come: there is nothing to gather.
                    stream.set_nodelay(true).ok();
                    return Ok(stream);
                }
                Ok(Err(error)) => last = Some(format!("{address}: {error}")),
                Err(error) if call.is_cancelled() => return Err(error),
                Err(error) => last = Some(error.message().to_owned()),
            }
        }
        Err(PluginError::unavailable(format!(
            "no connection to {}: {}",
            url.host_and_port(),
            last.unwrap_or_else(|| "it has no address".to_owned())
        )))
    }

    /// Asks a proxy for a tunnel to a source.
    async fn tunnel(
        &self,
        call: &CallContext,
        proxy: &Proxy,
        url: &SourceUrl,
        stream: TcpStream,
    ) -> PluginResult<impl AsyncRead + AsyncWrite + Send + Unpin + 'static> {
        let mut connection = self.speak(call, &proxy.url, stream, None).await?;
        let mut request = Request::connect(url.host_and_port()).header(HOST, url.host_and_port());
        if let Some(authorization) = proxy.url.authorization() {
            request = request.header(PROXY_AUTHORIZATION, authorization);
        }
        let request = request.body(Empty::new()).map_err(|error| unfit(url, &error))?;
        let late = || PluginError::timeout(format!("the proxy {} is silent", proxy.url));
        let answer = connection.sender.send_request(request);
        let answer = within(call, self.settings.window, late, answer).await?;
        let answer = answer.map_err(|error| {
            PluginError::unavailable(format!("the proxy {}: {error}", proxy.url))
        })?;
        if !answer.status().is_success() {
            return Err(PluginError::unavailable(format!(
                "the proxy {} opens no tunnel to {}: {}",
                proxy.url,
                url.host_and_port(),
                answer.status()
            )));
        }
        let upgraded = hyper::upgrade::on(answer).await.map_err(|error| {
            PluginError::unavailable(format!("the proxy {}: {error}", proxy.url))
        })?;
        Ok(TokioIo::new(upgraded))
    }

    async fn encrypt<S>(
        &self,
        call: &CallContext,
        url: &SourceUrl,
        stream: S,
    ) -> PluginResult<Connection>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let tls = self.tls.get_or_try_init(|| self.trust()).await?;
        let name = ServerName::try_from(url.host().to_owned())
            .map_err(|_| PluginError::invalid_argument(format!("{url} has no name for TLS")))?;
        let late = || PluginError::timeout(format!("{url} does not answer to TLS"));
        let shaken = within(call, self.settings.window, late, tls.connect(name, stream)).await?;
        let stream = shaken.map_err(|error| {
            let refused =
                PluginError::unavailable(format!("no secure connection to {url}: {error}"));
            // A certificate that is refused will be refused again.
            match error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) {
                true => refused.retry(Retry::Never).with("way out", TRUST),
                false => refused,
            }
        })?;
        self.speak(call, url, stream, None).await
    }

    /// What this host trusts: the authorities of the system, and those of the settings.
    async fn trust(&self) -> PluginResult<TlsConnector> {
        let added = self.settings.authorities.clone();
        let internal = |error: &dyn std::fmt::Display| {
            PluginError::internal(format!("TLS cannot be set up: {error}"))
        };
        let roots = tokio::task::spawn_blocking(move || roots(added));
        let roots = roots.await.map_err(|error| internal(&error))??;
        if roots.is_empty() {
            return Err(PluginError::invalid_config(
                "this system trusts no authority, so no https source can be read: install its \
                 certificates (on Debian the package ca-certificates)",
            ));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| internal(&error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }

    /// Speaks HTTP on a stream.
    async fn speak<S>(
        &self,
        call: &CallContext,
        url: &SourceUrl,
        stream: S,
        proxy: Option<Proxy>,
    ) -> PluginResult<Connection>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let mut builder = http1::Builder::new();
        // What the system has of the body is taken in one piece of up to a chunk.
        builder.max_buf_size(CHUNK_BYTES);
        let late = || PluginError::timeout(format!("{url} does not answer"));
        let shaken = builder.handshake(TokioIo::new(stream));
        let shaken = within(call, self.settings.window, late, shaken).await?;
        let (sender, connection) = shaken.map_err(|error| {
            PluginError::unavailable(format!("no connection to {url}: {error}"))
        })?;
        // It ends with the body, or when whoever reads the body is gone; its errors come by the
        // body.
        tokio::spawn(async move { connection.with_upgrades().await.ok() });
        Ok(Connection { sender, proxy })
    }
}

/// Reads the system's certificates, from files that may lie on a slow disk.
fn roots(added: Vec<Vec<u8>>) -> PluginResult<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in added {
        roots.add(CertificateDer::from(certificate)).map_err(|error| {
            PluginError::invalid_config(format!(
                "an authority of the settings is no certificate: {error}"
            ))
        })?;
    }
    Ok(roots)
}

/// A request that cannot be written.
pub(super) fn unfit(url: &SourceUrl, error: &dyn std::fmt::Display) -> PluginError {
    PluginError::invalid_argument(format!("{url} cannot be asked for: {error}"))
}
