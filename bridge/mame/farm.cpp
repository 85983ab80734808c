#include "bridge/mame/farm.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "bridge/mame/mame_machine.h"

namespace sinv::mame {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSocketName = "engine.sock";
constexpr std::size_t kLongestSocketPath = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::chrono::milliseconds kStopPatience{3000};
constexpr std::chrono::milliseconds kQuitPatience{500};
constexpr std::chrono::milliseconds kHelloPatience{5000};

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

/// 128 bits of the kernel's randomness, as hexadecimal digits.
std::string fresh_token() {
  std::array<unsigned char, 16> bits{};
  SINV_CHECK(::getrandom(bits.data(), bits.size(), 0) == static_cast<ssize_t>(bits.size()),
             "getrandom: ", std::strerror(errno));
  std::string digits;
  for (const unsigned char byte : bits) {
    digits += "0123456789abcdef"[byte >> 4];
    digits += "0123456789abcdef"[byte & 15];
  }
  return digits;
}

/// A new FIFO that never blocks this side and never ends while this side has it open.
int open_doorbell(const fs::path& path) {
  std::error_code ignored;
  fs::create_directories(path.parent_path(), ignored);
  ::unlink(path.c_str());  // a byte for the MAME before would wake this one
  if (::mkfifo(path.c_str(), 0600) != 0)
    throw UserError(text(path.string(), ": cannot be made: ", std::strerror(errno)));
  const int doorbell = ::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (doorbell < 0) throw UserError(text(path.string(), ": cannot be opened: ", std::strerror(errno)));
  return doorbell;
}

/// The processors of this process, in turn.
int processor_for(int instance) {
  cpu_set_t allowed;
  if (::sched_getaffinity(::getpid(), sizeof allowed, &allowed) != 0) return -1;
  int left = instance % std::max(1, CPU_COUNT(&allowed));
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed) && left-- == 0) return cpu;
  }
  return -1;
}

}  // namespace

/// A machine waits. Thread: the loop's.
struct MameFarm::Waiting {
  explicit Waiting(Loop& loop) : timer(loop) {}
  std::promise<Arrival> arrival;
  std::shared_ptr<Process> process;
  LoopTimer timer;
  int instance = 0;
  std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
};

std::shared_ptr<MameFarm> MameFarm::open(const MameSettings& settings, const fs::path& run_folder,
                                         std::shared_ptr<Loop> loop) {
  check(settings);
  auto farm = std::make_shared<MameFarm>(settings, loop != nullptr ? std::move(loop) : std::make_shared<Loop>());
  ListenerSettings listener{.path = {},
                            .address = settings.listen,
                            .token = settings.token,
                            .set = settings.set,
                            .compress = settings.compress,
                            .patience = std::min(kHelloPatience, milliseconds(settings.connect_timeout_s / 2))};
  if (settings.listen.empty()) {
    farm->program_ = find_mame(settings);
    check_rom_set(settings);
    check_plugin(settings);
    farm->make_folders(run_folder);
    farm->token_ = listener.token = fresh_token();
    listener.path = (farm->private_folder_ / kSocketName).string();
    ::unlink(listener.path.c_str());  // of an engine that was killed
  }
  farm->loop_->call([&] { farm->listener_ = std::make_unique<Listener>(*farm->loop_, listener); });
  farm->address_ = farm->listener_->address();
  return farm;
}

MameFarm::MameFarm(const MameSettings& settings, std::shared_ptr<Loop> loop)
    : loop_(std::move(loop)), settings_(settings) {}

