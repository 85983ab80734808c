#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "kernels/ops.h"
#include "nn/arena.h"

namespace sinv {

/// A value on a tape.
struct Var {
  int id = -1;
};

/// Where a node puts the gradient of one input: no data means that nobody wants it.
struct GradientSlot {
  View view;
  GradientMode mode = GradientMode::kOverwrite;
};

/// What a tape may do with a node.
struct NodeTraits {
  bool shares_gradient = false;  // the gradient of input 0 equals the output's and may be the same memory
  bool held = false;             // see Tape::refresh_held()
};

/// A computation with fixed shapes, recorded once and replayed: recording takes all memory from one arena, and
/// forward() and backward() only walk the list of nodes, so a step allocates nothing.
/// A value used twice gets the sum of its gradients: finish() finds the first contribution, which overwrites; the
/// later ones add, so no buffer has to be cleared.
/// On a device every value lives there: what the caller fills or reads goes through queue_copy() or put() and get().
/// Order: record (functional.h), finish(), then any number of forward() and backward().
/// Errors: Error for use out of that order, or for a Var of no or another tape (by its number).
/// Thread: one owner.
class Tape {
 public:
  /// Computes the output from the inputs.
  using Forward = std::function<void(const Stream&)>;
  /// Given the gradient of the output (may be overwritten) and one slot per input.
  using Backward = std::function<void(const Stream&, View gradient, std::span<const GradientSlot> inputs)>;

  explicit Tape(Stream stream = {}) : stream_(stream), arena_(stream.device) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// A value that the caller fills through value(); with_gradient: backward() leaves its gradient in gradient().
  Var input(Shape shape, bool with_gradient = false);
  /// A value that lives elsewhere, such as a parameter: gradient null: none is wanted.
  Var external(float* value, float* gradient, Shape shape);
  /// The same value, through which no gradient flows.
  Var stop_gradient(Var x);
  /// The value of another tape of the same device, as a constant here. The other tape must outlive this one.
  Var constant_of(const Tape& other, Var x);
  /// Whole numbers that the caller fills, such as actions.
  std::span<std::int32_t> indices(std::size_t count) { return arena_.take<std::int32_t>(count); }

  /// The number 1 where the operations read it.
  const float* one();
  /// Copies between the host and a value, and waits: for what happens rarely.
  void put(Var x, std::span<const float> from) const;
  std::vector<float> get(ConstView from) const;

  /// Bytes that the caller fills, such as stacks of frames.
  std::span<std::uint8_t> frames(std::size_t count) { return arena_.take<std::uint8_t>(count); }

  /// finish() without a root: nothing is differentiated. With a root (a scalar): backward() starts there with 1, and
  /// packs that no operation of this tape reads are not made.
  void finish();
  void finish(Var root);
  void forward() { forward(0, node_count()); }
  /// Only nodes first .. last - 1, in recorded order.
  void forward(std::size_t first, std::size_t last);
  void backward();
  /// Values that change rarely, such as the plain weights of a target network, are recorded as held: forward() computes
  /// them in the first pass and in the first one after this call.
  void refresh_held() { held_is_stale_ = true; }
  bool held_is_stale() const { return held_is_stale_; }
  /// A graph that holds a whole forward() with the held values was launched instead of it.
  void held_are_computed() { held_is_stale_ = false; }

  std::size_t node_count() const { return nodes_.size(); }
  View value(Var x) const;
  /// After finish(root). Errors: Error if no gradient reaches x.
  View gradient(Var x) const;
  const Shape& shape(Var x) const { return at(x).shape; }
  const Stream& stream() const { return stream_; }
  std::size_t bytes() const { return arena_.bytes(); }

  // For the operations of functional.h.
  Var output(Shape shape, std::span<const Var> inputs) { return output_at(floats(shape.size()).data(), shape, inputs); }
  /// The same in memory that the caller took.
  Var output_at(float* memory, Shape shape, std::span<const Var> inputs);
  /// sparse: as in PackedWeight.
  Var packed_output(std::int64_t k, std::int64_t n, bool with_backward, std::span<const Var> inputs,
                    std::int64_t sparse = 0);
  /// Packed room of other sizes, such as a convolution's; backward_floats 0: no gradient to the layer's x is wanted.
  Var packed_output(Shape weight, std::int64_t k, std::int64_t n, std::size_t forward_floats,
                    std::size_t backward_floats, std::span<const Var> inputs);
  const PackedWeight& packed(Var x) const;
  /// The memory of x under another shape of the same size.
  Var alias(Var x, Shape shape);
  /// Elements of x from `first` on, as many as `shape` has, without a copy.
  Var part(Var x, std::int64_t first, Shape shape);
  std::span<float> floats(std::size_t count) { return arena_.take<float>(count); }
  /// Room that every node may use while it runs; asks for at least `count` floats.
  void need_scratch(std::size_t count);
  std::span<float> scratch() const { return scratch_; }
  void record(std::span<const Var> inputs, Var out, Forward forward, Backward backward, NodeTraits traits = {});
  bool wants_gradient(Var x) const { return at(x).wants; }

 private:
  struct Value {
    Shape shape;
    float* value = nullptr;
    float* gradient = nullptr;
    bool wants = false;    // a gradient may flow here
    bool reached = false;  // and does, from the root
    PackedWeight packed;   // for a packed weight, which has no plain value
  };
  struct Node {
    std::vector<int> inputs;
    int output;
    Forward forward;
    Backward backward;
    NodeTraits traits;
    std::vector<GradientSlot> slots;
  };
  const Value& at(Var x) const;
  Var add(const Value& value);
  Value& of(int id) { return values_[static_cast<std::size_t>(id)]; }
  void drop_unread_packs();
  void choose_modes();
  void place_gradients();

  Stream stream_;
  Arena arena_;
  std::vector<Value> values_;
  std::vector<Node> nodes_;
  std::size_t scratch_wanted_ = 0;
  std::span<float> scratch_;
  float* one_ = nullptr;
  bool finished_ = false;
  bool held_is_stale_ = true;
  int root_ = -1;
};

}  // namespace sinv
