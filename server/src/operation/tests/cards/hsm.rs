//! Card master keys in a PKCS #11 token: SoftHSM, and one that takes its time.

use core::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use std::sync::{Arc, Mutex};

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::*;
use crate::{
    key_store::{self, Hsm, KeyStore, soft_hsm},
    store::card_master_key::{self, Custody},
};

/// Answers late.
#[derive(Debug, Default)]
struct Slow {
    made: Mutex<Vec<String>>,
    /// Questions that wait for an answer now.
    asked: AtomicUsize,
    /// Questions there ever were.
    begun: AtomicUsize,
    refuses: AtomicUsize,
}

const ITS_TIME: Duration = Duration::from_millis(400);

impl Slow {
    fn takes_its_time(&self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.asked.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(ITS_TIME);
        self.asked.fetch_sub(1, Ordering::SeqCst);
    }

    /// The number of the question that waits for its answer now.
    fn open_question(&self) -> Option<usize> {
        let begun = self.begun.load(Ordering::SeqCst);
        (self.asked.load(Ordering::SeqCst) > 0).then_some(begun)
    }
}

impl Hsm for Slow {
    fn make(&self, label: &str) -> Result<(), key_store::Error> {
        self.made.lock().unwrap().push(label.to_owned());
        self.takes_its_time();
        Ok(())
    }

