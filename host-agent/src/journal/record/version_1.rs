//! Records of agents that knew no cards. Their failures had no status word and no tries of a PUK;
//! everything else is as it is today, and new kinds of it were only ever added at the end.

use serde::Deserialize;
#[cfg(test)]
use serde::Serialize;

use super::{Intent, Record, State};
use crate::verb::{Answer, Code, Failure};

#[derive(Deserialize)]
#[cfg_attr(test, derive(Serialize))]
pub(super) struct RecordOne {
    pub(super) intent: Intent,
    pub(super) state: StateOne,
    pub(super) started_at_us: i64,
    pub(super) ended_at_us: i64,
    pub(super) acknowledged_at_us: i64,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(Serialize))]
pub(super) enum StateOne {
    Waiting,
    Started,
    Done(Answer),
    Failed(FailureOne),
    Unknown { explanation: String },
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(Serialize))]
pub(super) struct FailureOne {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) ctap_status: Option<u8>,
    pub(super) pin_retries: Option<u32>,
    pub(super) rule: String,
    pub(super) field: String,
    pub(super) changed: bool,
}

impl From<RecordOne> for Record {
    fn from(old: RecordOne) -> Self {
        Self {
            intent: old.intent,
            state: match old.state {
                StateOne::Waiting => State::Waiting,
                StateOne::Started => State::Started,
                StateOne::Done(answer) => State::Done(answer),
                StateOne::Failed(failure) => State::Failed(failure.into()),
                StateOne::Unknown { explanation } => State::Unknown { explanation },
            },
            started_at_us: old.started_at_us,
            ended_at_us: old.ended_at_us,
            acknowledged_at_us: old.acknowledged_at_us,
        }
    }
}

impl From<FailureOne> for Failure {
    fn from(old: FailureOne) -> Self {
        Self {
            ctap_status: old.ctap_status,
            retries: old.pin_retries,
            rule: old.rule,
            field: old.field,
            changed: old.changed,
            ..Self::new(old.code, old.message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        journal::{Probe, TokenName},
        verb::Verb,
    };

    #[test]
    fn the_bytes_that_such_an_agent_wrote_are_read() {
        let bytes = hex::decode(concat!(
            "01",
            "08",
            "0707070707070707070707070707070707070707070707070707070707070707",
            "06736572766572",
            "03702d31b42401044b532d31",
            "09090909090909090909090909090909",
            "05016101c101",
            "031a016d0000000000",
            "020400",
        ))
        .unwrap();
        let record = Record::decode(&bytes).unwrap();
        assert_eq!(record.intent.verb, Verb::DeleteCredential);
        let failure = Failure::new(Code::OutcomeUnknown, "m");
        assert_eq!(record.state, State::Failed(failure));
        assert_eq!((record.started_at_us, record.ended_at_us), (1, 2));
    }

    #[test]
    fn a_record_of_an_agent_that_knew_no_cards_is_read() {
        let old = RecordOne {
            intent: Intent {
                verb: Verb::SetPin,
                fingerprint: [7; 32],
                caller: "server".to_owned(),
                token: TokenName::default(),
                probe: Probe::PinSet { was_set: false },
            },
            state: StateOne::Failed(FailureOne {
                code: Code::PinInvalid,
                message: "wrong PIN".to_owned(),
                ctap_status: Some(0x31),
                pin_retries: Some(5),
                rule: String::new(),
                field: "pin".to_owned(),
                changed: true,
            }),
            started_at_us: 1,
            ended_at_us: 2,
            acknowledged_at_us: 3,
        };
        let bytes = postcard::to_extend(&old, vec![1]).unwrap();
        let record = Record::decode(&bytes).unwrap();
        let State::Failed(failure) = &record.state else {
            panic!("{record:?}");
        };
        assert_eq!((failure.retries, failure.status_word), (Some(5), None));
        assert_eq!((failure.changed, record.acknowledged_at_us), (true, 3));
        // And written anew, it is one of today.
        let again = record.encode().unwrap();
        assert_eq!(again.first(), Some(&2));
        assert_eq!(Record::decode(&again).unwrap(), record);
    }
}
