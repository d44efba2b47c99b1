//! What speaks for and against an image store where something new is to go.
//!
//! What it is not: a question to anybody. `select.rs` finds out what is known; here it is judged.
//!
//! **Invariant:** each verdict has its reason, also the one that says yes.

use crate::model::{ImageStore, ImageStoreState};
use storage_plugin_api::{DataStoreRole, ImageFormat};
use uuid::Uuid;

/// What is to go to an image store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::orchestration) struct Wanted {
    /// The zone that needs it; `None` where the whole region does.
    pub(in crate::orchestration) zone: Option<Uuid>,
    pub(in crate::orchestration) format: ImageFormat,
    /// 0 where nobody knows yet.
    pub(in crate::orchestration) size_bytes: u64,
    /// One of these; any if none is named.
    pub(in crate::orchestration) among: Option<Vec<Uuid>>,
}

impl Wanted {
    /// Whether a store is asked at all: it is an image store, where the object is needed.
    pub(super) fn concerns(&self, store: &ImageStore) -> bool {
        let serves = match self.zone {
            Some(zone) => store.serves(zone),
            None => store.scope.zone_id.is_none(),
        };
        let is_meant = self.among.as_ref().is_none_or(|among| among.contains(&store.uuid));
        store.role == DataStoreRole::Image && serves && is_meant
    }
}

/// What the driver of a store says to being asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Its provider is not loaded.
    Missing,
    /// It says nothing now, for this reason.
    Silent(String),
    /// It stores the bytes of these formats as they are.
    Takes(Vec<ImageFormat>),
}

/// Whether a store takes something, and why, or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How good it is, where it takes it: the greatest wins.
    pub rank: Option<Rank>,
    /// Why, as what is said of a store: "is read-only".
    pub reason: String,
}

/// How good a store is, what counts most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Its driver answers now. One that does not would be waited for.
    pub answers: bool,
    /// Its weight.
    pub weight: u32,
    /// How many bytes it can still take.
    pub room_bytes: u64,
}

/// What the records say against a store. Its driver need not be asked then.
pub(super) fn objection(store: &ImageStore, wanted: &Wanted, threshold: f64) -> Option<String> {
    let ImageStore { used_bytes, capacity_bytes, .. } = store;
    if store.state != ImageStoreState::Up {
        return Some(format!("is in state {}", store.state));
    }
    if store.quarantine.is_some() {
        return Some("is in quarantine".to_owned());
    }
    if store.read_only {
        return Some("is read-only".to_owned());
    }
    if is_beyond(*used_bytes, *capacity_bytes, threshold) {
        return Some(format!(
            "has used {used_bytes} of {capacity_bytes} bytes, beyond its threshold (free some, or \
             raise image_store_threshold in [storage] of plugins.toml)"
        ));
    }
    // One that is full takes nothing, also where nobody knows yet how much comes.
    (room(store) < wanted.size_bytes.max(1))
        .then(|| format!("has used {used_bytes} of {capacity_bytes} bytes"))
}

/// What is to be done with a store against which the records say nothing.
pub(super) fn verdict(store: &ImageStore, wanted: &Wanted, answer: &Answer) -> Verdict {
    let no = |reason: String| Verdict { rank: None, reason };
    let yes = |answers, more: &str| {
        let rank = Rank { answers, weight: store.weight, room_bytes: room(store) };
        let room = match store.capacity_bytes {
            0 => "room that nobody measures".to_owned(),
            _ => format!("room for {} bytes", rank.room_bytes),
        };
        let reason = format!("has weight {} and {room}{more}", store.weight);
        Verdict { rank: Some(rank), reason }
    };
    match answer {
        Answer::Missing => no(format!("has a provider, {:?}, that is not loaded", store.provider)),
        Answer::Takes(formats) if !formats.contains(&wanted.format) => {
            let formats: Vec<_> = formats.iter().map(ToString::to_string).collect();
            no(format!("takes no {} bytes, only {}", wanted.format, formats.join(", ")))
        }
        Answer::Takes(_) => yes(true, ""),
        Answer::Silent(why) => yes(false, &format!(", but does not answer now: {why}")),
    }
}

/// How many bytes it can still take; all there are where nobody knows.
fn room(store: &ImageStore) -> u64 {
    match store.capacity_bytes {
        0 => u64::MAX,
        bytes => bytes.saturating_sub(store.used_bytes),
    }
}

