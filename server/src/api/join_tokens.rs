//! `server.v1.JoinTokens`

use std::time::Duration;

use keysteward_proto::server::v1::{self as wire, join_tokens_server};
use tonic::{Request, Response, Status};

use super::{Rooms, auth::Caller, refusal::Refusal};
use crate::{
    fleet::NewJoinToken,
    store::{self, join_token::JoinToken},
};

pub(super) struct JoinTokens(pub(super) Rooms);

#[tonic::async_trait]
impl join_tokens_server::JoinTokens for JoinTokens {
    async fn create(
        &self,
        request: Request<wire::CreateJoinTokenRequest>,
    ) -> Result<Response<wire::CreateJoinTokenResponse>, Status> {
        let actor = Caller::of(&request)?.actor.clone();
        let request = request.into_inner();
        let new = NewJoinToken {
            group: request.group,
            uses: request.uses,
            valid_for: Duration::from_secs(request.valid_for_s.into()),
            needs_approval: request.needs_approval,
        };
        let (join_token, secret) = self.0.fleet.create_join_token(&actor, new).await?;
        Ok(Response::new(wire::CreateJoinTokenResponse {
            join_token: Some(to_wire(join_token)),
            secret: secret.to_string(),
        }))
    }

    async fn list(
        &self,
        request: Request<wire::ListJoinTokensRequest>,
    ) -> Result<Response<wire::ListJoinTokensResponse>, Status> {
        let all = request.get_ref().all;
        let mut read = self.0.store.read().await?;
        let found = store::join_token::list(&mut read, all, self.0.clock.now()).await?;
        let join_tokens = found.into_iter().map(to_wire).collect();
        Ok(Response::new(wire::ListJoinTokensResponse { join_tokens }))
    }

    async fn revoke(
        &self,
        request: Request<wire::RevokeJoinTokenRequest>,
    ) -> Result<Response<wire::JoinToken>, Status> {
        let actor = Caller::of(&request)?.actor.clone();
        let id = &request.get_ref().id;
        let id = id.parse().map_err(|_| {
            Refusal::field(
                "id",
                id.as_str(),
                "the id of a join token, never its secret",
            )
        })?;
        let revoked = self.0.fleet.revoke_join_token(&actor, id).await?;
        Ok(Response::new(to_wire(revoked)))
    }
}

fn to_wire(token: JoinToken) -> wire::JoinToken {
    wire::JoinToken {
        id: token.id.to_string(),
        group: token.host_group,
        uses_left: token.uses_left,
        needs_approval: token.needs_approval,
        expires_at_us: token.expires_at.0,
        created_by: token.created_by,
        created_at_us: token.created_at.0,
        revoked: token.revoked_at.is_some(),
    }
}
