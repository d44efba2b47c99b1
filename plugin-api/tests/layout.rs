//! The layout of the boundary, written down: a change that was not meant shows here.
//!
//! The ABI is 0.x, so a change that was meant is one command away:
//! `UPDATE_EXPECT=1 cargo test -p storage-plugin-api --test layout`, and a word in
//! `plugin-api/CHANGELOG.md`. What loads is decided by the loader's layout check in both directions.

#[cfg(test)]
mod tests {
    use expect_test::expect_file;
    use std::collections::{BTreeMap, BTreeSet};
    use std::fmt::Write;
    use storage_plugin_api::abi::PluginRoot_Ref;
    use storage_plugin_api::abi::stable::{StableAbi, TypeLayout};

    /// What types look like, by their name; instances of a generic one stand side by side.
    type Types = BTreeMap<String, BTreeSet<String>>;

    /// Every type that is reached, with its fields in their order.
    fn describe(layout: &'static TypeLayout, seen: &mut Vec<*const TypeLayout>, types: &mut Types) {
        if seen.contains(&std::ptr::from_ref(layout)) {
            return;
        }
        seen.push(layout);
        let mut text = format!("  {} bytes, aligned to {}\n", layout.size(), layout.alignment());
        let fields = layout.get_fields().into_iter().flat_map(|fields| fields.iter());
        let phantoms = layout.phantom_fields().iter();
        for field in fields.chain(phantoms) {
            writeln!(text, "  {}: {}", field.name(), field.layout().full_type()).unwrap();
            for function in field.function_range().iter() {
                writeln!(text, "    {function}").unwrap();
            }
            describe(field.layout(), seen, types);
        }
        types.entry(layout.full_type().to_string()).or_default().insert(text);
        for named in layout.shared_vars().type_layouts() {
            describe(named(), seen, types);
        }
    }

    #[test]
    fn the_layout_of_the_boundary_is_the_one_written_down() {
        let mut types = Types::new();
        describe(<PluginRoot_Ref as StableAbi>::LAYOUT, &mut Vec::new(), &mut types);
        let mut text = String::new();
        for (name, instances) in types {
            for instance in instances {
                writeln!(text, "{name}\n{instance}").unwrap();
            }
        }
        let lines = text.lines().map(|line| format!("{}\n", line.trim_end()));
        expect_file!["golden/layout.txt"].assert_eq(&lines.collect::<String>());
    }
}
