#include "repozo/backup.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "repozo/add_increment.h"
#include "repozo/new_files.h"
#include "repozo/piece_io.h"
#include "repozo/plan.h"
#include "repozo/retention.h"
#include "repozo/source.h"

namespace repozo {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::int64_t kClockDrift = 60;  // seconds that a stamp may be ahead of the clock without a word

// Later than every backup there is, and with no file of that stamp: at the present second, or behind the
// newest backup where that one is of this second, or of a clock that was ahead.
std::string new_stamp(Repository& repository, base::UtcTime now, const Report& report) {
  std::optional<std::string> stamp = stamp_of(now);
  const std::vector<BackupName> backups = repository.backups();
  if (!backups.empty() && *stamp <= backups.back().stamp) stamp = stamp_after(backups.back().stamp);
  const auto taken = [&](const std::string& one) {
    io::Dir& dir = repository.dir();
    return dir.status(dat_name(one)) || dir.status(index_name(one)) || dir.status(sums_name(one)) ||
           dir.status(sums_new_name(one));
  };
  while (stamp && taken(*stamp)) stamp = stamp_after(*stamp);
  if (!stamp || !is_stamp(*stamp)) {
    throw Error(ErrorKind::unsupported, "back up to", repository.shown(""),
                "there is no later date than that of the newest backup");
  }
  const auto time = time_of(*stamp);
  if (!time || time->seconds > now.seconds + kClockDrift) {
    report.warn("the newest backup is of the future, or the clock is wrong; this one is called " + *stamp +
                " to come behind it");
  }
  return *stamp;
}

// The index that stands beside the last piece, if all pieces are ours: then every record up to there was
// looked at when it was backed up, and the source still begins with these bytes.
std::optional<KnownPart> known_part(Repository& repository, const Plan& plan) {
  if (plan.action != Action::increment) return std::nullopt;
  for (const Piece& piece : plan.pieces) {
    if (!piece.sums) return std::nullopt;
  }
  const Piece& last = plan.pieces.back();
  try {
    const auto file = repository.dir().open_file(index_name(last.name.stamp), io::Access::read);
    if (!is_index_of(*last.sums, *file)) return std::nullopt;
    std::string why;
    auto index = filestorage::read_index(*file, why);
    if (!index || index->position != plan.from) return std::nullopt;
    return KnownPart{plan.from, std::move(index->positions)};
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
    return std::nullopt;
  }
}

class Backup {
 public:
  Backup(Repository& repository, const Source& source, const BackupOptions& options, const Report& report)
      : repository_(repository), source_(source), options_(options), report_(report) {}

  BackupResult run() {
    const base::UtcTime now = repository_.env().now();
    Plan plan = make_plan(repository_, source_, options_, stamp_of(now), report_);
    result_.action = plan.action;
    result_.reason = plan.reason;
    result_.damage = plan.damage;
    if (plan.action == Action::none) {
      const Piece& last = plan.chain->last();
      result_.chain = plan.chain->stamp;
      result_.stamp = last.name.stamp;
      result_.name = last.name.file();
      result_.start = last.start;
      result_.end = last.end;
      result_.stored = last.stored;
      return std::move(result_);
    }
    result_.stamp = new_stamp(repository_, now, report_);
    make(plan);
    if (plan.action == Action::full && (options_.kill_old || options_.keep_chains)) remove_old();
    return std::move(result_);
  }

 private:
  void remove_old() {
    if (!result_.damage.empty()) {
      report_.warn(result_.damage + ". It is backed up as it is, and all older backups are kept");
      return;
    }
    const unsigned keep = options_.kill_old ? 1 : *options_.keep_chains;
    result_.removed = remove_chains(repository_, keep, report_);
  }

