"""Plays Intel's PCS and certificate service and AMD's KDS on 127.0.0.1 with recorded collateral.

collateral_server.py INTEL-FOLDER AMD-FOLDER AMD-CHAIN STATE-FOLDER: writes its port to STATE-FOLDER/port and a line for
each request to STATE-FOLDER/requests; obeys STATE-FOLDER/fault: "html" (status 200, and a page), "error" (status 500),
"no-chain" (no header with the chain).
"""

import http.server
import os
import sys
import urllib.parse

intel, amd, amd_chain, state = sys.argv[1:5]


def read(folder, name):
    with open(os.path.join(folder, name), "rb") as file:
        return file.read()


def answer(path):
    """The file, and the header with its chain."""
    if path.startswith("/pcs/tdx/certification/v4/tcb?fmspc="):
        return read(intel, "tcb_info.json"), "TCB-Info-Issuer-Chain", read(intel, "tcb_signing_chain.pem")
    if path == "/pcs/tdx/certification/v4/qe/identity":
        return read(intel, "qe_identity.json"), "SGX-Enclave-Identity-Issuer-Chain", read(intel, "tcb_signing_chain.pem")
    if path.startswith("/pcs/sgx/certification/v4/pckcrl?ca=platform&encoding=der"):
        return read(intel, "pck.crl"), "SGX-PCK-CRL-Issuer-Chain", read(intel, "pck_crl_chain.pem")
    if path == "/crl/IntelSGXRootCA.der":
        return read(intel, "root_ca.crl"), None, None
    if path == "/kds/vcek/v1/Milan/cert_chain":
        return read(os.path.dirname(amd_chain), os.path.basename(amd_chain)), None, None
    if path == "/kds/vcek/v1/Milan/crl":
        return read(intel, "root_ca.crl"), None, None
    if path.startswith("/kds/vcek/v1/Milan/") and "?blSPL=" in path:
        return read(amd, "vcek.der"), None, None
    return None, None, None


def fault():
    try:
        return read(state, "fault").decode().strip()
    except FileNotFoundError:
        return ""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        with open(os.path.join(state, "requests"), "a", encoding="utf-8") as log:
            log.write(self.path + "\n")
        body, header, chain = answer(self.path)
        status = 200 if body is not None else 404
        if fault() == "html":
            body = b"<html>please log in</html>"
        if fault() == "error":
            status = 500
        body = body or b""
        self.send_response(status)
        if header and fault() != "no-chain":
            self.send_header(header, urllib.parse.quote(chain.decode()))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(os.path.join(state, "port.new"), "w", encoding="utf-8") as file:
    file.write(str(server.server_address[1]))
os.rename(os.path.join(state, "port.new"), os.path.join(state, "port"))
server.serve_forever()
