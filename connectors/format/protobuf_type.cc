#include "connectors/format/protobuf_type.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/core/options.h"

namespace weir {
namespace {

namespace pb = google::protobuf;
using Pb = pb::FieldDescriptor;

constexpr char kTimestampName[] = "google.protobuf.Timestamp";
constexpr int kMaxDepth = 32;  // of messages in a derived schema, as types in a topology

// "int64 ssh.Event.line = 3".
std::string Describe(const Pb& field) {
  std::string type = field.type_name();
  if (field.message_type() != nullptr) type = field.message_type()->full_name();
  if (field.enum_type() != nullptr) type = absl::StrCat("enum ", field.enum_type()->full_name());
  if (field.is_map()) type = "map";
  return absl::StrCat(field.is_repeated() && !field.is_map() ? "repeated " : "", type, " ",
                      field.full_name(), " = ", field.number());
}

bool IsTimestamp(const Pb& field) {
  return field.type() == Pb::TYPE_MESSAGE && field.message_type()->full_name() == kTimestampName;
}

bool IsInteger(WireCodec codec) {
  return codec <= WireCodec::kSInt64 ||
         (codec >= WireCodec::kFixed32 && codec <= WireCodec::kSFixed64);
}

bool HoldsAnyInt64(WireCodec codec) {
  return codec == WireCodec::kInt64 || codec == WireCodec::kSInt64 || codec == WireCodec::kSFixed64;
}

// How the field's single values stand on the wire; kEnumNumber for an enum. nullopt for groups.
std::optional<WireCodec> CodecOf(const Pb& field) {
  switch (field.type()) {
    case Pb::TYPE_DOUBLE:
      return WireCodec::kDouble;
    case Pb::TYPE_FLOAT:
      return WireCodec::kFloat;
    case Pb::TYPE_INT64:
      return WireCodec::kInt64;
    case Pb::TYPE_UINT64:
      return WireCodec::kUInt64;
    case Pb::TYPE_INT32:
      return WireCodec::kInt32;
    case Pb::TYPE_FIXED64:
      return WireCodec::kFixed64;
    case Pb::TYPE_FIXED32:
      return WireCodec::kFixed32;
    case Pb::TYPE_BOOL:
      return WireCodec::kBool;
    case Pb::TYPE_STRING:
      return WireCodec::kString;
    case Pb::TYPE_GROUP:
      return std::nullopt;
    case Pb::TYPE_MESSAGE:
      return IsTimestamp(field) ? WireCodec::kTimestamp : WireCodec::kMessage;
    case Pb::TYPE_BYTES:
      return WireCodec::kBytes;
    case Pb::TYPE_UINT32:
      return WireCodec::kUInt32;
    case Pb::TYPE_ENUM:
      return WireCodec::kEnumNumber;
    case Pb::TYPE_SFIXED32:
      return WireCodec::kSFixed32;
    case Pb::TYPE_SFIXED64:
      return WireCodec::kSFixed64;
    case Pb::TYPE_SINT32:
      return WireCodec::kSInt32;
    case Pb::TYPE_SINT64:
      return WireCodec::kSInt64;
  }
  return std::nullopt;
}

std::shared_ptr<const EnumNames> NamesOf(const pb::EnumDescriptor& type) {
  auto names = std::make_shared<EnumNames>();
  for (int i = type.value_count() - 1; i >= 0; --i) {
    names->by_number[type.value(i)->number()] = type.value(i)->name();  // of aliases the first
  }
  names->closed = type.file()->syntax() == pb::FileDescriptor::SYNTAX_PROTO2;
  return names;
}

void TakeDefault(const Pb& field, WireField* out) {
  if (!field.has_default_value()) return;
  out->has_default = true;
  const auto bits = [out](int64_t v) { out->default_bits = static_cast<uint64_t>(v); };
  switch (field.cpp_type()) {
    case Pb::CPPTYPE_INT32:
      return bits(field.default_value_int32());
    case Pb::CPPTYPE_INT64:
      return bits(field.default_value_int64());
    case Pb::CPPTYPE_UINT32:
      return bits(field.default_value_uint32());
    case Pb::CPPTYPE_UINT64:
      out->default_bits = field.default_value_uint64();
      return;
    case Pb::CPPTYPE_DOUBLE:
      out->default_bits = std::bit_cast<uint64_t>(field.default_value_double());
      return;
    case Pb::CPPTYPE_FLOAT:
      out->default_bits = std::bit_cast<uint64_t>(static_cast<double>(field.default_value_float()));
      return;
    case Pb::CPPTYPE_BOOL:
      return bits(field.default_value_bool() ? 1 : 0);
    case Pb::CPPTYPE_ENUM:
      return bits(field.default_value_enum()->number());
    case Pb::CPPTYPE_STRING:
      out->default_text = field.default_value_string();
      return;
    case Pb::CPPTYPE_MESSAGE:
      return;
  }
}

// Fits one schema to one message.
class Compiler {
 public:
  Compiler(FormatUse use, std::vector<ProtobufType::Problem>* problems)
      : write_(use == FormatUse::kWrite), problems_(problems) {}

