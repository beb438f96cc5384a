//! Every message in both directions, and what is built of them.

use keysteward_core::ctap2::bio_enrollment;
use keysteward_core::ctap2::extension::{
    CredProtect, GetAssertionInputs, GetAssertionOutputs, HmacSecretInput, LargeBlobCreated,
    LargeBlobCreation, LargeBlobInput, LargeBlobOutput, LargeBlobSupport, MakeCredentialInputs,
    MakeCredentialOutputs, UnsignedGetAssertionOutputs, UnsignedMakeCredentialOutputs,
};
use keysteward_core::ctap2::get_info::UvModality;
use keysteward_core::ctap2::large_blobs::array::{self, LargeBlobArray, LargeBlobMap};
use keysteward_core::ctap2::{
    self, Command, LargeBlobKey, PublicKeyCredentialDescriptor, PublicKeyCredentialParameters,
    PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity, Status, authenticator_config,
    client_pin, credential_management, get_assertion, get_info, large_blobs, make_credential,
    subcommand,
};

use crate::cbor::{both_ways, list};
use crate::unknown::{Primitives, any, see};

pub(crate) fn prove() {
    frames();
    codes();
    make_and_get();
    info();
    pins();
    management();
    fingerprints();
    blobs();
    extensions();
}

fn frames() {
    see(ctap2::request(
        any(),
        any::<Option<&get_info::Response<'_>>>().map(|m| m as _),
        any(),
    ));
    see(ctap2::encode_response(any(), None, any()));
    see(ctap2::response(any()));
    see(ctap2::parse_request(any()));
}

fn codes() {
    see(Command::from(any::<u8>()));
    see(u8::from(any::<Command>()));
    see(Status::from(any::<u8>()));
    see(u8::from(any::<Status>()));
    see(Status::from(any::<keysteward_core::cbor::Error>()));
}

