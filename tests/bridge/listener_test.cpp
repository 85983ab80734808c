// How a MAME comes to its machine, over a Unix socket and over TCP, and who is turned away.
#include "bridge/mame/listener.h"

#include <cstdio>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "tests/bridge/fake_plugin.h"
#include "tests/bridge/farm_fixture.h"

namespace sinv::mame {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// A plugin on a thread of this process.
class PluginThread {
 public:
  explicit PluginThread(FakeSettings settings) : settings_(std::move(settings)) {
    thread_ = std::thread([this] { status_ = run_fake_plugin(settings_); });
  }
  ~PluginThread() { join(); }
  int join() {
    if (thread_.joinable()) thread_.join();
    return status_;
  }

 private:
  FakeSettings settings_;
  int status_ = -1;
  std::thread thread_;
};

class BridgeListener : public FarmTest {
 protected:
  BridgeListener() { settings_.connect_timeout_s = 10; }

  /// A MAME that behaves so is started, and the machine does not come to be. What is said, and what is logged.
  std::string refused(const std::string& how) {
    behave(how);
    settings_.connect_timeout_s = 0.5;
    const auto farm = open();
    return error_of<UserError>([&] { farm->machine(); });
  }
};

TEST_F(BridgeListener, TheSocketIsInAFolderThatOnlyThisUserCanEnter) {
  const auto farm = open();
  const std::string path = farm->address().substr(7);
  EXPECT_EQ(farm->address(), "domain." + (run() / "mame/bridge/engine.sock").string());
  struct stat about {};
  ASSERT_EQ(::stat(std::filesystem::path(path).parent_path().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0700U);
}

TEST_F(BridgeListener, ARunFolderWithALongNameStillHasASocket) {
  const auto farm = MameFarm::open(settings_, folder_ / std::string(150, 'x'));
  EXPECT_LT(farm->address().size(), 108U + 7U);
  EXPECT_EQ(farm->machine()->frame(), 0U);
}

TEST_F(BridgeListener, ARunFolderOfAKilledEngineIsUsedAgain) {
  std::filesystem::create_directories(run() / "mame/bridge");
  std::ofstream(run() / "mame/bridge/engine.sock") << "left";
  EXPECT_EQ(open()->machine()->frame(), 0U);
}

TEST_F(BridgeListener, ASecondFarmInTheSameRunFolderIsRefused) {
  const auto farm = open();
  EXPECT_THAT(error_of<UserError>([&] { open(); }),
              AllOf(HasSubstr((run() / "mame").string()), HasSubstr("of another part of this one, run there"),
                    HasSubstr("use another run folder")));
  EXPECT_EQ(farm->machine()->frame(), 0U);
}

TEST_F(BridgeListener, SleepingWithoutADoorbellEndsTheConnection) {
  settings_.listen = "127.0.0.1:0";
  const auto farm = open();
  farm->prepare(1);
  PluginThread plugin({.address = farm->address(), .instance = "0", .how = "sleeps"});
  EXPECT_THAT(error_of<UserError>([&] { farm->machine(); }),
              HasSubstr("MAME 0: POWER_ON: it sent SLEEPING and has no doorbell"));
}

TEST_F(BridgeListener, AMameThatEndsBeforeItConnectsIsToldWithItsLastLines) {
  behave("exits");
  const auto farm = open();
  EXPECT_THAT(
      error_of<UserError>([&] { farm->machine(); }),
      AllOf(HasSubstr("MAME 0: ended before its plugin connected; it ended with status 3, and wrote last (" +
                      (run() / "mame/0.log").string()),
            HasSubstr("trouble 5\n"), HasSubstr("trouble 19"), Not(HasSubstr("trouble 4\n")), Not(HasSubstr("ALSA"))));
}

TEST_F(BridgeListener, OneThatConnectsAndSaysNothingIsDropped) {
  EXPECT_THAT(refused("silent"),
              AllOf(HasSubstr("a local MAME connected and did not say HELLO in time"), HasSubstr("wrote last")));
  EXPECT_THAT(log_.text(), HasSubstr("did not say HELLO in time"));
}
TEST_F(BridgeListener, HalfAHelloIsDropped) { EXPECT_THAT(refused("half"), HasSubstr("did not say HELLO in time")); }
TEST_F(BridgeListener, AMebibyteOfNoiseIsDropped) {
  refused("noise");
  EXPECT_THAT(log_.text(), AllOf(HasSubstr("a local MAME sent a frame of"), HasSubstr("at most 1048576 are allowed")));
}
TEST_F(BridgeListener, AWrongLengthIsDropped) { EXPECT_THAT(refused("length"), HasSubstr("sent a frame of 2130706")); }
TEST_F(BridgeListener, UnknownFlagsAreDropped) { EXPECT_THAT(refused("flags"), HasSubstr("unknown flags 64")); }
TEST_F(BridgeListener, AnotherMessageThanHelloIsDropped) {
  EXPECT_THAT(refused("not_hello"), HasSubstr("began with PING, not with HELLO"));
}
TEST_F(BridgeListener, MoreThanHelloIsDropped) {
  EXPECT_THAT(refused("early"), HasSubstr("sent more than HELLO before it was welcome"));
}

TEST_F(BridgeListener, AnotherVersionIsRefusedWithBothVersionsOnBothSides) {
  const std::string said = refused("version");
  EXPECT_THAT(said, AllOf(HasSubstr("the plugin speaks version 2 of the bridge and the engine version 1"),
                          HasSubstr("lua/sinv")));
  EXPECT_THAT(read(run() / "mame/0.log"), HasSubstr("fake mame: refused: the plugin speaks version 2"));
}
TEST_F(BridgeListener, AWrongTokenIsRefused) {
  EXPECT_THAT(refused("wrong_token"),
              HasSubstr("wrong token: SINV_MAME_TOKEN of MAME must be the engine's mame.token"));
}
TEST_F(BridgeListener, AnotherGameIsRefused) {
  EXPECT_THAT(refused("set"), HasSubstr("MAME runs pacman, the engine wants invaders"));
}
TEST_F(BridgeListener, OtherRamIsRefused) {
  EXPECT_THAT(refused("ram"), HasSubstr("512 of them work RAM; the engine wants 8192"));
}
TEST_F(BridgeListener, OtherButtonsAreRefused) {
  EXPECT_THAT(refused("buttons"), HasSubstr("the engine wants coin, start1, fire, left, right, start2"));
}

TEST_F(BridgeListener, NobodyWithinTheTimeIsTold) {
  settings_.listen = "127.0.0.1:0";
  settings_.connect_timeout_s = 0.2;
  const auto farm = open();
  EXPECT_THAT(error_of<UserError>([&] { farm->machine(); }),
              AllOf(HasSubstr("MAME 0: no connection within 0.2 s"), HasSubstr("SINV_MAME_ADDRESS=socket.127.0.0.1:")));
}

TEST_F(BridgeListener, MamesOfOthersConnectOverTcp) {
  settings_.listen = "127.0.0.1:0";
  settings_.token = "secret";
  settings_.compress = true;
  settings_.program = "/nowhere";  // none is started
  const auto farm = open();
  farm->prepare(2);
  PluginThread anybody({.address = farm->address(), .instance = "", .token = "secret"});
  auto machine = farm->machine();
  PluginThread second({.address = farm->address(), .instance = "1", .token = "secret"});
  auto other = farm->machine();
  machine->run(std::vector<std::uint8_t>(100, kFire));
  other->run(std::vector<std::uint8_t>(100, kFire));
  EXPECT_EQ(machine->ram(), other->ram());
  EXPECT_EQ(machine->pid(), 0);
  machine.reset();
  other.reset();
  EXPECT_EQ(anybody.join(), 0) << "they were asked to end";
  EXPECT_EQ(second.join(), 0);
}

TEST_F(BridgeListener, AMameOfSomebodyElseThatIsLostIsWaitedForAgain) {
  settings_.listen = "127.0.0.1:0";
  const auto farm = open();
  farm->prepare(1);
  PluginThread first({.address = farm->address(), .instance = "0", .how = "closes", .after = 1});
  const auto machine = farm->machine();
  std::thread again([&] {
    first.join();
    // Nobody waits until the loss has been seen; then this one is welcome.
    while (run_fake_plugin({.address = farm->address(), .instance = "0"}) != 0) {
    }
  });
  EXPECT_THROW(machine->run(std::array<std::uint8_t, 1>{}), MachineLost);
  machine->run(std::array<std::uint8_t, 1>{});
  EXPECT_EQ(machine->frame(), 1U);
  machine->throttle(false);
  const_cast<std::unique_ptr<MameMachine>&>(machine).reset();
  again.join();
}

TEST_F(BridgeListener, ATokenThatIsWrongOverTcpIsRefusedAndTheRightOneStillComesIn) {
  settings_.listen = "127.0.0.1:0";
  settings_.token = "secret";
  const auto farm = open();
  farm->prepare(1);
  EXPECT_EQ(run_fake_plugin({.address = farm->address(), .instance = "0", .token = "guess"}), 2);
  EXPECT_EQ(run_fake_plugin({.address = farm->address(), .instance = "0", .token = ""}), 2);
  EXPECT_EQ(run_fake_plugin({.address = farm->address(), .instance = "5", .token = "secret"}), 2);
  EXPECT_THAT(log_.text(),
              AllOf(HasSubstr("127.0.0.1 was refused: wrong token"), HasSubstr("no machine waits for instance \"5\"")));
  PluginThread right({.address = farm->address(), .instance = "0", .token = "secret"});
  EXPECT_EQ(farm->machine()->frame(), 0U);
}

TEST_F(BridgeListener, APortThatIsTakenIsTold) {
  settings_.listen = "127.0.0.1:0";
  const auto farm = open();
  settings_.listen = farm->address().substr(7);
  EXPECT_THAT(error_of<UserError>([&] { open(); }),
              AllOf(HasSubstr("mame.listen: cannot listen at " + settings_.listen + ": address already in use"),
                    HasSubstr("another program has that port")));
}

TEST_F(BridgeListener, AnAddressThatIsNotThisMachinesIsTold) {
  settings_.listen = "192.0.2.1:0";  // RFC 5737: nobody's
  settings_.token = "x";
  EXPECT_THAT(error_of<UserError>([&] { open(); }),
              HasSubstr("mame.listen: cannot listen at 192.0.2.1:0: address not available"));
}

TEST_F(BridgeListener, ACrowdThatSaysNothingDoesNotKeepAMameOut) {
  settings_.listen = "127.0.0.1:0";
  const auto farm = open();
  farm->prepare(1);
  std::vector<int> crowd;
  for (std::size_t i = 0; i < Listener::kMostGuests - 1; ++i) crowd.push_back(connect_to(farm->address()));
  PluginThread plugin({.address = farm->address(), .instance = "0"});
  EXPECT_EQ(farm->machine()->frame(), 0U);
  for (const int socket : crowd) ::close(socket);
}

TEST_F(BridgeListener, MoreGuestsThanAllowedAreDropped) {
  settings_.listen = "127.0.0.1:0";
  const auto farm = open();
  std::vector<int> crowd;
  for (std::size_t i = 0; i <= Listener::kMostGuests; ++i) crowd.push_back(connect_to(farm->address()));
  EXPECT_EQ(read_to_end(crowd.back()), "");
  EXPECT_THAT(log_.text(), HasSubstr("too many connections"));
  for (const int socket : crowd) ::close(socket);
}

}  // namespace
}  // namespace sinv::mame
