#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "nn/parameters.h"
#include "rl/dreamer/settings.h"

namespace sinv {

/// A world model by itself: follows what it is shown, then goes on alone, and tells what it expects to see. `rows`
/// histories side by side, none depending on another. Draws latent states; the same seed and calls give the same.
/// Thread: one owner.
class Dream {
 public:
  Dream(const DreamerLearnerSettings& settings, int rows, std::uint64_t seed);
  ~Dream();
  Dream(Dream&&) noexcept;
  Dream& operator=(Dream&&) noexcept;

  /// Errors: Error if the count differs.
  void set_parameters(std::span<const float> world);
  void for_each_parameter(const ParameterVisitor& visit) const;

  /// Forgets everything: the next picture is the first.
  void begin();
  /// Bytes of the pictures [rows,history,height,width], oldest first, that observe() reads.
  std::span<std::uint8_t> frames();
  /// What led from the last moment to the next one; after begin() there is none. Errors: Error for no such action.
  void set_action(int row, int action);
  /// The next moment, seen.
  void observe();
  /// The next moment, imagined.
  void imagine();

  /// Of the moment: the mean of the picture [rows,height,width], 0 to 1 where the model is sure, of the reward, and of
  /// the discount, which falls to 0 where the model is sure that a life was lost.
  std::span<const float> picture() const;
  std::span<const float> reward() const;
  std::span<const float> discount() const;
  int width() const;  // of a picture
  int history() const;
  bool follows_ship() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sinv
