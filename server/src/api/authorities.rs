//! Connections to certification authorities, as the public interface has them.

use jiff::Timestamp;
use keysteward_proto::server::v1::{self as wire, connection::Settings as Wire};
use zeroize::Zeroizing;

use super::refusal::Refusal;
use crate::connector::{
    SettingError,
    ca::{CertificationAuthority, Credential, Profile, Secret, Settings, builtin, cfssl, entrust},
};

/// What a person gave: settings, and the secret made of their credential. None where
/// the settings are of another kind of connection.
pub(super) fn parse(
    settings: &Wire,
    credential: Credential,
    now: Timestamp,
) -> Option<Result<(Settings, Secret), SettingError>> {
    let parsed = match settings.clone() {
        Wire::Sta(_) => return None,
        Wire::BuiltinCa(ca) => {
            let days = if ca.days == 0 { YEAR } else { ca.days };
            let made = match credential {
                Credential::Text(key) => {
                    builtin::Settings::import(&ca.authority, &key, &ca.publish_url, days, now)
                }
                _ => builtin::Settings::create(&ca.name, &ca.publish_url, days, now),
            };
            return Some(made.map(|(settings, secret)| (Settings::Builtin(settings), secret)));
        }
        Wire::EntrustCaGateway(ca) => Settings::EntrustCaGateway(entrust::Settings {
            url: ca.url,
            ca_id: ca.ca_id,
            client_id: ca.client_id,
            trusted_roots: ca.trusted_roots,
            time_limit_s: ca.time_limit_s,
        }),
        Wire::Cfssl(ca) => Settings::Cfssl(cfssl::Settings {
            url: ca.url,
            label: ca.label,
            profiles: ca.profiles,
            authority: ca.authority,
            trusted_roots: ca.trusted_roots,
            time_limit_s: ca.time_limit_s,
        }),
    };
    let secret = parsed.secret(credential, now);
    Some(secret.map(|secret| (parsed, secret)))
}

/// The credential of a request, in whichever form it came.
pub(super) fn credential(
    text: Zeroizing<String>,
    pkcs12: Zeroizing<Vec<u8>>,
    password: Zeroizing<String>,
) -> Result<Credential, Refusal> {
    match (text.is_empty(), pkcs12.is_empty()) {
        (true, true) => Ok(Credential::Nothing),
        (false, true) => Ok(Credential::Text(text)),
        (true, false) => Ok(Credential::Pkcs12 {
            file: pkcs12,
            password,
        }),
        (false, false) => Err(Refusal::field(
            "pkcs12",
            "a file beside api_key",
            "one of the two",
        )),
    }
}

/// The public part.
pub(super) fn to_wire(settings: Settings) -> Wire {
    match settings {
        Settings::Builtin(ca) => Wire::BuiltinCa(wire::BuiltinCa {
            name: String::new(),
            authority: ca.authority,
            publish_url: ca.publish_url,
            days: ca.days,
        }),
        Settings::EntrustCaGateway(ca) => Wire::EntrustCaGateway(wire::EntrustCaGateway {
            url: ca.url,
            ca_id: ca.ca_id,
            client_id: ca.client_id,
            trusted_roots: ca.trusted_roots,
            time_limit_s: ca.time_limit_s,
        }),
        Settings::Cfssl(ca) => Wire::Cfssl(wire::Cfssl {
            url: ca.url,
            label: ca.label,
            profiles: ca.profiles,
            authority: ca.authority,
            trusted_roots: ca.trusted_roots,
            time_limit_s: ca.time_limit_s,
        }),
    }
}

/// What an authority says of itself: whether all is well, what was seen, its profiles.
pub(super) async fn check(
    authority: &dyn CertificationAuthority,
) -> (Option<String>, wire::CheckConnectionResponse) {
    let findings = authority.check().await;
    let error = findings.iter().find(|finding| !finding.ok);
    let error = error.map(|finding| finding.text.clone());
    let profiles = match error {
        None => authority.profiles().await.unwrap_or_default(),
        Some(_) => Vec::new(),
    };
    let answer = wire::CheckConnectionResponse {
        ok: error.is_none(),
        findings: findings.into_iter().map(|finding| finding.text).collect(),
        profiles: profiles.into_iter().map(profile_to_wire).collect(),
    };
    (error, answer)
}

fn profile_to_wire(profile: Profile) -> wire::CaProfile {
    let (required, optional): (Vec<_>, Vec<_>) =
        profile.fields.iter().partition(|field| field.required);
    let names = |fields: Vec<&crate::connector::ca::ProfileField>| {
        fields.iter().map(|field| field.name.to_string()).collect()
    };
    wire::CaProfile {
        id: profile.id.clone(),
        name: profile.name.clone(),
        required_fields: names(required),
        optional_fields: names(optional),
        takes_request: profile.takes_request,
    }
}

const YEAR: u32 = 365;
