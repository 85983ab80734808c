#include "rl/dqn/agent_settings.h"

#include "base/error.h"
#include "base/option.h"
#include "kernels/device_module.h"

namespace sinv {
namespace {

const std::vector<std::string> kNetworks{kMlp, "deepmind", "nips", "columns", "original", "precise", "impala"};
const std::vector<std::string> kHeads{"single", "dueling-shared", "dueling-split"};
const std::vector<std::string> kActivations{"relu", "leaky-relu"};
const std::vector<std::string> kCurves{"constant", "linear", "cosine"};
const std::vector<std::string> kTargetUpdates{"copy", "average"};
const std::vector<std::string> kRows{"float32", "int16"};
const std::vector<std::string> kPlaces{"auto", "host", "device"};

std::size_t choice(const char* key, const std::string& value, const std::vector<std::string>& known) {
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (known[i] == value) return i;
  }
  throw UserError(unknown_name(key, value, known));
}

}  // namespace

void describe(Options& options, DqnSettings& s) {
  options.add("dqn.network", s.network, "mlp: on the state vector; the others: convolutions on pictures", kNetworks);
  options.add("dqn.hidden", s.hidden, "sizes of the hidden layers", 1, 8192, 8);
  options.add("dqn.head", s.head, "what follows them: plain action values, or value and advantages", kHeads);
  options.add("dqn.activation", s.activation, "of the hidden layers", kActivations);
  options.add("dqn.noisy", s.noisy, "noisy layers (learnt exploration)");
  options.add("dqn.noisy_first", s.noisy_first, "the first layer is noisy too");
  options.add("dqn.sigma0", s.sigma0, "initial noise of noisy layers", 0, 10);
  options.add("dqn.layer_norm", s.layer_norm, "normalise each hidden layer before its activation");
  options.add("dqn.batch", s.batch, "transitions per update", 1, 65536);
  options.add("dqn.learning_rate", s.learning_rate, "of Adam, at the start", 0, 1);
  options.add("dqn.learning_rate_final", s.learning_rate_final, "at dqn.horizon_frames", 0, 1);
  options.add("dqn.learning_rate_curve", s.learning_rate_curve, "how it goes from one to the other", kCurves);
  options.add("dqn.adam_epsilon", s.adam_epsilon, "of Adam", 0, 1);
  options.add("dqn.adam_beta1", s.adam_beta1, "of Adam", 0, 0.9999999);
  options.add("dqn.adam_beta2", s.adam_beta2, "of Adam", 0, 0.9999999);
  options.add("dqn.clip_norm", s.clip_norm, "largest gradient norm; 0: no clipping", 0, 1e9);
  options.add("dqn.double", s.double_dqn, "Double DQN: the online network chooses, the target network values");
  options.add("dqn.huber_delta", s.huber_delta, "error from which the loss is linear; 0: squared error", 0, 1e9);
  options.add("dqn.gamma", s.gamma, "discount per step", 0, 1);
  options.add("dqn.n_step", s.n_step, "rewards in a return", 1, NStepReturns::kMaxSteps);
  options.add("dqn.steps_per_update", s.steps_per_update, "environment steps for one update", 0.001, 1e9);
  options.add("dqn.warmup_steps", s.warmup_steps, "steps with random actions before learning begins", 1, 1'000'000'000);
  options.add("dqn.target_update", s.target_update, "copy the target network, or average towards it", kTargetUpdates);
  options.add("dqn.target_period_updates", s.target_period_updates, "updates between copies", 1, 1'000'000'000);
  options.add("dqn.target_rate", s.target_rate, "share per update when averaging", 0, 1);
  options.add("dqn.plateau_patience_evals", s.plateau_patience_evals,
              "evaluations without a better score after which the learning rate falls; 0: never", 0, 1'000'000);
  options.add("dqn.plateau_factor", s.plateau_factor, "what it is multiplied by then", 0, 1);
  options.add("dqn.replay_steps", s.replay_steps, "steps that replay holds", 64, 1'000'000'000);
  options.add("dqn.replay_rows", s.replay_rows, "how replay keeps observations (int16: half the memory)", kRows);
  options.add("dqn.replay_memory", s.replay_memory, "where a GPU reads them: its own memory, the host's, or what fits",
              kPlaces);
  options.add("dqn.prioritised", s.prioritised, "draw transitions by their error instead of uniformly");
  options.add("dqn.alpha", s.alpha, "exponent of the priorities", 0, 1);
  options.add("dqn.beta", s.beta, "exponent of the importance weights, at the start", 0, 1);
  options.add("dqn.beta_final", s.beta_final, "at dqn.horizon_frames", 0, 1);
  options.add("dqn.priority_floor", s.priority_floor, "added to every error", 1e-12, 1e9);
  options.add("dqn.epsilon", s.epsilon, "share of random actions after the warm-up", 0, 1);
  options.add("dqn.epsilon_final", s.epsilon_final, "dqn.epsilon_frames later", 0, 1);
  options.add("dqn.epsilon_frames", s.epsilon_frames, "frames from the one to the other", 0, 1'000'000'000'000);
  options.add("dqn.epsilon_ladder", s.epsilon_ladder,
              "spread over the environments, epsilon^(1 + this * i / (n - 1)); 0: all alike", 0, 100);
  options.add("dqn.horizon_frames", s.horizon_frames, "frames over which learning rate and beta move", 1,
              1'000'000'000'000);
}

void choose_picture_defaults(DqnSettings& s) {
  if (s.network == kMlp) s.network = "columns";
  const QHeadSettings head = conv_network_preset(s.network).head;
  s.hidden = head.hidden;
  s.head = kHeads[static_cast<std::size_t>(head.kind)];
  s.activation = head.activation == Activation::kRelu ? "relu" : "leaky-relu";
  s.layer_norm = head.layer_norm;
  s.noisy = false;  // noise costs a CPU a fifth of its updates (docs/decisions.md)
  s.noisy_first = true;
  s.batch = 32;
  s.steps_per_update = 64;
  s.learning_rate = 5e-4;
  s.target_period_updates = 250;
  s.replay_steps = 400'000;
  s.gamma = 0.99;
  s.n_step = 10;
  s.epsilon_frames = 400'000;
  s.epsilon_final = 0.02;
  s.horizon_frames = 40'000'000;
}

void check(const DqnSettings& s) {
  choice("dqn.network", s.network, kNetworks);
  choice("dqn.head", s.head, kHeads);
  choice("dqn.activation", s.activation, kActivations);
  choice("dqn.learning_rate_curve", s.learning_rate_curve, kCurves);
  choice("dqn.target_update", s.target_update, kTargetUpdates);
  choice("dqn.replay_rows", s.replay_rows, kRows);
  choice("dqn.replay_memory", s.replay_memory, kPlaces);
  if (s.hidden.empty() || s.hidden.size() > 8) {
    throw UserError(text("dqn.hidden has ", s.hidden.size(), " layers, wanted 1 to 8"));
  }
}

DqnLearnerSettings learner_settings(const DqnSettings& s, int threads) {
  check(s);
  DqnLearnerSettings out;
  if (s.network != kMlp) out.network.trunk = conv_trunk_preset(s.network);
  out.network.head.hidden = s.hidden;
  out.network.head.noisy = s.noisy;
  out.network.head.noisy_first = s.noisy_first;
  out.network.head.layer_norm = s.layer_norm;
  out.network.head.kind = static_cast<QHeadKind>(choice("dqn.head", s.head, kHeads));
  out.network.head.activation = s.activation == "relu" ? Activation::kRelu : Activation::kLeakyRelu;
  out.network.head.sigma0 = static_cast<float>(s.sigma0);
  out.batch = s.batch;
  out.learning_rate = static_cast<float>(s.learning_rate);
  out.adam_beta1 = static_cast<float>(s.adam_beta1);
  out.adam_beta2 = static_cast<float>(s.adam_beta2);
  out.adam_epsilon = static_cast<float>(s.adam_epsilon);
  out.clip_norm = static_cast<float>(s.clip_norm);
  out.double_dqn = s.double_dqn;
  out.huber_delta = static_cast<float>(s.huber_delta);
  out.target_update = s.target_update == "copy" ? TargetUpdate::kCopy : TargetUpdate::kAverage;
  out.target_rate = static_cast<float>(s.target_rate);
  out.device = chosen_device();
  out.threads = threads;
  return out;
}

ReplayPlace replay_place(const DqnSettings& s) {
  return static_cast<ReplayPlace>(choice("dqn.replay_memory", s.replay_memory, kPlaces));
}

ReplaySettings replay_settings(const DqnSettings& s, int envs, int history) {
  return {.envs = envs,
          .capacity_steps = s.replay_steps,
          .history = history,
          .n_step = s.n_step,
          .gamma = s.gamma,
          .prioritised = s.prioritised,
          .alpha = s.alpha,
          .priority_floor = s.priority_floor};
}

FrameSchedule learning_rate_schedule(const DqnSettings& s) {
  const auto curve = static_cast<Curve>(choice("dqn.learning_rate_curve", s.learning_rate_curve, kCurves));
  return {curve, s.learning_rate, s.learning_rate_final, 0, s.horizon_frames};
}

FrameSchedule beta_schedule(const DqnSettings& s) {
  return FrameSchedule::linear(s.beta, s.beta_final, 0, s.horizon_frames);
}

}  // namespace sinv
