#include "engine/expr/parser.h"

#include <algorithm>
#include <array>
#include <optional>

#include "engine/expr/lexer.h"
#include "engine/expr/macros.h"

namespace weir::expr {

namespace {

// Every later pass recurses over the tree, so a caller cannot raise the bound beyond what the stack
// of a small thread holds.
constexpr int kMaxDepth = 250;

constexpr std::string_view kReserved[] = {
    "as",  "break",  "const", "continue", "else",    "for",       "function",
    "if",  "import", "let",   "loop",     "package", "namespace", "return",
    "var", "void",   "while", "in",       "true",    "false",     "null"};

bool Contains(std::span<const std::string_view> list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// A null ExprPtr anywhere means that error_ is set; callers only pass it on.
class Parser {
 public:
  Parser(std::vector<Token> tokens, int max_depth)
      : tokens_(std::move(tokens)), max_depth_(std::clamp(max_depth, 1, kMaxDepth)) {}

  std::variant<ExprPtr, Diagnostic> Run() {
    ExprPtr out = Expression();
    if (out != nullptr && Peek().type != TokenType::kEnd) out = Unexpected("an operator");
    if (out == nullptr) return *error_;
    return out;
  }

 private:
  const Token& Peek(size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  bool IsSymbol(std::string_view symbol) const {
    return Peek().type == TokenType::kSymbol && Peek().text == symbol;
  }
  bool IsIn() const { return Peek().type == TokenType::kName && Peek().text == "in"; }
  bool Accept(std::string_view symbol) {
    if (!IsSymbol(symbol)) return false;
    ++at_;
    return true;
  }

  std::nullptr_t Fail(Position position, std::string message) {
    if (!error_) error_ = Diagnostic{ErrorCode::kExprSyntax, position, std::move(message)};
    return nullptr;
  }
  std::nullptr_t Unexpected(const std::string& wanted) {
    const Token& token = Peek();
    const std::string what = token.type == TokenType::kEnd
                                 ? "end of expression"
                                 : "'" + std::string(token.text.substr(0, 40)) + "'";
    return Fail(token.position, "unexpected " + what + ", expected " + wanted);
  }
  std::nullptr_t TooDeep(Position position) {
    return Fail(position, "nested more than " + std::to_string(max_depth_) + " levels deep");
  }

  // Checks the depth of a finished node.
  ExprPtr Done(ExprPtr e) {
    for (const ExprPtr& arg : e->args) e->depth = std::max(e->depth, arg->depth + 1);
    return e->depth > max_depth_ ? TooDeep(e->position) : std::move(e);
  }
  ExprPtr Call(Position position, std::string_view name, ExprPtr a, ExprPtr b = nullptr,
               ExprPtr c = nullptr) {
    auto e = std::make_unique<Expr>(NodeType::kCall, position);
    e->name = name;
    e->args.push_back(std::move(a));
    if (b != nullptr) e->args.push_back(std::move(b));
    if (c != nullptr) e->args.push_back(std::move(c));
    return Done(std::move(e));
  }

  ExprPtr Expression() {
    // Parentheses nest without making nodes, so they are counted here.
    if (nesting_ >= max_depth_) return TooDeep(Peek().position);
    ++nesting_;
    ExprPtr e = Conditional();
    --nesting_;
    return e;
  }

  ExprPtr Conditional() {
    ExprPtr condition = Chain("||", "_||_", &Parser::And);
    if (condition == nullptr || !IsSymbol("?")) return condition;
    const Position position = Peek().position;
    ++at_;
    ExprPtr yes = Chain("||", "_||_", &Parser::And);
    if (yes == nullptr) return nullptr;
    if (!Accept(":")) return Unexpected("':'");
    ExprPtr no = Expression();
    if (no == nullptr) return nullptr;
    return Call(position, "_?_:_", std::move(condition), std::move(yes), std::move(no));
  }

  ExprPtr And() { return Chain("&&", "_&&_", &Parser::Relation); }

  ExprPtr Chain(std::string_view symbol, const char* name, ExprPtr (Parser::*operand)()) {
    ExprPtr first = (this->*operand)();
    if (first == nullptr || !IsSymbol(symbol)) return first;
    auto chain = std::make_unique<Expr>(NodeType::kCall, Peek().position);
    chain->name = name;
    chain->args.push_back(std::move(first));
    while (IsSymbol(symbol)) {
      chain->operators.push_back(Peek().position);
      ++at_;
      ExprPtr next = (this->*operand)();
      if (next == nullptr) return nullptr;
      chain->args.push_back(std::move(next));
    }
    return Done(std::move(chain));
  }

  ExprPtr Relation() {
    static constexpr std::string_view kSymbols[] = {"==", "!=", "<=", ">=", "<", ">"};
    ExprPtr left = Sum();
    while (left != nullptr && (IsIn() || AtSymbol(kSymbols))) {
      const Token& op = Peek();
      const std::string name = IsIn() ? "@in" : "_" + std::string(op.text) + "_";
      ++at_;
      ExprPtr right = Sum();
      if (right == nullptr) return nullptr;
      left = Call(op.position, name, std::move(left), std::move(right));
    }
    return left;
  }

  bool AtSymbol(std::span<const std::string_view> symbols) const {
    return Peek().type == TokenType::kSymbol && Contains(symbols, Peek().text);
  }

  ExprPtr Sum() {
    static constexpr std::string_view kSymbols[] = {"+", "-"};
    return LeftAssociative(kSymbols, &Parser::Product);
  }
  ExprPtr Product() {
    static constexpr std::string_view kSymbols[] = {"*", "/", "%"};
    return LeftAssociative(kSymbols, &Parser::Unary);
  }
  ExprPtr LeftAssociative(std::span<const std::string_view> symbols, ExprPtr (Parser::*operand)()) {
    ExprPtr left = (this->*operand)();
    while (left != nullptr && AtSymbol(symbols)) {
      const Token& op = Peek();
      ++at_;
      ExprPtr right = (this->*operand)();
      if (right == nullptr) return nullptr;
      const std::string name = "_" + std::string(op.text) + "_";
      left = Call(op.position, name, std::move(left), std::move(right));
    }
    return left;
  }

  ExprPtr Unary() {
    // Collected in a loop: a row of '!' must not recurse before its depth is known.
    std::vector<const Token*> operators;
    while (IsSymbol("!") || IsSymbol("-")) {
      if (IsSymbol("-") && IsNumber(Peek(1))) break;
      operators.push_back(&Peek());
      ++at_;
    }
    ExprPtr e = Postfix();
    for (; e != nullptr && !operators.empty(); operators.pop_back()) {
      const Token& op = *operators.back();
      e = Call(op.position, op.text == "!" ? "!_" : "-_", std::move(e));
    }
    return e;
  }

  static bool IsNumber(const Token& t) {
    return t.type == TokenType::kInt ||
           (t.type == TokenType::kLiteral && t.value.kind() == Value::Kind::kDouble);
  }

  ExprPtr Postfix() {
    ExprPtr e = Primary();
    while (e != nullptr) {
      if (IsSymbol(".")) {
        ++at_;
        e = Member(std::move(e));
      } else if (IsSymbol("[")) {
        const Position position = Peek().position;
        ++at_;
        ExprPtr index = Expression();
        if (index == nullptr) return nullptr;
        if (!Accept("]")) return Unexpected("']'");
        e = Call(position, "_[_]", std::move(e), std::move(index));
      } else {
        break;
      }
    }
    return e;
  }

  // After the dot of `target.name` or `target.name(...)`.
  ExprPtr Member(ExprPtr target) {
    static constexpr std::string_view kNever[] = {"in", "true", "false", "null"};
    const Token& name = Peek();
    if (name.type != TokenType::kName || Contains(kNever, name.text)) {
      return Unexpected("a field or function name");
    }
    ++at_;
    if (!IsSymbol("(")) {
      auto e = std::make_unique<Expr>(NodeType::kSelect, name.position);
      e->name = name.text;
      e->args.push_back(std::move(target));
      return Done(std::move(e));
    }
    auto e = std::make_unique<Expr>(NodeType::kCall, name.position);
    e->name = name.text;
    e->member = true;
    e->args.push_back(std::move(target));
    if (!Items("(", ")", &e->args)) return nullptr;
    std::optional<Diagnostic> error = RecogniseMacro(e.get());
    return Recognised(std::move(e), std::move(error));
  }

  ExprPtr Primary() {
    const Token& token = Peek();
    switch (token.type) {
      case TokenType::kInt:
      case TokenType::kLiteral:
        return Literal();
      case TokenType::kName:
        return Name();
      case TokenType::kEnd:
        return Unexpected("an expression");
      case TokenType::kSymbol:
        break;
    }
    if (token.text == "-" && IsNumber(Peek(1))) return Literal();
    if (token.text == "[") return ListLiteral();
    if (token.text == "{") return MapLiteral();
    if (token.text == "." && Peek(1).type == TokenType::kName) {
      ++at_;  // ".name" is the name in the root scope, which is the only one here
      return Name();
    }
    if (!Accept("(")) return Unexpected("an expression");
    ExprPtr e = Expression();
    if (e == nullptr) return nullptr;
    if (!Accept(")")) return Unexpected("')'");
    return e;
  }

  ExprPtr Literal() {
    auto e = std::make_unique<Expr>(NodeType::kLiteral, Peek().position);
    const bool negative = Accept("-");
    const Token& token = Peek();
    ++at_;
    if (token.type == TokenType::kLiteral) {
      e->literal = negative ? Value::Double(-token.value.double_value()) : token.value;
      return e;
    }
    const uint64_t limit = uint64_t{INT64_MAX} + (negative ? 1 : 0);
    if (token.magnitude > limit) return Fail(e->position, "integer out of range");
    e->literal = Value::Int(
        static_cast<int64_t>(negative ? uint64_t{0} - token.magnitude : token.magnitude));
    return e;
  }

  ExprPtr Name() {
    const Token& token = Peek();
    const bool truth = token.text == "true";
    if (truth || token.text == "false" || token.text == "null") {
      ++at_;
      auto e = std::make_unique<Expr>(NodeType::kLiteral, token.position);
      if (token.text != "null") e->literal = Value::Bool(truth);
      return e;
    }
    if (token.text == "in") return Unexpected("an expression");
    if (Contains(kReserved, token.text)) {
      return Fail(token.position, "'" + std::string(token.text) + "' is a reserved word");
    }
    ++at_;
    if (IsSymbol("{")) {
      return Fail(Peek().position,
                  "construction of messages is not supported; maps are "
                  "written {'name': value}");
    }
    const bool call = IsSymbol("(");
    auto e = std::make_unique<Expr>(call ? NodeType::kCall : NodeType::kIdent, token.position);
    e->name = token.text;
    if (!call) return e;
    if (!Items("(", ")", &e->args)) return nullptr;
    std::optional<Diagnostic> error = RecogniseHas(&e);
    return Recognised(std::move(e), std::move(error));
  }

  // "open item, item, ... close" with an optional trailing comma in literals only.
  bool Items(std::string_view open, std::string_view close, std::vector<ExprPtr>* out) {
    Accept(open);
    if (Accept(close)) return true;
    while (true) {
      ExprPtr item = Expression();
      if (item == nullptr) return false;
      out->push_back(std::move(item));
      const bool comma = Accept(",");
      if ((!comma || close == "]") && Accept(close)) return true;
      if (!comma) {
        Unexpected("',' or '" + std::string(close) + "'");
        return false;
      }
    }
  }

  ExprPtr ListLiteral() {
    auto e = std::make_unique<Expr>(NodeType::kList, Peek().position);
    if (!Items("[", "]", &e->args)) return nullptr;
    return Done(std::move(e));
  }

  ExprPtr MapLiteral() {
    auto e = std::make_unique<Expr>(NodeType::kMap, Peek().position);
    Accept("{");
    while (!Accept("}")) {
      ExprPtr key = Expression();
      if (key == nullptr) return nullptr;
      if (!Accept(":")) return Unexpected("':'");
      ExprPtr value = Expression();
      if (value == nullptr) return nullptr;
      e->args.push_back(std::move(key));
      e->args.push_back(std::move(value));
      if (!Accept(",") && !IsSymbol("}")) return Unexpected("',' or '}'");
    }
    return Done(std::move(e));
  }

  // A macro's finished node, or null with the error that its recognition gave.
  ExprPtr Recognised(ExprPtr e, std::optional<Diagnostic> error) {
    return error ? Fail(error->position, std::move(error->message)) : Done(std::move(e));
  }

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int nesting_ = 0;
  const int max_depth_;
  std::optional<Diagnostic> error_;
};

}  // namespace

std::variant<ExprPtr, Diagnostic> Parse(std::string_view text, const ParseLimits& limits) {
  if (text.size() > limits.max_length) {
    return Diagnostic{ErrorCode::kExprSyntax,
                      {},
                      "expression of " + std::to_string(text.size()) + " bytes, at most " +
                          std::to_string(limits.max_length) + " are allowed"};
  }
  std::vector<Token> tokens;
  if (std::optional<Diagnostic> error = Tokenize(text, &tokens)) return *std::move(error);
  return Parser(std::move(tokens), limits.max_depth).Run();
}

}  // namespace weir::expr
