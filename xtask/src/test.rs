//! `cargo xtask test`: runs the suites that can run here and names those it left out.
//!
//! With `--all` it first installs what is missing, and a suite left out is a failure. The run ends
//! at the first step that fails, with the command that repeats this step alone.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::suites::{SUITES, Step, Suite};
use crate::workspace::Workspace;
use crate::{process, tools, ui};

/// A suite that does not run, and how to make it run.
#[derive(Debug, PartialEq, Eq)]
struct LeftOut {
    name: &'static str,
    about: &'static str,
    remedies: Vec<String>,
}

/// Runs the suites.
pub(crate) fn test(workspace: &Workspace, all: bool) -> Result<()> {
    let begun = Instant::now();
    if all {
        tools::install_missing(workspace, SUITES.iter().flat_map(|suite| suite.needs))?;
    }
    let (runs, left_out) = sort(SUITES, all, |need| need.is_met(workspace));
    for (index, suite) in runs.iter().enumerate() {
        for step in (suite.steps)(workspace).with_context(|| suite.name)? {
            let place = format!("{}/{}", index + 1, runs.len());
            let duration = run(workspace, step, &format!("[{place}] {}", suite.name))?;
            ui::line(format_args!("    {}: ok, {}", suite.name, ui::seconds(duration)));
        }
    }
    summarise(&runs, &left_out, begun.elapsed());
    Ok(())
}

/// Parts what runs from what is left out. With `all` everything has been installed, so that only
/// what may be missing can be.
fn sort(
    suites: &'static [Suite],
    all: bool,
    is_met: impl Fn(&tools::Need) -> bool,
) -> (Vec<&'static Suite>, Vec<LeftOut>) {
    let (mut runs, mut left_out) = (Vec::new(), Vec::new());
    for suite in suites {
        let mut remedies: Vec<_> =
            suite.needs.iter().filter(|need| !is_met(need)).map(tools::Need::how_to_get).collect();
        if suite.only_with_all && !all {
            remedies.push("takes long: cargo xtask test --all".to_owned());
        }
        if remedies.is_empty() {
            runs.push(suite);
        } else {
            left_out.push(LeftOut { name: suite.name, about: suite.about, remedies });
        }
    }
    (runs, left_out)
}

fn run(workspace: &Workspace, step: Step, title: &str) -> Result<Duration> {
    let begun = Instant::now();
    let (shown, result) = match step {
        Step::Program(mut command) => {
            let shown = process::shown(&command);
            ui::header(format_args!("{title}: {shown}"));
            (shown, process::run(&mut command))
        }
        Step::Task { name, run } => {
            let shown = format!("cargo xtask {name}");
            ui::header(format_args!("{title}: {shown}"));
            (shown, run(workspace))
        }
    };
    let duration = begun.elapsed();
    if let Err(error) = result {
        let after = ui::seconds(duration);
        bail!(
            "{title} failed after {after}: {error:#}\n\nTo repeat this step alone:\n\n    {shown}"
        );
    }
    Ok(duration)
}

fn summarise(runs: &[&Suite], left_out: &[LeftOut], duration: Duration) {
    let names: Vec<_> = runs.iter().map(|suite| suite.name).collect();
    ui::header(format_args!("passed in {}: {}", ui::seconds(duration), names.join(", ")));
    if !left_out.is_empty() {
        ui::line("\nLeft out:");
    }
    for suite in left_out {
        ui::line(format_args!("  {} ({})", suite.name, suite.about));
        for remedy in &suite.remedies {
            ui::line(format_args!("      {remedy}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::Need;

    static TABLE: [Suite; 3] = [
        suite("plain", &[], false),
        suite("needy", &[Need::Toolchain("nightly")], false),
        suite("slow", &[], true),
    ];

    const fn suite(name: &'static str, needs: &'static [Need], only_with_all: bool) -> Suite {
        Suite { name, about: "", needs, only_with_all, steps: |_| Ok(Vec::new()) }
    }

    fn check(all: bool, met: bool, runs: &[&str], left_out: &[&str]) {
        let (actual_runs, actual_left_out) = sort(&TABLE, all, |_| met);
        assert_eq!(actual_runs.iter().map(|suite| suite.name).collect::<Vec<_>>(), runs);
        assert_eq!(actual_left_out.iter().map(|suite| suite.name).collect::<Vec<_>>(), left_out);
    }

    #[test]
    fn a_suite_is_left_out_when_something_is_missing_or_it_takes_long() {
        check(false, false, &["plain"], &["needy", "slow"]);
        check(false, true, &["plain", "needy"], &["slow"]);
        check(true, false, &["plain", "slow"], &["needy"]);
        check(true, true, &["plain", "needy", "slow"], &[]);
    }

    #[test]
    fn a_suite_left_out_says_how_to_get_it_in() {
        let (_, left_out) = sort(&TABLE, false, |_| false);
        assert_eq!(left_out[0].remedies, [Need::Toolchain("nightly").how_to_get()]);
    }
}
