#!/usr/bin/env bash
# Where a source on Kafka begins, as the topology says it: earliest, latest, timestamp, offsets. It begins there once:
# whoever starts it again finds what came meanwhile. What is not there any more, or not yet, is a numbered error.
. "$(dirname "$0")/../e2e/lib.sh"
. tests/integration/kafka_lib.sh
kafka_start

cat > "$work/copy.yaml" << 'YAML'
weir: 1
job: { name: "${NAME}", parallelism: 2 }
log: "${WEIR_LOG}"
state: { backend: memory }
checkpoints: { interval: 200ms, storage: "file:${WEIR_DATA}/checkpoints" }
sources:
  in: { topic: numbers, schema: { n: int64 }, on_error: fail }
sinks:
  out: { input: in, topic: "copy.${NAME}" }
YAML
numbers() { seq "$1" "$2" | sed 's/.*/{"n":&}/'; } # first, last
copy() { # name, arguments of `weir run`
  local name=$1
  shift
  NAME=$name WEIR_LOG=$kafka_url WEIR_DATA=$work/$name "$weir" run "$work/copy.yaml" --quiet --log-level warning "$@" \
    2> "$work/$name.log"
}
copied() { consume "copy.$1" 2> /dev/null | tr -dc '0-9\n' | sort -n | tr '\n' ' '; } # name
expect_copied() { expect "copied by $1" "$(copied "$1")" "$2 "; } # name, numbers
refused() { # name, WEIR number, arguments
  local name=$1 number=$2 status=0
  shift 2
  copy "$name" --until-end "$@" || status=$?
  [ "$status" -ne 0 ] || fail "$name: expected WEIR-$number, but the job ended well"
  grep -q "WEIR-$number" "$work/$name.log" || fail "$name: expected WEIR-$number: $(tail -3 "$work/$name.log")"
}

kafka_tool TopicCommand --create --topic numbers --partitions 2 > /dev/null
numbers 1 4 | produce numbers 0
numbers 11 14 | produce numbers 1
perl -e 'select(undef, undef, undef, 0.05)'
numbers 5 6 | produce numbers 0
numbers 15 15 | produce numbers 1
ms=$(consume numbers -p 0 -o 4 -c 1 -f '%T')
at=$(date -u -d "@${ms%???}" +%Y-%m-%dT%H:%M:%S).${ms: -3}Z

copy earliest --until-end || fail "$(cat "$work/earliest.log")"
expect_copied earliest "1 2 3 4 5 6 11 12 13 14 15"
copy timestamp --until-end --set sources.in.start=timestamp --set "sources.in.start_time=\"$at\"" ||
  fail "$(cat "$work/timestamp.log")"
expect_copied timestamp "5 6 15"
copy future --until-end --set sources.in.start=timestamp --set sources.in.start_time='"2099-01-01T00:00:00Z"' ||
  fail "$(cat "$work/future.log")"
expect "copied from the future" "$(copied future)" ""
# Partition 1 is not named: from its beginning. 6 = the end.
copy offsets --until-end --set sources.in.start=offsets --set 'sources.in.start_offsets={ 0: 3 }' ||
  fail "$(cat "$work/offsets.log")"
expect_copied offsets "4 5 6 11 12 13 14 15"
copy ends --until-end --set sources.in.start=offsets --set 'sources.in.start_offsets={ 0: 6, 1: 4 }' ||
  fail "$(cat "$work/ends.log")"
expect_copied ends "15"
refused behind 3001 --set sources.in.start=offsets --set 'sources.in.start_offsets={ 0: 7 }'

# latest follows: only what comes while it runs, and after a stop what came meanwhile.
copy latest --set sources.in.start=latest &
starter=$!
n=100
until [ -n "$(copied latest)" ]; do
  [ "$n" -lt 300 ] || fail "latest copies nothing: $(cat "$work/latest.log")"
  n=$((n + 1))
  numbers "$n" "$n" | produce numbers 0
done
weir_pid=$(pgrep -P "$starter" -x weir || echo "$starter")
kill -TERM "$weir_pid"
wait "$starter" || fail "latest: $(cat "$work/latest.log")"
numbers 501 503 | produce numbers 0
numbers 511 512 | produce numbers 1
copy latest --until-end --set sources.in.start=latest || fail "$(cat "$work/latest.log")"
first=$(copied latest | cut -d' ' -f1)
[ "$first" -gt 100 ] || fail "latest copied what stood there before: $(copied latest)"
expect_copied latest "$(echo $(seq "$first" "$n") 501 502 503 511 512)"

# Retention: earliest is what is left; an offset that is gone is an error.
echo '{"partitions":[{"topic":"numbers","partition":0,"offset":5}],"version":1}' > "$work/delete.json"
kafka_tool DeleteRecordsCommand --offset-json-file "$work/delete.json" > /dev/null
refused gone 3001 --set sources.in.start=offsets --set 'sources.in.start_offsets={ 0: 3 }'
copy left --until-end || fail "$(cat "$work/left.log")"
expect "the first number that is left" "$(copied left | cut -d' ' -f1)" 6
echo ok
