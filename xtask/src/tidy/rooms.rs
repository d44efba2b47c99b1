//! Which room (top module) of the host may name which other, from the table of ARCHITECTURE.md.
//!
//! Arrows point downward only. A room that is not in the table may not exist: whoever opens one
//! decides what it may know, here and in ARCHITECTURE.md.

use std::collections::BTreeSet;

use super::Violation;
use super::source::{SourceFile, is_word, numbered, words};

const SOURCES: &str = "host/src/";

/// The composition root; `main.rs` and `lib.rs` count as part of it.
const APP: &str = "app";

/// A room and the rooms it may name. `app` names every room.
///
/// WHEN CHANGING THIS change the map of ARCHITECTURE.md with it.
const ROOMS: &[(&str, &[&str])] = &[
    ("config", &[]),
    ("model", &[]),
    ("store", &["model"]),
    ("loader", &["config", "isolation"]),
    ("isolation", &["config", "loader"]),
    ("registry", &["config", "loader", "isolation", "model", "store"]),
    ("jobs", &["store", "model"]),
    ("motion", &["registry", "model", "jobs", "store"]),
    ("orchestration", &["registry", "motion", "jobs", "store", "model", "config"]),
    ("api", &["orchestration", "jobs", "model", "registry", "store", "config"]),
    ("console", &["config"]),
    ("cli", &["config", "api", "loader", "isolation", "registry", "app"]),
];

/// What the pure room must not know: the world, the time, and waiting for either.
const NOT_IN_MODEL: &[&str] =
    &["async", "await", "tokio", "SystemTime", "Instant", "TcpStream", "UnixStream", "fs"];

/// Checks what each file of the host names.
pub(super) fn check(files: &[SourceFile]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut unknown = BTreeSet::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let Some(inside) = file.path.strip_prefix(SOURCES) else {
            continue;
        };
        let room = room(inside);
        if room == APP {
            continue;
        }
        match ROOMS.iter().find(|(name, _)| *name == room) {
            Some((_, allowed)) => violations.extend(check_file(file, inside, room, allowed)),
            None if unknown.insert(room) => violations.push(Violation::new(
                &file.path,
                1,
                format!("room `{room}` is not on the map"),
                "add it to the map of ARCHITECTURE.md and to ROOMS in xtask/src/tidy/rooms.rs",
            )),
            None => {}
        }
        if room == "model" {
            violations.extend(check_purity(file));
        }
    }
    violations
}

fn check_file(file: &SourceFile, inside: &str, room: &str, allowed: &[&str]) -> Vec<Violation> {
    let may = match allowed {
        [] => "no other room".to_owned(),
        allowed => format!("only {}", allowed.join(", ")),
    };
    let is_denied = |name: &str| {
        let is_room = name == APP || ROOMS.iter().any(|(room, _)| *room == name);
        is_room && name != room && !allowed.contains(&name)
    };
    named(&file.code, depth(inside))
        .into_iter()
        .filter(|(_, name)| is_denied(name))
        .map(|(line, name)| {
            Violation::new(
                &file.path,
                line,
                format!("`{room}` names `{name}`"),
                format!(
                    "ARCHITECTURE.md, map of the host: `{room}` may name {may}; move the code, or \
                     let `app` hand over what is needed as a trait or a value"
                ),
            )
        })
        .collect()
}

fn check_purity(file: &SourceFile) -> impl Iterator<Item = Violation> {
    numbered(&file.code).flat_map(move |(line, text)| {
        words(text).filter(|word| NOT_IN_MODEL.contains(word)).map(move |word| {
            Violation::new(
                &file.path,
                line,
                format!("`model` names `{word}`"),
                "ARCHITECTURE.md, invariants: `model` does no IO, reads no clock and never waits; \
                 take the value as an argument",
            )
        })
    })
}

/// The room of a file, by its path in `host/src`.
fn room(inside: &str) -> &str {
    match inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs") {
        "main" | "lib" => APP,
        room => room,
    }
}

/// How many modules the file is below the root of the crate.
fn depth(inside: &str) -> usize {
    inside.trim_end_matches("/mod.rs").split('/').count()
}

