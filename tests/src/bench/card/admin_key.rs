//! Proofs of the admin key: mutual authentication of PIV under AES-192, challenge and response of
//! GIDS under 3DES, with our card.
//!
//! By the core's session over the agent's transport in this process, and by the agent over its local
//! socket: with a key that came along, and with one that stays with the caller.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use keysteward_agent::transport::pcsc::PcscCard;
use keysteward_core::{
    admin_key::LocalAdminKey, crypto::RustCrypto, gids::session as gids, piv::session as piv,
    session::Millis,
};
use keysteward_proto::agent::v1 as proto;
use proto::{card_lease_request::Request as Asked, card_step::Verb};
use rand_core::OsRng;
use serde::Serialize;
use tokio::runtime::Runtime;

use super::{
    super::times::Times,
    CardProcess, Folders,
    at_agent::{self, AtAgent},
    contender::{Contender, in_turn, open, timed},
    model,
};
use crate::pcscd::FIRST_READER;

/// Both applets.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AdminKeys {
    /// Each side proves itself, under AES-192.
    pub piv: Proofs,
    /// The caller proves itself, under 3DES.
    pub gids: Proofs,
}

/// Who asked for the proof.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Proofs {
    /// The core's session, in process, at an applet that stays selected.
    pub session: Times,
    /// The agent, with the key: `TryAdminKeys`, from the applet's selection on.
    pub key_given: Times,
    /// The agent, which asks its caller.
    pub caller_asked: Times,
}

/// Measures `rounds` batches of each.
pub fn measure(folders: &Folders, rounds: usize) -> Result<AdminKeys> {
    let runtime = super::runtime()?;
    let card = CardProcess::start(FIRST_READER, None, &folders.memory)?;
    let agent = runtime.block_on(AtAgent::start(&folders.memory.join("admin")))?;
    let presence_id = runtime.block_on(agent.card(""))?;
    let mut session = InProcess(Some(open(&card.reader)?));
    let through = |asks_caller| ThroughAgent {
        runtime: &runtime,
        agent: &agent,
        presence_id: &presence_id,
        asks_caller,
    };
    let (mut key_given, mut caller_asked) = (through(false), through(true));
    let mut proofs = |applet: &Applet| {
        let contenders: [&mut dyn Contender<Applet>; 3] =
            [&mut session, &mut key_given, &mut caller_asked];
        let [session, key_given, caller_asked] = in_turn(contenders, applet, rounds)?.times();
        anyhow::Ok(Proofs {
            session,
            key_given,
            caller_asked,
        })
    };
    Ok(AdminKeys {
        piv: proofs(&Applet::Piv)?,
        gids: proofs(&Applet::Gids)?,
    })
}

/// Whose admin key it is.
#[derive(Clone, Copy)]
enum Applet {
    Piv,
    Gids,
}

impl Applet {
    const fn name(self) -> &'static str {
        match self {
            Self::Piv => "piv",
            Self::Gids => "gids",
        }
    }

    fn key(self) -> Result<LocalAdminKey> {
        match self {
            Self::Piv => model::piv_admin_key(),
            Self::Gids => model::gids_admin_key(),
        }
    }

    fn proof(self, asks_caller: bool) -> proto::AdminProof {
        let key = match self {
            _ if asks_caller => Vec::new(),
            Self::Piv => model::PIV_ADMIN_KEY.to_vec(),
            Self::Gids => model::GIDS_ADMIN_KEY.to_vec(),
        };
        proto::AdminProof {
            algorithm: String::new(),
            key,
            asks_caller,
        }
    }
}

/// The core's session, over the agent's transport.
struct InProcess(Option<PcscCard>);

impl Contender<Applet> for InProcess {
    fn batch(&mut self, applet: &Applet, count: usize) -> Result<Vec<Duration>> {
        let mut link = self.0.take().context("the card was lost")?.hold()?;
        let (mut crypto, mut key) = (RustCrypto(OsRng), applet.key()?);
        let took = match applet {
            Applet::Piv => {
                let mut buffers = Box::new(piv::Buffers::new());
                let mut session =
                    piv::PivSession::select(&mut link, &mut crypto, &mut buffers, NEVER)?;
                timed(count, || {
                    let proven = session.authenticate_admin(&mut key);
                    proven.map(drop).map_err(|error| anyhow!("{error}"))
                })
            }
            Applet::Gids => {
                let mut buffers = Box::new(gids::Buffers::new());
                let mut session = gids::Session::new(&mut link, &mut crypto, &mut buffers, NEVER);
                session.select()?;
                timed(count, || {
                    let proven = session.authenticate_admin(&mut key);
                    proven.map(drop).map_err(|error| anyhow!("{error}"))
                })
            }
        };
        self.0 = Some(link.release());
        took
    }
}

/// An agent that is asked which of one key opens the card.
struct ThroughAgent<'a> {
    runtime: &'a Runtime,
    agent: &'a AtAgent,
    presence_id: &'a str,
    asks_caller: bool,
}

impl Contender<Applet> for ThroughAgent<'_> {
    fn batch(&mut self, applet: &Applet, count: usize) -> Result<Vec<Duration>> {
        let mut key = applet.key()?;
        let asked: Asked = at_agent::step(
            applet.name(),
            Verb::TryAdminKeys(proto::TryAdminKeys {
                candidates: vec![applet.proof(self.asks_caller)],
            }),
        );
        self.runtime.block_on(async {
            let mut lease = self.agent.lease(self.presence_id).await?;
            let mut took = Vec::with_capacity(count);
            // The first takes the card, and is not counted.
            for each in 0..=count {
                let begun = Instant::now();
                let opens = lease.opens(asked.clone(), &mut key).await?;
                if each > 0 {
                    took.push(begun.elapsed());
                }
                anyhow::ensure!(opens, "the key does not open the card");
            }
            lease.close().await?;
            Ok(took)
        })
    }
}

const NEVER: Millis = Millis(u64::MAX);
