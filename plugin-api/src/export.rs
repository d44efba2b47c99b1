//! `export_plugin!`: makes a crate a plugin.

/// Exports a provider as this library's plugin.
///
/// Takes a function without arguments that makes the provider. It runs in the host's process, so
/// it must do nothing but make the value; work belongs into
/// [`configure`](crate::DataStoreProvider::configure).
///
/// Once per crate; the crate is a `cdylib` and may `#![forbid(unsafe_code)]`.
///
/// ```
/// use storage_plugin_api::{prelude::*, export_plugin};
///
/// #[derive(Default)]
/// struct Nothing;
///
/// #[async_trait]
/// impl DataStoreProvider for Nothing {
///     fn get_name(&self) -> String { "Nothing".into() }
///     fn get_types(&self) -> Vec<DataStoreProviderType> { vec![DataStoreProviderType::Primary] }
///     fn get_input_schema(&self, _: DataStoreProviderType) -> InputSchema { InputSchema::empty() }
///     fn is_scope_supported(&self, scope: ScopeType) -> bool { scope == ScopeType::Zone }
///     async fn configure(
///         &self, _: &CallContext, _: Settings, _: Arc<dyn HostServices>,
///     ) -> PluginResult<()> {
///         Err(PluginError::unsupported("an example has no driver"))
///     }
///     fn get_data_store_driver(&self, _: DataStoreProviderType) -> Option<Driver> { None }
///     fn get_data_store_life_cycle(&self, _: DataStoreProviderType) -> Option<LifeCycle> { None }
/// }
///
/// export_plugin!(Nothing::default);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export_plugin {
    ($factory:expr) => {
        const _: () = {
            #[cfg(panic = "abort")]
            ::core::compile_error!(
                "a storage plugin must be built with panic = \"unwind\": a panic has to become an \
                 error of its call; remove `panic = \"abort\"` from the profile in Cargo.toml"
            );

            use $crate::__private as private;

            extern "C" fn open(
                host: private::HostBox,
                options: private::OpenOptions,
            ) -> private::Opened {
                private::open($factory, host, options)
            }

            fn root() -> private::PluginRoot_Ref {
                private::root_module(open)
            }

            extern "C" fn load() -> private::stable::RootModuleResult {
                private::stable::__call_root_module_loader(root)
            }

            #[unsafe(no_mangle)]
            #[allow(non_upper_case_globals)]
            pub static _1as_0lib_1header_0root_bmodule_bloader: private::stable::LibHeader =
                // SAFETY: `load` returns the root module of this type.
                unsafe {
                    private::stable::LibHeader::from_constructor::<private::PluginRoot_Ref>(
                        load,
                        private::stable::CheckTypeLayout::Yes,
                    )
                };

            const PARTS: &[&str] = &[
                private::metadata::MAGIC,
                "{\"crate\":\"",
                ::core::env!("CARGO_PKG_NAME"),
                "\",\"version\":\"",
                ::core::env!("CARGO_PKG_VERSION"),
                "\",\"license\":\"",
                ::core::env!("CARGO_PKG_LICENSE"),
                "\",\"abi\":\"",
                private::ABI_VERSION,
                "\",\"sdk\":\"",
                private::SDK_VERSION,
                "\",\"rustc\":\"",
                private::RUSTC,
                "\",\"target\":\"",
                private::TARGET,
                "\"}\0",
            ];

            #[used]
            #[cfg_attr(
                target_vendor = "apple",
                unsafe(link_section = "__DATA,__storage_plugin")
            )]
            #[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".storage_plugin"))]
            static METADATA: [u8; private::metadata::length(PARTS)] =
                private::metadata::join(PARTS);
        };
    };
}
