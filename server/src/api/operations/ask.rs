//! What is asked for: names to ids; PINs into types that are wiped and do not print.

use std::{mem, time::Duration};

use keysteward_proto::server::v1::start_operation_request::Kind as Wanted;
use tonic::Status;

use crate::{
    api::{names, refusal::Refusal},
    operation::{Ask, GivenPin, PinOf},
    store::{Reads, UnknownWord},
};

fn pin_of(applet: &str) -> Result<Option<PinOf>, Refusal> {
    if applet.is_empty() {
        return Ok(None);
    }
    let known = applet.parse().map(Some);
    known.map_err(|words: UnknownWord| {
        Refusal::field("set_pin.applet", applet, words.allowed.join(", "))
    })
}

/// Names to ids; PINs into types that are wiped and do not print.
pub(super) async fn ask(from: &mut impl Reads, wanted: Option<Wanted>) -> Result<Ask, Status> {
    let given = |pin: &mut String| (!pin.is_empty()).then(|| GivenPin::new(mem::take(pin)));
    Ok(match wanted {
        Some(Wanted::Issue(issue)) => Ask::Issue {
            token: names::token(from, &issue.token).await?.id,
            user: names::user(from, &issue.user).await?.id,
            template: names::template(from, &issue.template).await?.id,
        },
        Some(Wanted::HandOverPin(mut hand_over)) => Ask::HandOverPin {
            new_pin: given(&mut hand_over.new_pin),
            token: names::token(from, &hand_over.token).await?.id,
        },
        Some(Wanted::Suspend(suspend)) => Ask::Suspend {
            token: names::token(from, &suspend.token).await?.id,
        },
        Some(Wanted::Resume(resume)) => Ask::Resume {
            token: names::token(from, &resume.token).await?.id,
        },
        Some(Wanted::Revoke(mut revoke)) => Ask::Revoke {
            pin: given(&mut revoke.pin),
            token: names::token(from, &revoke.token).await?.id,
            reason: reason(revoke.reason)?,
        },
        Some(Wanted::SetPin(mut set_pin)) => Ask::SetPin {
            applet: pin_of(&set_pin.applet)?,
            current_pin: given(&mut set_pin.current_pin),
            new_pin: GivenPin::new(mem::take(&mut set_pin.new_pin)),
            token: names::token(from, &set_pin.token).await?.id,
        },
        Some(Wanted::ResetToken(reset)) => Ask::ResetToken {
            token: names::token(from, &reset.token).await?.id,
        },
        Some(Wanted::RegisterCard(register)) => Ask::RegisterCard {
            token: names::token(from, &register.token).await?.id,
        },
        Some(Wanted::RenewCertificates(mut renew)) => Ask::RenewCertificates {
            pin: given(&mut renew.pin),
            token: names::token(from, &renew.token).await?.id,
            containers: renew.containers,
        },
        Some(Wanted::ReissueCertificates(mut reissue)) => Ask::ReissueCertificates {
            pin: given(&mut reissue.pin),
            token: names::token(from, &reissue.token).await?.id,
            containers: reissue.containers,
            may_lose_decryption_key: reissue.lose_old_decryption_key,
        },
        Some(Wanted::UnblockCard(mut unblock)) => Ask::UnblockCard {
            new_pin: given(&mut unblock.new_pin),
            token: names::token(from, &unblock.token).await?.id,
        },
        Some(Wanted::ChangeAdminKey(change)) => Ask::ChangeAdminKey {
            token: names::token(from, &change.token).await?.id,
        },
        Some(Wanted::RefreshCard(refresh)) => Ask::RefreshCard {
            token: names::token(from, &refresh.token).await?.id,
        },
        Some(Wanted::Retire(retire)) => Ask::Retire {
            token: names::token(from, &retire.token).await?.id,
        },
        Some(Wanted::Unregister(unregister)) => Ask::Unregister {
            token: names::token(from, &unregister.token).await?.id,
        },
        None => {
            let allowed = "issue, hand_over_pin, suspend, resume, revoke, set_pin, reset_token, \
                           register_card, renew_certificates, reissue_certificates, unblock_card, \
                           change_admin_key, refresh_card, retire or unregister";
            return Err(Refusal::field("kind", "nothing", allowed).into());
        }
    })
}

pub(super) fn valid_for(seconds: u32) -> Result<Option<Duration>, Refusal> {
    match seconds {
        0 => Ok(None),
        1..=LONGEST_WAIT => Ok(Some(Duration::from_secs(seconds.into()))),
        _ => Err(Refusal::field(
            "valid_for_s",
            seconds.to_string(),
            "0 (24 hours), or up to 31536000 (a year)",
        )),
    }
}

fn reason(text: String) -> Result<String, Refusal> {
    let length = text.chars().count();
    if text.trim().is_empty() || length > LONGEST_REASON || text.contains(char::is_control) {
        let shown: String = text.chars().take(LONGEST_REASON).collect();
        let allowed = "lost, stolen, damaged, left, replaced, or 1 to 200 printable characters";
        return Err(Refusal::field(
            "revoke.reason",
            format!("{shown:?}"),
            allowed,
        ));
    }
    Ok(text)
}

const LONGEST_WAIT: u32 = 365 * 86_400;
const LONGEST_REASON: usize = 200;
