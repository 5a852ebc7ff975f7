#!/usr/bin/env bash
# docs/agent.md holds the table of weir-agent's flags as its --help gives it; what cannot be is refused by the statuses
# that the page names.
set -eu
cd "$(dirname "$0")/../.."
agent=${WEIR_BUILD:-build/release}/bin/weir-agent
fail() { echo "FAIL: $*"; exit 1; }
table=$(python3 tests/integration/agent_flags.py "$agent")
[ "$(wc -l <<<"$table")" -gt 20 ] || fail "the flags cannot be read: $table"
diff <(sed -n '/begin: flags/,/end -->/p' docs/agent.md | grep '^|') - <<<"$table" ||
  fail "docs/agent.md is behind: put in what tests/integration/agent_flags.py prints"

refused() { # status, text, arguments...
  local wanted=$1 text=$2 status=0 out
  shift 2
  out=$(timeout 20 "$agent" "$@" 2>&1) || status=$?
  [ "$status" = "$wanted" ] || fail "$*: status $status, expected $wanted: $out"
  grep -qF -- "$text" <<<"$out" || fail "$*: $out"
}
refused 2 no-such-flag --no-such-flag
refused 78 'WEIR-1012' --listen 0.0.0.0:0
refused 78 '--max-stream-age' --max-stream-age soon
refused 78 'statistical' --reasoner oracle
refused 78 'WEIR-1014' --token-file /no/such/file
echo ok
