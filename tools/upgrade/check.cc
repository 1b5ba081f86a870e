#include "upgrade/check.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "upgrade/data_folder.h"
#include "upgrade/dpkg.h"
#include "upgrade/fingerprint.h"
#include "upgrade/notice.h"
#include "upgrade/rollback.h"
#include "upgrade/service.h"
#include "upgrade/snapshot.h"

namespace upgrade {

using base::Error;
using base::ErrorKind;

namespace {

constexpr unsigned kMostRollbacks = 3;  // automatic ones in one upgrade; then something else is wrong

enum class Gate {
  open,         // the packages are configured
  failed_half,  // the run is over, but a package is only half configured: repair, but do not close
  wait,         // packages are still to be configured
  gone          // the packages were removed: this is no upgrade any more
};

Gate gate_of(io::Env& env, const OpenUpgrade& open, const Settings& settings, Caller caller) {
  if (caller == Caller::person || caller == Caller::service_start) return Gate::open;
  if (caller == Caller::cron && dpkg_is_running(env)) return Gate::wait;
  std::vector<std::string> names;
  for (const PackageChange& change : open.packages) names.push_back(change.name);
  const auto states = package_states(env, names.empty() ? settings.packages : names);
  const auto any = [&](std::initializer_list<PackageState> wanted) {
    return std::any_of(states.begin(), states.end(), [&](const auto& entry) {
      return std::find(wanted.begin(), wanted.end(), entry.second) != wanted.end();
    });
  };
  if (any({PackageState::half_installed, PackageState::unpacked})) return Gate::wait;
  if (any({PackageState::half_configured, PackageState::triggers_pending})) {
    return caller == Caller::trigger ? Gate::wait : Gate::failed_half;
  }
  return any({PackageState::installed}) ? Gate::open : Gate::gone;
}

// Whether what stood before is something to compare with and to put back.
bool has_reference(const OpenUpgrade& open) {
  return open.before != Before::absent && open.database.size > 4;
}

// Null if the database is where it was, or that folder is gone.
std::unique_ptr<DataFolder> open_place_before(io::Env& env, const Instance& instance,
                                              const OpenUpgrade& open) {
  const auto before = place_before(env, instance, open);
  return before ? std::make_unique<DataFolder>(env, *before) : nullptr;
}

// The vault's copy for comparing with; null if it is gone, or not what it was, or cannot be read.
std::unique_ptr<io::File> open_held(DataFolder& folder, const OpenUpgrade& open) {
  try {
    io::Dir* vault = open.held.empty() ? nullptr : folder.find_vault();
    if (vault == nullptr || !vault->status(open.held)) return nullptr;
    auto file = vault->open_file(open.held, io::Access::read);
    const bool whole = file->status().size >= open.database.size &&
                       last_tid(*file, open.database.size) == open.database.last_tid;
    return whole ? std::move(file) : nullptr;
  } catch (const Error&) {
    return nullptr;  // less can be told without it, and another copy may do
  }
}

// `copies` is the folder that the database of before was in; that of the live one, unless that was moved.
Judgement judge_upgrade(DataFolder& folder, DataFolder& copies, const OpenUpgrade& open,
                        const io::OnProgress& progress) {
  std::unique_ptr<io::File> live;
  try {
    live = folder.open_live();
  } catch (const Error& error) {
    // A link or the like in the database's place: nothing that we read, and nothing a server should open.
    if (error.kind() != ErrorKind::unsafe_path) throw;
    Judgement judgement;
    judgement.verdict = Verdict::damaged;
    judgement.reason = error.reason();
    return judgement;
  }
  if (!has_reference(open)) return judge(live.get(), nullptr, nullptr, progress);
  auto before_file = open_held(copies, open);
  Judgement judgement = judge(live.get(), &open.database, before_file.get(), progress);
  if (before_file || is_healthy(judgement.verdict) || judgement.verdict == Verdict::missing) return judgement;
  // The vault's copy is gone, and without the bytes of before less can be told: look for them.
  const auto source = find_source(copies, open.database, {});
  if (!source || source->compressed) return judgement;
  before_file = copies.open_if_ours(source->name);
  return before_file ? judge(live.get(), &open.database, before_file.get(), progress) : judgement;
}

class UpgradeCheck {
 public:
  UpgradeCheck(io::Env& env, const Instance& instance, const CheckRequest& request, io::Dir& state,
               Journal& journal)
      : env_(env),
        instance_(instance),
        request_(request),
        state_(state),
        journal_(journal),
        folder_(has_data_folder(env, instance) ? std::make_unique<DataFolder>(env, instance) : nullptr),
        folder_before_(open_place_before(env, instance, *journal.open)) {}

