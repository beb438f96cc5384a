//! A request becomes an operation: what is secret is sealed, and it is written down.

use serde_json::{Map, json};

use super::{
    Ask, Error, Inner, Request, check, effects, hand_over_pin, pins,
    plan::{self, Progress},
    work::Work,
};
use crate::{
    audit::Outcome,
    connector::ca::Abilities,
    store::{
        self, ConnectionId, OperationId, Write, connection,
        operation::{self, Kind, Operation, State},
        sealed_secret, token,
    },
};

impl Inner {
    /// Checks what can be checked, seals what is secret, writes the operation down.
    pub(super) async fn accept(&self, request: &Request, actor: &str) -> Result<Operation, Error> {
        let now = self.clock.now();
        let mut tx = self.store.write().await?;
        let ask = &request.ask;
        let parameters = ask.parameters();
        let corrupt = |_| store::Error::Corrupt {
            column: "operation.parameters",
        };
        let text = serde_json::to_string(&parameters).map_err(corrupt)?;
        let token = token::get(&mut tx, ask.token())
            .await?
            .ok_or_else(|| check::not_found("token", ask.token()))?;
        let user_id = ask.user().or(token.user_id);
        if let Some(id) = request.id
            && let Some(known) = operation::get(&mut tx, id).await?
        {
            let same = known.kind == ask.kind()
                && known.token_id == Some(token.id)
                && known.parameters == text
                && ask.user().is_none_or(|user| known.user_id == Some(user));
            return if same {
                Ok(known)
            } else {
                Err(Error::IdReused(id))
            };
        }
        if let Some(other) = operation::holding(&mut tx, token.id).await? {
            return Err(Error::Busy {
                operation: other.id,
                kind: other.kind,
                state: other.state,
            });
        }
        let valid_for = request.valid_for.unwrap_or(self.settings.valid_for);
        let new = Operation {
            id: request.id.unwrap_or_else(OperationId::new),
            kind: ask.kind(),
            state: State::Running,
            token_id: Some(token.id),
            user_id,
            host_id: self.presence.of(token.id).map(|place| place.host),
            parameters: text,
            progress: serde_json::to_string(&Progress::default()).map_err(corrupt)?,
            remark: String::new(),
            next_action: String::new(),
            requested_by: actor.to_owned(),
            batch: request.batch.clone(),
            created_at: now,
            not_before: now,
            deadline: Some(now.plus(valid_for)),
            ended_at: None,
            cancelled_by: None,
            version: 1,
        };
        let mut work = Work::load(&mut tx, new, None, now).await?;
        self.check(&mut tx, ask, &work).await?;
        if matches!(ask, Ask::RegisterCard { .. }) && work.generations.is_empty() {
            // Not while others wait to write; and only now that nothing speaks against it.
            drop(tx);
            let comment = "made with the first card";
            self.masters.make_first(comment, actor).await?;
            return Box::pin(self.accept(request, actor)).await;
        }
        self.seal(&mut tx, ask, &mut work).await?;
        work.progress.successors = self.successors(&mut tx, &work).await?;
        work.progress.todo = plan::steps(work.operation.kind, &work.progress, &work.facts());
        work.operation.progress = serde_json::to_string(&work.progress).map_err(corrupt)?;
        operation::insert(&mut tx, &work.operation).await?;
        let mut facts = Map::new();
        facts.insert("kind".into(), json!(ask.kind()));
        facts.insert("user".into(), json!(user_id));
        facts.insert("template".into(), json!(parameters.template));
        effects::record(&mut tx, &work, "operation.start", Outcome::Started, facts).await?;
        tx.commit().await?;
        Ok(work.operation)
    }

    /// The authorities that know what is asked for as a renewal or reissue. Decided once,
    /// so that the plan that was shown is the one that is followed.
    async fn successors(
        &self,
        tx: &mut Write<'_>,
        work: &Work,
    ) -> Result<Vec<ConnectionId>, Error> {
        let knows: fn(Abilities) -> bool = match work.operation.kind {
            Kind::RenewCertificates => |able| able.renew,
            Kind::ReissueCertificates => |able| able.reissue,
            _ => return Ok(Vec::new()),
        };
        let mut found = Vec::new();
        for row in &work.certificates {
            let Some(connection) = connection::get(tx, row.connection_id).await? else {
                continue;
            };
            let authority = self.authorities.authority(&connection);
            let able = authority.is_ok_and(|authority| knows(authority.abilities()));
            if able && !found.contains(&connection.id) {
                found.push(connection.id);
            }
        }
        Ok(found)
    }

    async fn seal(
        &self,
        tx: &mut Write<'_>,
        ask: &Ask,
        work: &mut Work,
    ) -> Result<(), store::Error> {
        let (new, current) = ask.pins();
        let facts = work.facts();
        // A key that is a card too gets it at both.
        let at_card = match ask {
            Ask::UnblockCard { .. } => true,
            Ask::SetPin { .. } => facts.sets_card_pin(),
            _ => hand_over_pin::has_card(&facts),
        };
        let at_key = match ask {
            Ask::UnblockCard { .. } => false,
            Ask::SetPin { .. } => !facts.sets_card_pin(),
            _ => facts.pins.current || !at_card,
        };
        for (pin, kind, state) in [
            (
                new.filter(|_| at_key),
                sealed_secret::Kind::Pin,
                sealed_secret::State::Pending,
            ),
            (
                new.filter(|_| at_card),
                sealed_secret::Kind::CardPin,
                sealed_secret::State::Pending,
            ),
            (
                current,
                sealed_secret::Kind::GivenPin,
                sealed_secret::State::Current,
            ),
        ] {
            if let Some(pin) = pin {
                let place = (work.token.id, work.operation.id);
                let kind = (kind, state);
                let secret = pins::put(tx, &self.keys, place, kind, pin.expose(), work.now).await?;
                work.secrets.push(secret);
            }
        }
        Ok(())
    }
}
