#include "repozo/retention.h"

#include <algorithm>

#include "base/error.h"
#include "repozo/chains.h"
#include "repozo/new_files.h"

namespace repozo {

namespace {

void remove_if_there(io::Dir& dir, const std::string& name) {
  if (dir.status(name)) dir.remove(name);
}

// The .sums becomes .sums-new: should we be cut off, the next sweep removes what is left of a stamp whose
// data are gone, and takes it back where they are not.
void mark(Repository& repository, const std::string& stamp) {
  io::Dir& dir = repository.dir();
  if (dir.status(sums_new_name(stamp))) return;
  if (dir.status(sums_name(stamp))) {
    dir.rename(sums_name(stamp), dir, sums_new_name(stamp), io::Replace::no);
  } else {
    dir.create_file(sums_new_name(stamp), 0600)->close();
  }
}

// The .dat without the lines of what is to go next. On a full disk it stays as it is: removing is what makes
// room, and the worst that a crash leaves then is a chain that is told to lack its end.
void take_out_of_dat(Repository& repository, const Chain& chain, std::size_t pieces_left) {
  std::vector<DatLine> lines;
  for (const DatLine& line : chain.lines) {
    const auto last = chain.pieces.begin() + static_cast<std::ptrdiff_t>(pieces_left);
    const bool stays =
        std::any_of(chain.pieces.begin(), last, [&](const Piece& piece) { return piece.name == line.name; });
    if (stays) lines.push_back(line);
  }
  const auto status = repository.dir().status(dat_name(chain.stamp));
  if (!status || !chain.problem.empty() || lines.size() == chain.lines.size()) return;
  try {
    replace_dat(repository, chain.stamp, lines, status->owner, status->mode & 0777U);
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::no_space) throw;
  }
}

// From the last increment to the full backup: of each first its line goes, then its data, each for good
// before the next. So at every moment there is a good chain, or nothing, and at most one increment behind it
// without a line; that one is good, too, and chains.cc knows it by its mark. (With a line and no data, verify
// would complain.) The files beside the data mean nothing without them, and go last.
void remove_chain(Repository& repository, const Chain& chain, const std::vector<std::string>& still_used) {
  io::Dir& dir = repository.dir();
  std::vector<std::string> stamps;
  for (const Piece& piece : chain.pieces) {
    const std::string& stamp = piece.name.stamp;
    if (std::find(still_used.begin(), still_used.end(), stamp) == still_used.end()) stamps.push_back(stamp);
  }
  for (const std::string& stamp : stamps) mark(repository, stamp);
  dir.sync();
  for (std::size_t left = chain.pieces.size(); left-- > 0;) {
    const Piece& piece = chain.pieces[left];
    if (left > 0) take_out_of_dat(repository, chain, left);
    if (piece.missing) continue;
    dir.remove(piece.name.file());
    dir.sync();
  }
  for (const std::string& stamp : stamps) {
    remove_if_there(dir, dat_name(stamp));
    remove_if_there(dir, dat_before_name(stamp));
    remove_if_there(dir, index_name(stamp));
  }
  dir.sync();
  for (const std::string& stamp : stamps) remove_if_there(dir, sums_new_name(stamp));
  dir.sync();
}

bool is_usable(const Chain& chain) {
  return !chain.headless && !chain.pieces.front().missing;
}

// The oldest of those that stay. With too few whole ones, what has a full backup is worth keeping; what
// stands before the first of these nobody can recover.
std::size_t oldest_to_keep(const std::vector<Chain>& chains, unsigned keep) {
  unsigned whole = 0;
  for (std::size_t at = chains.size(); at-- > 0;) {
    if (is_whole(chains[at]) && ++whole == keep) return at;
  }
  return static_cast<std::size_t>(std::find_if(chains.begin(), chains.end(), is_usable) - chains.begin());
}

std::vector<std::string> remove_first(Repository& repository, const std::vector<Chain>& chains,
                                      std::size_t count, const Report& report) {
  std::vector<std::string> removed;
  for (std::size_t at = 0; at < count; ++at) {
    for (const Piece& piece : chains[at].pieces) {
      if (!piece.missing) removed.push_back(piece.name.file());
    }
  }
  std::sort(removed.begin(), removed.end());
  for (const std::string& name : removed) {
    report.say("removing old backup file " + name + " (and .dat / .index)");
  }
  for (std::size_t at = 0; at < count; ++at) {
    std::vector<std::string> still_used;
    for (std::size_t later = at + 1; later < chains.size(); ++later) {
      for (const Piece& piece : chains[later].pieces) still_used.push_back(piece.name.stamp);
    }
    remove_chain(repository, chains[at], still_used);
  }
  return removed;
}

}  // namespace

std::vector<std::string> remove_chains(Repository& repository, unsigned keep, const Report& report) {
  const std::vector<Chain> chains = list_chains(repository);
  return remove_first(repository, chains, oldest_to_keep(chains, keep), report);
}

std::vector<std::string> remove_chains_before(Repository& repository, const std::string& stamp,
                                              const Report& report) {
  const std::vector<Chain> chains = list_chains(repository);
  const auto first =
      std::find_if(chains.begin(), chains.end(), [&](const Chain& chain) { return chain.stamp >= stamp; });
  return remove_first(repository, chains, static_cast<std::size_t>(first - chains.begin()), report);
}

void finish_removal(Repository& repository) {
  for (const Chain& chain : list_chains(repository)) {
    if (!chain.half_removed) continue;
    repository.dir().remove(chain.half_removed->file());
    repository.dir().sync();
  }
}

}  // namespace repozo
