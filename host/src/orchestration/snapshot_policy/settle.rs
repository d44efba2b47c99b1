//! After a run: snapshots go where the policy wants them, and the oldest go away.
//!
//! What it is not: a step of a flow. It looks at what is there and begins the next thing, each time
//! something ended, so that it goes on after whatever came between: a crash, a full store, a
//! snapshot that somebody uses.

use super::run::{RUN_ERROR, RUN_WARN, SYSTEM};
use super::{AFTER_A_FAILURE, event, may_do_next_round};
use crate::model::{
    EventLevel, Failure, Kept, ObjectInStore, ObjectInStoreState, Retention, Snapshot,
    SnapshotPolicy, SnapshotState, Stored,
};
use crate::orchestration::request::{RequestContext, Started};
use crate::store::{Change, Filter};
use storage_plugin_api::{DataStoreRole, PluginErrorKind};
use uuid::Uuid;

/// What a policy's snapshot still needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// To be copied to an image store of its zone, and to leave its pool then or not.
    BackUp { archive: bool },
    /// To be copied to another zone.
    CopyTo(Uuid),
    /// To go: others are newer.
    Delete,
    /// Nothing but time: something is on its way.
    Time,
}

impl super::SnapshotPolicies {
    /// Begins what the snapshots of policies need next.
    ///
    /// # Errors
    /// The store's. What cannot be begun is told in the policy's backlog, and tried again later.
    pub async fn settle(&self, now_us: i64) -> Result<Vec<Started>, Failure> {
        let filter = Filter { states: vec!["Unsettled"], ..Filter::default() };
        let mut begun = Vec::new();
        for policy in self.list(&filter).await? {
            begun.extend(self.settle_one(policy, now_us).await?);
        }
        Ok(begun)
    }

    async fn settle_one(
        &self,
        mut policy: Stored<SnapshotPolicy>,
        now_us: i64,
    ) -> Result<Vec<Started>, Failure> {
        let mut snapshots = self.rooms.snapshots_of(policy.volume).await?;
        snapshots.retain(|one| one.policy.is_some_and(|run| run.policy == policy.uuid));
        let needs = self.needs(&policy, &snapshots).await?;
        if needs.is_empty() {
            policy.is_settled = true;
            policy.backlog = None;
            self.write(vec![Change::update(&policy)]).await?;
            return Ok(Vec::new());
        }
        // Backups go one after the other, the oldest first: the next one begins with its bytes.
        let mut round = Round { moves: needs.iter().any(is_moving), ..Round::default() };
        for (snapshot, need) in needs.into_iter().filter(|(_, need)| *need != Need::Time) {
            let is_left_alone = is_left_alone(snapshot, now_us);
            if is_left_alone || (need.moves() && round.moves) {
                round.is_open |= is_left_alone || !round.began_to_move;
                continue;
            }
            match self.begin_need(snapshot.uuid, need).await {
                Ok(Some(started)) => round.began(need, started),
                Ok(None) => {}
                // Somebody has done it.
                Err(failure) if failure.kind == PluginErrorKind::AlreadyExists => {
                    log::info!("snapshot {:?} needs nothing: {failure}", snapshot.name);
                }
                Err(failure) if may_do_next_round(&failure) => {
                    let doing = need.doing();
                    let told =
                        format!("snapshot {:?} waits to be {doing}: {failure}", snapshot.name);
                    round.trouble.get_or_insert((RUN_WARN, told));
                }
                Err(failure) => {
                    let told = self.troubled(snapshot, need, &failure).await?;
                    round.trouble.get_or_insert((RUN_ERROR, told));
                }
            }
        }
        self.tell(policy, &round).await?;
        Ok(round.begun)
    }

