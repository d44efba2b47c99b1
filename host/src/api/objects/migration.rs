//! What came of moving what was on an image store.

use crate::api::field::response;
use crate::model::Operation;
use crate::orchestration::image_store::Migrated;

response! {
    pub(in crate::api) struct MigrationResponse {
        "message"       message: String              => "how much was moved, and what stays and why";
        "migrationtype" migration_type: String => "complete, balance, or resources where they were named";
        "success"       success: bool                => "whether all was moved that was to be moved";
        "moved"         moved: u64                   => "how many templates and snapshots were moved (an extension of this host)";
        "stayed"        stayed: u64                  => "how many stay although they should go (an extension of this host)";
    }
}

impl MigrationResponse {
    /// The key it is shown under.
    pub(in crate::api) const OBJECT_NAME: &'static str = "imagestore";

    /// What came of an operation; `None` of one that moved nothing of the kind.
    pub(in crate::api) fn of(operation: &Operation) -> Option<Self> {
        let migrated = Migrated::of(operation)?;
        Some(Self {
            message: migrated.message(),
            migration_type: migrated.how.to_string(),
            success: migrated.stay.is_empty(),
            moved: migrated.moved as u64,
            stayed: migrated.stay.len() as u64,
        })
    }
}
