//! A reader with one applet of the virtual card on it: for sessions of ours, and for commands that
//! come as they are.

use keysteward_core::iso7816::{CardTransport, Command, Status};
use keysteward_core::time::Millis;
use keysteward_virtual_token::card::Applet;

use crate::{Gone, ROOM};

/// Puts chains of commands together, hands them to the applet, and gives its answer in one piece.
/// Each command takes a millisecond.
#[expect(missing_debug_implementations, reason = "the applet holds secrets")]
pub struct AppletReader<'a, A> {
    pub applet: &'a mut A,
    now: Millis,
    chain: Vec<u8>,
}

impl<'a, A: Applet> AppletReader<'a, A> {
    pub const fn new(applet: &'a mut A) -> Self {
        Self {
            applet,
            now: Millis(0),
            chain: Vec::new(),
        }
    }
}

impl<A: Applet> CardTransport for AppletReader<'_, A> {
    type Error = Gone;

    fn now(&mut self) -> Millis {
        self.now
    }

    fn pause(&mut self, until: Millis) {
        self.now = self.now.max(until);
    }

    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> Result<&'r [u8], Gone> {
        self.now = self.now.after(1);
        let (command, _) = Command::parse(command).expect("a command");
        self.chain.extend_from_slice(command.data);
        let mut room = vec![0; ROOM];
        let (data, status) = match command.cla & CHAINED {
            0 if is_select(&command) => self.applet.select(&mut room),
            0 => {
                let data = std::mem::take(&mut self.chain);
                let whole = Command {
                    data: &data,
                    ..command
                };
                self.applet.execute(&whole, &mut room)
            }
            _ => (&[][..], Status::Success),
        };
        if command.cla & CHAINED == 0 {
            self.chain.clear();
        }
        let answer = [data, &u16::from(status).to_be_bytes()].concat();
        let response = response.get_mut(..answer.len()).ok_or(Gone::TooLong)?;
        response.copy_from_slice(&answer);
        Ok(response)
    }
}

/// Hands the applet one whole command. It answers with a status, and with data only where that is a
/// good one.
pub fn execute(applet: &mut impl Applet, header: [u8; 4], data: &[u8], response: &mut [u8]) {
    let [cla, ins, p1, p2] = header;
    let command = Command {
        cla,
        ins,
        p1,
        p2,
        data,
        le: None,
    };
    let (data, status) = applet.execute(&command, response);
    assert!(data.is_empty() || status == Status::Success, "{status:?}");
}

/// By name, and not of a file.
fn is_select(command: &Command<'_>) -> bool {
    (command.ins, command.p1) == (0xA4, 0x04)
}

const CHAINED: u8 = 0x10;
