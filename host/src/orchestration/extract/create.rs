//! A link for download is made: by the driver of the store, or by this host.

use super::{EXPIRES, origin};
use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{
    ADMIN, ExtractLink, Failure, ObjectInStore, RecordKind, Snapshot, Stored, Template, Volume,
};
use crate::orchestration::random_word::{hash_of, random_word};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::orchestration::store_access::StoreAccess;
use crate::orchestration::volume::pool_of;
use crate::store::{Change, now_us};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use storage_plugin_api::{
    DataStoreProviderType, DataStoreRole, Driver, ExtractUrlRequest, ImageFormat, ImageStoreDriver,
};
use uuid::Uuid;

/// The longest name of a downloaded file, in characters, without its extension.
const NAME: usize = 100;

impl super::Extracts {
    /// Begins to make a link for download of a template or ISO (`extractTemplate`, `extractIso`):
    /// of the copy that the zone reads best.
    ///
    /// # Errors
    /// `InvalidArgument` for one that may not be handed out, unless the administrator asks;
    /// `Conflict` where it is ready on no image store.
    pub async fn template(
        &self,
        request: &RequestContext,
        uuid: Uuid,
        zone: Option<Uuid>,
    ) -> Result<Started, Failure> {
        let rooms = &self.rooms;
        let template = rooms.find_template(uuid).await?;
        expect_extractable(request, &template)?;
        let place = rooms.template_source(&template, zone.unwrap_or_default()).await?;
        let link = of_place(&place, (RecordKind::Template, &template.name), zone);
        let changes = vec![
            Change::expect(RecordKind::Template, uuid, "Active"),
            Change::expect(RecordKind::ObjectInStore, place.uuid, "Ready"),
        ];
        self.begin(request, link, changes).await
    }

    /// Begins to make a link for download of a snapshot (`extractSnapshot`): of its copy on an
    /// image store, where it has one, else of its bytes on the pool where it was taken.
    ///
    /// # Errors
    /// `Conflict` for one that is not complete.
    pub async fn snapshot(
        &self,
        request: &RequestContext,
        uuid: Uuid,
        zone: Option<Uuid>,
    ) -> Result<Started, Failure> {
        let rooms = &self.rooms;
        let snapshot: Stored<Snapshot> = rooms.find_snapshot(uuid).await?;
        let backed_up = rooms.snapshot_in_store(&snapshot, zone.unwrap_or_default()).await?;
        let mut changes = vec![Change::expect(RecordKind::Snapshot, uuid, "BackedUp")];
        let link = match backed_up {
            Some(place) => {
                changes.push(Change::expect(RecordKind::ObjectInStore, place.uuid, "Ready"));
                of_place(&place, (RecordKind::Snapshot, &snapshot.name), zone)
            }
            None if !snapshot.on_primary => {
                return Err(Failure::conflict(format!(
                    "snapshot {:?} is not ready on any image store, and its pool has its bytes no \
                     more",
                    snapshot.name
                )));
            }
            None => {
                let mut link = link(
                    (RecordKind::Snapshot, uuid, &snapshot.name),
                    (snapshot.pool, zone.or(Some(snapshot.volume.zone))),
                    snapshot.volume.format,
                );
                link.length_bytes = snapshot.volume.size_bytes;
                link
            }
        };
        self.begin(request, link, changes).await
    }

    /// Begins to make a link for download of a volume (`extractVolume`): of its bytes on its pool.
    ///
    /// # Errors
    /// `InUse` for a volume of a running instance.
    pub async fn volume(
        &self,
        request: &RequestContext,
        uuid: Uuid,
        zone: Option<Uuid>,
    ) -> Result<Started, Failure> {
        let rooms = &self.rooms;
        let volume: Stored<Volume> = rooms.find_volume(uuid).await?;
        let way_out = "stop it, or download a snapshot of the volume";
        let changes = rooms.at_rest(&volume, way_out).await?;
        let mut link = link(
            (RecordKind::Volume, uuid, &volume.name),
            (pool_of(&volume)?, zone.or(Some(volume.zone))),
            volume.format,
        );
        link.length_bytes = volume.size_bytes;
        self.begin(request, link, changes).await
    }

    async fn begin(
        &self,
        request: &RequestContext,
        mut link: ExtractLink,
        mut changes: Vec<Change>,
    ) -> Result<Started, Failure> {
        link.token = random_word()?;
        link.token_hash = hash_of(&link.token);
        changes.push(self.rooms.expect_store_in_use(link.store).await?);
        changes.push(Change::insert(&link));
        let shared = [link.object, link.store].into_iter().chain(link.place).collect();
        let with = With { shared, ..With::default() };
        let object = (RecordKind::ExtractLink, link.uuid);
        self.rooms.begin::<Flow>(request, object, with, changes, &State { link: link.uuid }).await
    }
}

/// CloudStack lets its root administrator extract everything.
fn expect_extractable(request: &RequestContext, template: &Template) -> Result<(), Failure> {
    if template.is_extractable || request.caller.account == ADMIN {
        return Ok(());
    }
    Err(Failure::invalid(format!(
        "{} {:?} may not be handed out; who owns it can allow that (updateTemplatePermissions \
         isextractable=true)",
        template.word(),
        template.name
    )))
}

