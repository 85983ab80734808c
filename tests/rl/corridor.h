#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "rl/environments.h"

namespace sinv {

/// A tiny task: rooms in a row, the agent begins in one of them by chance. Action 1 goes right, 0 goes left, all others
/// stay. Entering the last room gives reward 1 and ends the episode; leaving to the left of the first room costs
/// nothing and does nothing; after `cap` steps the episode is truncated. Observation: one value per room, 1 where the
/// agent is, in [0, 1]; or a picture, a sixth of whose columns is lit in the middle rows. Score: 100 - 5 * steps beyond
/// the shortest way on arrival, at least 0; 0 when truncated.
class Corridor final : public Environments {
 public:
  static constexpr int kRooms = 6;
  static constexpr int kActions = 4;
  static constexpr std::uint32_t kCap = 30;

  Corridor(int count, std::uint64_t seed, int history = 1, const FrameShape& picture = kNoFrame)
      : history_(history), picture_(picture), places_(static_cast<std::size_t>(count)) {
    for (std::size_t i = 0; i < places_.size(); ++i) places_[i].random = Random(seed, i);
    const std::size_t rows = places_.size() * static_cast<std::size_t>(history);
    if (picture == kNoFrame) observations_.resize(rows * kRooms);
    pictures_.resize(rows * picture.stored_bytes());
    finals_ = observations_;
    final_pictures_ = pictures_;
    rewards_.resize(places_.size());
    discounts_.resize(places_.size());
    terminated_.resize(places_.size());
    truncated_.resize(places_.size());
    frames_.resize(places_.size());
    finished_.reserve(places_.size());
  }

  int count() const override { return static_cast<int>(places_.size()); }
  int observation_size() const override {
    return (picture_ == kNoFrame ? kRooms : static_cast<int>(picture_.pixels())) * history_;
  }
  int history() const override { return history_; }
  FrameShape picture() const override { return picture_; }
  int actions() const override { return kActions; }
  int frames_per_step() const override { return 3; }

  void reset() override {
    for (std::size_t i = 0; i < places_.size(); ++i) begin(i);
  }

  void step(std::span<const std::uint8_t> actions) override {
    SINV_CHECK(actions.size() == places_.size(), "Corridor: ", actions.size(), " actions");
    finished_.clear();
    for (std::size_t i = 0; i < places_.size(); ++i) {
      SINV_CHECK(actions[i] < kActions, "Corridor: action ", int{actions[i]});
      Place& place = places_[i];
      if (actions[i] == 1) ++place.room;
      if (actions[i] == 0 && place.room > 0) --place.room;
      ++place.steps;
      const bool arrived = place.room == kRooms - 1;
      const bool late = !arrived && place.steps >= kCap;
      rewards_[i] = arrived ? 1.0F : 0.0F;
      discounts_[i] = arrived ? 0.0F : 1.0F;
      terminated_[i] = arrived ? 1 : 0;
      truncated_[i] = late ? 1 : 0;
      frames_[i] = 3;
      push_row(i);
      if (!arrived && !late) continue;
      std::ranges::copy(stack(observations_, i), stack(finals_, i).begin());
      std::ranges::copy(stack(pictures_, i), stack(final_pictures_, i).begin());
      const int detour = static_cast<int>(place.steps) - (kRooms - 1 - place.start);
      finished_.push_back({.env = static_cast<std::uint32_t>(i),
                           .frames = 3 * place.steps,
                           .steps = place.steps,
                           .score = arrived ? std::max(0, 100 - 5 * detour) : 0,
                           .truncated = late});
      begin(i);
    }
  }

  Observations observations() const override { return {observations_, pictures_}; }
  Observations final_observations() const override { return {finals_, final_pictures_}; }
  std::span<const float> rewards() const override { return rewards_; }
  std::span<const float> discounts() const override { return discounts_; }
  std::span<const std::uint8_t> terminated() const override { return terminated_; }
  std::span<const std::uint8_t> truncated() const override { return truncated_; }
  std::span<const std::uint32_t> frames() const override { return frames_; }
  std::span<const EpisodeRecord> finished() const override { return finished_; }

  void save(ByteWriter& out) const override {
    out.put_all(std::span<const Place>(places_));
    out.put_all(std::span<const float>(observations_));
    out.put_all(std::span<const std::uint8_t>(pictures_));
  }
  void load(ByteReader& in) override {
    in.get_all(std::span<Place>(places_));
    in.get_all(std::span<float>(observations_));
    in.get_all(std::span<std::uint8_t>(pictures_));
  }

 private:
  struct Place {
    int room = 0;
    int start = 0;
    std::uint32_t steps = 0;
    Random random;
  };
  template <class T>
  std::span<T> stack(std::vector<T>& all, std::size_t i) const {
    const std::size_t size = all.size() / places_.size();
    return std::span(all).subspan(i * size, size);
  }

  void begin(std::size_t i) {
    Place& place = places_[i];
    place.room = place.start = static_cast<int>(place.random.below(kRooms - 1));
    place.steps = 0;
    for (int k = 0; k < history_; ++k) push_row(i);
  }
  // Room for a new row at the end of a stack.
  template <class T>
  std::span<T> moved_up(std::span<T> stack) const {
    const std::size_t row = stack.size() / static_cast<std::size_t>(history_);
    std::copy(stack.begin() + static_cast<std::ptrdiff_t>(row), stack.end(), stack.begin());
    return stack.last(row);
  }
  void push_row(std::size_t i) {
    const auto room = static_cast<std::size_t>(places_[i].room);
    const std::span<float> row = moved_up(stack(observations_, i));
    for (std::size_t k = 0; k < row.size(); ++k) row[k] = k == room ? 1.0F : 0.0F;
    const std::span<std::uint8_t> picture = moved_up(stack(pictures_, i));
    std::ranges::fill(picture, std::uint8_t{0});
    const auto width = static_cast<std::size_t>(picture_.width);
    const auto height = static_cast<std::size_t>(picture_.height);
    for (std::size_t y = height / 3; y < height * 2 / 3; ++y) {
      for (std::size_t x = room * width / kRooms; x < (room + 1) * width / kRooms; ++x) {
        const std::size_t pixel = y * width + x;
        if (picture_.packed) {
          picture[pixel / 8] |= static_cast<std::uint8_t>(1U << (pixel % 8));
        } else {
          picture[pixel] = 255;
        }
      }
    }
  }

  int history_;
  FrameShape picture_;
  std::vector<Place> places_;
  std::vector<float> observations_, finals_, rewards_, discounts_;
  std::vector<std::uint8_t> pictures_, final_pictures_;
  std::vector<std::uint8_t> terminated_, truncated_;
  std::vector<std::uint32_t> frames_;
  std::vector<EpisodeRecord> finished_;
};

inline EnvironmentsFactory corridors(int history = 1, const FrameShape& picture = kNoFrame) {
  return [history, picture](int count, std::uint64_t seed, int) {
    return std::make_unique<Corridor>(count, seed, history, picture);
  };
}

}  // namespace sinv
