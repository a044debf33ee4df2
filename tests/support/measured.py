"""Writes what is measured, independently of attest/: enclave images (EIF), SIGSTRUCTs, event logs. Each writer gives the
bytes and the registers that follow from them by the vendors' own descriptions.

  measured.py DIR   writes samples: NAME.bin, and NAME.json with the registers
"""
import hashlib
import json
import os
import struct
import subprocess
import sys
import zlib

SECTIONS = {"kernel": 1, "cmdline": 2, "ramdisk": 3, "signature": 4, "metadata": 5}


def extended(*parts):
    return hashlib.sha384(bytes(48) + hashlib.sha384(b"".join(parts)).digest()).hexdigest()


def cbor_head(major, n):
    if n < 24:
        return bytes([major << 5 | n])
    if n < 256:
        return bytes([major << 5 | 24, n])
    return bytes([major << 5 | 25]) + struct.pack(">H", n)


def cbor_text(text):
    return cbor_head(3, len(text)) + text.encode()


def cbor_numbers(data):
    return cbor_head(4, len(data)) + b"".join(cbor_head(0, b) for b in data)


def cbor_bytes(data, as_strings):
    """serde_cbor's form of bytes is an array of numbers."""
    return cbor_head(2, len(data)) + data if as_strings else cbor_numbers(data)


ALGORITHMS_COSE = {"ES256": (-7, "sha256", 32), "ES384": (-35, "sha384", 48), "ES512": (-36, "sha512", 66)}


def fixed(der, size):
    """An ECDSA signature as r || s."""
    at, out = 3 if der[1] & 0x80 else 2, b""
    for _ in range(2):
        n = der[at + 1]
        out += int.from_bytes(der[at + 2:at + 2 + n], "big").to_bytes(size, "big")
        at += 2 + n
    return out


def sign1(payload, key, alg="ES384", unprotected=b"\xa0", tag=b"", protected=None):
    """COSE_Sign1, signed by the openssl command."""
    number, digest, size = ALGORITHMS_COSE[alg]
    if protected is None:
        protected = b"\xa1\x01" + cbor_head(1, -1 - number)
    head = cbor_head(2, len(protected)) + protected
    body = cbor_head(2, len(payload)) + payload
    text = b"\x84" + cbor_text("Signature1") + head + b"\x40" + body
    der = subprocess.run(["openssl", "dgst", "-" + digest, "-sign", key], input=text, stdout=subprocess.PIPE, check=True,
                         env=dict(os.environ, OPENSSL_CONF="/dev/null")).stdout
    return tag + b"\x84" + head + unprotected + body + cbor_head(2, 2 * size) + fixed(der, size)


def register(value, index=0, as_strings=False):
    return (b"\xa2" + cbor_text("register_index") + cbor_head(0, index) + cbor_text("register_value") +
            cbor_bytes(value, as_strings))


def signature_section(pem, cose, as_strings=False):
    """[PcrSignature]"""
    return (cbor_head(4, 1) + cbor_head(5, 2) + cbor_text("signing_certificate") + cbor_bytes(pem, as_strings) +
            cbor_text("signature") + cbor_bytes(cose, as_strings))


def signed_eif(sections, pem, key, as_strings=False, value=None, index=0, **cose):
    """As the builder signs: the register that the other sections have, and the section behind them."""
    pcr0 = bytes.fromhex(eif(sections)[1]["pcr0"]) if value is None else value
    made = sign1(register(pcr0, index, as_strings), key, **cose)
    return eif(sections + [("signature", signature_section(pem, made, as_strings))], version=3)


def eif(sections, version=4, flags=0, crc=None):
    """sections: (name, bytes). The file, and its registers."""
    at, offsets, sizes, body = 548, [], [], b""
    for name, data in sections:
        offsets.append(at + len(body))
        sizes.append(len(data))
        body += struct.pack(">HHQ", SECTIONS.get(name, name), 0, len(data)) + data
    pad = [0] * (32 - len(sections))
    head = b".eif" + struct.pack(">HHQQHH", version, flags, 512 << 20, 2, 0, len(sections))
    head += struct.pack(">32Q", *(offsets + pad)) + struct.pack(">32Q", *(sizes + pad)) + bytes(4)
    if crc is None:
        crc = zlib.crc32(head + body)
    ramdisks = [data for name, data in sections if name == "ramdisk"]
    code = [data for name, data in sections if name in ("kernel", "cmdline")]
    registers = {"pcr0": extended(*code, *ramdisks), "pcr1": extended(*code, *ramdisks[:1]),
                 "pcr2": extended(*ramdisks[1:])}
    return head + struct.pack(">I", crc) + body, registers


def event(index, kind, digests, data):
    return (struct.pack("<III", index, kind, len(digests)) +
            b"".join(struct.pack("<H", a) + d for a, d in digests) + struct.pack("<I", len(data)) + data)


ALGORITHMS = {4: ("sha1", 20), 11: ("sha256", 32), 12: ("sha384", 48)}


