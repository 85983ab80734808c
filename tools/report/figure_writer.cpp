#include "tools/report/figure_writer.h"

#include <spdlog/spdlog.h>

#include "base/error.h"
#include "tools/report/training_figure.h"

namespace sinv {

FigureWriter::FigureWriter(std::filesystem::path folder, std::chrono::seconds period) : folder_(std::move(folder)) {
  thread_ = std::jthread([this, period](const std::stop_token& stop) { run(stop, period); });
}

FigureWriter::~FigureWriter() = default;  // std::jthread asks its thread to stop and joins

void FigureWriter::draw_now() {
  const std::scoped_lock lock(mutex_);
  asked_ = true;
  wake_.notify_one();
}

void FigureWriter::run(const std::stop_token& stop, std::chrono::seconds period) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, period, [this] { return asked_; });
      asked_ = false;
    }
    if (stop.stop_requested()) return;
    try {
      write_training_figure(folder_);
    } catch (const Error& error) {
      spdlog::warn("figure: {}", error.what());
    }
  }
}

}  // namespace sinv
