#include "filestorage/check_index.h"

#include <optional>

#include "filestorage/index_file.h"

namespace filestorage {

namespace {

// ZODB believes no index of a shorter file; it is of no use, but not wrong.
constexpr std::uint64_t kSmallestBelieved = 100;

Problem entry_problem(ProblemKind kind, Oid oid, std::uint64_t position, std::string text) {
  Problem problem;
  problem.kind = kind;
  problem.has_oid = true;
  problem.oid = oid;
  problem.position = position;
  problem.text = std::move(text);
  return problem;
}

void compare(const Index& loaded, const Index& real, const OnProblem& told) {
  loaded.for_each([&](Oid oid, std::uint64_t position) {
    const std::uint64_t expected = real.get(oid);
    const std::string has = "the index file has the object at " + std::to_string(position);
    if (expected == 0) {
      told(entry_problem(ProblemKind::index_extra, oid, position, has + ", but it does not exist"));
    } else if (expected != position) {
      told(entry_problem(ProblemKind::index_wrong, oid, expected, has));
    }
  });
  real.for_each([&](Oid oid, std::uint64_t position) {
    if (loaded.get(oid) == 0)
      told(entry_problem(ProblemKind::index_missing, oid, position,
                         "the index file does not have the object"));
  });
}

}  // namespace

void check_index(io::File& index, io::File& data, const ScanResult& structure, const Index& positions,
                 const CheckOptions& options, const OnProblem& told) {
  const auto unreadable = [&](const std::string& why) {
    Problem problem;
    problem.kind = ProblemKind::index_unreadable;
    problem.text = "the index file is of no use: " + why;
    told(problem);
  };
  std::string why;
  const std::optional<LoadedIndex> loaded = read_index(index, why);
  if (!loaded) return unreadable(why);
  if (loaded->position >= kSmallestBelieved && !index_is_believable(data, structure.size, *loaded, why))
    return unreadable(why);
  if (loaded->position == structure.end) return compare(loaded->positions, positions, told);

  Index then;
  ScanOptions older;
  older.limit = loaded->position;
  older.positions = &then;
  older.beyond_breaks = true;
  older.max_findings = 1;
  if (options.progress)
    older.on_progress = options.progress("reading what the index holds", loaded->position);
  if (loaded->position > structure.size || scan(data, older).end != loaded->position)
    return unreadable("it holds up to " + std::to_string(loaded->position) + ", where no transaction ends");
  compare(loaded->positions, then, told);
}

}  // namespace filestorage
