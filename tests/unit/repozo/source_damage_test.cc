// A database whose content changed where nothing ever changes it: backed up, told, and no reason to let a
// good backup go. What a pack does, or damage of the repository, is no such thing.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "filestorage/format.h"
#include "filestorage/oid_text.h"
#include "support/file_builder.h"
#include "support/fs_builder.h"
#include "support/repozo_school.h"
#include "support/scene.h"

namespace {

using support::kStamps;
using support::Packing;
using support::RepozoRun;

const std::string kData = std::string(support::kRepozoDir) + "/Data.fs";
const std::string kRepo = std::string(support::kRepoDir) + "/";
const std::string kNow = "2026-02-05-03-15-00";
const std::string kLater = "2026-02-06-03-15-00";

struct Place {
  std::uint64_t header = 0, data = 0, end = 0;  // of a record
  filestorage::RecordHeader record;
};

// All records with data, in order.
std::vector<Place> records_of(const std::string& database) {
  using namespace filestorage;
  const auto* bytes = reinterpret_cast<const std::byte*>(database.data());
  std::vector<Place> places;
  for (std::uint64_t position = kMagicSize; position < database.size();) {
    const TransactionHeader header = load_transaction_header(bytes + position);
    for (std::uint64_t at = position + header.size(); at < position + header.length;) {
      const RecordHeader record = load_record_header(bytes + at);
      const std::uint64_t data = at + kRecordHeaderSize;
      if (record.data != 0) places.push_back({at, data, data + record.data, record});
      at = data + record.payload();
    }
    position += header.length + kTrailerSize;
  }
  return places;
}

std::string with_changed(std::string content, std::uint64_t at, std::size_t count = 1) {
  for (std::size_t i = 0; i < count; ++i) content.at(at + i) = static_cast<char>(content.at(at + i) ^ 0x15);
  return content;
}

class SourceDamage : public testing::Test {
 protected:
  SourceDamage() { set_up(Packing::plain); }
  void set_up(Packing packing) {
    support::put_school(mem_, packing);
    before_ = support::files_in(mem_, support::kRepoDir);
  }
  RepozoRun back_up(const std::string& source, const std::vector<std::string>& options) {
    mem_.put_file(kData, source);
    std::vector<std::string> words = {"-B", "-r", "repo", "-f", "Data.fs"};
    words.insert(words.end(), options.begin(), options.end());
    return support::run_repozo_at(mem_, kNow, words);
  }
  bool old_ones_stand() {
    const auto after = support::files_in(mem_, support::kRepoDir);
    return std::all_of(before_.begin(), before_.end(), [&](const auto& file) {
      const auto found = after.find(file.first);
      return support::is_lock_name(file.first) || (found != after.end() && found->second == file.second);
    });
  }
  void expect_told(const RepozoRun& run, const std::string& source, const Place& place, std::uint64_t at) {
    EXPECT_EQ(run.status, 1);
    EXPECT_EQ(run.err, "repozo: Data.fs has changed at byte " + std::to_string(at) +
                           ", in the data of object " + filestorage::oid_text(place.record.oid) +
                           " as of transaction " + filestorage::oid_text(place.record.tid) +
                           ", where nothing ever should: it is damaged, or was when it was backed up. It is "
                           "backed up as it is, and all older backups are kept\n");
    EXPECT_BYTES(mem_.content(kRepo + kNow + ".fs"), source);
    EXPECT_TRUE(old_ones_stand());
    EXPECT_EQ(support::run_repozo(mem_, {"-V", "--all", "-r", "repo"}).status, 0);
  }

