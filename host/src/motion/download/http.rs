//! A source on a web server: its bytes in order, over as many connections as that takes.
//!
//! **Invariant:** bytes of two versions of a source never follow each other. Where it is not proven
//! that a source is still the same, its download does not go on.

use super::connect::Connector;
use super::identity::SourceIdentity;
use super::request::{Answer, AnswerKind, ask};
use super::settings::DownloadRequest;
use crate::motion::wait::{pause, within};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use std::sync::Arc;
use std::time::Duration;
use storage_plugin_api::{CHUNK_BYTES, CallContext, PluginError, PluginResult, Retry};

/// The longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_secs(30);

pub(super) struct HttpSource {
    connector: Arc<Connector>,
    request: DownloadRequest,
    identity: SourceIdentity,
    /// The first byte that the server has not sent yet.
    at: u64,
    /// What came and was not handed on.
    buffer: BytesMut,
    body: Option<Incoming>,
    /// Bytes of the body that were handed on before: the server knows no ranges.
    skip: u64,
    /// Failures in a row, without a byte in between.
    failures: u32,
    /// Why the last connection ended.
    last: Option<PluginError>,
    is_at_end: bool,
}

impl HttpSource {
    pub(super) async fn open(
        connector: Arc<Connector>,
        call: &CallContext,
        request: DownloadRequest,
    ) -> PluginResult<Self> {
        let (at, identity) = request.resume.clone().unwrap_or_default();
        let mut this = Self {
            connector,
            request,
            identity,
            at,
            buffer: BytesMut::new(),
            body: None,
            skip: 0,
            failures: 0,
            last: None,
            is_at_end: false,
        };
        while this.body.is_none() && !this.is_at_end {
            this.connect(call).await?;
        }
        Ok(this)
    }

    pub(super) fn identity(&self) -> &SourceIdentity {
        &self.identity
    }

    /// The first byte that was not handed on yet.
    pub(super) fn offset(&self) -> u64 {
        self.at - self.buffer.len() as u64
    }

    /// The next bytes: up to the next whole mebibyte of the source.
    pub(super) async fn next(&mut self, call: &CallContext) -> PluginResult<Option<Bytes>> {
        loop {
            let wanted = CHUNK_BYTES - (self.offset() % CHUNK_BYTES as u64) as usize;
            if self.buffer.len() >= wanted {
                return Ok(Some(self.buffer.split_to(wanted).freeze()));
            }
            if self.is_at_end {
                let rest = self.buffer.split().freeze();
                return Ok((!rest.is_empty()).then_some(rest));
            }
            match self.body.as_mut() {
                None => self.connect(call).await?,
                Some(_) => self.receive(call).await?,
            }
        }
    }

    /// Asks for the rest. What passes is tried again here; what does not is the error.
    async fn connect(&mut self, call: &CallContext) -> PluginResult<()> {
        if self.at > 0 && self.identity.validator().is_none() {
            return Err(self.unproven("it has neither a strong ETag nor Last-Modified"));
        }
        let answer = ask(&self.connector, call, &self.request, self.at, &self.identity).await;
        match answer {
            Ok(answer) => self.begin(answer),
            Err(error) => self.fail(call, error).await,
        }
    }

    /// Takes an answer, if it goes on where the last one ended.
    fn begin(&mut self, answer: Answer) -> PluginResult<()> {
        if self.at > 0
            && let Some(difference) = self.identity.difference(&answer.identity)
        {
            return Err(self.changed(&difference));
        }
        match answer.kind {
            AnswerKind::NothingThere => return self.is_end(&answer.identity),
            AnswerKind::From(from) if from != self.at => {
                return Err(self.unproven(&format!(
                    "it was asked for the bytes from {} on and sends those from {from} on",
                    self.at
                )));
            }
            // The end of a part is the end of the file only if it says so.
            AnswerKind::From(_)
                if self.identity.length.is_none() && answer.identity.length.is_none() =>
            {
                return Err(self.unproven("it sends a part and does not say of how many bytes"));
            }
            AnswerKind::From(_) => self.skip = 0,
            // No ranges, or not the same any more: the server does not say which.
            AnswerKind::Whole if self.at > 0 && !self.identity.is_proven(&answer.identity) => {
                return Err(self.unproven(
                    "it sends all of itself, and nothing that proves it to be the same",
                ));
            }
            AnswerKind::Whole => self.skip = self.at,
        }
        if self.at == 0 {
            self.identity = answer.identity;
        } else if self.identity.length.is_none() {
            self.identity.length = answer.identity.length;
        }
        self.request.check_size(self.identity.length.unwrap_or(0))?;
        self.body = Some(answer.body);
        Ok(())
    }

