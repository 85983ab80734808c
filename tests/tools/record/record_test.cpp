#include <array>
#include <cstdio>
#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/deflate.h"
#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "rl/environments.h"
#include "tests/support/folder.h"
#include "tools/picture.h"
#include "tools/record/best_video.h"
#include "tools/record/film.h"
#include "tools/record/game_keeper.h"
#include "tools/record/panel.h"
#include "tools/record/video_writer.h"

namespace sinv {
namespace {

using testing::HasSubstr;

template <class Work>
std::string error_of(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

GameReplay small_replay() {
  GameReplay replay{.rom_crc = 7, .seed = 3, .agent = "dqn-mlp", .score = 120, .state = {}, .buttons = {}};
  replay.state.resize(100, std::byte{5});
  for (int i = 0; i < 1000; ++i) replay.buttons.push_back(static_cast<std::uint8_t>(i % 32));
  return replay;
}

TEST(GameReplay, IsReadAsItWasWritten) {
  TestFolder folder;
  const GameReplay replay = small_replay();
  save_replay(folder / "a.replay", replay);
  const GameReplay read = load_replay(folder / "a.replay");
  EXPECT_EQ(read.rom_crc, 7U);
  EXPECT_EQ(read.ships, 3);
  EXPECT_EQ(read.bonus_score, 1500);
  EXPECT_EQ(read.seed, 3U);
  EXPECT_EQ(read.agent, "dqn-mlp");
  EXPECT_EQ(read.score, 120);
  EXPECT_EQ(read.state, replay.state);
  EXPECT_EQ(read.buttons, replay.buttons);
}

TEST(GameReplay, EveryDamageIsNamed) {
  TestFolder folder;
  save_replay(folder / "a", small_replay());
  const std::vector<std::byte> good = read_file(folder / "a");
  const auto said_of = [&](std::vector<std::byte> bytes) {
    write_file(folder / "b", bytes);
    return error_of([&] { load_replay(folder / "b"); });
  };
  EXPECT_THAT(error_of([&] { load_replay(folder / "none"); }), HasSubstr("none: "));
  EXPECT_THAT(said_of({}), HasSubstr("b: is no replay of a game"));
  for (std::size_t i = 0; i < good.size(); i += 5) {
    std::vector<std::byte> bad = good;
    bad[i] ^= std::byte{0x10};
    EXPECT_THAT(said_of(bad), testing::AnyOf(HasSubstr("is no replay of a game"), HasSubstr("the replay is damaged"),
                                             HasSubstr("is a replay of version ")))
        << i;
  }
  EXPECT_THAT(said_of({good.begin(), good.end() - 5}), HasSubstr("the replay is damaged"));
}

// Random games on cabinets; what is kept of the best plays again to the same score and the same memory.
TEST(GameKeeper, KeepsTheBestGameAndItPlaysAgainExactly) {
  TestFolder folder;
  const RomSet rom = choose_rom(SINV_BINARY_DIR "/roms/invaders.zip");
  std::int64_t best = -1;
  int games = 0;
  {
    GameKeeper keeper(folder.path(),
                      {.rom_crc = rom.image->crc, .seed = 1, .agent = "random", .state = {}, .buttons = {}}, true);
    EnvSettings settings;
    settings.features = "predecessor-32";
    const auto envs = game_environments(keeper.watch(cabinet_factory(rom, CabinetSettings{})), settings)(3, 5, 1);
    envs->reset();
    Random random(9, 0);
    std::array<std::uint8_t, 3> actions{};
    while (games < 6) {
      for (std::uint8_t& action : actions) action = static_cast<std::uint8_t>(random.below(kActions));
      envs->step(actions);
      for (const EpisodeRecord& game : envs->finished()) {
        keeper.game_over(game);
        best = std::max(best, game.score);
        ++games;
      }
    }
  }
  const GameReplay replay = load_replay(GameKeeper::best_path(folder.path()));
  EXPECT_EQ(replay.score, best);
  const std::unique_ptr<Machine> cabinet = cabinet_of(replay, rom);
  EXPECT_EQ(play_replay(replay, *cabinet, {}), best);
  EXPECT_TRUE(game_over(cabinet->ram()));
  int kept = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "replays")) {
    const GameReplay one = load_replay(entry.path());
    EXPECT_EQ(play_replay(one, *cabinet, {}), one.score);
    EXPECT_LT(std::filesystem::file_size(entry.path()), 16'384U);
    ++kept;
  }
  EXPECT_EQ(kept, games);
}

TEST(GameKeeper, AWorseGameDoesNotReplaceABetterOne) {
  TestFolder folder;
  GameReplay older = small_replay();
  older.score = 1'000'000;
  save_replay(GameKeeper::best_path(folder.path()), older);
  {
    GameKeeper keeper(folder.path(), {.agent = "other", .state = {}, .buttons = {}}, false);
    const auto machine =
        keeper.watch(cabinet_factory(choose_rom(SINV_BINARY_DIR "/roms/invaders.zip"), CabinetSettings{}))();
    std::vector<std::byte> state(machine->state_bytes());
    machine->save(state);
    machine->restore(state);
    machine->run(std::array<std::uint8_t, 2>{});
    machine->restore(state);
    keeper.game_over({.env = 0, .frames = 2, .score = 999'999});
  }
  EXPECT_EQ(load_replay(GameKeeper::best_path(folder.path())).score, 1'000'000);
}

// After a resume the first game's beginning was not seen: its frames are fewer than the game's.
TEST(GameKeeper, AGameWhoseBeginningWasNotSeenIsNotKept) {
  TestFolder folder;
  {
    GameKeeper keeper(folder.path(), {.agent = "x", .state = {}, .buttons = {}}, false);
    const auto machine =
        keeper.watch(cabinet_factory(choose_rom(SINV_BINARY_DIR "/roms/invaders.zip"), CabinetSettings{}))();
    std::vector<std::byte> state(machine->state_bytes());
    machine->save(state);
    machine->restore(state);
    machine->run(std::array<std::uint8_t, 2>{});
    machine->restore(state);
    keeper.game_over({.env = 0, .frames = 300, .score = 50});
  }
  EXPECT_FALSE(std::filesystem::exists(GameKeeper::best_path(folder.path())));
}

TEST(Replay, OfAnotherRomIsRefused) {
  EXPECT_THAT(error_of([] { cabinet_of(small_replay(), choose_rom(SINV_BINARY_DIR "/roms/invaders.zip")); }),
              HasSubstr("the replay was played on another ROM (CRC-32 00000007) than "));
}

TEST(PanelPicture, ShowsThePictureAndWhatEachActionIsWorth) {
  PanelPicture panel;
  const VideoShape shape = PanelPicture::shape();
  const auto width = static_cast<std::size_t>(shape.width);
  Ram ram{};
  ram[kWorkRamBytes + 32 * 100 + 3] = 0x10;  // column 100, row 28 from below
  PlayStatus status;
  status.score = 1230;
  status.action = Action::kFire;
  status.q = {0.5F, 2, 1, 0, 1.5F, 1};
  const std::span<const unsigned char> rgb = panel.draw(ram, status);
  ASSERT_EQ(rgb.size(), width * static_cast<std::size_t>(shape.height) * 3);
  const auto colour = [&](std::size_t x, std::size_t y) {
    const std::size_t at = 3 * (y * width + x);
    return static_cast<std::uint32_t>(rgb[at] << 16 | rgb[at + 1] << 8 | rgb[at + 2]);
  };
  const std::uint32_t want = overlay_colour(100, 227);
  for (const std::size_t x : {199, 200, 201, 202}) {
    for (const std::size_t y : {453, 454, 455, 456}) {
      const bool inside = x / 2 == 100 && y / 2 == 227;
      EXPECT_EQ(colour(x, y), inside ? want : 0U) << x << " " << y;
    }
  }
  // The middle of each bar: the longest is the chosen one.
  const auto bar = [&](std::size_t action, std::uint32_t wanted) {
    std::size_t count = 0;
    for (std::size_t x = 2 * kPictureWidth; x < width; ++x) count += colour(x, 238 + 46 * action) == wanted ? 1 : 0;
    return count;
  };
  constexpr std::uint32_t kBar = 0x56B4E9;
  constexpr std::uint32_t kChosen = 0xE69F00;
  EXPECT_GT(bar(1, kChosen), 200U);
  EXPECT_EQ(bar(1, kBar), 0U);
  EXPECT_LT(bar(3, kBar), 10U);  // the lowest
  EXPECT_GT(bar(4, kBar), bar(2, kBar));
  EXPECT_EQ(bar(5, kBar), bar(2, kBar));
  status.q.clear();
  panel.draw(ram, status);
  EXPECT_EQ(bar(2, kBar), 0U);
}

// What the page reads (web/src/film.ts), frame by frame beside the machine's own pictures.
TEST(Film, HoldsEveryPictureAndTheScore) {
  const RomSet rom = choose_rom(SINV_BINARY_DIR "/roms/invaders.zip");
  GameReplay replay{.rom_crc = rom.image->crc, .agent = "x", .state = {}, .buttons = {}};
  const std::unique_ptr<Machine> machine = cabinet_of(replay, rom);
  replay.state.resize(machine->state_bytes());
  machine->save(replay.state);
  Random random(4, 0);
  for (int frame = 0; frame < 3000; ++frame) {
    replay.buttons.push_back(frame < 40   ? 1  // coin, then start, then anything
                             : frame < 80 ? 2
                                          : static_cast<std::uint8_t>(random.below(8) << 2));
  }
  const std::string film = film_of(replay, *machine);
  EXPECT_LT(film.size(), 400'000U);
  Inflater inflater(std::size_t{64} << 20);
  std::span<const std::byte> bytes;
  ASSERT_EQ(inflater.unpack(std::as_bytes(std::span(film)), bytes), nullptr);
  ByteReader in(bytes, "film");
  ASSERT_EQ(in.get<std::uint32_t>(), 3000U);
  std::vector<std::uint8_t> picture(kRamBytes - kWorkRamBytes);
  std::uint32_t score = 0;
  int wrong = 0;
  const std::int64_t made = play_replay(replay, *machine, [&](const Machine& now, std::int64_t) {
    score = in.get<std::uint32_t>();
    for (std::uint16_t n = in.get<std::uint16_t>(); n > 0; --n) {
      const auto place = in.get<std::uint16_t>();
      picture.at(place) = in.get<std::uint8_t>();
    }
    wrong += std::equal(picture.begin(), picture.end(), now.ram().begin() + kWorkRamBytes) ? 0 : 1;
    return true;
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(score, made);
  EXPECT_GT(made, 0);
}

bool has_ffmpeg() { return std::system("ffmpeg -version >/dev/null 2>&1 && ffprobe -version >/dev/null 2>&1") == 0; }

std::string probed(const std::filesystem::path& path) {
  const std::string command =
      "ffprobe -v error -count_frames -show_entries stream=width,height,nb_read_frames,codec_name -of csv=p=0 " +
      path.string();
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::array<char, 256> line{};
  const char* got = std::fgets(line.data(), line.size(), pipe);
  ::pclose(pipe);
  return got == nullptr ? "" : line.data();
}

TEST(VideoWriter, FfmpegReadsWhatItWrote) {
  if (!has_ffmpeg()) GTEST_SKIP() << "ffmpeg is not installed";
  TestFolder folder;
  Ram ram{};
  for (const char* name : {"a.mp4", "a.gif", "a.png"}) {
    VideoWriter video(folder / name);
    for (int i = 0; i < 30; ++i) {
      ram[kWorkRamBytes + 32 * static_cast<std::size_t>(i)] = 0xFF;
      video.frame(ram);
    }
    EXPECT_FALSE(std::filesystem::exists(folder / name));
    video.finish();
  }
  EXPECT_THAT(probed(folder / "a.mp4"), HasSubstr("h264,672,768,30"));
  // 30 frames of 1/59.54 s are half a second, at 25 pictures a second.
  EXPECT_THAT(probed(folder / "a.gif"), HasSubstr("gif,224,256,13"));
  EXPECT_TRUE(std::filesystem::exists(folder / "a-000030.png"));
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    EXPECT_EQ(entry.path().string().find(".tmp"), std::string::npos) << entry.path();
  }
}

TEST(VideoWriter, TakesPicturesOfAnotherSize) {
  if (!has_ffmpeg()) GTEST_SKIP() << "ffmpeg is not installed";
  TestFolder folder;
  VideoWriter video(folder / "a.mp4", {.width = 40, .height = 22, .pictures_per_s = 15});
  std::vector<unsigned char> rgb(40 * 22 * 3, 200);
  for (int i = 0; i < 12; ++i) video.frame(rgb);
  rgb.pop_back();
  EXPECT_THAT(error_of([&] { video.frame(rgb); }), HasSubstr("a picture of 2639 bytes, wanted 2640"));
  video.finish();
  EXPECT_THAT(probed(folder / "a.mp4"), HasSubstr("h264,120,66,12"));
}

TEST(VideoWriter, ARecordingThatIsGivenUpLeavesNothing) {
  if (!has_ffmpeg()) GTEST_SKIP() << "ffmpeg is not installed";
  TestFolder folder;
  {
    VideoWriter video(folder / "a.mp4");
    video.frame(Ram{});
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(VideoWriter, ErrorsAreOneSentence) {
  TestFolder folder;
  EXPECT_EQ(error_of([&] { VideoWriter video(folder / "a.avi"); }),
            "a recording ends in .mp4, .webm, .gif or .png, not in \".avi\"");
  EXPECT_THAT(error_of([&] { VideoWriter video(folder / "none" / "a.mp4"); }),
              HasSubstr("a.mp4: cannot be recorded there: No such file or directory"));
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", folder.path().c_str(), 1);
  EXPECT_THAT(error_of([&] { VideoWriter video(folder / "a.mp4"); }),
              HasSubstr("ffmpeg, which makes recordings, cannot be started: No such file or directory; on Debian: "
                        "apt-get install ffmpeg"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  // Something called ffmpeg that fails: what it says is passed on.
  write_file(folder / "ffmpeg", std::string_view("#!/bin/sh\necho no such codec >&2\nexit 3\n"));
  std::filesystem::permissions(folder / "ffmpeg", std::filesystem::perms::owner_all);
  EXPECT_THAT(error_of([&] {
                VideoWriter video(folder / "a.mp4");
                for (int i = 0; i < 100; ++i) video.frame(Ram{});
                video.finish();
              }),
              HasSubstr("a.mp4: ffmpeg ended early: no such codec"));
  ::setenv("PATH", path.c_str(), 1);
}

}  // namespace
}  // namespace sinv
