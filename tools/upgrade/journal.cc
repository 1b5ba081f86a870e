#include "upgrade/journal.h"

#include <array>
#include <utility>

#include "base/error.h"
#include "base/json_text.h"
#include "io/atomic_file.h"
#include "upgrade/journal_json.h"

namespace upgrade {

using base::Error;
using base::ErrorKind;

namespace {

constexpr const char* kJournalName = "state.json";
constexpr const char* kLockName = "lock";
constexpr std::size_t kJournalLimit = 1 << 20;

constexpr std::array<std::pair<Verdict, const char*>, 10> kVerdicts = {{{Verdict::unchanged, "unchanged"},
                                                                        {Verdict::grown, "grown"},
                                                                        {Verdict::packed, "packed"},
                                                                        {Verdict::evolved, "evolved"},
                                                                        {Verdict::sound, "sound"},
                                                                        {Verdict::missing, "missing"},
                                                                        {Verdict::blank, "blank"},
                                                                        {Verdict::truncated, "truncated"},
                                                                        {Verdict::foreign, "foreign"},
                                                                        {Verdict::damaged, "damaged"}}};

std::string state_path(const std::string& instance) {
  return std::string(kStateRoot) + "/" + instance;
}

void check_private(io::Dir& dir) {
  const io::FileStatus status = dir.status();
  if (status.owner.uid != 0 || (status.mode & 022) != 0) {
    throw Error(ErrorKind::unsafe_path, "open", dir.path(), "can be written by others than root")
        .with_hint("make it root's alone: chown root: and chmod 0700");
  }
}

[[noreturn]] void refuse_journal(io::Dir& state, const std::string& why) {
  throw Error(ErrorKind::corrupt, "read", state.path() + "/" + kJournalName, why)
      .with_hint("move it away to start anew; Data.fs.0 and the older generations are not touched by that");
}

// A path or a package's version need not be UTF-8; JSON has to be.
std::string dumped(const Journal& journal) {
  return base::json_text(to_json_value(journal));
}

}  // namespace

const char* to_string(Verdict verdict) {
  for (const auto& [value, word] : kVerdicts) {
    if (value == verdict) return word;
  }
  return "unknown";
}

std::optional<Verdict> verdict_from(const std::string& word) {
  for (const auto& [value, text] : kVerdicts) {
    if (word == text) return value;
  }
  return std::nullopt;
}

bool is_healthy(Verdict verdict) {
  return verdict == Verdict::unchanged || verdict == Verdict::grown || verdict == Verdict::packed ||
         verdict == Verdict::evolved || verdict == Verdict::sound;
}

bool is_empty_handed(Verdict verdict) {
  return verdict == Verdict::missing || verdict == Verdict::blank || verdict == Verdict::truncated;
}

const char* to_string(Before before) {
  switch (before) {
    case Before::database: return "database";
    case Before::blank: return "blank";
    case Before::absent: return "absent";
  }
  return "unknown";
}

void Journal::remember(const Outcome& outcome, bool replaced) {
  last = outcome;
  if (replaced) last_replaced = outcome;
}

std::unique_ptr<io::Dir> open_state(io::Env& env, const std::string& instance) {
  io::open_or_make_dir(env, kStateRoot, io::Links::administrator);
  auto dir = io::open_or_make_dir(env, state_path(instance), io::Links::administrator);
  check_private(*dir);
  return dir;
}

std::unique_ptr<io::Dir> find_state(io::Env& env, const std::string& instance) {
  try {
    auto dir = env.open_dir(state_path(instance), io::Links::administrator);
    check_private(*dir);
    return dir;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::not_found) return nullptr;
    throw;
  }
}

io::FileLock lock_instance(io::Dir& state, const std::string& purpose, unsigned wait_s, io::Env& env) {
  return io::FileLock(state, kLockName, purpose, wait_s, env);
}

Journal load_journal(io::Dir& state) {
  if (!state.status(kJournalName)) return {};
  try {
    return journal_from_json(base::parse_json(io::read_small_file(state, kJournalName, kJournalLimit)));
  } catch (const nlohmann::json::exception& error) {
    refuse_journal(state, error.what());
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt) throw;
    refuse_journal(state, error.reason());
  }
}

void save_journal(io::Dir& state, const Journal& journal, io::Env& env) {
  const std::string text = dumped(journal) + "\n";
  io::replace_file(state, kJournalName, base::as_bytes(text), {0, 0}, 0600, env);
}

std::string journal_json(const Journal& journal) {
  return dumped(journal);
}

}  // namespace upgrade
