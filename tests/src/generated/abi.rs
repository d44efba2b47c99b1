//! The plugin `null`, built against other versions of the contract.
//!
//! A version is a copy of `plugin-api/` with a few lines changed. A change whose text is no longer
//! there fails the test: then the change is to be written anew, not left out.

use super::workspace::{
    build, built, directory, locked, plugin_manifest, standing_alone, write, write_lock_file,
};
use crate::artifacts::root;
use crate::fail::{OrFail, fail};
use crate::files::files_below;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use toml::Value;

/// Another version of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abi {
    /// Before the additions of revision 1.
    Older,
    /// With additions that the host does not know.
    Newer,
    /// With a field in the middle of a struct that crosses by value.
    Changed,
    /// Of another breaking version.
    Breaking,
}

/// A change of one file: this text is replaced by that.
type Change = (&'static str, &'static str, &'static str);

const OLDER: &[Change] = &[
    ("src/abi/wire.rs", "    #[sabi(missing_field(option))]\n    pub abi_revision: u32,\n", ""),
    ("src/abi/exported.rs", "abi_revision: super::ABI_REVISION", ""),
    ("src/abi/wire.rs", "    fn shut_down(&self) {}\n", ""),
    (
        "src/abi/exported.rs",
        "    fn shut_down(&self) {\n        self.runtime.shut_down();\n    }\n",
        "",
    ),
    ("src/abi/ffi_transport.rs", "self.provider.shut_down();", ""),
    // Comments must not be left without what they speak of.
    (
        "src/abi/wire.rs",
        "    /// Ends the plugin's threads. Added in revision 1: an older plugin leaves its threads \
         running.\n",
        "",
    ),
    (
        "src/abi/wire.rs",
        "    /// How many additions the plugin's side knows. Added in revision 1.\n",
        "",
    ),
];

const NEWER: &[Change] = &[
    (
        "src/abi/wire.rs",
        "    fn shut_down(&self) {}\n",
        "    fn shut_down(&self) {}\n\n    fn later(&self) -> u32 {\n        0\n    }\n",
    ),
    (
        "src/abi/wire.rs",
        "    pub abi_revision: u32,\n",
        "    pub abi_revision: u32,\n    #[sabi(missing_field(option))]\n    pub later: u64,\n",
    ),
    (
        "src/abi/exported.rs",
        "abi_revision: super::ABI_REVISION",
        "abi_revision: super::ABI_REVISION, later: 7",
    ),
    // A record with a field that the host has not heard of.
    (
        "src/abi/manifest.rs",
        "    pub vm_snapshot_strategy: bool,\n",
        "    pub vm_snapshot_strategy: bool,\n    pub later: Option<String>,\n",
    ),
    (
        "src/abi/manifest.rs",
        "vm_snapshot_strategy: false,",
        "vm_snapshot_strategy: false, later: None,",
    ),
    (
        "src/abi/manifest.rs",
        "name: provider.get_name(),",
        "name: provider.get_name(), later: Some(\"new\".to_owned()),",
    ),
];

const CHANGED: &[Change] = &[
    ("src/abi/records.rs", "    pub target: u32,\n", "    inserted: u64,\n    pub target: u32,\n"),
    ("src/abi/records.rs", "attempt: call.attempt(),", "attempt: call.attempt(), inserted: 0,"),
];

const BREAKING: &[Change] = &[(
    "src/abi/mod.rs",
    "pub const ABI_VERSION: &str = \"0.1.0\";",
    "pub const ABI_VERSION: &str = \"0.2.0\";",
)];

impl Abi {
    const ALL: [Self; 4] = [Self::Older, Self::Newer, Self::Changed, Self::Breaking];

    const fn word(self) -> &'static str {
        match self {
            Self::Older => "older",
            Self::Newer => "newer",
            Self::Changed => "changed",
            Self::Breaking => "breaking",
        }
    }

    const fn changes(self) -> &'static [Change] {
        match self {
            Self::Older => OLDER,
            Self::Newer => NEWER,
            Self::Changed => CHANGED,
            Self::Breaking => BREAKING,
        }
    }

    /// The name of the provider that is built against it.
    pub const fn provider(self) -> &'static str {
        match self {
            Self::Older => "Older",
            Self::Newer => "Newer",
            Self::Changed => "Changed",
            Self::Breaking => "Breaking",
        }
    }

    /// Copies the contract and changes it.
    fn write_contract(self, number: usize) {
        let to = directory().join(format!("api-{}", self.word()));
        let from = root().join("plugin-api");
        let mut manifest = standing_alone(&from.join("Cargo.toml"));
        // A version of its own, for a lock file holds one package of a name and version.
        manifest["package"]["version"] = Value::from(format!("0.1.{}", number + 1));
        write(&to.join("Cargo.toml"), &manifest.to_string());
        let mut sources = files_below(&from.join("src"));
        sources.extend(["build.rs", "README.md"].map(|name| from.join(name)));
        for source in sources {
            let path = source.strip_prefix(&from).or_fail("a path below");
            let mut text = fs::read_to_string(&source).or_fail("read a source file");
            for (file, old, new) in self.changes() {
                if Path::new(file) == path {
                    if !text.contains(old) {
                        fail(&format!("plugin-api/{file} no longer has the text {old:?}"));
                    }
                    text = text.replace(old, new);
                }
            }
            write(&to.join(path), &text);
        }
    }

    fn package(self) -> String {
        format!("storage-volume-{}", self.word())
    }

    /// Copies `null`, with a name of its own.
    fn write_plugin(self, crates: &Path) {
        let to = crates.join(self.word());
        let dependency = format!("storage-plugin-api = {{ path = \"../../api-{}\" }}", self.word());
        write(&to.join("Cargo.toml"), &plugin_manifest(&self.package(), &dependency));
        let from = root().join("tests/fixtures/null/src");
        for source in files_below(&from) {
            let path = source.strip_prefix(&from).or_fail("a path below");
            let text = fs::read_to_string(&source).or_fail("read a source file");
            let text = text.replace("\"Null\"", &format!("\"{}\"", self.provider()));
            write(&to.join("src").join(path), &text);
        }
    }
}

