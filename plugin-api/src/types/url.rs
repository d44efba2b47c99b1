//! URLs that people see.

/// A URL without what may be a secret in it: its user and password, its query and its fragment.
/// What has no scheme loses them, too. For messages, of host and plugins alike.
pub fn shown_url(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let at = url.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = url.split_at(at);
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    format!("{scheme}{}{path}", host.rsplit('@').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::shown_url;

    #[test]
    fn a_url_that_is_shown_has_no_credential() {
        assert_eq!(shown_url("nfs://10.0.0.5/export/a"), "nfs://10.0.0.5/export/a");
        assert_eq!(shown_url("cifs://u:p@h/share?user=u&password=s3cret"), "cifs://h/share");
        assert_eq!(shown_url("file:///srv/images"), "file:///srv/images");
        assert_eq!(shown_url("http://u:p@h"), "http://h");
        assert_eq!(shown_url("10.0.0.5:/export?key=s3cret"), "10.0.0.5:/export");
        assert_eq!(shown_url("u:s3cret@10.0.0.5/export"), "10.0.0.5/export");
    }
}
