#include "connectors/kafka/settings.h"

#include <map>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/base/log.h"

namespace weir::kafka {
namespace {

constexpr std::string_view kScheme = "kafka://";

// What a URL may say, and librdkafka's name for it.
struct Parameter {
  const char* name;
  const char* option;
  enum Kind : uint8_t { kPlain, kFromVariable, kFromFile } kind;
};
constexpr Parameter kParameters[] = {
    {"security", "security.protocol", Parameter::kPlain},
    {"ca", "ssl.ca.location", Parameter::kPlain},
    {"cert", "ssl.certificate.location", Parameter::kPlain},
    {"key", "ssl.key.location", Parameter::kPlain},
    {"key_password_env", "ssl.key.password", Parameter::kFromVariable},
    {"key_password_file", "ssl.key.password", Parameter::kFromFile},
    {"hostname_check", "ssl.endpoint.identification.algorithm", Parameter::kPlain},
    {"mechanism", "sasl.mechanism", Parameter::kPlain},
    {"user", "sasl.username", Parameter::kPlain},
    {"user_env", "sasl.username", Parameter::kFromVariable},
    {"password_env", "sasl.password", Parameter::kFromVariable},
    {"password_file", "sasl.password", Parameter::kFromFile},
};

Status BadUrl(const std::string& message, const std::string& hint) {
  return Err(ErrorCode::kConfigBadValue, absl::StrCat("log: ", message), hint);
}

StatusOr<std::string> ValueOf(const Env& env, const Parameter& parameter,
                              const std::string& value) {
  if (parameter.kind == Parameter::kPlain) return value;
  if (parameter.kind == Parameter::kFromVariable) {
    const auto secret = env.variable ? env.variable(value) : std::nullopt;
    if (secret) return *secret;
    return BadUrl(absl::StrCat(parameter.name, ": the variable ", value, " is not set"), "");
  }
  StatusOr<std::string> secret = env.fs->ReadFile(value);
  if (!secret.ok()) return BadUrl(absl::StrCat(parameter.name, ": cannot read ", value), "");
  while (!secret->empty() && (secret->back() == '\n' || secret->back() == '\r')) secret->pop_back();
  return secret;
}

// librdkafka's default is Kerberos, for which a URL has no names.
Status CheckMechanism(const Settings& settings) {
  bool sasl = false;
  std::string mechanism;
  for (const auto& [option, value] : settings.security) {
    if (option == "security.protocol") sasl = value.starts_with("sasl_");
    if (option == "sasl.mechanism") mechanism = value;
  }
  if (!sasl && mechanism.empty()) return absl::OkStatus();
  for (const char* known : {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}) {
    if (mechanism == known) return absl::OkStatus();
  }
  return BadUrl(mechanism.empty() ? "mechanism is missing"
                                  : absl::StrCat("mechanism ", mechanism, " is not supported"),
                "write mechanism=PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512");
}

constexpr int kMinRecordBytes = 10'000;
constexpr int kMaxRecordBytes = 64 << 20;  // a reader must be able to take it

Status TakeParameter(const Env& env, const std::string& name, const std::string& value,
                     Settings* settings) {
  if (name == "replication") {
    if (absl::SimpleAtoi(value, &settings->replication) && settings->replication > 0) {
      return absl::OkStatus();
    }
    return BadUrl("replication is a number from 1", "");
  }
  if (name == "max_record_bytes") {
    int* bytes = &settings->max_record_bytes;
    if (absl::SimpleAtoi(value, bytes) && *bytes >= kMinRecordBytes && *bytes <= kMaxRecordBytes) {
      return absl::OkStatus();
    }
    return BadUrl(absl::StrCat("max_record_bytes is a number from ", kMinRecordBytes, " to ",
                               kMaxRecordBytes),
                  "");
  }
  for (const Parameter& parameter : kParameters) {
    if (name != parameter.name) continue;
    WEIR_ASSIGN_OR_RETURN(std::string text, ValueOf(env, parameter, value));
    settings->security.emplace_back(parameter.option, std::move(text));
    settings->written.push_back(absl::StrCat(name, "=", value));
    return absl::OkStatus();
  }
  if (name == "password" || name == "key_password") {
    return BadUrl("a secret must not stand in a URL",
                  absl::StrCat("write ", name, "_env=VARIABLE or ", name, "_file=PATH"));
  }
  return BadUrl(absl::StrCat("'", name, "' is not known in a kafka:// URL"),
                "connectors/kafka/README.md lists what is");
}

void LogLine(const rd_kafka_t*, int level, const char*, const char* line) {
  const LogLevel to = level <= 3   ? LogLevel::kWarning
                      : level <= 5 ? LogLevel::kInfo
                                   : LogLevel::kDebug;
  Log(to, "kafka", line);
}

// What a person may have written for the options that librdkafka names: "in the log's URL: key".
std::string NamesIn(std::string_view reason) {
  std::string names;
  for (const Parameter& parameter : kParameters) {
    const std::string_view option = parameter.option;
    // A wrong password of a key shows as a key that cannot be read.
    const std::string_view shown = option == "ssl.key.password" ? "ssl.key.location" : option;
    if (reason.find(shown) == std::string_view::npos) continue;
    absl::StrAppend(&names, names.empty() ? "in the log's URL: " : ", ", parameter.name);
  }
  return names;
}

Status Set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  char reason[256];
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), reason, sizeof(reason)) ==
      RD_KAFKA_CONF_OK) {
    return absl::OkStatus();
  }
  return BadUrl(reason, NamesIn(reason));
}

