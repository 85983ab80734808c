#include "rl/replay_index.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace sinv {
namespace {

constexpr std::size_t kPending = 4096;

const ReplaySettings& checked(const ReplaySettings& settings) {
  SINV_CHECK(settings.envs >= 1, "replay: ", settings.envs, " environments");
  SINV_CHECK(settings.history >= 1 && settings.history <= 256, "replay: history ", settings.history,
             ", wanted 1 to 256");
  SINV_CHECK(settings.alpha >= 0 && settings.alpha <= 1, "replay: alpha ", settings.alpha, ", wanted 0 to 1");
  SINV_CHECK(settings.priority_floor > 0, "replay: priority floor ", settings.priority_floor, ", wanted above 0");
  const std::int64_t ring = settings.capacity_steps / settings.envs;
  const std::int64_t least = settings.history + settings.n_step + 2;
  SINV_CHECK(ring >= least && settings.capacity_steps <= std::int64_t{1} << 31, "replay: ", settings.capacity_steps,
             " steps over ", settings.envs, " environments give rings of ", ring, ", wanted ", least,
             " or more for history and window, and at most 2^31 in all");
  return settings;
}

}  // namespace

ReplayIndex::ReplayIndex(const ReplaySettings& settings)
    : settings_(checked(settings)),
      ring_slots_(static_cast<std::uint32_t>(settings.capacity_steps / settings.envs)),
      rings_(static_cast<std::size_t>(settings.envs)),
      slots_(std::size_t{ring_slots_} * rings_.size()),
      tree_(slots_.size()) {
  for (Ring& ring : rings_) ring.tails = NStepReturns(settings_.n_step, settings_.gamma);
  erased_.reserve(kPending);
  added_.reserve(kPending);
  changes_.reserve(settings_.most_changes);
}

void ReplayIndex::record(std::uint32_t slot, bool new_row) {
  SINV_CHECK(changes_.size() < settings_.most_changes, "ReplayIndex: more than ", settings_.most_changes,
             " changes between two settle()s");
  changes_.push_back({slot, new_row});
}

void ReplayIndex::erase(std::uint32_t slot) {
  if (tree_.mass(slot) == 0) return;
  tree_.put(slot, 0);
  --size_;
  if (settings_.most_changes > 0) {
    record(slot, false);
  } else {
    erased_.push_back(slot);
  }
}

std::uint32_t ReplayIndex::advance(int env) {
  if (erased_.size() + static_cast<std::size_t>(settings_.history) > kPending ||
      added_.size() + NStepReturns::kMaxSteps > kPending) {
    settle();
  }
  Ring& ring = rings_[static_cast<std::size_t>(env)];
  const auto base = static_cast<std::uint32_t>(env) * ring_slots_;
  if (ring.filled > 0) ring.head = ring.head + 1 == ring_slots_ ? 0 : ring.head + 1;
  const std::uint32_t slot = base + ring.head;
  if (ring.filled == ring_slots_) {
    // Whoever has this row in its history goes too.
    for (int k = 0; k < settings_.history; ++k) erase(ahead(slot, static_cast<std::uint32_t>(k)));
  } else {
    ++ring.filled;
  }
  slots_[slot] = Slot{};
  if (settings_.most_changes > 0) record(slot, true);
  return slot;
}

std::uint32_t ReplayIndex::begin(int env) {
  SINV_CHECK(env >= 0 && env < settings_.envs, "ReplayIndex::begin: environment ", env, " of ", settings_.envs);
  SINV_CHECK(rings_[static_cast<std::size_t>(env)].tails.open() == 0, "ReplayIndex::begin: the episode of environment ",
             env, " has not ended");
  return advance(env);
}

std::uint32_t ReplayIndex::step(int env, int action, float reward, bool terminated, bool truncated) {
  SINV_CHECK(env >= 0 && env < settings_.envs, "ReplayIndex::step: environment ", env, " of ", settings_.envs);
  Ring& ring = rings_[static_cast<std::size_t>(env)];
  SINV_CHECK(ring.filled > 0, "ReplayIndex::step: environment ", env, " has no first observation");
  const std::uint32_t from = static_cast<std::uint32_t>(env) * ring_slots_ + ring.head;
  slots_[from].action = static_cast<std::uint8_t>(action);
  const std::uint32_t to = advance(env);
  slots_[to].age = static_cast<std::uint16_t>(std::min<int>(slots_[from].age + 1, settings_.history - 1));
  ring.tails.push(reward, terminated, truncated, [&](const NStepWindow& window) {
    const std::uint32_t start = behind(from, static_cast<std::uint32_t>(window.age));
    slots_[start].ret = window.ret;
    slots_[start].discount = window.discount;
    slots_[start].steps = static_cast<std::uint8_t>(window.steps);
    tree_.put(start, settings_.prioritised ? new_mass(max_priority_, settings_.alpha) : 1.0);
    ++size_;
    if (settings_.most_changes > 0) {
      record(start, false);
    } else {
      added_.push_back(start);
    }
  });
  return to;
}

