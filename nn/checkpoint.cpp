#include "nn/checkpoint.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"

namespace sinv {

namespace {
using Json = nlohmann::ordered_json;

struct TypeRow {
  const char* name;
  std::size_t size;
};
constexpr std::array<TypeRow, 10> kTypes{{{"U8", 1},
                                          {"I8", 1},
                                          {"U16", 2},
                                          {"I16", 2},
                                          {"U32", 4},
                                          {"I32", 4},
                                          {"U64", 8},
                                          {"I64", 8},
                                          {"F32", 4},
                                          {"F64", 8}}};
constexpr const char* kSumKey = "sinv.crc32";
constexpr const char* kNoSum = "00000000";          // stands in the header while the sum is taken
constexpr std::uint64_t kMostHeader = 100'000'000;  // the limit of the reference implementation
constexpr std::size_t kPiece = std::size_t{1} << 20;

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::vector<std::string> words;
  words.reserve(shape.size());
  for (const std::int64_t dim : shape) words.push_back(std::to_string(dim));
  return text('[', join(words, ","), ']');
}

// Elements of a shape; -1 when a dimension is negative or the product does not fit.
std::int64_t element_count(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const std::int64_t dim : shape) {
    if (dim < 0 || __builtin_mul_overflow(count, dim, &count)) return -1;
  }
  return count;
}
}  // namespace

const char* data_type_name(DataType type) { return kTypes.at(static_cast<std::size_t>(type)).name; }
std::size_t data_type_size(DataType type) { return kTypes.at(static_cast<std::size_t>(type)).size; }

void CheckpointWriter::set(const std::string& name, const std::string& value) {
  SINV_CHECK(name != kSumKey, "checkpoint: the metadata name ", kSumKey, " is taken by the file's own checksum");
  metadata_[name] = value;
}

void CheckpointWriter::add_bytes(const std::string& name, DataType type, const std::vector<std::int64_t>& shape,
                                 std::span<const std::byte> bytes) {
  for (const Entry& entry : entries_) SINV_CHECK(entry.name != name, "checkpoint: \"", name, "\" is there already");
  SINV_CHECK(name != "__metadata__", "checkpoint: a tensor cannot be called __metadata__");
  const std::int64_t count = element_count(shape);
  SINV_CHECK(count >= 0 && static_cast<std::size_t>(count) * data_type_size(type) == bytes.size(), "checkpoint: \"",
             name, "\" has shape ", shape_text(shape), " of ", data_type_name(type), ", but ", bytes.size(), " bytes");
  entries_.push_back({name, type, shape, bytes});
}

std::string CheckpointWriter::header(const std::string& checksum) const {
  Json json;
  Json& texts = json["__metadata__"];
  for (const auto& [name, value] : metadata_) texts[name] = value;
  texts[kSumKey] = checksum;
  std::uint64_t at = 0;
  for (const Entry& entry : entries_) {
    Json& one = json[entry.name];
    one["dtype"] = data_type_name(entry.type);
    one["shape"] = entry.shape;
    one["data_offsets"] = {at, at + entry.bytes.size()};
    at += entry.bytes.size();
  }
  std::string out = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  out.append((8 - out.size() % 8) % 8, ' ');  // the data starts at a multiple of 8
  return out;
}

void CheckpointWriter::write(const std::filesystem::path& path) const {
  std::string text = header(kNoSum);
  std::uint32_t sum = crc32(std::as_bytes(std::span(text)));
  for (const Entry& entry : entries_) sum = crc32(entry.bytes, sum);
  text = header(fmt::format("{:08x}", sum));
  const std::uint64_t length = text.size();
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(text);
  for (const Entry& entry : entries_) file.write(entry.bytes);
  file.commit();
}

void CheckpointReader::refuse(const std::string& why) const { throw UserError(text(path_, ": ", why)); }

CheckpointReader::CheckpointReader(const std::filesystem::path& path) : path_(path.string()) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) refuse(error.message());
  file_.reset(std::fopen(path_.c_str(), "rb"));
  if (file_ == nullptr) refuse(std::strerror(errno));
  std::uint64_t length = 0;
  if (size < sizeof(length)) refuse("is truncated: it is shorter than the length of a header");
  fill(0, std::as_writable_bytes(std::span(&length, 1)));
  if (length > kMostHeader || length < 2) refuse("is not a safetensors file: its header cannot have that length");
  if (length > size - sizeof(length)) refuse("is truncated: it ends inside the header");
  std::string header(length, ' ');
  fill(sizeof(length), std::as_writable_bytes(std::span(header)));
  data_start_ = sizeof(length) + length;
  data_size_ = size - data_start_;
  parse(header);
  check_layout();
  const auto sum = metadata_.find(kSumKey);
  if (sum == metadata_.end()) refuse("was not written by sinv_engine: it carries no checksum");
  check_sum(std::move(header), sum->second);
  metadata_.erase(kSumKey);
}