  std::shared_ptr<const WireMessage> Message(const std::vector<Field>& fields,
                                             const pb::Descriptor& type) {
    auto message = std::make_shared<WireMessage>();
    message->name = type.full_name();
    message->columns = static_cast<int>(fields.size());
    message->oneofs = type.real_oneof_decl_count();
    for (size_t k = 0; k < fields.size(); ++k) {
      const std::string path =
          path_.empty() ? fields[k].name : absl::StrCat(path_, ".", fields[k].name);
      const std::string outer = std::exchange(path_, path);
      WireField field;
      if (AddField(fields[k], type, &field)) {
        field.column = static_cast<int>(k);
        message->cells += field.repeated ? 1 : field.item_cells;
        message->fields.push_back(std::move(field));
      }
      path_ = outer;
    }
    if (!write_) AddOtherMembers(type, message.get());
    if (write_) CheckRequired(fields, type);
    message->Index();
    return message;
  }

 private:
  bool Refuse(std::string message, const std::string& hint = {}) {
    const std::string field = path_.substr(0, path_.find('.'));
    if (!path_.empty()) message = absl::StrCat("field '", path_, "': ", message);
    problems_->push_back({field, Err(ErrorCode::kPlanSchema, message, hint)});
    return false;
  }

  bool AddField(const Field& field, const pb::Descriptor& type, WireField* out) {
    const Pb* found = type.FindFieldByName(field.name);
    if (found == nullptr) {
      std::vector<std::string> names;
      names.reserve(static_cast<size_t>(type.field_count()));
      for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
      const std::string near = NearestName(field.name, names);
      return Refuse(absl::StrCat(type.full_name(), " has no such field"),
                    near.empty() ? "fields are found by their names in the descriptor set"
                                 : absl::StrCat("did you mean '", near, "'?"));
    }
    TakeProperties(field, *found, out);
    const bool list = field.type.kind == TypeKind::kList;
    if (field.type.kind == TypeKind::kMap) return AddMap(field, *found, out);
    if (list != (found->is_repeated() && !found->is_map())) return Mismatch(field.type, *found);
    const Field& single = list ? field.type.children[0] : field;
    if (!AddSingle(single, *found, out)) return false;
    if (write_) return CheckWritten(field, *found, *out);
    return true;
  }

  static void TakeProperties(const Field& field, const Pb& found, WireField* out) {
    out->name = field.name;
    out->number = static_cast<uint32_t>(found.number());
    out->repeated = found.is_repeated();
    out->packed = found.is_packed();
    const pb::OneofDescriptor* oneof = found.real_containing_oneof();
    if (oneof != nullptr) out->oneof = oneof->index();
    out->nullable = field.nullable;
    out->presence = found.has_presence();
    out->required = found.is_required();
    out->expected = field.type.ToString();
    if (!found.is_repeated()) TakeDefault(found, out);
  }

