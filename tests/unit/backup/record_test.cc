#include "backup/record.h"

#include <gtest/gtest.h>

#include "io/mem_env.h"
#include "support/errors.h"

namespace backup {
namespace {

using support::fails_with;

constexpr const char* kStamp = "2026-11-23-03-15-00";
constexpr const char* kFile = "/repo/2026-11-23-03-15-00.backup";

Record example() {
  Record record;
  record.stamp = kStamp;
  record.chain = "2026-11-20-03-15-00";
  record.file = "2026-11-23-03-15-00.deltafs";
  record.start = 100;
  record.end = 250;
  record.md5 = "d41d8cd98f00b204e9800998ecf8427e";
  record.last_tid = 0x0398f868121ff2dd;
  record.source = "/var/lib/schooltool/Data\xff.fs";
  record.owner = {106, 113};
  record.mode = 0640;
  record.begun = {1790000000, 0};
  record.seconds = 12;
  record.with_blobs = true;
  record.layout = filestorage::BlobLayout::lawn;
  record.blobs = 5;
  record.archives = {"2026-11-20-03-15-00", kStamp};
  record.missing = 1;
  record.missing_names = {"0x42/0x01.blob"};
  record.new_blobs = 2;
  record.new_blob_bytes = 77;
  return record;
}

class RecordTest : public testing::Test {
 protected:
  RecordTest() {
    mem_.put_dir("/repo");
    dir_ = mem_.open_dir("/repo", io::Links::refuse);
  }
  io::MemEnv mem_;
  std::unique_ptr<io::Dir> dir_;
};

TEST_F(RecordTest, ReadsBackWhatItWrote) {
  save_record(*dir_, example(), mem_);
  const Record read = load_record(*dir_, kStamp);
  Record expected = example();
  expected.source = "/var/lib/schooltool/Data\xef\xbf\xbd.fs";  // JSON has to be UTF-8
  EXPECT_EQ(record_json(read), record_json(expected));
  EXPECT_EQ(read.owner, expected.owner);
  EXPECT_FALSE(read.full());
  EXPECT_EQ(read.archives, expected.archives);
  EXPECT_EQ(load_records(*dir_).all.size(), 1u);
}

TEST_F(RecordTest, EveryChangedByteIsNoticed) {
  save_record(*dir_, example(), mem_);
  const std::string whole = *mem_.content(kFile);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    mem_.put_file(kFile, damaged);
    EXPECT_TRUE(fails_with(base::ErrorKind::corrupt, [&] { load_record(*dir_, kStamp); })) << at;
  }
  EXPECT_EQ(load_records(*dir_).problems.size(), 1u);
}

TEST_F(RecordTest, ACutOneIsNoticed) {
  save_record(*dir_, example(), mem_);
  const std::string whole = *mem_.content(kFile);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    mem_.put_file(kFile, whole.substr(0, length));
    EXPECT_TRUE(fails_with(base::ErrorKind::corrupt, [&] { load_record(*dir_, kStamp); })) << length;
  }
}

// The bytes of a damaged one may be anything, and are nothing for a terminal.
TEST_F(RecordTest, ProblemsDoNotShowWhatIsInTheFile) {
  save_record(*dir_, example(), mem_);
  mem_.put_file(kFile, "{\x1b]0;\x8a");
  const Records records = load_records(*dir_);
  ASSERT_EQ(records.problems.size(), 1u);
  EXPECT_EQ(records.problems[0], "read '" + std::string(kFile) + "': is damaged");
}

TEST_F(RecordTest, OfAnotherBackupIsRefused) {
  save_record(*dir_, example(), mem_);
  mem_.put_file("/repo/2026-11-24-03-15-00.backup", *mem_.content(kFile));
  EXPECT_TRUE(fails_with(base::ErrorKind::corrupt, [&] { load_record(*dir_, "2026-11-24-03-15-00"); }));
}

}  // namespace
}  // namespace backup
