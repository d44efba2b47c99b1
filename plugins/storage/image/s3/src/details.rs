//! What an operator enters for a store, checked, and the bucket that it says.
//!
//! What it is not: a look at the server. Nothing here asks anything. The names are CloudStack's
//! where it has one.

use crate::s3::{Connection, Endpoint, Signer};
use std::path::PathBuf;
use std::time::Duration;
use storage_plugin_api::PluginResult as Result;
use storage_plugin_api::prelude::*;

/// The memory that one transfer may take for parts, in mebibytes.
const MAX_MEMORY_MIB: u64 = 2048;

/// An image store in a bucket.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(crate = "storage_plugin_api::serde", deny_unknown_fields)]
#[schemars(crate = "storage_plugin_api::schemars")]
pub(crate) struct StoreFields {
    /// The server: a host, with a port if it is an unusual one. For Amazon it is that of the region,
    /// s3.eu-central-1.amazonaws.com.
    #[schemars(title = "Endpoint", example = "s3.example.com:9000", extend("x-order" = 1))]
    pub(crate) endpoint: String,
    /// The bucket. Several installations may share one; what else is in it is let alone.
    #[schemars(title = "Bucket", example = "cloud-images", length(min = 1), extend("x-order" = 2))]
    pub(crate) bucket: String,
    /// Whether to make the bucket if it is not there. One that was made goes with the store, once
    /// it is empty.
    #[serde(default)]
    #[schemars(title = "Create the bucket", extend("x-order" = 22))]
    pub(crate) create_bucket: bool,
    /// The access key of a user that may list, read, write and delete in the bucket.
    #[schemars(title = "Access key", length(min = 1), extend("x-order" = 3))]
    pub(crate) accesskey: String,
    /// Its secret key.
    #[schemars(
        title = "Secret key",
        with = "String",
        length(min = 1),
        extend("x-order" = 4, "writeOnly" = true)
    )]
    pub(crate) secretkey: Secret,
    /// Whether to speak TLS with the server. Without it whoever is on the way reads all bytes.
    #[serde(default = "yes")]
    #[schemars(title = "Use HTTPS", extend("x-order" = 5))]
    pub(crate) usehttps: bool,
    /// A file with the certificates (PEM) of the authorities that may vouch for the server, instead
    /// of those of this machine: an absolute path.
    #[schemars(title = "CA file", example = "/etc/ssl/s3-ca.pem", extend("x-order" = 6))]
    pub(crate) ca_file: Option<PathBuf>,
    /// The region that the bucket is in. Servers without regions take the default.
    #[serde(default = "region")]
    #[schemars(title = "Region", extend("x-order" = 7))]
    pub(crate) region: String,
    /// Whether the bucket is named in the path, not in the name of the host: what nearly every
    /// server wants that is not Amazon's.
    #[serde(default = "yes")]
    #[schemars(title = "Path style", extend("x-order" = 8))]
    pub(crate) path_style: bool,
    /// How requests are signed: AWSS3V4SignerType is version 4, what every server of today takes;
    /// S3SignerType is version 2, for those that know nothing newer.
    #[serde(default)]
    #[schemars(title = "Signer", extend("x-order" = 9))]
    pub(crate) s3signer: SignerType,
    /// Whether signatures hold a hash of the bytes: "auto" signs them where the network could change
    /// them, and leaves it out with TLS or on a trusted network, where a checksum does and costs a
    /// third.
    #[serde(default)]
    #[schemars(title = "Payload signing", extend("x-order" = 10))]
    pub(crate) payload_signing: PayloadSigning,
    /// Whether nobody else can read or change what passes on the way to the server.
    #[serde(default)]
    #[schemars(title = "Trusted network", extend("x-order" = 11))]
    pub(crate) trusted_network: bool,
    /// The storage class of new objects, as the server calls it; REDUCED_REDUNDANCY is what
    /// CloudStack's RRS means. Without it the server decides.
    #[schemars(
        title = "Storage class",
        example = &"REDUCED_REDUNDANCY",
        regex(pattern = "^[A-Za-z0-9_-]{1,64}$"),
        extend("x-order" = 12)
    )]
    pub(crate) storage_class: Option<String>,
    /// How the server is to encrypt new objects. Without it the bucket's own rule counts.
    #[schemars(title = "Encryption by the server", extend("x-order" = 13))]
    pub(crate) server_side_encryption: Option<Encryption>,
    /// The id of the key, where the encryption is aws:kms. Without it the server takes its own.
    #[schemars(title = "KMS key id", extend("x-order" = 14))]
    pub(crate) kms_id: Option<String>,
    /// The size of a part of an upload, and of a piece of a download, in mebibytes: a power of two.
    /// Objects of more than 10 000 parts get larger ones.
    #[serde(default = "part_size")]
    #[schemars(title = "Part size in MiB", range(min = 8, max = 1024), extend("x-order" = 15))]
    pub(crate) part_size_mib: u64,
    /// How many parts are on their way at once. Each takes the memory of its size.
    #[serde(default = "parts_in_flight")]
    #[schemars(title = "Parts in flight", range(min = 1, max = 64), extend("x-order" = 16))]
    pub(crate) parts_in_flight: u32,
    /// How long a connection to the server may take to be made, in milliseconds.
    #[serde(default = "connection_timeout")]
    #[schemars(
        title = "Connection timeout in ms",
        range(min = 1, max = 600_000),
        extend("x-order" = 17)
    )]
    pub(crate) connectiontimeout: u32,
    /// How long nothing may move on a connection before it is given up, in milliseconds.
    #[serde(default = "socket_timeout")]
    #[schemars(
        title = "Socket timeout in ms",
        range(min = 1, max = 3_600_000),
        extend("x-order" = 18)
    )]
    pub(crate) sockettimeout: u32,
    /// How long a connection is used before a new one is made, in milliseconds. Without it as long
    /// as it lasts.
    #[schemars(
        title = "Connection time to live in ms",
        range(min = 1, max = 86_400_000),
        extend("x-order" = 19)
    )]
    pub(crate) connectionttl: Option<u32>,
    /// How often a request that failed is tried again.
    #[serde(default = "retries")]
    #[schemars(title = "Retries", range(min = 0, max = 100), extend("x-order" = 20))]
    pub(crate) maxerrorretry: u32,
    /// Whether the system asks silent connections if the other end lives.
    #[serde(default = "yes")]
    #[schemars(title = "TCP keep-alive", extend("x-order" = 21))]
    pub(crate) usetcpkeepalive: bool,
}

