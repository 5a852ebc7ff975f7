#!/usr/bin/env bash
# A broker behind TLS and passwords: the shipped job gives its figures with a password (SASL PLAIN) and with a client's
# certificate. What the broker or the job does not accept ends the start soon, with an error that names the setting and
# holds no secret.
. "$(dirname "$0")/../e2e/lib.sh"
. tests/integration/kafka_lib.sh
kafka_start --secure
log_level=debug
secure=$kafka_dir/secure
tls=127.0.0.1:$((${kafka##*:} + 2))
password=$(cat "$secure/password")
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=other -keyout "$work/other.key" \
  -out "$work/other.pem" 2> "$work/openssl.log" || fail "openssl: $(cat "$work/openssl.log")"

no_secret() { # file
  if grep -qe "$password" -e hunter2 "$1"; then fail "a secret stands in $1"; fi
}
load 1 100000
kafka_job password --until-end 2> "$work/password.log" || fail "$(tail -3 "$work/password.log")"
expect_kafka_guard password
no_secret "$work/password.log"

certificate="ca=$secure/ca.pem&cert=$secure/client.pem&key=$secure/client.key"
kafka_url="kafka://$tls?security=ssl&$certificate&key_password_file=$secure/password"
kafka_job certificate --until-end --fresh --yes 2> "$work/certificate.log" ||
  fail "$(tail -3 "$work/certificate.log")"
expect_kafka_guard certificate
no_secret "$work/certificate.log"

# Side by side: most of them wait for three seconds, in which the broker might be coming up.
refusals=()
refused() { # what, URL, text of the error...
  check_refused "$@" &
  refusals+=($!)
}
check_refused() {
  local what=$1 status=0 text log began=$SECONDS
  log="$work/refused-${1// /-}.log" kafka_url=$2
  shift 2
  WRONG=hunter2 kafka_job "refused-${what// /-}" --until-end 2> "$log" || status=$?
  [ "$status" -ne 0 ] || fail "$what: the job ended well"
  [ $((SECONDS - began)) -lt 30 ] || fail "$what: it took $((SECONDS - began)) s"
  no_secret "$log"
  for text in 'weir: WEIR-1012: log: ' "$@"; do
    tail -1 "$log" | grep -qF -- "$text" || fail "$what: no '$text' in: $(tail -1 "$log")"
  done
  tail -1 "$log"
}
user="security=sasl_ssl&mechanism=PLAIN&user=weir"
refused "a wrong password" "kafka://$kafka?$user&password_env=WRONG&ca=$secure/ca.pem" \
  "the broker refuses us" "user=weir" "password_env=WRONG"
refused "an unknown user" "kafka://$kafka?security=sasl_ssl&mechanism=PLAIN&user=eve&password_env=WRONG&ca=$secure/ca.pem" \
  "user=eve"
refused "a broker of another CA" "kafka://$kafka?$user&password_file=$secure/password&ca=$work/other.pem" \
  "no TLS with the broker" "certificate verify failed" "check ca=$work/other.pem"
refused "no CA" "kafka://$kafka?$user&password_file=$secure/password" "ca=PATH"
refused "a certificate of another CA" \
  "kafka://$tls?security=ssl&ca=$secure/ca.pem&cert=$work/other.pem&key=$work/other.key" "cert=$work/other.pem"
refused "no certificate" "kafka://$tls?security=ssl&ca=$secure/ca.pem" "no TLS with the broker"
refused "a wrong password of the key" "kafka://$tls?security=ssl&$certificate&key_password_env=WRONG" \
  "key, key_password_env"
refused "a CA that is not there" "kafka://$kafka?$user&password_file=$secure/password&ca=$work/none.pem" "URL: ca)"
# Kafka 4 wants what librdkafka does since 2.6.1; whoever upgrades the library finds this line.
refused "SCRAM" \
  "kafka://$kafka?security=sasl_ssl&mechanism=SCRAM-SHA-512&user=weir&password_file=$secure/password&ca=$secure/ca.pem" \
  "refuse the SCRAM of librdkafka"
for id in "${refusals[@]}"; do wait "$id"; done
echo ok
