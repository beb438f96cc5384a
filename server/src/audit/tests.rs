use ed25519_dalek::SigningKey;
use serde_json::{Value, json};

use super::{
    verify::{Line, Why},
    *,
};
use crate::store::{self, Page, Store};

fn entry(object: &str) -> Entry {
    let Value::Object(facts) = json!({"a": "b"}) else {
        unreachable!()
    };
    Entry {
        at: Micros(1_700_000_000_000_000),
        actor: "api-key:test".into(),
        verb: "token.issue",
        object: object.into(),
        operation: None,
        outcome: Outcome::Ok,
        facts,
    }
}

async fn five_rows() -> (tempfile::TempDir, Store, Vec<Line>) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("db")).await.unwrap();
    let key = SigningKey::from_bytes(&[7; 32]);
    let mut lines = Vec::new();
    for (n, object) in ["one", "two", "three", "four", "five"]
        .into_iter()
        .enumerate()
    {
        let mut tx = store.write().await.unwrap();
        assert_eq!(append(&mut tx, entry(object)).await.unwrap(), n as u64 + 1);
        let signed = checkpoint::sign_head(&mut tx, &key, 2, Micros(1))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let mut read = store.read().await.unwrap();
        let page = Page {
            after: Some(n as u64),
            size: 9,
        };
        let rows = store::audit::list(&mut read, &store::audit::Filter::default(), page)
            .await
            .unwrap();
        lines.push(Line::Entry(rows.rows.into_iter().next().unwrap().into()));
        lines.extend(signed.map(Line::Checkpoint));
    }
    (folder, store, lines)
}

fn check(lines: &[Line], witnesses: &[Checkpoint]) -> Result<Verified, Broken> {
    let text: Vec<String> = lines
        .iter()
        .map(|line| serde_json::to_string(line).unwrap())
        .collect();
    verify(text.iter().map(String::as_str), witnesses)
}

fn checkpoints(lines: &[Line]) -> Vec<Checkpoint> {
    lines
        .iter()
        .filter_map(|line| match line {
            Line::Checkpoint(seen) => Some(seen.clone()),
            Line::Entry(_) => None,
        })
        .collect()
}

#[tokio::test]
async fn an_untouched_record_verifies() {
    let (_folder, _store, lines) = five_rows().await;
    let seen = checkpoints(&lines);
    let verified = check(&lines, &seen).unwrap();
    assert_eq!(verified.entries, 5);
    assert_eq!(verified.last_checkpoint.unwrap().seq, 4);
    assert_eq!(verified.witnesses, 2);
}

#[tokio::test]
async fn every_field_of_a_row_is_covered() {
    let (_folder, _store, lines) = five_rows().await;
    let edits: [fn(&mut Record); 7] = [
        |r| r.at_us += 1,
        |r| r.actor.push('x'),
        |r| r.verb.push('x'),
        |r| r.object.push('x'),
        |r| r.operation_id.push('x'),
        |r| r.outcome.push('x'),
        |r| r.facts.push(' '),
    ];
    for edit in edits {
        let mut lines = lines.clone();
        let Some(Line::Entry(record)) = lines.get_mut(1) else {
            panic!("a row")
        };
        edit(record);
        let broken = check(&lines, &[]).unwrap_err();
        assert_eq!((broken.seq, broken.why), (2, Why::Changed));
    }
}

#[tokio::test]
async fn text_moved_from_one_field_to_the_next_is_found() {
    let (_folder, _store, mut lines) = five_rows().await;
    let Some(Line::Entry(record)) = lines.first_mut() else {
        panic!("a row")
    };
    let last = record.actor.pop().unwrap();
    record.verb.insert(0, last);
    assert_eq!(check(&lines, &[]).unwrap_err().why, Why::Changed);
}

#[tokio::test]
async fn a_removed_row_is_found() {
    let (_folder, _store, mut lines) = five_rows().await;
    lines.remove(0);
    assert_eq!(
        check(&lines, &[]).unwrap_err().why,
        Why::OutOfOrder { due: 1, found: 2 }
    );
}

#[tokio::test]
async fn rows_cut_off_at_the_end_are_found_by_a_witness() {
    let (_folder, _store, lines) = five_rows().await;
    let seen = checkpoints(&lines);
    let rows: Vec<Line> = lines
        .iter()
        .filter(|line| matches!(line, Line::Entry(_)))
        .take(3)
        .cloned()
        .collect();
    assert_eq!(check(&rows, &[]).unwrap().entries, 3);
    assert_eq!(check(&rows, &seen).unwrap_err().why, Why::CutOff { end: 3 });
}

#[tokio::test]
async fn a_record_rewritten_from_a_point_is_found_by_a_witness() {
    let (_folder, _store, lines) = five_rows().await;
    let seen = checkpoints(&lines);
    let mut prev = START_OF_CHAIN;
    let rewritten: Vec<Line> = lines
        .iter()
        .filter_map(|line| match line {
            Line::Entry(record) => Some(record.clone()),
            Line::Checkpoint(_) => None,
        })
        .map(|mut record| {
            record.object.insert(0, 'x');
            record.prev_hash = prev;
            record.hash = record.expected_hash();
            prev = record.hash;
            Line::Entry(record)
        })
        .collect();
    assert!(check(&rewritten, &[]).is_ok());
    assert!(matches!(
        check(&rewritten, &seen).unwrap_err().why,
        Why::Rewritten { .. }
    ));
}

#[tokio::test]
async fn a_checkpoint_of_another_key_or_with_a_wrong_signature_is_found() {
    let (_folder, _store, lines) = five_rows().await;
    let seen = checkpoints(&lines).remove(0);
    let other = Checkpoint::sign(
        &SigningKey::from_bytes(&[8; 32]),
        seen.seq,
        seen.hash,
        Micros(1),
    );
    assert_eq!(check(&lines, &[other]).unwrap_err().why, Why::OtherKey);
    let mut forged = seen;
    forged.signed_at_us += 1;
    assert_eq!(check(&lines, &[forged]).unwrap_err().why, Why::BadSignature);
}

#[tokio::test]
async fn the_database_refuses_to_change_or_delete_a_row() {
    let (_folder, store, _lines) = five_rows().await;
    for statement in ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"] {
        let mut tx = store.write().await.unwrap();
        let refused = sqlx::query(statement)
            .execute(store::Reads::connection(&mut tx))
            .await;
        assert!(
            refused.unwrap_err().to_string().contains("append-only"),
            "{statement}"
        );
    }
}

#[tokio::test]
async fn a_row_of_a_transaction_that_is_dropped_was_never_written() {
    let (_folder, store, _lines) = five_rows().await;
    let mut tx = store.write().await.unwrap();
    append(&mut tx, entry("six")).await.unwrap();
    drop(tx);
    let mut read = store.read().await.unwrap();
    assert_eq!(store::audit::head(&mut read).await.unwrap().unwrap().0, 5);
}

const START_OF_CHAIN: [u8; 32] = chain::START;
