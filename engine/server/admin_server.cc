#include "engine/server/admin_server.h"

#include <grpc/support/time.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/admin_errors.h"
#include "engine/base/log.h"
#include "engine/model/value.h"
#include "engine/server/admin_access.h"
#include "engine/server/admin_rules.h"
#include "engine/server/admin_snapshots.h"
#include "engine/server/admin_status.h"
#include "weir/admin/v1/admin.pb.h"
#include "weir/admin/v1/admin_service.grpc.pb.h"

namespace weir {
namespace {

namespace v1 = admin::v1;

constexpr int kMaxThreads = 32;  // calls at once; more are refused
constexpr int kMaxRequestBytes = 64 * 1024;
constexpr int64_t kShutdownGraceMs = 2'000;

grpc::Status ToGrpc(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  v1::Problem problem;
  problem.set_number(ErrorNumber(status));
  problem.set_hint(ErrorHint(status));
  // absl's codes are gRPC's.
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
          problem.SerializeAsString()};
}

// Every call goes through Answer, which asks for the token first.
class Service final : public v1::AdminService::Service {
 public:
  Service(std::string token, const AdminContext& context)
      : token_(std::move(token)), context_(context), rules_(&context_) {}

  grpc::Status GetStatus(grpc::ServerContext* call, const v1::GetStatusRequest*,
                         v1::JobStatus* out) override {
    return Answer(call, [&] {
      FillJobStatus(context_, out);
      return absl::OkStatus();
    });
  }
  grpc::Status TriggerCheckpoint(grpc::ServerContext* call, const v1::TriggerCheckpointRequest*,
                                 grpc::ServerWriter<v1::SnapshotProgress>* out) override {
    return Answer(call, [&] { return RunCheckpoint(context_, SendTo(call, out)); });
  }
  grpc::Status CreateSavepoint(grpc::ServerContext* call, const v1::CreateSavepointRequest* in,
                               grpc::ServerWriter<v1::SnapshotProgress>* out) override {
    return Answer(call, [&] {
      LogInfo("admin", absl::StrCat("savepoint '", in->name(), "' asked for by ", call->peer()));
      return RunSavepoint(context_, in->name(), SendTo(call, out));
    });
  }
  grpc::Status Stop(grpc::ServerContext* call, const v1::StopRequest* in,
                    grpc::ServerWriter<v1::SnapshotProgress>* out) override {
    return Answer(call, [&] {
      LogInfo("admin",
              absl::StrCat("stop asked for by ", call->peer(),
                           in->savepoint().empty() ? "" : ", with savepoint ", in->savepoint()));
      return RunStop(context_, {in->savepoint()}, SendTo(call, out));
    });
  }
  grpc::Status Cancel(grpc::ServerContext* call, const v1::CancelRequest*,
                      v1::CancelReply*) override {
    return Answer(call, [&] {
      LogWarning("admin", absl::StrCat("cancelled by ", call->peer()));
      context_.job->Cancel();
      return absl::OkStatus();
    });
  }
  grpc::Status ListSnapshots(grpc::ServerContext* call, const v1::ListSnapshotsRequest* in,
                             v1::ListSnapshotsReply* out) override {
    return Answer(
        call, [&] { return weir::ListSnapshots(context_, in->savepoints(), in->verify(), out); });
  }
  grpc::Status VerifySavepoint(grpc::ServerContext* call, const v1::VerifySavepointRequest* in,
                               v1::SnapshotInfo* out) override {
    return Answer(call, [&] { return weir::VerifySavepoint(context_, in->name(), out); });
  }
  grpc::Status ListRules(grpc::ServerContext* call, const v1::ListRulesRequest* in,
                         v1::ListRulesReply* out) override {
    return Answer(call, [&] { return rules_.List(*in, out); });
  }
  grpc::Status GetRule(grpc::ServerContext* call, const v1::GetRuleRequest* in,
                       v1::RuleInfo* out) override {
    return Answer(call, [&] { return rules_.Get(*in, out); });
  }
  grpc::Status SwitchRule(grpc::ServerContext* call, const v1::SwitchRuleRequest* in,
                          grpc::ServerWriter<v1::SwitchRuleProgress>* out) override {
    return Answer(call, [&] { return rules_.Switch(*in, SendTo(call, out)); });
  }
  grpc::Status GetDecision(grpc::ServerContext* call, const v1::GetDecisionRequest* in,
                           v1::DecisionInfo* out) override {
    return Answer(call, [&] {
      return rules_.GetDecision(
          *in, [call] { return call->IsCancelled(); }, out);
    });
  }

