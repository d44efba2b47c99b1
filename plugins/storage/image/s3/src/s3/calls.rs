//! The requests: each call that CloudStack wants of an S3 server, as a method.
//!
//! `createBucket`, `deleteBucket`, `listBuckets`, `listObjects`, `putObject` (of bytes, a file, a
//! stream: [`Upload`](super::Upload)), `getObject` (to a file, or as a stream:
//! [`Download`](super::Download)), `deleteObject`, `generatePresignedUrl`, `setEndpoint`,
//! `setObjectAcl`; `TransferManager.upload` is [`Upload`](super::Upload) as well.

use super::failure::{failed, found};
use super::signer_v2::{Clock, SignerV2, encoded};
use super::{Connection, Download, Endpoint, Payload, Pin, Signer, Upload, UploadPlan};
use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, ObjectCannedAcl, ServerSideEncryption,
    StorageClass,
};
use std::collections::HashMap;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use storage_plugin_api::bytes::{Bytes, BytesMut};
use storage_plugin_api::tokio::task::spawn_blocking;
use storage_plugin_api::{PluginError, PluginResult as Result};

/// The longest life of a signed link: a week.
const MAX_LINK: Duration = Duration::from_secs(7 * 24 * 3600);

/// One bucket of one server, and a client for it.
#[derive(Debug, Clone)]
pub struct Bucket {
    pub(super) client: Client,
    pub(super) at: Arc<Connection>,
}

/// An object in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its length in bytes.
    pub size: u64,
}

/// A page of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// In the order of their keys.
    pub objects: Vec<Listed>,
    /// Whether there are more behind the last.
    pub is_more: bool,
}

/// What is known of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object {
    /// Its length in bytes.
    pub size: u64,
    /// Changes with its bytes.
    pub tag: String,
    /// What was put with it, by names in lower case.
    pub metadata: HashMap<String, String>,
}

/// What is put with an object.
#[derive(Debug, Clone, Default)]
pub struct PutOptions {
    /// Pairs that come back with the object.
    pub metadata: HashMap<String, String>,
    /// What browsers are told.
    pub content_type: Option<String>,
    /// Only where no object has the key yet; not every server looks at it.
    pub only_new: bool,
}

/// What a link allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// To read the object.
    Get,
    /// To put it.
    Put,
}

impl Bucket {
    /// A client for a bucket; nothing is asked.
    ///
    /// # Errors
    /// `InvalidConfig` for a CA file that cannot be read.
    pub fn new(connection: Connection) -> Result<Self> {
        Ok(Self { client: connection.client()?, at: Arc::new(connection) })
    }

    /// How the server is reached.
    pub fn connection(&self) -> &Connection {
        &self.at
    }

    /// The same bucket on another server (`setEndpoint`).
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_endpoint(&self, endpoint: Endpoint) -> Result<Self> {
        Self::new(Connection { endpoint, ..Connection::clone(&self.at) })
    }

    /// Makes the bucket (`createBucket`).
    ///
    /// # Errors
    /// `AlreadyExists`; those of every request.
    pub async fn create_bucket(&self) -> Result<()> {
        let mut request = self.client.create_bucket().bucket(&self.at.bucket);
        // The first region has no name here, and servers that have one region know no other.
        if self.at.region != "us-east-1" {
            let place = BucketLocationConstraint::from(self.at.region.as_str());
            let place = CreateBucketConfiguration::builder().location_constraint(place).build();
            request = request.create_bucket_configuration(place);
        }
        let made = request.send().await;
        made.map(drop).map_err(|error| failed(&self.at, "the making", error))
    }

    /// Removes the bucket (`deleteBucket`), which has to be empty: not every server looks.
    ///
    /// # Errors
    /// `InUse` for one that holds an object; those of every request.
    pub async fn delete_bucket(&self) -> Result<()> {
        if let Some(first) = self.list("", "", 1).await?.objects.first() {
            return Err(PluginError::in_use(format!(
                "bucket {:?} at {} is not empty: it holds {:?}; remove what is in it first",
                self.at.bucket, self.at.endpoint, first.key
            )));
        }
        let removed = self.client.delete_bucket().bucket(&self.at.bucket).send().await;
        removed.map(drop).map_err(|error| failed(&self.at, "the removal", error))
    }

