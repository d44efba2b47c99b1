//! An object of which back end and store say different things, as `scanOrphans` shows it.

use crate::api::field::{FieldKind, FieldType, response};
use crate::api::objects::job::instance_type;
use crate::api::word::Words;
use crate::orchestration::reconcile::{Orphan, OrphanClass, Purged, StoreScan};
use serde::{Serialize, Serializer};
use uuid::Uuid;

response! {
    pub(in crate::api) struct OrphanResponse {
        "class"       class: OrphanClassWord     => "unknown: the store has never heard of it; leftover: it was removed and is there; misplaced: it should be on another pool; missing: it should be there; foreign: objects of others; unscanned: the pool could not be compared";
        "storageid"   store: Uuid                 => "the ID of the storage pool";
        "storage"     store_name: Option<String>  => "the name of the storage pool";
        "id"          object: Option<Uuid>       => "the ID of the object";
        "objecttype"  kind: Option<String>       => "the type of the object";
        "name"        name: Option<String>       => "the name of the object";
        "path"        path: Option<String>       => "where it is on the storage pool";
        "size"        size: Option<u64>          => "its size in bytes";
        "objects"     objects: Option<u64>       => "how many objects there are, of class foreign";
        "description" description: String        => "what it means, and what to do";
        "jobid"       job: Option<Uuid>          => "the job that deleted it";
        "purged"      purged: Option<bool>       => "whether it was deleted";
    }
}

impl OrphanResponse {
    /// The word for what is odd about it.
    pub(in crate::api) fn class(&self) -> OrphanClassWord {
        self.class
    }

    /// Everything that a scan of a pool found.
    pub(in crate::api) fn all_of(scan: StoreScan) -> Vec<Self> {
        let mut all: Vec<Self> =
            scan.orphans.iter().map(|orphan| Self::of(orphan, Some(&scan.name))).collect();
        if let Some(problem) = scan.problem {
            let text = format!("the pool was not compared: {problem}");
            all.push(Self::of_store(
                OrphanClassWord::Unscanned,
                scan.store,
                &scan.name,
                None,
                text,
            ));
        } else if scan.foreign > 0 {
            let text = "objects of others, which are never touched".to_owned();
            all.push(Self::of_store(
                OrphanClassWord::Foreign,
                scan.store,
                &scan.name,
                Some(scan.foreign),
                text,
            ));
        }
        all
    }

    /// A leftover, and what became of it.
    pub(in crate::api) fn of_purged(purged: Purged, dry_run: bool) -> Self {
        let mut shown = Self::of(&purged.orphan, None);
        shown.job = purged.operation;
        if !dry_run {
            shown.purged = Some(purged.failure.is_none());
            shown.description = match purged.failure {
                None => "it was deleted".to_owned(),
                Some(failure) => format!("it is still there: {failure}"),
            };
        }
        shown
    }

    fn of(orphan: &Orphan, store_name: Option<&str>) -> Self {
        Self {
            class: OrphanClassWord::Object(orphan.class),
            store: orphan.store,
            store_name: store_name.map(str::to_owned),
            object: orphan.object,
            kind: orphan.kind.map(|kind| instance_type(kind.as_str())),
            name: orphan.name.clone(),
            path: Some(orphan.path.clone()).filter(|path| !path.is_empty()),
            size: orphan.size_bytes,
            objects: None,
            description: in_words(orphan.class).to_owned(),
            job: None,
            purged: None,
        }
    }

    fn of_store(
        class: OrphanClassWord,
        store: Uuid,
        name: &str,
        objects: Option<u64>,
        description: String,
    ) -> Self {
        Self {
            class,
            store,
            store_name: Some(name.to_owned()),
            object: None,
            kind: None,
            name: None,
            path: None,
            size: None,
            objects,
            description,
            job: None,
            purged: None,
        }
    }
}

/// The classes of a list: of objects, and of what is told of a whole pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) enum OrphanClassWord {
    /// An object is odd.
    Object(OrphanClass),
    /// Objects of others.
    Foreign,
    /// The pool could not be compared.
    Unscanned,
}

impl Words for OrphanClassWord {
    const WORDS: &'static [Self] = &[
        Self::Object(OrphanClass::Unknown),
        Self::Object(OrphanClass::Leftover),
        Self::Object(OrphanClass::Misplaced),
        Self::Object(OrphanClass::Missing),
        Self::Foreign,
        Self::Unscanned,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Object(class) => class.as_str(),
            Self::Foreign => "foreign",
            Self::Unscanned => "unscanned",
        }
    }
}

impl Serialize for OrphanClassWord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl FieldType for OrphanClassWord {
    const KIND: FieldKind = FieldKind::String;
}

fn in_words(class: OrphanClass) -> &'static str {
    match class {
        OrphanClass::Unknown => {
            "it bears the id of this installation and has no record: this data directory may be \
             older than the pool; adopt it, or delete it on the back end"
        }
        OrphanClass::Leftover => "its record says that it was removed; it can be purged",
        OrphanClass::Misplaced => {
            "its record says that it is on another pool; compare the two before deleting one"
        }
        OrphanClass::Missing => {
            "its record says that it is here, and the back end does not have it; restore it there, \
             or delete its record"
        }
    }
}
