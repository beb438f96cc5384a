//! A token on its own thread: the ways to it, and what is open of them.

use std::sync::Arc;

use keysteward_core::{
    ctaphid::{HidTransport, TransportError},
    nfcctap::NfcTransport,
    session::Millis,
};
use rand::{RngCore as _, rngs::OsRng};

use super::{Channel, ChannelError, Inventory, Sight, Token, inventory::plain};
use crate::transport::{
    self, Description, Port, ReportPort,
    pcsc::{PcscError, PcscLink, PcscPort},
};

/// How long a token may take to open its channel.
const OPEN_PATIENCE_MS: u64 = 3_000;

/// A token and the ways to it, as a job finds them.
#[derive(Debug)]
pub(crate) struct Bench {
    token: Arc<Token>,
    inventory: Arc<Inventory>,
    reports: Option<ReportPort>,
    card: Option<PcscPort>,
    open: Open,
}

/// What is open of a token. A card is in one hand at a time: FIDO's, or that of its other applets.
#[derive(Debug, Default)]
struct Open {
    channel: Option<Channel>,
    card: Option<PcscLink>,
}

impl Bench {
    pub(super) fn new(token: Arc<Token>, inventory: Arc<Inventory>, port: Port) -> Self {
        let (reports, card) = match port {
            Port::Reports(port) => (Some(port), None),
            Port::Card(port) => (None, Some(port)),
        };
        Self {
            token,
            inventory,
            reports,
            card,
            open: Open::default(),
        }
    }

    pub(crate) const fn token(&self) -> &Arc<Token> {
        &self.token
    }

    /// The token's channel for FIDO, opened if it is not: over HID where the token is seen there,
    /// else at its reader, where another program may hold it until `patience`. What was selected on
    /// the card is not any more then.
    pub(crate) fn link(&mut self, patience: Millis) -> Result<&mut Channel, ChannelError> {
        if self.open.channel.as_mut().is_none_or(Channel::is_lost) {
            self.open.channel = None;
            self.open.channel = Some(match &mut self.reports {
                Some(port) => {
                    let deadline = transport::now().after(OPEN_PATIENCE_MS);
                    let link = port.open().map_err(TransportError::Link)?;
                    let mut nonce = [0; 8];
                    OsRng.fill_bytes(&mut nonce);
                    Channel::Hid(HidTransport::open(link, nonce, deadline)?.into())
                }
                None => {
                    let card = self.take_card(patience)?;
                    let deadline = transport::now().after(OPEN_PATIENCE_MS);
                    Channel::Nfc(NfcTransport::open(card, deadline)?.into())
                }
            });
        }
        // Filled above.
        self.open
            .channel
            .as_mut()
            .ok_or(ChannelError::Hid(TransportError::Deadline))
    }

    /// The card at its reader, for its applets beside FIDO: held from the first call on until the
    /// lease is over, so that no other program's commands come between those of two jobs. One that
    /// holds the card itself is waited for until `patience`.
    ///
    /// A step begins with the SELECT of its applet. A link that was lost, since the card was reset
    /// or the service restarted, is opened anew by the next call, and nothing is selected then.
    pub(crate) fn card(&mut self, patience: Millis) -> Result<&mut PcscLink, PcscError> {
        let card = self.take_card(patience)?;
        Ok(self.open.card.insert(card))
    }

    /// The same card, if it is held without a break since the last [`card`](Self::card), and FIDO
    /// was not spoken to at it: what was selected and unlocked on it still is, and a challenge
    /// that it gave still counts.
    pub(crate) fn held_card(&mut self) -> Option<&mut PcscLink> {
        self.open.card.as_mut().filter(|card| !card.is_lost())
    }

    /// Out of whichever hand it is in.
    fn take_card(&mut self, patience: Millis) -> Result<PcscLink, PcscError> {
        match self.take_held() {
            Some(card) => Ok(card),
            None => match &self.card {
                Some(port) => port.open(patience),
                None => Err(PcscError::NotAtReader),
            },
        }
    }

    fn take_held(&mut self) -> Option<PcscLink> {
        let held = match self.open.card.take() {
            Some(card) => Some(card),
            None => match self.open.channel.take() {
                Some(Channel::Nfc(nfc)) => Some(nfc.into_card()),
                hid => {
                    self.open.channel = hid;
                    None
                }
            },
        };
        held.filter(|card| !card.is_lost())
    }

    /// Closes what is open: other programs may have the token.
    pub(super) fn release(&mut self) {
        self.open = Open::default();
    }

    /// Keeps the system from taking the card away while nobody asks anything of it.
    pub(super) fn keep(&mut self) {
        let card = match &mut self.open {
            Open {
                card: Some(card), ..
            } => card,
            Open {
                channel: Some(Channel::Nfc(nfc)),
                ..
            } => nfc.card_mut(),
            Open { .. } => return,
        };
        // Whoever uses it next is told, or gets it anew.
        if let Err(error) = card.keep() {
            tracing::debug!(presence_id = self.token.presence_id(), %error, "a held card");
        }
    }

    pub(super) const fn holds_card(&self) -> bool {
        self.open.card.is_some() || matches!(self.open.channel, Some(Channel::Nfc(_)))
    }

    /// Whether its other applets can be reached.
    pub(crate) const fn is_at_reader(&self) -> bool {
        self.card.is_some()
    }

    /// The one way to it, for another token whose other side this is.
    pub(super) fn take_port(&mut self) -> Option<Port> {
        self.release();
        match (self.reports.take(), self.card.take()) {
            (Some(reports), _) => Some(Port::Reports(reports)),
            (None, card) => card.map(Port::Card),
        }
    }

    /// The token is seen from its other side, too.
    pub(super) fn join(&mut self, other: Description, port: Port) {
        let other = plain(other);
        let known = self.token.description();
        let (of_key, of_reader) = match port {
            Port::Reports(port) => {
                self.reports = Some(port);
                // FIDO goes over HID from now on; a card that is held stays so.
                let card = self.take_held();
                self.open = Open {
                    card,
                    channel: None,
                };
                (other, (*known).clone())
            }
            Port::Card(port) => {
                self.card = Some(port);
                ((*known).clone(), other)
            }
        };
        self.token.set_description(Description {
            reader: of_reader.reader,
            reader_serial: of_reader.reader_serial,
            atr: of_reader.atr,
            position: of_key.position.or(of_reader.position),
            ..of_key
        });
    }

    /// The token is seen on HID alone.
    pub(super) fn part(&mut self) {
        self.card = None;
        self.open.card = None;
        let known = (*self.token.description()).clone();
        self.token.set_description(Description {
            reader: String::new(),
            reader_serial: String::new(),
            atr: Vec::new(),
            ..known
        });
    }

    /// Lists what the token tells of itself now.
    pub(crate) fn put(&self, sight: Sight) {
        self.inventory.put(&self.token, sight);
    }
}