const fn yes() -> bool {
    true
}
fn region() -> String {
    "us-east-1".to_owned()
}
const fn part_size() -> u64 {
    8
}
const fn parts_in_flight() -> u32 {
    6
}
const fn connection_timeout() -> u32 {
    10_000
}
const fn socket_timeout() -> u32 {
    50_000
}
const fn retries() -> u32 {
    3
}

/// CloudStack's names of the signatures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(crate = "storage_plugin_api::serde")]
#[schemars(crate = "storage_plugin_api::schemars", inline)]
pub(crate) enum SignerType {
    #[default]
    #[serde(rename = "AWSS3V4SignerType")]
    V4,
    #[serde(rename = "S3SignerType")]
    V2,
}

/// Whether what is sent is hashed for the signature.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(crate = "storage_plugin_api::serde", rename_all = "lowercase")]
#[schemars(crate = "storage_plugin_api::schemars", inline)]
pub(crate) enum PayloadSigning {
    #[default]
    Auto,
    Always,
    Never,
}

/// The encryptions that servers know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(crate = "storage_plugin_api::serde")]
#[schemars(crate = "storage_plugin_api::schemars", inline)]
pub(crate) enum Encryption {
    #[serde(rename = "AES256")]
    Aes256,
    #[serde(rename = "aws:kms")]
    Kms,
}

/// A store as a call sees it: which bucket, whose it is, how bytes go there.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The id of the store.
    pub(crate) store: Uuid,
    pub(crate) installation: String,
    pub(crate) epoch: u64,
    pub(crate) connection: Connection,
    pub(crate) part_bytes: u64,
    pub(crate) parts_in_flight: u32,
    pub(crate) create_bucket: bool,
    fields: StoreFields,
}

impl Place {
    /// The place of a store.
    ///
    /// # Errors
    /// `InvalidConfig` naming the field.
    pub(crate) fn of(store: &DataStore) -> Result<Self> {
        let fields: StoreFields = store.details.parse()?;
        check_installation(&store.installation_id)?;
        check_bucket(&fields.bucket)?;
        let part_bytes = check_parts(&fields)?;
        Ok(Self {
            store: store.uuid,
            installation: store.installation_id.clone(),
            epoch: store.epoch,
            connection: connection(&fields)?,
            part_bytes,
            parts_in_flight: fields.parts_in_flight,
            create_bucket: fields.create_bucket,
            fields,
        })
    }

    /// Names the place itself, in its one form.
    pub(crate) fn url(&self) -> String {
        format!("{}/{}", self.connection.endpoint, self.connection.bucket)
    }

