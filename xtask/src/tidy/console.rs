//! The console knows no vendor: its forms come from the schemas that providers declare.

use super::Violation;
use super::source::{SourceFile, numbered, words};

const CONSOLE: &str = "host/src/console";

/// Products and vendors, in lower case. Words that mean something else too are not among them.
const NAMES: &[&str] = &[
    "amazon",
    "aws",
    "azure",
    "ceph",
    "cloudian",
    "datera",
    "dell",
    "emc",
    "flasharray",
    "gcs",
    "gluster",
    "glusterfs",
    "hpe",
    "iscsi",
    "linstor",
    "longhorn",
    "lustre",
    "minio",
    "netapp",
    "nexenta",
    "nfs",
    "ontap",
    "openstack",
    "powerflex",
    "powerstore",
    "primera",
    "rbd",
    "rgw",
    "s3",
    "scaleio",
    "smb",
    "solidfire",
    "storpool",
    "swift",
    "vmfs",
    "vsan",
];

/// Checks every text of the console, whatever language it is in.
pub(super) fn check(files: &[SourceFile]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| file.is_in(CONSOLE)) {
        for (line, text) in numbered(&file.text) {
            let lower = text.to_lowercase();
            if let Some(name) = words(&lower).find(|word| NAMES.contains(word)) {
                violations.push(Violation::new(
                    &file.path,
                    line,
                    format!("the console names {name}"),
                    "take name, fields and help from the provider's schema, through the api",
                ));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::NONE;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&[SourceFile::new(path, text)]).into_iter().map(|v| v.line).collect()
    }

    #[test]
    fn the_console_names_no_vendor() {
        assert_eq!(lines("host/src/console/form.html", "<p>\n<label>Ceph pool</label>"), [2]);
        assert_eq!(lines("host/src/console/mod.rs", "if name == \"S3\" {}"), [1]);
        assert_eq!(lines("host/src/console/mod.rs", "let css3 = provider;"), NONE);
        assert_eq!(lines("host/src/api/mod.rs", "// as S3 does"), NONE);
    }
}
