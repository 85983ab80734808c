#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/cpu_ops.h"

/// What crosses the border between the program and its device module: one table of operations, one of services.
namespace sinv {

// Every operation that a device has. One that is missing here does not compile in kernels/ops.cpp; one that the device
// does not have does not compile in its module.
// clang-format off
#define SINV_DEVICE_OPS(X) \
  X(unary_forward) X(unary_backward) X(binary_forward) X(binary_backward) \
  X(matmul) X(packed_floats) X(linear_pack) X(linear_pack_noisy) X(linear_forward) X(linear_backward) \
  X(noisy_mix) X(noisy_backward) X(noise_fill) X(noise_fill_next) \
  X(layer_norm_forward) X(layer_norm_backward) X(dueling_forward) X(dueling_backward) \
  X(gather_forward) X(gather_backward) X(concat_forward) X(concat_backward) X(sum_forward) X(sum_backward) \
  X(huber_forward) X(huber_backward) X(dqn_loss_forward) X(dqn_loss_backward) \
  X(adam_update) X(adam_step) X(average_update) \
  X(conv_packed_floats) X(conv_packed_backward_floats) X(conv_scratch_floats) \
  X(conv_pack) X(conv_forward) X(conv_backward) X(group_norm_forward) X(group_norm_backward) \
  X(max_pool_forward) X(max_pool_backward) X(spectral_norm_forward) X(spectral_norm_backward)
// Those of the world model.
#define SINV_WORLD_OPS(X) \
  X(gru_forward) X(gru_backward) X(categorical_forward) X(categorical_backward) X(uniform_fill_next) \
  X(kl_balance_forward) X(kl_balance_backward) X(lambda_return_forward) X(lambda_return_backward) X(discount_weight) \
  X(policy_score_forward) X(policy_score_backward) X(bernoulli_forward) X(bernoulli_backward) \
  X(scale_rows_forward) X(scale_rows_backward) X(rows_backward) \
  X(deconv_packed_floats) X(deconv_packed_backward_floats) X(deconv_scratch_floats) \
  X(deconv_pack) X(deconv_forward) X(deconv_backward) \
  X(frames_forward) X(picture_changes_forward) X(image_error_forward) X(image_error_backward)
// Those of replay memory.
#define SINV_REPLAY_OPS(X) X(replay_change) X(replay_sample) X(replay_gather) X(replay_prioritise)
// clang-format on

/// The operations as pointers: called like the static functions of Cpu.
struct DeviceOps {
#define SINV_OP_MEMBER(name) decltype(&Cpu::name) name = nullptr;
  SINV_DEVICE_OPS(SINV_OP_MEMBER)
  SINV_WORLD_OPS(SINV_OP_MEMBER)
  SINV_REPLAY_OPS(SINV_OP_MEMBER)
#undef SINV_OP_MEMBER
};

/// One GPU.
struct DeviceFacts {
  char name[256] = {};
  int major = 0;  // compute capability
  int minor = 0;
  int multiprocessors = 0;
  std::size_t memory_bytes = 0;
};

/// Versions as the vendors count them: CUDA 13000 = 13.0, cuBLAS 130100 = 13.1.0, cuDNN 91900 = 9.19.0.
struct DeviceVersions {
  int driver = 0;  // the newest CUDA that the driver knows; 0: there is no driver
  int runtime = 0;
  std::size_t blas = 0;
  std::size_t dnn = 0;
};

/// How exact matrix products and convolutions are. Everything else is float32 always.
enum class Precision : std::uint8_t {
  kFloat32,  // inputs and sums in float32
  kTf32,     // inputs rounded to 10 bits of mantissa, sums in float32; on GPUs
  kBf16,     // inputs rounded to 7 bits of mantissa, sums in float32; on GPUs, and on CPUs with AVX512_BF16
};

/// Memory, streams and graphs of the one device that select() chose. Handles are the module's own pointers.
/// Thread: any; what is queued on one stream comes from one thread at a time.
/// Errors: UserError with one sentence if there is no driver, no such device or no memory, or the device was lost;
/// Error with the call's own text else. Functions named _free and _destroy throw nothing.
struct DeviceServices {
  DeviceVersions (*versions)();
  int (*count)();  // UserError with the reason when there is none
  DeviceFacts (*facts)(int device);
  /// For all threads, before anything else here but the above. UserError if the device cannot run this module.
  void (*select)(int device, Precision precision);

