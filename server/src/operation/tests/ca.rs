//! A certification authority that really issues, and can be slow, down or lying.

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, DnType,
    IsCa, KeyPair,
};
use x509_parser::parse_x509_certificate;

use super::fault::{Fault, Gate};
use crate::{
    connector::{
        Finding,
        ca::{
            Abilities, Acted, Authority, CaError, Call, CertificateStatus, CertificationAuthority,
            Enrolled, Enrolment, Found, Issued, Previous, Profile, Reason, Reference, Refusal,
            Serial, Why,
        },
    },
    operation::Authorities,
    store::connection::Connection,
};

pub(super) struct Ca {
    gate: Arc<Gate>,
    state: Mutex<State>,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

#[derive(Default)]
pub(super) struct State {
    /// By request.
    pub(super) issued: Vec<(String, Issued, CertificateStatus)>,
    pub(super) reasons: Vec<Reason>,
    /// It cannot be reached.
    pub(super) down: bool,
    /// Somebody has to agree, this often asked.
    pub(super) pending: u32,
    /// It refuses every request.
    pub(super) refuses: bool,
    /// How long a request may be under way.
    pub(super) limit: Duration,
    /// The server dies while the next request is under way, and it is acted on later.
    pub(super) late: bool,
    /// Taken, and not yet acted on.
    pub(super) under_way: Vec<Enrolment>,
    /// What is under way is acted on together with the next request.
    pub(super) later_with_next: bool,
    /// It knows renewals and reissues.
    pub(super) knows_successors: bool,
    /// How it was asked for certificates, and the serial that was to be succeeded.
    pub(super) asked: Vec<(Call, String)>,
}

impl std::fmt::Debug for Ca {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ca")
    }
}

pub(super) struct OnlyCa(pub(super) Arc<Ca>);

impl Authorities for OnlyCa {
    fn authority(&self, _: &Connection) -> Result<Arc<dyn CertificationAuthority>, String> {
        Ok(self.0.clone())
    }
}

impl Ca {
    pub(super) fn new(gate: Arc<Gate>) -> Self {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "Test CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self {
            gate,
            state: Mutex::default(),
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn good(&self) -> usize {
        let state = self.state();
        let good = |(_, _, status): &&_| *status == CertificateStatus::Good;
        state.issued.iter().filter(good).count()
    }

    async fn pass(&self, call: Call, act: impl FnOnce()) -> Result<(), CaError> {
        if self.state().down {
            let why = Why::Unreachable("refused".into());
            return Err(CaError { call, why });
        }
        let lost = || {
            let why = Why::NoAnswer("reset".into());
            Err(CaError { call, why })
        };
        match self.gate.pass() {
            Some(Fault::ServerDiesBefore) => self.gate.trip().await,
            Some(Fault::ServerDiesAfter) => {
                act();
                self.gate.trip().await;
            }
            Some(Fault::AnswerLost | Fault::AgentDiesAfter) => {
                act();
                return lost();
            }
            Some(Fault::RequestLost | Fault::AgentDiesBefore) => return lost(),
            _ => act(),
        }
        Ok(())
    }

    fn issue(&self, enrolment: &Enrolment) -> Issued {
        let der = enrolment.request.der().to_vec().into();
        let mut request = CertificateSigningRequestParams::from_der(&der).unwrap();
        let serial: [u8; 8] = rand::random();
        request.params.serial_number = Some(serial.to_vec().into());
        let certificate = request.signed_by(&self.issuer).unwrap();
        let chain = [self.issuer.der().to_vec()];
        let issued = Issued::verify(certificate.der(), &chain, enrolment).unwrap();
        let good = CertificateStatus::Good;
        let id = enrolment.request_id.clone();
        self.state().issued.push((id, issued.clone(), good));
        issued
    }

    /// Acts on what is under way.
    pub(super) fn act_late(&self) {
        let under_way = std::mem::take(&mut self.state().under_way);
        for enrolment in &under_way {
            self.issue(enrolment);
        }
    }

    /// Only what it issued itself, and what stands, has a successor.
    async fn succeed(
        &self,
        call: Call,
        old: &Previous,
        enrolment: &Enrolment,
    ) -> Result<Enrolled, CaError> {
        let status = self.status(&old.serial).await?;
        assert!(matches!(
            status,
            CertificateStatus::Good | CertificateStatus::Held
        ));
        self.certify(call, &old.serial.to_string(), enrolment).await
    }

    async fn certify(
        &self,
        call: Call,
        old: &str,
        enrolment: &Enrolment,
    ) -> Result<Enrolled, CaError> {
        if self.state().refuses {
            let why = Why::Refused {
                status: 400,
                refusal: Refusal::default(),
            };
            return Err(CaError { call, why });
        }
        if self.state().pending > 0 {
            return Ok(Enrolled::Pending(Reference("E-1".into())));
        }
        let late = std::mem::take(&mut self.state().late);
        if late {
            self.state().under_way.push(enrolment.clone());
            self.gate.trip().await;
        }
        assert_eq!(self.of(&enrolment.request_id), None, "asked for twice");
        self.pass(call, || {
            drop(self.issue(enrolment));
            self.state().asked.push((call, old.to_owned()));
        })
        .await?;
        let issued = self.of(&enrolment.request_id).unwrap();
        if self.state().later_with_next {
            self.act_late();
        }
        Ok(Enrolled::Issued(issued))
    }

    fn of(&self, request_id: &str) -> Option<Issued> {
        let state = self.state();
        let found = state.issued.iter().find(|(id, _, _)| id == request_id);
        found.map(|(_, issued, _)| issued.clone())
    }

    fn set(&self, serial: &Serial, status: CertificateStatus) {
        let mut state = self.state();
        let row = state
            .issued
            .iter_mut()
            .find(|(_, issued, _)| issued.serial() == serial);
        row.unwrap().2 = status;
    }
}

#[async_trait]
impl CertificationAuthority for Ca {
    fn abilities(&self) -> Abilities {
        let knows_successors = self.state().knows_successors;
        Abilities {
            hold: true,
            unhold: true,
            find: true,
            status: true,
            upn: true,
            renew: knows_successors,
            reissue: knows_successors,
        }
    }

