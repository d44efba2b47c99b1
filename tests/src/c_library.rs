//! Libraries written in C: they look like plugins until their code runs.
//!
//! Each exports the symbol of the root module and bears a metadata record, so that only a process
//! that opens it can tell what it is.

use crate::artifacts::{file_name, run};
use crate::fail::OrFail;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const LOOKS_LIKE_A_PLUGIN: &str = r#"
__attribute__((section(".storage_plugin"), used))
static const char metadata[] = "STORAGE-PLUGIN-METADATA\0"
    "{\"crate\":\"made-in-c\",\"version\":\"1.0\",\"abi\":\"0.1.0\"}";
char _1as_0lib_1header_0root_bmodule_bloader[512] = {1};
"#;

/// A directory with C libraries.
#[derive(Debug)]
pub struct CLibraries {
    directory: tempfile::TempDir,
}

impl CLibraries {
    /// An empty directory.
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().or_fail("make a directory") }
    }

    /// A library that looks like a plugin, with this code besides.
    pub fn plugin(&self, name: &str, code: &str, options: &[&str]) -> PathBuf {
        self.library(name, &format!("{LOOKS_LIKE_A_PLUGIN}{code}"), options)
    }

    /// A library that looks like a plugin, whose constructor does this.
    pub fn constructor(&self, name: &str, does: &str) -> PathBuf {
        let code = format!(
            "#include <stdlib.h>\n#include <unistd.h>\n\
             __attribute__((constructor)) static void construct(void) {{ {does} }}\n"
        );
        self.plugin(name, &code, &[])
    }

    /// A library with this code and nothing else.
    pub fn library(&self, name: &str, code: &str, options: &[&str]) -> PathBuf {
        let path = self.path().join(file_name(name));
        self.compile(&path, code, &[&["-shared", "-fPIC"], options].concat());
        path
    }

    /// An executable.
    pub fn executable(&self, name: &str, options: &[&str]) -> PathBuf {
        let path = self.path().join(name);
        self.compile(&path, "int main(void) { return 0; }\n", options);
        path
    }

    /// Where they are.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    fn compile(&self, path: &Path, code: &str, options: &[&str]) {
        let source = path.with_extension("c");
        fs::write(&source, code).or_fail("write a source file");
        // Every machine that links Rust has it.
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let mut command = Command::new(compiler);
        command.current_dir(self.path()).arg("-O0").arg("-o").arg(path).arg(source);
        run(command.args(options));
    }
}

impl Default for CLibraries {
    fn default() -> Self {
        Self::new()
    }
}
