//! The compiled plugin against a server: every case of the kit, writes that are killed, given up
//! and gone on with, stores that cannot be added.

use crate::relay::Relay;
use crate::servers::{ACCESS_KEY, SECRET_KEY, Server};
use libtest_mimic::Failed;
use serde_json::Map;
use std::time::{Duration, Instant};
use storage_plugin_api::uuid::Uuid;
use storage_plugin_api::{
    CheckpointToken, Chunk, CreateRequest, DataObject, DataStore, DataStoreRole, Details,
    InitializeRequest, ListObjectsRequest, ListedObject, OpenReaderRequest, OpenedWriter,
    PluginErrorKind, PluginResult, Scope, StoreContext, TemplateInfo,
};
use tests::{
    Images, Installation, OrFail, Plugin, Skin, artifacts, call, chunks_of, eventually, expect,
    memory_host, run,
};

const MIB: u64 = 1 << 20;
/// Many parts, and no round number of anything.
const SIZE: u64 = 200 * MIB + 12_345;

/// The details of a store in a bucket of a server, at an address that leads there.
fn details(address: &str, bucket: &str) -> Details {
    [
        ("endpoint", address),
        ("bucket", bucket),
        ("accesskey", ACCESS_KEY),
        ("secretkey", SECRET_KEY),
        ("usehttps", "false"),
        ("trusted_network", "true"),
        ("create_bucket", "true"),
    ]
    .into_iter()
    .collect()
}

/// Every case of the kit, in both skins, leaving nothing.
pub(crate) fn passes(server: &Server, bucket: &str, signed: bool) -> Result<(), Failed> {
    let place = Installation::with_null();
    let settings = place.file("settings.toml");
    let text = format!(
        "[image.details]\nendpoint = {:?}\nbucket = {bucket:?}\naccesskey = {ACCESS_KEY:?}\n\
         secretkey = {SECRET_KEY:?}\nusehttps = false\ncreate_bucket = true\n\
         trusted_network = {}\n",
        server.address, !signed
    );
    std::fs::write(&settings, text).or_fail("write a settings file");
    let library = artifacts::library("storage-image-s3").display().to_string();
    let settings = settings.display().to_string();
    let told = place.run(&["conformance", &library, "--settings", &settings, "--level", "4"]);
    let told = told.with_code(0);
    let shown = format!("{}{}", told.out, told.err);
    expect(!shown.contains(SECRET_KEY), || "the secret key is shown".to_owned())
}

/// An image store of the compiled plugin.
struct Stored(Images);

impl Stored {
    async fn load(skin: Skin) -> Plugin {
        let library = artifacts::library("storage-image-s3");
        Plugin::load_file(skin, &library, Map::new(), memory_host()).await
    }

    async fn new(skin: Skin, details: Details) -> Self {
        Self(Images::added(Self::load(skin).await, wish(details)).await)
    }

    /// Writes from the start until a token at half of the bytes came.
    async fn begin(&self, of: &TemplateInfo) -> PluginResult<(OpenedWriter, CheckpointToken)> {
        let mut opened = self.0.writer(of, SIZE, None).await?;
        let mut token = None;
        for chunk in chunks_of(SIZE) {
            token = opened.writer.write(chunk).await?.or(token);
            if token.as_ref().is_some_and(|token| token.offset >= SIZE / 2) {
                break;
            }
        }
        Ok((opened, token.or_fail("a token came")))
    }

    async fn list(&self) -> Vec<ListedObject> {
        let ask = ListObjectsRequest::new();
        self.0.driver().list_objects(&call(), &self.0.store, ask).await.or_fail("list").objects
    }

    async fn delete(&self, of: &TemplateInfo) -> PluginResult<()> {
        self.0.driver().delete_async(&call(), &self.0.store, of.clone().into()).await
    }

    /// Removing the store proves that nothing of ours is left, uploads included.
    async fn remove(&self) -> Result<(), Failed> {
        let listed = self.list().await;
        expect(listed.is_empty(), || format!("{listed:?} are left"))?;
        let removed = self.0.life_cycle().delete_data_store(&call(), &self.0.store).await;
        removed.map(drop).map_err(|error| error.to_string().into())
    }

    async fn expect_whole(&self, of: &TemplateInfo) -> Result<(), Failed> {
        let object = DataObject::from(of.clone());
        let there = self.0.driver().describe(&call(), &self.0.store, object).await?;
        let told = (there.present, there.size_bytes, there.physical_size_bytes);
        expect(told == (true, 10 << 30, Some(SIZE)), || format!("it is {told:?}"))?;
        let mut hasher = blake3::Hasher::new();
        for chunk in chunks_of(SIZE) {
            if let Chunk::Data { bytes, .. } = chunk {
                hasher.update(&bytes);
            }
        }
        let digest = format!("{{BLAKE3}}{}", hasher.finalize().to_hex());
        expect(there.digest.as_ref() == Some(&digest), || format!("told {:?}", there.digest))?;
        expect(self.read(of, 0).await? == digest, || "it has other bytes".to_owned())
    }

