#include "game/vec_env.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>

#include "base/error.h"

namespace sinv {
namespace {

// A step of 64 envs takes about a millisecond; a worker that finds no work within about 20 us goes to sleep.
constexpr int kSpins = 2000;

void pause_cpu() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

template <class T>
void wait_while(const std::atomic<T>& value, T old) {
  for (int i = 0; i < kSpins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    pause_cpu();
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

struct VecEnv::State {
  enum class Job : std::uint8_t { kReset, kStep, kQuit };

  std::vector<std::unique_ptr<Env>> envs;
  std::size_t row = 0;            // F
  std::size_t picture_bytes = 0;  // P
  std::vector<float> observations;
  std::vector<float> final_observations;
  std::vector<std::uint8_t> pictures;
  std::vector<std::uint8_t> final_pictures;
  std::vector<float> rewards;
  std::vector<float> discounts;
  std::vector<std::uint8_t> terminated;
  std::vector<std::uint8_t> truncated;
  std::vector<std::uint8_t> life_lost;
  std::vector<std::uint32_t> frames;
  std::vector<EpisodeRecord> records;  // of env i, when it ended
  std::vector<EpisodeRecord> finished;
  std::vector<std::exception_ptr> errors;

  // The owner writes job, actions and next, then raises `round`; each worker counts `busy` down when no env is left.
  Job job = Job::kReset;
  std::span<const Action> actions;
  std::atomic<std::size_t> next{0};
  std::atomic<std::uint32_t> round{0};
  std::atomic<std::uint32_t> busy{0};
  std::vector<std::thread> workers;

  void observe(std::size_t i, std::vector<float>& rows, std::vector<std::uint8_t>& stacks) {
    envs[i]->observe(std::span(rows).subspan(i * row, row));
    envs[i]->observe_pictures(std::span(stacks).subspan(i * picture_bytes, picture_bytes));
  }

  void reset_one(std::size_t i) {
    envs[i]->reset();
    observe(i, observations, pictures);
  }

  void step_one(std::size_t i) {
    Env& env = *envs[i];
    const StepResult result = env.step(actions[i]);
    rewards[i] = result.reward;
    discounts[i] = result.discount;
    terminated[i] = result.terminated ? 1 : 0;
    truncated[i] = result.truncated ? 1 : 0;
    life_lost[i] = result.life_lost ? 1 : 0;
    frames[i] = result.frames;
    if (result.terminated || result.truncated) {
      observe(i, final_observations, final_pictures);
      records[i] = EpisodeRecord{.env = static_cast<std::uint32_t>(i),
                                 .frames = env.frames(),
                                 .steps = env.steps(),
                                 .racks = env.racks(),
                                 .score = env.score(),
                                 .truncated = result.truncated};
      env.reset();
    }
    observe(i, observations, pictures);
  }

  // Envs are taken one by one: a step that runs through an explosion is 60 times longer than others.
  void take_envs() {
    for (std::size_t i = next.fetch_add(1, std::memory_order_relaxed); i < envs.size();
         i = next.fetch_add(1, std::memory_order_relaxed)) {
      try {
        if (job == Job::kReset) {
          reset_one(i);
        } else {
          step_one(i);
        }
      } catch (...) {
        errors[i] = std::current_exception();
      }
    }
  }

  void work() {
    std::uint32_t seen = 0;
    for (;;) {
      wait_while(round, seen);
      ++seen;
      if (job == Job::kQuit) return;
      take_envs();
      if (busy.fetch_sub(1, std::memory_order_acq_rel) == 1) busy.notify_one();
    }
  }

  void run(Job what) {
    job = what;
    next.store(0, std::memory_order_relaxed);
    busy.store(static_cast<std::uint32_t>(workers.size()), std::memory_order_relaxed);
    round.fetch_add(1, std::memory_order_release);
    if (!workers.empty()) round.notify_all();
    if (what == Job::kQuit) return;
    take_envs();
    for (std::uint32_t left = busy.load(std::memory_order_acquire); left != 0;
         left = busy.load(std::memory_order_acquire)) {
      wait_while(busy, left);
    }
    std::exception_ptr first;
    for (std::exception_ptr& error : errors) {
      if (first == nullptr) first = error;
      error = nullptr;
    }
    if (first != nullptr) std::rethrow_exception(first);
  }
};

VecEnv::VecEnv(const MachineFactory& make_machine, const EnvSettings& settings, std::size_t count, std::uint64_t seed,
               int threads, std::uint64_t first_stream)
    : state_(std::make_unique<State>()) {
  if (count == 0) throw UserError("env count: is 0, must be at least 1");
  if (threads < 1) throw UserError(text("env threads: is ", threads, ", must be at least 1"));
  State& s = *state_;
  for (std::size_t i = 0; i < count; ++i) {
    s.envs.push_back(std::make_unique<Env>(make_machine(), settings, seed, first_stream + i));
  }
  s.row = s.envs[0]->observation_size();
  s.observations.resize(count * s.row);
  s.final_observations.resize(count * s.row);
  s.picture_bytes = s.envs[0]->pictures_size();
  s.pictures.resize(count * s.picture_bytes);
  s.final_pictures.resize(count * s.picture_bytes);
  s.rewards.resize(count);
  s.discounts.resize(count);
  s.terminated.resize(count);
  s.truncated.resize(count);
  s.life_lost.resize(count);
  s.frames.resize(count);
  s.records.resize(count);
  s.finished.reserve(count);
  s.errors.resize(count);
  const std::size_t helpers = std::min(static_cast<std::size_t>(threads), count) - 1;
  for (std::size_t i = 0; i < helpers; ++i) s.workers.emplace_back([&s] { s.work(); });
}

VecEnv::~VecEnv() {
  state_->run(State::Job::kQuit);
  for (std::thread& worker : state_->workers) worker.join();
}

std::size_t VecEnv::size() const { return state_->envs.size(); }
std::size_t VecEnv::observation_size() const { return state_->row; }

void VecEnv::reset() {
  State& s = *state_;
  if (s.envs[0]->settings().cache_start) {
    // Draws of env 0 must not depend on who played the start: a separate reset would draw twice.
    s.envs[0]->prepare_start();
    for (std::size_t i = 1; i < s.envs.size(); ++i) s.envs[i]->share_start(*s.envs[0]);
  }
  s.finished.clear();
  s.run(State::Job::kReset);
}

void VecEnv::step(std::span<const Action> actions) {
  State& s = *state_;
  SINV_CHECK(actions.size() == s.envs.size(), "VecEnv::step: ", actions.size(), " actions, wanted ", s.envs.size());
  s.actions = actions;
  s.finished.clear();
  s.run(State::Job::kStep);
  for (std::size_t i = 0; i < s.envs.size(); ++i) {
    if ((s.terminated[i] | s.truncated[i]) != 0) s.finished.push_back(s.records[i]);
  }
}

std::span<const float> VecEnv::observations() const { return state_->observations; }
std::span<const float> VecEnv::final_observations() const { return state_->final_observations; }
std::size_t VecEnv::pictures_size() const { return state_->picture_bytes; }
std::span<const std::uint8_t> VecEnv::pictures() const { return state_->pictures; }
std::span<const std::uint8_t> VecEnv::final_pictures() const { return state_->final_pictures; }
std::span<const float> VecEnv::rewards() const { return state_->rewards; }
std::span<const float> VecEnv::discounts() const { return state_->discounts; }
std::span<const std::uint8_t> VecEnv::terminated() const { return state_->terminated; }
std::span<const std::uint8_t> VecEnv::truncated() const { return state_->truncated; }
std::span<const std::uint8_t> VecEnv::life_lost() const { return state_->life_lost; }
std::span<const std::uint32_t> VecEnv::frames() const { return state_->frames; }
std::span<const EpisodeRecord> VecEnv::finished() const { return state_->finished; }
const Env& VecEnv::env(std::size_t index) const { return *state_->envs.at(index); }

void VecEnv::save(ByteWriter& out) const {
  out.put<std::uint64_t>(state_->envs.size());
  for (const auto& env : state_->envs) env->save(out);
}

void VecEnv::load(ByteReader& in) {
  State& s = *state_;
  const auto count = in.get<std::uint64_t>();
  if (count != s.envs.size()) {
    throw UserError(text("env state: holds ", count, " envs, this run has ", s.envs.size()));
  }
  s.finished.clear();
  for (std::size_t i = 0; i < s.envs.size(); ++i) {
    s.envs[i]->load(in);
    s.observe(i, s.observations, s.pictures);
  }
}

}  // namespace sinv
