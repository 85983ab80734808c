#pragma once

#include <algorithm>
#include <cmath>
#include <cuda_runtime.h>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/cpu/cpu_ops.h"
#include "kernels/cuda/cuda_ops.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/workspace.h"
#include "tests/kernels/cuda/cases.h"
#include "tests/kernels/draw.h"

/// One call, run by the CPU backend on host memory and by the CUDA backend on device memory, and their outputs
/// compared. The same source serves the emulation and a real device: only the memory and the stream differ, and both
/// come from <cuda_runtime.h>. A case throws where no comparison can say what is wrong.
namespace sinv {

/// The stream of the tests, with its workspace.
inline Stream test_stream() {
  static const Stream stream = [] {
    cudaStream_t made = nullptr;
    check_cuda(cudaStreamCreate(&made), "test stream");
    const Stream s{Device::kCuda, made};
    attach_workspace(s);
    return s;
  }();
  return stream;
}

/// Elements in device memory between guard values. `shift`: how far the first is from 16 bytes, in elements.
template <class T>
class DeviceArray {
 public:
  DeviceArray(std::span<const T> values, std::size_t shift) : count_(values.size()), before_(kGuards + shift) {
    std::vector<T> all(before_ + count_ + kGuards, kGuard);
    std::copy(values.begin(), values.end(), all.begin() + static_cast<std::ptrdiff_t>(before_));
    check_cuda(cudaMalloc(&memory_, all.size() * sizeof(T)), "test array");
    check_cuda(cudaMemcpyAsync(memory_, all.data(), all.size() * sizeof(T), cudaMemcpyHostToDevice,
                               cuda_stream(test_stream())),
               "test array");
    check_cuda(cudaStreamSynchronize(cuda_stream(test_stream())), "test array");
  }
  ~DeviceArray() { cudaFree(memory_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  T* data() { return memory_ + before_; }
  /// Waits for the stream, then the elements. Errors: Error if a kernel wrote outside them.
  std::vector<T> read(const std::string& name) {
    std::vector<T> all(before_ + count_ + kGuards);
    check_cuda(cudaMemcpyAsync(all.data(), memory_, all.size() * sizeof(T), cudaMemcpyDeviceToHost,
                               cuda_stream(test_stream())),
               "test array");
    check_cuda(cudaStreamSynchronize(cuda_stream(test_stream())), "test array");
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (i >= before_ && i < before_ + count_) continue;
      SINV_CHECK(all[i] == kGuard, name, ": written outside, at ",
                 static_cast<std::int64_t>(i) - static_cast<std::int64_t>(before_), " of ", count_);
    }
    return {all.begin() + static_cast<std::ptrdiff_t>(before_),
            all.begin() + static_cast<std::ptrdiff_t>(before_ + count_)};
  }

 private:
  static constexpr std::size_t kGuards = 64;
  static constexpr T kGuard = static_cast<T>(119);
  std::size_t count_;
  std::size_t before_;
  T* memory_ = nullptr;
};

/// What a call asks of its side: inputs are copied to it, outputs come back by name.
class CpuSide {
 public:
  using Operations = Cpu;
  static constexpr bool kIsCuda = false;
  Stream stream() const { return {}; }
  ConstView in(const std::vector<float>& values, Shape shape) { return {keep(values).data(), shape}; }
  template <class T>
  std::span<const T> list(const std::vector<T>& values) {
    return values;
  }
  /// An output that starts as `start` (one value for all elements, or each element's own).
  View out(const std::string& name, Shape shape, Bound bound, float start = 7.0F) {
    return out(name, shape, bound, std::vector<float>(shape.size(), start));
  }
  View out(const std::string& name, Shape shape, Bound bound, const std::vector<float>& start) {
    SINV_CHECK(start.size() == shape.size(), name, ": ", start.size(), " values for ", shape);
    outputs_.push_back({name, bound, start});
    return {outputs_.back().values.data(), shape};
  }
  /// The same of other types; their values are compared as floats.
  template <class T>
  std::span<T> array(const std::string& name, Bound bound, const std::vector<T>& start) {
    auto kept = std::make_shared<std::vector<T>>(start);
    reads_.push_back([kept, name, bound] { return NamedOutput{name, bound, {kept->begin(), kept->end()}}; });
    return *kept;
  }
  /// A struct in the side's memory.
  template <class State>
  State* state(const State& value) {
    auto* copy = new (keep(std::vector<float>(2 * sizeof(State) / sizeof(float) + 8)).data()) State(value);
    return copy;
  }
  template <class State>
  State read(State* state) {
    return *state;
  }
  std::deque<NamedOutput> outputs() const {
    std::deque<NamedOutput> all = outputs_;
    for (const auto& read : reads_) all.push_back(read());
    return all;
  }

