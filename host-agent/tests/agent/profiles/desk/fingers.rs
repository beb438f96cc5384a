//! Fingers: enrolled, listed, renamed, removed.

use keysteward_proto::agent::v1 as proto;
use proto::{step::Verb, step_result::Result as Answer};

use super::{Desk, Did, NEW_PIN, Undone, holds, unexpected};

impl Desk {
    pub(super) async fn describes_the_sensor(&mut self) -> Did {
        let sensor = Verb::DescribeFingerprintSensor(proto::DescribeFingerprintSensor {});
        match self.step(sensor).await? {
            Answer::FingerprintSensor(sensor) => holds("it takes samples", sensor.max_samples > 0),
            other => Err(unexpected(&other)),
        }
    }

    pub(super) async fn enrols(&mut self) -> Did {
        let enroll = Verb::EnrollFingerprint(proto::EnrollFingerprint {
            pin: NEW_PIN.to_owned(),
            name: "thumb".to_owned(),
        });
        match self.step(enroll).await? {
            Answer::FingerprintEnrolled(finger) => {
                self.finger = Some(finger.template_id);
                holds("it has its name", finger.name == "thumb")
            }
            other => Err(unexpected(&other)),
        }
    }

    async fn names_of_fingers(&mut self) -> Result<Vec<String>, Undone> {
        let fingers = Verb::ListFingerprints(proto::ListFingerprints {
            pin: NEW_PIN.to_owned(),
        });
        match self.step(fingers).await? {
            Answer::FingerprintList(list) => {
                Ok(list.fingerprints.into_iter().map(|one| one.name).collect())
            }
            other => Err(unexpected(&other)),
        }
    }

    pub(super) async fn lists_fingers(&mut self) -> Did {
        let names = self.names_of_fingers().await?;
        holds("the thumb is listed", names == ["thumb"])
    }

    fn finger_id(&self) -> Vec<u8> {
        self.finger.clone().unwrap_or_else(|| vec![1; 4])
    }

    pub(super) async fn renames_the_finger(&mut self) -> Did {
        let rename = Verb::RenameFingerprint(proto::RenameFingerprint {
            pin: NEW_PIN.to_owned(),
            template_id: self.finger_id(),
            name: "index".to_owned(),
        });
        self.is_done(rename).await?;
        let names = self.names_of_fingers().await?;
        holds("it is listed by its new name", names == ["index"])
    }

    pub(super) async fn removes_the_finger(&mut self) -> Did {
        let remove = Verb::RemoveFingerprint(proto::RemoveFingerprint {
            pin: NEW_PIN.to_owned(),
            template_id: self.finger_id(),
        });
        self.is_done(remove).await?;
        let names = self.names_of_fingers().await?;
        holds("no finger is listed", names.is_empty())
    }
}
