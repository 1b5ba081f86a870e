#include "cli/interrupt.h"

#include <signal.h>

#include <array>
#include <atomic>
#include <string>
#include <utility>

#include "base/error.h"
#include "cli/tool_main.h"

namespace cli {

namespace {

constexpr std::array<int, 3> kSignals = {SIGINT, SIGTERM, SIGHUP};

// A handler can reach nothing else.
std::atomic<int> noted{0};
static_assert(std::atomic<int>::is_always_lock_free);

void note(int signal) {
  noted = signal;
}

}  // namespace

struct Interrupt::Handlers {
  std::array<struct sigaction, kSignals.size()> of{};
};

Interrupt::Interrupt() : before_(std::make_unique<Handlers>()) {
  noted = 0;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], nullptr, &before_->of[i]);
    if (before_->of[i].sa_handler == SIG_IGN) continue;
    struct sigaction action {};
    action.sa_handler = note;
    // Once, and calls that wait go on.
    action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
    ::sigaction(kSignals[i], &action, nullptr);
  }
}

Interrupt::~Interrupt() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before_->of[i], nullptr);
}

io::OnProgress Interrupt::checked(io::OnProgress progress) {
  return [progress = std::move(progress)](std::uint64_t done) {
    if (const int signal = noted; signal != 0) {
      throw base::Error(base::ErrorKind::io, "stopped", "", "by signal " + std::to_string(signal));
    }
    if (progress) progress(done);
  };
}

void Interrupt::pass_on(int status) {
  if (noted == 0 || status != kCouldNot) return;
  ::signal(noted, SIG_DFL);
  ::raise(noted);
}

}  // namespace cli
