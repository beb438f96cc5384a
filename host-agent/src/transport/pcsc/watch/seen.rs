//! The cards that were told of, and what is told when the next look at the readers differs.

use std::{
    collections::BTreeMap,
    ffi::{CStr, CString},
    sync::Arc,
};

use pcsc::{ReaderState, State};

use super::{
    super::{
        super::{Description, Kind, Listener, Notice, Place, Port},
        PcscPort, Reader,
    },
    about_reader,
};

/// What a reader says of the card on it.
pub(super) struct Sight<'s> {
    reader: &'s CStr,
    /// `None`: it is empty.
    card: Option<CardSight<'s>>,
}

pub(super) struct CardSight<'s> {
    /// Of cards that came and went on this reader since the service runs.
    count: u32,
    is_mute: bool,
    /// Another program has it for itself.
    is_taken: bool,
    atr: &'s [u8],
    /// Asks the reader about itself.
    describe: Box<dyn Fn() -> Description + 's>,
}

impl<'s> Sight<'s> {
    pub(super) fn of(state: &'s ReaderState) -> Self {
        let told = state.event_state();
        let card = told.contains(State::PRESENT).then(|| CardSight {
            count: state.event_count(),
            is_mute: told.contains(State::MUTE),
            is_taken: told.contains(State::EXCLUSIVE),
            atr: state.atr(),
            describe: Box::new(|| about_reader::describe(state.name())),
        });
        Self {
            reader: state.name(),
            card,
        }
    }
}

/// The cards that were told of.
pub(super) struct Seen {
    listener: Listener,
    cards: BTreeMap<CString, Told>,
}

/// A card that was told of.
#[derive(Clone, Copy, Eq, PartialEq)]
struct Told {
    count: u32,
    is_mute: bool,
    is_taken: bool,
}

impl Seen {
    pub(super) const fn nothing(listener: Listener) -> Self {
        Self {
            listener,
            cards: BTreeMap::new(),
        }
    }

    /// Tells of what came, changed and went since the last look at every reader.
    pub(super) fn update<'s>(&mut self, sights: impl Iterator<Item = Sight<'s>>) {
        let mut before = std::mem::take(&mut self.cards);
        for Sight { reader, card } in sights {
            let told = before.remove(reader);
            let Some(card) = card else {
                if told.is_some() {
                    self.went(reader);
                }
                continue;
            };
            let now = Told {
                count: card.count,
                is_mute: card.is_mute,
                is_taken: card.is_taken,
            };
            match told {
                Some(told) if told.count == now.count && told.is_mute == now.is_mute => {
                    if told.is_taken && !now.is_taken {
                        (self.listener)(Notice::Changed {
                            place: place(reader),
                        });
                    }
                }
                told => {
                    if told.is_some() {
                        self.went(reader);
                    }
                    self.came(reader, &card);
                }
            }
            self.cards.insert(reader.to_owned(), now);
        }
        // Their readers are gone.
        for reader in before.keys() {
            self.went(reader);
        }
    }

    pub(super) fn is_any_taken(&self) -> bool {
        self.cards.values().any(|card| card.is_taken)
    }

    pub(super) fn forget_all(&mut self) {
        self.update(std::iter::empty());
    }

    fn came(&self, reader: &CStr, card: &CardSight<'_>) {
        (self.listener)(Notice::Came {
            place: place(reader),
            description: Description {
                kind: Kind::Pcsc,
                reader: reader.to_string_lossy().into_owned(),
                atr: card.atr.to_vec(),
                ..(card.describe)()
            },
            port: Port::Card(self.port(reader, !card.is_mute)),
        });
    }

    fn port(&self, name: &CStr, has_card: bool) -> PcscPort {
        let (listener, place) = (Arc::clone(&self.listener), place(name));
        let reader = Reader {
            name: name.to_owned(),
            has_card,
        };
        PcscPort::of(reader, move || {
            listener(Notice::Changed {
                place: place.clone(),
            });
        })
    }

    fn went(&self, reader: &CStr) {
        (self.listener)(Notice::Went {
            place: place(reader),
        });
    }
}

fn place(reader: &CStr) -> Place {
    format!("reader {}", reader.to_string_lossy())
}

#[cfg(test)]
mod tests;
