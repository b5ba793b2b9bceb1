#!/usr/bin/env bash
# Unpacks gpu-host/ on a GPU host that has PyTorch, CMake, ninja and the CUDA headers, compiles against
# that PyTorch and runs the selected steps.
#   scripts/gpu/run.sh OUT [test] [bench] [images] [-- options of bench/gpu.mjs]
# The default is all three. OUT is a directory for logs and results, which are written even if a step fails.
set -uo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
host=$root/gpu-host
failed=0

mkdir -p "${1:?expected a directory for the results}" && out=$(realpath "$1") || exit 1
shift
steps=()
while (($#)) && [[ $1 != -- ]]; do
  [[ $1 =~ ^(test|bench|images)$ ]] || { echo "Expected test, bench or images, but received '$1'." >&2 && exit 2; }
  steps+=("$1")
  shift
done
((${#steps[@]})) || steps=(test bench images)
bench_options=("${@:2}")

# Runs a command, appends its output to the log and reports its duration.
step() { # name, log, command
  local name=$1 log=$out/$2.log began=$SECONDS
  shift 2
  if "$@" >>"$log" 2>&1; then
    echo "$name: done in $((SECONDS - began)) s"
  else
    echo "$name: FAILED after $((SECONDS - began)) s; the end of $(basename "$log"):"
    tail -n 25 "$log"
    failed=1
    return 1
  fi
}

# Unpacks an archive into a directory, unless the same archive was already unpacked completely.
unpack_once() { # archive, directory
  local stamp=$1.unpacked
  sha256sum --check --status "$stamp" 2>/dev/null && return
  mkdir -p "$2" && tar -xJf "$1" -C "$2" && sha256sum "$1" >"$stamp"
}

unpack() {
  unpack_once "$host/node.tar.xz" "$host/bin" &&
    unpack_once "$host/modules.tar.xz" . &&
    unpack_once "$host/nvjpeg.tar.xz" "$host/lib" &&
    { [[ ! -e $host/weights.tar.xz ]] || unpack_once "$host/weights.tar.xz" "$host"; }
}

compile() {
  cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DSEMISUP_LIBTORCH="$SEMISUP_LIBTORCH" -DNODE_ADDON_API="$root/node_modules/node-addon-api" \
    -DNODE_API_HEADERS="$root/node_modules/node-api-headers/include" &&
    cmake --build build
}

images() {
  UV_THREADPOOL_SIZE=$(nproc) SEMISUP_BENCH_PHOTOS=$SEMISUP_TEST_PHOTOS node bench/gpu-images.mjs >"$out/gpu-images.csv"
}

bench() { node bench/gpu.mjs "${bench_options[@]}" >"$out/gpu.csv"; }
tests() { node node_modules/mocha/bin/mocha.js "test/98.gpu/*.ts"; }

rm -f "$out"/{host,compile,test,bench,images}.log
nvidia-smi >"$out/host.log" 2>&1
SEMISUP_LIBTORCH=$(python3 -c 'import torch; print(torch.__path__[0])') || exit 1
export SEMISUP_LIBTORCH SEMISUP_TEST_PYTHON=python3 SEMISUP_BENCH_PYTHON=python3
export PATH=$host/bin:$PATH LD_LIBRARY_PATH=$host/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
step unpack host unpack || exit 1
step compile compile compile || exit 1
export SEMISUP_TEST_PHOTOS=$host/images
[[ -d $SEMISUP_TEST_PHOTOS ]] || export SEMISUP_TEST_PHOTOS=$root/../shared/images
[[ -e $host/baseline.pt ]] && export SEMISUP_TEST_BASELINE=$host/baseline.pt
step doctor host node lib/cli/index.js doctor
for one in "${steps[@]}"; do
  case $one in
    test) step test test tests ;;
    bench) step bench bench bench ;;
    images) step images images images ;;
  esac
done
exit $failed
