// The admin service over gRPC, with a job that does what the test says.
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>

#include "engine/base/admin_errors.h"
#include "engine/base/testing_env.h"
#include "engine/server/admin_access.h"
#include "engine/server/admin_server.h"
#include "engine/server/admin_snapshots.h"
#include "tests/support/source_dir.h"
#include "weir/admin/v1/admin.pb.h"
#include "weir/admin/v1/admin_service.grpc.pb.h"

namespace weir {
namespace {

namespace v1 = admin::v1;

class FakeJob : public JobControl {
 public:
  FakeJob() {
    plan_.logical.job.name = "job";
    plan_.logical.job.checkpoints.storage = "file:data";
  }
  const PhysicalPlan& plan() const override { return plan_; }
  MetricRegistry* metrics() override { return &metrics_; }
  int64_t epoch() const override { return 3; }
  int64_t restored_checkpoint() const override { return 2; }
  JobPhase phase() const override { return phase_; }
  SnapshotInFlight snapshot() const override { return {}; }
  int64_t last_checkpoint_id() const override { return 7; }
  int64_t last_checkpoint_ms() const override { return 0; }
  LogClient* FindLog(const std::string&) override { return nullptr; }
  void RequestSavepoint(const std::string&, SnapshotDone done) override { Answer(done); }
  void RequestCheckpoint(SnapshotDone done) override { Answer(done); }
  void RequestStop(const StopOptions&) override { ended_ = true; }
  void Cancel() override { cancelled_ = true; }
  bool done() const override { return ended_; }
  bool WaitForMs(int64_t) override { return ended_; }
  const Status& status() const override { return result_; }

  void Answer(const SnapshotDone& done) {
    if (!silent_) done(5, result_);
  }

  PhysicalPlan plan_;
  MetricRegistry metrics_;
  JobPhase phase_ = JobPhase::kRunning;
  Status result_;
  bool silent_ = false, ended_ = false, cancelled_ = false;
};

class AdminTest : public testing::Test {
 protected:
  void Start(const std::string& token) {
    AdminContext context;
    context.job = &job_;
    context.env = env_.env();
    context.version = "test";
    auto server = AdminServer::Start({"127.0.0.1:0", token, "data/job/admin.addr"}, context);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
    stub_ = v1::AdminService::NewStub(channel_);
  }
  void SetUp() override { ASSERT_TRUE(env_.fs.CreateDirs("data/job").ok()); }
  void TearDown() override { server_.reset(); }

