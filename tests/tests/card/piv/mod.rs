//! PIV cards: ours in the hands of other people's clients, over the real pcscd, and other people's
//! card in ours.
//!
//! | module | what |
//! |---|---|
//! | `desk` | a card at a reader, and programs beside it |
//! | `yubico_piv_tool` | the life of a card, by Yubico's client |
//! | `opensc` | OpenSC's, which sign through PKCS #11 |
//! | `piv_authenticator` | our client with Nitrokey's card |

mod desk;
mod opensc;
mod piv_authenticator;
mod yubico_piv_tool;
