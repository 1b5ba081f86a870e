#include "cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include "base/text.h"

namespace cli {
namespace {

constexpr double kSecondsBeforeFirst = 1.0;
constexpr double kSecondsBetween = 0.2;
constexpr std::size_t kWidth = 79;  // the last column stays free: some terminals wrap when it is written

double seconds_between(const base::UtcTime& from, const base::UtcTime& to) {
  return static_cast<double>(to.seconds - from.seconds) +
         static_cast<double>(to.nanoseconds - from.nanoseconds) / 1e9;
}

class Line {
 public:
  Line(std::ostream& out, std::string label, std::uint64_t total, io::Env& env)
      : out_(out), label_(std::move(label)), total_(total), env_(env), start_(env.now()), shown_(start_) {}
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  ~Line() {
    if (width_ > 0) out_ << '\r' << std::string(width_, ' ') << '\r' << std::flush;
  }

  void update(std::uint64_t done) {
    const base::UtcTime now = env_.now();
    if (now < shown_) start_ = shown_ = now;  // the clock was set back: count anew
    const double elapsed = seconds_between(start_, now);
    if (elapsed < kSecondsBeforeFirst || (width_ > 0 && seconds_between(shown_, now) < kSecondsBetween))
      return;
    shown_ = now;
    show(describe(done, static_cast<double>(done) / elapsed));
  }

 private:
  std::string describe(std::uint64_t done, double rate) const {
    std::string text = "  " + base::human_size(done);
    if (total_ > 0) text += " of " + base::human_size(total_);
    text += "  " + base::human_size(static_cast<std::uint64_t>(rate)) + "/s";
    if (rate >= 1 && total_ > done)
      text += "  " +
              base::human_duration(static_cast<std::int64_t>(static_cast<double>(total_ - done) / rate)) +
              " left";
    return label_.substr(0, kWidth - std::min(kWidth, text.size())) + text;
  }

  // No escape sequences, so that any terminal shows it: a shorter line is padded over the longer one before.
  void show(const std::string& text) {
    out_ << '\r' << text << std::string(width_ > text.size() ? width_ - text.size() : 0, ' ') << std::flush;
    width_ = std::max(width_, text.size());
  }

  std::ostream& out_;
  std::string label_;
  std::uint64_t total_;
  io::Env& env_;
  base::UtcTime start_, shown_;
  std::size_t width_ = 0;
};

}  // namespace

io::OnProgress progress_on(std::ostream& out, const std::string& label, std::uint64_t total, io::Env& env) {
  return [line = std::make_shared<Line>(out, label, total, env)](std::uint64_t done) { line->update(done); };
}

io::OnProgress terminal_progress(const std::string& label, std::uint64_t total, io::Env& env) {
  if (isatty(STDERR_FILENO) == 0) return [](std::uint64_t) {};
  return progress_on(std::cerr, label, total, env);
}

}  // namespace cli
