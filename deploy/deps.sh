#!/usr/bin/env bash
# Installs the Debian 12 packages that Weir stands on. This file is the one place where their names are written.
#
#   deploy/deps.sh [runtime|build|test]...     default: all three
#
# Quick when there is nothing to do: apt is started only if a package is missing.
set -euo pipefail

# What the built `weir` links at run time.
runtime=(
  libabsl20220623 libprotobuf32 libspdlog1.10 libfmt9 libfyaml0 libsimdjson14 libxxhash0 libre2-9 libssl3
  librdkafka1 librocksdb7.8 libgrpc++1.51 libhiredis0.14 libcurl4 libcpp-httplib0.11 ca-certificates
)

# What `cmake --preset release && cmake --build --preset release --target weir` needs.
build=(
  g++ cmake ninja-build pkgconf ccache mold
  libabsl-dev protobuf-compiler libprotobuf-dev libprotoc-dev libspdlog-dev libfmt-dev libfyaml-dev
  libsimdjson-dev libcli11-dev libxxhash-dev libre2-dev libssl-dev
  librdkafka-dev librocksdb-dev libgrpc++-dev protobuf-compiler-grpc libhiredis-dev libcurl4-openssl-dev
  libcpp-httplib-dev
)

# What tests/run.sh and tests/nightly.sh need on top. clang comes without recommended packages, so its sanitizer
# runtime (libclang-rt) and symbolizer (llvm) are named. Java and Maven bring the Kafka broker (local_kafka.sh), kcat talks to it,
# prometheus brings promtool.
test=(
  default-jre-headless maven kcat redis-server openssl prometheus
  libgtest-dev libgmock-dev libbenchmark-dev librapidcheck-dev python3 binutils procps
  clang-14 libclang-rt-14-dev clang-format-14 clang-tidy-14 lld-14 llvm-14
)

die() { echo "deps.sh: $*" >&2; exit 1; }

wanted=()
for set in "${@:-runtime build test}"; do
  for name in $set; do
    case $name in
      runtime) wanted+=("${runtime[@]}") ;;
      build) wanted+=("${build[@]}") ;;
      test) wanted+=("${test[@]}") ;;
      *) die "unknown set '$name'; known: runtime build test" ;;
    esac
  done
done

command -v dpkg-query > /dev/null || die "this is not Debian; install the equivalents of: ${wanted[*]}"

missing() {
  local package
  for package in "${wanted[@]}"; do
    # One query per package: a name that dpkg has never heard of must not hide the others.
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2> /dev/null | grep -qx installed || echo "$package"
  done
}

mapfile -t needed < <(missing)
if ((${#needed[@]} == 0)); then
  echo "deps.sh: all ${#wanted[@]} packages are installed"
  exit 0
fi
echo "deps.sh: installing ${#needed[@]} of ${#wanted[@]} packages: ${needed[*]}"

as_root=()
if ((EUID != 0)); then
  command -v sudo > /dev/null || die "installing needs root: run this as root, or install sudo"
  as_root=(sudo)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -o Dpkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" >> "$log" 2>&1
}
install() { apt update && apt install -y --no-install-recommends "${needed[@]}"; }

if ! install; then
  echo "deps.sh: apt failed, trying once more" >&2
  sleep 5
  install || { tail -n 20 "$log" >&2; die "apt could not install the packages; its last lines are above"; }
fi

mapfile -t needed < <(missing)
((${#needed[@]} == 0)) || die "apt reported success, yet these are still missing: ${needed[*]}"
echo "deps.sh: done"