  CheckReport run() {
    const Gate gate =
        request_.accept ? Gate::open : gate_of(env_, *journal_.open, instance_.settings, request_.caller);
    if (gate == Gate::wait) {
      report_.action = CheckAction::waiting;
      report_.reason = "the packages are not configured yet";
      start_over();
      return report_;
    }
    if (gate == Gate::gone && !folder_) {
      report_.verdict = Verdict::missing;
      report_.reason = "the packages and the data folder were removed";
      close();
      return report_;
    }
    report_.judgement = folder_ ? judge_upgrade(*folder_, *copies(), *journal_.open, {})
                                : judge(nullptr, nullptr, nullptr, {});
    report_.looked = true;
    report_.verdict = report_.judgement.verdict;
    report_.reason = report_.judgement.reason;
    std::vector<std::string> untold;
    if (is_heard()) untold.swap(upgrade().untold);
    decide(gate);
    report_.messages.insert(report_.messages.begin(), untold.begin(), untold.end());
    if (!untold.empty()) save_journal(state_, journal_, env_);
    return report_;
  }

 private:
  OpenUpgrade& upgrade() { return *journal_.open; }

  // The folder with the copies from before the upgrade; null if it is gone.
  DataFolder* copies() { return folder_before_ ? folder_before_.get() : folder_.get(); }

  // Somebody reads the messages, and the state may be written.
  bool is_heard() const {
    return request_.caller == Caller::dpkg_done || request_.caller == Caller::trigger ||
           request_.caller == Caller::cron;
  }

  bool is_acceptable() {
    if (request_.accept || is_healthy(report_.verdict)) return true;
    // Nothing was there before, so nothing can have been lost.
    return !has_reference(upgrade()) && is_empty_handed(report_.verdict);
  }

  bool shall_roll_back() {
    if (request_.caller == Caller::person && !request_.repair) return false;
    if (folder_before_) return false;  // whether the database should be here or there is not known
    if (upgrade().rollbacks >= kMostRollbacks && request_.caller != Caller::person) return false;
    if (is_empty_handed(report_.verdict)) return true;
    if (request_.caller == Caller::service_start) return false;
    const OnBad on_bad =
        report_.verdict == Verdict::damaged ? instance_.settings.on_damaged : instance_.settings.on_foreign;
    return on_bad == OnBad::roll_back;
  }

  void decide(Gate gate) {
    if (is_acceptable()) {
      if (request_.accept || gate == Gate::gone) return close();
      if (gate == Gate::open) settle();
      return;
    }
    // There is no server any more that the database could be put back for, and it may have been removed
    // with the packages on purpose. But the copy that is held may be the last one.
    if (gate == Gate::gone) return ask_a_person();
    if (shall_roll_back()) return roll_back();
    ask_a_person();
  }

  // Good now; closed when it was good for the settling time. A blank database can still appear, seconds or
  // minutes after the server's start.
  void settle() {
    report_.action = CheckAction::waiting;
    if (request_.caller == Caller::person) return;
    finish_rollback();
    if (request_.caller == Caller::service_start) return;
    const base::UtcTime now = env_.now();
    if (!upgrade().good_since) {
      upgrade().good_since = now;
      remember("waiting", "");
      save_journal(state_, journal_, env_);
    }
    if (now.seconds - upgrade().good_since->seconds >= static_cast<std::int64_t>(instance_.settings.settle))
      close();
  }

  // The blobs of a database that was put back, where that could not be done at once.
  void finish_rollback() {
    if (upgrade().rollbacks == 0 || !upgrade().blobs) return;
    const BlobsBack blobs = put_blobs_back(env_, *upgrade().blobs, "blank");
    if (blobs.what == BlobsBack::What::put_back) report_.messages = blobs_notice(blobs);
  }

  // Whatever was good before the packages were changed says nothing about afterwards.
  void start_over() {
    if (!upgrade().good_since) return;
    upgrade().good_since.reset();
    save_journal(state_, journal_, env_);
  }

  void close() {
    report_.action = CheckAction::closed;
    remember("closed", "");
    journal_.open.reset();
    save_journal(state_, journal_, env_);
    if (folder_) folder_->sweep();
    // A person who accepts another database keeps the copy of the one before until the next upgrade.
    if (copies() != nullptr && !request_.accept) clear_vault(*copies(), {});
  }

  std::optional<RollbackSource> find_before() {
    if (copies() == nullptr || !has_reference(upgrade())) return std::nullopt;
    return find_source(*copies(), upgrade().database, upgrade().held);
  }

  // The database of before, if possible with what was still entered until the server was stopped. A database
  // that stands there with transactions of its own is the line where that must end.
  std::optional<RollbackSource> find_best() {
    auto source = find_before();
    if (!source) return source;
    const bool has_own = report_.verdict != Verdict::truncated;
    const base::Tid line = has_own ? report_.judgement.live.first_tid : 0;
    const auto longer = find_longer(*folder_, upgrade().database, line);
    return longer ? longer : source;
  }

