//! A client: wishes by chance, sends with a token, believes only what is acknowledged.

mod learning;
mod requests;
mod wishes;

use self::requests::Unfulfilled;
use crate::chance::Chance;
use crate::model::{Model, Wish};
use crate::scene::Scene;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use storage_host::cli::client::Client as Api;
use tests::OrFail;

/// One client, with what it knows.
#[derive(Debug)]
pub(crate) struct Client {
    number: usize,
    chance: Chance,
    zone: String,
    /// An instance that never runs.
    instance: String,
    pools: Vec<(String, PathBuf)>,
    sources: PathBuf,
    pub(crate) model: Model,
    /// What was sent last and not answered: with its token.
    pending: Option<(Wish, String)>,
    made: u64,
    /// How often what was wished for.
    wished: BTreeMap<&'static str, u64>,
    /// How often what was done, by the kind of the wish.
    pub(crate) acknowledged: BTreeMap<&'static str, u64>,
    /// How often what was undone, by the reason, its ids left out.
    pub(crate) undone: BTreeMap<String, u64>,
}

impl Client {
    pub(crate) fn new(number: usize, chance: Chance, scene: &Scene) -> Self {
        Self {
            number,
            chance,
            zone: scene.zone.clone(),
            instance: scene.new_instance(&format!("crash-{number}")),
            pools: scene.pools.clone(),
            sources: scene.sources.clone(),
            model: Model::default(),
            pending: None,
            made: 0,
            wished: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            undone: BTreeMap::new(),
        }
    }

    /// Works until the host is gone, or it is told to stop.
    pub(crate) fn work(&mut self, data_dir: &Path, stop: &AtomicBool) {
        let Ok(api) = Api::discover(data_dir) else {
            return;
        };
        while !stop.load(Ordering::Relaxed) {
            let wish = self.wish();
            let token = self.chance.word();
            self.pending = Some((wish.clone(), token.clone()));
            if !self.fulfil(&api, wish, &token) {
                return;
            }
        }
    }

    /// Sends again what had no answer, and waits for its end.
    pub(crate) fn settle(&mut self, data_dir: &Path) {
        let Some((wish, token)) = self.pending.clone() else {
            return;
        };
        let api = Api::discover(data_dir).or_fail("find the host");
        assert!(self.fulfil(&api, wish, &token), "the host went away, and nobody had killed it");
    }

    /// `false` where the host was gone before it answered.
    fn fulfil(&mut self, api: &Api, wish: Wish, token: &str) -> bool {
        match self.send(api, &wish, token) {
            Err(Unfulfilled::Unknown) => return false,
            Err(Unfulfilled::Undone(why)) => {
                let why = without_ids(&why);
                *self.undone.entry(why).or_default() += 1;
            }
            Ok(object) => {
                *self.acknowledged.entry(wish.kind()).or_default() += 1;
                self.learn(api, wish, object);
            }
        }
        self.pending = None;
        true
    }
}

/// A text with each uuid, number and path as dots, so that equal reasons are counted as one.
fn without_ids(text: &str) -> String {
    let is_name = |word: &&str| word.contains(char::is_numeric) || word.contains('/');
    let words = text.split(' ').map(|word| if is_name(&word) { "…" } else { word });
    words.collect::<Vec<_>>().join(" ")
}
