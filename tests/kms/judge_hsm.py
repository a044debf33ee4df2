"""Key attestations of LiquidSecurity HSMs, read and verified a second time, by nothing of ours: what Google's
verify_attestation_chains.py and Marvell's parse_v2.py do, written anew on the `cryptography` package, since neither can be
had from a package registry.

judge_hsm.py key ATTESTATION             the attested public key, in PEM (gzip or not)
judge_hsm.py verify JSON ROOTS KEY       Google's JSON (CryptoKeyVersion, or its attestation), two roots and a public key in PEM
"""

import base64
import gzip
import hashlib
import json
import struct
import sys
import warnings

warnings.simplefilter("ignore")  # genuine roots have the serial number 0

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

CURVES = {65: (ec.SECP256R1, ec.SECP256K1), 97: (ec.SECP384R1,), 133: (ec.SECP521R1,)}


def spki(key):
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def attributes(data, at):
    handle, count, size = struct.unpack_from(">III", data, at)
    at += 12
    found = {}
    for _ in range(count):
        kind, length = struct.unpack_from(">II", data, at)
        found[kind] = data[at + 8:at + 8 + length]
        at += 8 + length
    return found


def objects(attestation):
    _, _, total, size = struct.unpack_from(">IIII", attestation, 0)
    start = total - (size + 256)
    _, _, first, second = struct.unpack_from(">HHHH", attestation, start)
    return [attributes(attestation[:-256], start + offset) for offset in (first, second) if offset]


def key_of(values):
    material, ekcv = values[0x120], values[0x1003]
    if values[0x100] == b"\0":
        keys = [rsa.RSAPublicNumbers(int.from_bytes(values[0x122], "big"), int.from_bytes(material, "big")).public_key()]
    else:
        keys = []
        for curve in CURVES[len(material)]:
            try:
                keys.append(ec.EllipticCurvePublicKey.from_encoded_point(curve(), material))
            except ValueError:
                pass
    return next(k for k in keys if hashlib.sha256(spki(k)).digest() == ekcv)


def issued(issuer, certs):
    """The one that the issuer's key has signed, out of a list."""
    for cert in certs:
        if cert.issuer != issuer.subject or cert == issuer:
            continue
        try:
            issuer.public_key().verify(cert.signature, cert.tbs_certificate_bytes, padding.PKCS1v15(),
                                       cert.signature_hash_algorithm)
            return cert
        except Exception:
            continue
    raise SystemExit("a certificate is missing")


def verify(path, roots_path, key_path):
    attested = json.load(open(path))
    attested = attested.get("attestation", attested)
    chains = {name: x509.load_pem_x509_certificates("".join(pems).encode()) for name, pems in attested["certChains"].items()}
    maker_root, owner_root = x509.load_pem_x509_certificates(open(roots_path, "rb").read())
    card = issued(maker_root, chains["caviumCerts"])
    partition = issued(card, chains["caviumCerts"])
    owner_card = issued(owner_root, chains["googleCardCerts"])
    owner_partition = issued(owner_root, chains["googlePartitionCerts"])
    assert spki(card.public_key()) == spki(owner_card.public_key()), "card"
    assert spki(partition.public_key()) == spki(owner_partition.public_key()), "partition"
    attestation = gzip.decompress(base64.b64decode(attested["content"]))
    for cert in (partition, owner_partition):
        cert.public_key().verify(attestation[-256:], attestation[:-256], padding.PKCS1v15(), hashes.SHA256())
    public, private = objects(attestation)
    assert private[0] == b"\3" and private[0x162] == b"\0" and private[0x163] == b"\1", "private key"
    key = serialization.load_pem_public_key(open(key_path, "rb").read())
    assert spki(key_of(private)) == spki(key_of(public)) == spki(key), "another key"


def main():
    if sys.argv[1] == "key":
        data = open(sys.argv[2], "rb").read()
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        key = key_of(objects(data)[0])
        print(key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode(), end="")
    else:
        verify(*sys.argv[2:5])


main()
