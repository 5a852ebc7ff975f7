#include "tests/unit/engine_expr/conformance_table.h"

namespace weir::testing {

namespace {

constexpr const char* kOverload = "error: no such overload";
constexpr const char* kOverflow = "error: integer overflow";
constexpr const char* kByZero = "error: division by zero";

constexpr Case kCases[] = {
    // Literals.
    {"1", "1"}, {"-1", "-1"}, {"0x1F", "31"}, {"-0x10", "-16"}, {"0xFFu", "255u"}, {"1u", "1u"},
    {"9223372036854775807", "9223372036854775807"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"18446744073709551615u", "18446744073709551615u"},
    {"1.5", "1.5"}, {".5", "0.5"}, {"1e3", "1000.0"}, {"1.5E-2", "0.015"}, {"-2.5e+1", "-25.0"},
    {"1e-400", "0.0"}, {"true", "true"}, {"false", "false"}, {"null", "null"},
    {"'a'", "'a'"}, {"\"a\"", "'a'"}, {"'''a'b'''", "'a'b'"}, {"\"\"\"a\"b\"\"\"", "'a\"b'"},
    {"'''a\nb'''", "'a\nb'"}, {"r'a\\n'", "'a\\n'"}, {"R\"\\d\"", "'\\d'"}, {"''", "''"},
    {"'\\n\\t\\\\\\'\\\"'", "'\n\t\\'\"'"}, {"'\\a\\b\\f\\v\\r\\?\\`'", "'\a\b\f\v\r?`'"},
    {"'\\x41\\u00e9\\U0001F600\\101'", "'A\u00e9\U0001F600A'"}, {"'\u00e9'", "'\u00e9'"},
    {"b'abc'", "b'abc'"}, {"b'\\xff\\377'", "b'\xff\xff'"}, {"b'\u00e9'", "b'\xc3\xa9'"},
    {"br'\\n'", "b'\\n'"}, {"Br\"x\"", "b'x'"}, {"'\\x80'", "'\u0080'"},
    {"[]", "[]"}, {"[1, 2,]", "[1, 2]"}, {"{}", "{}"}, {"{'a': 1, 'b': 2,}", "{'a': 1, 'b': 2}"},
    {"1 // comment\n + 2", "3"}, {"// c\n1", "1"}, {" \t\n 1", "1"}, {".i", "7"},
    // Precedence and association.
    {"1 + 2 * 3", "7"}, {"(1 + 2) * 3", "9"}, {"10 - 3 - 2", "5"}, {"100 / 10 / 2", "5"},
    {"-2 * -3", "6"}, {"7 - -1", "8"}, {"!true || true", "true"}, {"!(true || true)", "false"},
    {"true || false && false", "true"}, {"1 < 2 == true", "true"}, {"--1", "1"}, {"!!true", "true"},
    {"false ? 1 : true ? 2 : 3", "2"}, {"(true ? false : true) ? 1 : 2", "2"},
    {"-i", "-7"}, {"-(-i)", "7"}, {"2 - i * 2", "-12"},
    // Arithmetic.
    {"7 / 2", "3"}, {"-7 / 2", "-3"}, {"7 % 3", "1"}, {"-7 % 3", "-1"}, {"7 % -3", "1"},
    {"7u / 2u", "3u"}, {"7u % 4u", "3u"}, {"1.0 / 4.0", "0.25"}, {"1.0 / 0.0", "inf"},
    {"-1.0 / 0.0", "-inf"}, {"0.0 / 0.0", "nan"}, {"1 / 0", kByZero}, {"1u / 0u", kByZero},
    {"1 % 0", "error: modulus by zero"}, {"1u % 0u", "error: modulus by zero"},
    {"9223372036854775807 + 1", kOverflow}, {"-9223372036854775808 - 1", kOverflow},
    {"9223372036854775807 * 2", kOverflow}, {"-(-9223372036854775808)", kOverflow},
    {"-9223372036854775808 / -1", kOverflow}, {"-9223372036854775808 % -1", kOverflow},
    {"18446744073709551615u + 1u", kOverflow}, {"0u - 1u", kOverflow},
    {"18446744073709551615u * 2u", kOverflow}, {"5000000000 * 5000000000", kOverflow},
    {"1.7e308 * 10.0", "inf"}, {"i + 1", "8"}, {"i - 10", "-3"}, {"i * i", "49"}, {"d * 2.0", "5.0"},
    {"d + d - 0.5", "4.5"}, {"-d", "-2.5"}, {"i / 0", kByZero}, {"i % 4", "3"},
    {"'a' + 'b'", "'ab'"}, {"b'a' + b'b'", "b'ab'"}, {"[1] + [2]", "[1, 2]"}, {"[] + [1]", "[1]"},
    {"s + '-' + s", "'failed-failed'"}, {"y + b'c'", "b'abc'"}, {"li + [4]", "[1, 2, 3, 4]"},
    // Equality.
    {"1 == 1", "true"}, {"1 != 1", "false"}, {"1 == 2", "false"}, {"1u == 1u", "true"},
    {"1.0 == 1.0", "true"}, {"0.0 == -0.0", "true"}, {"0.0/0.0 == 0.0/0.0", "false"},
    {"0.0/0.0 != 0.0/0.0", "true"}, {"'a' == 'a'", "true"}, {"'a' == 'A'", "false"},
    {"b'a' == b'a'", "true"}, {"true == true", "true"}, {"null == null", "true"},
    {"null != null", "false"}, {"[1, 2] == [1, 2]", "true"}, {"[1, 2] == [2, 1]", "false"},
    {"[1] == [1, 2]", "false"}, {"{'a': 1} == {'a': 1}", "true"}, {"{'a': 1} == {'a': 2}", "false"},
    {"{'a': 1, 'b': 2} == {'b': 2, 'a': 1}", "true"}, {"{1: 'a'} != {2: 'a'}", "true"},
    {"dyn(1) == 1.0", "true"}, {"dyn(1u) == 1", "true"}, {"dyn(1) == 'a'", "false"},
    {"dyn(1) != 'a'", "true"}, {"dyn(null) == 1", "false"}, {"dyn(1) == dyn(1.5)", "false"},
    {"dyn(9007199254740993) == 9007199254740992.0", "false"},
    {"dyn(18446744073709551615u) == -1", "false"}, {"dyn([1]) == [1.0]", "true"},
    {"dyn({1: 2}) == dyn({1.0 == 1.0: 2})", "false"}, {"[dyn(0.0/0.0)] == [dyn(0.0/0.0)]", "false"},
    {"s == 'failed'", "true"}, {"'failed' == s", "true"}, {"s != 'failed'", "false"},
    {"i == 7", "true"}, {"j == 5", "true"}, {"j != null", "true"}, {"sn == null", "false"},
    {"j == i", "false"}, {"b == bn", "true"}, {"y == b'ab'", "true"}, {"d == 2.5", "true"},
    {"t == tn", "true"}, {"st.b == 'in'", "true"}, {"li == [1, 2, 3]", "true"},
    // Order.
    {"1 < 2", "true"}, {"2 < 1", "false"}, {"1 <= 1", "true"}, {"2 > 1", "true"}, {"1 >= 2", "false"},
    {"1u < 2u", "true"}, {"1.0 < 1.5", "true"}, {"'a' < 'b'", "true"}, {"'a' < 'B'", "false"},
    {"'' < 'a'", "true"}, {"'ab' > 'a'", "true"}, {"b'a' < b'b'", "true"}, {"b'\\xff' > b'a'", "true"},
    {"false < true", "true"}, {"true <= false", "false"}, {"'\u00e9' > 'z'", "true"},
    {"1 < 1.5", "true"}, {"1 < 2u", "true"}, {"2u > 1", "true"}, {"1.5 > 1", "true"},
    {"-1 < 0u", "true"}, {"-1 > 18446744073709551615u", "false"}, {"1u < 1.5", "true"},
    {"1.5 < 2u", "true"}, {"9223372036854775807 < 9223372036854775808.0", "true"},
    {"9007199254740993 > 9007199254740992.0", "true"}, {"18446744073709551615u < 1e20", "true"},
    {"1 < 0.0/0.0", "false"}, {"1 >= 0.0/0.0", "false"}, {"0.0/0.0 <= 0.0/0.0", "false"},
    {"1 < 1.0/0.0", "true"}, {"1u > -1.0/0.0", "true"}, {"1 <= 1.0", "true"}, {"1 >= 1.0", "true"},
    {"dyn(1) < 'a'", kOverload}, {"dyn(1) < 2", "true"}, {"dyn(1) < dyn(1.5)", "true"},
    {"i >= 5", "true"}, {"i < d", "false"}, {"d >= 2", "true"}, {"s > 'a'", "true"},
    // Logic, with absorption of errors.
    {"true && true", "true"}, {"true && false", "false"}, {"false || false", "false"},
    {"false || true", "true"}, {"false && 1/0 == 1", "false"}, {"1/0 == 1 && false", "false"},
    {"true || 1/0 == 1", "true"}, {"1/0 == 1 || true", "true"}, {"1/0 == 1 && true", kByZero},
    {"true && 1/0 == 1", kByZero}, {"1/0 == 1 || false", kByZero}, {"false || 1/0 == 1", kByZero},
    {"1/0 == 1 && 1%0 == 1", kByZero}, {"true && true && false && 1/0 == 1", "false"},
    {"1/0 == 1 && true && false", "false"}, {"1/0 == 1 || false || true", "true"},
    {"!(1/0 == 1)", kByZero}, {"dyn(1) && false", "false"}, {"dyn(1) && true", kOverload},
    {"dyn('a') || true", "true"}, {"dyn(1) || dyn(2)", kOverload}, {"dyn(true) && true", "true"},
    {"!dyn(true)", "false"}, {"!dyn(1)", kOverload}, {"i/0 == 1 || i == 7", "true"},
    {"i == 7 && s == 'failed' && d > 2.0", "true"}, {"i == 8 || s == 'x' || b", "true"},
    {"(i > 0 && b) || (i / 0 > 1 && !b)", "true"},
    // Conditional.
    {"true ? 1 : 2", "1"}, {"false ? 1 : 2", "2"}, {"true ? 1 : 1/0", "1"}, {"false ? 1/0 : 2", "2"},
    {"true ? 1/0 : 2", kByZero}, {"1/0 == 1 ? 1 : 2", kByZero}, {"dyn(1) ? 1 : 2", kOverload},
    {"dyn(true) ? 'a' : 'b'", "'a'"}, {"b ? s : sn", "'failed'"}, {"i > 10 ? 'hi' : 'lo'", "'lo'"},
    {"true ? dyn(1) : 'a'", "1"}, {"false ? dyn(1) : 'a'", "'a'"}, {"b ? null : i", "null"},
    {"!b ? null : i", "7"}, {"(b ? null : i) == null", "true"}, {"b ? [] : li", "[]"},
};

}  // namespace

std::span<const Case> BasicCases() { return kCases; }

}  // namespace weir::testing
