// The one list of everything concrete that the stock binary knows (DESIGN D4). Adding an operator
// is one line here.
#include "agent/agent_loop_plan.h"
#include "agent/embedded_agent.h"
#include "agent/grpc/grpc_agent.h"
#include "agent/ledger.h"
#include "agent/reason/embedded_memo.h"
#include "connectors/dirlog/directory_log.h"
#include "connectors/format/formats.h"
#include "connectors/http/curl_client.h"
#include "connectors/redis/redis_memo.h"
#include "engine/cli/commands.h"
#include "operators/aggregate/running_count.h"
#include "operators/aggregate/sliding_count.h"
#include "operators/basic/filter.h"
#include "operators/basic/select.h"
#include "operators/basic/union.h"
#include "state/hot/hot_backend.h"

namespace weir {

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
  WEIR_RETURN_IF_ERROR(
      registry->AddStateBackend({"memory", [](const Env& env) -> std::unique_ptr<StateBackend> {
                                   return std::make_unique<HotStateBackend>(env.clock);
                                 }}));
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
