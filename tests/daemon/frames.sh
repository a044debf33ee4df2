#!/bin/sh
# Bytes that are no requests, requests that are no messages: an answer that says so, the connection closed, chiod well.
. "$abs_top_srcdir/tests/support/tap.sh"
under_chiod
. "$abs_top_srcdir/tests/daemon/daemon.sh"
socket=${CHIO_SIGNER#unix:}

is "a message that nobody knows is answered, and the connection goes on" \
  "type=1 id=1 error=OK|type=999 id=7 error=UNKNOWN_MESSAGE|type=2 id=8 error=OK|" \
  "$("$frames" open "$socket" hello reply frame 999 7 "" reply frame 2 8 "" reply | cut -d' ' -f1-3 | tr '\n' '|')"
is "a frame beyond the limit is answered before its body comes, and the connection ends" \
  "type=18 id=9 error=TOO_LONG|end|" \
  "$("$frames" open "$socket" header 4294967295 18 0 9 reply end | cut -d' ' -f1-3 | tr '\n' '|')"
is "so is one beyond the limit by one byte" "type=18 id=9 error=TOO_LONG|end|" \
  "$("$frames" open "$socket" header 1052673 18 0 9 reply end | cut -d' ' -f1-3 | tr '\n' '|')"
is "a reply is no request" "type=18 id=3 error=PROTOCOL|end|" \
  "$("$frames" open "$socket" header 0 18 1 3 reply end | cut -d' ' -f1-3 | tr '\n' '|')"
is "a flag that nobody knows is refused" "type=18 id=3 error=PROTOCOL|end|" \
  "$("$frames" open "$socket" header 0 18 2 3 reply end | cut -d' ' -f1-3 | tr '\n' '|')"
is "a request before HELLO is refused" "type=2 id=3 error=PROTOCOL|end|" \
  "$("$frames" open "$socket" frame 2 3 "" reply end | cut -d' ' -f1-3 | tr '\n' '|')"
is "a header that is cut off is not answered" "end" "$("$frames" open "$socket" bytes 0100 shut end)"
is "a body that is cut off is not answered" "end" "$("$frames" open "$socket" header 100 1 0 1 bytes 00 shut end)"
is "a peer that leaves at once is no matter" "end" "$("$frames" open "$socket" shut end)"
contains "megabytes of zeros end the connection" "end" "$("$frames" open "$socket" zeros 5000000 end)"
is "a body that lacks a byte is refused" "type=18 id=2 error=TRUNCATED" \
  "$("$frames" open "$socket" hello reply frame 18 2 000000 reply | tail -n 1 | cut -d' ' -f1-3)"
is "a body with a byte too many is refused" "type=3 id=2 error=TRAILING" \
  "$("$frames" open "$socket" hello reply frame 3 2 00 reply | tail -n 1 | cut -d' ' -f1-3)"
is "a body that says it is longer than its limit is refused" "type=18 id=2 error=TOO_LONG" \
  "$("$frames" open "$socket" hello reply frame 18 2 00000000ffffffff reply | tail -n 1 | cut -d' ' -f1-3)"
is "a frame that comes byte by byte is served" "type=2 id=5 error=OK" \
  "$("$frames" open "$socket" hello reply bytes 00 bytes 000000 bytes 02 bytes 000000050000000000000000 sleep 20 \
    bytes 0000000000 bytes 000000 reply | tail -n 1 | cut -d' ' -f1-3)"
is "a thousand requests in a row get a thousand replies" "OK=1000" \
  "$("$frames" open "$socket" hello reply repeat 1000 25 2 10000000 replies 1000 | tail -n 1)"
is "requests that wait for the pool keep their order" "OK=20" \
  "$("$frames" open "$socket" hello reply repeat 20 6 2 "$(login_body 123456)" replies 20 | tail -n 1)"
is "replies that are not read hold back the requests, and nothing is lost" "OK=400" \
  "$("$frames" open "$socket" hello reply repeat 400 25 2 00000100 sleep 200 replies 400 | tail -n 1)"
is "chiod is well after all that" "error=OK" "$("$frames" open "$socket" hello reply | cut -d' ' -f3)"
contains "the log has what was refused" "peer.refused: the frame is longer than its limit" "$(cat "$CHIOD_LOG")"
plan
