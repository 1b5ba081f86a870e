// The pieces that a pack is made of.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <set>
#include <string>

#include "base/error.h"
#include "filestorage/forward_reader.h"
#include "filestorage/oid_bits.h"
#include "filestorage/pack_graph.h"
#include "filestorage/pack_output.h"
#include "filestorage/pack_time.h"
#include "filestorage/storage_lock.h"
#include "io/file_lock.h"
#include "io/hooked_env.h"
#include "io/mem_env.h"
#include "support/bytes_file.h"
#include "support/errors.h"

namespace filestorage {
namespace {

using support::BytesFile;

TEST(OidBits, HoldDenseSparseAndFarOids) {
  OidBits bits;
  std::set<base::Oid> wanted;
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    const base::Oid oid = i % 3 == 0 ? random() : random() % (i % 3 == 1 ? 5000 : 1U << 31);
    EXPECT_EQ(bits.insert(oid), wanted.insert(oid).second);
  }
  for (const base::Oid oid : wanted) {
    EXPECT_TRUE(bits.contains(oid));
    EXPECT_EQ(bits.contains(oid + 1), wanted.count(oid + 1) != 0);
  }
  EXPECT_EQ(bits.size(), wanted.size());
  std::set<base::Oid> visited;
  bits.for_each([&](base::Oid oid) { visited.insert(oid); });
  EXPECT_EQ(visited, wanted);
  EXPECT_LT(bits.memory_bytes(), 8'000'000u);
  bits.clear();
  EXPECT_TRUE(bits.empty());
  EXPECT_FALSE(bits.contains(*wanted.begin()));
}

// What a hostile root object can refer to at 11 bytes each.
TEST(OidBits, TakeLittleForOidsThatStandAlone) {
  OidBits bits;
  std::mt19937_64 random(4);
  for (int i = 0; i < 10'000; ++i) bits.insert(random() | base::Oid{1} << 62);
  EXPECT_LT(bits.memory_bytes(), 50 * bits.size());
}

TEST(Index, ReplacesAndErasesInEveryKindOfPage) {
  Index index;
  std::map<base::Oid, std::uint64_t> wanted;
  std::mt19937_64 random(2);
  for (int i = 0; i < 3000; ++i) {
    const base::Oid oid = i % 3 == 0 ? random() : random() % (i % 3 == 1 ? 3000 : 1U << 30);
    index.set(oid, static_cast<std::uint64_t>(i) + 1);
    wanted[oid] = static_cast<std::uint64_t>(i) + 1;
  }
  for (auto& [oid, value] : wanted) {
    value = oid * 2 + 1;
    index.replace(oid, value);
  }
  const auto leaves = [](base::Oid oid, std::uint64_t) { return oid % 4 != 0; };
  index.erase_if(leaves);
  std::erase_if(wanted, [&](const auto& entry) { return leaves(entry.first, entry.second); });
  EXPECT_EQ(index.size(), wanted.size());
  std::map<base::Oid, std::uint64_t> left;
  index.for_each([&](base::Oid oid, std::uint64_t value) { left[oid] = value; });
  EXPECT_EQ(left, wanted);
}

TEST(ForwardReader, GivesTheSameBytesInWhateverOrderAndSizeTheyAreAskedFor) {
  std::string content(3'000'000, '\0');
  std::mt19937_64 random(3);
  for (char& c : content) c = static_cast<char>(random());
  BytesFile file(content);
  file.largest_read = 70'000;
  ForwardReader reader(file, content.size());
  std::uint64_t at = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::uint64_t length = random() % (i % 100 == 0 ? 1'500'000 : 500);
    if (i % 50 == 0) at = random() % content.size();
    const base::ByteSpan bytes = reader.bytes(at, length);
    if (at + length > content.size()) {
      EXPECT_TRUE(bytes.empty());
      at = 0;
      continue;
    }
    ASSERT_EQ(base::as_text(bytes), std::string_view(content).substr(at, length));
    at += length;
  }
}

TEST(ForwardReader, ReadsLittleWhereMuchIsSkipped) {
  BytesFile file(std::string(50'000'000, 'x'));
  ForwardReader reader(file, file.content.size());
  for (std::uint64_t at = 0; at < file.content.size(); at += 100'000) reader.at(at, 50);
  EXPECT_LT(file.bytes_read, file.content.size() / 20);
}

TEST(ForwardReader, HandsOutNothingBehindItsEnd) {
  BytesFile file("0123456789");
  ForwardReader reader(file, 8);
  EXPECT_NE(reader.at(4, 4), nullptr);
  EXPECT_EQ(reader.at(5, 4), nullptr);
  EXPECT_EQ(reader.at(~std::uint64_t{0}, 2), nullptr);
  file.content.resize(6);
  ForwardReader shrunk(file, 8);
  EXPECT_EQ(shrunk.at(5, 3), nullptr);
}

TEST(NodeStore, GivesBackWhatWasPutIn) {
  NodeStore store;
  struct Put {
    Oid oid;
    std::uint64_t position, size;
    std::vector<Oid> references;
    bool unreadable;
    NodeStore::Address address;
  };
  std::vector<Put> all;
  std::mt19937_64 random(4);
  {
    NodeStore::Writer writer(store);
    std::uint64_t position = 4;
    for (int i = 0; i < 20'000; ++i) {
      Put one{random() % 7 == 0 ? random() : random() % 100'000,
              position,
              42 + random() % 1000,
              {},
              i % 50 == 0,
              0};
      const std::size_t count = i % 5000 == 17 ? 20'000 : random() % 5;
      for (std::size_t k = 0; k < count; ++k) one.references.push_back(k % 2 == 0 ? random() : one.oid + k);
      one.address = writer.add(one.oid, one.position, one.size, one.references, one.unreadable);
      all.push_back(one);
      position += one.size + random() % 100;
    }
  }
  std::size_t next = 0;
  store.for_each([&](Oid oid, const Node& node) {
    ASSERT_LT(next, all.size());
    const Put& put = all[next++];
    EXPECT_EQ(oid, put.oid);
    for (const Node& one : {node, store.at(put.address)}) {
      EXPECT_EQ(one.position, put.position);
      EXPECT_EQ(one.size, put.size);
      EXPECT_EQ(one.unreadable, put.unreadable);
      std::vector<Oid> references;
      one.for_each_reference(oid, [&](Oid target) { references.push_back(target); });
      EXPECT_EQ(references, put.references);
    }
  });
  EXPECT_EQ(next, all.size());
}

// A chain and a star, larger than the stack of the walk: what does not fit there must not be forgotten.
TEST(Reach, FindsEverythingWithABoundedStack) {
  constexpr Oid kStar = 2'500'000, kObjects = kStar + 1000;
  Graph graph;
  {
    NodeStore::Writer writer(graph.nodes);
    std::vector<Oid> all;
    for (Oid oid = 1; oid <= kStar; ++oid) all.push_back(oid);
    const auto add = [&](Oid oid, std::span<const Oid> references) {
      graph.objects.set(oid, kNodeMark | writer.add(oid, 4 + oid, 1, references, false));
    };
    add(0, all);
    for (Oid oid = 1; oid < kObjects; ++oid) {
      const Oid next = oid + 1;
      add(oid, {&next, oid >= kStar && next < kObjects ? 1U : 0U});
    }
    add(kObjects + 5, {});
  }
  BytesFile file;
  Reached reached;
  const Oid root = 0;
  reach(file, graph, {&root, 1}, Faults::matter, reached);
  EXPECT_EQ(reached.oids.size(), kObjects);
  EXPECT_EQ(reached.bytes, kObjects);
  EXPECT_FALSE(reached.oids.contains(kObjects + 5));
  EXPECT_TRUE(reached.dangling.empty());
}

TEST(PackOutput, WritesPatchesAndReadsBackAcrossItsBuffers) {
  io::MemEnv mem;
  const auto dir = mem.open_dir("/", io::Links::refuse);
  const auto file = dir->create_file("out", 0600);
  PackOutput output(file.get());
  std::string wanted;
  std::mt19937_64 random(5);
  for (int i = 0; i < 6000; ++i) {
    const std::string piece(random() % 400, static_cast<char>('a' + i % 26));
    output.append(base::as_bytes(piece));
    wanted += piece;
    EXPECT_EQ(output.position(), wanted.size());
    if (wanted.size() > piece.size() + 4 && piece.size() > 4) {  // at times between two buffers
      const std::size_t between = wanted.size() - piece.size() - 4;
      output.patch(between, base::as_bytes("patched!"));
      wanted.replace(between, 8, "patched!");
    }
    if (i % 100 == 99) {
      const std::size_t at = random() % (wanted.size() - 8);
      output.patch(at, base::as_bytes("PATCHED!"));
      wanted.replace(at, 8, "PATCHED!");
      const std::size_t from = random() % (wanted.size() - 300);
      EXPECT_EQ(base::as_text(output.read(from, 300)), wanted.substr(from, 300));
    }
  }
  output.flush();
  EXPECT_EQ(mem.content("/out"), wanted);
}

TEST(PackOutput, TellsOfAFailedWriteAtTheLatestWhenFlushed) {
  io::MemEnv mem;
  const auto dir = mem.open_dir("/", io::Links::refuse);
  const auto file = dir->create_file("out", 0600);
  mem.set_capacity(100'000);
  PackOutput output(file.get());
  const std::string piece(1000, 'x');
  const auto write = [&] {
    for (int i = 0; i < 2000; ++i) output.append(base::as_bytes(piece));
    output.flush();
  };
  EXPECT_TRUE(support::fails_with(base::ErrorKind::no_space, write));
}

TEST(PackTime, TakesSecondsAndIsoTimes) {
  const std::map<std::string, double> good = {{"@0.5", 0.5},
                                              {"@1346711619.448", 1346711619.448},
                                              {"@-86400", -86400},
                                              {"@1e9", 1e9},
                                              {"2012-09-03T22:33:39Z", 1346711619},
                                              {"2012-09-03T22:33:39.5Z", 1346711619.5},
                                              {"2012-09-03T22:33:39", 1346711619},
                                              {"2012-09-03", 1346630400}};
  for (const auto& [text, time] : good) EXPECT_EQ(parse_pack_time(text), time) << text;
  for (const char* text : {"", "@", "@x", "@1x", "@nan", "@inf", "@ 1", "1346711619", "2012", "2012-13-01",
                           "yesterday", "2012-09-03 22:33:39", "2012-09-03T22:33:39ZZ"}) {
    EXPECT_FALSE(parse_pack_time(text)) << text;
  }
}

TEST(PackTime, MakesZodbsTid) {
  EXPECT_EQ(base::to_hex(pack_tid(1346711619.448)), "0398fb89a84fbc44");
  EXPECT_EQ(base::to_hex(pack_tid(1284023011.499)), "0388c11f86654ecc");
  // ulps below a nanosecond count near 1970.
  EXPECT_NE(pack_tid(1.0), pack_tid(1.0 + 60.0 / 4294967296.0));
  for (const double time : {-2208988800.0, -3e9, 1e300, -1e300, std::nan("")}) {
    EXPECT_TRUE(support::fails_with(base::ErrorKind::usage, [&] { pack_tid(time); })) << time;
  }
}

TEST(StorageLock, IsZodbs) {
  io::MemEnv mem;
  mem.put_dir("/data", {7, 8}, 0750);
  const auto dir = mem.open_dir("/data", io::Links::refuse);
  {
    const StorageLock lock(*dir, "Data.fs", {7, 8}, mem);
    EXPECT_EQ(mem.content("/data/Data.fs.lock"), " " + std::to_string(mem.process_id()) + "\n");
    EXPECT_EQ(mem.status("/data/Data.fs.lock")->owner, (io::Owner{7, 8}));
    const auto again = [&] { const StorageLock second(*dir, "Data.fs", {7, 8}, mem); };
    EXPECT_TRUE(
        support::fails_with(base::ErrorKind::busy, again, "held by pid " + std::to_string(mem.process_id())));
  }
  EXPECT_NO_THROW(StorageLock(*dir, "Data.fs", {7, 8}, mem));
}

// A server of the owner's could not take it.
TEST(StorageLock, LeavesNoFileThatIsNotTheOwners) {
  io::MemEnv mem;
  mem.put_dir("/data", {7, 8}, 0770);
  const auto env = io::make_hooked_env(mem, [](const io::Operation& operation) {
    if (operation.name == "set_owner") throw base::Error(base::ErrorKind::io, "change owner", "", "denied");
    return io::no_limit;
  });
  const auto dir = env->open_dir("/data", io::Links::refuse);
  EXPECT_THROW(StorageLock(*dir, "Data.fs", {7, 8}, *env), base::Error);
  EXPECT_FALSE(mem.status("/data/Data.fs.lock"));
}

// A lock on a file that was removed keeps no server out.
TEST(StorageLock, IsTakenOnTheFileThatHasTheName) {
  io::MemEnv mem;
  mem.put_dir("/data", {7, 8}, 0750);
  unsigned removals = 1;
  const auto hooked = io::make_hooked_env(mem, [&](const io::Operation& operation) {
    if (operation.name == "try_lock" && removals > 0) {
      --removals;
      mem.remove_all("/data/Data.fs.lock");
    }
    return io::no_limit;
  });
  const auto dir = hooked->open_dir("/data", io::Links::refuse);
  {
    const StorageLock lock(*dir, "Data.fs", {7, 8}, *hooked);
    EXPECT_EQ(removals, 0u);
    EXPECT_TRUE(io::is_locked(*mem.open_dir("/data", io::Links::refuse), "Data.fs.lock"));
  }
  removals = 1000;
  EXPECT_TRUE(support::fails_with(
      base::ErrorKind::busy,
      [&] {
        const StorageLock lock(*dir, "Data.fs", {7, 8}, *hooked);
      },
      "keeps changing"));
}

TEST(StorageLock, DoesNotWriteThroughAFurtherName) {
  io::MemEnv mem;
  mem.put_dir("/data", {7, 8}, 0750);
  mem.put_file("/secret", "root's own");
  mem.put_link("/data/Data.fs.lock", "/secret");
  const auto dir = mem.open_dir("/data", io::Links::refuse);
  const StorageLock lock(*dir, "Data.fs", {7, 8}, mem);
  EXPECT_EQ(mem.content("/secret"), "root's own");
}

}  // namespace
}  // namespace filestorage
