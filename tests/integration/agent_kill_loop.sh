#!/usr/bin/env bash
# The shipped job asks weir-agent, which asks a model (a fake that takes its time) and has its memo in Redis. Agent and Redis are killed with SIGKILL at random moments
# and started again; now and then one stands still for longer than its caller waits, and the job itself is killed. The
# outputs are those of the undisturbed run, nothing is decided by the fail-safe, and no question is asked again whose
# answer is durable.
#
# The job is set so that an agent that is down means waiting: `timeout` and the breaker, which mean the fail-safe, are
# far off; the time of one attempt is short.
#
#   tests/integration/agent_kill_loop.sh [KILLS=12, of each] [SEED=1]
. "$(dirname "$0")/../e2e/lib.sh"
. tests/integration/agent_lib.sh
kills=${1:-12}
RANDOM=${2:-1}
patient=(--set operators.guard.agent.timeout=10m --set operators.guard.agent.attempt_timeout=1s)
stands_still=2.5 # seconds; above the attempt's time, that of a connection (1 s) and the memo's (50 ms)
lines=$(wc -l <"$events")

nap() { perl -e 'select(undef, undef, undef, $ARGV[0])' "$1"; } # seconds
short_nap() { nap "0.$(printf %03d $((RANDOM % 250)))"; }
redis_answers() { [ "$(redis-cli -p "$redis_port" ping 2>/dev/null)" = PONG ]; }
start_redis() {
  redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --dir "$work" --daemonize no >/dev/null 2>&1 &
  redis_pid=$!
  await 20 "Redis" redis_answers
}
start_memo_agent() { # listen address
  start_agent "$1" --reasoner openai --base-url "$(cat "$work/url")" --model fake --memo "redis://127.0.0.1:$redis_port" --audit-log "$work/$name.audit"
}
feed_some() { # the next lines of the file, a random number
  local n=$((1 + RANDOM % chunk)) from=$((fed + 1))
  fed=$((fed + n))
  feed "$name" "$from" "$fed"
}
killed() { # pid: gone, and what had been decided and asked by then
  kill -KILL "$1"
  wait "$1" 2>/dev/null || true
  deaths=$((deaths + 1))
  keep_count "$name" "$deaths"
}

strike_agent() {
  case $((RANDOM % 3)) in
    0) ;;                                          # it has nothing to do
    1) kill -STOP "$agent_pid"; feed_some; short_nap ;; # with requests that it has not answered
    2) feed_some ;;                                # in the middle of it
  esac
  killed "$agent_pid"
  agent_kills=$((agent_kills + 1))
  [ $((RANDOM % 2)) -eq 0 ] || feed_some # asked while nobody is there
  short_nap
  start_memo_agent "127.0.0.1:$port"
}
strike_redis() {
  [ $((RANDOM % 2)) -eq 0 ] || feed_some
  killed "$redis_pid"
  redis_kills=$((redis_kills + 1))
  feed_some
  short_nap
  start_redis
}
agent_stands_still() { still "$agent_pid"; }
redis_stands_still() { still "$redis_pid"; }
still() { # pid
  kill -STOP "$1"
  feed_some
  nap "$stands_still"
  kill -CONT "$1"
}
strike_job() {
  feed_some
  killed "$job_pid"
  go_on "$name" "${patient[@]}"
  await 40 "the job after its kill" is_up "$name" # before that a SIGTERM would end it at once
}
shuffle() { # sets actions, in random order; not in a subshell, which would draw from elsewhere
  local i j one
  for ((i = ${#actions[@]} - 1; i > 0; --i)); do
    j=$((RANDOM % (i + 1))) one=${actions[i]}
    actions[i]=${actions[j]} actions[j]=$one
  done
}

one_round() { # how many kills of the agent, and of Redis
  local action i
  actions=(strike_job agent_stands_still redis_stands_still) deaths=0 fed=0
  for ((i = 0; i < $1; ++i)); do actions+=(strike_agent); done
  for ((i = 0; i < $2; ++i)); do actions+=(strike_redis); done
  shuffle
  : >"$work/paid"
  rm -f "$work/$name".*
  start_memo_agent 127.0.0.1:0
  export WEIR_AGENT="grpc://127.0.0.1:$port?breaker_after=10m&connect_timeout=1s"
  chunk=$((lines / ${#actions[@]}))
  follow "$name" "${patient[@]}"
  for action in "${actions[@]}"; do
    feed_some
    short_nap
    "$action"
  done
  feed "$name" $((fed + 1)) "$lines"
  end_job "$name"
  grep -q '"fail_safe":0' "$work/$name.json" || fail "$name: $(cat "$work/$name.json")"
  python3 tests/integration/asked_again.py "$work" "$name" "$deaths" || fail "$name: ${actions[*]}"
  kill_agent
  redis-cli -p "$redis_port" flushall >/dev/null # the next round asks the same questions
}

redis_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
start_redis
python3 tests/reason/fake_openai.py "$work/url" "$work/paid" 0.25 &
model_pid=$!
await 20 "the model" test -s "$work/url"

name=base
start_memo_agent 127.0.0.1:0
export WEIR_AGENT=grpc://127.0.0.1:$port
input base
run base
expect_guard base
kill_agent
redis-cli -p "$redis_port" flushall >/dev/null

agent_kills=0 redis_kills=0 round=0
few() { echo $(($1 < 6 ? $1 : 6)); }
while [ "$agent_kills" -lt "$kills" ] || [ "$redis_kills" -lt "$kills" ]; do
  round=$((round + 1)) name=round$round
  one_round "$(few $((kills - agent_kills)))" "$(few $((kills - redis_kills)))"
  echo "round $round: $(wc -l <"$work/paid") completions; $agent_kills kills of the agent, $redis_kills of Redis so far"
  rm -rf "${work:?}/$name" "$work/$name".*
done
echo "ok, $agent_kills kills of the agent, $redis_kills of Redis, $round of the job; $((2 * round)) times one stood still"