def log(algorithms, events, cc=False, locality=None, end=b""):
    """events: (index, type, data, measured); measured None: the data itself. The log, and the registers of its bank."""
    spec = b"Spec ID Event03\0" + struct.pack("<IBBBB", 0, 0, 2, 0, 2) + struct.pack("<I", len(algorithms))
    spec += b"".join(struct.pack("<HH", a, ALGORITHMS[a][1]) for a in algorithms) + b"\0"
    out = struct.pack("<II", 1 if cc else 0, 3) + bytes(20) + struct.pack("<I", len(spec)) + spec
    bank = ALGORITHMS[11 if 11 in algorithms else 12]
    new = lambda name: hashlib.new(name)
    registers = {"rtmr%d" % i: bytes(48) for i in range(4)} if cc else {}
    if locality is not None:
        data = b"StartupLocality\0" + bytes([locality])
        out += event(0, 3, [(a, bytes(ALGORITHMS[a][1])) for a in algorithms], data)
    for index, kind, data, measured in events:
        said = data if measured is None else measured
        out += event(index, kind, [(a, hashlib.new(ALGORITHMS[a][0], said).digest()) for a in algorithms], data)
        if kind == 3:
            continue
        name = "rtmr%d" % (index - 1) if cc else "pcr%d" % index
        first = bytes(bank[1] - 1) + bytes([locality or 0 if index == 0 else 0])
        value = registers.get(name, first)
        registers[name] = hashlib.new(bank[0], value + hashlib.new(bank[0], said).digest()).digest()
    return out + end, {name: value.hex() for name, value in registers.items()}


def variable(name, data):
    return bytes(16) + struct.pack("<QQ", len(name), len(data)) + name.encode("utf-16-le") + data


def sigstruct(mrenclave, prod_id=7, svn=3, debug=False, mask=0xff):
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    key = rsa.generate_private_key(public_exponent=3, key_size=3072)
    modulus = key.public_key().public_numbers().n.to_bytes(384, "little")
    head = bytes.fromhex("06000000e10000000000010000000000") + struct.pack("<II", 0, 0x20260131)
    head += bytes.fromhex("01010000600000006000000001000000") + bytes(4) + bytes(84)
    body = struct.pack("<II", 0, 0xffffffff) + bytes(4) + bytes(range(16))
    body += bytes([5 | (2 if debug else 0)]) + bytes(7) + b"\x03" + bytes(7)
    body += bytes([mask]) + b"\xff" * 15 + mrenclave + bytes(16) + bytes(range(16, 32))
    body += struct.pack("<HH", prod_id, svn)
    assert len(head) == 128 and len(body) == 128
    signature = key.sign(head + body, padding.PKCS1v15(), hashes.SHA256())
    out = head + modulus + struct.pack("<I", 3) + signature[::-1] + body + bytes(12) + bytes(768)
    assert len(out) == 1808
    return out, {"mrenclave": mrenclave.hex(), "mrsigner": hashlib.sha256(modulus).hexdigest(),
                 "isv_family_id": bytes(range(16)).hex(), "isv_ext_prod_id": bytes(range(16, 32)).hex()}


KERNEL, CMDLINE = ("kernel", b"kernel" * 50), ("cmdline", b"reboot=k panic=30")
INIT, APP = ("ramdisk", b"init" * 33), ("ramdisk", b"application" * 20)
BOOT = [(0, 8, b"1\0.\0", b"version"), (7, 0x80000001, variable("SecureBoot", b"\1"), None), (4, 4, bytes(4), None),
        (9, 0xd, b"grub_cmd: linux /vmlinuz\0", b"grub_cmd: linux /vmlinuz"), (8, 0xd, b"initrd\0", b"\x01\x02")]


def samples(folder):
    yield ("eif-plain",) + eif([KERNEL, CMDLINE, INIT])
    yield ("eif-app",) + eif([KERNEL, CMDLINE, INIT, APP, ("ramdisk", b"more"), ("metadata", b"{}")], flags=1)
    key = os.path.join(folder, "signer.key")
    if os.path.exists(key):
        pem = open(os.path.join(folder, "signer.pem"), "rb").read()
        der = open(os.path.join(folder, "signer.der"), "rb").read()
        for name, strings in (("eif-signed", False), ("eif-signed-strings", True)):
            data, registers = signed_eif([KERNEL, CMDLINE, INIT, APP], pem, key, strings)
            yield name, data, dict(registers, pcr8=extended(der))
    yield ("log-tpm",) + log([4, 11], BOOT)
    yield ("log-locality",) + log([11, 12], BOOT, locality=3, end=bytes(77))
    yield ("log-sha384",) + log([12], BOOT)
    yield ("log-cc",) + log([12], [(1, 0x8000000b, b"\tTdxTable\0", None), (2, 4, bytes(4), None),
                                   (3, 0xd, b"kernel_cmdline: quiet\0", b"kernel_cmdline: quiet")], cc=True, end=b"\xff" * 64)


def main(folder):
    made = list(samples(folder))
    try:
        made.append(("sigstruct",) + sigstruct(bytes(range(32))))
        made.append(("sigstruct-debug",) + sigstruct(bytes(32), debug=True))
        made.append(("sigstruct-may-debug",) + sigstruct(bytes(32), mask=0xfd))
    except ImportError:
        pass
    for name, data, registers in made:
        open(os.path.join(folder, name + ".bin"), "wb").write(data)
        json.dump(registers, open(os.path.join(folder, name + ".json"), "w"))


if __name__ == "__main__":
    main(sys.argv[1])
