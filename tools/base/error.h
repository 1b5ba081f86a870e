// The one exception type of the suite. Thrown for what stops an operation; a legitimate answer
// (absent, busy, damage found) is a return value instead. Caught in cli::tool_main and at the few
// documented boundaries that add context or carry on.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace base {

enum class ErrorKind {
  usage,        // the caller's words or configuration are wrong
  not_found,    // a file, instance or backup that has to be there is not
  exists,       // a name that has to be free is taken
  corrupt,      // content that is not what its format says
  io,           // the operating system refused
  no_space,     // no room (ENOSPC, EDQUOT, or asked beforehand)
  busy,         // a lock is held by somebody else
  unsafe_path,  // a link, device or wrong owner where only a plain file of ours may be
  unsupported,  // understood, but not something we do
  protocol,     // the other side of a connection spoke nonsense
};

std::string_view to_string(ErrorKind kind);

// what() is "operation 'path': reason"; tool_main puts the tool's name before it and the hint on
// a line of its own.
class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string operation, std::string path, std::string reason);
  // For a failed system call: reason is the text of `sys_errno`; the kind follows from it
  // (ENOENT not_found, EEXIST exists, ENOSPC and EDQUOT no_space, ELOOP unsafe_path, EAGAIN from
  // a lock busy, everything else io).
  static Error from_errno(std::string operation, std::string path, int sys_errno);

  Error& with_hint(std::string hint) &;
  Error&& with_hint(std::string hint) &&;

  const char* what() const noexcept override { return text_.c_str(); }
  ErrorKind kind() const { return kind_; }
  int sys_errno() const { return sys_errno_; }
  const std::string& operation() const { return operation_; }
  const std::string& path() const { return path_; }
  const std::string& reason() const { return reason_; }
  const std::string& hint() const { return hint_; }

 private:
  ErrorKind kind_;
  int sys_errno_ = 0;
  std::string operation_, path_, reason_, hint_, text_;
};

}  // namespace base
