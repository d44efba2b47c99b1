//! The one binary: the host, its command line, and, under hidden words, the children it starts.

use std::process::ExitCode;

fn main() -> ExitCode {
    storage_host::cli::main()
}
