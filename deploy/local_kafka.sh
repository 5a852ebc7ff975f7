#!/usr/bin/env bash
# A Kafka broker on this machine, for tests and for trying things out: Apache Kafka 4.1.0 in KRaft mode, one node,
# listening on 127.0.0.1 only, without TLS and without passwords.
#
#   deploy/local_kafka.sh start  [--dir D] [--port P]   prints the bootstrap address, 127.0.0.1:PORT
#   deploy/local_kafka.sh stop   [--dir D]              data stays; start goes on with it, on the same port
#   deploy/local_kafka.sh status [--dir D]              exit status 0 = runs, 3 = does not
#   deploy/local_kafka.sh fetch                         only downloads Kafka, if it is not there yet
#   deploy/local_kafka.sh exec CLASS [ARG]...           one of Kafka's own tools, e.g. org.apache.kafka.tools.TopicCommand
#
#   WEIR_LOG=kafka://$(deploy/local_kafka.sh start --dir /var/tmp/kafka) weir run job.yaml
#
# --dir holds the data, kafka.pid, kafka.log and the port; default $WEIR_DATA/kafka or ./data/kafka. Without --port a
# free one is taken. Kafka's jars come from Maven Central, once, into $WEIR_KAFKA_HOME (default
# ~/.cache/weir/kafka-4.1.0), and their checksums are compared. Java and Maven come with `deploy/deps.sh test`.
set -euo pipefail

home=${WEIR_KAFKA_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/weir/kafka-4.1.0}
dir=${WEIR_DATA:-./data}/kafka
port=
start_seconds=120
stop_seconds=30

say() { echo "local_kafka.sh: $*" >&2; }
die() { say "$*"; exit 1; }
need() { command -v "$1" > /dev/null || die "$1 is missing; install it with: deploy/deps.sh test"; }
pid() { # the broker's process id, if it runs
  local id
  [[ -s $dir/kafka.pid ]] && id=$(< "$dir/kafka.pid") && [[ $id =~ ^[0-9]+$ ]] || return 1
  # A process id may have been given to another process since.
  grep -qa 'kafka\.Kafka' "/proc/$id/cmdline" 2> /dev/null && echo "$id"
}
address() { echo "127.0.0.1:$(< "$dir/port")"; }
listens() { (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }

checksums() {
  cat << SUMS
0de0471a4c7a9e734c166822a26a4bb064eb81cb2c7a8b1345912cad78997a7b  kafka_2.13-4.1.0.jar
eb74709dc3be35e06208827860c87a94872e8a4b00f466880670785c85a20627  kafka-clients-4.1.0.jar
1c2836cee57a947d2db461410ac5008ca80facbd19b7ed9d284ca883782ea741  kafka-tools-4.1.0.jar
SUMS
}

pom() {
  cat << POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>weir</groupId><artifactId>local-kafka</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.1.0</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>4.1.0</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
}

fetch() {
  need java
  [[ -f $home/complete ]] && return
  need mvn
  mkdir -p "$home"
  # Several tests may come here at once.
  exec 8> "$home/lock"
  flock 8
  if [[ ! -f $home/complete ]]; then
    say "fetching Kafka 4.1.0 from Maven Central into $home"
    rm -rf "$home/libs"
    pom > "$home/pom.xml"
    local attempt
    for attempt in 1 2 3; do
      (cd "$home" && mvn -q -B dependency:copy-dependencies -DoutputDirectory=libs) > "$home/mvn.log" 2>&1 8>&- && break
      ((attempt < 3)) || { tail -n 20 "$home/mvn.log" >&2; die "Maven could not fetch Kafka; its last lines are above"; }
      sleep "$attempt"
    done
    (cd "$home/libs" && checksums | sha256sum --check --quiet >&2) ||
      die "Kafka's jars are not those that were expected; remove $home and try again"
    touch "$home/complete"
  fi
  exec 8>&-
}

java_run() { # heap, main class and arguments
  local heap=$1
  shift
  # The simple collector and compiler start fastest, which is what matters here.
  exec java "-Xmx$heap" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
    -Dlog4j2.level=WARN -cp "$home/libs/*" "$@"
}

free_port() {
  local try
  for try in {1..50}; do
    try=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    listens "$try" || listens $((try + 1)) || { echo "$try"; return; }
  done
  die "found no free port"
}

# As small as a broker gets, but with everything that a large one promises.
properties() { # port
  cat << PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$(($1 + 1))
listeners=PLAINTEXT://127.0.0.1:$1,CONTROLLER://127.0.0.1:$(($1 + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$1
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$2
num.partitions=1
num.network.threads=2
num.io.threads=4
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
controlled.shutdown.enable=false
broker.session.timeout.ms=12000
initial.broker.registration.timeout.ms=120000
PROPERTIES
}

start() {
  if pid > /dev/null; then
    [[ -z $port || $port == "$(< "$dir/port")" ]] || die "it runs already, on $(address)"
    address
    return
  fi
  fetch
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)
  if [[ -z $port ]]; then
    if [[ -s $dir/port ]]; then port=$(< "$dir/port"); else port=$(free_port); fi
  fi
  # A broker that was just killed may not be gone altogether.
  local deadline=$((SECONDS + 10))
  while listens "$port"; do
    ((SECONDS < deadline)) || die "port $port is taken"
    sleep 0.1
  done
  echo "$port" > "$dir/port"
  properties "$port" "$dir/data" > "$dir/server.properties"
  if [[ ! -f $dir/data/meta.properties ]]; then
    local id
    id=k$(head -c 15 /dev/urandom | od -An -tx1 | tr -d ' \n' | cut -c1-20)Q
    (java_run 128m kafka.tools.StorageTool format -t "$id" -c "$dir/server.properties") > "$dir/format.log" 2>&1 ||
      { tail -n 20 "$dir/format.log" >&2; die "cannot prepare $dir/data"; }
  fi
  (java_run 512m kafka.Kafka "$dir/server.properties") > "$dir/kafka.log" 2>&1 < /dev/null &
  echo $! > "$dir/kafka.pid"
  disown
  wait_until_up
  address
}