  io::MemEnv mem_;
  support::Files before_;
  const std::string held_ = support::school_states().back();
  const std::vector<Place> records_ = records_of(held_);
  const std::vector<std::vector<std::string>> removing_ = {
      {"-k"}, {"--keep", "1"}, {"-F", "-k"}, {"-z", "-k"}};
};

TEST_F(SourceDamage, RemovesNoBackup) {
  const Place& place = records_.at(records_.size() / 2);
  for (const auto& options : removing_) {
    for (const Packing packing : {Packing::plain, Packing::gzip}) {
      SCOPED_TRACE(options[0]);
      set_up(packing);
      const std::string damaged = with_changed(held_, place.data + 1, 17);
      const RepozoRun run = back_up(damaged, options);
      if (options[0] == "-z") {
        EXPECT_EQ(run.status, 1);
        EXPECT_TRUE(old_ones_stand());
      } else {
        expect_told(run, damaged, place, place.data + 1);
      }
      if (HasFailure()) return;
    }
  }
}

TEST_F(SourceDamage, RemovesTheGoodBackupByNoLaterRunEither) {
  const Place& place = records_.at(records_.size() / 2);
  set_up(Packing::plain);
  const std::string damaged = with_changed(held_, place.data + 1, 17);
  expect_told(back_up(damaged, {"-F", "-k"}), damaged, place, place.data + 1);
  const RepozoRun again =
      support::run_repozo_at(mem_, kLater, {"-B", "-F", "-k", "-r", "repo", "-f", "Data.fs"});
  EXPECT_EQ(again.status, 1);
  EXPECT_NE(again.err.find("has changed at byte"), std::string::npos);
  EXPECT_TRUE(old_ones_stand());
}

TEST_F(SourceDamage, IsToldToTheByteWhereverTheDatabaseHasGrownOrShrunk) {
  for (const std::size_t which : {std::size_t{0}, std::size_t{1}, records_.size() - 1}) {
    const Place& place = records_.at(which);
    for (const std::uint64_t at : {place.data, place.end - 1}) {
      for (const std::string& source : {held_, support::school(60)}) {
        SCOPED_TRACE(at);
        set_up(Packing::plain);
        const std::string damaged = with_changed(source, at);
        expect_told(back_up(damaged, {"-k"}), damaged, place, at);
        if (HasFailure()) return;
      }
    }
  }
  set_up(Packing::plain);
  const Place& first = records_.at(3);
  const std::string shorter = with_changed(support::school(30), first.data);
  expect_told(back_up(shorter, {"-k"}), shorter, first, first.data);
}

// By MD5, as the original leaves a repository.
TEST_F(SourceDamage, IsKnownWithoutBlockSums) {
  for (const std::string& stamp : kStamps) mem_.remove_all(kRepo + stamp + ".sums");
  before_ = support::files_in(mem_, support::kRepoDir);
  const Place& place = records_.at(5);
  const std::string damaged = with_changed(held_, place.data);
  expect_told(back_up(damaged, {"-k"}), damaged, place, place.data);
}

// The original's words and status: nothing is at stake.
TEST_F(SourceDamage, IsBackedUpAsTheOriginalDoesWhereNothingIsToBeRemoved) {
  const Place& place = records_.at(5);
  const std::string damaged = with_changed(held_, place.data);
  RepozoRun run = back_up(damaged, {});
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.err, "");
  EXPECT_BYTES(mem_.content(kRepo + kNow + ".fs"), damaged);
  EXPECT_TRUE(old_ones_stand());
  set_up(Packing::plain);
  run = back_up(damaged, {"--json"});
  const auto report = nlohmann::json::parse(run.out);
  EXPECT_EQ(report.at("damage").get<std::string>().find("Data.fs has changed at byte " +
                                                        std::to_string(place.data)),
            0u);
}

TEST_F(SourceDamage, IsNothingThatAPackDoes) {
  using support::school_history;
  support::History undone = school_history(60), marked = school_history(60);
  undone.erase(undone.begin() + 3);
  marked[2].status = 'p';
  for (const std::string& source : {support::render(support::packed(school_history(60))),
                                    support::render(support::packed(school_history(55))),
                                    support::render(undone), support::render(marked), support::school(20)}) {
    for (const auto& options : removing_) {
      set_up(Packing::plain);
      const RepozoRun run = back_up(source, options);
      EXPECT_EQ(run.status, 0) << run.err;
      EXPECT_EQ(run.err, "");
      EXPECT_FALSE(mem_.status(kRepo + kStamps[0] + ".fs"));
    }
  }
}

