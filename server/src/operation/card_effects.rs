//! Effects of plans on the rows about a card: which it is, which keys open it, what
//! is in it.

use std::collections::BTreeMap;

use rand::rngs::OsRng;
use serde_json::{Map, json};

use super::{
    effects, key_history,
    plan::{Effect, End, Parameters, Scope},
    recognise, reissue_certificates,
    work::Work,
};
use crate::{
    audit::Outcome,
    connector::ca::Reason,
    store::{
        self, CertificateId, Page, Write,
        card::{self, Card},
        certificate::{self, Certificate, OnCard, State},
        operation::{self, Kind as Operation},
        sealed_secret::{Kind, State as Sealed},
        token,
    },
};

pub(super) async fn apply(
    tx: &mut Write<'_>,
    work: &mut Work,
    effect: Effect,
) -> store::Result<()> {
    match effect {
        Effect::TakeForCard => take(tx, work).await,
        Effect::NoCard => {
            remains(work);
            for (kind, state) in [
                (Kind::Puk, Sealed::Current),
                (Kind::Puk, Sealed::Pending),
                (Kind::CardPin, Sealed::Current),
            ] {
                if work.secret(kind, state).is_some() {
                    effects::erase(tx, work, kind, state).await?;
                }
            }
            if let Some(row) = &work.card
                && !row.shown_id.is_empty()
            {
                // The card may keep it.
                let identity = recognise::by_id(&row.shown_id);
                token::know_as(tx, work.token.id, &identity).await?;
            }
            card::delete(tx, work.token.id).await?;
            work.card = None;
            Ok(())
        }
        Effect::BeginAdminKey => {
            let wanted = work.facts().wanted_admin_key();
            if wanted.is_none() {
                work.progress.fail(
                    "no admin key can be made for the card: its type says nothing of cards",
                    "name the card in a token type",
                );
                return Ok(());
            }
            let Some(row) = &mut work.card else {
                return Ok(());
            };
            row.pending = wanted;
            card::put(tx, row).await?;
            let mut facts = Map::new();
            facts.insert("admin_key".into(), json!(wanted));
            effects::record(tx, work, "card.begin-admin-key", Outcome::Ok, facts).await
        }
        Effect::Erase(kind, state) => effects::erase(tx, work, kind, state).await,
        Effect::OfferCardPin => {
            let held = work.secret(Kind::CardPin, Sealed::Current);
            work.progress.offered_card = held.map(|secret| secret.id);
            if work.progress.offered_card.is_none() {
                work.progress
                    .fail("this server does not hold the PIN of the card", "");
            }
            Ok(())
        }
        Effect::WantRevoked(scope) => want_revoked(tx, work, scope).await,
        Effect::RevokeLater => revoke_later(tx, work).await,
        Effect::MarkOnCard { scope, to } => {
            let waits = to == OnCard::Unreachable;
            let operation = work.operation.id;
            for row in &mut work.certificates {
                let from = match row.on_card {
                    OnCard::ToDelete => waits,
                    OnCard::Key | OnCard::Present => !waits,
                    _ => false,
                };
                if from && (scope == Scope::All || row.operation_id == operation) {
                    row.on_card = to;
                    certificate::update(tx, row).await?;
                }
            }
            Ok(())
        }
        Effect::Renew(container) => renew(tx, work, &container).await,
        Effect::Supersede => supersede(tx, work).await,
        _ => Ok(()),
    }
}

/// What a card that was given back by hand shows of us still.
fn remains(work: &mut Work) {
    let Some(row) = work.card.as_ref().filter(|_| work.progress.no_reset) else {
        return;
    };
    let containers = row.containers.len();
    if containers > 0 {
        let kept = format!("{containers} containers");
        work.progress.remains.push(kept);
    }
    if !row.shown_id.is_empty() {
        work.progress.remains.push("its id".into());
    }
}

async fn take(tx: &mut Write<'_>, work: &mut Work) -> store::Result<()> {
    let Some(kind) = work.facts().card_type else {
        work.progress.fail(
            "no token type knows the token as a card",
            "describe it: keysteward token-type create --card-applet ...",
        );
        return Ok(());
    };
    let told = work.token.facts.card.as_ref();
    let shown = told.map(|told| hex::decode(&told.id).unwrap_or_default());
    let row = Card {
        token_id: work.token.id,
        applet: kind.applet,
        // Never another one for this token, whatever the card shows.
        card_id: work.token.id.0.into_bytes(),
        shown_id: shown.unwrap_or_default(),
        next_id: Vec::new(),
        admin: None,
        pending: None,
        puk_spent: false,
        containers: Vec::new(),
        inspected_at: None,
        created_at: work.now,
    };
    card::put(tx, &row).await?;
    work.card = Some(row);
    Ok(())
}

