//! Fixed words, durations and suggestions.

use std::time::Duration;

use expect_test::expect;

use crate::config::{DurationText, DurationTextError, Isolation, PluginKind, suggest};

#[test]
fn words_are_read_as_they_are_shown() {
    for kind in [PluginKind::Image, PluginKind::Volume] {
        assert_eq!(kind.to_string().parse(), Ok(kind));
    }
    for isolation in [Isolation::InProcess, Isolation::Process] {
        assert_eq!(isolation.to_string().parse(), Ok(isolation));
    }
    let unknown = "Image".parse::<PluginKind>().unwrap_err().to_string();
    expect![[r#""Image" is not known; write "volume" or "image""#]].assert_eq(&unknown);
}

#[test]
fn durations_are_read_as_they_are_shown() {
    for (text, millis) in [("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("1h 30m", 5_400_000)]
    {
        let duration: DurationText = text.parse().unwrap();
        assert_eq!(duration.0, Duration::from_millis(millis));
        assert_eq!(duration.to_string().parse(), Ok(duration));
    }
    for text in ["", "5", "s", "-5s", "5 parsecs", "99999999999999999999s"] {
        assert_eq!(text.parse::<DurationText>(), Err(DurationTextError), "{text:?}");
    }
}

#[test]
fn suggestions_are_near() {
    let known = ["isolation", "enabled", "name", "kind"];
    for (word, expected) in [
        ("isolaton", Some("isolation")),
        ("Enabeld", Some("enabled")),
        ("nmae", Some("name")),
        ("kin", Some("kind")),
        ("path", None),
        ("", None),
    ] {
        assert_eq!(suggest::nearest(word, known), expected, "{word}");
    }
}
