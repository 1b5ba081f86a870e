#include "upgrade/status.h"

#include "base/error.h"
#include "base/json_text.h"
#include "base/text.h"
#include "filestorage/scan.h"
#include "upgrade/data_folder.h"
#include "upgrade/journal_json.h"
#include "upgrade/notice.h"

namespace upgrade {

namespace {

const char* type_note(io::FileType type) {
  switch (type) {
    case io::FileType::regular: return "";
    case io::FileType::directory: return "a folder, passed over";
    case io::FileType::symlink: return "a link, passed over";
    default: return "not a plain file, passed over";
  }
}

void add_copies(Status& status, DataFolder& folder) {
  const auto add = [&](const std::string& name, const char* note) {
    const auto file = folder.dir().status(name);
    if (!file) return;
    const char* odd = type_note(file->type);
    status.copies.push_back({name, file->size, file->modified, *odd != 0 ? odd : note});
  };
  for (const Generation& generation : folder.generations()) {
    add(generation_name(folder.data_name(), generation), "");
  }
  for (const std::string& name : folder.dir().list()) {
    if (is_displaced_name(folder.data_name(), name)) add(name, "displaced");
  }
}

void read_database(Status& status, DataFolder& folder) {
  status.unreadable = true;
  const auto live = folder.open_live();
  status.unreadable = false;
  if (!live) return;
  status.present = true;
  status.size = live->status().size;
  status.server_running = folder.server_is_running();
  filestorage::Index positions;
  filestorage::ScanOptions options;
  options.positions = &positions;
  const auto scan = filestorage::scan(*live, options);
  status.objects = scan.objects;
  status.transactions = scan.transactions;
  if (scan.first_tid != 0) status.first_transaction = base::tid_time(scan.first_tid);
  if (scan.last_tid != 0) status.last_transaction = base::tid_time(scan.last_tid);
  for (const auto& finding : scan.findings) {
    if (finding.fatal) status.damage.push_back(finding.text + " at byte " + std::to_string(finding.position));
  }
}

std::string ago(base::UtcTime then, base::UtcTime now) {
  const std::int64_t seconds = now.seconds - then.seconds;
  return seconds < 0 ? "in the future" : base::human_duration(seconds) + " ago";
}

std::string line(const std::string& label, const std::string& text) {
  std::string padded = "  " + label;
  padded.resize(18, ' ');
  return padded + text + "\n";
}

std::string database_line(const Status& status) {
  if (!status.present) return status.unreadable ? "could not be read" : "missing";
  return base::human_size(status.size) + ", " + std::to_string(status.objects) + " objects, " +
         std::to_string(status.transactions) + " transactions" +
         (status.server_running ? ", server running" : "");
}

std::string copy_line(const StoredCopy& copy, base::UtcTime now) {
  std::string text = base::quoted(copy.name);
  text.resize(std::max<std::size_t>(text.size(), 36), ' ');
  text += " " + base::human_size(copy.size) + ", " + ago(copy.modified, now);
  return copy.note.empty() ? text : text + " (" + copy.note + ")";
}

std::string upgrade_line(const OpenUpgrade& open, base::UtcTime now) {
  const std::string packages = packages_text(open.packages);
  return "begun " + ago(open.opened, now) + " by " + open.by + (packages.empty() ? "" : ": " + packages) +
         (open.good_since ? "; good since " + ago(*open.good_since, now) : "; not yet found good");
}

std::string outcome_lines(const std::string& label, const Outcome& outcome, base::UtcTime now) {
  const std::string text =
      line(label, std::string(to_string(outcome.verdict)) + " (" + outcome.reason + "), " +
                      (outcome.action == "waiting" ? "still watched" : outcome.action) + ", " +
                      ago(outcome.at, now));
  return outcome.detail.empty() ? text : text + line("", "see " + base::quoted(outcome.detail));
}

std::string one_text(const Status& status, base::UtcTime now) {
  std::string text = status.instance->name + ": " + base::quoted(status.instance->data_path()) + "\n";
  if (!status.problem.empty()) text += line("problem", status.problem);
  text += line("database", database_line(status));
  if (status.last_transaction) {
    text += line("last change",
                 base::to_iso(*status.last_transaction) + ", " + ago(*status.last_transaction, now));
  }
  for (const std::string& damage : status.damage) text += line("damage", damage);
  bool first = true;
  for (const StoredCopy& copy : status.copies) {
    text += line(first ? "copies" : "", copy_line(copy, now));
    first = false;
  }
  if (status.copies.empty()) text += line("copies", "none yet");
  text += line("free space", base::human_size(status.free));
  text += line("open upgrade", status.journal.open ? upgrade_line(*status.journal.open, now) : "none");
  const auto& last = status.journal.last;
  const auto& replaced = status.journal.last_replaced;
  text += last ? outcome_lines("last verdict", *last, now) : line("last verdict", "none yet");
  if (waits_for_a_person(status)) {
    const std::string name = status.instance->name;
    text += line("decide", "schooltool-db rollback --instance " + name + " puts back what was there before");
    text += line("", "schooltool-db check --accept --instance " + name + " keeps what is there now");
  }
  if (replaced && replaced != last) text += outcome_lines("last replaced", *replaced, now);
  return text;
}

}  // namespace

Status status_of(io::Env& env, const Instance& instance) {
  Status status;
  status.instance = &instance;
  const auto attempt = [&](const auto& step) {
    try {
      step();
    } catch (const base::Error& error) {  // one part that cannot be told does not hide the others
      status.problem += (status.problem.empty() ? "" : "; ") + std::string(error.what());
    }
  };
  attempt([&] {
    const auto state = find_state(env, instance.name);
    if (state) status.journal = load_journal(*state);
  });
  attempt([&] {
    DataFolder folder(env, instance);
    status.free = folder.dir().space().free;
    attempt([&] { add_copies(status, folder); });
    attempt([&] { read_database(status, folder); });
  });
  return status;
}

bool waits_for_a_person(const Status& status) {
  const Journal& journal = status.journal;
  return journal.open && journal.last && journal.last->action == "waiting for a person";
}

std::string status_text(const std::vector<Status>& all, base::UtcTime now) {
  std::string text;
  for (const Status& status : all) text += (text.empty() ? "" : "\n") + one_text(status, now);
  return text;
}

std::string status_json(const std::vector<Status>& all) {
  nlohmann::json list = nlohmann::json::array();
  for (const Status& status : all) {
    nlohmann::json copies = nlohmann::json::array();
    for (const StoredCopy& copy : status.copies) {
      copies.push_back({{"name", copy.name},
                        {"size", copy.size},
                        {"modified", base::to_iso(copy.modified)},
                        {"note", copy.note}});
    }
    nlohmann::json value = {{"instance", status.instance->name},
                            {"data", status.instance->data_path()},
                            {"present", status.present},
                            {"server_running", status.server_running},
                            {"size", status.size},
                            {"objects", status.objects},
                            {"transactions", status.transactions},
                            {"damage", status.damage},
                            {"copies", std::move(copies)},
                            {"free", status.free},
                            {"journal", to_json_value(status.journal)},
                            {"problem", status.problem}};
    if (status.last_transaction) value["last_transaction"] = base::to_iso(*status.last_transaction);
    list.push_back(std::move(value));
  }
  // A hostile file name need not be UTF-8; the report has to be.
  return base::json_text(list) + "\n";
}

}  // namespace upgrade
