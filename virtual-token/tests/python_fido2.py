"""Other people's client against our key: python-fido2 over the socket front end.

    python_fido2.py SCENARIO --binary PROGRAM --folder SCRATCH

Plays the host: listens, starts the key, speaks CTAPHID with it. An assertion that fails is the
scenario's failure. strict_cbor is on throughout: every answer has to be canonical.
"""

import argparse
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fido2.attestation import AttestationVerifier
from fido2.cose import ES256, EdDSA
from fido2.ctap import CtapError
from fido2.ctap1 import Ctap1
from fido2.ctap2 import (
    ClientPin,
    Config,
    CredentialManagement,
    Ctap2,
    FPBioEnrollment,
    LargeBlobs,
)
from fido2.ctap2.bio import CaptureError
from fido2.ctap2.pin import PinProtocolV1, PinProtocolV2
from fido2.hid import CAPABILITY, CTAPHID, CtapHidDevice
from fido2.hid.base import CtapHidConnection, HidDescriptor
from fido2.webauthn import AttestationObject

RP_ID = "example.com"
RP = {"id": RP_ID, "name": "Example"}
USER = {"id": b"user-1", "name": "ada@example.com", "displayName": "Ada"}
ES256_ONLY = [{"type": "public-key", "alg": ES256.ALGORITHM}]
CLIENT_DATA_HASH = hashlib.sha256(b"client data").digest()
AAGUID = bytes.fromhex("3d5a8cf26b1e4d079c43e8f1a2b7560d")
PERMISSION = ClientPin.PERMISSION
PROTOCOLS = [PinProtocolV1(), PinProtocolV2()]


class SocketConnection(CtapHidConnection):
    def __init__(self, stream):
        self.stream = stream

    def write_packet(self, data):
        self.stream.sendall(data)

    def read_packet(self):
        packet = b""
        while len(packet) < 64:
            part = self.stream.recv(64 - len(packet))
            if not part:
                raise OSError("the key was unplugged")
            packet += part
        return packet

    def close(self):
        self.stream.close()


class Key:
    """A key process, and the host socket that it is plugged into."""

    def __init__(self, binary, folder, *arguments):
        self.command = [
            binary,
            "--connect", os.path.join(folder, "host.sock"),
            "--control", os.path.join(folder, "control.sock"),
            "--storage", os.path.join(folder, "key"),
            "--name", "key-1",
            *arguments,
        ]  # fmt: skip
        self.binary, self.folder = binary, folder
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.path.join(folder, "host.sock"))
        self.listener.listen()
        self.listener.settimeout(20)
        self.process = subprocess.Popen(self.command)
        self.accept()

    def accept(self):
        """Waits until the key is plugged in."""
        self.stream, _ = self.listener.accept()
        self.stream.settimeout(20)
        line = b""
        while not line.endswith(b"\n"):
            line += self.stream.recv(1)
        self.hello = json.loads(line)
        descriptor = HidDescriptor(
            self.hello["name"],
            self.hello["vendor_id"],
            self.hello["product_id"],
            64,
            64,
            self.hello["product"],
            self.hello.get("serial"),
        )
        self.device = CtapHidDevice(descriptor, SocketConnection(self.stream))
        self.ctap = Ctap2(self.device, strict_cbor=True)

    def order(self, **order):
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(os.path.join(self.folder, "control.sock"))
            control.sendall(json.dumps(order).encode() + b"\n")
            answer = json.loads(control.makefile().readline())
        assert "error" not in answer, answer
        return answer

    def state(self):
        return self.order(do="state")

    def replug(self):
        self.order(do="unplug")
        self.order(do="plug")
        self.accept()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def restart(self):
        self.kill()
        self.process = subprocess.Popen(self.command)
        self.accept()

    def attestation_root(self):
        command = [self.binary, "attestation-root", "--storage", os.path.join(self.folder, "key")]
        pem = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        return x509.load_pem_x509_certificate(pem)

    def token(self, pin, permissions, rp_id=None, protocol=None):
        client_pin = ClientPin(self.ctap, protocol)
        return client_pin.protocol, client_pin.get_pin_token(pin, permissions, rp_id)

    def make_credential(self, pin=None, user=USER, rp=RP, params=ES256_ONLY, rk=True, **more):
        arguments = {"options": {"rk": rk}, **more}
        if pin is not None:
            protocol, token = self.token(pin, PERMISSION.MAKE_CREDENTIAL, rp["id"])
            arguments["pin_uv_param"] = protocol.authenticate(token, CLIENT_DATA_HASH)
            arguments["pin_uv_protocol"] = protocol.VERSION
        return self.ctap.make_credential(CLIENT_DATA_HASH, rp, user, params, **arguments)

    def get_assertions(self, pin=None, rp_id=RP_ID, **more):
        if pin is not None:
            protocol, token = self.token(pin, PERMISSION.GET_ASSERTION, rp_id)
            more["pin_uv_param"] = protocol.authenticate(token, CLIENT_DATA_HASH)
            more["pin_uv_protocol"] = protocol.VERSION
        return self.ctap.get_assertions(rp_id, CLIENT_DATA_HASH, **more)

    def credential_management(self, pin):
        return CredentialManagement(self.ctap, *self.token(pin, PERMISSION.CREDENTIAL_MGMT))

    def config(self, pin):
        return Config(self.ctap, *self.token(pin, PERMISSION.AUTHENTICATOR_CFG))


