//! What drivers of secondary storage do besides.

use super::calls::CreateResult;
use super::primary_calls::StorageStats;
use super::{DataStoreDriver, unsupported};
use crate::context::{CallContext, StoreContext};
use crate::error::PluginResult;
use crate::types::{DataObject, ImageFormat, TemplateInfo, record};
use async_trait::async_trait;

record! {
    /// What a link for download is to lead to.
    pub struct ExtractUrlRequest {
        /// The object.
        object: DataObject,
        /// How long the link is to work, in seconds.
        expires_secs: u64,
        ;
        /// The format of the file that is downloaded.
        format: Option<ImageFormat>,
    }
}

record! {
    /// A link for download.
    pub struct ExtractUrl {
        /// Works for whoever has it, so it is a secret until it expires.
        url: String,
        ;
        /// When it ends, in seconds since 1970.
        expires_at_secs: Option<u64>,
    }
}

record! {
    /// A link that is no longer wanted.
    pub struct DeleteUrlRequest {
        /// The object it leads to.
        object: DataObject,
        /// The link.
        url: String,
        ;
    }
}

record! {
    /// An appliance to look into.
    pub struct DataDiskTemplatesRequest {
        /// The appliance.
        template: TemplateInfo,
        ;
        /// Which of its configurations.
        configuration_id: Option<String>,
    }
}

record! {
    /// One disk of an appliance (CloudStack's `DatadiskTO`).
    pub struct DataDiskTemplate {
        /// Its path inside the appliance.
        path: String,
        /// Virtual size in bytes.
        virtual_size_bytes: u64,
        ;
        /// Stored size in bytes.
        file_size_bytes: u64,
        /// The instance starts from it.
        bootable: bool,
        /// Its id inside the appliance.
        disk_id: String,
    }
}

record! {
    /// A disk of an appliance to make a template of.
    pub struct CreateDataDiskTemplateRequest {
        /// The new template.
        template: TemplateInfo,
        /// The disk.
        disk: DataDiskTemplate,
        ;
    }
}

/// A driver of image stores and image caches (CloudStack's `ImageStoreDriver`).
///
/// State, order, threads, panics and cancellation are as in [`DataStoreDriver`]. An image driver
/// is filled through [`open_writer`](DataStoreDriver::open_writer): the host downloads, checks and
/// converts, so no driver speaks to the outside.
#[async_trait]
pub trait ImageStoreDriver: DataStoreDriver {
    /// Space of an image store or image cache (`GetStorageStatsCommand`; capability
    /// `storage_stats`). The host asks now and then, and chooses by it where something new goes.
    ///
    /// # Behavior
    /// - Used is not above capacity (case `happy::image_store_stats_are_sensible`).
    ///
    /// # Units
    /// Bytes. Operations per second mean nothing here.
    ///
    /// # Errors
    /// `Unsupported` without the capability (case `errors::undeclared_ability_is_refused`): the host
    /// shows what it was told when the store was added. `Unavailable`.
    #[doc(alias = "getStorageStats")]
    async fn get_image_store_stats(
        &self,
        call: &CallContext,
        store: &StoreContext,
    ) -> PluginResult<StorageStats> {
        let _ = (call, store);
        unsupported("get_image_store_stats")
    }

    /// Makes a link for download (`createEntityExtractUrl`; capability `extract_url`).
    ///
    /// # Behavior
    /// - The link works without credentials until it expires.
    ///
    /// # Errors
    /// `Unsupported` without the capability (case `errors::undeclared_ability_is_refused`),
    /// `NotFound`.
    #[doc(alias = "createEntityExtractUrl")]
    async fn create_entity_extract_url(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: ExtractUrlRequest,
    ) -> PluginResult<ExtractUrl> {
        let _ = (call, store, request);
        unsupported("create_entity_extract_url")
    }

    /// Ends a link before its time (`deleteEntityExtractUrl`).
    ///
    /// # Behavior
    /// - A link that ended already, or cannot be ended early, is a success.
    ///
    /// # Errors
    /// `Unavailable`.
    #[doc(alias = "deleteEntityExtractUrl")]
    async fn delete_entity_extract_url(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: DeleteUrlRequest,
    ) -> PluginResult<()> {
        let _ = (call, store, request);
        Ok(())
    }

    /// Lists the disks of an appliance (`getDataDiskTemplates`; capability
    /// `data_disk_templates`).
    ///
    /// # Errors
    /// `Unsupported` without the capability, `NotFound`, `Corrupt`.
    #[doc(alias = "getDataDiskTemplates")]
    async fn get_data_disk_templates(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: DataDiskTemplatesRequest,
    ) -> PluginResult<Vec<DataDiskTemplate>> {
        let _ = (call, store, request);
        unsupported("get_data_disk_templates")
    }

    /// Makes a template of a disk of an appliance (`createDataDiskTemplateAsync`; capability
    /// `data_disk_templates`).
    ///
    /// # Errors
    /// `Unsupported` without the capability, `NotFound`, `CapacityExceeded`.
    #[doc(alias = "createDataDiskTemplateAsync")]
    async fn create_data_disk_template_async(
        &self,
        call: &CallContext,
        store: &StoreContext,
        request: CreateDataDiskTemplateRequest,
    ) -> PluginResult<CreateResult> {
        let _ = (call, store, request);
        unsupported("create_data_disk_template_async")
    }
}
