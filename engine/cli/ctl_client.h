// weirctl's side of the admin service: finds the job, calls it, tells what went wrong.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/cli/ctl.h"

namespace weir::admin::v1 {
class CancelReply;
class CancelRequest;
class CreateSavepointRequest;
class DecisionInfo;
class GetDecisionRequest;
class GetRuleRequest;
class JobStatus;
class ListRulesReply;
class ListRulesRequest;
class ListSnapshotsReply;
class ListSnapshotsRequest;
class RuleInfo;
class SnapshotInfo;
class SnapshotProgress;
class StopRequest;
class SwitchRuleProgress;
class SwitchRuleRequest;
class TriggerCheckpointRequest;
class VerifySavepointRequest;
}  // namespace weir::admin::v1

namespace weir {

// <root>/<job> of a checkpoint store.
struct JobFolder {
  std::string root, job;
};

// The one job below --data, $WEIR_DATA or ./data: in its folder checkpoints/, in itself, or itself.
// kAdminNotFound if there is none, kAdminAmbiguous if there are several and --job does not choose.
StatusOr<JobFolder> FindJobFolder(const CtlArgs& args, const Env& env);

// One method a call of the service, all blocking. Streams call `on` for every message.
class CtlClient {
 public:
  using OnSnapshot = std::function<void(const admin::v1::SnapshotProgress&)>;
  using OnSwitch = std::function<void(const admin::v1::SwitchRuleProgress&)>;

  // kAdminUnreachable with where it has looked if no address is known, kAdminDenied if the token
  // file is no good.
  static StatusOr<std::unique_ptr<CtlClient>> Create(const CtlArgs& args, const Env& env);
  ~CtlClient();

  Status GetStatus(admin::v1::JobStatus* out);
  Status Cancel();
  Status ListSnapshots(const admin::v1::ListSnapshotsRequest& in,
                       admin::v1::ListSnapshotsReply* out);
  Status VerifySavepoint(const admin::v1::VerifySavepointRequest& in, admin::v1::SnapshotInfo* out);
  Status ListRules(const admin::v1::ListRulesRequest& in, admin::v1::ListRulesReply* out);
  Status GetRule(const admin::v1::GetRuleRequest& in, admin::v1::RuleInfo* out);
  Status GetDecision(const admin::v1::GetDecisionRequest& in, admin::v1::DecisionInfo* out);
  Status TriggerCheckpoint(const admin::v1::TriggerCheckpointRequest& in, const OnSnapshot& on);
  Status CreateSavepoint(const admin::v1::CreateSavepointRequest& in, const OnSnapshot& on);
  Status Stop(const admin::v1::StopRequest& in, const OnSnapshot& on);
  Status SwitchRule(const admin::v1::SwitchRuleRequest& in, const OnSwitch& on);

 private:
  struct Connection;
  explicit CtlClient(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace weir
