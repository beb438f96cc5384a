use super::cbor::{Members, bytes, head, map, text, unsigned};
use super::*;
use keysteward_core::ctaphid::{Command, Packet, Report};
use std::collections::BTreeSet;

/// Answers every request with this.
struct Parrot(Vec<u8>);

impl Honest for Parrot {
    fn power_up(&mut self, _: Millis) {}

    fn answer(&mut self, _: Millis, _: &[u8]) -> Vec<u8> {
        self.0.clone()
    }
}

fn liar(name: &str, answer: &[u8]) -> Liar<Parrot> {
    let mut liar = Liar::new(find(name).unwrap(), Parrot(answer.to_vec()));
    liar.power_up(Millis(0));
    liar
}

fn packet(channel: u32, command: u8, data: &[u8]) -> Report {
    let mut report = [0; 64];
    report[..4].copy_from_slice(&channel.to_be_bytes());
    report[4] = command | 0x80;
    report[6] = data.len() as u8;
    report[7..7 + data.len()].copy_from_slice(data);
    report
}

/// Opens channel 1.
fn open(liar: &mut Liar<Parrot>) {
    liar.handle_report(Millis(0), &packet(u32::MAX, 0x06, &[7; 8]));
    while liar.poll(Millis(0)).is_some() {}
}

fn get_info(liar: &mut Liar<Parrot>, now: Millis) -> Vec<Report> {
    liar.handle_report(now, &packet(1, 0x10, &[0x04]));
    let mut sent = Vec::new();
    while let Some(Output::Report(report)) = liar.poll(now) {
        sent.push(report);
    }
    sent
}

#[test]
fn names_are_told_apart_and_each_says_what_it_does() {
    let names: BTreeSet<_> = all().map(|one| one.name).collect();
    assert_eq!(names.len(), all().count(), "a name twice");
    for one in all() {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(one.name.chars().all(plain), "{}", one.name);
        assert!(
            one.does.len() > 10 && !one.does.ends_with('.'),
            "{}",
            one.does
        );
        assert_eq!(find(one.name).map(|found| found.does), Some(one.does));
    }
    assert!(find("honest").is_none());
}

#[test]
fn the_same_name_tells_the_same_lie() {
    let tell = || {
        let mut liar = liar("garbage", &[0x00, 0xA0]);
        open(&mut liar);
        [
            get_info(&mut liar, Millis(0)),
            get_info(&mut liar, Millis(1)),
        ]
    };
    let [first, second] = tell();
    assert_ne!(first, second, "noise, and not a constant");
    assert_eq!(tell(), [first, second]);
}

#[test]
fn a_flood_goes_on_at_its_pace_and_gives_way_to_the_next_request() {
    let mut liar = liar("keepalive-flood", &[0x00]);
    open(&mut liar);
    assert_eq!(get_info(&mut liar, Millis(0)).len(), 8);
    assert_eq!(liar.due(), Some(Millis(1)));
    let mut sent = 0;
    while liar.poll(Millis(100)).is_some() {
        sent += 1;
    }
    assert_eq!(sent, 800, "as many as 100 ms have room for");
    liar.handle_report(Millis(200), &packet(1, 0x06, &[8; 8]));
    let answer = liar.poll(Millis(200));
    assert!(
        matches!(&answer, Some(Output::Report(report)) if report[4] == 0x86),
        "{answer:?}"
    );
    assert_eq!(liar.due(), None);
}

#[test]
fn what_waits_is_not_sent_too_early() {
    let mut liar = liar("late", &[0x00]);
    open(&mut liar);
    assert!(get_info(&mut liar, Millis(0)).is_empty());
    assert_eq!(liar.poll(Millis(3_599_999)), None);
    assert!(liar.poll(Millis(3_600_000)).is_some());
}

#[test]
fn everything_but_the_lie_is_honest() {
    let mut liar = liar("error-7f", &[0x00]);
    open(&mut liar);
    liar.handle_report(Millis(0), &packet(1, 0x01, b"echo"));
    let Some(Output::Report(echo)) = liar.poll(Millis(0)) else {
        panic!("no answer to PING");
    };
    assert_eq!(echo[4..11], *b"\x81\x00\x04echo");
    assert_eq!(liar.told(), 0);
    let refused = get_info(&mut liar, Millis(0));
    let Packet::Init { command, data, .. } = Packet::parse(&refused[0]) else {
        panic!("{refused:?}");
    };
    assert_eq!((command, data[0]), (Command::Error, 0x7F));
    assert_eq!(liar.told(), 1);
}

#[test]
fn a_power_cycle_forgets_what_was_on_its_way() {
    let mut liar = liar("touch-for-ever", &[0x00]);
    open(&mut liar);
    assert!(!get_info(&mut liar, Millis(0)).is_empty());
    liar.power_up(Millis(10));
    assert_eq!(liar.due(), None);
}

#[test]
fn members_are_exchanged_one_by_one_and_stay_in_order() {
    let honest = [
        vec![0],
        map(&[(unsigned(1), text("one")), (unsigned(0x18), bytes(&[2]))]),
    ]
    .concat();
    let mut members = Members::of(&honest).unwrap();
    assert_eq!(members.answer(), honest);
    members.set(3, unsigned(0x1_0000));
    members.set(1, head(1, 6));
    members.remove(0x18);
    let expected = [0x00, 0xA2, 0x01, 0x26, 0x03, 0x1A, 0x00, 0x01, 0x00, 0x00];
    assert_eq!(members.answer(), expected);
    assert_eq!(members.get(1), Some(&[0x26][..]));
    assert!(Members::of(&[0x31]).is_none(), "a refusal has none");
    assert_eq!(Members::of(&[0x00]).unwrap().count(), 0);
}

#[test]
fn heads_are_those_of_the_rfc() {
    // RFC 8949, appendix A.
    for (value, encoded) in [
        (0, "00"),
        (23, "17"),
        (24, "1818"),
        (1000, "1903e8"),
        (1_000_000, "1a000f4240"),
        (1_000_000_000_000, "1b000000e8d4a51000"),
        (u64::MAX, "1bffffffffffffffff"),
    ] {
        assert_eq!(hex::encode(unsigned(value)), encoded);
    }
}