    fn hmac_sha256(
        &self,
        label: &str,
        message: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, key_store::Error> {
        self.takes_its_time();
        let refuses = |left: usize| left.checked_sub(1);
        let (set, fetch) = (Ordering::SeqCst, Ordering::SeqCst);
        if self.refuses.fetch_update(set, fetch, refuses).is_ok() {
            return Err(key_store::Error::Hsm("CKR_DEVICE_REMOVED".into()));
        }
        let input = [label.as_bytes(), message].concat();
        Ok(Zeroizing::new(Sha256::digest(input).into()))
    }
}

async fn slow(wishes: Wishes) -> (World, Arc<Slow>) {
    let hsm = Arc::new(Slow::default());
    let wishes = Wishes {
        hsm: Some(hsm.clone()),
        ..wishes
    };
    (World::with(wishes).await, hsm)
}

#[tokio::test]
async fn everybody_can_write_while_a_key_store_takes_its_time() {
    let (world, hsm) = slow(gids()).await;
    let token = world.token().await.id;
    let writes_meanwhile = async {
        let mut meanwhile = 0;
        loop {
            let question = hsm.open_question();
            world.store.write().await.unwrap().commit().await.unwrap();
            // Begun and ended within one question: the writer did not wait for its answer.
            let same = question.is_some() && hsm.open_question() == question;
            meanwhile += usize::from(same);
            tokio::time::sleep(ITS_TIME / 20).await;
            if world.token().await.state == TokenState::Active {
                return meanwhile;
            }
        }
    };
    let life = async {
        world.card_in_use().await;
        let challenge = [3, 1, 4, 1, 5, 9, 2, 6];
        let answered = world.engine.answer_challenge(token, challenge, ACTOR).await;
        world.card(|card| assert_eq!(answered.unwrap().to_vec(), card.would_answer(&challenge)));
    };
    let (meanwhile, ()) = tokio::join!(writes_meanwhile, life);
    assert!(
        meanwhile > 5,
        "writers waited, or it was never asked: {meanwhile}"
    );
    world.card_agrees().await;
}

#[tokio::test]
async fn a_key_store_that_fails_is_asked_again_and_then_a_person_is_told() {
    let (world, hsm) = slow(piv()).await;
    hsm.refuses.store(2, Ordering::SeqCst);
    let token = world.registered().await;
    world.card_agrees().await;
    hsm.refuses.store(usize::MAX, Ordering::SeqCst);
    world
        .engine
        .new_card_master("another", ACTOR)
        .await
        .unwrap();
    let ended = world
        .until("the card's move fails", async || {
            let mut read = world.store.read().await.unwrap();
            let filter = operation::Filter {
                kind: Some(Kind::ChangeAdminKey),
                token_id: Some(token),
                ..operation::Filter::default()
            };
            let page = Page::first(9);
            let listed = operation::list(&mut read, &filter, page).await.unwrap();
            let row = listed.rows.into_iter().next()?;
            (!row.state.goes_on()).then_some(row)
        })
        .await;
    assert_eq!(ended.state, State::Failed, "{ended:?}");
    assert!(ended.remark.contains("CKR_DEVICE_REMOVED"), "{ended:?}");
    assert!(ended.next_action.contains("PKCS #11"), "{ended:?}");
}

#[tokio::test]
async fn a_key_that_cannot_be_written_down_is_named() {
    let (world, hsm) = slow(piv()).await;
    let made = {
        let making = world.engine.new_card_master("first", ACTOR);
        let other = async {
            // Another server on the same files is quicker.
            world
                .until("it is being made", async || {
                    hsm.made.lock().unwrap().first().cloned()
                })
                .await;
            let sealed = KeyStore::load(&world.folder.path().join("key")).unwrap();
            let row = sealed.new_card_master(1, "", ACTOR, store::Micros(1));
            let mut tx = world.store.write().await.unwrap();
            card_master_key::insert(&mut tx, &row.unwrap())
                .await
                .unwrap();
            tx.commit().await.unwrap();
        };
        tokio::join!(making, other).0
    };
    let label = hsm.made.lock().unwrap().first().cloned().unwrap();
    let why = made.unwrap_err();
    assert!(matches!(&why, Error::Unrecorded { label: left, .. } if *left == label));
    assert!(why.to_string().contains(&label), "{why}");
}

#[tokio::test]
async fn what_is_refused_makes_no_key() {
    let (world, hsm) = slow(Wishes {
        token_type: |t| {
            piv_type(t);
            if let Some(card) = &mut t.card {
                card.atrs = vec!["FFFF".parse().unwrap()];
            }
        },
        ..piv()
    })
    .await;
    let token = world.token().await.id;
    let refused = world.ask(Ask::RegisterCard { token }).await;
    assert!(matches!(refused, Err(Error::UnknownCard)), "{refused:?}");
    assert!(hsm.made.lock().unwrap().is_empty());
}

#[test]
fn cards_are_registered_and_moved_with_master_keys_in_softhsm() {
    const NAME: &str = "operation::tests::cards::hsm::\
                        cards_are_registered_and_moved_with_master_keys_in_softhsm";
    soft_hsm::tell(NAME, |folder| {
        let hsm: Arc<dyn Hsm> = Arc::new(soft_hsm::token(folder));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            for wishes in [piv(), gids()] {
                let hsm = Some(hsm.clone());
                moved(World::with(Wishes { hsm, ..wishes }).await).await;
            }
        });
    });
}

/// Its master keys are in the token, and each gives the card another admin key.
async fn moved(mut world: World) {
    world.card_in_use().await;
    world.card_agrees().await;
    let first = world.card(|card| card.admin.clone());
    world.restart().await;
    let made = world.engine.new_card_master("yearly", ACTOR).await.unwrap();
    assert_eq!((made.generation, made.custody), (2, Custody::Pkcs11));
    assert!(made.sealed.is_none() && made.label.contains("-2-"));
    world
        .until("the card is moved", async || {
            let row = world.card_row().await;
            (row.admin.unwrap().generation == 2 && row.pending.is_none()).then_some(())
        })
        .await;
    world.card(|card| assert_ne!(card.admin, first));
    world.card_agrees().await;
    // Without the token nothing is derived.
    let alone = KeyStore::load(&world.folder.path().join("key")).unwrap();
    let row = world.card_row().await;
    let lost = alone.admin_key(&[made], row.admin.unwrap(), &row.card_id);
    let lost = lost.err();
    assert!(
        matches!(lost, Some(key_store::Error::NoCardMaster { generation: 2 })),
        "{lost:?}"
    );
}
