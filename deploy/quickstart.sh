#!/usr/bin/env bash
# From a bare Debian 12 to a running job: installs what is missing, builds, runs ssh_guard on 7,121 real sshd events,
# and says in words what it found. Run it again: it starts within seconds and repeats nothing.
#
#   deploy/quickstart.sh [--fresh]      begin anew instead of resuming
#   WEIR_DATA=DIR deploy/quickstart.sh  keep the data elsewhere (default: build/quickstart)
set -euo pipefail
case "${1:-}" in
  '' | --fresh) ;;
  --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "quickstart.sh: unknown argument '$1' (see --help)" >&2; exit 2 ;;
esac
cd "$(dirname "$0")/.."
data=${WEIR_DATA:-build/quickstart}
job=deploy/jobs/ssh_guard/job.yaml
weir=build/release/bin/weir
started=$SECONDS

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }

# Ninja tells finished/total and seconds; what is left is estimated from the pace so far.
show_progress() {
  awk -v tty="$([ -t 1 ] && echo 1 || echo 0)" '
    match($0, /^\[[0-9]+\/[0-9]+ [0-9.]+\]/) {
      split(substr($0, 2, RLENGTH - 2), a, /[\/ ]/)
      left = a[1] > 3 ? a[3] * (a[2] - a[1]) / a[1] : -1
      line = sprintf("  %d of %d built, %d s so far%s", a[1], a[2], a[3], left < 0 ? "" : sprintf(", about %d s left", left))
      if (tty) printf "\r\033[K%s", line
      else if (a[3] - last >= 15 || a[1] == a[2]) { print line; last = a[3] }
      fflush(); next
    }
    { if (tty) printf "\r\033[K"; print; fflush() }
    END { if (tty) print "" }'
}

step "1/4  Packages"
deploy/deps.sh runtime build

step "2/4  Build (the first time takes a few minutes)"
[ -f build/release/build.ninja ] || cmake --preset release >build-configure.log 2>&1 || { cat build-configure.log; exit 1; }
rm -f build-configure.log
NINJA_STATUS='[%f/%t %e] ' cmake --build --preset release --target weir 2>&1 | show_progress

step "3/4  Run"
if [ ! -f "$data/log/auth.raw/0.ndjson" ]; then
  mkdir -p "$data/log/auth.raw"
  cp deploy/jobs/ssh_guard/data/0.ndjson "$data/log/auth.raw/0.ndjson"
fi
echo "  job     $job"
echo "  input   $data/log/auth.raw/0.ndjson ($(wc -l <"$data/log/auth.raw/0.ndjson") events)"
WEIR_DATA=$data $weir run "$job" --until-end --yes "$@"

step "4/4  What was found"
awk '
  function text(key,   m) { return match($0, "\"" key "\":\"[^\"]*\"") ? substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 5) : "" }
  function number(key) { return match($0, "\"" key "\":[0-9]+") ? substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3) : "" }
  FILENAME ~ /auth\.decisions/ { ip = text("src_ip"); order[++n] = ip; noticed[ip] = number("ts") / 1000; line[ip] = number("line"); next }
  { blocked[text("src_ip")]++; total++ }
  END {
    printf "  %d addresses were attacking; %d of their later events were answered without asking the agent.\n\n", n, total
    printf "  %-18s %-22s %-14s %s\n", "attacker", "noticed (UTC)", "at log line", "blocked since"
    for (i = 2; i <= n; i++) for (j = i; j > 1 && blocked[order[j]] > blocked[order[j - 1]]; j--) { t = order[j]; order[j] = order[j - 1]; order[j - 1] = t }
    for (i = 1; i <= n && i <= 12; i++)
      printf "  %-18s %-22s %-14s %d\n", order[i], strftime("%Y-%m-%d %H:%M:%S", noticed[order[i]], 1), line[order[i]], blocked[order[i]]
    if (n > 12) printf "  ... and %d more\n", n - 12
  }' "$data"/log/auth.decisions/*.ndjson "$data"/log/auth.blocked/*.ndjson

cat <<END

  Decisions   $data/log/auth.decisions/
  Blocked     $data/log/auth.blocked/
  Took        $((SECONDS - started)) s

  Try next    deploy/quickstart.sh            again: resumes, repeats nothing
              $weir explain $job
              $weir test $job
END
