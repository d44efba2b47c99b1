//! Reading the manifests of the packages, for the rules about them.

use toml::{Table, Value};

use super::source::{SourceFile, numbered};

/// A package's manifest.
#[derive(Debug)]
pub(super) struct Manifest<'a> {
    pub(super) file: &'a SourceFile,
    pub(super) package: String,
    pub(super) table: Table,
}

/// A dependency as the manifest writes it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dependency {
    pub(super) package: String,
    pub(super) has_path: bool,
    pub(super) line: usize,
}

/// The manifests of all packages. One that is no TOML is left to cargo, which says so better.
pub(super) fn manifests(files: &[SourceFile]) -> Vec<Manifest<'_>> {
    tables(files)
        .filter_map(|(file, table)| {
            let package = table.get("package")?.get("name")?.as_str()?.to_owned();
            Some(Manifest { file, package, table })
        })
        .collect()
}

/// Every `Cargo.toml`, the one of the workspace included.
pub(super) fn tables(files: &[SourceFile]) -> impl Iterator<Item = (&SourceFile, Table)> {
    files
        .iter()
        .filter(|file| file.path == "Cargo.toml" || file.path.ends_with("/Cargo.toml"))
        .filter_map(|file| Some((file, file.text.parse::<Table>().ok()?)))
}

impl Manifest<'_> {
    /// The folder of the package, with a `/` at its end.
    pub(super) fn folder(&self) -> &str {
        self.file.path.trim_end_matches("Cargo.toml")
    }

    /// Whether the package is a plugin of ours.
    pub(super) fn is_plugin(&self) -> bool {
        self.file.path.starts_with("plugins/")
    }

    /// Dependencies of every sort: of the build, of the tests, of one system only.
    pub(super) fn dependencies(&self) -> Vec<Dependency> {
        let systems = self.table.get("target").and_then(Value::as_table);
        let of_systems = systems.into_iter().flat_map(|systems| systems.values());
        let tables = of_systems.filter_map(Value::as_table).chain([&self.table]);
        let sorts = ["dependencies", "dev-dependencies", "build-dependencies"];
        tables
            .flat_map(|table| sorts.iter().filter_map(|sort| table.get(*sort)?.as_table()))
            .flatten()
            .map(|(name, value)| self.dependency(name, value))
            .collect()
    }

    fn dependency(&self, name: &str, value: &Value) -> Dependency {
        let package = value.get("package").and_then(Value::as_str).unwrap_or(name).to_owned();
        let is_its = |(_, line): &(usize, &str)| {
            line.trim_start()
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(['.', '=', ' ']))
        };
        let line = numbered(&self.file.text).find(is_its).map_or(1, |(line, _)| line);
        Dependency { package, has_path: value.get("path").is_some(), line }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_of_every_sort_are_found_with_their_lines() {
        let text = "[package]\nname = \"x\"\n[dependencies]\na.workspace = true\n\
                    [dev-dependencies]\nb = { path = \"../c\", package = \"c\" }\n\
                    [target.'cfg(unix)'.dependencies]\nd = \"1\"\n";
        let files = [SourceFile::new("x/Cargo.toml", text)];
        let manifests = manifests(&files);
        let mut found: Vec<_> = manifests[0]
            .dependencies()
            .into_iter()
            .map(|d| (d.line, d.package, d.has_path))
            .collect();
        found.sort();
        let expected = [(4, "a", false), (6, "c", true), (8, "d", false)];
        assert_eq!(found, expected.map(|(line, name, path)| (line, name.to_owned(), path)));
        assert_eq!((manifests[0].folder(), manifests[0].is_plugin()), ("x/", false));
    }
}
