//! Bytes that whoever has an offer sends: onto the image store, then looked into.

use super::body::{Arrived, Body, Pieces, Sessions};
use super::progress;
use crate::jobs::{self, Step, StepContext, StepError, StepFuture, step_fn};
use crate::model::{
    Caller, Checkpoint, Failure, Machine, ObjectInStore, ObjectInStoreEvent, RecordKind, Stored,
    TemplateEvent, Upload,
};
use crate::motion::formats::{Unpacked, packing};
use crate::motion::{Checksum, Chunked, Peeked, Resume, Sink, Summed};
use crate::orchestration::landing::{Keeping, read_again, written_down};
use crate::orchestration::request::{RequestContext, Started};
use crate::orchestration::rooms::{Rooms, With};
use crate::orchestration::spool::Spooled;
use crate::orchestration::store_access::StoreAccess;
use crate::store::Change;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::oneshot;
use uuid::Uuid;

/// What of a file a request brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its first byte.
    pub from: u64,
    /// How many bytes the whole file has; `None` where only its end tells, as in a form.
    pub total: Option<u64>,
}

/// An upload on its way.
#[derive(Debug)]
pub struct Receiving {
    /// The operation that takes it.
    pub begun: Started,
    upload: Uuid,
    answer: oneshot::Receiver<Arrived>,
}

impl super::Uploads {
    /// Begins to take a part of a file. Whoever sends it waits with [`arrived`](Self::arrived).
    ///
    /// # Errors
    /// `InvalidArgument` for a part that cannot be one; `InUse` while another request sends one.
    pub async fn receive(
        &self,
        upload: &Stored<Upload>,
        part: Part,
        pieces: Pieces,
    ) -> Result<Receiving, Failure> {
        let max = self.max_bytes();
        match part.total {
            Some(0) => return Err(Failure::invalid("the file has no bytes")),
            Some(total) if total > max => {
                return Err(Failure::invalid(format!(
                    "the file has {total} bytes, and at most {max} are taken; an administrator may \
                     raise max_image_bytes in plugins.toml"
                )));
            }
            Some(total) if part.from >= total => {
                return Err(Failure::invalid(format!(
                    "the part begins at byte {}, and the file ends at {total}",
                    part.from
                )));
            }
            _ => {}
        }
        let template = self.rooms.find_template(upload.template).await?;
        let one = self.rooms.find_in_store(upload.place).await?;
        let session = Uuid::new_v4();
        let answer = self.sessions.begin(session, pieces);
        let command = match template.is_iso() {
            true => "getUploadParamsForIso",
            false => "getUploadParamsForTemplate",
        };
        let account = upload.account.clone();
        let request = RequestContext {
            caller: Caller { account, user: Uuid::nil(), token: None },
            command: command.to_owned(),
        };
        let changes = vec![
            Change::expect(RecordKind::Template, template.uuid, "NotUploaded"),
            Change::expect(RecordKind::ObjectInStore, one.uuid, "Allocated"),
            Change::expect(RecordKind::ImageStore, one.store, "Up"),
        ];
        let state = State { upload: upload.record.uuid, session, part, is_whole: false };
        let with = With { exclusive: vec![one.uuid], shared: vec![one.store] };
        let object = (RecordKind::Template, template.uuid);
        let begun = self.rooms.begin::<Flow>(&request, object, with, changes, &state).await;
        if begun.is_err() {
            self.sessions.end(session, None);
        }
        Ok(Receiving { begun: begun?, upload: upload.record.uuid, answer })
    }

    /// Waits until a part has come, as far as it comes.
    ///
    /// # Errors
    /// Why it is not taken.
    pub async fn arrived(&self, receiving: Receiving) -> Result<Arrived, Failure> {
        let arrived = receiving.answer.await.ok();
        if let Some(arrived) = arrived.filter(|arrived| arrived.is_whole) {
            return Ok(arrived);
        }
        // Whoever goes on then does not meet it at its end.
        let operation = self.rooms.jobs.wait(receiving.begun.operation).await?;
        if let Some(arrived) = arrived {
            return Ok(arrived);
        }
        if let Some(failure) = operation.failure {
            return Err(failure);
        }
        // A step that was tried again had no bytes any more.
        let upload = self.rooms.repository.find::<Upload>(receiving.upload).await?;
        let upload = upload.ok_or_else(|| Failure::not_found("the offer to upload has ended"))?;
        self.progress(&upload).await
    }
}

