#!/bin/sh
# What a signature costs, counted in chiod's own log: the requests between two marks (RANDOM).
if [ -z "${CHIO_TEST_DIR:-}" ]; then
  CHIO_LOG=debug exec "$abs_top_srcdir/tests/support/with-chiod" sh "$0"
fi

echo 1..6
if "$abs_top_builddir/tests/module/pkcs11_round_trips" >"$CHIO_TEST_DIR/output" 2>&1; then
  echo "ok 1 - the program ran"
else
  echo "not ok 1 - the program ran"
  sed 's/^/# /' "$CHIO_TEST_DIR/output"
fi

# between N: the messages between the Nth mark and the next one, each with its count.
between() {
  sed -n 's/.*type=\([A-Z_]*\).*/\1/p' "$CHIOD_LOG" | awk -v n="$1" '
    $1 == "RANDOM" { mark++; next }
    mark == n { count[$1]++ }
    END { for (m in count) print m " " count[m] }' | sort | tr '\n' ' '
}

# costs NUMBER SENTENCE MARK MESSAGES
costs() {
  found=$(between "$3")
  if [ "$found" = "$4" ]; then
    echo "ok $1 - $2"
  else
    echo "not ok $1 - $2"
    echo "# there were: $found"
  fi
}

costs 2 "one signature is one request, and asking for its length none" 1 "SIGN 25 "
costs 3 "a few parts are one request" 2 "SIGN 25 "
costs 4 "attributes that were read before cost nothing" 3 ""
costs 5 "a batch is one request, and asking for its length none" 4 "SIGN_BATCH 25 "
costs 6 "each message of C_SignMessage is one request, and the rest of them none" 5 "SIGN 25 "
