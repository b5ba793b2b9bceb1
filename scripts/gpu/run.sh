#!/usr/bin/env bash
# On a GPU host that has Python's PyTorch, CMake, ninja and CUDA's headers: unpacks gpu-host/, compiles
# against that PyTorch, and runs what is asked for.
#   scripts/gpu/run.sh OUT [test] [bench] [images]        all three where none is named
# OUT is a folder for logs and results, which are written whatever fails.
set -uo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
out=$(realpath "${1:?a folder for the results}")
shift
steps=("${@:-test bench images}")
host=$root/gpu-host
failed=0

step() { # name, then a command: its output in a log, its time told
  local name=$1 began=$SECONDS
  shift
  if "$@" >"$out/$name.log" 2>&1; then
    echo "$name: done in $((SECONDS - began)) s"
  else
    echo "$name: FAILED in $((SECONDS - began)) s; the end of $name.log:"
    tail -n 25 "$out/$name.log"
    failed=1
    return 1
  fi
}

# Into a folder, unless something of it is there.
unpack_unless() { # what, archive, folder
  [[ -e $1 ]] || { mkdir -p "$3" && tar -xJf "$2" -C "$3"; }
}

unpack() {
  unpack_unless "$host/bin/node" "$host/node.tar.xz" "$host/bin" &&
    unpack_unless node_modules "$host/modules.tar.xz" . &&
    unpack_unless "$host/lib/libnvjpeg.so.13" "$host/nvjpeg.tar.xz" "$host/lib" &&
    { [[ ! -e $host/weights.tar.xz ]] ||
      unpack_unless "$host/baseline.pt" "$host/weights.tar.xz" "$host"; }
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

bench() { node bench/gpu.mjs >"$out/gpu.csv"; }
tests() { node node_modules/mocha/bin/mocha.js --config .mocharc.gpu.json; }

SEMISUP_LIBTORCH=$(python3 -c 'import torch; print(torch.__path__[0])') || exit 1
export SEMISUP_LIBTORCH SEMISUP_TEST_PYTHON=python3 SEMISUP_BENCH_PYTHON=python3
export PATH=$host/bin:$PATH LD_LIBRARY_PATH=$host/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
nvidia-smi >"$out/nvidia-smi.txt" 2>&1
step unpack unpack || exit 1
step compile compile || exit 1
export SEMISUP_TEST_PHOTOS=$host/images
[[ -d $SEMISUP_TEST_PHOTOS ]] || export SEMISUP_TEST_PHOTOS=$root/../shared/images
[[ -e $host/baseline.pt ]] && export SEMISUP_TEST_BASELINE=$host/baseline.pt
step doctor node lib/cli/index.js doctor
for one in ${steps[*]}; do
  case $one in
    test) step test tests ;;
    bench) step bench bench ;;
    images) step images images ;;
  esac
done
exit $failed
