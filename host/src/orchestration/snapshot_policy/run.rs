//! A policy is due: its snapshot begins, or it is told why not.

use super::{event, may_do_next_round};
use crate::model::{EventLevel, Failure, PolicyRun, SnapshotPolicy, Stored, Volume, VolumeState};
use crate::orchestration::request::{RequestContext, Started};
use crate::store::{Change, Filter, now_us};
use storage_plugin_api::PluginErrorKind;
use uuid::Uuid;

/// How far a clock is set back in earnest. A policy whose last moment lies further in the future
/// met a clock that was wrong; it would be waiting for that moment to come again. No more than the
/// shortest interval: so long a gap would be seen by nobody.
const SET_BACK_US: i64 = 3600 * 1_000_000;

impl super::SnapshotPolicies {
    /// Begins the snapshot of a policy now, whenever it is due (`runSnapshotPolicy`): what it does
    /// by itself, to be seen at once.
    ///
    /// # Errors
    /// As [`Snapshots::create`](crate::orchestration::snapshot::Snapshots::create).
    pub async fn run(&self, request: &RequestContext, uuid: Uuid) -> Result<Started, Failure> {
        loop {
            let policy = self.find(uuid).await?;
            let version = policy.version;
            // Never a moment that was there, whatever the clock says.
            let due_us = now_us().max(policy.last_due_us.saturating_add(1));
            match self.begin(request, policy, due_us).await {
                // The host settled it at this moment: that is no reason to turn anybody away.
                Err(failure)
                    if failure.kind == PluginErrorKind::Conflict
                        && self.find(uuid).await?.version != version => {}
                begun => return begun,
            }
        }
    }

    /// Begins the snapshot of every policy that is due at a moment.
    ///
    /// # Errors
    /// The store's. A policy whose volume somebody else has is left to the next round; one that
    /// cannot take its snapshot keeps the reason in its note, and waits for its next moment.
    pub async fn run_due(&self, now_us: i64) -> Result<Vec<Started>, Failure> {
        let mut begun = Vec::new();
        for policy in self.list(&Filter::default()).await? {
            let policy = match policy.last_due_us > now_us.saturating_add(SET_BACK_US) {
                false => policy,
                true => self.set_back(policy, now_us).await?,
            };
            match policy.schedule.due(policy.last_due_us, now_us) {
                Ok(None) => {}
                Ok(Some(due_us)) => begun.extend(self.run_one(policy, due_us).await?),
                // Where there is no next moment, there is none to wait for.
                Err(failure) if policy.note.is_none() => {
                    self.fails(policy, None, &failure).await?;
                }
                Err(_) => {}
            }
        }
        Ok(begun)
    }

    async fn run_one(
        &self,
        policy: Stored<SnapshotPolicy>,
        due_us: i64,
    ) -> Result<Option<Started>, Failure> {
        let volume = self.rooms.repository.find::<Volume>(policy.volume).await?;
        // A destroyed volume has none taken; should it come back, its policy goes on.
        if volume.is_none_or(|volume| volume.state == VolumeState::Destroy) {
            return Ok(None);
        }
        // The clock was wrong for a while, and this moment came before.
        if self.has_run(&policy, due_us).await? {
            let mut policy = policy;
            policy.last_due_us = due_us;
            self.write(vec![Change::update(&policy)]).await?;
            return Ok(None);
        }
        let request = RequestContext::system("runSnapshotPolicy");
        match self.begin(&request, policy.clone(), due_us).await {
            Ok(started) => return Ok(Some(started)),
            Err(failure) if may_do_next_round(&failure) => self.waits(policy, &failure).await?,
            Err(failure) => self.fails(policy, Some(due_us), &failure).await?,
        }
        Ok(None)
    }

    /// Begins the snapshot of a moment, and moves the policy on to it, in one transaction.
    async fn begin(
        &self,
        request: &RequestContext,
        mut policy: Stored<SnapshotPolicy>,
        due_us: i64,
    ) -> Result<Started, Failure> {
        policy.last_due_us = due_us;
        policy.is_settled = false;
        let run = PolicyRun { policy: policy.uuid, due_us };
        let moves_on = Change::update(&policy);
        let started = self.snapshots.create_for(request, &policy, run, moves_on).await?;
        self.wake_after(started);
        Ok(started)
    }

