//! Signatures of version 2, for servers that know nothing newer (CloudStack's `S3SignerType`).
//!
//! The SDK signs with version 4 and nothing else, so a request is signed again right before it is
//! sent. Invariant: nothing of the first signature leaves.

use super::Connection;
use aws_sdk_s3::config::http::HttpRequest;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use std::fmt;
use std::time::{Duration, SystemTime};
use storage_plugin_api::Secret;

/// The parameters that are part of what is signed, in their order.
const SIGNED_PARAMETERS: [&str; 22] = [
    "acl",
    "cors",
    "delete",
    "lifecycle",
    "location",
    "logging",
    "notification",
    "partNumber",
    "policy",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "tagging",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "website",
];

/// A clock that goes before the machine's, or after it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(pub(super) i64);

impl Clock {
    pub(super) fn now_at(self) -> SystemTime {
        let by = Duration::from_secs(self.0.unsigned_abs());
        let now = SystemTime::now();
        if self.0 >= 0 { now + by } else { now - by }
    }
}

impl aws_smithy_async::time::TimeSource for Clock {
    fn now(&self) -> SystemTime {
        self.now_at()
    }
}

/// Signs requests anew.
#[derive(Clone)]
pub(super) struct SignerV2 {
    access_key: String,
    secret_key: Secret,
    /// Where the name of the host says the bucket, the bucket.
    virtual_bucket: Option<String>,
    clock: Clock,
}

impl fmt::Debug for SignerV2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignerV2")
    }
}

impl SignerV2 {
    pub(super) fn new(connection: &Connection) -> Self {
        Self {
            access_key: connection.access_key.clone(),
            secret_key: connection.secret_key.clone(),
            virtual_bucket: (!connection.path_style).then(|| connection.bucket.clone()),
            clock: Clock(connection.clock_offset_secs),
        }
    }

    fn sign(&self, request: &mut HttpRequest) -> Result<(), BoxError> {
        let now = DateTime::from(self.clock.now_at()).fmt(DateTimeFormat::HttpDate)?;
        let headers = request.headers_mut();
        headers.remove("authorization");
        headers.insert("x-amz-date", now);
        let text = self.text(request);
        let signature = format!("AWS {}:{}", self.access_key, self.signature(&text)?);
        request.headers_mut().insert("authorization", signature);
        Ok(())
    }

    /// A link with a signature, which works until a time in seconds since 1970.
    pub(super) fn presign(
        &self,
        method: &str,
        url: &str,
        expires: u64,
    ) -> Result<String, BoxError> {
        let (path, query) = path_and_query(url);
        let text = format!("{method}\n\n\n{expires}\n{}", self.resource(path, query));
        let signature = encoded(&self.signature(&text)?);
        let access_key = encoded(&self.access_key);
        let separator = if query.is_empty() { '?' } else { '&' };
        Ok(format!(
            "{url}{separator}AWSAccessKeyId={access_key}&Expires={expires}&Signature={signature}"
        ))
    }

    /// What is signed.
    fn text(&self, request: &HttpRequest) -> String {
        let header = |name| request.headers().get(name).unwrap_or_default();
        let mut amazon: Vec<(String, &str)> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
            .filter(|(name, _)| name.starts_with("x-amz-"))
            .collect();
        amazon.sort();
        let (path, query) = path_and_query(request.uri());
        let mut text = format!(
            "{}\n{}\n{}\n\n",
            request.method(),
            header("content-md5"),
            header("content-type")
        );
        for (name, value) in amazon {
            text.push_str(&format!("{name}:{value}\n"));
        }
        text + &self.resource(path, query)
    }

    fn resource(&self, path: &str, query: &str) -> String {
        let mut resource = match &self.virtual_bucket {
            Some(bucket) => format!("/{bucket}{path}"),
            None => path.to_owned(),
        };
        let mut separator = '?';
        for signed in SIGNED_PARAMETERS {
            for (name, value) in
                query.split('&').map(|one| one.split_once('=').unwrap_or((one, "")))
            {
                if name != signed {
                    continue;
                }
                resource.push(separator);
                resource.push_str(name);
                if !value.is_empty() {
                    resource.push('=');
                    resource.push_str(&decoded(value));
                }
                separator = '&';
            }
        }
        resource
    }

    fn signature(&self, text: &str) -> Result<String, BoxError> {
        let mut mac = Hmac::<Sha1>::new_from_slice(self.secret_key.expose().as_bytes())?;
        mac.update(text.as_bytes());
        Ok(BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// The path and the query of a URL.
fn path_and_query(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    (before.find('/').map_or("/", |at| &before[at..]), query)
}

/// Percent signs and what they stand for; what they stand for is text here.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match hex.and_then(|two| u8::from_str_radix(two, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A value as a URL's query has it.
pub(super) fn encoded(value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let one = |byte: u8| match is_plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    value.bytes().map(one).collect()
}

#[dyn_dispatch_hint]
impl Intercept for SignerV2 {
    fn name(&self) -> &'static str {
        "SignerV2"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.sign(context.request_mut())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(virtual_bucket: Option<&str>) -> SignerV2 {
        SignerV2 {
            access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            virtual_bucket: virtual_bucket.map(str::to_owned),
            clock: Clock(0),
        }
    }

    #[test]
    fn signatures_are_as_published() {
        // The example of a request with a query in the description of the signature.
        let text = "GET\n\n\nTue, 27 Mar 2007 19:36:42 +0000\n/awsexamplebucket1/photos/puppy.jpg";
        let signed = signer(None).signature(text).unwrap();
        assert_eq!(signed, "qgk2+6Sv9/oM7G3qLEjTH1a1l1g=");
    }

    #[test]
    fn what_is_signed_of_a_url_is_its_path_and_some_parameters() {
        let (path, query) =
            path_and_query("http://h:1/b/a%20b?x-id=Put&uploadId=a%2Bb&partNumber=2");
        let resource = signer(None).resource(path, query);
        assert_eq!(resource, "/b/a%20b?partNumber=2&uploadId=a+b");
        let (path, query) = path_and_query("http://b.h?acl");
        assert_eq!(signer(Some("b")).resource(path, query), "/b/?acl");
    }
}
