//! What went wrong, in words of ours: which thing, which value, what to do.
//!
//! Invariant: no message holds a secret key. An access key names an account, and is told.

use super::Connection;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use rustls::{CertificateError, Error as TlsError};
use std::error::Error;
use std::time::SystemTime;
use storage_plugin_api::{PluginError, PluginErrorKind as Kind, PluginResult as Result};

/// What an error bears that is about the bucket.
const BUCKET: &str = "bucket";

/// The code by which a server says what went wrong; of an answer without a body, its status.
pub fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> String {
    let told = error.as_service_error().and_then(|error| error.meta().code());
    let status = error.raw_response().map(|answer| answer.status().as_u16().to_string());
    told.map(str::to_owned).or(status).unwrap_or_default()
}

/// The error of a request, by what it was to do.
pub fn failed<E>(at: &Connection, doing: &str, error: SdkError<E, HttpResponse>) -> PluginError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let doing = format!("{doing} of bucket {:?} at {}", at.bucket, at.endpoint);
    match &error {
        SdkError::ServiceError(_) => answered(at, &doing, &error),
        SdkError::TimeoutError(_) => PluginError::timeout(format!("{doing}: no answer in time")),
        SdkError::DispatchFailure(failure) => {
            let source = failure.as_connector_error().map(|error| error as &(dyn Error + 'static));
            unreached(at, &doing, source, failure.is_timeout())
        }
        SdkError::ResponseError(_) => {
            let is_silence = chain(&error).any(|text| text.contains("sockettimeout"));
            let new = if is_silence { PluginError::timeout } else { PluginError::unavailable };
            let why = format!("{doing}: the answer broke off, or is none of an S3 server");
            caused(new(why), &error)
        }
        _ => caused(PluginError::internal(format!("{doing}: the request cannot be made")), &error),
    }
}

fn caused(failed: PluginError, error: &(dyn Error + 'static)) -> PluginError {
    chain(error).fold(failed, PluginError::caused_by_text)
}

/// The texts of an error and what is below it, none twice.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = String> + 'a {
    let mut next = Some(error);
    let mut last = String::new();
    std::iter::from_fn(move || {
        loop {
            let one = next?;
            next = one.source();
            let text = one.to_string();
            if text != last {
                last.clone_from(&text);
                return Some(text);
            }
        }
    })
}

/// The server was not reached, or not understood.
fn unreached(
    at: &Connection,
    doing: &str,
    source: Option<&(dyn Error + 'static)>,
    is_timeout: bool,
) -> PluginError {
    let Some(source) = source else {
        return PluginError::unavailable(format!("{doing}: the server cannot be reached"));
    };
    if let Some(error) = tls_error(source) {
        return of_tls(at, doing, error);
    }
    let texts: Vec<String> = chain(source).collect();
    let says = |word: &str| texts.iter().any(|text| text.contains(word));
    let cause = texts.last().cloned().unwrap_or_default();
    if says("dns error") || says("failed to lookup address") {
        return PluginError::unavailable(format!(
            "{doing}: nobody knows the name {:?}; correct the endpoint, or the name service of this \
             machine",
            at.endpoint.name()
        ))
        .caused_by_text(cause);
    }
    if is_timeout || says("deadline has elapsed") || says("timed out") {
        return PluginError::timeout(format!(
            "{doing}: no answer; is the port right, and does a firewall let this machine through?"
        ))
        .caused_by_text(cause);
    }
    if says("Connection refused") {
        return PluginError::unavailable(format!(
            "{doing}: nothing listens there; correct the port of the endpoint, or start the server"
        ))
        .caused_by_text(cause);
    }
    PluginError::unavailable(format!("{doing}: the connection broke")).caused_by_text(cause)
}

/// The error of TLS in what an error is made of.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a TlsError> {
    let mut next = Some(error);
    while let Some(one) = next {
        if let Some(tls) = one.downcast_ref::<TlsError>() {
            return Some(tls);
        }
        next = match one.downcast_ref::<std::io::Error>().and_then(|error| error.get_ref()) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => one.source(),
        };
    }
    None
}

fn of_tls(at: &Connection, doing: &str, error: &TlsError) -> PluginError {
    let why = match error {
        TlsError::InvalidCertificate(CertificateError::UnknownIssuer) => match &at.ca_file {
            Some(file) => format!(
                "the certificate of the server is signed by none of the authorities in ca_file \
                 {file:?}"
            ),
            None => "the certificate of the server is signed by no authority that this machine \
                     believes; name a file with its authority in ca_file"
                .to_owned(),
        },
        TlsError::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "the certificate of the server has expired, or the clock of this machine is wrong"
            .to_owned(),
        TlsError::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => "the certificate of the server is not valid yet: the clock of this machine is wrong, \
              or the certificate"
            .to_owned(),
        TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => format!(
            "the certificate of the server is not one for {:?}; write the name that it is for into \
             endpoint{}",
            at.endpoint.name(),
            if at.path_style { "" } else { ", or set path_style=true" }
        ),
        TlsError::InvalidMessage(_) => {
            "the server speaks no TLS at this port; correct the port, or set usehttps=false"
                .to_owned()
        }
        _ => "TLS with the server failed".to_owned(),
    };
    PluginError::invalid_config(format!("{doing}: {why}")).caused_by(error)
}

