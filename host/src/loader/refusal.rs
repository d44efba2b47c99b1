//! Why a plugin is not loaded, or not kept: the one shape in which every check of the loader
//! speaks to an operator.
//!
//! A refusal is data, not control flow: it is stored as the provider's state, listed by the API,
//! and crosses from the probe (a child process) as JSON. It never stops the host.
//!
//! The invariant: a refusal names the file, says what was expected and what was found, and says
//! what to do; shown, each of the three is one line of bounded length, whatever text a plugin
//! managed to place in it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest line a refusal shows. Layout reports run to 30 KB; the rest goes to the log.
const LINE_LIMIT: usize = 600;

/// Why a plugin was refused.
///
/// Shown and serialised in the same spelling, `kebab-case`: the words operators search for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RefusalCode {
    /// The name or a symbolic link leads out of the plugin directory.
    OutsideDirectory,
    /// There is no such file.
    Missing,
    /// A directory, device, socket or pipe lies under the name.
    NotAFile,
    /// Anyone may change the file, or replace it in its directory.
    WorldWritable,
    /// A group that is neither root's nor the host's own may change or replace the file.
    GroupWritable,
    /// The file belongs neither to root nor to the user that the host runs as.
    WrongOwner,
    /// The file is larger than a plugin may be.
    TooLarge,
    /// The operating system did not let the host read it, or it changed while being read.
    Unreadable,
    /// Neither an ELF nor a Mach-O file.
    NotAnObjectFile,
    /// The file ends before the parts that its header announces.
    Truncated,
    /// The file contradicts itself.
    Malformed,
    /// Built for another machine or another operating system.
    WrongArchitecture,
    /// An executable, an object file or a core dump.
    NotASharedLibrary,
    /// The library does not export the root module: it is no plugin.
    NoRootSymbol,
    /// The library bears no metadata record.
    NoMetadata,
    /// The file is not the one that the configuration pins.
    DigestMismatch,
    /// The library needs a newer C library than the host runs with.
    NewerGlibc,
    /// A library that the plugin needs is not installed.
    MissingLibrary,
    /// A symbol that the plugin needs is defined nowhere.
    UndefinedSymbol,
    /// The dynamic loader refused the library for another reason.
    LoaderError,
    /// Built with an incompatible `abi_stable`.
    AbiStableVersion,
    /// Built for an incompatible version of the plugin ABI.
    AbiVersion,
    /// A type of the ABI has another layout in the plugin.
    LayoutMismatch,
    /// A signal ended the probe while it loaded the library.
    CrashedWhileLoading,
    /// The plugin ended the probe process while it was loaded.
    ExitedWhileLoading,
    /// Loading did not finish in time.
    HungWhileLoading,
    /// The host died while it loaded this plugin, the last time it tried.
    DiedLastTime,
    /// The plugin panicked while it was loaded.
    PanickedWhileLoading,
    /// The plugin's `configure` returned an error.
    ConfigureFailed,
    /// The plugin's `configure` panicked.
    ConfigurePanicked,
    /// The plugin's `configure` did not return in time.
    ConfigureHung,
    /// A signal ended the probe while it ran the plugin's `configure`.
    CrashedWhileConfiguring,
    /// The provider calls itself by another name than its row.
    NameMismatch,
    /// Another provider has that name.
    DuplicateName,
    /// Another row loads the same file.
    DuplicateFile,
    /// The row's settings do not fit the provider's schema.
    InvalidSettings,
    /// The provider's own settings schema is not one.
    InvalidSchema,
    /// The provider registered no driver.
    NoDriver,
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A formatter serialises a unit variant as its name: one spelling, kept in one place.
        self.serialize(f)
    }
}

/// One reason not to load or keep one plugin, in an operator's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The reason, for code and for searching.
    pub code: RefusalCode,
    /// What was refused; names the file.
    pub what: String,
    /// Why: what the host has or expects against what the plugin has.
    pub why: String,
    /// What to do about it.
    pub way_out: String,
}

impl Refusal {
    /// Puts a refusal together; each part is a lower-case fragment without a full stop.
    pub fn new(
        code: RefusalCode,
        what: impl Into<String>,
        why: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Self {
        Self { code, what: what.into(), why: why.into(), way_out: way_out.into() }
    }

    /// The refusal in one line, for a list or a log.
    pub fn summary(&self) -> String {
        format!("{}: {} [{}]", one_line(&self.what), one_line(&self.why), self.code)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} [{}]", one_line(&self.what), self.code)?;
        writeln!(f, "  why: {}", one_line(&self.why))?;
        write!(f, "  way out: {}", one_line(&self.way_out))
    }
}

impl std::error::Error for Refusal {}

/// Makes text that may come from a plugin fit to print: no control characters, bounded length.
fn one_line(text: &str) -> String {
    let mut shown: String =
        text.chars().take(LINE_LIMIT).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LINE_LIMIT).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::{Refusal, RefusalCode};

    fn refusal() -> Refusal {
        Refusal::new(
            RefusalCode::NewerGlibc,
            "cannot load \"libx.so\"",
            "needs glibc 2.99, this host runs glibc 2.36",
            "build it on an older system",
        )
    }

    #[test]
    fn refusal_reads_as_three_lines() {
        expect![[r#"
            cannot load "libx.so" [newer-glibc]
              why: needs glibc 2.99, this host runs glibc 2.36
              way out: build it on an older system"#]]
        .assert_eq(&refusal().to_string());
        expect![[
            r#"cannot load "libx.so": needs glibc 2.99, this host runs glibc 2.36 [newer-glibc]"#
        ]]
        .assert_eq(&refusal().summary());
    }

    #[test]
    fn refusal_crosses_a_process_as_json() {
        let json = serde_json::to_string(&refusal()).unwrap();
        assert!(json.contains(r#""code":"newer-glibc""#), "{json}");
        assert_eq!(serde_json::from_str::<Refusal>(&json).unwrap(), refusal());
    }

    #[test]
    fn code_is_shown_as_it_is_serialised() {
        for code in [RefusalCode::NotAFile, RefusalCode::OutsideDirectory, RefusalCode::NoDriver] {
            assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{code}\""));
        }
        assert_eq!(RefusalCode::NotAnObjectFile.to_string(), "not-an-object-file");
    }

    #[test]
    fn text_of_a_plugin_cannot_add_lines_or_flood_the_terminal() {
        let mut hostile = refusal();
        hostile.why = format!("one\ntwo\u{1b}[2J{}", "x".repeat(40_000));
        let shown = hostile.to_string();
        assert_eq!(shown.lines().count(), 3);
        assert!(!shown.contains('\u{1b}') && shown.len() < 1_000, "{}", shown.len());
    }
}
