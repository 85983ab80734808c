#pragma once

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <string>

#include "base/error.h"
#include "bridge/mame/farm.h"
#include "bridge/mame/mame_machine.h"
#include "tests/support/folder.h"

namespace sinv::mame {

/// Everything that is logged while it lives.
class LogCatcher {
 public:
  LogCatcher() : before_(spdlog::default_logger()) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink_));
  }
  ~LogCatcher() { spdlog::set_default_logger(before_); }
  LogCatcher(const LogCatcher&) = delete;
  LogCatcher& operator=(const LogCatcher&) = delete;
  std::string text() const { return sink_->text(); }

 private:
  class Sink final : public spdlog::sinks::base_sink<std::mutex> {
   public:
    std::string text() {
      const std::scoped_lock lock(mutex_);
      return text_;
    }

   private:
    void sink_it_(const spdlog::details::log_msg& message) override {
      text_.append(message.payload.data(), message.payload.size());
      text_ += '\n';
    }
    void flush_() override {}
    std::string text_;
  };
  std::shared_ptr<Sink> sink_ = std::make_shared<Sink>();
  std::shared_ptr<spdlog::logger> before_;
};

/// What a call says when it throws this kind of error.
template <class Kind, class Work>
std::string error_of(Work&& work) {
  try {
    work();
  } catch (const Kind& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another kind of error: ") + error.what();
  }
  return "no error";
}

/// Folders with a ROM set, a plugin and a run, and fake_mame for MAME.
class FarmTest : public ::testing::Test {
 protected:
  FarmTest() {
    std::filesystem::create_directories(folder_ / "roms/invaders");
    std::filesystem::create_directories(folder_ / "plugin/sinv");
    for (const char* name : {"plugin.json", "init.lua"}) std::ofstream(folder_ / "plugin/sinv" / name) << "{}";
    settings_.program = SINV_BINARY_DIR "/tests/bin/fake_mame";
    settings_.rompath = (folder_ / "roms").string();
    settings_.plugin = (folder_ / "plugin").string();
    settings_.spin_us = 0;    // others work here too
    settings_.share = false;  // a test's thread must not be bound
  }
  ~FarmTest() override {
    for (const char* name : {"SINV_FAKE", "SINV_FAKE_AFTER", "SINV_FAKE_ONCE"}) ::unsetenv(name);
  }

  void behave(const std::string& how, int after = 0) {
    ::setenv("SINV_FAKE", how.c_str(), 1);
    ::setenv("SINV_FAKE_AFTER", std::to_string(after).c_str(), 1);
  }
  /// As behave(), but only the first one that is started.
  void behave_once(const std::string& how, int after = 0) {
    behave(how, after);
    ::setenv("SINV_FAKE_ONCE", (folder_ / "once").c_str(), 1);
  }
  std::filesystem::path run() const { return folder_ / "run"; }
  std::shared_ptr<MameFarm> open() { return MameFarm::open(settings_, run()); }
  std::string read(const std::filesystem::path& path) const {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  LogCatcher log_;
  TestFolder folder_;
  MameSettings settings_;
};

}  // namespace sinv::mame
