"""Microsoft's own clients against our test server: they must be able to do all that our adapter does, and see each
refusal as the service makes it. Prints TAP; the environment is that of tests/kms/servers/azure."""

import base64
import datetime
import hashlib
import json
import os
import socket
import ssl
import sys
import urllib.error
import urllib.request

env = os.environ
os.environ["REQUESTS_CA_BUNDLE"] = env["CHIO_TEST_AZURE_CA"]
METADATA = env["CHIO_TEST_AZURE_METADATA"].split("/metadata")[0]
os.environ["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = METADATA

# What curl does by itself (RFC 6761): names under .localhost are this machine.
resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: resolve(
    "127.0.0.1" if isinstance(host, str) and host.endswith(".localhost") else host, *rest, **more)

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity import ClientAssertionCredential, ClientSecretCredential, ManagedIdentityCredential
from azure.keyvault.keys import KeyClient, KeyReleasePolicy
from azure.keyvault.keys.crypto import CryptographyClient, EncryptionAlgorithm, SignatureAlgorithm
from cryptography import x509
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

count = 0
failed = 0


def check(what, holds):
    global count, failed
    count += 1
    try:
        good = holds()
    except Exception as error:  # what the client throws is the verdict
        good = False
        print(f"# {type(error).__name__}: {error}")
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {what}", flush=True)


def refused(what, kind, status, call):
    def holds():
        try:
            call()
        except kind as error:
            return status is None or error.status_code == status
        return False
    check(what, holds)


def admin(verb, body):
    data = json.dumps(body).encode()
    request = urllib.request.Request(f"{env['CHIO_TEST_AZURE_ADMIN']}/{verb}", data, {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request))


secret = open(env["CHIO_TEST_AZURE_SECRET_FILE"]).read().strip()
tenant, client, authority = env["CHIO_TEST_AZURE_TENANT"], env["CHIO_TEST_AZURE_CLIENT"], env["CHIO_TEST_AZURE_AUTHORITY"]
more = {"authority": authority, "disable_instance_discovery": True}
by_secret = ClientSecretCredential(tenant, client, secret, **more)
vault = KeyClient("https://" + env["CHIO_TEST_AZURE_VAULT"], by_secret, retry_total=2, retry_backoff_factor=0.05)
hsm = KeyClient("https://" + env["CHIO_TEST_AZURE_HSM"], by_secret, retry_total=0)

DIGESTS = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}


def verifies(key, alg, digest, signature):
    jwk = key.key
    algorithm = DIGESTS[alg.value[2:5]]()
    if alg.value.startswith("ES"):
        curve = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1, "P-256K": ec.SECP256K1}[jwk.crv]()
        public = ec.EllipticCurvePublicNumbers(int.from_bytes(jwk.x, "big"), int.from_bytes(jwk.y, "big"), curve).public_key()
        half = len(signature) // 2
        der = utils.encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
        public.verify(der, digest, ec.ECDSA(utils.Prehashed(algorithm)))
    else:
        public = rsa.RSAPublicNumbers(int.from_bytes(jwk.e, "big"), int.from_bytes(jwk.n, "big")).public_key()
        pad = padding.PKCS1v15() if alg.value[0] == "R" else padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
        public.verify(signature, digest, pad, utils.Prehashed(algorithm))
    return True


def signs(client, key, alg):
    digest = hashlib.new("sha" + alg.value[2:5], b"chio").digest()
    crypto = CryptographyClient(key, by_secret)
    result = crypto.sign(alg, digest)
    return result.key_id == key.id and verifies(key, alg, digest, result.signature)


ES = {"P-256": SignatureAlgorithm.es256, "P-384": SignatureAlgorithm.es384, "P-521": SignatureAlgorithm.es512,
      "P-256K": SignatureAlgorithm.es256_k}
