//! `server.v1.Pins`

use keysteward_proto::server::v1::{self as wire, pins_server};
use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

use super::{Rooms, auth::Caller, names};

pub(super) struct Pins(pub(super) Rooms);

#[tonic::async_trait]
impl pins_server::Pins for Pins {
    /// Shown once, and written into the audit record before it leaves.
    async fn reveal(
        &self,
        request: Request<wire::RevealPinRequest>,
    ) -> Result<Response<wire::RevealPinResponse>, Status> {
        let actor = Caller::of(&request)?.actor.clone();
        let mut read = self.0.store.read().await?;
        let id = names::operation(&mut read, &request.get_ref().operation)
            .await?
            .id;
        drop(read);
        let revealed = self.0.engine.reveal(id, &actor).await?;
        let text =
            |pin: Option<Zeroizing<String>>| pin.map(|pin| pin.to_string()).unwrap_or_default();
        Ok(Response::new(wire::RevealPinResponse {
            pin: text(revealed.pin),
            card_pin: text(revealed.card_pin),
        }))
    }
}
