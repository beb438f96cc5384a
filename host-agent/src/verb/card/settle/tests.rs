use super::*;
use crate::verb::card::{CardFacts, Container, GidsFacts, PinFacts, PivFacts, sha256};

/// The card before: GUID 1, serial 7.
fn before() -> CardName {
    CardName {
        applet: Applet::Piv,
        id: vec![1; 16],
        serial: 7,
    }
}

fn container(name: &str, key: &[u8], certificate: &[u8]) -> Container {
    Container {
        name: name.to_owned(),
        public_key: key.to_vec(),
        certificate: certificate.to_vec(),
        ..Container::default()
    }
}

/// A card that names itself so.
fn seen(id: &[u8], serial: u32, containers: Vec<Container>) -> CardInspection {
    CardInspection {
        facts: CardFacts {
            piv: Some(PivFacts {
                guid: id.to_vec(),
                serial,
                ..PivFacts::default()
            }),
            ..CardFacts::default()
        },
        containers,
    }
}

fn tries(left: Option<u32>) -> CardInspection {
    let mut seen = seen(&[1; 16], 7, Vec::new());
    if let Some(piv) = &mut seen.facts.piv {
        piv.pin.tries_left = left;
    }
    seen
}

/// What a look at the very card says.
fn judge(mark: &Mark, seen: &CardInspection) -> Verdict {
    verdict(
        &before(),
        mark,
        &Sight {
            seen,
            is_same: true,
        },
    )
}

fn is_unknown(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Unknown(_))
}

#[test]
fn tries_tell_whether_a_pin_was_blocked() {
    let mark = Mark::Blocked(PinReference::Pin);
    assert_eq!(judge(&mark, &tries(Some(0))), Verdict::Done);
    assert_eq!(judge(&mark, &tries(Some(2))), Verdict::NotDone);
    assert!(is_unknown(&judge(&mark, &tries(None))));
}

#[test]
fn tries_and_the_factorys_secrets_tell_whether_tries_were_set() {
    let mark = Mark::Tries(PinTries { pin: 5, puk: 7 });
    let told = |pin: (Option<u32>, Option<bool>), puk: (Option<u32>, Option<bool>)| {
        let mut seen = tries(Some(3));
        if let Some(piv) = &mut seen.facts.piv {
            (piv.pin.tries, piv.pin.is_default) = pin;
            (piv.puk.tries, piv.puk.is_default) = puk;
        }
        judge(&mark, &seen)
    };
    let set = |tries| (Some(tries), Some(true));
    assert_eq!(told(set(5), set(7)), Verdict::Done);
    for (pin, puk) in [
        (set(3), set(7)),
        (set(5), set(3)),
        ((Some(5), Some(false)), set(7)),
        (set(5), (Some(7), Some(false))),
    ] {
        assert_eq!(told(pin, puk), Verdict::NotDone, "{pin:?} {puk:?}");
    }
    assert!(is_unknown(&told((None, Some(true)), set(7))));
    assert!(is_unknown(&told(set(5), (Some(7), None))));
}

#[test]
fn a_name_tells_whether_a_card_was_personalised() {
    let mark = Mark::Named { id: vec![2; 16] };
    assert_eq!(judge(&mark, &seen(&[2; 16], 7, vec![])), Verdict::Done);
    assert_eq!(judge(&mark, &seen(&[1; 16], 7, vec![])), Verdict::NotDone);
    let again = Mark::Named { id: vec![1; 16] };
    assert!(is_unknown(&judge(&again, &seen(&[1; 16], 7, vec![]))));
}

#[test]
fn a_public_key_tells_whether_another_was_made() {
    let mark = |before: Option<&[u8]>, tells| Mark::Key {
        container: "9a".to_owned(),
        before: before.map(sha256),
        tells,
    };
    let holds = |key: &[u8]| seen(&[1; 16], 7, vec![container("9a", key, b"")]);
    let made = Verdict::KeyMade {
        public_key: b"new".to_vec(),
    };
    assert_eq!(judge(&mark(Some(b"old"), true), &holds(b"new")), made);
    assert_eq!(judge(&mark(None, true), &holds(b"new")), made);
    let unchanged = judge(&mark(Some(b"old"), true), &holds(b"old"));
    assert_eq!(unchanged, Verdict::NotDone);
    let empty = judge(&mark(None, true), &seen(&[1; 16], 7, vec![]));
    assert_eq!(empty, Verdict::NotDone);
    assert!(is_unknown(&judge(&mark(None, false), &holds(b"old"))));
}