for crv, alg in ES.items():
    made = vault.create_ec_key("judge-" + crv.lower(), curve=crv)
    check(f"{crv}: made, signs, verified", lambda: signs(vault, made, alg))
    check(f"{crv}: read again by name and by version",
          lambda: vault.get_key(made.name).id == made.id == vault.get_key(made.name, made.properties.version).id)
rsa_key = vault.create_rsa_key("judge-rsa", size=2048)
for alg in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"):
    check(f"RSA-2048 {alg}: signs, verified", lambda: signs(vault, rsa_key, SignatureAlgorithm(alg)))
crypto = CryptographyClient(rsa_key, by_secret)
for alg in (EncryptionAlgorithm.rsa_oaep, EncryptionAlgorithm.rsa_oaep_256):
    check(f"{alg.value}: what was encrypted is decrypted",
          lambda: crypto.decrypt(alg, crypto.encrypt(alg, b"plain").ciphertext).plaintext == b"plain")
check("list: all pages", lambda: {p.name for p in vault.list_properties_of_keys(max_page_size=2)} >= {"judge-rsa", "judge-p-256"})
hsm_key = hsm.create_ec_key("judge-hsm", curve="P-384", hardware_protected=True)
check("managed HSM: EC-HSM key signs", lambda: signs(hsm, hsm_key, SignatureAlgorithm.es384))
check("managed HSM: random bytes", lambda: len(hsm.get_random_bytes(count=128)) == 128)



# ---- Secure key release: an SEV-SNP machine of the judge's own, the attestation service, Microsoft's client ----

def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def certify(key, issuer_key, name):
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, n)]) for n in (name, "judge ARK")]
    now = datetime.datetime.now(datetime.timezone.utc)
    return (x509.CertificateBuilder().subject_name(names[0]).issuer_name(names[1]).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1)).sign(issuer_key, hashes.SHA384())).public_bytes(Encoding.PEM)


def attest(vcek, chain, runtime, report_data):
    report = bytearray(1184)
    report[0], report[0x50:0x90] = 5, report_data
    r, s = utils.decode_dss_signature(vcek.sign(bytes(report[:0x2A0]), ec.ECDSA(hashes.SHA384())))
    report[0x2A0:0x2E8], report[0x2E8:0x330] = r.to_bytes(72, "little"), s.to_bytes(72, "little")
    inner = json.dumps({"SnpReport": b64(bytes(report)), "VcekCertChain": b64(chain)}).encode()
    body = {"report": b64(inner), "runtimeData": {"data": b64(runtime), "dataType": "JSON"}}
    url = env["CHIO_TEST_MAA"] + "/attest/SevSnpVm?api-version=2022-08-01"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    tls = ssl.create_default_context(cafile=env["CHIO_TEST_AZURE_CA"])
    return json.load(urllib.request.urlopen(request, context=tls))["token"]


def refuses(status, call):
    try:
        call()
    except urllib.error.HTTPError as error:
        return error.code == status
    return False


def opened(jws, key):
    """What was released: the signature by the certificate in it, the key by RSA-OAEP and RFC 5649."""
    head, payload, signature = jws.split(".")
    leaf = x509.load_der_x509_certificate(base64.b64decode(json.loads(unb64(head))["x5c"][0]))
    leaf.public_key().verify(unb64(signature), f"{head}.{payload}".encode(), padding.PKCS1v15(), hashes.SHA256())
    released = json.loads(unb64(payload))["response"]["key"]["key"]
    sealed = unb64(json.loads(unb64(released["key_hsm"]))["ciphertext"])
    aes = key.decrypt(sealed[:256], padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
    return serialization.load_der_private_key(keywrap.aes_key_unwrap_with_padding(aes, sealed[256:]), None)


ark, vcek, wrapping = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP384R1()), \
    rsa.generate_private_key(65537, 2048)
