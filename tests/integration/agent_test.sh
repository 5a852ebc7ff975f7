#!/usr/bin/env bash
# The shipped job against a real weir-agent: the same outputs, byte for byte, as with the embedded agent, whatever
# becomes of the agent while the job runs; fail-safe verdicts and an orderly end when there is none; and over crashes of
# the job no question is asked again whose answer is durable (issue 4, item 4).
. "$(dirname "$0")/../e2e/lib.sh"
. tests/integration/agent_lib.sh
lines=$(wc -l <"$events")

input base
run base
expect_guard base

# The same job, asked over gRPC: the same bytes, one question each.
start_agent 127.0.0.1:0 --audit-log "$work/audit"
export WEIR_AGENT=grpc://127.0.0.1:$port
input same
run same --summary "$work/same.json"
expect_guard same
same_as_base same
expect "questions" "$(grep -c '"event":"asked"' "$work/audit")" 45
grep -q '"escalated":45,"agent_calls":45' "$work/same.json" || fail "calls: $(cat "$work/same.json")"
# One Decide per question, for simple agents.
export WEIR_AGENT="grpc://127.0.0.1:$port?unary=true"
input unary
run unary
same_as_base unary

# SIGTERM: it goes politely.
kill -TERM "$agent_pid"
wait "$agent_pid" || fail "weir-agent ends with $? on SIGTERM"
agent_pid=
first_port=$port

# TLS, and a token that the agent asks for.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost -keyout "$work/key" -out "$work/cert" 2>/dev/null
echo 0123456789abcdef-token >"$work/token"
start_agent 127.0.0.1:0 --tls-cert "$work/cert" --tls-key "$work/key" --token-file "$work/token"
export WEIR_AGENT="grpcs://localhost:$port?ca_file=$work/cert&token_file=$work/token"
input tls
run tls
same_as_base tls
kill_agent
port=$first_port
# On a busy machine a process takes its time to start: that alone must not open the breaker here.
export WEIR_AGENT="grpc://127.0.0.1:$port?breaker_after=5m"

# The agent comes three seconds after the job.
input late
run late --summary "$work/late.json" 2>"$work/late.err" &
job_pid=$!
perl -e 'select(undef, undef, undef, 3)'
kill -0 "$job_pid" || fail "late: the job did not wait"
start_agent "127.0.0.1:$port"
wait "$job_pid" || fail "late: exit status $?: $(tail -3 "$work/late.err")"
job_pid=
expect_guard late
same_as_base late
grep -q '"fail_safe":0' "$work/late.json" || fail "late: $(cat "$work/late.json")"

# The agent dies and comes back, again and again, under a job that runs; then it stands still for a while.
follow mortal
for i in 0 1 2 3 4 5; do
  feed mortal $((lines * i / 6 + 1)) $((lines * (i + 1) / 6))
  if [ "$i" -eq 4 ]; then
    kill -STOP "$agent_pid"
    perl -e 'select(undef, undef, undef, 2)'
    kill -CONT "$agent_pid"
  else
    kill_agent
    perl -e 'select(undef, undef, undef, 0.3)'
    start_agent "127.0.0.1:$port"
  fi
  perl -e 'select(undef, undef, undef, 0.3)'
done
end_job mortal
kill_agent

# Replicas come and go: the first alone, then both, then the second alone. Nothing is lost.
start_agent 127.0.0.1:0
other=$port
kill_agent
start_agent 127.0.0.1:0
export WEIR_AGENT="grpc://127.0.0.1:$port,127.0.0.1:$other?breaker_after=5m"
follow replicas
feed replicas 1 $((lines / 3))
replica_pid=$agent_pid
start_agent "127.0.0.1:$other"
feed replicas $((lines / 3 + 1)) $((lines * 2 / 3))
kill -TERM "$replica_pid"
feed replicas $((lines * 2 / 3 + 1)) "$lines"
wait "$replica_pid" || fail "replicas: the first one ends with $?"
replica_pid=
end_job replicas
grep -q '"fail_safe":0' "$work/replicas.json" || fail "replicas: $(cat "$work/replicas.json")"
port=$other
kill_agent

# Nobody there for the whole run: fail-safe verdicts, the job ends, and says so.
export WEIR_AGENT="grpc://127.0.0.1:$port?breaker_after=500ms&breaker_failures=2"
input dead
WEIR_DATA="$work/dead" "$weir" run "$job" --until-end --quiet --log-level warning --summary "$work/dead.json" \
  2>"$work/dead.err" || fail "dead: exit status $?: $(tail -3 "$work/dead.err")"
decided=$(count dead auth.decisions)
[ "$decided" -ge 45 ] || fail "dead: $decided decisions"
expect "dead: fail-safe decisions" "$(cat "$work"/dead/log/auth.decisions/*.ndjson | grep -c '"verdict":"hold"')" "$decided"
expect "dead: addresses" "$(cat "$work"/dead/log/auth.decisions/*.ndjson | grep -o '"src_ip":"[^"]*"' | sort -u | wc -l)" 45
grep -q 'circuit breaker opened' "$work/dead.err" || fail "dead: it does not say so: $(cat "$work/dead.err")"
grep -q "\"fail_safe\":$decided" "$work/dead.json" || fail "dead: $(cat "$work/dead.json")"

# The job is killed again and again; the agent keeps count.
kills=0
kill_round() { # name, points...: killed at each point in turn, until a run comes to its end before its point
  local name=$1 point status killed=0
  shift
  start_agent 127.0.0.1:0 --audit-log "$work/$name.audit"
  export WEIR_AGENT=grpc://127.0.0.1:$port
  input "$name"
  for point in "$@" end; do
    status=0
    if [ "$point" = end ]; then unset WEIR_KILL_AT; else export WEIR_KILL_AT=$point; fi
    (run "$name" --set checkpoints.interval=50ms --set "job.parallelism=$((1 + killed % 3))") 2>>"$work/$name.err" || status=$?
    [ "$status" -eq 0 ] && break
    [ "$status" -eq 137 ] || fail "$name: exit status $status at $point: $(tail -3 "$work/$name.err")"
    killed=$((killed + 1))
    keep_count "$name" "$killed"
  done
  unset WEIR_KILL_AT
  expect_guard "$name"
  same_as_base "$name"
  python3 tests/integration/asked_again.py "$work" "$name" "$killed" || fail "$name"
  kills=$((kills + killed))
  kill_agent
}
kill_round killed1 decision.append.after:4 agent.reply:3 agent.send:4 rule.append.after:3
kill_round killed2 agent.reply:2 agent.reply:12 decision.append.after:3 manifest.rename.after:2
kill_round killed3 agent.send:30 rule.append.after:2 decision.append.before:6 agent.reply:4
[ "$kills" -ge 6 ] || fail "only $kills kills"
echo "ok, $kills kills of the job"
