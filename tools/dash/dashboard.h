#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bridge/dash/page_server.h"
#include "bridge/mame/latency.h"
#include "game/rom_set.h"
#include "rl/trainer.h"
#include "tools/dash/hands.h"

namespace sinv {

/// "off" gives nothing; "5000", "127.0.0.1:5000" and "0.0.0.0:5000" an address. Outside of loopback a token is drawn.
/// Errors: UserError.
std::optional<dash::PageSettings> dashboard_settings(const std::string& word);

/// The training that the page shows live. All must outlive the dashboard.
struct LiveTraining {
  std::filesystem::path folder;
  const Mailbox<Progress>& progress;
  const Mailbox<LiveView>& live;
  HandsOn hands;
  const Mailbox<SeenPictures>& seen;
  std::function<mame::Latency()> latency{};                  // of the bridge to MAME; null: there is none. Thread: any
  std::vector<std::string> features{};                       // names of the values that the agent sees; may be empty
  std::vector<std::pair<std::string, std::string>> title{};  // facts for the page's head
};

/// The page of a running training, of finished runs, or of both. It reads what the trainer publishes and the files of
/// the runs, on a thread of its own.
class Dashboard {
 public:
  /// `places`: run folders, or folders of them. `rom`: on which kept games are played again; it must outlive the
  /// dashboard. Errors: UserError (no free port, address, page not built).
  Dashboard(const dash::PageSettings& settings, std::vector<std::filesystem::path> places, const RomSet& rom,
            std::optional<LiveTraining> live);
  ~Dashboard();
  Dashboard(const Dashboard&) = delete;
  Dashboard& operator=(const Dashboard&) = delete;

  /// One line for people: where it is.
  std::string line() const;
  int port() const { return server_->port(); }

 private:
  dash::Reply answer(const dash::Request& request);
  void message(std::uint64_t client, std::string_view letters);
  void closed(std::uint64_t client);
  void tick();
  void set_watched();
  std::string progress_json() const;
  dash::Reply state_reply() const;
  dash::Reply film_reply(const std::filesystem::path& path) const;

  int wanted_port_;
  std::vector<std::filesystem::path> places_;
  const RomSet& rom_;
  std::optional<LiveTraining> live_;
  std::string live_name_;
  struct Wishes {
    std::uint32_t games = 0;
    bool sees = false;  // the pictures that the agent is given
  };
  std::map<std::uint64_t, Wishes> watching_;  // of each page
  std::uint64_t shown_ = 0;
  std::uint64_t shown_seen_ = 0;
  int ticks_ = 0;
  std::unique_ptr<dash::PageServer> server_;
};

/// A LiveView as the page reads it (docs/formats.md, web/src/wire.ts).
std::vector<std::uint8_t> live_message(const LiveView& view);
std::vector<std::uint8_t> seen_message(const SeenPictures& seen);

}  // namespace sinv
