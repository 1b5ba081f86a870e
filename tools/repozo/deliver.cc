#include "repozo/deliver.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>

#include "base/error.h"
#include "base/parallel.h"
#include "repozo/md5_thread.h"

namespace repozo {

using base::Error;
using base::ErrorKind;

namespace {

constexpr std::uint64_t kWriteback = 8 << 20;

bool has_block_sums(const Piece& piece, const RecoverOptions& options) {
  return piece.sums && !piece.name.gzip && !options.with_md5 && !options.no_verify;
}

class Delivery {
 public:
  Delivery(Repository& repository, const State& state, const RecoverOptions& options, const Report& report)
      : repository_(repository), state_(state), options_(options), report_(report) {
    if (state.by_structure) structure_.emplace();
    if (report.is_verbose() && !options.with_md5) md5_ = std::make_unique<Md5Thread>();
    progress_ = report.start("recovering", state.size_known() ? state.size() : 0);
  }

  Delivered run(const Sink& sink) {
    for (const Piece& piece : state_.pieces) deliver_piece(piece, sink);
    return finish();
  }

  Delivered run_to(io::File& target) {
    if (state_.size_known()) target.reserve(state_.size());
    if (md5_ || structure_) return run(writer(target));
    for (const Piece& piece : state_.pieces) {
      if (has_block_sums(piece, options_)) {
        copy_blocks(piece, target);
      } else {
        deliver_piece(piece, writer(target));
      }
    }
    return finish();
  }

 private:
  [[noreturn]] void fail(const Piece& piece, const std::string& fault) {
    throw piece_error(repository_, ErrorKind::corrupt, piece.name.file(), fault);
  }

  Sink writer(io::File& target) {
    return [this, &target](base::ByteSpan bytes) {
      target.write_full(result_.size, bytes);
      hint(target, result_.size + bytes.size());
    };
  }

  void hint(io::File& target, std::uint64_t written) {
    if (written - hinted_ < kWriteback) return;
    target.start_writeback(hinted_, written - hinted_);
    hinted_ = written;
  }

  // result_.size moves on after the bytes were taken by all.
  void give(base::ByteSpan bytes, const Sink& sink) {
    if (md5_) md5_->update(bytes);
    if (structure_) structure_->update(bytes);
    sink(bytes);
    result_.size += bytes.size();
    if (progress_) progress_(result_.size);
  }

  void deliver_piece(const Piece& piece, const Sink& sink) {
    const auto file = open_piece(repository_, piece);
    if (has_block_sums(piece, options_)) {
      const auto buffer = std::make_unique_for_overwrite<std::byte[]>(kSumBlock);
      for (std::uint64_t block = 0; block < piece.sums->blocks.size(); ++block) {
        base::ByteSpan bytes;
        const std::string fault = check_block(*file, piece, block, {buffer.get(), kSumBlock}, bytes);
        if (!fault.empty()) fail(piece, fault);
        give(bytes, sink);
      }
      return;
    }
    const Check check = options_.no_verify ? Check::size : options_.with_md5 ? Check::md5 : Check::sums;
    const Checked checked =
        check_piece(*file, piece, check, [&](base::ByteSpan bytes) { give(bytes, sink); });
    if (!checked.fault.empty()) fail(piece, checked.fault);
    if (options_.with_md5 && !options_.no_verify) {
      report_.say("Recovered chunk " + repository_.shown(piece.name.file()) + " : " +
                  std::to_string(checked.size) + " bytes, md5: " + checked.md5);
    }
  }

  // Reading and summing in all cores; writing is one thread's turn at a time.
  void copy_blocks(const Piece& piece, io::File& target) {
    const auto file = open_piece(repository_, piece);
    const std::uint64_t start = result_.size, count = piece.sums->blocks.size();
    std::mutex mutex;
    base::run_jobs(count, base::worker_count(), [&](const base::NextJob& next) {
      const auto buffer = std::make_unique_for_overwrite<std::byte[]>(kSumBlock);
      for (std::uint64_t block = next(); block < count; block = next()) {
        base::ByteSpan bytes;
        const std::string fault = check_block(*file, piece, block, {buffer.get(), kSumBlock}, bytes);
        if (!fault.empty()) fail(piece, fault);
        const std::lock_guard lock(mutex);
        target.write_full(start + block * kSumBlock, bytes);
        result_.size += bytes.size();
        hint(target, result_.size);
        if (progress_) progress_(result_.size);
      }
    });
  }

  Delivered finish() {
    if (structure_ && !structure_->whole()) {
      throw Error(ErrorKind::corrupt, "recover", "",
                  "the pieces together are not a whole database; it breaks behind " +
                      std::to_string(structure_->transactions()) + " transactions")
          .with_hint("--no-verify recovers what is there all the same");
    }
    if (md5_) result_.md5 = md5_->finish();
    if (options_.with_md5) {
      report_.say("Recovered a total of " + std::to_string(result_.size) + " bytes");
    } else {
      report_.say("Recovered " + std::to_string(result_.size) + " bytes, md5: " + result_.md5);
    }
    return std::move(result_);
  }

  Repository& repository_;
  const State& state_;
  const RecoverOptions& options_;
  const Report& report_;
  std::optional<filestorage::ChainCheck> structure_;
  std::unique_ptr<Md5Thread> md5_;
  io::OnProgress progress_;
  Delivered result_;
  std::uint64_t hinted_ = 0;
};

}  // namespace

Delivered deliver(Repository& repository, const State& state, const RecoverOptions& options, const Sink& sink,
                  const Report& report) {
  return Delivery(repository, state, options, report).run(sink);
}

Delivered deliver_to_file(Repository& repository, const State& state, const RecoverOptions& options,
                          io::File& target, const Report& report) {
  return Delivery(repository, state, options, report).run_to(target);
}

}  // namespace repozo
