#include "game/features_rich.h"

#include <algorithm>
#include <array>

#include "game/aim.h"
#include "game/ram_map.h"

namespace sinv {
namespace {

constexpr std::array<std::uint16_t, 3> kShotRecords{at::kRolling, at::kPlunger, at::kSquiggly};
constexpr int kMapOffsets = 16;  // places beside the gun, 4 px apart
constexpr int kMapStep = 4;
constexpr int kWindow = 12;  // shield columns over the gun, from 6 left of it
constexpr int kHorizonFrames = 128;

// value / scale within [-1, 1]; the reciprocal is a constant in all calls but one.
float clip(int value, float scale) {
  return std::max(-1.0F, std::min(1.0F, static_cast<float>(value) * (1.0F / scale)));
}
float flag(bool value) { return value ? 1.0F : 0.0F; }
// 1 for now, 0 for the horizon and beyond.
float soon(int frames, int horizon_frames) {
  return std::max(0.0F, 1.0F - static_cast<float>(frames) * (1.0F / static_cast<float>(horizon_frames)));
}

// log2(1 + n) / log2(56): tells 1 from 2 aliens as well as 20 from 40.
constexpr std::array<float, kAliensInRack + 1> kLogCount = [] {
  std::array<float, kAliensInRack + 1> table{};
  for (std::size_t n = 0; n < table.size(); ++n) {
    // The series of atanh, after taking the powers of 2 out: std::log is not constexpr.
    double x = static_cast<double>(n + 1);
    double log2 = 0;
    while (x >= 2) {
      x /= 2;
      log2 += 1;
    }
    const double u = (x - 1) / (x + 1);
    double power = u;
    double sum = 0;
    for (int k = 1; k < 40; k += 2) {
      sum += power / k;
      power *= u * u;
    }
    table[n] = static_cast<float>((log2 + 2 * sum / 0.69314718055994531) / 5.8073549220576041);
  }
  return table;
}();

// Lit pixels of a byte; a table, as a library call costs more without the popcnt instruction.
constexpr std::array<std::uint8_t, 256> kLit = [] {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t byte = 0; byte < table.size(); ++byte) {
    table[byte] = static_cast<std::uint8_t>(std::popcount(static_cast<std::uint8_t>(byte)));
  }
  return table;
}();

struct LitColumn {
  std::uint8_t low = 0;   // of the 8 lower shield rows
  std::uint8_t high = 0;  // of the 8 upper ones
};

// The shields at X; nothing beside them.
LitColumn lit_column(const Ram& ram, int x) {
  const auto from_left = static_cast<std::uint32_t>(x - kShieldLeft);
  if (from_left >= kShieldCount * kShieldPitch || from_left % kShieldPitch >= kShieldColumns) return {};
  const std::uint8_t* rows = ram.data() + (at::kShields - kRamAddress) + 32 * from_left;
  return {kLit[rows[0]], kLit[rows[1]]};
}

float* put_grid(const Rack& rack, float* out) {
  for (const std::uint32_t row : rack.row) {
    for (int c = 0; c < kColumns; ++c) *out++ = static_cast<float>(row >> c & 1U);
  }
  return out;
}

float* put_rack(const Rack& rack, float* out) {
  int lowest_row = 0;
  while (lowest_row < kRows - 1 && rack.row[static_cast<std::size_t>(lowest_row)] == 0) ++lowest_row;
  const int lowest_y = rack.y + kCellPixels * lowest_row;
  *out++ = clip(rack.x - kScreenLeft, 224);
  *out++ = clip(rack.y, 256);
  *out++ = rack.dx < 0 ? -1.0F : 1.0F;
  *out++ = clip(rack.dx, 3);
  *out++ = flag(rack.drops);
  *out++ = rack.count == 0 ? 0.0F : static_cast<float>(rack.drawn) / static_cast<float>(rack.count);
  *out++ = static_cast<float>(rack.count) / kAliensInRack;
  *out++ = kLogCount[static_cast<std::size_t>(rack.count)];
  *out++ = rack.count == 0 ? 0.0F : clip(rack.dx, 3.0F * static_cast<float>(rack.count));
  constexpr std::array<int, 7> kBuckets{0, 2, 4, 8, 16, 32, 56};
  for (std::size_t b = 0; b + 1 < kBuckets.size(); ++b) {
    *out++ = flag(rack.count >= kBuckets[b] && rack.count < kBuckets[b + 1]);
  }
  *out++ = rack.count == 0 ? 1.0F : clip(lowest_y - kShotStartY, 160);
  *out++ = clip(rack.x + kCellPixels * rack.first_column + 2 - kLeftEdge, 224);
  *out++ = clip(kRightEdge - (rack.x + kCellPixels * rack.last_column + 13), 224);
  for (const int row : rack.lowest) *out++ = row < 0 ? 0.0F : clip(rack.y + kCellPixels * row, 208);
  return out;
}

float* put_player(const Ram& ram, const FeatureMemory& memory, const Rack& rack, int gun, float* out) {
  const int x = peek(ram, at::kPlayerX);
  *out++ = clip(2 * x - kPlayerLeftmost - kPlayerRightmost, kPlayerRightmost - kPlayerLeftmost);
  *out++ = clip(x - memory.player_x, 8);
  *out++ = flag(controllable(ram));

  const int status = peek(ram, at::kShotStatus);
  const bool live = player_shot_live(ram);
  const int shot_x = live ? peek(ram, at::kShotX) : 0;
  const int shot_y = live ? peek(ram, at::kShotY) : 0;
  bool will_hit = false;
  if (status == static_cast<int>(Shot::kFlying) && rack.count > 0) {
    for (int c = 0; c < kColumns && !will_hit; ++c) {
      will_hit = rack.lowest[static_cast<std::size_t>(c)] >= 0 && aim_at_column(rack, c, shot_x, shot_y, true).hits;
    }
  }
  int wait_frames = 0;
  if (live) {
    wait_frames = (0xD8 - shot_y) / kShotSpeed + 16;
  } else if (status == static_cast<int>(Shot::kExploding)) {
    wait_frames = peek(ram, at::kShotExplosionFrames);
  } else if (status == static_cast<int>(Shot::kAlienExploding)) {
    wait_frames = peek(ram, at::kAlienExplosionFrames);
  }
  *out++ = flag(live);
  *out++ = live ? clip(shot_x - gun, 112) : 0.0F;
  *out++ = live ? clip(shot_x - kScreenLeft, 224) : 0.0F;
  *out++ = live ? clip(shot_y, 216) : 0.0F;
  *out++ = flag(will_hit);
  *out++ = flag(status == static_cast<int>(Shot::kExploding));
  *out++ = flag(status >= static_cast<int>(Shot::kFinished));
  *out++ = flag(gun_ready(ram));
  *out++ = clip(wait_frames, 64);
  return out;
}

float* put_alien_shots(const Ram& ram, int gun, float* out) {
  std::array<Threat, 3> threats;
  std::array<float, 3> urgency{};
  for (std::size_t i = 0; i < threats.size(); ++i) {
    const std::uint16_t record = kShotRecords[i];
    threats[i] = threat_of(ram, record);
    const Threat& threat = threats[i];
    const bool live = alien_shot_live(ram, record);
    const bool exploding = (peek(ram, static_cast<std::uint16_t>(record + 5)) & 0x81) == 0x81;
    *out++ = flag(live);
    *out++ = flag(exploding);
    *out++ = live ? clip(alien_shot_x(ram, record) - kScreenLeft, 224) : 0.0F;
    *out++ = live ? clip(alien_shot_y(ram, record), 224) : 0.0F;
    *out++ = live ? clip(threat.distance, 112) : 0.0F;
    *out++ = live ? clip(threat.distance, 16) : 0.0F;
    *out++ = live ? clip(alien_shot_y(ram, record) - kKillsBelowY, 192) : 0.0F;
    urgency[i] = threat.live ? soon(threat.frames, kHorizonFrames) : 0.0F;
    *out++ = urgency[i];
    *out++ = flag(threat.live && threat.distance <= kTouch && -threat.distance <= kTouch);
  }
  *out++ = flag(alien_shot_speed(ram) > 4);

  // What comes down on each place beside the gun.
  for (int i = 0; i < kMapOffsets; ++i) {
    const int offset = kMapStep * i - kMapStep * kMapOffsets / 2 + kMapStep / 2;
    const int x = gun - kGunOffset + offset;
    float danger = 0;
    for (std::size_t shot = 0; shot < threats.size(); ++shot) {
      const bool touches = static_cast<std::uint32_t>(threats[shot].distance - offset + kTouch) <= 2 * kTouch;
      danger = std::max(danger, touches ? urgency[shot] : 0.0F);
    }
    *out++ = x < kPlayerLeftmost || x > kPlayerRightmost ? -1.0F : danger;
  }
  return out;
}

float* put_saucer(const Ram& ram, const FeatureMemory& memory, int gun, float* out) {
  const bool flies = saucer_flies(ram);
  const Aim aim = aim_at_saucer(ram, gun, kShotStartY, false);
  *out++ = flag(flies);
  *out++ = flag(peek(ram, at::kSaucerHit) != 0);
  *out++ = flies ? clip(peek(ram, at::kSaucerX) - kScreenLeft, 224) : 0.0F;
  *out++ = flies ? clip(peek_signed(ram, at::kSaucerDx), 2) : 0.0F;
  *out++ = flies ? clip(aim.distance, 112) : 0.0F;
  *out++ = flies ? clip(aim.distance, 16) : 0.0F;
  *out++ = flag(flies && aim.hits);
  // What the next shot to end gives if it ends in the saucer. Source: the score cycle of hardware reference 10.6.
  constexpr std::array<float, 15> kValue{100, 50, 50, 100, 150, 100, 100, 50, 300, 100, 100, 100, 50, 150, 100};
  *out++ = kValue[(memory.shots_ended + 1) % 15] / 300.0F;
  return out;
}

float* put_shields(const Ram& ram, int gun, float* out) {
  for (int shield = 0; shield < kShieldCount; ++shield) {
    const std::uint8_t* rows = ram.data() + (at::kShields - kRamAddress) + 32 * shield * kShieldPitch;
    for (int pair = 0; pair < kShieldColumns / 2; ++pair, rows += 64) {
      *out++ = static_cast<float>(kLit[rows[0]] + kLit[rows[1]] + kLit[rows[32]] + kLit[rows[33]]) / 32.0F;
    }
  }
  for (int i = 0; i < kWindow; ++i) {
    const LitColumn lit = lit_column(ram, gun - kWindow / 2 + i);
    out[i] = static_cast<float>(lit.low) / 8.0F;
    out[kWindow + i] = static_cast<float>(lit.high) / 8.0F;
  }
  return out + 2 * kWindow;
}

float* put_state(const Ram& ram, const Rack& rack, float* out) {
  const int reserve = ships_in_reserve(ram);
  *out++ = flag(peek(ram, at::kAlienExploding) != 0 || peek(ram, at::kPlayerOk) == 0);
  *out++ = clip(reserve, 6);
  *out++ = flag(reserve == 0);
  *out++ = clip(peek(ram, at::kRackNumber), 8);
  *out++ = flag(rack.count == 0);
  return out;
}

float* put_aims(const Ram& ram, const Rack& rack, int gun, float* out) {
  Aim nearest;
  int nearest_row = -1;
  int left = 256;  // to the nearest target on each side
  int right = 256;
  bool hits = false;
  int points = 0;
  for (int c = 0; c < kColumns; ++c) {
    const int row = rack.lowest[static_cast<std::size_t>(c)];
    if (row < 0) {
      *out++ = 0.0F;
      continue;
    }
    const Aim aim = aim_at_column(rack, c, gun, kShotStartY, false);
    *out++ = clip(aim.distance, 64);
    const int far = aim.distance < 0 ? -aim.distance : aim.distance;
    if (nearest_row < 0 || far < (nearest.distance < 0 ? -nearest.distance : nearest.distance)) {
      nearest = aim;
      nearest_row = row;
    }
    if (aim.distance <= 0) left = std::min(left, -aim.distance);
    if (aim.distance >= 0) right = std::min(right, aim.distance);
    if (aim.hits) {
      hits = true;
      points = std::max(points, kRowPoints[static_cast<std::size_t>(row)]);
    }
  }
  *out++ = flag(hits);
  *out++ = static_cast<float>(points) / 30.0F;
  *out++ = clip(nearest.distance, 32);
  *out++ = clip(nearest.distance, 8);
  *out++ = soon(left, 64);
  *out++ = soon(right, 64);
  *out++ = clip(nearest.frames, 48);
  const LitColumn over_gun = lit_column(ram, gun);
  *out++ = static_cast<float>(over_gun.low + over_gun.high) / 16.0F;
  return out;
}

}  // namespace

