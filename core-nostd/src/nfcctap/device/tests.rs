use super::*;
use crate::iso7816::Blocks;
use std::format;
use std::string::String;
use std::vec::Vec;

const SELECT_FIDO: &[u8] = b"\x00\xA4\x04\x00\x08\xA0\x00\x00\x06\x47\x2F\x00\x01\x00";
const STATES: [&str; 5] = ["deselected", "selected", "executing", "held", "pending"];

fn applet(state: &str) -> Applet {
    let mut applet = Applet::new(Version::U2fV2);
    let (mut request, mut reply) = ([0; 64], [0; 64]);
    if state != "deselected" {
        let _ = applet.handle_command(SELECT_FIDO, &mut request, &[], &mut reply);
    }
    let msg: &[u8] = match state {
        "executing" | "pending" => b"\x80\x10\x80\x00\x01\x04\x00",
        "held" => b"\x80\x10\x00\x00\x01\x04\x00",
        _ => return applet,
    };
    let _ = applet.handle_command(msg, &mut request, &[], &mut reply);
    if state == "pending" {
        let len = applet.keepalive(Keepalive::Processing, &mut reply);
        assert_eq!(len, Some(3));
    }
    applet
}

fn name(applet: &Applet) -> &'static str {
    match applet.state {
        State::Deselected => "deselected",
        State::Selected if applet.reassembly.is_collecting() => "selected, collecting",
        State::Selected => "selected",
        State::Executing {
            operation: Operation::Polled,
            ..
        } => "executing",
        State::Executing {
            operation: Operation::Held,
            ..
        } => "held",
        State::Pending => "pending",
    }
}

/// Every state times every command; each cell is "what is done -> state".
#[test]
fn the_whole_table_of_transitions_is_as_drawn() {
    let commands: [(&str, &[u8]); 27] = [
        ("SELECT", SELECT_FIDO),
        ("SELECT without Le", &SELECT_FIDO[..13]),
        (
            "SELECT of PIV",
            b"\x00\xA4\x04\x00\x05\xA0\x00\x00\x03\x08\x00",
        ),
        ("SELECT by file id", b"\x00\xA4\x00\x00\x02\x3F\x00\x00"),
        ("MSG", b"\x80\x10\x80\x00\x01\x04\x00"),
        ("MSG, extended", b"\x80\x10\x80\x00\x00\x00\x01\x04\x00\x00"),
        ("MSG from who cannot poll", b"\x80\x10\x00\x00\x01\x04\x00"),
        ("MSG, a part", b"\x90\x10\x80\x00\x01\x04"),
        ("MSG, empty", b"\x80\x10\x80\x00\x00"),
        (
            "MSG, too long",
            b"\x80\x10\x80\x00\x09\x01\x02\x03\x04\x05\x06\x07\x08\x09\x00",
        ),
        ("MSG, P1 01", b"\x80\x10\x01\x00\x01\x04\x00"),
        ("MSG, P2 01", b"\x80\x10\x80\x01\x01\x04\x00"),
        ("GETRESPONSE", b"\x80\x11\x00\x00\x00"),
        ("GETRESPONSE, cancel", b"\x80\x11\x11\x00\x00"),
        ("GETRESPONSE, P1 12", b"\x80\x11\x12\x00\x00"),
        ("CONTROL, end", b"\x80\x12\x01\x00"),
        ("CONTROL, end, with data", b"\x80\x12\x01\x00\x01\x00"),
        ("CONTROL, P1 02", b"\x80\x12\x02\x00"),
        ("GET RESPONSE", b"\x00\xC0\x00\x00\x00"),
        ("GET RESPONSE of class 80", b"\x80\xC0\x00\x00\x00"),
        ("U2F version", b"\x00\x03\x00\x00\x00"),
        ("U2F register, a part", b"\x10\x01\x00\x00\x01\x00"),
        ("U2F instruction 40", b"\x00\x40\x00\x00\x00"),
        ("instruction 13", b"\x80\x13\x00\x00\x00"),
        ("class 84", b"\x84\x10\x80\x00\x01\x04\x00"),
        ("lengths that do not add up", b"\x80\x10\x80\x00\x02\x04"),
        ("nothing", b""),
    ];
    let mut table = String::new();
    for state in STATES {
        for (command, apdu) in &commands {
            let mut applet = applet(state);
            let mut reply = [0; 16];
            let event = applet.handle_command(apdu, &mut [0; 8], b"last", &mut reply);
            let done = match event {
                Event::Reply { len } => format!("{:02X?}", &reply[..len]),
                other => format!("{other:?}"),
            };
            table += &format!("{state} + {command}: {done} -> {}\n", name(&applet));
        }
    }
    let expected = include_str!("tests/transitions.txt");
    let differing: Vec<_> = table
        .lines()
        .zip(expected.lines())
        .filter(|(is, should)| is != should)
        .collect();
    assert_eq!(table, expected, "{differing:#?}");
}

