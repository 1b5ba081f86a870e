#include "repozo/add_increment.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "repozo/chains.h"
#include "repozo/new_files.h"

namespace repozo {

namespace {

// Owner and mode of the .dat that is replaced, or of the folder and `mode`.
struct Rights {
  io::Owner owner;
  std::uint32_t mode;
};

std::optional<std::vector<DatLine>> lines_in(Repository& repository, const std::string& name) {
  if (!repository.dir().status(name)) return std::nullopt;
  return parse_dat(io::read_small_file(repository.dir(), name, kLargestDat), repository.shown(name));
}

bool is_named(const std::vector<DatLine>& lines, const BackupName& name) {
  return std::any_of(lines.begin(), lines.end(), [&](const DatLine& line) { return line.name == name; });
}

bool has_full(Repository& repository, const std::string& chain) {
  io::Dir& dir = repository.dir();
  return dir.status(BackupName{chain, Kind::full, false}.file()) ||
         dir.status(BackupName{chain, Kind::full, true}.file());
}

// The lines of both files, and those of pieces that stand there, ours, and in neither.
std::vector<DatLine> merged(Repository& repository, const std::string& stamp, std::vector<DatLine> lines,
                            const std::vector<DatLine>& newer) {
  for (const DatLine& line : newer) {
    if (!is_named(lines, line.name)) lines.push_back(line);
  }
  for (const Chain& chain : list_chains(repository)) {
    if (chain.stamp != stamp) continue;
    for (const Piece& piece : chain.pieces) {
      if (is_named(lines, piece.name) || !piece.sums || piece.stored != piece.sums->stored) continue;
      lines.push_back({repository.in_dat(piece.name.file()), piece.name, piece.start, piece.end, piece.md5});
    }
  }
  std::stable_sort(lines.begin(), lines.end(), [](const DatLine& one, const DatLine& other) {
    return comes_before(one.name, other.name);
  });
  return lines;
}

}  // namespace

void add_increment(Repository& repository, io::AtomicFile& data, const std::string& chain,
                   const std::vector<DatLine>& lines, std::uint32_t mode) {
  io::Dir& dir = repository.dir();
  const std::string dat = dat_name(chain), before = dat_before_name(chain);
  const auto old = dir.status(dat);
  io::AtomicFile next(dir, dat, repository.env());
  next.file().write_full(0, base::as_bytes(dat_text(lines)));
  const Rights rights =
      old ? Rights{old->owner, old->mode & 0777U} : Rights{next.file().status().owner, mode};
  seal_as_far_as_allowed(next, rights.owner, rights.mode);

  bool data_placed = false;
  try {
    if (old) {
      dir.rename(dat, dir, before, io::Replace::no);
      dir.sync();
    }
    data.commit(io::Replace::no);
    data_placed = true;
    next.commit(io::Replace::no);
  } catch (...) {
    // With the data in place, or perhaps in place, the next run's finish_interrupted() is the one who knows.
    try {
      if (old && !data_placed && !dir.status(lines.back().name.file()) && !dir.status(dat)) {
        dir.rename(before, dir, dat, io::Replace::no);
        dir.sync();
      }
    } catch (...) {
      // As above.
    }
    throw;
  }
  if (old) dir.remove(before);
}

void finish_interrupted(Repository& repository) {
  constexpr std::string_view ending = ".dat-before";
  io::Dir& dir = repository.dir();
  for (const std::string& name : dir.list()) {
    const std::string stamp = name.substr(0, name.find('.'));
    if (!name.ends_with(ending) || !is_stamp(stamp) || name != dat_before_name(stamp)) continue;
    if (!has_full(repository, stamp)) {  // the original's -k came between: a .dat would tell of what is gone
      dir.remove(name);
      dir.sync();
      continue;
    }
    const auto status = dir.status(name);
    const auto older = lines_in(repository, name);
    if (!status || !older) continue;
    const std::vector<DatLine> newer = lines_in(repository, dat_name(stamp)).value_or(std::vector<DatLine>());
    const std::vector<DatLine> lines = merged(repository, stamp, *older, newer);
    if (lines.size() > newer.size() || !dir.status(dat_name(stamp))) {
      replace_dat(repository, stamp, lines, status->owner, status->mode & 0777U);
    }
    dir.remove(name);
    dir.sync();
  }
}

}  // namespace repozo
