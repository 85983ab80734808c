#include "nn/tape.h"

#include <algorithm>
#include <utility>

namespace sinv {

const Tape::Value& Tape::at(Var x) const {
  SINV_CHECK(x.id >= 0 && x.id < static_cast<int>(values_.size()), "tape: variable ", x.id, " is not on this tape of ",
             values_.size());
  return values_[static_cast<std::size_t>(x.id)];
}

Var Tape::add(const Value& value) {
  SINV_CHECK(!finished_, "tape: recording after finish()");
  values_.push_back(value);
  return {static_cast<int>(values_.size()) - 1};
}

Var Tape::input(Shape shape, bool with_gradient) {
  Value value;
  value.shape = shape;
  value.value = floats(shape.size()).data();
  value.wants = with_gradient;
  return add(value);
}

Var Tape::external(float* value, float* gradient, Shape shape) {
  Value v;
  v.shape = shape;
  v.value = value;
  v.gradient = gradient;
  v.wants = gradient != nullptr;
  return add(v);
}

Var Tape::stop_gradient(Var x) {
  Value value = at(x);
  value.gradient = nullptr;
  value.wants = false;
  return add(value);
}

Var Tape::constant_of(const Tape& other, Var x) {
  Value value = other.at(x);
  value.gradient = nullptr;
  value.wants = false;
  value.reached = false;
  return add(value);
}

Var Tape::output_at(float* memory, Shape shape, std::span<const Var> inputs) {
  Value value;
  value.shape = shape;
  value.value = memory;
  for (const Var x : inputs) value.wants = value.wants || at(x).wants;
  return add(value);
}

Var Tape::packed_output(std::int64_t k, std::int64_t n, bool with_backward, std::span<const Var> inputs,
                        std::int64_t sparse) {
  const Var out = packed_output(Shape{k, n}, k, n, packed_floats(stream_.device, k, n),
                                with_backward ? packed_floats(stream_.device, n, k) : 0, inputs);
  of(out.id).packed.sparse = sparse;
  return out;
}

Var Tape::packed_output(Shape weight, std::int64_t k, std::int64_t n, std::size_t forward_floats,
                        std::size_t backward_floats, std::span<const Var> inputs) {
  Value value;
  value.shape = weight;
  value.packed.k = k;
  value.packed.n = n;
  value.packed.forward = floats(forward_floats).data();
  if (backward_floats > 0) value.packed.backward = floats(backward_floats).data();
  for (const Var x : inputs) value.wants = value.wants || at(x).wants;
  return add(value);
}

Var Tape::alias(Var x, Shape shape) {
  SINV_CHECK(at(x).value != nullptr && shape.size() == at(x).shape.size(), "tape: variable ", x.id, " of shape ",
             at(x).shape, " has no alias of shape ", shape);
  Value value = at(x);
  value.shape = shape;
  value.gradient = nullptr;
  value.reached = false;
  return add(value);
}

Var Tape::part(Var x, std::int64_t first, Shape shape) {
  SINV_CHECK(
      at(x).value != nullptr && first >= 0 && static_cast<std::size_t>(first) + shape.size() <= at(x).shape.size(),
      "tape: variable ", x.id, " of shape ", at(x).shape, " has no part of shape ", shape, " at ", first);
  Value value = at(x);
  value.value += first;
  value.shape = shape;
  value.gradient = nullptr;
  value.reached = false;
  return add(value);
}

const PackedWeight& Tape::packed(Var x) const {
  SINV_CHECK(at(x).packed.forward != nullptr, "tape: variable ", x.id, " of shape ", at(x).shape,
             " is not a packed weight; pack it first");
  return at(x).packed;
}

void Tape::need_scratch(std::size_t count) { scratch_wanted_ = std::max(scratch_wanted_, count); }

void Tape::record(std::span<const Var> inputs, Var out, Forward forward, Backward backward, NodeTraits traits) {
  SINV_CHECK(!finished_, "tape: recording after finish()");
  Node node{{}, out.id, std::move(forward), std::move(backward), traits, {}};
  for (const Var x : inputs) node.inputs.push_back(x.id);
  nodes_.push_back(std::move(node));
}

// In backward order: the first node that gives a value its gradient overwrites, the later ones add.
void Tape::choose_modes() {
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    Node& node = nodes_[i];
    if (!of(node.output).reached) continue;
    for (const int id : node.inputs) {
      const bool first = of(id).wants && !of(id).reached;
      node.slots.push_back({{}, first ? GradientMode::kOverwrite : GradientMode::kAccumulate});
      of(id).reached = of(id).wants;
    }
  }
}

