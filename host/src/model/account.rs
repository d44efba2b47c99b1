//! Who acts. There is one account so far: the operator's.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The internal number of the operator's account.
pub const ACCOUNT_ID: u64 = 2;
/// The name of the operator's account.
pub const ADMIN: &str = "admin";
/// The name of the domain that everything is in.
pub const ROOT_DOMAIN: &str = "ROOT";

/// Who asked for an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The name of the account.
    pub account: String,
    /// The user of it; nil where the host itself acts.
    pub user: Uuid,
    /// By what the caller recognises its own request, should it send it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<ClientToken>,
}

/// By what a caller recognises its own request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientToken {
    /// The caller's own word, unique in its account and command.
    pub text: String,
    /// A digest of the request's parameters: the same word with others is a mistake.
    pub fingerprint: String,
}

impl Caller {
    /// The operator.
    pub fn admin() -> Self {
        Self { account: ADMIN.to_owned(), user: Uuid::nil(), token: None }
    }

    /// The host itself: clean-up, recovery.
    pub fn system() -> Self {
        Self { account: "system".to_owned(), user: Uuid::nil(), token: None }
    }
}
