# Sourced by the tests that need a Kafka: kafka_start brings one up on a free port, of this test only.
kafka_dir=${TEST_TMPDIR:-$(mktemp -d)}/kafka
local_kafka=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/deploy/local_kafka.sh

kafka_stop_all() {
  local id
  [ -s "$kafka_dir/kafka.pid" ] || return 0
  id=$(cat "$kafka_dir/kafka.pid")
  # A test that ends needs no orderly end of its broker.
  kill -CONT "$id" 2> /dev/null && kill -KILL "$id" 2> /dev/null
  rm -rf "$kafka_dir"
}
kafka_start() { # more options of local_kafka.sh start
  trap kafka_stop_all EXIT
  kafka=$("$local_kafka" start --dir "$kafka_dir" "$@") || { echo "FAIL: no Kafka"; exit 1; }
  kafka_url=kafka://$kafka
  kcat=(kcat) tool_options=()
  [ -d "$kafka_dir/secure" ] || return 0
  kafka_url=$(cat "$kafka_dir/secure/url")
  kcat=(kcat -F "$kafka_dir/secure/client.conf") tool_options=(--command-config "$kafka_dir/secure/client.properties")
}
# Some time within the next 0.9 s the broker ends, by SIGKILL or in order as $1 says (0 = SIGKILL), and starts again.
kafka_cycle() {
  perl -e "select(undef, undef, undef, $((RANDOM % 900)) / 1000)"
  if [ "$1" = 0 ]; then
    kill -KILL "$(cat "$kafka_dir/kafka.pid")"
    kills=$((kills + 1))
  else
    "$local_kafka" stop --dir "$kafka_dir"
  fi
  "$local_kafka" start --dir "$kafka_dir" > /dev/null
}
kafka_tool() { # class of org.apache.kafka.tools, arguments
  local class=$1
  shift
  "$local_kafka" exec "org.apache.kafka.tools.$class" --bootstrap-server "$kafka" "${tool_options[@]}" "$@"
}
# Topic, partition; lines from stdin. Idempotent: else a batch that is sent again, because the broker has only just come
# up, stands in the topic behind those that were sent after it.
produce() { "${kcat[@]}" -P -b "$kafka" -t "$1" -p "${2:-0}" -X enable.idempotence=true; }
# What a read_committed consumer sees of a topic that exists, partition after partition.
consume() { "${kcat[@]}" -C -b "$kafka" -t "$1" -o beginning -e -q -X isolation.level=read_committed "${@:2}"; }

# ---- the shipped job on Kafka; needs tests/e2e/lib.sh ----
load() { # first line, last line of the shipped events, into auth.raw
  sed -n "$1,$2p" "$events" | produce auth.raw
}
kafka_job() { # name of the data folder, arguments of `weir run`
  local data=$work/$1
  shift
  WEIR_LOG=$kafka_url WEIR_DATA=$data "$weir" run "$job" --quiet --log-level "${log_level:-warning}" "$@"
}
# Fetches what read_committed consumers see into files where the checks of e2e/lib.sh look for them.
pull() { # name
  local topic
  for topic in auth.decisions auth.blocked; do
    mkdir -p "$work/$1/log/$topic"
    consume "$topic" > "$work/$1/log/$topic/0.ndjson"
  done
}
expect_kafka_guard() { # name
  pull "$1"
  expect_guard "$1"
}
decided() { [ "$(consume auth.decisions 2> /dev/null | wc -l)" -ge "$1" ]; } # at least so many
