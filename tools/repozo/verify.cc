#include "repozo/verify.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <mutex>

#include "base/error.h"
#include "base/parallel.h"
#include "repozo/piece_io.h"

namespace repozo {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::uint64_t kBlocksPerJob = 4;

// The pieces of one chain, in all cores: those without block sums as a whole, the others in parts.
class ChainVerification {
 public:
  ChainVerification(Repository& repository, const Chain& chain, const VerifyOptions& options,
                    const Report& report)
      : repository_(repository),
        chain_(chain),
        options_(options),
        faults_(chain.pieces.size()),
        first_fault_(chain.pieces.size()),
        progress_(report.start("verifying", bytes())) {}

  // One text for each piece; "" if it is good. Those behind the first fault are looked at only with `all`.
  std::vector<std::string> run() {
    for (std::size_t at = 0; at < chain_.pieces.size(); ++at) prepare(at);
    // The long ones first, so that no core is left with one at the end.
    std::stable_sort(jobs_.begin(), jobs_.end(),
                     [](const Job& one, const Job& other) { return one.bytes > other.bytes; });
    base::run_jobs(jobs_.size(), base::worker_count(), [&](const base::NextJob& next) {
      const auto buffer = std::make_unique_for_overwrite<std::byte[]>(kSumBlock);
      for (std::uint64_t job = next(); job < jobs_.size(); job = next()) {
        work(jobs_[job], {buffer.get(), kSumBlock});
      }
    });
    return std::move(faults_);
  }

 private:
  struct Job {
    std::size_t piece;
    std::shared_ptr<io::File> file;
    std::uint64_t first, last;  // blocks; none for the whole piece
    std::uint64_t bytes;
  };

  std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const Piece& piece : chain_.pieces) sum += piece.size();
    return sum;
  }

  void prepare(std::size_t at) {
    const Piece& piece = chain_.pieces[at];
    if (piece.missing) return fault(at, "is missing");
    if (!piece.name.gzip && piece.described && piece.stored != piece.size()) {
      return fault(at, wrong_size(piece, piece.stored));
    }
    if (options_.quick && !piece.name.gzip) return;
    const std::shared_ptr<io::File> file = open_piece(repository_, piece);
    if (!piece.sums || piece.name.gzip || options_.with_md5) {
      jobs_.push_back({at, file, 0, 0, piece.size()});
      return;
    }
    const std::uint64_t count = piece.sums->blocks.size();
    for (std::uint64_t block = 0; block < count; block += kBlocksPerJob) {
      const std::uint64_t last = std::min(block + kBlocksPerJob, count);
      jobs_.push_back({at, file, block, last, std::min(last * kSumBlock, piece.size()) - block * kSumBlock});
    }
  }

  void work(const Job& job, std::span<std::byte> buffer) {
    const Piece& piece = chain_.pieces[job.piece];
    if (!options_.all && job.piece > first_fault_) return;
    if (job.first == job.last) {
      const Check check = options_.quick ? Check::size : options_.with_md5 ? Check::md5 : Check::sums;
      fault(job.piece, check_piece(*job.file, piece, check, {}).fault);
    }
    base::ByteSpan bytes;
    for (std::uint64_t block = job.first; block < job.last; ++block) {
      fault(job.piece, check_block(*job.file, piece, block, buffer, bytes));
    }
    if (!progress_) return;
    const std::lock_guard lock(mutex_);
    done_ += job.bytes;
    progress_(done_);
  }

  void fault(std::size_t piece, const std::string& text) {
    if (text.empty()) return;
    const std::lock_guard lock(mutex_);
    if (faults_[piece].empty()) faults_[piece] = text;
    first_fault_ = std::min(first_fault_.load(), piece);
  }

  Repository& repository_;
  const Chain& chain_;
  const VerifyOptions& options_;
  std::vector<Job> jobs_;
  std::mutex mutex_;
  std::vector<std::string> faults_;
  std::atomic<std::size_t> first_fault_;
  io::OnProgress progress_;
  std::uint64_t done_ = 0;
};

