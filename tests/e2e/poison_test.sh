#!/usr/bin/env bash
# Records that cannot be read go to the dead letters with place and number; nothing else changes.
. "$(dirname "$0")/lib.sh"

fresh poison
raw=$work/poison/log/auth.raw/0.ndjson
head -3000 "$events" >"$raw"
{
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
} >>"$raw"
tail -n +3001 "$events" >>"$raw"
run poison
expect_guard poison
expect "dead letters" "$(count poison auth.dead_letter)" 11
for number in 2001 2002 2003 2004 2005 2006 2007; do
  cat "$work"/poison/log/auth.dead_letter/*.ndjson | grep -q "WEIR-$number" || fail "no dead letter WEIR-$number"
done
for offset in $(seq 3000 3010); do
  cat "$work"/poison/log/auth.dead_letter/*.ndjson | grep -q "\"offset\":$offset," || fail "no place $offset"
done
cat "$work"/poison/log/auth.dead_letter/*.ndjson | grep -q '"raw":"not json"' || fail "the original bytes are missing"

# A last line without newline: not yet a record while the log is followed, one at --until-end.
fresh tail
head -c -1 "$events" >"$work/tail/log/auth.raw/0.ndjson"
run tail
expect_guard tail
echo "ok"
