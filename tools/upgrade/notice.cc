#include "upgrade/notice.h"

#include "base/text.h"
#include "io/atomic_file.h"

namespace upgrade {

namespace {

std::string describe(const Instance& instance, const Judgement& judgement) {
  return "instance " + instance.name + ": the database " + base::quoted(instance.data_path()) + " is " +
         to_string(judgement.verdict) + " (" + judgement.reason + ") after the upgrade";
}

std::string describe(const Fingerprint& database) {
  return base::human_size(database.size) + ", " + std::to_string(database.objects) +
         " objects, last transaction " + base::to_iso(base::tid_time(database.last_tid));
}

}  // namespace

std::string packages_text(const std::vector<PackageChange>& packages) {
  std::string text;
  for (const PackageChange& change : packages) {
    if (!text.empty()) text += ", ";
    text += change.name;
    if (!change.old_version.empty()) text += " " + change.old_version;
    if (!change.new_version.empty()) text += (change.old_version.empty() ? " " : " -> ") + change.new_version;
  }
  return text;
}

std::vector<std::string> blobs_notice(const BlobsBack& blobs) {
  switch (blobs.what) {
    case BlobsBack::What::in_place: return {};
    case BlobsBack::What::put_back: {
      std::vector<std::string> lines = {"its blob folder was put back from " + base::quoted(blobs.from)};
      if (!blobs.displaced_to.empty()) {
        lines.push_back("the blob folder that stood there is kept as " + base::quoted(blobs.displaced_to));
      }
      return lines;
    }
    case BlobsBack::What::gone:
      return {"its blob folder " + base::quoted(blobs.path) +
              " was taken away and is not beside it under another name; look for a backup of it"};
    case BlobsBack::What::failed:
      return {"its blob folder " + base::quoted(blobs.path) + " could not be put back: " + blobs.problem};
  }
  return {};
}

std::vector<std::string> rolled_back_notice(const Instance& instance, const Judgement& judgement,
                                            const OpenUpgrade& upgrade, const Fingerprint& put_back,
                                            const std::string& source, const RollbackReport& done) {
  const std::string packages = packages_text(upgrade.packages);
  std::vector<std::string> lines = {describe(instance, judgement) +
                                    (packages.empty() ? "" : " of " + packages)};
  lines.push_back("the database of before was put back from " + base::quoted(source) + " (" +
                  describe(put_back) + ")");
  if (put_back.transactions > upgrade.database.transactions) {
    lines.push_back("with " + std::to_string(put_back.transactions - upgrade.database.transactions) +
                    " transactions from between the copy before the upgrade and the server's stop");
  }
  if (!done.displaced_to.empty()) {
    lines.push_back("what the upgrade had left is kept as " + base::quoted(done.displaced_to));
  }
  for (std::string& line : blobs_notice(done.blobs)) lines.push_back(std::move(line));
  if (done.start_failed) {
    lines.push_back("start the server with 'service " + instance.settings.service + " start'");
  }
  return lines;
}

std::vector<std::string> doubtful_notice(const Instance& instance, const Judgement& judgement,
                                         const OpenUpgrade& upgrade,
                                         const std::optional<std::string>& source) {
  std::vector<std::string> lines = {describe(instance, judgement)};
  if (instance.data_path() != upgrade.data_path()) {
    lines.push_back(
        "before the upgrade it was " + base::quoted(upgrade.data_path()) +
        ": put that back into the configuration, or move the database to where it is looked for now");
  }
  if (upgrade.rollbacks > 0 && is_empty_handed(judgement.verdict)) {
    lines.push_back("it has been put back and lost again since the upgrade began (times: " +
                    std::to_string(upgrade.rollbacks) +
                    "); find out by what before it is put back once more");
  }
  if (source) {
    lines.push_back("the database of before stands complete in " + base::quoted(*source) + " (" +
                    describe(upgrade.database) + ")");
    if (source->starts_with(instance.data_dir + "/"))
      lines.push_back("to put it back: schooltool-db rollback --instance " + instance.name);
  } else if (upgrade.before != Before::absent) {
    lines.push_back("no copy of the database of before was found in " + base::quoted(upgrade.data_dir) +
                    "; look for backups elsewhere before anything else");
  }
  lines.push_back("if the live database is right: schooltool-db check --accept --instance " + instance.name);
  return lines;
}

void write_note(io::Dir& state, const std::vector<std::string>& lines, io::Env& env) {
  std::string text = base::to_iso(env.now()) + "\n";
  for (const std::string& line : lines) text += line + "\n";
  io::replace_file(state, kNoteName, base::as_bytes(text), {0, 0}, 0600, env);
}

}  // namespace upgrade
