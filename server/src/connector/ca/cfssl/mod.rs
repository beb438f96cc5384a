//! cfssl, by its HTTP API (`cfssl serve`).
//!
//! | file | of the API |
//! |---|---|
//! | `settings` | address, label, profiles, the key of authenticated requests |
//! | `sign` | `sign` and `authsign` |
//! | `answer` | the envelope of every answer |
//!
//! It signs and revokes. It has no list of what it issued, tells no state, and
//! cannot release what is on hold: what it lacks is not offered.

mod answer;
mod settings;
mod sign;

pub use settings::Settings;

use super::{
    Abilities, Acted, Authority, CaError, Call, CertificateStatus, CertificationAuthority,
    Enrolled, Enrolment, Found, Issued, Previous, Profile, Reason, Reference, Secret, Serial, Why,
    http::{Http, below},
    issued::{subject_key_identifier, subject_of},
};
use crate::connector::{Finding, SettingError};
use async_trait::async_trait;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use serde::Deserialize;
use serde_json::{Value, json};
use settings::Checked;
use std::{collections::BTreeMap, fmt, time::Duration};
use tokio::sync::OnceCell;

/// One signer of a cfssl.
pub struct Cfssl {
    settings: Checked,
    http: Http,
    /// The signer's certificate, once it was read; the pinned one, if there is one.
    authority: OnceCell<Vec<u8>>,
}

impl Cfssl {
    /// The secret is the key of authenticated requests in hexadecimal digits, or
    /// nothing.
    ///
    /// # Errors
    /// Names the setting that cannot be used.
    pub fn new(settings: &Settings, secret: &Secret) -> Result<Self, SettingError> {
        let checked = settings.check(secret)?;
        let plain = checked.plain;
        let roots = &settings.trusted_roots;
        Ok(Self {
            http: Http::new(None, roots, checked.time_limit, plain, answer::refusal)?,
            authority: OnceCell::new_with(checked.authority.clone()),
            settings: checked,
        })
    }

    async fn send<T: for<'de> Deserialize<'de>>(
        &self,
        call: Call,
        method: &str,
        body: &Value,
    ) -> Result<T, CaError> {
        let path = ["api", "v1", "cfssl", method];
        let url = below(&self.settings.base, &path);
        let request = self.http.client.post(url).json(body);
        let answer = self.http.send(call, request).await?;
        answer::result(call, &self.http, &answer)
    }

    async fn info(&self, call: Call, profile: &str) -> Result<Info, CaError> {
        let body = json!({ "label": self.settings.label, "profile": profile });
        self.send(call, "info", &body).await
    }

    /// DER of the signer's certificate.
    async fn authority(&self, call: Call) -> Result<&[u8], CaError> {
        let read = || async {
            let info = self.info(call, "").await?;
            der(call, &info.certificate)
        };
        let authority = self.authority.get_or_try_init(read).await?;
        Ok(authority)
    }

    /// Its list names a certificate by its serial number and by the key
    /// identifier of who signed it.
    async fn revoke_under(
        &self,
        identifier: &[u8],
        serial: &Serial,
        reason: Reason,
    ) -> Result<Acted, CaError> {
        let body = json!({
            "serial": serial.to_decimal(),
            "authority_key_id": hex::encode(identifier),
            "reason": reason.as_str(),
        });
        let _: Value = self.send(Call::Revoke, "revoke", &body).await?;
        Ok(Acted::Done)
    }

    async fn enrol_as(&self, call: Call, enrolment: &Enrolment) -> Result<Enrolled, CaError> {
        let failed = |why| CaError { call, why };
        if !self.settings.profiles.contains(&enrolment.profile) {
            return Err(failed(Why::Unusable {
                field: "profile",
                found: enrolment.profile.clone(),
                allowed: self.settings.profiles.join(", "),
            }));
        }
        let request = sign::request(enrolment, &self.settings.label).map_err(failed)?;
        let chain = vec![self.authority(Call::Authorities).await?.to_vec()];
        let signed: Signed = match &self.settings.key {
            None => self.send(call, "sign", &request).await?,
            Some(key) => {
                let body = sign::authenticated(&request, key);
                self.send(call, "authsign", &body).await?
            }
        };
        let certificate = der(call, &signed.certificate)?;
        Issued::verify(&certificate, &chain, enrolment)
            .map(Enrolled::Issued)
            .map_err(|why| failed(why.into()))
    }
}

/// Without the key.
impl fmt::Debug for Cfssl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cfssl")
            .field(&self.settings.base.as_str())
            .finish()
    }
}

#[async_trait]
impl CertificationAuthority for Cfssl {
    fn abilities(&self) -> Abilities {
        Abilities {
            hold: false,
            unhold: false,
            find: false,
            status: false,
            upn: false,
            renew: false,
            reissue: false,
        }
    }

    fn time_limit(&self) -> Duration {
        self.http.limit()
    }

