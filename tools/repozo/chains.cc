#include "repozo/chains.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "io/atomic_file.h"
#include "io/gzip.h"

namespace repozo {

namespace {

using Names = std::vector<BackupName>;

constexpr std::size_t kLargestSums = 256 << 20;  // of 16 TB

// Empty if the file is absent.
std::optional<std::string> read_if_there(Repository& repository, const std::string& name, std::size_t limit) {
  try {
    return io::read_small_file(repository.dir(), name, limit);
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::not_found) throw;
    return std::nullopt;
  }
}

// The .dat, or what stands for it while an increment is being added (add_increment.h). The order of the
// readings matters: of the moments in which a writer may change the names, none leaves all three without one.
std::optional<std::string> read_dat(Repository& repository, const std::string& stamp) {
  auto text = read_if_there(repository, dat_name(stamp), kLargestDat);
  if (!text) text = read_if_there(repository, dat_before_name(stamp), kLargestDat);
  if (!text) text = read_if_there(repository, dat_name(stamp), kLargestDat);
  return text;
}

class Describer {
 public:
  Describer(Repository& repository, Chain& chain) : repository_(repository), chain_(chain) {}

  void read_lines() {
    try {
      const auto text = read_dat(repository_, chain_.stamp);
      chain_.has_dat = text.has_value();
      chain_.unfinished = repository_.dir().status(dat_before_name(chain_.stamp)).has_value();
      if (!text) return;
      chain_.lines = parse_dat(*text, repository_.shown(dat_name(chain_.stamp)));
      if (chain_.lines.empty()) chain_.problem = "is empty";
    } catch (const base::Error& error) {
      if (error.kind() != base::ErrorKind::corrupt) throw;
      chain_.has_dat = true;
      chain_.problem = error.reason();
    }
  }

  void describe(const BackupName& name) {
    Piece piece;
    piece.name = name;
    const auto status = repository_.dir().status(name.file());
    piece.missing = !status;
    piece.stored = status ? status->size : 0;
    const DatLine* line = line_of(name);
    piece.in_dat = line != nullptr;
    if (line != nullptr) take(piece, line->start, line->end, line->md5);
    if (!piece.missing) read_sums(piece);
    if (!piece.described) {
      piece.start = chain_.pieces.empty() ? 0 : chain_.last().end;
      piece.end = piece.start + (name.gzip ? 0 : piece.stored);
    }
    chain_.pieces.push_back(std::move(piece));
  }

 private:
  static void take(Piece& piece, std::uint64_t start, std::uint64_t end, const std::string& md5) {
    piece.start = start;
    piece.end = end;
    piece.md5 = md5;
    piece.described = true;
  }

  // The last one that names it.
  const DatLine* line_of(const BackupName& name) const {
    const auto found = std::find_if(chain_.lines.rbegin(), chain_.lines.rend(),
                                    [&](const DatLine& line) { return line.name == name; });
    return found == chain_.lines.rend() ? nullptr : &*found;
  }

  void read_sums(Piece& piece) {
    std::optional<std::string> text;
    try {
      text = read_if_there(repository_, sums_name(piece.name.stamp), kLargestSums);
      if (!text) text = read_if_there(repository_, sums_new_name(piece.name.stamp), kLargestSums);
      if (text && text->empty()) text.reset();  // a mark only (retention.cc)
    } catch (const base::Error& error) {
      if (error.kind() != base::ErrorKind::corrupt) throw;
      text = "";
    }
    if (!text) return;
    auto sums = decode_sums(*text);
    if (!sums) {
      piece.problem = "is damaged; without it the MD5 sums are used";
      return;
    }
    if (sums->name != piece.name) return;  // of another file of this stamp
    if (!piece.described) {
      take(piece, sums->start, sums->end, sums->md5);
    } else if (sums->start != piece.start || sums->end != piece.end || sums->md5 != piece.md5) {
      piece.problem = "does not say the same as " + repository_.shown(dat_name(chain_.stamp));
      piece.contradicted = true;
      return;
    }
    piece.sums = std::make_shared<const Sums>(std::move(*sums));
  }

