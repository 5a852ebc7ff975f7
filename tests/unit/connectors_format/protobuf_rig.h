// Message types from .proto text, and messages made with libprotobuf: what the own reader of the
// wire format is compared with.
#pragma once

#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/timestamp.pb.h>

#include <memory>
#include <string>
#include <vector>

#include "connectors/format/protobuf_type.h"

namespace weir::testing {

namespace pb = google::protobuf;

// A descriptor set of one file, with google/protobuf/timestamp.proto.
inline std::string DescriptorSetOf(const std::string& proto) {
  pb::FileDescriptorSet set;
  google::protobuf::Timestamp::descriptor()->file()->CopyTo(set.add_file());
  pb::io::ArrayInputStream input(proto.data(), static_cast<int>(proto.size()));
  struct Errors : pb::io::ErrorCollector {
    void AddError(int line, int column, const std::string& message) override {
      text += std::to_string(line) + ":" + std::to_string(column) + ": " + message + "\n";
    }
    std::string text;
  } errors;
  pb::io::Tokenizer tokens(&input, &errors);
  pb::compiler::Parser parser;
  parser.RecordErrorsTo(&errors);
  const bool parsed = parser.Parse(&tokens, set.add_file());
  WEIR_CHECK(parsed && errors.text.empty(), errors.text);
  set.mutable_file(1)->set_name("test.proto");
  return set.SerializeAsString();
}

// libprotobuf's view of the same descriptor set.
class Oracle {
 public:
  Oracle(const std::string& descriptor_set, const std::string& message) {
    pb::FileDescriptorSet set;
    WEIR_CHECK(set.ParseFromString(descriptor_set));
    for (const auto& file : set.file()) WEIR_CHECK(pool_.BuildFile(file) != nullptr, file.name());
    type_ = pool_.FindMessageTypeByName(message);
    WEIR_CHECK(type_ != nullptr, message);
  }
  const pb::Descriptor* type() const { return type_; }
  std::unique_ptr<pb::Message> New() {
    return std::unique_ptr<pb::Message>(factory_.GetPrototype(type_)->New());
  }
  // The bytes of a message in text format.
  std::string Bytes(const std::string& text) {
    const auto message = New();
    WEIR_CHECK(pb::TextFormat::ParseFromString(text, message.get()), text);
    return message->SerializePartialAsString();
  }

 private:
  pb::DescriptorPool pool_;
  pb::DynamicMessageFactory factory_{&pool_};
  const pb::Descriptor* type_ = nullptr;
};

}  // namespace weir::testing
