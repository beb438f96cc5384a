//! How many commands a change asks of a card: each costs milliseconds, and a card that is taken away
//! in the middle of them is a step that was cut off.

use keysteward_proto::agent::v1 as proto;
use proto::{card_step::Verb, step_result::Result as Outcome};

use crate::{
    host::{Host, Lease},
    piv::{CardKey, factory, generate, personalise},
    reader::Card,
};

crate::stories! {
    a_change_reads_what_it_needs_and_nothing_else
}

const PLACES: [&str; 4] = ["9a", "9c", "9d", "9e"];
const GET_DATA: u8 = 0xCB;
const GET_METADATA: u8 = 0xF7;

/// Keys and certificates in all places.
async fn fill(lease: &mut Lease) -> Vec<Vec<u8>> {
    lease.step("personalise", personalise()).await.unwrap();
    let mut certificates = Vec::new();
    for place in PLACES {
        let made = generate(place, "p256");
        let made = lease.step(&format!("generate {place}"), made).await;
        let Ok(Outcome::KeyGenerated(made)) = made else {
            panic!("{made:?}")
        };
        let key = CardKey::new(&made.public_key, &rcgen::PKCS_ECDSA_P256_SHA256);
        let certificate = key.certificate();
        lease
            .step(&format!("write {place}"), write(place, &certificate))
            .await
            .unwrap();
        certificates.push(certificate);
    }
    certificates
}

fn write(container: &str, certificate: &[u8]) -> Verb {
    Verb::WriteCertificate(proto::WriteCertificate {
        admin: factory(),
        container: container.to_owned(),
        certificate: certificate.to_vec(),
        ..proto::WriteCertificate::default()
    })
}

fn count(headers: &[[u8; 4]], instruction: u8) -> usize {
    headers.iter().filter(|one| one[1] == instruction).count()
}

async fn a_change_reads_what_it_needs_and_nothing_else() {
    let (card, host) = (Card::piv(4711), Host::new().await);
    let mut lease = host.lease().await;
    let certificates = fill(&mut lease).await;

    card.take_headers();
    let again = write("9a", &certificates[0]);
    lease.step_at("piv", "write again", again).await.unwrap();
    let headers = card.take_headers();
    // Its name, what Windows sees, and the certificate that was written; of keys, its own and the
    // admin key.
    assert_eq!(count(&headers, GET_DATA), 3, "{headers:02X?}");
    assert_eq!(count(&headers, GET_METADATA), 2, "{headers:02X?}");
    assert!(headers.len() <= 14, "{headers:02X?}");

    let block = Verb::BlockCardPin(proto::BlockCardPin {
        reference: proto::PinReference::Puk.into(),
    });
    lease.step_at("piv", "block", block).await.unwrap();
    let headers = card.take_headers();
    // Its name before; name and discovery object when it is listed anew.
    assert_eq!(count(&headers, GET_DATA), 3, "{headers:02X?}");

    let delete = Verb::DeleteContainer(proto::DeleteContainer {
        admin: factory(),
        container: "9c".to_owned(),
        ..proto::DeleteContainer::default()
    });
    lease.step_at("piv", "delete", delete).await.unwrap();
    let headers = card.take_headers();
    // Its name, the certificate that is there, what Windows sees.
    assert_eq!(count(&headers, GET_DATA), 3, "{headers:02X?}");
    assert_eq!(count(&headers, GET_METADATA), 1, "{headers:02X?}");
}
