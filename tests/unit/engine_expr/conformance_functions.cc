#include "tests/unit/engine_expr/conformance_table.h"

namespace weir::testing {

namespace {

constexpr const char* kOverload = "error: no such overload";
constexpr const char* kRange = "error: value out of range";
constexpr const char* kText = "error: text cannot be converted";
constexpr const char* kIndex = "error: index out of range";
constexpr const char* kTime = "error: timestamp out of range";
constexpr const char* kDuration = "error: duration out of range";

constexpr Case kCases[] = {
    // int() uint() double().
    {"int(1)", "1"}, {"int(1u)", "1"}, {"int(1.9)", "1"}, {"int(-1.9)", "-1"}, {"int('42')", "42"},
    {"int('-7')", "-7"}, {"int('x')", kText}, {"int('')", kText}, {"int('1 ')", kText},
    {"int('99999999999999999999')", kRange}, {"int(18446744073709551615u)", kRange},
    {"int(1e99)", kRange}, {"int(9223372036854775808.0)", kRange}, {"int(0.0/0.0)", kRange},
    {"int(-9223372036854775808.0)", kRange}, {"int(9223372036854774784.0)", "9223372036854774784"},
    {"int(timestamp('2009-02-13T23:31:30Z'))", "1234567890"}, {"int(t)", "1234567890"},
    {"int(timestamp('1969-12-31T23:59:59.5Z'))", "-1"},
    {"uint(1)", "1u"}, {"uint(-1)", kRange}, {"uint(1.9)", "1u"}, {"uint(-0.5)", "0u"},
    {"uint(-1.0)", kRange}, {"uint(1e20)", kRange}, {"uint('42')", "42u"}, {"uint('-1')", kText},
    {"uint(5u)", "5u"}, {"uint('18446744073709551615')", "18446744073709551615u"},
    {"double(1)", "1.0"}, {"double(1u)", "1.0"}, {"double('1.5')", "1.5"}, {"double('1e3')", "1000.0"},
    {"double('x')", kText}, {"double('')", kText}, {"double(1.5)", "1.5"}, {"double(i)", "7.0"},
    {"double('NaN')", "nan"}, {"double('-inf')", "-inf"}, {"double('Infinity')", "inf"},
    // string() bytes() bool().
    {"string(1)", "'1'"}, {"string(-1)", "'-1'"}, {"string(1u)", "'1'"}, {"string(1.5)", "'1.5'"},
    {"string(1.0)", "'1'"}, {"string('a')", "'a'"}, {"string(true)", "'true'"},
    {"string(b'ab')", "'ab'"}, {"string(b'\\xff')", kText}, {"string(b'\\xc3\\xa9')", "'\u00e9'"},
    {"string(0.0/0.0)", "'NaN'"}, {"string(-1.0/0.0)", "'-Infinity'"},
    {"string(timestamp('2009-02-13T23:31:30Z'))", "'2009-02-13T23:31:30Z'"},
    {"string(t)", "'2009-02-13T23:31:30.250Z'"}, {"string(duration('1000000s'))", "'1000000s'"},
    {"string(duration('-1500ms'))", "'-1.5s'"}, {"string(i) + 'x'", "'7x'"},
    {"bytes('a')", "b'a'"}, {"bytes('\u00e9')", "b'\xc3\xa9'"}, {"bytes(b'x')", "b'x'"},
    {"bool('true')", "true"}, {"bool('True')", "true"}, {"bool('t')", "true"}, {"bool('1')", "true"},
    {"bool('0')", "false"}, {"bool('FALSE')", "false"}, {"bool('yes')", kText}, {"bool('tRuE')", kText},
    {"bool(true)", "true"}, {"dyn(1)", "1"}, {"dyn(x).a", "1"}, {"int(dyn('5'))", "5"},
    {"int(dyn(true))", kOverload}, {"string(dyn([1]))", kOverload},
    // size and tests of strings.
    {"size('')", "0"}, {"size('abc')", "3"}, {"size('\u00e9\U0001F600')", "2"}, {"'abc'.size()", "3"},
    {"size(b'\\xc3\\xa9')", "2"}, {"b'abc'.size()", "3"}, {"size([])", "0"}, {"[1, 2].size()", "2"},
    {"size({'a': 1})", "1"}, {"{}.size()", "0"}, {"size(li)", "3"}, {"size(dyn('ab'))", "2"},
    {"size(dyn(1))", kOverload}, {"s.size()", "6"}, {"size(m)", "1"},
    {"s.contains('ail')", "true"}, {"s.contains('x')", "false"}, {"''.contains('')", "true"},
    {"s.startsWith('fa')", "true"}, {"s.startsWith('failedx')", "false"}, {"'a'.startsWith('')", "true"},
    {"s.endsWith('led')", "true"}, {"s.endsWith('x')", "false"}, {"'a'.endsWith('ba')", "false"},
    {"'\u00e9a'.endsWith('a')", "true"}, {"dyn('ab').startsWith('a')", "true"},
    {"dyn(1).startsWith('a')", kOverload},
    {"s.matches('^f.*d$')", "true"}, {"s.matches('ail')", "true"}, {"s.matches('^ail')", "false"},
    {"matches(s, '[a-z]+')", "true"}, {"s.matches('')", "true"}, {"'A'.matches('(?i)a')", "true"},
    {"s.matches('^f' + '.*$')", "true"}, {"s.matches(s)", "true"}, {"'a'.matches(sn)", "false"},
    {"'a'.matches(s.substring(0, 1) == 'f' ? '(' : 'x')", "error: invalid regular expression"},
    {"'\u00e9'.matches('^.$')", "true"}, {"dyn(s).matches('f')", "true"},
    // The strings extension.
    {"'A\u00c9z'.lowerAscii()", "'a\u00c9z'"}, {"'a\u00e9Z'.upperAscii()", "'A\u00e9Z'"},
    {"' \\t\\n a b \u00a0\u2003'.trim()", "'a b'"}, {"''.trim()", "''"}, {"'  '.trim()", "''"},
    {"'tacocat'.substring(4)", "'cat'"}, {"'tacocat'.substring(0, 4)", "'taco'"},
    {"'tacocat'.substring(7)", "''"}, {"'tacocat'.substring(8)", kIndex},
    {"'tacocat'.substring(-1)", kIndex}, {"'tacocat'.substring(4, 3)", kIndex},
    {"'\u00e9\u00e9x'.substring(1, 3)", "'\u00e9x'"}, {"'abc'.substring(3, 3)", "''"},
    {"'hello mellow'.indexOf('')", "0"}, {"'hello mellow'.indexOf('ello')", "1"},
    {"'hello mellow'.indexOf('jello')", "-1"}, {"'hello mellow'.indexOf('ello', 2)", "7"},
    {"'hello mellow'.indexOf('ello', 20)", kIndex}, {"'\u00e9x'.indexOf('x')", "1"},
    {"'hello mellow'.lastIndexOf('ello')", "7"}, {"'ab'.lastIndexOf('')", "2"},
    {"'hello hello'.replace('he', 'we')", "'wello wello'"}, {"'aaa'.replace('a', 'b', 2)", "'bba'"},
    {"'aaa'.replace('a', 'b', 0)", "'aaa'"}, {"'aaa'.replace('a', '', -1)", "''"},
    {"'ab'.replace('', '-')", "'-a-b-'"}, {"'ab'.replace('', '-', 1)", "'-ab'"},
    {"'a b c'.split(' ')", "['a', 'b', 'c']"}, {"'a b c'.split(' ', 2)", "['a', 'b c']"},
    {"'a b'.split(' ', 0)", "[]"}, {"'a b'.split(' ', 1)", "['a b']"}, {"''.split(',')", "['']"},
    {"'ab'.split('')", "['a', 'b']"}, {"'a,,b'.split(',')", "['a', '', 'b']"}, {"''.split('')", "[]"},
    {"'\u00e9x'.split('')", "['\u00e9', 'x']"}, {"','.split(',')", "['', '']"},
    {"s.split('').filter(c, c in ['a', 'e'])", "['a', 'e']"},
    {"'a,b'.split(',').map(c, c.upperAscii())", "['A', 'B']"}, {"double('1e999')", kRange},
    {"['x', 'y'].join()", "'xy'"}, {"['x', 'y'].join('-')", "'x-y'"}, {"[].join('-')", "''"},
    {"[dyn(1)].join()", kOverload}, {"'tac'.charAt(1)", "'a'"}, {"'tac'.charAt(3)", "''"},
    {"'tac'.charAt(4)", kIndex}, {"'t\u00e9'.charAt(1)", "'\u00e9'"},
    // timestamp() and its parts.
    {"timestamp('2009-02-13T23:31:30Z')", "ts(1234567890000)"},
    {"timestamp('2009-02-13T23:31:30.25Z')", "ts(1234567890250)"},
    {"timestamp('2009-02-13T23:31:30.123456789Z')", "ts(1234567890123)"},
    {"timestamp('2009-02-14T01:31:30+02:00')", "ts(1234567890000)"},
    {"timestamp('2009-02-13T14:01:30-09:30')", "ts(1234567890000)"},
    {"timestamp(1234567890)", "ts(1234567890000)"}, {"timestamp(t)", "ts(1234567890250)"},
    {"timestamp('0001-01-01T00:00:00Z')", "ts(-62135596800000)"},
    {"timestamp('9999-12-31T23:59:59.999Z')", "ts(253402300799999)"},
    {"timestamp('0000-01-01T00:00:00Z')", kTime}, {"timestamp('10000-01-01T00:00:00Z')", kText},
    {"timestamp('2009-02-30T00:00:00Z')", kText}, {"timestamp('2009-13-01T00:00:00Z')", kText},
    {"timestamp('2009-02-13')", kText}, {"timestamp('2009-02-13T23:31:30')", kText},
    {"timestamp('2009-02-13T23:31:60Z')", kText}, {"timestamp('')", kText},
    {"timestamp('2000-02-29T00:00:00Z').getDate()", "29"},
    {"timestamp('1900-02-29T00:00:00Z')", kText}, {"timestamp(253402300800)", kTime},
    {"timestamp(9223372036854775807)", kTime},
    {"t.getFullYear()", "2009"}, {"t.getMonth()", "1"}, {"t.getDate()", "13"},
    {"t.getDayOfMonth()", "12"}, {"t.getDayOfWeek()", "5"}, {"t.getDayOfYear()", "43"},
    {"t.getHours()", "23"}, {"t.getMinutes()", "31"}, {"t.getSeconds()", "30"},
    {"t.getMilliseconds()", "250"}, {"t.getHours('+02:00')", "1"}, {"t.getHours('02:00')", "1"},
    {"t.getDayOfMonth('+11:00')", "13"}, {"t.getFullYear('-09:30')", "2009"},
    {"t.getMinutes('-00:31')", "0"}, {"t.getSeconds('-00:00')", "30"}, {"t.getDayOfWeek('UTC')", "5"},
    {"timestamp('2009-02-13T02:00:00Z').getDayOfMonth('-02:30')", "11"},
    {"timestamp('1969-12-31T23:59:59.999Z').getMilliseconds()", "999"},
    {"timestamp('0001-01-01T00:00:00Z').getDayOfWeek()", "1"},
    {"timestamp('2000-12-31T00:00:00Z').getDayOfYear()", "365"},
    {"t.getHours(s)", "error: time zone is not UTC or a fixed offset such as '+02:00'"},
    {"dyn(t).getHours()", "23"}, {"dyn(1).getHours()", kOverload},
    // duration() and its parts.
    {"duration('1h')", "dur(3600000)"}, {"duration('1h30m')", "dur(5400000)"},
    {"duration('-1.5s')", "dur(-1500)"}, {"duration('250ms')", "dur(250)"},
    {"duration('1500us')", "dur(1)"}, {"duration('999999ns')", "dur(0)"}, {"duration('0')", "dur(0)"},
    {"duration('1.5h')", "dur(5400000)"}, {"duration('+2s')", "dur(2000)"},
    {"duration('')", kText}, {"duration('1')", kText}, {"duration('s')", kText},
    {"duration('1d')", kText}, {"duration('1s ')", kText}, {"duration('.s')", kText},
    {"duration('.5s')", "dur(500)"}, {"duration('1.s')", "dur(1000)"},
    {"duration('320000000000s')", kDuration}, {"duration('-320000000000s')", kDuration},
    {"duration('99999999999999999999999h')", kDuration},
    {"duration('315576000000s')", "dur(315576000000000)"}, {"duration(duration('1s'))", "dur(1000)"},
    {"duration('10000s').getHours()", "2"}, {"duration('3730s').getMinutes()", "62"},
    {"duration('3730s').getSeconds()", "3730"}, {"duration('123.321s').getMilliseconds()", "321"},
    {"duration('-90s').getMinutes()", "-1"},
    // Arithmetic and order of times.
    {"t + duration('1s')", "ts(1234567891250)"}, {"duration('1s') + t", "ts(1234567891250)"},
    {"t - duration('250ms')", "ts(1234567890000)"}, {"t - timestamp(1234567890)", "dur(250)"},
    {"duration('600s') + duration('50s') == duration('650s')", "true"},
    {"duration('900s') - duration('42s') == duration('858s')", "true"},
    {"timestamp('9999-12-31T23:59:59Z') + duration('1s')", kTime},
    {"timestamp('0001-01-01T00:00:00Z') + duration('-1s')", kTime},
    {"timestamp('0001-01-01T00:00:00Z') - duration('1s')", kTime},
    {"timestamp('9999-12-31T23:59:59Z') - timestamp('0001-01-01T00:00:00Z')", kDuration},
    {"timestamp('0001-01-01T00:00:00Z') - timestamp('9999-12-31T23:59:59Z')", kDuration},
    {"duration('200000000000s') + duration('200000000000s')", kDuration},
    {"duration('-200000000000s') - duration('200000000000s')", kDuration},
    {"t < timestamp('2020-01-01T00:00:00Z')", "true"}, {"duration('1m') >= duration('60s')", "true"},
    {"t > tn", "false"}, {"t - tn == duration('0s')", "true"},
};

}  // namespace

std::span<const Case> FunctionCases() { return kCases; }

}  // namespace weir::testing
