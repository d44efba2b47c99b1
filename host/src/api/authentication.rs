//! Who calls: the holder of a key who signed the request with its secret.
//!
//! **Invariant:** whatever is wrong, the caller is told the same; the log has the reason.

use super::credentials::Credentials;
use super::error::ApiError;
use super::form::Form;
use super::signature::verify;
use super::timestamp::{format_timestamp, parse_timestamp};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;
use storage_plugin_api::Secret;

struct Holder {
    account: Arc<str>,
    secret: Secret,
}

/// The keys that may call.
pub(super) struct KeyRing(HashMap<String, Holder>);

impl KeyRing {
    /// The keys of one account.
    pub(super) fn of(credentials: &Credentials) -> Self {
        let holder = Holder {
            account: credentials.username.as_str().into(),
            secret: credentials.secretkey.clone(),
        };
        Self(HashMap::from([(credentials.apikey.clone(), holder)]))
    }

    /// The account whose key signed the request.
    ///
    /// # Errors
    /// No key, no signature, a wrong or an expired one: 401.
    pub(super) fn authenticate(&self, form: &Form, now: SystemTime) -> Result<Arc<str>, ApiError> {
        let needed = |name: &str| {
            form.get(name).ok_or_else(|| ApiError::unauthorized(format!("no {name} was sent")))
        };
        let key = needed("apikey")?;
        let signature = needed("signature")?;
        let holder =
            self.0.get(key).ok_or_else(|| ApiError::unauthorized("no such apikey is known"))?;
        if form.get("signatureversion") == Some("3") {
            check_expiry(needed("expires")?, now)?;
        }
        let signed: Vec<_> = form
            .pairs()
            .iter()
            .filter(|pair| pair.name != "signature")
            .map(|pair| (pair.sent.as_str(), pair.value.as_str()))
            .collect();
        if !verify(&signed, signature, &holder.secret) {
            return Err(ApiError::unauthorized("the signature is not of these parameters"));
        }
        Ok(Arc::clone(&holder.account))
    }
}

fn check_expiry(expires: &str, now: SystemTime) -> Result<(), ApiError> {
    match parse_timestamp(expires) {
        Some(moment) if moment > now => Ok(()),
        Some(moment) => Err(ApiError::unauthorized(format!(
            "the signature expired at {}, and here it is {}",
            format_timestamp(moment),
            format_timestamp(now)
        ))),
        None => Err(ApiError::unauthorized("the expiry of the signature is not a moment")),
    }
}
