//! What goes up, and how: how long its parts are, how many fly at once.

use super::PartChecksum;
use std::collections::HashMap;

/// So many parts an upload may have.
const MAX_PARTS: u64 = 10_000;

/// What goes up, and how.
#[derive(Debug, Clone)]
pub struct UploadPlan {
    /// The key of the object.
    pub key: String,
    /// Its length in bytes.
    pub size: u64,
    /// The length of a part in bytes: a power of two, and not less than 5 MiB on most servers.
    pub part_bytes: u64,
    /// How many parts are on their way at once.
    pub in_flight: u32,
    /// What the server is told of a part.
    pub checksum: PartChecksum,
    /// Pairs that come back with the object.
    pub metadata: HashMap<String, String>,
    /// The digest is put with the object under this name, where it is known before the object is:
    /// where it goes up in one request.
    pub digest_name: Option<String>,
}

impl UploadPlan {
    /// A plan with everything else at its default.
    pub fn new(key: impl Into<String>, size: u64) -> Self {
        Self {
            key: key.into(),
            size,
            part_bytes: 16 << 20,
            in_flight: 4,
            checksum: PartChecksum::default(),
            metadata: HashMap::new(),
            digest_name: None,
        }
    }

    /// Makes parts as long as an object of this length needs, and fewer of them fly then, so that
    /// the memory is the same as long as possible.
    #[must_use]
    pub fn fitted(mut self) -> Self {
        let memory = self.part_bytes.saturating_mul(u64::from(self.in_flight));
        while self.size.div_ceil(self.part_bytes) > MAX_PARTS {
            self.part_bytes *= 2;
        }
        let fly = (memory / self.part_bytes).max(1);
        self.in_flight = u32::try_from(fly).unwrap_or(1).min(self.in_flight);
        self
    }

    /// How many parts there are.
    pub fn parts(&self) -> u32 {
        self.size.div_ceil(self.part_bytes).max(1) as u32
    }

    /// The length of a part in bytes; the first one has the number 1.
    pub(super) fn length_of(&self, number: u32) -> u64 {
        let begin = u64::from(number - 1) * self.part_bytes;
        self.part_bytes.min(self.size - begin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_grow_with_the_object_and_memory_does_not() {
        let plan = |size| UploadPlan::new("key", size).fitted();
        for (size, part, parts, fly) in [
            (0, 16 << 20, 1, 4),
            (1, 16 << 20, 1, 4),
            (16 << 20, 16 << 20, 1, 4),
            ((16 << 20) + 1, 16 << 20, 2, 4),
            (100 << 30, 16 << 20, 6400, 4),
            (200 << 30, 32 << 20, 6400, 2),
            (5 << 40, 1 << 30, 5120, 1),
        ] {
            let plan = plan(size);
            assert_eq!((plan.part_bytes, plan.parts(), plan.in_flight), (part, parts, fly));
        }
        assert_eq!(plan((16 << 20) + 1).length_of(2), 1);
    }
}
