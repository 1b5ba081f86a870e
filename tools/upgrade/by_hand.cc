#include "upgrade/by_hand.h"

#include "base/error.h"
#include "base/text.h"
#include "upgrade/data_folder.h"
#include "upgrade/journal.h"
#include "upgrade/lineage.h"
#include "upgrade/service.h"

namespace upgrade {

namespace {

// A copy that root made with cp must not become a database that the server cannot open.
void give_to_service(DataFolder& folder, const Journal& journal, Fingerprint& database) {
  if (database.owner.uid != 0) return;
  const auto live = folder.dir().status(folder.data_name());
  if (live && live->owner.uid != 0) {
    database.owner = live->owner;
    database.mode = live->mode;
  } else if (journal.snapshot && journal.snapshot->owner.uid != 0) {
    database.owner = journal.snapshot->owner;
    database.mode = journal.snapshot->mode;
  } else {
    database.owner = folder.dir().status().owner;
  }
}

std::string newest_generation(DataFolder& folder) {
  const auto generations = folder.generations();
  if (!generations.empty()) return generation_name(folder.data_name(), generations.front());
  throw base::Error(base::ErrorKind::not_found, "choose", folder.path_of(folder.data_name()),
                    "there is no older copy of it");
}

RollbackPlan choose(io::Env& env, const Instance& instance, DataFolder& folder,
                    const std::optional<std::string>& to) {
  const auto state = find_state(env, instance.name);
  const Journal journal = state ? load_journal(*state) : Journal{};
  if (!to && journal.open && journal.open->data_dir != instance.data_dir &&
      place_before(env, instance, *journal.open)) {
    throw base::Error(base::ErrorKind::not_found, "choose", instance.data_path(),
                      "before the upgrade the database was " + base::quoted(journal.open->data_path()))
        .with_hint(
            "put that back into the configuration, or move the database to where it is looked for now");
  }
  if (!to && journal.open && journal.open->before != Before::absent) {
    if (auto source = find_source(folder, journal.open->database, journal.open->held)) {
      RollbackPlan plan = plan_rollback(folder, *source, "replaced", false);
      plan.blobs = journal.open->blobs;
      return plan;
    }
  }
  RollbackSource source = source_named(folder, to ? *to : newest_generation(folder));
  give_to_service(folder, journal, source.database);
  return plan_rollback(folder, source, "replaced", false);
}

}  // namespace

HandPlan plan_by_hand(io::Env& env, const Instance& instance, const std::optional<std::string>& to) {
  DataFolder folder(env, instance);
  HandPlan hand;
  hand.plan = choose(env, instance, folder, to);
  const RollbackSource& source = hand.plan.source;
  hand.source_path =
      folder.path_of(source.in_vault ? std::string(kVaultName) + "/" + source.name : source.name);
  return hand;
}

RollbackReport roll_back_by_hand(io::Env& env, const Instance& instance, const HandPlan& hand,
                                 const io::OnProgress& progress) {
  const auto state = open_state(env, instance.name);
  const io::FileLock lock = lock_instance(*state, "schooltool-db-rollback", 0, env);
  DataFolder folder(env, instance);
  folder.sweep();
  if (!still_fits(folder, hand.plan)) {
    throw base::Error(base::ErrorKind::busy, "put back", hand.source_path,
                      "the database or its copies were changed since this was planned")
        .with_hint("nothing was done; run the command again to see what it would do now");
  }
  Journal journal = load_journal(*state);
  RollbackPlan plan = hand.plan;
  plan.start_server = plan.start_server || (journal.open && journal.open->server_was_running);
  Service service(env, instance.settings.service);
  RollbackReport done = carry_out(env, folder, plan, service, progress);
  journal.open.reset();
  journal.remember({env.now(), Verdict::sound, "chosen by a person", "rolled back", done.displaced_to}, true);
  save_journal(*state, journal, env);
  return done;
}

}  // namespace upgrade
