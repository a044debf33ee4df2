#!/bin/sh
# The public toml-test suite (a Go module, see tests/support/toml-test/go.mod) over our TOML reader.
set -eu

skip() {
  echo "1..0 # SKIP $1"
  exit 0
}

command -v go >/dev/null 2>&1 || skip "Go is not installed"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
suite=$work/toml-test
# Not newer tools than the machine has: GOTOOLCHAIN=local. No network and no cached module: a skip that says so.
(cd "$abs_top_srcdir/tests/support/toml-test" &&
  GOTOOLCHAIN=local go build -buildvcs=false -mod=readonly -o "$suite" github.com/toml-lang/toml-test/cmd/toml-test) >"$work/log" 2>&1 ||
  skip "toml-test does not build with $(go version | cut -d' ' -f3): $(head -n 1 "$work/log")"

echo 1..2
"$suite" -toml 1.0.0 "$abs_top_builddir/tests/support/toml_decoder" >"$work/out" 2>&1 || :
sed 's/^/# /' "$work/out"
for kind in valid invalid; do
  if grep -Eq "^ *$kind tests: +[1-9][0-9]* passed, +0 failed" "$work/out"; then
    echo "ok - every $kind case of TOML 1.0 is judged right"
  else
    echo "not ok - every $kind case of TOML 1.0 is judged right"
  fi
done
