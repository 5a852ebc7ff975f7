// A schema with every type, rows for it, and values as text with their types visible.
#pragma once

#include <string>
#include <string_view>

#include "engine/expr/program.h"

namespace weir::testing {

// i: int64, j: int64?, d: double, s: string, sn: string?, b: bool, bn: bool?, y: bytes,
// t: timestamp, tn: timestamp?, x: json, li: list<int64>, ls: list<string?>?, m: map<string,
// int64>, st: struct{a: int64, b: string?, inner: struct{c: int64}?}, sx: struct{a: int64}?
SchemaPtr AllTypes();

// Row 0: i=7 j=5 d=2.5 s='failed' sn='x' b=true bn=true y=b'ab' t=2009-02-13T23:31:30.250Z tn=t
//        x={"a": 1, "s": "q", "n": null, "l": [1, 2], "f": 1.5, "m": {"k": "v"}} li=[1, 2, 3]
//        ls=['p', null] m={'k': 1} st={a: 1, b: 'in', inner: {c: 9}} sx={a: 2}
// Row 1: every nullable field null, json null, lists and maps empty.
RecordBatch TwoRows();

// 1, 2u, 1.5, 'text', b'text', true, null, ts(ms), dur(ms), [..], {..}.
std::string Show(const Value& value);

// Show of the result, or "error: text" (without position), or "compile: message".
std::string Evaluate(std::string_view expression, size_t row = 0);

// One Value per field of AllTypes(), appended as a row.
void AppendValues(const std::vector<Value>& values, RecordBatch* batch);

}  // namespace weir::testing
