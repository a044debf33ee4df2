"""Google's own client (google-cloud-kms) judges the test server: what it cannot do against it, or what it takes for
another error than Google's documentation has, is a fault of the server. Prints TAP. The environment is that of
tests/kms/servers/gcp."""

import concurrent.futures
import json
import os
import sys
import time
import urllib.request
import uuid

os.environ["REQUESTS_CA_BUNDLE"] = os.environ["CHIO_TEST_GCP_CA"]
os.environ["GCE_METADATA_HOST"] = os.environ["CHIO_TEST_GCP_HTTP"].removeprefix("http://")  # read when google.auth is imported

import google.auth
import google.auth.transport.grpc
import google.auth.transport.requests
import google.oauth2.credentials
import google.oauth2.service_account
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from google.api_core import exceptions as gone
from google.auth import compute_engine
from google.auth import exceptions as refused
from google.auth import identity_pool
from google.cloud import kms_v1
from google.cloud.kms_v1.services.key_management_service.transports import (
    KeyManagementServiceGrpcTransport,
    KeyManagementServiceRestTransport,
)
import grpc

HTTPS = os.environ["CHIO_TEST_GCP_ENDPOINT"]
HTTP = os.environ["CHIO_TEST_GCP_HTTP"]
RING = os.environ["CHIO_TEST_GCP_RING"]
DIR = os.environ["CHIO_TEST_GCP_DIR"]
CA = os.environ["CHIO_TEST_GCP_CA"]
HOST = HTTPS.removeprefix("https://")
SCOPES = ["https://www.googleapis.com/auth/cloudkms"]
Alg = kms_v1.CryptoKeyVersion.CryptoKeyVersionAlgorithm
Purpose = kms_v1.CryptoKey.CryptoKeyPurpose
State = kms_v1.CryptoKeyVersion.CryptoKeyVersionState

count = failures = 0


def report(ok, name, why=""):
    global count, failures
    count += 1
    failures += not ok
    print(f"{'ok' if ok else 'not ok'} {count} - {name}")
    for line in str(why).splitlines() if not ok else []:
        print(f"# {line}")
    sys.stdout.flush()


def case(name):
    def run(function):
        try:
            function()
            report(True, name)
        except Exception as error:  # whatever the client says is the judgement
            report(False, name, f"{type(error).__name__}: {error}")
        return function

    return run


def is_of(error, kind):
    """Over REST the client sees HTTP's code and raises the class for it, under which several of Google's codes are: then
    the code's name is in the body."""
    if isinstance(error, kind):
        return True
    word = getattr(kind, "grpc_status_code", None)
    if not isinstance(error, gone.GoogleAPICallError) or error.code != getattr(kind, "code", None):
        return False
    return error.response is not None and error.response.json()["error"]["status"] == word.name