    fn time_limit(&self) -> Duration {
        self.state().limit
    }

    async fn check(&self) -> Vec<Finding> {
        vec![]
    }

    async fn authorities(&self) -> Result<Vec<Authority>, CaError> {
        Ok(vec![])
    }

    async fn profiles(&self) -> Result<Vec<Profile>, CaError> {
        Ok(vec![])
    }

    async fn enrol(&self, enrolment: &Enrolment) -> Result<Enrolled, CaError> {
        self.certify(Call::Enrol, "", enrolment).await
    }

    async fn poll(
        &self,
        reference: &Reference,
        enrolment: &Enrolment,
    ) -> Result<Enrolled, CaError> {
        assert_eq!(reference.0, "E-1");
        let left = {
            let mut state = self.state();
            state.pending = state.pending.saturating_sub(1);
            state.pending
        };
        if left > 0 {
            return Ok(Enrolled::Pending(reference.clone()));
        }
        Ok(Enrolled::Issued(self.issue(enrolment)))
    }

    /// By the key, as authorities do that list certificates alone: the newest that is not known.
    async fn find(&self, enrolment: &Enrolment) -> Result<Found, CaError> {
        let state = self.state();
        let found = state.issued.iter().rev().find(|(_, issued, _)| {
            let (_, certificate) = parse_x509_certificate(issued.certificate()).unwrap();
            certificate.public_key().raw == enrolment.request.public_key()
                && !enrolment.known.contains(issued.serial())
        });
        Ok(found.map_or(Found::Nothing, |(_, issued, _)| {
            Found::Issued(issued.clone())
        }))
    }

    async fn status(&self, serial: &Serial) -> Result<CertificateStatus, CaError> {
        let state = self.state();
        let found = state
            .issued
            .iter()
            .find(|(_, issued, _)| issued.serial() == serial);
        Ok(found.unwrap().2.clone())
    }

    async fn hold(&self, serial: &Serial) -> Result<Acted, CaError> {
        self.pass(Call::Hold, || self.set(serial, CertificateStatus::Held))
            .await?;
        Ok(Acted::Done)
    }

    async fn unhold(&self, serial: &Serial) -> Result<Acted, CaError> {
        self.pass(Call::Unhold, || self.set(serial, CertificateStatus::Good))
            .await?;
        Ok(Acted::Done)
    }

    async fn revoke(&self, serial: &Serial, reason: Reason) -> Result<Acted, CaError> {
        self.pass(Call::Revoke, || {
            self.set(serial, CertificateStatus::Revoked);
            self.state().reasons.push(reason);
        })
        .await?;
        Ok(Acted::Done)
    }

    async fn renew(&self, old: &Previous, enrolment: &Enrolment) -> Result<Enrolled, CaError> {
        self.succeed(Call::Renew, old, enrolment).await
    }

    async fn reissue(&self, old: &Previous, enrolment: &Enrolment) -> Result<Enrolled, CaError> {
        self.succeed(Call::Reissue, old, enrolment).await
    }
}
