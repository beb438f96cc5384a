//! Which card it is: by a serial that its maker numbers, by the id that we gave it, and
//! by nothing where a card is blank.

use super::*;

/// The same serial for every card of the maker, as the applet tells it.
fn of_one_serial() -> Wishes {
    Wishes {
        host: |host| {
            host.has_key = false;
            host.serial = "piv 7".into();
            host.card = Some(Card {
                serial: 7,
                ..Card::piv()
            });
        },
        ..piv()
    }
}

impl World {
    /// Puts another card in the place of the one that lies there, and gives that one back.
    async fn swap(&self, card: Card) -> Card {
        self.host.unplug();
        let before = self.host.state().card.replace(card).unwrap();
        self.host.plug();
        before
    }

    /// The token that lies there, once it is another one than `not`.
    async fn other_than(&self, not: TokenId) -> TokenId {
        self.until("another token lies there", async || {
            let there = async |id| self.engine.place(id).is_some();
            for token in self.tokens().await {
                if token.id != not && there(token.id).await {
                    return Some(token.id);
                }
            }
            None
        })
        .await
    }

    async fn lies_there(&self, token: TokenId) {
        self.until("it lies there again", async || self.engine.place(token))
            .await;
    }
}

#[tokio::test]
async fn two_blank_cards_of_one_serial_are_two_tokens() {
    let world = World::with(of_one_serial()).await;
    let first = world.registered().await;
    let row = world.card_row().await;
    let blank = Card {
        serial: 7,
        ..Card::piv()
    };
    let first_card = world.swap(blank).await;
    let second = world.other_than(first).await;
    world.card(|card| assert_eq!((card.puk_tries, card.puk_errors), (3, 0)));
    let token = second;
    world.done(Ask::RegisterCard { token }).await;
    let second_card = world.swap(first_card).await;
    world.lies_there(first).await;
    let mut read = world.store.read().await.unwrap();
    let still = store::card::get(&mut read, first).await.unwrap().unwrap();
    let other = store::card::get(&mut read, second).await.unwrap().unwrap();
    drop(read);
    assert_eq!((still.card_id, still.admin), (row.card_id, row.admin));
    assert_ne!(other.shown_id, still.shown_id);
    assert_eq!(other.shown_id, second_card.id);
    assert_eq!(world.tokens().await.len(), 2);
}

#[tokio::test]
async fn a_blank_card_that_comes_back_is_no_third_token() {
    let world = World::with(of_one_serial()).await;
    let first = world.token().await.id;
    for _ in 0..3 {
        world.unplug().await;
        world.host.plug();
        world.lies_there(first).await;
    }
    assert_eq!(world.tokens().await.len(), 1);
}

#[tokio::test]
async fn a_card_that_loses_its_name_where_it_lies_is_one_token_after_a_restart() {
    for wishes in [of_one_serial(), gids()] {
        let mut world = World::with(wishes).await;
        let token = world.registered().await;
        world.kill().await;
        world.card(|card| card.id.clear());
        world.start().await;
        let seen = world
            .until("the server sees it", async || {
                let tokens = world.tokens().await;
                let ids = tokens.into_iter().map(|token| token.id);
                ids.into_iter().find(|id| world.engine.place(*id).is_some())
            })
            .await;
        assert_eq!(seen, token);
        assert_eq!(world.tokens().await.len(), 1);
        // Taken off and laid on again it may be any other card, for all that anybody knows.
        world.unplug().await;
        world.host.plug();
        world.other_than(token).await;
    }
}

#[tokio::test]
async fn a_blank_card_is_not_given_the_id_that_another_may_have_got() {
    let world = World::with(of_one_serial()).await;
    let token = world.token().await.id;
    let begun = Row {
        token_id: token,
        applet: Applet::Piv,
        card_id: token.0.into_bytes(),
        shown_id: vec![],
        next_id: token.0.into_bytes().to_vec(),
        admin: None,
        pending: None,
        puk_spent: false,
        containers: vec![],
        inspected_at: None,
        created_at: store::Micros(1),
    };
    let mut tx = world.store.write().await.unwrap();
    store::card::put(&mut tx, &begun).await.unwrap();
    tx.commit().await.unwrap();
    world.unplug().await;
    world.host.plug();
    world.lies_there(token).await;
    assert_ne!(world.card_row().await.next_id, begun.next_id);
    world.registered().await;
    world.card(|card| assert_ne!(card.id, begun.next_id, "two cards would give one id"));
    world.card_agrees().await;
    let first = Card {
        id: begun.next_id,
        ..Card::piv()
    };
    world.swap(first).await;
    world.other_than(token).await;
}

#[tokio::test]
async fn a_card_is_known_by_the_id_it_has_and_by_the_one_it_is_to_get() {
    let world = World::with(of_one_serial()).await;
    let token = world.card_in_use().await;
    let mut row = world.card_row().await;
    let before = row.shown_id.clone();
    row.next_id = vec![0xA5; 16];
    let mut tx = world.store.write().await.unwrap();
    store::card::put(&mut tx, &row).await.unwrap();
    tx.commit().await.unwrap();
    for id in [row.next_id, before] {
        world.unplug().await;
        world.card(|card| card.id = id);
        world.host.plug();
        world.lies_there(token).await;
    }
    world.unplug().await;
    world.card(|card| card.id = vec![1; 16]);
    world.host.plug();
    world.other_than(token).await;
}

#[tokio::test]
async fn a_certificate_gives_a_piv_card_another_id_and_it_is_known_by_that() {
    let world = World::with(of_one_serial()).await;
    let token = world.registered().await;
    let before = world.card_row().await.shown_id;
    world.settled(world.issue_card().await.id).await;
    let row = world.card_row().await;
    assert_ne!(row.shown_id, before, "Windows would not look again");
    assert_eq!(row.next_id, [0; 0], "it was read back");
    world.card(|card| assert_eq!(card.id, row.shown_id));
    world.unplug().await;
    world.host.plug();
    world.lies_there(token).await;
    assert_eq!(world.tokens().await.len(), 1);
}

#[tokio::test]
async fn a_card_of_a_maker_that_numbers_them_is_known_whatever_id_it_gives() {
    let numbered = || Card {
        serial: 7,
        atr: b"\x3B\x8F\x80YubiKey".to_vec(),
        ..Card::piv()
    };
    let world = World::with(Wishes {
        token_type: |t| {
            piv_type(t);
            if let Some(card) = &mut t.card {
                card.atrs = vec!["3B8F80597562694B6579".parse().unwrap()];
            }
        },
        host: |host| {
            host.has_key = false;
            host.serial = "piv 7".into();
        },
        ..piv()
    })
    .await;
    world.host.state().card = Some(numbered());
    world.host.plug();
    let token = world.registered().await;
    let given = world.card(|card| std::mem::replace(&mut card.id, vec![1; 16]));
    world.unplug().await;
    world.host.plug();
    world.lies_there(token).await;
    // Another card with a copy of the id is another card.
    let copy = Card {
        serial: 8,
        id: given,
        ..numbered()
    };
    world.host.state().serial = "piv 8".into();
    world.swap(copy).await;
    world.other_than(token).await;
}
