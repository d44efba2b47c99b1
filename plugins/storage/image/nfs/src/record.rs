//! The record beside an object's file: what it is, for people, and its digest, for `describe`.
//!
//! The form is that of CloudStack's `template.properties`: a key, an equals sign, a value on each
//! line. Invariant: a record is believed only of the very file, length and time of change that it
//! was written for, so one that a crash left beside another file tells nothing wrong.

use storage_plugin_api::files::Found;
use storage_plugin_api::prelude::*;

/// A record is a few hundred bytes; whatever is larger is none.
pub(crate) const MAX_BYTES: u64 = 64 << 10;

/// What a record says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// The file it is about.
    pub(crate) file: String,
    /// Its length.
    size: u64,
    /// When its content was changed last.
    modified: String,
    /// The virtual size, as the host told it.
    pub(crate) virtual_size: u64,
    /// The digest of its bytes, `{ALGORITHM}hex`.
    pub(crate) digest: Option<String>,
}

impl Record {
    /// The record of a file.
    pub(crate) fn new(
        file: &str,
        found: &Found,
        virtual_size: u64,
        digest: Option<String>,
    ) -> Self {
        let (size, modified) = (found.size, modified(found));
        Self { file: file.to_owned(), size, modified, virtual_size, digest }
    }

    /// Whether it is that of a file as it is now.
    pub(crate) fn is_of(&self, file: &str, found: &Found) -> bool {
        self.file == file && self.size == found.size && self.modified == modified(found)
    }

    /// As text; with what people want to know of the object.
    pub(crate) fn to_text(&self, object: &DataObject) -> String {
        let (name, id) = match object {
            DataObject::Template(template) => (template.unique_name.as_str(), template.id),
            DataObject::Volume(volume) => (volume.name.as_str(), volume.id),
            DataObject::Snapshot(snapshot) => (snapshot.name.as_str(), snapshot.id),
            _ => ("", 0),
        };
        let lines = [
            ("filename", self.file.clone()),
            ("uniquename", name.to_owned()),
            ("id", id.to_string()),
            ("size", self.size.to_string()),
            ("virtualsize", self.virtual_size.to_string()),
            ("checksum", self.digest.clone().unwrap_or_default()),
            ("modified", self.modified.clone()),
        ];
        let mut text = "# About the file beside this one. Nothing is lost with it.\n".to_owned();
        for (key, value) in lines {
            text.push_str(&format!("{key}={}\n", escaped(&value)));
        }
        text
    }

    /// Reads a text; what it does not say is empty.
    pub(crate) fn parse(text: &str) -> Self {
        let mut record = Self::default();
        for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
            let number = || value.parse().unwrap_or(0);
            match key {
                "filename" => record.file = value.to_owned(),
                "size" => record.size = number(),
                "virtualsize" => record.virtual_size = number(),
                "checksum" => record.digest = (!value.is_empty()).then(|| value.to_owned()),
                "modified" => record.modified = value.to_owned(),
                _ => {}
            }
        }
        record
    }
}

fn modified(found: &Found) -> String {
    let (seconds, nanoseconds) = found.changed;
    format!("{seconds}.{nanoseconds:09}")
}

/// A value on one line, as such files write it: a name may hold anything.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for one in value.chars() {
        match one {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            one if one.is_control() => text.push_str(&format!("\\u{:04X}", u32::from(one))),
            one => text.push(one),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_whatever_the_object_is_called() {
        let name = "a\nfilename=other\r\\ \u{7f}ü=";
        let template = TemplateInfo::new(Uuid::nil(), name, ImageFormat::Qcow2, 7);
        let record = Record {
            file: "f.qcow2".to_owned(),
            size: 5,
            modified: "1.000000002".to_owned(),
            virtual_size: 7,
            digest: Some("{BLAKE3}00".to_owned()),
        };
        let text = record.to_text(&template.into());
        assert_eq!(Record::parse(&text), record);
        assert!(text.contains("uniquename=a\\nfilename=other\\r\\\\ \\u007Fü=\n"), "{text}");
        assert_eq!(Record::parse("nonsense"), Record::default());
    }
}
