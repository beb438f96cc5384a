//! `server.v1.Cards`

use keysteward_proto::server::v1::{self as wire, cards_server};
use tonic::{Code, Request, Response, Status};

use super::{
    Rooms, auth::Caller, card_view::certificate_to_wire, labels::Labels, names, refusal::Refusal,
};
use crate::store::{self, Reads, card_master_key::CardMasterKey, certificate::Certificate};

pub(super) struct Cards(pub(super) Rooms);

#[tonic::async_trait]
impl cards_server::Cards for Cards {
    /// Answered once, and written into the audit record before it leaves.
    async fn answer_challenge(
        &self,
        request: Request<wire::AnswerCardChallengeRequest>,
    ) -> Result<Response<wire::AnswerCardChallengeResponse>, Status> {
        let actor = Caller::of(&request)?.actor.clone();
        let request = request.into_inner();
        let challenge = <[u8; 8]>::try_from(request.challenge.as_slice()).map_err(|_| {
            let found = format!("{} bytes", request.challenge.len());
            Refusal::field("challenge", found, "8 bytes: 16 hexadecimal digits")
        })?;
        let mut read = self.0.store.read().await?;
        let token = names::token(&mut read, &request.token).await?;
        drop(read);
        let response = self
            .0
            .engine
            .answer_challenge(token.id, challenge, &actor)
            .await?;
        Ok(Response::new(wire::AnswerCardChallengeResponse {
            response: response.to_vec(),
        }))
    }

    /// Told once, and written into the audit record before it leaves.
    async fn release_puk(
        &self,
        request: Request<wire::ReleasePukRequest>,
    ) -> Result<Response<wire::ReleasePukResponse>, Status> {
        let actor = Caller::of(&request)?.actor.clone();
        let mut read = self.0.store.read().await?;
        let token = names::token(&mut read, &request.get_ref().token).await?;
        drop(read);
        let puk = self.0.engine.release_puk(token.id, &actor).await?;
        Ok(Response::new(wire::ReleasePukResponse {
            puk: puk.to_string(),
        }))
    }

    async fn list_certificates(
        &self,
        request: Request<wire::ListCertificatesRequest>,
    ) -> Result<Response<wire::ListCertificatesResponse>, Status> {
        let mut read = self.0.store.read().await?;
        let rows = match request.get_ref().token.as_str() {
            "" => store::certificate::waiting_for_revocation(&mut read).await?,
            named => {
                let token = names::token(&mut read, named).await?;
                store::certificate::of_token(&mut read, token.id).await?
            }
        };
        let mut labels = Labels::default();
        let mut certificates = Vec::new();
        for row in rows {
            certificates.push(certificate_to_wire(&mut read, &mut labels, row).await?);
        }
        Ok(Response::new(wire::ListCertificatesResponse {
            certificates,
        }))
    }

    async fn get_certificate(
        &self,
        request: Request<wire::GetCertificateRequest>,
    ) -> Result<Response<wire::CertificateDetail>, Status> {
        let mut read = self.0.store.read().await?;
        let row = certificate(&mut read, &request.get_ref().certificate).await?;
        let der = row.der.clone();
        let row = certificate_to_wire(&mut read, &mut Labels::default(), row).await?;
        Ok(Response::new(wire::CertificateDetail {
            certificate: Some(row),
            der,
        }))
    }

    async fn list_master_keys(
        &self,
        _: Request<wire::ListCardMasterKeysRequest>,
    ) -> Result<Response<wire::ListCardMasterKeysResponse>, Status> {
        let mut read = self.0.store.read().await?;
        let cards = store::card::list(&mut read).await?;
        let rows = store::card_master_key::list(&mut read).await?;
        let keys = rows.into_iter().map(|row| {
            let of = |card: &&store::card::Card| {
                card.admin
                    .is_some_and(|key| key.generation == row.generation)
            };
            let count = cards.iter().filter(of).count();
            to_wire(row, u32::try_from(count).unwrap_or(u32::MAX))
        });
        Ok(Response::new(wire::ListCardMasterKeysResponse {
            keys: keys.collect(),
        }))
    }

    async fn create_master_key(
        &self,
        request: Request<wire::CreateCardMasterKeyRequest>,
    ) -> Result<Response<wire::CardMasterKey>, Status> {
        let actor = Caller::of(&request)?.actor.clone();
        let comment = request.into_inner().comment;
        let made = self.0.engine.new_card_master(&comment, &actor).await?;
        Ok(Response::new(to_wire(made, 0)))
    }
}

/// By id, or by a serial that only one has.
async fn certificate(from: &mut impl Reads, named: &str) -> Result<Certificate, Status> {
    if let Ok(id) = named.parse()
        && let Some(found) = store::certificate::get(from, id).await?
    {
        return Ok(found);
    }
    let serial = named.replace(':', "").to_ascii_lowercase();
    let serial = serial.trim_start_matches("00").to_owned();
    let mut found = store::certificate::by_serial(from, &serial).await?;
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (None, _) => {
            Err(Refusal::not_found("certificate", named, "an id, or a serial number").into())
        }
        (Some(_), false) => Err(Refusal::new(
            Code::InvalidArgument,
            "CERTIFICATE_AMBIGUOUS",
            "several certificates have this serial number: name one by its id",
        )
        .into()),
    }
}

fn to_wire(row: CardMasterKey, cards: u32) -> wire::CardMasterKey {
    wire::CardMasterKey {
        generation: row.generation,
        custody: row.custody.as_str().to_owned(),
        comment: row.comment,
        created_by: row.created_by,
        created_at_us: row.created_at.0,
        cards,
    }
}
