use super::*;

const FIDO: &[u8] = b"\xA0\x00\x00\x06\x47\x2F\x00\x01";

/// Keeps what it was given until it is left.
struct Keeper {
    name: &'static [u8],
    kept: Vec<u8>,
}

impl Applet for Keeper {
    fn is_named(&self, aid: &[u8]) -> bool {
        aid == self.name
    }

    fn select<'r>(&mut self, response: &'r mut [u8]) -> (&'r [u8], Status) {
        response[..1].copy_from_slice(&self.name[..1]);
        (&response[..1], Status::Success)
    }

    fn deselect(&mut self) {
        self.kept.clear();
    }

    fn execute<'r>(&mut self, command: &Command<'_>, response: &'r mut [u8]) -> (&'r [u8], Status) {
        if command.ins == 0x01 {
            self.kept.extend_from_slice(command.data);
        }
        let answer = &mut response[..self.kept.len()];
        answer.copy_from_slice(&self.kept);
        (answer, Status::Success)
    }
}

struct Slot {
    beside: Beside<(Keeper, Keeper)>,
    fido: Option<&'static [u8]>,
    message: Vec<u8>,
}

impl Slot {
    fn new(fido: Option<&'static [u8]>) -> Self {
        let keeper = |name| Keeper {
            name,
            kept: Vec::new(),
        };
        Self {
            beside: Beside::new((keeper(b"one"), keeper(b"two"))),
            fido,
            message: vec![0; 2000],
        }
    }

    /// `None`: it is FIDO's.
    fn say(&mut self, apdu: &[u8]) -> Option<Vec<u8>> {
        let (mut request, mut reply) = (vec![0; 2000], vec![0; 258]);
        let buffers = (&mut request[..], &mut self.message[..], &mut reply[..]);
        match self.beside.handle_command(apdu, self.fido, buffers) {
            Turn::Replied { len } => Some(reply[..len].to_vec()),
            Turn::Fido => None,
        }
    }

    fn select(&mut self, name: &[u8]) -> Option<Vec<u8>> {
        let head = [0x00, 0xA4, 0x04, 0x00, name.len() as u8];
        self.say(&[&head, name].concat())
    }
}

#[test]
fn commands_go_to_the_applet_that_was_selected_last() {
    let mut slot = Slot::new(Some(FIDO));
    assert_eq!(slot.say(b"\x00\x01\x00\x00"), None, "FIDO's from the start");
    assert_eq!(slot.select(b"one").unwrap(), b"o\x90\x00");
    assert_eq!(slot.say(b"\x00\x01\x00\x00\x01a").unwrap(), b"a\x90\x00");
    assert_eq!(slot.select(FIDO), None);
    assert_eq!(slot.say(b"\x00\x01\x00\x00"), None);
    assert_eq!(slot.select(b"two").unwrap(), b"t\x90\x00");
    assert_eq!(slot.say(b"\x00\x02\x00\x00").unwrap(), b"\x90\x00");
}

#[test]
fn an_applet_that_is_left_forgets() {
    let mut slot = Slot::new(Some(FIDO));
    for leave in [FIDO, b"two"] {
        slot.select(b"one");
        assert_eq!(slot.say(b"\x00\x01\x00\x00\x01a").unwrap(), b"a\x90\x00");
        slot.select(leave);
        slot.select(b"one");
        assert_eq!(slot.say(b"\x00\x02\x00\x00").unwrap(), b"\x90\x00");
    }
    slot.say(b"\x00\x01\x00\x00\x01a");
    slot.select(b"one");
    let kept = slot.say(b"\x00\x02\x00\x00").unwrap();
    assert_eq!(kept, b"a\x90\x00", "selected again, it was not left");
    slot.beside.power_up();
    slot.select(b"one");
    assert_eq!(slot.say(b"\x00\x02\x00\x00").unwrap(), b"\x90\x00");
}

#[test]
fn a_name_that_no_applet_has_changes_nothing() {
    let mut slot = Slot::new(Some(FIDO));
    slot.select(b"one");
    assert_eq!(slot.select(b"three").unwrap(), b"\x6A\x82");
    assert_eq!(slot.say(b"\x00\x01\x00\x00\x01a").unwrap(), b"a\x90\x00");
}

#[test]
fn chains_are_put_together_and_long_answers_are_fetched_in_parts() {
    let mut slot = Slot::new(Some(FIDO));
    slot.select(b"one");
    let part = [&b"\x10\x01\x00\x00\xC8"[..], &[7; 200]].concat();
    assert_eq!(slot.say(&part).unwrap(), b"\x90\x00");
    let last = [&b"\x00\x01\x00\x00\xC8"[..], &[8; 200], &[0]].concat();
    let first = slot.say(&last).unwrap();
    assert_eq!((first.len(), &first[256..]), (258, &b"\x61\x90"[..]));
    let rest = slot.say(b"\x00\xC0\x00\x00\x90").unwrap();
    assert_eq!(rest, [&[8; 144][..], b"\x90\x00"].concat());
    let nothing = slot.say(b"\x00\xC0\x00\x00\x00").unwrap();
    assert_eq!(nothing, b"\x69\x85");
}

#[test]
fn a_card_without_fido_answers_for_itself() {
    let mut slot = Slot::new(None);
    assert_eq!(slot.say(b"\x00\x01\x00\x00").unwrap(), b"\x69\x86");
    assert_eq!(slot.select(FIDO).unwrap(), b"\x6A\x82");
    assert_eq!(slot.say(b"\x00").unwrap(), b"\x67\x00");
    assert_eq!(slot.select(b"two").unwrap(), b"t\x90\x00");
    assert_eq!(slot.say(b"\x01\x01\x00\x00").unwrap(), b"\x68\x81");
}
