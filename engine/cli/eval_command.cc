// `weir eval`: one expression over the lines of a file, one JSON value or error a line.
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "connectors/format/json_decoder.h"
#include "engine/cli/commands.h"
#include "engine/expr/program.h"
#include "engine/yaml/diagnostics.h"
#include "engine/yaml/yaml.h"

namespace weir {
namespace {

StatusOr<SchemaPtr> ReadSchema(const std::string& file, const Env& env) {
  WEIR_ASSIGN_OR_RETURN(const std::string text, env.fs->ReadFile(file));
  Diagnostics diagnostics(file, text);
  YamlNode root;
  if (!ParseYaml(text, &diagnostics, &root)) return diagnostics.ToStatus();
  // Both `{ a: int64 }` and a topology's `schema: { a: int64 }` are fine.
  const YamlNode* fields = root.Find("schema") != nullptr ? root.Find("schema") : &root;
  if (!fields->IsMapping()) {
    return Err(ErrorCode::kConfigWrongType,
               absl::StrCat(file, ": expected a table of fields, found ", fields->Describe()));
  }
  std::vector<Field> schema;
  for (const YamlNode& child : fields->children) {
    auto field = ParseFieldType(child.key, child.text);
    if (!field.ok()) return Annotate(field.status(), absl::StrCat(file, ":", child.mark.line));
    schema.push_back(std::move(*field));
  }
  return MakeSchema(std::move(schema));
}

std::string ErrorJson(std::string_view text) {
  std::string out = "{\"error\":";
  AppendJsonString(text, &out);
  return out + "}";
}

Status Evaluate(const EvalArgs& args, const Env& env) {
  WEIR_ASSIGN_OR_RETURN(const SchemaPtr schema, ReadSchema(args.schema, env));
  WEIR_ASSIGN_OR_RETURN(auto program, CompileExpr(args.expr, *schema));
  WEIR_ASSIGN_OR_RETURN(const std::string events, env.fs->ReadFile(args.events));
  JsonDecoder decoder(schema);
  const std::vector<uint32_t> first = {0};
  std::vector<EvalResult> results;
  std::vector<std::string> lines = absl::StrSplit(events, '\n');
  if (lines.back().empty()) lines.pop_back();
  for (const std::string& line : lines) {
    RecordBatch batch(schema);
    const Status decoded = decoder.Decode(line, &batch);
    if (!decoded.ok()) {
      std::cout << ErrorJson(FormatError(decoded)) << "\n";
      continue;
    }
    batch.AppendMeta(kNoTimestamp, Origin{}, 0);
    results.clear();
    program->Eval(batch, first, &results);
    std::cout << (results[0].error.empty() ? results[0].value.ToJson()
                                           : ErrorJson(results[0].error))
              << "\n";
  }
  return absl::OkStatus();
}

}  // namespace

int EvalCommand(const EvalArgs& args, const Env& env) {
  const Status status = Evaluate(args, env);
  if (status.ok()) return kExitOk;
  std::cerr << "weir: " << FormatError(status) << "\n";
  return ErrorNumber(status) / 1000 == 6 || ErrorNumber(status) / 1000 == 1 ? kExitConfig
                                                                            : kExitFailed;
}

}  // namespace weir
