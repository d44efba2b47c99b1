//! The operating systems that templates name (CloudStack's `guest_os`). The host starts none of
//! them; clients want to name one.

use super::error::ApiError;
use super::values::Id;
use uuid::Uuid;

/// Id and name. The first one is that of a template which names none.
pub(super) const OS_TYPES: &[(Uuid, &str)] = &[
    (Uuid::from_u128(0x9f1c_0001_7a6b_4d11_8a54_0000_0000_0001), "Other Linux (64-bit)"),
    (Uuid::from_u128(0x9f1c_0001_7a6b_4d11_8a54_0000_0000_0002), "Other Linux (32-bit)"),
    (Uuid::from_u128(0x9f1c_0001_7a6b_4d11_8a54_0000_0000_0003), "Debian GNU/Linux 12 (64-bit)"),
    (Uuid::from_u128(0x9f1c_0001_7a6b_4d11_8a54_0000_0000_0004), "Ubuntu 24.04 LTS"),
    (Uuid::from_u128(0x9f1c_0001_7a6b_4d11_8a54_0000_0000_0005), "Rocky Linux 9"),
    (Uuid::from_u128(0x9f1c_0001_7a6b_4d11_8a54_0000_0000_0006), "Windows Server 2022 (64-bit)"),
    (Uuid::from_u128(0x9f1c_0001_7a6b_4d11_8a54_0000_0000_0007), "Other (64-bit)"),
    (Uuid::from_u128(0x9f1c_0001_7a6b_4d11_8a54_0000_0000_0008), "None"),
];

/// The one that a template names, or the first.
pub(super) fn of(uuid: Option<Uuid>) -> (Uuid, &'static str) {
    const FIRST: (Uuid, &str) = OS_TYPES[0];
    uuid.and_then(|uuid| OS_TYPES.iter().find(|one| one.0 == uuid)).copied().unwrap_or(FIRST)
}

/// The one that a parameter names.
///
/// # Errors
/// 431 where there is none.
pub(super) fn find(parameter: &str, id: Option<Id>) -> Result<Option<Uuid>, ApiError> {
    let Some(id) = id else {
        return Ok(None);
    };
    let found = OS_TYPES.iter().zip(1..).find(|((uuid, _), number)| match id {
        Id::Uuid(wanted) => *uuid == wanted,
        Id::Number(wanted) => *number == wanted,
        Id::None => false,
    });
    found
        .map(|((uuid, _), _)| Some(*uuid))
        .ok_or_else(|| ApiError::no_such_entity(parameter, &id.to_string()))
}
