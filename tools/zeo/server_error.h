// An error that a server answers with, as text.
//
//   ZEO 5, 6   flag 2, value (class, content): class a text such as 'builtins.ValueError', content the
//              exception's attributes (a mapping) or arguments (a list)
//   before     flag 0, value (class, instance): pickled as globals and calls
#pragma once

#include <optional>

#include "base/error.h"
#include "zeo/marshal.h"

namespace zeo {

// The error that this reply is, with only reason, hint and kind set: not_found for an unknown storage, busy
// while another pack runs, corrupt for a dangling reference, unsupported where a storage is read-only or
// wants a password, io for everything else. Nothing if it is an ordinary reply.
std::optional<base::Error> error_in(const Message& reply);

}  // namespace zeo