void CheckpointReader::parse(const std::string& header) {
  const Json json = Json::parse(header, nullptr, false);
  if (json.is_discarded() || !json.is_object()) refuse("is damaged: its header is not a JSON object");
  for (const auto& [name, entry] : json.items()) {
    if (!entry.is_object()) refuse(text("is damaged: the header entry \"", name, "\" is not an object"));
    if (name == "__metadata__") {
      for (const auto& [key, value] : entry.items()) {
        if (!value.is_string()) refuse(text("is damaged: the metadata \"", key, "\" is not a text"));
        metadata_[key] = value.get<std::string>();
      }
      continue;
    }
    const auto dtype = entry.find("dtype");
    const auto shape = entry.find("shape");
    const auto offsets = entry.find("data_offsets");
    const auto whole = [](const Json& number) {
      return number.is_number_unsigned() &&
             number.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    };
    const bool complete = dtype != entry.end() && dtype->is_string() && shape != entry.end() && shape->is_array() &&
                          offsets != entry.end() && offsets->is_array() && offsets->size() == 2 &&
                          std::ranges::all_of(*shape, whole) && std::ranges::all_of(*offsets, whole);
    if (!complete) refuse(text("is damaged: the header entry \"", name, "\" lacks dtype, shape or data_offsets"));
    const auto word = dtype->get<std::string>();
    const auto row = std::ranges::find_if(kTypes, [&](const TypeRow& type) { return word == type.name; });
    if (row == kTypes.end()) refuse(text("holds \"", name, "\" of the type ", word, ", which is not known here"));
    tensors_[name] = {static_cast<DataType>(row - kTypes.begin()), shape->get<std::vector<std::int64_t>>(),
                      (*offsets)[0].get<std::uint64_t>(), (*offsets)[1].get<std::uint64_t>()};
  }
}

// The data must be covered exactly once, as the reference implementation demands.
void CheckpointReader::check_layout() {
  std::vector<std::pair<std::string, TensorInfo>> order(tensors_.begin(), tensors_.end());
  std::ranges::sort(order, {}, [](const auto& entry) { return std::pair(entry.second.begin, entry.second.end); });
  std::uint64_t at = 0;
  for (const auto& [name, info] : order) {
    const std::int64_t count = element_count(info.shape);
    const std::uint64_t size = data_type_size(info.type);
    if (info.begin != at || info.end < info.begin) refuse(text("is damaged: \"", name, "\" overlaps or leaves a gap"));
    if (count < 0 || static_cast<std::uint64_t>(count) > (info.end - info.begin) / size ||
        static_cast<std::uint64_t>(count) * size != info.end - info.begin) {
      refuse(text("is damaged: \"", name, "\" has shape ", shape_text(info.shape), " but ", info.end - info.begin,
                  " bytes"));
    }
    at = info.end;
  }
  if (at > data_size_) {
    refuse(text("is truncated: ", data_size_, " bytes of data where the header promises ", at));
  }
  if (at < data_size_) refuse(text("is damaged: ", data_size_ - at, " bytes follow the last tensor"));
}

void CheckpointReader::check_sum(std::string header, const std::string& sum) {
  const std::string entry = text('"', kSumKey, "\":\"");
  const std::size_t at = header.find(entry + sum + '"');
  if (at == std::string::npos || sum.size() != 8) refuse("is damaged: its checksum is not readable");
  header.replace(at + entry.size(), sum.size(), kNoSum);
  std::uint32_t found = crc32(std::as_bytes(std::span(header)));
  std::vector<std::byte> piece(static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, data_size_)));
  for (std::uint64_t done = 0; done < data_size_; done += piece.size()) {
    const std::span part =
        std::span(piece).first(static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), data_size_ - done)));
    fill(data_start_ + done, part);
    found = crc32(part, found);
  }
  if (fmt::format("{:08x}", found) != sum) {
    refuse(fmt::format("is damaged: its checksum is {:08x} where {} was written", found, sum));
  }
}

void CheckpointReader::fill(std::uint64_t offset, std::span<std::byte> to) {
  if (to.empty()) return;
  if (fseeko(file_.get(), static_cast<off_t>(offset), SEEK_SET) != 0) refuse(std::strerror(errno));
  if (std::fread(to.data(), 1, to.size(), file_.get()) != to.size()) {
    refuse(std::ferror(file_.get()) != 0 ? std::strerror(errno) : "became shorter while it was read");
  }
}

const std::string& CheckpointReader::get(const std::string& name) const {
  const auto found = metadata_.find(name);
  if (found == metadata_.end()) refuse(text("its metadata lack \"", name, "\""));
  return found->second;
}

std::int64_t CheckpointReader::get_int(const std::string& name) const {
  const std::string& word = get(name);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size()) {
    refuse(text("its metadata \"", name, "\" is \"", word, "\", wanted a whole number"));
  }
  return value;
}

const TensorInfo& CheckpointReader::tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found != tensors_.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [word, info] : tensors_) known.push_back(word);
  refuse(unknown_name("tensor", name, known));
}

void CheckpointReader::read_bytes(const std::string& name, DataType type, const std::vector<std::int64_t>& shape,
                                  std::span<std::byte> to) {
  const TensorInfo& info = tensor(name);
  if (info.type != type || info.shape != shape) {
    refuse(text('"', name, "\" is ", data_type_name(info.type), ' ', shape_text(info.shape), ", wanted ",
                data_type_name(type), ' ', shape_text(shape)));
  }
  SINV_CHECK(to.size() == info.end - info.begin, "checkpoint: room of ", to.size(), " bytes for \"", name, "\" of ",
             info.end - info.begin);
  fill(data_start_ + info.begin, to);
}

std::vector<std::byte> CheckpointReader::read_state(const std::string& name) {
  const TensorInfo& info = tensor(name);
  std::vector<std::byte> bytes(static_cast<std::size_t>(info.end - info.begin));
  read_bytes(name, DataType::kU8, {static_cast<std::int64_t>(bytes.size())}, bytes);
  return bytes;
}

}  // namespace sinv
