#include "io/gzip.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/xxh128.h"
#include "io/hooked_env.h"
#include "io/posix_env.h"
#include "support/child.h"
#include "support/errors.h"
#include "support/temp_dir.h"

namespace {

using base::ErrorKind;
using io::Access;
using io::Links;
using support::fails_with;
using support::slurp;
using support::spill;
using namespace std::string_literals;

constexpr std::size_t kMb = 1 << 20;

// Text that compresses as a database does: repeated words, changing numbers.
std::string records(std::size_t size) {
  std::string text;
  for (unsigned i = 0; text.size() < size; ++i) {
    text += "schooltool.basicperson.person BasicPerson first_name " + std::to_string(i * 7919U) + "\n";
  }
  text.resize(size);
  return text;
}

class Gzip : public testing::Test {
 protected:
  io::GzipInput compress(const std::string& content, io::Dir& dir, const io::OnProgress& progress = {}) {
    spill(temp_ / "a", content);
    if (dir_->status("a.gz")) dir_->remove("a.gz");
    return gzip_compress(*dir.open_file("a", Access::read), *dir.create_file("a.gz", 0600), progress);
  }
  io::GzipInput compress(const std::string& content) { return compress(content, *dir_); }
  std::string decompress(std::uint64_t limit = ~std::uint64_t{0}) {
    std::string content;
    gzip_decompress(*dir_->open_file("a.gz", Access::read), limit, [&](base::ByteSpan piece) {
      EXPECT_FALSE(piece.empty());
      content += base::as_text(piece);
    });
    return content;
  }
  testing::AssertionResult is_corrupt(const std::string& gz, const std::string& reason = "") {
    spill(temp_ / "a.gz", gz);
    return fails_with(
        ErrorKind::corrupt, [&] { decompress(); }, reason);
  }
  // By the program that everybody has.
  std::string gunzipped() {
    const std::string target = temp_ / "out";
    const io::RunResult result = env_->run(
        {"/bin/sh", "-c", "gzip -t '" + temp_ / "a.gz' && zcat '" + temp_ / "a.gz' > '" + target + "'"}, 600);
    EXPECT_EQ(result.exit_status, 0) << result.output;
    return slurp(target);
  }

  support::TempDir temp_;
  std::unique_ptr<io::Env> env_ = io::make_posix_env();
  std::unique_ptr<io::Dir> dir_ = env_->open_dir(temp_.path(), Links::refuse);
};

TEST_F(Gzip, GivesBackWhatItWasGiven) {
  const std::string whole = records(9 * kMb + 17);
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, kMb - 1, kMb, kMb + 1, 3 * kMb, 9 * kMb + 17}) {
    const std::string content = whole.substr(0, size);
    const io::GzipInput input = compress(content);
    base::Xxh128 hash;
    hash.update(base::as_bytes(content));
    EXPECT_EQ(input.length, size);
    EXPECT_EQ(input.xxh128, hash.hex()) << size;
    EXPECT_EQ(decompress(), content) << size;
    EXPECT_EQ(gunzipped(), content) << size;
  }
  EXPECT_LT(dir_->status("a.gz")->size, whole.size() / 5);
}

TEST_F(Gzip, TakesContentThatDoesNotCompress) {
  const std::string content = support::noise(2 * kMb + 5, 1);
  compress(content);
  EXPECT_EQ(decompress(), content);
  EXPECT_LT(dir_->status("a.gz")->size, content.size() + 4096);
}

TEST_F(Gzip, WritesTheSameBytesForTheSameInput) {
  const std::string content = records(5 * kMb);
  compress(content);
  const std::string first = slurp(temp_ / "a.gz");
  compress(content);
  EXPECT_EQ(slurp(temp_ / "a.gz"), first);
  EXPECT_EQ(first.substr(0, 8), "\x1f\x8b\x08\0\0\0\0\0"s) << "no name, no time";
}

TEST_F(Gzip, WritesOneEmptyMemberForAnEmptyInput) {
  compress("");
  const std::string gz = slurp(temp_ / "a.gz");
  EXPECT_EQ(gz.substr(gz.size() - 8), std::string(8, '\0')) << "CRC and length of nothing";
  EXPECT_EQ(decompress(), "");
  EXPECT_EQ(gunzipped(), "");
}