 private:
  template <typename Fn>
  grpc::Status Answer(grpc::ServerContext* call, const Fn& fn) {
    const Status known = CheckToken(*call);
    return ToGrpc(known.ok() ? fn() : known);
  }

  Status CheckToken(const grpc::ServerContext& call) const {
    if (token_.empty()) return absl::OkStatus();
    const auto it = call.client_metadata().find("authorization");
    const bool shown = it != call.client_metadata().end();
    const std::string text = shown ? std::string(it->second.data(), it->second.size()) : "";
    if (SameSecret(text, "Bearer " + token_)) return absl::OkStatus();
    LogWarning("admin", absl::StrCat("a call from ", call.peer(),
                                     shown ? " has a wrong token" : " has no token"));
    return Err(AdminError::kAdminDenied,
               shown ? "the token is not the job's" : "the job asks for a token",
               "weirctl --token-file FILE, the file that the job's admin.token_file names");
  }

  template <typename Message>
  static std::function<bool(const Message&)> SendTo(grpc::ServerContext* call,
                                                    grpc::ServerWriter<Message>* writer) {
    return [call, writer](const Message& message) {
      return !call->IsCancelled() && writer->Write(message);
    };
  }

  const std::string token_;
  const AdminContext context_;
  AdminRules rules_;
};

class GrpcAdminServer final : public AdminServer {
 public:
  GrpcAdminServer(const AdminServerOptions& options, const AdminContext& context)
      : options_(options), fs_(context.env.fs), service_(options.token, context) {}
  ~GrpcAdminServer() override { Shutdown(); }

  Status Listen(const AdminContext& context) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(options_.listen, grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    // Without this two jobs could listen on one port and share its calls at random.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
    builder.SetResourceQuota(grpc::ResourceQuota("admin").SetMaxThreads(kMaxThreads));
    builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port == 0) {
      return Err(AdminError::kAdminListen, absl::StrCat("cannot listen on ", options_.listen),
                 "is the port taken? admin.listen: 127.0.0.1:0 takes a free one, off takes none");
    }
    address_ = absl::StrCat(options_.listen.substr(0, options_.listen.rfind(':')), ":", port);
    return WriteAddress(context);
  }

  const std::string& address() const override { return address_; }

  void Shutdown() override {
    if (server_ == nullptr) return;
    if (!options_.address_file.empty()) (void)fs_->Remove(options_.address_file);
    server_->Shutdown(gpr_time_add(gpr_now(GPR_CLOCK_REALTIME),
                                   gpr_time_from_millis(kShutdownGraceMs, GPR_TIMESPAN)));
    server_->Wait();
    server_.reset();
  }

 private:
  Status WriteAddress(const AdminContext& context) {
    if (options_.address_file.empty()) return absl::OkStatus();
    const std::string text =
        Value::MakeMap({{Value::String("address"), Value::String(address_)},
                        {Value::String("job"), Value::String(context.settings().name)},
                        {Value::String("pid"), Value::Int(context.pid)},
                        {Value::String("epoch"), Value::Int(context.job->epoch())}})
            .ToJson();
    return fs_->WriteFileAtomic(options_.address_file, text + "\n");
  }

  const AdminServerOptions options_;
  FileSystem* fs_;
  Service service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace

StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(const AdminServerOptions& options,
                                                          const AdminContext& context) {
  auto server = std::make_unique<GrpcAdminServer>(options, context);
  WEIR_RETURN_IF_ERROR(server->Listen(context));
  return std::unique_ptr<AdminServer>(std::move(server));
}

}  // namespace weir
