//! Generates the Rust of `keysteward/`, without protoc.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

/// Messages that carry a secret: `Debug` is written by hand in `src/secret.rs`.
const SECRET: [&str; 52] = [
    ".keysteward.agent.v1.ListCredentials",
    ".keysteward.agent.v1.SetPin",
    ".keysteward.agent.v1.ChangePin",
    ".keysteward.agent.v1.Configure",
    ".keysteward.agent.v1.MakeCredential",
    ".keysteward.agent.v1.DeleteCredential",
    ".keysteward.agent.v1.ProveCredential",
    ".keysteward.agent.v1.UpdateUser",
    ".keysteward.agent.v1.GrantPersistentToken",
    ".keysteward.agent.v1.ListFingerprints",
    ".keysteward.agent.v1.EnrollFingerprint",
    ".keysteward.agent.v1.RenameFingerprint",
    ".keysteward.agent.v1.RemoveFingerprint",
    ".keysteward.agent.v1.ListLargeBlobs",
    ".keysteward.agent.v1.ReadLargeBlob",
    ".keysteward.agent.v1.WriteLargeBlob",
    ".keysteward.agent.v1.DeleteLargeBlob",
    ".keysteward.agent.v1.ReadIdentity",
    ".keysteward.agent.v1.VendorConfigure",
    ".keysteward.agent.v1.PersistentTokenGranted",
    ".keysteward.agent.v1.LargeBlobRead",
    ".keysteward.agent.v1.Raw",
    ".keysteward.agent.v1.RawResult",
    ".keysteward.agent.v1.CardRaw",
    ".keysteward.agent.v1.CardRawResult",
    ".keysteward.agent.v1.AdminProof",
    ".keysteward.agent.v1.AdminAnswer",
    ".keysteward.agent.v1.ChangeAdminKey",
    ".keysteward.agent.v1.ChangeCardPin",
    ".keysteward.agent.v1.SetCardPin",
    ".keysteward.agent.v1.SetPinTries",
    ".keysteward.agent.v1.Personalise",
    ".keysteward.agent.v1.GenerateKey",
    ".keysteward.agent.v1.SignCertificationRequest",
    ".keysteward.agent.v1.WriteCertificate",
    ".keysteward.agent.v1.DeleteContainer",
    ".keysteward.agent.v1.ResetCard",
    ".keysteward.agent.v1.AnswerChallenge",
    ".keysteward.enrolment.v1.EnrolRequest",
    ".keysteward.server.v1.CreateJoinTokenResponse",
    ".keysteward.server.v1.CreateConnectionRequest",
    ".keysteward.server.v1.HandOverPin",
    ".keysteward.server.v1.Revoke",
    ".keysteward.server.v1.SetPin",
    ".keysteward.server.v1.RevealPinResponse",
    ".keysteward.server.v1.FactorySecrets",
    ".keysteward.server.v1.RenewCertificates",
    ".keysteward.server.v1.ReissueCertificates",
    ".keysteward.server.v1.UnblockCard",
    ".keysteward.server.v1.ReleasePukResponse",
    ".keysteward.server.v1.CreateTokenTypeRequest",
    ".keysteward.server.v1.CreateApiKeyResponse",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=keysteward");
    let descriptors = protox::compile(
        [
            "keysteward/error/v1/error.proto",
            "keysteward/agent/v1/host.proto",
            "keysteward/agent/v1/token.proto",
            "keysteward/agent/v1/fido.proto",
            "keysteward/agent/v1/journal.proto",
            "keysteward/agent/v1/card.proto",
            "keysteward/agent/v1/card_facts.proto",
            "keysteward/enrolment/v1/enrolment.proto",
            "keysteward/server/v1/hosts.proto",
            "keysteward/server/v1/tokens.proto",
            "keysteward/server/v1/issuing.proto",
            "keysteward/server/v1/operations.proto",
            "keysteward/server/v1/system.proto",
            "keysteward/server/v1/cards.proto",
        ],
        ["."],
    )?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .skip_debug(SECRET)
        .compile_fds(descriptors)?;
    Ok(())
}
