#!/usr/bin/env bash
# 200 seeds and every single crash point of a small job.
set -eu
cd "$(dirname "$0")/../.."
build=${WEIR_BUILD:-build/release}
"$build/bin/weir_sim" --exhaustive --seeds 200
