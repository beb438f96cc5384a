//! Catches every mail: an SMTP server on the loopback address, with one mailbox
//! for all.

use anyhow::Context;
use mailin::{Action, Handler, Response, SessionBuilder, response};
use serde::Serialize;
use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A mail as it came.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    /// Headers and body.
    pub text: String,
}

/// A running catcher; it stops when dropped.
#[derive(Debug)]
pub struct MailCatcher {
    address: SocketAddr,
    mailbox: Mailbox,
    _stop: DropGuard,
}

/// What was caught so far.
#[derive(Clone, Debug)]
pub struct Mailbox {
    mails: Arc<Mutex<Vec<Mail>>>,
    count: watch::Sender<usize>,
}

impl MailCatcher {
    /// Listens before it returns; `port` 0 takes any free one.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn start(port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .with_context(|| format!("cannot listen on port {port}"))?;
        let address = listener.local_addr()?;
        let mailbox = Mailbox {
            mails: Arc::default(),
            count: watch::Sender::new(0),
        };
        let stop = CancellationToken::new();
        tokio::spawn(stop.clone().run_until_cancelled_owned({
            let mailbox = mailbox.clone();
            async move {
                while let Ok((stream, peer)) = listener.accept().await {
                    tokio::spawn(session(stream, peer.ip(), mailbox.clone()));
                }
            }
        }));
        Ok(Self {
            address,
            mailbox,
            _stop: stop.drop_guard(),
        })
    }

    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    #[must_use]
    pub const fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }
}

impl Mailbox {
    /// All mails to an address, oldest first.
    #[must_use]
    pub fn to(&self, address: &str) -> Vec<Mail> {
        let is_addressee = |mail: &&Mail| mail.to.iter().any(|to| to.eq_ignore_ascii_case(address));
        self.mails().iter().filter(is_addressee).cloned().collect()
    }

    /// Waits until `count` mails have come to an address, and gives the last.
    ///
    /// # Errors
    /// They have not within `limit`.
    pub async fn wait_for(
        &self,
        address: &str,
        count: usize,
        limit: Duration,
    ) -> anyhow::Result<Mail> {
        let mut arrivals = self.count.subscribe();
        let arrived = async {
            loop {
                if let Some(mail) = self.to(address).into_iter().nth(count.saturating_sub(1)) {
                    return mail;
                }
                // The sender lives in `self`.
                let _ = arrivals.changed().await;
            }
        };
        tokio::time::timeout(limit, arrived)
            .await
            .with_context(|| format!("mail {count} to {address} did not come within {limit:?}"))
    }

    fn mails(&self) -> MutexGuard<'_, Vec<Mail>> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mail {
    /// The verification code in it.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        let digits =
            |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
        self.text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .find(digits)
    }
}

async fn session(stream: TcpStream, peer: IpAddr, mailbox: Mailbox) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let receiver = Receiver {
        mailbox,
        mail: None,
    };
    let mut session = SessionBuilder::new("mail-catcher").build(peer, receiver);
    writer.write_all(&session.greeting().buffer()?).await?;
    loop {
        let mut line = Vec::new();
        (&mut reader)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .await?;
        if line.is_empty() {
            return Ok(());
        }
        let answer = session.process(&line);
        match answer.action {
            Action::NoReply => {}
            Action::Close => return writer.write_all(&answer.buffer()?).await,
            Action::Reply | Action::UpgradeTls => writer.write_all(&answer.buffer()?).await?,
        }
    }
}

struct Receiver {
    mailbox: Mailbox,
    mail: Option<(Mail, Vec<u8>)>,
}

impl Handler for Receiver {
    fn data_start(&mut self, _domain: &str, from: &str, _is8bit: bool, to: &[String]) -> Response {
        let mail = Mail {
            from: from.to_owned(),
            to: to.to_vec(),
            text: String::new(),
        };
        self.mail = Some((mail, Vec::new()));
        response::OK
    }

    fn data(&mut self, part: &[u8]) -> std::io::Result<()> {
        if let Some((_, text)) = &mut self.mail {
            text.extend_from_slice(part);
        }
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        if let Some((mut mail, text)) = self.mail.take() {
            mail.text = String::from_utf8_lossy(&text).into_owned();
            self.mailbox.mails().push(mail);
            self.mailbox.count.send_modify(|count| *count += 1);
        }
        response::OK
    }
}

const LONGEST_LINE: u64 = 64 * 1024;
