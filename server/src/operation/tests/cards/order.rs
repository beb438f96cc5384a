//! The steps of every kind of card operation, in order: as they were taken, and where it
//! said something else before, what it said.

use core::fmt::Write as _;

use super::*;
use crate::{operation::Progress, store::step};

async fn told(world: &World, lines: &mut String, ask: Ask) {
    let what = ask.kind();
    let ended = world.done(ask).await;
    let mut read = world.store.read().await.unwrap();
    let taken = step::of_operation(&mut read, ended.id).await.unwrap();
    drop(read);
    let taken: Vec<_> = taken.into_iter().map(|attempt| attempt.step).collect();
    let progress: Progress = serde_json::from_str(&ended.progress).unwrap();
    let said: Vec<_> = progress.todo.iter().map(ToString::to_string).collect();
    writeln!(lines, "{what}: {}", taken.join(", ")).unwrap();
    if said != taken {
        writeln!(lines, "    said: {}", said.join(", ")).unwrap();
    }
}

async fn life(wishes: Wishes) -> String {
    let world = World::with(wishes).await;
    let token = world.token().await.id;
    let (user, template) = (world.user, world.template);
    let pin = |pin: &str| Some(GivenPin::new(pin.into()));
    let mut lines = String::new();
    let (all, none) = (Vec::new, || None);
    for ask in [
        Ask::RegisterCard { token },
        Ask::Issue {
            token,
            user,
            template,
        },
        Ask::RenewCertificates {
            token,
            containers: all(),
            pin: none(),
        },
        Ask::ReissueCertificates {
            token,
            containers: all(),
            pin: none(),
            may_lose_decryption_key: false,
        },
        Ask::HandOverPin {
            token,
            new_pin: pin("271828"),
        },
        Ask::RenewCertificates {
            token,
            containers: all(),
            pin: pin("271828"),
        },
        Ask::ReissueCertificates {
            token,
            containers: all(),
            pin: pin("271828"),
            may_lose_decryption_key: false,
        },
        Ask::SetPin {
            token,
            applet: None,
            current_pin: pin("271828"),
            new_pin: GivenPin::new("314159".into()),
        },
        Ask::UnblockCard {
            token,
            new_pin: pin("161803"),
        },
        Ask::RefreshCard { token },
        Ask::ChangeAdminKey { token },
        Ask::Suspend { token },
        Ask::Resume { token },
        revocation(token),
        Ask::Retire { token },
        Ask::Unregister { token },
    ] {
        told(&world, &mut lines, ask).await;
    }
    lines
}

#[tokio::test]
async fn every_kind_of_card_operation_takes_its_steps_in_order() {
    let blank = Wishes {
        host: |host| {
            host.has_key = false;
            host.serial.clear();
            host.card = Some(Card {
                id: vec![],
                ..Card::gids()
            });
        },
        ..gids()
    };
    let mut told = String::new();
    for (name, wishes) in [("PIV", piv()), ("GIDS", gids()), ("GIDS, blank", blank)] {
        let lines = life(wishes).await;
        write!(told, "## {name}\n{lines}\n").unwrap();
    }
    insta::assert_snapshot!(told);
}
