# Shared by the end-to-end tests: one job, one data folder each. Sourced, not run.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
weir=${WEIR_BUILD:-build/release}/bin/weir
job=deploy/jobs/ssh_guard/job.yaml
events=deploy/jobs/ssh_guard/data/0.ndjson
work=${TEST_TMPDIR:-$(mktemp -d)}

fail() { echo "FAIL: $*"; exit 1; }
fresh() { rm -rf "$work/$1"; mkdir -p "$work/$1/log/auth.raw"; } # name
run() { # name, more arguments
  local data=$work/$1
  shift
  WEIR_DATA=$data "$weir" run "$job" --until-end --quiet --log-level warning "$@"
}
count() { cat "$work/$1/log/$2"/*.ndjson 2>/dev/null | wc -l; } # name, topic
distinct() { cat "$work/$1/log/$2"/*.ndjson 2>/dev/null | sort -u | wc -l; }
expect() { # what, got, wanted
  [ "$2" = "$3" ] || fail "$1: $2, expected $3"
}
expect_guard() { # name: the figures of the shipped file, no repeats
  expect "$1 decisions" "$(count "$1" auth.decisions)" 45
  expect "$1 blocked" "$(count "$1" auth.blocked)" 669
  expect "$1 distinct decisions" "$(distinct "$1" auth.decisions)" 45
  expect "$1 distinct blocked" "$(distinct "$1" auth.blocked)" 669
}
# Waits until a command succeeds.
await() { # seconds, what for, command
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || fail "waited in vain for $what"
    perl -e 'select(undef, undef, undef, 0.1)'
  done
}
