use super::*;
use crate::verb::{Answer, Code, Failure, Verb};

const NOW: i64 = 1_700_000_000_000_000;

fn key(attempt: u32) -> StepKey {
    StepKey {
        operation_id: "op".to_owned(),
        step: "set-pin".to_owned(),
        attempt,
    }
}

fn token(serial: &str) -> TokenName {
    TokenName {
        presence_id: "p-1".to_owned(),
        vendor_id: 0x1234,
        product_id: 1,
        serial: serial.to_owned(),
        aaguid: [9; 16],
    }
}

fn intent() -> Intent {
    Intent {
        verb: Verb::SetPin,
        fingerprint: [7; 32],
        caller: "server".to_owned(),
        token: token("KS-1"),
        probe: Probe::PinSet { was_set: false },
    }
}

fn begin(journal: &Arc<Journal>, attempt: u32) -> Attempt {
    match journal
        .begin(&key(attempt), intent(), State::Started, NOW)
        .unwrap()
    {
        Begun::Fresh(attempt) => attempt,
        Begun::Before(record) => panic!("{record:?}"),
    }
}

fn failed() -> State {
    State::Failed(Failure::new(Code::PinInvalid, "wrong PIN"))
}

#[test]
fn what_never_started_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    assert_eq!(journal.get(&key(1)).unwrap(), None);
}

#[test]
fn an_intent_is_on_disk_before_anything_else() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    // Killed here: the attempt is never dropped, nothing is flushed on the way out.
    std::mem::forget(begin(&journal, 1));
    drop(journal);
    let copy = tempfile::tempdir().unwrap();
    fs::copy(
        folder.path().join("journal.redb"),
        copy.path().join("journal.redb"),
    )
    .unwrap();
    let journal = Journal::open(copy.path()).unwrap();
    let record = journal.get(&key(1)).unwrap().unwrap();
    assert_eq!(record.state, State::Started);
    assert_eq!(record.intent, intent());
    let cut_off: Vec<_> = journal
        .cut_off()
        .unwrap()
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    assert_eq!(cut_off, [key(1)]);
}

#[test]
fn an_end_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    for (attempt, end) in [
        (1, State::Done(Answer::Done)),
        (2, failed()),
        (
            3,
            State::Unknown {
                explanation: "why".to_owned(),
            },
        ),
    ] {
        let journal = Journal::open(folder.path()).unwrap();
        begin(&journal, attempt)
            .finish(end.clone(), None, NOW + 5)
            .unwrap();
        drop(journal);
        let journal = Journal::open(folder.path()).unwrap();
        let record = journal.get(&key(attempt)).unwrap().unwrap();
        assert_eq!(record.state, end);
        assert_eq!((record.started_at_us, record.ended_at_us), (NOW, NOW + 5));
        assert!(journal.cut_off().unwrap().is_empty());
    }
}

#[test]
fn a_key_begins_once() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let running = begin(&journal, 1);
    let again = Intent {
        fingerprint: [8; 32],
        ..intent()
    };
    let Begun::Before(record) = journal
        .begin(&key(1), again.clone(), State::Started, NOW)
        .unwrap()
    else {
        panic!("began twice");
    };
    assert_eq!(record.intent, intent());
    running
        .finish(State::Done(Answer::Done), None, NOW)
        .unwrap();
    let begun = journal.begin(&key(1), again, State::Started, NOW).unwrap();
    assert!(matches!(begun, Begun::Before(_)), "{begun:?}");
}

#[test]
fn an_attempt_that_runs_is_not_cut_off_and_one_that_was_dropped_is() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let running = begin(&journal, 1);
    assert!(journal.cut_off().unwrap().is_empty());
    assert_eq!(journal.counts().unwrap(), (1, 1));
    drop(running);
    assert_eq!(journal.cut_off().unwrap().len(), 1);
    journal.settle(&key(1), failed(), None, NOW).unwrap();
    assert!(journal.cut_off().unwrap().is_empty());
    assert_eq!(journal.counts().unwrap(), (1, 0));
}

#[test]
fn a_settled_end_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    begin(&journal, 1)
        .finish(State::Done(Answer::Done), None, NOW)
        .unwrap();
    journal.settle(&key(1), failed(), None, NOW + 1).unwrap();
    let record = journal.get(&key(1)).unwrap().unwrap();
    assert_eq!(record.state, State::Done(Answer::Done));
    assert_eq!(record.ended_at_us, NOW);
}

#[test]
fn a_reset_that_waits_for_a_person_is_told_from_one_that_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let Begun::Fresh(attempt) = journal
        .begin(&key(1), intent(), State::Waiting, NOW)
        .unwrap()
    else {
        panic!();
    };
    assert_eq!(journal.get(&key(1)).unwrap().unwrap().state, State::Waiting);
    attempt.mark_sent().unwrap();
    assert_eq!(journal.get(&key(1)).unwrap().unwrap().state, State::Started);
}

