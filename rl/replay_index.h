#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "kernels/replay.h"
#include "rl/huge_pages.h"
#include "rl/n_step.h"
#include "rl/sum_tree.h"

namespace sinv {

struct ReplaySettings {
  int envs = 1;
  std::int64_t capacity_steps = 100'000;  // over all environments; each gets an equal ring
  int history = 1;                        // rows of one observation
  int n_step = 3;
  double gamma = 0.99;
  bool prioritised = true;       // off: every transition equally likely, weights 1
  double alpha = 0.5;            // exponent of the priorities
  double priority_floor = 1e-3;  // added to |td error|
  // Above 0: a device keeps the priorities. What changes is recorded, at most so much between two settle()s, and the
  // masses here only tell what can be drawn, until masses() and set_max_priority() bring the device's.
  std::size_t most_changes = 0;
};

/// Which transitions there are and how likely each is; the observations themselves stand in a row store that shares
/// the slot numbers. Every environment has a ring of slots, so that history and n-step windows are neighbours. A slot
/// holds one observation and what was done there; an episode of L steps takes L + 1 slots, the last for its true final
/// observation.
/// A transition can be drawn once its n-step window is complete, and until its oldest history row is overwritten: no
/// window and no history ever reaches over an episode's end or the write position.
/// Thread: one owner at a time.
class ReplayIndex {
 public:
  static constexpr std::uint32_t kNoSlot = 0xFFFFFFFFU;

  using Slot = ReplaySlot;

  /// A slot that was written, freed or became drawable.
  struct Change {
    std::uint32_t slot = 0;
    bool new_row = false;
  };

  /// Errors: Error when a setting is out of range or the rings are too short for history and window.
  explicit ReplayIndex(const ReplaySettings& settings);

  /// The first observation of an episode of this environment; returns the slot for its row.
  std::uint32_t begin(int env);
  /// One step from the newest observation; returns the slot for the row of the observation that followed: the true
  /// final one if the step ended the episode (call begin() next). `terminated`: no value follows this step. That is
  /// the end of the episode, or a lost life where lives count as ends: then the episode goes on without begin().
  std::uint32_t step(int env, int action, float reward, bool terminated, bool truncated);
  /// Makes what was added since the last call drawable.
  void settle();
  /// What was recorded since clear_changes(). Errors of begin() and step(): Error when there is no room for more.
  std::span<const Change> changes() const { return changes_; }
  void clear_changes() { changes_.clear(); }

  /// Transitions that can be drawn.
  std::int64_t size() const { return size_; }
  std::int64_t slots() const { return static_cast<std::int64_t>(slots_.size()); }
  int history() const { return settings_.history; }

  /// Draws slots.size() transitions, stratified, with importance weights (N P)^-beta over the batch's largest.
  /// REQUIRES: size() > 0, settled.
  void sample(Random& random, double beta, std::span<std::uint32_t> slots, std::span<float> weights) const;
  /// New priorities from td errors, whose size counts; does nothing when not prioritised. The slots must not have been
  /// overwritten since they were drawn. Errors: Error if an error is not finite.
  void set_priorities(std::span<const std::uint32_t> slots, std::span<const float> td_error);

  const Slot& at(std::uint32_t slot) const { return slots_[slot]; }
  void fetch(std::uint32_t slot) const { __builtin_prefetch(&slots_[slot]); }
  /// The slot of the observation that transition `slot` bootstraps from.
  std::uint32_t next_of(std::uint32_t slot) const { return ahead(slot, slots_[slot].steps); }
  /// The slots whose rows make up the observation at `slot`, oldest first; before the episode's start stands its first
  /// row. `rows` has history() elements.
  void rows_of(std::uint32_t slot, std::span<std::uint32_t> rows) const;

  double mass(std::uint32_t slot) const { return tree_.mass(slot); }
  double total_mass() const { return tree_.total(); }
  double max_priority() const { return max_priority_; }
  void set_max_priority(double priority) { max_priority_ = priority; }
  /// Of all slots, to be filled in; the sums are stale until loaded().
  std::span<double> masses() { return tree_.leaves().first(slots_.size()); }
  /// The whole tree, SumTree::nodes(), and what stands in all slots.
  std::span<const double> nodes() const { return tree_.nodes(); }
  std::span<const Slot> all() const { return slots_; }

  /// State, in two parts: counters and tails, then the large arrays, whose extent the counters decide.
  void save(ByteWriter& out) const;
  void load(ByteReader& in);
  void bulk(std::vector<std::span<std::byte>>& parts);
  /// After the large arrays were filled in.
  void loaded() { tree_.rebuild(); }
  /// Filled slots of an environment's ring: always the first ones.
  std::uint32_t filled(int env) const { return rings_[static_cast<std::size_t>(env)].filled; }
  std::uint32_t ring_slots() const { return ring_slots_; }

 private:
  struct Ring {
    std::uint32_t head = 0;    // the newest observation, inside the ring
    std::uint32_t filled = 0;  // slots ever written, up to ring_slots_
    NStepReturns tails;
  };

  std::uint32_t advance(int env);
  void erase(std::uint32_t slot);
  void record(std::uint32_t slot, bool new_row);
  std::uint32_t ahead(std::uint32_t slot, std::uint32_t steps) const { return slot_ahead(ring_slots_, slot, steps); }
  std::uint32_t behind(std::uint32_t slot, std::uint32_t steps) const { return slot_behind(ring_slots_, slot, steps); }

  ReplaySettings settings_;
  std::uint32_t ring_slots_ = 0;
  std::vector<Ring> rings_;
  std::vector<Slot, HugePageAllocator<Slot>> slots_;
  SumTree tree_;
  std::vector<std::uint32_t> erased_;  // leaves whose sums are stale
  std::vector<std::uint32_t> added_;
  std::vector<Change> changes_;  // recorded instead of both, where a device keeps the priorities
  std::int64_t size_ = 0;
  double max_priority_ = 1;
};

}  // namespace sinv
