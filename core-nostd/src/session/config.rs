//! authenticatorConfig. CTAP 2.3 §6.11.
//!
//! A pinUvAuthToken may be left out only for a token that has neither a PIN
//! nor other user verification.

use super::{CtapTransport, Error, Feature, PinRule, Session};
use crate::cbor::Encode;
use crate::crypto::Crypto;
use crate::ctap2::authenticator_config::{
    Request, SetMinPinLength, Subcommand, VendorPrototype, authenticated_prefix,
};
use crate::ctap2::{Command, Status};
use crate::pin_protocol::PinUvAuthToken;

impl<T: CtapTransport, C: Crypto> Session<'_, T, C> {
    /// Sets rules for PINs. Where they force a change of the PIN, every
    /// pinUvAuthToken is void afterwards, the persistent one too.
    ///
    /// The RP IDs replace those of before.
    pub fn set_min_pin_length(
        &mut self,
        rules: &SetMinPinLength<'_>,
        token: Option<&PinUvAuthToken>,
    ) -> Result<(), Error<T::Error>> {
        let facts = self.facts()?;
        if !facts.set_min_pin_length {
            return Err(Error::Unsupported(Feature::SetMinPinLength));
        }
        if rules.pin_complexity_policy.is_some() && facts.pin_complexity_policy.is_none() {
            return Err(Error::Unsupported(Feature::PinComplexityPolicy));
        }
        let max = facts.max_rp_ids_for_set_min_pin_length;
        let rp_ids = rules.min_pin_length_rp_ids.map_or(0, |list| list.len());
        if max.is_some_and(|max| rp_ids > max) {
            return Err(Error::TooManyRpIds { max });
        }
        let (current, max) = (facts.min_pin_length, facts.max_pin_length);
        let may_only_grow = Error::PinPolicy(PinRule::MinLengthMayOnlyGrow { current });
        match rules.new_min_pin_length {
            Some(new) if new < current => return Err(may_only_grow),
            Some(new) if new > max => {
                return Err(Error::PinPolicy(PinRule::MinLengthAboveMax { max }));
            }
            _ => {}
        }
        match self.configure(Subcommand::SetMinPinLength, Some(rules), token) {
            Err(Error::PinPolicy(_)) if rules.new_min_pin_length.is_some() => Err(may_only_grow),
            Err(Error::StoreFull) => Err(Error::TooManyRpIds {
                max: facts.max_rp_ids_for_set_min_pin_length,
            }),
            outcome => outcome,
        }
    }

    /// Has the token refuse PINs that its maker finds too simple. Nothing is
    /// sent when it does so already.
    pub fn enforce_pin_complexity(
        &mut self,
        token: Option<&PinUvAuthToken>,
    ) -> Result<(), Error<T::Error>> {
        if self.facts()?.pin_complexity_policy == Some(true) {
            return Ok(());
        }
        let rules = SetMinPinLength {
            pin_complexity_policy: Some(true),
            ..SetMinPinLength::default()
        };
        self.set_min_pin_length(&rules, token)
    }

    /// Lets no pinUvAuthToken be had until the PIN is changed.
    pub fn force_pin_change(
        &mut self,
        token: Option<&PinUvAuthToken>,
    ) -> Result<(), Error<T::Error>> {
        let rules = SetMinPinLength {
            force_change_pin: Some(true),
            ..SetMinPinLength::default()
        };
        self.set_min_pin_length(&rules, token)
    }

    /// Switches enterprise attestation on, until the next reset.
    pub fn enable_enterprise_attestation(
        &mut self,
        token: Option<&PinUvAuthToken>,
    ) -> Result<(), Error<T::Error>> {
        match self.facts()?.ep {
            None => Err(Error::Unsupported(Feature::EnterpriseAttestation)),
            Some(true) => Ok(()),
            Some(false) => self.configure(Subcommand::EnableEnterpriseAttestation, None, token),
        }
    }

    /// Switches on or off that the user is always verified. Nothing is sent
    /// when it stands so already.
    pub fn set_always_uv(
        &mut self,
        on: bool,
        token: Option<&PinUvAuthToken>,
    ) -> Result<(), Error<T::Error>> {
        // The command toggles: what it does depends on what is.
        match self.refresh()?.always_uv {
            None => Err(Error::Unsupported(Feature::AlwaysUv)),
            Some(is) if is == on => Ok(()),
            Some(_) => match self.configure(Subcommand::ToggleAlwaysUv, None, token) {
                Err(Error::Denied) if !on => Err(Error::Unsupported(Feature::AlwaysUvOff)),
                outcome => outcome,
            },
        }
    }

    /// Makes a reset want an uninterrupted touch of five seconds, which saves a
    /// token from what happens in a pocket.
    pub fn enable_long_touch_for_reset(
        &mut self,
        token: Option<&PinUvAuthToken>,
    ) -> Result<(), Error<T::Error>> {
        match self.facts()?.long_touch_for_reset {
            None => Err(Error::Unsupported(Feature::LongTouchForReset)),
            Some(true) => Ok(()),
            Some(false) => self.configure(Subcommand::EnableLongTouchForReset, None, token),
        }
    }

    /// Sends a command of the vendor's own, which getInfo lists. What it does
    /// the vendor's documents say.
    pub fn vendor_prototype(
        &mut self,
        command: &VendorPrototype<'_>,
        token: Option<&PinUvAuthToken>,
    ) -> Result<(), Error<T::Error>> {
        let info = self.info()?;
        let listed = info.vendor_prototype_config_commands.unwrap_or_default();
        if !listed.contains(&command.vendor_command_id()) {
            return Err(Error::Unsupported(Feature::VendorPrototype));
        }
        self.configure(Subcommand::VendorPrototype, Some(command), token)
    }

    fn configure(
        &mut self,
        subcommand: Subcommand,
        params: Option<&dyn Encode>,
        token: Option<&PinUvAuthToken>,
    ) -> Result<(), Error<T::Error>> {
        const COMMAND: Command = Command::AuthenticatorConfig;
        if !self.facts()?.takes_config(subcommand) {
            return Err(Error::Unsupported(Feature::AuthenticatorConfig));
        }
        let prefix = authenticated_prefix(subcommand);
        let outcome =
            self.exchange_authenticated(COMMAND, &prefix, params, token, &mut |members, w| {
                Request::new(subcommand, members).encode(w)
            });
        self.forget_facts();
        match outcome {
            Err(Error::Refused {
                status: Status::InvalidCommand | Status::InvalidSubcommand,
                ..
            }) => Err(Error::Unsupported(Feature::AuthenticatorConfig)),
            outcome => outcome.map(drop),
        }
    }
}
