//! Where a server is: a scheme, a host, a port.

use std::fmt;
use storage_plugin_api::{PluginError, PluginResult as Result};

/// The address of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Whether TLS is spoken.
    pub https: bool,
    /// In lower case, with its port if that is not the scheme's own.
    pub host: String,
}

impl Endpoint {
    /// Reads `host`, `host:port`, or either with a scheme before it. Without a scheme `usehttps`
    /// decides, and TLS is spoken where that says nothing either.
    ///
    /// # Errors
    /// `InvalidConfig` naming the detail, with one that would be right.
    pub fn parse(text: &str, use_https: Option<bool>) -> Result<Self> {
        let text = text.trim();
        if let Some((_, behind)) = text.rsplit_once('@') {
            // What is before the sign may be a secret.
            let why = "holds a user; the keys belong into accesskey and secretkey";
            return Err(wrong(behind, why));
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (None, text),
        };
        let said = match scheme.as_deref() {
            Some("https") => Some(true),
            Some("http") => Some(false),
            None => None,
            Some(other) => {
                return Err(wrong(text, &format!("has the scheme {other:?}; write http or https")));
            }
        };
        if let (Some(said), Some(wanted)) = (said, use_https)
            && said != wanted
        {
            let why = format!("contradicts usehttps={wanted}; leave one of them out");
            return Err(wrong(text, &why));
        }
        let https = said.or(use_https).unwrap_or(true);
        let host = rest.strip_suffix('/').unwrap_or(rest).to_ascii_lowercase();
        if host.contains(['/', '?', '#']) {
            let why =
                "has a path; write the host and its port alone, and name the bucket in bucket";
            return Err(wrong(text, why));
        }
        check_host(text, &host)?;
        let own = if https { ":443" } else { ":80" };
        let host = host.strip_suffix(own).map(str::to_owned).unwrap_or(host);
        Ok(Self { https, host })
    }

    /// The host without its port.
    pub fn name(&self) -> &str {
        match self.host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|one| one.is_ascii_digit()) => name,
            _ => &self.host,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.https { "https" } else { "http" }, self.host)
    }
}

fn check_host(text: &str, host: &str) -> Result<()> {
    let in_brackets = host.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (name, port) = match in_brackets {
        Some((name, port)) => (name, port.strip_prefix(':')),
        None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
    };
    let is_name = |one: char| one.is_ascii_alphanumeric() || "-._:".contains(one);
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(wrong(text, "names no host; write host, host:port or https://host:port"));
    }
    match port {
        Some(port) if port.parse::<u16>().is_ok_and(|port| port > 0) => Ok(()),
        None => Ok(()),
        Some(port) => Err(wrong(text, &format!("has the port {port:?}; write 1 to 65535"))),
    }
}

fn wrong(text: &str, why: &str) -> PluginError {
    PluginError::invalid_config(format!("endpoint {text:?} {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_has_one_form() {
        for (text, https, form) in [
            ("S3.example", None, "https://s3.example"),
            ("s3.example:443", None, "https://s3.example"),
            ("s3.example:80", Some(false), "http://s3.example"),
            ("http://127.0.0.1:9000/", None, "http://127.0.0.1:9000"),
            ("https://[fd00::1]:9000", Some(true), "https://[fd00::1]:9000"),
            ("s3.example:8443", Some(true), "https://s3.example:8443"),
        ] {
            assert_eq!(Endpoint::parse(text, https).unwrap().to_string(), form);
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_the_way_out() {
        for (text, https, word) in [
            ("", None, "names no host"),
            ("https://", None, "names no host"),
            ("ftp://s3.example", None, "write http or https"),
            ("http://s3.example", Some(true), "usehttps=true"),
            ("https://s3.example/bucket", None, "name the bucket in bucket"),
            ("https://joe:secret@s3.example", None, "accesskey"),
            ("ftp://joe:secret@s3.example", None, "accesskey"),
            ("http://joe:secret@s3.example", Some(true), "accesskey"),
            ("s3.example:0", None, "1 to 65535"),
            ("s3.example:many", None, "1 to 65535"),
            ("s 3", None, "names no host"),
        ] {
            let error = Endpoint::parse(text, https).unwrap_err().to_string();
            assert!(error.contains(word), "{text:?}: {error}");
            assert!(!error.contains("secret@"), "{error}");
        }
    }
}
