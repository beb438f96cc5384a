//! A certification authority that really issues, and can be slow, down or lying.

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, DnType,
    IsCa, KeyPair,
};

use super::fault::{Fault, Gate};
use crate::{
    connector::{
        Finding,
        ca::{
            Abilities, Acted, Authority, CaError, Call, CertificateStatus, CertificationAuthority,
            Enrolled, Enrolment, Found, Issued, Profile, Reason, Reference, Refusal, Serial, Why,
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
        Abilities {
            hold: true,
            unhold: true,
            find: true,
            status: true,
            upn: true,
        }
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
        if self.state().refuses {
            let why = Why::Refused {
                status: 400,
                refusal: Refusal::default(),
            };
            let call = Call::Enrol;
            return Err(CaError { call, why });
        }
        if self.state().pending > 0 {
            return Ok(Enrolled::Pending(Reference("E-1".into())));
        }
        assert_eq!(self.of(&enrolment.request_id), None, "asked for twice");
        self.pass(Call::Enrol, || drop(self.issue(enrolment)))
            .await?;
        Ok(Enrolled::Issued(self.of(&enrolment.request_id).unwrap()))
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

    async fn find(&self, enrolment: &Enrolment) -> Result<Found, CaError> {
        Ok(self
            .of(&enrolment.request_id)
            .map_or(Found::Nothing, Found::Issued))
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

    async fn renew(&self, _: &Issued, enrolment: &Enrolment) -> Result<Enrolled, CaError> {
        self.enrol(enrolment).await
    }

    async fn reissue(&self, _: &Issued, enrolment: &Enrolment) -> Result<Enrolled, CaError> {
        self.enrol(enrolment).await
    }
}
