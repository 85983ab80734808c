#include "tests/gpu/replay_checks.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tests/gpu/replay_case.h"

namespace sinv {
namespace {

// The largest difference as a share of a relative bound; what is not comparable is a problem.
void expect(CheckResult& result, const std::string& what, std::span<const float> found, std::span<const float> wanted,
            double relative) {
  for (std::size_t i = 0; i < wanted.size() && result.problem.empty(); ++i) {
    const auto f = static_cast<double>(found[i]);
    const auto w = static_cast<double>(wanted[i]);
    const double share = f == w ? 0 : std::abs(f - w) / (relative * std::abs(w));
    if (!(share <= 1)) result.problem = text(what, ": element ", i, " is ", found[i], ", the CPU's ", wanted[i]);
    result.worst = std::max(result.worst, share);
  }
}

template <class T>
std::vector<float> from_device(const Stream& s, std::span<const T> values) {
  std::vector<T> here(values.size());
  copy_and_wait(s, here.data(), values.data(), values.size_bytes());
  return {here.begin(), here.end()};
}

void decode(const ReplayCaseSettings& settings, const std::byte* row, std::vector<float>& to) {
  for (std::size_t i = 0; i < settings.values; ++i) {
    switch (settings.form) {
      case RowForm::kFloat: {
        float value = 0;
        std::memcpy(&value, row + i * sizeof value, sizeof value);
        to.push_back(value);
        break;
      }
      case RowForm::kFixed16: {
        std::int16_t value = 0;
        std::memcpy(&value, row + i * sizeof value, sizeof value);
        to.push_back(static_cast<float>(value) * (1.0F / 32767.0F));
        break;
      }
      case RowForm::kByte:
        to.push_back(static_cast<float>(row[i]));
        break;
      case RowForm::kBit:
        to.push_back((static_cast<unsigned>(row[i / 8]) >> (i % 8) & 1U) != 0 ? 255.0F : 0.0F);
        break;
    }
  }
}

// What ReplayIndex draws on the host, and the rows of it.
struct Drawn {
  std::vector<std::uint32_t> slots;
  std::vector<float> weight, action, ret, discount, tm1, t;

