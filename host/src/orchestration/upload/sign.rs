//! The signature of an offer, by which an upload needs no account.

use crate::model::Upload;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Signs what whoever uploads sends along.
pub fn signature(upload: &Upload, metadata: &str, expires: &str) -> String {
    mac(upload, metadata, expires)
        .map(|mac| STANDARD.encode(mac.finalize().into_bytes()))
        .unwrap_or_default()
}

/// Whether a signature is of these, in constant time.
pub fn is_signed(upload: &Upload, metadata: &str, expires: &str, signature: &str) -> bool {
    let Ok(signature) = STANDARD.decode(signature.trim()) else {
        return false;
    };
    mac(upload, metadata, expires).is_some_and(|mac| mac.verify_slice(&signature).is_ok())
}

fn mac(upload: &Upload, metadata: &str, expires: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(upload.key.as_bytes()).ok()?;
    // The lengths keep `ab` and `c` apart from `a` and `bc`.
    mac.update(format!("{}\n{}\n{}\n", upload.uuid, metadata.len(), expires.len()).as_bytes());
    mac.update(metadata.as_bytes());
    mac.update(expires.as_bytes());
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_signature_is_of_one_offer_and_of_what_it_says() {
        let upload = |key: &str| Upload {
            uuid: Uuid::from_u128(1),
            template: Uuid::from_u128(2),
            place: Uuid::from_u128(3),
            account: "admin".to_owned(),
            key: key.to_owned(),
            expires_us: 0,
        };
        let one = upload("one");
        let signed = signature(&one, "ab", "c");
        assert!(is_signed(&one, "ab", "c", &signed));
        assert!(!is_signed(&one, "a", "bc", &signed));
        assert!(!is_signed(&one, "ab", "d", &signed));
        assert!(!is_signed(&upload("other"), "ab", "c", &signed));
        assert!(!is_signed(&one, "ab", "c", "") && !is_signed(&one, "ab", "c", "%"));
        assert!(!format!("{one:?}").contains("key"));
    }
}
