#!/bin/sh
# tools/gpu_check.sh [PEERS]: builds the GPU self-check with g++, nvcc, CMake and the CUDA libraries alone, runs its
# kernels, checks and benches, the PyTorch programs of the folder PEERS (default shared/peers) on the same GPU, and
# compute-sanitizer, and ends in a table. A stage that fails is told and the next one goes on; exit status 1 if one
# failed. It ends after SINV_GPU_CHECK_SECONDS at most: what no time is left for is told.
#   SINV_GPU_CHECK_BUILD     where to build (default build-gpu)
#   SINV_GPU_CHECK_SECONDS   in all (default 580)
#   SINV_GPU_PRECISION       of the benches and the PyTorch programs: float32 (default), tf32 or bf16
#   SINV_REQUIRE_GPU=1       no GPU is a failure, not a skip
set -u
cd "$(dirname "$0")/.." || exit 1
peers=${1:-shared/peers}
build=${SINV_GPU_CHECK_BUILD:-build-gpu}
precision=${SINV_GPU_PRECISION:-float32}
deadline=$(($(date +%s) + ${SINV_GPU_CHECK_SECONDS:-580}))
failed=""
left_out=""

stage() {  # stage NAME SECONDS COMMAND...
  name=$1
  limit=$2
  shift 2
  start=$(date +%s)
  left=$((deadline - start))
  echo "== $name"
  if [ "$left" -lt 5 ]; then
    echo "-- $name: left out, no time"
    left_out="$left_out '$name'"
    return
  fi
  [ "$left" -lt "$limit" ] && limit=$left
  if timeout -k 5 "$limit" "$@"; then
    echo "-- $name: ok, $(($(date +%s) - start)) s"
  else
    echo "-- $name: FAILED with status $?, $(($(date +%s) - start)) s"
    failed="$failed '$name'"
  fi
}

# Folders of Python packages that hold the CUDA libraries, where the toolkit does not.
package_folders() {
  python3 - <<'PYTHON' 2>/dev/null
import glob, os, sysconfig
root = os.path.join(sysconfig.get_paths()["purelib"], "nvidia")
print(";".join(sorted({os.path.dirname(os.path.dirname(found)) for found in
                       glob.glob(root + "/*/include/cudnn.h") + glob.glob(root + "/*/include/cublasLt.h")})))
PYTHON
}

[ -d /usr/local/cuda/bin ] && PATH=$PATH:/usr/local/cuda/bin
export PATH
echo "== machine"
nvidia-smi --query-gpu=name,driver_version,memory.total,compute_cap --format=csv,noheader 2>&1 | head -4
nvcc --version 2>&1 | tail -2 | head -1
capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | head -1 | tr -d '. ')
case "$capability" in [0-9]*) gpu=yes ;; *) gpu="" capability="80;90" ;; esac

generator=""
command -v ninja >/dev/null && generator="-G Ninja"
# shellcheck disable=SC2086
stage configure 120 cmake -S . -B "$build" $generator -DCMAKE_BUILD_TYPE=Release -DSINV_GPU_CHECK=ON \
  -DCMAKE_CUDA_ARCHITECTURES="$capability" -DCMAKE_PREFIX_PATH="$(package_folders)"
stage build 300 cmake --build "$build" --parallel "$(nproc)" --target gpu_check gpu_kernels sinv_cuda
stage kernels 60 "$build/gpu_kernels"
stage checks 90 "$build/gpu_check" checks

figures=$build/figures
rm -rf "$figures"
mkdir -p "$figures"
stage benches 90 "$build/gpu_check" bench "$figures/ours.json"

peer() {  # peer NAME PROGRAM ARGUMENTS...: eager, then as a graph
  peer_name=$1
  program=$2
  shift 2
  [ "$precision" = float32 ] && peer_precision=fp32 || peer_precision=$precision
  for how in eager graph; do
    [ $how = graph ] && set -- "$@" --cuda-graph
    stage "peer $peer_name, $how" 60 python3 "$peers/$program" --device cuda --precision "$peer_precision" --repeats 5 \
      --seconds 0.3 --json "$figures/${peer_name}_$how.json" "$@"
  done
}
if [ -n "$gpu" ] && [ -f "$peers/peer_dqn_mlp.py" ]; then
  peer mlp peer_dqn_mlp.py --batches 32 256
  peer cnn peer_dqn_cnn.py --noisy --channels-last --batches 32 256
  peer dreamer peer_dreamer.py --size atari --batch 16 50 --channels-last --parts update
else
  echo "== peers: skipped, no GPU or no $peers/peer_dqn_mlp.py"
fi

if [ -n "$gpu" ] && command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck initcheck; do
    stage $tool 60 compute-sanitizer --tool $tool --error-exitcode 9 "$build/gpu_kernels"
  done
else
  echo "== sanitizers: skipped, no GPU or no compute-sanitizer"
fi

echo "== table ($precision)"
python3 tools/gpu_table.py "$figures"
[ -n "$left_out" ] && echo "left out for lack of time:$left_out"
if [ -n "$failed" ]; then
  echo "FAILED:$failed"
  exit 1
fi
echo "all stages passed or were skipped with their reason"
