//! Cards that another program holds in a transaction, or would like to.

use std::{
    sync::mpsc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use keysteward_proto::agent::v1 as proto;
use pcsc::{Context, Disposition, Protocols, Scope, ShareMode};
use proto::{outcome::State, step_error::Code};

use crate::{
    host::{Host, SOON},
    piv::{GUID, PIN, made, personalise, sign},
    reader::Card,
};

crate::stories! {
    a_card_that_is_held_is_waited_for_until_the_deadline_by_one_thread
    a_card_that_is_held_when_it_comes_is_read_once_it_is_let_go
    another_program_is_kept_out_for_a_whole_lease
    another_program_finds_nothing_open_after_a_lease
}

/// Another program, in the middle of a transaction.
struct OtherProgram {
    go: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl OtherProgram {
    /// Waits for the card to be on its reader, and for our agent to let it go.
    fn holds() -> Self {
        let (go, gone) = mpsc::channel();
        let (holds, held) = mpsc::channel();
        let thread = thread::spawn(move || {
            let context = Context::establish(Scope::User).unwrap();
            let mut card = loop {
                let readers = context.list_readers_owned().unwrap_or_default();
                let connected = readers.iter().find_map(|name| {
                    context
                        .connect(name, ShareMode::Shared, Protocols::ANY)
                        .ok()
                });
                match connected {
                    Some(card) => break card,
                    None => thread::sleep(Duration::from_millis(20)),
                }
            };
            let transaction = card.transaction().unwrap();
            holds.send(()).unwrap();
            gone.recv().unwrap();
            assert!(transaction.end(Disposition::LeaveCard).is_ok());
        });
        held.recv_timeout(SOON).unwrap();
        Self { go, thread }
    }

    fn lets_go(self) {
        self.go.send(()).unwrap();
        self.thread.join().unwrap();
    }
}

/// Threads of this agent that wait for a card.
fn waiting() -> usize {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok())
        .filter(|name| name.trim() == "card-wait")
        .count()
}

async fn a_card_that_is_held_is_waited_for_until_the_deadline_by_one_thread() {
    let (_card, host) = (Card::piv(1), Host::new().await);
    let token = host.card().await;
    let reader = token.card.unwrap().reader;
    let other = OtherProgram::holds();
    let mut lease = host.lease_of(&token.presence_id, SOON).await.unwrap();
    for _ in 0..3 {
        let begun = Instant::now();
        lease.begin("personalise", personalise(), 1_000).await;
        let held = lease.done().await.unwrap_err();
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{:?}",
            begun.elapsed()
        );
        assert_eq!((held.code(), held.changed), (Code::TokenBusy, false));
        assert!(held.message.contains(&reader), "{held:?}");
        assert!(held.message.contains("another program holds"), "{held:?}");
        assert_eq!(waiting(), 1);
    }
    // Nothing was begun, so the same step may be asked for again.
    assert_eq!(host.outcome("personalise").await.state(), State::NotFound);
    other.lets_go();
    lease.step("personalise", personalise()).await.unwrap();
    let seen = lease.inspect().await;
    assert_eq!(seen.facts.unwrap().piv.unwrap().guid, GUID);
    assert_eq!(waiting(), 0);
}

async fn a_card_that_is_held_when_it_comes_is_read_once_it_is_let_go() {
    let card = Card::piv(1);
    let other = OtherProgram::holds();
    let host = Host::new().await;
    let token = host.listed().await;
    assert!(token.card.is_none(), "{token:?}");
    assert!(token.fault.contains("another program holds"), "{token:?}");
    other.lets_go();
    let read = host.card().await;
    assert_eq!(read.presence_id, token.presence_id);
    assert_eq!(read.card.unwrap().piv.unwrap().serial, 1);
    assert_eq!(waiting(), 0);
    drop(card);
}

async fn another_program_is_kept_out_for_a_whole_lease() {
    let (_card, host) = (Card::piv(1), Host::new().await);
    let mut lease = host.lease().await;
    lease.step("personalise", personalise()).await.unwrap();
    let mut other = tokio::task::spawn_blocking(OtherProgram::holds);
    for _ in 0..4 {
        // Between two steps, too.
        let waited = tokio::time::timeout(Duration::from_millis(300), &mut other).await;
        assert!(waited.is_err(), "it has the card in the middle of a lease");
        let seen = lease.inspect().await;
        assert_eq!(seen.facts.unwrap().piv.unwrap().guid, GUID);
    }
    drop(lease);
    other.await.unwrap().lets_go();
}

async fn another_program_finds_nothing_open_after_a_lease() {
    let (_card, host) = (Card::piv(1), Host::new().await);
    let mut lease = host.lease().await;
    lease.step("personalise", personalise()).await.unwrap();
    let key = made(&mut lease, "generate").await;
    lease.step("sign", sign(key.info(), PIN)).await.unwrap();
    drop(lease);
    let other = tokio::task::spawn_blocking(|| {
        let context = Context::establish(Scope::User).unwrap();
        let readers = context.list_readers_owned().unwrap();
        readers
            .iter()
            .find_map(|name| {
                let mut card = context
                    .connect(name, ShareMode::Shared, Protocols::ANY)
                    .ok()?;
                let transaction = card.transaction().unwrap();
                let mut buffer = [0; 258];
                let mut status = |command: &[u8]| {
                    let answer = transaction.transmit(command, &mut buffer).unwrap();
                    answer[answer.len() - 2..].to_vec()
                };
                // VERIFY without a PIN asks whether it is verified. Not selected anew: a card may
                // forget at that what we should have had it forget.
                let as_found = status(&[0x00, 0x20, 0x00, 0x80]);
                let select = *b"\x00\xa4\x04\x00\x05\xa0\x00\x00\x03\x08";
                Some((as_found, status(&select)))
            })
            .unwrap()
    });
    let (as_found, selected) = other.await.unwrap();
    assert_ne!(as_found, [0x90, 0x00], "the PIN is still verified");
    assert_eq!(selected, [0x90, 0x00]);
}
