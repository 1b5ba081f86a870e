#include "repozo/plan.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/md5.h"
#include "base/parallel.h"
#include "filestorage/oid_text.h"
#include "repozo/compare.h"
#include "repozo/first_change.h"
#include "repozo/piece_io.h"

namespace repozo {

namespace {

// The md5 of the first bytes of a file, at each of these rising offsets; at its end for those beyond.
std::vector<std::string> md5_up_to(io::File& file, const std::vector<std::uint64_t>& offsets) {
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(kSumBlock);
  base::Md5 md5;
  std::vector<std::string> sums;
  std::uint64_t done = 0;
  for (const std::uint64_t offset : offsets) {
    while (done < offset) {
      const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kSumBlock, offset - done));
      const std::size_t got = file.read_full(done, {buffer.get(), wanted});
      if (got == 0) break;
      md5.update({buffer.get(), got});
      done += got;
    }
    sums.push_back(md5.hex());
  }
  return sums;
}

std::string md5_of_range(io::File& file, std::uint64_t start, std::uint64_t end) {
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(kSumBlock);
  base::Md5 md5;
  while (start < end) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kSumBlock, end - start));
    const std::size_t got = file.read_full(start, {buffer.get(), wanted});
    if (got == 0) break;
    md5.update({buffer.get(), got});
    start += got;
  }
  return md5.hex();
}

// Whether the file holds the piece that these sums are of, where it stood.
bool has_blocks(io::File& file, const Sums& sums) {
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(kSumBlock);
  std::uint64_t start = sums.start;
  for (const Sum& expected : sums.blocks) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kSumBlock, sums.end - start));
    const std::size_t got = file.read_full(start, {buffer.get(), wanted});
    if (got < wanted || sum_of({buffer.get(), got}) != expected) return false;
    start += got;
  }
  return start == sums.end;
}

class Planner {
 public:
  Planner(Repository& repository, const Source& source, const BackupOptions& options, const Report& report)
      : repository_(repository), source_(source), options_(options), report_(report) {}

  Plan run(const std::string& now) {
    plan_.chain = newest_chain_by_name(repository_);
    tell_files(now);
    decide();
    if (plan_.action == Action::full && (removes() || options_.compare)) look_before_removing();
    if (!plan_.source) open_source();
    return std::move(plan_);
  }

 private:
  void tell_files(const std::string& now) {
    report_.say("looking for files between last full backup and " + now + "...");
    if (!plan_.chain) {
      report_.say("no files found");
      return;
    }
    report_.say("files needed to recover state as of " + now + ":");
    for (const Piece& piece : plan_.chain->pieces) {
      if (!piece.missing) report_.say("\t" + repository_.shown(piece.name.file()));
    }
  }

  void open_source() {
    plan_.source = source_.dir.open_file(source_.name, io::Access::read);
    size_ = plan_.source->status().size;
  }

  void full(const std::string& reason) {
    plan_.action = Action::full;
    plan_.reason = reason;
  }
  // Told always: somebody has to look after that disk.
  void full_for_damage(const std::string& name, const std::string& text) {
    const std::string shown = repository_.shown(name) + " " + text;
    full(shown);
    report_.say("the repository is damaged (full backup)");
    report_.warn(shown + "; a full backup is made instead of an increment");
  }
  void nothing() {
    report_.say("No changes, nothing to do");
    plan_.action = Action::none;
    plan_.reason = "no changes";
  }
  void increment(std::uint64_t from) {
    report_.say("doing incremental, starting at: " + std::to_string(from));
    plan_.action = Action::increment;
    plan_.reason = "the database has grown";
    plan_.from = from;
  }
  void shrunk() {
    report_.say("file shrunk, possibly because of a pack (full backup)");
    full("the database has shrunk");
    look_where();
  }
  void changed() {
    report_.say("file changed, possibly because of a pack (full backup)");
    full("the database has changed");
    look_where();
  }

  bool removes() const { return options_.kill_old || options_.keep_chains; }

  // Whether it can be a pack, of which the original speaks. What cannot be read proves nothing.
  void look_where() {
    if (options_.quick && !removes()) return;
    try {
      const FirstChange change = find_first_change(repository_, plan_.pieces, *plan_.source);
      if (!change.damaged.empty()) {
        full(repository_.shown(change.damaged) + " " + change.fault);
        report_.warn(plan_.reason + "; a full backup is made instead of an increment");
      }
      if (change.in_data) tell_damage(*change.in_data);
    } catch (const base::Error&) {
      // The backup itself shows what of it is serious.
    }
  }

  void tell_damage(const ChangedData& data) {
    const std::string& shown = source_.shown.empty() ? plan_.source->path() : source_.shown;
    plan_.damage = shown + " has changed at byte " + std::to_string(data.at) + ", in the data of object " +
                   filestorage::oid_text(data.oid) + " as of transaction " + filestorage::oid_text(data.tid) +
                   ", where nothing ever should: it is damaged, or was when it was backed up";
  }

  // Where older backups go for this one, the good ones must not: also those from before a damage that the
  // newest backup has already.
  void look_before_removing() {
    const auto chains = list_chains(repository_);
    for (auto chain = chains.rbegin(); chain != chains.rend() && plan_.damage.empty(); ++chain)
      look_at(*chain);
  }

