//! Secrets wiped by those who hold them, and compared.

use keysteward_core::crypto::{PrivateKey, Secret};
use keysteward_core::{gids, pin_protocol, piv, session};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::unknown::{any, see};

pub(crate) fn prove() {
    wiped::<PrivateKey>();
    wiped::<Secret<32>>();
    wiped::<pin_protocol::Pin>();
    wiped::<pin_protocol::Plaintext>();
    wiped::<piv::Pin>();
    wiped::<gids::pin::Pin>();
    wiped::<gids::session::NewAdminKey>();
    wiped::<session::Buffers>();
    wiped::<piv::session::Buffers>();
    wiped::<gids::session::Buffers>();
    see(any::<&piv::Pin>().ct_eq(any()));
}

fn wiped<T: Zeroize>() {
    any::<&mut T>().zeroize();
}
