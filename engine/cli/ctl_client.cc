#include "engine/cli/ctl_client.h"

#include <grpc/grpc.h>
#include <grpc/support/time.h>
#include <grpcpp/grpcpp.h>

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "engine/base/admin_errors.h"
#include "engine/model/value.h"
#include "engine/server/admin_access.h"
#include "weir/admin/v1/admin.pb.h"
#include "weir/admin/v1/admin_service.grpc.pb.h"

namespace weir {
namespace {

namespace v1 = admin::v1;
using Stub = v1::AdminService::Stub;

constexpr double kCallSeconds = 30;
constexpr double kStreamSeconds = 600;
constexpr int kMaxReplyBytes = 64 << 20;

std::string DataDir(const CtlArgs& args, const Env& env) {
  if (!args.data.empty()) return args.data;
  return env.variable("WEIR_DATA").value_or("./data");
}

std::string DataOrigin(const CtlArgs& args, const Env& env) {
  if (!args.data.empty()) return "--data";
  return env.variable("WEIR_DATA") ? "$WEIR_DATA" : "the default ./data";
}

bool IsJobFolder(const Env& env, const std::string& dir) {
  return env.fs->Exists(JoinPath(dir, "epoch"));
}

std::vector<JobFolder> JobFolders(const std::string& data, const Env& env) {
  std::string dir = data;
  while (dir.size() > 1 && dir.back() == '/') dir.pop_back();
  if (IsJobFolder(env, dir)) {
    const size_t slash = dir.rfind('/');
    return {{ParentPath(dir), slash == dir.npos ? dir : dir.substr(slash + 1)}};
  }
  std::vector<JobFolder> found;
  for (const std::string& root : {JoinPath(dir, "checkpoints"), dir}) {
    const auto names = env.fs->List(root);
    if (!names.ok()) continue;
    for (const std::string& name : *names) {
      if (IsJobFolder(env, JoinPath(root, name))) found.push_back({root, name});
    }
  }
  return found;
}

struct Target {
  std::string address;
  std::string origin;  // where it was found, for the message when nobody answers there
};

StatusOr<Target> ReadAddressFile(const JobFolder& folder, const std::string& origin,
                                 const Env& env) {
  const std::string file = AdminAddressFile(folder.root, folder.job);
  const StatusOr<std::string> text = env.fs->ReadFile(file);
  if (!text.ok()) {
    return Err(AdminError::kAdminUnreachable,
               absl::StrCat("job '", folder.job, "' is not running: there is no ", file, " (",
                            origin, ")"),
               "start it with weir run, or say where it is: --address HOST:PORT, $WEIR_ADMIN, "
               "--data DIR");
  }
  const auto json = ParseJson(*text);
  const Value* address = json.ok() ? json->Get("address") : nullptr;
  if (address == nullptr || address->kind() != Value::Kind::kString) {
    return Err(AdminError::kAdminUnreachable, absl::StrCat(file, " holds no address"),
               "give --address HOST:PORT");
  }
  const Value* pid = json->Get("pid");
  const std::string process =
      pid != nullptr && pid->kind() == Value::Kind::kInt ? absl::StrCat(pid->int_value()) : "?";
  return Target{address->string_value(),
                absl::StrCat("from ", file, ", written by process ", process)};
}

StatusOr<Target> FindTarget(const CtlArgs& args, const Env& env) {
  if (!args.address.empty()) return Target{args.address, "given by --address"};
  const auto variable = env.variable("WEIR_ADMIN");
  if (args.data.empty() && variable && !variable->empty()) {
    return Target{*variable, "given by $WEIR_ADMIN"};
  }
  const StatusOr<JobFolder> folder = FindJobFolder(args, env);
  if (folder.ok()) {
    return ReadAddressFile(*folder, absl::StrCat("looked there because of ", DataOrigin(args, env)),
                           env);
  }
  if (ErrorNumber(folder.status()) == static_cast<int>(AdminError::kAdminAmbiguous)) {
    return folder.status();
  }
  return Err(AdminError::kAdminUnreachable,
             absl::StrCat("no job is known here: ", folder.status().message()),
             "say where it is: --address HOST:PORT, $WEIR_ADMIN, or --data DIR, the job's "
             "WEIR_DATA");
}

StatusOr<std::string> ReadToken(const CtlArgs& args, const Env& env) {
  std::string file = args.token_file;
  if (file.empty()) file = env.variable("WEIR_ADMIN_TOKEN_FILE").value_or("");
  if (file.empty()) return std::string();
  const StatusOr<std::string> text = env.fs->ReadFile(file);
  if (text.ok()) return std::string(absl::StripAsciiWhitespace(*text));
  return Err(AdminError::kAdminDenied,
             absl::StrCat("the token file ", file, " cannot be read: ", text.status().message()));
}

}  // namespace

StatusOr<JobFolder> FindJobFolder(const CtlArgs& args, const Env& env) {
  const std::string data = DataDir(args, env);
  std::vector<JobFolder> folders = JobFolders(data, env);
  if (!args.job.empty()) {
    std::erase_if(folders, [&](const JobFolder& folder) { return folder.job != args.job; });
  }
  if (folders.size() == 1) return folders[0];
  std::string names;
  for (const JobFolder& f : folders) absl::StrAppend(&names, names.empty() ? "" : ", ", f.job);
  if (!folders.empty()) {
    return Err(AdminError::kAdminAmbiguous, absl::StrCat(data, " holds several jobs: ", names),
               "choose one with --job NAME");
  }
  return Err(AdminError::kAdminNotFound,
             absl::StrCat(data, " (", DataOrigin(args, env), ") holds no ",
                          args.job.empty() ? "job" : absl::StrCat("job '", args.job, "'")));
}

// gRPC ends its own threads when the last of its users has gone, and this is the one that waits for
// them: else they are still about when the process exits.
struct GrpcUse {
  GrpcUse() { grpc_init(); }
  ~GrpcUse() { grpc_shutdown_blocking(); }
};

struct CtlClient::Connection {
  GrpcUse grpc;      // destroyed last
  double timeout_s;  // 0 = the call's own
  Target target;
  std::string token;
  std::unique_ptr<v1::AdminService::Stub> stub;

