//! The stand-in as a whole: its parts wired, started, stopped.

use super::{
    Fault, State,
    authority::{Authority, Order, Signed},
    console, faults,
    refused::Refused,
    register::Register,
    rest,
    tls::{Client, Identity},
};
use axum::{Router, http::StatusCode};
use jiff::Timestamp;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How a gateway is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// 0: any free one.
    pub port: u16,
    pub ca_id: String,
    /// What `ca-client-id` must say; absent: it is not looked at.
    pub client_id: Option<String>,
    /// The most events on a page.
    pub page_size: usize,
    /// The initial position of the switch.
    pub agreement_needed: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            ca_id: "ecsmcn158emsuw~1sw46hf1g0wrdc".to_owned(),
            client_id: None,
            page_size: 50,
            agreement_needed: false,
        }
    }
}

/// A running stand-in; it stops when dropped.
pub struct CaGatewayStandIn {
    site: Arc<Site>,
    identity: Identity,
    address: SocketAddr,
    _stop: DropGuard,
}

impl std::fmt::Debug for CaGatewayStandIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CaGatewayStandIn")
            .field(&self.address)
            .finish()
    }
}

/// What all handlers share. No lock is held across an await.
pub(super) struct Site {
    pub(super) options: Options,
    pub(super) authority: Authority,
    pub(super) faults: faults::Faults,
    register: Mutex<Register>,
    previous: Mutex<Vec<String>>,
}

impl Site {
    pub(super) fn register(&self) -> MutexGuard<'_, Register> {
        self.register.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn remember_previous(&self, subject: &str) {
        let mut previous = self.previous.lock().unwrap_or_else(PoisonError::into_inner);
        previous.push(subject.to_owned());
    }

    #[expect(clippy::disallowed_methods, reason = "a program's own clock")]
    pub(super) fn now(&self) -> Timestamp {
        Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    pub(super) fn sign(&self, order: &Order, now: Timestamp) -> Result<Signed, Refused> {
        self.authority.sign(order, now).map_err(|error| {
            let message = "The CA does not sign";
            Refused::new(StatusCode::BAD_REQUEST, "cagw-4005", message).detail(error.to_string())
        })
    }
}

impl CaGatewayStandIn {
    /// Listens before it returns.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let port = options.port;
        let site = Arc::new(Site {
            authority: Authority::new()?,
            faults: faults::Faults::default(),
            register: Mutex::new(Register {
                agreement_needed: options.agreement_needed,
                ..Register::default()
            }),
            previous: Mutex::default(),
            options,
        });
        let router = Router::new()
            .merge(rest::router(&site))
            .merge(faults::router(&site))
            .merge(console::router(&site));
        let identity = Identity::new()?;
        let stop = CancellationToken::new();
        let address = identity.serve(port, router, stop.clone()).await?;
        Ok(Self {
            site,
            identity,
            address,
            _stop: stop.drop_guard(),
        })
    }

    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What an administrator types as the address of the gateway.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}/cagw", self.address)
    }

    #[must_use]
    pub fn options(&self) -> &Options {
        &self.site.options
    }

    /// PEM of the root of its certificate.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.identity.root
    }

    /// A new client of the gateway's.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn client(&self, name: &str) -> anyhow::Result<Client> {
        self.identity.client(name)
    }

    /// DER of the issuing CA.
    #[must_use]
    pub fn authority(&self) -> &[u8] {
        self.site.authority.certificate()
    }

    /// Makes a coming request go wrong.
    pub fn inject(&self, fault: Fault) {
        self.site.faults.add(fault);
    }

    /// From now on somebody has to agree to enrolments.
    pub fn set_agreement_needed(&self, needed: bool) {
        self.site.register().agreement_needed = needed;
    }

    /// Agrees to all that is pending.
    ///
    /// # Errors
    /// The CA does not sign.
    pub fn agree_to_all(&self) -> anyhow::Result<()> {
        let ids: Vec<_> = self
            .site
            .register()
            .pending
            .iter()
            .map(|pending| pending.id.clone())
            .collect();
        for id in ids {
            console::agreed(&self.site, &id)
                .map_err(|refused| anyhow::anyhow!("{}", refused.body()))?;
        }
        Ok(())
    }

    /// Serial numbers, subjects and states of all that was issued.
    #[must_use]
    pub fn certificates(&self) -> Vec<(String, String, State)> {
        let register = self.site.register();
        let certificates = register.certificates.iter();
        certificates
            .map(|found| {
                (
                    found.signed.serial.clone(),
                    found.subject.clone(),
                    found.state,
                )
            })
            .collect()
    }

    /// What enrolments said of former subjects.
    #[must_use]
    pub fn previous_subjects(&self) -> Vec<String> {
        let previous = &self.site.previous;
        previous
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
