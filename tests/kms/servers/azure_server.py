"""Azure Key Vault and Managed HSM for tests: ours, since none can be had. Keys, signatures, tokens and their checks are
real; what is not there answers 404. Written from the REST reference (api-version 7.4) and held by Microsoft's own clients
(tests/kms/judge_azure.py). A key is released as the real vaults do it: its policy names authorities, whose keys are fetched
({authority}/certs) to check the token, and conditions on the token's claims (equals; anyOf, allOf); the key is wrapped for
the one in the token's x-ms-runtime, and the answer signed with a certificate of the vault's name.

One TLS port serves, by Host: VAULT.vault.localhost, HSM.managedhsm.localhost (keys) and login.localhost (Entra ID). A plain
port is the same first vault for a proxy before it, whatever the Host. Another one serves the metadata service and, under
/admin/, what tests ask for:
  POST /admin/fault {"count": N, "path": SUBSTRING, "status": S, "headers": {}, "body": TEXT, "delay": SECONDS, "cut": BYTES,
                     "drop": true, "change": {MEMBER: VALUE}}   the next N requests whose path has the substring
  POST /admin/revoke          all tokens given out so far end
  POST /admin/key {"name": NAME, "enabled": BOOL, "ops": [..]}
  POST /admin/release {..}    what is wrong with the next release: {"other_host", "unsigned", "flip": BYTE, "nonce": TEXT,
                              "jwk": JWK to wrap for, "kid": TEXT, "enc": NAME}
  POST /admin/flaws ["extractable", ...]   what is wrong with the attestations of keys from now on
  GET  /admin/asked           every request since the last time: [{"host", "method", "path", "status"}]
"""

import base64
import hashlib
import http.client
import http.server
import json
import os
import secrets
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.exceptions import InvalidSignature

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-aaaaaaaaaaaa"
CURVES = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1, "P-256K": ec.SECP256K1}
EC_ALGS = {"ES256": ("P-256", hashes.SHA256), "ES384": ("P-384", hashes.SHA384), "ES512": ("P-521", hashes.SHA512),
           "ES256K": ("P-256K", hashes.SHA256)}
RSA_HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
OAEP = {"RSA-OAEP": hashes.SHA1, "RSA-OAEP-256": hashes.SHA256}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    if not isinstance(text, str) or "=" in text or "+" in text or "/" in text:
        raise Refused(400, "BadParameter", "not base64url without padding")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Refused(Exception):
    def __init__(self, status, code, message, inner=None, headers=None):
        super().__init__(message)
        self.status, self.code, self.message, self.inner, self.headers = status, code, message, inner, headers or {}


