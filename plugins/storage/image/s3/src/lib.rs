//! Image stores in a bucket of an S3 server: the provider `S3`.
//!
//! Templates, ISOs, uploaded volumes and backed-up snapshots as objects, in CloudStack's layout.
//! They stream between the bucket and whoever needs them, in parts beside each other; there is no
//! staging file system, and one copy serves every zone.
//!
//! # For operators
//!
//! **Add a store** without a zone and without a URL: the details say it all. Everything that a store
//! needs is tried out before anything is saved: a key, a region, a certificate or a clock that is
//! wrong is said in so many words.
//!
//! | detail | values (default) | what it does |
//! |---|---|---|
//! | `endpoint` | `host`, `host:port`, a URL | the server |
//! | `bucket` | name | the bucket |
//! | `create_bucket` | boolean (`false`) | make it if it is not there; it goes with the store |
//! | `accesskey`, `secretkey` | text | who asks; the user may list, read, write, delete there |
//! | `usehttps` | boolean (`true`) | speak TLS |
//! | `ca_file` | absolute path | the authorities that are believed, instead of the system's |
//! | `region` | name (`us-east-1`) | what signatures name |
//! | `path_style` | boolean (`true`) | the bucket is in the path, not in the host's name |
//! | `s3signer` | `AWSS3V4SignerType`, `S3SignerType` | signatures of version 4, or 2 |
//! | `payload_signing` | `auto`, `always`, `never` | signatures hold a hash of the bytes |
//! | `trusted_network` | boolean (`false`) | nobody else is on the way; no hash is needed |
//! | `storage_class` | name | of new objects; `REDUCED_REDUNDANCY` for RRS |
//! | `server_side_encryption`, `kms_id` | `AES256`, `aws:kms`; id | of new objects |
//! | `part_size_mib` | power of two (`8`) | of uploads and downloads |
//! | `parts_in_flight` | 1 to 64 (`6`) | on their way at once; each takes the memory of its size |
//! | `connectiontimeout`, `sockettimeout` | ms (10 000, 50 000) | how long is waited |
//! | `connectionttl` | ms | how long a connection is used |
//! | `maxerrorretry` | number (`3`) | how often a request is tried again |
//! | `usetcpkeepalive` | boolean (`true`) | silent connections are asked if the other end lives |
//!
//! **In the bucket:**
//! ```text
//! .storage-store.<installation id>.json                                    the mark
//! template/tmpl/<account>/<template>/<uuid>.<installation id>.qcow2        a template, or an ISO
//! volumes/<account>/<volume>/<uuid>.<installation id>.raw                  a volume
//! snapshots/<account>/<volume>/<uuid>.<installation id>.raw                a backup of a snapshot
//! snapshots/<account>/<volume>/<uuid>.<installation id>.<attempt>.record   its digest
//! ```
//! Installations may share a bucket. What is not called after this one is let alone, uploads
//! included.
//!
//! **The mark** says whose store the bucket holds, since which epoch, and what its server was found
//! to do. Without it nothing is done there. A host whose database is older than what was done in
//! the store sees everything and changes nothing. Removing a store removes its mark, and never an
//! object: it is refused while objects of this installation are there.
//!
//! **Integrity.** Each part goes with its SHA-256 (signed), its CRC-64/NVME, or its MD5, whichever
//! the server was found to compare; the BLAKE3 of all bytes is recorded with the object, and an
//! object that is read whole is held against it. A read is of one object: where another takes its
//! key meanwhile, it ends with an error.
//!
//! **Sizes.** Every format is kept as the bytes it has. S3 has no holes: zeros are sent, and told as
//! holes when they come back. Objects have 5 TiB at most; from 78 GiB on parts are larger than
//! `part_size_mib`, and fewer are on their way.
//!
//! **Links for download** are signed by the server's own scheme, work for a week at most, and cannot
//! be ended before.
//!
//! # For maintainers
//!
//! *Uploads.* An object of one part is one `PutObject`; any other an upload in parts, which a token
//! names. Until it is complete nothing is there; from that instant all of it is, with its record.
//! A write that begins ends those before it. Servers that list no uploads (`Features`) leave it to
//! the host to keep their ids.
//!
//! *The SDK* is given its HTTP stack (`s3/http.rs`), and bodies are put in behind its back
//! (`s3/payload.rs`): what it would do to sign and checksum them costs more than to send them.
//!
//! *Twins.* The epoch keeps out a host with an old database. Two hosts that were started from
//! copies of one database have the same epoch; a bucket has no lock that a process could hold, so
//! nothing keeps the second out.
//!
//! | file | what it is |
//! |---|---|
//! | `s3/` | a bucket of a server: requests, uploads, downloads, errors; knows nothing of stores |
//! | `details.rs`, `layout.rs` | from what the host says to a bucket and to keys |
//! | `mark.rs`, `probe.rs`, `stores.rs` | whose the bucket is, what its server can, what is remembered |
//! | `objects.rs`, `record.rs`, `unfinished.rs`, `listing.rs` | objects, and what is known of them |
//! | `reader.rs`, `writer.rs` | bytes go and come |
//! | `driver.rs`, `life_cycle.rs` | the contract |

// A plugin needs no unsafe code.
#![forbid(unsafe_code)]

mod details;
mod driver;
mod layout;
mod life_cycle;
mod listing;
mod mark;
mod objects;
mod probe;
mod reader;
mod record;
pub mod s3;
mod stores;
mod unfinished;
mod writer;

use crate::details::StoreFields;
use crate::driver::S3Driver;
use crate::life_cycle::S3LifeCycle;
use crate::stores::Stores;
use storage_plugin_api::prelude::*;
use storage_plugin_api::{CallContext as Call, PluginResult as Result};

storage_plugin_api::export_plugin!(S3Provider::default);

/// What the provider serves.
const TYPE: DataStoreProviderType = DataStoreProviderType::Image;

/// The provider. What its driver and its life cycle remember of stores they remember together.
#[derive(Debug, Default)]
pub(crate) struct S3Provider {
    stores: Arc<Stores>,
}

#[async_trait]
impl DataStoreProvider for S3Provider {
    // Stored with every store, so it must never change.
    fn get_name(&self) -> String {
        "S3".to_owned()
    }

    fn get_types(&self) -> Vec<DataStoreProviderType> {
        vec![TYPE]
    }

    fn get_input_schema(&self, _: DataStoreProviderType) -> InputSchema {
        InputSchema::of::<StoreFields>()
    }

    fn is_scope_supported(&self, scope: ScopeType) -> bool {
        scope == ScopeType::Region
    }

    async fn configure(&self, _: &Call, _: Settings, host: Arc<dyn HostServices>) -> Result<()> {
        self.stores.configure(Arc::clone(&host))?;
        host.register_driver(TYPE).await
    }

    fn get_data_store_driver(&self, of: DataStoreProviderType) -> Option<Driver> {
        let stores = Arc::clone(&self.stores);
        (of == TYPE).then(|| Driver::Image(Arc::new(S3Driver { stores })))
    }

    fn get_data_store_life_cycle(&self, of: DataStoreProviderType) -> Option<LifeCycle> {
        let stores = Arc::clone(&self.stores);
        (of == TYPE).then(|| LifeCycle::Image(Arc::new(S3LifeCycle { stores })))
    }
}
