#!/bin/sh
# chio-hsm verify --json on every recorded evidence (CHIO_VECTORS), with the collateral beside it at the time that it
# names: a table of verdict, TCB status, measurement and report data, expected and found, one test for each.
. "$abs_top_srcdir/tests/support/tap.sh"
need python3
vectors=${CHIO_VECTORS:-$abs_top_srcdir/../shared/vectors}/quotes
[ -d "$vectors" ] || skip_all "no vectors at hand (CHIO_VECTORS)"
exec python3 - "$abs_top_builddir/tools/chio-hsm" "$vectors" <<'P'
import datetime, glob, json, os, subprocess, sys

tool, top = sys.argv[1:]
count = failed = 0

def rfc3339(text):
    return datetime.datetime.fromisoformat(text).strftime("%Y-%m-%dT%H:%M:%SZ")

def verify(evidence, at, collateral):
    command = [tool, "verify", os.path.join(top, evidence), "--json", "--at", at]
    if collateral:
        command += ["--collateral", os.path.join(top, collateral)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    found = json.loads(done.stdout)
    if (done.returncode == 0) != (found["verdict"] == "accepted"):
        found["verdict"] = "%s, but exit status %d" % (found["verdict"], done.returncode)
    return found

def test(evidence, at, collateral, expected):
    global count, failed
    found = verify(evidence, at, collateral)
    flat = dict(verdict=found["verdict"], reason=found["reason"], measurement=found["measurement"] or "",
                report_data=found["report_data"] or "", debug=found["debug"],
                tcb=(found["tcb"] or {}).get("status"), proved=set(found["proved"]), window=found["window"])
    wrong = []
    for name, value in expected.items():
        if name == "proved":
            bad = {p for p, holds in value.items() if (p in flat["proved"]) != holds}
            if bad:
                wrong.append("proved: %s should be %s" % (sorted(flat["proved"]), value))
        elif name == "begins":
            if not flat["measurement"].startswith(value):
                wrong.append("measurement: expected %s..., found %s" % (value, flat["measurement"]))
        elif flat[name] != value:
            wrong.append("%s: expected %s, found %s" % (name, value, flat[name]))
    count += 1
    failed += bool(wrong)
    print("%sok %d - %-42s %-8s %-22s tcb %-34s %s" % ("not " if wrong else "", count, evidence, flat["verdict"],
          flat["reason"], flat["tcb"] or "-", flat["measurement"][:16] or "-"))
    for line in wrong:
        print("# " + line)

def ok(checks, name):
    return checks.get(name) == "ok"

def dcap(folder, e):
    parsed, checks, collateral = e["parsed"], e["quote_checks"], e.get("collateral") or {}
    expected = dict(verdict="refused", measurement=parsed.get("mrtd") or parsed["mrenclave"],
                    report_data=parsed["report_data"])
    proved = dict(signature=ok(checks, "isv_sig"), qe=ok(checks, "qe_report_sig"),
                  chain=ok(checks, "pck_chain") or "reversed" in folder)
    if e.get("tcb_status") and os.path.exists(os.path.join(top, folder, "tcb_info.json")):
        expected["tcb"] = e["tcb_status"]
        expected["window"] = [rfc3339(t) for t in e["window"]]
        proved["tcb"] = (all(ok(collateral, n) for n in ("tcbinfo_time", "tcbinfo_sig", "fmspc"))
                         and e["tcb_status"] != "TCB_NOT_SUPPORTED")
        proved["crl"] = "pck_crl" in collateral
    elif e.get("tcb_status"):
        print("# %s: TCB %s not compared: the folder has no collateral" % (folder, e["tcb_status"]))
    expected["proved"] = proved
    at = rfc3339(e["verify_time"]) if e.get("verify_time") else "2026-01-01T00:00:00Z"
    test(folder + "/quote.bin", at, folder, expected)

def snp(folder, e):
    start = datetime.datetime.fromisoformat(e["vek"]["not_before"]) + datetime.timedelta(days=1)
    test(folder + "/report.bin", start.strftime("%Y-%m-%dT%H:%M:%SZ"), folder,
         dict(verdict="refused", reason="no-policy", measurement=e["report"]["measurement"],
              report_data=e["report"]["report_data"], debug="debug" in e["report"]["pol"],
              proved=dict(signature=ok(e["checks"], "report_sig"), chain=ok(e["checks"], "vek<-ask"),
                          tcb=ok(e["checks"], "tcb match"))))

def nitro(name, e):
    tpm = e["pcr_field"] == "nitrotpm_pcrs"
    data = e["user_data"] or ""
    test(name + ".cbor", rfc3339(e["checks"]["timestamp"]), None,
         dict(verdict="refused", reason="no-policy" if ok(e["checks"], "cose_sig") else "signature",
              measurement="" if tpm else e["pcrs"]["0"], report_data=data if len(data) <= 128 else "",
              debug=bool(e["checks"]["debug"]),
              proved=dict(signature=ok(e["checks"], "cose_sig"), chain=ok(e["checks"], "chain"))))

def azure(name, e):
    body = e.get("snp") or e["td"]
    test(name + ".json", "2026-01-01T00:00:00Z", None,
         dict(verdict="refused", reason="no-policy", measurement=body.get("measurement") or body.get("mrtd"),
              report_data=body["report_data"],
              proved={"signature": True, "chain": True, "report-data": ok(e["checks"], "runtime_hash"),
                      "tpm": ok(e["checks"], "tpm_sig") and ok(e["checks"], "pcr_digest")}))

def token(name, e):
    claims = e["payload"].get("x-ms-isolation-tee", e["payload"])
    at = datetime.datetime.fromtimestamp(e["payload"]["nbf"] + 1, datetime.timezone.utc)
    test(name + ".jwt", at.strftime("%Y-%m-%dT%H:%M:%SZ"), "azure/maa-sharedeus2-jwks.json",
         dict(verdict="refused", measurement=claims.get("x-ms-sevsnpvm-launchmeasurement", ""),
              report_data=claims.get("x-ms-sevsnpvm-reportdata", ""), proved=dict(signature=ok(e, "signature"))))

for path in sorted(glob.glob(os.path.join(top, "*", "*", "expected.json"))):
    folder = os.path.relpath(os.path.dirname(path), top)
    (snp if folder.startswith("snp/") else dcap)(folder, json.load(open(path)))
for path in sorted(glob.glob(os.path.join(top, "*", "*.expected.json"))):
    name = os.path.relpath(path, top)[:-len(".expected.json")]
    base = os.path.basename(name)
    (nitro if name.startswith("nitro/") else token if base.startswith("maa") else azure)(name, json.load(open(path)))
for name, at, reason in (("nitro/blocky-selfsigned.cbor", "2024-10-01T00:00:00Z", "format"),
                         ("nitro/fortanix-tampered-cert.cbor", "2021-09-09T11:00:00Z", "format"),
                         ("tdx/tdreport/report.dat", "2025-01-01T00:00:00Z", "unsupported"),
                         ("tdx/tdreport/tdreport_live.bin", "2025-01-01T00:00:00Z", "unsupported")):
    test(name, at, None, dict(verdict="refused", reason=reason))
for name, at, begin in (("gramine-cert.pem", "2024-06-01T00:00:00Z", "0866e7ca11b9f4ef"),
                        ("intel-sgxsdk-cert.pem", "2024-06-01T00:00:00Z", "09e218a4be9dadbf"),
                        ("rats-tls-cert.pem", "2023-06-01T00:00:00Z", "38e1b40b8c68186f")):
    test("sgx/ratls/" + name, at, None,
         dict(verdict="refused", reason="no-policy", debug=True, begins=begin,
              proved={"signature": True, "qe": True, "chain": True, "report-data": True}))
print("1..%d" % count)
sys.exit(failed > 0)
P