class Verification {
 public:
  Verification(Repository& repository, const VerifyOptions& options, const Report& report)
      : repository_(repository), options_(options), report_(report) {}

  VerifyResult run() {
    const std::string now = stamp_of(repository_.env().now());
    report_.say("looking for files between last full backup and " + now + "...");
    if (options_.all) {
      result_.checked = list_chains(repository_);
    } else if (auto chain = chain_at(repository_, "")) {
      result_.checked.push_back(std::move(*chain));
    }
    if (result_.checked.empty()) {
      report_.say("no files found");
      throw Error(ErrorKind::not_found, "", "", "No files in repository");
    }
    tell_files(now);
    for (const Chain& chain : result_.checked) check(chain);
    return std::move(result_);
  }

 private:
  bool enough() const { return !options_.all && !result_.faults.empty(); }
  void fault(const std::string& name, const std::string& text) {
    if (!enough()) result_.faults.push_back({name, text});
  }

  void tell_files(const std::string& now) {
    report_.say("files needed to recover state as of " + now + ":");
    for (const Chain& chain : result_.checked) {
      for (const Piece& piece : pieces_that_count(chain)) {
        if (!piece.missing) report_.say("\t" + repository_.shown(piece.name.file()));
      }
    }
  }

  void check(const Chain& chain) {
    check_dat(chain);
    if (enough()) return;
    const std::vector<std::string> texts = ChainVerification(repository_, chain, options_, report_).run();
    for (std::size_t at = 0; at < texts.size() && !enough(); ++at)
      check_piece_of(chain.pieces[at], texts[at]);
    if (enough()) return;
    const std::vector<Piece> pieces = pieces_that_count(chain);
    const auto problem = problem_of(pieces);
    const bool told =
        problem && std::any_of(result_.faults.begin(), result_.faults.end(),
                               [&](const VerifyFault& one) { return one.name == problem->name; });
    if (problem && !told) fault(problem->name, problem->text);
  }

  void check_dat(const Chain& chain) {
    const std::string name = dat_name(chain.stamp);
    if (!chain.has_dat && !options_.all) {
      throw Error::from_errno("open", repository_.dir().path() + "/" + name, ENOENT);
    }
    if (!chain.has_dat) fault(name, "is missing");
    if (!chain.problem.empty()) fault(name, chain.problem);
    if (!chain.has_dat || !chain.problem.empty()) return;
    for (const Piece& piece : chain.pieces) {
      // A crash may have come before the line. The sums tell of the piece, and the next backup adds it.
      if (chain.unfinished && piece.sums && &piece == &chain.last()) continue;
      if (!piece.in_dat) fault(piece.name.file(), "is not named in " + repository_.shown(name));
    }
  }

  void check_piece_of(const Piece& piece, const std::string& text) {
    const std::string name = piece.name.file();
    report_.say("Verifying " + repository_.shown(name));
    // Before a sum that does not agree with the .dat: it is the .dat that is wrong.
    if (piece.contradicted) fault(sums_name(piece.name.stamp), piece.problem);
    if (!text.empty()) return fault(name, text);
    if (!piece.contradicted && !piece.problem.empty()) fault(sums_name(piece.name.stamp), piece.problem);
    if (piece.sums && !options_.quick) check_index(piece);
  }

  void check_index(const Piece& piece) {
    const std::string name = index_name(piece.name.stamp);
    if (!repository_.dir().status(name)) return fault(name, "is missing");
    const auto file = repository_.dir().open_file(name, io::Access::read);
    if (!is_index_of(*piece.sums, *file)) fault(name, "is damaged");
  }

  Repository& repository_;
  const VerifyOptions& options_;
  const Report& report_;
  VerifyResult result_;
};

}  // namespace

VerifyResult verify(Repository& repository, const VerifyOptions& options, const Report& report) {
  return Verification(repository, options, report).run();
}

}  // namespace repozo