    /// Reads from an offset to the end; the digest of what came.
    async fn read(&self, of: &TemplateInfo, offset: u64) -> PluginResult<String> {
        let mut request = OpenReaderRequest::new(of.clone());
        request.offset = offset;
        let mut reader = self.0.driver().open_reader(&call(), &self.0.store, request).await?;
        let mut hasher = blake3::Hasher::new();
        while let Some(chunk) = reader.next().await? {
            match chunk {
                Chunk::Data { bytes, .. } => hasher.update(&bytes),
                Chunk::Hole { length, .. } => hasher.update(&vec![0; length as usize]),
            };
        }
        Ok(format!("{{BLAKE3}}{}", hasher.finalize().to_hex()))
    }
}

fn wish(details: Details) -> InitializeRequest {
    let (role, scope) = (DataStoreRole::Image, Scope::region());
    let mut request = InitializeRequest::new(Uuid::new_v4(), role, "images", scope);
    request.installation_id = "ins-tests".to_owned();
    request.details = details;
    request
}

/// The process of the plugin is killed half-way: the next one goes on, and what arrived is not sent
/// again.
pub(crate) fn goes_on_after_a_kill(server: &Server, bucket: &str) -> Result<(), Failed> {
    run(async {
        let relay = Relay::to(&server.address);
        let images = Stored::new(Skin::Process, details(&relay.address, bucket)).await;
        let template = images.0.create().await;
        let (mut opened, token) = images.begin(&template).await?;
        tests::signal(images.0.plugin.pid(), rustix::process::Signal::KILL);
        let mut broken = false;
        for chunk in chunks_of(SIZE).skip_while(|chunk| chunk.offset() < SIZE / 2 + 40 * MIB) {
            broken |= opened.writer.write(chunk).await.is_err();
        }
        expect(broken, || "a killed process takes bytes".to_owned())?;
        images.0.plugin.supervisor().up().await;
        let object = DataObject::from(template.clone());
        let described = images.0.driver().describe(&call(), &images.0.store, object).await?;
        expect(!described.present, || "it is there by half".to_owned())?;
        let before = relay.up();
        let mut opened = images.0.writer(&template, SIZE, Some(token.clone())).await?;
        expect(opened.offset == token.offset, || format!("it begins at {}", opened.offset))?;
        for chunk in chunks_of(SIZE).filter(|chunk| chunk.offset() >= token.offset) {
            opened.writer.write(chunk).await?;
        }
        opened.writer.finish().await?;
        let sent = relay.up() - before;
        let most = SIZE - token.offset + 2 * MIB;
        expect(sent <= most, || format!("{sent} bytes were sent, {most} were missing"))?;
        images.expect_whole(&template).await?;
        // A token of a write that is finished is none any more.
        let again = images.0.writer(&template, SIZE, Some(token)).await.map(drop);
        let kind = again.err().map(|error| error.kind());
        expect(kind == Some(PluginErrorKind::InvalidArgument), || format!("again: {kind:?}"))?;
        images.delete(&template).await?;
        images.remove().await
    })
}

/// However much passes, the plugin's process takes no more than parts in flight do.
pub(crate) fn takes_little_memory(server: &Server, bucket: &str) -> Result<(), Failed> {
    run(async {
        let images = Stored::new(Skin::Process, details(&server.address, bucket)).await;
        let template = images.0.create().await;
        let mut most = 0;
        for _ in 0..2 {
            let mut opened = images.0.writer(&template, SIZE, None).await?;
            for chunk in chunks_of(SIZE) {
                opened.writer.write(chunk).await?;
                most = most.max(private_bytes(images.0.plugin.pid()));
            }
            opened.writer.finish().await?;
        }
        let request = OpenReaderRequest::new(template.clone());
        let mut reader = images.0.driver().open_reader(&call(), &images.0.store, request).await?;
        while reader.next().await?.is_some() {
            most = most.max(private_bytes(images.0.plugin.pid()));
        }
        expect(most <= 144 * MIB, || format!("{} MiB are taken", most / MIB))?;
        images.delete(&template).await?;
        images.remove().await
    })
}

/// What a process has of memory that is no file's.
fn private_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).or_fail("its status");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.or_fail("its private memory") << 10
}

