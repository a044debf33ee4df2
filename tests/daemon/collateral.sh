#!/bin/sh
# Collateral for verifiers, fetched by chiod through chio-kmsd from a server that plays Intel and AMD.
. "$abs_top_srcdir/tests/support/tap.sh"
. "$abs_top_srcdir/tests/daemon/daemon.sh"
vectors=${CHIO_VECTORS:-$abs_top_srcdir/../shared/vectors}/quotes
intel=$vectors/tdx/v4-uptodate-phala
amd=$vectors/snp/milan-v3-oak

if [ -z "${CHIO_TEST_DIR:-}" ]; then
  [ -f "$intel/quote.bin" ] || skip_all "the recorded evidence is not there (CHIO_VECTORS)"
  command -v python3 >/dev/null 2>&1 || skip_all "python3 is not installed"
  SERVED=$(mktemp -d "${TMPDIR:-/tmp}/chio-XXXXXX") || exit 99
  python3 "$abs_top_srcdir/tests/support/collateral_server.py" "$intel" "$amd" \
    "$vectors/anchors/amd_milan_vcek_chain.pem" "$SERVED" &
  server=$!
  trap 'kill "$server"; rm -rf "$SERVED"' EXIT
  wait_for test -s "$SERVED/port" || exit 99
  url=http://127.0.0.1:$(cat "$SERVED/port")
  CHIO_TEST_CONFIG="[collateral]
enabled = true
pcs = \"$url/pcs\"
crl = \"$url/crl\"
kds = \"$url/kds\"
check = 2"
  export SERVED CHIO_TEST_CONFIG
  "$abs_top_srcdir/tests/support/with-chiod" /bin/sh "$0"
  exit
fi

requests() { wc -l <"$SERVED/requests"; }
fault() { if [ -n "$1" ]; then echo "$1" >"$SERVED/fault"; else rm -f "$SERVED/fault"; fi; }
copy=$CHIO_TEST_DIR/copy
mkdir "$copy"

# ---- Refusals first: nothing is there yet ----
out=$(chio-hsm collateral fetch 2>&1)
contains "a simulated platform has none" "simulated" "$out"
echo "no evidence" >"$CHIO_TEST_DIR/nothing"
refute "what is no evidence is refused" chio-hsm collateral fetch "$CHIO_TEST_DIR/nothing"
fault html
out=$(chio-hsm collateral fetch "$intel/quote.bin" 2>&1)
contains "a page in place of collateral is refused" "what came is no collateral" "$out"
fault error
out=$(chio-hsm collateral fetch "$intel/quote.bin" 2>&1)
contains "so is an error of the service" "HTTP status 500" "$out"
fault no-chain
out=$(chio-hsm collateral fetch "$intel/quote.bin" 2>&1)
contains "and an answer without the chain that signs it" "no chain of certificates" "$out"
fault ''
is "nothing of all that is kept" "[]" "$(chio-hsm collateral list --json)"
refute "what is not there cannot be had" chio-hsm collateral fetch "$vectors/sgx/v3-phala/quote.bin"

# ---- Intel ----
check "collateral of a quote is fetched" chio-hsm collateral fetch "$intel/quote.bin" --output "$copy"
list=$(chio-hsm collateral list)
contains "it is listed, with its end" "qe_identity_tdx.json" "$list"
contains "and what has ended is marked" "(expired)" "$list"
for file in "$copy"/tcb_info_tdx_*.json; do check "the TCB info is the one that was served" cmp "$file" "$intel/tcb_info.json"; done
check "the revocation list too" cmp "$copy/pck_crl_platform.crl" "$intel/pck.crl"
at=$(sed -n 's/.*"\(good_at\|at\|time\)":[[:blank:]]*"\([0-9TZ:.-]*\)".*/\2/p' "$intel/expected.json" | head -n 1)
judge() { chio-hsm verify "$intel/quote.bin" --collateral "$1" --at "${at:-2025-06-20T10:32:27Z}" --json 2>/dev/null; }
is "a verifier says the same as with the recorded files" "$(judge "$intel")" "$(judge "$copy")"
lacks "and misses none" "collateral-missing" "$(judge "$copy")"
check "the state folder has it in the same layout" test -s "$CHIO_STATE/collateral/intel_sgx_root.crl"

contains "doctor tells what has ended" "which the signer keeps, ended at" "$(chio-hsm doctor 2>&1)"

# ---- AMD ----
mkdir "$copy/amd"
check "collateral of a report is fetched" chio-hsm collateral fetch "$amd/report.bin" --output "$copy/amd"
check "with the chip's certificate" sh -c 'cmp "$1"/vcek_*.der "$2/vcek.der"' sh "$copy/amd" "$amd"
check "and the chain" test -s "$copy/amd/amd_Milan_vcek_chain.pem"
nitro=$(ls "$vectors"/nitro/*.cbor | head -n 1)
is "a Nitro document needs none" "[]" "$(chio-hsm collateral fetch "$nitro" --json)"

# ---- Renewal ----
before=$(requests)
renewed() { [ "$(requests)" -gt "$before" ]; }
check "what ends is fetched again by itself" wait_for renewed

# ---- It outlives the signer ----
restart
is "after a restart it is still there" "$(echo "$list" | wc -l | tr -d ' ')" \
  "$(chio-hsm collateral list | grep -v -e vcek -e amd_ | wc -l | tr -d ' ')"

# ---- Without chio-kmsd's network ----
check "the log tells of it" grep -q "collateral.fetched" "$CHIOD_LOG"
plan
