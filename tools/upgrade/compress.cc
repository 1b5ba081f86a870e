#include "upgrade/compress.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "io/atomic_file.h"
#include "io/gzip.h"
#include "upgrade/content.h"
#include "upgrade/remove_exactly.h"

namespace upgrade {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::int64_t kYoung = 600;          // seconds
constexpr unsigned kHighestNumber = 999;      // the largest that parse_generation takes
constexpr std::uint32_t kPermissions = 0777;  // set-user-id and the like are not carried over

std::unique_ptr<io::File> open_present(DataFolder& folder, const std::string& name) {
  auto file = folder.open_ours(name);
  if (!file) throw Error(ErrorKind::not_found, "open", folder.path_of(name), "is gone");
  return file;
}

// The name leads to this file, as it was.
bool still_there(DataFolder& folder, const std::string& name, const io::FileStatus& status) {
  const auto found = folder.dir().status(name);
  return found && is_same_version(*found, status);
}

void demand_space(DataFolder& folder, const std::string& name, std::uint64_t size) {
  const std::uint64_t needed = space_to_compress(size), free = folder.dir().space().free;
  if (free >= needed) return;
  throw Error(ErrorKind::no_space, "compress", folder.path_of(name),
              "may need " + base::human_size(needed) + ", there are " + base::human_size(free));
}

}  // namespace

std::uint64_t space_to_compress(std::uint64_t size) {
  return size + size / 1000 + 1'000'000;
}

std::optional<CompressedGeneration> compress_generation(io::Env& env, DataFolder& folder, unsigned number,
                                                        const std::optional<io::FileStatus>& replaced,
                                                        const io::OnProgress& progress) {
  const std::string plain = generation_name(folder.data_name(), {number, false});
  const std::string target = generation_name(folder.data_name(), {number, true});
  const auto source = folder.open_ours(plain);
  if (!source) return std::nullopt;
  const io::FileStatus before = source->status();
  demand_space(folder, plain, before.size);

  io::AtomicFile out(folder.dir(), target, env);
  const io::GzipInput input = io::gzip_compress(*source, out.file(), progress);
  if (!is_same_version(source->status(), before) || input.length != before.size) return std::nullopt;
  out.file().set_modified(before.modified);
  out.seal(before.owner, before.mode & kPermissions);

  CompressedGeneration result;
  result.status = out.file().status();
  result.size_before = before.size;
  result.size_after = result.status.size;
  out.file().drop_cache(0, result.status.size);  // what is compared is what the disk has
  const Content content = read_compressed(out.file(), input.length);
  if (!content.readable || content.length != input.length || content.xxh128 != input.xxh128) {
    throw Error(ErrorKind::corrupt, "compress", folder.path_of(plain),
                "the compressed file does not read back the same")
        .with_hint("the plain file stays; the memory or the disk of this machine may be failing");
  }
  result.good = content.good;
  if (!still_there(folder, plain, before)) return std::nullopt;
  if (replaced && !still_there(folder, target, *replaced)) return std::nullopt;
  out.commit(replaced ? io::Replace::yes : io::Replace::no);  // from here on the content has two names
  if (!remove_exactly(env, folder, {number, false}, before)) {
    // Moved in this very moment, to another number: ours would be a second copy of it.
    if (still_there(folder, target, result.status)) {
      folder.dir().remove(target);
      folder.dir().sync();
    }
    return std::nullopt;
  }
  folder.dir().sync();
  return result;
}

Pair compare_pair(io::Env& env, DataFolder& folder, unsigned number) {
  const auto plain = open_present(folder, generation_name(folder.data_name(), {number, false}));
  const auto compressed = open_present(folder, generation_name(folder.data_name(), {number, true}));
  Pair pair;
  pair.plain = plain->status();
  pair.compressed = compressed->status();
  const Content of_plain = read_plain(*plain, {});
  const Content of_compressed = read_compressed(*compressed, folder.dir().space().total);
  if (!of_compressed.readable) {
    const std::int64_t age = env.now().seconds - pair.compressed.modified.seconds;
    const bool young = age < kYoung && age > -kYoung;
    pair.kind = young ? Pair::Kind::young : of_plain.good ? Pair::Kind::unreadable : Pair::Kind::both_bad;
  } else if (of_plain.same_bytes(of_compressed)) {
    pair.kind = Pair::Kind::same;
    pair.good = of_plain.good;
  } else {
    const bool plain_older = of_plain.last_tid != of_compressed.last_tid
                                 ? of_plain.last_tid < of_compressed.last_tid
                                 : pair.plain.modified < pair.compressed.modified;
    pair.kind = plain_older ? Pair::Kind::plain_older : Pair::Kind::compressed_older;
  }
  return pair;
}

std::optional<CompressedGeneration> finish_pair(io::Env& env, DataFolder& folder, unsigned number,
                                                const Pair& pair) {
  const std::string target = generation_name(folder.data_name(), {number, true});
  const auto compressed = open_present(folder, target);
  if (!is_same_version(compressed->status(), pair.compressed)) return std::nullopt;
  compressed->sync();  // whoever wrote it may not have
  folder.dir().sync();
  if (!still_there(folder, target, pair.compressed)) return std::nullopt;
  if (!remove_exactly(env, folder, {number, false}, pair.plain)) return std::nullopt;
  folder.dir().sync();
  return CompressedGeneration{pair.plain.size, pair.compressed.size, pair.compressed, pair.good};
}

bool separate_pair(DataFolder& folder, unsigned number, const Pair& pair) {
  const std::vector<Generation> all = folder.generations();
  const auto taken = [&](unsigned one) {
    return std::any_of(all.begin(), all.end(), [&](const Generation& found) { return found.number == one; });
  };
  unsigned room = number + 1;
  while (taken(room)) ++room;
  if (room > kHighestNumber) return false;
  const auto move_up = [&](Generation from) {
    folder.dir().rename(generation_name(folder.data_name(), from), folder.dir(),
                        generation_name(folder.data_name(), {from.number + 1, from.compressed}),
                        io::Replace::no);
  };
  for (unsigned above = room; --above > number;) {
    for (const Generation& found : all) {
      if (found.number == above) move_up(found);
    }
  }
  move_up({number, pair.kind == Pair::Kind::compressed_older});
  folder.dir().sync();
  return true;
}

}  // namespace upgrade