void Tape::place_gradients() {
  const auto place = [this](Value& value) {
    if (value.reached && value.gradient == nullptr) value.gradient = arena_.take<float>(value.shape.size()).data();
  };
  for (Node& node : nodes_) {
    if (!node.traits.shares_gradient || node.slots.empty() || !of(node.inputs[0]).wants) continue;
    // Nothing has written there when this node runs, and every use of its output has: the memory can be one.
    place(of(node.inputs[0]));
    if (node.slots[0].mode == GradientMode::kOverwrite) of(node.output).gradient = of(node.inputs[0]).gradient;
  }
  for (Value& value : values_) place(value);
  for (Node& node : nodes_) {
    for (std::size_t i = 0; i < node.slots.size(); ++i) {
      const Value& value = of(node.inputs[i]);
      if (value.wants) node.slots[i].view = {value.gradient, value.shape};
    }
  }
}

const float* Tape::one() {
  if (one_ == nullptr) {
    one_ = floats(1).data();
    const float value = 1.0F;
    copy_and_wait(stream_, one_, &value, sizeof value);
  }
  return one_;
}

void Tape::put(Var x, std::span<const float> from) const {
  const View to = value(x);
  SINV_CHECK(from.size() == to.size(), "tape: ", from.size(), " values for variable ", x.id, " of shape ", to.shape);
  copy_and_wait(stream_, to.data, from.data(), from.size_bytes());
}

std::vector<float> Tape::get(ConstView from) const {
  std::vector<float> to(from.size());
  copy_and_wait(stream_, to.data(), from.data, to.size() * sizeof(float));
  return to;
}

// A model is recorded whole, but imagination decodes no pictures. A tape without a root may be there for another one
// that reads its packs.
void Tape::drop_unread_packs() {
  std::vector<bool> read(values_.size(), false);
  for (const Node& node : nodes_) {
    for (const int id : node.inputs) read[static_cast<std::size_t>(id)] = true;
  }
  std::erase_if(nodes_, [&](const Node& node) {
    return of(node.output).packed.forward != nullptr && !read[static_cast<std::size_t>(node.output)];
  });
}

void Tape::finish() {
  SINV_CHECK(!finished_, "tape: finish() was called before");
  scratch_ = floats(scratch_wanted_);
  finished_ = true;
}

void Tape::finish(Var root) {
  SINV_CHECK(at(root).shape.size() == 1, "tape: the root has shape ", at(root).shape, ", wanted one element");
  SINV_CHECK(at(root).wants, "tape: the root does not depend on anything that wants a gradient");
  drop_unread_packs();
  finish();
  root_ = root.id;
  of(root_).reached = true;
  choose_modes();
  place_gradients();
  // A device keeps it: no operation that ends in one number writes over the gradient it is given.
  if (stream_.device != Device::kCpu) queue_copy(stream_, of(root_).gradient, one(), sizeof(float));
}

void Tape::forward(std::size_t first, std::size_t last) {
  SINV_CHECK(finished_, "tape: forward() before finish()");
  SINV_CHECK(first <= last && last <= nodes_.size(), "tape: forward of nodes ", first, " to ", last, " of ",
             nodes_.size());
  for (std::size_t i = first; i < last; ++i) {
    if (held_is_stale_ || !nodes_[i].traits.held) nodes_[i].forward(stream_);
  }
  if (first == 0 && last == nodes_.size()) held_is_stale_ = false;
}

void Tape::backward() {
  SINV_CHECK(root_ >= 0, "tape: backward() without finish(root)");
  if (stream_.device == Device::kCpu) *of(root_).gradient = 1.0F;
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    const Node& node = nodes_[i];
    if (node.slots.empty()) continue;
    const Value& out = values_[static_cast<std::size_t>(node.output)];
    node.backward(stream_, {out.gradient, out.shape}, node.slots);
  }
}

View Tape::value(Var x) const {
  SINV_CHECK(at(x).value != nullptr, "tape: variable ", x.id, " is a packed weight and has no plain value");
  return {at(x).value, at(x).shape};
}

View Tape::gradient(Var x) const {
  SINV_CHECK(at(x).reached, "tape: no gradient reaches variable ", x.id, " of shape ", at(x).shape);
  return {at(x).gradient, at(x).shape};
}

}  // namespace sinv