#[test]
fn a_certificate_tells_whether_it_was_written_whatever_the_card_is_called() {
    let mark = Mark::Certificate {
        container: "9a".to_owned(),
        sha256: sha256(b"certificate"),
    };
    let holds = |bytes: &[u8]| seen(&[1; 16], 7, vec![container("9a", b"key", bytes)]);
    assert_eq!(judge(&mark, &holds(b"certificate")), Verdict::Done);
    assert_eq!(judge(&mark, &holds(b"another")), Verdict::NotDone);
    assert_eq!(judge(&mark, &holds(b"")), Verdict::NotDone);
    let renamed = seen(&[9; 16], 0, vec![container("9a", b"key", b"certificate")]);
    let stranger = Sight {
        seen: &renamed,
        is_same: false,
    };
    assert_eq!(verdict(&before(), &mark, &stranger), Verdict::Done);
}

#[test]
fn a_certificate_with_another_guid_is_written_when_both_are_there() {
    let mark = Mark::CertificateAndGuid {
        container: "9a".to_owned(),
        sha256: sha256(b"certificate"),
        guid: [2; 16],
    };
    let holds =
        |guid: &[u8], certificate: &[u8]| seen(guid, 7, vec![container("9a", b"key", certificate)]);
    assert_eq!(
        judge(&mark, &holds(&[2; 16], b"certificate")),
        Verdict::Done
    );
    assert_eq!(judge(&mark, &holds(&[1; 16], b"before")), Verdict::NotDone);
    let half = judge(&mark, &holds(&[1; 16], b"certificate"));
    assert!(is_unknown(&half), "{half:?}");
    let renamed = holds(&[2; 16], b"certificate");
    let stranger = Sight {
        seen: &renamed,
        is_same: false,
    };
    assert_eq!(verdict(&before(), &mark, &stranger), Verdict::Done);
}

#[test]
fn an_empty_container_tells_that_it_was_deleted() {
    let mark = |had_certificate| Mark::Empty {
        container: "9a".to_owned(),
        had_certificate,
    };
    let holds =
        |key: &[u8], certificate: &[u8]| seen(&[1; 16], 7, vec![container("9a", key, certificate)]);
    let nothing = seen(&[1; 16], 7, vec![]);
    assert_eq!(judge(&mark(true), &nothing), Verdict::Done);
    assert_eq!(judge(&mark(true), &holds(b"k", b"c")), Verdict::NotDone);
    assert!(is_unknown(&judge(&mark(true), &holds(b"k", b""))));
    assert!(is_unknown(&judge(&mark(false), &holds(b"k", b""))));
    // GIDS takes files before the container.
    assert!(is_unknown(&judge(&mark(true), &holds(b"", b""))));
    // A card that does not tell its keys shows one that has no certificate neither before nor after.
    assert!(is_unknown(&judge(&mark(false), &nothing)));
}

#[test]
fn a_certificate_in_a_retired_place_alone_tells_that_its_key_was_moved() {
    let mark = Mark::Moved {
        container: "9d".to_owned(),
        sha256: sha256(b"certificate"),
    };
    let at = |name: &str, certificate: &[u8], has_key: bool| Container {
        made_on_card: has_key.then_some(true),
        ..container(name, b"key", certificate)
    };
    let judge = |containers| judge(&mark, &seen(&[1; 16], 7, containers));
    let moved = || at("83", b"certificate", true);
    let to = Verdict::KeyMoved {
        container: "83".to_owned(),
    };
    assert_eq!(judge(vec![at("82", b"older", true), moved()]), to);
    let before = at("9d", b"certificate", true);
    assert_eq!(judge(vec![before.clone()]), Verdict::NotDone);
    let elsewhere = at("9a", b"certificate", true);
    assert_eq!(judge(vec![before, elsewhere.clone()]), Verdict::NotDone);
    for half in [
        vec![at("9d", b"certificate", false)],
        vec![at("9d", b"certificate", false), moved()],
        vec![elsewhere],
        vec![],
    ] {
        let told = judge(half.clone());
        assert!(is_unknown(&told), "{half:?}: {told:?}");
    }
}