class Issuer:
    """Makes and checks JWTs (RS256)."""

    def __init__(self, name):
        self.name = name
        self.key = rsa.generate_private_key(65537, 2048)
        self.not_before = 0.0

    def make(self, claims, life=3600):
        now = time.time()
        claims = {"iss": self.name, "iat": now, "nbf": int(now), "exp": int(now) + life, **claims}
        parts = [b64(json.dumps(p).encode()) for p in ({"alg": "RS256", "typ": "JWT"}, claims)]
        signed = ".".join(parts).encode()
        return ".".join(parts + [b64(self.key.sign(signed, padding.PKCS1v15(), hashes.SHA256()))])

    def check(self, token, audience):
        try:
            head, body, signature = token.split(".")
            self.key.public_key().verify(unb64(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
            claims = json.loads(unb64(body))
        except (ValueError, InvalidSignature, Refused):
            return None
        good = (claims.get("iss") == self.name and claims.get("exp", 0) > time.time()
                and claims.get("iat", 0) > self.not_before and (audience is None or claims.get("aud") == audience))
        return claims if good else None


class Key:
    def __init__(self, base, name, body, hsm):
        self.name, self.version = name, secrets.token_hex(16)
        self.kid = f"{base}/keys/{name}/{self.version}"
        self.kty = body.get("kty", "")
        self.enabled = body.get("attributes", {}).get("enabled", True)
        self.exportable = body.get("attributes", {}).get("exportable", False)
        self.release_policy = body.get("release_policy")
        self.created = int(time.time())
        if self.exportable and (not self.kty.endswith("-HSM") or not self.release_policy):
            raise Refused(400, "BadParameter", "an exportable key is kept by an HSM and has a release policy")
        if hsm and not self.kty.endswith("-HSM"):
            raise Refused(400, "BadParameter", "a managed HSM keeps -HSM keys only")
        if self.kty in ("EC", "EC-HSM"):
            if body.get("crv", "P-256") not in CURVES:
                raise Refused(400, "BadParameter", "unknown curve")
            self.crv = body.get("crv", "P-256")
            self.private = ec.generate_private_key(CURVES[self.crv]())
            self.ops = body.get("key_ops", ["sign", "verify"])
        elif self.kty in ("RSA", "RSA-HSM"):
            size = body.get("key_size", 2048)
            if size not in (2048, 3072, 4096):
                raise Refused(400, "BadParameter", "unknown key size")
            self.private = rsa.generate_private_key(65537, size)
            self.ops = body.get("key_ops", ["sign", "verify", "encrypt", "decrypt", "wrapKey", "unwrapKey"])
        elif self.kty == "oct-HSM" and hsm:
            size = body.get("key_size", 256)
            if size not in (128, 192, 256):
                raise Refused(400, "BadParameter", "unknown key size")
            self.private = None
            self.secret = os.urandom(size // 8)
            self.ops = body.get("key_ops", ["encrypt", "decrypt", "wrapKey", "unwrapKey"])
        else:
            raise Refused(400, "BadParameter", f"unsupported kty '{self.kty}'")

    def jwk(self):
        jwk = {"kid": self.kid, "kty": self.kty, "key_ops": self.ops}
        if self.private is None:
            return jwk
        public = self.private.public_key().public_numbers()
        if self.kty.startswith("EC"):
            width = (self.private.key_size + 7) // 8
            jwk.update(crv=self.crv, x=b64(public.x.to_bytes(width, "big")), y=b64(public.y.to_bytes(width, "big")))
        else:
            jwk.update(n=b64(public.n.to_bytes(self.private.key_size // 8, "big")), e=b64(b"\1\0\1"))
        return jwk

    def bundle(self):
        attributes = {"enabled": self.enabled, "created": self.created, "updated": self.created,
                      "recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90, "exportable": self.exportable}
        reply = {"key": self.jwk(), "attributes": attributes, "tags": {}}
        if self.release_policy:
            reply["release_policy"] = self.release_policy
        return reply

    def material(self):
        if self.private is None:
            return self.secret
        return self.private.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                                          serialization.NoEncryption())

    def allow(self, op):
        if not self.enabled:
            raise Refused(403, "Forbidden", "Operation is not allowed on a disabled key.", "KeyDisabled")
        if op not in self.ops:
            raise Refused(403, "Forbidden", f"Operation {op} is not permitted on this key.", "KeyOperationForbidden")

    def sign(self, alg, digest):
        if self.kty.startswith("EC"):
            crv, algorithm = EC_ALGS.get(alg, (None, None))
            if crv != self.crv or len(digest) != algorithm.digest_size:
                raise Refused(400, "BadParameter", "Key and signing algorithm are incompatible")
            r, s = utils.decode_dss_signature(self.private.sign(digest, ec.ECDSA(utils.Prehashed(algorithm()))))
            width = (self.private.key_size + 7) // 8
            return r.to_bytes(width, "big") + s.to_bytes(width, "big")
        algorithm = RSA_HASHES.get(alg[2:])
        if alg[:2] not in ("RS", "PS") or not algorithm or len(digest) != algorithm.digest_size:
            raise Refused(400, "BadParameter", "Key and signing algorithm are incompatible")
        pad = padding.PKCS1v15() if alg[0] == "R" else padding.PSS(padding.MGF1(algorithm()), algorithm.digest_size)
        return self.private.sign(digest, pad, utils.Prehashed(algorithm()))

    def verify(self, alg, digest, signature):
        public = self.private.public_key()
        try:
            if self.kty.startswith("EC"):
                half = len(signature) // 2
                der = utils.encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
                public.verify(der, digest, ec.ECDSA(utils.Prehashed(EC_ALGS[alg][1]())))
            else:
                algorithm = RSA_HASHES[alg[2:]]
                pad = padding.PKCS1v15() if alg[0] == "R" else padding.PSS(padding.MGF1(algorithm()), algorithm.digest_size)
                public.verify(signature, digest, pad, utils.Prehashed(algorithm()))
            return True
        except InvalidSignature:
            return False

    def crypt(self, verb, alg, value):
        algorithm = OAEP.get(alg)
        if not algorithm or not self.kty.startswith("RSA"):
            raise Refused(400, "BadParameter", "Key and encryption algorithm are incompatible")
        pad = padding.OAEP(padding.MGF1(algorithm()), algorithm(), None)
        try:
            return self.private.public_key().encrypt(value, pad) if verb == "encrypt" else self.private.decrypt(value, pad)
        except ValueError as error:
            raise Refused(400, "BadParameter", "The parameter is incorrect.") from error


class Store:
    """One vault or managed HSM."""

    def __init__(self, base, hsm):
        self.base, self.hsm, self.keys = base, hsm, {}

    def find(self, name, version):
        versions = self.keys.get(name)
        if not versions:
            raise Refused(404, "KeyNotFound", f"A key with (name/id) {name} was not found in this key vault.")
        if not version:
            return versions[-1]
        for key in versions:
            if key.version == version:
                return key
        raise Refused(404, "KeyNotFound", f"A key with (name/id) {name}/{version} was not found in this key vault.")


class World:
    def __init__(self, port, plain_port, secret, directory):
        self.lock = threading.Lock()
        self.directory = directory
        self.secret, self.port = secret, port
        self.login = f"https://login.localhost:{port}"
        self.entra = Issuer(f"https://sts.localhost/{TENANT}/")
        self.workload = Issuer("https://kubernetes.localhost")
        self.stores = {f"{name}:{port}": Store(f"https://{name}:{port}", "managedhsm" in name)
                       for name in ("chio-test.vault.localhost", "other.vault.localhost", "chio-test.managedhsm.localhost")}
        self.faults, self.asked, self.spoil, self.flaws = [], [], {}, []

    def token(self, resource, life=3600):
        return self.entra.make({"aud": resource, "appid": CLIENT, "tid": TENANT}, life)

    def take_fault(self, path):
        with self.lock:
            for fault in self.faults:
                if fault.get("path", "") in path:
                    fault["count"] -= 1
                    if fault["count"] <= 0:
                        self.faults.remove(fault)
                    return dict(fault)
        return None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_version = "chio-hsm-test"
    world = None
    plain = False
    vault = None

    def log_message(self, format, *args):
        pass

    def handle_one(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.raw = self.rfile.read(length) if length else b""
        host = self.vault or self.headers.get("Host", "")
        url = urllib.parse.urlsplit(self.path)
        fault = None if url.path.startswith("/admin/") else self.world.take_fault(url.path)
        try:
            if fault and (fault.get("drop") or fault.get("status")):
                self.play(fault)
                return
            status, reply, headers = 200, self.route(host, url, urllib.parse.parse_qs(url.query)), {}
        except Refused as refused:
            error = {"code": refused.code, "message": refused.message}
            if refused.inner:
                error["innererror"] = {"code": refused.inner}
            status, reply, headers = refused.status, {"error": error}, refused.headers
        if fault:
            time.sleep(fault.get("delay", 0))
            reply = {**reply, **fault.get("change", {})}
        self.send(status, json.dumps(reply).encode(), headers, (fault or {}).get("cut"))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one

    def play(self, fault):
        time.sleep(fault.get("delay", 0))
        if fault.get("drop"):
            self.note(0)
            self.close_connection = True
            self.connection.close()
            return
        self.send(fault["status"], fault.get("body", "").encode(), fault.get("headers", {}), fault.get("cut"))

    def note(self, status):
        if not self.path.startswith("/admin/"):
            with self.world.lock:
                self.world.asked.append({"host": self.headers.get("Host"), "method": self.command, "path": self.path,
                                         "status": status})

    def send(self, status, body, headers, cut=None):
        self.note(status)
        self.send_response(status)
        if "Content-Type" not in headers:
            self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("x-ms-request-id", secrets.token_hex(8))
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            self.close_connection = True
            self.wfile.flush()
            self.connection.close()

    def json(self):
        try:
            body = json.loads(self.raw)
        except ValueError as error:
            raise Refused(400, "BadParameter", "The request body is no JSON.") from error
        if not isinstance(body, dict):
            raise Refused(400, "BadParameter", "The request body is no object.")
        return body

    def route(self, host, url, query):
        parts = [urllib.parse.unquote(p) for p in url.path.strip("/").split("/")]
        if self.plain:
            return self.admin(parts) if parts[0] == "admin" else self.metadata(url, query)
        if host.split(":")[0] == "login.localhost":
            return self.entra(parts)
        store = self.world.stores.get(host)
        if store is None:
            raise Refused(404, "NotFound", "no such vault")
        self.authorize(host)
        if not query.get("api-version"):
            raise Refused(400, "BadParameter", "api-version must be specified")
        return self.keys(store, parts, query)

    def authorize(self, host):
        resource = "https://" + host.split(".", 1)[1]  # with its port: Microsoft's clients compare whole authorities
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        if kind == "Bearer" and self.world.entra.check(token, resource):
            return
        challenge = f'Bearer authorization="{self.world.login}/{TENANT}", resource="{resource}"'
        raise Refused(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.",
                      headers={"WWW-Authenticate": challenge})

    def entra(self, parts):
        world = self.world
        if parts[1:] == ["v2.0", ".well-known", "openid-configuration"]:
            base = f"{world.login}/{parts[0]}"
            return {"issuer": f"{base}/v2.0", "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{base}/oauth2/v2.0/token"}
        if parts[1:] != ["oauth2", "v2.0", "token"]:
            raise Refused(404, "NotFound", "no such path")
        form = {k: v[0] for k, v in urllib.parse.parse_qs(self.raw.decode()).items()}
        if parts[0] != TENANT:
            raise TokenRefused("invalid_request", "AADSTS90002: Tenant not found.")
        if form.get("grant_type") != "client_credentials" or form.get("client_id") != CLIENT:
            raise TokenRefused("unauthorized_client", "AADSTS700016: Application not found.")
        if "client_assertion" in form:
            claims = world.workload.check(form["client_assertion"], "api://AzureADTokenExchange")
            jwt_bearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            good = claims is not None and form.get("client_assertion_type") == jwt_bearer
        else:
            good = form.get("client_secret") == world.secret
        if not good:
            raise TokenRefused("invalid_client", "AADSTS7000215: Invalid client secret provided.")
        scope = form.get("scope", "")
        if not scope.endswith("/.default"):
            raise TokenRefused("invalid_scope", "AADSTS70011: the scope is not valid.")
        return {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599,
                "access_token": world.token(scope[:-len("/.default")])}

    def metadata(self, url, query):
        if url.path != "/metadata/identity/oauth2/token" or self.headers.get("Metadata") != "true":
            raise Refused(400, "bad_request", "Required metadata header not specified")
        now = int(time.time())
        resource = query.get("resource", [""])[0]
        return {"access_token": self.world.token(resource), "expires_in": "3599", "expires_on": str(now + 3599),
                "not_before": str(now), "resource": resource, "token_type": "Bearer", "client_id": CLIENT}

    def admin(self, parts):
        world = self.world
        if parts[1] == "asked":
            with world.lock:
                asked, world.asked = world.asked, []
            return {"asked": asked}
        if parts[1] == "revoke":
            world.entra.not_before = time.time()
            return {}
        if parts[1] == "flaws":
            world.flaws = json.loads(self.raw)
            return {}
        body = self.json()
        if parts[1] == "fault":
            with world.lock:
                world.faults = [f for f in world.faults if f["count"] > 0] + ([{"count": 1, **body}] if body else [])
                if not body:
                    world.faults = []
            return {}
        if parts[1] == "key":
            for store in world.stores.values():
                for key in store.keys.get(body["name"], []):
                    key.enabled = body.get("enabled", key.enabled)
                    key.ops = body.get("ops", key.ops)
            return {}
        if parts[1] == "release":
            world.spoil = body
            return {}
        raise Refused(404, "NotFound", "no such path")

    def keys(self, store, parts, query):
        if parts == ["rng"] and store.hsm and self.command == "POST":
            count = self.json().get("count")
            if not isinstance(count, int) or not 1 <= count <= 128:
                raise Refused(400, "BadParameter", "count must be 1 to 128")
            return {"value": b64(os.urandom(count))}
        if parts[0] != "keys":
            raise Refused(404, "NotFound", "no such path")
        if len(parts) == 1:
            return self.list(store, query)
        name = parts[1]
        if not name or len(name) > 127 or not all(c.isalnum() and c.isascii() or c == "-" for c in name):
            raise Refused(400, "BadParameter", "The request URI contains an invalid name: " + name)
        if parts[2:] == ["create"] and self.command == "POST":
            with self.world.lock:
                key = Key(store.base, name, self.json(), store.hsm)
                store.keys.setdefault(name, []).append(key)
            return key.bundle()
        if self.command == "GET" and parts[3:] == ["attestation"]:
            return self.attest(store, store.find(name, parts[2]), query)
        if self.command == "GET" and len(parts) <= 3:
            return store.find(name, parts[2] if len(parts) == 3 else "").bundle()
        if self.command == "POST" and len(parts) == 4:
            return self.use(store.find(name, parts[2]), parts[3])
        if self.command == "POST" and len(parts) == 3:
            return self.use(store.find(name, ""), parts[2])
        raise Refused(404, "NotFound", "no such path")

    def attest(self, store, key, query):
        """Since api-version 7.6, of managed HSMs: made by a simulated HSM (tests/support/make_attestation)."""
        program = os.environ.get("CHIO_TEST_MAKE_ATTESTATION")
        if not store.hsm or not program or float(query["api-version"][0]) < 7.6:
            raise Refused(404, "NotFound", "no such path")
        pem = key.private.public_key().public_bytes(serialization.Encoding.PEM,
                                                    serialization.PublicFormat.SubjectPublicKeyInfo)
        command = [program, self.world.directory, "azure", key.kid, *self.world.flaws]
        made = subprocess.run(command, input=pem, capture_output=True, check=True, timeout=20).stdout
        bundle = key.bundle()
        bundle["attributes"].update(json.loads(made)["attributes"])
        return bundle

    def list(self, store, query):
        size = int(query.get("maxresults", ["25"])[0])
        start = int(query.get("$skiptoken", ["0"])[0])
        names = sorted(store.keys)
        page = [{"kid": f"{store.base}/keys/{n}", "attributes": {"enabled": store.keys[n][-1].enabled}}
                for n in names[start:start + size]]
        more = start + size < len(names)
        link = f"{store.base}/keys?api-version={query['api-version'][0]}&$skiptoken={start + size}&maxresults={size}"
        return {"value": page, "nextLink": link if more else None}

    def use(self, key, verb):
        body = self.json()
        if verb == "release":
            return {"value": self.release(key, body)}
        key.allow(verb)
        alg, value = body.get("alg", ""), unb64(body.get("value", ""))
        if verb == "sign":
            return {"kid": key.kid, "value": b64(key.sign(alg, value))}
        if verb == "verify":
            return {"value": key.verify(alg, unb64(body.get("digest", "")), value)}
        if verb in ("encrypt", "decrypt"):
            return {"kid": key.kid, "value": b64(key.crypt(verb, alg, value))}
        raise Refused(404, "NotFound", "no such operation")

    def release(self, key, body):
        spoil, self.world.spoil = self.world.spoil, {}
        if not key.enabled:
            raise Refused(403, "Forbidden", "Operation is not allowed on a disabled key.", "KeyDisabled")
        if not key.exportable:
            raise Refused(403, "Forbidden", "The key is not exportable.", "KeyNotExportable")
        enc = spoil.get("enc") or body.get("enc", "CKM_RSA_AES_KEY_WRAP")
        if enc not in WRAPPINGS:
            raise Refused(400, "BadParameter", "unknown enc")
        claims = Policy(key.release_policy, self.world.directory).judge(body.get("target", ""))
        sealed = wrap(spoil.get("jwk") or wrapping_jwk(claims), WRAPPINGS[enc](), key.material())
        if "flip" in spoil:
            sealed = bytes(b ^ (i == spoil["flip"]) for i, b in enumerate(sealed))
        header = {"kid": "wrapping", "alg": "dir", "enc": enc}
        inner = {"schema_version": "1.0", "header": header, "ciphertext": b64(sealed)}
        jwk = {**key.jwk(), "key_hsm": b64(json.dumps(inner).encode())}
        jwk["kid"] = spoil.get("kid", jwk["kid"])
        request = {"api-version": "7.4", "enc": enc, "kid": key.kid}
        if "nonce" in body:
            request["nonce"] = spoil.get("nonce", body["nonce"])
        bundle = {**key.bundle(), "key": jwk}
        return self.sign_release({"request": request, "response": {"key": bundle}}, spoil)

    def sign_release(self, payload, spoil):
        name = "other" if spoil.get("other_host") else "release"
        with open(f"{self.world.directory}/{name}.key", "rb") as file:
            signer = serialization.load_pem_private_key(file.read(), None)
        chain = []
        for path in (f"{name}.pem", "ca.pem"):
            with open(f"{self.world.directory}/{path}", "rb") as file:
                chain.append(x509.load_pem_x509_certificate(file.read()).public_bytes(serialization.Encoding.DER))
        head = {"alg": "none" if spoil.get("unsigned") else "RS256", "typ": "JWT", "x5c": [base64.b64encode(c).decode() for c in chain],
                "x5t#S256": b64(hashlib.sha256(chain[0]).digest())}
        signed = ".".join(b64(json.dumps(p, separators=(",", ":")).encode()) for p in (head, payload))
        return signed + "." + b64(signer.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))


WRAPPINGS = {"CKM_RSA_AES_KEY_WRAP": hashes.SHA1, "RSA_AES_KEY_WRAP_256": hashes.SHA256, "RSA_AES_KEY_WRAP_384": hashes.SHA384}


def public_rsa(jwk):
    return rsa.RSAPublicNumbers(int.from_bytes(unb64(jwk["e"]), "big"), int.from_bytes(unb64(jwk["n"]), "big")).public_key()


def wrapping_jwk(claims):
    """The key of the environment that may be encrypted to."""
    for jwk in claims.get("x-ms-runtime", {}).get("keys", []):
        if jwk.get("kty") == "RSA" and ("encrypt" in jwk.get("key_ops", []) or jwk.get("use") == "enc"):
            return jwk
    raise Refused(403, "Forbidden", "The attestation names no key to wrap for.", "ForbiddenByPolicy")


def wrap(jwk, algorithm, material):
    aes = os.urandom(32)
    sealed = public_rsa(jwk).encrypt(aes, padding.OAEP(padding.MGF1(algorithm), algorithm, None))
    return sealed + keywrap.aes_key_wrap_with_padding(aes, material)


class Policy:
    """A release policy (version 1.0.0), with the operator equals."""

    def __init__(self, policy, directory):
        try:
            self.policy = json.loads(unb64(policy["data"]))
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(400, "BadParameter", "the release policy is malformed") from error
        self.directory = directory

    def judge(self, token):
        """The token's claims, when one authority of the policy signed it and its conditions hold."""
        for rule in self.policy.get("anyOf", []):
            claims = self.check_token(token, rule.get("authority", ""))
            if claims is not None and self.holds(rule, claims):
                return claims
        raise Refused(403, "Forbidden", "Target environment attestation statement cannot be verified.", "ForbiddenByPolicy")

    def keys_of(self, authority):
        """{authority}/certs: the name is under .localhost, which is this machine whatever the resolver says."""
        url = urllib.parse.urlsplit(authority)
        if url.scheme != "https" or not (url.hostname or "").endswith(".localhost"):
            raise ValueError("an authority of tests is https and on this machine")
        tls = ssl.create_default_context(cafile=f"{self.directory}/ca.pem")
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=5)
        connection.sock = tls.wrap_socket(socket.create_connection(("127.0.0.1", url.port), 5), server_hostname=url.hostname)
        connection.request("GET", "/certs")
        keys = json.load(connection.getresponse())["keys"]
        connection.close()
        return keys

    def check_token(self, token, authority):
        try:
            head, body, signature = token.split(".")
            claims, header = json.loads(unb64(body)), json.loads(unb64(head))
            keys = [k for k in self.keys_of(authority) if k["kid"] == header.get("kid")]
            public_rsa(keys[0]).verify(unb64(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
        except (ValueError, KeyError, IndexError, OSError, InvalidSignature, Refused):
            return None
        now = time.time()
        good = header.get("alg") == "RS256" and claims.get("iss") == authority and claims["nbf"] - 60 <= now <= claims["exp"]
        return claims if good else None

    def holds(self, condition, claims):
        if "allOf" in condition:
            return all(self.holds(c, claims) for c in condition["allOf"])
        if "anyOf" in condition:
            return any(self.holds(c, claims) for c in condition["anyOf"])
        value = claims
        for part in condition["claim"].split("."):
            value = value.get(part) if isinstance(value, dict) else None
        value = str(value).lower() if isinstance(value, bool) else value
        return value is not None and str(value) == condition["equals"]


class TokenRefused(Refused):
    """Entra ID has its own form of errors."""

    def __init__(self, error, description):
        super().__init__(401 if error == "invalid_client" else 400, error, description)
        self.error, self.description = error, description


class EntraHandler(Handler):
    def route(self, host, url, query):
        try:
            return super().route(host, url, query)
        except TokenRefused as refused:
            self.send(refused.status, json.dumps({"error": refused.error, "error_description": refused.description}).encode(), {})
            raise Answered from refused

    def handle_one(self):
        try:
            super().handle_one()
        except Answered:
            pass

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one


class Answered(Exception):
    pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def main():
    port, plain_port, vault_port, directory = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    secret = open(f"{directory}/secret").read().strip()
    world = World(port, plain_port, secret, directory)
    with open(f"{directory}/federated_token", "w") as out:
        out.write(world.workload.make({"aud": "api://AzureADTokenExchange", "sub": "system:serviceaccount:chio:chiod"}, 86400))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(f"{directory}/azure.pem", f"{directory}/azure.key")
    secure = Server(("127.0.0.1", port), type("Secure", (EntraHandler,), {"world": world}))
    secure.socket = tls.wrap_socket(secure.socket, server_side=True, do_handshake_on_connect=False)
    plain = Server(("127.0.0.1", plain_port), type("Plain", (Handler,), {"world": world, "plain": True}))
    threading.Thread(target=plain.serve_forever, daemon=True).start()
    first = f"chio-test.vault.localhost:{port}"
    vault = Server(("127.0.0.1", vault_port), type("Vault", (Handler,), {"world": world, "vault": first}))
    threading.Thread(target=vault.serve_forever, daemon=True).start()
    secure.serve_forever()


main()
