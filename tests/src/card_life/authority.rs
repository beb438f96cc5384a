//! Who issues a story's certificates, as its administrator sees it.

use std::{
    fmt::Debug,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;

use crate::site::{Site, builtin_ca::BuiltinCa, ca_gateway::CaGateway, cfssl::Cfssl};

/// One of those that can be connected.
#[derive(Clone, Copy, Debug)]
pub enum Issuer {
    /// The stand-in for Entrust CA Gateway.
    CaGateway,
    /// The authority inside the server.
    BuiltinCa,
    /// The real cfssl.
    Cfssl,
}

impl Issuer {
    /// What happens when it is started.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::CaGateway => {
                "a stand-in for Entrust CA Gateway starts, with an authority that issues"
            }
            Self::BuiltinCa => "the server is to be an authority itself",
            Self::Cfssl => "cfssl starts, with an authority that issues",
        }
    }

    pub(super) fn start(self, site: &Site) -> Result<Box<dyn Authority>> {
        Ok(match self {
            Self::CaGateway => Box::new(CaGateway::start(site.folder())?),
            Self::BuiltinCa => Box::new(BuiltinCa::of(&site.server, site.folder())?),
            Self::Cfssl => {
                let folder = site.folder().join("cfssl");
                fs::create_dir_all(&folder)?;
                Box::new(Cfssl::start(&folder)?)
            }
        })
    }
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Logon,
    Mail,
    Decryption,
}

pub(super) trait Authority: Debug {
    /// Describes it to the server, as the connection `name`.
    fn connect(&self, site: &Site, name: &str) -> Result<()>;

    /// PEM files of the root above it and of itself, once it is connected.
    fn chain(&self, folder: &Path) -> Result<[PathBuf; 2]>;

    fn profile(&self, purpose: Purpose) -> &'static str;

    /// `normal` or `revoked`, of a serial number in hexadecimal; none: it issued no such.
    fn status(&self, serial: &str) -> Result<Option<String>>;
}

impl Authority for CaGateway {
    fn connect(&self, site: &Site, name: &str) -> Result<()> {
        self.add_connection(&site.cli, name).map(drop)
    }

    fn chain(&self, folder: &Path) -> Result<[PathBuf; 2]> {
        self.chain(folder)
    }

    fn profile(&self, purpose: Purpose) -> &'static str {
        match purpose {
            Purpose::Logon => "smart-card-csr",
            Purpose::Mail | Purpose::Decryption => "SMIME-csr",
        }
    }

    fn status(&self, serial: &str) -> Result<Option<String>> {
        let issued = self.certificates()?;
        let found = issued.iter().find(|one| one["serialNumber"] == serial);
        Ok(found.and_then(|one| one["status"].as_str().map(str::to_owned)))
    }
}

impl Authority for BuiltinCa {
    fn connect(&self, site: &Site, name: &str) -> Result<()> {
        self.add_connection(&site.cli, name).map(drop)
    }

    fn chain(&self, _folder: &Path) -> Result<[PathBuf; 2]> {
        let root = self.authority()?;
        Ok([root.clone(), root])
    }

    fn profile(&self, purpose: Purpose) -> &'static str {
        match purpose {
            Purpose::Logon => "client-authentication",
            Purpose::Mail => "signature",
            Purpose::Decryption => "encryption",
        }
    }

    fn status(&self, serial: &str) -> Result<Option<String>> {
        let status = if self.is_revoked(serial)? {
            "revoked"
        } else {
            "normal"
        };
        Ok(Some(status.to_owned()))
    }
}

impl Authority for Cfssl {
    fn connect(&self, site: &Site, name: &str) -> Result<()> {
        self.add_connection(&site.cli, name).map(drop)
    }

    fn chain(&self, _folder: &Path) -> Result<[PathBuf; 2]> {
        Ok([self.authority(), self.authority()])
    }

    fn profile(&self, _purpose: Purpose) -> &'static str {
        "smartcard"
    }

    fn status(&self, serial: &str) -> Result<Option<String>> {
        let listed = self.listed(serial)?;
        Ok(listed.map(|row| match row.split_once('|') {
            Some(("good", _)) => "normal".to_owned(),
            Some((other, _)) => other.to_owned(),
            None => row,
        }))
    }
}