float* put_rich(const Ram& ram, const FeatureMemory& memory, float* out) {
  const Rack rack = read_rack(ram);
  const int gun = peek(ram, at::kPlayerX) + kGunOffset;
  out = put_grid(rack, out);
  out = put_rack(rack, out);
  out = put_player(ram, memory, rack, gun, out);
  out = put_alien_shots(ram, gun, out);
  out = put_saucer(ram, memory, gun, out);
  out = put_shields(ram, gun, out);
  out = put_state(ram, rack, out);
  return put_aims(ram, rack, gun, out);
}

float* put_hidden(const Ram& ram, float* out) {
  *out++ = flag(peek(ram, at::kAlienFireEnabled) != 0);
  *out++ = clip(peek(ram, at::kAlienFireDelayFrames), 48);
  *out++ = clip(peek(ram, at::kReload), 48);
  for (const std::uint16_t record : kShotRecords) *out++ = clip(peek(ram, static_cast<std::uint16_t>(record + 6)), 64);
  const int timer = peek(ram, at::kSaucerTimerHigh) * 256 + peek(ram, at::kSaucerTimerLow);
  *out++ = clip(timer, 1536);
  *out++ = soon(timer, kHorizonFrames);
  *out++ = flag(!saucer_flies(ram) && peek(ram, at::kSaucerHit) == 0 && peek_signed(ram, at::kSaucerDx) < 0);
  *out++ = static_cast<float>(peek(ram, at::kShotsEnded) % 15) / 14.0F;
  for (int i = 0; i < 6; ++i) *out++ = 0.0F;
  return out;
}

}  // namespace sinv
