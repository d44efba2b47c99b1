//! An S3 server and one bucket of it: requests, streams up and down, what went wrong.
//!
//! What it is not: a store. It knows keys and bytes, nothing of templates or installations, and so
//! it is tested against servers by itself. Built on `aws-sdk-s3`, whose configuration is made here
//! from what it is told alone: no environment, no profile, no metadata address.

mod calls;
mod connection;
mod download;
mod endpoint;
mod failure;
mod http;
mod payload;
mod plan;
mod sending;
#[cfg(test)]
#[cfg(feature = "servers")]
mod servers;
mod signer_v2;
#[cfg(test)]
pub(crate) mod stub;
#[cfg(test)]
mod tests;
mod upload;
mod uploads;

pub use calls::{Bucket, Listed, Listing, Method, Object, PutOptions};
pub use connection::{Connection, PartChecksum, Signer};
pub use download::{Download, Pin};
pub use endpoint::Endpoint;
pub use failure::{code, failed};
pub use payload::Payload;
pub use plan::UploadPlan;
pub use upload::{Finished, Going, Upload};
pub use uploads::Unfinished;
