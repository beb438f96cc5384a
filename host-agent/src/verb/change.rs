//! A step that changes the token: the probe before, the journal around, the verb between.

use zeroize::Zeroizing;

use super::{
    Answer, Code, Failure, Outcome, Request, Steps,
    attempt::Ended,
    conduct::{self, Conduct, TokenSession, converse, converse_u2f},
    configure, delete_credential,
    fingerprint::fingerprint,
    fingerprints, large_blobs,
    make_credential::{self, Made},
    pin,
    progress::{Teller, Waiting},
    prove_credential, read,
    request::MakeCredential,
    u2f,
    update_user::{self, Target},
    vendor_configure,
    watched::Effect,
};
use crate::{
    journal::{Intent, MadeHere, Memory, Probe, State, StepKey, TokenName},
    token::{Bench, Reading},
};

/// A step with its key.
pub(super) struct Step {
    pub(super) key: StepKey,
    pub(super) caller: String,
    pub(super) request: Request,
}

impl Step {
    fn intent(&self, token: TokenName, probe: Probe) -> Intent {
        Intent {
            verb: self.request.verb(),
            fingerprint: fingerprint(&self.request),
            caller: self.caller.clone(),
            token,
            probe,
        }
    }
}

impl Steps {
    pub(super) fn change(
        &self,
        bench: &mut Bench,
        conduct: &mut Conduct,
        step: &Step,
    ) -> Result<Outcome, Failure> {
        if let Request::Raw(bytes) = &step.request {
            return self.raw(bench, conduct, step, bytes);
        }
        if matches!(bench.token().reading(), Reading::U2f)
            && matches!(
                step.request,
                Request::MakeCredential(_) | Request::ProveCredential { .. }
            )
        {
            return self.change_at_u2f(bench, conduct, step);
        }
        let token = bench.token().name();
        let teller = conduct.teller();
        if matches!(step.request, Request::EnrollFingerprint { .. }) {
            teller.await_presence_by(Waiting::Finger);
        }
        let mut attempt = None;
        let (result, effect) = converse(bench, conduct, |session| {
            let probe = self.probe(session, &step.request)?;
            let intent = step.intent(token.clone(), probe);
            attempt = Some(self.begin(&step.key, intent, State::Started)?);
            self.run(session, &step.request, &token, &teller)
        });
        let ended = self.conclude(bench, attempt, result, effect, read::refresh)?;
        Ok(Outcome::Answer(ended))
    }

    /// With a token that speaks U2F alone, and stores nothing.
    fn change_at_u2f(
        &self,
        bench: &mut Bench,
        conduct: &mut Conduct,
        step: &Step,
    ) -> Result<Outcome, Failure> {
        let token = bench.token().name();
        let mut attempt = None;
        let result = converse_u2f(bench, conduct, |session| {
            if let Request::ProveCredential { rp_id, .. } = &step.request {
                prove_credential::check(self.known(&step.request)?.as_ref(), rp_id)?;
            }
            let intent = step.intent(token.clone(), Probe::Harmless);
            attempt = Some(self.begin(&step.key, intent, State::Started)?);
            match &step.request {
                Request::MakeCredential(make) => {
                    Ok(remembered(u2f::make(session, make)?, make, &token))
                }
                Request::ProveCredential {
                    verification: None,
                    rp_id,
                    credential_id,
                    client_data_hash,
                } => u2f::prove(session, rp_id, credential_id, client_data_hash).map(Ended::from),
                _ => Err(Failure::new(
                    Code::NotSupported,
                    "the token speaks U2F alone, which has no PIN; ask without it",
                )),
            }
        });
        let ended = self.conclude(bench, attempt, result, Effect::default(), read::refresh)?;
        Ok(Outcome::Answer(ended))
    }

    fn raw(
        &self,
        bench: &mut Bench,
        conduct: &mut Conduct,
        step: &Step,
        bytes: &[u8],
    ) -> Result<Outcome, Failure> {
        let probe = Probe::Raw {
            command: bytes.first().copied().unwrap_or_default(),
        };
        let intent = step.intent(bench.token().name(), probe);
        let attempt = self.begin(&step.key, intent, State::Started)?;
        let (response, effect) = conduct::exchange(bench, conduct, bytes);
        let (response, result) = match response {
            Ok(response) => (response, Ok(Answer::RawExchanged.into())),
            Err(failure) => (Zeroizing::default(), Err(failure)),
        };
        self.conclude(bench, Some(attempt), result, effect, read::refresh)?;
        Ok(Outcome::Raw(response))
    }

