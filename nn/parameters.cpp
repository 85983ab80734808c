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

void ParameterStore::finish(bool with_gradients) {
  SINV_CHECK(!finished_, "parameters: finish() was called before");
  if (with_gradients) gradients_.assign(values_.size(), 0.0F);
  finished_ = true;
}

Var ParameterStore::on(Tape& tape, int parameter) {
  SINV_CHECK(finished_, "parameters: used on a tape before finish()");
  const Entry& entry = entries_.at(static_cast<std::size_t>(parameter));
  float* gradient = gradients_.empty() ? nullptr : gradients_.data() + entry.offset;
  return tape.external(values_.data() + entry.offset, gradient, entry.shape);
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
  SINV_CHECK(!finished_, "noise: take() after finish()");
  const std::size_t offset = wanted_;
  wanted_ += count;
  return offset;
}

void NoiseSource::finish() {
  values_.assign(wanted_, 0.0F);
  finished_ = true;
}

ConstView NoiseSource::eps(std::size_t offset, std::int64_t count) const {
  SINV_CHECK(finished_ && offset + static_cast<std::size_t>(count) <= values_.size(), "noise: eps ", offset, " + ",
             count, " of ", values_.size());
  return {values_.data() + offset, Shape{count}};
}

void NoiseSource::resample(const Stream& stream) {
  if (values_.empty()) return;
  noise_fill(stream, seed_, stream_, counter_, values_);
  counter_ += noise_blocks(values_.size());
}

void NoiseSource::save(ByteWriter& out) const {
  out.put(seed_);
  out.put(stream_);
  out.put(counter_);
}

void NoiseSource::load(ByteReader& in) {
  in.get(seed_);
  in.get(stream_);
  in.get(counter_);
}

void NoiseSource::clear() { std::fill(values_.begin(), values_.end(), 0.0F); }

}  // namespace sinv
