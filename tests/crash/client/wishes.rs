//! What a client wishes for: anything that should succeed now.

use super::Client;
use crate::model::{Place, Volume, Wish};
use tests::OrFail;

const MIB: u64 = 1 << 20;
/// How many volumes a client keeps at most.
const VOLUMES: usize = 6;
/// How many snapshots a client keeps at most.
const SNAPSHOTS: usize = 6;
/// How many templates a client keeps at most.
const TEMPLATES: usize = 2;
/// How many volumes its instance has at most.
const ATTACHED: usize = 3;
/// How many snapshots its instance has at most.
const GROUPS: usize = 2;

impl Client {
    /// What to do next. Every other time it is of the kind that was
    /// wished for least, so that each kind comes.
    pub(super) fn wish(&mut self) -> Wish {
        self.made += 1;
        let possible = self.possible();
        let least = possible.iter().min_by_key(|wish| self.wished.get(wish.kind()).copied());
        let least = least.cloned();
        let wish = match self.chance.below(2) {
            0 => least,
            _ => self.chance.one_of(&possible).cloned(),
        };
        let wish = wish.or_fail("there is always something to wish for");
        *self.wished.entry(wish.kind()).or_default() += 1;
        wish
    }

    /// A wish of each kind that could be fulfilled now.
    fn possible(&mut self) -> Vec<Wish> {
        let name = format!("crash-{}-{}", self.number, self.made);
        let live = self.ids(|volume| !volume.destroyed);
        let destroyed = self.ids(|volume| volume.destroyed);
        let free = self.ids(|volume| !volume.destroyed && !volume.attached);
        let mut deletable = self.ids(|volume| !volume.attached);
        deletable.retain(|volume| self.is_without_snapshots(volume));
        let mut snapshots: Vec<String> = self.model.snapshots.keys().cloned().collect();
        snapshots.retain(|snapshot| self.has_live_volume(snapshot));
        let mut possible = Vec::new();
        if self.model.volumes.len() < VOLUMES {
            let pool = usize::from(self.chance.below(2) == 0);
            let size_bytes = MIB * (1 + self.chance.below(8));
            possible.push(Wish::Create { name: name.clone(), pool, size_bytes });
            if let Some(of) = self.chance.one_of(&snapshots).cloned() {
                possible.push(Wish::FromSnapshot { name: name.clone(), of });
            }
            let templates: Vec<_> = self.model.templates.keys().cloned().collect();
            if let Some(of) = self.chance.one_of(&templates).cloned() {
                possible.push(Wish::FromTemplate { name: name.clone(), of });
            }
            if let Some(of) = self.chance.one_of(&live).cloned() {
                possible.push(Wish::Clone { name: name.clone(), of });
            }
        }
        if let Some(volume) = self.chance.one_of(&live).cloned() {
            let size_bytes = self.model.volumes[&volume].size_bytes + MIB;
            possible.push(Wish::Grow { volume: volume.clone(), size_bytes });
            if self.model.snapshots.len() < SNAPSHOTS {
                possible.push(Wish::TakeSnapshot { volume: volume.clone() });
            }
        }
        if let Some(volume) = self.chance.one_of(&free).cloned() {
            possible.push(Wish::Destroy { volume });
        }
        if let Some(volume) = self.chance.one_of(&destroyed).cloned() {
            possible.push(Wish::Recover { volume });
        }
        if let Some(volume) = self.chance.one_of(&deletable).cloned() {
            possible.push(Wish::Delete { volume });
        }
        if let Some(snapshot) = self.chance.one_of(&snapshots).cloned() {
            let place = self.model.snapshots[&snapshot].place;
            if place == Place::Pool {
                possible.push(Wish::BackUp { snapshot: snapshot.clone() });
            }
            if place != Place::ImageStore {
                possible.push(Wish::Archive { snapshot: snapshot.clone() });
                possible.push(Wish::Revert { snapshot: snapshot.clone() });
            }
            possible.push(Wish::DeleteSnapshot { snapshot });
        }
        if self.model.templates.len() < TEMPLATES {
            let size_bytes = MIB * (1 + self.chance.below(3));
            possible.push(Wish::Register { name, size_bytes });
        }
        let templates: Vec<_> = self.model.templates.keys().cloned().collect();
        if let Some(template) = self.chance.one_of(&templates).cloned() {
            possible.push(Wish::DeleteTemplate { template });
        }
        possible.extend(self.possible_with_instance(&free));
        possible
    }

    /// What could be done with the instance. Its volumes stay while it has snapshots: one goes
    /// back only with those that it had.
    fn possible_with_instance(&mut self, free: &[String]) -> Vec<Wish> {
        let attached = self.ids(|volume| volume.attached);
        let groups: Vec<String> = self.model.groups.keys().cloned().collect();
        let mut possible = Vec::new();
        if groups.is_empty() {
            if let Some(volume) = self.chance.one_of(free).filter(|_| attached.len() < ATTACHED) {
                possible.push(Wish::Attach { volume: volume.clone() });
            }
            if let Some(volume) = self.chance.one_of(&attached).cloned() {
                possible.push(Wish::Detach { volume });
            }
        }
        if !attached.is_empty() && groups.len() < GROUPS {
            possible.push(Wish::TakeGroup);
        }
        if let Some(group) = self.chance.one_of(&groups).cloned() {
            possible.push(Wish::RevertGroup { group: group.clone() });
            possible.push(Wish::DeleteGroup { group });
        }
        possible
    }

    fn ids(&self, which: impl Fn(&Volume) -> bool) -> Vec<String> {
        let volumes = self.model.volumes.iter().filter(|(_, volume)| which(volume));
        volumes.map(|(id, _)| id.clone()).collect()
    }

    fn is_without_snapshots(&self, volume: &str) -> bool {
        self.model.snapshots.values().all(|snapshot| snapshot.volume != volume)
    }

    fn has_live_volume(&self, snapshot: &str) -> bool {
        let volume = &self.model.snapshots[snapshot].volume;
        self.model.volumes.get(volume).is_some_and(|volume| !volume.destroyed)
    }
}