// What a server does that was killed while it wrote: the last transaction goes.
TEST_F(SourceDamage, IsNotAnEndThatIsCut) {
  const Place& last = records_.back();
  for (const std::uint64_t size : {last.data, last.data + 1, last.end - 1, last.end}) {
    set_up(Packing::plain);
    const RepozoRun run = back_up(held_.substr(0, size), {"-k"});
    EXPECT_EQ(run.status, 0);
    EXPECT_EQ(run.err, "");
    EXPECT_FALSE(mem_.status(kRepo + kStamps[0] + ".fs"));
  }
}

// An undo leaves a pointer in the place of data.
TEST_F(SourceDamage, OfAPointerIsNotClaimed) {
  const auto undone = [](std::uint64_t target) {
    std::string bytes;
    support::FileBuilder builder([&bytes](std::string_view piece) { bytes += piece; },
                                 filestorage::kMagicFs30);
    for (base::Tid tid = 1; tid <= 2; ++tid) {
      builder.begin(tid << 32, "", "");
      builder.record(0, "the same size");
      builder.finish();
    }
    builder.begin(base::Tid{3} << 32, "", "");
    builder.back_pointer(0, target);
    builder.finish();
    return bytes;
  };
  const auto records = records_of(undone(0));
  ASSERT_EQ(records.size(), 2u);
  mem_.remove_all(support::kRepoDir);
  mem_.put_dir(support::kRepoDir);
  mem_.put_file(kData, undone(records[0].header));
  ASSERT_EQ(support::run_repozo_at(mem_, kStamps[0], {"-B", "-r", "repo", "-f", "Data.fs"}).status, 0);
  const RepozoRun run = back_up(undone(records[1].header), {"-k"});
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.err, "");
}

// What is behind the data of the record is a header again, and so is what is before.
TEST_F(SourceDamage, OfHeadersIsLeftToTheCheckOfTheDatabase) {
  const Place& place = records_.at(7);
  for (std::uint64_t at = place.header; at < place.data; ++at) {
    SCOPED_TRACE(at - place.header);
    set_up(Packing::plain);
    const RepozoRun run = back_up(with_changed(held_, at), {"-k"});
    EXPECT_EQ(run.err.find("has changed at byte"), std::string::npos) << run.err;
  }
}

TEST_F(SourceDamage, OfTheRepositoryIsToldAsThat) {
  const Place& place = records_.at(5);
  for (const bool sums : {true, false}) {
    set_up(Packing::plain);
    const std::string name = kStamps[0] + ".fs";
    mem_.put_file(kRepo + name, with_changed(*mem_.content(kRepo + name), place.data));
    if (!sums) {
      for (const std::string& stamp : kStamps) mem_.remove_all(kRepo + stamp + ".sums");
    }
    const RepozoRun run = back_up(held_, {});
    EXPECT_EQ(run.status, 0);
    EXPECT_EQ(run.err.find("repozo: repo/" + name + (sums ? " is damaged in block 0" : " has checksum ")), 0u)
        << run.err;
    EXPECT_NE(run.err.find("; a full backup is made instead of an increment\n"), std::string::npos)
        << run.err;
  }
}

// Without any sum nobody can say which of both has changed.
TEST_F(SourceDamage, IsNotClaimedWithoutASum) {
  for (const std::string& stamp : kStamps) {
    mem_.remove_all(kRepo + stamp + ".sums");
    mem_.remove_all(kRepo + stamp + ".dat");
  }
  const RepozoRun run = back_up(with_changed(held_, records_.at(5).data), {"-k"});
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.err, "");
}

}  // namespace
