#include "rl/dreamer/sequence_replay.h"

#include <algorithm>

namespace sinv {
namespace {
constexpr int kMostTries = 10'000;
}  // namespace

SequenceReplay::SequenceReplay(const SequenceReplaySettings& settings)
    : settings_(settings), bytes_(settings.picture.stored_bytes()), camera_(settings.picture, settings.follow_ship) {
  SINV_CHECK(settings.envs >= 1, "sequence replay: ", settings.envs, " environments, wanted at least 1");
  SINV_CHECK(settings.capacity_steps >= 2 * settings.envs, "sequence replay: room for ", settings.capacity_steps,
             " steps of ", settings.envs, " environments, wanted at least 2 each");
  SINV_CHECK(bytes_ >= 1, "sequence replay: a picture has no bytes");
  capacity_ = static_cast<std::uint64_t>(settings.capacity_steps / settings.envs);
  const auto envs = static_cast<std::size_t>(settings.envs);
  rings_.resize(envs);
  slots_.resize(envs * capacity_);
  starts_.resize(envs * capacity_);
  pictures_.resize(envs * capacity_ * bytes_);
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
  SINV_CHECK(picture.size() == bytes_, "sequence replay: a picture of ", picture.size(), " bytes, wanted ", bytes_);
  const auto index = static_cast<std::size_t>(env);
  Ring& ring = rings_[index];
  const std::size_t to = at(index, ring.pictures);
  slots_[to] = slot;
  std::ranges::copy(picture, pictures_.begin() + static_cast<std::ptrdiff_t>(to * bytes_));
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

SequenceReplay::Place SequenceReplay::any_place(Random& random) const {
  std::uint64_t chosen = random.below(static_cast<std::uint32_t>(size()));
  std::size_t ring = 0;
  while (chosen >= std::min(rings_[ring].pictures, capacity_)) {
    chosen -= std::min(rings_[ring].pictures, capacity_);
    ++ring;
  }
  return {ring, oldest(rings_[ring]) + chosen};
}

// What is left of the episode that a picture belongs to, from its first picture on.
SequenceReplay::Chunk SequenceReplay::episode_of(const Place& place) const {
  const Ring& ring = rings_[place.ring];
  // The last episode that starts at or before the picture.
  std::uint64_t low = ring.first_episode;
  std::uint64_t high = ring.episodes;
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    (starts_[at(place.ring, middle)] <= place.picture ? low : high) = middle;
  }
  const std::uint64_t first = std::max(starts_[at(place.ring, low)], oldest(ring));
  const std::uint64_t end = low + 1 < ring.episodes ? starts_[at(place.ring, low + 1)] : ring.pictures;
  return {place.ring, first, first, end - first};
}

SequenceReplay::Chunk SequenceReplay::draw(Random& random, std::uint64_t steps) const {
  if (settings_.ends_share > 0 && random.uniform() < settings_.ends_share) {
    // Until a step is found that lost a life: about one in a hundred did.
    for (int tries = 0; tries < kMostTries; ++tries) {
      const Place place = any_place(random);
      if (slots_[at(place.ring, place.picture)].terminated == 0) continue;
      Chunk chunk = episode_of(place);
      // It stands anywhere in the later half, as far as the episode's borders let it.
      const std::uint64_t before = steps - 1 - random.below(static_cast<std::uint32_t>((steps + 1) / 2));
      const std::uint64_t last_start = chunk.length <= steps ? 0 : chunk.length - steps;
      const std::uint64_t wanted = place.picture - chunk.first;
      chunk.from = chunk.first + std::min(wanted - std::min(wanted, before), last_start);
      chunk.length = std::min(chunk.length, steps);
      return chunk;
    }
  }
  Chunk chunk = episode_of(any_place(random));
  const std::uint64_t start = random.below(static_cast<std::uint32_t>(chunk.length + 1));
  if (chunk.length > steps) chunk.from += std::min(start, chunk.length - steps);
  chunk.length = std::min(chunk.length, steps);
  return chunk;
}

void SequenceReplay::sample(Random& random, int batch, int steps, const SequenceBatch& out) const {
  SINV_CHECK(size() > 0, "sequence replay: nothing is stored");
  const auto chunks = static_cast<std::size_t>(batch);
  const std::size_t rows = chunks * static_cast<std::size_t>(steps);
  const std::size_t pixels = settings_.picture.pixels();
  SINV_CHECK(out.keep.size() == rows && out.reward.size() == rows && out.discount.size() == rows &&
                 out.weight.size() == rows && out.action.size() % rows == 0 && out.frames.size() == rows * pixels &&
                 out.seen.size() % (rows * pixels) == 0 &&
                 (out.before.empty() || out.before.size() == out.frames.size()),
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
      const std::span<std::uint8_t> before = out.before.empty() ? out.before : out.before.subspan(row * pixels, pixels);
      out.keep[row] = 0.0F;
      out.reward[row] = 0.0F;
      out.discount[row] = 0.0F;
      out.weight[row] = 0.0F;
      if (t >= chunk.length) {
        std::ranges::fill(picture, std::uint8_t{0});
        std::ranges::fill(seen, std::uint8_t{0});
        std::ranges::fill(before, std::uint8_t{0});
        continue;
      }
      const std::size_t slot = at(chunk.ring, chunk.from + t);
      const Slot& from = slots_[slot];
      camera_.unpack(stored(slot), picture);
      const int columns = camera_.aim(picture);
      camera_.move(picture, columns);
      // Of the same episode, `age` steps before, moved with this one.
      const auto show = [&](std::size_t age, std::span<std::uint8_t> to) {
        const std::uint64_t back = std::min<std::uint64_t>(age, chunk.from + t - chunk.first);
        camera_.unpack(stored(at(chunk.ring, chunk.from + t - back)), to);
        camera_.move(to, columns);
      };
      for (std::size_t age = 0; age < history; ++age) show(age, seen.subspan((history - 1 - age) * pixels, pixels));
      if (!before.empty()) show(1, before);
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
  out.put(static_cast<std::uint64_t>(bytes_));
  out.put_all(std::span<const Ring>(rings_));
}

void SequenceReplay::load(ByteReader& in) {
  std::uint64_t capacity = 0;
  std::uint64_t bytes = 0;
  in.get(capacity);
  in.get(bytes);
  if (capacity != capacity_ || bytes != bytes_) {
    throw UserError(text("sequence replay: the saved one holds ", capacity, " steps of pictures of ", bytes,
                         " bytes per environment, this one ", capacity_, " of ", bytes_,
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
