"""Faults for mitmproxy, read anew from $FAULTS_DIR/fault for each request: a JSON object with

kind     none | reply (status, headers, body or size) | kill (no answer) | delay (seconds) | cut (Content-Length lies)
         | replace (from, to: in the server's body) | echo (the body goes through, altered by replace)
path     only requests whose path or X-Amz-Target holds this text are hit
first    only so many requests are hit, then none; without it all are
with     the name of a header: only requests that say there what the first one said are hit

Each request writes "METHOD PATH" into $FAULTS_DIR/calls.
"""
import asyncio
import json
import os

from mitmproxy import http

DIR = os.environ["FAULTS_DIR"]
hits = {"text": None, "count": 0, "said": None}


def asked(flow):
    """What is asked for; AWS says it in a header."""
    return f'{flow.request.path} {flow.request.headers.get("X-Amz-Target", "")}'.strip()


def fault_for(flow):
    with open(os.path.join(DIR, "fault"), encoding="utf-8") as file:
        text = file.read()
    if text != hits["text"]:
        hits.update(text=text, count=0, said=None)
    fault = json.loads(text)
    if fault.get("path", "") not in asked(flow):
        return {"kind": "none"}
    if "with" in fault:
        said = flow.request.headers.get(fault["with"], "")
        if hits["count"] == 0:
            hits["said"] = said
        if said != hits["said"]:
            return {"kind": "none"}
    hits["count"] += 1
    if "first" in fault and hits["count"] > fault["first"]:
        return {"kind": "none"}
    return fault


def reply(flow, fault):
    body = fault.get("body", "")
    if "size" in fault:
        body = '{"data":"' + "x" * fault["size"] + '"}'
    headers = {"Content-Type": "application/json"}
    headers.update(fault.get("headers", {}))
    flow.response = http.Response.make(fault["status"], body.encode("utf-8"), headers)


async def request(flow: http.HTTPFlow) -> None:
    if flow.request.path == "/_ready":
        flow.response = http.Response.make(200, b"ready")
        return
    with open(os.path.join(DIR, "calls"), "a", encoding="utf-8") as file:
        file.write(f"{flow.request.method} {asked(flow)}\n")
    fault = fault_for(flow)
    flow.metadata["fault"] = fault
    if fault["kind"] == "reply":
        reply(flow, fault)
    elif fault["kind"] == "kill":
        flow.kill()
    elif fault["kind"] == "delay":
        await asyncio.sleep(fault["seconds"])


def response(flow: http.HTTPFlow) -> None:
    fault = flow.metadata.get("fault", {"kind": "none"})
    if fault["kind"] == "replace":
        text = flow.response.get_text()
        flow.response.set_text(text.replace(fault["from"], fault["to"]))
    elif fault["kind"] == "cut":
        body = flow.response.get_content()
        flow.response.headers["Content-Length"] = str(len(body) + 100)
        flow.response.raw_content = body[: len(body) // 2]
