#include "repozo/state.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"

namespace repozo {

using base::Error;
using base::ErrorKind;

namespace {

constexpr const char* kAllTheSame = "--no-verify recovers what is there all the same";

// Without every piece in its place what comes out is no database at all, so this is checked in any case.
void check_places(Repository& repository, const std::vector<Piece>& pieces) {
  const auto problem = problem_of(pieces);
  if (!problem) return;
  const bool missing = problem->text == "is missing";
  Error error = piece_error(repository, missing ? ErrorKind::not_found : ErrorKind::corrupt, problem->name,
                            problem->text);
  const auto piece = std::find_if(pieces.begin(), pieces.end(),
                                  [&](const Piece& each) { return each.name.file() == problem->name; });
  if (piece == pieces.begin() || piece == pieces.end()) throw error;
  throw error.with_hint("-D " + std::prev(piece)->name.stamp + " recovers the state before it");
}

[[noreturn]] void no_files(const std::string& date) {
  throw Error(ErrorKind::not_found, "", "",
              date.empty() ? "No files in repository" : "No files in repository before " + date);
}

void tell_files(Repository& repository, const State& state, const std::string& when, const Report& report) {
  report.say("files needed to recover state as of " + when + ":");
  for (const Piece& piece : state.pieces) {
    if (!piece.missing) report.say("\t" + repository.shown(piece.name.file()));
  }
}

// The .dat itself.
void check_dat(Repository& repository, const Chain& chain, const RecoverOptions& options,
               const Report& report) {
  const std::string name = dat_name(chain.stamp);
  if (!chain.has_dat) {
    if (options.with_md5) throw Error::from_errno("open", repository.dir().path() + "/" + name, ENOENT);
    report.warn(repository.shown(name) + " is missing");
  } else if (!chain.problem.empty()) {
    if (options.with_md5) throw piece_error(repository, ErrorKind::corrupt, name, chain.problem);
    report.warn(repository.shown(name) + " " + chain.problem);
  }
}

void check_pieces(Repository& repository, State& state, const RecoverOptions& options, const Report& report) {
  for (const Piece& piece : state.pieces) {
    const std::string name = piece.name.file();
    if (piece.contradicted) {
      throw piece_error(repository, ErrorKind::corrupt, sums_name(piece.name.stamp), piece.problem)
          .with_hint(kAllTheSame);
    }
    if (!piece.problem.empty())
      report.warn(repository.shown(sums_name(piece.name.stamp)) + " " + piece.problem);
    if (piece.described) continue;
    const std::string text = "is not named in " + repository.shown(dat_name(state.chain.stamp));
    if (options.with_md5) throw piece_error(repository, ErrorKind::corrupt, name, text);
    report.warn(repository.shown(name) + " " + text + ": there is no sum to check it by");
    state.by_structure = true;
  }
}

}  // namespace

bool State::size_known() const {
  return std::all_of(pieces.begin(), pieces.end(),
                     [](const Piece& piece) { return piece.described || !piece.name.gzip; });
}

Error piece_error(Repository& repository, ErrorKind kind, const std::string& name, const std::string& text) {
  return Error(kind, "verify", repository.dir().path() + "/" + name, text);
}

State find_state(Repository& repository, const RecoverOptions& options, const Report& report) {
  const std::string when = options.date.empty() ? stamp_of(repository.env().now()) : options.date;
  report.say("looking for files between last full backup and " + when + "...");
  auto chain = chain_at(repository, options.date);
  if (!chain) {
    report.say("no files found");
    no_files(options.date);
  }
  State state;
  state.chain = std::move(*chain);
  state.pieces = pieces_that_count(state.chain);
  tell_files(repository, state, when, report);
  return state;
}

void check_state(Repository& repository, State& state, const RecoverOptions& options, const Report& report) {
  if (options.no_verify) return check_places(repository, state.pieces);
  check_dat(repository, state.chain, options, report);
  check_places(repository, state.pieces);
  check_pieces(repository, state, options, report);
}

}  // namespace repozo
