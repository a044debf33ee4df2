"""Azure Key Vault and Managed HSM for tests: ours, since none can be had. Keys, signatures, tokens and their checks are
real; what is not there answers 404. Written from the REST reference (api-version 7.4) and held by Microsoft's own clients
(tests/kms/judge_azure.py).

One TLS port serves, by Host: VAULT.vault.localhost, HSM.managedhsm.localhost (keys) and login.localhost (Entra ID). A plain
port is the same first vault for a proxy before it, whatever the Host. Another one serves the metadata service and, under
/admin/, what tests ask for:
  POST /admin/fault {"count": N, "path": SUBSTRING, "status": S, "headers": {}, "body": TEXT, "delay": SECONDS, "cut": BYTES,
                     "drop": true, "change": {MEMBER: VALUE}}   the next N requests whose path has the substring
  POST /admin/revoke          all tokens given out so far end
  POST /admin/key {"name": NAME, "enabled": BOOL, "ops": [..]}
  POST /admin/evidence {"jwk": JWK}  -> {"token": T}   an attestation token for secure key release
  GET  /admin/asked           every request since the last time: [{"host", "method", "path", "status"}]
"""

import base64
import hashlib
import http.server
import json
import os
import secrets
import ssl
import sys
import threading
import time
import urllib.parse

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
        else:
            raise Refused(400, "BadParameter", f"unsupported kty '{self.kty}'")

    def jwk(self):
        jwk = {"kid": self.kid, "kty": self.kty, "key_ops": self.ops}
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
        if not algorithm or self.kty.startswith("EC"):
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
    def __init__(self, port, plain_port, secret):
        self.lock = threading.Lock()
        self.secret, self.port = secret, port
        self.login = f"https://login.localhost:{port}"
        self.entra = Issuer(f"https://sts.localhost/{TENANT}/")
        self.workload = Issuer("https://kubernetes.localhost")
        self.attestation = Issuer("https://maa.localhost")
        self.stores = {f"{name}:{port}": Store(f"https://{name}:{port}", "managedhsm" in name)
                       for name in ("chio-test.vault.localhost", "other.vault.localhost", "chio-test.managedhsm.localhost")}
        self.faults, self.asked = [], []

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
        if parts[1] == "evidence":
            claims = {"x-ms-compliance-status": "azure-compliant-uvm", "x-ms-runtime": {"keys": [body["jwk"]]}}
            return {"token": world.attestation.make(claims)}
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
        if self.command == "GET" and len(parts) <= 3:
            return store.find(name, parts[2] if len(parts) == 3 else "").bundle()
        if self.command == "POST" and len(parts) == 4:
            return self.use(store.find(name, parts[2]), parts[3])
        if self.command == "POST" and len(parts) == 3:
            return self.use(store.find(name, ""), parts[2])
        raise Refused(404, "NotFound", "no such path")

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
        claims = self.world.attestation.check(body.get("target", ""), None)
        if not key.exportable or not key.release_policy or claims is None:
            raise Refused(403, "Forbidden", "Target environment attestation statement cannot be verified.", "ForbiddenByPolicy")
        if body.get("enc") != "RSA_AES_KEY_WRAP_256":
            raise Refused(400, "BadParameter", "unknown enc")
        jwk = claims["x-ms-runtime"]["keys"][0]
        to = rsa.RSAPublicNumbers(int.from_bytes(unb64(jwk["e"]), "big"), int.from_bytes(unb64(jwk["n"]), "big")).public_key()
        aes = os.urandom(32)
        pkcs8 = key.private.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        sealed = to.encrypt(aes, padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
        sealed += keywrap.aes_key_wrap_with_padding(aes, pkcs8)
        inner = b64(json.dumps({"schema_version": "1.0", "header": {"enc": body["enc"]}, "ciphertext": b64(sealed)}).encode())
        return self.world.entra.make({"response": {"key": {"key": {**key.jwk(), "key_hsm": inner}}}})


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
    world = World(port, plain_port, secret)
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