  Repository& repository_;
  Chain& chain_;
};

// Splits names that are in order into chains.
std::vector<Names> split(const Names& names) {
  std::vector<Names> chains;
  for (const BackupName& name : names) {
    if (chains.empty() || name.kind == Kind::full) chains.emplace_back();
    chains.back().push_back(name);
  }
  return chains;
}

Chain chain_with_lines(Repository& repository, const Names& files) {
  Chain chain;
  chain.stamp = files.front().stamp;
  chain.headless = files.front().kind != Kind::full;
  Describer(repository, chain).read_lines();
  return chain;
}

bool is_named(const Chain& chain, const BackupName& name) {
  return std::any_of(chain.lines.begin(), chain.lines.end(),
                     [&](const DatLine& line) { return line.name == name; });
}

// What the .dat names and the folder has not.
void add_missing(Repository& repository, const Chain& chain, const std::string& date, Names& files) {
  for (const DatLine& line : chain.lines) {
    if (!reaches(date, line.name.stamp)) continue;
    if (std::find(files.begin(), files.end(), line.name) != files.end()) continue;
    if (!repository.dir().status(line.name.file())) files.push_back(line.name);
  }
  std::stable_sort(files.begin(), files.end(), comes_before);
}

// Whether the last of them is what a removal, cut short, has left: the .dat ends with the piece before it,
// and the mark says that somebody was at work on it. (Where an increment was being added there is a
// .dat-before, or no .dat.)
bool is_half_removed(Repository& repository, const Chain& chain, const Names& files) {
  if (files.size() < 2 || chain.lines.empty() || !chain.problem.empty()) return false;
  const BackupName& last = files.back();
  return last.kind == Kind::increment && chain.lines.back().name == files[files.size() - 2] &&
         !chain.unfinished && repository.dir().status(sums_new_name(last.stamp));
}

Chain described(Repository& repository, Chain chain, Names files, const std::string& date) {
  if (is_half_removed(repository, chain, files)) {
    chain.half_removed = files.back();
    files.pop_back();
  }
  add_missing(repository, chain, date, files);
  Describer describer(repository, chain);
  for (const BackupName& file : files) describer.describe(file);
  return chain;
}

// Increments with the stamp of the full backup that stands right before them may belong to the chain before
// it: then that one's .dat names them, and this one's does not.
void return_to_chain_before(Names& files, const Chain& chain, Names& before) {
  const auto foreign = [&](const BackupName& name) {
    return name.kind == Kind::increment && name.stamp == chain.stamp && !chain.headless &&
           !is_named(chain, name);
  };
  const auto first = std::stable_partition(files.begin(), files.end(),
                                           [&](const BackupName& name) { return !foreign(name); });
  before.insert(before.end(), first, files.end());
  files.erase(first, files.end());
}

// The backup files, and full backups that are gone: a .dat is left of them.
Names all_names(Repository& repository) {
  Names names = repository.backups();
  for (const std::string& stamp : repository.lone_dats()) {
    if (repository.dir().status(sums_new_name(stamp))) continue;  // just being made
    Chain chain;
    chain.stamp = stamp;
    Describer(repository, chain).read_lines();
    for (const DatLine& line : chain.lines) {
      if (line.name.kind == Kind::full && line.name.stamp == stamp) names.push_back(line.name);
    }
  }
  std::sort(names.begin(), names.end(), comes_before);
  return names;
}

Names reached(const Names& all, const std::string& date) {
  Names names;
  std::copy_if(all.begin(), all.end(), std::back_inserter(names),
               [&](const BackupName& name) { return reaches(date, name.stamp); });
  return names;
}

// What the size of its file tells of a piece; "" if it can be right.
std::string problem_of_size(const Piece& piece) {
  const std::string found = "is " + std::to_string(piece.stored) + " bytes";
  const std::string wanted = std::to_string(piece.size()) + " bytes";
  if (!piece.name.gzip) return piece.stored == piece.size() ? "" : found + ", should be " + wanted;
  // More than it was is harmless if it is zeros; to tell, it has to be unpacked.
  if (piece.sums && piece.stored < piece.sums->stored) {
    return found + " (compressed), should be " + std::to_string(piece.sums->stored) + " bytes";
  }
  if (piece.described && piece.size() > io::gzip_largest_content(piece.stored)) {
    return found + " (compressed), which is too few for " + wanted;
  }
  return "";
}

}  // namespace

