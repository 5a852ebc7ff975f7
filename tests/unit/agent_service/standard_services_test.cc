// Health and reflection, asked with bytes: the protocols are fixed, and no client library of ours
// speaks them.
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

#include "service_rig.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

grpc::ByteBuffer Buffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

std::string Bytes(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string out;
  if (!buffer.Valid() || !buffer.Dump(&slices).ok()) return out;
  for (const grpc::Slice& s : slices)
    out.append(reinterpret_cast<const char*>(s.begin()), s.size());
  return out;
}

class StandardServicesTest : public ServiceTest {
 protected:
  void Dial() {
    grpc_channel =
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials());
    stub = std::make_unique<grpc::GenericStub>(grpc_channel);
  }
  std::string Health(const std::string& service) {
    grpc::ClientContext context;
    const grpc::ByteBuffer request = Buffer(
        service.empty()
            ? ""
            : absl::StrCat("\x0a", std::string(1, static_cast<char>(service.size())), service));
    grpc::ByteBuffer reply;
    Notification done;
    grpc::Status status;
    stub->UnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::StubOptions(), &request, &reply,
                    [&](grpc::Status s) {
                      status = std::move(s);
                      done.Notify();
                    });
    EXPECT_TRUE(done.WaitForMs(10'000));
    return status.ok() ? Bytes(reply) : absl::StrCat("error ", status.error_code());
  }

  std::shared_ptr<grpc::Channel> grpc_channel;
  std::unique_ptr<grpc::GenericStub> stub;
};

TEST_F(StandardServicesTest, HealthAsksForNoToken) {
  AgentServerOptions options;
  options.token_file = File("token", "0123456789abcdef");
  Serve(options);
  Dial();
  const std::string serving("\x08\x01", 2), not_serving("\x08\x02", 2);
  EXPECT_EQ(Health(""), serving);
  EXPECT_EQ(Health("weir.agent.v1.AgentService"), serving);
  EXPECT_EQ(Health("something.Else"), "error 5");
  server->Drain();
  EXPECT_EQ(Health(""), not_serving);
  EXPECT_EQ(Health("weir.agent.v1.AgentService"), not_serving);
}

// Asks for the list of services.
class Reflection : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  explicit Reflection(grpc::GenericStub* stub) : request_(Buffer("\x3a\x01*")) {
    stub->PrepareBidiStreamingCall(&context_,
                                   "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                   grpc::StubOptions(), this);
    StartWriteLast(&request_, grpc::WriteOptions());
    StartRead(&reply_);
    StartCall();
  }
  void OnReadDone(bool ok) override {
    if (!ok) return;
    text += Bytes(reply_);
    StartRead(&reply_);
  }
  void OnDone(const grpc::Status& s) override {
    status = s;
    done.Notify();
  }
  Notification done;
  std::string text;
  grpc::Status status;

 private:
  grpc::ClientContext context_;
  grpc::ByteBuffer request_, reply_;
};

TEST_F(StandardServicesTest, ReflectionIsThereOnRequest) {
  AgentServerOptions options;
  options.reflection = true;
  Serve(options);
  Dial();
  Reflection listing(stub.get());
  ASSERT_TRUE(listing.done.WaitForMs(10'000));
  EXPECT_TRUE(listing.status.ok()) << listing.status.error_message();
  EXPECT_THAT(listing.text, HasSubstr("weir.agent.v1.AgentService"));
}

}  // namespace
}  // namespace weir
