//! The way of a command to a card that answers at once: bare PC/SC, the agent's transport in this
//! process, the agent's gRPC over its local socket.

use std::{
    fs,
    net::{Shutdown, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use anyhow::{Context, Result, ensure};
use keysteward_proto::agent::v1 as proto;
use proto::{card_lease_request::Request as Asked, card_step::Verb};
use serde::Serialize;

use super::{
    super::times::Times,
    CardProcess, Folders,
    at_agent::{self, AtAgent},
    contender::{Ask, Bare, Contender, ThroughAgent, Transport, Turns, Work, in_turn},
    model::{self, Exchange, Full},
    reader::{self, Answers},
};
use crate::pcscd::FIRST_READER;

/// All ways.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Ways {
    /// One command as it is. The agent writes it down twice, before and after.
    pub raw: Raw,
    /// The fewest commands that one call sends without the journal: a challenge of the GIDS applet.
    pub challenge: ThreeWays,
    /// All that a PIV card tells, four certificates included.
    pub inventory: ThreeWays,
    /// The same of our own card, which computes nothing for it but reads what it stored.
    pub inventory_of_full: ThreeWays,
}

/// The same commands, three ways.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ThreeWays {
    /// Commands to the card.
    pub commands: usize,
    /// The crate `pcsc` alone.
    pub bare: Times,
    /// The agent's transport, in process.
    pub transport: Times,
    /// The agent, over its local socket.
    pub agent: Times,
    /// Median of the transport by that of bare PC/SC, of the middle round.
    pub transport_ratio: f64,
    /// What the agent's median is beyond that of its transport, of the middle round: its own code, gRPC
    /// at both ends, and the ways between threads and processes.
    pub more_ms: f64,
    /// What is left of it for the hop, once the agent's own code has taken all that it may of bare
    /// PC/SC ([`RATIO`]), of the middle round.
    pub hop_ms: f64,
}

/// What the agent's own code may take, by bare PC/SC.
pub const RATIO: f64 = 1.10;

impl ThreeWays {
    fn of(commands: usize, turns: &Turns<3>) -> Self {
        let [bare, transport, agent] = turns.times();
        Self {
            commands,
            bare,
            transport,
            agent,
            transport_ratio: turns.compared(|[bare, transport, _]| transport / bare),
            more_ms: turns.compared(|[_, transport, agent]| agent - transport),
            hop_ms: turns.compared(|[bare, _, agent]| agent - RATIO * bare),
        }
    }
}

/// One command, four ways.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Raw {
    /// The crate `pcsc` alone.
    pub bare: Times,
    /// The agent's transport, in process.
    pub transport: Times,
    /// Median of the transport by that of bare PC/SC, of the middle round.
    pub transport_ratio: f64,
    /// The agent, its journal in memory.
    pub agent_in_memory: Times,
    /// The agent, its journal on the disk.
    pub agent_on_disk: Times,
}

/// Measures `rounds` batches of each.
pub fn measure(folders: &Folders, rounds: usize) -> Result<Ways> {
    let runtime = super::runtime()?;
    let memory = runtime.block_on(AtAgent::start(&folders.memory.join("agent")))?;
    let (told, before) = runtime.block_on(record(&memory))?;
    let answers = folders.memory.join("answers.json");
    fs::write(&answers, serde_json::to_string(&told.all)?)?;

    let card = CardProcess::start(FIRST_READER, Some(&answers), &folders.memory)?;
    let disk = runtime.block_on(AtAgent::start(&folders.disk.join("agent")))?;
    let mut bare = Bare::at(&card.reader)?;
    let mut transport = Transport::at(&card.reader)?;
    let mut memory = ThroughAgent {
        runtime: &runtime,
        presence_id: runtime.block_on(memory.card(&before))?,
        agent: memory,
    };
    let mut disk = ThroughAgent {
        runtime: &runtime,
        presence_id: runtime.block_on(disk.card(""))?,
        agent: disk,
    };
    let one = Work {
        commands: vec![told.one],
        asked: Ask::Raw,
    };
    let of_raw = in_turn(
        [&mut bare, &mut transport, &mut memory, &mut disk],
        &one,
        rounds,
    )?;
    let mut three = |work: &Work| {
        let contenders: [&mut dyn Contender<Work>; 3] = [&mut bare, &mut transport, &mut memory];
        let turns = in_turn(contenders, work, rounds)?;
        anyhow::Ok(ThreeWays::of(work.commands.len(), &turns))
    };
    let challenge = Work {
        commands: told.challenge,
        asked: Ask::Step(Box::new(give_challenge())),
    };
    let inventory = Work {
        commands: told.inventory,
        asked: Ask::Step(Box::new(inspect())),
    };
    let (of_challenge, of_inventory) = (three(&challenge)?, three(&inventory)?);
    drop(disk);
    drop((bare, transport));
    let before = memory.presence_id.clone();
    drop(card);

    let card = CardProcess::start(FIRST_READER, None, &folders.memory)?;
    memory.presence_id = runtime.block_on(memory.agent.card(&before))?;
    let (mut bare, mut transport) = (Bare::at(&card.reader)?, Transport::at(&card.reader)?);
    let of_full = in_turn([&mut bare, &mut transport, &mut memory], &inventory, rounds)?;
    let [bare, transport, agent_in_memory, agent_on_disk] = of_raw.times();
    Ok(Ways {
        raw: Raw {
            bare,
            transport,
            transport_ratio: of_raw.compared(|[bare, transport, ..]| transport / bare),
            agent_in_memory,
            agent_on_disk,
        },
        challenge: of_challenge,
        inventory: of_inventory,
        inventory_of_full: ThreeWays::of(inventory.commands.len(), &of_full),
    })
}

