#!/usr/bin/env bash
# Developers: an install tree, docs/examples/custom_operator as an outside project on it, compile errors that name the
# rule broken, and docs/developers.md, whose code and outputs are those of the example.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
build=${WEIR_BUILD:-build/release}
work=${TEST_TMPDIR:-$(mktemp -d)}
prefix=$work/prefix
app=$work/custom_operator

fail() { echo "FAIL: $*"; exit 1; }
step() { echo "== $SECONDS s: $*"; }

step "install"
cmake --install "$build" --prefix "$prefix" > "$work/install.log" || { cat "$work/install.log"; fail install; }
(cd "$prefix/include" && find . -type f | sed 's|^\./||' | sort) > "$work/installed"
grep '^[a-z]' cmake/public_headers.txt | sed 's|^engine/include/||; t; s|^|weir/|' | sort > "$work/public"
diff "$work/public" "$work/installed" || fail "the installed headers are not those of cmake/public_headers.txt"
"$prefix/bin/weir" version | grep -q '^weir ' || fail "bin/weir"

step "an outside project"
cp -r docs/examples/custom_operator "$app"
# ccache and mold only make this test fast: with them a second run compiles nothing.
export CCACHE_BASEDIR=$work CCACHE_NOHASHDIR=1
fast=()
[ -z "$(command -v ccache)" ] || fast+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
[ -z "$(command -v mold)" ] || fast+=(-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=mold)
cd "$app"
cmake -S . -B build -G Ninja -DCMAKE_PREFIX_PATH="$prefix" "${fast[@]}" > configure.log || { cat configure.log; fail configure; }
cmake --build build > build.log || { cat build.log; fail build; }
step "its tests"
ctest --test-dir build --output-on-failure > ctest.log || { cat ctest.log; fail "its tests"; }
grep -q '100% tests passed, 0 tests failed out of 2' ctest.log || { cat ctest.log; fail "its tests"; }

step "its job"
export WEIR_DATA=$work/data
mkdir -p "$WEIR_DATA/log/payments"
cp data/0.ndjson "$WEIR_DATA/log/payments/"
build/payments run job.yaml --until-end > summary.log 2>&1 || { cat summary.log; fail run; }
grep -q 'events in *500 ' summary.log || { cat summary.log; fail "its summary"; }
! grep -qE 'agent|rule|duplicates' summary.log || { cat summary.log; fail "its summary shows what it does not have"; }
python3 "$root/tests/integration/spending_oracle.py" "$WEIR_DATA/log" 10m 5 || fail "its results"
build/payments run job.yaml --until-end --quiet --log-level warning
python3 "$root/tests/integration/spending_oracle.py" "$WEIR_DATA/log" 10m 5 || fail "a second run repeated results"
unset WEIR_DATA

step "what it says of itself"
build/payments reference options | grep -q '^### `type: spending_session`' || fail "no reference of its operator"
build/payments --help | grep -q '^Usage: payments ' || fail "its help has another's name"
status=0
build/payments validate job.yaml --set 'sources.payments.schema.card=string?' 2> wrong.log || status=$?
[ $status = 78 ] || fail "a schema that does not fit: exit status $status"
grep -q "WEIR-1020.*field 'card' is string?, but the struct Transaction binds it as std::string_view" wrong.log ||
  fail "a schema that does not fit: $(cat wrong.log)"

step "docs/developers.md"
python3 "$root/tests/integration/check_developers_md.py" "$root/docs/developers.md" "$app/build/payments" || fail "docs/developers.md is stale"

step "compile errors"
flags=(-std=c++20 -I "$prefix/include" -I "$prefix/include/weir" -D_GLIBCXX_ASSERTIONS)
# All in one file, each in a namespace of its own: the header is what takes the time.
echo '#include <weir/weir.h>' > "$work/all.cc"
for snippet in "$root"/tests/integration/compile_errors/*.cc; do
  printf 'namespace %s {\n#include "%s"\n}\n' "$(basename "$snippet" .cc)" "$snippet" >> "$work/all.cc"
done
for compiler in g++ 'clang++-14 -ferror-limit=0'; do
  log=$work/errors.${compiler%% *}.log
  if $compiler "${flags[@]}" -fsyntax-only "$work/all.cc" > "$log" 2>&1; then fail "$compiler compiles them"; fi
  for snippet in "$root"/tests/integration/compile_errors/*.cc; do
    text=$(sed -n '1s|^// ||p' "$snippet")
    grep 'error: ' "$log" | grep -qF -- "$text" || { cat "$log"; fail "$compiler does not say: $text"; }
    grep -q "/$(basename "$snippet"):" "$log" || { cat "$log"; fail "$compiler does not name $snippet"; }
  done
done
step "ok"
