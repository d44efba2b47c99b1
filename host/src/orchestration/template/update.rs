//! What a template is called, and who may use it.

use crate::model::{Failure, Stored, Template};
use crate::store::Change;
use uuid::Uuid;

/// What is to change. What is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct UpdateTemplate {
    /// Another name.
    pub name: Option<String>,
    /// Another text under the name.
    pub display_text: Option<String>,
    /// Another operating system.
    pub os_type: Option<Uuid>,
    /// Whether an instance can start from it.
    pub bootable: Option<bool>,
    /// Whether every account may use it.
    pub is_public: Option<bool>,
    /// Whether it is shown first.
    pub is_featured: Option<bool>,
    /// Whether its bytes may be handed out.
    pub is_extractable: Option<bool>,
}

impl super::Templates {
    /// Changes a template (`updateTemplate`, `updateTemplatePermissions`, and those of ISOs).
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn update(
        &self,
        uuid: Uuid,
        wish: UpdateTemplate,
    ) -> Result<Stored<Template>, Failure> {
        let mut template = self.rooms.find_template(uuid).await?;
        let it = &mut template.record;
        it.name = wish.name.unwrap_or_else(|| std::mem::take(&mut it.name));
        it.display_text = wish.display_text.unwrap_or_else(|| std::mem::take(&mut it.display_text));
        it.os_type = wish.os_type.or(it.os_type);
        it.bootable = wish.bootable.unwrap_or(it.bootable);
        it.is_public = wish.is_public.unwrap_or(it.is_public);
        it.is_featured = wish.is_featured.unwrap_or(it.is_featured);
        it.is_extractable = wish.is_extractable.unwrap_or(it.is_extractable);
        self.rooms.repository.transact(vec![Change::update(&template)]).await?;
        self.find(uuid).await
    }
}
