//! Lies inside answers that are of the right form: BER-TLV, and cards that change their mind. ISO
//! 7816-4 §6.3; ISO/IEC 8825-1 §8.1.

use super::{Asked, HostileCard, card, selected};

pub(super) const ALL: &[HostileCard] = &[
    card(
        "tlv-beyond-end",
        "announces more in each object than there is",
        |asked| {
            rewritten(asked, |tag, value| {
                [tag, &[0x82, 0xFF, 0xFF], value].concat()
            })
        },
    ),
    card(
        "tlv-of-four-gigabytes",
        "announces objects of 4 GiB",
        |asked| {
            rewritten(asked, |tag, value| {
                [tag, &[0x84, 0xFF, 0xFF, 0xFF, 0xFF], value].concat()
            })
        },
    ),
    card(
        "tlv-cut-short",
        "announces less in each object than there is",
        |asked| {
            rewritten(asked, |tag, value| {
                let less = u8::try_from(value.len() / 2).unwrap_or(0x7F).min(0x7F);
                [tag, &[less], value].concat()
            })
        },
    ),
    card(
        "tlv-indefinite",
        "gives objects of indefinite length",
        |asked| rewritten(asked, |tag, value| [tag, &[0x80], value, &[0, 0]].concat()),
    ),
    card(
        "tlv-length-reserved",
        "gives objects a length of a form that is reserved (FF)",
        |asked| rewritten(asked, |tag, value| [tag, &[0xFF], value].concat()),
    ),
    card("tlv-empty", "gives objects that are empty", |asked| {
        rewritten(asked, |tag, _| [tag, &[0x00]].concat())
    }),
    card(
        "tlv-of-another-tag",
        "gives another object than was asked for",
        |asked| rewritten(asked, |_, value| [&[0x5F, 0x7F, 0x00], value].concat()),
    ),
    card(
        "tlv-tag-endless",
        "gives objects with a tag that does not end",
        |asked| rewritten(asked, |_, _| vec![0xFF; 200]),
    ),
    card(
        "tlv-nested",
        "gives objects within objects, 500 deep",
        |asked| {
            rewritten(asked, |tag, _| {
                let shells = (0_u16..500).rev().map(|depth| {
                    let [high, low] = (depth * 4).to_be_bytes();
                    [0x70, 0x82, high, low]
                });
                let nested: Vec<u8> = shells.flatten().collect();
                let [high, low] = 2_000_u16.to_be_bytes();
                [tag, &[0x82, high, low], &nested].concat()
            })
        },
    ),
    card(
        "tlv-twice",
        "gives each object twice, the second time of nothing but 5A",
        |asked| {
            let honest = asked.honest();
            let (data, status) = parts(&honest);
            [data, &vec![0x5A; data.len()], status].concat()
        },
    ),
    card("noise", "answers with what looks like noise", |asked| {
        let honest = asked.honest();
        let noise = (0_u32..253).map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()[3]);
        [noise.collect(), parts(&honest).1.to_vec()].concat()
    }),
    card(
        "objects-come-and-go",
        "has each object every other time",
        |asked| match asked.before % 2 {
            0 => asked.honest(),
            _ => vec![0x6A, 0x82],
        },
    ),
    card("objects-change", "says something else each time", |asked| {
        let mask = asked.before.to_le_bytes()[0];
        let honest = asked.honest();
        let (data, status) = parts(&honest);
        let changed = data.iter().map(|byte| byte ^ mask);
        [changed.collect(), status.to_vec()].concat()
    }),
    card(
        "tries-for-ever",
        "refuses every PIN, and has 15 tries left each time",
        |asked| match *asked.command {
            [_, VERIFY | CHANGE_REFERENCE_DATA | RESET_RETRY_COUNTER, ..] => vec![0x63, 0xCF],
            _ => asked.honest(),
        },
    ),
    card(
        "takes-everything",
        "says of every change that it was made, and makes none",
        |asked| match *asked.command {
            [
                _,
                VERIFY
                | CHANGE_REFERENCE_DATA
                | RESET_RETRY_COUNTER
                | PUT_DATA
                | PUT_DATA_BERTLV
                | GENERATE
                | RESET,
                ..,
            ] => vec![0x90, 0x00],
            _ => asked.honest(),
        },
    ),
    card(
        "keeps-everything",
        "says that it was reset (PIV), and is as it was",
        |asked| match *asked.command {
            [_, RESET, ..] => vec![0x90, 0x00],
            _ => asked.honest(),
        },
    ),
    card(
        "forgets",
        "has forgotten its applet after the second command",
        |asked| match asked.before {
            0 | 1 => asked.honest(),
            _ => vec![0x6D, 0x00],
        },
    ),
    selected(
        "select-noise",
        "answers SELECT of whatever it has with noise",
        |asked| {
            let honest = asked.honest();
            match parts(&honest).1 {
                [0x90 | 0x61, _] => [vec![0xFF; 100], vec![0x90, 0x00]].concat(),
                _ => honest,
            }
        },
    ),
    selected(
        "select-everything",
        "has every applet that there is, and they know no command",
        |asked| match *asked.command {
            [_, super::SELECT, ..] => vec![0x90, 0x00],
            _ => vec![0x6D, 0x00],
        },
    ),
];