std::vector<Chain> list_chains(Repository& repository) {
  std::vector<Names> split_names = split(all_names(repository));
  std::vector<Chain> chains;
  for (std::size_t at = 0; at < split_names.size(); ++at) {
    chains.push_back(chain_with_lines(repository, split_names[at]));
    if (at > 0) return_to_chain_before(split_names[at], chains[at], split_names[at - 1]);
  }
  for (std::size_t at = 0; at < chains.size(); ++at) {
    chains[at] = described(repository, std::move(chains[at]), split_names[at], "");
  }
  return chains;
}

std::optional<Chain> chain_at(Repository& repository, const std::string& date) {
  std::vector<Names> all = split(reached(all_names(repository), date));
  if (all.empty()) return std::nullopt;
  Chain chain = chain_with_lines(repository, all.back());
  Names before;
  return_to_chain_before(all.back(), chain, before);
  return described(repository, std::move(chain), all.back(), date);
}

std::optional<Chain> newest_chain_by_name(Repository& repository) {
  Names names = all_names(repository);
  std::sort(names.begin(), names.end(),
            [](const BackupName& one, const BackupName& other) { return one.file() < other.file(); });
  const std::vector<Names> all = split(names);
  if (all.empty()) return std::nullopt;
  return described(repository, chain_with_lines(repository, all.back()), all.back(), "");
}

std::vector<Piece> pieces_that_count(const Chain& chain) {
  std::vector<Piece> counting;
  for (const Piece& piece : chain.pieces) {
    while (piece.described && counting.size() > 1 && counting.back().start >= piece.start &&
           (counting.back().described || !counting.back().name.gzip)) {
      // An empty increment does not take the place of an equally empty one, nor of what ends there.
      if (counting.back().end == piece.start) break;
      counting.pop_back();
    }
    counting.push_back(piece);
  }
  return counting;
}

std::optional<PieceProblem> problem_of(const std::vector<Piece>& pieces) {
  std::uint64_t end = 0;
  bool end_known = true;  // not behind a compressed piece that nothing describes
  for (const Piece& piece : pieces) {
    const std::string name = piece.name.file();
    if (&piece == &pieces.front() && piece.name.kind != Kind::full) {
      return PieceProblem{name, "has no full backup before it"};
    }
    if (piece.missing) return PieceProblem{name, "is missing"};
    if (end_known && piece.start != end) {
      return PieceProblem{name, "starts at byte " + std::to_string(piece.start) +
                                    ", but what is before it ends at " + std::to_string(end)};
    }
    if (std::string text = problem_of_size(piece); !text.empty()) return PieceProblem{name, std::move(text)};
    end = piece.end;
    end_known = piece.described || (end_known && !piece.name.gzip);
  }
  return std::nullopt;
}

bool is_whole(const Chain& chain) {
  if (chain.headless || !chain.has_dat || !chain.problem.empty()) return false;
  const bool contradicted = std::any_of(chain.pieces.begin(), chain.pieces.end(),
                                        [](const Piece& piece) { return piece.contradicted; });
  return !contradicted && !problem_of(pieces_that_count(chain));
}

}  // namespace repozo
