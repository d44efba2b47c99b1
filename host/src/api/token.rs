//! The client token: by it a caller recognises its own request, should it send it again.
//!
//! A request with the token of an earlier one does nothing new: it gets the earlier one's job, and
//! so the same object. The same token with other parameters is a mistake, and refused.

use super::form::Form;
use super::param::{DEFAULT_LENGTH, Kind, Param};
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
pub(super) fn token_of(form: &Form) -> Option<ClientToken> {
    let text = form.get(CLIENT_TOKEN.name).filter(|text| !text.is_empty())?;
    let text: String = text.chars().take(DEFAULT_LENGTH).collect();
    let mut digest = Sha256::new();
    for pair in form.pairs().iter().filter(|pair| !OF_THE_PROTOCOL.contains(&pair.name.as_str())) {
        // The lengths keep `a=bc` apart from `ab=c`.
        digest.update(format!("{}:{}:", pair.name.len(), pair.value.len()));
        digest.update(&pair.name);
        digest.update(&pair.value);
    }
    let fingerprint = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Some(ClientToken { text, fingerprint })
}
