#!/usr/bin/env bash
# What takes too long for tests/run.sh. Each closes with "N passed, N failed".
#
#   tests/nightly.sh asan [PATTERN]  unit, end-to-end and integration tests under AddressSanitizer and
#                                    UndefinedBehaviorSanitizer
#   tests/nightly.sh tsan [PATTERN]  the same under ThreadSanitizer
#   tests/nightly.sh sim N           N seeds of the simulator
#   tests/nightly.sh sim-kafka N     N seeds on the simulated broker, and N disasters there
#   tests/nightly.sh kill N          N kills of the real process
#   tests/nightly.sh kill-kafka N    N kills of the job on Kafka
#   tests/nightly.sh kill-broker N   N ends and starts of the broker under load
#   tests/nightly.sh kill-commit N   the same, under writers that keep account of every commit
#   tests/nightly.sh kill-agent N    N kills of the agent and of Redis, under a job that asks
#   tests/nightly.sh tidy            clang-tidy over the library folders
set -uo pipefail
source "$(dirname "$0")/harness.sh"
usage() { sed -n '2,14s/^# \{0,1\}//p' "$0"; exit 2; }

# Sanitized code runs many times slower.
time_limit=${WEIR_TEST_TIMEOUT:-3600}
symbolizer=$(command -v llvm-symbolizer-14 || command -v llvm-symbolizer || true)

# Of the scripts those that run Weir's programs; the others look at the sources or build something of their own.
run_sanitized() {
  build_preset "$1"
  mapfile -t tests < <({ list_scripts | grep -E '^tests/(e2e|integration|kill)/' | grep -v developer_test; list_binaries; } |
    grep -E -- "${2:-.}")
  run_all "${tests[@]}"
}

# run_program COMMAND...: a program that counts for itself and closes with the line; one that does not counts as one.
run_program() {
  local last="$logs/nightly.log" status=0
  "$@" 2>&1 | tee "$last" || status=$?
  if tail -n 1 "$last" | grep -qE '^[0-9]+ passed, [0-9]+ failed$'; then exit "$status"; fi
  close_with $((status == 0)) $((status != 0))
}

number() { [[ ${1:-} =~ ^[1-9][0-9]*$ ]] || usage; }

bash "$root/deploy/deps.sh" || close_with 0 1
case "${1:-}" in
  asan)
    export ASAN_OPTIONS="detect_stack_use_after_return=1:check_initialization_order=1:strict_init_order=1"
    export UBSAN_OPTIONS="print_stacktrace=1" ASAN_SYMBOLIZER_PATH="$symbolizer"
    run_sanitized asan "${2:-}"
    ;;
  tsan)
    # Debian's libraries are not instrumented: what they do inside themselves is not ours to report.
    export TSAN_OPTIONS="suppressions=$root/cmake/sanitizers/tsan.supp ignore_noninstrumented_modules=1"
    TSAN_OPTIONS+=" second_deadlock_stack=1 external_symbolizer_path=$symbolizer"
    run_sanitized tsan "${2:-}"
    ;;
  sim)
    number "${2:-}"
    build_preset release
    run_program "$WEIR_BUILD/bin/weir_sim" --seeds "$2"
    ;;
  sim-kafka)
    number "${2:-}"
    build_preset release
    "$WEIR_BUILD/bin/weir_sim" --disaster --seeds "$2" | tee "$logs/nightly.log"
    ((PIPESTATUS[0] == 0)) || close_with 0 1
    run_program "$WEIR_BUILD/bin/weir_sim" --kafka --seeds "$2"
    ;;
  kill | kill-kafka | kill-broker | kill-commit | kill-agent)
    number "${2:-}"
    build_preset release
    declare -A loops=([kill]=kill/kill [kill-kafka]=integration/kafka_kill [kill-broker]=integration/kafka_broker
      [kill-commit]=integration/kafka_commit [kill-agent]=integration/agent_kill)
    run_program bash "$root/tests/${loops[$1]}_loop.sh" "$2"
    ;;
  tidy)
    build_preset release
    # The flags are gcc's; clang does not know all of its warnings.
    run_program run-clang-tidy-14 -quiet -j 2 -p "$WEIR_BUILD" -extra-arg=-Wno-unknown-warning-option \
      "^$root/(engine|state|connectors|operators|agent)/.*\.cc$"
    ;;
  *) usage ;;
esac
