# Shared by the tests of the agent over gRPC; sourced after tests/e2e/lib.sh.
agent=${WEIR_BUILD:-build/release}/bin/weir-agent
export WEIR_AGENT_TOKEN=

agent_pid= job_pid= replica_pid= redis_pid= model_pid=
cleanup() {
  for pid in $agent_pid $replica_pid $redis_pid $model_pid $job_pid; do kill -CONT "$pid" 2>/dev/null; kill -KILL "$pid" 2>/dev/null; done
  wait 2>/dev/null
}
trap cleanup EXIT

start_agent() { # address, more arguments: sets agent_pid and port
  local listen=$1
  shift
  rm -f "$work/port"
  "$agent" --listen "$listen" --port-file "$work/port" --log-level warning "$@" 2>>"$work/agent.log" &
  agent_pid=$!
  await 20 "the agent's port" test -s "$work/port"
  port=$(cat "$work/port")
}
kill_agent() {
  kill -KILL "$agent_pid"
  wait "$agent_pid" 2>/dev/null || true
  agent_pid=
}
same_as_base() { # name
  for topic in auth.decisions auth.blocked auth.actions auth.late; do
    cmp <(cat "$work"/base/log/$topic/*.ndjson 2>/dev/null | sort) \
      <(cat "$work/$1"/log/$topic/*.ndjson 2>/dev/null | sort) || fail "$1: $topic differs from the embedded agent's"
  done
}
input() { fresh "$1" && cp "$events" "$work/$1/log/auth.raw/0.ndjson"; } # name
follow() { # name, more arguments: the job in the background, on a file that grows; sets job_pid
  fresh "$1"
  : >"$work/$1/log/auth.raw/0.ndjson"
  go_on "$@"
}
go_on() { # name, more arguments: the job again, where it was; sets job_pid
  local name=$1
  shift
  WEIR_DATA="$work/$name" "$weir" run "$job" --quiet --log-level warning --set checkpoints.interval=200ms \
    --summary "$work/$name.json" "$@" 2>>"$work/$name.err" &
  job_pid=$!
}
is_up() { grep -q "\"pid\":$job_pid[,}]" "$work/$1/checkpoints/ssh-guard/admin.addr" 2>/dev/null; } # name
feed() { sed -n "$2,$3p" "$events" >>"$work/$1/log/auth.raw/0.ndjson"; } # name, from line, to line
keep_count() { # name, number of the kill: for asked_again.py; the decisions first, what was asked afterwards
  cat "$work/$1"/log/_weir.ssh-guard.guard.decisions/*.ndjson >"$work/$1.decisions-$2" 2>/dev/null || true
  grep -c '"event":"asked"' "$work/$1.audit" >"$work/$1.asked-$2" || true
}
has_guard() { [ "$(count "$1" auth.decisions)" -ge 45 ] && [ "$(count "$1" auth.blocked)" -ge 669 ]; }
end_job() { # name: waits for all outputs, stops the job politely, checks
  await 40 "45 and 669 in $1" has_guard "$1"
  kill -TERM "$job_pid"
  wait "$job_pid" || fail "$1: exit status $?: $(tail -3 "$work/$1.err")"
  job_pid=
  expect_guard "$1"
  same_as_base "$1"
}
