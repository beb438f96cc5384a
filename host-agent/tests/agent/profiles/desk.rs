//! An administrator who does everything to one key, one after the other, and looks each time
//! whether it was really done.

mod credentials;
mod fingers;
mod large_blobs;

use keysteward_agent::settings::Policy;
use keysteward_core::{cbor::Parse as _, ctap2::get_info};
use keysteward_proto::agent::v1 as proto;
use keysteward_virtual_token::manufacture::Profile;
use proto::{
    lease_request::Request, lease_response::Response, step::Verb, step_error::Code,
    step_result::Result as Answer,
};

use self::credentials::Credential;
use super::table::{Asked, Row};
use crate::harness::{Host, Key, Lease, PIN, RP, key, set_pin};

/// The PIN from `change PIN` on.
const NEW_PIN: &str = "271828";

/// A PIN in between.
const OTHER_PIN: &str = "161803";

/// One key, and what was done to it.
pub(super) struct Desk {
    pub(super) key: Key,
    host: Host,
    lease: Lease,
    steps: usize,
    /// Discoverable.
    made: Option<Credential>,
    /// Not discoverable, and made without the PIN.
    registered: Option<Credential>,
    /// With a key for a large blob.
    owner: Option<Credential>,
    finger: Option<Vec<u8>>,
}

/// Why a cell is not "done".
enum Undone {
    Refused(proto::StepError),
    /// Nothing is there that it could be done to.
    Nothing,
    /// It says that it was done, and this is so instead.
    Pretended(String),
}

type Did = Result<(), Undone>;

impl From<proto::StepError> for Undone {
    fn from(error: proto::StepError) -> Self {
        Self::Refused(error)
    }
}

/// That something is as it has to be after a step.
fn holds(what: &str, so: bool) -> Did {
    match so {
        true => Ok(()),
        false => Err(Undone::Pretended(format!("not so: {what}"))),
    }
}

fn change(from: &str, to: &str) -> Verb {
    Verb::ChangePin(proto::ChangePin {
        current_pin: from.to_owned(),
        new_pin: to.to_owned(),
    })
}

fn unexpected(answer: &Answer) -> Undone {
    Undone::Pretended(format!("{answer:?}"))
}

impl Desk {
    /// A new key of this kind, at a host that allows everything.
    pub(super) async fn with(profile: Profile) -> Self {
        let host = Host::with_policy(Policy {
            allow_raw: true,
            allow_reset: true,
            ..Policy::default()
        })
        .await;
        let key = match profile {
            Profile::NfcOnly => Key::at_reader(profile),
            profile => Key::of_profile(host.folder.path(), Some("KS-1"), profile),
        };
        let lease = host.lease().await;
        Self {
            key,
            host,
            lease,
            steps: 0,
            made: None,
            registered: None,
            owner: None,
            finger: None,
        }
    }

    /// What comes of one row.
    pub(super) async fn cell(&mut self, row: &Row) -> String {
        match self.does(row.asked).await {
            Ok(()) => "done".to_owned(),
            Err(Undone::Nothing) => ".".to_owned(),
            Err(Undone::Pretended(how)) => format!("PRETENDED ({how})"),
            Err(Undone::Refused(error)) => {
                let mut reasons = row.lacks.iter().chain(&["U2F alone"]);
                let is_due = reasons.any(|words| error.message.contains(words));
                match error.code() {
                    Code::NotSupported if is_due => "-".to_owned(),
                    code => format!("{} ({})", code.as_str_name(), error.message),
                }
            }
        }
    }

    async fn does(&mut self, asked: Asked) -> Did {
        match asked {
            Asked::Inspect => self.inspects().await,
            Asked::Select => self.is_done(Verb::Select(proto::Select {})).await,
            Asked::Wink => self.is_done(Verb::Wink(proto::Wink {})).await,
            Asked::Look => self.looks().await,
            Asked::Raw => self.exchanges_raw().await,
            Asked::SetPin => self.sets_pin().await,
            Asked::ChangePin => self.changes_pin().await,
            Asked::MinPinLength => self.sets_min_pin_length().await,
            Asked::AlwaysUv => self.switches_always_uv().await,
            Asked::EnterpriseAttestation => self.switches_enterprise_attestation_on().await,
            Asked::PinComplexity => self.switches_pin_complexity_on().await,
            Asked::ForcePinChange => self.forces_a_pin_change().await,
            Asked::LongTouchForReset => self.switches_long_touch_for_reset_on().await,
            Asked::Make => self.makes().await,
            Asked::MakeWithBlobKey => self.makes_an_owner_of_a_blob().await,
            Asked::Register => self.registers().await,
            Asked::List => self.lists().await,
            Asked::PersistentToken => self.lists_by_persistent_token().await,
            Asked::Rename => self.renames().await,
            Asked::Prove => self.proves().await,
            Asked::ProveRegistered => self.proves_what_was_registered().await,
            Asked::WriteBlob => self.writes_a_blob().await,
            Asked::ListBlobs => self.lists_blobs().await,
            Asked::ReadBlob => self.reads_the_blob().await,
            Asked::DeleteBlob => self.deletes_the_blob().await,
            Asked::Sensor => self.describes_the_sensor().await,
            Asked::Enroll => self.enrols().await,
            Asked::ListFingers => self.lists_fingers().await,
            Asked::RenameFinger => self.renames_the_finger().await,
            Asked::RemoveFinger => self.removes_the_finger().await,
            Asked::Delete => self.deletes().await,
            Asked::Reset => self.resets().await,
        }
    }

