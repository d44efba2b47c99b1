//! Where panics stop.

use crate::error::{PluginError, PluginResult};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code that may panic and turns the panic into an error.
pub fn guard<T>(what: &str, code: impl FnOnce() -> PluginResult<T>) -> PluginResult<T> {
    // AssertUnwindSafe: what the code borrowed may be left inconsistent, but only its owner, the
    // plugin, sees it again, and the contract says that a panic is a bug of the plugin.
    catch_unwind(AssertUnwindSafe(code)).unwrap_or_else(|panic| Err(panicked(what, panic)))
}

/// Drops a value whose destructor may panic; the panic has been logged by the panic hook.
pub fn drop_guarded<T>(value: T) {
    drop_guarded_with(|| drop(value));
}

/// Runs what drops a value whose destructor may panic.
pub fn drop_guarded_with(dropping: impl FnOnce()) {
    let outcome = catch_unwind(AssertUnwindSafe(dropping));
    if let Err(panic) = outcome {
        // The payload may itself panic when dropped.
        std::mem::forget(panic);
    }
}

/// The error of a panic. The payload is let go of, not dropped: it may itself panic.
pub fn panicked(what: &str, panic: Box<dyn Any + Send>) -> PluginError {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a payload that is not text");
    let error = PluginError::internal(format!("the plugin panicked in {what}: {text}"));
    std::mem::forget(panic);
    error
}
