#include "repozo/retention.h"

#include <algorithm>

#include "repozo/chains.h"

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

// The data first, as the other files mean nothing without them, and each is gone for good before the one it
// builds on goes: no crash leaves a hole.
void remove_chain(Repository& repository, const Chain& chain, const std::vector<std::string>& still_used) {
  io::Dir& dir = repository.dir();
  std::vector<std::string> stamps;
  for (const Piece& piece : chain.pieces) {
    const std::string& stamp = piece.name.stamp;
    if (std::find(still_used.begin(), still_used.end(), stamp) == still_used.end()) stamps.push_back(stamp);
  }
  for (const std::string& stamp : stamps) mark(repository, stamp);
  dir.sync();
  for (auto piece = chain.pieces.rbegin(); piece != chain.pieces.rend(); ++piece) {
    if (piece->missing) continue;
    dir.remove(piece->name.file());
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

}  // namespace

std::vector<std::string> remove_chains(Repository& repository, unsigned keep, const Report& report) {
  const std::vector<Chain> chains = list_chains(repository);
  // What stands in front of the first full backup is no chain that anybody could keep.
  const auto whole =
      static_cast<std::size_t>(std::count_if(chains.begin(), chains.end(), [](const Chain& chain) {
        return !chain.headless && !chain.pieces.front().missing;
      }));
  const std::size_t doomed = chains.size() - std::min<std::size_t>(whole, keep);
  std::vector<std::string> removed, still_used;
  for (std::size_t at = 0; at < chains.size(); ++at) {
    for (const Piece& piece : chains[at].pieces) {
      if (at >= doomed) still_used.push_back(piece.name.stamp);
      if (at < doomed && !piece.missing) removed.push_back(piece.name.file());
    }
  }
  std::sort(removed.begin(), removed.end());
  for (const std::string& name : removed) {
    report.say("removing old backup file " + name + " (and .dat / .index)");
  }
  for (std::size_t at = 0; at < doomed; ++at) remove_chain(repository, chains[at], still_used);
  return removed;
}

}  // namespace repozo
