//! The three lines that matter of abi_stable's layout report, which has a thousand.

/// How many differences are told. The first is usually the cause, the others its consequences.
const DIFFERENCES: usize = 3;

/// The differences of a report: `too many fields (expected 3, found 4) in CallHeader`.
pub(super) fn summary(report: &str) -> String {
    let lines: Vec<&str> = report.lines().map(str::trim).collect();
    let mut differences: Vec<String> = Vec::new();
    let mut within = None;
    for (at, line) in lines.iter().enumerate() {
        if *line == "Layout of expected type:" {
            within = lines[at + 1..].iter().find_map(|line| line.strip_prefix("type:"));
        }
        let Some(error) = line.strip_prefix("Error:") else {
            continue;
        };
        let mut difference = describe(error.trim(), &lines[at + 1..]);
        if let Some(within) = within {
            difference.push_str(" in ");
            difference.extend(within.chars().take(80));
        }
        if !differences.contains(&difference) {
            differences.push(difference);
        }
    }
    let more = differences.len().saturating_sub(DIFFERENCES);
    differences.truncate(DIFFERENCES);
    if differences.is_empty() {
        return "abi_stable gives no reason".to_owned();
    }
    let mut text = differences.join("; ");
    if more > 0 {
        text.push_str(&format!("; and {more} more (log level debug shows all)"));
    }
    text
}

/// One difference with the values that follow it, up to the next one.
fn describe(error: &str, following: &[&str]) -> String {
    let block: Vec<&str> =
        following.iter().take_while(|line| !line.starts_with("Error:")).copied().collect();
    let after = |label: &str| {
        block.iter().position(|line| line.starts_with(label)).map(|at| {
            let here = block[at].trim_start_matches(label).trim();
            let value =
                if here.is_empty() { block.get(at + 1).copied().unwrap_or("") } else { here };
            value.chars().take(80).collect::<String>()
        })
    };
    match (after("Expected:"), after("Found:")) {
        (Some(expected), Some(found)) => format!("{error} (expected {expected}, found {found})"),
        _ => error.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::summary;

    #[test]
    fn differences_are_told_once_each_and_at_most_three() {
        let report = "Compared <this>:\n  stuff\nError:too many fields\nExpected:\n  15\nFound:\n  14\n\
                      Error:too many fields\nExpected:\n  15\nFound:\n  14\n\
                      Error:incompatible type size\nExpected: 136\nFound: 144\nError:a\nError:b\n";
        assert_eq!(
            summary(report),
            "too many fields (expected 15, found 14); incompatible type size (expected 136, found \
             144); a; and 1 more (log level debug shows all)"
        );
    }

    #[test]
    fn a_difference_names_the_type_it_is_in() {
        let report = "Layout of expected type:\n  --- Type Layout ---\n  type:CallHeader\n  size:1\n\
                      Layout of found type:\n  --- Type Layout ---\n  type:Other\n\
                      Error:too many fields\nExpected:\n  8\nFound:\n  9\n";
        assert_eq!(summary(report), "too many fields (expected 8, found 9) in CallHeader");
    }

    #[test]
    fn a_report_without_errors_is_said_to_be_one() {
        assert_eq!(summary("nothing"), "abi_stable gives no reason");
    }
}