ark_pem = certify(ark, ark, "judge ARK")
chain = certify(vcek, ark, "SEV-VCEK") + ark_pem
n = wrapping.public_key().public_numbers().n.to_bytes(256, "big")
runtime = json.dumps({"keys": [{"kty": "RSA", "e": "AQAB", "n": b64(n), "kid": "w", "key_ops": ["encrypt"]}]}).encode()
bound = hashlib.sha256(runtime).digest() + bytes(32)
check("evidence under an unknown root is refused", lambda: refuses(400, lambda: attest(vcek, chain, runtime, bound)))
with open(env["CHIO_TEST_MAA_ROOTS"], "ab") as roots:
    roots.write(ark_pem)
check("evidence over other runtime data too", lambda: refuses(400, lambda: attest(vcek, chain, runtime, bytes(64))))
check("and a report that another key signed", lambda: refuses(400, lambda: attest(ark, chain, runtime, bound)))
policy = json.dumps({"version": "1.0.0", "anyOf": [{"authority": env["CHIO_TEST_MAA"], "allOf": [
    {"claim": "x-ms-sevsnpvm-is-debuggable", "equals": "false"}]}]}).encode()
exportable = hsm.create_rsa_key("judge-released", size=2048, hardware_protected=True, exportable=True,
                                release_policy=KeyReleasePolicy(policy))
check("a key may be released by its policy", lambda: exportable.properties.exportable and
      exportable.properties.release_policy.encoded_policy == policy)
release = lambda target: hsm.release_key("judge-released", target, algorithm="RSA_AES_KEY_WRAP_256", nonce="bm9uY2U").value
target = attest(vcek, chain, runtime, bound)
check("it is released for evidence, and opens", lambda: opened(release(target), wrapping).public_key().public_numbers().n
      == int.from_bytes(exportable.key.n, "big"))
forged = target.rsplit(".", 1)[0] + "." + b64(bytes(256))
refused("not for a forged token", HttpResponseError, 403, lambda: release(forged))
refused("a key that is not exportable", HttpResponseError, 403, lambda: hsm.release_key("judge-hsm", target))

token = lambda: open(env["CHIO_TEST_AZURE_TOKEN_FILE"]).read().strip()
federated = KeyClient("https://" + env["CHIO_TEST_AZURE_VAULT"], ClientAssertionCredential(tenant, client, token, **more))
check("a federated token is taken", lambda: federated.get_key("judge-rsa").name == "judge-rsa")
managed = KeyClient("https://" + env["CHIO_TEST_AZURE_VAULT"], ManagedIdentityCredential())
check("a managed identity is taken", lambda: managed.get_key("judge-rsa").name == "judge-rsa")

wrong = KeyClient("https://" + env["CHIO_TEST_AZURE_VAULT"], ClientSecretCredential(tenant, client, "wrong", **more))
refused("a wrong secret", ClientAuthenticationError, None, lambda: wrong.get_key("judge-rsa"))
refused("a key that is not there", ResourceNotFoundError, 404, lambda: vault.get_key("nobody"))
admin("key", {"name": "judge-p-256", "enabled": False})
refused("a disabled key", HttpResponseError, 403,
        lambda: CryptographyClient(vault.get_key("judge-p-256").id, by_secret).sign(ES["P-256"], b"\0" * 32))
admin("fault", {"count": 1, "path": "/keys/judge-rsa", "status": 429, "headers": {"Retry-After": "0"}})
check("throttled once: the client comes again", lambda: vault.get_key("judge-rsa").name == "judge-rsa")
admin("fault", {"count": 1, "path": "/keys/judge-rsa", "status": 500})
check("a failure once: the client comes again", lambda: vault.get_key("judge-rsa").name == "judge-rsa")
admin("revoke", {})
check("a revoked token: the client gets another", lambda: KeyClient(
    "https://" + env["CHIO_TEST_AZURE_VAULT"], ClientSecretCredential(tenant, client, secret, **more)).get_key("judge-rsa") is not None)
print(f"1..{count}")
sys.exit(1 if failed else 0)
