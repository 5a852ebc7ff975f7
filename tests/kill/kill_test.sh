#!/usr/bin/env bash
# At least 30 kills (issue 3, "Kill loop"); tests/nightly.sh kill N runs more.
exec "$(dirname "$0")/kill_loop.sh" 30 7
