#include "tests/gpu/checks.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/error.h"
#include "base/random.h"
#include "kernels/deconv.h"
#include "kernels/device_memory.h"
#include "rl/dqn/learner.h"
#include "tests/rl/dreamer/small_dreamer.h"

namespace sinv {
namespace {

std::vector<float> random_values(std::size_t count, std::uint64_t stream) {
  Random random(31, stream);
  std::vector<float> values(count);
  for (float& v : values) v = 2.0F * random.uniform() - 1.0F;
  return values;
}

// Floats of a stream's device, with a copy of what the host put there.
class Values {
 public:
  Values(const Stream& stream, Shape shape, std::uint64_t number)
      : Values(stream, shape, random_values(shape.size(), number)) {}
  Values(const Stream& stream, Shape shape, const std::vector<float>& values)
      : stream_(stream), shape_(shape), host_(values) {
    if (stream.device == Device::kCpu) return;
    device_ = DeviceBuffer(host_.size() * sizeof(float));
    copy_and_wait(stream, device_.data(), host_.data(), host_.size() * sizeof(float));
  }
  View view() { return {stream_.device == Device::kCpu ? host_.data() : static_cast<float*>(device_.data()), shape_}; }
  std::vector<float> get() {
    std::vector<float> values(host_.size());
    copy_and_wait(stream_, values.data(), view().data, values.size() * sizeof(float));
    return values;
  }

