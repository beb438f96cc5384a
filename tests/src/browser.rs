//! A person at a browser, with a key and its PIN: signs in at the stand-in, and
//! activates what was imported for them.
//!
//! The browser is one more program on the machine where the key is plugged in,
//! beside the agent, on a channel of its own.

mod key;

use anyhow::{Context, bail};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use key::{Ask, Assertion};
use keysteward_core::pin_protocol::Pin;
use reqwest::{Client, StatusCode, Url};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{path::PathBuf, sync::Arc};

pub use key::{Declined, Gone, SocketLink};

/// A client that trusts one root, in PEM.
///
/// # Errors
/// No certificate.
pub fn https(root: &str) -> anyhow::Result<Client> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(root.as_bytes())?)?;
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Client::builder().tls_backend_preconfigured(tls).build()?)
}

/// A browser that knows one site.
#[derive(Clone, Debug)]
pub struct Browser {
    http: Client,
    site: Url,
}

/// Who sits there, and what they hold.
#[expect(missing_debug_implementations, reason = "knows the PIN")]
pub struct Person {
    pub user_name: String,
    /// Where the key listens for programs of its machine.
    pub key: PathBuf,
    pub pin: Pin,
}

/// How a person shows at activation that they are the user.
#[expect(missing_debug_implementations, reason = "may hold a password")]
pub enum Identification {
    /// They read the mail with the code, at the stand-in's mailbox.
    MailedCode,
    Password(String),
}

/// How it ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ended {
    /// In, by this authenticator; or it is active now.
    Well {
        authenticator_id: String,
    },
    RefusedBySite {
        reason: String,
    },
    DeclinedByKey(Declined),
}

impl Browser {
    /// `root` is the PEM certificate of the root that the site's is under.
    ///
    /// # Errors
    /// A wrong address or certificate.
    pub fn new(site: &str, root: &str) -> anyhow::Result<Self> {
        Ok(Self {
            http: https(root)?,
            site: Url::parse(site).with_context(|| format!("{site:?} is no address"))?,
        })
    }

    /// Signs in with the key.
    ///
    /// # Errors
    /// The site or the key cannot be reached, or makes no sense.
    pub async fn sign_in(&self, person: &Person) -> anyhow::Result<Ended> {
        let start = json!({ "userName": person.user_name });
        let options: Options = match self.post("sign-in/start", &start).await? {
            Ok(options) => serde_json::from_value(options)?,
            Err(reason) => return Ok(Ended::RefusedBySite { reason }),
        };
        let assertion = match options.ask(person).await? {
            Ok(assertion) => assertion,
            Err(declined) => return Ok(Ended::DeclinedByKey(declined)),
        };
        let finish = json!({ "transaction": options.transaction, "assertion": assertion });
        self.finish("sign-in/finish", &finish).await
    }

    /// Activates the pending authenticator.
    ///
    /// # Errors
    /// As for [`sign_in`](Self::sign_in); no mail.
    pub async fn activate(
        &self,
        person: &Person,
        identification: &Identification,
        nickname: Option<&str>,
    ) -> anyhow::Result<Ended> {
        let refused = |reason| Ok(Ended::RefusedBySite { reason });
        let start = json!({ "userName": person.user_name });
        let started: Started = match self.post("activation/start", &start).await? {
            Ok(started) => serde_json::from_value(started)?,
            Err(reason) => return refused(reason),
        };
        let mut confirm = json!({ "transaction": started.transaction });
        match identification {
            Identification::MailedCode => {
                confirm["code"] = self.mailed_code(&started.mailed_to).await?.into()
            }
            Identification::Password(password) => confirm["password"] = password.as_str().into(),
        }
        let options: Options = match self.post("activation/confirm", &confirm).await? {
            Ok(options) => serde_json::from_value(options)?,
            Err(reason) => return refused(reason),
        };
        let assertion = match options.ask(person).await? {
            Ok(assertion) => assertion,
            Err(declined) => return Ok(Ended::DeclinedByKey(declined)),
        };
        let finish = json!({
            "transaction": options.transaction, "assertion": assertion, "nickname": nickname,
        });
        self.finish("activation/finish", &finish).await
    }

    /// The code in the newest mail.
    async fn mailed_code(&self, address: &str) -> anyhow::Result<String> {
        let mut url = self.site.join("mail/")?;
        url.path_segments_mut()
            .map_err(|()| anyhow::anyhow!("no path"))?
            .pop_if_empty()
            .push(address);
        let mails = self.http.get(url).send().await?.error_for_status()?;
        let mails: Vec<ReadMail> = mails.json().await?;
        let newest = mails
            .last()
            .with_context(|| format!("no mail to {address}"))?;
        let words = newest.text.split(|c: char| !c.is_ascii_alphanumeric());
        let code = words
            .into_iter()
            .find(|word| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit()));
        Ok(code.context("no code in the mail")?.to_owned())
    }

    async fn finish(&self, path: &str, body: &Value) -> anyhow::Result<Ended> {
        Ok(match self.post(path, body).await? {
            Ok(answer) => Ended::Well {
                authenticator_id: answer["authenticatorId"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            },
            Err(reason) => Ended::RefusedBySite { reason },
        })
    }

    /// The answer, or why the site refused.
    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Result<Value, String>> {
        let response = self
            .http
            .post(self.site.join(path)?)
            .json(body)
            .send()
            .await?;
        let status = response.status();
        let answer: Value = response
            .json()
            .await
            .with_context(|| format!("{path}: HTTP {status}"))?;
        match status {
            StatusCode::OK => Ok(Ok(answer)),
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                Ok(Err(answer["error"].as_str().unwrap_or_default().to_owned()))
            }
            other => bail!("{path}: HTTP {other}: {answer}"),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Started {
    transaction: String,
    mailed_to: String,
}

#[derive(Deserialize)]
struct ReadMail {
    text: String,
}

/// What the site asks of the browser.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    transaction: String,
    challenge: String,
    rp_id: String,
    origin: String,
    /// Empty: whatever the key has for this relying party.
    allow_credentials: Vec<String>,
}

impl Options {
    /// Asks the key, on a thread of its own, and puts the answer as the site
    /// wants it.
    async fn ask(&self, person: &Person) -> anyhow::Result<Result<Value, Declined>> {
        let client_data = json!({
            "type": "webauthn.get",
            "challenge": self.challenge,
            "origin": self.origin,
            "crossOrigin": false,
        })
        .to_string();
        let allowed = self.allow_credentials.iter().map(|id| BASE64URL.decode(id));
        let ask = Ask {
            rp_id: self.rp_id.clone(),
            client_data_hash: Sha256::digest(&client_data).into(),
            allowed: allowed.collect::<Result<_, _>>()?,
        };
        let (socket, pin) = (person.key.clone(), person.pin.clone());
        let answered =
            tokio::task::spawn_blocking(move || key::assert(&socket, &pin, &ask)).await??;
        Ok(answered.map(|assertion: Assertion| {
            json!({
                "credentialId": BASE64URL.encode(assertion.credential_id),
                "authenticatorData": BASE64URL.encode(assertion.authenticator_data),
                "clientDataJSON": BASE64URL.encode(client_data),
                "signature": BASE64URL.encode(assertion.signature),
            })
        }))
    }
}