  void roll_back() {
    const auto source = find_best();
    if (!source) return ask_a_person();
    folder_->sweep();  // before the space is counted
    // If it was missing, and somebody makes one meanwhile, then that one is kept.
    const char* word = report_.verdict == Verdict::missing ? "replaced" : to_string(report_.verdict);
    RollbackPlan plan = plan_rollback(*folder_, *source, word, wants_start());
    plan.blobs = upgrade().blobs;
    report_.source = path_of(*source);
    Service service(env_, instance_.settings.service);
    const RollbackReport done =
        carry_out(env_, *folder_, plan, service,
                  request_.progress ? request_.progress(source->database.size) : io::OnProgress());
    if (!done.displaced_to.empty()) report_.displaced_to = done.displaced_to;
    report_.action = CheckAction::rolled_back;
    report_.messages =
        rolled_back_notice(instance_, report_.judgement, upgrade(), source->database, *report_.source, done);
    if (request_.caller == Caller::service_start) upgrade().untold = report_.messages;
    ++upgrade().rollbacks;
    upgrade().good_since.reset();
    if (plan.move_instead_of_copy && source->in_vault) upgrade().held.clear();
    remember("rolled back", done.displaced_to);
    try {
      save_journal(state_, journal_, env_);
      write_note(state_, report_.messages, env_);
    } catch (const Error& error) {
      // Documented boundary: it is done and durable, and the administrator has to hear of it, full disk or
      // not.
      report_.messages.push_back(std::string("that could not be written down: ") + error.what());
    }
  }

  // The hooks run inside the package manager, where the server was stopped before the judgement: it has to
  // come back.
  bool wants_start() { return upgrade().server_was_running && request_.caller != Caller::service_start; }

  void ask_a_person() {
    report_.action = CheckAction::for_a_person;
    const auto source = find_before();
    if (source) report_.source = path_of(*source);
    report_.messages = doubtful_notice(instance_, report_.judgement, upgrade(), report_.source);
    if (request_.caller == Caller::person && !request_.repair) return;
    const bool told_before = journal_.last && journal_.last->verdict == report_.verdict &&
                             journal_.last->action == "waiting for a person";
    // Every five minutes is too often for the same mail.
    if (told_before && request_.caller == Caller::cron) report_.messages.clear();
    if (told_before) return;
    upgrade().good_since.reset();
    remember("waiting for a person", report_.source.value_or(""));
    save_journal(state_, journal_, env_);
    write_note(state_, report_.messages, env_);
  }

  std::string path_of(const RollbackSource& source) {
    return copies()->path_of(source.in_vault ? std::string(kVaultName) + "/" + source.name : source.name);
  }

  void remember(const std::string& action, const std::string& detail) {
    journal_.remember({env_.now(), report_.verdict, report_.reason, action, detail},
                      report_.action == CheckAction::rolled_back);
  }

  io::Env& env_;
  const Instance& instance_;
  const CheckRequest& request_;
  io::Dir& state_;
  Journal& journal_;
  std::unique_ptr<DataFolder> folder_;  // of the live database; null if it is not there
  // Where it was, if the configuration has it in another place since the upgrade.
  std::unique_ptr<DataFolder> folder_before_;
  CheckReport report_;
};

// Without an open upgrade: the newest snapshot serves for comparison, and nothing is done about the verdict,
// for an administrator may have erased the database on purpose.
CheckReport check_at_rest(io::Env& env, const Instance& instance, const Journal& journal) {
  CheckReport report;
  report.looked = true;
  DataFolder folder(env, instance);
  const auto live = folder.open_live();
  std::unique_ptr<io::File> newest;
  if (journal.snapshot) {
    newest = folder.open_if_ours(generation_name(folder.data_name(), {0, false}));
    if (newest && (newest->status().size < journal.snapshot->size ||
                   last_tid(*newest, journal.snapshot->size) != journal.snapshot->last_tid)) {
      newest = nullptr;
    }
  }
  const Fingerprint* before = journal.snapshot ? &*journal.snapshot : nullptr;
  report.judgement = judge(live.get(), before, newest.get(), {});
  report.verdict = report.judgement.verdict;
  report.reason = report.judgement.reason;
  return report;
}

}  // namespace

const char* to_string(CheckAction action) {
  switch (action) {
    case CheckAction::none: return "none";
    case CheckAction::waiting: return "waiting";
    case CheckAction::closed: return "closed";
    case CheckAction::rolled_back: return "rolled-back";
    case CheckAction::for_a_person: return "for-a-person";
  }
  return "unknown";
}

CheckReport check_open_upgrade(io::Env& env, const Instance& instance, const CheckRequest& request,
                               io::Dir& state, Journal& journal) {
  return UpgradeCheck(env, instance, request, state, journal).run();
}

CheckReport check(io::Env& env, const Instance& instance, const CheckRequest& request) {
  const auto state = find_state(env, instance.name);
  const bool by_person = request.caller == Caller::person;
  if (!state) return by_person ? check_at_rest(env, instance, {}) : CheckReport{};
  const bool writes = !by_person || request.repair || request.accept;
  if (!load_journal(*state).open) {
    return by_person ? check_at_rest(env, instance, load_journal(*state)) : CheckReport{};
  }
  std::optional<io::FileLock> lock;
  if (writes) {
    lock.emplace(
        lock_instance(*state, "schooltool-db-check", by_person ? 0 : instance.settings.lock_wait, env));
  }
  Journal journal = load_journal(*state);
  if (!journal.open) return by_person ? check_at_rest(env, instance, journal) : CheckReport{};
  return check_open_upgrade(env, instance, request, *state, journal);
}

}  // namespace upgrade
