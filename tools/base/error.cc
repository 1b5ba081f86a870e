#include "base/error.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/text.h"

namespace base {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage: return "usage";
    case ErrorKind::not_found: return "not_found";
    case ErrorKind::exists: return "exists";
    case ErrorKind::corrupt: return "corrupt";
    case ErrorKind::io: return "io";
    case ErrorKind::no_space: return "no_space";
    case ErrorKind::busy: return "busy";
    case ErrorKind::unsafe_path: return "unsafe_path";
    case ErrorKind::unsupported: return "unsupported";
    case ErrorKind::protocol: return "protocol";
  }
  return "unknown";
}

namespace {

ErrorKind kind_of(int sys_errno) {
  switch (sys_errno) {
    case ENOENT: return ErrorKind::not_found;
    case EEXIST: return ErrorKind::exists;
    case ENOSPC:
    case EDQUOT: return ErrorKind::no_space;
    case ELOOP: return ErrorKind::unsafe_path;
    case EWOULDBLOCK: return ErrorKind::busy;
    default: return ErrorKind::io;
  }
}

}  // namespace

Error::Error(ErrorKind kind, std::string operation, std::string path, std::string reason)
    : kind_(kind), operation_(std::move(operation)), path_(std::move(path)), reason_(std::move(reason)) {
  text_ = operation_;
  if (!path_.empty()) text_ += (text_.empty() ? "" : " ") + quoted(path_);
  if (!reason_.empty()) text_ += (text_.empty() ? "" : ": ") + reason_;
}

Error Error::from_errno(std::string operation, std::string path, int sys_errno) {
  Error error(kind_of(sys_errno), std::move(operation), std::move(path),
              std::generic_category().message(sys_errno));
  error.sys_errno_ = sys_errno;
  return error;
}

Error& Error::with_hint(std::string hint) & {
  hint_ = std::move(hint);
  return *this;
}

Error&& Error::with_hint(std::string hint) && {
  hint_ = std::move(hint);
  return std::move(*this);
}

}  // namespace base