    /// The names of all buckets of the access key (`listBuckets`).
    ///
    /// # Errors
    /// Those of every request.
    pub async fn list_buckets(&self) -> Result<Vec<String>> {
        let listed = self.client.list_buckets().send().await;
        let listed = listed
            .map_err(|error| failed(&self.at, "a listing of all buckets with the keys", error))?;
        Ok(listed.buckets().iter().filter_map(|one| one.name().map(str::to_owned)).collect())
    }

    /// A page of the objects whose keys begin with a prefix (`listObjects`), behind a key, in the
    /// order of keys; at most so many, and at most 1000.
    ///
    /// # Errors
    /// Those of every request.
    pub async fn list(&self, prefix: &str, after: &str, limit: u32) -> Result<Listing> {
        let limit = i32::try_from(limit.clamp(1, 1000)).unwrap_or(1000);
        let mut request =
            self.client.list_objects_v2().bucket(&self.at.bucket).max_keys(limit).prefix(prefix);
        if !after.is_empty() {
            request = request.start_after(after);
        }
        let page = request.send().await;
        let page = page.map_err(|error| failed(&self.at, "a listing", error))?;
        let mut objects: Vec<Listed> = page
            .contents()
            .iter()
            .filter_map(|one| {
                let size = u64::try_from(one.size().unwrap_or(0)).ok()?;
                Some(Listed { key: one.key()?.to_owned(), size })
            })
            .filter(|one| one.key.as_str() > after)
            .collect();
        objects.sort_by(|one, other| one.key.cmp(&other.key));
        let is_more = page.is_truncated().unwrap_or(false) && !objects.is_empty();
        Ok(Listing { objects, is_more })
    }

    /// Shows the objects whose keys begin with a prefix, behind a key, in the order of keys, until
    /// `visit` breaks off with something. A page is held at a time, however many there are.
    ///
    /// # Errors
    /// Those of every request.
    pub async fn walk<T>(
        &self,
        prefix: &str,
        after: &str,
        mut visit: impl FnMut(Listed) -> ControlFlow<T> + Send,
    ) -> Result<Option<T>> {
        let mut after = after.to_owned();
        loop {
            let page = self.list(prefix, &after, 1000).await?;
            if let Some(last) = page.objects.last() {
                after.clone_from(&last.key);
            }
            for one in page.objects {
                if let ControlFlow::Break(found) = visit(one) {
                    return Ok(Some(found));
                }
            }
            if !page.is_more {
                return Ok(None);
            }
        }
    }

    /// All objects whose keys begin with a prefix: every page. For prefixes of few.
    ///
    /// # Errors
    /// Those of every request.
    pub async fn list_all(&self, prefix: &str) -> Result<Vec<Listed>> {
        let mut all = Vec::new();
        let take = |one| -> ControlFlow<()> {
            all.push(one);
            ControlFlow::Continue(())
        };
        self.walk(prefix, "", take).await?;
        Ok(all)
    }

    /// Puts an object in one request (`putObject`); its tag.
    ///
    /// # Errors
    /// `Corrupt` where other bytes arrived, `Conflict` where `only_new` says no; those of every
    /// request.
    pub async fn put(&self, key: &str, payload: Payload, with: PutOptions) -> Result<String> {
        let at = &self.at;
        let request = self
            .client
            .put_object()
            .bucket(&at.bucket)
            .key(key)
            .set_metadata(Some(with.metadata))
            .set_content_type(with.content_type)
            .set_if_none_match(with.only_new.then(|| "*".to_owned()))
            .set_storage_class(at.storage_class.as_deref().map(StorageClass::from))
            .set_server_side_encryption(at.encryption())
            .set_ssekms_key_id(at.kms_key.clone())
            .set_content_md5(payload.content_md5())
            .set_checksum_crc64_nvme(payload.crc64.clone());
        let doing = format!("putting {key:?} into the objects");
        let put = request.customize().interceptor(payload.clone()).send().await;
        let put = put.map_err(|error| failed(at, &doing, error))?;
        let tag = put.e_tag().unwrap_or_default().to_owned();
        if payload.contradicts(&tag, put.server_side_encryption()) {
            return Err(PluginError::corrupt(format!(
                "{doing}: other bytes arrived than were sent"
            )));
        }
        Ok(tag)
    }