    /// The server has nothing behind what came. That is the end if it says so.
    fn is_end(&mut self, now: &SourceIdentity) -> PluginResult<()> {
        let length = self.identity.length.or(now.length);
        if length == Some(self.at) {
            self.is_at_end = true;
            return Ok(());
        }
        Err(PluginError::corrupt(format!(
            "{} said that it has {} bytes, and has none behind the first {}: it is cut off",
            self.request.url,
            length.map_or_else(|| "more".to_owned(), |length| length.to_string()),
            self.at
        )))
    }

    /// Takes what comes next on the connection.
    async fn receive(&mut self, call: &CallContext) -> PluginResult<()> {
        let Some(body) = self.body.as_mut() else {
            return Ok(());
        };
        let window = self.connector.settings.window;
        let url = &self.request.url;
        let late = || PluginError::timeout(format!("{url} sent nothing for {window:?}"));
        match within(call, window, late, body.frame()).await {
            Ok(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => self.take(data),
                // Trailers: nothing of the file.
                Err(_) => Ok(()),
            },
            Ok(None) => self.end_of_body(),
            Ok(Some(Err(error))) => {
                let broken =
                    PluginError::unavailable(format!("{url} broke off after {} bytes", self.at))
                        .caused_by(&error);
                self.fail(call, broken).await
            }
            Err(error) => self.fail(call, error).await,
        }
    }

    fn take(&mut self, mut data: Bytes) -> PluginResult<()> {
        let skipped = self.skip.min(data.len() as u64);
        self.skip -= skipped;
        drop(data.split_to(skipped as usize));
        if data.is_empty() {
            return Ok(());
        }
        self.failures = 0;
        self.at += data.len() as u64;
        self.request.check_size(self.at)?;
        if self.buffer.is_empty() {
            self.buffer.reserve(CHUNK_BYTES.max(data.len()));
        }
        self.buffer.extend_from_slice(&data);
        Ok(())
    }

    fn end_of_body(&mut self) -> PluginResult<()> {
        self.body = None;
        match self.identity.length {
            Some(length) if self.at != length => Err(PluginError::corrupt(format!(
                "{} said that it has {length} bytes, and sent {}",
                self.request.url, self.at
            ))),
            _ if self.skip > 0 => Err(self.changed("it is shorter than what was read of it")),
            _ => {
                self.is_at_end = true;
                Ok(())
            }
        }
    }

    /// Waits before the next attempt, if there is one.
    async fn fail(&mut self, call: &CallContext, error: PluginError) -> PluginResult<()> {
        self.body = None;
        let settings = &self.connector.settings;
        let Retry::Later { after } = error.retry_hint() else {
            return Err(error);
        };
        self.failures += 1;
        if self.failures >= settings.attempts {
            return Err(error.retry(Retry::Exhausted).with("attempts", self.failures));
        }
        let doubled = settings.pause.saturating_mul(1 << (self.failures - 1).min(16));
        self.last = Some(error);
        pause(call, after.unwrap_or(doubled.min(MAX_PAUSE))).await
    }

    fn changed(&self, how: &str) -> PluginError {
        PluginError::conflict(format!(
            "{} changed while it was downloaded: {how}; the download has to begin anew",
            self.request.url
        ))
    }

    fn unproven(&self, why: &str) -> PluginError {
        let error = PluginError::conflict(format!(
            "{} cannot be read on from byte {}: {why}; the download has to begin anew",
            self.request.url, self.at
        ));
        match &self.last {
            Some(last) => error.caused_by(last),
            None => error,
        }
    }
}
