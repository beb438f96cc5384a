use super::*;
use crate::nfcctap::device::{Applet, Event};
use std::string::ToString as _;
use std::vec::Vec;

/// The card was taken away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Trouble {
    Gone,
    /// The reader has no extended form.
    Extended,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("trouble")
    }
}

impl core::error::Error for Trouble {}

/// A token that echoes messages, and takes its time.
struct Token {
    applet: Applet,
    request: Vec<u8>,
    message: Vec<u8>,
    /// Keep-alives before the answer.
    works: usize,
    cancelled: bool,
    /// Refuses commands of the extended form in this way.
    extended: Option<Result<u16, Trouble>>,
    says_61_first: bool,
    max_command: Option<usize>,
    /// Says this to everything.
    only_says: Option<u16>,
    now: u64,
    transmitted: Vec<Vec<u8>>,
}

impl Token {
    fn new() -> Self {
        Self {
            applet: Applet::new(Version::Fido2_0),
            request: std::vec![0; MAX_MESSAGE],
            message: Vec::new(),
            works: 0,
            cancelled: false,
            extended: None,
            says_61_first: false,
            max_command: None,
            only_says: None,
            now: 0,
            transmitted: Vec::new(),
        }
    }

    fn work(&mut self, response: &mut [u8]) -> usize {
        if self.cancelled {
            self.message = std::vec![0x2D];
        } else if self.works > 0 {
            self.works -= 1;
            let told = self
                .applet
                .keepalive(Keepalive::UserPresenceNeeded, response);
            return told.unwrap();
        }
        self.applet
            .respond(&self.message, Status::Success, response)
            .unwrap()
    }
}

impl CardTransport for Token {
    type Error = Trouble;

    fn now(&mut self) -> Millis {
        Millis(self.now)
    }

    fn pause(&mut self, until: Millis) {
        self.now = self.now.max(until.0);
    }

    fn transmit<'r>(
        &mut self,
        command: &[u8],
        response: &'r mut [u8],
    ) -> Result<&'r [u8], Trouble> {
        self.transmitted.push(command.to_vec());
        self.now += 1;
        if let Some(sw) = self.only_says {
            response[..2].copy_from_slice(&sw.to_be_bytes());
            return Ok(&response[..2]);
        }
        let (_, form) = Command::parse(command).unwrap();
        if let (Form::Extended, Some(refusal)) = (form, self.extended) {
            response[..2].copy_from_slice(&refusal?.to_be_bytes());
            return Ok(&response[..2]);
        }
        if self.says_61_first {
            self.says_61_first = false;
            response[..2].copy_from_slice(&[0x61, 0x0A]);
            self.message = b"FIDO_2_0".to_vec();
            return Ok(&response[..2]);
        }
        if command.starts_with(&[0x00, 0xC0]) && self.message == b"FIDO_2_0" {
            response[..10].copy_from_slice(b"FIDO_2_0\x90\x00");
            return Ok(&response[..10]);
        }
        let event = self
            .applet
            .handle_command(command, &mut self.request, &self.message, response);
        let len = match event {
            Event::Reply { len } => len,
            Event::Ctap2 { len } => {
                self.message = self.request[..len].to_vec();
                self.work(response)
            }
            Event::Poll => self.work(response),
            Event::Cancel => {
                self.cancelled = true;
                self.work(response)
            }
            Event::Ctap1 { .. } | Event::Interrupted => return Err(Trouble::Gone),
        };
        Ok(&response[..len])
    }

    fn max_command(&self) -> Option<usize> {
        self.max_command
    }

    fn refused_extended(error: &Trouble) -> bool {
        *error == Trouble::Extended
    }
}

const DEADLINE: Millis = Millis(30_000);

fn open(token: Token) -> NfcTransport<Token> {
    NfcTransport::open(token, DEADLINE).unwrap()
}

fn echo(transport: &mut NfcTransport<Token>, len: usize) -> Result<(), NfcError<Trouble>> {
    let message: Vec<u8> = (0..=255).cycle().take(len).collect();
    let mut response = std::vec![0; MAX_MESSAGE + 2];
    let mut wait = |_| ControlFlow::Continue(());
    let answer = transport.msg(&message, &mut response, DEADLINE, &mut wait)?;
    assert_eq!(answer, message);
    Ok(())
}

#[test]
fn messages_of_every_length_come_back_in_both_framings() {
    for framing in [Framing::Short, Framing::Extended] {
        let mut transport = open(Token::new());
        transport.set_framing(framing);
        for len in [1, 254, 255, 256, 257, 511, 1200, MAX_MESSAGE] {
            assert_eq!(echo(&mut transport, len), Ok(()), "{len} bytes");
        }
    }
}

#[test]
fn a_message_longer_than_ctap_has_is_not_sent() {
    let mut transport = open(Token::new());
    let len = MAX_MESSAGE + 1;
    assert_eq!(
        echo(&mut transport, len),
        Err(NfcError::RequestTooLong { len })
    );
    assert_eq!(transport.into_card().transmitted.len(), 1);
}

#[test]
fn the_reader_says_how_long_commands_may_be() {
    for (max_command, framing) in [
        (None, Framing::Short),
        (Some(261), Framing::Short),
        (Some(2_000), Framing::Extended),
    ] {
        let transport = open(Token {
            max_command,
            ..Token::new()
        });
        assert_eq!(transport.framing(), framing);
    }
}

#[test]
fn what_a_reader_cannot_carry_at_once_is_chained() {
    let mut transport = open(Token {
        max_command: Some(600),
        ..Token::new()
    });
    echo(&mut transport, 591).unwrap();
    assert_eq!(transport.card_mut().transmitted.len(), 2);
    echo(&mut transport, 592).unwrap();
    assert!(transport.card_mut().transmitted.len() > 4);
    assert_eq!(transport.framing(), Framing::Extended);
}