    /// Puts a file (`putObject` of a file), in parts where it is large; its length in bytes. After
    /// an error nothing of it is left.
    ///
    /// # Errors
    /// Those of the file and of every request.
    pub async fn put_file(&self, file: &Path, plan: UploadPlan) -> Result<u64> {
        let mut upload = Upload::begin(self.clone(), plan).await?;
        let sent = match send_file(&mut upload, file).await {
            Ok(()) => upload.complete().await,
            Err(error) => Err(error),
        };
        if sent.is_err() {
            // The error of the sending is the one to report.
            upload.abort().await.ok();
        }
        sent.map(|finished| finished.size)
    }

    /// What is known of an object (`headObject`); `None` where there is none.
    ///
    /// # Errors
    /// Those of every request.
    pub async fn head(&self, key: &str) -> Result<Option<Object>> {
        let head = self.client.head_object().bucket(&self.at.bucket).key(key).send().await;
        let doing = format!("a look at {key:?} in the objects");
        let head = found(head.map_err(|error| failed(&self.at, &doing, error)))?;
        Ok(head.map(|head| Object {
            size: head.content_length().and_then(|size| size.try_into().ok()).unwrap_or(0),
            tag: head.e_tag().unwrap_or_default().to_owned(),
            metadata: head.metadata.unwrap_or_default(),
        }))
    }

    /// The bytes of a small object (`getObject`), of so many at most; `None` where there is none.
    ///
    /// # Errors
    /// `Corrupt` for one that is larger than said; those of every request.
    pub async fn get_small(&self, key: &str, max_bytes: usize) -> Result<Option<Bytes>> {
        let doing = format!("a read of {key:?} in the objects");
        let get = self.client.get_object().bucket(&self.at.bucket).key(key).send().await;
        let Some(mut get) = found(get.map_err(|error| failed(&self.at, &doing, error)))? else {
            return Ok(None);
        };
        let mut bytes = BytesMut::new();
        while let Some(more) = get.body.next().await {
            let more = more.map_err(|error| {
                PluginError::unavailable(format!("{doing}: the answer broke off")).caused_by(&error)
            })?;
            if bytes.len() + more.len() > max_bytes {
                return Err(PluginError::corrupt(format!("{doing}: more than {max_bytes} bytes")));
            }
            bytes.extend_from_slice(&more);
        }
        Ok(Some(bytes.freeze()))
    }

    /// Reads an object into a file (`getObject` to a file), parts beside each other; what is known
    /// of it. The file is there whole, or it is not.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` where it was replaced meanwhile; those of the file and of every
    /// request.
    pub async fn get_to_file(&self, key: &str, file: &Path) -> Result<Object> {
        let missing = || PluginError::not_found(format!("{key:?} is not in {:?}", self.at.bucket));
        let object = self.head(key).await?.ok_or_else(missing)?;
        let pin = Pin { tag: object.tag.clone(), size: object.size };
        let mut bytes = Download::new(self.clone(), key, pin, 0..object.size, 8 << 20, 4);
        let partial = file.with_added_extension("part");
        let wrong = |error| PluginError::from_io(format!("cannot write {partial:?}"), &error);
        let mut target = std::fs::File::create(&partial).map_err(wrong)?;
        let written = async {
            while let Some(piece) = bytes.next().await? {
                let write = spawn_blocking(move || target.write_all(&piece).map(|()| target));
                let written = write.await.map_err(|_| PluginError::internal("a write broke"))?;
                target = written.map_err(wrong)?;
            }
            target.sync_all().map_err(wrong)?;
            std::fs::rename(&partial, file).map_err(wrong)
        };
        if let Err(error) = written.await {
            std::fs::remove_file(&partial).ok();
            return Err(error);
        }
        Ok(object)
    }

    /// Removes an object (`deleteObject`); one that is gone is a success.
    ///
    /// # Errors
    /// Those of every request.
    pub async fn delete(&self, key: &str) -> Result<()> {
        let removed = self.client.delete_object().bucket(&self.at.bucket).key(key).send().await;
        let doing = format!("the removal of {key:?} from the objects");
        found(removed.map_err(|error| failed(&self.at, &doing, error))).map(drop)
    }

