# For TAP scripts: . "$abs_top_srcdir/tests/module/tap.sh"
#   plan N
#   check "a sentence" COMMAND...      ok when the command succeeds
#   refuse "a sentence" COMMAND...     ok when it fails
# The output of a command that did what it should not is shown as diagnostics.
count=0

plan() {
  echo "1..$1"
}

report() {
  count=$((count + 1))
  if [ "$1" = ok ]; then
    echo "ok $count - $2"
  else
    echo "not ok $count - $2"
    sed 's/^/# /' "$CHIO_TEST_DIR/output"
  fi
}

check() {
  name=$1
  shift
  if "$@" >"$CHIO_TEST_DIR/output" 2>&1; then report ok "$name"; else report bad "$name"; fi
}

refuse() {
  name=$1
  shift
  if "$@" >"$CHIO_TEST_DIR/output" 2>&1; then report bad "$name"; else report ok "$name"; fi
}

# skip "a sentence" "why"
skip() {
  count=$((count + 1))
  echo "ok $count - $1 # SKIP $2"
}

# Whether the output of the last command has the line (a basic regular expression).
output_has() {
  grep -q -e "$1" "$CHIO_TEST_DIR/output"
}
