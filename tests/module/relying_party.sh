#!/bin/sh
# The commands of docs/relying-party.md, run as they stand there: a block "sh" must succeed, "sh refused" must end with
# exit status 1, and each line of a block "text" must begin a line of what the block before it printed, or be part of one.
. "$abs_top_srcdir/tests/support/tap.sh"
need openssl p11tool python3
under_chiod
enter_token
chio-hsm key generate web >/dev/null || exit 99
unset OPENSSL_CONF # the stranger's openssl knows no provider of ours
exec python3 - "$abs_top_srcdir/docs/relying-party.md" <<'P'
import re, subprocess, sys

page = open(sys.argv[1], encoding="utf-8").read()
blocks = re.findall(r"^```([^\n]*)\n(.*?)^```$", page, re.M | re.S)
count = failed = 0
output = ""

def test(good, name, more=""):
    global count, failed
    count += 1
    failed += not good
    print("%sok %d - %s" % ("" if good else "not ", count, name))
    if not good:
        print("".join("# %s\n" % line for line in more.splitlines()), end="")

for kind, text in blocks:
    first = text.strip().splitlines()[0]
    if kind in ("sh", "sh refused"):
        done = subprocess.run(["sh", "-e", "-c", text], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        output = done.stdout.decode("utf-8", "replace")
        wanted = 1 if kind == "sh refused" else 0
        test(done.returncode == wanted, "%s%s" % (first, " is refused" if wanted else ""),
             "exit status %d\n%s" % (done.returncode, output))
    elif kind == "text":
        missing = [line for line in text.splitlines() if line.strip() and line not in output]
        test(not missing, "prints: %s" % first, "missing: %s\nin:\n%s" % (missing, output))
    else:
        test(False, "a block of unknown kind '%s'" % kind)
test(sum(kind.startswith("sh") for kind, _ in blocks) >= 8, "the page has its commands")
print("1..%d" % count)
sys.exit(failed > 0)
P
