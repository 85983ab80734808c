// The whole CUDA module in the emulation: its calls of the vendors' libraries, its streams and graphs, and what it says
// when the machine is not as it should be.
#include <array>
#include <cmath>
#include <functional>
#include <gmock/gmock.h>

#include "kernels/cuda/runtime.h"
#include "kernels/device_module.h"
#include "nn/device_floats.h"
#include "tests/gpu/checks.h"
#include "tests/rl/dreamer/small_dreamer.h"

extern "C" {
extern sinv::DeviceModule sinv_device_module;
}

namespace sinv {
namespace {

using cuda_emulation::machine;
using cuda_emulation::Machine;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class CudaModule : public testing::Test {
 protected:
  CudaModule() : before_(use_device_module(&sinv_device_module)) { machine() = {}; }
  ~CudaModule() override {
    machine() = {};
    choose_device("cpu");
    use_device_module(before_);
  }

 private:
  const DeviceModule* before_;
};

template <class Call>
std::string user_error(Call&& call) {
  try {
    call();
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST_F(CudaModule, PassesTheChecksOfARealDevice) {
  choose_device("cuda");
  for (const Check& check : device_checks()) {
    const CheckResult result = run_check(check);
    EXPECT_TRUE(result.passed()) << check.name << ": " << result.problem;
  }
  EXPECT_EQ(cuda_emulation::bytes_held(), 0U);
}

// What is not right with the machine is one sentence, and what was begun is given back.
TEST_F(CudaModule, AMachineWithoutDriverOrGpuOrWithAnOldDriverSaysSo) {
  const auto said = [](const Machine& now) {
    machine() = now;
    return user_error([] { choose_device("cuda"); });
  };
  EXPECT_EQ(said({.driver = 0}), "device cuda: this machine has no NVIDIA driver; run with --device cpu");
  EXPECT_EQ(
      said({.driver = 12040}),
      "device cuda: the NVIDIA driver is for CUDA 12.4, this build wants 13.0 or newer; update the driver, or run "
      "with --device cpu");
  EXPECT_EQ(said({.devices = 0}), "device cuda: the NVIDIA driver finds no GPU; run with --device cpu");
  EXPECT_EQ(said({.function = "cudaGetDeviceCount", .error = cudaErrorUnknown}),
            "device cuda: unknown error (cudaErrorUnknown); run with --device cpu");
  machine() = {.driver = 12040};
  EXPECT_EQ(choose_device("auto").note,
            "device cpu (device cuda: the NVIDIA driver is for CUDA 12.4, this build wants 13.0 or newer)");
}

TEST_F(CudaModule, AGpuThatTheModuleWasNotBuiltForIsNamed) {
  for (const cudaError_t error :
       {cudaErrorNoKernelImageForDevice, cudaErrorInvalidDeviceFunction, cudaErrorUnsupportedPtxVersion}) {
    machine() = {.function = "cudaFuncGetAttributes", .error = error};
    EXPECT_EQ(user_error([] { choose_device("cuda"); }),
              "device cuda:0: emulated device has compute capability 9.0, this build is for 80, 90; configure with "
              "-DCMAKE_CUDA_ARCHITECTURES=90, or run with --device cpu");
  }
}

TEST_F(CudaModule, TooLittleMemoryIsOneSentenceWhereverItShows) {
  choose_device("cuda");
  const auto make = [] {
    DreamerLearnerSettings settings = small_dreamer();
    settings.device = Device::kCuda;
    const DreamerLearner learner(settings, 5);
  };
  machine().memory_bytes = std::size_t{40} << 20U;  // a stream's own rooms, and little more
  EXPECT_THAT(user_error([] { const DeviceBuffer much(std::size_t{64} << 20U); }),
              StartsWith("device cuda:0: 64 MiB more of GPU memory is not to be had (40 of the GPU's 40 MiB are free); "
                         "take a smaller batch or replay, or run with --device cpu"));
  // The products' workspace, the kernels', what a model needs.
  for (const std::size_t mebibytes : {10U, 34U, 36U}) {
    machine().memory_bytes = mebibytes << 20U;
    EXPECT_THAT(user_error(make), HasSubstr(" is not to be had (")) << mebibytes;
    EXPECT_EQ(cuda_emulation::bytes_held(), 0U) << mebibytes;
  }
  machine() = {.function = "cudaHostAlloc", .error = cudaErrorMemoryAllocation};
  EXPECT_THAT(user_error(make), HasSubstr("MiB more of pinned host memory is not to be had"));
}

// The library's workspace for a convolution is taken in the first step.
TEST_F(CudaModule, TooLittleMemoryInsideAStepIsTheSameSentence) {
  choose_device("cuda");
  DreamerLearnerSettings settings = small_dreamer();
  settings.device = Device::kCuda;
  DreamerLearner learner(settings, 5);
  fill_randomly(learner.batch(), 3, 1);
  machine().memory_bytes = cuda_emulation::bytes_held() + 100;
  EXPECT_THAT(user_error([&] { learner.update(); }), HasSubstr("more of GPU memory is not to be had"));
}

// Whatever call it is that tells of it, and though all later ones tell of it too.
TEST_F(CudaModule, ALostDeviceIsOneSentenceInEveryCall) {
  for (const char* function : {"cudaStreamSynchronize", "cudaMemcpyAsync", "launch", "cudaGraphLaunch", "cudaMalloc"}) {
    machine() = {};
    choose_device("cuda");
    const std::string said = user_error([&] {
      DreamerLearnerSettings settings = small_dreamer();
      settings.device = Device::kCuda;
      DreamerLearner learner(settings, 5);
      machine() = {.function = function, .calls = 2, .error = cudaErrorIllegalAddress, .lost = true};
      for (int i = 0; i < 4; ++i) learner.update();
      const DeviceBuffer more(1);
    });
    EXPECT_THAT(said, StartsWith("device cuda:0 was lost (")) << function;
    EXPECT_THAT(said, HasSubstr(": cudaErrorIllegalAddress, an illegal memory access was encountered); what was saved "
                                "last is intact: go on with --resume"));
    EXPECT_EQ(cuda_emulation::bytes_held(), 0U);
  }
}

// What `work` leaves in [4,4] with two precisions.
std::array<std::vector<float>, 2> in_both(Precision other, const std::function<void(const Stream&, View, View)>& work) {
  std::array<std::vector<float>, 2> found;
  for (std::size_t i = 0; i < 2; ++i) {
    choose_device("cuda", i == 0 ? Precision::kFloat32 : other);
    const DeviceStream stream;
    const Stream s = stream.stream();
    std::vector<float> values(64);
    for (std::size_t k = 0; k < values.size(); ++k) values[k] = 0.1F + 0.013F * static_cast<float>(k);
    DeviceFloats x(s, 64);
    x.put(values);
    DeviceFloats y(s, 64);
    work(s, {x.span().data(), Shape{8, 8}}, {y.span().data(), Shape{8, 8}});
    found[i].resize(64);
    y.get(found[i]);
  }
  return found;
}

// The largest difference as a share of the value.
double apart(const std::array<std::vector<float>, 2>& both) {
  double most = 0;
  for (std::size_t i = 0; i < both[0].size(); ++i) {
    const auto a = static_cast<double>(both[0][i]);
    most = std::max(most, std::abs(static_cast<double>(both[1][i]) - a) / std::max(std::abs(a), 1e-3));
  }
  return most;
}

TEST_F(CudaModule, PrecisionReachesProductsAndConvolutions) {
  const auto product = [](const Stream& s, View x, View y) {
    matmul(s, x, false, x, true, GradientMode::kOverwrite, y);
  };
  const auto convolution = [](const Stream& s, View x, View y) {
    const ConvShape shape{2, 2, 16, 4, 1, 1, 0};
    const DeviceFloats packed(s, conv_packed_floats(Device::kCuda, shape));
    const PackedWeight weight{const_cast<float*>(packed.span().data()), nullptr, shape.patch(), shape.outputs};
    conv_pack(s, shape, {x.data, shape.weight()}, weight);
    conv_forward(s, shape, ConstView{x.data, shape.input(1)}, weight, {}, Activation::kIdentity,
                 {y.data, shape.output(1)}, {});
  };
  // Inputs are rounded by at most half a unit in the last place: 2^-11 and 2^-8 of them.
  EXPECT_GT(apart(in_both(Precision::kTf32, product)), 1e-5);
  EXPECT_LT(apart(in_both(Precision::kTf32, product)), 2 * 0x1p-11);
  EXPECT_GT(apart(in_both(Precision::kBf16, product)), 1e-4);
  EXPECT_LT(apart(in_both(Precision::kBf16, product)), 2 * 0x1p-8);
  for (const Precision precision : {Precision::kTf32, Precision::kBf16}) {
    EXPECT_GT(apart(in_both(precision, convolution)), 1e-5);
    EXPECT_LT(apart(in_both(precision, convolution)), 2 * 0x1p-11) << "cuDNN has no faster one for float32 arrays";
  }
}

TEST_F(CudaModule, PrecisionReachesNothingElse) {
  using Work = std::function<void(const Stream&, View, View)>;
  const std::vector<std::pair<const char*, Work>> all{
      {"softmax",
       [](const Stream& s, View x, View y) {
         const View sample{x.data + 32, Shape{4, 8}};
         categorical_forward(s, {x.data, Shape{4, 8}}, 8, {x.data, Shape{4, 1}}, {y.data, Shape{4, 8}}, sample);
       }},
      {"kl",
       [](const Stream& s, View x, View y) {
         kl_balance_forward(s, {x.data, Shape{2, 16}}, {x.data + 32, Shape{2, 16}}, 8, {x.data, Shape{2}}, 0.0F,
                            {y.data, Shape{2}}, {y.data + 2, Shape{}});
       }},
      {"layer norm",
       [](const Stream& s, View x, View y) {
         const View kept{x.data + 40, Shape{4, 2}};
         layer_norm_forward(s, {x.data, Shape{4, 8}}, {x.data, Shape{8}}, {x.data, Shape{8}}, 1e-3F,
                            {y.data, Shape{4, 8}}, kept);
       }},
      {"loss",
       [](const Stream& s, View x, View y) {
         const Shape n{16};
         huber_forward(s, {x.data, n}, {x.data + 16, n}, {x.data + 32, n}, 1.0F, {y.data, n});
       }},
      {"optimiser", [](const Stream& s, View x, View y) {
         const auto part = [](View v, std::size_t i) { return std::span(v.data + 16 * i, 16); };
         adam_update(s, {0.9F, 0.999F, 1e-8F, 0.01F, 1.0F}, 1.0F, part(x, 0), part(y, 0), part(y, 1), part(y, 2),
                     {y.data + 60, Shape{}});
       }}};
  for (const auto& [name, work] : all) EXPECT_EQ(apart(in_both(Precision::kBf16, work)), 0) << name;
}

}  // namespace
}  // namespace sinv
