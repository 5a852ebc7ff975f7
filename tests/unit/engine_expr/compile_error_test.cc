// What a wrong expression is answered with, to the letter.
#include <gtest/gtest.h>

#include "tests/unit/engine_expr/test_support.h"

namespace weir::testing {

namespace {

struct Wrong {
  const char* expression;
  int number;
  const char* message;
};

constexpr Wrong kWrong[] = {
    // Syntax.
    {"", 6001, "1:1: unexpected end of expression, expected an expression"},
    {"i +", 6001, "1:4: unexpected end of expression, expected an expression"},
    {"i i", 6001, "1:3: unexpected 'i', expected an operator"},
    {"(i", 6001, "1:3: unexpected end of expression, expected ')'"},
    {"i)", 6001, "1:2: unexpected ')', expected an operator"},
    {"[1, 2", 6001, "1:6: unexpected end of expression, expected ',' or ']'"},
    {"[,]", 6001, "1:2: unexpected ',', expected an expression"},
    {"{'a' 1}", 6001, "1:6: unexpected '1', expected ':'"},
    {"{'a': 1 'b': 2}", 6001, "1:9: unexpected ''b'', expected ',' or '}'"},
    {"size(s,)", 6001, "1:8: unexpected ')', expected an expression"},
    {"b ? 1", 6001, "1:6: unexpected end of expression, expected ':'"},
    {"i = 5", 6001, "1:3: unexpected '='; equality is written '=='"},
    {"b & b", 6001, "1:3: unexpected '&'; write '&&'"},
    {"b | b", 6001, "1:3: unexpected '|'; write '||'"},
    {"i # 5", 6001, "1:3: unexpected character '#'"},
    {"i \u00a7 5", 6001, "1:3: unexpected character '\u00a7'"},
    {"'abc", 6001, "1:1: string is not closed"},
    {"s == 'a\nb'", 6001, "1:6: string is not closed at the end of its line"},
    {"'''abc'", 6001, "1:1: string is not closed"},
    {"'\\q'", 6001, "1:1: unknown escape '\\q'"},
    {"'\\x4'", 6001, "1:1: escape needs 2 hexadecimal digits"},
    {"'\\ud800'", 6001, "1:1: escape is not a code point"},
    {"'\\U00110000'", 6001, "1:1: escape is not a code point"},
    {"b'\\u0041'", 6001, "1:1: escape '\\u' is not allowed in bytes"},
    {"'\\09'", 6001, "1:1: escape needs 3 octal digits"},
    {"9223372036854775808", 6001, "1:1: integer out of range"},
    {"-9223372036854775809", 6001, "1:1: integer out of range"},
    {"18446744073709551616u", 6001, "1:1: integer out of range"},
    {"1e999", 6001, "1:1: double out of range"},
    {"12abc", 6001, "1:1: malformed number '12abc'"},
    {"0x", 6001, "1:1: malformed number"},
    {"s.in", 6001, "1:3: unexpected 'in', expected a field or function name"},
    {"i in", 6001, "1:5: unexpected end of expression, expected an expression"},
    {"if", 6001, "1:1: 'if' is a reserved word"},
    {"while + 1", 6001, "1:1: 'while' is a reserved word"},
    {"Foo{a: 1}", 6001,
     "1:4: construction of messages is not supported; maps are written {'name': value}"},
    {"has(i)", 6001,
     "1:1: has() takes one field selection, as in has(a.b); a nullable field is tested with "
     "'a != null'"},
    {"has(x.a, 1)", 6001,
     "1:1: has() takes one field selection, as in has(a.b); a nullable field is tested with "
     "'a != null'"},
    {"li.exists(v)", 6001, "1:4: exists() takes a variable name and one expression"},
    {"li.map(v, 1, 2, 3)", 6001, "1:4: map() takes a variable name and one or two expressions"},
    {"li.all(v.a, true)", 6001, "1:10: all() needs a plain name as its first argument"},
    {"i\xff", 6001, "1:1: the text is not valid UTF-8"},
    {"i ==\n  ==", 6001, "2:3: unexpected '==', expected an expression"},
    {"s == '\u00e9' 1", 6001, "1:10: unexpected '1', expected an operator"},
    // Names.
    {"knd", 6003, "1:1: undeclared reference to 'knd'"},
    {"snn == 'a'", 6003, "1:1: undeclared reference to 'snn' (did you mean 'sn'?)"},
    {"i == 1 && zzzzzz > 1", 6003, "1:11: undeclared reference to 'zzzzzz'"},
    {"s.strtsWith('a')", 6003,
     "1:3: undeclared reference to function 'strtsWith' (did you mean 'startsWith'?)"},
    {"sise(s)", 6003, "1:1: undeclared reference to function 'sise' (did you mean 'size'?)"},
    {"s.size().foo(1)", 6003, "1:10: undeclared reference to function 'foo'"},
    {"st.aa", 6003, "1:4: undefined field 'aa' (did you mean 'a'?)"},
    {"st.innr.c", 6003, "1:4: undefined field 'innr' (did you mean 'inner'?)"},
    {"li.map(value, valu + 1)", 6003,
     "1:15: undeclared reference to 'valu' (did you mean 'value'?)"},
    {"li.map(v, v)[0] + v", 6003, "1:19: undeclared reference to 'v'"},
    // Types.
    {"s >= 5", 6002, "1:3: found no matching overload for '_>=_' applied to '(string, int)'"},
    {"s == 5", 6002, "1:3: found no matching overload for '_==_' applied to '(string, int)'"},
    {"d == 1", 6002, "1:3: found no matching overload for '_==_' applied to '(double, int)'"},
    {"i == null", 6002, "1:3: found no matching overload for '_==_' applied to '(int, null)'"},
    {"i + d", 6002, "1:3: found no matching overload for '_+_' applied to '(int, double)'"},
    {"j + s", 6002, "1:3: found no matching overload for '_+_' applied to '(int?, string)'"},
    {"i + 1u", 6002, "1:3: found no matching overload for '_+_' applied to '(int, uint)'"},
    {"null + 1", 6002, "1:6: found no matching overload for '_+_' applied to '(null, int)'"},
    {"1.5 % 2.0", 6002, "1:5: found no matching overload for '_%_' applied to '(double, double)'"},
    {"t + t", 6002,
     "1:3: found no matching overload for '_+_' applied to '(timestamp, timestamp)'"},
    {"t - 5", 6002, "1:3: found no matching overload for '_-_' applied to '(timestamp, int)'"},
    {"t < 5", 6002, "1:3: found no matching overload for '_<_' applied to '(timestamp, int)'"},
    {"li < li", 6002,
     "1:4: found no matching overload for '_<_' applied to '(list(int), list(int))'"},
    {"!i", 6002, "1:1: found no matching overload for '!_' applied to '(int)'"},
    {"-s", 6002, "1:1: found no matching overload for '-_' applied to '(string)'"},
    {"i && b", 6002, "1:3: found no matching overload for '_&&_' applied to '(int, bool)'"},
    {"b && b && s", 6002, "1:8: found no matching overload for '_&&_' applied to '(bool, string)'"},
    {"b || 1", 6002, "1:3: found no matching overload for '_||_' applied to '(bool, int)'"},
    {"i ? 1 : 2", 6002, "1:3: found no matching overload for '_?_:_' applied to '(int, int, int)'"},
    {"b ? 1 : 'a'", 6002,
     "1:3: found no matching overload for '_?_:_' applied to '(bool, int, string)'"},
    {"i in ['a']", 6002,
     "1:3: found no matching overload for '@in' applied to '(int, list(string))'"},
    {"i in s", 6002, "1:3: found no matching overload for '@in' applied to '(int, string)'"},
    {"1 in m", 6002,
     "1:3: found no matching overload for '@in' applied to '(int, map(string, int))'"},
    {"li['a']", 6002,
     "1:3: found no matching overload for '_[_]' applied to '(list(int), string)'"},
    {"li[1u]", 6002, "1:3: found no matching overload for '_[_]' applied to '(list(int), uint)'"},
    {"m[1]", 6002,
     "1:2: found no matching overload for '_[_]' applied to '(map(string, int), int)'"},
    {"s[0]", 6002, "1:2: found no matching overload for '_[_]' applied to '(string, int)'"},
    {"li + ['a']", 6002,
     "1:4: found no matching overload for '_+_' applied to '(list(int), list(string))'"},
    {"1.e", 6002, "1:3: type 'int' does not support field selection"},
    {"s.a", 6002, "1:3: type 'string' does not support field selection"},
    {"has(i.a)", 6002, "1:7: type 'int' does not support field selection"},
    {"{1: 2}.a", 6002, "1:8: type 'map(int, int)' does not support field selection"},
    {"{1.5: 1}", 6002, "1:2: type 'double' cannot be a map key"},
    {"size(i)", 6002, "1:1: found no matching overload for 'size' applied to '(int)'"},
    {"size()", 6002, "1:1: found no matching overload for 'size' applied to '()'"},
    {"size(s, s)", 6002,
     "1:1: found no matching overload for 'size' applied to '(string, string)'"},
    {"startsWith(s, 'a')", 6002,
     "1:1: found no matching overload for 'startsWith' applied to '(string, string)'"},
    {"s.startsWith(1)", 6002,
     "1:3: found no matching overload for 'startsWith' applied to 'string.(int)'"},
    {"i.int()", 6002, "1:3: found no matching overload for 'int' applied to 'int.()'"},
    {"int(li)", 6002, "1:1: found no matching overload for 'int' applied to '(list(int))'"},
    {"bool(1)", 6002, "1:1: found no matching overload for 'bool' applied to '(int)'"},
    {"t.getHours(2)", 6002,
     "1:3: found no matching overload for 'getHours' applied to 'timestamp.(int)'"},
    {"t.getHours('Europe/Paris')", 6002,
     "1:12: time zone 'Europe/Paris' is not UTC or a fixed offset such as '+02:00'"},
    {"s.matches('(')", 6002, "1:11: invalid regular expression: missing ): ("},
    {"s.matches('a' + '[')", 6002, "1:15: invalid regular expression: missing ]: ["},
    {"li.join()", 6002, "1:4: found no matching overload for 'join' applied to 'list(int).()'"},
    {"i.exists(v, true)", 6002, "1:1: exists() needs a list or a map, not 'int'"},
    {"li.filter(v, v + 1)", 6002, "1:16: the condition of filter() must be bool, not 'int'"},
    {"li.exists(v, v == 'a')", 6002,
     "1:16: found no matching overload for '_==_' applied to '(int, string)'"},
    {"ls.map(v, v + 1)", 6002,
     "1:13: found no matching overload for '_+_' applied to '(string?, int)'"},
    {"st + 1", 6002,
     "1:4: found no matching overload for '_+_' applied to '(struct{a: int, b: string?, inner: "
     "struct{c: int}?}, int)'"},
    {"b &&\n  s > 1", 6002, "2:5: found no matching overload for '_>_' applied to '(string, int)'"},
    // Cost.
    {"li.exists(a, li.exists(c, li.exists(e, a == c && c == e)))", 6004,
     "1:1: estimated cost 9030301 is above the limit of 100000"},
};

TEST(CompileErrors, Table) {
  for (const Wrong& wrong : kWrong) {
    const auto program = CompileExpr(wrong.expression, *AllTypes());
    ASSERT_FALSE(program.ok()) << wrong.expression;
    EXPECT_EQ(std::string(ToStd(program.status().message())), wrong.message) << wrong.expression;
    EXPECT_EQ(ErrorNumber(program.status()), wrong.number) << wrong.expression;
  }
}

TEST(CompileErrors, AllAtOnceInOrderOfPosition) {
  const auto errors = CheckExpr("knd == 1 &&\n s > 5 || foo(i) && !j", *AllTypes());
  ASSERT_EQ(errors.size(), 4u);
  EXPECT_EQ(errors[0].line, 1);
  EXPECT_EQ(errors[0].column, 1);
  EXPECT_EQ(errors[0].message, "undeclared reference to 'knd'");
  EXPECT_EQ(errors[1].line, 2);
  EXPECT_EQ(errors[1].column, 4);
  EXPECT_EQ(errors[2].column, 11);
  EXPECT_EQ(errors[3].column, 21);
  EXPECT_EQ(errors[3].message, "found no matching overload for '!_' applied to '(int?)'");
  EXPECT_TRUE(CheckExpr("i == 1", *AllTypes()).empty());
}

TEST(CompileErrors, ResultType) {
  ExprOptions options;
  options.result = TypeKind::kBool;
  EXPECT_TRUE(CompileExpr("i == 1", *AllTypes(), options).ok());
  EXPECT_TRUE(CompileExpr("bn", *AllTypes(), options).ok());
  EXPECT_TRUE(CompileExpr("x.a", *AllTypes(), options).ok()) << "json: checked at run time";
  const auto program = CompileExpr("i + 1", *AllTypes(), options);
  EXPECT_EQ(program.status().message(),
            "1:3: the expression is of type 'int', but 'bool' is needed");
}

TEST(CompileErrors, Bounds) {
  const auto nested = [](int n, const char* open, const char* middle, const char* close) {
    std::string text;
    for (int i = 0; i < n; ++i) text += open;
    text += middle;
    for (int i = 0; i < n; ++i) text += close;
    return text;
  };
  for (const auto& [open, middle, close] : {std::tuple{"(", "i", ")"},
                                            {"[", "", "]"},
                                            {"!", "b", ""},
                                            {"-", "i", ""},
                                            {"", "i", "+1"},
                                            {"", "x", ".a"},
                                            {"", "x", "[0]"},
                                            {"b ? 1 : ", "2", ""},
                                            {"{'a': ", "1", "}"}}) {
    EXPECT_TRUE(CompileExpr(nested(40, open, middle, close), *AllTypes()).ok()) << open << close;
    const auto deep = CompileExpr(nested(20000, open, middle, close), *AllTypes());
    ASSERT_FALSE(deep.ok());
    const std::string message(ToStd(deep.status().message()));
    EXPECT_TRUE(message.find("levels deep") != std::string::npos ||
                message.find("bytes, at most") != std::string::npos)
        << open << ": " << message;
  }
  // A chain is not nesting.
  EXPECT_TRUE(CompileExpr(nested(5000, "b || ", "b", ""), *AllTypes()).ok());
  const auto bomb = CompileExpr(
      "[s + s].map(a, a + a).map(a, a + a).map(a, a + a).map(a, a + a).map(a, a + a).map(a, a + a)"
      ".map(a, a + a).map(a, a + a).map(a, a + a).map(a, a + a).map(a, a + a).map(a, a + a)"
      ".map(a, a + a).map(a, a + a).map(a, a + a).map(a, a + a)",
      *AllTypes());
  EXPECT_EQ(ErrorNumber(bomb.status()), 6004);
}

}  // namespace

}  // namespace weir::testing
