#include "engine/job/node_factory.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "connectors/log/log_sink.h"
#include "connectors/log/log_source.h"
#include "engine/core/plain_format.h"

namespace weir {
namespace {

OperatorInfo MakeInfo(const PhysicalPlan& plan, const LogicalNode& node, int subtask,
                      int64_t epoch) {
  const JobSettings& job = plan.logical.job;
  OperatorInfo info;
  info.job = job.name;
  info.uid = node.uid;
  info.name = node.name;
  info.subtask = subtask;
  info.parallelism = node.parallelism;
  info.max_parallelism = job.max_parallelism;
  info.key_groups = RangeOf(subtask, node.parallelism, job.max_parallelism);
  info.epoch = epoch;
  return info;
}

StatusOr<std::unique_ptr<Source>> MakeSource(const LogicalNode& node, const Registry& registry,
                                             const NodeFactoryOptions& options) {
  const bool control = node.kind == NodeKind::kControl;
  LogSourceOptions source = control ? LogSourceOptions{} : LogSourceOptionsFrom(node.options);
  source.topic = node.topic;
  source.schema = node.outputs[0].schema;
  source.event_time_field = node.outputs[0].event_time_field;
  source.source_number = static_cast<uint32_t>(node.number);
  // A control topic is the engine's own: it is followed for as long as the job runs.
  source.until_end = options.until_end && !control;
  source.new_decoder = node.format.new_decoder;
  if (!source.new_decoder) {
    const std::string name = control ? "raw" : "json";
    const FormatType* format = registry.FindFormat(name);
    if (format == nullptr || !format->plan) {
      return Err(ErrorCode::kConfigUnknownType, absl::StrCat("no format '", name, "'"));
    }
    WEIR_ASSIGN_OR_RETURN(source.new_decoder, PlainDecoder(*format, source.schema));
  }
  return std::unique_ptr<Source>(std::make_unique<LogSource>(std::move(source)));
}

std::unique_ptr<Operator> MakeSink(const PhysicalPlan& plan, const LogicalNode& node) {
  LogSinkOptions sink = LogSinkOptionsFrom(node.options);
  sink.topic = node.topic;
  sink.new_encoder = node.format.new_encoder;
  const NodeInput& input = node.inputs[0];
  const Schema& schema = *plan.logical.nodes[input.node].outputs[input.port].schema;
  if (node.options.Has("fields")) {
    for (const std::string& field : node.options.List("fields")) {
      sink.columns.push_back(schema.Find(field));
    }
  }
  return std::make_unique<LogSink>(std::move(sink));
}

}  // namespace

StatusOr<NodeConfig> MakeNode(const PhysicalPlan& plan, const LogicalNode& node, int subtask,
                              int64_t epoch, const Registry& registry, const Env& env,
                              const NodeFactoryOptions& options) {
  NodeConfig config;
  config.info = MakeInfo(plan, node, subtask, epoch);
  config.ports = static_cast<int>(node.outputs.size());
  config.log_url = node.log.empty() ? plan.logical.job.log : node.log;
  switch (node.kind) {
    case NodeKind::kSource:
    case NodeKind::kControl: {
      config.ports = 2;  // records and dead letters, whether or not anybody listens
      WEIR_ASSIGN_OR_RETURN(config.source, MakeSource(node, registry, options));
      break;
    }
    case NodeKind::kOperator: {
      WEIR_ASSIGN_OR_RETURN(config.op, node.op.create());
      if (!node.op.stateful) break;
      const std::string& name = plan.logical.job.state.backend;
      const StateBackendType* backend = registry.FindStateBackend(name);
      if (backend == nullptr) {
        return Err(ErrorCode::kConfigUnknownType, absl::StrCat("no state backend '", name, "'"));
      }
      config.backend = backend->create(env);
      break;
    }
    case NodeKind::kSink:
      config.op = MakeSink(plan, node);
      break;
  }
  return config;
}

}  // namespace weir
