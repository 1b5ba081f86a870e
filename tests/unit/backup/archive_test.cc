#include "backup/archive.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "backup/blob_folder.h"
#include "backup/names.h"
#include "backup/stored_blobs.h"
#include "support/blob_scene.h"
#include "support/errors.h"
#include "support/scene.h"
#include "support/tar.h"

namespace backup {
namespace {

using base::ErrorKind;
using support::BlobSchool;
using support::fails_with;

constexpr const char* kStamp = "2026-01-02-03-04-05";

class ArchiveTest : public testing::TestWithParam<BlobLayout> {
 protected:
  ArchiveTest() : school_(GetParam()) {
    school_.commit({1, 2, 3, 4});  // 3 is empty
    school_.commit({1, 300, 70000});
    school_.put(mem_);
    mem_.put_dir("/repo");
    dir_ = mem_.open_dir("/repo", io::Links::refuse);
  }

  std::map<BlobKey, std::string> keys() const {
    std::map<BlobKey, std::string> keys;
    for (const auto& [path, content] : school_.blobs()) keys[*parse_blob_path(GetParam(), path)] = content;
    return keys;
  }
  void write() {
    BlobFolder live(mem_, support::kBlobDir);
    ArchiveWriter out(*dir_, kStamp, live.layout(), mem_);
    for (const auto& [key, content] : keys()) out.add(key, *live.open(key));
    EXPECT_EQ(out.count(), keys().size());
    out.commit();
  }
  void check() {
    const auto archive = dir_->open_file(archive_name(kStamp), io::Access::read);
    check_archive(*archive, *open_manifest(*dir_, kStamp), {});
  }

  io::MemEnv mem_;
  BlobSchool school_;
  std::unique_ptr<io::Dir> dir_;
};

TEST_P(ArchiveTest, IsATarWithTheBlobFolderInIt) {
  write();
  auto expected = school_.blobs();
  expected[".layout"] = to_string(GetParam());
  EXPECT_EQ(support::untar(*mem_.content("/repo/" + archive_name(kStamp))), expected);
  check();
}

TEST_P(ArchiveTest, EachBlobIsReadFromItsPlace) {
  write();
  const auto archive = dir_->open_file(archive_name(kStamp), io::Access::read);
  StoredBlobs stored(*dir_);
  EXPECT_TRUE(stored.problems().empty());
  for (const auto& [key, content] : keys()) {
    const auto found = stored.find(key);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->archive, kStamp);
    std::string bytes;
    read_blob(*archive, found->entry, [&](base::ByteSpan piece) { bytes += base::as_text(piece); });
    EXPECT_EQ(bytes, content);
  }
  EXPECT_FALSE(stored.find({1, 1}));
}

TEST_P(ArchiveTest, EveryChangedByteIsNoticed) {
  write();
  const std::string path = "/repo/" + archive_name(kStamp);
  const std::string whole = *mem_.content(path);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    mem_.put_file(path, damaged);
    EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { check(); })) << at;
  }
}

TEST_P(ArchiveTest, ACutOneIsNoticed) {
  write();
  const std::string path = "/repo/" + archive_name(kStamp);
  const std::string whole = *mem_.content(path);
  for (std::size_t length = 0; length < whole.size(); length += 97) {
    mem_.put_file(path, whole.substr(0, length));
    EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { check(); })) << length;
    EXPECT_EQ(StoredBlobs(*dir_).problems().size(), 1u);
  }
}

// The header of a member written anew, as somebody would who wants `tar -x` to do harm: the sum is right, and
// so are the list and all sizes.
struct Forgery {
  const char* what;
  std::size_t at;  // byte of the header
  std::string bytes;
};

void forge(std::string& tar, std::size_t header, const Forgery& forgery) {
  tar.replace(header + forgery.at, forgery.bytes.size(), forgery.bytes);
  tar.replace(header + 148, 8, 8, ' ');
  unsigned sum = 0;
  for (std::size_t at = header; at < header + 512; ++at) sum += static_cast<unsigned char>(tar[at]);
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%06o", sum);
  tar.replace(header + 148, 7, std::string(text.data(), 7));
}

// Of a member with data, and of an empty one, as which links and devices pass by their size.
class ForgedArchiveTest : public ArchiveTest {
 protected:
  void forge_each(bool empty);
};
INSTANTIATE_TEST_SUITE_P(Layouts, ForgedArchiveTest, testing::Values(BlobLayout::bushy, BlobLayout::lawn));

TEST_P(ForgedArchiveTest, AMemberWithDataIsRefused) {
  forge_each(false);
}
TEST_P(ForgedArchiveTest, AnEmptyMemberIsRefused) {
  forge_each(true);
}

