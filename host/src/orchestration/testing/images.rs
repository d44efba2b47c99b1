//! Image stores and templates in a world of tests.

use super::{World, parts, request};
use crate::model::{Failure, ObjectInStore, Stored};
use crate::motion::chunks;
use crate::motion::formats::Qcow2File;
use crate::orchestration::image_store::AddImageStore;
use crate::orchestration::template::{CreateTemplate, RegisterTemplate};
use crate::orchestration::volume::{CreateVolume, VolumeSource};
use crate::orchestration::{Orchestration, Policy, Rooms, Started};
use bytes::Bytes;
use std::io::{Read as _, Seek as _};
use std::sync::Arc;
use storage_plugin_api::{DataStoreRole, Details, ImageFormat};
use uuid::Uuid;

impl World {
    /// What an image store of the zone is to be; its area is its name.
    pub(crate) fn image_wish(&self, area: &str) -> AddImageStore {
        AddImageStore {
            name: Some(area.to_owned()),
            url: Some(format!("memory://{area}")),
            provider: Some("In Memory".to_owned()),
            zone: Some(self.zone),
            role: DataStoreRole::Image,
            details: [("area", area)].into_iter().collect::<Details>(),
            capacity_bytes: None,
            read_only: false,
            weight: None,
        }
    }

    /// An image store of the zone.
    pub(crate) async fn image_store(&self, area: &str) -> Uuid {
        let begun = self.orchestration.image_stores.add(&request(), self.image_wish(area)).await;
        self.done(begun).await.object
    }

    /// A file that can be downloaded; its URL.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.files.path().canonicalize().unwrap().join(name);
        std::fs::write(&path, bytes).unwrap();
        format!("file://{}", path.display())
    }

    /// A template to be registered from a URL.
    pub(crate) fn registered(&self, url: &str, format: ImageFormat) -> RegisterTemplate {
        let name = url.rsplit('/').next().unwrap_or_default().to_owned();
        RegisterTemplate {
            template: CreateTemplate { name, ..CreateTemplate::default() },
            url: url.to_owned(),
            format,
            checksum: None,
            follow_redirects: false,
            zone: self.zone,
        }
    }

    /// Begins to register a template.
    pub(crate) async fn register(&self, wish: RegisterTemplate) -> Result<Started, Failure> {
        self.orchestration.templates.register(&request(), wish).await
    }

    /// A template of these raw bytes.
    pub(crate) async fn template(&self, name: &str, bytes: &[u8]) -> Uuid {
        let wish = self.registered(&self.file(name, bytes), ImageFormat::Raw);
        self.done(self.register(wish).await).await.object
    }

    /// A template or snapshot on a store, as its record has it.
    pub(crate) async fn place(&self, object: Uuid, store: Uuid) -> Option<Stored<ObjectInStore>> {
        self.rooms().in_store(object, store).await.unwrap()
    }

    /// Begins to make a volume of a template.
    pub(crate) async fn volume_of(&self, template: Uuid, pool: Uuid) -> Result<Started, Failure> {
        let wish = CreateVolume {
            zone: Some(self.zone),
            source: Some(VolumeSource::Template(template)),
            pool: Some(pool),
            ..CreateVolume::default()
        };
        self.orchestration.volumes.create(&request(), wish).await
    }

    /// The same installation after a start of the host.
    pub(crate) async fn restarted(self) -> Self {
        let Self { orchestration, provider, zone, host, dir, files } = self;
        let repository = Arc::clone(&orchestration.rooms().repository);
        drop(orchestration);
        tokio::task::spawn_blocking(move || repository.close()).await.unwrap();
        let parts = parts(&provider, dir.path(), files.path(), Policy::default());
        let orchestration = Orchestration::new(Arc::new(Rooms::new(parts)));
        orchestration.resume().await.unwrap();
        Self { orchestration, provider, zone, host, dir, files }
    }
}

/// A qcow2 image of a disk; what is zero in the disk takes no space in it.
pub(crate) async fn qcow2(disk: &[u8]) -> Vec<u8> {
    let mut image = Qcow2File::create(tempfile::tempfile().unwrap(), disk.len() as u64);
    for chunk in chunks(0, Bytes::copy_from_slice(disk)) {
        image.write(chunk).await.unwrap();
    }
    let mut file = image.finish().await.unwrap();
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}