    /// The store as it is described to whoever moves bytes.
    pub(crate) fn to(&self, id: u64) -> S3To {
        let (at, fields) = (&self.connection, &self.fields);
        let mut to = S3To::default();
        (to.id, to.uuid) = (id, self.store);
        to.access_key.clone_from(&at.access_key);
        to.secret_key.clone_from(&at.secret_key);
        to.endpoint.clone_from(&at.endpoint.host);
        to.bucket_name.clone_from(&at.bucket);
        to.https = at.endpoint.https;
        let signer = if at.signer == Signer::V2 { "S3SignerType" } else { "AWSS3V4SignerType" };
        to.signer = Some(signer.to_owned());
        to.connection_timeout_ms = Some(fields.connectiontimeout);
        to.socket_timeout_ms = Some(fields.sockettimeout);
        to.connection_ttl_ms = fields.connectionttl;
        to.max_error_retry = Some(fields.maxerrorretry);
        to.use_tcp_keepalive = Some(fields.usetcpkeepalive);
        to.enable_rrs = at.storage_class.as_deref() == Some("REDUCED_REDUNDANCY");
        to.max_single_upload_size_bytes = i64::try_from(self.part_bytes).unwrap_or(i64::MAX);
        to
    }
}

fn connection(fields: &StoreFields) -> Result<Connection> {
    let endpoint = Endpoint::parse(&fields.endpoint, Some(fields.usehttps))?;
    let is_safe = endpoint.https || fields.trusted_network;
    let payload_signing = match fields.payload_signing {
        PayloadSigning::Auto => !is_safe,
        PayloadSigning::Always => true,
        PayloadSigning::Never if is_safe => false,
        PayloadSigning::Never => {
            return Err(PluginError::invalid_config(
                "payload_signing \"never\": without TLS whoever is on the way could change what is \
                 sent; set usehttps=true, or trusted_network=true if nobody can be there",
            ));
        }
    };
    if let Some(file) = fields.ca_file.as_ref().filter(|file| !file.is_absolute()) {
        let why = format!("ca_file {file:?} is not absolute; write it from the root, /…");
        return Err(PluginError::invalid_config(why));
    }
    if fields.kms_id.is_some() && fields.server_side_encryption != Some(Encryption::Kms) {
        let why = "kms_id: it means something only with server_side_encryption=aws:kms";
        return Err(PluginError::invalid_config(why));
    }
    let region = fields.region.as_str();
    if region.is_empty() || !region.chars().all(|one| one.is_ascii_alphanumeric() || one == '-') {
        let why = format!("region {region:?} is not of letters, digits and hyphens: us-east-1");
        return Err(PluginError::invalid_config(why));
    }
    let milliseconds = |count: u32| Duration::from_millis(u64::from(count.max(1)));
    let mut at =
        Connection::new(endpoint, &fields.bucket, &fields.accesskey, fields.secretkey.clone());
    at.region = region.to_owned();
    at.path_style = fields.path_style;
    at.signer = if fields.s3signer == SignerType::V2 { Signer::V2 } else { Signer::V4 };
    // The signature of version 2 has no place for a hash but that of Content-MD5.
    at.payload_signing = payload_signing && at.signer == Signer::V4;
    at.ca_file.clone_from(&fields.ca_file);
    at.connection_timeout = milliseconds(fields.connectiontimeout);
    at.socket_timeout = milliseconds(fields.sockettimeout);
    at.connection_time_to_live = fields.connectionttl.map(milliseconds);
    at.tcp_keep_alive = fields.usetcpkeepalive;
    at.max_error_retry = fields.maxerrorretry;
    at.storage_class.clone_from(&fields.storage_class);
    at.server_side_encryption = fields.server_side_encryption.map(|one| match one {
        Encryption::Aes256 => "AES256".to_owned(),
        Encryption::Kms => "aws:kms".to_owned(),
    });
    at.kms_key.clone_from(&fields.kms_id);
    Ok(at)
}

fn check_parts(fields: &StoreFields) -> Result<u64> {
    let StoreFields { part_size_mib: size, parts_in_flight: parts, .. } = *fields;
    if !(8..=1024).contains(&size) || !size.is_power_of_two() {
        return Err(PluginError::invalid_config(format!(
            "part_size_mib {size} is none of 8, 16, 32, 64, 128, 256, 512 and 1024"
        )));
    }
    if !(1..=64).contains(&parts) {
        let why = format!("parts_in_flight {parts} is not from 1 to 64");
        return Err(PluginError::invalid_config(why));
    }
    if size * u64::from(parts) > MAX_MEMORY_MIB {
        return Err(PluginError::invalid_config(format!(
            "parts_in_flight {parts} of part_size_mib {size} are more than the {MAX_MEMORY_MIB} MiB \
             that one transfer may take; make one of them smaller"
        )));
    }
    Ok(size << 20)
}