    async fn has_run(&self, policy: &SnapshotPolicy, due_us: i64) -> Result<bool, Failure> {
        let run = PolicyRun { policy: policy.uuid, due_us };
        let snapshots = self.rooms.snapshots_of(policy.volume).await?;
        Ok(snapshots.iter().any(|snapshot| snapshot.policy == Some(run)))
    }

    async fn set_back(
        &self,
        mut policy: Stored<SnapshotPolicy>,
        now_us: i64,
    ) -> Result<Stored<SnapshotPolicy>, Failure> {
        let seconds = policy.last_due_us.saturating_sub(now_us) / 1_000_000;
        let note = format!(
            "its last snapshot is of a moment {seconds} s from now: the clock was ahead then, or is \
             behind now; it goes on from now (see whether the clock is right)"
        );
        let told = event(RUN_WARN, SYSTEM, policy.uuid, note.clone());
        policy.note = Some(note);
        policy.last_due_us = now_us;
        self.write(vec![Change::update(&policy), told]).await?;
        let uuid = policy.uuid;
        Ok(self.rooms.repository.find(uuid).await?.unwrap_or(policy))
    }

    /// Told once, until it is over.
    async fn waits(
        &self,
        mut policy: Stored<SnapshotPolicy>,
        failure: &Failure,
    ) -> Result<(), Failure> {
        if policy.note.as_ref().is_some_and(|note| note.starts_with(WAITS)) {
            return Ok(());
        }
        let note = format!("{WAITS}: {failure}");
        let told = event(RUN_WARN, SYSTEM, policy.uuid, note.clone());
        policy.note = Some(note);
        self.write(vec![Change::update(&policy), told]).await
    }

    async fn fails(
        &self,
        mut policy: Stored<SnapshotPolicy>,
        due_us: Option<i64>,
        failure: &Failure,
    ) -> Result<(), Failure> {
        missed(&mut policy, failure);
        policy.last_due_us = due_us.unwrap_or(policy.last_due_us);
        let told = policy.note.clone().unwrap_or_default();
        let told = event(RUN_ERROR, SYSTEM, policy.uuid, told);
        self.write(vec![Change::update(&policy), told]).await
    }
}

/// What the note of a policy begins with while its snapshot waits.
const WAITS: &str = "its snapshot is due, and waits";
pub(super) const RUN_WARN: (&str, EventLevel) = ("SNAPSHOTPOLICY.RUN", EventLevel::Warn);
pub(super) const RUN_ERROR: (&str, EventLevel) = ("SNAPSHOTPOLICY.RUN", EventLevel::Error);
pub(super) const SYSTEM: &str = "system";

/// A moment went by without its snapshot.
fn missed(policy: &mut SnapshotPolicy, failure: &Failure) {
    policy.failed_runs = policy.failed_runs.saturating_add(1);
    policy.note = Some(format!("its last snapshot was not taken: {failure}"));
}

impl crate::orchestration::rooms::Rooms {
    /// What a snapshot that was taken means for its policy, if that is there still.
    pub(in crate::orchestration) async fn policy_succeeded(
        &self,
        run: Option<Uuid>,
    ) -> Result<Option<Change>, Failure> {
        let Some(mut policy) = self.policy_of_run(run).await? else {
            return Ok(None);
        };
        if policy.failed_runs == 0 && policy.note.is_none() {
            return Ok(None);
        }
        policy.failed_runs = 0;
        policy.note = None;
        Ok(Some(Change::update(&policy)))
    }

    /// What a snapshot that was not taken means for its policy.
    pub(in crate::orchestration) async fn policy_failed(
        &self,
        run: Option<Uuid>,
        why: Option<&Failure>,
    ) -> Result<Vec<Change>, Failure> {
        let Some(mut policy) = self.policy_of_run(run).await? else {
            return Ok(Vec::new());
        };
        let cancelled = Failure::conflict("it was undone");
        missed(&mut policy, why.unwrap_or(&cancelled));
        let told = policy.note.clone().unwrap_or_default();
        Ok(vec![Change::update(&policy), event(RUN_ERROR, SYSTEM, policy.uuid, told)])
    }

    async fn policy_of_run(
        &self,
        run: Option<Uuid>,
    ) -> Result<Option<Stored<SnapshotPolicy>>, Failure> {
        match run {
            None => Ok(None),
            Some(uuid) => Ok(self.repository.find::<SnapshotPolicy>(uuid).await?),
        }
    }
}
