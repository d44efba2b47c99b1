//! What an operator decides about downloads, and what one download is asked for.

use super::identity::SourceIdentity;
use super::policy::SourcePolicy;
use super::url::{Scheme, SourceUrl};
use std::time::Duration;
use storage_plugin_api::{PluginError, PluginResult};

/// How downloads are made on this host.
#[derive(Debug, Clone)]
pub struct DownloadSettings {
    /// Where sources may lie.
    pub policy: SourcePolicy,
    /// What stands between this host and the sources.
    pub proxy: Option<Proxy>,
    /// Certificates (DER) that vouch for servers besides those that the system trusts.
    pub authorities: Vec<Vec<u8>>,
    /// How long a source may send nothing before its connection counts as broken.
    pub window: Duration,
    /// How often in a row a source may fail without a byte in between.
    pub attempts: u32,
    /// How long the pause after the first failure is; it doubles with each that follows.
    pub pause: Duration,
}

impl DownloadSettings {
    /// Direct connections, a minute for the next byte, six attempts within half a minute.
    pub fn new(policy: SourcePolicy) -> Self {
        Self {
            policy,
            proxy: None,
            authorities: Vec::new(),
            window: Duration::from_secs(60),
            attempts: 6,
            pause: Duration::from_millis(500),
        }
    }
}

/// A proxy for HTTP, for all sources but those on hosts that the policy allows by their names.
///
/// It resolves the names of sources itself. The policy is asked about the addresses that they have
/// here, so a name that has none is refused, and where the proxy resolves otherwise than this host
/// it is for the proxy to keep out of the inner network.
#[derive(Debug, Clone)]
pub struct Proxy {
    pub(super) url: SourceUrl,
}

impl Proxy {
    /// The proxy at `http://[user:password@]host:port`.
    ///
    /// # Errors
    /// `InvalidConfig` for another URL.
    pub fn new(url: &str) -> PluginResult<Self> {
        let url = SourceUrl::parse(url).map_err(|error| {
            PluginError::invalid_config(format!("the proxy: {}", error.message()))
        })?;
        if url.scheme() != Scheme::Http {
            return Err(PluginError::invalid_config(format!(
                "the proxy {url} is not reached by http: write it as http://host:port"
            )));
        }
        Ok(Self { url })
    }
}

/// One download.
#[derive(Debug, Clone)]
pub struct DownloadRequest {
    /// Where from.
    pub url: SourceUrl,
    /// Whether it may lead elsewhere (CloudStack's `followRedirects`).
    pub follow_redirects: bool,
    /// The most bytes that are taken.
    pub max_bytes: u64,
    /// Where to go on, after a crash, and what the source was then.
    pub resume: Option<(u64, SourceIdentity)>,
}

impl DownloadRequest {
    /// All of a source, as long as it has no more bytes than this.
    pub fn new(url: SourceUrl, max_bytes: u64) -> Self {
        Self { url, follow_redirects: false, max_bytes, resume: None }
    }

    /// Refuses a source that has more bytes than wanted.
    pub(super) fn check_size(&self, bytes: u64) -> PluginResult<()> {
        if bytes <= self.max_bytes {
            return Ok(());
        }
        Err(PluginError::invalid_argument(format!(
            "{} has {bytes} bytes or more, and at most {} are taken; offer a smaller file, or let \
             an administrator raise the limit",
            self.url, self.max_bytes
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_reached_by_http_and_shown_without_its_password() {
        let proxy = Proxy::new("http://ann:secret@proxy:3128").unwrap();
        assert!(!format!("{proxy:?}").contains("secret"));
        let refused = Proxy::new("socks5://proxy:1080").unwrap_err();
        assert!(refused.message().starts_with("the proxy: "), "{refused}");
    }
}