#[test]
fn a_card_without_name_and_contents_was_reset() {
    let mark = |containers| Mark::Erased { containers };
    let named = seen(&[1; 16], 7, vec![]);
    let blank = seen(&[], 7, vec![]);
    let full = seen(&[], 7, vec![container("9a", b"k", b"c")]);
    assert_eq!(judge(&mark(1), &blank), Verdict::Done);
    assert_eq!(judge(&mark(0), &blank), Verdict::Done);
    assert!(is_unknown(&judge(&mark(1), &named)));
    assert!(is_unknown(&judge(&mark(1), &full)));
    let nameless = CardName {
        id: vec![],
        ..before()
    };
    let sight = Sight {
        seen: &blank,
        is_same: true,
    };
    assert!(is_unknown(&verdict(&nameless, &mark(0), &sight)));
}

#[test]
fn a_gids_card_was_reset_when_its_name_is_new_and_its_pin_is_blocked_no_more() {
    let before = CardName {
        applet: Applet::Gids,
        id: vec![1; 16],
        serial: 0,
    };
    let shows = |id: u8, counted, tries_left, containers| {
        let pin = PinFacts {
            tries_left: Some(tries_left),
            tries: Some(3),
            is_default: None,
        };
        CardInspection {
            facts: CardFacts {
                gids: Some(GidsFacts {
                    card_id: vec![id; 16],
                    pin,
                    containers_freshness: counted,
                    ..GidsFacts::default()
                }),
                ..CardFacts::default()
            },
            containers,
        }
    };
    let judge = |was_blocked, seen: &CardInspection, is_same| {
        let mark = Mark::Restored {
            card_id: [2; 16],
            counted: 7,
            was_blocked,
        };
        verdict(&before, &mark, &Sight { seen, is_same })
    };
    let one = || vec![container("0", b"k", b"c")];
    let restored = shows(2, 9, 3, vec![]);
    assert_eq!(judge(true, &restored, true), Verdict::Done);
    assert_eq!(judge(true, &restored, false), Verdict::Done, "by its name");
    let why = judge(false, &restored, true);
    assert!(matches!(why, Verdict::Unknown(why) if why.contains("PIN")));
    let untouched = shows(1, 7, 3, one());
    assert_eq!(judge(true, &untouched, true), Verdict::NotDone);
    for half in [
        shows(1, 8, 3, vec![]),
        shows(2, 8, 3, one()),
        shows(2, 9, 0, vec![]),
    ] {
        let told = judge(true, &half, true);
        assert!(is_unknown(&told), "{half:?}: {told:?}");
    }
    let other = shows(3, 9, 3, vec![]);
    assert_eq!(judge(true, &other, false), Verdict::Another);
}

#[test]
fn another_card_settles_nothing() {
    let mark = Mark::Blocked(PinReference::Pin);
    let at = |id: &[u8], serial| {
        let mut seen = seen(id, serial, vec![]);
        if let Some(piv) = &mut seen.facts.piv {
            piv.pin.tries_left = Some(0);
        }
        let sight = Sight {
            seen: &seen,
            is_same: false,
        };
        verdict(&before(), &mark, &sight)
    };
    assert_eq!(at(&[1; 16], 0), Verdict::Done, "known by its GUID");
    assert_eq!(at(&[], 7), Verdict::Done, "known by its serial number");
    assert_eq!(at(&[2; 16], 0), Verdict::Another);
    assert_eq!(at(&[], 8), Verdict::Another);
    assert!(is_unknown(&at(&[], 0)));
    let gids = CardInspection {
        facts: CardFacts {
            gids: Some(GidsFacts::default()),
            ..CardFacts::default()
        },
        containers: vec![],
    };
    let sight = Sight {
        seen: &gids,
        is_same: true,
    };
    assert!(is_unknown(&verdict(&before(), &mark, &sight)));
}

#[test]
fn what_nothing_shows_is_told_with_what_to_do() {
    for verb in Verb::ALL {
        let told = hidden(verb);
        let is_hidden = matches!(
            verb,
            Verb::ChangeAdminKey | Verb::ChangeCardPin | Verb::SetCardPin | Verb::AnswerChallenge
        );
        assert_eq!(told.is_some(), is_hidden, "{verb}");
    }
}
