//! What must come of each verb with each kind of key.

use keysteward_virtual_token::manufacture::Profile;

/// A kind of key.
pub(super) struct Column {
    pub(super) profile: Profile,
    /// The CTAP2 commands by which it is asked for all of the table. At a reader there are no
    /// packets to look into.
    pub(super) commands: &'static [u8],
}

impl Column {
    pub(super) fn name(&self) -> &'static str {
        self.profile.features().name
    }
}

/// One thing that is asked of every kind of key.
pub(super) struct Row {
    pub(super) verb: &'static str,
    pub(super) asked: Asked,
    /// In the order of the columns. `done`: and so it was; `-`: refused as not supported, for a
    /// reason in `lacks`, or since the key speaks U2F alone; `.`: there was nothing to do it to.
    pub(super) cells: [&'static str; 9],
    pub(super) lacks: &'static [&'static str],
}

#[derive(Clone, Copy)]
pub(super) enum Asked {
    Inspect,
    Select,
    Wink,
    Look,
    Raw,
    SetPin,
    ChangePin,
    MinPinLength,
    AlwaysUv,
    EnterpriseAttestation,
    PinComplexity,
    ForcePinChange,
    LongTouchForReset,
    Make,
    MakeWithBlobKey,
    Register,
    List,
    PersistentToken,
    Rename,
    Prove,
    ProveRegistered,
    WriteBlob,
    ListBlobs,
    ReadBlob,
    DeleteBlob,
    Sensor,
    Enroll,
    ListFingers,
    RenameFinger,
    RemoveFinger,
    Delete,
    Reset,
}

pub(super) const COLUMNS: [Column; 9] = [
    Column {
        profile: Profile::Ctap23,
        commands: &[0x01, 0x02, 0x04, 0x06, 0x07, 0x0A, 0x0B, 0x0C, 0x0D],
    },
    Column {
        profile: Profile::Ctap21,
        commands: &[0x01, 0x02, 0x04, 0x06, 0x07, 0x0A, 0x0B, 0x0C, 0x0D],
    },
    Column {
        profile: Profile::Ctap21Pre,
        commands: &[0x01, 0x02, 0x04, 0x06, 0x07, 0x40, 0x41],
    },
    Column {
        profile: Profile::Ctap20,
        commands: &[0x01, 0x02, 0x04, 0x06, 0x07],
    },
    Column {
        profile: Profile::Biometric,
        commands: &[0x01, 0x02, 0x04, 0x06, 0x07, 0x09, 0x0A, 0x0B, 0x0C, 0x0D],
    },
    Column {
        profile: Profile::Enterprise,
        commands: &[0x01, 0x02, 0x04, 0x06, 0x07, 0x0A, 0x0B, 0x0C, 0x0D],
    },
    Column {
        profile: Profile::LargeBlob,
        commands: &[0x01, 0x02, 0x04, 0x06, 0x07, 0x0A, 0x0B, 0x0D],
    },
    Column {
        profile: Profile::U2fOnly,
        commands: &[],
    },
    Column {
        profile: Profile::NfcOnly,
        commands: &[],
    },
];

const fn row(
    verb: &'static str,
    asked: Asked,
    cells: [&'static str; 9],
    lacks: &'static [&'static str],
) -> Row {
    Row {
        verb,
        asked,
        cells,
        lacks,
    }
}

/// Stands for "done" where it stands beside others.
const D: &str = "done";