    /// How the token stands before.
    fn probe(
        &self,
        session: &mut TokenSession<'_, '_>,
        request: &Request,
    ) -> Result<Probe, Failure> {
        match request {
            Request::SetPin { .. } => pin::probe_set(session),
            Request::ChangePin { .. } => pin::probe_change(session),
            Request::Configure(configure) => Ok(configure::probe(configure)),
            Request::VendorConfigure(_) => Ok(vendor_configure::probe()),
            Request::MakeCredential(make) => Ok(make_credential::probe(make)),
            Request::DeleteCredential {
                credential_id,
                rp_id,
                ..
            } => delete_credential::probe(
                session,
                &self.policy,
                credential_id,
                rp_id,
                self.known(request)?.as_ref(),
            ),
            Request::ProveCredential { rp_id, .. } => {
                prove_credential::check(self.known(request)?.as_ref(), rp_id)?;
                Ok(Probe::Harmless)
            }
            Request::UpdateUser { .. }
            | Request::EnrollFingerprint { .. }
            | Request::RenameFingerprint { .. }
            | Request::RemoveFingerprint { .. }
            | Request::WriteLargeBlob { .. }
            | Request::DeleteLargeBlob { .. } => Ok(Probe::Hidden),
            _ => Ok(Probe::Harmless),
        }
    }

    fn run(
        &self,
        session: &mut TokenSession<'_, '_>,
        request: &Request,
        token: &TokenName,
        teller: &Teller,
    ) -> Result<Ended, Failure> {
        match request {
            Request::SetPin { new_pin } => pin::set(session, new_pin).map(Ended::from),
            Request::ChangePin {
                current_pin,
                new_pin,
            } => pin::change(session, current_pin, new_pin).map(Ended::from),
            Request::Configure(configure) => {
                configure::run(session, configure, teller).map(Ended::from)
            }
            Request::VendorConfigure(vendor) => {
                vendor_configure::run(session, vendor, teller).map(Ended::from)
            }
            Request::MakeCredential(make) => Ok(remembered(
                make_credential::run(session, make, teller)?,
                make,
                token,
            )),
            Request::DeleteCredential {
                verification,
                credential_id,
                ..
            } => Ok(Ended {
                answer: delete_credential::run(
                    session,
                    &verification.verifier(teller),
                    credential_id,
                )?,
                memory: Some(Memory::Deleted {
                    credential_id: credential_id.clone(),
                }),
            }),
            Request::ProveCredential {
                verification,
                rp_id,
                credential_id,
                client_data_hash,
            } => prove_credential::run(
                session,
                verification
                    .as_ref()
                    .map(|verification| verification.verifier(teller))
                    .as_ref(),
                rp_id,
                credential_id,
                client_data_hash,
            )
            .map(Ended::from),
            Request::UpdateUser {
                verification,
                credential_id,
                rp_id,
                user,
            } => {
                let verifier = verification.verifier(teller);
                let target = Target {
                    credential_id,
                    rp_id,
                };
                update_user::run(session, &self.policy, &verifier, &target, user).map(Ended::from)
            }
            Request::EnrollFingerprint { verification, name } => {
                let verifier = verification.verifier(teller);
                fingerprints::enroll(session, &verifier, name, teller).map(Ended::from)
            }
            Request::RenameFingerprint {
                verification,
                template_id,
                name,
            } => {
                let verifier = verification.verifier(teller);
                fingerprints::rename(session, &verifier, template_id, name).map(Ended::from)
            }
            Request::RemoveFingerprint {
                verification,
                template_id,
            } => {
                let verifier = verification.verifier(teller);
                fingerprints::remove(session, &verifier, template_id).map(Ended::from)
            }
            Request::WriteLargeBlob {
                verification,
                credential_id,
                data,
            } => {
                let verifier = verification.verifier(teller);
                large_blobs::write(session, &self.policy, &verifier, credential_id, data)
                    .map(Ended::from)
            }
            Request::DeleteLargeBlob {
                verification,
                credential_id,
            } => {
                let verifier = verification.verifier(teller);
                large_blobs::delete(session, &self.policy, &verifier, credential_id)
                    .map(Ended::from)
            }
            _ => Err(Failure::new(
                Code::Internal,
                "this verb is not a plain change",
            )),
        }
    }
}

/// A credential that was made, with what is remembered of it here.
fn remembered(made: Made, make: &MakeCredential, token: &TokenName) -> Ended {
    Ended {
        answer: made.answer,
        memory: Some(Memory::Made {
            credential_id: made.credential_id,
            made: MadeHere {
                rp_id: make.rp_id.clone(),
                token: token.clone(),
                visible: made.visible,
            },
        }),
    }
}
