#!/usr/bin/env bash
# A Kafka broker on this machine, for tests and for trying things out: Apache Kafka 4.1.0 in KRaft mode, one node,
# listening on 127.0.0.1 only; without TLS and passwords unless it is started with --secure.
#
#   deploy/local_kafka.sh start  [--dir D] [--port P] [--secure]   prints the bootstrap address, 127.0.0.1:PORT
#   deploy/local_kafka.sh stop   [--dir D]       data stays; start goes on with it, on the same port
#   deploy/local_kafka.sh status [--dir D]       exit status 0 = runs, 3 = does not
#   deploy/local_kafka.sh fetch                  only downloads Kafka, if it is not there yet
#   deploy/local_kafka.sh exec CLASS [ARG]...    one of Kafka's own tools, e.g. org.apache.kafka.tools.TopicCommand
#
#   WEIR_LOG=kafka://$(deploy/local_kafka.sh start --dir /var/tmp/kafka) weir run job.yaml
#
# --dir holds the data, kafka.pid, kafka.log and the port; default $WEIR_DATA/kafka or ./data/kafka. Without --port a
# free one is taken. Kafka's jars come from Maven Central, once, into $WEIR_KAFKA_HOME (default
# ~/.cache/weir/kafka-4.1.0), and their checksums are compared. Java and Maven come with `deploy/deps.sh test`.
#
# --secure: PORT speaks SASL_SSL only (user weir, PLAIN and SCRAM-SHA-512), PORT+2 TLS with a client certificate. A
# folder stays what its first start made it. D/secure holds ca.pem, password, client.pem and client.key (encrypted with
# that password), url (for WEIR_LOG), client.conf (kcat -F) and client.properties (--command-config of Kafka's tools):
#
#   deploy/local_kafka.sh start --dir D --secure && WEIR_LOG=$(< D/secure/url) weir run job.yaml
set -euo pipefail

home=${WEIR_KAFKA_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/weir/kafka-4.1.0}
dir=${WEIR_DATA:-./data}/kafka
port=
secure=
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
    listens "$try" || listens $((try + 1)) || listens $((try + 2)) || { echo "$try"; return; }
  done
  die "found no free port"
}

# As small as a broker gets, but with everything that a large one promises.
properties() { # port
  cat << PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$(($1 + 1))
controller.listener.names=CONTROLLER
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
  if [[ -n $secure ]]; then secure_listeners "$1"; else plain_listeners "$1"; fi
}

plain_listeners() { # port
  cat << PROPERTIES
listeners=PLAINTEXT://127.0.0.1:$1,CONTROLLER://127.0.0.1:$(($1 + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$1
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
PROPERTIES
}

# The broker talks to itself, too: it writes the markers that end transactions by its own listener.
secure_listeners() { # port
  local password module=org.apache.kafka.common.security
  password=$(< "$dir/secure/password")
  cat << PROPERTIES
listeners=SASL_SSL://127.0.0.1:$1,SSL://127.0.0.1:$(($1 + 2)),CONTROLLER://127.0.0.1:$(($1 + 1))
advertised.listeners=SASL_SSL://127.0.0.1:$1,SSL://127.0.0.1:$(($1 + 2))
inter.broker.listener.name=SASL_SSL
listener.security.protocol.map=CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=$module.plain.PlainLoginModule required \\
  username="weir" password="$password" user_weir="$password";
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=$module.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location=$dir/secure/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location=$dir/secure/ca.pem
listener.name.ssl.ssl.client.auth=required
PROPERTIES
}

certificate() { # file without ending, name, more arguments of `openssl req`
  local out=$1 name=$2
  shift 2
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 3650 -subj "/CN=$name" \
    -config <(printf '[req]\ndistinguished_name=dn\n[dn]\n') -keyout "$out.key" -out "$out.pem" "$@" 2> "$out.log" ||
    { cat "$out.log" >&2; die "openssl makes no certificate"; }
}

make_secrets() {
  [[ -s $dir/secure/client.properties ]] && return
  need openssl
  mkdir -p "$dir/secure"
  local s=$dir/secure
  head -c 15 /dev/urandom | od -An -tx1 | tr -d ' \n' > "$s/password"
  certificate "$s/ca" "weir local_kafka" -nodes -addext basicConstraints=critical,CA:TRUE
  certificate "$s/broker" 127.0.0.1 -nodes -CA "$s/ca.pem" -CAkey "$s/ca.key" \
    -addext subjectAltName=IP:127.0.0.1,DNS:localhost
  certificate "$s/client" weir -passout "file:$s/password" -CA "$s/ca.pem" -CAkey "$s/ca.key"
  cat "$s/broker.key" >> "$s/broker.pem"
}

# How to reach it, for those who start from here.
client_files() { # port
  local s=$dir/secure password
  password=$(< "$s/password")
  echo "kafka://127.0.0.1:$1?security=sasl_ssl&mechanism=PLAIN&user=weir&password_file=$s/password&ca=$s/ca.pem" \
    > "$s/url"
  printf '%s\n' security.protocol=SASL_SSL sasl.mechanism=PLAIN sasl.username=weir "sasl.password=$password" \
    "ssl.ca.location=$s/ca.pem" > "$s/client.conf"
  cat > "$s/client.properties" << PROPERTIES
security.protocol=SASL_SSL
sasl.mechanism=PLAIN
sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="weir" password="$password";
ssl.truststore.type=PEM
ssl.truststore.location=$s/ca.pem
PROPERTIES
}

format() {
  local id users=()
  id=k$(head -c 15 /dev/urandom | od -An -tx1 | tr -d ' \n' | cut -c1-20)Q
  [[ -z $secure ]] || users=(--add-scram "SCRAM-SHA-512=[name=weir,password=$(< "$dir/secure/password")]")
  (java_run 128m kafka.tools.StorageTool format -t "$id" -c "$dir/server.properties" "${users[@]}") \
    > "$dir/format.log" 2>&1 || { tail -n 20 "$dir/format.log" >&2; die "cannot prepare $dir/data"; }
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
  [[ -d $dir/secure ]] && secure=yes
  [[ -z $secure || -d $dir/secure || ! -d $dir/data ]] || die "$dir was made without --secure; take another folder"
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
  if [[ -n $secure ]]; then
    umask 077
    make_secrets
    client_files "$port"
  fi
  properties "$port" "$dir/data" > "$dir/server.properties"
  [[ -f $dir/data/meta.properties ]] || format
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

usage() { sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//p}' "$0"; exit "${1:-2}"; }

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
    --secure) secure=yes; shift ;;
    *) usage ;;
  esac
done
[[ -z $port || ($port =~ ^[0-9]+$ && $port -ge 1024 && $port -le 65533) ]] || die "--port: 1024 to 65533 (and the next two)"
case $command in
  start | stop | status | fetch) $command ;;
  -h | --help | help) usage 0 ;;
  *) usage ;;
esac
