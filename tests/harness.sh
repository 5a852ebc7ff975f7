# Sourced by tests/run.sh and tests/nightly.sh: builds a preset, runs test binaries and scripts two at a time, prints
# one line for each, and closes with "N passed, N failed".
#
# A GoogleTest binary counts case by case; a script counts as one. A binary that dies, hangs or runs no case at all
# counts as a failure.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
jobs_at_once=3
time_limit=${WEIR_TEST_TIMEOUT:-900}

# close_with PASSED FAILED: the closing line and the exit status.
close_with() {
  echo "$1 passed, $2 failed"
  (($2 == 0 && $1 > 0))
  exit
}

# build_preset NAME: configure and build, showing progress. A build that fails is one failure.
build_preset() {
  export WEIR_BUILD="$root/build/$1"
  logs="$WEIR_BUILD/test-logs"
  local started=$SECONDS
  cd "$root"
  echo "== building preset $1"
  mkdir -p "$logs"
  if ! cmake --preset "$1" > "$logs/configure.log"; then
    cat "$logs/configure.log"
    echo "configure failed"
    close_with 0 1
  fi
  # Ninja's status line on a terminal; elsewhere only what it says when something fails, and a sign of life.
  if [[ -t 1 ]]; then
    cmake --build --preset "$1" || { echo "build failed"; close_with 0 1; }
  else
    NINJA_STATUS='[%f/%t, %es] ' cmake --build --preset "$1" > "$logs/build.log" 2>&1 &
    local builder=$!
    while kill -0 $builder 2> /dev/null; do
      sleep 1
      (((SECONDS - started) % 30 == 29)) && tail -n 1 "$logs/build.log" | cut -c1-110
    done
    wait $builder || { grep -v '^\[' "$logs/build.log" | tail -n 200; echo "build failed"; close_with 0 1; }
  fi
  echo "== built in $((SECONDS - started)) s"
}

# Names of the GoogleTest binaries that belong to this build (an old binary left in bin/ does not).
list_binaries() { ctest --test-dir "$WEIR_BUILD" -N | sed -n 's/^ *Test *#[0-9]*: //p'; }
list_scripts() { (cd "$root" && find tests -name '*_test.sh' -o -name '*_test.py' | sort); }

# run_one NAME: runs it and leaves "<passed> <failed> <seconds>" in the file NAME.result.
run_one() {
  local name=$1 slug=${1//\//_} command passed failed status=0
  local log="$logs/$slug.log" scratch="$WEIR_BUILD/test-tmp/$slug" started
  case $name in
    *.sh) command=(bash "$root/$name") ;;
    *.py) command=(python3 "$root/$name") ;;
    *) command=("$WEIR_BUILD/bin/tests/$name" --gtest_color=no) ;;
  esac
  rm -rf "$scratch" && mkdir -p "$scratch"
  started=$(date +%s.%N)
  # The outer braces keep the shell's own "Aborted" notice out of the listing; the line says FAILED anyway.
  { (cd "$scratch" && TEST_TMPDIR="$scratch" timeout --kill-after=10 "$time_limit" "${command[@]}") \
    > "$log" 2>&1 < /dev/null || status=$?; } 2> /dev/null
  case $name in
    *.sh | *.py) passed=$((status == 0)) failed=$((status != 0)) ;;
    *)
      passed=$(grep -ac '\[       OK \] ' "$log")
      failed=$(grep -ac '\[  FAILED  \] .* ms)$' "$log")
      # No closing summary: it died half way, whatever failed before. No case at all is a failure too.
      grep -aq '^\[==========\] .* ran\. ' "$log" || failed=$((failed + 1))
      if ((failed == 0 && (status != 0 || passed == 0))); then failed=1; fi
      ;;
  esac
  ((status == 124)) && echo "stopped: it ran longer than $time_limit s" >> "$log"
  ((failed == 0)) && rm -rf "$scratch"
  echo "$passed $failed $(date +%s.%N) $started" |
    awk '{ printf "%d %d %.1f\n", $1, $2, $3 - $4 }' > "$logs/$slug.result"
}

# report NAME: the one line, and for a failure the end of the log.
report() {
  local slug=${1//\//_} passed failed seconds
  read -r passed failed seconds < "$logs/$slug.result"
  total_passed=$((total_passed + passed)) total_failed=$((total_failed + failed)) done_count=$((done_count + 1))
  if ((failed == 0)); then
    printf '[%d/%d] ok      %-44s %5d passed  %7s s\n' "$done_count" "$test_count" "$1" "$passed" "$seconds"
  else
    printf '[%d/%d] FAILED  %-44s %5d passed, %d failed  %s s\n' \
      "$done_count" "$test_count" "$1" "$passed" "$failed" "$seconds"
    { grep -aE -A 8 ': Failure$' "$logs/$slug.log" | head -n 40; echo ...; tail -n 30 "$logs/$slug.log"; } |
      cut -c1-220 | sed 's/^/      | /'
    echo "      whole log: ${logs#"$root"/}/$slug.log"
  fi
  local skipped
  skipped=$(grep -ac '\[  SKIPPED \] .* ms)$' "$logs/$slug.log")
  ((skipped == 0)) || echo "      $skipped skipped"
}

# run_all NAMES...: runs them, then closes.
run_all() {
  local -A running=()
  local name pid finished
  test_count=$# done_count=0 total_passed=0 total_failed=0
  (($# > 0)) || { echo "no test matches"; close_with 0 1; }
  while (($# > 0 || ${#running[@]} > 0)); do
    while (($# > 0 && ${#running[@]} < jobs_at_once)); do
      run_one "$1" &
      running[$!]=$1
      shift
    done
    wait -n -p finished "${!running[@]}" || true
    report "${running[$finished]}"
    unset "running[$finished]"
  done
  close_with "$total_passed" "$total_failed"
}
