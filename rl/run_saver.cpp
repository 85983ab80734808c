#include "rl/run_saver.h"

#include <system_error>
#include <utility>

#include "base/text.h"

namespace sinv {
namespace {

constexpr const char* kFrames = "frames.";

}  // namespace

RunSaver::RunSaver(std::filesystem::path folder) : folder_(std::move(folder)), state_(state_path(folder_)) {}

std::filesystem::path RunSaver::frames_path(const std::filesystem::path& folder, std::uint64_t stamp) {
  return folder / (kFrames + std::to_string(stamp));
}

void RunSaver::clean(std::optional<std::uint64_t> stamp) const {
  remove_leftovers(state_path(folder_));
  const std::string keep = stamp ? frames_path(folder_, *stamp).filename().string() : "";
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kFrames) && name != keep) std::filesystem::remove(entry.path(), ignored);
  }
}

bool RunSaver::begin(std::span<const std::byte> small, std::span<const std::span<std::byte>> parts,
                     StreamedState* streamed, std::uint64_t stamp) {
  if (busy() || (streamed != nullptr && streamed->saving())) return false;
  poll();
  state_.take(small, parts);
  if (streamed != nullptr) {
    stamp_ = stamp;
    streamed->begin_save(frames_path(folder_, stamp), stamp);
    streaming_ = streamed;
  } else {
    state_.write();
  }
  return true;
}

void RunSaver::write_state() {
  if (std::optional<std::string> error = std::exchange(streaming_, nullptr)->take_save_error()) {
    error_ = std::move(error);  // the state before stays, with its frames
  } else {
    state_.write();
  }
}

std::optional<std::string> RunSaver::poll() {
  if (streaming_ != nullptr && !streaming_->saving()) write_state();
  if (std::optional<std::string> error = state_.take_error()) error_ = std::move(error);
  if (stamp_ && state_.saved() > cleaned_) {
    cleaned_ = state_.saved();
    clean(stamp_);
  }
  return std::exchange(error_, std::nullopt);
}

void RunSaver::wait() {
  if (streaming_ != nullptr) {
    streaming_->wait_for_save();
    write_state();
  }
  state_.wait();
}

}  // namespace sinv
