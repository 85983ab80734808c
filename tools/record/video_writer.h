#pragma once

#include <array>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "cabinet/machine.h"

namespace sinv {

/// Pictures that are not a machine's: their size, and how many of them a second has.
struct VideoShape {
  int width;
  int height;
  double pictures_per_s;
  int scale = 3;  // of .mp4 and .webm
};

/// Pipes pictures, of a machine in the colours of the cabinet's overlay or others, to the program ffmpeg. The ending of
/// the path decides what becomes of them: .mp4 and .webm (`scale` times as large), .gif (as large, 25 pictures a
/// second), .png (a numbered file for each picture: NAME-000001.png, ...). The file has its name when finish() returns.
/// Thread: one owner. Errors: UserError: an ending that is not known, ffmpeg is not there, or what ffmpeg said.
class VideoWriter {
 public:
  explicit VideoWriter(std::filesystem::path path);
  VideoWriter(std::filesystem::path path, const VideoShape& shape);
  /// Without finish(), what was written is removed.
  ~VideoWriter();
  VideoWriter(const VideoWriter&) = delete;
  VideoWriter& operator=(const VideoWriter&) = delete;

  /// The next frame, 1/59.54 s after the one before.
  void frame(const Ram& ram);
  /// The next picture, bytes of red, green and blue. Errors: Error for another size.
  void frame(std::span<const unsigned char> rgb);
  void finish();

 private:
  void open(const VideoShape& shape, int colours);
  void start(const std::vector<std::string>& words);
  void end_process();
  [[noreturn]] void fail(const std::string& doing);

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::filesystem::path said_;  // what ffmpeg prints
  int pid_ = 0;
  int pipe_ = -1;
  int status_ = 0;
  std::vector<unsigned char> rgb_;
};

}  // namespace sinv
