//! The CA inside this server: the default where there is no other.
//!
//! | file | what |
//! |---|---|
//! | `authority` | what an operation asks of it |
//! | `settings` | a root of our own, or a CA that somebody brings along |
//! | `profile`, `leaf` | what it issues: RFC 5280, and what smart-card logon wants |
//! | `issued_certificates` | the list of what it issued, which a database keeps |
//! | `crl`, `ocsp` | what it says of them, as pure functions |
//! | `publish`, `publish_url` | the two over HTTP, and at which address |
//!
//! A certificate is on the list before anybody gets it. One request id is one
//! certificate, however often it is asked for.

mod authority;
mod crl;
mod issued_certificates;
mod leaf;
mod ocsp;
mod profile;
mod publish;
mod publish_url;
mod settings;
#[cfg(test)]
pub(super) mod tests;

pub use issued_certificates::{IssuedCertificates, ListFault, Record, State};
pub use publish::Publisher;
pub use publish_url::PublishUrl;
pub use settings::Settings;

use super::{
    Acted, CaError, Call, Enrolled, Enrolment, Issued, Now, Refusal, Secret, Serial, Why,
    issued::{subject_key_identifier, subject_of},
};
use crate::connector::{Said, SettingError};
use jiff::{SignedDuration, Timestamp};
use leaf::Frame;
use profile::Kind;
use rand::{RngCore as _, rngs::OsRng};
use rcgen::KeyIdMethod;
use settings::Checked;
use std::{fmt, sync::Arc};
use tokio::sync::Mutex;

/// One CA of our own.
pub struct Builtin {
    settings: Checked,
    list: Arc<dyn IssuedCertificates>,
    now: Now,
    /// The newest revocation list. The lock is held while one is made, so that
    /// a crowd of readers waits for one list.
    crl: Mutex<Option<Crl>>,
}

struct Crl {
    der: Vec<u8>,
    made_at: Timestamp,
}

impl Builtin {
    /// Checks every setting.
    ///
    /// # Errors
    /// Names the setting that cannot be used.
    pub fn open(
        settings: &Settings,
        secret: &Secret,
        list: Arc<dyn IssuedCertificates>,
        now: Now,
    ) -> Result<Arc<Self>, SettingError> {
        Ok(Arc::new(Self {
            settings: settings.check(secret, now.get())?,
            list,
            now,
            crl: Mutex::default(),
        }))
    }

    /// What serves its revocation list and its responder.
    #[must_use]
    pub fn publisher(self: &Arc<Self>) -> Publisher {
        Publisher::new(self)
    }

    /// DER.
    #[must_use]
    pub fn own_certificate(&self) -> &[u8] {
        self.settings.chain.first().map_or(&[], Vec::as_slice)
    }

    /// The newest revocation list in DER.
    ///
    /// # Errors
    /// The list of certificates cannot be read.
    pub async fn crl(&self) -> Result<Vec<u8>, Why> {
        let mut newest = self.crl.lock().await;
        let now = self.now.get();
        if let Some(crl) = newest.as_ref()
            && now.duration_since(crl.made_at) < CRL_AGE
        {
            return Ok(crl.der.clone());
        }
        let number = self.list.next_crl_number().await?;
        let records = self.list.not_good(now - ENDED).await?;
        let der = crl::sign(
            &records,
            number,
            now,
            &self.settings.issuer,
            &self.key_identifier(),
        )?;
        *newest = Some(Crl {
            der: der.clone(),
            made_at: now,
        });
        Ok(der)
    }

    /// Answers a question of RFC 6960; one that is no question is answered by
    /// saying so.
    ///
    /// # Errors
    /// The list of certificates cannot be read.
    pub async fn ocsp(&self, question: &[u8]) -> Result<Vec<u8>, Why> {
        let question = match ocsp::Question::parse(question) {
            Ok(question) => question,
            Err(answer) => return Ok(answer),
        };
        let mut records = Vec::new();
        for serial in question.serials() {
            records.extend(self.list.by_serial(&serial).await?);
        }
        let responder = ocsp::Responder {
            certificate: self.own_certificate(),
            key: &self.settings.key,
        };
        responder.answer(&question, &records, self.now.get())
    }

