//! The URL of a source: taken apart, and shown without its secrets.
//!
//! **Invariant:** neither the user's name and password nor the query, in which signed links carry
//! their signature, is ever shown, not even by `Debug`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fluent_uri::pct_enc::{EStr, Encoder};
use fluent_uri::{Uri, UriRef};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use std::fmt;
use std::path::PathBuf;
use storage_plugin_api::{PluginError, PluginResult};

/// What people leave in URLs though it is not allowed there.
const NOT_IN_URLS: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`');

/// How a source is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
    File,
}

/// The URL of a source. Shown without credentials and query.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceUrl {
    scheme: Scheme,
    /// Without credentials and fragment.
    uri: Uri<String>,
    host: String,
    port: u16,
    /// The value of an `Authorization` header.
    authorization: Option<String>,
}

impl SourceUrl {
    /// Takes a URL of `http`, `https` or `file`. Credentials in it become Basic authentication.
    ///
    /// # Errors
    /// `InvalidArgument` for what is no such URL.
    pub fn parse(text: &str) -> PluginResult<Self> {
        let clean = utf8_percent_encode(text.trim(), NOT_IN_URLS).to_string();
        let uri = Uri::parse(clean).map_err(|_| {
            // The text itself may hold a password.
            invalid("the URL cannot be read; it has the form https://host/path")
        })?;
        Self::of(uri)
    }

    fn of(uri: Uri<String>) -> PluginResult<Self> {
        let scheme = match uri.scheme().as_str().to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            "file" => Scheme::File,
            other => {
                return Err(invalid(format!(
                    "a source at a URL of {other:?} cannot be read; use http, https or file"
                )));
            }
        };
        let authority = uri.authority();
        let host = authority.map_or("", |authority| authority.host()).to_owned();
        let port = authority.and_then(|authority| authority.port()).filter(|port| !port.is_empty());
        let port = match port.map(|port| port.as_str().parse::<u16>()) {
            None if scheme == Scheme::Https => 443,
            None => 80,
            Some(Ok(port)) if port != 0 => port,
            Some(_) => return Err(invalid("the port of the URL is not from 1 to 65535")),
        };
        let authorization = authority.and_then(|authority| authority.userinfo()).map(basic);
        let this = Self { scheme, uri: without_secrets(&uri)?, host, port, authorization };
        this.check_host()?;
        Ok(this)
    }

    fn check_host(&self) -> PluginResult<()> {
        let is_local = self.host.is_empty() || self.host.eq_ignore_ascii_case("localhost");
        match self.scheme {
            Scheme::File if is_local => Ok(()),
            Scheme::File => Err(invalid(format!(
                "{self} names the host {:?}: a file: URL reads a file of this host, so it is \
                 file:///path",
                self.host
            ))),
            _ if self.host.is_empty() => Err(invalid(format!("{self} names no host"))),
            _ if self.host.contains('%') => Err(invalid(format!(
                "the host {:?} is not written in ASCII; write an international name as its xn-- form",
                self.host
            ))),
            _ => Ok(()),
        }
    }

    /// Where a redirect leads.
    ///
    /// Credentials go on to the same origin only.
    ///
    /// # Errors
    /// `InvalidArgument` for what is no URL.
    pub(super) fn join(&self, location: &str) -> PluginResult<Self> {
        let unclear = || invalid(format!("{self} redirects to something that is no URL"));
        let clean = utf8_percent_encode(location.trim(), NOT_IN_URLS).to_string();
        let reference = UriRef::parse(clean).map_err(|_| unclear())?;
        let base = self.uri.strip_fragment();
        let mut next = Self::of(reference.resolve_against(&base).map_err(|_| unclear())?)?;
        if next.authorization.is_none() && next.origin() == self.origin() {
            next.authorization.clone_from(&self.authorization);
        }
        Ok(next)
    }

    fn origin(&self) -> (Scheme, String, u16) {
        (self.scheme, self.host.to_ascii_lowercase(), self.port)
    }

    pub(super) fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The name or address of the host; an IPv6 address without its brackets.
    pub(super) fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Host and port, as a request names them.
    pub(super) fn host_and_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The `Host` header: without the port where the scheme says it.
    pub(super) fn host_header(&self) -> String {
        match (self.scheme, self.port) {
            (Scheme::Http, 80) | (Scheme::Https, 443) => self.host.clone(),
            _ => self.host_and_port(),
        }
    }

    /// The target of a request to the host itself: path and query.
    pub(super) fn target(&self) -> String {
        let path = match self.uri.path().as_str() {
            "" => "/",
            path => path,
        };
        match self.uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        }
    }

    /// The target of a request to a proxy: the whole URL, without credentials.
    pub(super) fn absolute_target(&self) -> String {
        format!("http://{}{}", self.host_header(), self.target())
    }

    /// The value of the `Authorization` header.
    pub(super) fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// The path of a `file:` URL.
    pub(super) fn file_path(&self) -> PluginResult<PathBuf> {
        use std::os::unix::ffi::OsStringExt as _;
        let bytes = self.uri.path().decode().to_bytes().into_owned();
        if bytes.contains(&0) {
            return Err(invalid(format!("{self} has a zero byte in its path")));
        }
        Ok(PathBuf::from(std::ffi::OsString::from_vec(bytes)))
    }
}

fn invalid(message: impl Into<String>) -> PluginError {
    PluginError::invalid_argument(message)
}

fn basic<E: Encoder>(user: &EStr<E>) -> String {
    let plain = user.decode().to_bytes().into_owned();
    let has_colon = plain.contains(&b':');
    let plain = if has_colon { plain } else { [plain, b":".to_vec()].concat() };
    format!("Basic {}", BASE64_STANDARD.encode(plain))
}

/// The URL as it is kept: whoever prints it by mistake prints no password.
fn without_secrets(uri: &Uri<String>) -> PluginResult<Uri<String>> {
    let host = uri.authority().map(|authority| match authority.port() {
        Some(port) => format!("//{}:{port}", authority.host()),
        None => format!("//{}", authority.host()),
    });
    let query = uri.query().map(|query| format!("?{query}"));
    let text = format!(
        "{}:{}{}{}",
        uri.scheme(),
        host.unwrap_or_default(),
        uri.path(),
        query.unwrap_or_default()
    );
    Uri::parse(text).map_err(|_| invalid("the URL cannot be read without its credentials"))
}

impl fmt::Display for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http://",
            Scheme::Https => "https://",
            Scheme::File => "file://",
        };
        let host = match self.scheme {
            Scheme::File => self.host.clone(),
            _ => self.host_header(),
        };
        write!(f, "{scheme}{host}{}", self.uri.path())?;
        if self.uri.query().is_some() { f.write_str("?…") } else { Ok(()) }
    }
}

impl fmt::Debug for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> SourceUrl {
        SourceUrl::parse(text).unwrap()
    }

    #[test]
    fn secrets_are_used_and_never_shown() {
        let url = url("http://ann:s%3Acret@mirror.example:8080/a%20b/c?sig=hush#part");
        assert_eq!(url.to_string(), "http://mirror.example:8080/a%20b/c?…");
        assert_eq!(format!("{url:?}"), url.to_string());
        assert_eq!(url.target(), "/a%20b/c?sig=hush");
        assert_eq!(url.host_header(), "mirror.example:8080");
        // `ann:s:cret`
        assert_eq!(url.authorization(), Some("Basic YW5uOnM6Y3JldA=="));
    }

    #[test]
    fn what_people_write_is_understood() {
        assert_eq!(url(" https://h/a b.iso\n").target(), "/a%20b.iso");
        assert_eq!(url("http://h").target(), "/");
        assert_eq!(url("https://[::1]/x").host(), "::1");
        assert_eq!(url("https://h:8443/x").port(), 8443);
        assert_eq!(url("file:///a/b%20c").file_path().unwrap(), PathBuf::from("/a/b c"));
    }

    #[test]
    fn what_is_no_source_is_refused_without_repeating_secrets() {
        for text in [
            "no url",
            "ftp://ann:secret@h/x",
            "http:///x",
            "http://h:0/x",
            "http://h:65536/x",
            "file://ann:secret@elsewhere/x",
            "http://ann:secret@h]/x",
            "http://bücher.example/x",
        ] {
            let refused = SourceUrl::parse(text).unwrap_err().to_string();
            assert!(!refused.contains("secret"), "{text}: {refused}");
        }
    }

    #[test]
    fn credentials_follow_to_the_same_origin_only() {
        let url = url("https://ann:secret@h/a/b");
        assert_eq!(url.join("../c?d").unwrap().target(), "/c?d");
        assert!(url.join("/c").unwrap().authorization().is_some());
        assert!(url.join("https://H:443/c").unwrap().authorization().is_some());
        for elsewhere in ["http://h/c", "https://h:444/c", "//other/c"] {
            assert!(url.join(elsewhere).unwrap().authorization().is_none(), "{elsewhere}");
        }
        assert!(url.join("gopher://h/").is_err());
    }
}
