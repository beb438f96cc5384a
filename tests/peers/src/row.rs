//! A row: one piece of work, and who does it.

use serde::Serialize;

use crate::measure::{Entry, Race, counted};

pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) entry: Entry,
}

/// The first peer is ours.
pub(crate) struct Row {
    pub(crate) work: String,
    /// Length of the message.
    pub(crate) bytes: Option<usize>,
    pub(crate) peers: Vec<Peer>,
    /// At most this share of that peer's time.
    pub(crate) target: Option<(&'static str, f64)>,
}

/// What became of a row.
#[derive(Serialize)]
pub(crate) struct Measured {
    pub(crate) work: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<usize>,
    pub(crate) peers: Vec<Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<Target>,
    /// Whether no peer was faster.
    pub(crate) first: bool,
}

#[derive(Serialize)]
pub(crate) struct Outcome {
    pub(crate) peer: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nanoseconds: Option<f64>,
    /// Its time by ours: above 1 it is slower.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fails: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) differs: Option<&'static str>,
}

#[derive(Serialize)]
pub(crate) struct Target {
    pub(crate) peer: &'static str,
    pub(crate) at_most: f64,
    /// Our time by that peer's.
    pub(crate) reached: f64,
    pub(crate) met: bool,
}

impl Row {
    pub(crate) fn repeat(self, times: u32) {
        for peer in self.peers {
            if let Entry::Works(mut job) | Entry::Differs(mut job, _) = peer.entry {
                println!("{}\t{}", self.work, peer.name);
                job(1);
                counted(&mut job, times);
            }
        }
    }

    pub(crate) fn line_up(self) -> Running {
        let mut jobs = Vec::new();
        let mut places = Vec::new();
        for Peer { name, entry } in self.peers {
            let (job, fails, differs) = match entry {
                Entry::Works(job) => (Some(job), None, None),
                Entry::Differs(job, difference) => (Some(job), None, Some(difference)),
                Entry::Fails(why) => (None, Some(why), None),
            };
            let place = job.map(|job| {
                jobs.push(job);
                jobs.len() - 1
            });
            places.push(Place {
                peer: name,
                place,
                fails,
                differs,
            });
        }
        Running {
            race: Race::between(jobs),
            places,
            work: self.work,
            bytes: self.bytes,
            target: self.target,
        }
    }
}

/// A row that is being measured.
pub(crate) struct Running {
    pub(crate) race: Race,
    places: Vec<Place>,
    work: String,
    bytes: Option<usize>,
    target: Option<(&'static str, f64)>,
}

struct Place {
    peer: &'static str,
    /// Among those that run.
    place: Option<usize>,
    fails: Option<String>,
    differs: Option<&'static str>,
}

impl Running {
    pub(crate) fn finish(self) -> Measured {
        let timed = self.race.times();
        let outcomes = self.places.into_iter().map(|one| {
            let timed = one.place.and_then(|place| timed.get(place));
            Outcome {
                peer: one.peer,
                nanoseconds: timed.map(|t| t.nanoseconds),
                ratio: timed.map(|t| t.ratio),
                fails: one.fails,
                differs: one.differs,
            }
        });
        let peers: Vec<Outcome> = outcomes.collect();
        let ratio_of = |name| peers.iter().find(|p| p.peer == name).and_then(|p| p.ratio);
        let target = self.target.and_then(|(peer, at_most)| {
            let reached = 1.0 / ratio_of(peer)?;
            Some(Target {
                peer,
                at_most,
                reached,
                met: reached <= at_most,
            })
        });
        Measured {
            first: peers.iter().all(|p| p.ratio.is_none_or(|r| r >= 1.0)),
            work: self.work,
            bytes: self.bytes,
            target,
            peers,
        }
    }
}
