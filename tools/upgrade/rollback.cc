#include "upgrade/rollback.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "base/xxh128.h"
#include "filestorage/index_file.h"
#include "io/atomic_file.h"
#include "io/gzip.h"
#include "upgrade/content.h"
#include "upgrade/fingerprint.h"
#include "upgrade/remove_exactly.h"
#include "upgrade/verified_copy.h"

namespace upgrade {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::uint64_t kSlack = 256 * 1024;
constexpr unsigned kStopTimeout = 60;  // seconds

io::Dir& folder_of(DataFolder& folder, const RollbackSource& source) {
  if (!source.in_vault) return folder.dir();
  io::Dir* vault = folder.find_vault();
  if (vault == nullptr) {
    throw Error(ErrorKind::not_found, "open", folder.path_of(kVaultName), "the vault is gone");
  }
  return *vault;
}

std::unique_ptr<io::File> open_source(DataFolder& folder, const RollbackSource& source) {
  if (source.in_vault) return folder_of(folder, source).open_file(source.name, io::Access::read);
  auto file = folder.open_ours(source.name);
  if (!file) throw Error(ErrorKind::not_found, "open", folder.path_of(source.name), "there is no such file");
  return file;
}

bool plain_matches(io::File& file, const Fingerprint& wanted) {
  const std::uint64_t size = file.status().size;
  if (size < wanted.size || wanted.size < 16 || last_tid(file, wanted.size) != wanted.last_tid) return false;
  // A copy made by a package's script may carry a torn tail behind what the fingerprint covers.
  return scan_whole(file, wanted.size, 0, nullptr, {}).digests.back() == wanted.xxh128;
}

bool compressed_matches(io::File& file, const Fingerprint& wanted) {
  base::Xxh128 digest;
  std::uint64_t length = 0;
  try {
    io::gzip_decompress(file, wanted.size, [&](base::ByteSpan piece) {
      digest.update(piece);
      length += piece.size();
    });
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::corrupt) return false;  // another database, or a broken file: not the one
    throw;
  }
  return length == wanted.size && digest.hex() == wanted.xxh128;
}

// Names in the data folder are hostile: one that cannot be read is not the copy we look for.
bool matches(DataFolder& folder, const RollbackSource& candidate, const Fingerprint& wanted) {
  try {
    const auto file = open_source(folder, candidate);
    return candidate.compressed ? compressed_matches(*file, wanted) : plain_matches(*file, wanted);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::unsafe_path || error.kind() == ErrorKind::not_found) return false;
    throw;
  }
}

void write_decompressed(io::File& from, io::File& to, std::uint64_t limit) {
  std::uint64_t offset = 0;
  io::gzip_decompress(from, limit, [&](base::ByteSpan piece) {
    to.write_full(offset, piece);
    offset += piece.size();
  });
}

void demand_equal(DataFolder& folder, const RollbackSource& source, const filestorage::ScanResult& scan) {
  if (!scan.damaged() && !scan.digests.empty() && scan.digests.back() == source.database.xxh128) return;
  throw Error(ErrorKind::corrupt, "read", folder.path_of(source.name),
              "does not hold the database it was taken for")
      .with_hint("nothing was changed; 'schooltool-db status' lists the other copies");
}

// Fills `target` from the source and proves it.
void fill(DataFolder& folder, const RollbackPlan& plan, io::File& target, const io::OnProgress& progress) {
  const auto from = open_source(folder, plan.source);
  if (plan.source.compressed) {
    write_decompressed(*from, target, plan.source.database.size);
    demand_equal(folder, plan.source, scan_whole(target, plan.source.database.size, 0, nullptr, progress));
  } else {
    demand_equal(folder, plan.source, copy_and_scan(*from, target, plan.source.database.size, progress));
  }
}