StatusOr<Conf> NewConf(const Settings& settings, const std::vector<Option>& options) {
  Conf conf(rd_kafka_conf_new());
  for (const std::vector<Option>* table : {&CommonOptions(), &options}) {
    for (const Option& option : *table) {
      WEIR_RETURN_IF_ERROR(Set(conf.get(), option.name, option.value));
    }
  }
  WEIR_RETURN_IF_ERROR(Set(conf.get(), "bootstrap.servers", settings.bootstrap));
  for (const auto& [name, value] : settings.security) {
    WEIR_RETURN_IF_ERROR(Set(conf.get(), name, value));
  }
  rd_kafka_conf_set_log_cb(conf.get(), LogLine);
  return conf;
}

StatusOr<Client> NewClient(rd_kafka_type_t type, Conf conf) {
  char reason[512];
  rd_kafka_t* client = rd_kafka_new(type, conf.get(), reason, sizeof(reason));
  if (client == nullptr) return BadUrl(reason, NamesIn(reason));
  (void)conf.release();  // the client's now
  return Client(client);
}

}  // namespace

StatusOr<Settings> ParseUrl(const Env& env, const std::string& url, const std::string& owner) {
  if (!url.starts_with(kScheme)) return BadUrl("not a kafka:// URL", "write kafka://host:port");
  const std::string rest = url.substr(kScheme.size());
  const size_t question = rest.find('?');
  Settings settings;
  settings.owner = owner;
  settings.bootstrap = rest.substr(0, question);
  if (settings.bootstrap.empty() || settings.bootstrap.find('/') != std::string::npos) {
    return BadUrl("the URL names no broker", "write kafka://host:port[,host:port]");
  }
  if (question == std::string::npos) return settings;
  for (const auto part : absl::StrSplit(ToAbsl(rest).substr(question + 1), '&')) {
    const std::pair<std::string, std::string> pair = absl::StrSplit(part, absl::MaxSplits('=', 1));
    WEIR_RETURN_IF_ERROR(TakeParameter(env, pair.first, pair.second, &settings));
  }
  WEIR_RETURN_IF_ERROR(CheckMechanism(settings));
  return settings;
}

const std::vector<Option>& CommonOptions() {
  static const std::vector<Option> options = {
      {"client.id", "weir", "short: a long one crashed before 2.5.0"},
      {"allow.auto.create.topics", "false", "a topic that is missing is an error, not a new topic"},
      {"api.version.request", "true", "features are agreed with the broker"},
      {"socket.nagle.disable", "true", "requests are small and somebody waits for each"},
      {"socket.keepalive.enable", "true", "a dead peer is noticed"},
      {"socket.timeout.ms", "10000", "no request waits longer"},
      {"socket.connection.setup.timeout.ms", "10000", "nor does a connection"},
      {"reconnect.backoff.ms", "100", "a broker that restarts is found soon"},
      {"reconnect.backoff.max.ms", "1000", "also after a long while"},
      {"topic.metadata.refresh.interval.ms", "30000", "a topic that vanished is noticed"},
      {"topic.metadata.refresh.fast.interval.ms", "100", "new leaders are found soon"},
      {"topic.metadata.propagation.max.ms", "5000", "then a topic that is not there is an error"},
      {"log.connection.close", "false", "brokers close idle connections all the time"},
      {"statistics.interval.ms", "0", "nobody reads them, and 2.0.2 has a data race in them"},
      {"enable.ssl.certificate.verification", "true", "else TLS proves nothing"},
      {"ssl.endpoint.identification.algorithm", "https", "nor without the host's name"},
  };
  return options;
}