TEST_F(Gzip, WritesNoEmptyMemberBehindAFullBlock) {
  compress("");
  const std::string empty = slurp(temp_ / "a.gz");
  for (const std::size_t blocks : {std::size_t{1}, std::size_t{2}}) {
    compress(records(blocks * kMb));
    EXPECT_FALSE(slurp(temp_ / "a.gz").ends_with(empty)) << blocks;
  }
}

TEST_F(Gzip, TellsItsProgress) {
  std::vector<std::uint64_t> told;
  compress(records(20 * kMb + 1), *dir_, [&](std::uint64_t done) { told.push_back(done); });
  EXPECT_GE(told.size(), 3U);
  EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
  EXPECT_EQ(told.back(), 20 * kMb + 1);
}

// An exception at any operation comes through, and no thread is left behind to spoil the next attempt.
TEST_F(Gzip, StopsAtEveryFailure) {
  const std::string content = records(12 * kMb);
  int failing = 0;
  for (bool threw = true; threw; failing += 3) {
    int left = failing;
    const auto hooked = io::make_hooked_env(*env_, [&](const io::Operation& operation) {
      if (left-- == 0) throw base::Error::from_errno(std::string(operation.name), operation.path, ENOSPC);
      return io::no_limit;
    });
    try {
      const auto dir = hooked->open_dir(temp_.path(), Links::refuse);
      compress(content, *dir);
      threw = false;
    } catch (const base::Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::no_space);
    }
  }
  EXPECT_GT(failing, 20);
  EXPECT_EQ(decompress(), content);
}

TEST_F(Gzip, StopsWhenTheListenerThrows) {
  EXPECT_THROW(compress(records(30 * kMb), *dir_, [](std::uint64_t) { throw std::runtime_error("stop"); }),
               std::runtime_error);
}

TEST_F(Gzip, WritesWhateverThePiecesAre) {
  const std::string content = records(2 * kMb);
  const auto hooked = io::make_hooked_env(*env_, [](const io::Operation& operation) {
    return operation.name == "write_some" ? std::uint64_t{1000} : io::no_limit;
  });
  compress(content, *hooked->open_dir(temp_.path(), Links::refuse));
  EXPECT_EQ(decompress(), content);
}

TEST_F(Gzip, ReadsWhatGzipWrites) {
  const std::string content = records(3 * kMb);
  spill(temp_ / "named file", content);
  for (const char* level : {"-1", "-6", "-9"}) {
    EXPECT_EQ(env_->run({"/bin/gzip", "-k", "-f", "-N", level, temp_ / "named file"}, 600).exit_status, 0);
    dir_->rename("named file.gz", *dir_, "a.gz", io::Replace::yes);
    EXPECT_EQ(decompress(), content) << level;
  }
}

// A faster inflater that gives up in the middle: what it gave stays given, and is not given again by zlib.
TEST_F(Gzip, GivesNothingTwiceWhenTheFasterInflaterGivesUp) {
  class GivesUp : public io::MemberInflater {
   public:
    void begin() override { steps_ = 0; }
    Step step(base::ByteSpan& input, std::span<std::byte> output, std::size_t& filled) override {
      input = input.subspan(std::min<std::size_t>(input.size(), 1000));
      output[0] = std::byte{'!'};
      filled = 1;
      return ++steps_ < 3 ? Step::more : Step::damaged;
    }

   private:
    int steps_ = 0;
  };
  spill(temp_ / "a", records(3 * kMb));  // in one member: more than is inflated in memory
  ASSERT_EQ(env_->run({"/bin/sh", "-c", "gzip -1 < '" + temp_ / "a" + "' > '" + temp_ / "a.gz" + "'"}, 600)
                .exit_status,
            0);
  GivesUp faster;
  std::string content;
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt,
      [&] {
        gzip_decompress(
            *dir_->open_file("a.gz", Access::read), ~std::uint64_t{0},
            [&](base::ByteSpan piece) { content += base::as_text(piece); }, &faster);
      },
      "not sound gzip data"));
  EXPECT_EQ(content, "!!");
}

