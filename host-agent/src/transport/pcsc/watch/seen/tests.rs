use std::sync::Mutex;

use super::*;

/// What a listener hears, in words.
fn heard() -> (Seen, Arc<Mutex<Vec<String>>>) {
    let heard = Arc::<Mutex<Vec<String>>>::default();
    let told = Arc::clone(&heard);
    let listener: Listener = Arc::new(move |notice| {
        let words = match notice {
            Notice::Came {
                place, description, ..
            } => format!("came {place}, {}", hex::encode(description.atr)),
            Notice::Changed { place } => format!("changed {place}"),
            Notice::Went { place } => format!("went {place}"),
        };
        told.lock().unwrap().push(words);
    });
    (Seen::nothing(listener), heard)
}

fn card(count: u32) -> CardSight<'static> {
    CardSight {
        count,
        is_mute: false,
        is_taken: false,
        atr: &[0x3B, 0x00],
        describe: Box::new(Description::default),
    }
}

fn on(reader: &'static CStr, card: Option<CardSight<'static>>) -> Sight<'static> {
    Sight { reader, card }
}

/// Runs `looks` one after another, and gives what was heard of each.
fn told(looks: Vec<Vec<Sight<'static>>>) -> Vec<Vec<String>> {
    let (mut seen, heard) = heard();
    looks
        .into_iter()
        .map(|look| {
            seen.update(look.into_iter());
            std::mem::take(&mut *heard.lock().unwrap())
        })
        .collect()
}

const DESK: &CStr = c"Desk 00";
const SHELF: &CStr = c"Shelf 00";

#[test]
fn cards_are_told_of_when_they_come_and_go_and_not_in_between() {
    assert_eq!(
        told(vec![
            vec![on(DESK, None)],
            vec![on(DESK, Some(card(1)))],
            vec![on(DESK, Some(card(1))), on(SHELF, None)],
            vec![on(DESK, None), on(SHELF, Some(card(7)))],
        ]),
        [
            vec![],
            vec!["came reader Desk 00, 3b00".to_owned()],
            vec![],
            vec![
                "went reader Desk 00".to_owned(),
                "came reader Shelf 00, 3b00".to_owned()
            ],
        ]
    );
}

#[test]
fn a_card_that_was_changed_between_two_looks_is_another() {
    let looks = told(vec![
        vec![on(DESK, Some(card(1)))],
        vec![on(DESK, Some(card(3)))],
    ]);
    assert_eq!(
        looks[1],
        ["went reader Desk 00", "came reader Desk 00, 3b00"]
    );
}

#[test]
fn a_mute_card_that_answers_in_the_end_comes_anew() {
    let mute = CardSight {
        is_mute: true,
        atr: &[],
        ..card(1)
    };
    let looks = told(vec![
        vec![on(DESK, Some(mute))],
        vec![on(DESK, Some(card(1)))],
    ]);
    assert_eq!(looks[0], ["came reader Desk 00, "]);
    assert_eq!(
        looks[1],
        ["went reader Desk 00", "came reader Desk 00, 3b00"]
    );
}

#[test]
fn a_card_that_another_program_lets_go_is_looked_at_again() {
    let taken = || CardSight {
        is_taken: true,
        ..card(1)
    };
    let looks = told(vec![
        vec![on(DESK, Some(taken()))],
        vec![on(DESK, Some(taken()))],
        vec![on(DESK, Some(card(1)))],
        vec![on(DESK, Some(taken()))],
    ]);
    assert_eq!(looks[1], Vec::<String>::new());
    assert_eq!(looks[2], ["changed reader Desk 00"]);
    assert_eq!(looks[3], Vec::<String>::new());
}

#[test]
fn a_card_goes_with_its_reader_and_with_the_service() {
    let looks = told(vec![
        vec![on(DESK, Some(card(1))), on(SHELF, Some(card(1)))],
        vec![on(SHELF, Some(card(1)))],
        vec![],
    ]);
    assert_eq!(looks[1], ["went reader Desk 00"]);
    assert_eq!(looks[2], ["went reader Shelf 00"]);
}
