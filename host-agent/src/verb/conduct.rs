//! One conversation with a token: its deadline, who hears of its progress, who may give it up.

use std::{ops::ControlFlow, time::Duration};

use keysteward_core::{
    crypto::RustCrypto,
    ctap2::Command,
    session::{
        Buffers, CtapTransport as _, Keepalive, Millis, Session,
        ctap1::{U2fBuffers, U2fSession},
    },
};
use rand::rngs::OsRng;
use zeroize::Zeroizing;

use super::{
    Code, Failure,
    progress::{Cancel, Listener, Teller, Waiting},
    watched::{Effect, Watched},
};
use crate::{
    token::{Bench, Channel},
    transport,
};

/// The core's flows with a token that speaks U2F alone.
pub(super) type TokenU2fSession<'s> = U2fSession<'s, Channel>;

/// The core's flows over a token's channel.
pub(super) type TokenSession<'s, 't> = Session<'s, Watched<'t>, RustCrypto<OsRng>>;

/// After the caller's patience has ended, the token is told, and has this long to say so.
const GRACE_MS: u64 = 2_000;

/// How a conversation goes.
pub(crate) struct Conduct {
    /// When the step is given up.
    patience: Millis,
    cancel: Cancel,
    teller: Teller,
}

impl Conduct {
    pub(crate) fn new(patience: Duration, cancel: Cancel, listener: Listener) -> Self {
        let patience = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        Self {
            patience: transport::now().after(patience),
            cancel,
            teller: Teller::new(listener),
        }
    }

    /// For the agent's own looks: nobody listens, nobody gives up.
    pub(super) fn silent(patience: Duration) -> Self {
        Self::new(patience, Cancel::default(), Box::new(|_| {}))
    }

    pub(super) fn tell(&self, waiting: Waiting) {
        self.teller.tell(waiting);
    }

    /// For what is told from inside a flow.
    pub(super) fn teller(&self) -> Teller {
        self.teller.clone()
    }

    /// What is left of the caller's patience.
    pub(super) fn left(&self) -> Duration {
        Duration::from_millis(self.patience.since(transport::now()))
    }

    /// When the step is given up.
    pub(super) const fn deadline(&self) -> Millis {
        self.patience
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel.is_requested()
    }

    fn handle_keepalive(&mut self, keepalive: Keepalive) -> ControlFlow<()> {
        match keepalive {
            Keepalive::UserPresenceNeeded => self.teller.tell_presence(),
            _ => self.tell(Waiting::Token),
        }
        if self.is_cancelled() || transport::now() >= self.patience {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// CANCEL was sent: by whose wish?
    fn explain(&self, failure: Failure) -> Failure {
        if failure.code == Code::Cancelled && !self.is_cancelled() {
            return Failure {
                ctap_status: failure.ctap_status,
                ..Failure::new(
                    Code::TouchTimeout,
                    "nobody touched the token in time; try again and touch it when it blinks",
                )
            };
        }
        failure
    }
}

/// Runs `flow` over the token's channel. Beside its result: what it did to the token.
pub(super) fn converse<R>(
    bench: &mut Bench,
    conduct: &mut Conduct,
    flow: impl FnOnce(&mut TokenSession<'_, '_>) -> Result<R, Failure>,
) -> (Result<R, Failure>, Effect) {
    over_channel(bench, conduct, |watched, conduct| {
        let deadline = conduct.patience.after(GRACE_MS);
        let mut buffers = Buffers::new();
        let mut crypto = RustCrypto(OsRng);
        let mut on_keepalive = |keepalive| conduct.handle_keepalive(keepalive);
        flow(&mut Session::new(
            watched,
            &mut crypto,
            &mut buffers,
            deadline,
            &mut on_keepalive,
        ))
    })
}

/// Runs `flow` with a token that speaks U2F alone. It stores nothing, so nothing is done to it.
pub(super) fn converse_u2f<R>(
    bench: &mut Bench,
    conduct: &mut Conduct,
    flow: impl FnOnce(&mut TokenU2fSession<'_>) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let channel = bench.link(conduct.patience)?;
    let deadline = conduct.patience.after(GRACE_MS);
    let mut buffers = Box::new(U2fBuffers::new());
    let mut on_keepalive = |keepalive| conduct.handle_keepalive(keepalive);
    let mut session = U2fSession::new(channel, &mut buffers, deadline, &mut on_keepalive);
    let result = flow(&mut session);
    result.map_err(|failure| conduct.explain(failure))
}

/// Sends one request as it is, and gives the answer: status, then CBOR.
pub(super) fn exchange(
    bench: &mut Bench,
    conduct: &mut Conduct,
    request: &[u8],
) -> (Result<Zeroizing<Vec<u8>>, Failure>, Effect) {
    over_channel(bench, conduct, |watched, conduct| {
        let deadline = conduct.patience.after(GRACE_MS);
        // On the heap, since wiping a stack buffer would not wipe the copy that is returned.
        let mut response = Zeroizing::new(vec![0; keysteward_core::ctaphid::MAX_MESSAGE]);
        let len = watched
            .exchange(request, &mut response, deadline, &mut |keepalive| {
                conduct.handle_keepalive(keepalive)
            })?
            .len();
        response.truncate(len);
        Ok(response)
    })
}

/// authenticatorGetInfo, as received.
pub(super) fn get_info(bench: &mut Bench, conduct: &mut Conduct) -> Result<Vec<u8>, Failure> {
    let (answer, _) = exchange(bench, conduct, &[Command::GetInfo.into()]);
    let answer = answer?;
    match answer.split_first() {
        Some((0, map)) => Ok(map.to_vec()),
        Some((&status, _)) => Err(Failure {
            ctap_status: Some(status),
            ..Failure::new(Code::Refused, "the token does not say what it is")
        }),
        None => Err(Failure::new(
            Code::TokenMalformed,
            "the token's answer to getInfo is empty",
        )),
    }
}

/// CTAPHID_WINK.
pub(super) fn wink(bench: &mut Bench, conduct: &mut Conduct) -> Result<(), Failure> {
    if bench
        .link(conduct.patience)?
        .wink(conduct.patience.after(GRACE_MS))?
    {
        return Ok(());
    }
    Err(Failure::new(
        Code::NotSupported,
        "the token has nothing to wink with; ask for a touch of it instead (select)",
    ))
}

fn over_channel<R>(
    bench: &mut Bench,
    conduct: &mut Conduct,
    talk: impl FnOnce(&mut Watched<'_>, &mut Conduct) -> Result<R, Failure>,
) -> (Result<R, Failure>, Effect) {
    let channel = match bench.link(conduct.patience) {
        Ok(channel) => channel,
        Err(error) => return (Err(error.into()), Effect::default()),
    };
    let mut watched = Watched::new(channel);
    let result = talk(&mut watched, conduct);
    let effect = watched.effect();
    (result.map_err(|failure| conduct.explain(failure)), effect)
}