/// Nothing that was asked for is left standing; nothing that was not is revoked.
async fn want_revoked(tx: &mut Write<'_>, work: &mut Work, scope: Scope) -> store::Result<()> {
    let reason = match scope {
        Scope::Own => Reason::CessationOfOperation,
        Scope::All => reason_of(&work.parameters.reason),
    };
    let operation = work.operation.id;
    // What another certificate is to take the place of stays on the card.
    let replaces = matches!(
        work.operation.kind,
        Operation::RenewCertificates | Operation::ReissueCertificates
    );
    let mut marked = Vec::new();
    for row in &mut work.certificates {
        let meant = scope == Scope::All || row.operation_id == operation;
        let over = matches!(row.state, State::Revoked | State::Rejected);
        let written = replaces && row.on_card != OnCard::Key;
        if !meant || over || written || !row.revocation.is_empty() {
            continue;
        }
        let asked = match row.state {
            State::KeyMade => false,
            State::Requested => !row.enrolment.is_empty(),
            _ => true,
        };
        if asked {
            row.revocation = reason.as_str().to_owned();
            marked.push(json!(row.serial));
        } else {
            row.state = State::Rejected;
        }
        certificate::update(tx, row).await?;
    }
    let mut facts = Map::new();
    facts.insert("serials".into(), json!(marked));
    facts.insert("reason".into(), json!(reason.as_str()));
    effects::record(tx, work, "certificate.to-revoke", Outcome::Ok, facts).await
}

/// From the words of the token's life to those of RFC 5280.
fn reason_of(text: &str) -> Reason {
    match text {
        "lost" | "stolen" => Reason::KeyCompromise,
        "left" => Reason::AffiliationChanged,
        "replaced" => Reason::Superseded,
        "damaged" => Reason::CessationOfOperation,
        _ => Reason::Unspecified,
    }
}

/// Before the operation ends: where an answer was lost, the authority is asked once more for
/// what nobody knows here.
pub(super) async fn look_later(
    tx: &mut Write<'_>,
    work: &mut Work,
    end: &mut End,
) -> store::Result<()> {
    let own = work.operation.id;
    let lost = |row: &Certificate| row.operation_id == own && row.lost_at.is_some();
    if work.certificates.iter().any(lost) {
        let why = "an answer of the authority was lost: it is asked once more for what came of it";
        work.progress.unrevoked.get_or_insert_with(|| why.into());
        if !end.remark.is_empty() {
            end.remark.push_str("; ");
        }
        end.remark.push_str(why);
        revoke_later(tx, work).await?;
    }
    Ok(())
}

/// An operation of its own waits for the authority.
async fn revoke_later(tx: &mut Write<'_>, work: &mut Work) -> store::Result<()> {
    work.progress.revoked_later = true;
    let filter = operation::Filter {
        kind: Some(Operation::RevokeCertificates),
        token_id: Some(work.token.id),
        open: true,
        ..operation::Filter::default()
    };
    // It revokes whatever is to be revoked by then.
    let waiting = operation::list(tx, &filter, Page::first(1)).await?;
    if !waiting.rows.is_empty() {
        return Ok(());
    }
    let mut later = effects::later(
        work,
        Operation::RevokeCertificates,
        "waits for the certification authority",
    )?;
    later.not_before = work.now;
    // What a lost answer may have brought is compared with what the template asks for.
    let by = Parameters {
        template: work.template.as_ref().map(|row| row.id),
        ..Parameters::default()
    };
    later.parameters = serde_json::to_string(&by).map_err(|_| store::Error::Corrupt {
        column: "operation.parameters",
    })?;
    operation::insert(tx, &later).await?;
    let mut facts = Map::new();
    facts.insert("later".into(), json!(later.id));
    facts.insert("why".into(), json!(work.progress.unrevoked));
    effects::record(tx, work, "certificate.revoke-later", Outcome::Ok, facts).await
}

/// A row for another certificate of the key that is there.
async fn renew(tx: &mut Write<'_>, work: &mut Work, container: &str) -> store::Result<()> {
    let old = work.certificates.iter().rev().find(|row| {
        row.container == container && row.on_card == OnCard::Present && row.state == State::Valid
    });
    let Some(old) = old else {
        work.progress.fail(
            format!("there is no valid certificate in container {container} to renew"),
            "reissue it: keysteward card reissue",
        );
        return Ok(());
    };
    let row = old.another(work.operation.id, work.now);
    certificate::insert(tx, &row).await?;
    work.certificates.push(row);
    Ok(())
}

async fn supersede(tx: &mut Write<'_>, work: &mut Work) -> store::Result<()> {
    let kind = work.operation.kind;
    let facts = work.facts();
    let succeeded: BTreeMap<CertificateId, bool> = facts
        .certificates
        .iter()
        .filter(|row| reissue_certificates::is_succeeded(kind, &work.progress, &facts, row))
        .map(|row| (row.id, key_history::is_kept(&facts, row)))
        .collect();
    for row in &mut work.certificates {
        let Some(is_kept) = succeeded.get(&row.id) else {
            continue;
        };
        if !is_kept {
            row.on_card = OnCard::Replaced;
        }
        let counts = matches!(row.state, State::Valid | State::Held);
        if counts && reissue_certificates::revokes(kind, &work.progress, row) {
            row.revocation = Reason::Superseded.as_str().to_owned();
        }
        certificate::update(tx, row).await?;
    }
    Ok(())
}

/// A new secret of the card, sealed before the card is asked to take it.
pub(super) fn make(kind: Kind, work: &Work) -> zeroize::Zeroizing<String> {
    let section = work
        .template
        .as_ref()
        .and_then(|row| row.definition.card.as_ref());
    match (kind, section) {
        (Kind::CardPin, Some(section)) => section.generate_pin(&mut OsRng),
        _ => crate::lifecycle::card_section::generate_puk(&mut OsRng),
    }
}
