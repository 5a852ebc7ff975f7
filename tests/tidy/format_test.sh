#!/usr/bin/env bash
# Every C++ file is as clang-format 14 writes it. To mend: tests/tidy/format_test.sh --fix
set -euo pipefail
cd "$(dirname "$0")/../.."

mode=(--dry-run --Werror)
[[ ${1:-} == --fix ]] && mode=(-i)
find engine state connectors operators agent tests bench docs -name '*.h' -o -name '*.cc' |
  xargs -r clang-format-14 "${mode[@]}"
