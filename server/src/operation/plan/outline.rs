//! The steps that an operation means to take, for people who watch.

use super::{Facts, Progress, Scope};
use crate::{
    lifecycle::{Applet, CardType, TokenState},
    operation::{StepName, hand_over_pin, issue, key_history},
    store::{
        certificate::{Certificate, OnCard},
        operation::Kind,
    },
};

/// The steps that `kind` means to take.
#[must_use]
pub fn steps(kind: Kind, progress: &Progress, facts: &Facts<'_>) -> Vec<StepName> {
    use StepName::{
        BlockCardPin, ChangeAdminKey, ChangeCardPin, ChangePin, Configure, DeleteAuthenticator,
        DeleteContainer, DeleteCredential, Enrol, FindUser, GenerateKey, HoldCertificate,
        Initialise, Inspect, InspectCard, LookAgain, MakeCredential, MoveKey, Personalise, Publish,
        ReadBack, ReadCard, ReissueCertificate, RenewCertificate, Reset, ResetCard,
        RestoreAdminKey, RestorePin, RestorePuk, Resume, RevokeCertificate, SetCardPin, SetPin,
        SetPuk, SignRequest, Suspend, TryAdminKeys, UnholdCertificate, WriteCertificate,
    };
    let certified = facts.certificates.iter().any(|row| !row.der.is_empty());
    let published = facts.published().next().is_some();
    // The keys of such a card are deleted with a PIN, which is set first.
    let gids = facts.card.is_some_and(|card| card.applet == Applet::Gids);
    let only = |wanted: bool, steps: &[StepName]| match wanted {
        true => steps.to_vec(),
        false => Vec::new(),
    };
    match kind {
        Kind::Issue => {
            let mut steps = Vec::new();
            if facts.publishes {
                steps.extend([Inspect, FindUser]);
                steps.extend(only(!facts.pins.current, &[SetPin]));
                steps.extend(only(issue::wants_configure(facts), &[Configure]));
                steps.extend([MakeCredential, Publish, ReadBack]);
            }
            if facts
                .template
                .is_some_and(|template| template.card.is_some())
            {
                steps.extend([InspectCard, SetCardPin, GenerateKey, SignRequest, Enrol]);
                steps.extend([WriteCertificate, ReadCard, BlockCardPin]);
            }
            steps
        }
        Kind::HandOverPin => {
            let key = facts.pins.current;
            let mut steps = match () {
                () if key && facts.parameters.own_pin => vec![ChangePin],
                () if key && hand_over_pin::forces_change(facts) => vec![Configure],
                () => vec![],
            };
            steps.extend(only(hand_over_pin::has_card(facts), &[SetCardPin]));
            steps
        }
        Kind::Suspend => [
            only(certified, &[HoldCertificate]),
            only(published, &[Suspend, ReadBack]),
        ]
        .concat(),
        Kind::Resume => [
            only(certified, &[UnholdCertificate]),
            only(published, &[Resume, ReadBack]),
        ]
        .concat(),
        Kind::Revoke => [
            only(certified, &[RevokeCertificate]),
            only(published, &[DeleteAuthenticator, DeleteCredential]),
            only(certified && gids, &[SetCardPin]),
            only(certified, &[DeleteContainer, BlockCardPin]),
        ]
        .concat(),
        Kind::SetPin if facts.sets_card_pin() => vec![ChangeCardPin],
        Kind::SetPin => vec![Inspect, SetPin],
        Kind::ResetToken => vec![Reset],
        Kind::DeleteCredentials => [
            only(facts.to_delete(false).is_some(), &[DeleteCredential]),
            only(certified && gids, &[SetCardPin]),
            only(certified, &[DeleteContainer, BlockCardPin]),
        ]
        .concat(),
        Kind::RegisterCard if facts.is_blank_card() => {
            vec![InspectCard, Initialise, BlockCardPin, ReadCard]
        }
        Kind::RegisterCard => {
            let mut steps = vec![InspectCard, TryAdminKeys, Personalise, ChangeAdminKey];
            let piv = |card: &CardType| card.applet == Applet::Piv;
            let puk = facts.card_type.is_some_and(piv) && !facts.puk.current;
            steps.extend(only(puk, &[SetPuk]));
            steps.extend([BlockCardPin, ReadCard]);
            steps
        }
        Kind::RenewCertificates | Kind::ReissueCertificates => {
            let anew = kind == Kind::ReissueCertificates;
            let ours = facts.token.state == TokenState::Issued;
            let known = if anew {
                ReissueCertificate
            } else {
                RenewCertificate
            };
            let asked = asked(known, progress, facts);
            let revokes = anew || asked.contains(&Enrol);
            [
                vec![InspectCard],
                only(ours, &[SetCardPin]),
                only(anew && key_history::is_due(progress, facts), &[MoveKey]),
                only(anew, &[GenerateKey]),
                vec![SignRequest],
                asked,
                vec![WriteCertificate, ReadCard],
                only(ours, &[BlockCardPin]),
                only(revokes, &[RevokeCertificate]),
            ]
            .concat()
        }
        Kind::UnblockCard => vec![SetCardPin],
        Kind::RotatePuk => vec![SetPuk],
        Kind::ChangeAdminKey => vec![TryAdminKeys, ChangeAdminKey],
        Kind::RefreshCard => vec![InspectCard],
        Kind::Retire => vec![],
        Kind::Unregister if facts.card.is_none() => vec![],
        Kind::Unregister => match (gids, progress.no_reset) {
            (false, false) => vec![ResetCard],
            (true, _) => vec![TryAdminKeys, ResetCard, RestoreAdminKey],
            (false, true) => [
                vec![TryAdminKeys],
                only(certified, &[DeleteContainer]),
                only(facts.puk.current, &[RestorePin, RestorePuk]),
                vec![RestoreAdminKey, ReadCard],
            ]
            .concat(),
        },
        Kind::RevokeCertificates => {
            let lost = facts.certificates.iter().any(|row| row.lost_at.is_some());
            let revokes = facts.to_revoke(Scope::All).is_some();
            [
                only(revokes || !lost, &[RevokeCertificate]),
                only(lost, &[LookAgain]),
            ]
            .concat()
        }
    }
}

/// How certificates that take the place of others are asked for: as the authority of each
/// knows it.
fn asked(known: StepName, progress: &Progress, facts: &Facts<'_>) -> Vec<StepName> {
    let rows = || {
        let there = |row: &&Certificate| row.on_card == OnCard::Present;
        facts.certificates.iter().filter(there)
    };
    let knows = |row: &Certificate| progress.successors.contains(&row.connection_id);
    let mut steps = Vec::new();
    if rows().any(knows) {
        steps.push(known);
    }
    if !rows().all(knows) || steps.is_empty() {
        steps.push(StepName::Enrol);
    }
    steps
}
