#!/usr/bin/env bash
# Dead letters of every kind of poison are listed, shown to the byte, and put back once, when the topology can read
# them; the file that somebody else feeds is never touched.
. "$(dirname "$0")/lib.sh"

data=$work/dlq
export WEIR_DATA=$data
topology=$work/job.yaml
write_topology() { # type of kind
  cat >"$topology" <<YAML
weir: 1
job: { name: dlq-test }
log: "dir:\${WEIR_DATA}/log"
checkpoints: { storage: "file:\${WEIR_DATA}/checkpoints" }
sources:
  in:
    topic: raw
    schema: { host: string, line: int64, ts: timestamp_ms, kind: "$1", message: string }
    event_time: { field: ts, idleness: 1s }
sinks:
  out: { input: in, topic: out, fields: [host, line, kind] }
  dead: { input: in.dead_letter, topic: raw.dead }
YAML
}
job_run() { "$weir" run "$topology" --until-end --quiet --log-level warning; }
lines() { cat "$data/log/$1"/*.ndjson 2>/dev/null | wc -l; }
dlq() { "$weir" dlq "$@"; }

mkdir -p "$data/log/raw"
raw=$data/log/raw/0.ndjson
{
  echo '{"host":"good","line":0,"ts":1490620016000,"kind":"k","message":""}'
  echo 'not json'
  echo '{"host":"h","line":1,"ts":1490620016000,"message":""}'                               # no kind
  echo '{"host":"h","line":"one","ts":1490620016000,"kind":"k","message":""}'                # wrong type
  echo '{"host":"h","line":1.5,"ts":1490620016000,"kind":"k","message":""}'                  # no integer
  echo '{"host":"h","line":2,"ts":253370764800000,"kind":"k","message":""}'                  # the year 9999
  printf '{"host":"h","line":3,"ts":1490620016000,"kind":"k","message":"a\0b"}\n'            # NUL
  printf '{"host":"h","line":4,"ts":1490620016000,"kind":"k","message":"\xff\xfe"}\n'        # no UTF-8
  printf '{"host":"h","line":5,"ts":1490620016000,"kind":"k","message":"","x":%s%s}\n' \
    "$(head -c 5000 /dev/zero | tr '\0' '[')" "$(head -c 5000 /dev/zero | tr '\0' ']')"      # 5,000 deep
  printf '{"host":"h","line":6,"ts":1490620016000,"kind":"k","message":"%s"}\n' \
    "$(head -c 10000000 /dev/zero | tr '\0' 'x')"                                            # 10 MB
  echo ''
  echo '[1,2,3]'
} >"$raw"
sum=$(sha256sum <"$raw")

write_topology string
job_run
expect "good records" "$(lines out)" 1
expect "dead letters" "$(lines raw.dead)" 11

# List: a line each, counts by error, filters.
dlq list "$topology" >"$work/list"
grep -q '^11 of 11 shown$' "$work/list" || fail "list: $(cut -c1-200 "$work/list")"
grep -q '^ *3  WEIR-2001  ' "$work/list" || fail "counts: $(cut -c1-200 "$work/list")"
expect "as JSON" "$(dlq list "$topology" -o json | grep -c '"replayed":false')" 11
expect "by error" "$(dlq list "$topology" --error WEIR-2006 -o json | wc -l)" 2
expect "by topic" "$(dlq list "$topology" --topic other -o json | wc -l)" 0
expect "limited" "$(dlq list "$topology" -n 4 -o json | wc -l)" 4
expect "written in the last hour" "$(dlq list "$topology" --since 1h -o json | wc -l)" 11
expect "written before" "$(dlq list "$topology" --until 1h -o json | wc -l)" 0
expect "counts" "$(dlq list "$topology" --counts -o json)" \
  '{"WEIR-2001":3,"WEIR-2002":1,"WEIR-2003":2,"WEIR-2004":1,"WEIR-2005":1,"WEIR-2006":2,"WEIR-2007":1}'

# Show: the original bytes exactly, also for a person.
for n in $(seq 0 10); do
  sed -n "$((n + 2))p" "$raw" | head -c -1 >"$work/want"
  dlq show "$topology" "0/$n" --raw | cmp - "$work/want" || fail "bytes of dead letter 0/$n"
done
dlq show "$topology" 0/5 >"$work/show"
grep -qF 'a\x00b' "$work/show" || fail "escapes: $(cat "$work/show")"
dlq show "$topology" 0/1 >"$work/show"
for part in 'topic raw, partition 0, offset 2' 'WEIR-2002: ' 'hint .*?' 'field *kind' 'epoch 1'; do
  grep -q "$part" "$work/show" || fail "no '$part' in: $(cat "$work/show")"
done
status=0
dlq show "$topology" 0/11 2>"$work/err" || status=$?
expect "exit status for no such letter" $status 1
grep -q 'WEIR-3003' "$work/err" || fail "no such letter: $(cat "$work/err")"

# A dry run changes nothing.
dlq replay "$topology" --error 2002 | grep -q '^would put back 1, replayed before 0, not whole 0$' || fail "dry run"
[ ! -e "$data/log/raw/1000000.ndjson" ] && [ ! -e "$data/log/raw.dead.replayed" ] || fail "the dry run wrote"

# The schema is mended, the record put back, and processed once; twice changes nothing.
write_topology 'string?'
dlq replay "$topology" --error 2002 --yes | grep -q '^put back 1, ' || fail "replay"
job_run
expect "after the replay" "$(lines out)" 2
grep -q '{"host":"h","line":1,"kind":null}' "$data"/log/out/0.ndjson || fail "the mended record is missing"
dlq replay "$topology" --error 2002 --yes | grep -q '^put back 0, replayed before 1, ' || fail "second replay"
job_run
expect "after the second replay" "$(lines out)" 2
expect "put back" "$(lines raw)" 13
expect "marked" "$(dlq list "$topology" -o json | grep -c '"replayed":true')" 1

# What is still poison comes back as new dead letters, from its new place; each id by itself, then all.
dlq replay "$topology" 0/0 0/5 --yes | grep -q '^put back 2, ' || fail "replay by id"
dlq replay "$topology" --yes | grep -q '^put back 8, replayed before 3, ' || fail "replay of the rest"
job_run
expect "good records at last" "$(lines out)" 2
expect "dead letters at last" "$(lines raw.dead)" 21
expect "from the new place" "$(dlq list "$topology" -o json | grep -c '"partition":1000000')" 10
# To another topic; those of the new place are records of their own.
dlq replay "$topology" --error 2004 --to elsewhere --yes | grep -q '^put back 1, replayed before 1, ' || fail "--to"
sed -n 9p "$raw" | cmp - "$data/log/elsewhere/1000000.ndjson" || fail "the record in the other topic"

# Nobody has touched the file that is fed by hand.
expect "the fed file" "$(sha256sum <"$raw")" "$sum"
[ ! -e "$data/log/raw/0.meta" ] || fail "the fed file has got a meta file"

status=0
dlq list "$job" --sink nothing 2>"$work/err" || status=$?
expect "exit status for no such sink" $status 1
echo "ok"
