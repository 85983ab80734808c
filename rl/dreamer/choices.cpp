#include "rl/dreamer/choices.h"

#include <algorithm>
#include <deque>

#include "base/bytes.h"
#include "base/error.h"
#include "rl/dreamer/camera.h"
#include "rl/dreamer/correlation.h"

namespace sinv {
namespace {

constexpr int kMostStepsPerMoment = 20'000;

// What all environments showed after a step.
struct Moment {
  std::vector<std::uint8_t> pictures;  // as the model looks at them, environment by environment
  std::vector<std::uint8_t> actions;   // that led here
  std::vector<std::uint8_t> ended;     // a life was lost on the way here, or the episode ended
};

class Chooser {
 public:
  Chooser(Environments& envs, Dream& dream, const ChoiceSettings& settings)
      : envs_(envs),
        dream_(dream),
        settings_(settings),
        camera_(envs.picture(), dream.follows_ship()),
        count_(static_cast<std::size_t>(envs.count())),
        rows_(dream.reward().size()),
        stack_(dream.frames().size() / rows_) {
    SINV_CHECK(rows_ % count_ == 0, "record_choices: ", rows_, " rows in the dream, ", count_, " environments");
    SINV_CHECK(settings.moments >= 1 && settings.steps >= 1 && settings.context >= 1 && settings.apart >= 1,
               "record_choices: ", settings.moments, " moments, ", settings.steps, " steps, context ", settings.context,
               ", ", settings.apart, " apart");
  }

  void look(std::span<const std::uint8_t> actions) {
    Moment moment{.pictures = std::vector<std::uint8_t>(count_ * stack_),
                  .actions = {actions.begin(), actions.end()},
                  .ended = std::vector<std::uint8_t>(count_)};
    const std::span<const std::uint8_t> all = envs_.observations().pictures;
    const std::size_t stored = all.size() / count_;
    for (std::size_t env = 0; env < count_; ++env) {
      camera_.look(all.subspan(env * stored, stored), std::span(moment.pictures).subspan(env * stack_, stack_));
      moment.ended[env] = ended(env) ? 1 : 0;
    }
    past_.push_back(std::move(moment));
    if (past_.size() > static_cast<std::size_t>(settings_.context)) past_.pop_front();
  }

  // Appends the moment of each environment that lost no life in the context.
  void choose(std::vector<Choice>& choices) {
    std::vector<Choice> now(count_);
    ByteWriter saved;
    envs_.save(saved);
    for (int action = 0; action < envs_.actions(); ++action) {
      ByteReader back(saved.bytes(), "the games");
      envs_.load(back);
      play(action, now);
      dream(action, now);
    }
    ByteReader back(saved.bytes(), "the games");
    envs_.load(back);
    for (std::size_t env = 0; env < count_; ++env) {
      const bool lives = std::ranges::none_of(past_, [env](const Moment& moment) { return moment.ended[env] != 0; });
      if (lives && past_.size() == static_cast<std::size_t>(settings_.context)) choices.push_back(std::move(now[env]));
    }
  }

 private:
  bool ended(std::size_t env) const {
    return envs_.discounts()[env] == 0.0F || envs_.terminated()[env] != 0 || envs_.truncated()[env] != 0;
  }

  void play(int action, std::vector<Choice>& now) {
    const std::vector<std::uint8_t> actions(count_, static_cast<std::uint8_t>(action));
    std::vector<ChoiceOutcome> outcomes(count_);
    std::vector<bool> over(count_);
    for (int step = 0; step < settings_.steps; ++step) {
      envs_.step(actions);
      for (std::size_t env = 0; env < count_; ++env) {
        if (over[env]) continue;
        outcomes[env].reward += static_cast<double>(envs_.rewards()[env]);
        if (envs_.discounts()[env] == 0.0F) outcomes[env].ended = 1;
        over[env] = ended(env);
      }
    }
    for (std::size_t env = 0; env < count_; ++env) now[env].real.push_back(outcomes[env]);
  }

