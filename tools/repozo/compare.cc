#include "repozo/compare.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>

#include "base/error.h"
#include "base/parallel.h"
#include "repozo/piece_io.h"

namespace repozo {

namespace {

constexpr std::size_t kStep = 256 * 1024;  // two of them fit the second-level cache of a core
constexpr std::uint64_t kJob = 4 << 20;    // bytes of a plain piece

// Compressed pieces are one job each, plain ones many.
struct Job {
  const Piece* piece;
  io::File* file;
  std::uint64_t from, to;  // in the piece
};

class Comparison {
 public:
  Comparison(io::File& source, io::OnProgress progress) : source_(source), progress_(std::move(progress)) {}

  void run(const std::vector<Job>& jobs) {
    base::run_jobs(jobs.size(), base::worker_count(), [&](const base::NextJob& next) {
      const auto ours = std::make_unique_for_overwrite<std::byte[]>(kStep);
      const auto theirs = std::make_unique_for_overwrite<std::byte[]>(kStep);
      for (std::uint64_t at = next(); at < jobs.size() && !stop_; at = next()) {
        compare(jobs[at], {ours.get(), kStep}, {theirs.get(), kStep});
        done(jobs[at].to - jobs[at].from);
      }
    });
  }
  const std::optional<Difference>& found() const { return found_; }

 private:
  void compare(const Job& job, std::span<std::byte> ours, std::span<std::byte> theirs) {
    if (job.piece->name.gzip) {
      compare_packed(job, theirs);
      return;
    }
    for (std::uint64_t at = job.from; at < job.to && !stop_;) {
      const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(kStep, job.to - at));
      if (job.file->read_full(at, ours.first(length)) < length) {
        differs(*job.piece, "was cut while it was read");
        return;
      }
      if (!same(job.piece->start + at, ours.first(length), theirs)) differs(*job.piece, "");
      at += length;
    }
  }

  struct Stopped {};
  void compare_packed(const Job& job, std::span<std::byte> theirs) {
    std::uint64_t at = job.piece->start;
    try {
      read_piece(*job.file, job.piece->name, job.piece->size(), [&](base::ByteSpan bytes) {
        while (!bytes.empty()) {
          const base::ByteSpan part = bytes.first(std::min(bytes.size(), theirs.size()));
          if (!same(at, part, theirs)) differs(*job.piece, "");
          at += part.size();
          bytes = bytes.subspan(part.size());
          if (stop_) throw Stopped();
        }
      });
      if (at != job.piece->end) differs(*job.piece, wrong_size(*job.piece, at - job.piece->start));
    } catch (const Stopped&) {
    } catch (const base::Error& error) {
      if (error.kind() != base::ErrorKind::corrupt) throw;
      differs(*job.piece, "is damaged: " + error.reason());
    }
  }

  // Whether the source has these bytes at `offset`.
  bool same(std::uint64_t offset, base::ByteSpan bytes, std::span<std::byte> theirs) {
    return source_.read_full(offset, theirs.first(bytes.size())) == bytes.size() &&
           std::memcmp(theirs.data(), bytes.data(), bytes.size()) == 0;
  }

  // One with a fault of its own says more.
  void differs(const Piece& piece, std::string fault) {
    const std::lock_guard lock(mutex_);
    if (!found_ || found_->fault.empty()) found_ = Difference{piece.name.file(), std::move(fault)};
    stop_ = true;
  }

  void done(std::uint64_t bytes) {
    if (!progress_) return;
    const std::lock_guard lock(mutex_);
    done_ += bytes;
    progress_(done_);
  }

  io::File& source_;
  io::OnProgress progress_;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::optional<Difference> found_;
  std::uint64_t done_ = 0;
};

}  // namespace

std::optional<Difference> compare_with_source(Repository& repository, std::vector<Piece>& pieces,
                                              io::File& source, const Report& report) {
  std::vector<std::unique_ptr<io::File>> files;
  std::vector<Job> jobs;
  std::uint64_t end = 0;
  for (Piece& piece : pieces) {
    files.push_back(open_piece(repository, piece));
    io::File& file = *files.back();
    if (!piece.described) {
      const Checked measured = check_piece(file, piece, Check::size, {});
      if (!measured.fault.empty()) return Difference{piece.name.file(), measured.fault};
      piece.start = end;
      piece.end = end + measured.size;
    } else if (piece.start != end) {
      return Difference{piece.name.file(), "does not start where the one before it ends"};
    }
    end = piece.end;
    if (piece.name.gzip) {
      jobs.insert(jobs.begin(), {&piece, &file, 0, piece.size()});
      continue;
    }
    for (std::uint64_t at = 0; at < piece.size(); at += kJob) {
      jobs.push_back({&piece, &file, at, std::min(at + kJob, piece.size())});
    }
  }
  Comparison comparison(source, report.start("comparing", end));
  comparison.run(jobs);
  return comparison.found();
}

}  // namespace repozo