    /// A link to an object that works without keys until it expires (`generatePresignedUrl`).
    /// Nothing is asked. A file name is what browsers save it as.
    ///
    /// # Errors
    /// `InvalidArgument` for a life of nothing or of more than a week.
    pub async fn presign(
        &self,
        method: Method,
        key: &str,
        life: Duration,
        file_name: Option<&str>,
    ) -> Result<String> {
        if life.is_zero() || life > MAX_LINK {
            return Err(PluginError::invalid_argument(format!(
                "a link that works for {} seconds: 1 second to 7 days are possible",
                life.as_secs()
            )));
        }
        let name = file_name.map(|name| {
            let plain = |one: char| one.is_ascii_alphanumeric() || "-_.".contains(one);
            let name: String = name.chars().map(|one| if plain(one) { one } else { '_' }).collect();
            format!("attachment; filename=\"{name}\"")
        });
        if self.at.signer == Signer::V2 {
            return self.presign_v2(method, key, life, name);
        }
        let internal = |error: &dyn std::error::Error| {
            PluginError::internal("a link cannot be signed").caused_by_text(error.to_string())
        };
        let config = PresigningConfig::builder()
            .start_time(Clock(self.at.clock_offset_secs).now_at())
            .expires_in(life)
            .build()
            .map_err(|error| internal(&error))?;
        let (bucket, client) = (&self.at.bucket, &self.client);
        let signed = match method {
            Method::Get => {
                let get = client.get_object().bucket(bucket).key(key);
                let get = get.set_response_content_disposition(name);
                get.presigned(config).await.map_err(|error| internal(&error))?
            }
            Method::Put => {
                let put = client.put_object().bucket(bucket).key(key).presigned(config);
                put.await.map_err(|error| internal(&error))?
            }
        };
        Ok(signed.uri().to_owned())
    }

    fn presign_v2(
        &self,
        method: Method,
        key: &str,
        life: Duration,
        disposition: Option<String>,
    ) -> Result<String> {
        let at = &self.at;
        let key: Vec<String> = key.split('/').map(encoded).collect();
        let key = key.join("/");
        let scheme = if at.endpoint.https { "https" } else { "http" };
        let mut url = match at.path_style {
            true => format!("{}/{}/{key}", at.endpoint, at.bucket),
            false => format!("{scheme}://{}.{}/{key}", at.bucket, at.endpoint.host),
        };
        if let Some(disposition) = disposition {
            url += &format!("?response-content-disposition={}", encoded(&disposition));
        }
        let until = Clock(at.clock_offset_secs).now_at() + life;
        let until = until.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let method = if method == Method::Get { "GET" } else { "PUT" };
        SignerV2::new(at).presign(method, &url, until).map_err(|error| {
            PluginError::internal("a link cannot be signed").caused_by_text(error.to_string())
        })
    }

    /// Sets who may read an object, by one of the lists that S3 has names for (`setObjectAcl`):
    /// `private`, `public-read`, `authenticated-read`, `bucket-owner-read`, ….
    ///
    /// # Errors
    /// `Unsupported` where the server has none; those of every request.
    pub async fn set_acl(&self, key: &str, acl: &str) -> Result<()> {
        let acl = ObjectCannedAcl::try_parse(acl).map_err(|_| {
            let known = ObjectCannedAcl::values().join(", ");
            PluginError::invalid_argument(format!("{acl:?} is no canned ACL; there are {known}"))
        })?;
        let request = self.client.put_object_acl().bucket(&self.at.bucket).key(key).acl(acl);
        let set = request.send().await;
        let doing = format!("setting the ACL of {key:?} in the objects");
        set.map(drop).map_err(|error| failed(&self.at, &doing, error))
    }
}

async fn send_file(upload: &mut Upload, file: &Path) -> Result<()> {
    let wrong = |error| PluginError::from_io(format!("cannot read {file:?}"), &error);
    let mut source = std::fs::File::open(file).map_err(wrong)?;
    loop {
        let read = spawn_blocking(move || {
            let mut bytes = vec![0; 1 << 20];
            let read = std::io::Read::read(&mut source, &mut bytes)?;
            bytes.truncate(read);
            Ok((bytes, source))
        });
        let read = read.await.map_err(|_| PluginError::internal("a read broke"))?;
        let (bytes, rest) = read.map_err(wrong)?;
        source = rest;
        if bytes.is_empty() {
            return Ok(());
        }
        upload.write(Bytes::from(bytes)).await?;
    }
}

impl Connection {
    pub(super) fn encryption(&self) -> Option<ServerSideEncryption> {
        self.server_side_encryption.as_deref().map(ServerSideEncryption::from)
    }
}