#[test]
fn only_the_state_that_owes_an_answer_takes_one() {
    for state in STATES {
        let owes = matches!(state, "executing" | "held");
        let mut reply = [0; 16];
        let responded = applet(state).respond(&[0], Status::Success, &mut reply);
        assert_eq!(responded, owes.then_some(3), "{state}");
        let told = applet(state).keepalive(Keepalive::UserPresenceNeeded, &mut reply);
        assert_eq!(told, (state == "executing").then_some(3), "{state}");
        let busy = matches!(state, "executing" | "held" | "pending");
        assert_eq!(applet(state).is_executing(), busy, "{state}");
    }
}

#[test]
fn a_token_of_ctap2_alone_has_no_u2f() {
    let mut applet = Applet::new(Version::Fido2_0);
    let mut reply = [0; 16];
    for (apdu, answer) in [
        (SELECT_FIDO, b"FIDO_2_0\x90\x00".as_slice()),
        (b"\x00\x03\x00\x00\x00", b"\x6D\x00"),
    ] {
        let event = applet.handle_command(apdu, &mut [0; 8], &[], &mut reply);
        let Event::Reply { len } = event else {
            panic!("{event:?}");
        };
        assert_eq!(&reply[..len], answer);
    }
}

#[test]
fn a_chain_becomes_a_message_and_its_answer_is_fetched_in_parts() {
    let mut applet = applet("selected");
    let message: Vec<u8> = (0..=255).cycle().take(700).collect();
    let msg = Command {
        cla: CLA,
        ins: MSG,
        p1: GETRESPONSE_KNOWN,
        p2: 0,
        data: &message,
        le: Some(Le::SHORT),
    };
    let (mut request, mut reply, mut apdu) = ([0; 1024], [0; 258], [0; 261]);
    let mut last = Event::Poll;
    for block in Blocks::new(msg, 250) {
        let apdu = block.encode(Form::Short, &mut apdu).unwrap();
        last = applet.handle_command(apdu, &mut request, &[], &mut reply);
    }
    assert_eq!(last, Event::Ctap2 { len: 700 });
    assert_eq!(request[..700], message);

    let mut len = applet
        .respond(&message, Status::Success, &mut reply)
        .unwrap();
    let mut fetched = Vec::new();
    for (left, class) in [(0x00, 0x00), (0xBC, 0x80)] {
        let response = Response::parse(&reply[..len]).unwrap();
        assert_eq!(response.status, Status::MoreData { left });
        fetched.extend(response.data.to_vec());
        let more = [class, 0xC0, 0, 0, left];
        let event = applet.handle_command(&more, &mut request, &message, &mut reply);
        let Event::Reply { len: next } = event else {
            panic!("{event:?}");
        };
        len = next;
    }
    let response = Response::parse(&reply[..len]).unwrap();
    assert_eq!(response.status, Status::Success);
    fetched.extend(response.data.to_vec());
    assert_eq!(fetched, message);
}

#[test]
fn a_new_command_forgets_what_was_not_fetched() {
    let mut applet = applet("executing");
    let (mut request, mut reply) = ([0; 64], [0; 400]);
    let answer = [5; 300];
    applet
        .respond(&answer, Status::Success, &mut reply)
        .unwrap();
    let _ = applet.handle_command(b"\x80\x13\x00\x00", &mut request, &answer, &mut reply);
    let fetch = b"\x00\xC0\x00\x00\x00";
    let event = applet.handle_command(fetch, &mut request, &answer, &mut reply);
    assert_eq!(event, Event::Reply { len: 2 });
    assert_eq!(reply[..2], [0x69, 0x85]);
}

#[test]
fn a_poll_gets_the_answer_in_its_own_form() {
    let mut applet = applet("pending");
    let mut reply = [0; 400];
    let poll = b"\x80\x11\x00\x00\x00\x00\x00";
    let event = applet.handle_command(poll, &mut [0; 8], &[], &mut reply);
    assert_eq!(event, Event::Poll);
    let len = applet.respond(&[5; 300], Status::Success, &mut reply);
    assert_eq!(len, Some(302));
}

#[test]
fn an_answer_that_no_reply_carries_is_a_failure() {
    let mut applet = applet("executing");
    let len = applet.respond(&[5; 300], Status::Success, &mut [0; 2]);
    assert_eq!(len, Some(2));
}

proptest::proptest! {
    #[test]
    fn no_command_leaves_the_token_without_an_answer(
        state in proptest::sample::select(STATES.as_slice()),
        apdus in proptest::collection::vec(proptest::collection::vec(proptest::num::u8::ANY, 0..20), 1..10),
    ) {
        let mut applet = applet(state);
        for apdu in apdus {
            let event = applet.handle_command(&apdu, &mut [0; 8], b"last", &mut [0; 16]);
            if let Event::Reply { len } = event {
                proptest::prop_assert!(len >= 2);
            }
        }
    }
}
