#include "bridge/mame/launch.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <unistd.h>

#include "base/error.h"

namespace sinv::mame {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDebianPlugins = "/usr/share/games/mame/plugins";

std::vector<std::string> parts(const std::string& words, char separator) {
  std::vector<std::string> found;
  std::istringstream in(words);
  for (std::string part; std::getline(in, part, separator);) found.push_back(part);
  return found;
}

bool is_program(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

std::string absolute_each(const std::string& paths) {
  std::vector<std::string> found = parts(paths, ';');
  for (std::string& path : found) path = fs::absolute(path).string();
  return join(found, ";");
}

/// `name`, or name-2, name-3 ... if it is there already: one MAME's recording is not written over that of the one
/// before.
std::string free_name(const fs::path& folder, const fs::path& name) {
  fs::path free = name;
  std::error_code ignored;
  for (int i = 2; fs::exists(folder / free, ignored); ++i) {
    free = text(name.stem().string(), "-", i, name.extension().string());
  }
  return free.string();
}

}  // namespace

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return is_program(name) ? fs::absolute(name).string() : "";
  const char* paths = std::getenv("PATH");
  for (const std::string& folder : parts(paths == nullptr ? "" : paths, ':')) {
    const fs::path path = fs::path(folder) / name;
    if (is_program(path)) return fs::absolute(path).string();
  }
  return "";
}

std::string find_mame(const MameSettings& settings) {
  std::string found = find_program(settings.program.empty() ? "mame" : settings.program);
  if (found.empty() && settings.program.empty()) found = find_program("/usr/games/mame");
  if (!found.empty()) return found;
  throw UserError(text("MAME is not installed: looked for ",
                       settings.program.empty() ? "mame in PATH and /usr/games/mame" : settings.program,
                       "; type: sudo apt-get install mame (or name the program in mame.program)"));
}

void check_rom_set(const MameSettings& settings) {
  std::vector<std::string> looked;
  for (const std::string& folder : parts(settings.rompath, ';')) {
    for (const fs::path& path : {fs::path(folder) / (settings.set + ".zip"), fs::path(folder) / settings.set}) {
      std::error_code ignored;
      if (fs::exists(path, ignored)) return;
      looked.push_back(fs::absolute(path).string());
    }
  }
  throw UserError(text("MAME's ROM set \"", settings.set, "\" is not there: ",
                       looked.empty() ? "mame.rompath is empty" : "looked for " + join(looked, " and "),
                       "; give mame.rompath the folder that holds it, or play the engine's own free game, which is "
                       "built as roms/invaders.zip in the build folder"));
}

void check_plugin(const MameSettings& settings) {
  for (const char* file : {"plugin.json", "init.lua"}) {
    const fs::path path = fs::path(settings.plugin) / "sinv" / file;
    std::error_code ignored;
    if (settings.plugin.empty() || !fs::is_regular_file(path, ignored)) {
      throw UserError(text("the MAME plugin is not there: no ",
                           settings.plugin.empty() ? "sinv/" + std::string(file) : fs::absolute(path).string(),
                           "; give mame.plugin the folder that holds sinv/, which is lua/ of the engine's source"));
    }
  }
}

Launch launch_of(const MameSettings& settings, const std::string& program, const fs::path& mame_folder, int instance,
                 const Meeting& meeting) {
  Launch launch;
  launch.folder = mame_folder / std::to_string(instance);
  launch.log = mame_folder / (std::to_string(instance) + ".log");
  auto& words = launch.arguments;
  // When the engine dies, by whatever signal, the kernel ends the child: the signal follows the thread that started
  // it, which is the loop's and lives as long as the engine.
  const std::string setpriv = find_program("setpriv");
  if (!setpriv.empty()) words = {setpriv, "--pdeathsig", "KILL"};
  if (meeting.processor >= 0) {
    const std::string taskset = find_program("taskset");
    if (!taskset.empty()) words.insert(words.end(), {taskset, "-c", std::to_string(meeting.processor)});
  }
  words.insert(words.end(),
               {program, settings.set, "-rompath", absolute_each(settings.rompath), "-pluginspath",
                fs::absolute(settings.plugin).string() + ";" + kDebianPlugins, "-plugin", "sinv", "-skip_gameinfo"});
  const std::pair<const char*, const char*> kFolders[] = {
      {"-cfg_directory", "cfg"},   {"-nvram_directory", "nvram"},      {"-state_directory", "sta"},
      {"-input_directory", "inp"}, {"-snapshot_directory", "snap"},    {"-diff_directory", "diff"},
      {"-inipath", "ini"},         {"-comment_directory", "comments"}, {"-homepath", "home"}};
  for (const auto& [option, name] : kFolders) words.insert(words.end(), {option, (launch.folder / name).string()});
  if (settings.window) {
    // Not the default renderer, whose files only MAME's own configuration finds.
    words.insert(words.end(), {"-window", "-video", "accel"});
    if (!settings.sound) words.insert(words.end(), {"-sound", "none"});
  } else {
    // Sound emulation and screen updates cost more than the 8080; the picture is read as RAM.
    // MAME's second thread mostly waits, by spinning: without it the same MAME is 1.4 times faster.
    words.insert(words.end(), {"-video", "none", "-sound", "none", "-samplerate", "1000", "-frameskip", "10",
                               "-numprocessors", "1"});
  }
  if (settings.speed > 0) {
    words.insert(words.end(), {"-throttle", "-speed", text(settings.speed)});
  } else {
    words.emplace_back("-nothrottle");
  }
  if (!settings.record.empty())
    words.insert(words.end(), {"-record", free_name(launch.folder / "inp", settings.record)});

  std::vector<std::pair<std::string, std::string>> own{
      {"HOME", (launch.folder / "home").string()}, {"SINV_MAME_MODE", "engine"},
      {"SINV_MAME_ADDRESS", meeting.address},      {"SINV_MAME_INSTANCE", std::to_string(instance)},
      {"SINV_MAME_TOKEN", meeting.token},          {"SINV_MAME_DOORBELL", meeting.doorbell}};
  if (meeting.processor >= 0) own.emplace_back("SINV_MAME_SPIN_US", "0");
  if (!settings.window) own.emplace_back("SDL_VIDEODRIVER", "dummy");
  if (!settings.window || !settings.sound) own.emplace_back("SDL_AUDIODRIVER", "dummy");
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string word = *entry;
    const std::string name = word.substr(0, word.find('='));
    if (std::none_of(own.begin(), own.end(), [&](const auto& pair) { return pair.first == name; })) {
      launch.environment.push_back(word);
    }
  }
  for (const auto& [name, value] : own) launch.environment.push_back(name + "=" + value);
  return launch;
}

}  // namespace sinv::mame