/// What our card said to an agent.
struct Told {
    /// From the time on that it was put on the reader.
    all: Vec<Exchange>,
    challenge: Vec<Vec<u8>>,
    inventory: Vec<Vec<u8>>,
    /// A command that changes nothing: who the cardholder is.
    one: Vec<u8>,
}

/// Has the agent ask our own card, and keeps what was said; also what the agent called the card.
async fn record(agent: &AtAgent) -> Result<(Told, String)> {
    let desk = Desk::lay_out()?;
    let presence_id = agent.card("").await?;
    let mut all = desk.take();
    let mut lease = agent.lease(&presence_id).await?;
    lease.succeed(inspect()).await?;
    let inventory = desk.take();
    lease.succeed(give_challenge()).await?;
    let challenge = desk.take();
    lease.close().await?;
    let commands = |said: &[Exchange]| -> Vec<Vec<u8>> {
        said.iter().map(|one| one.command.clone()).collect()
    };
    let one = inventory
        .iter()
        .find(|one| one.command.windows(3).any(|at| at == CHUID))
        .context("an inventory asks for the cardholder's identifier")?;
    ensure!(
        one.answer.ends_with(&[0x90, 0x00]),
        "the card has no cardholder's identifier"
    );
    let told = Told {
        challenge: commands(&challenge),
        inventory: commands(&inventory),
        one: one.command.clone(),
        all: {
            all.extend(inventory.iter().chain(&challenge).cloned());
            all
        },
    };
    Ok((told, presence_id))
}

/// Our card in this process, on the reader until it is dropped.
struct Desk {
    card: Arc<Mutex<Full>>,
    cable: TcpStream,
}

impl Desk {
    fn lay_out() -> Result<Self> {
        let card = Arc::new(Mutex::new(model::full()?));
        let cable = reader::enter(FIRST_READER)?;
        let (served, reader) = (Arc::clone(&card), cable.try_clone()?);
        // Ends with the cable.
        thread::spawn(move || reader::serve(reader, &mut Shared(&served)));
        Ok(Self { card, cable })
    }

    fn take(&self) -> Vec<Exchange> {
        let mut card = self.card.lock().unwrap_or_else(PoisonError::into_inner);
        card.take()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // Gone already is as good.
        drop(self.cable.shutdown(Shutdown::Both));
    }
}

struct Shared<'c>(&'c Mutex<Full>);

impl Answers for Shared<'_> {
    fn power_up(&mut self) {
        let mut card = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        card.power_up();
    }

    fn answer(&mut self, command: &[u8]) -> Vec<u8> {
        let mut card = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        card.answer(command)
    }
}

fn inspect() -> Asked {
    at_agent::step("piv", Verb::InspectCard(proto::InspectCard {}))
}

fn give_challenge() -> Asked {
    at_agent::step("gids", Verb::GiveChallenge(proto::GiveChallenge {}))
}

/// Cardholder unique identifier. SP 800-73-5 part 1 table 3.
const CHUID: [u8; 3] = [0x5F, 0xC1, 0x02];
