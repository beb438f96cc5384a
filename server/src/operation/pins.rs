//! Sealed PINs of one token: written before the token is asked to take one,
//! opened for one step, erased when this server should no longer know them.

use zeroize::Zeroizing;

use crate::{
    key_store::{self, Context, KeyStore},
    store::{
        self, Micros, OperationId, SecretId, TokenId, Write,
        sealed_secret::{self, Kind, SealedSecret, State},
    },
};

/// Seals a PIN in the place of the one of the same kind and state.
pub(super) async fn put(
    tx: &mut Write<'_>,
    keys: &KeyStore,
    place: (TokenId, OperationId),
    (kind, state): (Kind, State),
    pin: &str,
    now: Micros,
) -> store::Result<SealedSecret> {
    let id = SecretId::new();
    let secret = SealedSecret {
        id,
        token_id: place.0,
        kind,
        state,
        sealed: keys.seal(context(&id.to_string(), kind), pin.as_bytes()),
        operation_id: place.1,
        created_at: now,
    };
    sealed_secret::put(tx, &secret).await?;
    Ok(secret)
}

/// Opens one.
pub(super) fn open(
    keys: &KeyStore,
    secret: &SealedSecret,
) -> Result<Zeroizing<String>, key_store::Error> {
    let bytes = keys.open(context(&secret.id.to_string(), secret.kind), &secret.sealed)?;
    let text = core::str::from_utf8(&bytes).map_err(|_| key_store::Error::Sealed {
        kind: secret.kind.to_string(),
    })?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn context(id: &str, kind: Kind) -> Context<'_> {
    Context {
        table: "sealed_secret",
        id,
        kind: kind.as_str(),
    }
}
