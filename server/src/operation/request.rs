//! What can be asked for, and everything that is checked before it is written down.

use core::{fmt, time::Duration};

use serde_json::{Map, json};
use zeroize::Zeroizing;

use super::{
    Error, Inner, effects, enrolment, hand_over_pin, pins,
    plan::{self, Parameters, Progress},
    work::Work,
};
use crate::{
    audit::Outcome,
    lifecycle::{
        self, Aaguid, Event, Invalid, Template, TokenState, TokenType,
        card_section::check_card_pin, pin_policy,
    },
    store::{
        self, OperationId, TemplateId, TokenId, UserId, Write, card_master_key, connection,
        operation::{self, Kind, Operation, State},
        sealed_secret, template, token, token_type, user,
    },
};

/// A request for an operation.
#[derive(Debug)]
pub struct Request {
    /// Chosen by the caller; asked again, the same operation answers.
    pub id: Option<OperationId>,
    /// What.
    pub ask: Ask,
    /// Rows of one file.
    pub batch: Option<String>,
    /// How long it may wait for a host or token; none: 24 h.
    pub valid_for: Option<Duration>,
}

/// What is asked for.
#[derive(Debug)]
#[allow(
    missing_docs,
    reason = "server.v1.StartOperationRequest, member by member"
)]
pub enum Ask {
    Issue {
        token: TokenId,
        user: UserId,
        template: TemplateId,
    },
    HandOverPin {
        token: TokenId,
        new_pin: Option<GivenPin>,
    },
    Suspend {
        token: TokenId,
    },
    Resume {
        token: TokenId,
    },
    Revoke {
        token: TokenId,
        reason: String,
        pin: Option<GivenPin>,
    },
    SetPin {
        token: TokenId,
        current_pin: Option<GivenPin>,
        new_pin: GivenPin,
    },
    ResetToken {
        token: TokenId,
    },
    RegisterCard {
        token: TokenId,
    },
    RenewCertificates {
        token: TokenId,
        containers: Vec<String>,
        pin: Option<GivenPin>,
    },
    ReissueCertificates {
        token: TokenId,
        containers: Vec<String>,
        pin: Option<GivenPin>,
    },
    UnblockCard {
        token: TokenId,
        new_pin: Option<GivenPin>,
    },
    RotatePuk {
        token: TokenId,
    },
    ChangeAdminKey {
        token: TokenId,
    },
    RefreshCard {
        token: TokenId,
    },
    Retire {
        token: TokenId,
    },
    Unregister {
        token: TokenId,
    },
}

/// A PIN as somebody typed it: not printed, wiped when dropped, sealed before
/// anything else happens to it.
pub struct GivenPin(Zeroizing<String>);

impl GivenPin {
    /// Takes it.
    #[must_use]
    pub fn new(pin: String) -> Self {
        Self(Zeroizing::new(pin))
    }
}

impl fmt::Debug for GivenPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GivenPin")
    }
}

