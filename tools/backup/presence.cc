#include "backup/presence.h"

#include <algorithm>

#include "backup/names.h"

namespace backup {

RecordedPieces pieces_of(const Record& record, const std::vector<repozo::Chain>& chains) {
  const auto chain = std::find_if(chains.begin(), chains.end(),
                                  [&](const repozo::Chain& other) { return other.stamp == record.chain; });
  if (chain == chains.end()) return {};
  for (std::size_t at = 0; at < chain->pieces.size(); ++at) {
    const repozo::Piece& piece = chain->pieces[at];
    if (piece.name.file() == record.file && piece.start == record.start && piece.end == record.end &&
        piece.md5 == record.md5)
      return {&*chain, at + 1};
  }
  return {};
}

std::string what_lacks(io::Dir& repository, const std::vector<repozo::Chain>& chains, const Record& record) {
  const RecordedPieces found = pieces_of(record, chains);
  if (found.count == 0) return record.file + " is not there as it was";
  const auto& pieces = found.chain->pieces;
  const std::vector<repozo::Piece> needed(pieces.begin(),
                                          pieces.begin() + static_cast<std::ptrdiff_t>(found.count));
  if (const auto problem = repozo::problem_of(needed)) return problem->name + " " + problem->text;
  for (const std::string& archive : record.archives) {
    for (const std::string& name : {archive_name(archive), manifest_name(archive)}) {
      if (!repository.status(name)) return name + " is missing";
    }
  }
  return {};
}

}  // namespace backup
