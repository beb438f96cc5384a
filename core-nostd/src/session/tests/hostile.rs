//! Tokens that mean harm: whatever they send ends in bounded time.

use super::*;
use crate::ctaphid::{HidTransport, Link, Report, TransportError};

fn party(hash: &'static [u8; 32], total_rps: Option<u32>) -> Response<'static> {
    let id = "login.example";
    Response {
        rp: Some(PublicKeyCredentialRpEntity { id, name: None }),
        rp_id_hash: Some(hash),
        total_rps,
        ..Default::default()
    }
}

fn credential(id: &[u8], total_credentials: Option<u32>) -> Vec<u8> {
    ok(&Response {
        user: Some(PublicKeyCredentialUserEntity {
            id: b"id",
            name: None,
            display_name: None,
        }),
        credential_id: Some(PublicKeyCredentialDescriptor::new(id)),
        total_credentials,
        ..Default::default()
    })
}

/// Lists relying parties; tells how it ended and how many were handed over.
fn parties(fake: &mut Fake) -> (Outcome<()>, u32) {
    let mut found = 0;
    let outcome = fake.session(|session| {
        let token = session.token(&pin("1234"), Permissions::CREDENTIAL_MANAGEMENT, None)?;
        session.relying_parties(&token, &mut |_| {
            found += 1;
            ControlFlow::Continue(())
        })
    });
    (outcome, found)
}

fn credentials(fake: &mut Fake) -> (Outcome<()>, u32) {
    let mut found = 0;
    let outcome = fake.session(|session| {
        let token = session.token(&pin("1234"), Permissions::CREDENTIAL_MANAGEMENT, None)?;
        session.credentials(&token, &[3; 32], &mut |_| {
            found += 1;
            ControlFlow::Continue(())
        })
    });
    (outcome, found)
}

const COMMAND: Command = Command::CredentialManagement;

#[test]
fn a_list_longer_than_any_is_not_begun() {
    for announced in [4097, u32::MAX] {
        let too_long = Err(Error::ListTooLong {
            command: COMMAND,
            announced,
        });
        let answer = ok(&party(&[1; 32], Some(announced)));
        let mut fake = Fake::new(CTAP_2_1).on(COMMAND, move |_| Some(answer.clone()));
        assert_eq!(parties(&mut fake), (too_long, 0));
        let asked = fake.asked.iter().filter(|one| **one == COMMAND);
        assert_eq!(asked.count(), 1);

        let answer = credential(b"id", Some(announced));
        let mut fake = Fake::new(CTAP_2_1).on(COMMAND, move |_| Some(answer.clone()));
        assert_eq!(credentials(&mut fake), (too_long, 0));
    }
}

#[test]
fn the_longest_list_is_read_to_its_end() {
    let mut number = 0_u32;
    let mut fake = Fake::new(CTAP_2_1).on(COMMAND, move |_| {
        number += 1;
        Some(credential(&number.to_be_bytes(), Some(4096)))
    });
    assert_eq!(credentials(&mut fake), (Ok(()), 4096));
}

#[test]
fn a_list_that_repeats_itself_is_left() {
    for (lead, round) in [(0, 1), (1, 1), (0, 2), (3, 5), (10, 7)] {
        let mut number = 0_u32;
        let mut fake = Fake::new(CTAP_2_1).on(COMMAND, move |_| {
            let entry = if number < lead {
                number
            } else {
                lead + (number - lead) % round
            };
            number += 1;
            Some(credential(&entry.to_be_bytes(), Some(4096)))
        });
        let (outcome, found) = credentials(&mut fake);
        assert_eq!(outcome, Err(Error::ListRepeats { command: COMMAND }));
        assert!(
            found <= 3 * (lead + round) + 1,
            "{lead} and {round}: {found}"
        );
    }
    let answer = ok(&party(&[1; 32], Some(9)));
    let mut fake = Fake::new(CTAP_2_1).on(COMMAND, move |_| Some(answer.clone()));
    let repeats = Err(Error::ListRepeats { command: COMMAND });
    assert_eq!(parties(&mut fake), (repeats, 1));
}

#[test]
fn a_list_that_changes_its_length_keeps_the_first() {
    let mut number = 0_u32;
    let mut fake = Fake::new(CTAP_2_1).on(COMMAND, move |_| {
        number += 1;
        Some(credential(&number.to_be_bytes(), Some(number + 2)))
    });
    assert_eq!(credentials(&mut fake), (Ok(()), 3));
}

#[test]
fn no_answer_to_any_question_can_confuse_a_flow() {
    // Each flow is given each of these, at every command that it sends.
    let answers: Vec<Vec<u8>> = [
        &[0][..],
        &[0, 0xA0],
        &[0, 0x80],
        &[0, 0xFF],
        &[0, 0xA1, 0x01],
        &[0, 0xBF, 0xFF],
        &[0, 0xBB, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        &[
            0, 0xA1, 0x02, 0x5B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        ],
        &[0, 0xA1, 0x02, 0x41, 0x00],
        &[0xFF],
        &[0x2E],
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    for answer in &answers {
        for at in [
            Command::GetInfo,
            Command::ClientPin,
            Command::CredentialManagement,
            Command::BioEnrollment,
            Command::LargeBlobs,
            Command::MakeCredential,
            Command::GetAssertion,
            Command::Selection,
        ] {
            let answer = answer.clone();
            let mut fake = Fake::new(CTAP_2_3).on(at, move |_| Some(answer.clone()));
            fake.session(every_flow);
            assert!(fake.asked.len() < 600, "{} requests", fake.asked.len());
        }
    }
}

/// Tries everything; what comes of it does not matter.
fn every_flow(session: &mut Session<'_, Fake, fake::Crypto>) {
    let go_on = || ControlFlow::Continue(());
    let permissions = Permissions::CREDENTIAL_MANAGEMENT;
    let _ = session.info().map(drop);
    let _ = session.pin_retries();
    let _ = session.uv_retries();
    let _ = session.change_pin(&pin("1234"), &pin("5678"));
    let _ = session.token(&pin("1234"), permissions, None);
    let _ = session.persistent_token(&pin("1234"));
    let _ = session.token_by_user_verification(permissions, None, &mut |_| go_on());
    let token = given(PinProtocol::Two);
    let _ = session.credentials_metadata(&token);
    let _ = session.relying_parties(&token, &mut |_| go_on());
    let _ = session.credentials(&token, &[3; 32], &mut |_| go_on());
    let _ = session.delete_credential(&token, b"id");
    let _ = session.fingerprint_sensor();
    let _ = session.fingerprints(&token, &mut |_| go_on());
    let _ = session.enroll_fingerprint(&token, None, &mut |_| go_on());
    let _ = session.large_blobs(&mut [0; 100]).map(drop);
    let _ = session.erase_large_blobs(Some(&token));
    let _ = session.set_always_uv(true, Some(&token));
    let _ = session.find_credential("rp", [&b"id"[..]].into_iter(), Some(&token));
    let _ = session.select();
    let _ = session.reset();
}

/// Opens a channel as it should, and then says for ever that it wants a touch.
/// Its clock runs by 100 ms for each report.
#[derive(Default)]
struct Chatterbox {
    now: u64,
    opened: Option<Report>,
    cancels: u32,
}

const CHANNEL: [u8; 4] = [0, 0, 0, 9];

impl Link for Chatterbox {
    type Error = Lost;

    fn now(&mut self) -> Millis {
        Millis(self.now)
    }

    fn send_report(&mut self, report: &Report) -> Result<(), Lost> {
        match report[4] {
            0x86 => {
                let mut answer = [0; 64];
                answer[..4].copy_from_slice(&report[..4]);
                answer[4..7].copy_from_slice(&[0x86, 0, 17]);
                answer[7..15].copy_from_slice(&report[7..15]);
                answer[15..19].copy_from_slice(&CHANNEL);
                answer[19..24].copy_from_slice(&[2, 1, 0, 0, 0x04]);
                self.opened = Some(answer);
            }
            0x91 => self.cancels += 1,
            _ => {}
        }
        Ok(())
    }

    fn receive_report(&mut self, _: Millis) -> Result<Option<Report>, Lost> {
        self.now += 100;
        let mut keepalive = [0; 64];
        keepalive[..4].copy_from_slice(&CHANNEL);
        keepalive[4..8].copy_from_slice(&[0xBB, 0, 1, 2]);
        Ok(Some(self.opened.take().unwrap_or(keepalive)))
    }
}

#[test]
fn a_token_that_asks_for_a_touch_for_ever_is_left_at_the_deadline() {
    for stop in [false, true] {
        let mut hid = HidTransport::open(Chatterbox::default(), [7; 8], Millis(1000)).unwrap();
        let mut crypto = crate::crypto::RustCrypto(rand_core::OsRng);
        let mut buffers = std::boxed::Box::<Buffers>::default();
        let mut heard = 0;
        let mut on_keepalive = |_| {
            heard += 1;
            if stop {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let mut session = Session::new(
            &mut hid,
            &mut crypto,
            &mut buffers,
            Millis(20_000),
            &mut on_keepalive,
        );
        let late = Err(Error::Transport(TransportError::Deadline));
        assert_eq!(session.reset(), late);
        let link = hid.into_link();
        assert_eq!(link.now, 20_000);
        // Of the 199 reports after the channel's, the longest message that may lie there before a
        // request, which is nobody's, takes 129.
        assert_eq!(heard, 70);
        assert!(link.cancels > 0, "the token is told to end");
    }
}