void ForgedArchiveTest::forge_each(bool empty) {
  write();
  const std::string path = "/repo/" + archive_name(kStamp);
  const std::string whole = *mem_.content(path);
  const auto all = keys();
  const auto chosen =
      std::find_if(all.begin(), all.end(), [&](const auto& blob) { return blob.second.empty() == empty; });
  ASSERT_NE(chosen, all.end());
  const auto& [key, content] = *chosen;
  const std::size_t header = StoredBlobs(*dir_).find(key)->entry.offset - 512;
  const Forgery forgeries[] = {
      {"a name that leads upwards", 0, std::string("../../../etc/cron.d/evil") + std::string(76, '\0')},
      {"an absolute name", 0, std::string("/etc/cron.d/evil") + std::string(84, '\0')},
      {"another blob's name", 0, filestorage::blob_path(GetParam(), keys().rbegin()->first) + '\0'},
      {"a symbolic link", 156, std::string("2/etc/shadow") + '\0'},
      {"a hard link", 156, std::string("1/etc/shadow") + '\0'},
      {"a character device", 156, "3"},
      {"a block device", 156, "4"},
      {"a folder", 156, "5"},
      {"a FIFO", 156, "6"},
      {"an extended header", 156, "x"},
      {"an extended header for all", 156, "g"},
      {"a long name", 156, "L"},
      {"a huge size", 124, "77777777777"},
      {"a size in base 256", 124, std::string("\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff", 12)},
      {"a negative size", 124, std::string(12, '\xff')}};
  for (const Forgery& forgery : forgeries) {
    SCOPED_TRACE(forgery.what);
    std::string forged = whole;
    forge(forged, header, forgery);
    mem_.put_file(path, forged);
    EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { check(); }));
    // What a restore takes from it is the data at the place that the list tells, under the name of the key.
    std::string bytes;
    const auto archive = dir_->open_file(archive_name(kStamp), io::Access::read);
    const auto found = StoredBlobs(*dir_).find(key);
    ASSERT_TRUE(found);
    read_blob(*archive, found->entry, [&](base::ByteSpan piece) { bytes += base::as_text(piece); });
    EXPECT_EQ(bytes, content);
  }
  // The sum of a header that was not touched otherwise is found as it was.
  std::string same = whole;
  forge(same, header, {"nothing", 156, whole.substr(header + 156, 1)});
  mem_.put_file(path, same);
  check();
}

TEST_P(ArchiveTest, WithoutCommitNothingStays) {
  {
    BlobFolder live(mem_, support::kBlobDir);
    ArchiveWriter out(*dir_, kStamp, live.layout(), mem_);
    out.add(keys().begin()->first, *live.open(keys().begin()->first));
  }
  EXPECT_TRUE(mem_.list("/repo").empty());
}

INSTANTIATE_TEST_SUITE_P(Layouts, ArchiveTest, testing::Values(BlobLayout::bushy, BlobLayout::lawn));

// ---- hostile blob folders

class HostileBlobs : public testing::Test {
 protected:
  HostileBlobs() {
    school_.commit({1});
    school_.put(mem_);
    path_ = school_.blobs().begin()->first;
    key_ = *filestorage::parse_blob_path(BlobLayout::bushy, path_);
    mem_.put_file("/etc/shadow", "secret");
  }
  std::string full() const { return std::string(support::kBlobDir) + "/" + path_; }

  io::MemEnv mem_;
  BlobSchool school_;
  std::string path_;
  BlobKey key_;
};

TEST_F(HostileBlobs, LinksAreNotFollowed) {
  mem_.remove_all(full());
  mem_.put_symlink(full(), "/etc/shadow", support::kSchoolOwner);
  BlobFolder live(mem_, support::kBlobDir);
  EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { live.open(key_); }));
}

TEST_F(HostileBlobs, FoldersThatAreLinksAreNotFollowed) {
  const std::string folder = std::string(support::kBlobDir) + "/0x00/0x00";
  mem_.remove_all(folder);
  mem_.put_symlink(folder, "/etc", support::kSchoolOwner);
  BlobFolder live(mem_, support::kBlobDir);
  EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { live.open(key_); }));
}

TEST_F(HostileBlobs, FurtherNamesOfRootsFilesAreRefused) {
  mem_.remove_all(full());
  mem_.put_link(full(), "/etc/shadow");
  BlobFolder live(mem_, support::kBlobDir);
  EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { live.open(key_); }));
}

TEST_F(HostileBlobs, FilesOfOthersAreRefused) {
  mem_.put_file(full(), "x", {77, 77}, 0644);
  mem_.remove_all(full());
  mem_.put_file(full(), "x", {77, 77}, 0644);
  BlobFolder live(mem_, support::kBlobDir);
  EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { live.open(key_); }));
}

TEST_F(HostileBlobs, SpecialFilesAreRefused) {
  mem_.remove_all(full());
  mem_.put_special(full(), io::FileType::fifo, support::kSchoolOwner);
  BlobFolder live(mem_, support::kBlobDir);
  EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { live.open(key_); }));
}

TEST_F(HostileBlobs, LinksThatAPackMadeAreRead) {
  mem_.put_link("/var/lib/schooltool/old.blob", full());
  BlobFolder live(mem_, support::kBlobDir);
  EXPECT_TRUE(live.open(key_));
}

}  // namespace
}  // namespace backup
