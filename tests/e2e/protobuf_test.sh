#!/usr/bin/env bash
# Protobuf in, through a job, and out: by a descriptor set that protoc makes here, with writers newer and older than
# the reader, and with records that are none.
. "$(dirname "$0")/lib.sh"

data=$work/protobuf
export WEIR_DATA=$data
in=$data/log/in/0.ndjson
mkdir -p "$data/log/in" "$work/v1" "$work/v2" "$work/v3"
cat >"$work/v1/event.proto" <<'PROTO'
syntax = "proto3";
package ssh;
import "google/protobuf/timestamp.proto";
enum Kind { OTHER = 0; FAILED = 1; ACCEPTED = 2; }
message Origin { string host = 1; uint32 port = 2; }
message Event {
  string host = 1;
  int64 line = 2;
  google.protobuf.Timestamp ts = 3;
  optional string user = 4;
  Kind kind = 5;
  Origin origin = 6;
  repeated string tags = 7;
  map<string, int64> counts = 8;
}
PROTO
# A newer one: fields and an enum value more, a field renamed, one gone.
sed -e 's/ACCEPTED = 2;/ACCEPTED = 2; CLOSED = 3;/' -e 's/string host = 1;\n  int64/X/' -e 's/int64 line = 2/int64 number = 2/' \
  -e '/repeated string tags/c\  reserved 7;' -e 's/map<string, int64> counts = 8;/&\n  optional int64 pid = 9;\n  string zone = 10;/' \
  "$work/v1/event.proto" >"$work/v2/event.proto"
# One that broke the rules: number 2 is text now.
sed 's/int64 line = 2/string line = 2/' "$work/v1/event.proto" >"$work/v3/event.proto"
for v in v1 v2 v3; do
  (cd "$work/$v" && protoc --include_imports --descriptor_set_out=event.desc event.proto)
done
encode() { (cd "$work/$1" && protoc --encode=ssh.Event event.proto) | base64 -w0 && echo; } # version
{
  echo 'host: "a" line: 1 ts { seconds: 1490620016 nanos: 5000000 } user: "root" kind: FAILED
        origin { host: "h" port: 22 } tags: "x" tags: "y" counts { key: "n" value: 3 }' | encode v1
  echo 'host: "b" number: 2 ts { seconds: 1490620017 } kind: CLOSED pid: 7 zone: "z"' | encode v2
  echo 'host: "c" line: "three" ts { seconds: 1490620018 }' | encode v3
  echo 'not base64!'
  printf '\x0a\x7f\x61' | base64 -w0 && echo
  echo 'host: "d" line: 4 ts { seconds: 1490620019 }' | encode v1
} >"$in"

topology() { # version, more of the source
  cat >"$work/job.yaml" <<YAML
weir: 1
job: { name: protobuf-test }
log: "dir:\${WEIR_DATA}/log"
checkpoints: { storage: "file:\${WEIR_DATA}/checkpoints" }
sources:
  in:
    topic: in
    format: { protobuf: { descriptor_set: $1/event.desc, message: ssh.Event } }
    event_time: { field: ts }
${2:-}
sinks:
  json: { input: in, topic: out }
  dead: { input: in.dead_letter, topic: dead }
  binary:
    input: in
    topic: binary
    fields: [host, line, ts, user]
    format: { protobuf: { descriptor_set: v1/event.desc, message: ssh.Event } }
YAML
}
job_run() { "$weir" run "$work/job.yaml" --until-end --quiet --log-level warning "$@"; }

topology v1
job_run
cat >"$work/want" <<'JSON'
{"host":"a","line":1,"ts":1490620016005,"user":"root","kind":"FAILED","origin":{"host":"h","port":22},"tags":["x","y"],"counts":{"n":3}}
{"host":"b","line":2,"ts":1490620017000,"user":null,"kind":"3","origin":null,"tags":[],"counts":{}}
{"host":"d","line":4,"ts":1490620019000,"user":null,"kind":"OTHER","origin":null,"tags":[],"counts":{}}
JSON
diff "$work/want" "$data/log/out/0.ndjson" || fail "rows read by v1"
expect "dead letters" "$("$weir" dlq list "$work/job.yaml" --counts -o json)" '{"WEIR-2001":2,"WEIR-2003":1}'
"$weir" dlq show "$work/job.yaml" 0/1 --raw | cmp - <(printf 'not base64!') || fail "bytes of a dead letter"

# What is written is what protoc reads.
head -1 "$data/log/binary/0.ndjson" | base64 -d | (cd "$work/v1" && protoc --decode=ssh.Event event.proto) >"$work/decoded"
diff - "$work/decoded" <<'TEXT' || fail "what the sink wrote"
host: "a"
line: 1
ts {
  seconds: 1490620016
  nanos: 5000000
}
user: "root"
TEXT

# The newer reader: old records lack its new fields, and a renamed field keeps its number.
rm -rf "$data/log/out" "$data/log/dead" "$data/log/binary" "$data/checkpoints"
topology v2 '    schema: { number: int64, host: string, ts: timestamp_ms, pid: "int64?", zone: string }'
sed -i '/^  binary:/,$d' "$work/job.yaml"
job_run
cat >"$work/want" <<'JSON'
{"number":1,"host":"a","ts":1490620016005,"pid":null,"zone":""}
{"number":2,"host":"b","ts":1490620017000,"pid":7,"zone":"z"}
{"number":4,"host":"d","ts":1490620019000,"pid":null,"zone":""}
JSON
diff "$work/want" "$data/log/out/0.ndjson" || fail "rows read by v2"

# What does not fit is found before anything runs, at its place.
wrong() { # line:column, number, text
  local status=0
  "$weir" validate "$work/job.yaml" 2>"$work/err" || status=$?
  expect "exit status of '$3'" $status 78
  grep -q "job.yaml:$1: error\[WEIR-$2\]: .*$3" "$work/err" || fail "$1 $2 $3: $(cat "$work/err")"
}
topology v1 '    schema: { host: string, line: string, ts: timestamp_ms }'
wrong 10:29 1020 "the schema says string, but the message has int64 ssh.Event.line = 2"
topology v1 '    schema: { host: string, lime: int64, ts: timestamp_ms }'
wrong 10:29 1020 "no such field"
topology v1
sed -i '0,/ssh.Event/s//ssh.Evnt/' "$work/job.yaml"
wrong 8:67 1007 "no message 'ssh.Evnt'"
topology v9
wrong 8:43 1014 "cannot read"
topology v1
sed -i '0,/message: ssh.Event/s//message: ssh.Event, encoding: raw/' "$work/job.yaml"
wrong 8:88 1012 "one line per record"
sed -i 's/format: { protobuf.*encoding: raw } }/format: { protobof: {} }/' "$work/job.yaml"
wrong 8:15 1008 "no format 'protobof'"
topology v1
sed -i '0,/format: { protobuf.*/s//format: protobuf/' "$work/job.yaml"
wrong 8:13 1003 "missing required key 'descriptor_set'"
topology v1
sed -i 's/fields: \[host, line, ts, user\]/fields: [host, kind]/' "$work/job.yaml"
wrong 18:58 1020 "cannot hold every string"
echo "ok"
