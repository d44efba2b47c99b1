//! What a client knows once a wish was fulfilled, and the bytes that it writes.

use super::Client;
use crate::check::write_bytes;
use crate::model::{Bytes, Place, Snapshot, Template, Volume, Wish};
use storage_host::cli::client::Client as Api;
use tests::OrFail;

impl Client {
    /// What is known once a wish was fulfilled.
    pub(super) fn learn(&mut self, api: &Api, wish: Wish, object: Option<String>) {
        let model = &mut self.model;
        match wish {
            Wish::Create { name, size_bytes, .. } => {
                let id = object.or_fail("the id of a volume");
                model.volumes.insert(id.clone(), Volume::new(name, size_bytes, None));
                self.write(api, &id);
            }
            Wish::Clone { name, of } => {
                let source = model.volumes[&of].clone();
                let volume = Volume { name, attached: false, ..source };
                model.volumes.insert(object.or_fail("the id of a clone"), volume);
            }
            Wish::FromSnapshot { name, of } => {
                let Snapshot { size_bytes, bytes, .. } = model.snapshots[&of].clone();
                let volume = Volume::new(name, size_bytes, bytes);
                model.volumes.insert(object.or_fail("the id of a volume"), volume);
            }
            Wish::Grow { volume, size_bytes } => model.volume(&volume).size_bytes = size_bytes,
            Wish::Destroy { volume } => model.volume(&volume).destroyed = true,
            Wish::Recover { volume } => model.volume(&volume).destroyed = false,
            Wish::Delete { volume } => {
                model.volumes.remove(&volume);
            }
            Wish::TakeSnapshot { volume } => {
                let Volume { size_bytes, bytes, .. } = model.volumes[&volume].clone();
                let place = Place::Pool;
                let snapshot = Snapshot { volume: volume.clone(), size_bytes, bytes, place };
                model.snapshots.insert(object.or_fail("the id of a snapshot"), snapshot);
                self.write(api, &volume);
            }
            Wish::Revert { snapshot } => {
                let snapshot = model.snapshots[&snapshot].clone();
                model.revert_to(snapshot);
            }
            Wish::DeleteSnapshot { snapshot } => {
                model.snapshots.remove(&snapshot);
            }
            Wish::BackUp { snapshot } => model.snapshot(&snapshot).place = Place::Both,
            Wish::Archive { snapshot } => model.snapshot(&snapshot).place = Place::ImageStore,
            Wish::Register { name, size_bytes } => {
                let template = Template { size_bytes, bytes: of_template(&name) };
                model.templates.insert(object.or_fail("the id of a template"), template);
            }
            Wish::FromTemplate { name, of } => {
                let Template { size_bytes, bytes } = model.templates[&of].clone();
                let volume = Volume::new(name, size_bytes, Some(bytes));
                model.volumes.insert(object.or_fail("the id of a volume"), volume);
            }
            Wish::DeleteTemplate { template } => {
                model.templates.remove(&template);
            }
            Wish::Attach { volume } => model.volume(&volume).attached = true,
            Wish::Detach { volume } => model.volume(&volume).attached = false,
            Wish::TakeGroup => {
                let members = model.members();
                let volumes: Vec<_> = members.iter().map(|one| one.volume.clone()).collect();
                model.groups.insert(object.or_fail("the id of an instance snapshot"), members);
                for volume in volumes {
                    self.write(api, &volume);
                }
            }
            Wish::RevertGroup { group } => {
                for member in model.groups[&group].clone() {
                    model.revert_to(member);
                }
            }
            Wish::DeleteGroup { group } => {
                model.groups.remove(&group);
            }
        }
    }

    /// Writes new bytes into a volume, as an instance would. Where the host is gone before it
    /// says where the volume is, the bytes stay as they are.
    fn write(&mut self, api: &Api, id: &str) {
        let Ok(listed) = api.call("listVolumes", &[("id", id)]) else {
            return;
        };
        let listed = &listed["volume"][0];
        let path = listed["path"].as_str().or_fail("a path");
        let pool = listed["storageid"].as_str().or_fail("a pool");
        let (_, directory) =
            self.pools.iter().find(|(one, _)| one == pool).or_fail("a pool of ours");
        let volume = self.model.volume(id);
        let version = volume.bytes.as_ref().map_or(1, |bytes| bytes.version + 1);
        let bytes = Bytes { writer: id.to_owned(), version };
        write_bytes(&directory.join(path), &bytes);
        volume.bytes = Some(bytes);
    }
}

/// The bytes of a template, by its name.
pub(super) fn of_template(name: &str) -> Bytes {
    Bytes { writer: name.to_owned(), version: 0 }
}
