#include "bridge/mame/connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

namespace sinv::mame {

Connection::Connection(int socket, int doorbell, Settings settings)
    : socket_(socket), doorbell_(doorbell), settings_(settings) {
  if (settings_.compress) deflater_ = std::make_unique<Deflater>();
}

Connection::~Connection() {
  ::close(socket_);
  if (doorbell_ >= 0) ::close(doorbell_);
}

Connection::Outcome Connection::lost(std::string why) {
  why_ = std::move(why);
  return Outcome::kLost;
}

Connection::Outcome Connection::exchange(Kind request, Frame& answer, std::chrono::milliseconds longer) {
  const std::uint16_t sequence = sequence_;
  why_.clear();
  if (deflater_ != nullptr && out_.size() >= kHeaderBytes + kPackFromBytes) {
    replace_body_by_packed(out_, deflater_->pack(std::span<const std::byte>(out_).subspan(kHeaderBytes)));
  }
  const auto patience = settings_.patience + longer;
  Clock::time_point deadline = Clock::now() + patience;
  if (!send(deadline)) return Outcome::kLost;
  if (request == Kind::kStep && step_before_) {
    latency_.record(std::chrono::duration<double, std::micro>(Clock::now() - answered_at_).count());
  }
  step_before_ = false;
  while (true) {
    const FrameReader::Status status = reader_.next(answer);
    if (status == FrameReader::Status::kMore) {
      if (!receive(deadline)) return Outcome::kLost;
      continue;
    }
    if (status == FrameReader::Status::kBroken) return lost("it sent " + reader_.why());
    if (answer.kind == Kind::kSleeping && answer.sequence == 0 && answer.body.empty()) {
      if (!ring()) return Outcome::kLost;
      continue;
    }
    if (answer.kind == Kind::kAlive && answer.sequence == 0 && answer.body.empty()) {
      deadline = Clock::now() + patience;  // somebody has paused it at its window
      continue;
    }
    if (answer.sequence == sequence && answer.kind == answer_to(request)) {
      answered_at_ = Clock::now();
      step_before_ = request == Kind::kStep;
      return Outcome::kAnswered;
    }
    Failed failed;
    if (answer.sequence == sequence && answer.kind == Kind::kFailed && decode(answer.body, failed) == nullptr) {
      why_ = failed.why;
      return Outcome::kFailed;
    }
    return lost(text("it sent ", kind_name(answer.kind), ", sequence ", answer.sequence, ", where the answer to ",
                     kind_name(request), ", sequence ", sequence, ", was due"));
  }
}

bool Connection::send(Clock::time_point deadline) {
  std::size_t sent = 0;
  while (sent < out_.size()) {
    const ssize_t count = ::send(socket_, out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
      sent += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait_for(POLLOUT, deadline)) return false;
    } else if (errno != EINTR) {
      lost(errno == EPIPE || errno == ECONNRESET ? "it has closed the connection"
                                                 : text("sending: ", std::strerror(errno)));
      return false;
    }
  }
  return true;
}

bool Connection::receive(Clock::time_point deadline) {
  const std::span<std::byte> room = reader_.room();
  const Clock::time_point spin_end = Clock::now() + settings_.spin;
  while (true) {
    const ssize_t count = ::recv(socket_, room.data(), room.size(), MSG_DONTWAIT);
    if (count > 0) {
      reader_.received(static_cast<std::size_t>(count));
      return true;
    }
    if (count == 0 || errno == ECONNRESET) {
      lost("it has closed the connection");
      return false;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
      lost(text("receiving: ", std::strerror(errno)));
      return false;
    }
    if (Clock::now() >= spin_end && !wait_for(POLLIN, deadline)) return false;
  }
}

bool Connection::wait_for(short events, Clock::time_point deadline) {
  pollfd wanted{.fd = socket_, .events = events, .revents = 0};
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    const int ready = ::poll(&wanted, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno == EINTR) continue;
    lost(ready < 0 ? text("waiting: ", std::strerror(errno))
                   : text("it did not answer within ", static_cast<double>(settings_.patience.count()) / 1000, " s"));
    return false;
  }
}

bool Connection::ring() {
  const char bell = 1;
  if (doorbell_ < 0) {
    lost("it sent SLEEPING and has no doorbell");
    return false;
  }
  if (::write(doorbell_, &bell, 1) != 1) {
    lost(text("its doorbell: ", std::strerror(errno)));
    return false;
  }
  return true;
}

}  // namespace sinv::mame