  void make(Plan& plan) {
    const bool full = plan.action == Action::full;
    const BackupName name{result_.stamp, full ? Kind::full : Kind::increment, options_.gzip};
    result_.name = name.file();
    result_.chain = full ? result_.stamp : plan.chain->stamp;
    result_.start = full ? 0 : plan.from;
    result_.end = end_of_source(*plan.source);
    if (result_.end < result_.start) {
      throw Error(
          ErrorKind::corrupt, "back up", plan.source->path(),
          "is damaged at byte " + std::to_string(result_.end) + ", before the end of what is backed up");
    }
    report_.say("writing index");
    report_.say((full ? "writing full backup: " : "writing incremental: ") +
                std::to_string(result_.end - result_.start) + " bytes to " + repository_.shown(result_.name));

    SideFiles sides(repository_, result_.stamp, options_.mode);
    sides.reserve_stamp();
    io::AtomicFile data(repository_.dir(), result_.name, repository_.env());
    SourceScan scan(*plan.source, result_.end, known_part(repository_, plan));
    Written written = copy_range(*plan.source, result_.start, result_.end, options_.gzip, data.file(),
                                 report_.start("copying", result_.end - result_.start));
    scan.demand_whole();
    result_.md5 = written.md5;
    result_.stored = written.stored;

    Sums sums = {
        name, result_.start, result_.end, written.md5, written.stored, 0, {}, std::move(written.blocks)};
    const auto index = sides.create(index_name(result_.stamp));
    write_source_index(*index, scan, result_.end, source_.dir, source_.name);
    index->sync();
    sums.index_sum = sum_of_file(*index, sums.index_size);
    sides.write_sums(sums);
    const DatLine line{repository_.in_dat(result_.name), name, result_.start, result_.end, result_.md5};
    seal_as_far_as_allowed(data, data.file().status().owner, options_.mode);
    if (full) {
      finish_full(data, line, sums, sides);
    } else {
      sides.sync();
      sides.keep();
      add_increment(repository_, data, plan.chain->stamp, lines_with(plan, line), options_.mode);
    }
    sides.finish();
  }

  // The data get their name last: until then nobody looks at the other files, so this step alone makes the
  // backup count, complete.
  void finish_full(io::AtomicFile& data, const DatLine& line, const Sums& sums, SideFiles& sides) {
    const auto dat = sides.create(dat_name(result_.stamp));
    dat->write_full(0, base::as_bytes(dat_line(line)));
    dat->sync();
    if (options_.kill_old || options_.keep_chains) read_back(data.file(), line, sums);
    sides.sync();
    sides.keep();
    data.commit(io::Replace::no);
  }

  // From the disk, as others are to be removed on the strength of it.
  void read_back(io::File& file, const DatLine& line, const Sums& sums) {
    file.drop_cache(0, result_.stored);
    Piece piece;
    piece.name = line.name;
    piece.start = line.start;
    piece.end = line.end;
    piece.md5 = line.md5;
    piece.described = true;
    piece.sums = std::make_shared<const Sums>(sums);
    const Checked checked = check_piece(file, piece, Check::sums, {});
    if (checked.fault.empty()) return;
    throw Error(ErrorKind::corrupt, "read back", repository_.shown(result_.name),
                "what was written does not read back the same: it " + checked.fault)
        .with_hint("nothing was removed; the memory or the disk of this machine may be failing");
  }

  // Those there are, those that lack for pieces that have just been compared with the source, and the new
  // one.
  std::vector<DatLine> lines_with(const Plan& plan, const DatLine& line) {
    std::vector<DatLine> lines = plan.chain->lines;
    for (const Piece& piece : plan.pieces) {
      if (piece.in_dat) continue;
      std::string md5 = piece.md5;
      if (md5.empty()) md5 = check_piece(*open_piece(repository_, piece), piece, Check::md5, {}).md5;
      lines.push_back({repository_.in_dat(piece.name.file()), piece.name, piece.start, piece.end, md5});
    }
    lines.push_back(line);
    return lines;
  }

  Repository& repository_;
  const Source& source_;
  const BackupOptions& options_;
  const Report& report_;
  BackupResult result_;
};

}  // namespace

BackupResult back_up(Repository& repository, const Source& source, const BackupOptions& options,
                     const Report& report) {
  const io::FileLock lock = repository.lock_and_sweep("repozo -B");
  finish_interrupted(repository);
  return Backup(repository, source, options, report).run();
}

std::vector<std::string> keep_chains_from(Repository& repository, const std::string& stamp,
                                          const Report& report) {
  const io::FileLock lock = repository.lock_and_sweep("repozo --keep");
  finish_interrupted(repository);
  return remove_chains_before(repository, stamp, report);
}

}  // namespace repozo