/// The server answered, and said no.
fn answered<E>(at: &Connection, doing: &str, error: &SdkError<E, HttpResponse>) -> PluginError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let status = error.raw_response().map_or(0, |answer| answer.status().as_u16());
    let code = code(error);
    let (access_key, region) = (&at.access_key, &at.region);
    let (kind, why) = match code.as_str() {
        "InvalidAccessKeyId" => (
            Kind::Unauthenticated,
            format!("the server does not know the access key {access_key:?}; correct accesskey"),
        ),
        "SignatureDoesNotMatch" => (
            Kind::Unauthenticated,
            format!(
                "the secret key is not that of the access key {access_key:?}; correct secretkey \
                 (or s3signer, where the server wants another signature)"
            ),
        ),
        "RequestTimeTooSkewed" => (Kind::InvalidConfig, of_clock(error)),
        "NoSuchBucket" => {
            (Kind::NotFound, "there is no such bucket; create it, or correct bucket".to_owned())
        }
        "AuthorizationHeaderMalformed"
        | "PermanentRedirect"
        | "IncorrectEndpoint"
        | "TemporaryRedirect"
        | "301"
        | "307" => (Kind::InvalidConfig, of_region(region, error)),
        "NoSuchKey" | "NoSuchUpload" | "NotFound" | "404" => {
            (Kind::NotFound, "not there".to_owned())
        }
        "PreconditionFailed" | "ConditionalRequestConflict" | "412" | "409" => {
            (Kind::Conflict, "it was changed by somebody else meanwhile".to_owned())
        }
        "BadDigest" | "InvalidDigest" | "XAmzContentSHA256Mismatch" | "InvalidPart" => {
            (Kind::Corrupt, "other bytes arrived than were sent".to_owned())
        }
        "QuotaExceeded" | "InsufficientCapacity" | "507" => (
            Kind::CapacityExceeded,
            "no room, or no more of the quota; free some, or raise the quota".to_owned(),
        ),
        "EntityTooLarge" => (
            Kind::CapacityExceeded,
            "that is larger than this server takes at once; lower part_size_mib".to_owned(),
        ),
        "SlowDown" | "TooManyRequests" | "Throttling" | "RequestLimitExceeded" | "429" => {
            (Kind::RateLimited, "the server asks to slow down".to_owned())
        }
        "NotImplemented" | "MethodNotAllowed" | "501" | "405" => {
            (Kind::Unsupported, "this server cannot do that".to_owned())
        }
        "BucketNotEmpty" => (Kind::InUse, "the bucket is not empty".to_owned()),
        "BucketAlreadyExists" | "BucketAlreadyOwnedByYou" => {
            (Kind::AlreadyExists, "there is a bucket of that name".to_owned())
        }
        "InvalidStorageClass" => (
            Kind::InvalidConfig,
            "the server has no such storage class; correct storage_class".to_owned(),
        ),
        _ if status == 403 || status == 401 => (
            Kind::PermissionDenied,
            format!(
                "the server refuses this to the access key {access_key:?}; it has to be allowed to \
                 list, read, write and delete in the bucket"
            ),
        ),
        _ if status >= 500 || status == 408 || code == "RequestTimeout" => {
            (Kind::Unavailable, format!("the server failed with status {status}"))
        }
        _ => (Kind::Internal, format!("the server said {code:?} with status {status}")),
    };
    let retry = match kind {
        Kind::RateLimited | Kind::Unavailable => storage_plugin_api::Retry::Later { after: None },
        _ => storage_plugin_api::Retry::Never,
    };
    let mut failed = PluginError::new(kind, format!("{doing}: {why}")).retry(retry);
    if code == "NoSuchBucket" {
        failed = failed.with(BUCKET, &at.bucket);
    }
    let said = error.as_service_error().and_then(|error| error.meta().message());
    let said = match said.filter(|said| !said.is_empty()) {
        Some(said) if said != code => format!("{code}: {said}"),
        _ => code,
    };
    if said.is_empty() { failed } else { failed.caused_by_text(said) }
}

fn of_region<E: ProvideErrorMetadata>(region: &str, error: &SdkError<E, HttpResponse>) -> String {
    let header = |answer: &HttpResponse| {
        answer.headers().get("x-amz-bucket-region").map(|region| format!(", and is in {region:?}"))
    };
    let is = error.raw_response().and_then(header).unwrap_or_default();
    format!(
        "the bucket is not in the region {region:?}{is}; correct region, and the endpoint with it"
    )
}

fn of_clock<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> String {
    let date = error.raw_response().and_then(|answer| answer.headers().get("date"));
    let theirs = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
    let ours = DateTime::from(SystemTime::now()).secs();
    let by = theirs.map(|theirs| ours - theirs.secs()).filter(|by| by.abs() > 1);
    let by = by.map(|by| match by > 0 {
        true => format!(" ({by} s fast)"),
        false => format!(" ({} s slow)", -by),
    });
    format!(
        "the clock of this machine differs too much from the server's{}; set both by NTP",
        by.unwrap_or_default()
    )
}

/// A missing thing as `None`; a missing bucket is an error.
pub(super) fn found<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == Kind::NotFound && !is_of_bucket(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether it is the bucket that is missing, not what was looked for in it.
pub(super) fn is_of_bucket(error: &PluginError) -> bool {
    error.context().iter().any(|(key, _)| key == BUCKET)
}
