"""Microsoft Azure Attestation for tests: ours, since none can be had. It judges what chio-hsm's simulated platforms make
(SevSnpVm: an SEV-SNP report with its certificates; TdxVm: a TDX quote), by its own code, not the project's: signatures up
to a root, and that the report data is the SHA-256 of the runtime data. Only then does it sign a token, with the claims
that the real service has for such a VM, as far as release policies look at them. Which simulated roots it trusts stands
in DIR/maa_roots.pem, read at each request. What it does not judge: TCB levels, revocation, endorsements of a utility VM.

  POST /attest/SevSnpVm?api-version=V, /attest/TdxVm?api-version=V -> {"token": JWT}
  GET  /certs                                                       -> JWKS with x5c

usage: maa_server.py PORT ISSUER DIR        DIR holds azure.pem and azure.key for TLS; POST /fault {"count": N, "status": S}
makes the next N requests fail ({}: none), POST /spoil {"life": SECONDS, "keys": JWKS-KEYS} changes the next token's claims.
"""

import base64
import datetime
import hashlib
import http.server
import json
import secrets
import ssl
import struct
import sys
import threading
import time
import urllib.parse

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

VERSIONS = {"SevSnpVm": ("2020-10-01", "2022-08-01", "2025-06-01"), "TdxVm": ("2023-04-01-preview", "2025-06-01")}


class Refused(Exception):
    pass


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    if not isinstance(text, str):
        raise Refused("a member is missing")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def issued(cert, issuer):
    key = issuer.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(cert.signature, cert.tbs_certificate_bytes, cert.signature_algorithm_parameters,
                   cert.signature_hash_algorithm)
    else:
        key.verify(cert.signature, cert.tbs_certificate_bytes, ec.ECDSA(cert.signature_hash_algorithm))


def check_chain(certs, roots):
    """The leaf, when each certificate is issued by the next and the last is one of the roots."""
    for cert, issuer in zip(certs, certs[1:] + certs[-1:]):
        issued(cert, issuer)
    if not any(certs[-1].public_bytes(Encoding.DER) == root.public_bytes(Encoding.DER) for root in roots):
        raise Refused("the root of the evidence is not trusted")
    return certs[0]


def judge_snp(body, roots):
    report_json = json.loads(unb64(body.get("report")))
    report = unb64(report_json.get("SnpReport"))
    chain = x509.load_pem_x509_certificates(unb64(report_json.get("VcekCertChain")))
    if len(report) != 1184 or struct.unpack_from("<I", report)[0] < 2:
        raise Refused("SnpReport is no report")
    r, s = (int.from_bytes(report[at:at + 72], "little") for at in (0x2A0, 0x2E8))
    check_chain(chain, roots).public_key().verify(utils.encode_dss_signature(r, s), report[:0x2A0], ec.ECDSA(hashes.SHA384()))
    policy, vmpl = struct.unpack_from("<Q", report, 8)[0], struct.unpack_from("<I", report, 0x30)[0]
    return report[0x50:0x90], {
        "x-ms-attestation-type": "sevsnpvm", "x-ms-compliance-status": "azure-compliant-uvm",
        "x-ms-sevsnpvm-is-debuggable": bool(policy >> 19 & 1), "x-ms-sevsnpvm-vmpl": vmpl,
        "x-ms-sevsnpvm-launchmeasurement": report[0x90:0xC0].hex(), "x-ms-sevsnpvm-hostdata": report[0xC0:0xE0].hex(),
        "x-ms-sevsnpvm-reportdata": report[0x50:0x90].hex()}


def verify_p256(point, data, signature):
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    key = point if hasattr(point, "verify") else ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\4" + point)
    key.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))


def judge_tdx(body, roots):
    quote = unb64(body.get("quote"))
    if len(quote) < 770 or struct.unpack_from("<HHI", quote) != (4, 2, 0x81):
        raise Refused("quote is no TDX quote of version 4")
    td, at = quote[48:632], 636
    signature, key, kind = quote[at:at + 64], quote[at + 64:at + 128], struct.unpack_from("<H", quote, at + 128)[0]
    at += 134
    qe_report, qe_signature = quote[at:at + 384], quote[at + 384:at + 448]
    auth_len = struct.unpack_from("<H", quote, at + 448)[0]
    auth = quote[at + 450:at + 450 + auth_len]
    at += 450 + auth_len
    pck_kind, pck_len = struct.unpack_from("<HI", quote, at)
    if kind != 6 or pck_kind != 5:
        raise Refused("the quote does not carry its certificates")
    pck = check_chain(x509.load_pem_x509_certificates(quote[at + 6:at + 6 + pck_len].rstrip(b"\0")), roots)
    verify_p256(pck.public_key(), qe_report, qe_signature)
    if hashlib.sha256(key + auth).digest() + bytes(32) != qe_report[320:384]:
        raise Refused("the quoting enclave did not make the attestation key")
    verify_p256(key, quote[:632], signature)
    return td[520:584], {
        "x-ms-attestation-type": "tdxvm", "x-ms-compliance-status": "azure-compliant-cvm", "attester_tcb_status": "UpToDate",
        "tdx_td_attributes_debug": bool(td[120] & 1), "tdx_mrtd": td[136:184].hex(), "tdx_report_data": td[520:584].hex()}


