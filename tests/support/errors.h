// Expecting a base::Error of a kind.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/error.h"

namespace support {

// EXPECT_TRUE(fails_with(ErrorKind::busy, [&] { ... }, "held by")): `action` throws base::Error of this kind,
// and its text contains `part`.
template <typename Action>
testing::AssertionResult fails_with(base::ErrorKind kind, Action action, std::string_view part = "") {
  try {
    action();
  } catch (const base::Error& error) {
    const std::string text = error.what();
    if (error.kind() == kind && text.find(part) != std::string::npos) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "threw " << to_string(error.kind()) << ": " << text << "; expected "
                                       << to_string(kind) << " with \"" << part << "\"";
  }
  return testing::AssertionFailure() << "did not throw; expected " << to_string(kind);
}

}  // namespace support
