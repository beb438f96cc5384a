#![no_main]

use arbitrary::Arbitrary;
use keysteward_core::iso7816::{
    Block, Blocks, Command, Exchange, Form, Framing, Le, Outbox, Reassembly, Response, Status,
};
use libfuzzer_sys::fuzz_target;

/// Commands and answers that go from our reader to our card and back.
#[derive(Arbitrary, Debug)]
struct Dialogue<'a> {
    room: u16,
    /// Room for one answer on its way.
    reply: u16,
    steps: Vec<Step<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    /// Whatever a reader sends.
    Command { header: [u8; 4], data: &'a [u8] },
    /// A command cut into blocks arrives whole.
    Chain {
        header: [u8; 4],
        data: &'a [u8],
        block: u8,
    },
    /// An answer handed out in parts arrives whole.
    Answer {
        message: &'a [u8],
        status: u16,
        extended: bool,
        le: u16,
        held: bool,
    },
    /// GET RESPONSE, wanted or not.
    GetResponse { message: &'a [u8], le: u16 },
}

fuzz_target!(|dialogue: Dialogue<'_>| {
    let mut room = vec![0; dialogue.room.into()];
    let mut reply = vec![0; usize::from(dialogue.reply)];
    let (mut reassembly, mut outbox) = (Reassembly::new(), Outbox::new());
    for step in dialogue.steps {
        match step {
            Step::Command { header, data } => {
                let taken = reassembly.handle_command(&command(header, data), &mut room);
                match taken {
                    Ok(Block::Whole { len }) => assert!(room[..len].ends_with(data)),
                    Ok(Block::Part) => assert!(reassembly.is_collecting()),
                    Err(too_long) => assert_eq!(too_long.room, room.len()),
                }
                assert_eq!(reassembly.is_collecting(), taken == Ok(Block::Part));
            }
            Step::Chain {
                header,
                data,
                block,
            } => {
                let header = [header[0] & !0x10, header[1], header[2], header[3]];
                reassembly.clear();
                let mut last = Ok(Block::Part);
                for block in Blocks::new(command(header, data), block.into()) {
                    assert_eq!(last, Ok(Block::Part));
                    last = reassembly.handle_command(&block, &mut room);
                    if last.is_err() {
                        break;
                    }
                }
                if data.len() <= room.len() {
                    assert_eq!(last, Ok(Block::Whole { len: data.len() }));
                    assert_eq!(&room[..data.len()], data);
                } else {
                    assert!(last.is_err());
                }
            }
            Step::Answer {
                message,
                status,
                extended,
                le,
                held,
            } => {
                let form = if extended {
                    Form::Extended
                } else {
                    Form::Short
                };
                let status = Status::from(status);
                let asked = (form, Some(Le::new(le.into())));
                if held {
                    outbox.hold(status);
                }
                hand_over(&mut outbox, (message, status, held), asked, &mut reply);
            }
            Step::GetResponse { message, le } => {
                let waits = !outbox.is_empty();
                let part = outbox.get_response(message, Some(Le::new(le.into())), &mut reply);
                assert!(part.is_none() || waits);
            }
        }
    }
});

fn command(header: [u8; 4], data: &[u8]) -> Command<'_> {
    let [cla, ins, p1, p2] = header;
    let le = None;
    Command {
        cla,
        ins,
        p1,
        p2,
        data,
        le,
    }
}

/// The reader's half gets all of the message and the status, however small the parts are.
fn hand_over(
    outbox: &mut Outbox,
    (message, status, held): (&[u8], Status, bool),
    (form, le): (Form, Option<Le>),
    reply: &mut [u8],
) {
    // These are instructions to the reader and never a last word.
    if matches!(status, Status::MoreData { .. } | Status::WrongLe { .. }) || reply.len() < 2 {
        return;
    }
    let framing = match form {
        Form::Short => Framing::Short,
        Form::Extended => Framing::Extended,
    };
    let mut exchange = Exchange::new(
        Command {
            le,
            ..command([0; 4], &[])
        },
        framing,
    );
    let mut got = Vec::new();
    for turn in 0..=message.len() + 2 {
        let (command, form) = exchange.command().expect("the exchange goes on");
        // As it goes over the wire.
        let le = command.le.map(|le| le.min(form.max_le()));
        let part = match turn {
            0 if held => {
                let data: &[u8] = &[];
                Response {
                    data,
                    status: Status::MoreData { left: 0 },
                }
                .encode(reply)
            }
            0 => outbox.begin(message, status, (form, le), reply),
            _ => outbox.get_response(message, le, reply),
        };
        let Some(part) = part else {
            assert!(reply.len() < 3, "a part fits");
            return;
        };
        got.extend_from_slice(&part[..part.len() - 2]);
        if let Some(last) = exchange.handle_response(part).expect("our own card") {
            assert_eq!((last, &got[..]), (status, message));
            assert_eq!(exchange.len(), message.len());
            assert!(outbox.is_empty());
            return;
        }
    }
    panic!("{} bytes in more parts than bytes", message.len());
}
