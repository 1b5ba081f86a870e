#include "repozo/new_files.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"
#include "io/gzip.h"
#include "repozo/md5_thread.h"

namespace repozo {

namespace {

constexpr std::uint64_t kWriteback = 8 << 20;  // bytes between two hints
// What zlib's 9, the level of ZODB's repozo, saves by taking five times as long, this saves too, within 3 %.
constexpr int kLevel = 7;

// Reads a range in order, summing it on the way.
class RangeReader {
 public:
  RangeReader(io::File& source, std::uint64_t start, std::uint64_t end, const io::OnProgress& progress)
      : source_(source), start_(start), end_(end), offset_(start), progress_(progress) {}

  // Fills `into`, less of it only at the end of the range; 0 behind that.
  std::size_t read(std::span<std::byte> into) {
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), end_ - offset_));
    if (source_.read_full(offset_, into.first(length)) < length) {
      throw base::Error(base::ErrorKind::corrupt, "back up", source_.path(), "was cut while it was read");
    }
    sums_.update(into.first(length));
    offset_ += length;
    if (progress_ && length > 0) progress_(offset_ - start_);
    return length;
  }
  std::vector<Sum> finish() { return sums_.finish(); }

 private:
  io::File& source_;
  std::uint64_t start_, end_, offset_;
  const io::OnProgress& progress_;
  BlockSummer sums_;
};

std::uint64_t copy_plain(RangeReader& reader, std::uint64_t length, Md5Thread& md5, io::File& target) {
  target.reserve(length);
  std::uint64_t written = 0, started = 0;
  while (written < length) {
    const std::span<std::byte> buffer = md5.buffer();
    const std::size_t got = reader.read(buffer);
    target.write_full(written, buffer.first(got));
    md5.submit(got);
    written += got;
    if (written - started >= kWriteback) {
      target.start_writeback(started, written - started);
      started = written;
    }
  }
  target.start_writeback(started, written - started);
  return written;
}

}  // namespace

Written copy_range(io::File& source, std::uint64_t start, std::uint64_t end, bool gzip, io::File& target,
                   const io::OnProgress& progress) {
  RangeReader reader(source, start, end, progress);
  Md5Thread md5;
  Written written;
  if (gzip) {
    written.stored = io::gzip_compress_blocks(
        [&](std::span<std::byte> block) {
          const std::size_t got = reader.read(block);
          md5.update(block.first(got));
          return got;
        },
        target, kLevel);
  } else {
    written.stored = copy_plain(reader, end - start, md5, target);
  }
  written.md5 = md5.finish();
  written.blocks = reader.finish();
  return written;
}

void seal_as_far_as_allowed(io::AtomicFile& file, io::Owner owner, std::uint32_t mode) {
  const io::Owner ours = file.file().status().owner;
  if (owner != ours && ours.uid != 0) {
    try {
      file.file().set_owner(owner);  // a group we belong to
    } catch (const base::Error& error) {
      if (error.sys_errno() != EPERM) throw;
      owner = ours;
    }
  }
  file.seal(owner, mode);
}

void replace_dat(Repository& repository, const std::string& chain, const std::vector<DatLine>& lines,
                 io::Owner owner, std::uint32_t mode) {
  io::AtomicFile dat(repository.dir(), dat_name(chain), repository.env());
  dat.file().write_full(0, base::as_bytes(dat_text(lines)));
  seal_as_far_as_allowed(dat, owner, mode);
  dat.commit(io::Replace::yes);
}

SideFiles::SideFiles(Repository& repository, std::string stamp, std::uint32_t mode)
    : repository_(repository), stamp_(std::move(stamp)), mode_(mode) {}

SideFiles::~SideFiles() {
  sums_.reset();
  if (kept_) return;
  try {
    // The .sums-new file last, as in the sweep.
    while (!made_.empty()) {
      if (made_.size() == 1) repository_.dir().sync();
      repository_.dir().remove(made_.back());
      made_.pop_back();
    }
  } catch (...) {
    // Nobody is left to be told: the next run's sweep removes them.
  }
}

void SideFiles::reserve_stamp() {
  sums_ = create(sums_new_name(stamp_));
  repository_.dir().sync();
}

std::unique_ptr<io::File> SideFiles::create(const std::string& name) {
  auto file = repository_.dir().create_file(name, mode_);
  made_.push_back(name);
  return file;
}

void SideFiles::write_sums(const Sums& sums) {
  sums_->write_full(0, base::as_bytes(encode_sums(sums)));
  sums_->sync();
  sums_->close();
  sums_.reset();
}

// Not synced: where this is lost, the next run does it again.
void SideFiles::finish() {
  repository_.dir().rename(sums_new_name(stamp_), repository_.dir(), sums_name(stamp_), io::Replace::no);
}

void SideFiles::sync() {
  repository_.dir().sync();
}

}  // namespace repozo
