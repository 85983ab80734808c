#include "rl/state_file.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/file.h"

namespace sinv {
namespace {

constexpr char kMagic[8] = {'S', 'I', 'N', 'V', 'S', 'T', 'A', 'T'};
constexpr std::uint32_t kVersion = 1;

}  // namespace

StateFile StateFile::read(const std::filesystem::path& path) {
  StateFile file;
  file.path_ = path.string();
  file.bytes_ = read_file(path);
  const std::span<const std::byte> all(file.bytes_);
  if (all.size() < sizeof kMagic + 20 || std::memcmp(all.data(), kMagic, sizeof kMagic) != 0) {
    throw UserError(text(file.path_, ": is no state of a training"));
  }
  std::uint32_t sum = 0;
  std::memcpy(&sum, all.data() + all.size() - sizeof sum, sizeof sum);
  ByteReader in(all.subspan(sizeof kMagic), file.path_);
  const auto version = in.get<std::uint32_t>();
  if (version != kVersion) {
    throw UserError(text(file.path_, ": has version ", version, ", this program reads ", kVersion));
  }
  if (crc32(all.first(all.size() - sizeof sum)) != sum) {
    throw UserError(text(file.path_, ": is damaged (its checksum is wrong)"));
  }
  const auto count = in.get<std::uint32_t>();
  std::vector<std::uint64_t> sizes(std::size_t{count} + 1);
  for (std::uint64_t& size : sizes) in.get(size);
  std::size_t at = sizeof kMagic + 2 * sizeof(std::uint32_t) + sizes.size() * sizeof(std::uint64_t);
  for (const std::uint64_t size : sizes) {
    if (size > all.size() - sizeof sum - at) throw UserError(text(file.path_, ": ends early; the file is damaged"));
    file.arrays_.push_back(all.subspan(at, size));
    at += size;
  }
  file.small_ = file.arrays_.front();
  file.arrays_.erase(file.arrays_.begin());
  return file;
}

void StateFile::fill(std::span<const std::span<std::byte>> parts) const {
  bool fits = parts.size() == arrays_.size();
  for (std::size_t i = 0; fits && i < parts.size(); ++i) fits = parts[i].size() == arrays_[i].size();
  if (!fits) throw UserError(text(path_, ": its arrays are not those of this training; resume with its settings"));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].empty()) std::memcpy(parts[i].data(), arrays_[i].data(), parts[i].size());
  }
}

StateSaver::StateSaver(std::filesystem::path path) : path_(std::move(path)) {}

StateSaver::~StateSaver() {
  if (writing_.valid()) writing_.wait();
}

bool StateSaver::busy() const {
  return writing_.valid() && writing_.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
}

void StateSaver::collect() {
  if (!writing_.valid()) return;
  try {
    writing_.get();
    ++saved_;
  } catch (const std::exception& error) {
    error_ = error.what();
  }
}

void StateSaver::wait() { collect(); }

std::optional<std::string> StateSaver::take_error() {
  if (!busy()) collect();
  return std::exchange(error_, std::nullopt);
}

bool StateSaver::take(std::span<const std::byte> small, std::span<const std::span<std::byte>> parts) {
  if (busy()) return false;
  collect();
  std::size_t wanted = sizeof kMagic + 2 * sizeof(std::uint32_t) + (parts.size() + 1) * sizeof(std::uint64_t) +
                       small.size() + sizeof(std::uint32_t);
  for (const auto& part : parts) wanted += part.size();
  if (image_.size() < wanted) {
    image_.clear();  // the old content need not move
    image_.resize(wanted);
  }
  std::byte* to = image_.data();
  const auto put = [&to](const void* from, std::size_t bytes) {
    if (bytes != 0) std::memcpy(to, from, bytes);
    to += bytes;
  };
  const auto put_size = [&put](std::uint64_t size) { put(&size, sizeof size); };
  const auto count = static_cast<std::uint32_t>(parts.size());
  put(kMagic, sizeof kMagic);
  put(&kVersion, sizeof kVersion);
  put(&count, sizeof count);
  put_size(small.size());
  for (const auto& part : parts) put_size(part.size());
  put(small.data(), small.size());
  for (const auto& part : parts) put(part.data(), part.size());
  image_bytes_ = wanted;
  return true;
}

void StateSaver::write() {
  SINV_CHECK(!busy(), "StateSaver::write: the state before is still being written");
  collect();
  writing_ = std::async(std::launch::async, [this] {
    const std::span<std::byte> image(image_.data(), image_bytes_);
    const std::uint32_t sum = crc32(image.first(image.size() - sizeof(std::uint32_t)));
    std::memcpy(image.data() + image.size() - sizeof sum, &sum, sizeof sum);
    write_file(path_, std::span<const std::byte>(image));
  });
}

void remove_leftovers(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const std::string head = path.filename().string() + ".";
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(head) || !name.ends_with(".tmp")) continue;
    const std::string middle = name.substr(head.size(), name.size() - head.size() - 4);
    if (!middle.empty() && std::all_of(middle.begin(), middle.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      std::filesystem::remove(entry.path(), ignored);
    }
  }
}

}  // namespace sinv