/// Whether more than a part of something is used.
#[expect(clippy::cast_precision_loss, reason = "a threshold is not exact to the byte")]
pub(super) fn is_beyond(bytes: u64, of: u64, part: f64) -> bool {
    of > 0 && bytes as f64 > of as f64 * part
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage_plugin_api::{Details, Scope};

    type Change = fn(&mut ImageStore);

    fn store() -> ImageStore {
        ImageStore {
            bandwidth: None,
            uuid: Uuid::from_u128(1),
            name: "one".to_owned(),
            state: ImageStoreState::Up,
            provider: "NFS".to_owned(),
            role: DataStoreRole::Image,
            scope: Scope::zone(zone()),
            url: "nfs://host/path".to_owned(),
            details: Details::new(),
            back_end_identity: None,
            read_only: false,
            weight: 100,
            capacity_bytes: 1_000,
            capacity_limited: false,
            used_bytes: 500,
            quarantine: None,
        }
    }

    fn zone() -> Uuid {
        Uuid::from_u128(7)
    }

    fn wanted() -> Wanted {
        let format = ImageFormat::Qcow2;
        Wanted { zone: Some(zone()), format, size_bytes: 100, among: None }
    }

    fn takes() -> Answer {
        Answer::Takes(vec![ImageFormat::Raw, ImageFormat::Qcow2])
    }

    #[test]
    fn each_objection_has_its_reason() {
        let table: &[(&str, Change, Option<&str>)] = &[
            ("as it is", |_| {}, None),
            ("new", |one| one.state = ImageStoreState::Initial, Some("is in state Initial")),
            ("twin", |one| one.quarantine = Some("a twin".into()), Some("is in quarantine")),
            ("fixed", |one| one.read_only = true, Some("is read-only")),
            ("full", |one| one.used_bytes = 1_000, Some("has used 1000 of 1000 bytes, beyond")),
            ("at the threshold", |one| one.used_bytes = 900, None),
            ("beyond it", |one| one.used_bytes = 901, Some("raise image_store_threshold")),
            ("no room", |one| one.capacity_bytes = 599, Some("has used 500 of 599 bytes")),
            ("just enough", |one| one.capacity_bytes = 600, None),
            ("not measured", |one| (one.capacity_bytes, one.used_bytes) = (0, 9_999), None),
        ];
        for (name, change, expected) in table {
            let mut store = store();
            change(&mut store);
            let said = objection(&store, &wanted(), 0.9);
            match expected {
                Some(part) => assert!(said.as_ref().unwrap().contains(part), "{name}: {said:?}"),
                None => assert_eq!(said, None, "{name}"),
            }
        }
    }

    #[test]
    fn one_without_room_takes_nothing_although_nobody_knows_how_much_comes() {
        let full = ImageStore { used_bytes: 1_000, ..store() };
        let unknown = Wanted { size_bytes: 0, ..wanted() };
        assert!(objection(&full, &unknown, 1.0).is_some());
        assert_eq!(objection(&store(), &unknown, 1.0), None);
    }

    #[test]
    fn the_driver_has_the_last_word() {
        let say = |answer| verdict(&store(), &wanted(), &answer);
        let rank = |answers| Some(Rank { answers, weight: 100, room_bytes: 500 });
        assert_eq!(say(takes()).rank, rank(true));
        assert_eq!(say(takes()).reason, "has weight 100 and room for 500 bytes");
        let silent = say(Answer::Silent("no route".to_owned()));
        assert_eq!(silent.rank, rank(false));
        assert!(silent.reason.ends_with("but does not answer now: no route"), "{silent:?}");
        let other = say(Answer::Takes(vec![ImageFormat::Raw]));
        assert_eq!((other.rank, other.reason.as_str()), (None, "takes no QCOW2 bytes, only RAW"));
        let missing = say(Answer::Missing);
        assert_eq!(missing.rank, None);
        assert!(missing.reason.contains("\"NFS\", that is not loaded"), "{missing:?}");
    }

    #[test]
    fn an_answer_counts_more_than_weight_and_weight_more_than_room() {
        let rank = |answers, weight, room_bytes| Rank { answers, weight, room_bytes };
        let ordered =
            [rank(false, 900, 900), rank(true, 0, 900), rank(true, 1, 1), rank(true, 1, 2)];
        assert!(ordered.is_sorted(), "{ordered:?}");
    }

    #[test]
    fn only_image_stores_that_are_near_and_meant_are_asked() {
        let region = ImageStore { scope: Scope::region(), ..store() };
        let cache = ImageStore { role: DataStoreRole::ImageCache, ..store() };
        let far = ImageStore { scope: Scope::zone(Uuid::from_u128(8)), ..store() };
        let everywhere = Wanted { zone: None, ..wanted() };
        let other = Wanted { among: Some(vec![Uuid::from_u128(2)]), ..wanted() };
        let this = Wanted { among: Some(vec![Uuid::from_u128(1)]), ..wanted() };
        let table = [
            (&wanted(), &store(), true),
            (&wanted(), &region, true),
            (&wanted(), &cache, false),
            (&wanted(), &far, false),
            (&everywhere, &store(), false),
            (&everywhere, &region, true),
            (&other, &store(), false),
            (&this, &store(), true),
        ];
        for (number, (wanted, store, concerns)) in table.into_iter().enumerate() {
            assert_eq!(wanted.concerns(store), concerns, "row {number}");
        }
    }
}
