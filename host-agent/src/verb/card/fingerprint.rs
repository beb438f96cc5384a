//! A digest by which a repeated request to a card is known, without PINs, PUKs and keys.

use super::{AdminProof, Ask, Authority, LeftWith, NewCard, Request};
use crate::verb::fingerprint::Fields;

/// Adds what is asked. Two requests under one key that differ in a secret alone are taken for one.
pub(in crate::verb) fn fingerprint(digest: &mut Fields, request: &Request) {
    digest.text(request.applet.map_or("", |applet| applet.as_str()));
    match &request.ask {
        Ask::Inspect | Ask::GiveChallenge => {}
        Ask::TryAdminKeys { candidates } => {
            digest.number(candidates.len() as u64);
            for candidate in candidates {
                proof(digest, Some(candidate));
            }
        }
        Ask::ChangeAdminKey { current, new_key } => {
            proof(digest, Some(current));
            digest.number(new_key.bytes().len() as u64);
            digest.text(cipher(keysteward_core::admin_key::AdminKey::cipher(
                new_key,
            )));
        }
        Ask::ChangePin {
            reference,
            current_pin: _,
            new_pin: _,
        }
        | Ask::BlockPin { reference } => digest.text(reference.as_str()),
        Ask::SetPin { new_pin: _, by } => match by {
            Authority::Puk(_) => digest.text("puk"),
            Authority::Admin(admin) => proof(digest, Some(admin)),
        },
        Ask::SetPinTries {
            admin,
            pin: _,
            tries,
        } => {
            proof(digest, Some(admin));
            digest.bytes(&[tries.pin, tries.puk]);
        }
        Ask::Personalise {
            admin,
            card_id,
            new,
        } => {
            proof(digest, admin.as_ref());
            digest.bytes(card_id);
            digest.text(match new {
                Some(NewCard {
                    pin: _,
                    admin_key: _,
                }) => "new",
                None => "",
            });
        }
        Ask::GenerateKey {
            admin,
            pin: _,
            container,
            algorithm,
            pin_policy,
            touch_policy,
        } => {
            proof(digest, admin.as_ref());
            digest.text(container);
            digest.text(algorithm.as_str());
            digest.text(pin_policy.map_or("", |policy| policy.as_str()));
            digest.text(touch_policy.map_or("", |policy| policy.as_str()));
        }
        Ask::SignCertificationRequest {
            pin: _,
            container,
            info,
            algorithm,
        } => {
            digest.text(container);
            digest.bytes(info);
            digest.text(algorithm.as_str());
        }
        Ask::WriteCertificate {
            admin,
            pin: _,
            container,
            certificate,
            is_default,
            guid,
        } => {
            proof(digest, admin.as_ref());
            digest.text(container);
            digest.bytes(certificate);
            digest.number(u64::from(*is_default));
            // Nothing where there is none: agents of before knew none.
            if let Some(guid) = guid {
                digest.bytes(guid);
            }
        }
        Ask::DeleteContainer {
            admin,
            pin: _,
            container,
        } => {
            proof(digest, admin.as_ref());
            digest.text(container);
        }
        Ask::MoveKey { admin, container } => {
            proof(digest, Some(admin));
            digest.text(container);
        }
        Ask::Reset { admin, left_with } => {
            proof(digest, admin.as_ref());
            // Nothing where there is none: agents of before knew none.
            if let Some(LeftWith { pin: _, card_id }) = left_with {
                digest.bytes(card_id);
            }
        }
        Ask::AnswerChallenge {
            response: _,
            new_pin: _,
        } => {}
        // What follows the header may be a PIN.
        Ask::Raw(command) => digest.bytes(command.get(..4).unwrap_or_default()),
    }
}

/// Who proves the admin key, and for which cipher.
fn proof(digest: &mut Fields, proof: Option<&AdminProof>) {
    match proof {
        None => digest.text(""),
        Some(AdminProof::Key { cipher: of, key: _ }) => {
            digest.text("key");
            digest.text(cipher(*of));
        }
        Some(AdminProof::Caller {
            cipher: of,
            candidate: _,
            line: _,
        }) => {
            digest.text("caller");
            digest.text(cipher(*of));
        }
    }
}

fn cipher(cipher: Option<keysteward_core::admin_key::Cipher>) -> &'static str {
    cipher.map_or("", keysteward_core::admin_key::Cipher::name)
}