  bool Mismatch(const Type& type, const Pb& found) {
    return Refuse(absl::StrCat("the schema says ", type.ToString(), ", but the message has ",
                               Describe(found)));
  }

  bool AddSingle(const Field& field, const Pb& found, WireField* out) {
    const auto codec = CodecOf(found);
    if (!codec) return Refuse("groups are not supported");
    out->codec = *codec;
    out->expected = field.type.ToString();
    out->wire = WireTypeOf(*codec);
    if (*codec == WireCodec::kMessage) return AddMessage(field, found, out);
    const bool is_enum = *codec == WireCodec::kEnumNumber;
    if (is_enum) out->enum_names = NamesOf(*found.enum_type());
    switch (field.type.kind) {
      case TypeKind::kInt64:
        if (is_enum || IsInteger(*codec)) return true;
        break;
      case TypeKind::kTimestamp:
        if (*codec == WireCodec::kTimestamp || IsInteger(*codec)) return true;
        break;
      case TypeKind::kBool:
        if (*codec == WireCodec::kBool) return true;
        break;
      case TypeKind::kDouble:
        if (*codec == WireCodec::kDouble || *codec == WireCodec::kFloat) return true;
        break;
      case TypeKind::kString:
        if (is_enum) out->codec = WireCodec::kEnumName;
        if (is_enum || *codec == WireCodec::kString) return true;
        break;
      case TypeKind::kBytes:
        if (*codec == WireCodec::kBytes) return true;
        break;
      default:
        break;
    }
    return Mismatch(field.type, found);
  }

  bool AddMessage(const Field& field, const Pb& found, WireField* out) {
    if (field.type.kind != TypeKind::kStruct) return Mismatch(field.type, found);
    const size_t before = problems_->size();
    out->message = Message(field.type.children, *found.message_type());
    out->item_cells = 1 + out->message->cells;
    return problems_->size() == before;
  }

  bool AddMap(const Field& field, const Pb& found, WireField* out) {
    if (!found.is_map()) return Mismatch(field.type, found);
    auto entry = std::make_shared<WireMessage>();
    entry->name = found.message_type()->full_name();
    entry->columns = 2;
    const std::string outer = path_;
    for (int k = 0; k < 2; ++k) {
      const Field& part = field.type.children[static_cast<size_t>(k)];
      const Pb& descriptor = *found.message_type()->field(k);
      path_ = absl::StrCat(outer, k == 0 ? ".key" : ".value");
      WireField member;
      TakeProperties(part, descriptor, &member);
      member.name = k == 0 ? "key" : "value";
      member.column = k;
      member.presence = false;  // what an entry lacks is zero or empty
      const bool added = part.type.kind != TypeKind::kList && part.type.kind != TypeKind::kMap
                             ? AddSingle(part, descriptor, &member)
                             : Mismatch(part.type, descriptor);
      if (!added) return false;
      if (write_ && !CheckWritten(part, descriptor, member)) return false;
      entry->cells += member.item_cells;
      entry->fields.push_back(std::move(member));
    }
    path_ = outer;
    entry->Index();
    out->codec = WireCodec::kMap;
    out->wire = kWireBytes;
    out->item_cells = entry->cells;
    out->message = std::move(entry);
    return true;
  }

  // Setting a member of a oneof that the schema does not name still clears the one it does.
  static void AddOtherMembers(const pb::Descriptor& type, WireMessage* message) {
    std::set<int> oneofs, numbers;
    for (const WireField& field : message->fields) {
      numbers.insert(static_cast<int>(field.number));
      if (field.oneof >= 0) oneofs.insert(field.oneof);
    }
    for (const int index : oneofs) {
      const pb::OneofDescriptor* oneof = type.oneof_decl(index);
      for (int i = 0; i < oneof->field_count(); ++i) {
        const auto codec = CodecOf(*oneof->field(i));
        if (numbers.count(oneof->field(i)->number()) != 0 || !codec) continue;
        WireField other;
        other.name = oneof->field(i)->name();
        other.number = static_cast<uint32_t>(oneof->field(i)->number());
        other.codec = *codec;
        other.wire = WireTypeOf(*codec);
        other.oneof = index;
        message->fields.push_back(std::move(other));
      }
    }
  }

