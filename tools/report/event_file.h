#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "rl/metrics.h"

namespace sinv {

/// CRC-32C (Castagnoli). Source: RFC 3720, appendix B.4, which gives the polynomial and test vectors.
std::uint32_t crc32c(std::string_view bytes);

/// The records of a training as a TensorBoard event file: each number of a record as a scalar KIND/NAME, its step being
/// the frames. The file is made with the first record, "events.out.tfevents.TIME.HOST" in `folder`.
/// Formats: TFRecord framing (tensorflow/core/lib/io/record_writer.h); Event, Summary and SessionLog (event.proto and
/// summary.proto of TensorFlow). docs/formats.md has what is used.
/// Thread: one owner. Errors: UserError with the path and the system's own text.
class EventFile final : public MetricsSink {
 public:
  explicit EventFile(std::filesystem::path folder) : folder_(std::move(folder)) {}
  ~EventFile() override;
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  void record(std::string_view json) override;
  /// TensorBoard drops what older files in the folder have from there on.
  void rewind(std::int64_t frames) override { restart_frames_ = frames; }

 private:
  void open();
  void append(const std::string& event);

  std::filesystem::path folder_;
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::optional<std::int64_t> restart_frames_;
};

}  // namespace sinv
