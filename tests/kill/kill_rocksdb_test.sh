#!/usr/bin/env bash
# The kill loop with state that does not fit into memory: each start rebuilds the store from the checkpoint.
WEIR_KILL_ARGS="--set state.backend=rocksdb --set state.hot_bytes=64KiB" exec "$(dirname "$0")/kill_loop.sh" 12 11