    /// What each snapshot needs, the oldest first; nothing of those that are as they are to be.
    async fn needs<'a>(
        &self,
        policy: &SnapshotPolicy,
        snapshots: &'a [Stored<Snapshot>],
    ) -> Result<Vec<(&'a Stored<Snapshot>, Need)>, Failure> {
        let (mut needs, mut there) = (Vec::new(), Vec::new());
        for snapshot in snapshots {
            if snapshot.state != SnapshotState::BackedUp {
                needs.push((snapshot, Need::Time));
                continue;
            }
            let places = self.rooms.places_of(snapshot.uuid).await?;
            there.push((snapshot, need_of(policy, snapshot, &places)));
        }
        let kept: Vec<_> = there.iter().map(|(snapshot, need)| kept(snapshot, *need)).collect();
        let surplus = retention(policy).surplus(&kept);
        for (place, (snapshot, need)) in there.into_iter().enumerate() {
            match need {
                _ if surplus.contains(&place) => needs.push((snapshot, Need::Delete)),
                Some(need) => needs.push((snapshot, need)),
                None => {}
            }
        }
        Ok(needs)
    }

    async fn begin_need(&self, snapshot: Uuid, need: Need) -> Result<Option<Started>, Failure> {
        let request = RequestContext::system("runSnapshotPolicy");
        let snapshots = &self.snapshots;
        let started = match need {
            Need::Time => return Ok(None),
            Need::BackUp { archive } => snapshots.back_up(&request, snapshot, archive).await?,
            Need::CopyTo(zone) => snapshots.copy(&request, snapshot, zone).await?,
            Need::Delete => snapshots.delete(&request, snapshot).await?,
        };
        self.wake_after(started);
        Ok(Some(started))
    }

    /// What was refused is told where people look: by the snapshot, and, as this returns it, by the
    /// policy.
    async fn troubled(
        &self,
        snapshot: &Stored<Snapshot>,
        need: Need,
        failure: &Failure,
    ) -> Result<String, Failure> {
        let note = format!("it cannot be {}: {failure}", need.doing());
        let told = format!("snapshot {:?}: {note}", snapshot.name);
        let mut snapshot = snapshot.clone();
        snapshot.note = Some(note);
        self.write(vec![Change::update(&snapshot)]).await?;
        Ok(told)
    }

    /// Keeps in the policy's backlog what holds its snapshots up: told once, until it goes on.
    async fn tell(&self, mut policy: Stored<SnapshotPolicy>, round: &Round) -> Result<(), Failure> {
        match &round.trouble {
            Some((level, told)) if policy.backlog.is_none() => {
                let event = event(*level, SYSTEM, policy.uuid, told.clone());
                policy.backlog = Some(told.clone());
                self.write(vec![Change::update(&policy), event]).await
            }
            None if policy.backlog.is_some() && round.goes_on() => {
                policy.backlog = None;
                self.write(vec![Change::update(&policy)]).await
            }
            _ => Ok(()),
        }
    }
}

/// What came of a look at the snapshots of a policy.
#[derive(Debug, Default)]
struct Round {
    begun: Vec<Started>,
    /// Bytes of one of them are on their way.
    moves: bool,
    began_to_move: bool,
    /// One was not tried for another reason than that its turn comes.
    is_open: bool,
    /// The first that could not be begun.
    trouble: Option<((&'static str, EventLevel), String)>,
}

impl Round {
    fn began(&mut self, need: Need, started: Started) {
        self.begun.push(started);
        self.moves |= need.moves();
        self.began_to_move |= need.moves();
    }

    /// Whether nothing of what was in the way is there any more.
    fn goes_on(&self) -> bool {
        !self.begun.is_empty() && !self.is_open && self.trouble.is_none()
    }
}

impl Need {
    /// Whether bytes go to an image store for it.
    const fn moves(self) -> bool {
        matches!(self, Self::BackUp { .. } | Self::CopyTo(_))
    }

    const fn doing(self) -> &'static str {
        match self {
            Self::BackUp { .. } => "backed up",
            Self::CopyTo(_) => "copied to another zone",
            Self::Delete | Self::Time => "deleted",
        }
    }
}

/// What a snapshot needs to be where its policy wants it.
fn need_of(
    policy: &SnapshotPolicy,
    snapshot: &Snapshot,
    places: &[Stored<ObjectInStore>],
) -> Option<Need> {
    if !policy.backup {
        return None;
    }
    let images = || places.iter().filter(|one| one.role == DataStoreRole::Image);
    if images().any(|one| one.state != ObjectInStoreState::Ready) {
        return Some(Need::Time);
    }
    let is_in = |zone| images().any(|one| one.zone.is_none_or(|other| other == zone));
    let others = policy.copy_to_zones.iter().copied();
    if images().next().is_none() {
        // It leaves its pool at once where nothing else is to be made of it.
        let archive = policy.archive && policy.copy_to_zones.is_empty();
        return snapshot.on_primary.then_some(Need::BackUp { archive });
    }
    let missing = others.into_iter().find(|zone| !is_in(*zone));
    missing.map(Need::CopyTo).or_else(|| {
        (policy.archive && snapshot.on_primary).then_some(Need::BackUp { archive: true })
    })
}

fn kept(snapshot: &Snapshot, need: Option<Need>) -> Kept {
    let due_us = snapshot.policy.map_or(i64::MAX, |run| run.due_us);
    Kept { due_us, is_complete: need.is_none() }
}

fn retention(policy: &SnapshotPolicy) -> Retention {
    let in_us =
        |seconds: u64| i64::try_from(seconds).map_or(i64::MAX, |it| it.saturating_mul(1_000_000));
    Retention {
        count: policy.max_snapshots as usize,
        age_us: policy.max_age_seconds.map(in_us),
        last_due_us: policy.last_due_us,
    }
}

/// One that was refused has its reason in its note, and is not asked again at once.
fn is_left_alone(snapshot: &Stored<Snapshot>, now_us: i64) -> bool {
    let wait = i64::try_from(AFTER_A_FAILURE.as_micros()).unwrap_or(i64::MAX);
    // A clock that was set back leaves nothing alone for ever.
    let age = now_us.saturating_sub(snapshot.updated_us);
    snapshot.note.is_some() && (-wait..wait).contains(&age)
}

/// Whether bytes of a snapshot are on their way to an image store.
fn is_moving((snapshot, need): &(&Stored<Snapshot>, Need)) -> bool {
    let is_there = snapshot.state == SnapshotState::BackedUp;
    *need == Need::Time && (is_there || snapshot.state == SnapshotState::BackingUp)
}
