#!/usr/bin/env bash
# deploy/local_kafka.sh: starts, tells the truth, and finds its data and its port again after a stop and after a crash.
set -eu
. "$(dirname "$0")/kafka_lib.sh"
fail() { echo "FAIL: $*"; exit 1; }
status() { "$local_kafka" status --dir "$kafka_dir" > /dev/null && echo 0 || echo $?; }

[ "$(status)" = 3 ] || fail "status of a broker that never ran"
kafka_start
[ "$(status)" = 0 ] || fail "status of a broker that runs"
[ "$("$local_kafka" start --dir "$kafka_dir")" = "$kafka" ] || fail "a second start must do nothing"
printf 'one\ntwo\n' | produce t
kill -KILL "$(cat "$kafka_dir/kafka.pid")"
while [ "$(status)" = 0 ]; do :; done
[ "$(status)" = 3 ] || fail "status after a crash"
[ "$("$local_kafka" start --dir "$kafka_dir")" = "$kafka" ] || fail "another address after a crash"
[ "$(consume t | tr '\n' ' ')" = "one two " ] || fail "data lost: $(consume t)"
"$local_kafka" stop --dir "$kafka_dir"
[ "$(status)" = 3 ] || fail "status after a stop"
"$local_kafka" start --dir "$kafka_dir" --port 80 2> /dev/null && fail "port 80 taken"
"$local_kafka" dance 2> /dev/null && fail "an unknown command"
echo ok
