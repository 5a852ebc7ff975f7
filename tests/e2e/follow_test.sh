#!/usr/bin/env bash
# Without --until-end the job follows growing files until SIGTERM, which drains and checkpoints.
. "$(dirname "$0")/lib.sh"

wait_for() { # what, command that prints the count, wanted
  for _ in $(seq 300); do
    [ "$(eval "$2")" = "$3" ] && return
    perl -e 'select(undef, undef, undef, 0.1)'
  done
  fail "$1: $(eval "$2"), expected $3"
}

fresh follow
head -4000 "$events" >"$work/follow/log/auth.raw/0.ndjson"
WEIR_DATA=$work/follow "$weir" run "$job" --quiet --log-level warning --set checkpoints.interval=100ms &
pid=$!
trap 'kill -9 $pid 2>/dev/null || :' EXIT
tail -n +4001 "$events" | head -c -1 >>"$work/follow/log/auth.raw/0.ndjson"
wait_for decisions 'count follow auth.decisions' 45
last=$(tail -n 1 "$events" | grep -o '"line": [0-9]*')
echo >>"$work/follow/log/auth.raw/0.ndjson"
wait_for blocked 'count follow auth.blocked' 669
kill -TERM $pid
wait $pid || fail "SIGTERM: exit status $?"
trap - EXIT
run follow
expect_guard follow
echo "ok ($last was the last)"
