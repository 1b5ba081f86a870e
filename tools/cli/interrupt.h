// Being asked to stop (SIGINT, SIGTERM, SIGHUP) in the middle of long work that has something to clear away:
// the work is left by an exception instead of ending on the spot.
//
//   const cli::Interrupt interrupt;                       // from here on a signal is only noted
//   request.progress = interrupt.checked(progress);       // throws at the next step of the work
//   const int status = tool_main(...);                    // which clears away, and tells
//   interrupt.pass_on(status);
//
// A second signal ends the program at once. Signals that were ignored when the program was started (nohup)
// still are.
#pragma once

#include <memory>

#include "io/copy.h"

namespace cli {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();  // as it was before
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // Calls `progress`, which may be empty, and throws Error(io) if there was a signal.
  static io::OnProgress checked(io::OnProgress progress);
  // If there was a signal and the program could not do its work: ends it by that signal, so that a shell that
  // runs it stops as well. Else returns.
  static void pass_on(int status);

 private:
  struct Handlers;
  std::unique_ptr<Handlers> before_;
};

}  // namespace cli
