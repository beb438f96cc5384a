//! Format `compound`: several statements about one credential. WebAuthn Level 3 §8.9.
//!
//! Each must be accepted. The standard leaves it open whether some will do; a
//! statement that does not hold says that something is wrong with the token.

use super::{Evidence, Signed, one};
use crate::attestation::Refusal;
use keysteward_core::cbor::{Error, Raw, Reader};

pub(super) const COMPOUND: &str = "compound";

pub(super) fn evidence<'a>(
    att_stmt: Raw<'a>,
    signed: &Signed<'_>,
) -> Result<Vec<Evidence<'a>>, Refusal> {
    let statements = statements(att_stmt).map_err(Refusal::Statement)?;
    if statements.len() < 2 {
        return Err(Refusal::Compound {
            found: statements.len().to_string(),
        });
    }
    let mut found = Vec::with_capacity(statements.len());
    for (index, (fmt, att_stmt)) in statements.into_iter().enumerate() {
        if fmt == COMPOUND {
            return Err(Refusal::Compound {
                found: "a compound one".to_owned(),
            });
        }
        found.push(
            one(fmt, att_stmt, signed).map_err(|refusal| Refusal::InCompound {
                number: index + 1,
                refusal: Box::new(refusal),
            })?,
        );
    }
    Ok(found)
}

fn statements<'a>(att_stmt: Raw<'a>) -> Result<Vec<(&'a str, Raw<'a>)>, Error> {
    let mut statements = Vec::new();
    let mut reader = Reader::new(att_stmt.bytes());
    reader.array(|r| {
        let (mut fmt, mut statement) = (None, None);
        r.map(|label, r| {
            match label {
                _ if label.is("fmt") => fmt = Some(r.read()?),
                _ if label.is("attStmt") => statement = Some(r.read()?),
                unknown => r.skip_unknown(unknown)?,
            }
            Ok(())
        })?;
        let missing = |member| Error::Missing { member };
        statements.push((
            fmt.ok_or(missing("fmt in the compound statement"))?,
            statement.ok_or(missing("attStmt in the compound statement"))?,
        ));
        Ok(())
    })?;
    reader.finish()?;
    Ok(statements)
}
