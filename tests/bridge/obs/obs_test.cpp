#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "bridge/obs/obs_recorder.h"
#include "tests/bridge/obs/fake_obs.h"

namespace sinv::obs {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

// Python: h = lambda s: b64encode(sha256(s.encode()).digest()).decode(); h(h("sesame" + "c2FsdHk=") + "Y2hhbGxlbmdl")
constexpr const char* kAuthentication = "j4EbFsRN2RRegu14brPNFrbdYJFLpwXZjVISv+pv4+o=";

// A recorder of `port`, and what it has to say.
class Studio {
 public:
  explicit Studio(int port, std::string password = "", milliseconds patience = milliseconds(30'000)) {
    ObsSettings settings;
    settings.port = port;
    settings.password = std::move(password);
    settings.patience = patience;
    settings.settle = milliseconds(1);
    settings.first_retry = milliseconds(5);
    settings.longest_retry = milliseconds(10);
    recorder.emplace(
        settings,
        ObsRecorder::Hooks{[this](const std::string& line) { said.add(line); }, [this] { happened.add("started"); },
                           [this](const Recorded& one) { happened.add(text(one.path, " ", one.score.value_or(-1))); }});
  }

  Heard said;
  Heard happened;
  std::optional<ObsRecorder> recorder;
};

TEST(Obs, AuthenticationIsThatOfTheProtocol) {
  EXPECT_EQ(authentication("sesame", "c2FsdHk=", "Y2hhbGxlbmdl"), kAuthentication);
}

TEST(Obs, RecordsOneGameAfterTheOther) {
  FakeObs obs({.authentication = kAuthentication});
  Studio studio(obs.port(), "sesame");
  obs.heard.wait_for_one("GetVersion");
  studio.recorder->game_over(10);
  studio.happened.wait_for(1);
  studio.recorder->game_over(120);
  studio.happened.wait_for(3);
  studio.recorder->game_over(90);
  studio.happened.wait_for(5);
  studio.recorder.reset();
  EXPECT_THAT(studio.happened.all(),
              ElementsAre("started", "/v/1.mkv 120", "started", "/v/2.mkv 90", "started", "/v/3.mkv -1"));
  EXPECT_THAT(studio.said.all(),
              ElementsAre(text("connected to OBS 29.0.2 (obs-websocket 5.1.0) at 127.0.0.1:", obs.port())));
}

TEST(Obs, ARecordingUnderWayIsStoppedFirst) {
  FakeObs obs({.records = true});
  Studio studio(obs.port());
  obs.heard.wait_for_one("GetVersion");
  studio.recorder->game_over(10);
  studio.happened.wait_for(1);
  EXPECT_THAT(obs.heard.all(), ElementsAre("connected", "GetVersion", "GetRecordStatus", "StopRecord", "StartRecord"));
  EXPECT_THAT(studio.said.wait_for(2)[1], "a recording that was under way was stopped: /v/0.mkv");
}

TEST(Obs, AWrongPasswordIsSaidOnceAndTriedAgain) {
  FakeObs obs({.authentication = kAuthentication});
  Studio studio(obs.port(), "simsalabim");
  obs.heard.wait_for(8);  // four times "connected" and "gone"
  studio.recorder.reset();
  EXPECT_THAT(studio.said.all(),
              ElementsAre(text("OBS at 127.0.0.1:", obs.port(),
                               ": the password is wrong; give it with SINV_OBS_PASSWORD or --obs-password-file")));
}

TEST(Obs, AMissingPasswordIsSaid) {
  FakeObs obs({.authentication = kAuthentication});
  const Studio studio(obs.port());
  EXPECT_THAT(const_cast<Studio&>(studio).said.wait_for(1)[0],
              HasSubstr(": it wants a password; give it with SINV_OBS_PASSWORD or --obs-password-file"));
}

TEST(Obs, GarbageEndsTheConnectionAndTheNextOneWorks) {
  for (const char* hello : {"{", "no", "[1]", "{\"op\":\"0\"}", "{}", "7"}) {
    FakeObs obs({.hello = hello, .odd_connections = 1});
    Studio studio(obs.port());
    EXPECT_THAT(studio.said.wait_for(1)[0], HasSubstr(": what it says is not obs-websocket 5")) << hello;
    EXPECT_THAT(studio.said.wait_for(2)[1], HasSubstr("connected to OBS 29.0.2")) << hello;
  }
}

TEST(Obs, OddMessagesAreNotTaken) {
  FakeObs obs({.hello = R"({"op":0,"d":{"authentication":5}})", .odd_connections = 1});
  Studio studio(obs.port(), "sesame");
  EXPECT_THAT(studio.said.wait_for(1)[0], HasSubstr("the password is wrong"));
  FakeObs empty({.hello = R"({"op":0})"});
  Studio other(empty.port());
  EXPECT_THAT(other.said.wait_for(1)[0], HasSubstr("connected to OBS 29.0.2"));
}

TEST(Obs, AMessageWithoutEndIsCutOff) {
  FakeObs obs({.hello = std::string((1 << 20) + 1, 'x'), .odd_connections = 1});
  Studio studio(obs.port());
  EXPECT_THAT(studio.said.wait_for(1)[0], HasSubstr(": a message of more than a megabyte is not of obs-websocket"));
  EXPECT_THAT(studio.said.wait_for(2)[1], HasSubstr("connected to OBS"));
}

TEST(Obs, AConnectionThatEndsInTheMiddleIsMadeAgain) {
  FakeObs obs({.deadly = "StopRecord", .odd_connections = 1});
  Studio studio(obs.port());
  obs.heard.wait_for_one("GetVersion");
  studio.recorder->game_over(10);
  studio.happened.wait_for(1);
  studio.recorder->game_over(50);
  EXPECT_THAT(studio.said.wait_for(4)[1], HasSubstr(": the connection ended"));
  EXPECT_THAT(studio.said.wait_for(4)[2], "nothing is recorded: the connection was lost");
  EXPECT_THAT(studio.said.wait_for(4)[3], HasSubstr("connected to OBS"));
  studio.recorder->game_over(60);  // OBS still records: that is stopped
  studio.happened.wait_for(2);
  studio.recorder->game_over(70);
  EXPECT_THAT(studio.happened.wait_for(3), ElementsAre("started", "started", "/v/2.mkv 70"));
}

TEST(Obs, OneThatDoesNotAnswerIsLeft) {
  for (const char* request : {"GetRecordStatus", "StartRecord"}) {
    FakeObs obs({.unanswered = request, .odd_connections = 1});
    Studio studio(obs.port(), "", milliseconds(300));
    obs.heard.wait_for_one("GetVersion");
    studio.recorder->game_over(10);
    studio.said.wait_for_one(text("OBS at 127.0.0.1:", obs.port(), ": it does not answer"));
  }
}

TEST(Obs, ARefusalIsSaidAndTheNextGameIsTriedAgain) {
  FakeObs obs({.refused = "StartRecord"});
  Studio studio(obs.port());
  obs.heard.wait_for_one("GetVersion");
  studio.recorder->game_over(10);
  EXPECT_EQ(studio.said.wait_for(2)[1], "nothing is recorded: StartRecord was refused (500: no)");
  studio.recorder->game_over(20);
  EXPECT_THAT(obs.heard.wait_for(6), ElementsAre("connected", "GetVersion", "GetRecordStatus", "StartRecord",
                                                 "GetRecordStatus", "StartRecord"));
}

TEST(Obs, ARecordingThatDoesNotBeginOrIsStoppedByHandIsSaid) {
  FakeObs broken({.fails_to_record = true});
  Studio one(broken.port());
  broken.heard.wait_for_one("GetVersion");
  one.recorder->game_over(10);
  EXPECT_EQ(one.said.wait_for(2)[1], "nothing is recorded: OBS could not record; its own log says why");
  FakeObs obs({});
  Studio two(obs.port());
  obs.heard.wait_for_one("GetVersion");
  two.recorder->game_over(10);
  two.happened.wait_for(1);
  obs.stop_by_hand();
  EXPECT_EQ(two.said.wait_for(2)[1], "nothing is recorded: the recording was stopped in OBS");
  two.recorder->game_over(20);
  two.happened.wait_for(2);
}

// A listener that answers to a handshake with `words`, or with nothing.
class Plain {
 public:
  explicit Plain(std::string words) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof where;
    EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&where), size), 0);
    EXPECT_EQ(::listen(socket_, 8), 0);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&where), &size);
    port = ntohs(where.sin_port);
    thread_ = std::thread([this, words = std::move(words)] {
      const int guest = ::accept(socket_, nullptr, nullptr);
      char block[2048];
      while (guest >= 0 && ::recv(guest, block, sizeof block, 0) > 0)
        ::send(guest, words.data(), words.size(), MSG_NOSIGNAL);
      ::close(guest);
    });
  }
  ~Plain() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;

  int port = 0;

 private:
  int socket_;
  std::thread thread_;
};

