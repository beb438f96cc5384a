//! Everything that happens to one operation, until it ends.

use keysteward_proto::server::v1::{self as wire, OperationEvent, operation_event::Event};
use tokio::sync::mpsc;
use tonic::Status;

use super::to_wire;
use crate::{
    api::{Rooms, labels::Labels},
    operation::{Operation, Update, Watch},
};

pub(super) async fn tell(
    rooms: &Rooms,
    mut now: Operation,
    mut watch: Watch,
    events: &mpsc::Sender<Result<OperationEvent, Status>>,
) {
    let mut labels = Labels::default();
    loop {
        let ended = now.state.has_ended();
        let event = async {
            let mut read = rooms.store.read().await?;
            to_wire(&mut read, &mut labels, now).await
        };
        let event = event.await.map(Event::Operation).map_err(Status::from);
        let failed = event.is_err();
        if send(events, event).await.is_err() || ended || failed {
            return;
        }
        now = loop {
            match watch.next().await {
                Ok(Some(Update::Operation(changed))) => break *changed,
                Ok(Some(Update::Prompt(prompt))) => {
                    let prompt = Event::Prompt(wire::Prompt {
                        kind: prompt.kind.to_owned(),
                        host: prompt.hostname,
                        message: prompt.message,
                    });
                    if send(events, Ok(prompt)).await.is_err() {
                        return;
                    }
                }
                Ok(None) => return,
                Err(error) => {
                    let _ = send(events, Err(error.into())).await;
                    return;
                }
            }
        };
    }
}

/// Fails when the caller has hung up.
async fn send(
    events: &mpsc::Sender<Result<OperationEvent, Status>>,
    event: Result<Event, Status>,
) -> Result<(), ()> {
    let event = event.map(|event| OperationEvent { event: Some(event) });
    events.send(event).await.map_err(drop)
}