impl Ask {
    /// Which kind of operation.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Issue { .. } => Kind::Issue,
            Self::HandOverPin { .. } => Kind::HandOverPin,
            Self::Suspend { .. } => Kind::Suspend,
            Self::Resume { .. } => Kind::Resume,
            Self::Revoke { .. } => Kind::Revoke,
            Self::SetPin { .. } => Kind::SetPin,
            Self::ResetToken { .. } => Kind::ResetToken,
            Self::RegisterCard { .. } => Kind::RegisterCard,
            Self::RenewCertificates { .. } => Kind::RenewCertificates,
            Self::ReissueCertificates { .. } => Kind::ReissueCertificates,
            Self::UnblockCard { .. } => Kind::UnblockCard,
            Self::RotatePuk { .. } => Kind::RotatePuk,
            Self::ChangeAdminKey { .. } => Kind::ChangeAdminKey,
            Self::RefreshCard { .. } => Kind::RefreshCard,
            Self::Retire { .. } => Kind::Retire,
            Self::Unregister { .. } => Kind::Unregister,
        }
    }

    /// Which token.
    #[must_use]
    pub const fn token(&self) -> TokenId {
        match self {
            Self::Issue { token, .. }
            | Self::HandOverPin { token, .. }
            | Self::Suspend { token }
            | Self::Resume { token }
            | Self::Revoke { token, .. }
            | Self::SetPin { token, .. }
            | Self::ResetToken { token }
            | Self::RegisterCard { token }
            | Self::RenewCertificates { token, .. }
            | Self::ReissueCertificates { token, .. }
            | Self::UnblockCard { token, .. }
            | Self::RotatePuk { token }
            | Self::ChangeAdminKey { token }
            | Self::RefreshCard { token }
            | Self::Retire { token }
            | Self::Unregister { token } => *token,
        }
    }

    fn parameters(&self) -> Parameters {
        match self {
            Self::Issue { template, .. } => Parameters {
                template: Some(*template),
                ..Parameters::default()
            },
            Self::HandOverPin { new_pin, .. } | Self::UnblockCard { new_pin, .. } => Parameters {
                own_pin: new_pin.is_some(),
                ..Parameters::default()
            },
            Self::Revoke { reason, .. } => Parameters {
                reason: reason.clone(),
                ..Parameters::default()
            },
            Self::RenewCertificates { containers, .. }
            | Self::ReissueCertificates { containers, .. } => Parameters {
                containers: containers.clone(),
                ..Parameters::default()
            },
            _ => Parameters::default(),
        }
    }

    fn user(&self) -> Option<UserId> {
        match self {
            Self::Issue { user, .. } => Some(*user),
            _ => None,
        }
    }

    /// The PIN that the token is to get, and the one it has.
    fn pins(&self) -> (Option<&GivenPin>, Option<&GivenPin>) {
        match self {
            Self::HandOverPin { new_pin, .. } | Self::UnblockCard { new_pin, .. } => {
                (new_pin.as_ref(), None)
            }
            Self::Revoke { pin, .. }
            | Self::RenewCertificates { pin, .. }
            | Self::ReissueCertificates { pin, .. } => (None, pin.as_ref()),
            Self::SetPin {
                current_pin,
                new_pin,
                ..
            } => (Some(new_pin), current_pin.as_ref()),
            _ => (None, None),
        }
    }
}

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
            .ok_or_else(|| not_found("token", ask.token()))?;
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
        if matches!(ask, Ask::RegisterCard { .. })
            && card_master_key::list(&mut tx).await?.is_empty()
        {
            self.make_card_master(&mut tx, "made with the first card", actor)
                .await?;
        }
        let mut work = Work::load(&mut tx, new, None, now).await?;
        self.check(&mut tx, ask, &work).await?;
        self.seal(&mut tx, ask, &mut work).await?;
        work.progress.todo = plan::steps(work.operation.kind, &work.facts());
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
            Ask::SetPin { .. } => facts.is_card_alone(),
            _ => hand_over_pin::has_card(&facts),
        };
        let at_key = match ask {
            Ask::UnblockCard { .. } => false,
            Ask::SetPin { .. } => !facts.is_card_alone(),
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
                let secret = pins::put(tx, &self.keys, place, kind, &pin.0, work.now).await?;
                work.secrets.push(secret);
            }
        }
        Ok(())
    }
}

