//! Who sends the same commands to the same card: bare PC/SC, the agent's transport, the agent.
//!
//! They take turns, a batch each, so that whatever else the machine does disturbs all alike. A card
//! is held by one at a time; taking it is not counted.

use std::{
    ffi::CString,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use keysteward_agent::transport::pcsc::{PcscCard, Service};
use keysteward_core::iso7816::CardTransport as _;
use keysteward_proto::agent::v1 as proto;
use pcsc::{Card, Context, Disposition, Protocols, Scope, ShareMode};
use proto::card_lease_request::Request as Asked;
use tokio::runtime::Runtime;

use super::{super::times::Times, at_agent::AtAgent};

/// What is to be done.
pub(super) struct Work {
    /// The commands, as the agent sends them.
    pub(super) commands: Vec<Vec<u8>>,
    /// What the agent is asked for, so that it does.
    pub(super) asked: Ask,
}

/// A request to the agent.
pub(super) enum Ask {
    /// The one command, as it is.
    Raw,
    Step(Box<Asked>),
}

/// One who does `W`.
pub(super) trait Contender<W> {
    /// Does it `count` times, with the card held; how long each took.
    fn batch(&mut self, work: &W, count: usize) -> Result<Vec<Duration>>;
}

/// How long each took, round by round.
pub(super) struct Turns<const N: usize>(Vec<[Vec<Duration>; N]>);

impl<const N: usize> Turns<N> {
    /// Over all rounds.
    pub(super) fn times(&self) -> [Times; N] {
        std::array::from_fn(|who| {
            let took = self.0.iter().flat_map(|round| &round[who]);
            Times::of(took.copied().collect())
        })
    }

    /// What `compare` makes of a round's medians, in milliseconds; of the middle one of all rounds.
    /// What else the machine does disturbs a round and all who have their turns in it.
    pub(super) fn compared(&self, compare: impl Fn([f64; N]) -> f64) -> f64 {
        let medians = |round: &[Vec<Duration>; N]| {
            std::array::from_fn(|who| Times::of(round[who].clone()).p50_ms)
        };
        let mut all: Vec<f64> = self.0.iter().map(|round| compare(medians(round))).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    }
}

/// Has them do the same in turn, `rounds` batches each (one at least) after one that is not counted.
pub(super) fn in_turn<W, const N: usize>(
    contenders: [&mut dyn Contender<W>; N],
    work: &W,
    rounds: usize,
) -> Result<Turns<N>> {
    let mut turns = Vec::with_capacity(rounds);
    for round in 0..=rounds {
        let mut took: [Vec<Duration>; N] = std::array::from_fn(|_| Vec::new());
        // Each goes first as often as the others.
        for turn in 0..N {
            let who = (turn + round) % N;
            took[who] = contenders[who].batch(work, BATCH)?;
        }
        if round > 0 {
            turns.push(took);
        }
    }
    Ok(Turns(turns))
}

/// The crate that the agent uses, and nothing around it.
pub(super) struct Bare {
    card: Card,
}

impl Bare {
    pub(super) fn at(reader: &str) -> Result<Self> {
        let context = Context::establish(Scope::User)?;
        let reader = CString::new(reader)?;
        Ok(Self {
            card: context.connect(&reader, ShareMode::Shared, Protocols::ANY)?,
        })
    }
}

impl Contender<Work> for Bare {
    fn batch(&mut self, work: &Work, count: usize) -> Result<Vec<Duration>> {
        // The agent has the card reset when a lease ends in which it was shown a secret.
        self.card
            .reconnect(ShareMode::Shared, Protocols::ANY, Disposition::LeaveCard)?;
        let transaction = self.card.transaction()?;
        let mut room = vec![0; ROOM];
        let took = timed(count, || {
            for command in &work.commands {
                let answer = transaction.transmit(command, &mut room)?;
                ensure!(answer.len() >= 2, "no answer");
            }
            Ok(())
        });
        transaction
            .end(Disposition::LeaveCard)
            .map_err(|(_, error)| error)?;
        took
    }
}

/// The agent's lowest layer, in this process.
pub(super) struct Transport {
    card: Option<PcscCard>,
}

impl Transport {
    pub(super) fn at(reader: &str) -> Result<Self> {
        Ok(Self {
            card: Some(open(reader)?),
        })
    }
}

/// The card at `reader`, connected to as the agent does.
pub(super) fn open(reader: &str) -> Result<PcscCard> {
    let service = Service::connect()?;
    let readers = service.readers()?;
    let reader = readers
        .iter()
        .find(|one| one.name() == reader)
        .with_context(|| format!("no reader {reader}"))?;
    Ok(service.open(reader)?)
}

impl Contender<Work> for Transport {
    fn batch(&mut self, work: &Work, count: usize) -> Result<Vec<Duration>> {
        let mut link = self.card.take().context("the card was lost")?.hold()?;
        let mut room = vec![0; ROOM];
        let took = timed(count, || {
            for command in &work.commands {
                let answer = link.transmit(command, &mut room)?;
                ensure!(answer.len() >= 2, "no answer");
            }
            Ok(())
        });
        self.card = Some(link.release());
        took
    }
}

/// The agent, asked over its local socket.
pub(super) struct ThroughAgent<'r> {
    pub(super) runtime: &'r Runtime,
    pub(super) agent: AtAgent,
    pub(super) presence_id: String,
}

impl Contender<Work> for ThroughAgent<'_> {
    fn batch(&mut self, work: &Work, count: usize) -> Result<Vec<Duration>> {
        let Self {
            runtime,
            agent,
            presence_id,
        } = self;
        let command = work.commands.first().context("nothing to send")?;
        runtime.block_on(async {
            let mut lease = agent.lease(presence_id).await?;
            let mut took = Vec::with_capacity(count);
            // The first takes the card, and is not counted.
            for each in 0..=count {
                let asked = match &work.asked {
                    Ask::Raw => agent.raw(command),
                    Ask::Step(step) => step.as_ref().clone(),
                };
                let begun = Instant::now();
                lease.succeed(asked).await?;
                if each > 0 {
                    took.push(begun.elapsed());
                }
            }
            lease.close().await?;
            Ok(took)
        })
    }
}

pub(super) fn timed(count: usize, mut work: impl FnMut() -> Result<()>) -> Result<Vec<Duration>> {
    // As the agent: the first is not counted.
    work()?;
    (0..count)
        .map(|_| {
            let begun = Instant::now();
            work()?;
            Ok(begun.elapsed())
        })
        .collect()
}

/// In one go, before it is another's turn.
const BATCH: usize = 20;
const ROOM: usize = 65_538;
