//! One model in the metadata, and what its status means for us. FIDO Metadata
//! Service 3.1 §3.1.1 to §3.1.4; FIDO Metadata Statement 3.1.

use super::today;
use crate::attestation::{Refusal, format::Evidence, trust::Root};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{Timestamp, civil::Date};
use rustls_pki_types::CertificateDer;
use serde::Deserialize;
use std::{borrow::Cow, fmt};
use uuid::Uuid;

/// One model.
#[derive(Debug)]
pub(in crate::attestation) struct Entry {
    description: String,
    /// None: the entry has no statement.
    types: Option<Vec<String>>,
    pub(in crate::attestation) roots: Vec<Root>,
    reports: Vec<Report>,
}

#[derive(Debug)]
struct Report {
    status: String,
    since: Option<Date>,
    /// DER: the report is about keys under this certificate.
    certificate: Option<Vec<u8>>,
}

/// What the metadata say of a model that is accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    /// The maker's words.
    pub description: String,
    /// `FIDO_CERTIFIED_L2` and the like: the newest that is in effect.
    pub certification: Option<String>,
    /// The maker has newer firmware.
    pub update_available: bool,
}

/// As an administrator reads it.
impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description)?;
        if let Some(certification) = &self.certification {
            write!(f, " ({certification})")?;
        }
        if self.update_available {
            f.write_str(", newer firmware is available")?;
        }
        Ok(())
    }
}

/// By which a model is found.
pub(super) enum Name {
    Aaguid([u8; 16]),
    KeyIdentifier([u8; 20]),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire<'a> {
    #[serde(borrow)]
    aaguid: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    attestation_certificate_key_identifiers: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    metadata_statement: Option<WireStatement<'a>>,
    status_reports: Vec<WireReport>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireStatement<'a> {
    description: String,
    #[serde(default)]
    attestation_types: Vec<String>,
    #[serde(borrow, default)]
    attestation_root_certificates: Vec<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireReport {
    status: String,
    effective_date: Option<String>,
    certificate: Option<String>,
    batch_certificate: Option<String>,
}

impl Wire<'_> {
    pub(super) fn names(&self) -> Result<Vec<Name>, String> {
        let mut names = Vec::new();
        if let Some(text) = &self.aaguid {
            let aaguid = Uuid::try_parse(text)
                .map_err(|_| format!("aaguid is {text:?}, allowed is 8-4-4-4-12"))?;
            names.push(Name::Aaguid(aaguid.into_bytes()));
        }
        for text in &self.attestation_certificate_key_identifiers {
            let mut identifier = [0; 20];
            hex::decode_to_slice(text.as_bytes(), &mut identifier).map_err(|_| {
                format!(
                    "a member of attestationCertificateKeyIdentifiers is {text:?}, allowed are 40 \
                     hexadecimal digits"
                )
            })?;
            names.push(Name::KeyIdentifier(identifier));
        }
        Ok(names)
    }

    pub(super) fn read(self) -> Result<Entry, String> {
        let reports = self
            .status_reports
            .into_iter()
            .map(WireReport::read)
            .collect::<Result<_, _>>()?;
        let Some(statement) = self.metadata_statement else {
            let name = self.aaguid.unwrap_or_default();
            return Ok(Entry {
                description: format!("model {name}"),
                types: None,
                roots: Vec::new(),
                reports,
            });
        };
        let mut roots = Vec::new();
        for text in &statement.attestation_root_certificates {
            let der = certificate("attestationRootCertificates", text)?;
            let root = Root::read(CertificateDer::from(der))
                .map_err(|refusal| format!("attestationRootCertificates: {refusal}"))?;
            roots.push(root);
        }
        Ok(Entry {
            description: statement.description,
            types: Some(statement.attestation_types),
            roots,
            reports,
        })
    }
}

impl WireReport {
    fn read(self) -> Result<Report, String> {
        let since = self
            .effective_date
            .map(|text| {
                text.parse::<Date>()
                    .map_err(|_| format!("effectiveDate is {text:?}, allowed is YYYY-MM-DD"))
            })
            .transpose()?;
        let certificate = self
            .batch_certificate
            .or(self.certificate)
            .map(|text| certificate("certificate of a status report", &text))
            .transpose()?;
        Ok(Report {
            status: self.status,
            since,
            certificate,
        })
    }
}

impl Entry {
    /// Whether keys of this model are to be believed, and what else is known of it.
    /// `root` is what the attestation led to.
    pub(in crate::attestation) fn check(
        &self,
        evidence: &Evidence<'_>,
        root: Option<&Root>,
        now: Timestamp,
    ) -> Result<Listed, Refusal> {
        let mut listed = Listed {
            description: self.description.clone(),
            certification: None,
            update_available: false,
        };
        let mut newest = None;
        for report in self.in_effect(now) {
            if report.breaks() && report.is_about(evidence, root) {
                return Err(Refusal::Compromised {
                    description: self.description.clone(),
                    status: report.status.clone(),
                    since: report.since,
                });
            }
            listed.update_available |= report.status == UPDATE_AVAILABLE;
            if report.certifies() && report.since >= newest {
                newest = report.since;
                listed.certification = Some(report.status.clone());
            }
        }
        self.check_type(evidence)?;
        Ok(listed)
    }

    fn in_effect(&self, now: Timestamp) -> impl Iterator<Item = &Report> {
        let today = today(now);
        self.reports
            .iter()
            .filter(move |report| report.since.is_none_or(|since| since <= today))
    }

    /// That it attests as its model does: one that could name its maker and does
    /// not has something to hide. To accept nothing at all is the token type's.
    fn check_type(&self, evidence: &Evidence<'_>) -> Result<(), Refusal> {
        let (Some(allowed), false) = (&self.types, matches!(evidence, Evidence::Nothing)) else {
            return Ok(());
        };
        let found = evidence.types();
        if found.iter().any(|kind| allowed.iter().any(|a| a == kind)) {
            return Ok(());
        }
        Err(Refusal::AttestationType {
            description: self.description.clone(),
            found: found.first().copied().unwrap_or_default(),
            allowed: allowed.clone(),
        })
    }
}

impl Report {
    /// Whether keys of the model are not to be believed any more.
    fn breaks(&self) -> bool {
        BREAKING.contains(&self.status.as_str())
    }

    fn certifies(&self) -> bool {
        self.status == NOT_CERTIFIED || self.status.starts_with(CERTIFIED)
    }

    /// A report that names a certificate is about the keys under it.
    fn is_about(&self, evidence: &Evidence<'_>, root: Option<&Root>) -> bool {
        let Some(certificate) = &self.certificate else {
            return true;
        };
        let in_chain = evidence
            .chain()
            .is_some_and(|chain| chain.iter().any(|one| one.der() == certificate));
        in_chain || root.is_some_and(|root| root.der() == certificate)
    }
}

/// Standard base64; some makers break its lines.
fn certificate(member: &str, text: &str) -> Result<Vec<u8>, String> {
    let text: String = text.split_ascii_whitespace().collect();
    STANDARD
        .decode(text)
        .map_err(|error| format!("{member}: not base64: {error}"))
}

const BREAKING: [&str; 5] = [
    "REVOKED",
    "USER_VERIFICATION_BYPASS",
    "ATTESTATION_KEY_COMPROMISE",
    "USER_KEY_REMOTE_COMPROMISE",
    "USER_KEY_PHYSICAL_COMPROMISE",
];
const UPDATE_AVAILABLE: &str = "UPDATE_AVAILABLE";
const NOT_CERTIFIED: &str = "NOT_FIDO_CERTIFIED";
const CERTIFIED: &str = "FIDO_CERTIFIED";