  void* (*memory_take)(std::size_t bytes);  // zeroed
  std::size_t (*memory_left)();             // bytes that nobody has taken
  void (*memory_free)(void* memory);
  /// Memory of the host that the device copies from and to while the host goes on, zeroed. The device reads and writes
  /// it under the same address.
  void* (*pinned_take)(std::size_t bytes);
  void (*pinned_free)(void* memory);

  /// With the workspaces of the libraries. Streams do not wait for each other unless told so by events.
  void* (*stream_create)();
  void (*stream_destroy)(void* stream);
  void (*stream_wait_host)(void* stream);  // the calling thread waits until all that is queued is done
  void (*copy)(void* stream, void* to, const void* from, std::size_t bytes);  // host memory must be pinned
  void (*clear)(void* stream, void* memory, std::size_t bytes);

  void* (*event_create)();
  void (*event_destroy)(void* event);
  void (*event_record)(void* event, void* stream);
  void (*event_wait_stream)(void* event, void* stream);  // the stream waits
  void (*event_wait_host)(void* event);                  // the calling thread waits; not recorded yet: it does not
  double (*event_ms)(void* from, void* to);              // between two events that have happened

  /// Between begin and end nothing runs: what is queued on the stream becomes a graph.
  void (*capture_begin)(void* stream);
  void* (*capture_end)(void* stream);
  /// Ends a capture that failed, without a graph. Throws nothing.
  void (*capture_drop)(void* stream);
  void (*graph_launch)(void* graph, void* stream);
  void (*graph_destroy)(void* graph);

  /// Names what the calling thread queues, for profilers.
  void (*range_push)(const char* name);
  void (*range_pop)();
};

/// What a device module exports under the name kDeviceModuleSymbol.
struct DeviceModule {
  std::uint64_t abi = 0;  // device_abi() of the module's own build; read before anything else
  DeviceOps ops;
  DeviceServices services{};
};
inline constexpr const char* kDeviceModuleSymbol = "sinv_device_module";

namespace device_abi_detail {
constexpr std::uint64_t mix(std::uint64_t hash, std::uint64_t value) { return (hash ^ value) * 0x100000001B3U; }
template <class T>
constexpr std::uint64_t signature() {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char* at = __PRETTY_FUNCTION__; *at != '\0'; ++at) hash = mix(hash, static_cast<unsigned char>(*at));
  return hash;
}
}  // namespace device_abi_detail

/// A number that differs when the tables, a signature in them or a size of a type that they pass differ.
constexpr std::uint64_t device_abi() {
  using device_abi_detail::mix;
  std::uint64_t hash = 1;  // raise it when a meaning changes that no type shows
#define SINV_OP_SIGNATURE(name) hash = mix(hash, device_abi_detail::signature<decltype(&Cpu::name)>());
  SINV_DEVICE_OPS(SINV_OP_SIGNATURE)
  SINV_WORLD_OPS(SINV_OP_SIGNATURE)
  SINV_REPLAY_OPS(SINV_OP_SIGNATURE)
#undef SINV_OP_SIGNATURE
  for (const std::size_t size :
       {sizeof(DeviceOps),     sizeof(DeviceServices), sizeof(DeviceFacts),  sizeof(DeviceVersions),
        sizeof(Stream),        sizeof(View),           sizeof(PackedWeight), sizeof(LinearGradients),
        sizeof(DqnLossInputs), sizeof(DqnLossOutputs), sizeof(ConvShape),    sizeof(DeconvShape),
        sizeof(ConvImages),    sizeof(GruGradients),   sizeof(KlGradients),  sizeof(LambdaGradients),
        sizeof(NormGradients), sizeof(PoolAxis),       sizeof(AdamStep),     sizeof(AdamState),
        sizeof(NoiseState),    sizeof(ReplayRing),     sizeof(ReplayState),  sizeof(ReplayChange),
        sizeof(ReplayBatch)}) {
    hash = mix(hash, size);
  }
  return hash;
}

}  // namespace sinv
