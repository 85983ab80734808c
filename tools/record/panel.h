#pragma once

#include <memory>
#include <span>
#include <vector>

#include "cabinet/machine.h"
#include "tools/play.h"
#include "tools/record/video_writer.h"

namespace sinv {

/// The picture of the cabinet with a panel on its right: score, ships, rack, and the Q value of each action as a bar,
/// the chosen one in another colour. For recordings. Thread: one owner. Errors: Error of cairo.
class PanelPicture {
 public:
  static constexpr int kScale = 2;  // of the cabinet's picture
  static constexpr int kPanelWidth = 252;

  PanelPicture();
  ~PanelPicture();

  /// Of the recording.
  static VideoShape shape();
  /// Bytes of red, green and blue, until the next call.
  std::span<const unsigned char> draw(const Ram& ram, const PlayStatus& status);

 private:
  void draw_picture(const Ram& ram);
  void draw_panel(const PlayStatus& status);

  struct Canvas;
  std::unique_ptr<Canvas> canvas_;
  std::vector<unsigned char> rgb_;
};

}  // namespace sinv
