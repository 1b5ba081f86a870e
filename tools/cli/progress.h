// A line on the terminal (standard error) for anything over a second: label, bytes, rate, time left. Nothing
// where standard error is not a terminal.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "io/copy.h"
#include "io/env.h"

namespace cli {

// For one task of `total` bytes (0: not known). The line appears after one second, changes five times a
// second at most, and is cleared when the last copy of the function goes. `env` tells the time and must
// outlive the result.
io::OnProgress terminal_progress(const std::string& label, std::uint64_t total, io::Env& env);

// The same on any stream, which must outlive the result.
io::OnProgress progress_on(std::ostream& out, const std::string& label, std::uint64_t total, io::Env& env);

}  // namespace cli
