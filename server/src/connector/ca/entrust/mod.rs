//! Entrust CA Gateway, on premises or as PKI as a Service, by its REST API
//! (version 1.8).
//!
//! | file | of the API |
//! |---|---|
//! | `settings` | address, CA, client certificate |
//! | `authorities` | "Get Instances": the CAs, and the chain of one |
//! | `profiles` | "Templates", with the fields that each wants |
//! | `enrolments` | enrolment with a PKCS#10 |
//! | `certificates` | the state of one, and actions on it |
//! | `events` | what was issued since: how a lost or late certificate is found |
//! | `payload` | the bodies, and in one place what Entrust does not publish |
//! | `refusal` | its form of an error |
//!
//! What is documented, and what is not, stands in `docs/ca.md`.

mod authorities;
mod certificates;
mod enrolments;
mod events;
mod payload;
mod profiles;
mod refusal;
mod settings;

pub use settings::Settings;

use super::{
    Abilities, Acted, Authority, CaError, Call, CertificateStatus, CertificationAuthority,
    ClientIdentity, Enrolled, Enrolment, Found, Issued, Now, Previous, Profile, Reason, Reference,
    Serial, Why, WrongCertificate,
    http::{Answer, Http, below},
};
use crate::connector::{Finding, SettingError, https::Plain};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use payload::Action;
use reqwest::{
    Method, RequestBuilder, Url,
    header::{ACCEPT, HeaderValue},
};
use serde_json::Value;
use settings::Checked;
use std::{fmt, time::Duration};
use tokio::sync::Mutex;

/// One CA behind a CA Gateway.
pub struct EntrustCaGateway {
    gateway: Gateway,
    /// The chain of the CA, once it was read.
    chain: Mutex<Option<Vec<Vec<u8>>>>,
    identity: Facts,
    now: Now,
}

/// The address of a CA Gateway, and of the CA behind it.
struct Gateway {
    settings: Checked,
    http: Http,
}

/// What is told of our client certificate.
struct Facts {
    subject: String,
    not_after: Option<Timestamp>,
}

impl EntrustCaGateway {
    /// # Errors
    /// Names the setting that cannot be used.
    pub fn new(
        settings: &Settings,
        identity: &ClientIdentity,
        now: Now,
    ) -> Result<Self, SettingError> {
        let checked = settings.check()?;
        let http = Http::new(
            Some(identity.to_tls()),
            &settings.trusted_roots,
            checked.time_limit,
            Plain::Never,
            refusal::parse,
        )?;
        Ok(Self {
            gateway: Gateway {
                settings: checked,
                http,
            },
            chain: Mutex::default(),
            identity: Facts {
                subject: identity.subject(),
                not_after: identity.not_after(),
            },
            now,
        })
    }

    async fn chain(&self, call: Call) -> Result<Vec<Vec<u8>>, CaError> {
        let mut known = self.chain.lock().await;
        if let Some(chain) = known.as_ref() {
            return Ok(chain.clone());
        }
        let chain = authorities::chain(&self.gateway, call).await?;
        *known = Some(chain.clone());
        Ok(chain)
    }

    /// Compares a certificate with its request. A CA that has changed its key
    /// since is asked for its new certificate, once.
    async fn verified(
        &self,
        call: Call,
        certificate: &[u8],
        enrolment: &Enrolment,
    ) -> Result<Issued, CaError> {
        let failed = |why: WrongCertificate| CaError {
            call,
            why: why.into(),
        };
        let chain = self.chain(call).await?;
        match Issued::verify(certificate, &chain, enrolment) {
            Err(WrongCertificate::Issuer { .. } | WrongCertificate::Signature { .. }) => {
                *self.chain.lock().await = None;
                let chain = self.chain(call).await?;
                Issued::verify(certificate, &chain, enrolment).map_err(failed)
            }
            verified => verified.map_err(failed),
        }
    }

