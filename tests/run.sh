#!/usr/bin/env bash
# Installs what the tests need, builds, runs all of them, and closes with "N passed, N failed".
#
#   tests/run.sh                  everything
#   tests/run.sh --only PATTERN   the tests whose name matches this regular expression
#
# What takes longer is in tests/nightly.sh.
set -uo pipefail
source "$(dirname "$0")/harness.sh"

pattern=.
case "${1:-}" in
  '') ;;
  --only) pattern=${2:?--only needs a pattern} ;;
  *) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

bash "$root/deploy/deps.sh" || close_with 0 1
build_preset release

# Scripts first: they hold the longest runs, and the short binaries then fill the gaps beside them.
mapfile -t tests < <({ list_scripts; list_binaries; } | grep -E -- "$pattern")
run_all "${tests[@]}"
