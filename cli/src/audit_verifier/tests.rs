use ed25519_dalek::{Signer as _, SigningKey};

use super::*;

fn signed(seq: u64, hash: &str, key: u8) -> Checkpoint {
    let key = SigningKey::from_bytes(&[key; 32]);
    let mut message = b"keysteward audit checkpoint v1".to_vec();
    message.extend(seq.to_be_bytes());
    message.extend(hex::decode(hash).unwrap());
    message.extend(5_i64.to_be_bytes());
    Checkpoint {
        seq,
        hash: hash.into(),
        signed_at_us: 5,
        signature: hex::encode(key.sign(&message).to_bytes()),
        public_key: hex::encode(key.verifying_key().to_bytes()),
    }
}

/// Three entries and a checkpoint of the last.
fn record() -> Vec<Line> {
    let mut lines = Vec::new();
    let mut prev_hash = hex::encode([0; 32]);
    for seq in 1..=3 {
        let mut entry = Entry {
            seq,
            at_us: 1_700_000_000_000_000,
            actor: "api-key:test".into(),
            verb: "token.issue".into(),
            object: format!("token:{seq}"),
            operation_id: String::new(),
            outcome: "ok".into(),
            facts: "{}".into(),
            prev_hash,
            hash: String::new(),
        };
        entry.hash = hex::encode(hash_of(&entry).unwrap());
        prev_hash = entry.hash.clone();
        lines.push(Line::Entry(entry));
    }
    lines.push(Line::Checkpoint(signed(3, &prev_hash, 7)));
    lines
}

fn entry(lines: &mut [Line], index: usize) -> &mut Entry {
    match &mut lines[index] {
        Line::Entry(entry) => entry,
        Line::Checkpoint(_) => panic!("line {index} is a checkpoint"),
    }
}

fn verify(lines: &[Line]) -> Result<Verifier, Broken> {
    let mut verifier = Verifier::new(None);
    for line in lines {
        verifier.line(&serde_json::to_string(line).unwrap())?;
    }
    Ok(verifier)
}

#[test]
fn an_untouched_record_verifies_up_to_its_checkpoint() {
    let verifier = verify(&record()).unwrap();
    assert_eq!((verifier.entries(), verifier.checkpoints()), (3, 1));
    assert_eq!(verifier.newest().unwrap().seq, 3);
}

#[test]
fn every_change_of_a_field_is_found_at_its_entry() {
    let changes: [fn(&mut Entry); 8] = [
        |e| e.at_us += 1,
        |e| e.actor.push('x'),
        |e| e.verb.push('x'),
        |e| e.object.push('x'),
        |e| e.operation_id.push('x'),
        |e| e.outcome.push('x'),
        |e| e.facts.push('x'),
        // A byte moved from one field to the next.
        |e| {
            e.actor.pop();
            e.verb.insert(0, 't');
        },
    ];
    for (n, change) in changes.into_iter().enumerate() {
        let mut lines = record();
        change(entry(&mut lines, 1));
        let broken = verify(&lines).err().unwrap();
        assert_eq!((broken.seq, broken.why), (2, Why::Changed), "change {n}");
    }
}

#[test]
fn a_removed_a_doubled_and_a_swapped_entry_are_found() {
    let mut removed = record();
    removed.remove(1);
    let mut doubled = record();
    doubled.insert(1, doubled[0].clone());
    let mut swapped = record();
    swapped.swap(0, 1);
    for (lines, due) in [(removed, 2), (doubled, 2), (swapped, 1)] {
        assert_eq!(verify(&lines).err().unwrap().why, Why::OutOfOrder { due });
    }
}

#[test]
fn an_entry_that_follows_another_chain_is_found() {
    let mut lines = record();
    let other = entry(&mut lines, 1);
    other.prev_hash = hex::encode([1; 32]);
    other.hash = hex::encode(hash_of(other).unwrap());
    assert_eq!(verify(&lines).err().unwrap().why, Why::Unlinked);
}

#[test]
fn a_record_rewritten_from_the_start_does_not_match_a_witness() {
    let mut verifier = verify(&record()[..3]).unwrap();
    let broken = verifier
        .witness(signed(2, &hex::encode([9; 32]), 7))
        .unwrap_err();
    assert_eq!(broken.why, Why::Rewritten);
}

#[test]
fn entries_cut_off_before_a_checkpoint_are_missed() {
    let mut lines = record();
    lines.remove(2);
    assert_eq!(verify(&lines).err().unwrap().why, Why::CutOff { end: 2 });
}

#[test]
fn a_forged_signature_and_a_foreign_key_are_refused() {
    let mut lines = record();
    let Line::Checkpoint(seen) = &mut lines[3] else {
        panic!("no checkpoint")
    };
    seen.signed_at_us += 1;
    assert_eq!(verify(&lines).err().unwrap().why, Why::BadSignature);

    let mut trusting_another = Verifier::new(Some([1; 32]));
    let texts: Vec<String> = record()
        .iter()
        .map(|l| serde_json::to_string(l).unwrap())
        .collect();
    let broken = texts
        .iter()
        .try_for_each(|text| trusting_another.line(text))
        .unwrap_err();
    assert_eq!(broken.why, Why::OtherKey);
}

#[test]
fn a_line_that_is_no_record_is_named() {
    let mut verifier = Verifier::new(None);
    verifier.line("").unwrap();
    let broken = verifier.line("{\"entry\":{}}").unwrap_err();
    assert_eq!(broken.line, 2);
    assert!(matches!(broken.why, Why::Unreadable(_)));
}

/// The beginning of an export of `keysteward-server`, as the command line wrote it.
const EXPORTED: &str = include_str!("exported.jsonl");

#[test]
fn what_a_server_exported_verifies_and_a_digit_of_its_time_does_not() {
    let mut verifier = Verifier::new(None);
    EXPORTED
        .lines()
        .try_for_each(|line| verifier.line(line))
        .unwrap();
    assert_eq!((verifier.entries(), verifier.newest().unwrap().seq), (3, 3));

    let mut verifier = Verifier::new(None);
    let spoilt = EXPORTED.replacen("1795288803044119", "1795288803044118", 1);
    let broken = spoilt
        .lines()
        .try_for_each(|line| verifier.line(line))
        .unwrap_err();
    assert_eq!((broken.seq, broken.why), (1, Why::Changed));
}
