#!/bin/sh
# tools/gpu_check.sh [PEERS]: builds the GPU self-check with g++, nvcc, CMake and the CUDA libraries alone, runs its
# checks and benches, and the PyTorch programs of the folder PEERS (default shared/peers) on the same GPU.
# A stage that fails is told and the next one goes on; exit status 1 if one failed.
#   SINV_GPU_CHECK_BUILD   where to build (default build-gpu)
#   SINV_REQUIRE_GPU=1     no GPU is a failure, not a skip
set -u
cd "$(dirname "$0")/.." || exit 1
peers=${1:-shared/peers}
build=${SINV_GPU_CHECK_BUILD:-build-gpu}
failed=""

stage() {  # stage NAME SECONDS COMMAND...
  name=$1
  limit=$2
  shift 2
  echo "== $name"
  start=$(date +%s)
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
case "$capability" in [0-9]*) ;; *) capability="80;90" ;; esac

generator=""
command -v ninja >/dev/null && generator="-G Ninja"
# shellcheck disable=SC2086
stage configure 120 cmake -S . -B "$build" $generator -DCMAKE_BUILD_TYPE=Release -DSINV_GPU_CHECK=ON \
  -DCMAKE_CUDA_ARCHITECTURES="$capability" -DCMAKE_PREFIX_PATH="$(package_folders)"
stage build 300 cmake --build "$build" --parallel "$(nproc)" --target gpu_check sinv_cuda
stage checks 120 "$build/gpu_check" checks
if command -v compute-sanitizer >/dev/null && [ -n "$(nvidia-smi -L 2>/dev/null)" ]; then
  stage memcheck 120 compute-sanitizer --tool memcheck --error-exitcode 9 "$build/gpu_check" checks
fi
stage benches 90 "$build/gpu_check" bench
if [ -f "$peers/peer_dqn_mlp.py" ] && [ -n "$(nvidia-smi -L 2>/dev/null)" ]; then
  stage "peer, eager" 60 python3 "$peers/peer_dqn_mlp.py" --device cuda --precision fp32 --batches 32 256 --seconds 0.3
  stage "peer, graph" 60 python3 "$peers/peer_dqn_mlp.py" --device cuda --precision fp32 --batches 32 256 --seconds 0.3 \
    --cuda-graph
else
  echo "== peers: skipped, no GPU or no $peers/peer_dqn_mlp.py"
fi
if [ -n "$failed" ]; then
  echo "FAILED:$failed"
  exit 1
fi
echo "all stages passed or were skipped with their reason"