#[rustfmt::skip]
pub(super) const TABLE: &[Row] = &[
    //                                                    2.3 2.1 PRE 2.0 bio ent lb  u2f nfc
    row("inspect", Asked::Inspect,                       [D,  D,  D,  D,  D,  D,  D,  "-", D], &[]),
    row("select", Asked::Select,                         [D,  D,  D,  D,  D,  D,  D,  D,  D], &[]),
    row("wink", Asked::Wink,                             [D,  D,  D,  D,  D,  D,  D,  D, "-"], &["nothing to wink with"]),
    row("look", Asked::Look,                             [D,  D,  D,  D,  D,  D,  D,  D,  D], &[]),
    row("raw", Asked::Raw,                               [D,  D,  D,  D,  D,  D,  D,  "-", D], &[]),
    row("set PIN", Asked::SetPin,                        [D,  D,  D,  D,  D,  D,  D,  "-", D], &[]),
    row("change PIN", Asked::ChangePin,                  [D,  D,  D,  D,  D,  D,  D,  "-", D], &[]),
    row("min PIN length", Asked::MinPinLength,           [D,  D, "-","-", D,  D,  D,  "-", D], &["no settable minimum PIN length"]),
    row("always UV", Asked::AlwaysUv,                    [D,  D, "-","-", D,  D,  D,  "-", D], &["cannot always ask"]),
    row("enterprise", Asked::EnterpriseAttestation,      [D,  D, "-","-", D,  D,  D,  "-", D], &["no enterprise attestation"]),
    row("PIN complexity", Asked::PinComplexity,          [D, "-","-","-", D,  D,  D,  "-", D], &["no PIN complexity policy", "no settable minimum PIN length"]),
    row("force PIN change", Asked::ForcePinChange,       [D,  D, "-","-", D,  D,  D,  "-", D], &["no settable minimum PIN length"]),
    row("long touch for reset", Asked::LongTouchForReset,[D, "-","-","-", D,  D,  D,  "-", D], &["cannot ask for a long touch"]),
    row("make", Asked::Make,                             [D,  D,  D,  D,  D,  D,  D,  "-", D], &[]),
    row("make for a blob", Asked::MakeWithBlobKey,       [D,  D, "-","-", D,  D, "-", "-", D], &["largeBlobKey"]),
    row("register", Asked::Register,                     [D,  D, "PIN_REQUIRED", "PIN_REQUIRED",  D,  D, D,  D, D], &[]),
    row("list", Asked::List,                             [D,  D,  D, "-", D,  D,  D,  "-", D], &["cannot list or delete"]),
    row("persistent token", Asked::PersistentToken,      [D, "-","-","-", D,  D,  D,  "-", D], &["no lasting access"]),
    row("rename", Asked::Rename,                         [D,  D, "-","-", D,  D,  D,  ".", D], &["cannot change the user", "cannot list or delete"]),
    row("prove", Asked::Prove,                           [D,  D,  D,  D,  D,  D,  D,  ".", D], &[]),
    row("prove without PIN", Asked::ProveRegistered,     [D,  D, ".",".", D,  D,  D,  D,  D], &[]),
    row("write blob", Asked::WriteBlob,                  [D,  D, "-","-", D,  D, "-", "-", D], &["large blobs"]),
    row("list blobs", Asked::ListBlobs,                  [D,  D, "-","-", D,  D, "-", "-", D], &["large blobs"]),
    row("read blob", Asked::ReadBlob,                    [D,  D, "-","-", D,  D, "-", "-", D], &["large blobs"]),
    row("delete blob", Asked::DeleteBlob,                [D,  D, "-","-", D,  D, "-", "-", D], &["large blobs"]),
    row("sensor", Asked::Sensor,                         ["-","-", D, "-", D, "-","-","-","-"], &["no fingerprint sensor"]),
    row("enroll", Asked::Enroll,                         ["-","-", D, "-", D, "-","-","-","-"], &["no fingerprint sensor"]),
    row("list fingers", Asked::ListFingers,              ["-","-", D, "-", D, "-","-","-","-"], &["no fingerprint sensor"]),
    row("rename finger", Asked::RenameFinger,            ["-","-", D, "-", D, "-","-","-","-"], &["no fingerprint sensor"]),
    row("remove finger", Asked::RemoveFinger,            ["-","-", D, "-", D, "-","-","-","-"], &["no fingerprint sensor"]),
    row("delete", Asked::Delete,                         [D,  D,  D, "-", D,  D,  D,  "-", D], &["cannot list or delete"]),
    row("reset", Asked::Reset,                           [D,  D,  D,  D,  D,  D,  D,  "-", D], &[]),
];