  void look_at(const Chain& chain) {
    const bool told = std::all_of(chain.pieces.begin(), chain.pieces.end(),
                                  [](const Piece& piece) { return piece.described && !piece.contradicted; });
    if (!chain.problem.empty() || problem_of(chain.pieces) || !told) return;
    if (!plan_.source) open_source();
    try {
      const FirstChange change = find_first_change(repository_, chain.pieces, *plan_.source);
      if (change.in_data) tell_damage(*change.in_data);
    } catch (const base::Error&) {
      // As above.
    }
  }

  void decide() {
    if (options_.full || !plan_.chain) {
      report_.say("doing a full backup");
      full(options_.full ? "it was asked for" : "there is no backup yet");
      return;
    }
    open_source();
    const Chain& chain = *plan_.chain;
    if (options_.quick && chain.lines.empty() && (chain.problem.empty() || chain.problem == "is empty")) {
      report_.say("missing or empty .dat file (full backup)");
      full("the .dat file is missing or empty");
      return;
    }
    if (chain.has_dat && !chain.problem.empty() && chain.problem != "is empty") {
      full_for_damage(dat_name(chain.stamp), chain.problem);
      return;
    }
    plan_.pieces = chain.pieces;
    if (const auto problem = problem_of(plan_.pieces)) {
      full_for_damage(problem->name, problem->text);
      return;
    }
    for (const Piece& piece : plan_.pieces) {
      if (piece.contradicted) return full_for_damage(sums_name(piece.name.stamp), piece.problem);
    }
    if (options_.quick && all_in_dat(chain)) {
      decide_quickly(chain.lines.back());
    } else {
      decide_thoroughly();
    }
  }

  // The .dat tells of every piece, and of the last one last: else its last line is not where the state ends.
  static bool all_in_dat(const Chain& chain) {
    return std::all_of(chain.pieces.begin(), chain.pieces.end(),
                       [](const Piece& piece) { return piece.in_dat; }) &&
           chain.lines.back().name == chain.last().name;
  }

  void decide_quickly(const DatLine& last) {
    if (size_ < last.end) return shrunk();
    report_.say("last incremental file: " + last.path);
    report_.say("last incremental checksum: " + last.md5);
    if (!is_in_source(last)) return changed();
    if (last.start == last.end && !is_last_content_same()) return changed();
    if (size_ == last.end) return nothing();
    increment(last.end);
  }

  // Where nobody is shown the MD5, by the sums of the blocks, which take a tenth of the time.
  bool is_in_source(const DatLine& line) {
    const Piece& piece = plan_.chain->last();
    if (!report_.is_verbose() && piece.sums && line.name == piece.name && piece.sums->start == line.start &&
        piece.sums->end == line.end && piece.sums->md5 == line.md5) {
      return has_blocks(*plan_.source, *piece.sums);
    }
    const std::string sum = md5_of_range(*plan_.source, line.start, line.end);
    report_.say("source checksum range: [" + std::to_string(line.start) + ".." + std::to_string(line.end) +
                "], sum: " + sum);
    return sum == line.md5;
  }

  // The sum of an empty increment tells nothing of the source: what counts is the last piece with content.
  bool is_last_content_same() {
    const auto& lines = plan_.chain->lines;
    const auto line =
        std::find_if(lines.rbegin(), lines.rend(), [](const DatLine& each) { return each.start < each.end; });
    return line != lines.rend() && md5_of_range(*plan_.source, line->start, line->end) == line->md5;
  }

  void decide_thoroughly() {
    const auto difference = compare_with_source(repository_, plan_.pieces, *plan_.source, report_);
    if (difference && !difference->fault.empty()) return full_for_damage(difference->name, difference->fault);
    const std::uint64_t held = plan_.pieces.back().end;
    if (report_.is_verbose()) tell_sums(held, !difference);
    if (size_ < held) return shrunk();
    if (difference) return changed();
    if (size_ == held) return nothing();
    increment(held);
  }

  void tell_sums(std::uint64_t held, bool same) {
    std::vector<std::uint64_t> offsets = {std::min(held, size_), size_};
    std::vector<std::string> of_source;
    std::string of_repository;
    base::run_jobs(same ? 1 : 2, 2, [&](const base::NextJob& next) {
      for (std::uint64_t job = next(); job < (same ? 1U : 2U); job = next()) {
        if (job == 0) of_source = md5_up_to(*plan_.source, offsets);
        if (job == 1) of_repository = md5_of_pieces();
      }
    });
    if (same) of_repository = of_source[0];
    report_.say("repository state: " + std::to_string(held) + " bytes, md5: " + of_repository);
    report_.say("current state   : " + std::to_string(size_) + " bytes, md5: " + of_source[1]);
    report_.say("backed up state : " + std::to_string(held) + " bytes, md5: " + of_source[0]);
  }

  std::string md5_of_pieces() {
    base::Md5 md5;
    for (const Piece& piece : plan_.pieces) {
      const auto file = open_piece(repository_, piece);
      read_piece(*file, piece.name, piece.size(), [&](base::ByteSpan bytes) { md5.update(bytes); });
    }
    return md5.hex();
  }

  Repository& repository_;
  const Source& source_;
  const BackupOptions& options_;
  const Report& report_;
  Plan plan_;
  std::uint64_t size_ = 0;
};

}  // namespace

Plan make_plan(Repository& repository, const Source& source, const BackupOptions& options,
               const std::string& now, const Report& report) {
  return Planner(repository, source, options, report).run(now);
}

}  // namespace repozo