TEST_F(Gzip, ReadsMembersAndPadding) {
  compress("first,");
  const std::string first = slurp(temp_ / "a.gz");
  compress("second");
  const std::string second = slurp(temp_ / "a.gz");
  spill(temp_ / "a.gz", first + second);
  EXPECT_EQ(decompress(), "first,second");
  spill(temp_ / "a.gz", first + second + std::string(1'000'000, '\0'));
  EXPECT_EQ(decompress(), "first,second");
  EXPECT_TRUE(is_corrupt(first + std::string(10, '\0') + second,
                         "behind the padding at byte " + std::to_string(first.size() + 10)));
  EXPECT_TRUE(is_corrupt(first + "x"));
  EXPECT_TRUE(is_corrupt(first + second.substr(0, 1)));
}

TEST_F(Gzip, RefusesACutFileAtEveryLength) {
  compress("a short content, a short content, and something else");
  const std::string gz = slurp(temp_ / "a.gz");
  for (std::size_t length = 0; length < gz.size(); ++length) {
    EXPECT_TRUE(is_corrupt(gz.substr(0, length), length == 0 ? "empty" : "cut short at byte")) << length;
  }
}

TEST_F(Gzip, RefusesEveryChangedByteOfTheContentAndItsSums) {
  const std::string content = records(300);
  compress(content);
  const std::string gz = slurp(temp_ / "a.gz");
  for (std::size_t at = 0; at < gz.size(); ++at) {
    if (at >= 4 && at < 10) continue;  // time, flags of the level, operating system: nobody checks them
    std::string broken = gz;
    broken[at] = static_cast<char>(broken[at] ^ 0x10);
    // Flag 0x10 announces a comment: what follows is then read as such, and is no deflate data any more. The
    // last byte before the sums may have bits to spare, which mean nothing.
    if (at + 9 == gz.size()) {
      spill(temp_ / "a.gz", broken);
      EXPECT_EQ(decompress(), content);
    } else {
      EXPECT_TRUE(is_corrupt(broken)) << at;
    }
  }
}

TEST_F(Gzip, TellsWhereTheDamageIs) {
  compress(records(3 * kMb));
  std::string gz = slurp(temp_ / "a.gz");
  const std::size_t middle = gz.size() / 2;
  gz.replace(middle, 64, std::string(64, '\xff'));
  spill(temp_ / "a.gz", gz);
  try {
    decompress();
    ADD_FAILURE() << "not noticed";
  } catch (const base::Error& error) {
    const std::string text = error.what();
    const auto position = std::stoull(text.substr(text.rfind(' ') + 1));
    EXPECT_GE(position, middle) << text;
    EXPECT_LE(position, gz.size()) << text;
  }
}

TEST_F(Gzip, RefusesWhatIsNotGzip) {
  EXPECT_TRUE(is_corrupt("FS21 is no gzip file", "not sound gzip data (incorrect header check) at byte 2"));
  EXPECT_TRUE(is_corrupt(std::string(1000, '\0')));
  EXPECT_TRUE(is_corrupt("\x78\x9c\x03\0\0\0\0\x01"s)) << "zlib format";
}

TEST_F(Gzip, StopsAtItsLimit) {
  // A bomb: 64 MB out of 64 KB.
  compress(std::string(64 * kMb, '\0'));
  EXPECT_EQ(decompress(64 * kMb).size(), 64 * kMb);
  std::uint64_t delivered = 0;
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt,
      [&] {
        gzip_decompress(*dir_->open_file("a.gz", Access::read), kMb + 5,
                        [&](base::ByteSpan piece) { delivered += piece.size(); });
      },
      "larger than expected"));
  EXPECT_LE(delivered, kMb + 5);
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { decompress(64 * kMb - 1); }));
}

TEST_F(Gzip, StopsWhenTheSinkThrows) {
  compress("abc");
  EXPECT_THROW(gzip_decompress(*dir_->open_file("a.gz", Access::read), 10,
                               [](base::ByteSpan) { throw std::runtime_error("stop"); }),
               std::runtime_error);
}

TEST_F(Gzip, ReportsAFullDisk) {
  if (!support::can_mount_tiny()) GTEST_SKIP() << "SKIPPED: a small file system cannot be mounted here";
  spill(temp_ / "a", support::noise(3 * kMb, 8));
  const auto source = dir_->open_file("a", Access::read);
  EXPECT_TRUE(support::passes_in_child([&] {
    support::mount_tiny(temp_.path(), kMb);
    const auto target = env_->open_dir(temp_.path(), Links::refuse)->create_file("b", 0600);
    EXPECT_TRUE(fails_with(ErrorKind::no_space, [&] { gzip_compress(*source, *target, {}); }));
  }));
}

}  // namespace