def expect(kind, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except Exception as error:
        if is_of(error, kind):
            return
        raise
    raise AssertionError(f"{kind} did not come")


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def admin(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(HTTP + path, data=data, method="POST")) as reply:
        return reply.read()


def credentials(name):
    info = json.load(open(f"{DIR}/{name}"))
    if info["type"] == "service_account":
        return google.oauth2.service_account.Credentials.from_service_account_info(info, scopes=SCOPES)
    if info["type"] == "external_account":
        return identity_pool.Credentials.from_info(info, scopes=SCOPES)
    return google.oauth2.credentials.Credentials(  # from_info goes to Google whatever token_uri the file has
        None, refresh_token=info["refresh_token"], token_uri=info["token_uri"], client_id=info["client_id"],
        client_secret=info["client_secret"])


def grpc_channel(made):
    root = open(CA, "rb").read()
    request = google.auth.transport.requests.Request()
    plugin = google.auth.transport.grpc.AuthMetadataPlugin(made, request)
    both = grpc.composite_channel_credentials(grpc.ssl_channel_credentials(root), grpc.metadata_call_credentials(plugin))
    return grpc.secure_channel(HOST, both)


def client(transport, made):
    if transport == "rest":
        chosen = KeyManagementServiceRestTransport(host=HOST, credentials=made, url_scheme="https")
    else:
        chosen = KeyManagementServiceGrpcTransport(channel=grpc_channel(made))
    return kms_v1.KeyManagementServiceClient(transport=chosen)


def make(kms, algorithm, purpose=Purpose.ASYMMETRIC_SIGN, level=kms_v1.ProtectionLevel.SOFTWARE):
    key = kms.create_crypto_key(
        parent=RING,
        crypto_key_id=f"judge-{uuid.uuid4().hex[:12]}",
        crypto_key={"purpose": purpose, "version_template": {"algorithm": algorithm, "protection_level": level}},
    )
    name = f"{key.name}/cryptoKeyVersions/1"
    wait_made(kms, name)
    return key.name, name


def wait_made(kms, name):
    for _ in range(1000):
        if kms.get_crypto_key_version(name=name).state != State.PENDING_GENERATION:
            return
        time.sleep(0.05)
    raise AssertionError("the key is never made")


def verify(pem, algorithm, signature, digest, data):
    public = serialization.load_pem_public_key(pem.encode())
    name = algorithm.name
    if isinstance(public, ed25519.Ed25519PublicKey):
        return public.verify(signature, data)
    chosen = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}.get(name[-3:], hashes.SHA256)()
    if isinstance(public, ec.EllipticCurvePublicKey):
        return public.verify(signature, digest, ec.ECDSA(utils.Prehashed(chosen)))
    if "_RAW_" in name:
        return public.verify(signature, digest, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))
    if "_PSS_" in name:
        pss = padding.PSS(mgf=padding.MGF1(chosen), salt_length=chosen.digest_size)
        return public.verify(signature, digest, pss, utils.Prehashed(chosen))
    return public.verify(signature, digest, padding.PKCS1v15(), utils.Prehashed(chosen))


SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def sign_and_verify(kms, algorithm):
    _, name = make(kms, algorithm)
    public = kms.get_public_key(name=name)
    assert public.name == name and public.algorithm == algorithm, "the public key is of another key"
    assert public.pem_crc32c == crc32c(public.pem.encode()), "pem_crc32c"
    bits = "512" if algorithm.name.endswith("512") else "384" if algorithm.name.endswith("384") else "256"
    digest = os.urandom(int(bits) // 8)
    data = os.urandom(100)
    request = {"name": name, "digest": {f"sha{bits}": digest}, "digest_crc32c": crc32c(digest)}
    if algorithm == Alg.EC_SIGN_ED25519:
        request = {"name": name, "data": data, "data_crc32c": crc32c(data)}
    elif "_RAW_" in algorithm.name:
        info = SHA256_INFO + digest
        request = {"name": name, "data": info, "data_crc32c": crc32c(info)}
    reply = kms.asymmetric_sign(request=request)
    assert reply.name == name, "name"
    assert reply.signature_crc32c == crc32c(reply.signature), "signature_crc32c"
    assert reply.verified_data_crc32c if "data" in request else reply.verified_digest_crc32c, "not verified"
    verify(public.pem, algorithm, reply.signature, digest, data)
    try:
        verify(public.pem, algorithm, reply.signature, os.urandom(len(digest)), os.urandom(100))
    except InvalidSignature:
        return
    raise AssertionError("it verifies for other data")


def judge(transport):
    kms = client(transport, credentials("service-account.json"))
    signing = ["EC_SIGN_P256_SHA256", "EC_SIGN_P384_SHA384", "EC_SIGN_ED25519", "RSA_SIGN_PKCS1_2048_SHA256",
               "RSA_SIGN_RAW_PKCS1_2048", "RSA_SIGN_PSS_2048_SHA256"]
    if transport == "rest":
        signing += ["RSA_SIGN_PKCS1_3072_SHA256", "RSA_SIGN_PKCS1_4096_SHA512", "RSA_SIGN_PSS_4096_SHA512"]
    for algorithm in signing:
        case(f"{transport}: {algorithm} signs, and the signature verifies")(lambda a=Alg[algorithm]: sign_and_verify(kms, a))

    @case(f"{transport}: a key is made once, got and listed over pages")
    def _():
        key, _ = make(kms, Alg.EC_SIGN_P256_SHA256)
        make(kms, Alg.EC_SIGN_P256_SHA256)
        got = kms.get_crypto_key(name=key)
        assert got.purpose == Purpose.ASYMMETRIC_SIGN and not got.primary.name
        pages = list(kms.list_crypto_keys(request={"parent": RING, "page_size": 1}).pages)
        assert len(pages) > 1 and key in [k.name for page in pages for k in page.crypto_keys]
        expect(gone.AlreadyExists, kms.create_crypto_key, parent=RING, crypto_key_id=key.split("/")[-1],
               crypto_key={"purpose": Purpose.ASYMMETRIC_SIGN, "version_template": {"algorithm": Alg.EC_SIGN_P256_SHA256}})

    @case(f"{transport}: versions are added, disabled, enabled, scheduled for destruction and restored")
    def _():
        key, first = make(kms, Alg.EC_SIGN_P256_SHA256)
        second = kms.create_crypto_key_version(parent=key, crypto_key_version={}).name
        assert second == f"{key}/cryptoKeyVersions/2"
        wait_made(kms, second)
        digest = {"sha256": bytes(32)}
        off = kms_v1.CryptoKeyVersion(name=first, state=State.DISABLED)
        assert kms.update_crypto_key_version(crypto_key_version=off, update_mask={"paths": ["state"]}).state == State.DISABLED
        expect(gone.FailedPrecondition, kms.asymmetric_sign, name=first, digest=digest)
        expect(gone.FailedPrecondition, kms.get_public_key, name=first)
        enabled = kms.list_crypto_key_versions(request={"parent": key, "filter": "state=ENABLED"})
        assert [v.name for v in enabled] == [second]
        on = kms_v1.CryptoKeyVersion(name=first, state=State.ENABLED)
        kms.update_crypto_key_version(crypto_key_version=on, update_mask={"paths": ["state"]})
        kms.asymmetric_sign(name=first, digest=digest)
        assert kms.destroy_crypto_key_version(name=first).state == State.DESTROY_SCHEDULED
        expect(gone.FailedPrecondition, kms.asymmetric_sign, name=first, digest=digest)
        assert kms.restore_crypto_key_version(name=first).state == State.DISABLED

    @case(f"{transport}: a version that is being made says so with its violation")
    def _():
        admin("/admin/pending?ms=2000")
        key = kms.create_crypto_key(parent=RING, crypto_key_id=f"slow-{uuid.uuid4().hex[:12]}", crypto_key={
            "purpose": Purpose.ASYMMETRIC_SIGN, "version_template": {"algorithm": Alg.EC_SIGN_P256_SHA256}})
        admin("/admin/pending?ms=100")
        try:
            kms.get_public_key(name=f"{key.name}/cryptoKeyVersions/1")
        except gone.BadRequest as error:
            found = [d["violations"] if isinstance(d, dict) else d.violations for d in error.details]
            violations = [v["type"] if isinstance(v, dict) else v.type for one in found for v in one]
            assert violations == ["KEY_PENDING_GENERATION"], f"details: {error.details}"
            return
        raise AssertionError("it was ready at once")

    @case(f"{transport}: symmetric keys seal and open with their additional data, and only with it")
    def _():
        key, version = make(kms, Alg.GOOGLE_SYMMETRIC_ENCRYPTION, Purpose.ENCRYPT_DECRYPT)
        plain, aad = b"a secret", b"bound to this"
        sealed = kms.encrypt(request={
            "name": key, "plaintext": plain, "plaintext_crc32c": crc32c(plain), "additional_authenticated_data": aad,
            "additional_authenticated_data_crc32c": crc32c(aad)})
        assert sealed.name == version and sealed.verified_plaintext_crc32c
        assert sealed.verified_additional_authenticated_data_crc32c
        assert sealed.ciphertext_crc32c == crc32c(sealed.ciphertext)
        opened = kms.decrypt(request={"name": key, "ciphertext": sealed.ciphertext, "additional_authenticated_data": aad})
        assert opened.plaintext == plain and opened.plaintext_crc32c == crc32c(plain) and opened.used_primary
        expect(gone.InvalidArgument, kms.decrypt, name=key, ciphertext=sealed.ciphertext)
        expect(gone.InvalidArgument, kms.decrypt, name=key, ciphertext=b"\0\0\0\1" + bytes(40))
        kms.create_crypto_key_version(parent=key, crypto_key_version={})
        assert kms.update_crypto_key_primary_version(name=key, crypto_key_version_id="2").primary.name.endswith("/2")
        again = kms.decrypt(request={"name": key, "ciphertext": sealed.ciphertext, "additional_authenticated_data": aad})
        assert again.plaintext == plain and not again.used_primary
        empty = kms.encrypt(request={"name": key, "plaintext": b""})
        assert kms.decrypt(name=key, ciphertext=empty.ciphertext).plaintext == b""

    for algorithm, chosen in (("RSA_DECRYPT_OAEP_2048_SHA256", hashes.SHA256), ("RSA_DECRYPT_OAEP_2048_SHA1", hashes.SHA1)):

        @case(f"{transport}: {algorithm} opens what its public key sealed")
        def _(algorithm=algorithm, chosen=chosen):
            _, name = make(kms, Alg[algorithm], Purpose.ASYMMETRIC_DECRYPT)
            public = serialization.load_pem_public_key(kms.get_public_key(name=name).pem.encode())
            sealed = public.encrypt(b"plain", padding.OAEP(padding.MGF1(chosen()), chosen(), None))
            reply = kms.asymmetric_decrypt(request={"name": name, "ciphertext": sealed, "ciphertext_crc32c": crc32c(sealed)})
            assert reply.plaintext == b"plain" and reply.verified_ciphertext_crc32c
            expect(gone.InvalidArgument, kms.asymmetric_decrypt, name=name, ciphertext=bytes(256))
            expect(gone.InvalidArgument, kms.asymmetric_sign, name=name, digest={"sha256": bytes(32)})

    @case(f"{transport}: random bytes have their length, their checksum and their limits")
    def _():
        location = RING.split("/keyRings/")[0]
        reply = kms.generate_random_bytes(location=location, length_bytes=32, protection_level=kms_v1.ProtectionLevel.HSM)
        assert len(reply.data) == 32 and reply.data_crc32c == crc32c(reply.data)
        for length in (7, 1025):
            expect(gone.InvalidArgument, kms.generate_random_bytes, location=location, length_bytes=length,
                   protection_level=kms_v1.ProtectionLevel.HSM)

    @case(f"{transport}: a key of an HSM has an attestation with its chains, another has none")
    def _():
        _, name = make(kms, Alg.EC_SIGN_P256_SHA256, level=kms_v1.ProtectionLevel.HSM)
        attestation = kms.get_crypto_key_version(name=name).attestation
        assert attestation.content and attestation.cert_chains.cavium_certs
        _, name = make(kms, Alg.EC_SIGN_P256_SHA256)
        assert not kms.get_crypto_key_version(name=name).attestation.content

    @case(f"{transport}: wrong requests are INVALID_ARGUMENT")
    def _():
        _, name = make(kms, Alg.EC_SIGN_P256_SHA256)
        good = bytes(32)
        expect(gone.InvalidArgument, kms.asymmetric_sign,
               request={"name": name, "digest": {"sha256": good}, "digest_crc32c": crc32c(good) ^ 1})
        expect(gone.InvalidArgument, kms.asymmetric_sign, name=name, digest={"sha384": bytes(48)})
        expect(gone.InvalidArgument, kms.asymmetric_sign, name=name, digest={"sha256": bytes(31)})
        expect(gone.InvalidArgument, kms.create_crypto_key, parent=RING, crypto_key_id="a.b", crypto_key={})
        expect(gone.InvalidArgument, kms.create_crypto_key, parent=RING, crypto_key_id="x", crypto_key={
            "purpose": Purpose.ENCRYPT_DECRYPT, "version_template": {"algorithm": Alg.EC_SIGN_P256_SHA256}})

    @case(f"{transport}: what is not there is NOT_FOUND")
    def _():
        missing = f"{RING}/cryptoKeys/missing"
        expect(gone.NotFound, kms.get_crypto_key, name=missing)
        expect(gone.NotFound, kms.get_public_key, name=f"{missing}/cryptoKeyVersions/1")
        expect(gone.NotFound, kms.asymmetric_sign, name=f"{missing}/cryptoKeyVersions/1", digest={"sha256": bytes(32)})
        expect(gone.NotFound, lambda: list(kms.list_crypto_keys(parent=RING + "x")))

    @case(f"{transport}: who may nothing gets PERMISSION_DENIED")
    def _():
        stranger = client(transport, credentials("nobody.json"))
        expect(gone.PermissionDenied, stranger.get_crypto_key, name=f"{RING}/cryptoKeys/any")

    @case(f"{transport}: a token that the server does not know is UNAUTHENTICATED")
    def _():
        stale = client(transport, google.oauth2.credentials.Credentials("ya29.unknown"))
        expect((gone.Unauthenticated, refused.RefreshError), stale.get_crypto_key, name=f"{RING}/cryptoKeys/any")

    @case(f"{transport}: 16 callers at once are served")
    def _():
        _, name = make(kms, Alg.EC_SIGN_P256_SHA256)
        public = serialization.load_pem_public_key(kms.get_public_key(name=name).pem.encode())

        def one(number):
            digest = number.to_bytes(32, "big")
            signature = kms.asymmetric_sign(name=name, digest={"sha256": digest}).signature
            public.verify(signature, digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(one, range(64)))


# gRPC does not go through the faults, which are REST's.
def judge_errors():
    kms = client("rest", credentials("service-account.json"))
    _, name = make(kms, Alg.EC_SIGN_P256_SHA256)
    kinds = {
        429: ("RESOURCE_EXHAUSTED", gone.ResourceExhausted), 500: ("INTERNAL", gone.InternalServerError),
        501: ("UNIMPLEMENTED", gone.MethodNotImplemented), 503: ("UNAVAILABLE", gone.ServiceUnavailable),
        504: ("DEADLINE_EXCEEDED", gone.DeadlineExceeded), 403: ("PERMISSION_DENIED", gone.PermissionDenied),
        409: ("ABORTED", gone.Aborted),
    }
    for code, (word, kind) in kinds.items():

        @case(f"rest: an injected {code} is {kind.__name__}")
        def _(code=code, word=word, kind=kind):
            admin("/admin/fault", {"match": ":asymmetricSign", "count": 1, "kind": "status", "status": code, "code": word,
                                   "message": "injected"})
            expect(kind, kms.asymmetric_sign, name=name, digest={"sha256": bytes(32)}, retry=None)

    @case("rest: an injected wrong checksum, name and missing flag are there")
    def _():
        for kind in ("crc", "name", "flag", "signature"):
            admin("/admin/fault", {"match": ":asymmetricSign", "count": 1, "kind": kind})
            digest = bytes(32)
            reply = kms.asymmetric_sign(request={"name": name, "digest": {"sha256": digest}, "digest_crc32c": crc32c(digest)})
            assert (reply.signature_crc32c == crc32c(reply.signature)) == (kind != "crc")
            assert (reply.name == name) == (kind != "name")
            assert reply.verified_digest_crc32c == (kind != "flag")


def judge_credentials():
    def works(made):
        kms = client("rest", made)
        list(kms.list_crypto_keys(parent=RING))

    for name in ("service-account.json", "external-file.json", "external-json.json", "external-url.json",
                 "authorized-user.json"):
        case(f"{name} gets a token, and the token is good")(lambda name=name: works(credentials(name)))
    for name in ("forged.json", "external-expired.json"):

        @case(f"{name} gets none")
        def _(name=name):
            expect((refused.RefreshError, refused.OAuthError), works, credentials(name))

    @case("the metadata server gives a token to who names the flavour")
    def _():
        works(compute_engine.Credentials(scopes=SCOPES))

    @case("a JWT of a clock that is wrong gets no token")
    def _():
        admin("/admin/clock?offset=7200")
        try:
            expect(refused.RefreshError, works, credentials("service-account.json"))
        finally:
            admin("/admin/clock?offset=0")


judge("rest")
judge("grpc")
judge_errors()
judge_credentials()
print(f"1..{count}")
sys.exit(failures != 0)