// Held while the database is swapped, so that no server opens it in between.
std::unique_ptr<io::File> lock_database(DataFolder& folder, io::Owner owner) {
  const std::string name = lock_name(folder.data_name());
  std::unique_ptr<io::File> lock;
  if (folder.dir().status(name)) {
    lock = folder.dir().open_file(name, io::Access::read);
  } else {
    lock = folder.dir().create_file(name, 0644);
    lock->set_owner(owner);
  }
  if (!lock->try_lock()) {
    throw Error(ErrorKind::busy, "lock", folder.path_of(name), "a server has the database open")
        .with_hint("stop it, then run the command again");
  }
  return lock;
}

// The name under which an interrupted run has kept this file already.
std::optional<std::string> find_displaced_name(DataFolder& folder, const io::FileStatus& live) {
  for (std::string& name : folder.dir().list()) {
    if (!is_displaced_name(folder.data_name(), name)) continue;
    const auto status = folder.dir().status(name);
    if (status && status->same_file(live)) return std::move(name);
  }
  return std::nullopt;
}

std::string free_displaced_name(io::Env& env, DataFolder& folder, const std::string& word) {
  for (base::UtcTime time = env.now();; ++time.seconds) {
    std::string name = displaced_name(folder.data_name(), word, time);
    if (!folder.dir().status(name)) return name;
  }
}

// The live file keeps a name. As a second name first, so that Data.fs is never absent in between; by a plain
// rename where there are no hard links, or where no plain file stands under the name. Returns the full path;
// empty if there is no live file.
std::string displace(io::Env& env, DataFolder& folder, const std::string& word) {
  const auto status = folder.dir().status(folder.data_name());
  if (!status) return {};
  if (const auto kept = find_displaced_name(folder, *status)) return folder.path_of(*kept);
  const std::string to = free_displaced_name(env, folder, word);
  try {
    const auto live = folder.open_live();
    if (!live) return {};
    folder.dir().link(*live, to);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::io && error.kind() != ErrorKind::unsafe_path) throw;
    folder.dir().rename(folder.data_name(), folder.dir(), to, io::Replace::no);
  }
  return folder.path_of(to);
}

// The index belongs to the displaced database. ZODB would distrust most stale ones, not all.
void drop_index(DataFolder& folder) {
  const std::string name = index_name(folder.data_name());
  const auto status = folder.dir().status(name);
  if (status && status->type != io::FileType::directory) folder.dir().remove(name);
}

// Both durable before another database comes under the live name: after a power cut the displaced one has its
// name, and no index stands beside a database that it does not belong to.
std::string make_way(io::Env& env, DataFolder& folder, const std::string& word) {
  drop_index(folder);
  std::string displaced = displace(env, folder, word);
  folder.dir().sync();
  return displaced;
}

// Only a cache: whatever keeps it from being written, ZODB builds its own at the next start.
void write_right_index(io::Env& env, DataFolder& folder, const Fingerprint& database) {
  try {
    const auto live = folder.open_live();
    if (!live) return;
    filestorage::Index positions;
    filestorage::ScanOptions options;
    options.limit = database.size;
    options.positions = &positions;
    const auto scan = filestorage::scan(*live, options);
    const bool python3 = scan.magic == filestorage::Magic::fs30;
    io::AtomicFile file(folder.dir(), index_name(folder.data_name()), env);
    filestorage::write_index(
        file.file(), positions, scan.end,
        python3 ? filestorage::IndexDialect::protocol3 : filestorage::IndexDialect::protocol1,
        python3 ? filestorage::IndexStrings::python3 : filestorage::IndexStrings::python2);
    file.seal(database.owner, database.mode);
    file.commit(io::Replace::no);
  } catch (const Error&) {
    // Documented boundary: the rollback itself is complete and durable.
  }
}

std::string put_copy(io::Env& env, DataFolder& folder, const RollbackPlan& plan,
                     const io::OnProgress& progress) {
  io::AtomicFile fresh(folder.dir(), folder.data_name(), env);
  fill(folder, plan, fresh.file(), progress);
  fresh.seal(plan.source.database.owner, plan.source.database.mode);
  std::string displaced = make_way(env, folder, plan.word);
  fresh.commit(io::Replace::yes);
  return displaced;
}

