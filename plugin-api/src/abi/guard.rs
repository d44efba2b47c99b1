//! Where panics stop.

use crate::error::{PluginError, PluginResult};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code that may panic and turns the panic into an error.
pub fn guard<T>(what: &str, code: impl FnOnce() -> PluginResult<T>) -> PluginResult<T> {
    // AssertUnwindSafe: what the code borrowed may be left inconsistent, but only its owner, the
    // plugin, sees it again, and the contract says that a panic is a bug of the plugin.
    catch_unwind(AssertUnwindSafe(code)).unwrap_or_else(|panic| Err(panicked(what, panic.as_ref())))
}

/// Drops a value whose destructor may panic; the panic has been logged by the panic hook.
pub fn drop_guarded<T>(value: T) {
    let outcome = catch_unwind(AssertUnwindSafe(|| drop(value)));
    if let Err(panic) = outcome {
        // The payload may itself panic when dropped.
        std::mem::forget(panic);
    }
}

/// The error of a panic.
pub fn panicked(what: &str, panic: &(dyn Any + Send)) -> PluginError {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a payload that is not text");
    PluginError::internal(format!("the plugin panicked in {what}: {text}"))
}
