#!/usr/bin/env bash
# 200 seeds and every single crash point of a small job; 200 seeds on a simulated broker; 54 in which it loses records.
set -eu
cd "$(dirname "$0")/../.."
build=${WEIR_BUILD:-build/release}
"$build/bin/weir_sim" --exhaustive --seeds 200
"$build/bin/weir_sim" --kafka --seeds 200
"$build/bin/weir_sim" --disaster --seeds 54
