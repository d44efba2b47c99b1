//! A template or ISO: what volumes are made from.

use super::record::{Index, Record, RecordKind};
use super::template_state::TemplateState;
use serde::{Deserialize, Serialize};
use storage_plugin_api::{HypervisorType, ImageFormat, TemplateInfo};
use uuid::Uuid;

/// A template or ISO. Where its bytes are is said by its [`ObjectInStore`](super::ObjectInStore)s.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Template {
    /// Its public id, which its back-end names hold.
    pub uuid: Uuid,
    /// Its name.
    pub name: String,
    /// Shown under the name.
    pub display_text: String,
    /// Its state.
    pub state: TemplateState,
    /// The format it was registered with; a store may keep another one.
    pub format: ImageFormat,
    /// Where it was registered from, without credentials.
    #[serde(default)]
    pub url: Option<String>,
    /// The same with its credentials, for the download. The record is sealed for its sake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The checksum of what was registered, `{ALGORITHM}hex`: the caller's, or ours.
    #[serde(default)]
    pub checksum: Option<String>,
    /// The virtual size of a disk made from it in bytes; 0 as long as nobody looked.
    #[serde(default)]
    pub size_bytes: u64,
    /// Its stored size in bytes.
    #[serde(default)]
    pub physical_size_bytes: u64,
    /// Whether an instance can start from it.
    pub bootable: bool,
    /// The operating system (an `ostypeid`).
    #[serde(default)]
    pub os_type: Option<Uuid>,
    /// The hypervisor that it is for; any if none is said.
    #[serde(default)]
    pub hypervisor: Option<HypervisorType>,
    /// Every account may use it.
    #[serde(default)]
    pub is_public: bool,
    /// It is shown first.
    #[serde(default)]
    pub is_featured: bool,
    /// Its bytes may be handed out.
    #[serde(default)]
    pub is_extractable: bool,
    /// Needs hardware virtualisation.
    #[serde(default)]
    pub requires_hvm: bool,
    /// The volume it was made from.
    #[serde(default)]
    pub source_volume: Option<Uuid>,
    /// The snapshot it was made from.
    #[serde(default)]
    pub source_snapshot: Option<Uuid>,
}

impl Template {
    /// Whether it is an ISO.
    pub fn is_iso(&self) -> bool {
        self.format == ImageFormat::Iso
    }

    /// `template` or `iso`, for messages.
    pub fn word(&self) -> &'static str {
        if self.is_iso() { "iso" } else { "template" }
    }

    /// As drivers see it, before it is on a store.
    pub fn as_seen_by_plugins(&self, id: u64) -> TemplateInfo {
        let mut template =
            TemplateInfo::new(self.uuid, self.name.clone(), self.format, self.size_bytes);
        template.id = id;
        template.unique_name = format!("{}-{}", id, self.uuid);
        template.display_text.clone_from(&self.display_text);
        template.url.clone_from(&self.url);
        template.checksum.clone_from(&self.checksum);
        template.physical_size_bytes = self.physical_size_bytes;
        template.account_id = super::ACCOUNT_ID;
        template.requires_hvm = self.requires_hvm;
        template.bootable = self.bootable;
        template.hypervisor_type = self.hypervisor.map(|one| one.as_str().to_owned());
        template
    }
}

impl Record for Template {
    const KIND: RecordKind = RecordKind::Template;
    const SEALED: bool = true;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    fn index(&self) -> Index {
        Index { name: self.name.clone(), state: self.state.as_str(), owner: None, zone: None }
    }
}