    /// A step under a key of its own.
    async fn step(&mut self, verb: Verb) -> Result<Answer, proto::StepError> {
        self.steps += 1;
        let step = format!("step-{}", self.steps);
        self.lease.step(&step, verb).await
    }

    async fn is_done(&mut self, verb: Verb) -> Did {
        match self.step(verb).await? {
            Answer::Done(_) => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// What the agent lists of the key.
    async fn facts(&self) -> Result<proto::FidoFacts, Undone> {
        let token = self.host.caller().await.token().await;
        token
            .fido
            .ok_or_else(|| Undone::Pretended("the key is listed without facts".to_owned()))
    }

    async fn inspects(&mut self) -> Did {
        match self.step(Verb::Inspect(proto::Inspect {})).await? {
            Answer::Inspected(seen) => {
                let info = get_info::Response::parse(&seen.get_info);
                holds("its getInfo can be read", info.is_ok())?;
                holds("it has no PIN yet", !seen.pin_set)
            }
            other => Err(unexpected(&other)),
        }
    }

    async fn looks(&mut self) -> Did {
        let look = Verb::LookForCredentials(proto::LookForCredentials {
            rp_id: RP.to_owned(),
            credential_ids: vec![vec![1; 32]],
        });
        match self.step(look).await? {
            Answer::FoundCredentials(found) => {
                holds("it has no credential", found.credential_ids.is_empty())
            }
            other => Err(unexpected(&other)),
        }
    }

    async fn exchanges_raw(&mut self) -> Did {
        let get_info = Request::Raw(proto::Raw {
            key: Some(key("raw")),
            request: vec![0x04],
            timeout_ms: 0,
        });
        self.lease.send(get_info).await;
        match self.lease.answer().await {
            Some(Response::Raw(raw)) => holds("the key answers", raw.response.first() == Some(&0)),
            Some(Response::Error(error)) => Err(error.into()),
            other => Err(Undone::Pretended(format!("{other:?}"))),
        }
    }

    async fn sets_pin(&mut self) -> Did {
        self.is_done(set_pin(PIN)).await?;
        holds("it has a PIN", self.key.pin_set())
    }

    async fn changes_pin(&mut self) -> Did {
        self.is_done(change(PIN, NEW_PIN)).await?;
        match self.step(change(PIN, NEW_PIN)).await {
            Err(error) if error.code() == Code::PinInvalid => Ok(()),
            other => Err(Undone::Pretended(format!("the old PIN: {other:?}"))),
        }
    }

    async fn configures(&mut self, wanted: proto::Configure) -> Did {
        self.is_done(Verb::Configure(proto::Configure {
            pin: NEW_PIN.to_owned(),
            ..wanted
        }))
        .await
    }

    async fn sets_min_pin_length(&mut self) -> Did {
        self.configures(proto::Configure {
            min_pin_length: Some(6),
            ..proto::Configure::default()
        })
        .await?;
        let length = self.facts().await?.min_pin_length;
        holds("the shortest PIN has 6 characters", length == 6)
    }

    /// On, and off again.
    async fn switches_always_uv(&mut self) -> Did {
        for on in [true, false] {
            self.configures(proto::Configure {
                always_uv: Some(on),
                ..proto::Configure::default()
            })
            .await?;
            let option = self.facts().await?.options.get("alwaysUv").copied();
            holds("alwaysUv is as asked", option == Some(on))?;
        }
        Ok(())
    }

    async fn switches_enterprise_attestation_on(&mut self) -> Did {
        self.configures(proto::Configure {
            enable_enterprise_attestation: true,
            ..proto::Configure::default()
        })
        .await?;
        let option = self.facts().await?.options.get("ep").copied();
        holds("ep is on", option == Some(true))
    }

    async fn switches_pin_complexity_on(&mut self) -> Did {
        self.configures(proto::Configure {
            pin_complexity_policy: Some(true),
            ..proto::Configure::default()
        })
        .await?;
        match self.step(change(NEW_PIN, "111111")).await {
            Err(error) if error.rule == "pinComplexityPolicy" => Ok(()),
            other => Err(Undone::Pretended(format!("a simple PIN: {other:?}"))),
        }
    }

    /// Until it is changed the PIN is good for nothing else.
    async fn forces_a_pin_change(&mut self) -> Did {
        let force = proto::Configure {
            force_pin_change: true,
            ..proto::Configure::default()
        };
        self.configures(force.clone()).await?;
        holds("a change is due", self.facts().await?.force_pin_change)?;
        match self.configures(force).await {
            Err(Undone::Refused(error)) if error.code() == Code::PinChangeForced => {}
            _ => return holds("the PIN is refused", false),
        }
        for (from, to) in [(NEW_PIN, OTHER_PIN), (OTHER_PIN, NEW_PIN)] {
            self.is_done(change(from, to)).await?;
        }
        holds("no change is due", !self.facts().await?.force_pin_change)
    }

    async fn switches_long_touch_for_reset_on(&mut self) -> Did {
        self.configures(proto::Configure {
            enable_long_touch_for_reset: true,
            ..proto::Configure::default()
        })
        .await?;
        let on = self.facts().await?.long_touch_for_reset;
        holds("a reset wants a long touch", on)
    }

    async fn resets(&mut self) -> Did {
        self.lease
            .begin("reset", Verb::Reset(proto::Reset {}))
            .await;
        self.lease.done_with(&self.key).await?;
        holds("no PIN is left", !self.key.pin_set())?;
        holds("no credential is left", self.key.credentials() == 0)
    }
}
