#pragma once

#include <chrono>
#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bridge/loop.h"
#include "bridge/mame/latency.h"
#include "bridge/mame/listener.h"
#include "bridge/mame/mame_settings.h"
#include "bridge/mame/process.h"

namespace sinv::mame {

class MameMachine;

/// Starts MAMEs, each with a folder of its own inside the run folder (RUN/mame/0, RUN/mame/1, ...; output in
/// RUN/mame/0.log), and brings each together with the MameMachine that waits for it. With `mame.listen` it starts none
/// and waits for those that others have started.
/// Every child it has started has ended when it is gone; when the engine is killed the kernel ends them.
/// Thread: prepare() and machine() have one owner; the rest may be called by every machine's owner.
class MameFarm : public std::enable_shared_from_this<MameFarm> {
 public:
  /// Without `loop` it makes one of its own. Errors: UserError when MAME, the ROM set or the plugin is not there, an
  /// address is taken, a setting is out of range, a folder cannot be made, or another farm works in this run folder.
  static std::shared_ptr<MameFarm> open(const MameSettings& settings, const std::filesystem::path& run_folder,
                                        std::shared_ptr<Loop> loop = nullptr);
  ~MameFarm();
  MameFarm(const MameFarm&) = delete;
  MameFarm& operator=(const MameFarm&) = delete;

  /// Starts `count` MAMEs ahead, all at once; the next machines take them.
  void prepare(int count);
  /// The next machine, switched on; waits for its MAME. The machine keeps the farm alive.
  /// Errors: UserError when MAME ends or does not connect in time, with its last lines.
  std::unique_ptr<MameMachine> machine();

  const MameSettings& settings() const { return settings_; }
  /// Of all machines that are gone by now. Thread: any.
  Latency latency() const;
  /// Where plugins connect, as they are told it.
  const std::string& address() const { return address_; }

  // What follows is for MameMachine.

  /// A MAME on its way.
  struct Seat {
    int instance = 0;
    std::shared_ptr<Process> process;  // null: somebody else's
    int doorbell = -1;                 // the caller's to close; -1: none
    int processor = -1;                // that it shares with the thread that steps it; -1: any
    std::future<Arrival> arrival;
  };
  /// Errors: UserError when MAME cannot be started.
  Seat begin(int instance);
  /// A machine that goes leaves its latencies here. Thread: any.
  void remember(const Latency& latency);

  explicit MameFarm(const MameSettings& settings, std::shared_ptr<Loop> loop);

 private:
  struct Waiting;
  void make_folders(const std::filesystem::path& run_folder);
  void end_all();
  void settle(const std::string& instance, Arrival arrival);
  std::string why_nobody(const Waiting& waiting, const std::string& what) const;
  void remember(const std::shared_ptr<Process>& process);

  std::shared_ptr<Loop> loop_;
  MameSettings settings_;
  std::string program_;
  std::filesystem::path mame_folder_;
  std::filesystem::path private_folder_;  // of the Unix socket, mode 0700
  bool private_is_temporary_ = false;
  int lock_ = -1;  // of the run folder's MAMEs
  std::string token_;
  std::string address_;
  std::unique_ptr<Listener> listener_;                       // the loop's
  std::map<std::string, std::shared_ptr<Waiting>> waiting_;  // the loop's; by instance
  std::vector<std::shared_ptr<Process>> children_;           // the loop's
  std::map<int, Seat> prepared_;
  int next_instance_ = 0;
  mutable std::mutex mutex_;
  Latency latency_;  // guarded by mutex_
};

}  // namespace sinv::mame