class Service:
    def __init__(self, issuer, directory):
        self.issuer, self.roots_file = issuer, f"{directory}/maa_roots.pem"
        self.key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)])
        now = datetime.datetime.now(datetime.timezone.utc)
        day = datetime.timedelta(days=1)
        self.cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
                     .serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + day)
                     .sign(self.key, hashes.SHA256()))
        self.kid = b64(hashlib.sha256(self.cert.public_bytes(Encoding.DER)).digest())
        self.lock, self.faults, self.spoil = threading.Lock(), [], {}

    def certs(self):
        numbers = self.key.public_key().public_numbers()
        der = self.cert.public_bytes(Encoding.DER)
        return {"keys": [{"kid": self.kid, "kty": "RSA", "use": "sig", "alg": "RS256", "n": b64(numbers.n.to_bytes(256, "big")),
                          "e": "AQAB", "x5c": [base64.b64encode(der).decode()]}]}

    def judge(self, kind, body):
        with open(self.roots_file, "rb") as file:
            pem = file.read()
        roots = x509.load_pem_x509_certificates(pem) if b"BEGIN" in pem else []
        report_data, claims = (judge_snp if kind == "SevSnpVm" else judge_tdx)(body, roots)
        runtime = body.get("runtimeData")
        if not isinstance(runtime, dict) or runtime.get("dataType") != "JSON":
            raise Refused("runtimeData is missing")
        data = unb64(runtime.get("data"))
        if report_data != hashlib.sha256(data).digest() + bytes(32):
            raise Refused("the hash of the runtime data is not in the report data")
        return self.token({**claims, "x-ms-runtime": json.loads(data)})

    def token(self, claims):
        with self.lock:
            spoil, self.spoil = self.spoil, {}
        now = int(time.time())
        claims = {"iss": self.issuer, "iat": now, "nbf": now, "exp": now + spoil.get("life", 28800), "x-ms-ver": "1.0",
                  "jti": secrets.token_hex(32), **claims}
        if spoil.get("life", 0) < 0:
            claims["nbf"] = claims["iat"] = claims["exp"] - 1
        if "keys" in spoil:
            claims["x-ms-runtime"] = {"keys": spoil["keys"]}
        head = {"alg": "RS256", "jku": f"{self.issuer}/certs", "kid": self.kid, "typ": "JWT"}
        signed = ".".join(b64(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
        return signed + "." + b64(self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service = None

    def log_message(self, format, *args):
        pass

    def answer(self, status, reply):
        body = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(*((200, self.service.certs()) if self.path == "/certs" else (404, {})))

    def fault(self):
        with self.service.lock:
            if not self.service.faults:
                return None
            fault = self.service.faults[0]
            fault["count"] -= 1
            if fault["count"] <= 0:
                self.service.faults.pop(0)
            return fault["status"]

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urllib.parse.urlsplit(self.path)
        kind = url.path.removeprefix("/attest/")
        try:
            body = json.loads(raw)
            if url.path in ("/fault", "/spoil"):
                with self.service.lock:
                    if url.path == "/fault":
                        self.service.faults = [body] if body else []
                    else:
                        self.service.spoil = body
                return self.answer(200, {})
            if (status := self.fault()) is not None:
                return self.answer(status, {"error": {"code": "ServiceUnavailable", "message": "told to"}})
            versions = urllib.parse.parse_qs(url.query).get("api-version", [""])
            if kind not in VERSIONS or versions[0] not in VERSIONS[kind]:
                return self.answer(404, {"error": {"code": "NotFound", "message": "no such path or api-version"}})
            self.answer(200, {"token": self.service.judge(kind, body)})
        except (Refused, ValueError, KeyError, IndexError, struct.error, InvalidSignature) as error:
            message = str(error) or "a signature of the evidence does not hold"
            self.answer(400, {"error": {"code": "InvalidParameter", "message": message}})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


def main():
    port, issuer, directory = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(f"{directory}/azure.pem", f"{directory}/azure.key")
    server = Server(("127.0.0.1", port), type("Maa", (Handler,), {"service": Service(issuer, directory)}))
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


main()
