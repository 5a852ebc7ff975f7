#include "engine/expr/lexer.h"

#include <charconv>

#include "absl/strings/charconv.h"
#include "engine/expr/text.h"

namespace weir::expr {

namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool IsNameStart(char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsNameChar(char c) { return IsNameStart(c) || IsDigit(c); }
bool IsQuote(char c) { return c == '\'' || c == '"'; }

class Lexer {
 public:
  Lexer(std::string_view text, std::vector<Token>* tokens) : text_(text), tokens_(tokens) {}

  std::optional<Diagnostic> Run() {
    while (true) {
      SkipBlanks();
      start_ = at_;
      position_ = {line_, static_cast<int>(column_)};
      if (at_ == text_.size()) break;
      std::string error = Next();
      if (!error.empty()) return Diagnostic{ErrorCode::kExprSyntax, position_, std::move(error)};
      AdvanceColumn();
    }
    Add(TokenType::kEnd);
    return std::nullopt;
  }

 private:
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  std::string_view TokenText() const { return text_.substr(start_, at_ - start_); }

  // Moves line_ and column_ over the token that was just read.
  void AdvanceColumn() {
    for (const char c : TokenText()) {
      if (c == '\n') {
        ++line_;
        column_ = 1;
      } else if (IsUtf8Start(c)) {
        ++column_;
      }
    }
  }

  void SkipBlanks() {
    while (at_ < text_.size()) {
      start_ = at_;
      const char c = text_[at_];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
        ++at_;
      } else if (c == '/' && Peek(1) == '/') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else {
        return;
      }
      AdvanceColumn();
    }
  }

  Token& Add(TokenType type) {
    Token& token = tokens_->emplace_back();
    token.type = type;
    token.position = position_;
    token.text = TokenText();
    return token;
  }

  std::string Next() {
    const char c = Peek();
    if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) return Number();
    if (IsQuote(c)) return String(0);
    if (IsNameStart(c)) {
      const size_t prefix = StringPrefix();
      if (prefix > 0) return String(prefix);
      while (IsNameChar(Peek())) ++at_;
      Add(TokenType::kName);
      return "";
    }
    return Symbol();
  }

  // Length of r, b or br before a quote, or 0.
  size_t StringPrefix() const {
    size_t n = 0;
    if ((Peek(n) | 0x20) == 'b') ++n;
    if ((Peek(n) | 0x20) == 'r') ++n;
    return n > 0 && IsQuote(Peek(n)) ? n : 0;
  }

  std::string Symbol() {
    static constexpr std::string_view kTwo[] = {"==", "!=", "<=", ">=", "&&", "||"};
    for (const std::string_view symbol : kTwo) {
      if (text_.substr(at_, 2) != symbol) continue;
      at_ += 2;
      Add(TokenType::kSymbol);
      return "";
    }
    if (std::string_view("<>+-*/%!?:.,()[]{}").find(Peek()) == std::string_view::npos) {
      return UnknownCharacter();
    }
    ++at_;
    Add(TokenType::kSymbol);
    return "";
  }

  std::string UnknownCharacter() {
    const char c = Peek();
    if (c == '=') return "unexpected '='; equality is written '=='";
    if (c == '&' || c == '|') return std::string("unexpected '") + c + "'; write '" + c + c + "'";
    do ++at_;
    while (at_ < text_.size() && !IsUtf8Start(text_[at_]));
    return "unexpected character '" + std::string(TokenText()) + "'";
  }

  std::string String(size_t prefix) {
    bool raw = false;
    for (size_t i = 0; i < prefix; ++i) raw = raw || (Peek(i) | 0x20) == 'r';
    at_ += prefix;
    const char quote = Peek();
    const bool triple = Peek(1) == quote && Peek(2) == quote;
    const std::string end(triple ? 3 : 1, quote);
    at_ += end.size();
    while (text_.substr(at_, end.size()) != end) {
      if (at_ >= text_.size()) return "string is not closed";
      if (!triple && (Peek() == '\n' || Peek() == '\r')) {
        return "string is not closed at the end of its line";
      }
      at_ += Peek() == '\\' && !raw && at_ + 1 < text_.size() ? 2 : 1;
    }
    at_ += end.size();
    Value value;
    std::string error = DecodeString(TokenText(), &value);
    if (error.empty()) Add(TokenType::kLiteral).value = std::move(value);
    return error;
  }

  std::string Number() {
    const bool hex = Peek() == '0' && (Peek(1) | 0x20) == 'x';
    bool is_double = false;
    if (hex) {
      at_ += 2;
      while (IsHex(Peek())) ++at_;
    } else {
      is_double = Decimal();
    }
    const std::string_view digits = TokenText().substr(hex ? 2 : 0);
    const bool is_uint = !is_double && (Peek() | 0x20) == 'u';
    if (is_uint) ++at_;
    if (IsNameChar(Peek())) {
      while (IsNameChar(Peek())) ++at_;
      return "malformed number '" + std::string(TokenText()) + "'";
    }
    return is_double ? DoubleLiteral(digits) : IntLiteral(digits, hex ? 16 : 10, is_uint);
  }

  // Moves over digits, fraction and exponent; true if the number is a double.
  bool Decimal() {
    bool is_double = false;
    while (IsDigit(Peek())) ++at_;
    if (Peek() == '.' && IsDigit(Peek(1))) {
      is_double = true;
      ++at_;
      while (IsDigit(Peek())) ++at_;
    }
    const size_t sign = Peek(1) == '+' || Peek(1) == '-' ? 1 : 0;
    if ((Peek() | 0x20) == 'e' && IsDigit(Peek(1 + sign))) {
      is_double = true;
      at_ += 1 + sign;
      while (IsDigit(Peek())) ++at_;
    }
    return is_double;
  }

  std::string DoubleLiteral(std::string_view digits) {
    // Too small a number reads as zero, as in IEEE arithmetic; too large a one has no value.
    double v = 0;
    const auto result = absl::from_chars(digits.data(), digits.data() + digits.size(), v);
    if (result.ec == std::errc::result_out_of_range && v > 1) return "double out of range";
    Add(TokenType::kLiteral).value = Value::Double(v);
    return "";
  }

  std::string IntLiteral(std::string_view digits, int base, bool is_uint) {
    uint64_t v = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), v, base);
    if (result.ec == std::errc::invalid_argument) return "malformed number";
    if (result.ec != std::errc()) return "integer out of range";
    Token& token = Add(is_uint ? TokenType::kLiteral : TokenType::kInt);
    token.magnitude = v;
    if (is_uint) token.value = Value::Uint(v);
    return "";
  }

  std::string_view text_;
  std::vector<Token>* tokens_;
  size_t at_ = 0, start_ = 0;
  int line_ = 1;
  size_t column_ = 1;
  Position position_;
};

}  // namespace

std::optional<Diagnostic> Tokenize(std::string_view text, std::vector<Token>* tokens) {
  if (!IsValidUtf8(text)) {
    return Diagnostic{ErrorCode::kExprSyntax, {}, "the text is not valid UTF-8"};
  }
  return Lexer(text, tokens).Run();
}

}  // namespace weir::expr