  // What is written is read back as the same row, so a row that the message cannot hold must not
  // come to it.
  bool CheckWritten(const Field& field, const Pb& found, const WireField& out) {
    const bool list = field.type.kind == TypeKind::kList;
    const Field& single = list ? field.type.children[0] : field;
    if (list && single.nullable) return Refuse("a repeated field cannot hold nulls");
    if (!list && field.nullable && !out.presence) {
      return Refuse(absl::StrCat("may be null, but ", Describe(found), " is never absent"),
                    "declare it 'optional' in the message");
    }
    if (out.required && field.nullable) return Refuse("may be null, but the message requires it");
    const bool lossless = out.codec == WireCodec::kEnumName || out.codec == WireCodec::kEnumNumber
                              ? false
                              : !IsInteger(out.codec) || HoldsAnyInt64(out.codec);
    if (!lossless || out.codec == WireCodec::kFloat) {
      return Refuse(absl::StrCat(Describe(found), " cannot hold every ", single.type.ToString()));
    }
    return true;
  }

  void CheckRequired(const std::vector<Field>& fields, const pb::Descriptor& type) {
    for (int i = 0; i < type.field_count(); ++i) {
      const Pb& field = *type.field(i);
      const auto named = [&field](const Field& f) { return f.name == field.name(); };
      if (!field.is_required() || std::any_of(fields.begin(), fields.end(), named)) continue;
      Refuse(absl::StrCat("the message requires ", field.full_name(), ", which is not written"));
    }
  }

  const bool write_;
  std::vector<ProtobufType::Problem>* problems_;
  std::string path_;
};

class DescriptorType final : public ProtobufType {
 public:
  DescriptorType(std::unique_ptr<pb::DescriptorPool> pool, const pb::Descriptor* type)
      : pool_(std::move(pool)), type_(type) {}

  StatusOr<SchemaPtr> Derive() const override {
    WEIR_ASSIGN_OR_RETURN(std::vector<Field> fields, DeriveFields(*type_, 1));
    if (fields.empty()) {
      return Err(ErrorCode::kPlanSchema, absl::StrCat(type_->full_name(), " has no fields"));
    }
    return MakeSchema(std::move(fields));
  }

  std::shared_ptr<const WireMessage> Compile(const Schema& schema, FormatUse use,
                                             std::vector<Problem>* problems) const override {
    const size_t before = problems->size();
    auto message = Compiler(use, problems).Message(schema.fields(), *type_);
    return problems->size() == before ? message : nullptr;
  }

 private:
  static StatusOr<std::vector<Field>> DeriveFields(const pb::Descriptor& type, int depth) {
    if (depth > kMaxDepth) {
      return Err(ErrorCode::kPlanSchema,
                 absl::StrCat(type.full_name(), " nests deeper than ", kMaxDepth,
                              " levels, or contains itself"),
                 "write a schema that names only the fields you need");
    }
    std::vector<Field> fields;
    for (int i = 0; i < type.field_count(); ++i) {
      const Pb& found = *type.field(i);
      Field field;
      field.name = found.name();
      field.nullable = found.has_presence() && !found.is_required() && !found.has_default_value();
      if (found.is_map()) {
        WEIR_ASSIGN_OR_RETURN(weir::Type key, DeriveType(*found.message_type()->map_key(), depth));
        WEIR_ASSIGN_OR_RETURN(weir::Type value,
                              DeriveType(*found.message_type()->map_value(), depth));
        field.type = weir::Type::Map(std::move(key), std::move(value));
      } else {
        WEIR_ASSIGN_OR_RETURN(field.type, DeriveType(found, depth));
        if (found.is_repeated()) field.type = weir::Type::List(std::move(field.type), false);
      }
      fields.push_back(std::move(field));
    }
    return fields;
  }

