#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "nn/world_loss.h"
#include "rl/dreamer/camera.h"

namespace sinv {

struct SequenceReplaySettings {
  int envs = 1;
  std::int64_t capacity_steps = 100'000;  // over all environments; each gets an equal ring
  FrameShape picture{64, 64};             // as it is stored; drawn as bytes
  bool follow_ship = false;               // drawn as a camera sees it that does (camera.h)
  float discount = 0.999F;                // label of a step that did not end the game
  float ends_share = 0;                   // of all chunks, those that are drawn around a step whose label is 0
};

/// Replay memory of whole episodes, drawn in chunks: each picture is stored once, with the action that led to it, the
/// reward that came with it and whether the game ended there. Every environment has a ring of its own; what is oldest
/// is overwritten, so an episode may have lost its beginning. All memory is taken when it is made; storing and drawing
/// take none. Thread: one owner at a time.
class SequenceReplay {
 public:
  /// Errors: Error naming a setting that is out of range.
  explicit SequenceReplay(const SequenceReplaySettings& settings);

  /// The first picture of an episode.
  void begin(int env, std::span<const std::uint8_t> picture);
  /// What a step led to. After the last step of an episode comes begin(), whether the game ended (`terminated`) or was
  /// cut off. Errors: Error if no episode was begun, or for a picture of another size.
  void step(int env, int action, float reward, bool terminated, std::span<const std::uint8_t> picture);
  /// Pictures that can be drawn.
  std::int64_t size() const;
  std::int64_t capacity() const { return static_cast<std::int64_t>(capacity_ * rings_.size()); }

  /// Fills everything but the noise with `batch` chunks of `steps` rows. A chunk lies in one episode: chosen with the
  /// chance of its length, then a start in 0 .. length, cut down to length - steps, so that ends are drawn more often
  /// than their share. A shorter episode is drawn from its start and padded with rows of weight 0. The first row of a
  /// chunk has no action and keeps nothing; what a row sees of the steps before it (`seen`) may lie before the chunk,
  /// and is the episode's first picture where nothing does. Source: Hafner's DreamerV2 release, its replay with
  /// prioritised ends; that one drops short episodes. With ends_share, so many chunks are drawn around any step whose
  /// label is 0 instead, which then stands in the later half. Errors: Error if nothing is stored, or a buffer has
  /// another size.
  void sample(Random& random, int batch, int steps, const SequenceBatch& out) const;

  /// State in two parts, as Agent has it. Errors of load(): UserError if the settings differ.
  void save(ByteWriter& out) const;
  void load(ByteReader& in);
  void bulk(std::vector<std::span<std::byte>>& parts);

 private:
  struct Slot {
    float reward = 0;
    std::uint8_t action = 0;
    std::uint8_t terminated = 0;
    std::uint8_t first = 0;
    std::uint8_t unused = 0;
  };
  // Numbers of pictures since the start; picture p stands in slot p % capacity.
  struct Ring {
    std::uint64_t pictures = 0;
    std::uint64_t first_episode = 0;  // of those in `starts`
    std::uint64_t episodes = 0;       // begun so far
  };
  struct Chunk {
    std::size_t ring;
    std::uint64_t first;  // picture of the episode that is left
    std::uint64_t from;
    std::uint64_t length;  // without padding
  };
  void store(int env, const Slot& slot, std::span<const std::uint8_t> picture);
  std::uint64_t oldest(const Ring& ring) const { return ring.pictures - std::min(ring.pictures, capacity_); }
  struct Place {
    std::size_t ring;
    std::uint64_t picture;
  };
  Place any_place(Random& random) const;
  Chunk episode_of(const Place& place) const;
  Chunk draw(Random& random, std::uint64_t steps) const;
  std::span<const std::uint8_t> stored(std::size_t slot) const {
    return std::span(pictures_).subspan(slot * bytes_, bytes_);
  }
  std::size_t at(std::size_t ring, std::uint64_t picture) const { return ring * capacity_ + picture % capacity_; }

  SequenceReplaySettings settings_;
  std::size_t bytes_;  // of a stored picture
  Camera camera_;
  std::uint64_t capacity_;  // of a ring
  std::vector<Ring> rings_;
  std::vector<Slot> slots_;
  std::vector<std::uint64_t> starts_;  // of the episodes of each ring: episode e stands at e % capacity
  std::vector<std::uint8_t> pictures_;
};

}  // namespace sinv