/// The library of `null`, built against another version of the contract.
pub fn library_of(abi: Abi) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let _lock = locked();
        let crates = directory().join("skew");
        for (number, one) in Abi::ALL.into_iter().enumerate() {
            one.write_contract(number);
            one.write_plugin(&crates);
        }
        let members: Vec<_> = Abi::ALL.map(Abi::word).into_iter().collect();
        write(
            &crates.join("Cargo.toml"),
            &format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\n"),
        );
        write_lock_file(&crates);
        build(&crates, &["--workspace"]);
    });
    built(&abi.package().replace('-', "_"))
}

const OTHER_ABI_STABLE: &str = r##"//! A plugin of a host that has another `abi_stable`.
use abi_stable::{
    StableAbi, export_root_module, library::RootModule, package_version_strings,
    prefix_type::PrefixTypeTrait, sabi_types::VersionStrings,
};

#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = "Root_Ref")))]
pub struct Root {
    pub answer: u32,
}

impl RootModule for Root_Ref {
    abi_stable::declare_root_module_statics! {Root_Ref}
    const BASE_NAME: &'static str = "storage_plugin";
    const NAME: &'static str = "storage_plugin";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}

#[export_root_module]
pub fn root() -> Root_Ref {
    Root { answer: 42 }.leak_into_prefix()
}

const RECORD: &[u8] =
    b"STORAGE-PLUGIN-METADATA\0{\"crate\":\"other\",\"version\":\"1\",\"abi\":\"0.1.0\"}\0";

#[used]
#[link_section = ".storage_plugin"]
static METADATA: [u8; RECORD.len()] = {
    let mut bytes = [0; RECORD.len()];
    let mut at = 0;
    while at < bytes.len() {
        bytes[at] = RECORD[at];
        at += 1;
    }
    bytes
};
"##;

/// The library of a plugin that was built with abi_stable 0.10.5.
pub fn other_abi_stable() -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let _lock = locked();
        let crates = directory().join("other-abi-stable");
        let dependency = "abi_stable = { version = \"=0.10.5\", default-features = false }";
        let manifest = plugin_manifest("storage-volume-other", dependency);
        let manifest = manifest.replace("\"2024\"", "\"2021\"") + "\n[workspace]\n";
        write(&crates.join("Cargo.toml"), &manifest);
        write(&crates.join("src/lib.rs"), OTHER_ABI_STABLE);
        build(&crates, &[]);
    });
    built("storage_volume_other")
}
