#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "nn/parameters.h"
#include "rl/dqn/settings.h"

namespace sinv {

/// A learner's input buffers for B transitions of n steps: filled in place before each update() or start(). B is
/// settings.batch; every row must be filled. A network sees numbers or frames: the other spans are empty.
struct DqnBatch {
  std::span<float> observation_tm1;    // [B, features]
  std::span<std::int32_t> action_tm1;  // [B], 0 .. actions - 1
  std::span<float> return_t;           // [B] sum of the n discounted rewards
  std::span<float> discount_t;         // [B] gamma^n of the steps really taken; 0 when terminated
  std::span<float> observation_t;      // [B, features] n steps later
  std::span<float> weight;             // [B] importance weight; 1 without priorities
  std::span<std::uint8_t> frames_tm1;  // [B, frames, height, width], oldest frame first
  std::span<std::uint8_t> frames_t;    // the same n steps later
};

struct DqnUpdate {
  float loss = 0;           // mean over the batch of weight * huber(td error)
  float mean_q = 0;         // mean over the batch of q(s, a)
  float gradient_norm = 0;  // before clipping
};

/// Where a learner's batches come from, and where its errors go, inside an update. Thread: the learner's.
class DqnBatchSource {
 public:
  virtual ~DqnBatchSource() = default;
  /// Before each update: what need not be, or cannot be, in a graph.
  virtual void ready(const Stream& s) = 0;
  /// Queues the filling of `batch`, which is memory of the learner's device; on the CPU it is filled on return.
  virtual void queue_batch(const Stream& s, const DqnBatch& batch) = 0;
  /// Queues what the td errors of that batch are for.
  virtual void queue_errors(const Stream& s, std::span<const float> td_error) = 0;
};

/// Double DQN with a target network, noisy or plain: owns both networks, the optimiser and the noise streams.
/// Same settings, seed and batches give the same parameters bit for bit on one kind of CPU.
/// On CUDA an update is one graph, with what the source of the batches queues; it is captured when it comes the second
/// time. Results are read back one update later, so that the next one is queued while one runs: start() twice, then
/// finish(). A step allocates nothing after the first two updates of each kind (with and without new target
/// parameters).
/// Thread: one owner. Shares nothing with a DqnActor; carry parameters() over.
class DqnLearner {
 public:
  /// source: null: batch() is filled by hand; else it must outlive the learner.
  /// Errors: Error naming the setting that is out of range.
  DqnLearner(const DqnLearnerSettings& settings, const QInput& input, int actions, std::uint64_t seed,
             DqnBatchSource* source = nullptr);
  ~DqnLearner();
  DqnLearner(DqnLearner&&) noexcept;
  DqnLearner& operator=(DqnLearner&&) noexcept;

  /// What start() reads: the same memory in every call. On a device it is uploaded by the next start() after a call of
  /// this, which waits until the upload before is done. REQUIRES: no source.
  DqnBatch batch();
  /// Begins one gradient step on what batch() holds, or the source brings. On the CPU it is done on return.
  /// Errors: Error naming the row of an action out of range (not with a source on a device), or if most_started()
  /// updates are not finished.
  void start();
  /// Waits for the oldest update that was started; writes |td error| per row (unweighted: the new priorities).
  /// Errors: Error if td_error_abs does not have B values, or nothing was started.
  DqnUpdate finish(std::span<float> td_error_abs);
  /// Both.
  DqnUpdate update(std::span<float> td_error_abs);
  int started() const;
  int most_started() const;  // 1 on the CPU
  /// One copy or one averaging step of the target parameters, as the settings say. The caller chooses when.
  void update_target();
  void set_learning_rate(float learning_rate);
  float learning_rate() const;
  std::uint64_t updates() const;

  std::size_t parameter_count() const;
  /// All online parameters in one buffer, in the order of for_each_parameter. From a device they are fetched in each
  /// call of this and the next two.
  std::span<const float> parameters() const;
  void for_each_parameter(const ParameterVisitor& visit) const;
  /// The gradient of the last update before clipping, in the order of parameters().
  std::span<const float> gradients() const;
  /// Takes parameters (for example of a model file) for both networks; the optimiser starts anew.
  /// Errors: Error if the count differs.
  void set_parameters(std::span<const float> values);
  /// The learnt sizes of the noise as they were at first: sigma0 / sqrt(inputs). The optimiser keeps its moments.
  void reset_noise();

  /// Everything that decides the future: both networks, optimiser moments and step, noise counters, learning rate. The
  /// same bytes on every device. Errors: Error if an update is not finished.
  void save(ByteWriter& out) const;
  /// After load() of what save() wrote, later updates are bit-identical. Errors: UserError if the sizes differ.
  void load(ByteReader& in);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Answers q values for a few observations at a time, with its own copy of the parameters and its own noise stream.
/// On CUDA one call is one graph: upload, network, download.
/// Thread: one owner, which may be another than the learner's.
class DqnActor {
 public:
  /// max_batch: the most observations one q_values() call will bring. Noise is on when settings.head.noisy.
  DqnActor(const QNetworkSettings& settings, const QInput& input, int actions, int max_batch, std::uint64_t seed,
           Device device = Device::kCpu);
  ~DqnActor();
  DqnActor(DqnActor&&) noexcept;
  DqnActor& operator=(DqnActor&&) noexcept;

  /// Errors: Error if the count differs from parameter_count().
  void set_parameters(std::span<const float> values);
  std::size_t parameter_count() const;
  /// The parameters by name, for reading a model file: shapes and offsets as DqnLearner has them.
  void for_each_parameter(const ParameterVisitor& visit) const;
  /// Off: the mean weights, for evaluation. Does nothing for a network without noise.
  void set_noise(bool on);
  /// New noise for the following q_values() calls.
  void resample_noise();
  /// q [n, actions] of observations [n, features], row by row independent of n. Errors: Error if sizes disagree or n >
  /// max_batch.
  void q_values(std::span<const float> observations, int n, std::span<float> q);
  /// The same of stacks of frames [n, frames, height, width], oldest frame first.
  void q_values(std::span<const std::uint8_t> stacks, int n, std::span<float> q);

  /// The noise stream and switch, not the parameters.
  void save(ByteWriter& out) const;
  void load(ByteReader& in);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sinv
