"""Other people's client against our card: python-fido2 over PC/SC.

An assertion that fails is the scenario's failure. strict_cbor is on throughout: every answer has
to be canonical.
"""

import hashlib
import time

from fido2.cose import ES256
from fido2.ctap2 import ClientPin, CredentialManagement, Ctap2
from fido2.pcsc import CtapPcscDevice

RP_ID = "example.com"
RP = {"id": RP_ID, "name": "Example"}
USER = {"id": b"user-1", "name": "ada@example.com", "displayName": "Ada"}
CLIENT_DATA_HASH = hashlib.sha256(b"client data").digest()
PERMISSION = ClientPin.PERMISSION


def device():
    end = time.monotonic() + 20
    while time.monotonic() < end:
        for found in CtapPcscDevice.list_devices():
            return found
        time.sleep(0.1)
    raise AssertionError("python-fido2 finds no card")


def main():
    card = device()
    assert card.capabilities.name == "CBOR" or card.capabilities & 0x04, card.capabilities
    ctap = Ctap2(card, strict_cbor=True)
    assert "FIDO_2_1" in ctap.info.versions, ctap.info.versions
    assert ctap.info.options["clientPin"] is False

    client_pin = ClientPin(ctap)
    client_pin.set_pin("1234")
    client_pin.change_pin("1234", "4321")
    assert client_pin.get_pin_retries()[0] == 8

    token = client_pin.get_pin_token("4321", PERMISSION.MAKE_CREDENTIAL, RP_ID)
    # Longer than one short command.
    excluded = [{"type": "public-key", "id": bytes([n]) * 64} for n in range(6)]
    made = ctap.make_credential(
        CLIENT_DATA_HASH,
        RP,
        USER,
        [{"type": "public-key", "alg": ES256.ALGORITHM}],
        exclude_list=excluded,
        options={"rk": True},
        pin_uv_param=client_pin.protocol.authenticate(token, CLIENT_DATA_HASH),
        pin_uv_protocol=client_pin.protocol.VERSION,
    )
    assert made.fmt == "packed", made.fmt
    credential = made.auth_data.credential_data
    assert made.auth_data.is_user_verified()

    token = client_pin.get_pin_token("4321", PERMISSION.GET_ASSERTION, RP_ID)
    assertion = ctap.get_assertion(
        RP_ID,
        CLIENT_DATA_HASH,
        pin_uv_param=client_pin.protocol.authenticate(token, CLIENT_DATA_HASH),
        pin_uv_protocol=client_pin.protocol.VERSION,
    )
    assert assertion.credential["id"] == credential.credential_id
    assertion.verify(CLIENT_DATA_HASH, credential.public_key)

    token = client_pin.get_pin_token("4321", PERMISSION.CREDENTIAL_MGMT)
    management = CredentialManagement(ctap, client_pin.protocol, token)
    assert management.get_metadata()[CredentialManagement.RESULT.EXISTING_CRED_COUNT] == 1
    management.delete_cred({"type": "public-key", "id": credential.credential_id})
    assert management.get_metadata()[CredentialManagement.RESULT.EXISTING_CRED_COUNT] == 0
    card.close()


main()
