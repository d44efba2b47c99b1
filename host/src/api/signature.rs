//! The signature of a request: HMAC-SHA1 over its sorted parameters.
//!
//! Clients disagree with the server, and with each other, about which characters to encode and how
//! to sort. All sign with the same secret, so any of the ways proves the same; the server's own
//! comes first. The names of parameters are signed as they were sent.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;
use storage_plugin_api::Secret;

/// A way to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Profile {
    encoded: &'static AsciiSet,
    sort: Sort,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    AsSent,
    LowerCase,
}

const JAVA: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'*').remove(b'_');
const TILDE: &AsciiSet = &JAVA.remove(b'~');
const BRACKETS: &AsciiSet = &TILDE.remove(b'[').remove(b']');
const STAR: &AsciiSet = &TILDE.add(b'*');

/// CloudStack itself; every client, as long as no value has a special character.
pub(super) const SERVER: Profile = Profile { encoded: JAVA, sort: Sort::AsSent };
/// cs, Ansible, CloudMonkey, Terraform and whatever else is made with the Go SDK.
pub(super) const CS: Profile = Profile { encoded: TILDE, sort: Sort::AsSent };
/// libcloud, and old Marvin.
pub(super) const LIBCLOUD: Profile = Profile { encoded: BRACKETS, sort: Sort::LowerCase };
/// Clients in JavaScript.
pub(super) const JAVA_SCRIPT: Profile = Profile { encoded: STAR, sort: Sort::AsSent };

const PROFILES: [Profile; 4] = [SERVER, CS, LIBCLOUD, JAVA_SCRIPT];

/// A name as it was sent, and its value.
type Signed<'a> = (&'a str, &'a str);

/// Signs parameters the way CloudStack does.
pub fn sign(params: &[(&str, &str)], secret: &Secret) -> String {
    mac(&SERVER.text(params), secret)
        .map(|mac| STANDARD.encode(mac.finalize().into_bytes()))
        .unwrap_or_default()
}

/// Whether a signature is one of these parameters, in any of the ways to sign.
pub(super) fn verify(params: &[Signed<'_>], signature: &str, secret: &Secret) -> bool {
    let Ok(signature) = STANDARD.decode(signature) else {
        return false;
    };
    let mut tried = Vec::with_capacity(PROFILES.len());
    for profile in PROFILES {
        let text = profile.text(params);
        if tried.contains(&text) {
            continue;
        }
        // Compares in constant time.
        if mac(&text, secret).is_some_and(|mac| mac.verify_slice(&signature).is_ok()) {
            return true;
        }
        tried.push(text);
    }
    false
}

impl Profile {
    /// The text that is signed.
    pub(super) fn text(self, params: &[Signed<'_>]) -> String {
        let mut pairs: Vec<(String, &str)> = params
            .iter()
            .map(|&(name, value)| match self.sort {
                Sort::AsSent => (name.to_owned(), value),
                Sort::LowerCase => (name.to_ascii_lowercase(), value),
            })
            .collect();
        pairs.sort();
        let mut text = String::new();
        for (name, value) in pairs {
            if !text.is_empty() {
                text.push('&');
            }
            text.push_str(&name);
            text.push('=');
            text.extend(utf8_percent_encode(value, self.encoded));
        }
        text.make_ascii_lowercase();
        text
    }
}

/// HMAC takes a key of any length; `None` would be an error of its implementation.
fn mac(text: &str, secret: &Secret) -> Option<Hmac<Sha1>> {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.expose().as_bytes()).ok()?;
    mac.update(text.as_bytes());
    Some(mac)
}
