#![no_main]

use keysteward_core::iso7816::{Command, Form, Le, Response};
use keysteward_core::nfcctap::AID;
use keysteward_core::time::Millis;
use keysteward_fuzz::Script;
use keysteward_fuzz::virtual_key::VirtualKey;
use keysteward_virtual_token::authenticator::profile::Profile;
use keysteward_virtual_token::card::{Card, Presence, Reader};
use libfuzzer_sys::fuzz_target;

// The virtual token as a card, of any profile, among readers that send what they like. It answers
// everything with a status word, and serves a well-behaved reader at the end.
fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(bytes);
    let profile = usize::from(script.byte().unwrap_or(0)) % Profile::ALL.len();
    let profile = Profile::ALL[profile];
    let presence = match script.byte().unwrap_or(0) & 1 {
        0 => Presence::Button,
        _ => Presence::Field,
    };
    let mut card = Card::new(VirtualKey::new(profile).into_authenticator(), presence);
    let mut reader = ScriptedReader::new(script);
    card.power_up(reader.now);
    while card.serve(&mut reader).is_ok() {}
    assert!(reader.answered <= reader.asked, "an answer to nothing");

    let mut reader = ScriptedReader::new(Script::new(&[]));
    reader.honest = vec![get_info(), select()];
    card.power_up(reader.now);
    while card.serve(&mut reader).is_ok() {}
    let [select, info] = reader.answers.as_slice() else {
        panic!("{:02x?}", reader.answers);
    };
    assert!(select.ends_with(&[0x90, 0x00]), "{select:02x?}");
    assert!(
        profile == Profile::U2fOnly || info[..1] == [0],
        "{info:02x?}"
    );
});

/// A reader whose commands are the steps of a script.
struct ScriptedReader<'s> {
    script: Script<'s>,
    now: Millis,
    lit: bool,
    asked: usize,
    answered: usize,
    /// Sent when the script has ended, the last first.
    honest: Vec<Vec<u8>>,
    answers: Vec<Vec<u8>>,
    /// The rest of a chain.
    chain: Vec<Vec<u8>>,
}

struct Gone;

impl<'s> ScriptedReader<'s> {
    const fn new(script: Script<'s>) -> Self {
        Self {
            script,
            now: Millis(0),
            lit: false,
            asked: 0,
            answered: 0,
            honest: Vec::new(),
            answers: Vec::new(),
            chain: Vec::new(),
        }
    }

    /// The next command; `None`: the reader lets time pass.
    fn next_command(&mut self) -> Result<Option<Vec<u8>>, Gone> {
        if let Some(block) = self.chain.pop() {
            return Ok(Some(block));
        }
        let Some(step) = self.script.byte() else {
            return self.honest.pop().map(Some).ok_or(Gone);
        };
        Ok(Some(match step {
            // Whatever it likes.
            0x00..=0x7F => self.script.rest_of_step().to_vec(),
            0x80..=0x9F => select(),
            // A message of CTAP2 in one command, the client polling or not.
            0xA0..=0xBF => {
                let message = self.script.rest_of_step();
                command(0x80, 0x10, (step & 1) << 7, message, Form::Extended)
            }
            // The same in a chain of blocks.
            0xC0..=0xCF => {
                let message = self.script.rest_of_step();
                let blocks = message.chunks(usize::from(step & 0x0F) * 16 + 1);
                let last = blocks.len().saturating_sub(1);
                self.chain = blocks
                    .enumerate()
                    .map(|(at, block)| {
                        let cla = if at == last { 0x80 } else { 0x90 };
                        command(cla, 0x10, 0x80, block, Form::Short)
                    })
                    .rev()
                    .collect();
                return self.next_command();
            }
            // U2F.
            0xD0..=0xDF => {
                let data = self.script.rest_of_step();
                command(0x00, step & 3, 0x03, data, Form::Extended)
            }
            // GET RESPONSE, polls and CANCEL.
            0xE0..=0xE3 => command(0x00, 0xC0, 0x00, &[], Form::Short),
            0xE4..=0xE9 => command(0x80, 0x11, 0x00, &[], Form::Short),
            0xEA..=0xEF => command(0x80, 0x11, 0x11, &[], Form::Short),
            0xF0.. => return Ok(None),
        }))
    }
}

fn command(cla: u8, ins: u8, p1: u8, data: &[u8], form: Form) -> Vec<u8> {
    let command = Command {
        cla,
        ins,
        p1,
        p2: 0x00,
        data,
        le: Some(match form {
            Form::Short => Le::SHORT,
            Form::Extended => Le::EXTENDED,
        }),
    };
    let mut apdu = vec![0; data.len() + 10];
    command.encode(form, &mut apdu).expect("the room").to_vec()
}

fn select() -> Vec<u8> {
    let mut apdu = command(0x00, 0xA4, 0x04, &AID, Form::Short);
    apdu.truncate(6 + AID.len());
    apdu
}

fn get_info() -> Vec<u8> {
    command(0x80, 0x10, 0x00, &[0x04], Form::Extended)
}

impl Reader for ScriptedReader<'_> {
    type Gone = Gone;

    fn now(&mut self) -> Millis {
        self.now
    }

    fn receive(&mut self, until: Option<Millis>, apdu: &mut [u8]) -> Result<Option<usize>, Gone> {
        self.now = self.now.after(10);
        let Some(command) = self.next_command()? else {
            self.now = self.now.max(until.unwrap_or(self.now));
            return Ok(None);
        };
        let room = apdu.get_mut(..command.len());
        let room = room.expect("a step is shorter than the longest command");
        room.copy_from_slice(&command);
        self.asked += 1;
        Ok(Some(command.len()))
    }

    fn respond(&mut self, apdu: &[u8]) -> Result<(), Gone> {
        assert!(Response::parse(apdu).is_ok(), "{apdu:02x?}");
        self.answered += 1;
        self.answers.push(apdu.to_vec());
        Ok(())
    }

    fn lamp(&mut self, lit: bool) {
        self.lit = lit;
    }

    fn touched(&mut self) -> Result<bool, Gone> {
        Ok(self.lit)
    }
}
