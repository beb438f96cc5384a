"""python-fido2 with our key, area by area.

    python_fido2_areas.py MODULES PROGRAM SCRATCH PROFILE

MODULES is the folder of python_fido2.py, which knows how to plug the key in. Prints a line for each
area: `cell: AREA works`, `lacks WHAT` or `fails WHY`.
"""

import sys

sys.path.insert(0, sys.argv[1])

from fido2.ctap2 import Config, CredentialManagement, LargeBlobs  # noqa: E402
from fido2.ctap2.bio import FPBioEnrollment  # noqa: E402
from python_fido2 import (  # noqa: E402
    CLIENT_DATA_HASH,
    PERMISSION,
    RP_ID,
    USER,
    ClientPin,
    CtapError,
    Key,
)

FIRST_PIN, WRONG_PIN, PIN, NEXT_PIN = "73519024", "24680135", "31415926", "27182818"


class Lacks(Exception):
    pass


def reset(key):
    key.replug()
    key.ctap.reset()


def info(key):
    assert key.ctap.get_info().versions


def pin(key):
    client_pin = ClientPin(key.ctap)
    client_pin.set_pin(FIRST_PIN)
    try:
        client_pin.change_pin(WRONG_PIN, PIN)
        raise AssertionError("a wrong PIN works")
    except CtapError as error:
        assert error.code == CtapError.ERR.PIN_INVALID, error
    client_pin.change_pin(FIRST_PIN, PIN)


def credentials(key):
    made = key.make_credential(PIN)
    [assertion] = key.get_assertions(PIN)
    public_key = made.auth_data.credential_data.public_key
    assertion.verify(CLIENT_DATA_HASH, public_key)


def management(key):
    if not CredentialManagement.is_supported(key.ctap.get_info()):
        raise Lacks("the key does not list credMgmt")
    manager = key.credential_management(PIN)
    [party] = manager.enumerate_rps()
    assert party[CredentialManagement.RESULT.RP]["id"] == RP_ID
    party_hash = party[CredentialManagement.RESULT.RP_ID_HASH]
    [found] = manager.enumerate_creds(party_hash)
    credential = found[CredentialManagement.RESULT.CREDENTIAL_ID]
    if CredentialManagement.is_update_supported(key.ctap.get_info()):
        manager.update_user_info(credential, {**USER, "name": "bob"})
    manager.delete_cred(credential)
    assert manager.get_metadata()[CredentialManagement.RESULT.EXISTING_CRED_COUNT] == 0


def config(key):
    if not Config.is_supported(key.ctap.get_info()):
        raise Lacks("the key does not list authnrCfg")
    config = key.config(PIN)
    config.toggle_always_uv()
    config.toggle_always_uv()
    config.set_min_pin_length(8)
    config.set_min_pin_length(force_change_pin=True)
    ClientPin(key.ctap).change_pin(PIN, NEXT_PIN)


def blobs(key):
    if not LargeBlobs.is_supported(key.ctap.get_info()):
        raise Lacks("the key does not list largeBlobs")
    store = LargeBlobs(key.ctap, *key.token(PIN, PERMISSION.LARGE_BLOB_WRITE))
    blob_key, strangers_key = bytes(range(32)), bytes(32)
    store.put_blob(strangers_key, b"somebody else's")
    store.put_blob(blob_key, b"a certificate, say" * 20)
    assert store.get_blob(blob_key) == b"a certificate, say" * 20
    store.delete_blob(blob_key)
    assert store.get_blob(blob_key) is None
    assert store.get_blob(strangers_key) == b"somebody else's"


def fingerprints(key):
    if not FPBioEnrollment.is_supported(key.ctap.get_info()):
        raise Lacks("the key does not list bioEnroll")
    enrollment = FPBioEnrollment(key.ctap, *key.token(PIN, PERMISSION.BIO_ENROLL))
    template = enrollment.enroll()
    while True:
        finger = template.capture()
        if finger is not None:
            break
    enrollment.set_name(finger, "thumb")
    assert enrollment.enumerate_enrollments() == {finger: "thumb"}
    enrollment.remove_enrollment(finger)


def main():
    key = Key(sys.argv[2], sys.argv[3], "--profile", sys.argv[4])
    try:
        for area in [reset, info, pin, credentials, management, blobs, fingerprints, config]:
            try:
                area(key)
                print(f"cell: {area.__name__} works")
            except Lacks as lack:
                print(f"cell: {area.__name__} lacks {lack}")
            except Exception as error:
                print(f"cell: {area.__name__} fails {type(error).__name__}: {error}")
    finally:
        key.kill()


if __name__ == "__main__":
    sys.exit(main())
