//! The conformance kit: proves that a provider keeps the contract, on real bytes.
//!
//! The same list of cases runs on a provider built in a test, on one behind a loaded library and
//! on one in a process of its own: the kit knows only the traits. It is what
//! `storage-host conformance` runs and what a vendor's own tests run.
//!
//! ```no_run
//! use storage_plugin_api::{DataStoreProvider, DataStoreProviderType};
//! use storage_plugin_api::conformance::{Kit, KitOptions, StoreUnderTest};
//! use std::sync::Arc;
//!
//! # async fn check(provider: Arc<dyn DataStoreProvider>) -> Result<(), Box<dyn std::error::Error>> {
//! let mut store = StoreUnderTest::default();
//! store.details.insert("path", "/srv/empty-pool");
//! let mut options = KitOptions::default();
//! options.stores.insert(DataStoreProviderType::Primary, store);
//! let mut kit = Kit::prepare(provider, options).await?;
//! let report = kit.run(&mut |case| println!("{case}")).await;
//! assert!(report.is_clean(), "{report}");
//! # Ok(())
//! # }
//! ```
//!
//! **Levels.** 1 metadata and 2 schemas touch no back end. 3 happy paths and 4 errors and limits
//! need a store, and the store must be empty unless
//! [`allow_non_empty`](KitOptions::allow_non_empty) says otherwise.
//!
//! **What is tested** follows from what each store declares
//! ([`DataStoreCapabilities`](crate::DataStoreCapabilities)): an ability that is declared is
//! tested, one that is not is tested to be refused with `Unsupported`. There is no case that
//! passes because it had nothing to do; what could not run is named in
//! [`Report::left_out`].
//!
//! **What is touched.** Only objects that the kit made: their names begin with `conf-<run>`, and so
//! do the installation ids. Each case removes what it made, also when it fails, and the last one
//! checks that nothing is left. The ids of cases are stable, the code behind them is not: a case
//! may become stricter with any version.
//!
//! Start reading in `table`: one list of all cases.

mod bytes;
mod calls;
mod case;
mod cases;
mod failure;
mod kit;
mod memory_host;
mod options;
mod pattern;
mod preparation;
mod report;
mod scene;
mod stage;
mod subject;
mod table;
mod watched_host;

pub use case::Case;
pub use kit::Kit;
pub use memory_host::MemoryHost;
pub use options::{ConformanceFile, KitOptions, StoreInput, StoreUnderTest};
pub use preparation::Refusal;
pub use report::{CaseReport, Level, Outcome, Report};
