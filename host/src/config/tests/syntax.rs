//! What is said about text that is not TOML.

use expect_test::expect;

use super::{ROW, SHIPPED, check, parse_with};

#[test]
fn usual_slips_are_worded_plainly() {
    let text = "[host]\nlisten = 127.0.0.1:8250\ndata_dir = /var/lib\nlog = info\n\
                probe_timeout = 5s\nplugin_dir =\n\
                [[plugin]]\nname = \"a\"\nname = \"b\"\nenabled = TRUE\nrequired = False\n";
    check(
        text,
        &[],
        expect![[r#"
        plugins.toml:2:15: this value cannot be read; a string is written in quotes: key = "value"
        plugins.toml:3:12: this value cannot be read; a string is written in quotes: key = "value"
        plugins.toml:4:7: this value cannot be read; a string is written in quotes: key = "value"
        plugins.toml:5:17: this value cannot be read; a string is written in quotes: key = "value"
        plugins.toml:6:13: the value is missing; write one or remove the line
        plugins.toml:9:1: key "name" is given twice; remove one
        plugins.toml:10:11: write true in lower case
        plugins.toml:11:12: write false in lower case
    "#]],
    );
}

#[test]
fn several_breaks_are_reported_together() {
    check(
        "[host]\nlog: \"info\"\n[[plugin]]\nname = \"a\nkind = \"volume\"\n",
        &[],
        expect![[r#"
            plugins.toml:2:4: a colon sets no value; write key = value
            plugins.toml:4:10: invalid basic string, expected `"`
        "#]],
    );
}

#[test]
fn line_that_belongs_to_others_is_not_taken_out() {
    let text =
        format!("[host]\nlog = \"loud\"\n{ROW}[plugin.settings]\nhosts = [ a,\n\"b\" ]\nn = x\n");
    check(
        &text,
        &[],
        expect![[r#"
        plugins.toml:2:7: [host] log: "loud" is not known; write "error", "warn", "info", "debug" or "trace"
        plugins.toml:7:11: string values must be quoted, expected literal string
        plugins.toml:9:5: this value cannot be read; a string is written in quotes: key = "value"
    "#]],
    );
}

#[test]
fn broken_header_hides_what_follows_from_it() {
    check(
        "[host]\n[[plugin\nname = \"a\"\nkind = \"image\"\n",
        &[],
        expect![[r#"
            plugins.toml:2:9: unclosed array table, expected `]]`
        "#]],
    );
}

#[test]
fn table_given_twice() {
    check(
        "[host]\n[[plugin]]\nname = \"a\"\nkind = \"image\"\n[host]\n",
        &[],
        expect![[r#"
            plugins.toml:5:2: key "host" is given twice; remove one
        "#]],
    );
}

#[test]
fn secrets_of_a_broken_line_stay_out_of_the_message() {
    for line in ["secret_key = hunter2", "secret_key = \"hunter2", "secret_key \"hunter2\""] {
        let text = format!("{ROW}[plugin.settings]\n{line}\n");
        let error = parse_with(&text, &[]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}

#[test]
fn no_text_makes_the_reader_panic() {
    let full = format!("{SHIPPED}\n[plugin.settings]\na = {{ b = [1, 2.5, \"ü\"] }}\n");
    for (at, _) in full.char_indices() {
        // Each cut, and each character taken out: many broken files.
        drop(parse_with(&full[..at], &[]));
        let mut text = full.clone();
        text.remove(at);
        drop(parse_with(&text, &[]));
    }
}