#[test]
fn acknowledged_ends_are_kept_for_thirty_days_and_others_for_ever() {
    const DAY: i64 = 24 * 3600 * 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    for attempt in 1..=2 {
        begin(&journal, attempt)
            .finish(State::Done(Answer::Done), None, NOW)
            .unwrap();
    }
    let open = begin(&journal, 3);
    journal.acknowledge(&[key(1), key(3), key(9)], NOW).unwrap();
    let listed = |all| -> Vec<u32> {
        let records = journal.list(all).unwrap();
        records.iter().map(|(key, _)| key.attempt).collect()
    };
    assert_eq!(
        listed(false),
        [2, 3],
        "what has no end cannot be acknowledged"
    );
    assert_eq!(listed(true), [1, 2, 3]);
    journal.acknowledge(&[], NOW + 29 * DAY).unwrap();
    assert_eq!(listed(true), [1, 2, 3]);
    journal.acknowledge(&[], NOW + 31 * DAY).unwrap();
    assert_eq!(listed(true), [2, 3]);
    drop(open);
}

#[test]
fn a_credential_is_remembered_with_the_end_of_its_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let made = MadeHere {
        rp_id: "a.example".to_owned(),
        token: token("KS-1"),
        visible: true,
    };
    let memory = Memory::Made {
        credential_id: vec![1, 2],
        made: made.clone(),
    };
    begin(&journal, 1)
        .finish(State::Done(Answer::Done), Some(&memory), NOW)
        .unwrap();
    assert_eq!(journal.credential(&[1, 2]).unwrap(), Some(made));
    assert_eq!(journal.credential(&[1]).unwrap(), None);
    let on = |serial: &'static str| {
        journal
            .credentials_where(move |holder| holder.serial == serial)
            .unwrap()
            .len()
    };
    assert_eq!((on("KS-1"), on("KS-2")), (1, 0));
    let gone = Memory::Deleted {
        credential_id: vec![1, 2],
    };
    begin(&journal, 2)
        .finish(State::Done(Answer::Done), Some(&gone), NOW)
        .unwrap();
    assert_eq!(journal.credential(&[1, 2]).unwrap(), None);
}

#[test]
fn the_epoch_of_the_uplink_grows_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    assert_eq!(journal.link_epoch().unwrap(), 0);
    assert_eq!(journal.next_link_epoch().unwrap(), 1);
    drop(journal);
    let journal = Journal::open(folder.path()).unwrap();
    assert_eq!(journal.next_link_epoch().unwrap(), 2);
    assert_eq!(journal.link_epoch().unwrap(), 2);
}

#[test]
fn a_witness_does_not_let_the_server_go_back() {
    let checkpoint = |sequence| Checkpoint {
        stream: "audit".to_owned(),
        sequence,
        hash: vec![1],
        signed_at_us: NOW,
        signature: vec![2],
        public_key: vec![3],
    };
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    assert_eq!(journal.see_checkpoint(&checkpoint(5)).unwrap(), None);
    assert_eq!(
        journal.see_checkpoint(&checkpoint(7)).unwrap(),
        Some(checkpoint(5))
    );
    assert_eq!(
        journal.see_checkpoint(&checkpoint(6)).unwrap(),
        Some(checkpoint(7))
    );
    assert_eq!(journal.witness().unwrap(), Some(checkpoint(7)));
    let restored = Checkpoint {
        stream: "another".to_owned(),
        ..checkpoint(1)
    };
    journal.see_checkpoint(&restored).unwrap();
    assert_eq!(journal.witness().unwrap(), Some(restored));
}

#[test]
fn two_agents_do_not_share_a_state_dir() {
    let folder = tempfile::tempdir().unwrap();
    let _journal = Journal::open(folder.path()).unwrap();
    let error = Journal::open(folder.path()).unwrap_err();
    assert!(matches!(error, JournalError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("state_dir"), "{error}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Journal::open(&file.join("state")).unwrap_err();
    assert!(error.to_string().contains("file/state"), "{error}");
}

#[cfg(unix)]
#[test]
fn the_folder_is_for_the_agent_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let state_dir = folder.path().join("state");
    drop(Journal::open(&state_dir).unwrap());
    let mode = fs::metadata(&state_dir).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn records_on_disk_keep_their_shape() {
    let record = Record {
        intent: Intent {
            probe: Probe::Deleted {
                rp_id: "a".to_owned(),
                credential_id: vec![0xc1],
                was_visible: true,
            },
            verb: Verb::DeleteCredential,
            ..intent()
        },
        state: State::Failed(Failure::new(Code::OutcomeUnknown, "m")),
        started_at_us: 1,
        ended_at_us: 2,
        acknowledged_at_us: 0,
    };
    let bytes = record.encode().unwrap();
    assert_eq!(
        hex::encode(&bytes),
        concat!(
            "02",                                                               // version
            "08",                                                               // verb
            "0707070707070707070707070707070707070707070707070707070707070707", // fingerprint
            "06736572766572",                                                   // caller
            "03702d31b42401044b532d31",                                         // token ..
            "09090909090909090909090909090909",                                 // .. its aaguid
            "05016101c101",                                                     // probe
            "031a016d00000000000000",                                           // state
            "020400",                                                           // times
        )
    );
    assert_eq!(Record::decode(&bytes).unwrap(), record);
}

#[test]
fn a_record_of_a_newer_agent_is_refused_by_its_version() {
    let error = Record::decode(&[3, 0, 0]).unwrap_err();
    assert!(
        matches!(error, JournalError::Version { version: 3 }),
        "{error}"
    );
    assert!(matches!(
        Record::decode(&[]).unwrap_err(),
        JournalError::Damaged(_)
    ));
    assert!(matches!(
        Record::decode(&[1, 0xff]).unwrap_err(),
        JournalError::Damaged(_)
    ));
}
