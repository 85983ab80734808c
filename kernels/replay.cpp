#include "kernels/replay.h"

#include <bit>

#include "kernels/pick.h"

namespace sinv {
namespace {

void check(const char* name, const ReplayRing& ring) {
  SINV_CHECK(ring.state != nullptr && ring.slots != nullptr && ring.nodes != nullptr, name, ": a ring without memory");
  SINV_CHECK(ring.ring_slots >= 1 && ring.slot_count % ring.ring_slots == 0 && std::has_single_bit(ring.leaves) &&
                 ring.leaves >= 2 && ring.leaves >= ring.slot_count,
             name, ": ", ring.slot_count, " slots in rings of ", ring.ring_slots, " under ", ring.leaves, " leaves");
}

}  // namespace

void replay_change(const Stream& s, const ReplayRing& ring, double beta, std::span<const ReplayChange> changes) {
  check("replay_change", ring);
  SINV_CHECK(changes.size() <= UINT32_MAX, "replay_change: ", changes.size(), " changes, at most 2^32 - 1");
  on_device(s.device, [&](const auto& backend) { backend.replay_change(s, ring, beta, changes); });
}

void replay_sample(const Stream& s, const ReplayRing& ring, std::span<std::uint32_t> slots, std::span<float> weight) {
  check("replay_sample", ring);
  SINV_CHECK(weight.size() == slots.size(), "replay_sample: ", slots.size(), " slots, ", weight.size(), " weights");
  on_device(s.device, [&](const auto& backend) { backend.replay_sample(s, ring, slots, weight); });
}

void replay_gather(const Stream& s, const ReplayRing& ring, std::span<const std::uint32_t> slots,
                   const ReplayBatch& batch) {
  check("replay_gather", ring);
  const std::size_t observation = slots.size() * ring.history * ring.value_bytes();
  SINV_CHECK(batch.observation_tm1.size() == observation && batch.observation_t.size() == observation,
             "replay_gather: ", slots.size(), " observations of ", ring.history * ring.value_bytes(),
             " bytes, buffers of ", batch.observation_tm1.size(), " and ", batch.observation_t.size());
  SINV_CHECK(batch.action_tm1.size() == slots.size() && batch.return_t.size() == slots.size() &&
                 batch.discount_t.size() == slots.size(),
             "replay_gather: ", slots.size(), " slots, room for ", batch.action_tm1.size(), " actions, ",
             batch.return_t.size(), " returns, ", batch.discount_t.size(), " discounts");
  on_device(s.device, [&](const auto& backend) { backend.replay_gather(s, ring, slots, batch); });
}

void replay_prioritise(const Stream& s, const ReplayRing& ring, std::span<const std::uint32_t> slots,
                       std::span<const float> td_error) {
  check("replay_prioritise", ring);
  SINV_CHECK(td_error.size() == slots.size(), "replay_prioritise: ", slots.size(), " slots, ", td_error.size(),
             " errors");
  on_device(s.device, [&](const auto& backend) { backend.replay_prioritise(s, ring, slots, td_error); });
}

}  // namespace sinv