// Further names of the source among the generations: a server would write into what they name.
void remove_aliases(io::Env& env, DataFolder& folder, const RollbackSource& source) {
  const io::FileStatus status = open_source(folder, source)->status();
  for (const Generation& generation : folder.generations()) {
    if (!source.in_vault && generation_name(folder.data_name(), generation) == source.name) continue;
    remove_exactly(env, folder, generation, status);
  }
}

std::string put_source_itself(io::Env& env, DataFolder& folder, const RollbackPlan& plan) {
  {
    const auto file = open_source(folder, plan.source);
    demand_equal(folder, plan.source, scan_whole(*file, plan.source.database.size, 0, nullptr, {}));
    file->set_owner(plan.source.database.owner);
    file->set_mode(plan.source.database.mode);
    file->sync();
  }
  remove_aliases(env, folder, plan.source);
  std::string displaced = make_way(env, folder, plan.word);
  folder_of(folder, plan.source).rename(plan.source.name, folder.dir(), folder.data_name(), io::Replace::yes);
  folder.dir().sync();
  if (plan.source.in_vault) folder_of(folder, plan.source).sync();
  return displaced;
}

[[noreturn]] void refuse_source(DataFolder& folder, const RollbackSource& source, const std::string& reason) {
  throw Error(ErrorKind::corrupt, "read", folder.path_of(source.name), reason)
      .with_hint("choose another one: 'schooltool-db status' lists them");
}

Fingerprint read_plain_source(DataFolder& folder, const RollbackSource& source, io::File& file) {
  const std::uint64_t end = filestorage::find_end(file, file.status().size);
  const auto scan = end > 4 ? scan_whole(file, end, 0, nullptr, {}) : filestorage::ScanResult{};
  if (end <= 4 || scan.damaged()) refuse_source(folder, source, "holds no whole database");
  return fingerprint_of(scan, file.status());
}

// Read as it is unpacked, and so without a place to put it: also a dry run can do that.
Fingerprint read_compressed_source(DataFolder& folder, const RollbackSource& source, io::File& file) {
  const Content content = read_compressed(file, folder.dir().space().total);
  if (!content.readable) refuse_source(folder, source, content.why);
  if (!content.whole || content.length <= 4) refuse_source(folder, source, "holds no whole database");
  Fingerprint database;
  database.size = content.length;
  database.last_tid = content.last_tid;
  database.xxh128 = content.xxh128;
  database.owner = file.status().owner;
  database.mode = file.status().mode;
  return database;
}

}  // namespace

std::optional<RollbackSource> find_source(DataFolder& folder, const Fingerprint& wanted,
                                          const std::string& held) {
  std::vector<RollbackSource> candidates;
  if (!held.empty() && folder.find_vault() != nullptr) candidates.push_back({held, true, false, wanted});
  auto generations = folder.generations();
  std::stable_partition(generations.begin(), generations.end(),
                        [](const Generation& generation) { return !generation.compressed; });
  for (const Generation& generation : generations) {
    candidates.push_back(
        {generation_name(folder.data_name(), generation), false, generation.compressed, wanted});
  }
  std::optional<Error> trouble;  // with one of them; another may do
  for (const RollbackSource& candidate : candidates) {
    try {
      if (matches(folder, candidate, wanted)) return candidate;
    } catch (const Error& error) {
      if (!trouble) trouble = error;
    }
  }
  // None matches, but one could not be read: "there is none" would be too much said.
  if (trouble) throw *trouble;
  return std::nullopt;
}