  void dream(int action, std::vector<Choice>& now) {
    dream_.begin();
    for (std::size_t t = 0; t < past_.size(); ++t) {
      for (std::size_t row = 0; row < rows_; ++row) {
        const std::size_t env = row % count_;
        if (t > 0) dream_.set_action(static_cast<int>(row), past_[t].actions[env]);
        std::copy_n(past_[t].pictures.begin() + static_cast<std::ptrdiff_t>(env * stack_), stack_,
                    dream_.frames().begin() + static_cast<std::ptrdiff_t>(row * stack_));
      }
      dream_.observe();
    }
    // What it expects when nothing ends: of most moments, and not told by the model file.
    std::vector<float> seen(dream_.discount().begin(), dream_.discount().end());
    std::ranges::nth_element(seen, seen.begin() + static_cast<std::ptrdiff_t>(seen.size() / 2));
    const double usual = static_cast<double>(seen[seen.size() / 2]);
    std::vector<double> lives(rows_, 1.0);
    std::vector<ChoiceOutcome> outcomes(count_);
    const double share = static_cast<double>(count_) / static_cast<double>(rows_);
    for (int step = 0; step < settings_.steps; ++step) {
      for (std::size_t row = 0; row < rows_; ++row) dream_.set_action(static_cast<int>(row), action);
      dream_.imagine();
      for (std::size_t row = 0; row < rows_; ++row) {
        outcomes[row % count_].reward += share * lives[row] * static_cast<double>(dream_.reward()[row]);
        lives[row] *= std::min(1.0, static_cast<double>(dream_.discount()[row]) / usual);
      }
    }
    for (std::size_t row = 0; row < rows_; ++row) outcomes[row % count_].ended += share * (1.0 - lives[row]);
    for (std::size_t env = 0; env < count_; ++env) now[env].dreamt.push_back(outcomes[env]);
  }

  Environments& envs_;
  Dream& dream_;
  ChoiceSettings settings_;
  Camera camera_;
  std::size_t count_;
  std::size_t rows_;
  std::size_t stack_;
  std::deque<Moment> past_;
};

double mean_of(const std::vector<ChoiceOutcome>& outcomes, double ChoiceOutcome::*figure) {
  double sum = 0;
  for (const ChoiceOutcome& outcome : outcomes) sum += outcome.*figure;
  return sum / static_cast<double>(outcomes.size());
}

}  // namespace

std::vector<Choice> record_choices(Environments& envs, BatchPolicy& policy, Dream& dream,
                                   const ChoiceSettings& settings) {
  Chooser chooser(envs, dream, settings);
  std::vector<std::uint8_t> actions(static_cast<std::size_t>(envs.count()));
  std::vector<Choice> choices;
  envs.reset();
  for (int step = 1; choices.size() < static_cast<std::size_t>(settings.moments); ++step) {
    if (step > kMostStepsPerMoment * settings.moments) {
      throw UserError(text("dream: no life lasted for ", settings.context, " steps; wanted a model that plays longer"));
    }
    policy.act(envs.observations(), actions);
    envs.step(actions);
    chooser.look(actions);
    for (int env = 0; env < envs.count(); ++env) {
      const auto i = static_cast<std::size_t>(env);
      if (envs.terminated()[i] != 0 || envs.truncated()[i] != 0) policy.restart(env);
    }
    if (step % settings.apart == 0) chooser.choose(choices);
  }
  choices.resize(static_cast<std::size_t>(settings.moments));
  return choices;
}

ChoiceReport choice_report(const std::vector<Choice>& choices) {
  SINV_CHECK(!choices.empty(), "choice_report: no moments");
  ChoiceReport report;
  Correlation ends, rewards;
  const double share = 1.0 / static_cast<double>(choices.size());
  const auto earlier_end = [](const ChoiceOutcome& a, const ChoiceOutcome& b) { return a.ended < b.ended; };
  for (const Choice& choice : choices) {
    const double ended_expected = mean_of(choice.dreamt, &ChoiceOutcome::ended);
    const double ended_real = mean_of(choice.real, &ChoiceOutcome::ended);
    const double reward_expected = mean_of(choice.dreamt, &ChoiceOutcome::reward);
    const double reward_real = mean_of(choice.real, &ChoiceOutcome::reward);
    for (std::size_t action = 0; action < choice.real.size(); ++action) {
      ends.add(choice.dreamt[action].ended - ended_expected, choice.real[action].ended - ended_real);
      rewards.add(choice.dreamt[action].reward - reward_expected, choice.real[action].reward - reward_real);
    }
    report.ended_expected += share * ended_expected;
    report.ended_real += share * ended_real;
    report.reward_expected += share * reward_expected;
    report.reward_real += share * reward_real;
    const auto safest = std::ranges::min_element(choice.dreamt, earlier_end) - choice.dreamt.begin();
    report.ended_safest += share * choice.real[static_cast<std::size_t>(safest)].ended;
    report.ended_least += share * std::ranges::min_element(choice.real, earlier_end)->ended;
  }
  report.ended_correlation = ends.value();
  report.reward_correlation = rewards.value();
  return report;
}

}  // namespace sinv