/// Data and status.
fn parts(answer: &[u8]) -> (&[u8], &[u8]) {
    match answer.split_last_chunk::<2>() {
        Some((data, status)) => (data, status),
        None => (&[], answer),
    }
}

/// The object of the honest answer, made anew of its tag and value. What holds none is as it was.
fn rewritten(asked: &mut Asked<'_>, make: fn(&[u8], &[u8]) -> Vec<u8>) -> Vec<u8> {
    let honest = asked.honest();
    let (data, status) = parts(&honest);
    match value_of(data) {
        Some((tag, value)) => [&make(tag, value), status].concat(),
        None => honest,
    }
}

/// Tag and value of the object that the bytes begin with, as far as they are there.
fn value_of(object: &[u8]) -> Option<(&[u8], &[u8])> {
    let more = |byte: &u8| byte & 0x80 != 0;
    let tag = match object {
        [first, rest @ ..] if first & 0x1F == 0x1F => {
            2 + rest.iter().take_while(|b| more(b)).count()
        }
        [_, ..] => 1,
        [] => return None,
    };
    let (tag, rest) = object.split_at_checked(tag)?;
    let (&length, value) = rest.split_first()?;
    let long = match length {
        0x81..=0x84 => usize::from(length & 0x7F),
        _ => 0,
    };
    Some((tag, value.get(long..)?))
}

const VERIFY: u8 = 0x20;
const CHANGE_REFERENCE_DATA: u8 = 0x24;
const RESET_RETRY_COUNTER: u8 = 0x2C;
const GENERATE: u8 = 0x47;
const PUT_DATA: u8 = 0xDA;
const PUT_DATA_BERTLV: u8 = 0xDB;
/// PIV, Yubico's.
const RESET: u8 = 0xFB;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_taken_apart_whatever_its_tag_and_length() {
        for (object, tag, value) in [
            (&b"\x53\x02hi"[..], &b"\x53"[..], &b"hi"[..]),
            (b"\x5F\x2F\x02hi", b"\x5F\x2F", b"hi"),
            (b"\x5F\xC1\x02\x02hi", b"\x5F\xC1\x02", b"hi"),
            (b"\x53\x81\x02hi", b"\x53", b"hi"),
            (b"\x53\x82\x00\x02hi", b"\x53", b"hi"),
        ] {
            assert_eq!(value_of(object), Some((tag, value)));
        }
        for object in [&b""[..], b"\x53", b"\x5F", b"\x5F\xC1", b"\x53\x82\x00"] {
            assert_eq!(value_of(object), None, "{object:02X?}");
        }
    }
}
