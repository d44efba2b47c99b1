//! URLs that people see.

/// A URL without what may be a secret in it: its user and password, its query and its fragment.
/// What is no URL stays as it is, up to the first `?` or `#`.
pub fn shown_url(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    format!("{scheme}://{}{path}", host.rsplit('@').next().unwrap_or_default())
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
    }
}
