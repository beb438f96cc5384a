//! A U2F key in software.

use crate::crypto::{Crypto as _, PrivateKey, PublicPoint, RustCrypto};
use crate::ctap1::{Request, VERSION, authenticate, register};
use crate::iso7816::{Command, Status};
use rand_core::OsRng;
use std::collections::VecDeque;
use std::vec::Vec;

pub(crate) struct U2fKey {
    crypto: RustCrypto<OsRng>,
    attestation: PrivateKey,
    credentials: Vec<(Vec<u8>, [u8; 32], PrivateKey)>,
    counter: u32,
    /// How many more times it says that it was not touched.
    pub(crate) untouched: usize,
    /// What it says instead, once each.
    pub(crate) says: VecDeque<Status>,
    pub(crate) asked: usize,
}

/// Stands for an X.509 certificate.
pub(crate) const CERTIFICATE: &[u8] = b"\x30\x0Aa maker's.";

impl U2fKey {
    pub(crate) fn new() -> Self {
        let mut crypto = RustCrypto(OsRng);
        Self {
            attestation: crypto.p256_generate().ok().unwrap(),
            crypto,
            credentials: Vec::new(),
            counter: 0,
            untouched: 0,
            says: VecDeque::new(),
            asked: 0,
        }
    }

    pub(crate) fn attestation_key(&mut self) -> PublicPoint {
        self.crypto.p256_public(&self.attestation).ok().unwrap()
    }

    /// The data of the answer, and its status.
    pub(crate) fn answer(&mut self, command: &Command<'_>) -> (Vec<u8>, Status) {
        self.asked += 1;
        if let Some(status) = self.says.pop_front() {
            return (Vec::new(), status);
        }
        match Request::parse(command).and_then(|request| self.execute(request)) {
            Ok(data) => (data, Status::Success),
            Err(status) => (Vec::new(), status),
        }
    }

    fn execute(&mut self, request: Request<'_>) -> Result<Vec<u8>, Status> {
        match request {
            Request::Version => Ok(VERSION.to_vec()),
            Request::Register(request) => {
                self.touched()?;
                Ok(self.register(&request))
            }
            Request::Authenticate(request) => {
                let known = self
                    .credentials
                    .iter()
                    .position(|(handle, application, _)| {
                        handle == request.key_handle && application == request.application
                    })
                    .ok_or(Status::IncorrectData)?;
                match request.control {
                    authenticate::Control::CheckOnly => Err(Status::ConditionsNotSatisfied),
                    authenticate::Control::EnforceUserPresence => {
                        self.touched()?;
                        Ok(self.sign(&request, known, 1))
                    }
                    authenticate::Control::DontEnforceUserPresence => {
                        Ok(self.sign(&request, known, 0))
                    }
                    authenticate::Control::Other(_) => Err(Status::IncorrectP1P2),
                }
            }
        }
    }

    fn touched(&mut self) -> Result<(), Status> {
        match self.untouched.checked_sub(1) {
            Some(left) => {
                self.untouched = left;
                Err(Status::ConditionsNotSatisfied)
            }
            None => Ok(()),
        }
    }

    fn register(&mut self, request: &register::Request<'_>) -> Vec<u8> {
        let key = self.crypto.p256_generate().ok().unwrap();
        let PublicPoint { x, y } = self.crypto.p256_public(&key).ok().unwrap();
        let mut key_handle = std::vec![0; 64];
        self.crypto.random(&mut key_handle).unwrap();
        let mut response = register::Response {
            x: &x,
            y: &y,
            key_handle: &key_handle,
            certificate: CERTIFICATE,
            signature: &[],
        };
        let signature = self
            .crypto
            .es256_sign(&self.attestation, &response.signed(request))
            .ok()
            .unwrap();
        response.signature = &signature;
        let bytes = response.encode(&mut [0; 512]).unwrap().to_vec();
        self.credentials
            .push((key_handle, *request.application, key));
        bytes
    }

    fn sign(&mut self, request: &authenticate::Request<'_>, known: usize, touched: u8) -> Vec<u8> {
        self.counter += 1;
        let mut response = authenticate::Response {
            user_presence: touched,
            counter: self.counter,
            signature: &[],
        };
        let head = response.head();
        let signed = authenticate::Response::signed(request, &head);
        let (_, _, key) = &self.credentials[known];
        let signature = self.crypto.es256_sign(key, &signed).ok().unwrap();
        response.signature = &signature;
        response.encode(&mut [0; 128]).unwrap().to_vec()
    }
}