/// The installation id is part of keys, so it must not take one apart.
fn check_installation(id: &str) -> Result<()> {
    let is_plain = |one: char| one.is_ascii_alphanumeric() || one == '-' || one == '_';
    if id.is_empty() || id.len() > 128 || !id.chars().all(is_plain) {
        return Err(PluginError::invalid_config(format!(
            "installation id {id:?} is not of 1 to 128 letters, digits and hyphens"
        )));
    }
    Ok(())
}

fn check_bucket(bucket: &str) -> Result<()> {
    let is_plain = |one: char| one.is_ascii_alphanumeric() || "-._".contains(one);
    if (3..=255).contains(&bucket.len()) && bucket.chars().all(is_plain) {
        return Ok(());
    }
    Err(PluginError::invalid_config(format!(
        "bucket {bucket:?} is not of 3 to 255 letters, digits, dots and hyphens; write the name of \
         the bucket alone"
    )))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn place(pairs: &[(&str, &str)]) -> Result<Place> {
        let mut store = DataStore::new(Uuid::new_v4(), DataStoreRole::Image);
        store.installation_id = "ins-tests".to_owned();
        let own = [("endpoint", "s3.example"), ("bucket", "images"), ("accesskey", "key")];
        store.details = own.into_iter().chain([("secretkey", "canary-secret")]).collect();
        for (key, value) in pairs {
            store.details.insert(*key, *value);
        }
        Place::of(&store)
    }

    #[test]
    fn the_defaults_are_safe() {
        let place = place(&[]).unwrap();
        assert_eq!(place.url(), "https://s3.example/images");
        let at = &place.connection;
        assert!(at.path_style && !at.payload_signing && at.tcp_keep_alive);
        assert_eq!((place.part_bytes, place.parts_in_flight), (8 << 20, 6));
        assert!(!format!("{place:?}").contains("canary"), "a secret is shown");
    }

    #[test]
    fn what_is_sent_without_tls_is_signed_unless_the_network_is_trusted() {
        let signs =
            |pairs: &[(&str, &str)]| place(pairs).map(|place| place.connection.payload_signing);
        assert!(signs(&[("usehttps", "false")]).unwrap());
        assert!(!signs(&[("usehttps", "false"), ("trusted_network", "true")]).unwrap());
        assert!(signs(&[("payload_signing", "always")]).unwrap());
        let refused = signs(&[("usehttps", "false"), ("payload_signing", "never")]).unwrap_err();
        assert!(refused.to_string().contains("trusted_network=true"), "{refused}");
    }

    #[test]
    fn what_is_wrong_is_said_with_field_and_value() {
        for (key, value, words) in [
            ("s3signer", "AWS4", &["s3signer", "AWSS3V4SignerType"][..]),
            ("bucket", "a/b", &["bucket \"a/b\""]),
            ("endpoint", "http://s3.example", &["usehttps=true"]),
            ("part_size_mib", "24", &["part_size_mib 24", "16, 32"]),
            ("parts_in_flight", "0", &["parts_in_flight 0"]),
            ("region", "eu west", &["region \"eu west\""]),
            ("ca_file", "ca.pem", &["ca_file", "absolute"]),
            ("kms_id", "k", &["server_side_encryption=aws:kms"]),
            ("server_side_encryption", "rot13", &["server_side_encryption", "AES256"]),
            ("usehttps", "maybe", &["usehttps"]),
            ("secret", "x", &["secret"]),
        ] {
            let error = place(&[(key, value)]).unwrap_err().to_string();
            for word in words {
                assert!(error.contains(word), "{word:?} is not in: {error}");
            }
            assert!(!error.contains("canary"), "{error}");
        }
        let error = place(&[("part_size_mib", "1024"), ("parts_in_flight", "4")]).unwrap_err();
        assert!(error.to_string().contains("2048 MiB"), "{error}");
    }

    #[test]
    fn a_store_is_described_as_cloudstack_does() {
        let place = place(&[("s3signer", "S3SignerType"), ("storage_class", "REDUCED_REDUNDANCY")])
            .unwrap();
        let to = place.to(7);
        assert_eq!((to.id, to.https, to.enable_rrs), (7, true, true));
        assert_eq!(to.signer.as_deref(), Some("S3SignerType"));
        assert_eq!((to.endpoint.as_str(), to.bucket_name.as_str()), ("s3.example", "images"));
        assert!(!place.connection.payload_signing);
    }
}