std::optional<RollbackSource> find_longer(DataFolder& folder, const Fingerprint& wanted, base::Tid before) {
  std::optional<RollbackSource> longest;
  for (const Generation& generation : folder.generations()) {
    if (generation.compressed) continue;
    const std::string name = generation_name(folder.data_name(), generation);
    try {
      const auto file = folder.open_if_ours(name);
      if (!file || file->status().size <= wanted.size || wanted.size < 16) continue;
      if (last_tid(*file, wanted.size) != wanted.last_tid) continue;
      const std::uint64_t end = filestorage::find_end(*file, file->status().size);
      if (end <= (longest ? longest->database.size : wanted.size)) continue;
      const auto scan = scan_whole(*file, end, wanted.size, nullptr, {});
      if (scan.damaged() || scan.end != end || scan.digests.front() != wanted.xxh128) continue;
      if (before != 0 && scan.last_tid >= before) continue;
      longest = RollbackSource{name, false, false, fingerprint_of(scan, file->status())};
      longest->database.owner = wanted.owner;
      longest->database.mode = wanted.mode;
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::busy) throw;
      // Documented boundary: it is only better than the copy that is at hand anyway.
    }
  }
  return longest;
}

RollbackSource source_named(DataFolder& folder, const std::string& name) {
  const bool is_number = !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
  RollbackSource source;
  source.name = is_number ? folder.data_name() + "." + name : name;
  if (is_number && !folder.dir().status(source.name)) source.name += ".gz";
  const auto generation = parse_generation(folder.data_name(), source.name);
  if (!generation && !is_displaced_name(folder.data_name(), source.name)) {
    throw Error(ErrorKind::usage, "choose", name, "is neither a generation nor a displaced database")
        .with_hint("'schooltool-db status' lists them");
  }
  source.compressed = generation && generation->compressed;
  const auto file = open_source(folder, source);
  source.database = source.compressed ? read_compressed_source(folder, source, *file)
                                      : read_plain_source(folder, source, *file);
  return source;
}

RollbackPlan plan_rollback(DataFolder& folder, const RollbackSource& source, const std::string& word,
                           bool start_server) {
  RollbackPlan plan;
  plan.source = source;
  plan.word = word;
  plan.source_file = open_source(folder, source)->status();
  plan.live_file = folder.dir().status(folder.data_name());
  if (plan.live_file) plan.live_size = plan.live_file->size;
  plan.stop_server = folder.server_is_running();
  plan.start_server = start_server || plan.stop_server;
  const std::uint64_t needed = source.database.size + kSlack;
  const std::uint64_t free = folder.dir().space().free;
  if (free < needed) {
    if (source.compressed) {
      throw Error(ErrorKind::no_space, "put back", folder.path_of(source.name),
                  "needs " + base::human_size(needed) + ", there are " + base::human_size(free))
          .with_hint("make room in " + folder.dir().path() + ", then run 'schooltool-db check --repair'");
    }
    plan.move_instead_of_copy = true;
  }
  return plan;
}

bool still_fits(DataFolder& folder, const RollbackPlan& plan) {
  const auto live = folder.dir().status(folder.data_name());
  if (live.has_value() != plan.live_file.has_value()) return false;
  if (live && !live->same_file(*plan.live_file)) return false;
  try {
    return is_same_version(open_source(folder, plan.source)->status(), plan.source_file);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
    return false;
  }
}

RollbackReport carry_out(io::Env& env, DataFolder& folder, const RollbackPlan& plan, Service& service,
                         const io::OnProgress& progress) {
  RollbackReport report;
  try {
    if (plan.stop_server) service.stop(folder, kStopTimeout);
    const auto lock = lock_database(folder, plan.source.database.owner);
    if (plan.blobs) report.blobs = put_blobs_back(env, *plan.blobs, plan.word);
    report.displaced_to = plan.move_instead_of_copy ? put_source_itself(env, folder, plan)
                                                    : put_copy(env, folder, plan, progress);
    write_right_index(env, folder, plan.source.database);
  } catch (const Error&) {
    if (service.was_stopped()) service.start();
    throw;
  }
  report.started = plan.start_server && service.start();
  report.start_failed = plan.start_server && !report.started;
  return report;
}

}  // namespace upgrade