  static StatusOr<weir::Type> DeriveType(const Pb& field, int depth) {
    weir::Type type;
    switch (field.type()) {
      case Pb::TYPE_GROUP:
        return Err(ErrorCode::kPlanSchema, absl::StrCat(Describe(field), ": no schema has groups"));
      case Pb::TYPE_DOUBLE:
      case Pb::TYPE_FLOAT:
        type.kind = TypeKind::kDouble;
        return type;
      case Pb::TYPE_BOOL:
        type.kind = TypeKind::kBool;
        return type;
      case Pb::TYPE_STRING:
      case Pb::TYPE_ENUM:
        type.kind = TypeKind::kString;
        return type;
      case Pb::TYPE_BYTES:
        type.kind = TypeKind::kBytes;
        return type;
      case Pb::TYPE_MESSAGE: {
        if (IsTimestamp(field)) {
          type.kind = TypeKind::kTimestamp;
          return type;
        }
        WEIR_ASSIGN_OR_RETURN(std::vector<Field> fields,
                              DeriveFields(*field.message_type(), depth + 1));
        return weir::Type::Struct(std::move(fields));
      }
      default:
        return type;  // int64
    }
  }

  std::unique_ptr<pb::DescriptorPool> pool_;
  const pb::Descriptor* type_;
};

class Collector : public pb::DescriptorPool::ErrorCollector {
 public:
  void AddError(const std::string& file, const std::string& element, const pb::Message*,
                ErrorLocation, const std::string& message) override {
    if (first.empty()) first = absl::StrCat(file, ": ", element, ": ", message);
  }
  std::string first;
};

std::vector<std::string> MessageNames(const pb::FileDescriptorSet& set) {
  std::vector<std::string> names;
  for (const pb::FileDescriptorProto& file : set.file()) {
    for (const pb::DescriptorProto& message : file.message_type()) {
      names.push_back(file.package().empty() ? message.name()
                                             : absl::StrCat(file.package(), ".", message.name()));
    }
  }
  return names;
}

}  // namespace

StatusOr<std::unique_ptr<ProtobufType>> ProtobufType::Load(std::string_view descriptor_set,
                                                           const std::string& message) {
  constexpr char kHow[] =
      "make it with  protoc --include_imports --descriptor_set_out=FILE X.proto";
  pb::FileDescriptorSet set;
  if (!set.ParseFromArray(descriptor_set.data(), static_cast<int>(descriptor_set.size())) ||
      set.file_size() == 0) {
    return Err(ErrorCode::kConfigFile, "the file is no Protobuf descriptor set", kHow);
  }
  auto pool = std::make_unique<pb::DescriptorPool>();
  for (const pb::FileDescriptorProto& file : set.file()) {
    Collector errors;
    if (pool->BuildFileCollectingErrors(file, &errors) != nullptr) continue;
    return Err(ErrorCode::kConfigFile,
               absl::StrCat("the descriptor set is not complete: ", errors.first), kHow);
  }
  const pb::Descriptor* type = pool->FindMessageTypeByName(message);
  if (type == nullptr) {
    const std::vector<std::string> names = MessageNames(set);
    const std::string near = NearestName(message, names);
    std::string hint = "it has";
    for (size_t i = 0; i < names.size() && i < 10; ++i) {
      absl::StrAppend(&hint, i == 0 ? " " : ", ", names[i]);
    }
    return Err(ErrorCode::kConfigUnknownName,
               absl::StrCat("the descriptor set has no message '", message, "'"),
               near.empty() ? hint : absl::StrCat("did you mean '", near, "'?"));
  }
  return std::make_unique<DescriptorType>(std::move(pool), type);
}

}  // namespace weir
