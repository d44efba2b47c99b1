//! A source file as the rules see it: with its comments and literals told apart from its code.
//!
//! This is no parser of Rust, only enough of a lexer to know what is a comment, what is a string
//! and what is neither. Every view keeps the lines of the text.

/// A file of the workspace.
#[derive(Debug)]
pub(super) struct SourceFile {
    /// From the root of the workspace, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    /// The text without comments and without what strings contain. Empty unless it is Rust.
    pub(super) code: String,
    /// The text without comments. Empty unless it is Rust.
    pub(super) bare: String,
    /// Nothing but the comments. Empty unless it is Rust.
    pub(super) comments: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Code,
    Literal,
    Comment,
}

impl SourceFile {
    pub(super) fn new(path: &str, text: impl Into<String>) -> Self {
        let text = text.into();
        let pieces = if is_rust(path) { pieces(&text) } else { Vec::new() };
        let view = |shown: &[Class]| {
            let piece = |(class, text): &(Class, String)| {
                if shown.contains(class) { text.clone() } else { blank(text) }
            };
            pieces.iter().map(piece).collect()
        };
        Self {
            path: path.to_owned(),
            code: view(&[Class::Code]),
            bare: view(&[Class::Code, Class::Literal]),
            comments: view(&[Class::Comment]),
            text,
        }
    }

    pub(super) fn is_rust(&self) -> bool {
        is_rust(&self.path)
    }

    /// Whether the file is the module `module` (a path without extension) or inside of it.
    pub(super) fn is_in(&self, module: &str) -> bool {
        self.path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    }

    /// Whether the file holds nothing but tests.
    pub(super) fn is_test(&self) -> bool {
        let mut segments = self.path.rsplit('/');
        segments.next() == Some("tests.rs") || segments.any(|folder| folder == "tests")
    }

    /// For each line, whether it belongs to an item that only tests see.
    pub(super) fn test_lines(&self) -> Vec<bool> {
        let mut inside = Vec::new();
        // How deep the braces are, from the attribute on; `None` outside of an item.
        let mut depth: Option<usize> = None;
        for line in self.code.lines() {
            if depth.is_none() && line.trim_start().starts_with("#[cfg(test)]") {
                depth = Some(0);
            }
            inside.push(depth.is_some());
            for c in line.chars() {
                depth = match (depth, c) {
                    (Some(depth), '{') => Some(depth + 1),
                    (Some(0), ';') | (Some(1), '}') => None,
                    (Some(depth), '}') => Some(depth.saturating_sub(1)),
                    (depth, _) => depth,
                };
            }
        }
        inside
    }
}

/// The lines of a text with their numbers, from one.
pub(super) fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

/// The identifiers, keywords and numbers of a line.
pub(super) fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !is_word(c)).filter(|word| !word.is_empty())
}

fn is_rust(path: &str) -> bool {
    path.ends_with(".rs")
}

/// Whether a word may contain the character.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn blank(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { c } else { ' ' }).collect()
}

fn pieces(text: &str) -> Vec<(Class, String)> {
    let chars: Vec<char> = text.chars().collect();
    let mut pieces = Vec::new();
    let mut start = 0;
    while start < chars.len() {
        let (class, length) = piece(&chars[start..]);
        let end = (start + length).min(chars.len());
        pieces.push((class, chars[start..end].iter().collect()));
        start = end;
    }
    pieces
}

/// What the text begins with, and how many characters of it.
fn piece(rest: &[char]) -> (Class, usize) {
    match rest {
        ['/', '/', ..] => (Class::Comment, until(rest, |c| c == '\n')),
        ['/', '*', ..] => (Class::Comment, block_comment(rest)),
        ['"', ..] => (Class::Literal, quoted(rest, '"')),
        ['\'', '\\', ..] | ['\'', _, '\'', ..] => (Class::Literal, quoted(rest, '\'')),
        [first, ..] if is_word(*first) => {
            let length = until(rest, |c| !is_word(c));
            raw_string(rest, length)
                .map_or((Class::Code, length), |length| (Class::Literal, length))
        }
        _ => (Class::Code, 1),
    }
}

fn until(rest: &[char], end: impl Fn(char) -> bool) -> usize {
    rest.iter().position(|c| end(*c)).unwrap_or(rest.len())
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] if depth == 1 => return at + 2,
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    at
}

/// The length of a raw string whose prefix is the word of `prefix` characters.
fn raw_string(rest: &[char], prefix: usize) -> Option<usize> {
    if !matches!(rest[..prefix], ['r'] | ['b' | 'c', 'r']) {
        return None;
    }
    let hashes = until(&rest[prefix..], |c| c != '#');
    let body = prefix + hashes + 1;
    if rest.get(body - 1) != Some(&'"') {
        return None;
    }
    let is_end = |at: &usize| {
        rest[*at] == '"' && rest[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes
    };
    Some((body..rest.len()).find(is_end).map_or(rest.len(), |at| at + 1 + hashes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, code: &str, comments: &str) {
        let file = SourceFile::new("x.rs", text);
        assert_eq!(file.code.split_whitespace().collect::<Vec<_>>().join(" "), code);
        assert_eq!(file.comments.split_whitespace().collect::<Vec<_>>().join(" "), comments);
        assert_eq!(file.code.lines().count(), text.lines().count());
    }

    #[test]
    fn comments_and_literals_are_told_apart() {
        check("let a = 1; // unsafe\nb", "let a = 1; b", "// unsafe");
        check("a /* x /* y */ z */ b", "a b", "/* x /* y */ z */");
        check(r#"a("// no \" comment") // yes"#, "a( )", "// yes");
        check("r#\"a \" // b\"# c br\"\\\" d", "c d", "");
        check("'\"' 'a' '\\'' \"x\" <'a> b", "<'a> b", "");
        check("barr\"x\" e", "barr e", "");
    }

    #[test]
    fn an_unfinished_literal_ends_with_the_text() {
        check("a \"b\\", "a", "");
        check("a r#\"b\"", "a", "");
        check("a /* b", "a", "/* b");
    }

    #[test]
    fn test_lines_are_the_items_that_tests_see() {
        let text =
            "fn a() {}\n#[cfg(test)]\nmod tests;\nfn b() {}\n#[cfg(test)]\nmod t {\n{}\n}\nc";
        let lines = SourceFile::new("x.rs", text).test_lines();
        assert_eq!(lines, [false, true, true, false, true, true, true, true, false]);
    }

    #[test]
    fn a_module_is_a_file_or_a_folder() {
        let is_in = |path| SourceFile::new(path, "").is_in("api/src/abi");
        assert!(is_in("api/src/abi.rs") && is_in("api/src/abi/x.rs"));
        assert!(!is_in("api/src/abiding.rs"));
    }
}