wait_until_up() {
  local deadline=$((SECONDS + start_seconds))
  until listens "$port"; do
    # Between fork and exec it is not yet to be known by its name.
    kill -0 "$(< "$dir/kafka.pid")" 2> /dev/null ||
      { tail -n 20 "$dir/kafka.log" >&2; die "Kafka ended; its last lines are above, all of them in $dir/kafka.log"; }
    ((SECONDS < deadline)) || die "Kafka does not listen after $start_seconds s; see $dir/kafka.log"
    sleep 0.1
  done
}

stop() {
  local id
  id=$(pid) || { say "does not run in $dir"; return; }
  kill -CONT "$id"  # one that was stopped would not hear
  kill "$id"
  local deadline=$((SECONDS + stop_seconds))
  while kill -0 "$id" 2> /dev/null; do
    ((SECONDS < deadline)) || { say "does not end within $stop_seconds s: killed"; kill -KILL "$id"; break; }
    sleep 0.1
  done
  rm -f "$dir/kafka.pid"
}

status() {
  local id
  if id=$(pid); then
    echo "Kafka 4.1.0 runs on $(address), process $id, data in $dir"
  else
    echo "Kafka does not run in $dir"
    exit 3
  fi
}

usage() { sed -n '2,16s/^# \{0,1\}//p' "$0"; exit "${1:-2}"; }

command=${1:-}
(($# == 0)) || shift
if [[ $command == exec ]]; then
  (($# > 0)) || usage
  fetch
  java_run 256m "$@"
fi
while (($# > 0)); do
  case $1 in
    --dir) dir=${2:?--dir needs a folder}; shift 2 ;;
    --port) port=${2:?--port needs a number}; shift 2 ;;
    *) usage ;;
  esac
done
[[ -z $port || ($port =~ ^[0-9]+$ && $port -ge 1024 && $port -le 65534) ]] || die "--port: 1024 to 65534 (and the next one)"
case $command in
  start | stop | status | fetch) $command ;;
  -h | --help | help) usage 0 ;;
  *) usage ;;
esac
