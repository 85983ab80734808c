#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace sinv {

/// Takes the records of a training, each one JSON object in one line with at least "kind" ("train", "evaluation",
/// "confirmation", "event", "end") and "frames".
class MetricsSink {
 public:
  virtual ~MetricsSink() = default;
  /// Errors: UserError when the record could not be kept; the trainer reports it and goes on.
  virtual void record(std::string_view json) = 0;
  /// A training goes on from its state at `frames`: later records belong to a future that will be made again.
  virtual void rewind(std::int64_t frames) = 0;
};

/// metrics.jsonl of a run folder: appends whole lines. Thread: one owner.
class JsonLinesFile final : public MetricsSink {
 public:
  explicit JsonLinesFile(std::filesystem::path path) : path_(std::move(path)) {}
  ~JsonLinesFile() override;
  JsonLinesFile(const JsonLinesFile&) = delete;
  JsonLinesFile& operator=(const JsonLinesFile&) = delete;

  void record(std::string_view json) override;
  /// Drops later records and a line that a kill cut short.
  void rewind(std::int64_t frames) override;

 private:
  void close();
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::string line_;
};

}  // namespace sinv
