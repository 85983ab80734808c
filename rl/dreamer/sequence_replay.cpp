#include "rl/dreamer/sequence_replay.h"

#include <algorithm>

#include "game/pixels.h"

namespace sinv {

SequenceReplay::SequenceReplay(const SequenceReplaySettings& settings) : settings_(settings) {
  SINV_CHECK(settings.envs >= 1, "sequence replay: ", settings.envs, " environments, wanted at least 1");
  SINV_CHECK(settings.capacity_steps >= 2 * settings.envs, "sequence replay: room for ", settings.capacity_steps,
             " steps of ", settings.envs, " environments, wanted at least 2 each");
  SINV_CHECK(settings.picture_bytes >= 1, "sequence replay: a picture has no bytes");
  capacity_ = static_cast<std::uint64_t>(settings.capacity_steps / settings.envs);
  const auto envs = static_cast<std::size_t>(settings.envs);
  rings_.resize(envs);
  slots_.resize(envs * capacity_);
  starts_.resize(envs * capacity_);
  pictures_.resize(envs * capacity_ * settings.picture_bytes);
}

void SequenceReplay::begin(int env, std::span<const std::uint8_t> picture) {
  Ring& ring = rings_.at(static_cast<std::size_t>(env));
  starts_[at(static_cast<std::size_t>(env), ring.episodes)] = ring.pictures;
  ++ring.episodes;
  store(env, {.first = 1}, picture);
}

void SequenceReplay::step(int env, int action, float reward, bool terminated, std::span<const std::uint8_t> picture) {
  SINV_CHECK(rings_.at(static_cast<std::size_t>(env)).episodes > 0, "sequence replay: environment ", env,
             " made a step before its first picture");
  store(env,
        {.reward = reward,
         .action = static_cast<std::uint8_t>(action),
         .terminated = terminated ? std::uint8_t{1} : std::uint8_t{0}},
        picture);
}

void SequenceReplay::store(int env, const Slot& slot, std::span<const std::uint8_t> picture) {
  SINV_CHECK(picture.size() == settings_.picture_bytes, "sequence replay: a picture of ", picture.size(),
             " bytes, wanted ", settings_.picture_bytes);
  const auto index = static_cast<std::size_t>(env);
  Ring& ring = rings_[index];
  const std::size_t to = at(index, ring.pictures);
  slots_[to] = slot;
  std::ranges::copy(picture, pictures_.begin() + static_cast<std::ptrdiff_t>(to * settings_.picture_bytes));
  ++ring.pictures;
  // Episodes of which nothing is left.
  while (ring.first_episode + 1 < ring.episodes && starts_[at(index, ring.first_episode + 1)] <= oldest(ring)) {
    ++ring.first_episode;
  }
}

std::int64_t SequenceReplay::size() const {
  std::uint64_t total = 0;
  for (const Ring& ring : rings_) total += std::min(ring.pictures, capacity_);
  return static_cast<std::int64_t>(total);
}

SequenceReplay::Chunk SequenceReplay::draw(Random& random, std::uint64_t steps) const {
  std::uint64_t chosen = random.below(static_cast<std::uint32_t>(size()));
  Chunk chunk{};
  while (chosen >= std::min(rings_[chunk.ring].pictures, capacity_)) {
    chosen -= std::min(rings_[chunk.ring].pictures, capacity_);
    ++chunk.ring;
  }
  const Ring& ring = rings_[chunk.ring];
  const std::uint64_t picture = oldest(ring) + chosen;
  // The last episode that starts at or before the picture.
  std::uint64_t low = ring.first_episode;
  std::uint64_t high = ring.episodes;
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    (starts_[at(chunk.ring, middle)] <= picture ? low : high) = middle;
  }
  const std::uint64_t first = std::max(starts_[at(chunk.ring, low)], oldest(ring));
  const std::uint64_t end = low + 1 < ring.episodes ? starts_[at(chunk.ring, low + 1)] : ring.pictures;
  const std::uint64_t length = end - first;
  const std::uint64_t start = random.below(static_cast<std::uint32_t>(length + 1));
  chunk.first = first;
  chunk.from = first + (length <= steps ? 0 : std::min(start, length - steps));
  chunk.length = std::min(length, steps);
  return chunk;
}

