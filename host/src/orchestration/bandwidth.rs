//! How many bytes a second the host moves to and from a store, as an operator wishes it.

use crate::model::Failure;

/// Less than this is a slip of the pen: a template would take days.
const LEAST: u64 = 64 << 10;

/// The limit as it is to be: as it was without a wish, none for a wish of 0.
///
/// # Errors
/// `InvalidArgument` for less than 64 KiB a second.
pub(super) fn bandwidth(wish: Option<u64>, now: Option<u64>) -> Result<Option<u64>, Failure> {
    match wish {
        None => Ok(now),
        Some(0) => Ok(None),
        Some(bytes) if bytes < LEAST => Err(Failure::invalid(format!(
            "a bandwidth of {bytes} bytes a second is too little to move anything; give {LEAST} \
             or more, or 0 for no limit"
        ))),
        bytes => Ok(bytes),
    }
}
