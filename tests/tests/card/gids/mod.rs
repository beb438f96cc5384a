//! Our GIDS card with OpenSC's clients, which know nothing of it but the specification and what
//! Windows' minidriver does.
//!
//! | module | what |
//! |---|---|
//! | `desk` | a card on the reader, programs beside it, and our own client |
//! | `opensc` | `gids-tool`, `pkcs11-tool` and `pkcs15-tool` do what there is to do |
//! | `both` | what one client leaves, the other reads |

mod both;
mod desk;
mod opensc;