// A byte for each pixel.
void SequenceReplay::copy_picture(std::size_t slot, std::span<std::uint8_t> to) const {
  const auto stored =
      std::span<const std::uint8_t>(pictures_).subspan(slot * settings_.picture_bytes, settings_.picture_bytes);
  if (settings_.packed) {
    unpack_pixels(stored, to);
  } else {
    std::ranges::copy(stored, to.begin());
  }
}

void SequenceReplay::sample(Random& random, int batch, int steps, const SequenceBatch& out) const {
  SINV_CHECK(size() > 0, "sequence replay: nothing is stored");
  const auto chunks = static_cast<std::size_t>(batch);
  const std::size_t rows = chunks * static_cast<std::size_t>(steps);
  const std::size_t pixels = settings_.picture_bytes * (settings_.packed ? 8 : 1);
  SINV_CHECK(out.keep.size() == rows && out.reward.size() == rows && out.discount.size() == rows &&
                 out.weight.size() == rows && out.action.size() % rows == 0 && out.frames.size() == rows * pixels &&
                 out.seen.size() % (rows * pixels) == 0,
             "sequence replay: the buffers are not of ", batch, " chunks of ", steps, " steps");
  const std::size_t actions = out.action.size() / rows;
  const std::size_t history = out.seen.size() / (rows * pixels);  // 0: nobody looks back
  std::ranges::fill(out.action, 0.0F);
  std::size_t filled = 0;
  for (std::size_t b = 0; b < chunks; ++b) {
    const Chunk chunk = draw(random, static_cast<std::uint64_t>(steps));
    filled += chunk.length;
    for (std::size_t t = 0; t < static_cast<std::size_t>(steps); ++t) {
      const std::size_t row = t * chunks + b;
      const std::span<std::uint8_t> picture = out.frames.subspan(row * pixels, pixels);
      const std::span<std::uint8_t> seen = out.seen.subspan(row * history * pixels, history * pixels);
      out.keep[row] = 0.0F;
      out.reward[row] = 0.0F;
      out.discount[row] = 0.0F;
      out.weight[row] = 0.0F;
      if (t >= chunk.length) {
        std::ranges::fill(picture, std::uint8_t{0});
        std::ranges::fill(seen, std::uint8_t{0});
        continue;
      }
      const std::size_t slot = at(chunk.ring, chunk.from + t);
      const Slot& from = slots_[slot];
      copy_picture(slot, picture);
      for (std::size_t age = 0; age < history; ++age) {
        const std::uint64_t back = std::min<std::uint64_t>(age, chunk.from + t - chunk.first);
        copy_picture(at(chunk.ring, chunk.from + t - back), seen.subspan((history - 1 - age) * pixels, pixels));
      }
      out.reward[row] = from.reward;
      out.discount[row] = from.terminated != 0 ? 0.0F : settings_.discount;
      out.weight[row] = 1.0F;
      if (t == 0 || from.first != 0) continue;
      out.keep[row] = 1.0F;
      SINV_CHECK(from.action < actions, "sequence replay: action ", static_cast<int>(from.action), " of ", actions);
      out.action[row * actions + from.action] = 1.0F;
    }
  }
  for (float& weight : out.weight) weight /= static_cast<float>(filled);
}

void SequenceReplay::save(ByteWriter& out) const {
  out.put(capacity_);
  out.put(static_cast<std::uint64_t>(settings_.picture_bytes));
  out.put_all(std::span<const Ring>(rings_));
}

void SequenceReplay::load(ByteReader& in) {
  std::uint64_t capacity = 0;
  std::uint64_t bytes = 0;
  in.get(capacity);
  in.get(bytes);
  if (capacity != capacity_ || bytes != settings_.picture_bytes) {
    throw UserError(text("sequence replay: the saved one holds ", capacity, " steps of pictures of ", bytes,
                         " bytes per environment, this one ", capacity_, " of ", settings_.picture_bytes,
                         "; resume with the settings that it was saved with"));
  }
  in.get_all(std::span<Ring>(rings_));
}

void SequenceReplay::bulk(std::vector<std::span<std::byte>>& parts) {
  parts.push_back(std::as_writable_bytes(std::span(slots_)));
  parts.push_back(std::as_writable_bytes(std::span(starts_)));
  parts.push_back(std::as_writable_bytes(std::span(pictures_)));
}

}  // namespace sinv