void ReplayIndex::settle() {
  tree_.refresh(erased_);
  tree_.refresh(added_);
  erased_.clear();
  added_.clear();
}

void ReplayIndex::sample(Random& random, double beta, std::span<std::uint32_t> slots, std::span<float> weights) const {
  SINV_CHECK(slots.size() == weights.size(), "ReplayIndex::sample: ", slots.size(), " slots, ", weights.size(),
             " weights");
  SINV_CHECK(size_ > 0 && erased_.empty() && added_.empty(), "ReplayIndex::sample: ", size_,
             " transitions, or what was added is not settled");
  tree_.sample(random, slots);
  if (!settings_.prioritised || beta == 0) {
    std::fill(weights.begin(), weights.end(), 1.0F);
    return;
  }
  double least = tree_.mass(slots[0]);
  for (const std::uint32_t slot : slots) least = std::min(least, tree_.mass(slot));
  for (std::size_t i = 0; i < slots.size(); ++i) {
    weights[i] = importance_weight(least, tree_.mass(slots[i]), beta);
  }
}

void ReplayIndex::set_priorities(std::span<const std::uint32_t> slots, std::span<const float> td_error) {
  if (!settings_.prioritised) return;
  SINV_CHECK(slots.size() == td_error.size(), "ReplayIndex::set_priorities: ", slots.size(), " slots, ",
             td_error.size(), " errors");
  constexpr std::size_t kBlock = 64;
  std::array<std::uint32_t, kBlock> block;
  for (std::size_t at = 0; at < slots.size(); at += kBlock) {
    const std::size_t count = std::min(kBlock, slots.size() - at);
    for (std::size_t i = 0; i < count; ++i) {
      const double priority = std::abs(static_cast<double>(td_error[at + i])) + settings_.priority_floor;
      SINV_CHECK(std::isfinite(priority), "ReplayIndex::set_priorities: |td error| of row ", at + i, " is ", priority,
                 "; the network has diverged");
      max_priority_ = std::max(max_priority_, priority);
      block[i] = slots[at + i];
      tree_.put(block[i], drawn_mass(priority, settings_.alpha));
    }
    tree_.refresh(std::span(block).first(count));
  }
}

void ReplayIndex::rows_of(std::uint32_t slot, std::span<std::uint32_t> rows) const {
  const std::uint32_t age = slots_[slot].age;
  const auto newest = static_cast<std::uint32_t>(rows.size()) - 1;
  for (std::uint32_t back = 0; back <= newest; ++back) rows[newest - back] = row_behind(ring_slots_, slot, age, back);
}

void ReplayIndex::save(ByteWriter& out) const {
  SINV_CHECK(erased_.empty() && added_.empty(), "ReplayIndex::save: what was added is not settled");
  out.put(ring_slots_);
  out.put<std::int32_t>(settings_.history);
  out.put<std::int32_t>(settings_.n_step);
  out.put_all(std::span<const Ring>(rings_));
  out.put(size_);
  out.put(max_priority_);
}

void ReplayIndex::load(ByteReader& in) {
  const auto ring_slots = in.get<std::uint32_t>();
  const auto history = in.get<std::int32_t>();
  const auto n_step = in.get<std::int32_t>();
  if (ring_slots != ring_slots_ || history != settings_.history || n_step != settings_.n_step) {
    throw UserError(text("replay: the saved one has rings of ", ring_slots, ", history ", history, ", n-step ", n_step,
                         "; the settings say ", ring_slots_, ", ", settings_.history, ", ", settings_.n_step,
                         "; resume with the settings of the run"));
  }
  in.get_all(std::span<Ring>(rings_));
  in.get(size_);
  in.get(max_priority_);
}

void ReplayIndex::bulk(std::vector<std::span<std::byte>>& parts) {
  for (std::size_t env = 0; env < rings_.size(); ++env) {
    const std::size_t base = env * ring_slots_;
    parts.push_back(std::as_writable_bytes(std::span(slots_).subspan(base, rings_[env].filled)));
    parts.push_back(std::as_writable_bytes(tree_.leaves().subspan(base, rings_[env].filled)));
  }
}

}  // namespace sinv
