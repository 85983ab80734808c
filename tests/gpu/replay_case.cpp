#include "tests/gpu/replay_case.h"

#include <cstring>

namespace sinv {
namespace {

std::size_t row_bytes(const ReplayCaseSettings& settings) {
  ReplayRing ring;
  ring.form = settings.form;
  ring.row_values = settings.values;
  return ring.row_bytes();
}

ReplaySettings recorded(ReplaySettings settings) {
  settings.most_changes = static_cast<std::size_t>(8 * settings.capacity_steps);
  return settings;
}

}  // namespace

ReplayCase::ReplayCase(const ReplayCaseSettings& settings)
    : settings_(settings),
      row_bytes_(sinv::row_bytes(settings)),
      index_(recorded(settings.replay)),
      rows_(static_cast<std::size_t>(index_.slots()) * row_bytes_),
      replay_(index_, recorded(settings.replay), {rows(), settings.values, settings.form}, settings.batch,
              settings.place) {
  replay_.set_draws(Random(6, 2), 0.5);
}

// Different in every row; numbers are finite.
void ReplayCase::store(std::uint32_t slot) {
  std::byte* to = rows() + slot * row_bytes_;
  std::uint64_t state = (++stored_ + 1) * 0x9E3779B97F4A7C15U;
  for (std::size_t i = 0; i < row_bytes_; ++i) {
    if (i % 8 == 0) state = state * 6364136223846793005U + 1442695040888963407U;
    to[i] = static_cast<std::byte>(state >> (8 * (i % 8)));
  }
  if (settings_.form != RowForm::kFloat) return;
  for (std::size_t i = 0; i < settings_.values; ++i) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, to + i * sizeof bits, sizeof bits);
    const float value = unit_float(bits);
    std::memcpy(to + i * sizeof bits, &value, sizeof bits);
  }
}

void ReplayCase::step(int count, ReplayIndex* twin) {
  const int envs = settings_.replay.envs;
  for (int env = 0; env < envs; ++env) {
    const auto begin = [&] {
      store(index_.begin(env));
      if (twin != nullptr) twin->begin(env);
    };
    if (!begun_) begin();
    for (int i = 0; i < count; ++i) {
      const int action = static_cast<int>(random_.below(6));
      const float reward = 2.0F * random_.uniform() - 1.0F;
      const bool terminated = random_.below(40) == 0;
      const bool truncated = !terminated && random_.below(80) == 0;
      store(index_.step(env, action, reward, terminated, truncated));
      if (twin != nullptr) twin->step(env, action, reward, terminated, truncated);
      if (terminated || truncated) begin();
    }
  }
  begun_ = true;
  index_.settle();
  if (twin != nullptr) twin->settle();
}

double ReplayCase::batch_bytes() const {
  return 2.0 * settings_.batch * settings_.replay.history * static_cast<double>(row_bytes_);
}

DeviceBatch::DeviceBatch(int batch, std::size_t observation_bytes, bool frames) {
  const auto rows = static_cast<std::size_t>(batch);
  const auto take = [this](std::size_t bytes) { return memory_.emplace_back(bytes).data(); };
  void* tm1 = take(observation_bytes);
  void* t = take(observation_bytes);
  if (frames) {
    batch_.frames_tm1 = {static_cast<std::uint8_t*>(tm1), observation_bytes};
    batch_.frames_t = {static_cast<std::uint8_t*>(t), observation_bytes};
  } else {
    batch_.observation_tm1 = {static_cast<float*>(tm1), observation_bytes / sizeof(float)};
    batch_.observation_t = {static_cast<float*>(t), observation_bytes / sizeof(float)};
  }
  batch_.action_tm1 = {static_cast<std::int32_t*>(take(rows * sizeof(std::int32_t))), rows};
  batch_.return_t = {static_cast<float*>(take(rows * sizeof(float))), rows};
  batch_.discount_t = {static_cast<float*>(take(rows * sizeof(float))), rows};
  batch_.weight = {static_cast<float*>(take(rows * sizeof(float))), rows};
}

}  // namespace sinv
