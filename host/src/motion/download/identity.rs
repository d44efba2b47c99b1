//! What tells whether a source is still the one that a download began with.

use serde::{Deserialize, Serialize};

/// What a source said of itself when its download began. It is kept durably with the offset, so
/// that the download goes on after a crash, or is told that the source is another one by now.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceIdentity {
    /// All its bytes, if it said so.
    pub length: Option<u64>,
    /// The tag of its version.
    pub etag: Option<String>,
    /// When it changed last, in its own words.
    pub last_modified: Option<String>,
}

impl SourceIdentity {
    /// What a request may make its answer depend on: a tag that stands for the bytes, or a time.
    pub(super) fn validator(&self) -> Option<&str> {
        let strong = self.etag.as_deref().filter(|etag| !etag.starts_with("W/"));
        strong.or(self.last_modified.as_deref())
    }

    /// How `now` differs; `None` where nothing that both told does.
    pub(super) fn difference(&self, now: &Self) -> Option<String> {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        if let (Some(was), Some(is)) = (self.length, now.length)
            && was != is
        {
            return Some(format!("it had {was} bytes and has {is} now"));
        }
        for (what, was, is) in [
            ("ETag", &self.etag, &now.etag),
            ("Last-Modified", &self.last_modified, &now.last_modified),
        ] {
            if was.is_some() && is.is_some() && was != is {
                return Some(format!("its {what} was {} and is {} now", text(was), text(is)));
            }
        }
        None
    }

    /// Whether `now` is proven to be the same: a validator that both told, and no difference.
    pub(super) fn is_proven(&self, now: &Self) -> bool {
        let is_same = |was: &Option<String>, is: &Option<String>| was.is_some() && was == is;
        let strong = self.etag.as_deref().is_some_and(|etag| !etag.starts_with("W/"));
        let by_tag = strong && is_same(&self.etag, &now.etag);
        let by_time = is_same(&self.last_modified, &now.last_modified)
            && self.length.is_some()
            && self.length == now.length;
        self.difference(now).is_none() && (by_tag || by_time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(length: u64, etag: Option<&str>, last_modified: Option<&str>) -> SourceIdentity {
        SourceIdentity {
            length: Some(length),
            etag: etag.map(str::to_owned),
            last_modified: last_modified.map(str::to_owned),
        }
    }

    #[test]
    fn a_source_is_the_same_only_where_that_is_proven() {
        let one = identity(5, Some("\"a\""), Some("Mon"));
        assert!(one.is_proven(&one));
        assert!(one.is_proven(&identity(5, Some("\"a\""), None)));
        assert!(one.is_proven(&identity(5, None, Some("Mon"))));
        assert!(!one.is_proven(&identity(5, None, None)));
        assert!(!one.is_proven(&identity(6, Some("\"a\""), None)));
        assert!(!one.is_proven(&identity(5, Some("\"b\""), Some("Mon"))));
        // A weak tag stands for the meaning, not for the bytes.
        let weak = identity(5, Some("W/\"a\""), None);
        assert!(!weak.is_proven(&weak) && weak.validator().is_none());
        assert_eq!(identity(5, Some("W/\"a\""), Some("Mon")).validator(), Some("Mon"));
    }

    #[test]
    fn a_record_of_an_older_host_is_read() {
        let text = serde_json::to_string(&identity(5, Some("\"a\""), None)).unwrap();
        assert_eq!(serde_json::from_str::<SourceIdentity>(&text).unwrap().length, Some(5));
        assert_eq!(
            serde_json::from_str::<SourceIdentity>("{}").unwrap(),
            SourceIdentity::default()
        );
    }
}
