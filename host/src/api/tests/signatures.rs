//! Signatures: vectors of real clients, expiry, and what must not pass.

use super::harness::{TestServer, query, sign_all, signed};
use crate::api::signature::{CS, JAVA_SCRIPT, LIBCLOUD, SERVER, verify};
use crate::api::{format_timestamp, sign};
use base64::Engine;
use sha1::{Digest, Sha1};
use std::time::{Duration, SystemTime};
use storage_plugin_api::Secret;

/// Every character that some client treats in its own way.
const PARAMS: [(&str, &str); 5] = [
    ("command", "listX"),
    ("apiKey", "KEY"),
    ("name", "a b+c~d*e[f](g)!/h=i&j;'é%"),
    ("Zone", "b"),
    ("response", "json"),
];
const SECRET: &str = "Secret/Key+1";

/// Made by the clients themselves from [`PARAMS`] and [`SECRET`]: java.net.URLEncoder of JDK 17
/// as CloudStack uses it, cs 5.2.0, apache-libcloud 3.9.1, and qs 6 with node's crypto.
const VECTORS: [(&str, &str); 4] = [
    ("Java", "j07IWMpKFyqMRwUV7XGPCQoJng4="),
    ("cs", "drA22cekS9ApeaRhOTS3zDlWehU="),
    ("libcloud", "pcyHx4B+cFToZGicPaLtYJWEmfI="),
    ("JavaScript", "3Zs17uTLcRvtnv2tCK1YJZBAzBY="),
];

#[test]
fn signatures_of_all_clients_are_verified() {
    let secret = Secret::new(SECRET);
    for (client, signature) in VECTORS {
        assert!(verify(&PARAMS, signature, &secret), "{client}");
        assert!(!verify(&PARAMS, signature, &Secret::new("other")), "{client}");
        let fewer = &PARAMS[..4];
        assert!(!verify(fewer, signature, &secret), "{client}");
    }
    assert_eq!(sign(&PARAMS, &secret), VECTORS[0].1);
}

#[test]
fn signatures_of_all_clients_pass_over_the_wire() {
    let server = TestServer::start();
    let params = [
        ("command", "echo"),
        ("apiKey", "KEY"),
        ("text", "a b~*[é]"),
        ("Zulu", "z"),
        ("response", "json"),
    ];
    for profile in [SERVER, CS, LIBCLOUD, JAVA_SCRIPT] {
        let signature = hmac_sha1_base64(SECRET, &profile.text(&params));
        let mut all = params.to_vec();
        all.push(("signature", &signature));
        let answer = server.get(&query(&all));
        assert_eq!(answer.body, r#"{"echoresponse":{"text":"a b~*[é]"}}"#);
    }
}

/// HMAC by its definition, from SHA-1 alone.
fn hmac_sha1_base64(secret: &str, text: &str) -> String {
    let mut key = [0_u8; 64];
    key[..secret.len()].copy_from_slice(secret.as_bytes());
    let hash = |pad: u8, rest: &[u8]| {
        let padded: Vec<u8> = key.iter().map(|byte| byte ^ pad).chain(rest.to_vec()).collect();
        Sha1::digest(padded)
    };
    let inner = hash(0x36, text.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(hash(0x5c, &inner))
}

fn with_expiry(expires: &str) -> String {
    sign_all(&[
        ("apiKey", "KEY"),
        ("command", "whoAmI"),
        ("signatureVersion", "3"),
        ("expires", expires),
    ])
}

#[test]
fn expiry_is_read_in_all_formats_and_kept() {
    let server = TestServer::start();
    let at = |seconds: i64| {
        let offset = Duration::from_secs(seconds.unsigned_abs());
        let now = SystemTime::now();
        format_timestamp(if seconds < 0 { now - offset } else { now + offset })
    };
    for format in ["+0000", "Z", "+00:00"] {
        let written = |seconds| at(seconds).replace("+0000", format);
        assert_eq!(server.get(&with_expiry(&written(600))).status, 200, "{format}");
        assert_eq!(server.get(&with_expiry(&written(-2))).status, 401, "{format}");
    }
    for expires in ["", "never", "4102444800"] {
        assert_eq!(server.get(&with_expiry(expires)).status, 401, "{expires:?}");
    }
    let missing = sign_all(&[("apiKey", "KEY"), ("command", "whoAmI"), ("signatureVersion", "3")]);
    assert_eq!(server.get(&missing).status, 401);
    // libcloud and CloudMonkey send neither a version nor an expiry.
    assert_eq!(server.get(&sign_all(&[("apiKey", "KEY"), ("command", "whoAmI")])).status, 200);
}

#[test]
fn only_what_was_signed_passes() {
    let server = TestServer::start();
    let good = signed("echo", &[("text", "a")]);
    assert_eq!(server.get(&good).status, 200);
    // The same request again is the same request: it does the same, until it expires.
    assert_eq!(server.get(&good).status, 200);
    let changed = good.replace("text=a", "text=b");
    for bad in [
        good.replace("command=echo", "command=panic"),
        changed,
        format!("{good}&more=1"),
        good.replace("&text=a", ""),
        good.replace("signature=", "signature=AAAA"),
        good.replace("apiKey=KEY", "apiKey=other"),
        good.replace("apiKey=KEY&", ""),
        format!("{}&signature=", good.split("&signature=").next().unwrap()),
        format!("{}&signature=%00%ff%25", good.split("&signature=").next().unwrap()),
        format!(
            "{}&signature=AAAAAAAAAAAAAAAAAAAAAAAAAAA%3D",
            good.split("&signature=").next().unwrap()
        ),
        good.split("&signature=").next().unwrap().to_owned(),
    ] {
        let answer = server.get(&bad);
        assert!(matches!(answer.status, 401 | 430), "{bad}: {}", answer.body);
        assert!(answer.body.contains("error"), "{}", answer.body);
    }
}

#[test]
fn names_are_signed_as_sent_and_read_in_any_case() {
    let server = TestServer::start();
    let answer = server.get(&sign_all(&[("APIKEY", "KEY"), ("Command", "echo"), ("TEXT", "a")]));
    assert_eq!(answer.body, r#"{"echoresponse":{"text":"a"}}"#);
}
