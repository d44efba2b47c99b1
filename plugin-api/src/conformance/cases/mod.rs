//! The cases themselves, one file per subject. What runs when is in the table.

pub(super) mod abandoned;
pub(super) mod abilities;
pub(super) mod access;
pub(super) mod added;
pub(super) mod borders;
pub(super) mod clones;
pub(super) mod copies;
pub(super) mod details;
pub(super) mod extents;
pub(super) mod hosts;
pub(super) mod images;
pub(super) mod last;
pub(super) mod limits;
pub(super) mod listing;
pub(super) mod metadata;
pub(super) mod missing;
pub(super) mod neighbours;
pub(super) mod objects;
pub(super) mod over;
pub(super) mod resize;
pub(super) mod resume;
pub(super) mod schema;
pub(super) mod snapshots;
pub(super) mod stats;
pub(super) mod streams;
pub(super) mod vm_snapshots;
