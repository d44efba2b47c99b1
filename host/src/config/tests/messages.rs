//! What is said about each wrong key, value and row.

use expect_test::expect;

use super::{ROW, check, check_row, parse, parse_with};

#[test]
fn unknown_keys_name_the_nearest_or_their_home() {
    let text = format!(
        "lsten = 1\nlisten = \"x\"\nisolation = \"process\"\nplugins = []\n\
         [host]\nlistn = \"x\"\nsha256 = \"x\"\nzzz = 1\n\
         {ROW}isolaton = \"process\"\nlog = \"info\"\nendpoint = \"http://user:pass@x\"\n"
    );
    check(
        &text,
        &[],
        expect![[r#"
        plugins.toml:1:1: unknown key "lsten"; known are host, storage, plugin
        plugins.toml:2:1: unknown key "listen"; it belongs under [host]
        plugins.toml:3:1: unknown key "isolation"; it belongs under [[plugin]]
        plugins.toml:4:1: unknown key "plugins"; did you mean "plugin"?
        plugins.toml:6:1: [host]: unknown key "listn"; did you mean "listen"?
        plugins.toml:7:1: [host]: unknown key "sha256"; it belongs under [[plugin]]
        plugins.toml:8:1: [host]: unknown key "zzz"; known are listen, data_dir, plugin_dir, log, probe_timeout, configure_timeout, call_timeout
        plugins.toml:12:1: plugin "sample": unknown key "isolaton"; did you mean "isolation"?
        plugins.toml:13:1: plugin "sample": unknown key "log"; it belongs under [host]
        plugins.toml:14:1: plugin "sample": unknown key "endpoint"; known are name, kind, library, enabled, required, isolation, sha256, call_timeout, settings; what the provider itself reads goes under settings
    "#]],
    );
}

#[test]
fn host_values() {
    let text = "[host]\nlisten = \"localhost:8250\"\ndata_dir = \"\"\nplugin_dir = 7\n\
                log = \"verbose\"\nprobe_timeout = 5\nconfigure_timeout = \"30\"\n\
                call_timeout = \"0s\"\n";
    check(
        text,
        &[],
        expect![[r#"
        plugins.toml:2:10: [host] listen: "localhost:8250" is not an IP address with a port; write for example "127.0.0.1:8250"
        plugins.toml:3:12: [host] data_dir: "" is not a path; write a path, relative to the directory of the configuration file or absolute
        plugins.toml:4:14: [host] plugin_dir: 7 is not a string; write a path, relative to the directory of the configuration file or absolute
        plugins.toml:5:7: [host] log: "verbose" is not known; write "error", "warn", "info", "debug" or "trace"
        plugins.toml:6:17: [host] probe_timeout: 5 is not a string; write a number and a unit, for example "500ms", "30s" or "5m"
        plugins.toml:7:21: [host] configure_timeout: "30" is not a duration; write a number and a unit, for example "500ms", "30s" or "5m"
        plugins.toml:8:16: [host] call_timeout: "0s" is out of range; write at most "24h" and more than "0s"
    "#]],
    );
    let text = "[host]\nlisten = 8250\nlog = [\"info\"]\nprobe_timeout = \"25h\"\n\
                call_timeout = \"18446744073709551615s 1000ms\"\n";
    check(
        text,
        &[],
        expect![[r#"
        plugins.toml:2:10: [host] listen: 8250 is not a string; write for example "127.0.0.1:8250"
        plugins.toml:3:7: [host] log: an array is not a string; write "error", "warn", "info", "debug" or "trace"
        plugins.toml:4:17: [host] probe_timeout: "25h" is out of range; write at most "24h" and more than "0s"
        plugins.toml:5:16: [host] call_timeout: "18446744073709551615s 1000ms" is not a duration; write a number and a unit, for example "500ms", "30s" or "5m"
    "#]],
    );
}

#[test]
fn tables_of_the_wrong_shape() {
    check(
        "[[host]]\nlog = \"info\"\n",
        &[],
        expect![[r#"
            plugins.toml:1:1: host: there is one host; write [host], in one pair of brackets
        "#]],
    );
    check(
        "host = \"127.0.0.1:8250\"\nplugin = \"sample\"\n",
        &[],
        expect![[r#"
            plugins.toml:1:8: host: this is no table; write keys under [host]
            plugins.toml:2:10: plugin: this is no table; write a row under [[plugin]]
        "#]],
    );
    check(
        "[plugin]\nname = \"a\"\nkind = \"image\"\n",
        &[],
        expect![[r#"
            plugins.toml:1:1: plugin: one pair of brackets makes no row; write [[plugin]]
        "#]],
    );
    check(
        "plugin = [\"sample\", 3]\n",
        &[],
        expect![[r#"
        plugins.toml:1:11: plugin: this is no table; write a row under [[plugin]]
        plugins.toml:1:21: plugin: this is no table; write a row under [[plugin]]
    "#]],
    );
    check_row(
        "settings = \"secret\"",
        expect![[r#"
        plugins.toml:4:12: plugin "sample": settings: this is no table; write keys under [plugin.settings]
    "#]],
    );
}

#[test]
fn names() {
    let long = "a".repeat(64);
    for name in ["", "Sample", "a_b", "a b", "-a", "a-", "ä", "../a", long.as_str()] {
        let text = format!("[[plugin]]\nname = {name:?}\nkind = \"image\"\n");
        let error = parse_with(&text, &[]).unwrap_err().to_string();
        assert!(error.contains("is not a plugin name; write 1 to 63 lower-case"), "{error}");
    }
    check(
        "[[plugin]]\nname = \"My Plugin\"\nkind = \"image\"\n",
        &[],
        expect![[r#"
            plugins.toml:2:8: plugin "My Plugin": name: "My Plugin" is not a plugin name; write 1 to 63 lower-case letters, digits and hyphens, a letter or digit at either end, for example "sample"
        "#]],
    );
    parse(&format!("[[plugin]]\nname = {:?}\nkind = \"image\"\n", "a".repeat(63)));
}

#[test]
fn words_and_truth_values() {
    check_row(
        "isolation = \"thread\"",
        expect![[r#"
        plugins.toml:4:13: plugin "sample": isolation: "thread" is not known; write "in-process" or "process"
    "#]],
    );
    check_row(
        "isolation = true",
        expect![[r#"
        plugins.toml:4:13: plugin "sample": isolation: true is not a string; write "in-process" or "process"
    "#]],
    );
    check_row(
        "enabled = \"yes\"",
        expect![[r#"
            plugins.toml:4:11: plugin "sample": enabled: "yes" is not a boolean; write true or false, without quotes
        "#]],
    );
    check_row(
        "required = 1",
        expect![[r#"
            plugins.toml:4:12: plugin "sample": required: 1 is not a boolean; write true or false, without quotes
        "#]],
    );
    check(
        "[[plugin]]\nname = \"a\"\nkind = \"primary\"\n",
        &[],
        expect![[r#"
            plugins.toml:3:8: plugin "a": kind: "primary" is not known; write "volume" or "image"
        "#]],
    );
}

#[test]
fn libraries_are_bare_names() {
    check_row(
        "library = \"libstorage_volume_sample.so\"",
        expect![[r#"
        plugins.toml:4:11: plugin "sample": library: "libstorage_volume_sample.so" is a file name; the host adds prefix and suffix: write "storage_volume_sample"
    "#]],
    );
    check_row(
        "library = \"sample.dylib\"",
        expect![[r#"
        plugins.toml:4:11: plugin "sample": library: "sample.dylib" is a file name; the host adds prefix and suffix: write "sample"
    "#]],
    );
    check_row(
        "library = \"libsample\"",
        expect![[r#"
        plugins.toml:4:11: plugin "sample": library: "libsample" is a file name; the host adds prefix and suffix: write "sample"
    "#]],
    );
    check_row(
        "library = \"../evil\"",
        expect![[r#"
        plugins.toml:4:11: plugin "sample": library: "../evil" is not a library name; write a bare name of letters, digits, hyphens and underscores, at most 128, for example "storage_volume_sample"; its directory follows from the kind
    "#]],
    );
    for library in ["", ".", "..", "a/b", "/abs", "a\\\\b", "a.so.1", "a b", "lib../x.so"] {
        let error = parse_with(&format!("{ROW}library = \"{library}\"\n"), &[]);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("is not a library name; write a bare name"), "{error}");
    }
}

#[test]
fn refused_library_is_one_problem() {
    let row = "[[plugin]]\nkind = \"image\"\nname =";
    let text = format!(
        "{row} \"a\"\n{row} \"b\"\nlibrary = \"a/b\"\n{row} \"c\"\nlibrary = \"storage_image_b\"\n"
    );
    let error = parse_with(&text, &[]).unwrap_err();
    assert_eq!(error.problems().len(), 1, "{error}");
}

#[test]
fn digests_are_64_hexadecimal_digits() {
    check_row(
        "sha256 = \"abc\"",
        expect![[r#"
        plugins.toml:4:10: plugin "sample": sha256: "abc" is not a SHA-256 digest; write the 64 hexadecimal digits that sha256sum prints
    "#]],
    );
    for digest in ["+a".repeat(32), "ä".repeat(32), "0".repeat(65), "g".repeat(64)] {
        let error = parse_with(&format!("{ROW}sha256 = \"{digest}\"\n"), &[]);
        assert!(error.is_err(), "{digest}");
    }
}

#[test]
fn name_and_kind_are_needed() {
    check(
        "# prose\n\n[[plugin]]\nenabled = true\n",
        &[],
        expect![[r#"
            plugins.toml:3:1: plugin number 1: kind is missing; add kind = "volume", or "image"
            plugins.toml:3:1: plugin number 1: name is missing; add name = "sample"
        "#]],
    );
}

#[test]
fn rows_are_compared() {
    let text = "[[plugin]]\nname = \"a\"\nkind = \"image\"\n\
                [[plugin]]\nname = \"a\"\nkind = \"volume\"\n\
                [[plugin]]\nname = \"b\"\nkind = \"image\"\nlibrary = \"storage_image_a\"\n\
                [[plugin]]\nname = \"c\"\nkind = \"volume\"\nlibrary = \"storage_image_a\"\n\
                [[plugin]]\nname = \"a\"\nkind = \"image\"\n";
    check(
        text,
        &[],
        expect![[r#"
        plugins.toml:5:8: plugin "a": name: the row of line 1 has this name; give each its own
        plugins.toml:10:11: plugin "b": library: image library "storage_image_a" is loaded by plugin "a" of line 1; one library is one row: remove one
        plugins.toml:16:8: plugin "a": name: the row of line 1 has this name; give each its own
    "#]],
    );
}

#[test]
fn settings_that_json_lacks() {
    let lines = "[plugin.settings]\nsince = 2026-01-01\nat = [1, 07:30:00]\nratio = nan\n\
                 deep.big = 99999999999999999999\nfine = 18446744073709551615\n";
    check_row(
        lines,
        expect![[r#"
            plugins.toml:5:9: plugin "sample": settings.since: settings have no dates and times; write it as a string, in quotes
            plugins.toml:6:10: plugin "sample": settings.at[1]: settings have no dates and times; write it as a string, in quotes
            plugins.toml:7:9: plugin "sample": settings.ratio: a provider takes finite numbers only; write it as a string, in quotes
            plugins.toml:8:12: plugin "sample": settings.deep.big: this number needs more than 64 bits; write it as a string, in quotes
        "#]],
    );
}

#[test]
fn columns_count_characters() {
    check(
        "host = { \"ä\" = 1, log = 2 }\r\n# ü\r\n\"ü\" = 1\r\nsettings.é = 1\r\n",
        &[],
        expect![[r#"
            plugins.toml:1:10: [host]: unknown key "ä"; known are listen, data_dir, plugin_dir, log, probe_timeout, configure_timeout, call_timeout
            plugins.toml:1:25: [host] log: 2 is not a string; write "error", "warn", "info", "debug" or "trace"
            plugins.toml:3:1: unknown key "ü"; known are host, storage, plugin
            plugins.toml:4:10: invalid unquoted key, expected letters, numbers, `-`, `_`
        "#]],
    );
}

#[test]
fn all_problems_of_a_file_at_once() {
    let text = "[host]\nlisten = \"nowhere\"\nlog = info\ncall_timeout = \"soon\"\n\n\
                [[plugin]]\nname = \"sample\"\nkind = \"disk\"\nisolaton = \"process\"\n\n\
                [[plugin]]\nname = \"sample\"\nkind = \"volume\"\nenabled = True\n\
                [plugin.settings]\nborn = 2026-01-01\nkey_file = \"/no/such/file\"\n";
    let variables = [("STORAGE_HOST_PROBE_TIMEOUT", "never"), ("STORAGE_HOST_LISTN", "x")];
    check(
        text,
        &variables,
        expect![[r#"
            plugins.toml:2:10: [host] listen: "nowhere" is not an IP address with a port; write for example "127.0.0.1:8250"
            plugins.toml:3:7: this value cannot be read; a string is written in quotes: key = "value"
            plugins.toml:4:16: [host] call_timeout: "soon" is not a duration; write a number and a unit, for example "500ms", "30s" or "5m"
            plugins.toml:8:8: plugin "sample": kind: "disk" is not known; write "volume" or "image"
            plugins.toml:9:1: plugin "sample": unknown key "isolaton"; did you mean "isolation"?
            plugins.toml:12:8: plugin "sample": name: the row of line 6 has this name; give each its own
            plugins.toml:14:11: write true in lower case
            plugins.toml:16:8: plugin "sample": settings.born: settings have no dates and times; write it as a string, in quotes
            plugins.toml:17:1: plugin "sample": settings.key_file: cannot read the file: No such file or directory (os error 2); write the path of a file with the secret, relative to the directory of the configuration file or absolute
            STORAGE_HOST_LISTN: unknown variable; did you mean STORAGE_HOST_LISTEN?
            STORAGE_HOST_PROBE_TIMEOUT: [host] probe_timeout: "never" is not a duration; write a number and a unit, for example "500ms", "30s" or "5m"
        "#]],
    );
}

#[test]
fn storage_values() {
    let text = "[storage]\nused_threshold = 0\npromised_threshold = \"x\"\n\
                overprovision_factor = 0.5\nexpunge_delay = \"400days\"\n\
                expunge_interval = \"0s\"\ndefault_primary_provider = \"\"\nlisten = 1\n";
    check(
        text,
        &[],
        expect![[r#"
        plugins.toml:2:18: [storage] used_threshold: 0 is out of range; write a number of more than 0 and at most 1, for example 0.85
        plugins.toml:3:22: [storage] promised_threshold: "x" is not a number; write a number of more than 0 and at most 1, for example 0.85
        plugins.toml:4:24: [storage] overprovision_factor: 0.5 is out of range; write a number from 1 to 100, for example 2.0
        plugins.toml:5:17: [storage] expunge_delay: "400days" is out of range; write at most "365days"
        plugins.toml:6:20: [storage] expunge_interval: "0s" is out of range; write at most "24h" and more than "0s"
        plugins.toml:7:28: [storage] default_primary_provider: "" is no name; write the name of a provider, as `storage-host plugins list` shows it
        plugins.toml:8:1: [storage]: unknown key "listen"; it belongs under [host]
    "#]],
    );
}
