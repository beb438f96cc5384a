//! Large blobs: written, listed, read, deleted.

use keysteward_proto::agent::v1 as proto;
use proto::{step::Verb, step_error::Code, step_result::Result as Answer};

use super::{Desk, Did, NEW_PIN, Undone, holds, unexpected};

const BLOB: &[u8] = b"a certificate, say";

impl Desk {
    /// Of the credential that can own a blob; else of another, so that the key's refusal is told.
    fn owner_id(&self) -> Vec<u8> {
        let owner = self.owner.as_ref().or(self.made.as_ref());
        owner.map_or_else(|| vec![1; 32], |one| one.id.clone())
    }

    pub(super) async fn writes_a_blob(&mut self) -> Did {
        let write = Verb::WriteLargeBlob(proto::WriteLargeBlob {
            pin: NEW_PIN.to_owned(),
            credential_id: self.owner_id(),
            data: BLOB.to_vec(),
        });
        self.is_done(write).await
    }

    pub(super) async fn lists_blobs(&mut self) -> Did {
        let blobs = Verb::ListLargeBlobs(proto::ListLargeBlobs {
            pin: NEW_PIN.to_owned(),
        });
        match self.step(blobs).await? {
            Answer::LargeBlobList(list) => {
                let ids: Vec<_> = list
                    .large_blobs
                    .iter()
                    .map(|one| &one.credential_id)
                    .collect();
                holds("the blob is listed", ids == [&self.owner_id()])
            }
            other => Err(unexpected(&other)),
        }
    }

    pub(super) async fn reads_the_blob(&mut self) -> Did {
        let read = Verb::ReadLargeBlob(proto::ReadLargeBlob {
            pin: NEW_PIN.to_owned(),
            credential_id: self.owner_id(),
        });
        match self.step(read).await? {
            Answer::LargeBlobRead(read) => holds("it is what was written", read.data == BLOB),
            other => Err(unexpected(&other)),
        }
    }

    pub(super) async fn deletes_the_blob(&mut self) -> Did {
        let delete = Verb::DeleteLargeBlob(proto::DeleteLargeBlob {
            pin: NEW_PIN.to_owned(),
            credential_id: self.owner_id(),
        });
        self.is_done(delete).await?;
        match self.reads_the_blob().await {
            Err(Undone::Refused(error)) if error.code() == Code::CredentialNotFound => Ok(()),
            _ => Err(Undone::Pretended("the blob is there".to_owned())),
        }
    }
}
