// `format: { protobuf: { descriptor_set, message, encoding } }`
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "connectors/format/formats.h"
#include "connectors/format/protobuf_decoder.h"
#include "connectors/format/protobuf_encoder.h"
#include "connectors/format/protobuf_type.h"
#include "engine/model/value.h"

namespace weir {
namespace {

// Lines of base64 around another decoder.
class Base64Decoder : public RecordDecoder {
 public:
  explicit Base64Decoder(std::unique_ptr<RecordDecoder> inner) : inner_(std::move(inner)) {}
  Status Decode(std::string_view line, RecordBatch* batch) override {
    if (line.ends_with('\r')) line.remove_suffix(1);
    bytes_.clear();
    if (!DecodeBase64(line, &bytes_)) {
      return Err(ErrorCode::kRecordNotJson, "the line is not base64",
                 "in a log of lines each record is one line of standard base64");
    }
    return inner_->Decode(bytes_, batch);
  }

 private:
  std::unique_ptr<RecordDecoder> inner_;
  std::string bytes_;
};

class Base64Encoder : public RecordEncoder {
 public:
  explicit Base64Encoder(std::unique_ptr<RecordEncoder> inner) : inner_(std::move(inner)) {}
  void Encode(const RecordBatch& batch, size_t row, std::string* out) override {
    bytes_.clear();
    inner_->Encode(batch, row, &bytes_);
    AppendBase64(bytes_, out);
  }

 private:
  std::unique_ptr<RecordEncoder> inner_;
  std::string bytes_;
};

std::vector<OptionDef> ProtobufOptions() {
  return {{.name = "descriptor_set",
           .required = true,
           .doc = "File made by protoc --include_imports --descriptor_set_out, relative to the "
                  "topology."},
          {.name = "message", .required = true, .doc = "Full name of a record's type: ssh.Event."},
          {.name = "encoding",
           .default_text = "auto",
           .doc = "How bytes become a record: as they are (raw), or as a line of base64. auto is "
                  "base64 in logs of lines (dir:), raw in others.",
           .allowed = {"auto", "raw", "base64"}}};
}

// nullptr after an error was added.
std::unique_ptr<ProtobufType> LoadType(const FormatContext& context) {
  auto bytes = context.read_file(context.options->String("descriptor_set"));
  if (!bytes.ok()) {
    context.errors->Add("format.protobuf.descriptor_set", bytes.status());
    return nullptr;
  }
  auto type = ProtobufType::Load(*bytes, context.options->String("message"));
  if (type.ok()) return *std::move(type);
  const bool name = ErrorNumber(type.status()) == static_cast<int>(ErrorCode::kConfigUnknownName);
  context.errors->Add(name ? "format.protobuf.message" : "format.protobuf.descriptor_set",
                      type.status());
  return nullptr;
}

std::optional<FormatPlan> PlanProtobuf(const FormatContext& context) {
  const std::string& encoding = context.options->String("encoding");
  if (encoding == "raw" && context.line_files) {
    context.errors->Add("format.protobuf.encoding",
                        Err(ErrorCode::kConfigBadValue,
                            "this log holds one line per record, and bytes may hold line breaks",
                            "leave it away, or say base64"));
    return std::nullopt;
  }
  const auto type = LoadType(context);
  if (type == nullptr) return std::nullopt;
  std::vector<ProtobufType::Problem> problems;
  const auto message = type->Compile(*context.schema, context.use, &problems);
  for (const ProtobufType::Problem& problem : problems) {
    const bool read = context.use == FormatUse::kRead;
    context.errors->Add(read ? absl::StrCat("schema.", problem.field) : "format.protobuf.message",
                        problem.status);
  }
  if (message == nullptr) return std::nullopt;
  const bool base64 = encoding == "base64" || (encoding == "auto" && context.line_files);
  FormatPlan plan;
  if (context.use == FormatUse::kRead) {
    plan.new_decoder = [schema = context.schema, message,
                        base64]() -> StatusOr<std::unique_ptr<RecordDecoder>> {
      auto decoder = std::make_unique<ProtobufDecoder>(schema, message);
      if (!base64) return decoder;
      return std::make_unique<Base64Decoder>(std::move(decoder));
    };
  } else {
    plan.new_encoder = [message, base64]() -> StatusOr<std::unique_ptr<RecordEncoder>> {
      auto encoder = std::make_unique<ProtobufEncoder>(message);
      if (!base64) return encoder;
      return std::make_unique<Base64Encoder>(std::move(encoder));
    };
  }
  return plan;
}

SchemaPtr DeriveProtobuf(const FormatContext& context) {
  const auto type = LoadType(context);
  if (type == nullptr) return nullptr;
  auto schema = type->Derive();
  if (schema.ok()) return *std::move(schema);
  context.errors->Add("format.protobuf.message", schema.status());
  return nullptr;
}

}  // namespace

FormatType ProtobufFormat() {
  return {"protobuf", "One Protobuf message a record; unknown fields are skipped.", PlanProtobuf,
          ProtobufOptions(), DeriveProtobuf};
}

}  // namespace weir
