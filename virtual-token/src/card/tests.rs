use super::hand::{FIELD_COUNTS, TOUCH_TIMEOUT};
use super::*;
use crate::authenticator::{Authenticator, Environment, Touch};
use crate::manufacture::{Manufacturer, Order, Profile};
use crate::storage::MemoryStorage;
use keysteward_core::crypto::RustCrypto;
use keysteward_core::ctap1;
use keysteward_core::ctaphid::Keepalive;
use keysteward_core::iso7816::{CardTransport, Framing};
use keysteward_core::nfcctap::{NfcError, NfcTransport, Version};
use keysteward_core::pin_protocol::Pin;
use keysteward_core::session::{Buffers, Session};
use rand_core::OsRng;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// The card was taken away.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the card was taken away")]
struct TakenAway;

/// What a test holds in its hand.
#[derive(Clone, Default)]
struct World {
    /// The card's clock, in milliseconds.
    now: Arc<AtomicU64>,
    touched: Arc<AtomicBool>,
    lit: Arc<AtomicBool>,
}

/// The card's side of the field.
struct Field {
    world: World,
    commands: Receiver<Vec<u8>>,
    responses: Sender<Vec<u8>>,
}

impl Reader for Field {
    type Gone = TakenAway;

    fn now(&mut self) -> Millis {
        Millis(self.world.now.load(SeqCst))
    }

    fn receive(
        &mut self,
        until: Option<Millis>,
        apdu: &mut [u8],
    ) -> Result<Option<usize>, TakenAway> {
        let patience = match until {
            Some(until) => Duration::from_millis(until.since(self.now()).min(5)),
            None => Duration::from_secs(60),
        };
        match self.commands.recv_timeout(patience) {
            Ok(command) => {
                apdu[..command.len()].copy_from_slice(&command);
                Ok(Some(command.len()))
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(TakenAway),
        }
    }

    fn respond(&mut self, apdu: &[u8]) -> Result<(), TakenAway> {
        self.responses.send(apdu.to_vec()).map_err(|_| TakenAway)
    }

    fn lamp(&mut self, lit: bool) {
        self.world.lit.store(lit, SeqCst);
    }

    fn touched(&mut self) -> Result<bool, TakenAway> {
        Ok(self.world.touched.load(SeqCst))
    }
}

/// The client's side of the field.
struct Hand {
    world: World,
    commands: Sender<Vec<u8>>,
    responses: Receiver<Vec<u8>>,
    began: Instant,
}

impl CardTransport for Hand {
    type Error = TakenAway;

    fn now(&mut self) -> Millis {
        Millis(self.began.elapsed().as_millis() as u64)
    }

    fn pause(&mut self, until: Millis) {
        std::thread::sleep(Duration::from_millis(until.since(self.now()).min(20)));
    }

    fn transmit<'r>(
        &mut self,
        command: &[u8],
        response: &'r mut [u8],
    ) -> Result<&'r [u8], TakenAway> {
        self.commands
            .send(command.to_vec())
            .map_err(|_| TakenAway)?;
        let answer = self.responses.recv().map_err(|_| TakenAway)?;
        let room = response.get_mut(..answer.len()).ok_or(TakenAway)?;
        room.copy_from_slice(&answer);
        Ok(room)
    }
}

/// Puts a card into the field.
fn hold<H: Handler + Send + 'static>(handler: H, presence: Presence) -> Hand {
    let world = World::default();
    let (commands, from_hand) = channel();
    let (to_hand, responses) = channel();
    let mut field = Field {
        world: world.clone(),
        commands: from_hand,
        responses: to_hand,
    };
    std::thread::spawn(move || {
        let mut card = Box::new(Card::new(handler, presence));
        card.power_up(field.now());
        while card.serve(&mut field).is_ok() {}
    });
    Hand {
        world,
        commands,
        responses,
        began: Instant::now(),
    }
}

fn key(profile: Profile) -> Authenticator<MemoryStorage, RustCrypto<OsRng>> {
    let mut crypto = RustCrypto(OsRng);
    let mut storage = MemoryStorage::new();
    let order = Order {
        profile,
        ..Order::default()
    };
    Manufacturer::found()
        .unwrap()
        .make(&order, &mut crypto)
        .unwrap()
        .burn_in(&mut storage, &mut crypto)
        .unwrap();
    Authenticator::new(storage, crypto).unwrap()
}

