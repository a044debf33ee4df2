#!/bin/sh
# chiod is killed while it rotates a key, at another moment each time: the key is rotated wholly or not at all, and the
# tool that asked, or asks again, comes back with the one new key.
. "$abs_top_srcdir/tests/support/tap.sh"
need python3
under_chiod
. "$abs_top_srcdir/tests/daemon/daemon.sh"
enter_token
rounds=12

# How many keys are active, and how many there are at all.
tally() {
  chio-hsm key list --login --json >keys.json &&
    python3 -c 'import json; k = json.load(open("keys.json"))
print(len([x for x in k if x["state"] == "active" and x["label"] == "web"]), len(k))'
}

one_round() { # NUMBER: kills chiod a little later each time
  uid=$(python3 -c 'import json
print([k["private_unique_id"] for k in json.load(open("keys.json")) if k["state"] == "active"][0])')
  chio-hsm key rotate "$uid" --json >rotated.json 2>rotated.err &
  asking=$!
  sleep "0.0$(($1 % 10))$(($1 / 10))"
  stop_by KILL
  "$CHIO_START" || return 1
  wait $asking || chio-hsm key rotate "$uid" --json >rotated.json || return 1
  python3 -c 'import json, sys; sys.exit(json.load(open("rotated.json"))["old"] != sys.argv[1])' "$uid" || return 1
  [ "$(tally)" = "1 $(($1 + 1))" ] || { tally; return 1; }
  chio-hsm sign web pin >/dev/null
}

chio-hsm key generate web >/dev/null
is "there is one key" "1 1" "$(tally)"
round=1
while [ $round -le $rounds ]; do
  check "round $round: one new key, whenever chiod was killed" one_round $round
  round=$((round + 1))
done
: >"$CHIOD_LOG"
restart
wait_for grep -q . "$CHIOD_LOG"
chio-hsm status --json >status.json
is "the store is whole" ok "$(python3 -c 'import json; print(json.load(open("status.json"))["slots"][0]["state"])')"
plan
