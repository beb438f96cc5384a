//! What must hold after every fault.

use std::path::PathBuf;

use super::world::World;
use crate::{
    audit::{self, verify::Line},
    lifecycle::TokenState,
    store::{self, Page, credential::OnToken, sealed_secret},
};

impl World {
    /// Key, provider, database and audit agree, and nothing is twice.
    pub(super) async fn agree(&self) {
        let token = self.token().await;
        let rows = self.credentials().await;
        let on_key: Vec<_> = {
            let state = self.host.state();
            state
                .key
                .credentials
                .iter()
                .map(|c| c.credential_id.clone())
                .collect()
        };
        let at_idp: Vec<_> = {
            let state = self.idp.state();
            state
                .authenticators
                .iter()
                .filter_map(|a| a.credential_id.clone())
                .collect()
        };
        for row in &rows {
            let should = row.on_token != OnToken::Deleted;
            assert_eq!(on_key.contains(&row.credential_id), should, "{row:?}");
            let absent = matches!(row.idp_state.as_deref(), None | Some("absent"));
            assert_eq!(at_idp.contains(&row.credential_id), !absent, "{row:?}");
        }
        for id in &on_key {
            assert!(
                rows.iter().any(|row| row.credential_id == *id),
                "nobody knows it"
            );
        }
        let issued = matches!(
            token.state,
            TokenState::Issued | TokenState::Active | TokenState::Suspended
        );
        assert_eq!(at_idp.len(), usize::from(issued), "{}", token.state);
        assert!(on_key.len() <= 1, "two credentials");
        let pin = self.host.state().key.pin.clone();
        let held = self.secrets().await.into_iter().find(|secret| {
            secret.kind == sealed_secret::Kind::Pin && secret.state == sealed_secret::State::Current
        });
        if let Some(held) = held {
            let held = crate::operation::pins::open(&self.keys, &held).unwrap();
            assert_eq!(Some(held.to_string()), pin, "the sealed PIN is another one");
        } else if token.state == TokenState::Issued {
            panic!("nobody holds the PIN");
        }
        self.audit_is_whole().await;
        self.no_pin_in_the_files();
    }

    pub(super) async fn audit_is_whole(&self) -> Vec<audit::Record> {
        let mut read = self.store.read().await.unwrap();
        let filter = store::audit::Filter::default();
        let rows = store::audit::list(&mut read, &filter, Page::first(1000))
            .await
            .unwrap()
            .rows;
        let records: Vec<audit::Record> = rows.into_iter().map(Into::into).collect();
        let lines: Vec<String> = records
            .iter()
            .map(|record| serde_json::to_string(&Line::Entry(record.clone())).unwrap())
            .collect();
        let newest = audit::checkpoint::newest(&mut read).await.unwrap();
        let witnesses: Vec<_> = newest.into_iter().collect();
        audit::verify(lines.iter().map(String::as_str), &witnesses).unwrap();
        records
    }

    /// No PIN that the key ever had stands in clear in the database.
    pub(super) fn no_pin_in_the_files(&self) {
        self.none_in_the_files(&self.host.state().key.pins);
    }

    /// None of `secrets` stands in clear in the database.
    pub(super) fn none_in_the_files(&self, secrets: &[String]) {
        for path in self.files() {
            let bytes = std::fs::read(&path).unwrap();
            for secret in secrets {
                let found = bytes
                    .windows(secret.len())
                    .enumerate()
                    .filter(|(_, window)| *window == secret.as_bytes())
                    .any(|(at, _)| !is_by_chance(&bytes, at, secret.len()));
                assert!(!found, "a secret is in {}", path.display());
            }
        }
    }

    pub(super) fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

/// Digits within a hash, an id or a time, which are longer than the PIN that they look like.
fn is_by_chance(bytes: &[u8], at: usize, length: usize) -> bool {
    let is_digit = |byte: &&u8| byte.is_ascii_hexdigit();
    let (before, rest) = bytes.split_at(at);
    let (pin, after) = rest.split_at(length);
    let before = before.iter().rev().take_while(is_digit).count();
    let after = after.iter().take_while(is_digit).count();
    pin.iter().all(|byte| is_digit(&byte)) && length < HASH && before + length + after >= HASH
}

const HASH: usize = 12;

#[test]
fn a_pin_is_told_from_digits_of_something_longer() {
    let text = "\"pin\":\"27182818\",\"at_us\":1763827182818459,\"by\":\"correct-horse-7\"";
    let told = |wanted: &str| -> Vec<bool> {
        let found = text.match_indices(wanted);
        let told = found.map(|(at, _)| is_by_chance(text.as_bytes(), at, wanted.len()));
        told.collect()
    };
    assert_eq!(told("27182818"), [false, true]);
    assert_eq!(told("correct-horse-7"), [false]);
    assert_eq!(told("1763827182818459"), [false]);
}