const std::vector<Option>& ConsumerOptions() {
  static const std::vector<Option> options = {
      {"isolation.level", "read_committed", "what a writer took back was never there"},
      {"auto.offset.reset", "error", "the default, largest, skips records without a word"},
      {"enable.auto.commit", "false", "positions are in our checkpoints and nowhere else"},
      {"enable.auto.offset.store", "false", "as before"},
      {"enable.partition.eof", "true", "tells the end, control records and open transactions seen"},
      {"check.crcs", "true", "a broken record must not become an event"},
      {"fetch.wait.max.ms", "25", "bounds how long the end of a partition takes to be told"},
      {"fetch.min.bytes", "1", "a record is fetched when it is there"},
      {"fetch.message.max.bytes", "1048576",
       "of a partition in one answer; grows when one is larger"},
      {"fetch.max.bytes", "16777216", "of all partitions in one answer"},
      {"receive.message.max.bytes", "100000000", "no answer takes more memory"},
      {"fetch.error.backoff.ms", "100", "the default of 500 ms delays every recovery"},
      {"queued.min.messages", "1000000", "bytes are the bound: a full queue stalls 2.0.2 for 1 s"},
  };
  return options;
}

const std::vector<Option>& ProducerOptions() {
  static const std::vector<Option> options = {
      {"enable.idempotence", "true", "a retry writes nothing twice and keeps the order"},
      {"acks", "all", "acknowledged means: on all replicas in sync"},
      {"max.in.flight.requests.per.connection", "5", "as many as idempotence allows"},
      {"retries", "2147483647", "the message's timeout is the bound"},
      {"retry.backoff.ms", "100", "as the default; written down"},
      {"message.timeout.ms", "40000", "longer than a broker takes to restart"},
      {"transaction.timeout.ms", "45000", "an abandoned transaction hides later records that long"},
      {"linger.ms", "5", "larger batches; a commit does not wait for it"},
      {"batch.num.messages", "10000", "bytes are the bound"},
      {"batch.size", "1000000", "a request of the broker's default maximum"},
      {"message.max.bytes", "2000000", "2.0.2 refuses records from half of it on; see Run"},
      {"queue.buffering.max.messages", "1000000", "bytes are the bound"},
      {"queue.buffering.max.kbytes", "65536", "writers wait beyond that"},
      {"compression.codec", "lz4", "JSON shrinks to a fraction at little cost"},
      {"delivery.report.only.error", "false", "the offset is in the report"},
      {"partitioner", "murmur2_random", "never asked: the partition is always given"},
  };
  return options;
}

StatusOr<Client> NewConsumer(const Settings& settings, int queue_kb) {
  WEIR_ASSIGN_OR_RETURN(Conf conf, NewConf(settings, ConsumerOptions()));
  WEIR_RETURN_IF_ERROR(Set(conf.get(), "queued.max.messages.kbytes", absl::StrCat(queue_kb)));
  return NewClient(RD_KAFKA_CONSUMER, std::move(conf));
}

StatusOr<Client> NewObserved(const Settings& settings, ErrorCallback on_error, void* opaque) {
  WEIR_ASSIGN_OR_RETURN(Conf conf, NewConf(settings, ConsumerOptions()));
  WEIR_RETURN_IF_ERROR(Set(conf.get(), "queued.max.messages.kbytes", absl::StrCat(kMinQueueKb)));
  rd_kafka_conf_set_error_cb(conf.get(), on_error);
  rd_kafka_conf_set_opaque(conf.get(), opaque);
  return NewClient(RD_KAFKA_CONSUMER, std::move(conf));
}

StatusOr<Client> NewProducer(const Settings& settings, const std::string& transactional_id,
                             DeliveryCallback on_delivery) {
  WEIR_ASSIGN_OR_RETURN(Conf conf, NewConf(settings, ProducerOptions()));
  WEIR_RETURN_IF_ERROR(Set(conf.get(), "transactional.id", transactional_id));
  WEIR_RETURN_IF_ERROR(
      Set(conf.get(), "message.max.bytes", absl::StrCat(2 * settings.max_record_bytes)));
  rd_kafka_conf_set_dr_msg_cb(conf.get(), on_delivery);
  return NewClient(RD_KAFKA_PRODUCER, std::move(conf));
}

std::string TransactionalId(const Settings& settings, const std::string& topic) {
  return absl::StrCat("weir.", settings.owner, ".", topic);
}

Status KafkaError(rd_kafka_resp_err_t code, const std::string& what, const std::string& detail) {
  const std::string message =
      absl::StrCat(what, ": ", detail.empty() ? rd_kafka_err2str(code) : detail, " (",
                   rd_kafka_err2name(code), ")");
  switch (code) {
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
      return Err(ErrorCode::kLogFenced, message,
                 "another process with this job's name writes the topic, or this one was stopped "
                 "for longer than a transaction may last");
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return Err(ErrorCode::kLogMissing, message);
    default:
      return Err(ErrorCode::kLogIo, message);
  }
}

bool IsTransient(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
      return true;
    default:
      return false;
  }
}

}  // namespace weir::kafka
