//! The ciphers of admin keys.

use keysteward_core::admin_key::Cipher;

use crate::unknown::{any, see};

pub(crate) fn prove() {
    let cipher: Cipher = any();
    see(cipher.block_len());
    see(cipher.key_len());
    see(cipher.name());
    see(Cipher::from_name(any()));
    see(cipher.piv_id());
    see(Cipher::from_piv_id(any()));
}
