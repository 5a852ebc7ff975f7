// The one list of everything concrete that the stock binary knows (DESIGN D4). Adding an operator
// is one line here.
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/agent_loop_plan.h"
#include "agent/embedded_agent.h"
#include "agent/grpc/grpc_agent.h"
#include "agent/ledger.h"
#include "agent/reason/embedded_memo.h"
#include "connectors/dirlog/directory_log.h"
#include "connectors/format/formats.h"
#include "connectors/http/curl_client.h"
#include "connectors/kafka/kafka_log.h"
#include "connectors/redis/redis_memo.h"
#include "engine/base/posix_file_system.h"
#include "engine/cli/commands.h"
#include "operators/aggregate/running_count.h"
#include "operators/aggregate/sliding_count.h"
#include "operators/basic/filter.h"
#include "operators/basic/select.h"
#include "operators/basic/union.h"
#include "state/hot/hot_backend.h"
#include "state/rocksdb/rocks_store.h"

namespace weir {
namespace {

StatusOr<std::unique_ptr<StateBackend>> MakeMemoryBackend(const Env& env,
                                                          const StateBackendConfig&) {
  return std::make_unique<HotStateBackend>(env.clock);
}

StatusOr<std::unique_ptr<StateBackend>> MakeRocksBackend(const Env& env,
                                                         const StateBackendConfig& config) {
  // What RocksDB keeps in memory comes out of the same bound.
  const auto bytes = static_cast<size_t>(config.hot_bytes);
  RocksStoreOptions options;
  options.dir = config.dir;
  options.epoch = config.epoch;
  options.name = absl::StrCat(config.uid, ".", config.subtask);
  options.cache_bytes = bytes / 4;
  // RocksDB reads the operating system's files straight into its blocks, with its own read-ahead;
  // through our interface each block would be copied once more. A simulated disk has no such way.
  if (!IsPosixFileSystem(*env.fs)) options.fs = env.fs;
  HotStoreOptions hot;
  WEIR_ASSIGN_OR_RETURN(hot.store, NewRocksStore(options));
  hot.hot_bytes = bytes - options.cache_bytes;
  return std::make_unique<HotStateBackend>(env.clock, std::move(hot));
}

}  // namespace

Status RegisterAll(Registry* registry) {
  for (OperatorType (*make)() :
       {MakeFilterType, MakeSelectType, MakeUnionType, MakeIdempotencyLedgerType,
        MakeSlidingCountType, MakeRunningCountType, MakeAgentLoopType}) {
    WEIR_RETURN_IF_ERROR(registry->AddOperator(make()));
  }
  WEIR_RETURN_IF_ERROR(registry->AddFormat(JsonFormat()));
  WEIR_RETURN_IF_ERROR(registry->AddFormat(ProtobufFormat()));
  WEIR_RETURN_IF_ERROR(registry->AddFormat(RawFormat()));
  WEIR_RETURN_IF_ERROR(registry->AddLog(DirectoryLogType()));
  WEIR_RETURN_IF_ERROR(registry->AddLog(KafkaLogType()));
  WEIR_RETURN_IF_ERROR(registry->AddStateBackend({"memory", MakeMemoryBackend}));
  WEIR_RETURN_IF_ERROR(registry->AddStateBackend({"rocksdb", MakeRocksBackend}));
  WEIR_RETURN_IF_ERROR(registry->AddHttpClient(CurlHttpClientType()));
  WEIR_RETURN_IF_ERROR(registry->AddMemo(EmbeddedMemoType()));
  WEIR_RETURN_IF_ERROR(registry->AddMemo(RedisMemoType("redis")));
  WEIR_RETURN_IF_ERROR(registry->AddMemo(RedisMemoType("rediss")));
  for (AgentChannelType (*make)() : {MakeEmbeddedAgentType, GrpcAgentType, GrpcsAgentType}) {
    WEIR_RETURN_IF_ERROR(registry->AddAgentChannel(make()));
  }
  return absl::OkStatus();
}

}  // namespace weir
