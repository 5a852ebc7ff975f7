#!/usr/bin/env bash
# The shipped job on the shipped file: 45 decisions and 669 blocked events, whatever the parallelism, however the input
# is cut, however often it comes (issue 3, "The main job").
. "$(dirname "$0")/lib.sh"

for p in 1 2 4; do
  fresh "p$p"
  cp "$events" "$work/p$p/log/auth.raw/0.ndjson"
  run "p$p" --set "job.parallelism=$p" --summary "$work/p$p.json"
  expect_guard "p$p"
  expect "p$p dead letters" "$(count "p$p" auth.dead_letter)" 0
  # One call for each escalation, none for what a rule answers (A5).
  grep -q '"escalated":45,"agent_calls":45' "$work/p$p.json" || fail "calls: $(cat "$work/p$p.json")"
done
for p in 2 4; do
  cmp <(cat "$work"/p1/log/auth.decisions/*.ndjson | sort) <(cat "$work/p$p"/log/auth.decisions/*.ndjson | sort) ||
    fail "decisions differ between parallelism 1 and $p"
done
# The lines themselves, against an independent computation.
cmp <(cat "$work"/p1/log/auth.decisions/*.ndjson | grep -o '"line":[0-9]*' | sort) \
  <(grep -o '"line": *[0-9]*' deploy/jobs/ssh_guard/expected/decisions.ndjson | tr -d ' ' | sort) || fail "decided lines"
cmp <(cat "$work"/p1/log/auth.blocked/*.ndjson | grep -o '"line":[0-9]*' | sort) \
  <(grep -o '"line": *[0-9]*' deploy/jobs/ssh_guard/expected/blocked.ndjson | tr -d ' ' | sort) || fail "blocked lines"

# Several partitions, by address.
fresh parts
awk '{ ip = match($0, /"src_ip": "[^"]*"/) ? substr($0, RSTART, RLENGTH) : ""; h = 0
       for (i = 1; i <= length(ip); i++) h = (h * 31 + index("0123456789.abcdef:\" srcip_", substr(ip, i, 1))) % 3
       print > (dir "/" h ".ndjson") }' dir="$work/parts/log/auth.raw" "$events"
run parts --set job.parallelism=2
expect_guard parts

# Appended a second time and started again; then again with another parallelism and nothing new.
cat "$events" >>"$work/p2/log/auth.raw/0.ndjson"
run p2
expect_guard p2
run p2 --set job.parallelism=3
expect_guard p2

# Every 10th line twice.
fresh doubled
awk '{ print } NR % 10 == 0 { print }' "$events" >"$work/doubled/log/auth.raw/0.ndjson"
run doubled
expect_guard doubled

# Another host's log behind it in the same partition: nobody is decided twice, and every event of an address that was
# quarantined is blocked, for it arrives after the rule (D14: on one split by offset).
fresh hosts
cp "$events" "$work/hosts/log/auth.raw/0.ndjson"
sed 's/"host": "[^"]*"/"host": "other"/' "$events" >>"$work/hosts/log/auth.raw/0.ndjson"
run hosts
decided=$(cat "$work"/hosts/log/auth.decisions/*.ndjson | grep -o '"src_ip":"[^"]*"' | sort)
expect "addresses decided twice" "$(echo "$decided" | uniq -d | wc -l)" 0
again=$(grep -cF "$(cat "$work"/p1/log/auth.decisions/*.ndjson | grep -o '"src_ip":"[^"]*"' | sed 's/:/: /')" "$events")
[ "$(count hosts auth.blocked)" -ge $((669 + again)) ] || fail "hosts blocked: $(count hosts auth.blocked), at least $((669 + again))"

# --fresh begins anew.
run p4 --fresh --yes
expect_guard p4
echo "ok"
