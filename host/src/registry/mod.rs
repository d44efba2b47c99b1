//! The registry of providers (CloudStack's `DataStoreProviderManager`): which plugins there are,
//! where each stands, and the providers that serve.
//!
//! It knows providers only as the contract's traits; how one is reached, in this process or in
//! another, is the loader's and the isolation's affair.

mod details;
mod manager;
mod report;

pub use manager::{DataStoreProviderManager, ProcessStatus};
// What a report holds; rooms above need not know the loader for it.
pub use crate::loader::metadata::PluginMetadata;
pub use report::{PluginReport, PluginState, ProcessReport, ProviderSummary};