impl Inner {
    /// Everything that can be known before the work begins.
    async fn check(&self, tx: &mut Write<'_>, ask: &Ask, work: &Work) -> Result<(), Error> {
        let token = &work.token;
        let facts = work.facts();
        if let (_, Some(current)) = ask.pins()
            && !matches!(
                ask,
                Ask::RenewCertificates { .. } | Ask::ReissueCertificates { .. }
            )
        {
            pin_policy::check_pin(current_field(ask), &current.0, 0)?;
        }
        match ask {
            Ask::Issue { user, template, .. } => {
                lifecycle::after(token.state, Event::Issue)?;
                if token.needs_reset {
                    return Err(Error::NeedsReset);
                }
                user::get(tx, *user)
                    .await?
                    .ok_or_else(|| not_found("user", user))?;
                let row: template::Row<Template> = template::get(tx, *template)
                    .await?
                    .ok_or_else(|| not_found("template", template))?;
                let allowed = token
                    .token_type_id
                    .is_some_and(|id| row.definition.token_types.contains(&id));
                if !allowed {
                    return Err(wrong_type(tx, token, row.name).await?);
                }
                if row.definition.card.is_some() {
                    self.check_certificates(tx, *user, &row, work).await?;
                }
                if row.connection_id.is_none() {
                    return Ok(());
                }
                if !row.definition.allows(token.aaguid) {
                    return Err(Error::ModelNotAllowed {
                        template: row.name,
                        aaguid: Aaguid(token.aaguid),
                    });
                }
                if let Some(row) = &work.token_type {
                    self.check_trust(&row.definition, work.now)
                        .map_err(Error::NoTrust)?;
                }
            }
            Ask::HandOverPin { new_pin, .. } => {
                let again = matches!(token.state, TokenState::Active | TokenState::Suspended)
                    && hand_over_pin::escrowed(&facts)
                    && facts.pins.current;
                if !again {
                    lifecycle::after(token.state, Event::HandOver)?;
                }
                let has_card = hand_over_pin::has_card(&facts);
                if !facts.pins.current && !has_card {
                    return Err(Error::NoPin);
                }
                if let Some(pin) = new_pin {
                    if facts.pins.current {
                        check_new(work, "hand_over_pin.new_pin", pin)?;
                    }
                    if has_card {
                        check_card_pin("hand_over_pin.new_pin", &pin.0)?;
                    }
                }
            }
            Ask::Suspend { .. } => {
                lifecycle::after(token.state, Event::Suspend)?;
            }
            Ask::Resume { .. } => {
                lifecycle::after(token.state, Event::Resume)?;
            }
            Ask::Revoke { reason, .. } => {
                lifecycle::after(token.state, Event::Revoke)?;
                let length = reason.chars().count();
                if !(1..=200).contains(&length) || reason.chars().any(char::is_control) {
                    return Err(Error::Invalid(Invalid::new(
                        "revoke.reason",
                        format_args!("{length} characters"),
                        "lost, stolen, damaged, left, replaced, or 1 to 200 printable characters",
                    )));
                }
            }
            Ask::SetPin { new_pin, .. } => {
                if matches!(token.state, TokenState::Unregistered | TokenState::Retired) {
                    return Err(Error::Invalid(Invalid::new(
                        "set_pin.token",
                        token.state,
                        "a key that is registered, issued, active, suspended or revoked",
                    )));
                }
                if facts.is_card_alone() {
                    check_card_pin("set_pin.new_pin", &new_pin.0)?;
                    let known = facts.card_pin.current || ask.pins().1.is_some();
                    if !known {
                        return Err(Error::Invalid(Invalid::new(
                            "set_pin.current_pin",
                            "empty",
                            "the PIN that the card has; without it: keysteward card unblock",
                        )));
                    }
                    return Ok(());
                }
                check_new(work, "set_pin.new_pin", new_pin)?;
            }
            Ask::ResetToken { .. } => {
                lifecycle::after(token.state, Event::Reset)?;
            }
            Ask::RegisterCard { .. } => {
                lifecycle::after(token.state, Event::Register)?;
                if facts.card_type.is_none() {
                    return Err(Error::UnknownCard);
                }
            }
            Ask::RenewCertificates {
                containers, pin, ..
            }
            | Ask::ReissueCertificates {
                containers, pin, ..
            } => self.check_again(tx, work, containers, pin.as_ref()).await?,
            Ask::UnblockCard { new_pin, .. } => {
                if !hand_over_pin::has_card(&facts) {
                    return Err(Error::NotACard);
                }
                in_states(token, &[TokenState::Active, TokenState::Suspended])?;
                if let Some(pin) = new_pin {
                    check_card_pin("unblock_card.new_pin", &pin.0)?;
                }
            }
            Ask::RotatePuk { .. } | Ask::ChangeAdminKey { .. } => {
                if facts.card.is_none() {
                    return Err(Error::NotACard);
                }
            }
            Ask::RefreshCard { .. } => {
                if token.facts.card.is_none() {
                    return Err(Error::NotACard);
                }
            }
            Ask::Retire { .. } => {
                lifecycle::after(token.state, Event::Retire)?;
            }
            Ask::Unregister { .. } => {
                lifecycle::after(token.state, Event::Unregister)?;
            }
        }
        Ok(())
    }

