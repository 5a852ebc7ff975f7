#!/usr/bin/env bash
# Kills a real process with SIGKILL again and again, at named points and at random moments, until the job has come to
# its end; then compares its outputs with those of an undisturbed run.
#
#   tests/kill/kill_loop.sh [KILLS=30] [SEED=1]
#
# Every other round holds its output back until the checkpoint (delivery: exactly_once). WEIR_KILL_ARGS: more arguments
# for the job, such as "--set state.backend=rocksdb".
#
# Closes with "N passed, N failed": one for each round (a fresh data folder, killed until it ends).
set -u
cd "$(dirname "$0")/../.."
kills=${1:-30}
RANDOM=${2:-1}
build=${WEIR_BUILD:-build/release}
work=${TEST_TMPDIR:-$(mktemp -d)}/kill
job=deploy/jobs/ssh_guard/job.yaml
mkdir -p "$work"

points=(decision.append.before decision.append.after rule.append.before rule.append.after rule.apply.before
  rule.apply.after manifest.rename.before manifest.rename.after segment.write.before segment.write.after
  log.append.before log.append.after log.sync.before log.sync.after ledger.write.before ledger.write.after
  agent.send agent.reply sink.commit.before)

prepare() { # data folder
  rm -rf "$1"
  mkdir -p "$1/log/auth.raw"
  cp deploy/jobs/ssh_guard/data/0.ndjson "$1/log/auth.raw/0.ndjson"
}
run_job() { # data folder, more arguments; the exit status is the process's
  local data=$1
  shift
  WEIR_DATA=$data "$build/bin/weir" run "$job" --until-end --quiet --log-level error \
    --set checkpoints.interval=50ms --set "job.parallelism=$((1 + RANDOM % 4))" ${WEIR_KILL_ARGS:-} "$@" 2>>"$work/stderr.log"
}

prepare "$work/calm"
run_job "$work/calm" || { cat "$work/stderr.log"; echo "0 passed, 1 failed"; exit 1; }

done_kills=0 passed=0 failed=0 round=0
while [ "$done_kills" -lt "$kills" ]; do
  round=$((round + 1))
  data=$work/round
  prepare "$data"
  killed=0 mode=()
  ((round % 2)) || mode=(--set sinks.decisions.delivery=exactly_once --set sinks.blocked.delivery=exactly_once)
  while :; do
    if [ $((RANDOM % 3)) -eq 0 ]; then
      point=
      run_job "$data" "${mode[@]}" &
      pid=$!
      perl -e 'select(undef, undef, undef, $ARGV[0])' "0.$((RANDOM % 90 + 10))"
      # The job is a child of the subshell; both go at once.
      pkill -KILL -P "$pid" 2>/dev/null
      wait "$pid" 2>/dev/null
      status=$?
    else
      point=${points[$((RANDOM % ${#points[@]}))]}:$((1 + RANDOM % 40))
      (WEIR_KILL_AT=$point run_job "$data" "${mode[@]}") 2>/dev/null
      status=$?
    fi
    [ "$status" -eq 0 ] && break
    [ "$status" -ne 137 ] && { echo "FAIL round $round: exit status $status at '$point'"; tail -3 "$work/stderr.log"; break; }
    killed=$((killed + 1))
    [ "$killed" -gt 60 ] && { echo "FAIL round $round: never ends"; break; }
  done
  done_kills=$((done_kills + killed))
  if [ "$status" -eq 0 ] && python3 tests/kill/compare.py "$work/calm/log" "$data/log"; then
    passed=$((passed + 1))
    echo "round $round: $killed kills, ${mode[1]:+exactly once, }outputs equal"
  else
    failed=$((failed + 1))
    echo "round $round: $killed kills, FAILED"
    rm -rf "$work/failed-$round" && cp -r "$data" "$work/failed-$round"
  fi
done
echo "$done_kills kills in $round rounds"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
