#include "engine/expr/program.h"

#include <algorithm>
#include <utility>

#include "engine/expr/ast.h"
#include "engine/expr/builder.h"
#include "engine/expr/checker.h"
#include "engine/expr/cost.h"
#include "engine/expr/node.h"
#include "engine/expr/parser.h"

namespace weir {

namespace expr {

namespace {

class Program final : public ExprProgram {
 public:
  Program(std::string text, std::optional<Type> type, int64_t cost, Built built)
      : text_(std::move(text)), type_(std::move(type)), cost_(cost), built_(std::move(built)) {}

  const std::string& text() const override { return text_; }
  std::optional<Type> type() const override { return type_; }
  int64_t cost() const override { return cost_; }
  const std::vector<EqualityConjunct>& conjuncts() const override { return built_.conjuncts; }
  const std::vector<int>& columns() const override { return built_.columns; }

  void Filter(const RecordBatch& batch, std::vector<uint32_t>* pass, std::vector<uint32_t>* failed,
              std::string* error) override {
    WEIR_CHECK(built_.root->kind() == Kind::kBool, "Filter needs a bool expression");
    const size_t rows = batch.rows();
    const Vec v = Run(batch, Selection::All(rows));
    // Written without a branch on the result, which the processor cannot guess.
    const size_t before = pass->size();
    pass->resize(before + rows);
    uint32_t* const out = pass->data() + before;
    size_t count = 0;
    for (uint32_t r = 0; r < rows; ++r) {
      const State state = v.StateAt(r);
      out[count] = r;
      count += state == kStateOk && v.ints[r & v.mask] != 0 ? 1 : 0;
      if (IsError(state)) Fail(r, ErrorMessage(state), failed, error);
    }
    pass->resize(before + count);
  }

  void Eval(const RecordBatch& batch, std::span<const uint32_t> rows,
            std::vector<EvalResult>* out) override {
    out->clear();
    out->reserve(rows.size());
    // Macros fill one slot per row, so in place a row may be evaluated only once.
    const bool ascending =
        std::adjacent_find(rows.begin(), rows.end(), std::greater_equal<>()) == rows.end();
    if (ascending && rows.size() * kSparse >= batch.rows()) {
      const Vec v = Run(batch, Selection::Of(rows));
      for (const uint32_t r : rows) out->push_back(ResultOf(v, r));
    } else {
      const Vec v = RunOnCopies(batch, rows);
      for (uint32_t i = 0; i < rows.size(); ++i) out->push_back(ResultOf(v, i));
    }
  }

  void EvalColumn(const RecordBatch& batch, Column* out, std::vector<uint32_t>* failed,
                  std::string* error) override {
    const Kind kind = built_.root->kind();
    WEIR_CHECK(type_ && out->kind() == type_->kind,
               "EvalColumn needs a column of the result's type");
    const Vec v = Run(batch, Selection::All(batch.rows()));
    const Field field{"", *type_, true};
    for (uint32_t r = 0; r < batch.rows(); ++r) {
      const State state = v.StateAt(r);
      if (IsError(state)) Fail(r, ErrorMessage(state), failed, error);
      if (state != kStateOk) {
        out->AppendNull();
      } else if (IsTyped(kind) && out->kind() != TypeKind::kJson) {
        AppendRow(kind, v, r, out);
      } else if (const Status status = AppendValue(BoxRow(kind, v, r), field, out); !status.ok()) {
        Fail(r, std::string(status.message()), failed, error);
        out->AppendNull();
      }
    }
  }

 private:
  // Fewer than one row in this many are copied together first. Arrays have one entry per row of
  // the batch, and thousands of rules that each look at one row must not each hold such arrays.
  static constexpr size_t kSparse = 4;

  const Vec& Start(size_t row_count, const Selection& rows) {
    ctx_.rows = std::max<size_t>(row_count, 1);
    ++ctx_.epoch;
    ctx_.scratch.arena.Rewind({0, 0});
    return built_.root->Eval(ctx_, rows);
  }

  const Vec& Run(const RecordBatch& batch, const Selection& rows) {
    ctx_.batch = &batch;
    ctx_.copies = nullptr;
    return Start(batch.rows(), rows);
  }

  const Vec& RunOnCopies(const RecordBatch& batch, std::span<const uint32_t> rows) {
    for (size_t i = 0; i < built_.columns.size(); ++i) {
      const Column& column = batch.column(built_.columns[i]);
      if (i == copies_.size()) copies_.emplace_back(column.type());
      copies_[i].Clear();
      copies_[i].Gather(column, rows);
    }
    ctx_.numbers = &built_.columns;
    ctx_.copies = &copies_;
    return Start(rows.size(), Selection::All(rows.size()));
  }

  EvalResult ResultOf(const Vec& v, uint32_t r) const {
    const State state = v.StateAt(r);
    if (IsError(state)) return {Value(), ErrorMessage(state)};
    return {BoxRow(built_.root->kind(), v, r), ""};
  }

  static void AppendRow(Kind kind, const Vec& v, uint32_t r, Column* out) {
    const uint32_t i = r & v.mask;
    switch (kind) {
      case Kind::kDouble:
        out->AppendDouble(v.doubles[i]);
        break;
      case Kind::kString:
      case Kind::kBytes:
        out->AppendString(v.text != nullptr ? v.text->String(r) : v.strings[i]);
        break;
      default:
        out->AppendInt(v.ints[i]);
        break;
    }
  }

  std::string ErrorMessage(State state) const {
    const Position p = built_.positions[static_cast<size_t>(NodeOf(state))];
    return std::to_string(p.line) + ":" + std::to_string(p.column) + ": " + ErrText(ErrOf(state));
  }

