#!/usr/bin/env bash
# The oracle is tested by historical bugs put back one at a time (reliability.md 3b.9).
set -eu
cd "$(dirname "$0")/../.."
build=${WEIR_BUILD:-build/release}
"$build/bin/weir_sim" --mutants --seeds 1500