TEST(Obs, WhatIsNoWebSocketIsSaid) {
  const Plain server("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  Studio studio(server.port);
  EXPECT_THAT(studio.said.wait_for(1)[0], HasSubstr(text("OBS at 127.0.0.1:", server.port, ": cannot be reached: ")));
  for (const char* words : {"", "\x01\x02 garbage \r\n\r\n"}) {
    const Plain odd(words);
    Studio waits(odd.port, "", milliseconds(200));
    EXPECT_EQ(waits.said.wait_for(1)[0], text("OBS at 127.0.0.1:", odd.port, ": it does not answer"));
  }
}

TEST(Obs, NobodyThereIsSaid) {
  int port = 0;
  { port = Plain("").port; }
  Studio studio(port);
  EXPECT_THAT(studio.said.wait_for(1)[0], HasSubstr(text("OBS at 127.0.0.1:", port, ": cannot be reached")));
  studio.recorder->game_over(10);
}

// The end of a training does not wait longer than the patience.
TEST(Obs, TheEndDoesNotHangOnASilentObs) {
  FakeObs obs({.unanswered = "StopRecord"});
  Studio studio(obs.port(), "", milliseconds(300));
  obs.heard.wait_for_one("GetVersion");
  studio.recorder->game_over(10);
  studio.happened.wait_for(1);
  studio.recorder.reset();
  EXPECT_THAT(studio.happened.all(), ElementsAre("started"));
}

}  // namespace
}  // namespace sinv::obs