/// `template.receive`: one request's bytes onto the store, and, with the last, a look into them.
pub(super) struct Flow {
    pub(super) rooms: Arc<Rooms>,
    pub(super) sessions: Arc<Sessions>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    upload: Uuid,
    session: Uuid,
    part: Part,
    /// All bytes are on the store.
    is_whole: bool,
}

impl jobs::Flow for Flow {
    type State = State;
    const NAME: &'static str = "template.receive";
    const VERSION: u32 = 1;
    // A client that broke off is no failure: what came is kept, and the rest may come.
    const STEPS: &'static [Step<Self>] = &[
        Step::outside("take what is sent", step_fn!(take)).undone_by(step_fn!(drop_it)),
        Step::outside("look into it", step_fn!(look)),
    ];

    /// The offer stands, with the reason: another file may be sent.
    fn abandon<'a>(&'a self, context: &'a StepContext, state: &'a mut State) -> StepFuture<'a> {
        Box::pin(async move {
            let mut one = self.place(state).await?;
            one.note = context.failure().map(|why| why.message.clone());
            (one.checkpoint, one.digest, one.length_bytes) = (None, None, 0);
            one.path = String::new();
            self.sessions.end(state.session, None);
            Ok(vec![Change::update(&one)])
        })
    }
}

impl Flow {
    async fn place(&self, state: &State) -> Result<Stored<ObjectInStore>, StepError> {
        let upload = self.rooms.repository.find::<Upload>(state.upload).await?;
        let upload = upload.ok_or_else(|| Failure::not_found("the offer to upload has ended"))?;
        self.rooms.find_in_store(upload.place).await
    }

    async fn take(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let before = self.place(state).await?;
        let Some(pieces) = self.sessions.pieces(state.session) else {
            return self.without_bytes(context, before).await;
        };
        let to = self.rooms.store_access(before.store).await?;
        let checksum = self.rooms.find_template(before.object).await?.checksum.clone();
        let checksum = checksum.as_deref().map(str::parse::<Checksum>).transpose();
        let checksum = checksum.map_err(|error| Failure::invalid(error.to_string()))?;
        let whole = state.part.total.unwrap_or(self.rooms.policy.images.max_bytes);
        let is_known = state.part.total.is_some();
        let body = Body::new(pieces, whole - state.part.from, is_known);
        let file = File { to: &to, body, part: state.part, checksum };
        let mut one;
        (one, state.is_whole) = self.take_file(context, before, file).await?;
        if state.is_whole {
            one.checkpoint = None;
        }
        one.note = None;
        Ok(vec![Change::update(&one)])
    }

    /// The step is tried again, and what was sent is lost: the record and the store agree again.
    async fn without_bytes(
        &self,
        context: &StepContext,
        mut one: Stored<ObjectInStore>,
    ) -> Result<Vec<Change>, StepError> {
        if one.checkpoint.is_some() {
            return Ok(Vec::new());
        }
        // Nobody goes on with what is there, if anything is.
        self.rooms.drop_from_store(context, &one).await?;
        one.path = String::new();
        Ok(vec![Change::update(&one)])
    }

    /// Gives whether all of it is there.
    async fn take_file(
        &self,
        context: &StepContext,
        mut one: Stored<ObjectInStore>,
        file: File<'_>,
    ) -> Result<(Stored<ObjectInStore>, bool), StepError> {
        let call = context.call();
        let (is_short, checksum) = (file.body.is_short(), file.checksum.as_ref());
        let body = match file.part.from {
            0 => Peeked::new(&call, file.body).await?,
            _ => Peeked::unread(file.body),
        };
        let packing = packing(body.head());
        if let (None, Some(total)) = (packing, file.part.total) {
            // Who begins at the beginning, or sends another file, begins anew.
            if file.part.from == 0 || one.length_bytes != total {
                one.checkpoint = None;
            }
            one.length_bytes = total;
            return self.stream(context, one, (file.to, body, file.part), checksum).await;
        }
        // Its length is known only at its end.
        let source = Summed::new(body, checksum);
        let (spooled, source) = match packing {
            None => {
                let mut source = source;
                (self.rooms.spool(&call, &mut source).await, source)
            }
            Some(packing) => {
                let most = self.rooms.policy.images.max_virtual_bytes;
                let mut unpacked = Unpacked::new(source, packing, most);
                (self.rooms.spool(&call, &mut unpacked).await, unpacked.into_source())
            }
        };
        if is_short.load(Ordering::Acquire) {
            return Ok((one, false));
        }
        let Spooled { mut chunks, length_bytes } = spooled?;
        source.verify()?;
        if length_bytes == 0 {
            return Err(Failure::invalid("the file has no bytes; send another one").into());
        }
        one.length_bytes = length_bytes;
        let one = self.rooms.land(context, file.to, one, &mut chunks, None).await?;
        Ok((one, true))
    }