    /// What a template puts on cards, for this user and token.
    async fn check_certificates(
        &self,
        tx: &mut Write<'_>,
        user: UserId,
        row: &template::Row<Template>,
        work: &Work,
    ) -> Result<(), Error> {
        if work.card.as_ref().is_none_or(|card| card.admin.is_none()) {
            return Err(Error::NotACard);
        }
        let user = user::get(tx, user)
            .await?
            .ok_or_else(|| not_found("user", user))?;
        let section = row.definition.card.as_ref();
        for slot in section.into_iter().flat_map(|card| &card.certificates) {
            enrolment::fill_slot(slot, &user, &work.token.serial).map_err(|wrong| {
                Error::Invalid(Invalid::new(
                    "template.card.certificates.fields",
                    format_args!("{wrong}"),
                    "a user with what the fields are made of, or free text",
                ))
            })?;
            let connection = connection::get(tx, slot.connection).await?;
            let connection = connection.ok_or_else(|| not_found("connection", slot.connection))?;
            self.authorities
                .authority(&connection)
                .map_err(Error::NoAuthority)?;
        }
        Ok(())
    }

    /// Certificates once more, on a card that has some.
    async fn check_again(
        &self,
        tx: &mut Write<'_>,
        work: &Work,
        containers: &[String],
        pin: Option<&GivenPin>,
    ) -> Result<(), Error> {
        in_states(&work.token, &[TokenState::Issued, TokenState::Active])?;
        let (Some(row), Some(user)) = (&work.template, &work.user) else {
            return Err(Error::NotACard);
        };
        let Some(section) = &row.definition.card else {
            return Err(Error::NotACard);
        };
        if let Some(other) = containers.iter().find(|name| section.slot(name).is_none()) {
            let names: Vec<_> = section
                .certificates
                .iter()
                .map(|slot| slot.container.as_str())
                .collect();
            return Err(Error::Invalid(Invalid::new(
                "containers",
                format_args!("{other:?}"),
                format!("those of the template: {}", names.join(", ")),
            )));
        }
        match pin {
            Some(pin) => check_card_pin("pin", &pin.0)?,
            None if work.facts().card_pin.current => {}
            None => {
                return Err(Error::Invalid(Invalid::new(
                    "pin",
                    "empty",
                    "the PIN of the card's user: the card signs with it, and this server does not \
                     hold it",
                )));
            }
        }
        self.check_certificates(tx, user.id, row, work).await
    }
}

fn in_states(token: &token::Token, allowed: &[TokenState]) -> Result<(), Error> {
    if allowed.contains(&token.state) {
        return Ok(());
    }
    let words: Vec<_> = allowed.iter().map(|state| state.as_str()).collect();
    Err(Error::Invalid(Invalid::new(
        "token",
        token.state,
        format!("a card that is {}", words.join(" or ")),
    )))
}

fn check_new(work: &Work, field: &'static str, pin: &GivenPin) -> Result<(), Invalid> {
    let of_token = work.token.facts.min_pin_length;
    let of_template = work
        .template
        .as_ref()
        .map_or(0, |row| row.definition.pin.minimum_length);
    pin_policy::check_pin(field, &pin.0, of_token.max(of_template))
}

fn current_field(ask: &Ask) -> &'static str {
    match ask {
        Ask::Revoke { .. } => "revoke.pin",
        _ => "set_pin.current_pin",
    }
}

async fn wrong_type(
    tx: &mut Write<'_>,
    token: &token::Token,
    template: String,
) -> Result<Error, store::Error> {
    let row: Option<token_type::Row<TokenType>> = match token.token_type_id {
        Some(id) => token_type::get(tx, id).await?,
        None => None,
    };
    Ok(Error::WrongType {
        template,
        token_type: row.map_or_else(|| "none".to_owned(), |row| row.name),
    })
}

fn not_found(what: &'static str, id: impl fmt::Display) -> Error {
    Error::NotFound {
        what,
        id: id.to_string(),
    }
}