type Transport = NfcTransport<Hand>;

const DEADLINE: Millis = Millis(20_000);
const SELECTION: [u8; 1] = [0x0B];

fn held(presence: Presence) -> Transport {
    NfcTransport::open(hold(key(Profile::NfcOnly), presence), DEADLINE).unwrap()
}

/// authenticatorSelection; its status.
fn select(
    transport: &mut Transport,
    deadline: Millis,
    on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
) -> Result<u8, NfcError<TakenAway>> {
    let mut response = [0; 16];
    let answer = transport.msg(&SELECTION, &mut response, deadline, on_keepalive)?;
    assert_eq!(answer.len(), 1);
    Ok(answer[0])
}

fn go_on(_: Keepalive) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn the_answer_to_reset_adds_up() {
    let sum = ATR[1..].iter().fold(0, |sum, byte| sum ^ byte);
    assert_eq!(sum, 0, "TCK");
    assert_eq!(
        usize::from(ATR[1] & 0x0F),
        ATR.len() - 5,
        "historical bytes"
    );
}

#[test]
fn sessions_are_held_in_both_framings() {
    for framing in [Framing::Short, Framing::Extended] {
        let mut transport = held(Presence::Field);
        transport.set_framing(framing);
        assert_eq!(transport.version(), Version::U2fV2);
        let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::<Buffers>::default());
        let mut wait = go_on;
        let mut session = Session::new(
            &mut transport,
            &mut crypto,
            &mut buffers,
            DEADLINE,
            &mut wait,
        );
        session.set_pin(&Pin::new("1234").unwrap()).unwrap();
        assert_eq!(session.pin_retries().unwrap().left, 8);
    }
}

#[test]
fn being_in_the_field_counts_for_two_minutes() {
    let mut transport = held(Presence::Field);
    assert_eq!(select(&mut transport, DEADLINE, &mut go_on), Ok(0x00));
    transport
        .card_mut()
        .world
        .now
        .store(FIELD_COUNTS + 1, SeqCst);
    assert_eq!(select(&mut transport, DEADLINE, &mut go_on), Ok(0x2F));
}

#[test]
fn the_button_is_waited_for() {
    let mut transport = held(Presence::Button);
    let world = transport.card_mut().world.clone();
    let mut heard = 0;
    let status = select(&mut transport, DEADLINE, &mut |status| {
        assert_eq!(status, Keepalive::UserPresenceNeeded);
        assert!(world.lit.load(SeqCst));
        heard += 1;
        world.touched.store(heard == 3, SeqCst);
        ControlFlow::Continue(())
    });
    assert_eq!(status, Ok(0x00));
    assert!(heard >= 3, "{heard}");
    assert!(!world.lit.load(SeqCst));
}

#[test]
fn a_button_that_nobody_touches_times_out() {
    let mut transport = held(Presence::Button);
    let now = Arc::clone(&transport.card_mut().world.now);
    let status = select(&mut transport, DEADLINE, &mut |_| {
        now.fetch_add(TOUCH_TIMEOUT / 2, SeqCst);
        ControlFlow::Continue(())
    });
    assert_eq!(status, Ok(0x2F));
}

#[test]
fn a_cancelled_operation_ends_at_once() {
    let mut transport = held(Presence::Button);
    let status = select(&mut transport, DEADLINE, &mut |_| ControlFlow::Break(()));
    assert_eq!(status, Ok(0x2D));
    transport.card_mut().world.touched.store(true, SeqCst);
    assert_eq!(select(&mut transport, DEADLINE, &mut go_on), Ok(0x00));
}