fn make_and_get() {
    both_ways::<make_credential::Request<'_>>();
    both_ways::<make_credential::Options>();
    both_ways::<make_credential::Response<'_>>();
    see(any::<make_credential::Response<'_>>().attestation_object());
    both_ways::<get_assertion::Request<'_>>();
    both_ways::<get_assertion::Options>();
    both_ways::<get_assertion::Response<'_>>();
    both_ways::<PublicKeyCredentialDescriptor<'_>>();
    list::<PublicKeyCredentialDescriptor<'_>>();
    both_ways::<PublicKeyCredentialParameters<'_>>();
    list::<PublicKeyCredentialParameters<'_>>();
    both_ways::<PublicKeyCredentialRpEntity<'_>>();
    both_ways::<PublicKeyCredentialUserEntity<'_>>();
    both_ways::<LargeBlobKey<'_>>();
    see(PublicKeyCredentialDescriptor::new(any()));
    see(PublicKeyCredentialParameters::new(any()));
}

fn info() {
    both_ways::<get_info::Response<'_>>();
    see(get_info::Response::new(any(), any()));
    let info: get_info::Response<'_> = any();
    see(info.has_version(any()));
    see(info.has_extension(any()));
    see(info.passed_over.is_empty());
    see(info.passed_over.others());
    info.passed_over.keys().for_each(see);
    options(&info.options);
    both_ways::<UvModality>();
    see(any::<UvModality>().contains(any()));
}

fn options(options: &get_info::Options<'_>) {
    see((options.plat(), options.rk(), options.up(), options.uv()));
    see((options.client_pin(), options.pin_uv_auth_token()));
    see(options.no_mc_ga_permissions_with_client_pin());
    see((options.large_blobs(), options.ep(), options.bio_enroll()));
    see(options.user_verification_mgmt_preview());
    see((options.uv_bio_enroll(), options.authnr_cfg()));
    see((options.uv_acfg(), options.cred_mgmt()));
    see((
        options.per_cred_mgmt_ro(),
        options.credential_mgmt_preview(),
    ));
    see((options.set_min_pin_length(), options.make_cred_uv_not_rqd()));
    see(options.always_uv());
}

fn pins() {
    both_ways::<client_pin::Request<'_>>();
    both_ways::<client_pin::Response<'_>>();
    see(client_pin::Request::new(any()));
    see(any::<client_pin::Permissions>().contains(any()));
    see(any::<client_pin::Permissions>() | any());
    see(client_pin::Subcommand::from(any::<u8>()));
    see(u8::from(any::<client_pin::Subcommand>()));
}

fn management() {
    both_ways::<credential_management::Request<'_>>();
    both_ways::<credential_management::SubcommandParams<'_>>();
    both_ways::<credential_management::Response<'_>>();
    see(credential_management::authenticated_prefix(any()));
    see(credential_management::Subcommand::from(any::<u8>()));
    both_ways::<authenticator_config::Request<'_>>();
    both_ways::<authenticator_config::SetMinPinLength<'_>>();
    both_ways::<authenticator_config::VendorPrototype<'_>>();
    let vendor: authenticator_config::VendorPrototype<'_> = any();
    see(authenticator_config::VendorPrototype::new(any(), any()));
    see(vendor.vendor_command_id());
    vendor.members().for_each(see);
    see(vendor.member(any()));
    see(vendor == any());
    see(authenticator_config::authenticated_prefix(any()));
    see(authenticator_config::Subcommand::from(any::<u8>()));
    see(subcommand::authenticated_message(any(), any()));
}

fn fingerprints() {
    both_ways::<bio_enrollment::Request<'_>>();
    both_ways::<bio_enrollment::SubcommandParams<'_>>();
    both_ways::<bio_enrollment::Response<'_>>();
    see(bio_enrollment::Request::new(any(), any()));
    see(bio_enrollment::Request::modality());
    see(bio_enrollment::authenticated_prefix(any(), any()));
    see(bio_enrollment::SampleStatus::from(any::<u8>()));
    see(u8::from(any::<bio_enrollment::SampleStatus>()));
    see(bio_enrollment::Modality::from(any::<u8>()));
    see(u8::from(any::<bio_enrollment::FingerprintKind>()));
    both_ways::<bio_enrollment::TemplateInfo<'_>>();
    list::<bio_enrollment::TemplateInfo<'_>>();
}

fn blobs() {
    both_ways::<large_blobs::Request<'_>>();
    both_ways::<large_blobs::Response<'_>>();
    see(large_blobs::Request::get(any(), any()));
    see(large_blobs::Request::set_first(any(), any()));
    see(large_blobs::Request::set_next(any(), any()));
    see(large_blobs::max_fragment_length(any()));
    see(large_blobs::authenticated_message(
        &Primitives,
        any(),
        any(),
    ));

    see(LargeBlobArray::parse(&Primitives, any()));
    see(array::checked(&Primitives, any()));
    let stored: LargeBlobArray<'static> = any();
    stored
        .entries()
        .for_each(|entry| see((entry.map(), entry.bytes())));
    see(stored.len());
    see(stored.is_empty());
    see(stored.find(&mut Primitives, any(), any()));
    see(stored.append(&Primitives, any(), any()));
    see(stored.replace(&Primitives, any(), any(), any()));
    see(stored.remove(&Primitives, any(), any()));
    both_ways::<LargeBlobMap<'_>>();
    see(LargeBlobMap::seal(
        &mut Primitives,
        any(),
        any(),
        any(),
        any(),
    ));
    see(any::<LargeBlobMap<'_>>().open(&mut Primitives, any(), any()));
}

fn extensions() {
    both_ways::<MakeCredentialInputs<'_>>();
    both_ways::<MakeCredentialOutputs<'_>>();
    both_ways::<GetAssertionInputs<'_>>();
    both_ways::<GetAssertionOutputs<'_>>();
    both_ways::<UnsignedMakeCredentialOutputs>();
    both_ways::<UnsignedGetAssertionOutputs<'_>>();
    both_ways::<HmacSecretInput<'_>>();
    both_ways::<CredProtect>();
    both_ways::<LargeBlobCreation>();
    both_ways::<LargeBlobCreated>();
    both_ways::<LargeBlobInput<'_>>();
    both_ways::<LargeBlobOutput<'_>>();
    see(LargeBlobSupport::from(any::<&str>()));
}