fn of_place(
    place: &ObjectInStore,
    (kind, name): (RecordKind, &str),
    zone: Option<Uuid>,
) -> ExtractLink {
    let store = (place.store, zone.or(place.zone));
    let mut link = link((kind, place.object, name), store, place.format);
    link.place = Some(place.uuid);
    link.length_bytes = place.length_bytes;
    link.digest.clone_from(&place.digest);
    link
}

fn link(
    (kind, object, name): (RecordKind, Uuid, &str),
    (store, zone): (Uuid, Option<Uuid>),
    format: ImageFormat,
) -> ExtractLink {
    let lifetime = i64::try_from(EXPIRES.as_micros()).unwrap_or(i64::MAX);
    ExtractLink {
        uuid: Uuid::new_v4(),
        kind,
        object,
        place: None,
        store,
        zone,
        file_name: file_name(name, format),
        format,
        length_bytes: 0,
        digest: None,
        token: String::new(),
        token_hash: String::new(),
        driver_url: None,
        is_ready: false,
        expires_us: now_us().saturating_add(lifetime),
    }
}

/// The name of an object as that of a file: nothing in it means anything to a shell or a path.
fn file_name(name: &str, format: ImageFormat) -> String {
    let extension = format!(".{}", format.as_str().to_ascii_lowercase());
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let plain: String =
        name.chars().take(NAME).map(|c| if is_plain(c) { c } else { '_' }).collect();
    let plain = plain.trim_start_matches('.');
    let stem = plain.strip_suffix(&extension).unwrap_or(plain);
    if stem.is_empty() { format!("download{extension}") } else { format!("{stem}{extension}") }
}

/// `extract.create`: the store's driver is asked for a link, where it makes such.
pub(super) struct Flow(pub(super) Arc<Rooms>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    link: Uuid,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "extract.create";
    const VERSION: u32 = 1;
    // A link of a driver that was made and is not known here is known to nobody, and expires.
    const STEPS: &'static [Step<Self>] = &[Step::outside("make the link", step_fn!(make))];

    fn abandon<'a>(&'a self, _: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(async { Ok(vec![Change::Forget(RecordKind::ExtractLink, state.link)]) })
    }
}

impl Flow {
    async fn make(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut link = self.0.find_link(state.link).await?;
        let from = self.0.bytes_of(origin(&link)).await?;
        let (access, call) = (&from.access, context.call());
        let can = access.capabilities(&call).await?;
        match image_driver(access).filter(|_| can.extract_url) {
            Some(driver) => {
                let mut ask = ExtractUrlRequest::new(from.object.clone(), EXPIRES.as_secs());
                ask.format = Some(link.format);
                let made = driver.create_entity_extract_url(&call, &access.context, ask);
                let made = access.guarded(&call, made).await?;
                if !made.url.starts_with("http://") && !made.url.starts_with("https://") {
                    return Err(access.contradiction("made a link", "is none of HTTP"));
                }
                link.driver_url = Some(made.url);
                let ends = made.expires_at_secs.and_then(|at| i64::try_from(at).ok());
                link.expires_us = ends.map_or(link.expires_us, |at| at.saturating_mul(1_000_000));
                // This host serves nothing of it.
                link.token.clear();
                link.token_hash.clear();
            }
            None if !can.read => {
                return Err(Failure::unsupported(format!(
                    "provider {:?} of {} lets nobody read the bytes of an object, and makes no \
                     links for download",
                    access.provider_name, access.title
                ))
                .into());
            }
            None => {}
        }
        link.is_ready = true;
        let event = match (link.kind, link.format) {
            (RecordKind::Template, ImageFormat::Iso) => "ISO.EXTRACT",
            (RecordKind::Template, _) => "TEMPLATE.EXTRACT",
            (RecordKind::Snapshot, _) => "SNAPSHOT.EXTRACT",
            _ => "VOLUME.EXTRACT",
        };
        let told = format!("{:?} can be downloaded for a while", link.file_name);
        let object = (link.kind, link.object);
        Ok(vec![Change::update(&link), context.event(event, object, told)])
    }
}

/// The driver of an image store; `None` of a pool.
pub(in crate::orchestration) fn image_driver(
    access: &StoreAccess<'_>,
) -> Option<Arc<dyn ImageStoreDriver>> {
    let kind = match access.context.role {
        DataStoreRole::Image => DataStoreProviderType::Image,
        DataStoreRole::ImageCache => DataStoreProviderType::ImageCache,
        _ => return None,
    };
    match access.provider.get_data_store_driver(kind) {
        Some(Driver::Image(driver)) => Some(driver),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_as_its_object_and_harms_nobody() {
        let raw = |name| file_name(name, ImageFormat::Raw);
        assert_eq!(raw("debian 13"), "debian_13.raw");
        assert_eq!(raw("disk.raw"), "disk.raw");
        assert_eq!(raw("../../etc/passwd"), "_.._etc_passwd.raw");
        assert_eq!(raw("a\"; rm -rf\r\n"), "a___rm_-rf__.raw");
        assert_eq!(raw(""), "download.raw");
        assert_eq!(file_name("größe", ImageFormat::Qcow2), "größe.qcow2");
        assert_eq!(raw(&"x".repeat(300)).len(), NAME + 4);
    }
}
