//! Cards that answer anything.

use super::*;

/// Answers with one after the other, and begins again.
struct Anything {
    answers: Vec<Vec<u8>>,
    given: usize,
}

impl CardTransport for Anything {
    type Error = Over;

    fn now(&mut self) -> Millis {
        Millis(u64::try_from(self.given).unwrap())
    }

    fn pause(&mut self, _: Millis) {}

    fn transmit<'r>(&mut self, _: &[u8], response: &'r mut [u8]) -> Result<&'r [u8], Over> {
        let answer = &self.answers[self.given % self.answers.len()];
        self.given += 1;
        let room = response.get_mut(..answer.len()).ok_or(Over)?;
        room.copy_from_slice(answer);
        Ok(room)
    }
}

/// What cards say, and what none does.
fn answers() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let known = [
        "9000",
        "6982",
        "6A88",
        "63C2",
        "6983",
        "6110",
        BOTH_WAYS,
        MUTUAL_ONLY,
        "7C0A81080557897F8D84407B 9000",
        "DF2206000000000000 9000",
        "DF230101 9000",
        "DF2000 9000",
        "7F7106970101930103 9000",
    ]
    .map(|text| hex::decode(text.replace(' ', "")).unwrap());
    let map = hex::decode(cmapfile(2).trim_end_matches("9000").replace(' ', "")).unwrap();
    let cut = hex::decode(cmapfile(1).replace(' ', "")).unwrap();
    let map = [map, std::vec![0x90, 0x00]].concat();
    let random = prop::collection::vec(any::<u8>(), 0..40);
    let answer = prop_oneof![
        prop::sample::select(known.to_vec()),
        Just(map.clone()),
        Just(cut),
        random,
    ];
    prop::collection::vec(answer, 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_card_that_answers_anything_ends_every_flow_by_the_deadline(answers in answers()) {
        let mut card = Anything { answers, given: 0 };
        let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::new(Buffers::new()));
        let deadline = Millis(600);
        let mut session = Session::new(&mut card, &mut crypto, &mut buffers, deadline);
        let (old, new) = (pin("1234"), pin("5678"));
        let admin_key = NewAdminKey::new(&counting_key()).unwrap();
        let with = Initialisation { pin: &old, admin_key: &admin_key, card_id: &[0; 16] };
        let container = NewContainer { name: "x", size: KeySize::Rsa2048, is_default: true };
        let certificate = CertificateFile { len: 4, compressed: b"zlib" };
        let _ = session.select();
        let _ = session.facts();
        let _ = session.initialise(&with);
        let _ = session.change_pin(&old, &new);
        let _ = session.block_pin();
        let _ = session.try_admin_key(&mut local(&counting_key()));
        let _ = session.containers(&mut |_, _| core::ops::ControlFlow::Continue(()));
        let _ = session.public_key(0);
        let _ = session.certificate(0);
        if let Ok(admin) = session.authenticate_admin(&mut local(&counting_key())) {
            let _ = session.change_admin_key(&admin, &admin_key);
            let _ = session.write_certificate(&admin, 0, &certificate, true);
            let _ = session.delete_container(&admin, 0);
            let _ = session.set_pin(admin, &new);
        }
        if let Ok(user) = session.verify_pin(&old) {
            let _ = session.create_container(&user, &container);
            let _ = session.generate_key(&user, 0);
            let _ = session.sign(&user, 0, b"x");
        }
        prop_assert!(card.given <= 600);
    }
}
