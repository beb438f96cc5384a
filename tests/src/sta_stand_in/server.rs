//! The stand-in as a whole: its parts wired, started, stopped.

use super::{
    AuditEntry, AuthenticatorState, Fault, activation::Activations, answer::Refused, console,
    faults, rest, sign_in, sign_in::SignIns, tenant::Tenant, tls::Identity,
};
use crate::mail_catcher::{MailCatcher, Mailbox};
use axum::Router;
use rand::{RngCore, rngs::OsRng};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How a tenant is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// 0: any free one.
    pub port: u16,
    pub tenant_code: String,
    pub rp_id: String,
    pub origin: String,
    /// The initial position of the switch.
    pub import_via_api: bool,
    /// Where codes are mailed.
    pub smtp: SocketAddr,
    /// Shown at `/mail/<address>`, for readers in other processes.
    pub mailbox: Option<Mailbox>,
}

impl Options {
    /// A tenant that accepts imports and whose mails are caught.
    #[must_use]
    pub fn new(mail: &MailCatcher) -> Self {
        Self {
            port: 0,
            tenant_code: "Q41RKXHPWU".to_owned(),
            rp_id: "sta-stand-in.example".to_owned(),
            origin: "https://login.sta-stand-in.example".to_owned(),
            import_via_api: true,
            smtp: mail.address(),
            mailbox: Some(mail.mailbox().clone()),
        }
    }
}

/// A running stand-in; it stops when dropped.
#[derive(Debug)]
pub struct StaStandIn {
    site: Arc<Site>,
    root: String,
    address: SocketAddr,
    _stop: DropGuard,
}

/// What all handlers share. No lock is held across an await.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) options: Options,
    pub(super) api_key: String,
    pub(super) address: OnceLock<SocketAddr>,
    pub(super) faults: faults::Faults,
    pub(super) activations: Activations,
    pub(super) sign_ins: SignIns,
    tenant: Mutex<Tenant>,
}

impl Site {
    pub(super) fn tenant(&self) -> MutexGuard<'_, Tenant> {
        self.tenant.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `https://address`, without a slash.
    pub(super) fn url(&self) -> String {
        let address = self.address.get().map(ToString::to_string);
        format!("https://{}", address.unwrap_or_default())
    }

    pub(super) fn rest_path(&self) -> String {
        format!("/api/v1/tenants/{}", self.options.tenant_code)
    }
}

impl StaStandIn {
    /// Listens before it returns.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let port = options.port;
        let site = Arc::new(Site {
            tenant: Mutex::new(Tenant::new(options.import_via_api)),
            options,
            api_key: secret(),
            address: OnceLock::new(),
            faults: faults::Faults::default(),
            activations: Activations::default(),
            sign_ins: SignIns::default(),
        });
        let router = Router::new()
            .merge(rest::router(&site))
            .merge(faults::router(&site))
            .merge(console::router(&site))
            .merge(super::activation::router(&site))
            .merge(sign_in::router(&site));
        let identity = Identity::new()?;
        let stop = CancellationToken::new();
        let address = identity.serve(port, router, stop.clone()).await?;
        // Set once, here.
        let address = *site.address.get_or_init(|| address);
        Ok(Self {
            site,
            root: identity.root,
            address,
            _stop: stop.drop_guard(),
        })
    }

    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `https://address/`
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/", self.site.url())
    }

    /// What an administrator copies from Settings > API Keys.
    #[must_use]
    pub fn rest_url(&self) -> String {
        format!("{}{}/", self.site.url(), self.site.rest_path())
    }

    #[must_use]
    pub fn options(&self) -> &Options {
        &self.site.options
    }

    /// Of this start: random.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.site.api_key
    }

    /// PEM of the root of its certificate.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Makes a coming request go wrong.
    pub fn inject(&self, fault: Fault) {
        self.site.faults.add(fault);
    }

    /// The switch in the console.
    pub fn set_import_via_api(&self, on: bool) {
        self.site.tenant().import_via_api = on;
    }

    /// Ids and states of a user's authenticators; none for a stranger.
    #[must_use]
    pub fn authenticators(&self, user_name: &str) -> Vec<(String, AuthenticatorState)> {
        let tenant = self.site.tenant();
        let Ok(user) = tenant.user_by_name(user_name) else {
            return Vec::new();
        };
        let authenticators = user.authenticators().iter();
        authenticators
            .map(|found| (found.id().to_owned(), found.state()))
            .collect()
    }

    /// Names of all users.
    #[must_use]
    pub fn user_names(&self) -> Vec<String> {
        self.site
            .tenant()
            .users()
            .map(|user| user.name().to_owned())
            .collect()
    }

    /// What the activation flow does once it has verified everything: for
    /// tests that are about what comes after.
    ///
    /// # Errors
    /// No such authenticator, or it is not pending.
    pub fn activate(&self, user_name: &str, id: &str) -> anyhow::Result<()> {
        let mut tenant = self.site.tenant();
        let activate = |tenant: &mut Tenant| -> Result<(), Refused> {
            let user = tenant.user_by_name(user_name)?.id().to_owned();
            tenant.activate(&user, id, None)
        };
        activate(&mut tenant).map_err(|refused| anyhow::anyhow!(refused.why))
    }

    #[must_use]
    pub fn audit(&self) -> Vec<AuditEntry> {
        self.site.tenant().audit().to_vec()
    }
}

/// 32 hexadecimal digits that nobody guesses.
pub(super) fn secret() -> String {
    let mut bytes = [0; 16];
    OsRng.fill_bytes(&mut bytes);
    hex::encode(bytes)
}
