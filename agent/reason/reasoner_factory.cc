#include "agent/reason/reasoner_factory.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "agent/embedded_agent.h"

namespace weir {

StatusOr<std::shared_ptr<AgentChannel>> MakeReasoner(const Env& env, const Registry& registry,
                                                     const ReasonerOptions& options,
                                                     MetricRegistry* metrics) {
  (void)registry;
  (void)metrics;
  if (options.reasoner == "statistical") {
    return std::shared_ptr<AgentChannel>(std::make_shared<EmbeddedAgent>(env.io));
  }
  return Err(ErrorCode::kUnsupported,
             absl::StrCat("the reasoner '", options.reasoner, "' is not in this build"));
}

}  // namespace weir
