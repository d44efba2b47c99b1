//! `storage-host api <command> [name=value …]`: any command of the API, from a terminal.

use super::args::Output;
use super::client::{Client, ClientError};
use super::table;
use std::io::Write;

/// The width that people's terminals have at least, mostly.
const WIDTH: usize = 120;

/// Calls a command with arguments of the form `name=value`, and writes its answer.
///
/// # Errors
/// An argument of another form, no answer of the host, or a refusal.
pub fn run(
    client: &Client,
    command: &str,
    arguments: &[String],
    output: Output,
    out: &mut impl Write,
) -> Result<(), ClientError> {
    let params = arguments
        .iter()
        .enumerate()
        .map(|(n, argument)| match argument.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name, value)),
            _ => Err(ClientError::NotAParameter { command: command.to_owned(), position: n + 1 }),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let answer = client.call_text(command, &params)?;
    match output {
        Output::Json => writeln!(out, "{answer}")?,
        Output::Table => table::write_answer(&answer, WIDTH, out)?,
    }
    Ok(())
}