    async fn enrol_as(
        &self,
        call: Call,
        enrolment: &Enrolment,
        previous: Option<&Previous>,
    ) -> Result<Enrolled, CaError> {
        // Questions, before the request leaves that changes something: what comes
        // back could not be checked without the chain.
        self.chain(Call::Authorities).await?;
        let profile = profiles::one(&self.gateway, &enrolment.profile).await?;
        profile.check(enrolment).map_err(|unfit| CaError {
            call,
            why: Why::Unfit(unfit),
        })?;
        match enrolments::enrol(&self.gateway, call, enrolment, previous).await? {
            enrolments::Answered::Certificate(certificate) => {
                let issued = self.verified(call, &certificate, enrolment).await?;
                Ok(Enrolled::Issued(issued))
            }
            enrolments::Answered::Pending(reference) => Ok(Enrolled::Pending(reference)),
        }
    }

    async fn look(&self, call: Call, enrolment: &Enrolment) -> Result<Option<Issued>, CaError> {
        match events::find(&self.gateway, call, enrolment).await? {
            Some(certificate) => {
                let issued = self.verified(call, &certificate, enrolment).await?;
                Ok(Some(issued))
            }
            None => Ok(None),
        }
    }

    fn identity_finding(&self) -> Finding {
        let subject = &self.identity.subject;
        let Some(end) = self.identity.not_after else {
            return Finding {
                ok: false,
                text: format!("the end of the client certificate {subject} cannot be read"),
            };
        };
        let left = end.duration_since(self.now.get());
        Finding {
            ok: left > SignedDuration::ZERO,
            text: if left <= SignedDuration::ZERO {
                format!("the client certificate {subject} ended on {end}: get another one")
            } else if left < SOON {
                format!("the client certificate {subject} ends soon, on {end}: get another one")
            } else {
                format!("the client certificate {subject} is good until {end}")
            },
        }
    }
}

/// Without the key.
impl fmt::Debug for EntrustCaGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntrustCaGateway")
            .field("url", &self.gateway.settings.base.as_str())
            .field("ca_id", &self.gateway.settings.ca_id)
            .finish_non_exhaustive()
    }
}

impl Gateway {
    /// Sends one request below `/v1/certificate-authorities`. An error behind a
    /// 2xx is an error.
    async fn send(
        &self,
        call: Call,
        method: Method,
        segments: &[&str],
        query: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, CaError> {
        let mut request = self.request(method, segments, query);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = self.http.send(call, request).await?;
        match refusal::parse(answer.body()) {
            Some(refusal) => Err(CaError {
                call,
                why: Why::Refused {
                    status: 200,
                    refusal,
                },
            }),
            None => Ok(answer),
        }
    }

    fn request(&self, method: Method, segments: &[&str], query: Option<&str>) -> RequestBuilder {
        let mut path = vec!["v1", "certificate-authorities"];
        path.extend(segments);
        let mut url: Url = below(&self.settings.base, &path);
        url.set_query(query);
        let request = self
            .http
            .client
            .request(method, url)
            .header(ACCEPT, HeaderValue::from_static("application/json"));
        match &self.settings.client_id {
            Some(id) => request.header("ca-client-id", id),
            None => request,
        }
    }

    /// The chosen CA.
    fn ca_id(&self, call: Call) -> Result<&str, CaError> {
        let id = self.settings.ca_id.as_str();
        if id.is_empty() {
            return Err(CaError {
                call,
                why: Why::Unusable {
                    field: "ca_id",
                    found: String::new(),
                    allowed: "the id of one of the certification authorities that the gateway \
                              lists"
                        .to_owned(),
                },
            });
        }
        Ok(id)
    }
}

#[async_trait]
impl CertificationAuthority for EntrustCaGateway {
    fn abilities(&self) -> Abilities {
        Abilities {
            hold: true,
            unhold: true,
            find: true,
            status: true,
            upn: true,
            renew: true,
            reissue: true,
        }
    }

    fn time_limit(&self) -> Duration {
        self.gateway.http.limit()
    }

