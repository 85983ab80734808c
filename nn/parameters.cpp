#include "nn/parameters.h"

#include <algorithm>

namespace sinv {

int ParameterStore::add(const std::string& name, Shape shape) {
  SINV_CHECK(!finished_, "parameters: \"", name, "\" is added after finish()");
  for (const Entry& entry : entries_) SINV_CHECK(entry.name != name, "parameters: \"", name, "\" is there already");
  entries_.push_back({name, shape, values_.size()});
  values_.resize(values_.size() + shape.size(), 0.0F);
  return static_cast<int>(entries_.size()) - 1;
}

int ParameterStore::add_uniform(const std::string& name, Shape shape, float bound, Random& random) {
  const int parameter = add(name, shape);
  const std::size_t first = entries_.back().offset;
  for (std::size_t i = first; i < values_.size(); ++i) values_[i] = (2.0F * random.uniform() - 1.0F) * bound;
  return parameter;
}

int ParameterStore::add_constant(const std::string& name, Shape shape, float value) {
  const int parameter = add(name, shape);
  const std::size_t first = entries_.back().offset;
  for (std::size_t i = first; i < values_.size(); ++i) values_[i] = value;
  return parameter;
}

void ParameterStore::finish(bool with_gradients, const Stream& stream) {
  SINV_CHECK(!finished_, "parameters: finish() was called before");
  stream_ = stream;
  if (with_gradients) gradients_ = DeviceFloats(stream, values_.size());
  if (stream.device != Device::kCpu) device_values_ = DeviceFloats(stream, values_.size());
  finished_ = true;
  upload();
}

std::span<float> ParameterStore::device_values() {
  return stream_.device == Device::kCpu ? std::span<float>(values_) : device_values_.span();
}

void ParameterStore::upload() {
  if (stream_.device != Device::kCpu) device_values_.put(values_);
}

void ParameterStore::download() {
  if (stream_.device != Device::kCpu) device_values_.get(values_);
}

Var ParameterStore::on(Tape& tape, int parameter) {
  SINV_CHECK(finished_, "parameters: used on a tape before finish()");
  const Entry& entry = entries_.at(static_cast<std::size_t>(parameter));
  float* gradient = gradients_.size() == 0 ? nullptr : gradients_.span().data() + entry.offset;
  return tape.external(device_values().data() + entry.offset, gradient, entry.shape);
}

void ParameterStore::for_each(const ParameterVisitor& visit) const {
  for (const Entry& entry : entries_) {
    visit(entry.name, entry.shape.dims(), std::span(values_).subspan(entry.offset, entry.shape.size()));
  }
}

std::span<float> ParameterStore::named(const std::string& name) {
  std::vector<std::string> known;
  for (const Entry& entry : entries_) {
    if (entry.name == name) return std::span(values_).subspan(entry.offset, entry.shape.size());
    known.push_back(entry.name);
  }
  throw Error(unknown_name("parameter", name, known));
}

std::size_t NoiseSource::take(std::size_t count) {
  SINV_CHECK(!state_, "noise: take() after finish()");
  const std::size_t offset = wanted_;
  wanted_ += count;
  return offset;
}

void NoiseSource::finish(const Stream& queue) {
  queue_ = queue;
  values_ = DeviceFloats(queue, wanted_);
  state_.emplace(queue, start_);
}

ConstView NoiseSource::eps(std::size_t offset, std::int64_t count) const {
  SINV_CHECK(state_ && offset + static_cast<std::size_t>(count) <= values_.size(), "noise: eps ", offset, " + ", count,
             " of ", values_.size());
  return {values_.span().data() + offset, Shape{count}};
}

void NoiseSource::resample(const Stream& stream) {
  if (values_.size() > 0) noise_fill_next(stream, state_->data(), values_.span());
}

void NoiseSource::save(ByteWriter& out) const {
  const NoiseState now = state_ ? state_->get() : start_;
  out.put(now.seed);
  out.put(now.stream);
  out.put(now.counter);
}

void NoiseSource::load(ByteReader& in) {
  NoiseState now;
  in.get(now.seed);
  in.get(now.stream);
  in.get(now.counter);
  start_ = now;
  if (state_) state_->put(now);
}

void NoiseSource::save_values(ByteWriter& out) const {
  std::vector<float> values(values_.size());
  values_.get(values);
  out.put_all(std::span<const float>(values));
}

void NoiseSource::load_values(ByteReader& in) {
  std::vector<float> values(values_.size());
  in.get_all(std::span<float>(values));
  values_.put(values);
}

void NoiseSource::clear() { queue_clear(queue_, values_.span().data(), values_.span().size_bytes()); }

}  // namespace sinv