  Drawn(const ReplayIndex& index, Random& random, double beta, const ReplayCaseSettings& settings,
        const ReplayCase& rows)
      : slots(static_cast<std::size_t>(settings.batch)), weight(slots.size()) {
    index.sample(random, beta, slots, weight);
    std::vector<std::uint32_t> stack(static_cast<std::size_t>(settings.replay.history));
    for (const std::uint32_t slot : slots) {
      action.push_back(static_cast<float>(index.at(slot).action));
      ret.push_back(index.at(slot).ret);
      discount.push_back(index.at(slot).discount);
      index.rows_of(slot, stack);
      for (const std::uint32_t row : stack) decode(settings, rows.row(row), tm1);
      index.rows_of(index.next_of(slot), stack);
      for (const std::uint32_t row : stack) decode(settings, rows.row(row), t);
    }
  }
};

// Rounds of new steps and draws. A power may differ in its last bits between devices, so the host takes over the masses
// after each comparison, and the next draw must again be the same one.
void check_rounds(CheckResult& result, const ReplayCaseSettings& settings) {
  const DeviceStream own;
  const Stream s = own.stream();
  ReplayCase there(settings);
  ReplayIndex here(settings.replay);
  Random random(6, 2);  // as the case's
  Random of_errors(8, 1);
  const auto rows = static_cast<std::size_t>(settings.batch);
  const bool frames = settings.form == RowForm::kByte || settings.form == RowForm::kBit;
  const std::size_t observation =
      rows * static_cast<std::size_t>(settings.replay.history) * settings.values * (frames ? 1 : sizeof(float));
  const DeviceBatch to(settings.batch, observation, frames);
  const DqnBatch& batch = to.batch();
  const DeviceBuffer error_memory(rows * sizeof(float));
  const std::span<float> errors_there(static_cast<float*>(error_memory.data()), rows);
  there.step(30, &here);
  there.replay().send(0.5);
  for (int round = 0; round < 12 && result.problem.empty(); ++round) {
    const double beta = 0.4 + 0.05 * round;
    there.step(13, &here);
    there.replay().send(beta);
    there.ready(s);
    there.queue_batch(s, batch);
    wait_for(s);
    const Drawn wanted(here, random, beta, settings, there);
    const std::string what = text("form ", static_cast<int>(settings.form), ", place ",
                                  static_cast<int>(settings.place), ", round ", round, ", ");
    expect(result, what + "actions", from_device<std::int32_t>(s, batch.action_tm1), wanted.action, 0);
    expect(result, what + "returns", from_device<float>(s, batch.return_t), wanted.ret, 0);
    expect(result, what + "discounts", from_device<float>(s, batch.discount_t), wanted.discount, 0);
    expect(result, what + "weights", from_device<float>(s, batch.weight), wanted.weight, 1e-6);
    expect(result, what + "s",
           frames ? from_device<std::uint8_t>(s, batch.frames_tm1) : from_device<float>(s, batch.observation_tm1),
           wanted.tm1, 0);
    expect(result, what + "s'",
           frames ? from_device<std::uint8_t>(s, batch.frames_t) : from_device<float>(s, batch.observation_t), wanted.t,
           0);
    std::vector<float> errors(rows);
    for (float& error : errors) error = 4.0F * of_errors.uniform() - 2.0F;
    copy_and_wait(s, errors_there.data(), errors.data(), errors_there.size_bytes());
    there.queue_errors(s, errors_there);
    wait_for(s);
    here.set_priorities(wanted.slots, errors);
    there.replay().fetch();
    const std::span<const double> found = there.index().masses();
    const std::span<double> masses = here.masses();
    const std::vector<float> found_floats(found.begin(), found.end());
    const std::vector<float> wanted_floats(masses.begin(), masses.end());
    expect(result, what + "masses", found_floats, wanted_floats, 1e-6);
    std::copy(found.begin(), found.end(), masses.begin());
    here.set_max_priority(there.index().max_priority());
    here.loaded();
  }
}

constexpr ReplayPlace kPlaces[] = {ReplayPlace::kHost, ReplayPlace::kDevice};

}  // namespace

CheckResult check_replay() {
  CheckResult result;
  const std::pair<RowForm, std::uint32_t> forms[] = {{RowForm::kFloat, 128},    {RowForm::kFixed16, 125},
                                                     {RowForm::kByte, 84 * 84}, {RowForm::kByte, 33},
                                                     {RowForm::kBit, 84 * 84},  {RowForm::kBit, 24}};
  for (const auto& [form, values] : forms) {
    for (const ReplayPlace place : kPlaces) {
      for (const int batch : {1, 33}) {
        check_rounds(result, {.replay = {.envs = 3, .capacity_steps = 3 * 67, .history = 4},
                              .form = form,
                              .values = values,
                              .batch = batch,
                              .place = place});
      }
    }
  }
  return result;
}

CheckResult check_replay_updates() {
  CheckResult result;
  std::vector<std::vector<float>> parameters;
  for (const ReplayPlace place : kPlaces) {
    ReplayCase source({.replay = {.envs = 3, .capacity_steps = 3 * 200},
                       .form = RowForm::kFloat,
                       .values = 128,
                       .batch = 32,
                       .place = place});
    DqnLearnerSettings settings;
    settings.device = Device::kCuda;
    DqnLearner learner(settings, 128, 6, 3, &source);
    std::vector<float> errors(static_cast<std::size_t>(settings.batch));
    for (int round = 0; round < 20; ++round) {
      source.step(50);
      source.replay().send(0.5);
      for (int i = 0; i < 4; ++i) {
        learner.start();
        if (learner.started() == learner.most_started()) learner.finish(errors);
      }
      while (learner.started() > 0) learner.finish(errors);
    }
    source.replay().fetch();
    Random drawn(6, 2);
    for (int i = 0; i < 80 * settings.batch; ++i) static_cast<void>(drawn.uniform_double());
    if (source.replay().draws().counter != drawn.counter) {
      result.problem = text("random numbers stand at ", source.replay().draws().counter, ", wanted ", drawn.counter);
    }
    const std::span<const float> now = learner.parameters();
    parameters.emplace_back(now.begin(), now.end());
  }
  if (result.problem.empty()) expect(result, "parameters, rows on the device", parameters[1], parameters[0], 0);
  return result;
}

const std::vector<Check>& replay_checks() {
  static const std::vector<Check> all{{"replay on the device", check_replay},
                                      {"updates from replay", check_replay_updates}};
  return all;
}

}  // namespace sinv
