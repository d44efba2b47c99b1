//! The client token: by it a caller recognises its own request, should it send it again.
//!
//! A request with the token of an earlier one does nothing new: it gets the earlier one's job, and
//! so the same object. The same token with other parameters is a mistake, and refused.

use super::command::Command;
use super::error::ApiError;
use super::form::Form;
use super::param::{DEFAULT_LENGTH, Kind, Param};
use super::values::within;
use crate::model::ClientToken;
use sha2::{Digest, Sha256};

/// The parameter, which every command takes that begins an operation.
pub(super) const CLIENT_TOKEN: Param = Param {
    name: "clienttoken",
    kind: Kind::String,
    required: false,
    description: "a word of your own: a repeated request with it gets the job of the first one (an \
                  extension of this host)",
    length: DEFAULT_LENGTH,
    since: None,
};

/// Parameters that may differ in a repeated request.
const OF_THE_PROTOCOL: [&str; 7] =
    ["apikey", "expires", "response", "sessionkey", "signature", "signatureversion", "clienttoken"];

/// The token of a request, if it has one.
///
/// # Errors
/// 431 where the command begins no operation, so that a token could not keep what it promises, and
/// for a token that is too long: cut, two of them could be one.
pub(super) fn token_of(command: &Command, form: &Form) -> Result<Option<ClientToken>, ApiError> {
    let Some(text) = form.get(CLIENT_TOKEN.name).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    if !command.begins {
        return Err(ApiError::invalid_parameter(format!(
            "{} takes no {}: it begins no operation that a repeated request could get",
            command.name, CLIENT_TOKEN.name
        )));
    }
    let text = within(text, &CLIENT_TOKEN)?.to_owned();
    let mut digest = Sha256::new();
    for pair in form.pairs().iter().filter(|pair| !OF_THE_PROTOCOL.contains(&pair.name.as_str())) {
        // The lengths keep `a=bc` apart from `ab=c`.
        digest.update(format!("{}:{}:", pair.name.len(), pair.value.len()));
        digest.update(&pair.name);
        digest.update(&pair.value);
    }
    let fingerprint = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Some(ClientToken { text, fingerprint }))
}