  static void Fail(uint32_t r, std::string message, std::vector<uint32_t>* failed,
                   std::string* error) {
    if (failed->empty()) *error = std::move(message);
    failed->push_back(r);
  }

  const std::string text_;
  const std::optional<Type> type_;
  const int64_t cost_;
  Built built_;
  Context ctx_;
  std::vector<Column> copies_;
};

Kind KindFromType(TypeKind kind) { return CelType::From(Type{kind, {}}, false).kind; }

// The type of a column that can hold the results, if there is one.
std::optional<Type> ToType(const CelType& type) {
  const auto child = [](const CelType& t) -> std::optional<Field> {
    std::optional<Type> inner = ToType(t);
    if (!inner) return std::nullopt;
    return Field{"", *std::move(inner), t.nullable};
  };
  switch (type.kind) {
    case Kind::kBool:
      return Type{TypeKind::kBool, {}};
    case Kind::kInt:
      return Type{TypeKind::kInt64, {}};
    case Kind::kDouble:
      return Type{TypeKind::kDouble, {}};
    case Kind::kString:
      return Type{TypeKind::kString, {}};
    case Kind::kBytes:
      return Type{TypeKind::kBytes, {}};
    case Kind::kTimestamp:
      return Type{TypeKind::kTimestamp, {}};
    case Kind::kList: {
      const std::optional<Field> item = child(type.params[0]);
      return item ? std::optional(Type::List(item->type, item->nullable)) : std::nullopt;
    }
    case Kind::kMap: {
      const std::optional<Field> key = child(type.params[0]);
      const std::optional<Field> value = child(type.params[1]);
      return key && value ? std::optional(Type::Map(key->type, value->type)) : std::nullopt;
    }
    case Kind::kStruct: {
      std::vector<Field> fields;
      for (size_t i = 0; i < type.params.size(); ++i) {
        std::optional<Field> field = child(type.params[i]);
        if (!field) return std::nullopt;
        field->name = type.names[i];
        fields.push_back(*std::move(field));
      }
      return Type::Struct(std::move(fields));
    }
    default:
      return std::nullopt;
  }
}

struct Compiled {
  std::vector<Diagnostic> errors;
  std::optional<Type> type;
  int64_t cost = 0;
  Built built;
};

// Null + no result type, an int where a string is wanted, ...
void CheckResult(const Expr& root, const ExprOptions& options, std::vector<Diagnostic>* errors) {
  if (!options.result || root.type.is_dyn()) return;
  const bool json = *options.result == TypeKind::kJson;
  if (json || root.type.kind == KindFromType(*options.result)) return;
  errors->push_back({ErrorCode::kExprType, root.position,
                     "the expression is of type '" + root.type.ToString() + "', but '" +
                         KindName(KindFromType(*options.result)) + "' is needed"});
}

void CheckCost(const Compiled& compiled, const ExprOptions& options,
               std::vector<Diagnostic>* errors) {
  if (compiled.cost <= options.max_cost) return;
  errors->push_back({ErrorCode::kExprCost,
                     {},
                     "estimated cost " + std::to_string(compiled.cost) + " is above the limit of " +
                         std::to_string(options.max_cost)});
}

Compiled Compile(std::string_view text, const Schema& schema, const ExprOptions& options) {
  Compiled out;
  auto parsed = Parse(text, {options.max_length, options.max_depth});
  if (const auto* error = std::get_if<Diagnostic>(&parsed)) {
    out.errors.push_back(*error);
    return out;
  }
  Expr& root = *std::get<ExprPtr>(parsed);
  CheckTypes(schema, &root, &out.errors);
  if (out.errors.empty()) CheckResult(root, options, &out.errors);
  if (out.errors.empty()) {
    // Before constants are folded: folding is evaluation, and must be bounded too.
    out.cost = EstimateCost(root);
    CheckCost(out, options, &out.errors);
  }
  if (out.errors.empty()) {
    std::optional<Kind> kind;
    const bool primitive = options.result && IsTyped(KindFromType(*options.result));
    if (primitive) kind = KindFromType(*options.result);
    out.built = Build(root, kind, &out.errors);
    const bool json = options.result == TypeKind::kJson;
    out.type = primitive || json ? Type{*options.result, {}} : ToType(root.type);
  }
  std::stable_sort(out.errors.begin(), out.errors.end(), [](const auto& a, const auto& b) {
    return std::pair(a.position.line, a.position.column) <
           std::pair(b.position.line, b.position.column);
  });
  return out;
}

}  // namespace

}  // namespace expr

StatusOr<std::unique_ptr<ExprProgram>> CompileExpr(std::string_view text, const Schema& schema,
                                                   const ExprOptions& options) {
  expr::Compiled compiled = expr::Compile(text, schema, options);
  if (!compiled.errors.empty()) {
    const expr::Diagnostic& first = compiled.errors.front();
    return Err(first.code, std::to_string(first.position.line) + ":" +
                               std::to_string(first.position.column) + ": " + first.message);
  }
  return std::make_unique<expr::Program>(std::string(text), std::move(compiled.type), compiled.cost,
                                         std::move(compiled.built));
}

std::vector<ExprError> CheckExpr(std::string_view text, const Schema& schema,
                                 const ExprOptions& options) {
  std::vector<ExprError> out;
  for (expr::Diagnostic& error : expr::Compile(text, schema, options).errors) {
    out.push_back({error.position.line, error.position.column, std::move(error.message)});
  }
  return out;
}

}  // namespace weir