    async fn issue(&self, enrolment: &Enrolment) -> Result<Issued, Why> {
        if let Some(record) = self.list.by_request(&enrolment.request_id).await? {
            return self.verified(&record, enrolment);
        }
        let kind = Kind::by_id(&enrolment.profile).ok_or_else(|| Why::Unusable {
            field: "profile",
            found: enrolment.profile.clone(),
            allowed: Kind::ALL.map(Kind::id).join(", "),
        })?;
        kind.profile(self.settings.days)
            .check(enrolment)
            .map_err(Why::Unfit)?;
        let days = enrolment.days.unwrap_or(self.settings.days);
        if days == 0 || days > self.settings.days {
            return Err(Why::Unusable {
                field: "days",
                found: days.to_string(),
                allowed: format!("1 to {}", self.settings.days),
            });
        }
        let now = self.now.get();
        let wanted = now + SignedDuration::from_hours(24 * i64::from(days));
        let frame = Frame {
            serial: &serial(),
            not_before: now - SKEW,
            // Nobody could verify it after the CA has ended.
            not_after: wanted.min(self.settings.not_after),
            publish_url: self.settings.publish_url.as_str(),
        };
        let certificate = leaf::sign(kind, enrolment, &frame, &self.settings.issuer)?;
        // Nothing is put on the list that would not be taken from it.
        Issued::verify(&certificate, &self.settings.chain, enrolment)?;
        let record = self
            .list
            .keep(Record {
                request_id: enrolment.request_id.clone(),
                serial: frame.serial.clone(),
                certificate,
                not_after: frame.not_after,
                state: State::Good,
            })
            .await?;
        self.verified(&record, enrolment)
    }

    fn verified(&self, record: &Record, enrolment: &Enrolment) -> Result<Issued, Why> {
        Ok(Issued::verify(
            &record.certificate,
            &self.settings.chain,
            enrolment,
        )?)
    }

    async fn record(&self, serial: &Serial) -> Result<Record, Why> {
        let found = self.list.by_serial(serial).await?;
        found.ok_or_else(|| Why::NotFound {
            status: 404,
            refusal: said("it has issued no certificate with this serial number"),
        })
    }

    /// Moves a certificate to where `next` says, however often somebody else
    /// moves it meanwhile.
    async fn act(
        &self,
        call: Call,
        serial: &Serial,
        next: impl Fn(State, Timestamp) -> Result<Option<State>, &'static str> + Send + Sync,
    ) -> Result<Acted, CaError> {
        let failed = |why| CaError { call, why };
        for _ in 0..TRIES {
            let from = self.record(serial).await.map_err(failed)?.state;
            let to = match next(from, self.now.get()) {
                Ok(Some(to)) => to,
                Ok(None) => return Ok(Acted::Already),
                Err(why) => {
                    return Err(failed(Why::Refused {
                        status: 409,
                        refusal: said(why),
                    }));
                }
            };
            // Before the change, and locked during it: no list from before it is served after
            // it, though the caller may be gone meanwhile.
            let mut newest = self.crl.lock().await;
            *newest = None;
            let moved = self.list.set_state(serial, from, to).await;
            drop(newest);
            if moved.map_err(|fault| failed(fault.into()))? {
                return Ok(Acted::Done);
            }
        }
        Err(failed(Why::Store(
            "others keep changing this certificate".to_owned(),
        )))
    }

    /// As it stands in the CA's own certificate, where it does.
    fn key_identifier(&self) -> KeyIdMethod {
        let own = subject_key_identifier(self.own_certificate());
        own.map_or(KeyIdMethod::Sha256, KeyIdMethod::PreSpecified)
    }
}

/// Without the key.
impl fmt::Debug for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Builtin")
            .field(&subject_of(self.own_certificate()))
            .finish()
    }
}

impl Builtin {
    async fn enrol_as(&self, call: Call, enrolment: &Enrolment) -> Result<Enrolled, CaError> {
        let issued = self.issue(enrolment).await;
        issued
            .map(Enrolled::Issued)
            .map_err(|why| CaError { call, why })
    }

    async fn look(&self, call: Call, enrolment: &Enrolment) -> Result<Option<Issued>, CaError> {
        let look = async || -> Result<Option<Issued>, Why> {
            let found = self.list.by_request(&enrolment.request_id).await?;
            found
                .map(|record| self.verified(&record, enrolment))
                .transpose()
        };
        look().await.map_err(|why| CaError { call, why })
    }
}

impl From<ListFault> for Why {
    fn from(fault: ListFault) -> Self {
        Self::Store(fault.0)
    }
}

fn said(words: &str) -> Refusal {
    Refusal {
        message: Said::plain(words.as_bytes()),
        ..Refusal::default()
    }
}

/// Random and positive, with the first bit set after the sign: always of one
/// length.
fn serial() -> Serial {
    let mut bytes = [0; 16];
    OsRng.fill_bytes(&mut bytes);
    bytes[0] = bytes[0] & 0x7F | 0x40;
    Serial::from_bytes(&bytes)
}

/// Clocks differ.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// Oldest revocation list that is served though nothing changed.
const CRL_AGE: SignedDuration = SignedDuration::from_hours(1);
/// RFC 5280 section 3.3: a certificate that has ended leaves the list only after a list that
/// is younger than its end.
const ENDED: SignedDuration = SignedDuration::from_hours(24);
const TRIES: usize = 5;
