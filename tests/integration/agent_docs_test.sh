#!/usr/bin/env bash
# docs/agent.md names every flag of weir-agent, with its default, and no other.
set -eu
cd "$(dirname "$0")/../.."
agent=${WEIR_BUILD:-build/release}/bin/weir-agent
fail() { echo "FAIL: $*"; exit 1; }
help=$("$agent" --help)
flags=$(grep -oE '^ +(-[a-z],)?--[a-z-]+' <<<"$help" | grep -oE -- '--[a-z-]+' | grep -v -- '^--help' | sort)
documented=$(sed -n '/begin: flags/,/end -->/p' docs/agent.md | grep -oE '^\| `--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort)
diff <(echo "$flags") <(echo "$documented") || fail "docs/agent.md and weir-agent --help name different flags"
for flag in $flags; do
  default=$(grep -E -- "^ +(-[a-z],)?$flag " <<<"$help" | sed -nE 's/.*\[([^]]*)\].*/\1/p' | head -1)
  [ -z "$default" ] || grep -qF -- "| \`$flag\` | \`$default\` |" docs/agent.md || fail "$flag: the default is $default"
done
# What cannot be is refused with a number and the status that says so.
status=0
out=$("$agent" --listen 0.0.0.0:0 2>&1) || status=$?
[ "$status" = 78 ] && grep -q 'WEIR-1012' <<<"$out" || fail "off loopback without a token: status $status, $out"
status=0
"$agent" --no-such-flag >/dev/null 2>&1 || status=$?
[ "$status" = 2 ] || fail "unknown flag: status $status"
echo "ok, $(wc -l <<<"$flags") flags"