/// What the code names of the root of its crate, with the lines: the `x` and `y` of `crate::x`,
/// `storage_host::{x, y::z}` and of a `super::x` that reaches as far.
fn named(code: &str, depth: usize) -> Vec<(usize, &str)> {
    let tokens = tokens(code);
    let text = |at: usize| tokens.get(at).map_or("", |(_, text)| *text);
    let is_path = |at: usize| text(at) == ":" && text(at + 1) == ":";
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let mut supers = 0;
        while text(at) == "super" && is_path(at + 1) {
            (supers, at) = (supers + 1, at + 3);
        }
        if ["crate", "storage_host"].contains(&text(at)) && is_path(at + 1) {
            (supers, at) = (depth, at + 3);
        }
        if supers >= depth {
            found.extend(heads(&tokens, at));
        }
        at += 1;
    }
    found
}

/// The first words of the paths at a place: one, or those of a group in braces.
fn heads<'a>(tokens: &[(usize, &'a str)], at: usize) -> Vec<(usize, &'a str)> {
    if tokens.get(at).is_none_or(|(_, text)| *text != "{") {
        return tokens.get(at).copied().into_iter().collect();
    }
    let mut heads = Vec::new();
    let mut open = 0_usize;
    let mut is_head = false;
    for &(line, text) in &tokens[at..] {
        match text {
            "{" => open += 1,
            "}" if open == 1 => break,
            "}" => open -= 1,
            word if is_head && open == 1 => heads.push((line, word)),
            _ => {}
        }
        is_head = open == 1 && matches!(text, "{" | ",");
    }
    heads
}

/// Words and single other characters, with the lines they are on.
fn tokens(code: &str) -> Vec<(usize, &str)> {
    let mut tokens = Vec::new();
    for (line, text) in numbered(code) {
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = match rest.find(|c: char| !is_word(c)) {
                Some(0) => first.len_utf8(),
                Some(length) => length,
                None => rest.len(),
            };
            tokens.push((line, &rest[..length]));
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::NONE;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&[SourceFile::new(path, text)]).into_iter().map(|v| v.line).collect()
    }

    #[test]
    fn a_room_names_only_what_is_below_it() {
        assert_eq!(lines("host/src/store/mod.rs", "use crate::model::Volume;"), NONE);
        assert_eq!(lines("host/src/store/mod.rs", "\nuse crate::jobs::Saga;"), [2]);
        assert_eq!(lines("host/src/store.rs", "fn f() { crate::api::serve() }"), [1]);
        assert_eq!(lines("host/src/config/x.rs", "use storage_host::model::A;"), [1]);
        assert_eq!(lines("host/src/model/x.rs", "// crate::store\nuse crate::model::y;"), NONE);
        assert_eq!(lines("host/src/store/x.rs", "pub(crate) fn f() { crate::helper!() }"), NONE);
    }

    #[test]
    fn groups_are_read_to_their_first_words() {
        let text =
            "use crate::{\n    model::{self, jobs},\n    registry::Registry,\n    motion,\n};";
        assert_eq!(lines("host/src/jobs/mod.rs", text), [3, 4]);
    }

    #[test]
    fn a_way_up_to_the_root_is_seen() {
        assert_eq!(lines("host/src/store/mod.rs", "use super::jobs;"), [1]);
        assert_eq!(lines("host/src/store/x.rs", "use super::jobs;\nuse super::super::jobs;"), [2]);
        assert_eq!(lines("host/src/store/x/mod.rs", "use super::{super::y, jobs};"), NONE);
    }

    #[test]
    fn the_composition_root_names_every_room() {
        for path in ["host/src/main.rs", "host/src/lib.rs", "host/src/app.rs", "host/src/app/x.rs"]
        {
            assert_eq!(lines(path, "use crate::{api, cli, store};"), NONE, "{path}");
        }
        assert_eq!(lines("host/src/cli/mod.rs", "use crate::app;"), NONE);
        assert_eq!(lines("host/src/api/mod.rs", "use crate::app;"), [1]);
    }

    #[test]
    fn an_unknown_room_is_reported_once() {
        let files = ["mod.rs", "x.rs"].map(|n| SourceFile::new(&format!("host/src/attic/{n}"), ""));
        assert_eq!(check(&files).len(), 1);
    }

    #[test]
    fn the_model_is_pure() {
        assert_eq!(
            lines("host/src/model/mod.rs", "use std::time::SystemTime;\nasync fn f() {}"),
            [1, 2]
        );
        assert_eq!(lines("host/src/store/mod.rs", "use std::time::SystemTime;"), NONE);
    }

    #[test]
    fn the_table_names_rooms_that_are_in_it() {
        for name in ROOMS.iter().flat_map(|(_, allowed)| *allowed) {
            assert!(*name == APP || ROOMS.iter().any(|(room, _)| room == name), "{name}");
        }
    }
}