    async fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut add = |ok, text| findings.push(Finding { ok, text });
        let info = match self.info(Call::Check, "").await {
            Ok(info) => info,
            Err(error) => {
                add(false, error.to_string());
                return findings;
            }
        };
        let shown = match der(Call::Check, &info.certificate) {
            Ok(shown) => shown,
            Err(error) => {
                add(false, error.to_string());
                return findings;
            }
        };
        let subject = subject_of(&shown);
        match &self.settings.authority {
            Some(pinned) if *pinned != shown => add(
                false,
                format!(
                    "cfssl answers as {subject:?}, which is not the certificate in the settings, \
                     {:?}",
                    subject_of(pinned)
                ),
            ),
            _ => add(true, format!("cfssl answers as {subject:?}")),
        }
        for profile in &self.settings.profiles {
            match self.info(Call::Check, profile).await {
                Ok(info) => add(
                    true,
                    format!(
                        "profile {profile}: {} for {}",
                        info.usages.join(", "),
                        info.expiry
                    ),
                ),
                Err(error) => add(false, format!("profile {profile}: {error}")),
            }
        }
        findings
    }

    async fn authorities(&self) -> Result<Vec<Authority>, CaError> {
        let subject = subject_of(self.authority(Call::Authorities).await?);
        Ok(vec![Authority {
            id: self.settings.label.clone(),
            name: subject.clone(),
            product: "cfssl".to_owned(),
            subject,
        }])
    }

    /// cfssl does not list them: they are those of the settings, with what it
    /// says of each. For a name that it does not know it tells of its default.
    async fn profiles(&self) -> Result<Vec<Profile>, CaError> {
        let mut profiles = Vec::new();
        for id in &self.settings.profiles {
            let info = self.info(Call::Profiles, id).await?;
            profiles.push(Profile {
                id: id.clone(),
                name: id.clone(),
                fields: sign::fields(),
                takes_request: Some(true),
                properties: BTreeMap::from([
                    ("usages".to_owned(), info.usages.join(", ")),
                    ("expiry".to_owned(), info.expiry),
                ]),
            });
        }
        Ok(profiles)
    }

    async fn enrol(&self, enrolment: &Enrolment) -> Result<Enrolled, CaError> {
        self.enrol_as(Call::Enrol, enrolment).await
    }

    async fn poll(&self, _: &Reference, _: &Enrolment) -> Result<Enrolled, CaError> {
        Err(not_offered(Call::Poll, "pending certificates"))
    }

    async fn find(&self, _: &Enrolment) -> Result<Found, CaError> {
        Ok(Found::CannotTell)
    }

    async fn status(&self, _: &Serial) -> Result<CertificateStatus, CaError> {
        Err(not_offered(Call::Status, "the state of a certificate"))
    }

    async fn hold(&self, _: &Serial) -> Result<Acted, CaError> {
        Err(not_offered(Call::Hold, "a hold that can be released"))
    }

    async fn unhold(&self, _: &Serial) -> Result<Acted, CaError> {
        Err(not_offered(Call::Unhold, "the release of a certificate"))
    }

    /// Done twice, it is as done once.
    async fn revoke(&self, serial: &Serial, reason: Reason) -> Result<Acted, CaError> {
        let authority = self.authority(Call::Authorities).await?;
        let identifier = subject_key_identifier(authority).unwrap_or_default();
        match self.revoke_under(&identifier, serial, reason).await {
            // Built with some versions of Go, its list leaves the identifier out.
            Err(error) if is_no_record(&error.why) => self.revoke_under(&[], serial, reason).await,
            revoked => revoked,
        }
    }

    async fn renew(&self, _: &Previous, enrolment: &Enrolment) -> Result<Enrolled, CaError> {
        self.enrol_as(Call::Renew, enrolment).await
    }

    async fn reissue(&self, _: &Previous, enrolment: &Enrolment) -> Result<Enrolled, CaError> {
        self.enrol_as(Call::Reissue, enrolment).await
    }
}

fn is_no_record(why: &Why) -> bool {
    matches!(why, Why::Refused { refusal, .. } if refusal.code == NO_RECORD)
}

fn not_offered(call: Call, what: &'static str) -> CaError {
    CaError {
        call,
        why: Why::NotOffered(what),
    }
}

fn der(call: Call, pem: &str) -> Result<Vec<u8>, CaError> {
    match CertificateDer::from_pem_slice(pem.as_bytes()) {
        Ok(der) => Ok(der.to_vec()),
        Err(error) => Err(CaError {
            call,
            why: answer::no_certificate(&error.to_string(), pem),
        }),
    }
}

#[derive(Deserialize)]
struct Info {
    certificate: String,
    #[serde(default)]
    usages: Vec<String>,
    #[serde(default)]
    expiry: String,
}

#[derive(Deserialize)]
struct Signed {
    certificate: String,
}

/// `CertStoreError`, `RecordNotFound`.
const NO_RECORD: &str = "11200";