 private:
  std::vector<float>& keep(std::vector<float> values) {
    inputs_.push_back(std::move(values));
    return inputs_.back();
  }
  std::deque<std::vector<float>> inputs_;
  std::deque<NamedOutput> outputs_;
  std::vector<std::function<NamedOutput()>> reads_;
};

class CudaSide {
 public:
  using Operations = Cuda;
  static constexpr bool kIsCuda = true;
  explicit CudaSide(std::size_t shift) : shift_(shift) {}
  Stream stream() const { return test_stream(); }
  ConstView in(const std::vector<float>& values, Shape shape) { return {keep<float>(values, shift_).data(), shape}; }
  template <class T>
  std::span<const T> list(const std::vector<T>& values) {
    return {keep<T>(values, shift_).data(), values.size()};
  }
  View out(const std::string& name, Shape shape, Bound bound, float start = 7.0F) {
    return out(name, shape, bound, std::vector<float>(shape.size(), start));
  }
  View out(const std::string& name, Shape shape, Bound bound, const std::vector<float>& start) {
    auto& array = keep<float>(start, shift_);
    reads_.push_back([&array, name, bound] { return NamedOutput{name, bound, array.read(name)}; });
    return {array.data(), shape};
  }
  template <class T>
  std::span<T> array(const std::string& name, Bound bound, const std::vector<T>& start) {
    auto& array = keep<T>(start, shift_);
    reads_.push_back([&array, name, bound] {
      const std::vector<T> found = array.read(name);
      return NamedOutput{name, bound, {found.begin(), found.end()}};
    });
    return {array.data(), start.size()};
  }
  template <class State>
  State* state(const State& value) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
    return reinterpret_cast<State*>(keep<std::uint8_t>({bytes, sizeof(State)}, 0).data());
  }
  template <class State>
  State read(State* state) {
    State value;
    check_cuda(cudaMemcpyAsync(&value, state, sizeof(State), cudaMemcpyDeviceToHost, cuda_stream(test_stream())),
               "test state");
    check_cuda(cudaStreamSynchronize(cuda_stream(test_stream())), "test state");
    return value;
  }
  std::deque<NamedOutput> outputs() {
    std::deque<NamedOutput> all;
    for (const auto& read : reads_) all.push_back(read());
    return all;
  }

 private:
  template <class T>
  DeviceArray<T>& keep(std::span<const T> values, std::size_t shift) {
    auto array = std::make_shared<DeviceArray<T>>(values, shift);
    kept_.push_back(array);
    return *array;
  }
  std::size_t shift_;
  std::deque<std::shared_ptr<void>> kept_;
  std::vector<std::function<NamedOutput()>> reads_;
};

/// Calls call(side) for the CPU once and for CUDA in every way: memory aligned and not, and under the emulation the
/// threads in every order. What differs by more than its bound is the result's problem, and the rest is left out then.
template <class Call>
void compare(CheckResult& result, const std::string& where, Call call) {
  if (!result.problem.empty()) return;
  CpuSide cpu;
  call(cpu);
  const auto on_cuda = [&](const std::string& how, std::size_t shift) {
    try {
      CudaSide cuda(shift);
      call(cuda);
      compare_outputs(result, text(where, how, ", shift ", shift), cpu.outputs(), cuda.outputs());
    } catch (const Error& error) {
      throw Error(text(where, how, ", shift ", shift, ": ", error.what()));
    }
  };
  for (const std::size_t shift : {std::size_t{0}, std::size_t{1}}) {
#if defined(SINV_CUDA_EMULATION)
    for (const cuda_emulation::Order order : cuda_emulation::kOrders) {
      cuda_emulation::set_order(order, 1 + shift);
      on_cuda(text(", order ", static_cast<int>(order)), shift);
    }
#else
    on_cuda("", shift);
#endif
  }
}

inline constexpr GradientMode kModes[] = {GradientMode::kOverwrite, GradientMode::kAccumulate};

}  // namespace sinv