    async fn check(&self) -> Vec<Finding> {
        let mut findings = vec![self.identity_finding()];
        let mut add = |ok, text| findings.push(Finding { ok, text });
        let found = match authorities::list(&self.gateway, Call::Check).await {
            Ok(found) => found,
            Err(error) => {
                add(false, error.to_string());
                return findings;
            }
        };
        let ids: Vec<_> = found.iter().map(|ca| ca.id.as_str()).collect();
        let ids = ids.join(", ");
        let wanted = &self.gateway.settings.ca_id;
        let Some(ca) = found.iter().find(|ca| ca.id == *wanted) else {
            add(
                false,
                format!("CA Gateway answers and has no CA {wanted:?}; it has {ids}"),
            );
            return findings;
        };
        add(
            true,
            format!(
                "CA Gateway answers and has the CA {} ({})",
                ca.id, ca.subject
            ),
        );
        match authorities::chain(&self.gateway, Call::Check).await {
            Ok(chain) => add(
                true,
                format!("its chain of certificates is shown, {} long", chain.len()),
            ),
            Err(error) => add(false, error.to_string()),
        }
        match profiles::list(&self.gateway, Call::Check).await {
            Ok(profiles) => {
                let ids: Vec<_> = profiles.iter().map(|profile| profile.id.as_str()).collect();
                let text = format!("its profiles: {}", ids.join(", "));
                add(!profiles.is_empty(), text);
            }
            Err(error) => add(false, error.to_string()),
        }
        findings
    }

    async fn authorities(&self) -> Result<Vec<Authority>, CaError> {
        authorities::list(&self.gateway, Call::Authorities).await
    }

    async fn profiles(&self) -> Result<Vec<Profile>, CaError> {
        profiles::list(&self.gateway, Call::Profiles).await
    }

    async fn enrol(&self, enrolment: &Enrolment) -> Result<Enrolled, CaError> {
        self.enrol_as(Call::Enrol, enrolment, None).await
    }

    /// How one asks for a pending enrolment is not published; that a certificate
    /// was issued, the list of events tells.
    async fn poll(
        &self,
        reference: &Reference,
        enrolment: &Enrolment,
    ) -> Result<Enrolled, CaError> {
        let found = self.look(Call::Poll, enrolment).await?;
        Ok(found.map_or_else(|| Enrolled::Pending(reference.clone()), Enrolled::Issued))
    }

    async fn find(&self, enrolment: &Enrolment) -> Result<Found, CaError> {
        let found = self.look(Call::Find, enrolment).await?;
        Ok(found.map_or(Found::Nothing, Found::Issued))
    }

    async fn status(&self, serial: &Serial) -> Result<CertificateStatus, CaError> {
        certificates::status(&self.gateway, serial).await
    }

    async fn hold(&self, serial: &Serial) -> Result<Acted, CaError> {
        certificates::act(&self.gateway, Call::Hold, serial, Action::Hold).await
    }

    async fn unhold(&self, serial: &Serial) -> Result<Acted, CaError> {
        certificates::act(&self.gateway, Call::Unhold, serial, Action::Unhold).await
    }

    async fn revoke(&self, serial: &Serial, reason: Reason) -> Result<Acted, CaError> {
        certificates::act(&self.gateway, Call::Revoke, serial, Action::Revoke(reason)).await
    }

    /// The gateway's own actions for this carry no PKCS#10, and the key is on a
    /// token: it is an enrolment for the same subject.
    async fn renew(&self, _: &Previous, enrolment: &Enrolment) -> Result<Enrolled, CaError> {
        self.enrol_as(Call::Renew, enrolment, None).await
    }

    /// An enrolment that names the former subject, so that the CA keeps its
    /// history.
    async fn reissue(
        &self,
        previous: &Previous,
        enrolment: &Enrolment,
    ) -> Result<Enrolled, CaError> {
        self.enrol_as(Call::Reissue, enrolment, Some(previous))
            .await
    }
}

const SOON: SignedDuration = SignedDuration::from_hours(24 * 30);