  grpc::Status GetStatus(const std::string& authorization, v1::JobStatus* out) {
    grpc::ClientContext call;
    if (!authorization.empty()) call.AddMetadata("authorization", authorization);
    return stub_->GetStatus(&call, v1::GetStatusRequest(), out);
  }
  grpc::Status CallRaw(const std::string& method) {
    grpc::GenericStub stub(channel_);
    grpc::CompletionQueue queue;
    grpc::ClientContext call;
    grpc::Slice nothing(std::string{});
    const grpc::ByteBuffer request(&nothing, 1);
    auto answer =
        stub.PrepareUnaryCall(&call, "/weir.admin.v1.AdminService/" + method, request, &queue);
    answer->StartCall();
    grpc::ByteBuffer reply;
    grpc::Status status;
    answer->Finish(&reply, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    return status;
  }
  static int Number(const grpc::Status& status) {
    v1::Problem problem;
    EXPECT_TRUE(problem.ParseFromString(status.error_details()));
    return problem.number();
  }

  TestEnv env_;
  FakeJob job_;
  std::unique_ptr<AdminServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::AdminService::Stub> stub_;
};

constexpr const char* kToken = "0123456789abcdef";

TEST_F(AdminTest, AnswersAndSaysWhereItListens) {
  Start("");
  v1::JobStatus status;
  ASSERT_TRUE(GetStatus("", &status).ok());
  EXPECT_EQ(status.job(), "job");
  EXPECT_EQ(status.state(), "running");
  EXPECT_EQ(status.epoch(), 3);
  const std::string file = env_.fs.ReadFile("data/job/admin.addr").value();
  EXPECT_NE(file.find(server_->address()), std::string::npos) << file;
  server_->Shutdown();
  EXPECT_FALSE(env_.fs.Exists("data/job/admin.addr"));
}

TEST_F(AdminTest, EveryMethodAsksForTheToken) {
  Start(kToken);
  // Raw calls by name, read from the service's definition, so that a method that is added later is
  // tried too.
  std::ifstream proto(SourceDir() + "/proto/weir/admin/v1/admin_service.proto");
  int methods = 0;
  for (std::string line; std::getline(proto, line);) {
    const size_t at = line.find("rpc ");
    if (at == line.npos) continue;
    const std::string name = line.substr(at + 4, line.find('(') - at - 4);
    EXPECT_EQ(CallRaw(name).error_code(), grpc::StatusCode::UNAUTHENTICATED) << name;
    ++methods;
  }
  EXPECT_GE(methods, 11);
  for (const char* wrong : {"", "Bearer 0123456789abcdeg", "0123456789abcdef", "Bearer "}) {
    v1::JobStatus status;
    const grpc::Status answer = GetStatus(wrong, &status);
    EXPECT_EQ(answer.error_code(), grpc::StatusCode::UNAUTHENTICATED) << wrong;
    EXPECT_EQ(Number(answer), static_cast<int>(AdminError::kAdminDenied));
    EXPECT_TRUE(status.job().empty());
  }
  v1::JobStatus status;
  EXPECT_TRUE(GetStatus(std::string("Bearer ") + kToken, &status).ok());
  grpc::ClientContext call;
  v1::CancelReply reply;
  EXPECT_FALSE(stub_->Cancel(&call, v1::CancelRequest(), &reply).ok());
  EXPECT_FALSE(job_.cancelled_);
}

TEST_F(AdminTest, ASavepointThatFailsSaysWhy) {
  Start("");
  job_.result_ = Err(ErrorCode::kStateIo, "disk full", "make room");
  grpc::ClientContext call;
  v1::CreateSavepointRequest request;
  request.set_name("sp");
  auto reader = stub_->CreateSavepoint(&call, request);
  v1::SnapshotProgress progress;
  while (reader->Read(&progress)) EXPECT_NE(progress.phase(), "done");
  const grpc::Status status = reader->Finish();
  EXPECT_EQ(Number(status), static_cast<int>(ErrorCode::kStateIo));
  EXPECT_EQ(status.error_message(), "disk full");
}

TEST_F(AdminTest, TheEndOfTheJobEndsTheWait) {
  Start("");
  job_.silent_ = true;
  job_.ended_ = true;
  grpc::ClientContext call;
  auto reader = stub_->TriggerCheckpoint(&call, v1::TriggerCheckpointRequest());
  v1::SnapshotProgress progress;
  while (reader->Read(&progress)) continue;
  EXPECT_EQ(Number(reader->Finish()), static_cast<int>(AdminError::kAdminCancelled));
}

TEST_F(AdminTest, TwoServersNeverShareAPort) {
  Start("");
  AdminContext context;
  context.job = &job_;
  context.env = env_.env();
  const auto second = AdminServer::Start({server_->address(), "", ""}, context);
  EXPECT_EQ(ErrorNumber(second.status()), static_cast<int>(AdminError::kAdminListen));
}

TEST(AdminNames, OnlyPlainNamesMakeSavepoints) {
  for (const char* good : {"a", "before-upgrade.2", "A_1"}) {
    EXPECT_TRUE(CheckNewSavepointName(good).ok()) << good;
  }
  for (const char* bad : {"", ".", "..", ".x", "-x", "a/b", "../x", "a b", "a\n"}) {
    EXPECT_FALSE(CheckNewSavepointName(bad).ok()) << bad;
  }
}

TEST(AdminAccess, OffLoopbackATokenIsNeeded) {
  TestEnv env;
  const auto read = [&](const std::string& listen, const std::string& file) {
    return ReadAdminToken({listen, file}, env.env());
  };
  for (const char* local : {"127.0.0.1:0", "[::1]:7", "localhost:1", "127.9.8.7:1", ""}) {
    EXPECT_EQ(read(local, "").value(), "") << local;
  }
  for (const char* far : {"0.0.0.0:0", "10.0.0.1:7", "[::]:1", "127.0.0.1.evil.org:1", "host:1",
                          "localhost.example.org:1"}) {
    EXPECT_EQ(ErrorNumber(read(far, "").status()), static_cast<int>(AdminError::kAdminToken))
        << far;
  }
  EXPECT_FALSE(read("0.0.0.0:0", "none").ok());
  ASSERT_TRUE(env.fs.WriteFileAtomic("short", "too short\n").ok());
  EXPECT_FALSE(read("127.0.0.1:0", "short").ok());
  ASSERT_TRUE(env.fs.WriteFileAtomic("token", std::string(kToken) + "\n").ok());
  EXPECT_EQ(read("0.0.0.0:0", "token").value(), kToken);
}

TEST(AdminAccess, SecretsAreComparedWhole) {
  EXPECT_TRUE(SameSecret("abc", "abc"));
  EXPECT_FALSE(SameSecret("abc", "abd"));
  EXPECT_FALSE(SameSecret("abc", "abcd"));
  EXPECT_FALSE(SameSecret("", "a"));
}

}  // namespace
}  // namespace weir