  double Seconds(double own) const { return timeout_s > 0 ? timeout_s : own; }
  void Prepare(grpc::ClientContext* context, double own) const {
    const auto ms = static_cast<int64_t>(Seconds(own) * 1000);
    context->set_deadline(
        gpr_time_add(gpr_now(GPR_CLOCK_REALTIME), gpr_time_from_millis(ms, GPR_TIMESPAN)));
    if (!token.empty()) context->AddMetadata("authorization", "Bearer " + token);
  }
  Status ToStatus(const grpc::Status& status, double own) const;

  template <typename Method, typename Request, typename Reply>
  Status Call(Method method, const Request& request, Reply* reply) {
    grpc::ClientContext context;
    Prepare(&context, kCallSeconds);
    return ToStatus((stub.get()->*method)(&context, request, reply), kCallSeconds);
  }
  template <typename Message, typename Method, typename Request>
  Status Stream(Method method, const Request& request,
                const std::function<void(const Message&)>& on) {
    grpc::ClientContext context;
    Prepare(&context, kStreamSeconds);
    const auto reader = (stub.get()->*method)(&context, request);
    Message message;
    while (reader->Read(&message)) on(message);
    return ToStatus(reader->Finish(), kStreamSeconds);
  }
};

Status CtlClient::Connection::ToStatus(const grpc::Status& status, double own) const {
  if (status.ok()) return absl::OkStatus();
  v1::Problem problem;
  if (problem.ParseFromString(status.error_details()) && problem.number() > 0) {
    return Err(static_cast<ErrorCode>(problem.number()), status.error_message(), problem.hint());
  }
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    return Err(AdminError::kAdminCancelled,
               absl::StrCat("no end after ", Seconds(own), " s; the job may still do it"),
               "look again with weirctl status, wait longer with --timeout SECONDS");
  }
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    return Err(AdminError::kAdminUnreachable,
               absl::StrCat("nobody answers at ", target.address, " (", target.origin, ")"),
               "is the job running? A job that was killed leaves its address file behind; "
               "weir run writes a new one");
  }
  return Err(ErrorCode::kInternal, absl::StrCat("gRPC ", static_cast<int>(status.error_code()),
                                                ": ", status.error_message()));
}

StatusOr<std::unique_ptr<CtlClient>> CtlClient::Create(const CtlArgs& args, const Env& env) {
  auto connection = std::make_unique<Connection>();
  connection->timeout_s = args.timeout_s;
  WEIR_ASSIGN_OR_RETURN(connection->target, FindTarget(args, env));
  WEIR_ASSIGN_OR_RETURN(connection->token, ReadToken(args, env));
  grpc::ChannelArguments channel;
  channel.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // the job is beside us, not behind a proxy
  channel.SetMaxReceiveMessageSize(kMaxReplyBytes);
  connection->stub = v1::AdminService::NewStub(grpc::CreateCustomChannel(
      connection->target.address, grpc::InsecureChannelCredentials(), channel));
  return std::unique_ptr<CtlClient>(new CtlClient(std::move(connection)));
}

CtlClient::CtlClient(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
CtlClient::~CtlClient() = default;

Status CtlClient::GetStatus(v1::JobStatus* out) {
  return connection_->Call(&Stub::GetStatus, v1::GetStatusRequest(), out);
}
Status CtlClient::Cancel() {
  v1::CancelReply reply;
  return connection_->Call(&Stub::Cancel, v1::CancelRequest(), &reply);
}
Status CtlClient::ListSnapshots(const v1::ListSnapshotsRequest& in, v1::ListSnapshotsReply* out) {
  return connection_->Call(&Stub::ListSnapshots, in, out);
}
Status CtlClient::VerifySavepoint(const v1::VerifySavepointRequest& in, v1::SnapshotInfo* out) {
  return connection_->Call(&Stub::VerifySavepoint, in, out);
}
Status CtlClient::ListRules(const v1::ListRulesRequest& in, v1::ListRulesReply* out) {
  return connection_->Call(&Stub::ListRules, in, out);
}
Status CtlClient::GetRule(const v1::GetRuleRequest& in, v1::RuleInfo* out) {
  return connection_->Call(&Stub::GetRule, in, out);
}
Status CtlClient::GetDecision(const v1::GetDecisionRequest& in, v1::DecisionInfo* out) {
  return connection_->Call(&Stub::GetDecision, in, out);
}
Status CtlClient::TriggerCheckpoint(const v1::TriggerCheckpointRequest& in, const OnSnapshot& on) {
  return connection_->Stream<v1::SnapshotProgress>(&Stub::TriggerCheckpoint, in, on);
}
Status CtlClient::CreateSavepoint(const v1::CreateSavepointRequest& in, const OnSnapshot& on) {
  return connection_->Stream<v1::SnapshotProgress>(&Stub::CreateSavepoint, in, on);
}
Status CtlClient::Stop(const v1::StopRequest& in, const OnSnapshot& on) {
  return connection_->Stream<v1::SnapshotProgress>(&Stub::Stop, in, on);
}
Status CtlClient::SwitchRule(const v1::SwitchRuleRequest& in, const OnSwitch& on) {
  return connection_->Stream<v1::SwitchRuleProgress>(&Stub::SwitchRule, in, on);
}

}  // namespace weir
