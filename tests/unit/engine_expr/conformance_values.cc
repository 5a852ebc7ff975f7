#include "tests/unit/engine_expr/conformance_table.h"

namespace weir::testing {

namespace {

constexpr const char* kOverload = "error: no such overload";
constexpr const char* kKey = "error: no such key";
constexpr const char* kIndex = "error: index out of range";
constexpr const char* kByZero = "error: division by zero";

constexpr Case kCases[] = {
    // Lists.
    {"[1, 2, 3][0]", "1"}, {"[1, 2, 3][2]", "3"}, {"[1, 2, 3][3]", kIndex}, {"[1][-1]", kIndex},
    {"li[1]", "2"}, {"li[i]", kIndex}, {"[1, 2][dyn(1u)]", "2"}, {"[1, 2][dyn(1.0)]", "2"},
    {"[1, 2][dyn(0.5)]", kIndex}, {"[1, 2][dyn('a')]", kOverload}, {"[[1], [2]][1][0]", "2"},
    {"[1, 'a', null]", "[1, 'a', null]"}, {"[1, 1/0]", kByZero}, {"ls[0]", "'p'"}, {"ls[1]", "null"},
    {"[i, i + 1]", "[7, 8]"}, {"dyn([1, 2])[0]", "1"}, {"dyn(1)[0]", kOverload},
    // in.
    {"1 in [1, 2]", "true"}, {"3 in [1, 2]", "false"}, {"1 in []", "false"}, {"'a' in ['b', 'a']", "true"},
    {"s in ['failed', 'invalid']", "true"}, {"s in ['Failed', 'failedx', 'faile', '']", "false"},
    {"s in ['a','b','c','d','e','f','g','h','i','failed']", "true"},
    {"s in ['a','b','c','d','e','f','g','h','i','falied']", "false"},
    {"i in [1, 3, 5, 7]", "true"}, {"i in [1, 3, 5]", "false"}, {"d in [1.5, 2.5]", "true"},
    {"d in [0.0/0.0, 2.5]", "true"}, {"0.0/0.0 in [0.0/0.0]", "false"}, {"b in [true]", "true"},
    {"y in [b'ab']", "true"}, {"t in [timestamp(0), t]", "true"}, {"j in [null, 5]", "true"},
    {"i in li", "false"}, {"2 in li", "true"}, {"'p' in ls", "true"}, {"null in ls", "true"},
    {"'k' in m", "true"}, {"'z' in m", "false"}, {"'a' in {'a': 1}", "true"}, {"1 in {1: 'a'}", "true"},
    {"dyn(1) in [1.0, 2.0]", "true"}, {"dyn(1.0) in {1: 'a'}", "true"}, {"dyn('a') in [1]", "false"},
    {"1 in dyn(1)", kOverload}, {"dyn(null) in [1]", "false"}, {"null in [null]", "true"},
    {"'a' in x", "true"}, {"'zz' in x", "false"}, {"1 in x.l", "true"}, {"1/0 in [1]", kByZero},
    {"1 in [1, 1/0]", kByZero}, {"i in [i]", "true"}, {"i + 1 in [8]", "true"},
    {"!(s in ['x'])", "true"}, {"dyn(1) in dyn([1])", "true"},
    // Maps.
    {"{'a': 1}['a']", "1"}, {"{'a': 1}.a", "1"}, {"{'a': 1}['b']", kKey}, {"{'a': 1}.b", kKey},
    {"{1: 'x'}[1]", "'x'"}, {"{1u: 'x'}[1u]", "'x'"}, {"{true: 'x'}[true]", "'x'"},
    {"dyn({1: 'x'})[1.0]", "'x'"}, {"dyn({1: 'x'})[1u]", "'x'"}, {"m.k", "1"}, {"m['k']", "1"},
    {"m.z", kKey}, {"m[s]", kKey}, {"{'a': 1, 'a': 2}", "error: duplicate map key"},
    {"{dyn(1): 1, dyn(1.0): 2}", "error: unsupported map key type"},
    {"{dyn(null): 1}", "error: unsupported map key type"}, {"{'a': 1/0}", kByZero},
    {"{dyn(1): 1, dyn(1u): 2}", "error: duplicate map key"}, {"{i: s}", "{7: 'failed'}"},
    {"has({'a': 1}.a)", "true"}, {"has({'a': 1}.b)", "false"}, {"has({'a': null}.a)", "true"},
    {"has(m.k)", "true"}, {"has(m.z)", "false"},
    // json.
    {"x.a", "1"}, {"x.a == 1", "true"}, {"x.a == 1.0", "true"}, {"x.a + 1", "2"}, {"x.f * 2.0", "3.0"},
    {"x.a + 1.5", kOverload}, {"x.s == 'q'", "true"}, {"x.s + 'r'", "'qr'"}, {"x.zz", kKey},
    {"x.n", "null"}, {"x.n == null", "true"}, {"x.n.k", kOverload}, {"x.m.k", "'v'"},
    {"x['m']['k'] == 'v'", "true"}, {"x.l[1]", "2"}, {"x.l[2]", kIndex}, {"x.a.b", kOverload},
    {"has(x.a)", "true"}, {"has(x.zz)", "false"}, {"has(x.n)", "true"}, {"has(x.m.k)", "true"},
    {"has(x.m.z)", "false"}, {"has(x.zz.k)", kKey}, {"has(x.a.k)", kOverload},
    {"has(x.zz) && x.zz == 1", "false"}, {"!has(x.zz) || x.zz == 1", "true"}, {"size(x)", "6"},
    {"size(x.l)", "2"}, {"x.s.startsWith('q')", "true"}, {"x.a > 0", "true"}, {"x.s > 0", kOverload},
    {"x.s == 1", "false"}, {"x.a in [1, 2]", "true"}, {"x.a in ['1']", "false"}, {"-x.a", "-1"},
    {"x.zz == 1 || true", "true"}, {"x.zz == 1 && false", "false"}, {"string(x.a)", "'1'"},
    {"x.l + [3]", "[1, 2, 3]"}, {"x.l.exists(v, v == 2)", "true"}, {"x.m", "{'k': 'v'}"},
    {"x == x", "true"}, {"x.a ? 1 : 2", kOverload}, {"(x.a == 1) ? x.s : x.f", "'q'"},
    // Structs.
    {"st.a", "1"}, {"st.b", "'in'"}, {"st.inner.c", "9"}, {"st.a + st.inner.c", "10"}, {"sx.a", "2"},
    {"has(st.a)", "true"}, {"has(st.b)", "true"}, {"has(st.inner)", "true"}, {"has(st.inner.c)", "true"},
    {"st.inner == st.inner", "true"}, {"st.b in ['in']", "true"}, {"[st][0].inner.c", "9"},
    {"has([st][0].b)", "true"}, {"dyn(st).a", "1"}, {"st.b.startsWith('i')", "true"},
    // Macros.
    {"[1, 2, 3].exists(v, v > 2)", "true"}, {"[1, 2].exists(v, v > 2)", "false"},
    {"[].exists(v, true)", "false"}, {"[1, 2].all(v, v > 0)", "true"}, {"[1, -2].all(v, v > 0)", "false"},
    {"[].all(v, false)", "true"}, {"[1, 2, 3].exists_one(v, v == 2)", "true"},
    {"[2, 2].exists_one(v, v == 2)", "false"}, {"[].exists_one(v, true)", "false"},
    {"[1, 2].existsOne(v, v == 2)", "true"}, {"[1, 2, 3].map(v, v * 2)", "[2, 4, 6]"},
    {"[1, 2, 3].map(v, v > 1, v * 2)", "[4, 6]"}, {"[1, 2, 3].filter(v, v != 2)", "[1, 3]"},
    {"[].map(v, v)", "[]"}, {"li.map(v, v + i)", "[8, 9, 10]"}, {"li.filter(v, v > 1)", "[2, 3]"},
    {"li.exists(v, v == 3)", "true"}, {"li.all(v, v < i)", "true"}, {"ls.exists(v, v == 'p')", "true"},
    {"ls.exists(v, v == null)", "true"}, {"ls.all(v, v != 'q')", "true"}, {"ls.map(v, v)", "['p', null]"},
    {"ls.map(v, v == null ? '-' : v)", "['p', '-']"}, {"ls.map(v, v.size())", kOverload},
    {"ls.exists(v, v.startsWith('p'))", "true"}, {"ls.all(v, v.startsWith('q'))", "false"},
    {"ls.all(v, v.startsWith('p'))", kOverload}, {"ls.exists(v, v.startsWith('q'))", kOverload},
    {"{'a': 1, 'b': 2}.exists(k, k == 'b')", "true"}, {"{'a': 1}.map(k, k + 'x')", "['ax']"},
    {"m.all(k, m[k] == 1)", "true"}, {"m.filter(k, true)", "['k']"},
    {"[1, 0].exists(v, 1 / v == 1)", "true"}, {"[0, 1].exists(v, 1 / v == 1)", "true"},
    {"[0, 1].exists(v, 1 / v == 2)", kByZero}, {"[0, 1].all(v, 1 / v == 2)", "false"},
    {"[0, 1].all(v, 1 / v == 1)", kByZero}, {"[0, 1].exists_one(v, 1 / v == 1)", kByZero},
    {"[0, 1].map(v, 1 / v)", kByZero}, {"[0, 1].filter(v, 1 / v == 1)", kByZero},
    {"[0, 1].map(v, v > 0, 1 / v)", "[1]"}, {"dyn(1).exists(v, true)", kOverload},
    {"[1, 2].map(v, [v, v + 1]).filter(w, w[0] == 2)", "[[2, 3]]"},
    {"[[1, 2], [3]].exists(v, v.exists(w, w == 3))", "true"},
    {"[1, 2].map(v, [10, 20].map(w, v * w))", "[[10, 20], [20, 40]]"},
    {"[1, 2].all(v, [1, 2].exists(w, w == v))", "true"}, {"[1].map(i, i)", "[1]"},
    {"[1, 2].map(v, [3].map(v, v)[0] + v)", "[4, 5]"}, {"['a', 'b'].map(v, v + s)", "['afailed', 'bfailed']"},
    {"[1, 2, 3].map(v, v % 2 == 0 ? 'even' : 'odd').exists_one(v, v == 'even')", "true"},
    {"[dyn(1), dyn('a')].exists(v, v == 'a')", "true"}, {"[1, dyn('a')].filter(v, v > 0)", kOverload},
    {"x.l.map(v, v * 2)", "[2, 4]"}, {"x.exists(k, k == 's')", "true"}, {"[[]].map(v, size(v))", "[0]"},
    {"li.map(v, {'n': v}).filter(e, e.n > 2)", "[{'n': 3}]"}, {"[t].map(v, v.getHours())", "[23]"},
    {"[1, 2].exists(v, dyn(v))", kOverload}, {"[true].all(v, v)", "true"},
};

constexpr Case kNullCases[] = {
    {"j", "null"}, {"sn", "null"}, {"x", "null"}, {"j == null", "true"}, {"null == j", "true"},
    {"j != null", "false"}, {"j == 5", "false"}, {"j != 5", "true"}, {"sn == 'x'", "false"},
    {"sn != 'x'", "true"}, {"sn == sn", "true"}, {"j == i", "false"}, {"bn == bn", "true"},
    {"bn == true", "false"}, {"tn == t", "false"}, {"x == null", "true"}, {"x == 1", "false"},
    {"j + 1", kOverload}, {"-j", kOverload}, {"j < 5", kOverload}, {"5 >= j", kOverload},
    {"sn.size()", kOverload}, {"size(sn)", kOverload}, {"sn.startsWith('a')", kOverload},
    {"sn.matches('a')", kOverload}, {"'a'.matches(sn)", kOverload}, {"sn + 'a'", kOverload},
    {"string(j)", kOverload}, {"int(sn)", kOverload}, {"dyn(j)", "null"}, {"tn.getHours()", kOverload},
    {"tn - t", kOverload}, {"!bn", kOverload}, {"bn && true", kOverload}, {"bn && false", "false"},
    {"false && bn", "false"}, {"true && bn", kOverload}, {"bn || true", "true"}, {"true || bn", "true"},
    {"bn || false", kOverload}, {"bn ? 1 : 2", kOverload}, {"true ? j : 1", "null"},
    {"j == null || j > 3", "true"}, {"j != null && j > 3", "false"}, {"j > 3 && j != null", "false"},
    {"j > 3 || j == null", "true"}, {"j in [1, 2]", "false"}, {"j in [1, null]", "true"},
    {"sn in ['a']", "false"}, {"sn in ['a', null]", "true"}, {"sn in []", "false"}, {"j in li", "false"},
    {"sn in m", "false"}, {"'a' in ls", kOverload}, {"j in [j]", "true"}, {"sn in ls", kOverload},
    {"ls == null", "true"}, {"ls[0]", kOverload}, {"size(ls)", kOverload}, {"ls.exists(v, true)", kOverload},
    {"ls.all(v, true)", kOverload}, {"ls.map(v, v)", kOverload}, {"ls + ['a']", kOverload},
    {"li", "[]"}, {"li.exists(v, v == 1)", "false"}, {"li.all(v, v == 1)", "true"}, {"m", "{}"},
    {"x.a", kOverload}, {"has(x.a)", kOverload}, {"x['a']", kOverload}, {"x.a == 1 || true", "true"},
    {"'a' in x", kOverload}, {"x.exists(v, true)", kOverload}, {"size(x)", kOverload},
    {"st.b", "null"}, {"has(st.b)", "false"}, {"has(st.a)", "true"}, {"st.b == null", "true"},
    {"st.inner", "null"}, {"has(st.inner)", "false"}, {"st.inner == null", "true"}, {"st.inner.c", kOverload},
    {"has(st.inner.c)", kOverload}, {"sx.a", kOverload}, {"has(sx.a)", kOverload}, {"sx == null", "true"},
    {"has(st.inner) && st.inner.c == 9", "false"}, {"st.b.size()", kOverload}, {"[st][0].inner.c", kOverload},
    {"has([st][0].b)", "false"}, {"[j, j]", "[null, null]"}, {"{'a': j}", "{'a': null}"},
    {"[j].exists(v, v == null)", "true"}, {"[j][0] == null", "true"}, {"{'a': j}.a == null", "true"},
    {"li[j]", kOverload}, {"m[sn]", kOverload}, {"[1][dyn(j)]", kOverload}, {"timestamp(sn)", kOverload},
    {"(bn ? 1 : 2) == 1 || true", "true"}, {"[1, 2].filter(v, bn)", kOverload},
    {"[1, 2].exists(v, bn || v == 2)", "true"}, {"{dyn(sn): 1}", "error: unsupported map key type"},
    {"s == ''", "true"}, {"i == 0", "true"}, {"1 / i", kByZero}, {"i != 0 && 1 / i > 0", "false"},
};

}  // namespace

std::span<const Case> ValueCases() { return kCases; }
std::span<const Case> NullCases() { return kNullCases; }

}  // namespace weir::testing