    /// Bytes as they are, straight to the driver.
    async fn stream(
        &self,
        context: &StepContext,
        mut one: Stored<ObjectInStore>,
        (to, mut body, part): (&StoreAccess<'_>, Peeked<Body>, Part),
        checksum: Option<&Checksum>,
    ) -> Result<(Stored<ObjectInStore>, bool), StepError> {
        let (call, total) = (context.call(), one.length_bytes);
        let resume = one.checkpoint.take().map(read_again);
        let there = self.rooms.make_place(context, to, &mut one).await?;
        let end = to.end(there);
        let mut sink = Sink::open(&call, &end, total, resume.clone()).await?;
        if part.from > sink.from() {
            // The client goes on where the writer does.
            sink = sink.without_digest();
        }
        let from = sink.from();
        if part.from > from {
            // What the client leaves out is not there.
            one.checkpoint = resume.filter(|one| one.token.offset == from).map(kept);
            return Ok((one, false));
        }
        body.source_mut().skip(&call, from - part.from).await?;
        let is_short = body.source().is_short();
        let mut keep = Keeping::new(&self.rooms, one, String::new(), resume);
        let source = Summed::new(body, checksum.filter(|_| from == 0));
        let mut chunks = Chunked::new(source, from);
        let filled = sink.fill(&call, &mut chunks, &mut keep).await;
        let Keeping { mut one, latest, .. } = keep;
        let received = match filled {
            Err(error) if is_short.load(Ordering::Acquire) && !call.is_cancelled() => {
                log::debug!("an upload waits for its rest: {error}");
                one.checkpoint = latest.map(kept);
                return Ok((one, false));
            }
            filled => filled?,
        };
        chunks.into_source().verify()?;
        let unchecked = checksum.filter(|_| from != 0);
        let one = self.rooms.landed(context, to, one, received, unchecked).await?;
        Ok((one, true))
    }

    async fn look(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let mut one = self.place(state).await?;
        // Only now: what was taken is durable.
        self.sessions.end(state.session, Some(arrived(&one, state.is_whole)));
        if !state.is_whole {
            return Ok(Vec::new());
        }
        one.state = one.state.next(ObjectInStoreEvent::CreateOnlyRequested)?;
        let mut template = self.rooms.find_template(one.object).await?;
        template.state = template.state.next(TemplateEvent::OperationSucceeded)?;
        let mut changes = self.rooms.look_into(context, template, one, "was uploaded").await?;
        changes.push(Change::Forget(RecordKind::Upload, state.upload));
        Ok(changes)
    }

    async fn drop_it(
        &self,
        context: &StepContext,
        state: &mut State,
    ) -> Result<Vec<Change>, StepError> {
        let one = self.place(state).await?;
        self.rooms.drop_from_store(context, &one).await?;
        Ok(Vec::new())
    }
}

/// A file on its way to a store.
struct File<'a> {
    to: &'a StoreAccess<'a>,
    body: Body,
    part: Part,
    checksum: Option<Checksum>,
}

/// How far an upload has come, by its record.
fn arrived(one: &ObjectInStore, is_whole: bool) -> Arrived {
    let arrived = progress(one);
    match is_whole {
        true => Arrived { offset: one.length_bytes, is_whole, ..arrived },
        false => arrived,
    }
}

fn kept(resume: Resume) -> Checkpoint {
    written_down(resume, String::new())
}
