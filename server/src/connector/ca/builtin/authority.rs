//! What an operation asks of the CA inside this server.

use super::{Builtin, issued_certificates::State, profile::Kind, said};
use crate::connector::{
    Finding,
    ca::{
        Abilities, Acted, Authority, CaError, Call, CertificateStatus, CertificationAuthority,
        Enrolled, Enrolment, Found, Previous, Profile, Reason, Reference, Serial, Why,
        issued::subject_of,
    },
};
use async_trait::async_trait;
use std::time::Duration;

#[async_trait]
impl CertificationAuthority for Builtin {
    fn abilities(&self) -> Abilities {
        Abilities {
            hold: true,
            unhold: true,
            find: true,
            status: true,
            upn: true,
            renew: false,
            reissue: false,
        }
    }

    fn time_limit(&self) -> Duration {
        Duration::ZERO
    }

    async fn check(&self) -> Vec<Finding> {
        let subject = subject_of(self.own_certificate());
        let end = self.settings.not_after;
        let good = end > self.now.get();
        let crl = self.crl().await;
        vec![
            Finding {
                ok: good,
                text: if good {
                    format!("{subject} issues until {end}")
                } else {
                    format!("{subject} ended on {end}: make another connection, with a new CA")
                },
            },
            Finding {
                ok: crl.is_ok(),
                text: match crl {
                    Ok(_) => format!(
                        "the revocation list is served under {}/crl: see that readers of \
                         certificates reach it",
                        self.settings.publish_url
                    ),
                    Err(why) => format!("the revocation list cannot be made: {why}"),
                },
            },
        ]
    }

    async fn authorities(&self) -> Result<Vec<Authority>, CaError> {
        let subject = subject_of(self.own_certificate());
        Ok(vec![Authority {
            id: "builtin".to_owned(),
            name: subject.clone(),
            product: "Keysteward".to_owned(),
            subject,
        }])
    }

    async fn profiles(&self) -> Result<Vec<Profile>, CaError> {
        let days = self.settings.days;
        Ok(Kind::ALL.map(|kind| kind.profile(days)).to_vec())
    }

    async fn enrol(&self, enrolment: &Enrolment) -> Result<Enrolled, CaError> {
        self.enrol_as(Call::Enrol, enrolment).await
    }

    /// Nothing is ever pending here; what is asked for is answered from the list.
    async fn poll(&self, _: &Reference, enrolment: &Enrolment) -> Result<Enrolled, CaError> {
        match self.look(Call::Poll, enrolment).await? {
            Some(issued) => Ok(Enrolled::Issued(issued)),
            None => Err(CaError {
                call: Call::Poll,
                why: Why::NotFound {
                    status: 404,
                    refusal: said("nothing is pending here"),
                },
            }),
        }
    }

    async fn find(&self, enrolment: &Enrolment) -> Result<Found, CaError> {
        let found = self.look(Call::Find, enrolment).await?;
        Ok(found.map_or(Found::Nothing, Found::Issued))
    }

    async fn status(&self, serial: &Serial) -> Result<CertificateStatus, CaError> {
        let record = self.record(serial).await.map_err(|why| CaError {
            call: Call::Status,
            why,
        })?;
        Ok(match record.state {
            State::Revoked(..) => CertificateStatus::Revoked,
            _ if record.not_after <= self.now.get() => CertificateStatus::Expired,
            State::Held(_) => CertificateStatus::Held,
            State::Good => CertificateStatus::Good,
        })
    }

    async fn hold(&self, serial: &Serial) -> Result<Acted, CaError> {
        self.act(Call::Hold, serial, |state, now| match state {
            State::Good => Ok(Some(State::Held(now))),
            State::Held(_) => Ok(None),
            State::Revoked(..) => Err(REVOKED),
        })
        .await
    }

    async fn unhold(&self, serial: &Serial) -> Result<Acted, CaError> {
        self.act(Call::Unhold, serial, |state, _| match state {
            State::Held(_) => Ok(Some(State::Good)),
            State::Good => Ok(None),
            State::Revoked(..) => Err(REVOKED),
        })
        .await
    }

    async fn revoke(&self, serial: &Serial, reason: Reason) -> Result<Acted, CaError> {
        self.act(Call::Revoke, serial, |state, now| match state {
            State::Good | State::Held(_) => Ok(Some(State::Revoked(now, reason))),
            State::Revoked(..) => Ok(None),
        })
        .await
    }

    async fn renew(&self, _: &Previous, enrolment: &Enrolment) -> Result<Enrolled, CaError> {
        self.enrol_as(Call::Renew, enrolment).await
    }

    async fn reissue(&self, _: &Previous, enrolment: &Enrolment) -> Result<Enrolled, CaError> {
        self.enrol_as(Call::Reissue, enrolment).await
    }
}

const REVOKED: &str = "the certificate is revoked, and that is for good";
