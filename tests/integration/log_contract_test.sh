#!/usr/bin/env bash
# One contract, two logs: the suite passes on the directory log and on a real Kafka.
set -eu
. "$(dirname "$0")/kafka_lib.sh"
suite=${WEIR_BUILD:-$(dirname "$0")/../../build/release}/bin/tests/log_contract

WEIR_CONTRACT_LOG=dir:${TEST_TMPDIR:-$(mktemp -d)}/log "$suite" --gtest_brief=1
kafka_start
WEIR_CONTRACT_LOG=kafka://$kafka "$suite" --gtest_brief=1