 private:
  Stream stream_;
  Shape shape_;
  std::vector<float> host_;
  DeviceBuffer device_;
};

// An element may differ by `absolute` + `relative` of the CPU's.
void compare(CheckResult& result, const std::string& what, const std::vector<float>& found,
             const std::vector<float>& wanted, double relative, double absolute) {
  if (found.size() != wanted.size()) result.problem = text(what, ": ", found.size(), " values, wanted ", wanted.size());
  for (std::size_t i = 0; i < found.size() && result.problem.empty(); ++i) {
    const double difference = std::abs(static_cast<double>(found[i]) - static_cast<double>(wanted[i]));
    const double share = difference / (absolute + relative * std::abs(static_cast<double>(wanted[i])));
    if (!(share <= 1)) {
      result.problem = text(what, ": element ", i, " is ", found[i], ", the CPU's ", wanted[i], ", bound ", absolute,
                            " + ", relative, " of it");
    }
    result.worst = std::max(result.worst, share);
  }
}

// A sum of k products of numbers in -1 .. 1 whose partial sums round in another order: at most k roundings of 2^-24 of
// a partial sum, which stays below about 4 sqrt(k / 9).
double sum_bound(std::int64_t k) { return static_cast<double>(k) * std::sqrt(static_cast<double>(k)) * 1.4 * 0x1p-24; }

// What a call leaves in its outputs, on the CPU and on the device.
using Call = std::function<std::vector<std::vector<float>>(const Stream&)>;
void compare_sides(CheckResult& result, const std::string& what, const Call& call, double absolute) {
  const DeviceStream device;
  const std::vector<std::vector<float>> wanted = call({});
  const std::vector<std::vector<float>> found = call(device.stream());
  for (std::size_t i = 0; i < wanted.size(); ++i)
    compare(result, text(what, ", output ", i), found[i], wanted[i], 0, absolute);
}

CheckResult check_matmul() {
  CheckResult result;
  const std::int64_t sizes[][3] = {{1, 1, 1}, {3, 5, 7}, {32, 128, 256}, {256, 6, 257}, {65, 33, 1}, {200, 300, 129}};
  for (const auto& [m, n, k] : sizes) {
    for (int kind = 0; kind < 8; ++kind) {
      const bool ta = (kind & 1) != 0;
      const bool tb = (kind & 2) != 0;
      const auto mode = (kind & 4) != 0 ? GradientMode::kAccumulate : GradientMode::kOverwrite;
      const Call call = [&](const Stream& s) {
        Values a(s, ta ? Shape{k, m} : Shape{m, k}, 1);
        Values b(s, tb ? Shape{n, k} : Shape{k, n}, 2);
        Values c(s, Shape{m, n}, 3);
        matmul(s, a.view(), ta, b.view(), tb, mode, c.view());
        return std::vector<std::vector<float>>{c.get()};
      };
      compare_sides(result, text("matmul ", m, " ", n, " ", k, " kind ", kind), call, sum_bound(k) + 1e-6);
    }
  }
  return result;
}

// Memory as packed weights have it, on either side.
struct Packed {
  std::vector<float> host_forward, host_backward;
  DeviceBuffer forward, backward;
  PackedWeight weight;
  Packed(const Stream& s, std::int64_t k, std::int64_t n, std::size_t ahead, std::size_t back) {
    weight.k = k;
    weight.n = n;
    if (s.device == Device::kCpu) {
      host_forward.resize(ahead + 64);
      host_backward.resize(back + 64);
      const auto border = [](std::vector<float>& from) {  // panels begin at cache lines
        return reinterpret_cast<float*>((reinterpret_cast<std::uintptr_t>(from.data()) + 63) / 64 * 64);
      };
      weight.forward = border(host_forward);
      weight.backward = border(host_backward);
    } else {
      forward = DeviceBuffer(ahead * sizeof(float));
      backward = DeviceBuffer(back * sizeof(float));
      weight.forward = static_cast<float*>(forward.data());
      weight.backward = static_cast<float*>(backward.data());
    }
  }
};

CheckResult check_linear() {
  CheckResult result;
  const std::int64_t sizes[][3] = {{1, 128, 256}, {32, 128, 256}, {33, 257, 6}, {256, 256, 256}, {7, 3, 1}};
  for (const auto& [m, k, n] : sizes) {
    for (const Activation activation :
         {Activation::kIdentity, Activation::kRelu, Activation::kLeakyRelu, Activation::kTanh}) {
      for (const GradientMode mode : {GradientMode::kOverwrite, GradientMode::kAccumulate}) {
        const Call call = [&](const Stream& s) {
          Values x(s, Shape{m, k}, 1);
          Values w(s, Shape{k, n}, 2);
          Values bias(s, Shape{n}, 3);
          Values y(s, Shape{m, n}, 4);
          Values gy(s, Shape{m, n}, 5);
          Values gx(s, Shape{m, k}, 6);
          Values gw(s, Shape{k, n}, 7);
          Values gb(s, Shape{n}, 8);
          Packed packed(s, k, n, packed_floats(s.device, k, n), packed_floats(s.device, n, k));
          Packed scratch(s, m, n, packed_floats(s.device, m, n), 1);
          linear_pack(s, w.view(), packed.weight);
          linear_forward(s, x.view(), packed.weight, bias.view(), activation, y.view());
          const std::vector<float> answer = y.get();
          // The gradient at a kink is another one after one rounding: the CPU's signs for both.
          Values same_y(s, Shape{m, n}, answer);
          linear_backward(s, x.view(), packed.weight, activation, same_y.view(), gy.view(),
                          {gx.view(), gw.view(), gb.view(), mode, mode, mode},
                          {scratch.weight.forward, packed_floats(s.device, m, n)});
          return std::vector{answer, gx.get(), gw.get(), gb.get()};
        };
        compare_sides(result, text("linear ", m, " ", k, " ", n, " activation ", static_cast<int>(activation)), call,
                      sum_bound(std::max({m, k, n})) + 1e-5);
      }
    }
  }
  return result;
}

CheckResult check_conv() {
  CheckResult result;
  const ConvShape shapes[] = {{84, 84, 4, 32, 8, 4, 0}, {20, 20, 32, 64, 4, 2, 0}, {9, 9, 64, 64, 3, 1, 0},
                              {11, 13, 3, 5, 3, 1, 1},  {21, 21, 16, 32, 3, 1, 1}, {15, 15, 16, 64, 15, 1, 0, 1}};
  for (const ConvShape& shape : shapes) {
    for (const std::int64_t m : {1, 5}) {
      const Call call = [&](const Stream& s) {
        Values x(s, shape.input(m), 1);
        Values w(s, shape.weight(), 2);
        Values bias(s, Shape{shape.outputs}, 3);
        Values y(s, shape.output(m), 4);
        Values gy(s, shape.output(m), 5);
        Values gx(s, shape.input(m), 6);
        Values gw(s, shape.weight(), 7);
        Values gb(s, Shape{shape.outputs}, 8);
        Packed packed(s, shape.patch(), shape.outputs, conv_packed_floats(s.device, shape),
                      conv_packed_backward_floats(s.device, shape));
        const std::size_t room = conv_scratch_floats(s.device, shape);
        Packed scratch(s, 1, 1, std::max<std::size_t>(room, 1), 1);
        const std::span<float> span(scratch.weight.forward, room);
        conv_pack(s, shape, w.view(), packed.weight);
        conv_forward(s, shape, x.view(), packed.weight, bias.view(), Activation::kIdentity, y.view(), span);
        const std::vector<float> answer = y.get();
        conv_backward(s, shape, x.view(), packed.weight, Activation::kIdentity, y.view(), gy.view(),
                      {gx.view(), gw.view(), gb.view(), GradientMode::kAccumulate, GradientMode::kAccumulate,
                       GradientMode::kOverwrite},
                      span);
        return std::vector{answer, gx.get(), gw.get(), gb.get()};
      };
      const std::int64_t positions = m * shape.out_height() * shape.out_width();
      compare_sides(result,
                    text("conv ", shape.height, "x", shape.width, "x", shape.channels, " kernel ", shape.kernel, ", ",
                         m, " images"),
                    call, sum_bound(std::max(shape.patch(), positions)) + 1e-5);
    }
  }
  return result;
}

// The decoder of the world model's defaults, thinned, and sizes that nothing divides.
CheckResult check_deconv() {
  CheckResult result;
  const DeconvShape shapes[] = {{1, 1, 200, 32, 5, 2}, {5, 5, 32, 16, 5, 2}, {13, 13, 16, 12, 6, 2},
                                {30, 30, 12, 1, 6, 2}, {4, 7, 3, 5, 3, 1},   {3, 2, 6, 4, 2, 3}};
  for (const DeconvShape& shape : shapes) {
    for (const std::int64_t m : {1, 5}) {
      for (const GradientMode mode : {GradientMode::kOverwrite, GradientMode::kAccumulate}) {
        const Call call = [&](const Stream& s) {
          Values x(s, shape.input(m), 1);
          Values w(s, shape.weight(), 2);
          Values bias(s, Shape{shape.outputs}, 3);
          Values y(s, shape.output(m), 4);
          Values gy(s, shape.output(m), 5);
          Values gx(s, shape.input(m), 6);
          Values gw(s, shape.weight(), 7);
          Values gb(s, Shape{shape.outputs}, 8);
          Packed packed(s, shape.channels, shape.outputs, deconv_packed_floats(s.device, shape),
                        deconv_packed_backward_floats(s.device, shape));
          const std::size_t room = deconv_scratch_floats(s.device, shape, m);
          Packed scratch(s, 1, 1, std::max<std::size_t>(room, 1), 1);
          const std::span<float> span(scratch.weight.forward, room);
          deconv_pack(s, shape, w.view(), packed.weight);
          deconv_forward(s, shape, x.view(), packed.weight, bias.view(), Activation::kTanh, y.view(), span);
          const std::vector<float> answer = y.get();
          deconv_backward(s, shape, x.view(), packed.weight, Activation::kTanh, y.view(), gy.view(),
                          {gx.view(), gw.view(), gb.view(), mode, mode, mode}, span);
          return std::vector{answer, gx.get(), gw.get(), gb.get()};
        };
        const std::int64_t terms = std::max(
            {m * shape.out_height() * shape.out_width(), shape.kernel * shape.kernel * shape.outputs, shape.channels});
        compare_sides(result,
                      text("deconv ", shape.height, "x", shape.width, "x", shape.channels, " kernel ", shape.kernel,
                           ", ", m, " images"),
                      call, sum_bound(terms) + 1e-5);
      }
    }
  }
  return result;
}

constexpr int kFeatures = 128;
constexpr int kActions = 6;

void fill(DqnLearner& learner, std::uint64_t number) {
  Random random(17, number);
  const DqnBatch batch = learner.batch();
  for (std::span<float> values : {batch.observation_tm1, batch.observation_t, batch.return_t}) {
    for (float& x : values) x = 2.0F * random.uniform() - 1.0F;
  }
  for (std::span<std::uint8_t> bytes : {batch.frames_tm1, batch.frames_t}) {
    for (std::uint8_t& b : bytes) b = static_cast<std::uint8_t>(random.below(256));
  }
  for (std::int32_t& a : batch.action_tm1) a = static_cast<std::int32_t>(random.below(kActions));
  for (float& d : batch.discount_t) d = random.uniform() < 0.1F ? 0.0F : 0.97F;
  for (float& w : batch.weight) w = 0.5F + 0.5F * random.uniform();
}

// Parameters after `updates`, one in flight more than is finished where the device can.
std::vector<float> train(const DqnLearnerSettings& settings, const QInput& input, int updates) {
  DqnLearner learner(settings, input, kActions, 3);
  std::vector<float> errors(static_cast<std::size_t>(settings.batch));
  for (int i = 0; i < updates; ++i) {
    fill(learner, static_cast<std::uint64_t>(i));
    learner.start();
    if (i % 25 == 24) learner.update_target();
    if (learner.started() == learner.most_started()) learner.finish(errors);
  }
  while (learner.started() > 0) learner.finish(errors);
  const std::span<const float> parameters = learner.parameters();
  return {parameters.begin(), parameters.end()};
}

// A parameter moves by about the learning rate in each update at most; 2 % of that way is what other roundings may
// move it to the side, since Adam divides by the size of its own small gradients.
CheckResult check_updates(const QNetworkSettings& network, const QInput& input, int batch, int updates) {
  CheckResult result;
  DqnLearnerSettings settings;
  settings.network = network;
  settings.batch = batch;
  settings.learning_rate = 1e-4F;
  const std::vector<float> wanted = train(settings, input, updates);
  settings.device = Device::kCuda;
  const double way = static_cast<double>(updates) * static_cast<double>(settings.learning_rate);
  compare(result, "parameters", train(settings, input, updates), wanted, 0, 0.02 * way);
  return result;
}

CheckResult check_mlp_updates() { return check_updates(mlp_network(), kFeatures, 32, 100); }

CheckResult check_cnn_updates() {
  QNetworkSettings network = conv_network_preset("deepmind");
  network.head.hidden = {64};
  return check_updates(network, StackShape{4, 84, 84}, 8, 20);
}

// A small world model with all its parts. Classes are drawn with the same numbers, and with these none falls on the
// border of two. Parameters move by about the rate in each update; a twentieth of that way for other roundings.
CheckResult check_dreamer_updates() {
  CheckResult result;
  constexpr int kUpdates = 5;
  std::vector<std::vector<float>> found;
  for (const Device where : {Device::kCpu, Device::kCuda}) {
    DreamerLearnerSettings settings = small_dreamer();
    settings.device = where;
    DreamerLearner learner(settings, 5);
    for (std::uint64_t i = 0; i < kUpdates; ++i) {
      fill_randomly(learner.batch(), settings.world.actions, i);
      learner.update();
    }
    const DreamerParameters all = learner.parameters();
    for (const std::span<const float> part : {all.world, all.actor, all.critic}) {
      found.emplace_back(part.begin(), part.end());
    }
  }
  const DreamerLearnerSettings rates;
  const float rate[] = {rates.world_rate, rates.actor_rate, rates.critic_rate};
  const char* names[] = {"world model", "actor", "critic"};
  for (std::size_t i = 0; i < 3; ++i) {
    compare(result, names[i], found[i + 3], found[i], 0, 0.05 * kUpdates * static_cast<double>(rate[i]));
  }
  return result;
}

// The first update is queued piece by piece, the later ones are graphs: a learner restored before each of them queues
// all piece by piece. Both on the device, so the bits must be the same.
CheckResult check_graph() {
  CheckResult result;
  DqnLearnerSettings settings;
  settings.device = Device::kCuda;
  std::vector<float> errors(static_cast<std::size_t>(settings.batch));
  DqnLearner graphs(settings, kFeatures, kActions, 3);
  ByteWriter start;
  graphs.save(start);
  std::vector<std::byte> state = start.take();
  for (int i = 0; i < 6; ++i) {
    DqnLearner pieces(settings, kFeatures, kActions, 99);
    ByteReader in(state, "state");
    pieces.load(in);
    fill(graphs, static_cast<std::uint64_t>(i));
    fill(pieces, static_cast<std::uint64_t>(i));
    graphs.update(errors);
    pieces.update(errors);
    ByteWriter after;
    pieces.save(after);
    state = after.take();
    const std::vector<float> found(graphs.parameters().begin(), graphs.parameters().end());
    const std::vector<float> wanted(pieces.parameters().begin(), pieces.parameters().end());
    compare(result, text("parameters after update ", i), found, wanted, 0, 1e-30);
  }
  return result;
}

CheckResult check_answers() {
  CheckResult result;
  DqnActor cpu(mlp_network(), kFeatures, kActions, 64, 3);
  DqnActor device(mlp_network(), kFeatures, kActions, 64, 3, Device::kCuda);
  for (int round = 0; round < 4; ++round) {
    cpu.resample_noise();
    device.resample_noise();
    for (const int n : {1, 64}) {
      const std::vector<float> observations = random_values(static_cast<std::size_t>(n) * kFeatures, 40);
      std::vector<float> wanted(static_cast<std::size_t>(n) * kActions);
      std::vector<float> found(wanted.size());
      cpu.q_values(observations, n, wanted);
      device.q_values(observations, n, found);
      compare(result, text("q of ", n, " observations"), found, wanted, 1e-4, 1e-4);
    }
  }
  return result;
}

}  // namespace

const std::vector<Check>& device_checks() {
  static const std::vector<Check> all{{"matrix products", check_matmul},
                                      {"linear layers", check_linear},
                                      {"convolutions", check_conv},
                                      {"transposed convolutions", check_deconv},
                                      {"100 updates, features", check_mlp_updates},
                                      {"20 updates, frames", check_cnn_updates},
                                      {"5 updates, world model", check_dreamer_updates},
                                      {"graph equals pieces", check_graph},
                                      {"answers of the actor", check_answers}};
  return all;
}

}  // namespace sinv