#[test]
fn a_refused_extended_form_is_given_up_for_good() {
    for refusal in [Ok(0x6700), Ok(0x6881), Ok(0x6884), Err(Trouble::Extended)] {
        let mut transport = open(Token {
            max_command: Some(65_544),
            extended: Some(refusal),
            ..Token::new()
        });
        assert_eq!(echo(&mut transport, 300), Ok(()), "{refusal:?}");
        assert_eq!(transport.framing(), Framing::Short);
    }
}

#[test]
fn other_trouble_with_the_extended_form_is_told() {
    for (refusal, error) in [
        (Ok(0x6F00), NfcError::Refused(Status::NoDiagnosis)),
        (
            Err(Trouble::Gone),
            NfcError::Card(CardError::Transport(Trouble::Gone)),
        ),
    ] {
        let mut transport = open(Token {
            max_command: Some(65_544),
            extended: Some(refusal),
            ..Token::new()
        });
        assert_eq!(echo(&mut transport, 300), Err(error));
        assert_eq!(transport.framing(), Framing::Extended);
    }
}

#[test]
fn select_takes_every_answer_there_is() {
    let first_61 = Token {
        says_61_first: true,
        ..Token::new()
    };
    assert_eq!(open(first_61).version(), Version::Fido2_0);
    let u2f = Token {
        applet: Applet::new(Version::U2fV2),
        ..Token::new()
    };
    assert_eq!(open(u2f).version(), Version::U2fV2);
    let odd = Token {
        only_says: Some(0x9000),
        ..Token::new()
    };
    assert_eq!(open(odd).version(), Version::Other);
    for (sw, error) in [
        (0x6A82, NfcError::NoApplet),
        (0x6985, NfcError::Refused(Status::ConditionsNotSatisfied)),
    ] {
        let refuses = Token {
            only_says: Some(sw),
            ..Token::new()
        };
        assert_eq!(NfcTransport::open(refuses, DEADLINE).err(), Some(error));
    }
}

#[test]
fn a_working_token_is_asked_until_it_answers() {
    let mut transport = open(Token {
        works: 3,
        ..Token::new()
    });
    let mut heard = Vec::new();
    let mut response = [0; 16];
    let answer = transport.msg(&[0x0B], &mut response, DEADLINE, &mut |status| {
        heard.push(status);
        ControlFlow::Continue(())
    });
    assert_eq!(answer, Ok([0x0B].as_slice()));
    assert_eq!(heard, [Keepalive::UserPresenceNeeded; 3]);
    let card = transport.into_card();
    assert!(card.now >= 3 * POLL, "{} ms", card.now);
}

#[test]
fn break_cancels_once() {
    let mut transport = open(Token {
        works: 9,
        ..Token::new()
    });
    let mut response = [0; 16];
    let answer = transport.msg(&[0x0B], &mut response, DEADLINE, &mut |_| {
        ControlFlow::Break(())
    });
    assert_eq!(answer, Ok([0x2D].as_slice()));
    let card = transport.into_card();
    let cancels = card
        .transmitted
        .iter()
        .filter(|apdu| apdu[1..3] == [0x11, 0x11]);
    assert_eq!(cancels.count(), 1);
    assert!(card.now < POLL, "cancelled after {} ms", card.now);
}

#[test]
fn a_token_that_works_for_ever_is_told_to_end_at_the_deadline() {
    let mut transport = open(Token {
        works: usize::MAX,
        ..Token::new()
    });
    let mut wait = |_| ControlFlow::Continue(());
    let mut response = [0; 16];
    let answer = transport.msg(&[0x0B], &mut response, Millis(1_000), &mut wait);
    assert_eq!(answer, Err(NfcError::Deadline));
    let card = transport.card_mut();
    assert!(card.cancelled);
    assert!(card.now < 1_100, "{} ms", card.now);
    // Whatever it was doing, it takes the next request.
    card.cancelled = false;
    card.works = 0;
    assert_eq!(echo(&mut transport, 3), Ok(()));
}

#[test]
fn a_refusal_is_told() {
    let mut transport = open(Token::new());
    transport.card_mut().only_says = Some(0x6985);
    assert_eq!(
        echo(&mut transport, 3),
        Err(NfcError::Refused(Status::ConditionsNotSatisfied))
    );
}

#[test]
fn a_deselected_token_wants_to_be_selected() {
    let mut transport = open(Token::new());
    transport.deselect(DEADLINE).unwrap();
    let refused = NfcError::Refused(Status::InsNotSupported);
    assert_eq!(echo(&mut transport, 3), Err(refused));
    assert_eq!(transport.deselect(DEADLINE), Err(refused));
    assert_eq!(transport.select(DEADLINE), Ok(Version::Fido2_0));
    assert_eq!(echo(&mut transport, 3), Ok(()));
}

#[test]
fn errors_say_what_happened() {
    let error = NfcError::<Trouble>::Refused(Status::ConditionsNotSatisfied);
    assert_eq!(
        error.to_string(),
        "the token refused the command: the conditions of use are not met (SW 6985)"
    );
    assert_eq!(
        NfcError::<Trouble>::NoApplet.to_string(),
        "the card at the reader is no FIDO token"
    );
}

#[test]
fn requests_are_not_shown() {
    let mut transport = open(Token::new());
    echo(&mut transport, 3).unwrap();
    assert_eq!(
        std::format!("{transport:?}"),
        "NfcTransport { framing: Short, version: Fido2_0, .. }"
    );
}