/// A write and a read that are given up stop within a second, and leave nothing.
pub(crate) fn stops_when_it_is_given_up(server: &Server, bucket: &str) -> Result<(), Failed> {
    run(async {
        let relay = Relay::to(&server.address);
        let images = Stored::new(Skin::InProcess, details(&relay.address, bucket)).await;
        let template = images.0.create().await;
        let (opened, _) = images.begin(&template).await?;
        drop(opened);
        is_quiet(|| relay.up(), "the upload")?;
        images.delete(&template).await?;
        let mut opened = images.0.writer(&template, SIZE, None).await?;
        for chunk in chunks_of(SIZE) {
            opened.writer.write(chunk).await?;
        }
        opened.writer.finish().await?;
        images.expect_whole(&template).await?;

        let request = OpenReaderRequest::new(template.clone());
        let mut reader = images.0.driver().open_reader(&call(), &images.0.store, request).await?;
        reader.next().await?;
        drop(reader);
        is_quiet(|| relay.down(), "the download")?;
        images.delete(&template).await?;
        images.remove().await
    })
}

/// Within a second nothing moves any more.
fn is_quiet(moved: impl Fn() -> u64, what: &str) -> Result<(), Failed> {
    let begun = Instant::now();
    let (mut last, mut since) = (moved(), begun);
    eventually(&format!("{what} is given up"), || {
        let now = moved();
        if now != last {
            (last, since) = (now, Instant::now());
        }
        (since.elapsed() >= Duration::from_millis(300)).then_some(())
    });
    let went_on = since - begun;
    expect(went_on < Duration::from_secs(1), || {
        format!("{what} goes on for {went_on:?} after it was given up")
    })
}

/// What is wrong is said by the connection test, and nothing is left of it.
pub(crate) fn is_tried_out_before_it_is_added(server: &Server, bucket: &str) -> Result<(), Failed> {
    run(async {
        let plugin = Stored::load(Skin::InProcess).await;
        let life_cycle = plugin.image_life_cycle();
        let right = details(&server.address, bucket);
        let mut wrong = right.clone();
        wrong.insert("create_bucket", "false");
        // Made and removed by a store: what comes next is refused for what it is.
        let images = Stored::new(Skin::InProcess, right.clone()).await;
        for (field, value, kinds, word) in [
            ("secretkey", "canary-wrong", &[PluginErrorKind::Unauthenticated][..], "secretkey"),
            (
                "accesskey",
                "nobody",
                &[PluginErrorKind::Unauthenticated, PluginErrorKind::PermissionDenied],
                "nobody",
            ),
            ("bucket", "not-there", &[PluginErrorKind::NotFound], "not-there"),
            ("endpoint", "127.0.0.1:1", &[PluginErrorKind::Unavailable], "127.0.0.1:1"),
            ("usehttps", "true", &[PluginErrorKind::InvalidConfig], "usehttps=false"),
            ("s3signer", "Other", &[PluginErrorKind::InvalidConfig], "S3SignerType"),
            ("ca_file", "/no/such.pem", &[PluginErrorKind::InvalidConfig], "/no/such.pem"),
        ] {
            let mut details = wrong.clone();
            details.insert(field, value);
            if field == "ca_file" {
                details.insert("usehttps", "true");
            }
            let request = wish(details.clone());
            let mut store = DataStore::new(request.uuid, request.role);
            store.installation_id.clone_from(&request.installation_id);
            store.details = details;
            let refused = life_cycle.initialize(&call(), request).await.err();
            let error = refused.ok_or_else(|| format!("{field}={value} is taken"))?;
            expect(kinds.contains(&error.kind()), || format!("{field}={value}: {error}"))?;
            let text = format!("{error} {error:?}");
            expect(text.contains(word), || format!("{word:?} is not in: {error}"))?;
            expect(!text.contains("canary"), || format!("a secret is shown: {error}"))?;
            // What the host does after a refusal: it must not wait for a server that is not there.
            let undone = life_cycle.delete_data_store(&call(), &StoreContext::new(store)).await;
            let is_undone = match &undone {
                Ok(_) => true,
                Err(error) => error.kind() == PluginErrorKind::InvalidConfig,
            };
            expect(is_undone, || format!("{field}={value}: {undone:?}"))?;
        }
        // A second store in the same bucket is the same store twice.
        let twice = life_cycle.initialize(&call(), wish(right)).await;
        let kind = twice.err().map(|error| error.kind());
        expect(kind == Some(PluginErrorKind::AlreadyExists), || format!("twice: {kind:?}"))?;
        // A host with an older database sees everything and changes nothing.
        let mut newer = DataStore::clone(&images.0.store);
        newer.epoch = 7;
        let template = images.0.create().await;
        let request = CreateRequest::new(template.clone());
        images.0.driver().create_async(&call(), &StoreContext::new(newer.clone()), request).await?;
        let refused = images.delete(&template).await;
        let kind = refused.err().map(|error| error.kind());
        expect(kind == Some(PluginErrorKind::Conflict), || format!("an old host: {kind:?}"))?;
        images.list().await;
        let removed =
            images.0.life_cycle().delete_data_store(&call(), &StoreContext::new(newer)).await;
        removed.map(drop).map_err(|error| error.to_string().into())
    })
}
