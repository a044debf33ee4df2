# Libraries of others that judge ours, sourced after tap.sh: $python, and whether it has them.

# CHIO_TEST_PYTHON names one that has them; without them python3 does what it can, and their tests are skipped.
python=${CHIO_TEST_PYTHON:-$("$abs_top_srcdir/tests/support/judges" 2>/dev/null)} || python=python3

has() { # MODULE
  "$python" -c "import $1" >/dev/null 2>&1
}
