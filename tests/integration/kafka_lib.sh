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
kafka_start() {
  trap kafka_stop_all EXIT
  kafka=$("$local_kafka" start --dir "$kafka_dir") || { echo "FAIL: no Kafka"; exit 1; }
}
kafka_tool() { # class of org.apache.kafka.tools, arguments
  local class=$1
  shift
  "$local_kafka" exec "org.apache.kafka.tools.$class" --bootstrap-server "$kafka" "$@"
}
produce() { kcat -P -b "$kafka" -t "$1" -p "${2:-0}" -X acks=all; } # topic, partition; lines from stdin
# What a read_committed consumer sees of a topic that exists, partition after partition.
consume() { kcat -C -b "$kafka" -t "$1" -o beginning -e -q -X isolation.level=read_committed "${@:2}"; }