class Verifier(AttestationVerifier):
    def __init__(self, root):
        super().__init__()
        self.root = root

    def ca_lookup(self, result, auth_data):
        return self.root.public_bytes(Encoding.DER)


def refused(code, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except CtapError as error:
        assert error.code == code, f"expected {code!r}, got {error}"
    else:
        raise AssertionError(f"expected {code!r}, got no error")


def info_is_honest(key):
    info = key.ctap.get_info()
    assert "FIDO_2_3" in info.versions and "U2F_V2" in info.versions
    assert info.aaguid == AAGUID
    assert info.options["clientPin"] is False and info.options["ep"] is False
    assert info.pin_uv_protocols == [2, 1]
    assert key.device.capabilities & CAPABILITY.NMSG == 0, "CTAP1 is spoken"
    assert key.device.call(CTAPHID.PING, b"x" * 1000) == b"x" * 1000
    assert key.hello["serial"] == "KS-0001"
    for command in [0x03, 0x09, 0x40, 0x77]:
        refused(CtapError.ERR.INVALID_COMMAND, key.ctap.send_cbor, command, {1: 1})
    key.ctap.selection()


def pin_is_set_and_changed(key):
    pin = "1234"
    for protocol in PROTOCOLS:
        client_pin = ClientPin(key.ctap, protocol)
        if protocol.VERSION == 1:
            client_pin.set_pin(pin)
            refused(CtapError.ERR.PIN_AUTH_INVALID, client_pin.set_pin, "9999")
        new = f"püñ-{protocol.VERSION}-☃"
        client_pin.change_pin(pin, new)
        pin = new
        assert client_pin.get_pin_token(pin, PERMISSION.CREDENTIAL_MGMT)
        refused(CtapError.ERR.PIN_INVALID, client_pin.get_pin_token, "wrong")
        assert client_pin.get_pin_retries() == (7, False)
        assert client_pin.get_pin_token(pin)
        assert client_pin.get_pin_retries() == (8, False)
    assert key.ctap.get_info().options["clientPin"] is True


def wrong_pins_block(key):
    client_pin = ClientPin(key.ctap)
    client_pin.set_pin("1234")
    left = 8
    while left > 1:
        for code in [CtapError.ERR.PIN_INVALID] * 2 + [CtapError.ERR.PIN_AUTH_BLOCKED]:
            left -= 1
            code = CtapError.ERR.PIN_BLOCKED if left == 0 else code
            refused(code, client_pin.get_pin_token, "4321")
            if left == 0:
                break
        if left:
            assert client_pin.get_pin_retries() == (left, True)
            refused(CtapError.ERR.PIN_AUTH_BLOCKED, client_pin.get_pin_token, "1234")
            key.restart()
            client_pin = ClientPin(key.ctap)
            assert client_pin.get_pin_retries()[0] == left, "kill -9 gives no tries back"
    refused(CtapError.ERR.PIN_BLOCKED, client_pin.get_pin_token, "1234")
    key.replug()
    key.ctap.reset()
    assert key.ctap.get_info().options["clientPin"] is False
    assert key.state()["pin_retries"] == 8


def credential_is_attested(key):
    root = key.attestation_root()
    ClientPin(key.ctap).set_pin("1234")
    refused(CtapError.ERR.PUAT_REQUIRED, key.make_credential)
    for params, algorithm in [
        (ES256_ONLY, ES256),
        ([{"type": "public-key", "alg": -257}, {"type": "public-key", "alg": -8}], EdDSA),
    ]:
        made = key.make_credential("1234", params=params)
        assert made.fmt == "packed" and not made.ep_att
        attestation = AttestationObject.create(made.fmt, made.auth_data, made.att_stmt)
        Verifier(root).verify_attestation(attestation, CLIENT_DATA_HASH)
        data = made.auth_data
        assert data.flags == 0x45 and data.counter > 0
        assert data.credential_data.aaguid == AAGUID
        assert data.credential_data.public_key.ALGORITHM == algorithm.ALGORITHM
        certificate = x509.load_der_x509_certificate(made.att_stmt["x5c"][0])
        assert serial_number(certificate) is None
        [assertion] = key.get_assertions("1234")
        assertion.verify(CLIENT_DATA_HASH, data.credential_data.public_key)
        assert assertion.user["name"] == USER["name"]
        assert assertion.auth_data.flags == 0x05
        assert assertion.auth_data.counter > data.counter
    refused(
        CtapError.ERR.UNSUPPORTED_ALGORITHM,
        key.make_credential,
        "1234",
        params=[{"type": "public-key", "alg": -257}],
    )
    descriptor = [{"type": "public-key", "id": data.credential_data.credential_id}]
    refused(
        CtapError.ERR.CREDENTIAL_EXCLUDED, key.make_credential, "1234", exclude_list=descriptor
    )
    state = key.state()["credentials"]
    assert [c["credential_id"] for c in state] == [descriptor[0]["id"].hex()]
    assert state[0]["user_id"] == USER["id"].hex() and state[0]["rp_id"] == RP_ID


def credentials_that_are_not_stored_work(key):
    made = key.make_credential(rk=False)
    public, id = made.auth_data.credential_data.public_key, made.auth_data.credential_data.credential_id
    assert key.state()["credentials"] == []
    allow = [{"type": "public-key", "id": id}]
    key.restart()
    [assertion] = key.get_assertions(allow_list=allow)
    assertion.verify(CLIENT_DATA_HASH, public)
    assert not assertion.user and assertion.auth_data.flags == 0x01
    [assertion] = key.get_assertions(allow_list=allow, options={"up": False})
    assert assertion.auth_data.flags == 0x00
    refused(CtapError.ERR.NO_CREDENTIALS, key.get_assertions, rp_id="other.example", allow_list=allow)
    refused(CtapError.ERR.NO_CREDENTIALS, key.get_assertions)
    key.replug()
    key.ctap.reset()
    refused(CtapError.ERR.NO_CREDENTIALS, key.get_assertions, allow_list=allow)


def several_accounts_are_offered(key):
    ClientPin(key.ctap).set_pin("1234")
    keys = {}
    for name in ["ada", "bob", "eve"]:
        user = {"id": name.encode(), "name": name, "displayName": name.title()}
        keys[name.encode()] = key.make_credential("1234", user=user).auth_data
    assertions = key.get_assertions("1234")
    assert [a.user["id"] for a in assertions] == [b"eve", b"bob", b"ada"], "newest first"
    assert assertions[0].number_of_credentials == 3
    for assertion in assertions:
        assert assertion.user["displayName"] == assertion.user["name"].title()
        assertion.verify(CLIENT_DATA_HASH, keys[assertion.user["id"]].credential_data.public_key)
    refused(CtapError.ERR.NOT_ALLOWED, key.ctap.get_next_assertion)
    assert all(set(a.user) == {"id"} for a in key.get_assertions()), "names only after the PIN"


def credentials_are_managed(key):
    ClientPin(key.ctap).set_pin("1234")
    manage = key.credential_management("1234")
    assert manage.get_metadata() == {1: 0, 2: 100}
    refused(CtapError.ERR.NO_CREDENTIALS, manage.enumerate_rps_begin)
    made = {}
    for rp_id, name in [("a.example", "ada"), ("b.example", "ada"), ("b.example", "bob")]:
        user = {"id": name.encode(), "name": name, "displayName": name.title()}
        data = key.make_credential("1234", user=user, rp={"id": rp_id, "name": rp_id}).auth_data
        made[rp_id, name] = data.credential_data
    for protocol in PROTOCOLS:
        for permission in [PERMISSION.CREDENTIAL_MGMT, PERMISSION.PERSISTENT_CREDENTIAL_MGMT]:
            manage = CredentialManagement(
                key.ctap, *key.token("1234", permission, protocol=protocol)
            )
            assert manage.get_metadata() == {1: 3, 2: 97}
            found = {}
            for rp in manage.enumerate_rps():
                assert rp[4] == hashlib.sha256(rp[3]["id"].encode()).digest()
                for credential in manage.enumerate_creds(rp[4]):
                    found[rp[3]["id"], credential[6]["name"]] = credential
            assert found.keys() == made.keys()
            for account, credential in found.items():
                assert credential[7]["id"] == made[account].credential_id
                assert credential[8] == dict(made[account].public_key)
                assert credential[10] == 1
    refused(CtapError.ERR.PIN_AUTH_INVALID, manage.delete_cred, found["a.example", "ada"][7])
    manage = key.credential_management("1234")
    unknown = {"type": "public-key", "id": bytes(32)}
    refused(CtapError.ERR.NO_CREDENTIALS, manage.delete_cred, unknown)
    bob = found["b.example", "bob"]
    manage.update_user_info(bob[7], {"id": b"bob", "name": "robert"})
    refused(CtapError.ERR.INVALID_PARAMETER, manage.update_user_info, bob[7], {"id": b"x"})
    key.restart()
    manage = key.credential_management("1234")
    [ada, bob] = manage.enumerate_creds(hashlib.sha256(b"b.example").digest())
    if bob[6]["id"] != b"bob":
        ada, bob = bob, ada
    assert bob[6] == {"id": b"bob", "name": "robert"}
    manage.delete_cred(ada[7])
    assert manage.get_metadata() == {1: 2, 2: 98}
    key.restart()
    assert {c["rp_id"] for c in key.state()["credentials"]} == {"a.example", "b.example"}
    refused(
        CtapError.ERR.NO_CREDENTIALS,
        key.get_assertions,
        rp_id="b.example",
        allow_list=[{"type": "public-key", "id": ada[7]["id"]}],
    )


def the_preview_command_serves_old_platforms(key):
    ClientPin(key.ctap).set_pin("1234")
    key.make_credential("1234")
    protocol, token = key.token("1234", None)
    mac = protocol.authenticate(token, b"\x01")
    request = {1: 1, 3: protocol.VERSION, 4: mac}
    assert key.ctap.send_cbor(0x41, request) == {1: 1, 2: 99}
    refused(CtapError.ERR.PIN_AUTH_INVALID, key.ctap.send_cbor, 0x0A, request)


def key_is_configured(key):
    config = Config(key.ctap)
    refused(CtapError.ERR.PIN_NOT_SET, config.set_min_pin_length, force_change_pin=True)
    ClientPin(key.ctap).set_pin("1234")
    refused(CtapError.ERR.PUAT_REQUIRED, config.set_min_pin_length, 6)
    config = key.config("1234")
    config.set_min_pin_length(min_pin_length=4, rp_ids=[RP_ID])
    made = key.make_credential("1234", extensions={"minPinLength": True})
    assert made.auth_data.extensions == {"minPinLength": 4}
    made = key.make_credential("1234", rp={"id": "x.example"}, extensions={"minPinLength": True})
    assert made.auth_data.extensions is None
    key.config("1234").set_min_pin_length(min_pin_length=6)
    info = key.ctap.get_info()
    assert info.min_pin_length == 6 and info.force_pin_change
    refused(CtapError.ERR.PIN_INVALID, key.token, "1234", None)
    refused(CtapError.ERR.PIN_POLICY_VIOLATION, key.token, "1234", PERMISSION.CREDENTIAL_MGMT)
    client_pin = ClientPin(key.ctap)
    refused(CtapError.ERR.PIN_POLICY_VIOLATION, client_pin.change_pin, "1234", "12345")
    client_pin.change_pin("1234", "123456")
    assert not key.ctap.get_info().force_pin_change
    refused(CtapError.ERR.PIN_POLICY_VIOLATION, key.config("123456").set_min_pin_length, 5)
    key.config("123456").set_min_pin_length(force_change_pin=True)
    refused(CtapError.ERR.PIN_POLICY_VIOLATION, client_pin.change_pin, "123456", "123456")
    client_pin.change_pin("123456", "654321")

    assert key.make_credential(rk=False)
    key.config("654321").toggle_always_uv()
    info = key.ctap.get_info()
    assert info.options["alwaysUv"] is True and info.options["makeCredUvNotRqd"] is False
    refused(CtapError.ERR.PUAT_REQUIRED, key.make_credential, rk=False)
    refused(CtapError.ERR.PUAT_REQUIRED, key.get_assertions)
    key.config("654321").toggle_always_uv()
    assert key.make_credential(rk=False)


def enterprise_attestation_names_the_device(key):
    root = key.attestation_root()
    refused(CtapError.ERR.INVALID_PARAMETER, key.make_credential, enterprise_attestation=2)
    Config(key.ctap).enable_enterprise_attestation()
    assert key.ctap.get_info().options["ep"] is True
    refused(CtapError.ERR.INVALID_OPTION, key.make_credential, enterprise_attestation=3)
    for kind, rp_id, named in [(2, RP_ID, True), (1, RP_ID, False), (1, "corp.example", True)]:
        made = key.make_credential(rp={"id": rp_id}, enterprise_attestation=kind)
        assert bool(made.ep_att) is named, (kind, rp_id)
        attestation = AttestationObject.create(made.fmt, made.auth_data, made.att_stmt)
        Verifier(root).verify_attestation(attestation, CLIENT_DATA_HASH)
        certificate = x509.load_der_x509_certificate(made.att_stmt["x5c"][0])
        assert serial_number(certificate) == ("KS-0001" if named else None)


def serial_number(certificate):
    oid = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.2")
    try:
        extension = certificate.extensions.get_extension_for_oid(oid)
    except x509.ExtensionNotFound:
        return None
    assert not extension.critical and extension.value.value[0] == 0x04
    return extension.value.value[2:].decode()


def reset_wants_a_fresh_plug(key):
    ClientPin(key.ctap).set_pin("1234")
    key.make_credential("1234")
    key.order(do="advance", ms=10_001)
    refused(CtapError.ERR.NOT_ALLOWED, key.ctap.reset)
    key.replug()
    assert key.state()["power_ups"] == 2
    key.order(do="touch-policy", policy="ask")
    statuses = []

    def touch(status):
        if status == 2 and 2 not in statuses:
            key.order(do="touch")
        statuses.append(status)

    key.ctap.reset(on_keepalive=touch)
    assert 2 in statuses
    state = key.state()
    assert state["credentials"] == [] and not state["pin_set"]
    assert key.attestation_root(), "the factory's part survives"


def touch_is_asked_for(key):
    key.order(do="touch-policy", policy="ask")
    cancel = threading.Event()

    def on_keepalive(status):
        if status == 2:
            assert key.state()["waiting_for_touch"]
            cancel.set()

    refused(
        CtapError.ERR.KEEPALIVE_CANCEL, key.ctap.selection, event=cancel, on_keepalive=on_keepalive
    )
    assert not key.state()["waiting_for_touch"]

    def out_of_time(status):
        if status == 2:
            key.order(do="advance", ms=30_000)

    refused(CtapError.ERR.USER_ACTION_TIMEOUT, key.ctap.selection, on_keepalive=out_of_time)
    key.order(do="touch-policy", policy="never")
    refused(
        CtapError.ERR.OPERATION_DENIED, key.make_credential, rk=False, on_keepalive=out_of_time
    )
    key.order(do="touch-policy", policy="always")
    key.ctap.selection()


def channels_are_shared_fairly(key):
    """PING, WINK and LOCK as a client of other people's speaks them."""
    for length in [0, 1, 57, 58, 7609]:
        payload = bytes(i % 251 for i in range(length))
        assert key.device.ping(payload) == payload, length
    assert key.device.capabilities & CAPABILITY.WINK
    key.device.wink()
    refused(CtapError.ERR.INVALID_COMMAND, key.device.call, 0x40)

    # Another program of the same host: a channel of its own on the same link.
    def other(command, payload=b""):
        return exchange(key, 2, command, payload)

    allocate_another(key, expected=2)
    assert other(CTAPHID.PING, b"me?") == (CTAPHID.PING, b"me?")
    key.device.lock(10)
    assert other(CTAPHID.PING, b"me?") == (CTAPHID.ERROR, b"\x06"), "channel busy"
    assert key.device.ping(b"mine") == b"mine"
    key.order(do="advance", ms=10_000)
    assert other(CTAPHID.PING, b"me?") == (CTAPHID.PING, b"me?")
    key.device.lock(10)
    key.device.lock(0)
    assert other(CTAPHID.PING, b"me?") == (CTAPHID.PING, b"me?")
    refused(CtapError.ERR.INVALID_PARAMETER, key.device.lock, 11)


def allocate_another(key, expected):
    """A second channel beside the one that the client has."""
    command, answer = exchange(key, 0xFFFFFFFF, CTAPHID.INIT, b"another.")
    assert (command, answer[:8]) == (CTAPHID.INIT, b"another.")
    assert int.from_bytes(answer[8:12], "big") == expected, answer


def exchange(key, channel, command, payload):
    """One short message there and back, by hand: its command and payload."""
    head = channel.to_bytes(4, "big") + bytes([0x80 | command]) + len(payload).to_bytes(2, "big")
    key.device._connection.write_packet((head + payload).ljust(64, b"\0"))
    packet = key.device._connection.read_packet()
    assert packet[:4] == head[:4], packet
    length = int.from_bytes(packet[5:7], "big")
    return packet[4] & 0x7F, packet[7 : 7 + length]


def secrets_are_derived(key):
    """hmac-secret, by hand: the client class hides the raw extension."""
    ClientPin(key.ctap).set_pin("1234")
    made = key.make_credential("1234", extensions={"hmac-secret": True, "credProtect": 2})
    assert made.auth_data.extensions == {"hmac-secret": True, "credProtect": 2}
    salts = hashlib.sha256(b"1").digest() + hashlib.sha256(b"2").digest()
    refused(CtapError.ERR.NO_CREDENTIALS, key.get_assertions)
    allow = [{"type": "public-key", "id": made.auth_data.credential_data.credential_id}]
    outputs = {}
    for pin in [None, "1234"]:
        for protocol in PROTOCOLS:
            client_pin = ClientPin(key.ctap, protocol)
            agreement, secret = client_pin._get_shared_secret()
            salt_enc = protocol.encrypt(secret, salts)
            salt_auth = protocol.authenticate(secret, salt_enc)
            input = {1: agreement, 2: salt_enc, 3: salt_auth, 4: protocol.VERSION}
            [answer] = key.get_assertions(
                pin, allow_list=allow, extensions={"hmac-secret": input}
            )
            output = protocol.decrypt(secret, answer.auth_data.extensions["hmac-secret"])
            assert len(output) == 64 and output[:32] != output[32:]
            assert outputs.setdefault(pin, output) == output, "the same under both protocols"
            input[3] = bytes(len(salt_auth))
            refused(
                CtapError.ERR.PIN_AUTH_INVALID,
                key.get_assertions,
                allow_list=allow,
                extensions={"hmac-secret": input},
            )
    assert outputs[None] != outputs["1234"], "user verification gives another secret"


def the_device_is_known_by_its_identifier(key):
    ClientPin(key.ctap).set_pin("1234")
    permission = PERMISSION.PERSISTENT_CREDENTIAL_MGMT
    _, token = key.token("1234", permission)
    first = key.ctap.get_info()
    identifier, store = first.get_identifier(token), first.get_cred_store_state(token)
    key.make_credential("1234")
    key.restart()
    second = key.ctap.get_info()
    assert second.enc_identifier != first.enc_identifier, "strangers cannot follow the key"
    assert second.get_identifier(token) == identifier
    assert second.get_cred_store_state(token) != store
    ClientPin(key.ctap).change_pin("1234", "4321")
    assert key.ctap.get_info().get_identifier(token) != identifier, "the old token is void"
    _, token = key.token("4321", permission)
    assert key.ctap.get_info().get_identifier(token) == identifier


def a_lost_answer_leaves_what_was_done(key):
    ClientPin(key.ctap).set_pin("1234")
    key.order(do="fault", after_command="make_credential", action="unplug")
    try:
        key.make_credential("1234")
        raise AssertionError("the key was to be unplugged")
    except OSError:
        pass
    assert len(key.state()["credentials"]) == 1 and not key.state()["plugged"]
    key.order(do="plug")
    key.accept()
    key.order(do="fault", before_command="credential_management", subcommand=6, action="unplug")
    manage = key.credential_management("1234")
    id = bytes.fromhex(key.state()["credentials"][0]["credential_id"])
    try:
        manage.delete_cred({"type": "public-key", "id": id})
        raise AssertionError("the key was to be unplugged")
    except OSError:
        pass
    assert len(key.state()["credentials"]) == 1
    key.stream.close()
    key.order(do="plug")
    key.accept()
    key.credential_management("1234").delete_cred({"type": "public-key", "id": id})
    assert key.state()["credentials"] == []


def a_lost_host_is_no_power_cycle(key):
    client_pin = ClientPin(key.ctap)
    client_pin.set_pin("1234")
    for code in [CtapError.ERR.PIN_INVALID] * 2 + [CtapError.ERR.PIN_AUTH_BLOCKED]:
        refused(code, client_pin.get_pin_token, "4321")
    key.stream.close()
    key.accept()
    assert key.state()["power_ups"] == 1
    refused(CtapError.ERR.PIN_AUTH_BLOCKED, ClientPin(key.ctap).get_pin_token, "1234")


def blobs_are_kept(key):
    client_pin = ClientPin(key.ctap)
    client_pin.set_pin("1234")
    large_blob_key = bytes(range(32))
    blobs = LargeBlobs(key.ctap, *key.token("1234", PERMISSION.LARGE_BLOB_WRITE))
    assert blobs.read_blob_array() == []
    text = os.urandom(1500)
    blobs.put_blob(large_blob_key, text)
    key.replug()
    assert LargeBlobs(key.ctap).get_blob(large_blob_key) == text
    blobs = LargeBlobs(key.ctap, *key.token("1234", PERMISSION.LARGE_BLOB_WRITE))
    blobs.delete_blob(large_blob_key)
    assert blobs.read_blob_array() == []
    made = key.make_credential("1234", extensions={"credBlob": b"32 bytes", "largeBlobKey": True})
    assert len(made.large_blob_key) == 32
    (assertion,) = key.get_assertions("1234", extensions={"credBlob": True, "largeBlobKey": True})
    assert assertion.auth_data.extensions["credBlob"] == b"32 bytes"
    assert assertion.large_blob_key == made.large_blob_key


def fingers_are_enrolled(key):
    client_pin = ClientPin(key.ctap)
    client_pin.set_pin("1234")
    assert key.ctap.get_info().options["uv"] is False
    bio = FPBioEnrollment(key.ctap, *key.token("1234", PERMISSION.BIO_ENROLL))
    key.order(do="finger", finger=7)
    context = bio.enroll()
    template = None
    while template is None:
        template = context.capture()
    key.order(do="finger", finger=8, quality=5)
    context = bio.enroll()
    try:
        context.capture()
        raise AssertionError("the finger was too fast")
    except CaptureError as error:
        assert error.code == 5, error
    context.cancel()
    bio.set_name(template, "left index")
    assert bio.enumerate_enrollments() == {template: "left index"}
    key.order(do="finger", finger=8)
    refused(CtapError.ERR.UV_INVALID, client_pin.get_uv_token, PERMISSION.CREDENTIAL_MGMT)
    assert client_pin.get_uv_retries() == 4
    key.order(do="finger", finger=7)
    assert client_pin.get_uv_token(PERMISSION.CREDENTIAL_MGMT)
    made = key.make_credential(options={"rk": True, "uv": True})
    assert made.auth_data.is_user_verified()
    bio = FPBioEnrollment(key.ctap, *key.token("1234", PERMISSION.BIO_ENROLL))
    bio.remove_enrollment(template)
    assert key.ctap.get_info().options["uv"] is False


def u2f_is_spoken(key):
    ctap1 = Ctap1(key.device)
    assert ctap1.get_version() == "U2F_V2"
    app = hashlib.sha256(RP_ID.encode()).digest()
    registered = ctap1.register(CLIENT_DATA_HASH, app)
    registered.verify(app, CLIENT_DATA_HASH)
    signed = ctap1.authenticate(CLIENT_DATA_HASH, app, registered.key_handle)
    signed.verify(app, CLIENT_DATA_HASH, registered.public_key)
    # The same credential, by CTAP2.
    credential = {"type": "public-key", "id": registered.key_handle}
    (assertion,) = key.get_assertions(allow_list=[credential])
    assertion.verify(CLIENT_DATA_HASH, ES256.from_ctap1(registered.public_key))


PROFILES = {"fingers_are_enrolled": "biometric"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("scenario")
    parser.add_argument("--binary", required=True)
    parser.add_argument("--folder", required=True)
    arguments = parser.parse_args()
    scenario = globals()[arguments.scenario]
    key = Key(
        arguments.binary,
        arguments.folder,
        "--serial", "KS-0001",
        "--enterprise-rp-id", "corp.example",
        "--profile", PROFILES.get(arguments.scenario, "2.3"),
    )  # fmt: skip
    try:
        scenario(key)
    finally:
        key.kill()


if __name__ == "__main__":
    sys.exit(main())