void MameFarm::make_folders(const fs::path& run_folder) {
  std::error_code error;
  mame_folder_ = fs::absolute(run_folder) / "mame";
  private_folder_ = mame_folder_ / "bridge";
  if ((private_folder_ / kSocketName).string().size() > kLongestSocketPath) {
    std::string pattern = (fs::temp_directory_path() / "sinv_bridge_XXXXXX").string();
    if (pattern.size() + 1 + std::strlen(kSocketName) > kLongestSocketPath) pattern = "/tmp/sinv_bridge_XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr)
      throw UserError(text(pattern, ": cannot be made: ", std::strerror(errno)));
    private_folder_ = pattern;
    private_is_temporary_ = true;
    fs::create_directories(mame_folder_, error);
  } else {
    fs::create_directories(private_folder_, error);
    if (!error) fs::permissions(private_folder_, fs::perms::owner_all, error);
  }
  if (error) throw UserError(text(mame_folder_.string(), ": cannot be made: ", error.message()));
  // Two farms in one folder would take each other's sockets and doorbells.
  lock_ = ::open((mame_folder_ / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0 || ::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    throw UserError(text(mame_folder_.string(), ": ",
                         errno == EWOULDBLOCK ? "MAMEs of another engine, or of another part of this one, run there"
                                              : std::strerror(errno),
                         "; use another run folder"));
  }
}

MameFarm::~MameFarm() {
  if (listener_ != nullptr) end_all();
  std::error_code ignored;
  if (private_is_temporary_) fs::remove_all(private_folder_, ignored);
  if (lock_ >= 0) ::close(lock_);
}

void MameFarm::end_all() {
  std::vector<std::shared_ptr<Process>> children;
  loop_->call([&] {
    while (!waiting_.empty())
      settle(waiting_.begin()->first, Arrival{.socket = -1, .hello = {}, .why = "the engine ends"});
    listener_.reset();
    children.swap(children_);
  });
  for (const auto& child : children) child->stop(kQuitPatience);  // its machine has asked it to end
  for (auto& [instance, seat] : prepared_) {
    if (seat.process != nullptr) seat.process->stop({});
    if (seat.doorbell >= 0) ::close(seat.doorbell);
    const Arrival arrival = seat.arrival.get();
    if (arrival.socket >= 0) ::close(arrival.socket);
  }
  for (const auto& child : children) {
    if (!child->wait(kStopPatience)) child->kill();
  }
  for (const auto& child : children) child->wait(kStopPatience);
}

void MameFarm::prepare(int count) {
  for (int i = 0; i < count; ++i) {
    const int instance = next_instance_ + static_cast<int>(prepared_.size());
    prepared_.emplace(instance, begin(instance));
  }
}

std::unique_ptr<MameMachine> MameFarm::machine() {
  const int instance = next_instance_++;
  Seat seat;
  if (const auto found = prepared_.find(instance); found != prepared_.end()) {
    seat = std::move(found->second);
    prepared_.erase(found);
  } else {
    seat = begin(instance);
  }
  return std::make_unique<MameMachine>(shared_from_this(), std::move(seat));
}

MameFarm::Seat MameFarm::begin(int instance) {
  const std::string name = std::to_string(instance);
  Seat seat{.instance = instance, .process = nullptr, .doorbell = -1, .processor = -1, .arrival = {}};
  Launch launch;
  if (settings_.listen.empty()) {
    const fs::path doorbell = mame_folder_ / name / "doorbell";
    seat.doorbell = open_doorbell(doorbell);
    if (settings_.share) seat.processor = processor_for(instance);
    launch =
        launch_of(settings_, program_, mame_folder_, instance, {address_, token_, doorbell.string(), seat.processor});
  }
  try {
    loop_->call([&] {
      auto waiting = std::make_shared<Waiting>(*loop_);
      waiting->instance = instance;
      if (settings_.listen.empty()) {
        const std::weak_ptr<Waiting> weak = waiting;
        seat.process = Process::start(*loop_, launch, [this, name, weak] {
          // The farm is there as long as a machine waits.
          const auto still = weak.lock();
          if (still == nullptr || waiting_.count(name) == 0 || waiting_[name] != still) return;
          settle(name,
                 Arrival{.socket = -1, .hello = {}, .why = why_nobody(*still, "ended before its plugin connected")});
        });
        waiting->process = seat.process;
        remember(seat.process);
      }
      seat.arrival = waiting->arrival.get_future();
      waiting_[name] = waiting;
      listener_->expect(name, [this, name](Arrival arrival) { settle(name, std::move(arrival)); });
      waiting->timer.start(milliseconds(settings_.connect_timeout_s), [this, name] {
        const auto& late = *waiting_.at(name);
        settle(name,
               Arrival{.socket = -1,
                       .hello = {},
                       .why = why_nobody(late, text("no connection within ", settings_.connect_timeout_s, " s"))});
      });
    });
  } catch (...) {
    if (seat.doorbell >= 0) ::close(seat.doorbell);
    throw;
  }
  return seat;
}

void MameFarm::settle(const std::string& instance, Arrival arrival) {
  const auto found = waiting_.find(instance);
  const auto waiting = found->second;
  waiting_.erase(found);
  if (listener_ != nullptr) listener_->forget(instance);
  waiting->timer.stop();
  waiting->arrival.set_value(std::move(arrival));
}

std::string MameFarm::why_nobody(const Waiting& waiting, const std::string& what) const {
  const std::string refusal = listener_->refusal_since(waiting.since);
  return text("MAME ", waiting.instance, ": ", what, refusal.empty() ? "" : "; " + refusal,
              waiting.process != nullptr ? "; " + waiting.process->obituary()
                                         : "; start one with SINV_MAME_ADDRESS=" + address_);
}

void MameFarm::remember(const std::shared_ptr<Process>& process) {
  std::erase_if(children_, [](const auto& child) { return child->wait(std::chrono::milliseconds(0)); });
  children_.push_back(process);
}

void MameFarm::remember(const Latency& latency) {
  const std::lock_guard lock(mutex_);
  latency_.merge(latency);
}

Latency MameFarm::latency() const {
  const std::lock_guard lock(mutex_);
  return latency_;
}

}  // namespace sinv::mame
