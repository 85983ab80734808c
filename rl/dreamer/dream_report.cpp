#include "rl/dreamer/dream_report.h"

#include <algorithm>

#include "base/error.h"
#include "rl/dreamer/camera.h"
#include "rl/dreamer/correlation.h"

namespace sinv {
namespace {

constexpr std::uint8_t kLit = 128;  // and above, of a real picture
constexpr int kMostStepsPerWindow = 20'000;

struct Count {
  std::int64_t all = 0;
  std::int64_t found = 0;
  double share() const { return all > 0 ? static_cast<double>(found) / static_cast<double>(all) : 0.0; }
};

// The pixels of the boxes that are lit in the real picture.
template <class Lit>
void count_boxes(const std::vector<PictureBox>& boxes, int width, const std::vector<std::uint8_t>& real, Lit&& lit,
                 Count& count) {
  for (const PictureBox& box : boxes) {
    for (int y = box.top; y < box.bottom; ++y) {
      for (int x = box.left; x < box.right; ++x) {
        const std::size_t pixel =
            static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
        if (real[pixel] < kLit) continue;
        ++count.all;
        count.found += lit(pixel) ? 1 : 0;
      }
    }
  }
}

// Half as bright as the dimmest lit pixel of the games: 1/2 where pictures have no shades.
float least_shown(const std::vector<DreamWindow>& windows) {
  std::uint8_t dimmest = 255;
  for (const DreamWindow& window : windows) {
    for (const DreamMoment& moment : window) {
      for (const std::uint8_t pixel : moment.picture) {
        if (pixel >= kLit) dimmest = std::min(dimmest, pixel);
      }
    }
  }
  return static_cast<float>(dimmest) / 255.0F / 2.0F;
}

DreamStep compare(const std::vector<DreamWindow>& windows, std::size_t moment, std::size_t last_seen, int width,
                  float least, std::span<const float> shown, std::span<const float> reward) {
  DreamStep step;
  Count lit, wrong, shots, shots_still, player, player_still;
  Correlation rewards;
  const double windows_count = static_cast<double>(windows.size());
  const std::size_t pixels = shown.size() / windows.size();
  for (std::size_t w = 0; w < windows.size(); ++w) {
    const DreamMoment& now = windows[w][moment];
    const std::vector<std::uint8_t>& before = windows[w][last_seen].picture;
    const std::span<const float> guess = shown.subspan(w * pixels, pixels);
    for (std::size_t p = 0; p < pixels; ++p) {
      const double real = now.picture[p] / 255.0;
      const double miss = real - static_cast<double>(guess[p]);
      const double still_miss = real - before[p] / 255.0;
      step.error += miss * miss;
      step.still_error += still_miss * still_miss;
      const bool is_lit = now.picture[p] >= kLit;
      const bool shows = guess[p] > least;
      lit.all += is_lit ? 1 : 0;
      lit.found += is_lit && shows ? 1 : 0;
      wrong.all += shows ? 1 : 0;
      wrong.found += shows && !is_lit ? 1 : 0;
    }
    const auto shown_lit = [&](std::size_t p) { return guess[p] > least; };
    const auto was_lit = [&](std::size_t p) { return before[p] >= kLit; };
    count_boxes(now.shots, width, now.picture, shown_lit, shots);
    count_boxes(now.shots, width, now.picture, was_lit, shots_still);
    count_boxes(now.player, width, now.picture, shown_lit, player);
    count_boxes(now.player, width, now.picture, was_lit, player_still);
    rewards.add(static_cast<double>(reward[w]), static_cast<double>(now.reward));
    step.reward_expected += static_cast<double>(reward[w]) / windows_count;
    step.reward_real += static_cast<double>(now.reward) / windows_count;
    step.ends_real += (now.ended ? 1.0 : 0.0) / windows_count;
  }
  step.error /= static_cast<double>(shown.size());
  step.still_error /= static_cast<double>(shown.size());
  step.lit_found = lit.share();
  step.lit_wrong = wrong.share();
  step.shots_found = shots.share();
  step.shots_still = shots_still.share();
  step.player_found = player.share();
  step.player_still = player_still.share();
  step.shot_pixels = shots.all;
  step.reward_correlation = rewards.value();
  return step;
}

// The upper one of two.
double median(const std::vector<std::vector<float>>& values) {
  std::vector<float> all;
  for (const std::vector<float>& some : values) all.insert(all.end(), some.begin(), some.end());
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::ranges::nth_element(all, middle);
  return static_cast<double>(*middle);
}

// A moment as the camera shows it.
DreamMoment seen_by(const Camera& camera, int width, DreamMoment moment) {
  const int columns = camera.aim(moment.picture);
  camera.move(moment.picture, columns);
  for (std::vector<PictureBox>* boxes : {&moment.shots, &moment.player}) {
    for (PictureBox& box : *boxes) {
      box.left = std::clamp(box.left - columns, 0, width);
      box.right = std::clamp(box.right - columns, 0, width);
    }
  }
  return moment;
}

}  // namespace

std::vector<DreamWindow> record_windows(Environments& envs, BatchPolicy& policy, const FindObjects& find, int windows,
                                        int length, int gap) {
  const FrameShape shape = envs.picture();
  const Camera camera(shape, false);
  const auto count = static_cast<std::size_t>(envs.count());
  std::vector<std::uint8_t> actions(count);
  std::vector<DreamWindow> open(count);
  std::vector<int> wait(count, 0);  // steps until the next window of the environment opens
  std::vector<DreamWindow> done;
  const auto look = [&](std::size_t env, int action, float reward) {
    DreamMoment moment{.picture = std::vector<std::uint8_t>(shape.pixels()),
                       .action = action,
                       .reward = reward,
                       .ended = envs.discounts()[env] == 0.0F};
    const std::span<const std::uint8_t> all = envs.observations().pictures;
    const std::size_t stack = all.size() / count;
    const auto newest = all.subspan((env + 1) * stack - shape.stored_bytes(), shape.stored_bytes());
    camera.unpack(newest, moment.picture);
    find(static_cast<int>(env), moment);
    open[env].push_back(std::move(moment));
    if (open[env].size() < static_cast<std::size_t>(length)) return;
    done.push_back(std::move(open[env]));
    open[env].clear();
    wait[env] = gap;
  };
  envs.reset();
  for (int step = 0; done.size() < static_cast<std::size_t>(windows); ++step) {
    if (step > kMostStepsPerWindow * windows) {
      throw UserError(text("dream: no game lasted for ", length, " steps; wanted a model that plays longer"));
    }
    policy.act(envs.observations(), actions);
    envs.step(actions);
    for (std::size_t env = 0; env < count; ++env) {
      if (envs.terminated()[env] != 0 || envs.truncated()[env] != 0) {
        policy.restart(static_cast<int>(env));
        open[env].clear();
        continue;
      }
      if (wait[env] > 0) {
        --wait[env];
        continue;
      }
      look(env, actions[env], envs.rewards()[env]);
    }
  }
  done.resize(static_cast<std::size_t>(windows));
  return done;
}

DreamReport dream_report(Dream& dream, const std::vector<DreamWindow>& windows, int context) {
  SINV_CHECK(!windows.empty() && context >= 1 && windows[0].size() > static_cast<std::size_t>(context),
             "dream_report: windows of ", windows.empty() ? 0 : windows[0].size(), " moments, ", context,
             " of context");
  const auto seen = static_cast<std::size_t>(context);
  const std::size_t pixels = windows[0][0].picture.size();
  const auto history = static_cast<std::size_t>(dream.history());
  const std::size_t stack = history * pixels;
  std::vector<std::uint8_t> stacked(stack);
  SINV_CHECK(dream.frames().size() == windows.size() * stack, "dream_report: the dream has pictures of ",
             dream.frames().size(), " pixels in all, the windows of ", windows.size() * stack);
  const float least = least_shown(windows);
  const Camera camera({dream.width(), static_cast<int>(pixels) / dream.width(), false}, dream.follows_ship());
  DreamReport report;
  for (const DreamWindow& window : windows) {
    DreamWindow& real = report.real.emplace_back();
    for (const DreamMoment& moment : window) real.push_back(seen_by(camera, dream.width(), moment));
  }
  report.context = context;
  Correlation rewards_seen, rewards_dreamt;
  std::vector<std::vector<float>> discounts;  // of each step
  dream.begin();
  for (std::size_t t = 0; t < windows[0].size(); ++t) {
    for (std::size_t w = 0; w < windows.size(); ++w) {
      const DreamMoment& moment = windows[w][t];
      if (t > 0) dream.set_action(static_cast<int>(w), moment.action);
      if (t >= seen) continue;
      for (std::size_t age = 0; age < history; ++age) {
        const std::vector<std::uint8_t>& picture = windows[w][t - std::min(age, t)].picture;
        std::ranges::copy(picture, stacked.begin() + static_cast<std::ptrdiff_t>((history - 1 - age) * pixels));
      }
      camera.look(stacked, dream.frames().subspan(w * stack, stack));
    }
    t < seen ? dream.observe() : dream.imagine();
    report.shown.emplace_back(dream.picture().begin(), dream.picture().end());
    if (t + 1 >= seen) {
      discounts.emplace_back(dream.discount().begin(), dream.discount().end());
      report.steps.push_back(compare(report.real, t, seen - 1, dream.width(), least, dream.picture(), dream.reward()));
    }
    for (std::size_t w = 0; t > 0 && w < windows.size(); ++w) {
      (t < seen ? rewards_seen : rewards_dreamt)
          .add(static_cast<double>(dream.reward()[w]), static_cast<double>(windows[w][t].reward));
    }
  }
  const double usual = median(discounts);
  for (std::size_t k = 0; k < report.steps.size(); ++k) {
    for (const float discount : discounts[k]) {
      report.steps[k].ends_expected += 1.0 - std::min(1.0, static_cast<double>(discount) / usual);
    }
    report.steps[k].ends_expected /= static_cast<double>(windows.size());
  }
  report.reward_correlation_seen = rewards_seen.value();
  report.reward_correlation_dreamt = rewards_dreamt.value();
  return report;
}

}  // namespace sinv