#[test]
fn an_operation_that_was_given_up_does_not_block_the_next_command() {
    let mut hand = hold(key(Profile::NfcOnly), Presence::Button);
    let mut room = [0; 300];
    let mut say = |apdu: &[u8]| hand.transmit(apdu, &mut room).unwrap().to_vec();
    let select = b"\x00\xA4\x04\x00\x08\xA0\x00\x00\x06\x47\x2F\x00\x01\x00";
    assert_eq!(say(select), b"U2F_V2\x90\x00");
    assert_eq!(say(b"\x80\x10\x80\x00\x01\x0B\x00"), b"\x02\x91\x00");
    assert_eq!(say(b"\x80\x11\x12\x00\x00"), b"\x6A\x86");
    // Another program, which knows nothing of the first.
    assert_eq!(say(select), b"U2F_V2\x90\x00");
    assert_eq!(say(b"\x80\x11\x00\x00\x00"), b"\x69\x85");
}

#[test]
fn who_does_not_poll_is_left_waiting() {
    let mut hand = hold(key(Profile::NfcOnly), Presence::Button);
    let world = hand.world.clone();
    let toucher = std::thread::spawn(move || {
        while !world.lit.load(SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        world.touched.store(true, SeqCst);
    });
    let mut room = [0; 300];
    let select = b"\x00\xA4\x04\x00\x08\xA0\x00\x00\x06\x47\x2F\x00\x01\x00";
    hand.transmit(select, &mut room).unwrap();
    let answer = hand.transmit(b"\x80\x10\x00\x00\x01\x0B\x00", &mut room);
    assert_eq!(answer, Ok(b"\x00\x90\x00".as_slice()));
    toucher.join().unwrap();
}

/// A key that speaks U2F, and was never touched.
struct U2fOnly;

impl Handler for U2fOnly {
    fn version(&self) -> Version {
        Version::U2fV2
    }

    fn power_up(&mut self, _: Millis) {}

    fn ctap2<'r>(&mut self, _: &[u8], _: &mut dyn Environment, response: &'r mut [u8]) -> &'r [u8] {
        response[0] = 0x01;
        &response[..1]
    }

    fn ctap1<'r>(
        &mut self,
        command: &Command<'_>,
        environment: &mut dyn Environment,
        response: &'r mut [u8],
    ) -> (&'r [u8], Status) {
        match ctap1::Request::parse(command) {
            Ok(ctap1::Request::Version) => {
                response[..6].copy_from_slice(ctap1::VERSION);
                (&response[..6], Status::Success)
            }
            Ok(_) if environment.wait_for_touch() == Touch::Touched => (&[], Status::NoDiagnosis),
            Ok(_) => (&[], Status::ConditionsNotSatisfied),
            Err(status) => (&[], status),
        }
    }
}

#[test]
fn a_card_may_speak_u2f() {
    let hand = hold(U2fOnly, Presence::Field);
    let mut transport = NfcTransport::open(hand, DEADLINE).unwrap();
    assert_eq!(transport.version(), Version::U2fV2);
    let mut room = [0; 300];
    let answer = transport
        .u2f(ctap1::version(), &mut room, DEADLINE)
        .unwrap();
    assert_eq!(
        (answer.data, answer.status),
        (ctap1::VERSION, Status::Success)
    );
    let mut data = [0; 64];
    let register = ctap1::register::Request {
        challenge: &[1; 32],
        application: &[2; 32],
    };
    let answer = transport
        .u2f(register.command(&mut data), &mut room, DEADLINE)
        .unwrap();
    assert_eq!(answer.status, Status::NoDiagnosis, "the field counts");
}

#[test]
fn a_card_without_u2f_says_so() {
    let card = hold(key(Profile::Enterprise), Presence::Field);
    let mut transport = NfcTransport::open(card, DEADLINE).unwrap();
    assert_eq!(transport.version(), Version::Fido2_0);
    let mut room = [0; 300];
    let answer = transport
        .u2f(ctap1::version(), &mut room, DEADLINE)
        .unwrap();
    assert_eq!(answer.status, Status::InsNotSupported);
}

#[test]
fn our_own_card_registers_over_u2f() {
    let mut transport = held(Presence::Field);
    let mut data = [0; 64];
    let mut room = [0; 1500];
    let request = ctap1::register::Request {
        challenge: &[1; 32],
        application: &[2; 32],
    };
    let answer = transport
        .u2f(request.command(&mut data), &mut room, DEADLINE)
        .unwrap();
    assert_eq!(answer.status, Status::Success);
    assert!(ctap1::register::Response::parse(answer.data).is_ok());
}
