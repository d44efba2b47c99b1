//! Tests of the configuration. Here is what they share.

mod defaults;
mod files;
mod layers;
mod messages;
mod secrets;
mod shipped;
mod spellings;
mod syntax;

use std::path::Path;

use expect_test::Expect;

use super::{ConfigError, Environment, HostConfig, Overrides};

/// The file that the project ships.
const SHIPPED: &str = include_str!("../../../plugins.toml");

/// The shortest row.
const ROW: &str = "[[plugin]]\nname = \"sample\"\nkind = \"volume\"\n";

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().copied().collect()
}

fn parse_with(text: &str, variables: &[(&str, &str)]) -> Result<HostConfig, ConfigError> {
    let env = environment(variables);
    HostConfig::parse(text, Path::new("plugins.toml"), &env, &Overrides::default())
}

fn parse(text: &str) -> HostConfig {
    match parse_with(text, &[]) {
        Ok(config) => config,
        Err(error) => panic!("unexpected problems:\n{error}"),
    }
}

#[track_caller]
fn check(text: &str, variables: &[(&str, &str)], expected: Expect) {
    match parse_with(text, variables) {
        Ok(config) => panic!("no problem was found: {config:?}"),
        Err(error) => expected.assert_eq(&format!("{error}\n")),
    }
}

/// Checks the message of one value of a plugin row.
#[track_caller]
fn check_row(line: &str, expected: Expect) {
    check(&format!("{ROW}{line}\n"), &[], expected);
}
