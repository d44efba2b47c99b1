//! How a server is spoken to: everything that an operator may set, and the client made of it.

use super::Endpoint;
use super::http::Http;
use super::signer_v2::SignerV2;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, IdentityCache, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, StalledStreamProtectionConfig,
};
use aws_sdk_s3::{Client, Config};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use storage_plugin_api::{PluginResult as Result, Secret};

/// How requests are signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Signer {
    /// Version 4, with SHA-256: what every server of today takes.
    #[default]
    V4,
    /// Version 2, with SHA-1: for servers that know nothing newer.
    V2,
}

/// What a server is told of the bytes of a part, besides their signature.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PartChecksum {
    /// Nothing: the signature holds the SHA-256 of the bytes.
    None,
    /// CRC-64/NVME, which costs next to nothing. Not every server looks at it.
    Crc64Nvme,
    /// The MD5, which every server compares, and which is slow.
    #[default]
    Md5,
}

/// How one bucket of a server is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct Connection {
    /// Where the server is.
    pub endpoint: Endpoint,
    /// What signatures name.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// The bucket is in the path, not in the name of the host.
    pub path_style: bool,
    /// Who asks.
    pub access_key: String,
    /// The proof.
    pub secret_key: Secret,
    /// How requests are signed.
    pub signer: Signer,
    /// Signatures hold the SHA-256 of what is sent.
    pub payload_signing: bool,
    /// The authorities that are believed, as PEM, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// How long a connection may take to be made.
    pub connection_timeout: Duration,
    /// How long nothing may move on one.
    pub socket_timeout: Duration,
    /// How long one is used.
    pub connection_time_to_live: Option<Duration>,
    /// Silent connections are asked whether the other end lives.
    pub tcp_keep_alive: bool,
    /// How often a request is tried again.
    pub max_error_retry: u32,
    /// The storage class of what is written.
    pub storage_class: Option<String>,
    /// How the server encrypts what is written: `AES256` or `aws:kms`.
    pub server_side_encryption: Option<String>,
    /// The key of `aws:kms`.
    pub kms_key: Option<String>,
    /// Whether a clock that differs from the server's is made up for.
    pub clock_correction: bool,
    /// How far the clock is put forward, in seconds; for tests of clocks that are wrong.
    pub clock_offset_secs: i64,
}

impl Connection {
    /// A connection with everything else at its default.
    pub fn new(endpoint: Endpoint, bucket: &str, access_key: &str, secret_key: Secret) -> Self {
        Self {
            endpoint,
            region: "us-east-1".to_owned(),
            bucket: bucket.to_owned(),
            path_style: true,
            access_key: access_key.to_owned(),
            secret_key,
            signer: Signer::V4,
            payload_signing: true,
            ca_file: None,
            connection_timeout: Duration::from_secs(10),
            socket_timeout: Duration::from_secs(50),
            connection_time_to_live: None,
            tcp_keep_alive: true,
            max_error_retry: 3,
            storage_class: None,
            server_side_encryption: None,
            kms_key: None,
            clock_correction: true,
            clock_offset_secs: 0,
        }
    }

    /// A client of the SDK; nothing is connected to.
    pub(super) fn client(&self) -> Result<Client> {
        let credentials = Credentials::new(
            self.access_key.as_str(),
            self.secret_key.expose(),
            None,
            None,
            "details of the store",
        );
        let retries = RetryConfig::standard()
            .with_max_attempts(self.max_error_retry + 1)
            .with_max_backoff(Duration::from_secs(5));
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(self.endpoint.to_string())
            .region(Region::new(self.region.clone()))
            .force_path_style(self.path_style)
            .credentials_provider(credentials)
            .identity_cache(IdentityCache::no_cache())
            .http_client(Http::new(self)?)
            .retry_config(retries)
            // Waiting is limited where bytes move, below the SDK.
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            // Checksums are ours: the SDK's would wrap bodies into chunks.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .disable_clock_skew_correction(!self.clock_correction);
        if self.clock_offset_secs != 0 {
            config = config.time_source(super::signer_v2::Clock(self.clock_offset_secs));
        }
        if self.signer == Signer::V2 {
            config = config.interceptor(SignerV2::new(self));
        }
        Ok(Client::from_conf(config.build()))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}
