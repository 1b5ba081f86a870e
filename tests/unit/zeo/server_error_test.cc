#include "zeo/server_error.h"

#include <gtest/gtest.h>

namespace {

using namespace std::string_literals;
using base::ErrorKind;
using zeo::Encoding;

// A reply with this value, in pickle.
std::optional<base::Error> error_of(const std::string& value, const std::string& flag = "K\2"s) {
  const std::string pickle = "(K\1" + flag + "U\6.reply" + value + "t.";
  return zeo::error_in(zeo::decode(Encoding::pickle, base::as_bytes(pickle)));
}

// (class, (text,)) as ZEO 5 sends it.
std::string pair_of(const std::string& class_name, const std::string& text) {
  return "U" + std::string(1, static_cast<char>(class_name.size())) + class_name + "U" +
         std::string(1, static_cast<char>(text.size())) + text + "\x85\x86";
}

void expect_error(const std::optional<base::Error>& error, ErrorKind kind, const std::string& text) {
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind(), kind);
  EXPECT_EQ(error->what(), text);
}

TEST(ServerError, OrdinaryRepliesAreNone) {
  for (const std::string& value : {"N"s, "U\6digest"s, "}"s, ")"s, "U\1aU\1b\x86"s, "I01\n"s})
    EXPECT_FALSE(error_of(value, "K\0"s)) << value;
}

TEST(ServerError, IsAKindForWhatCanBeDoneAboutIt) {
  expect_error(error_of(pair_of("builtins.ValueError", "unknown storage: nosuch")), ErrorKind::not_found,
               "the server has no storage of this name");
  expect_error(error_of("U\x1fZODB.POSException.ReadOnlyError)\x86"), ErrorKind::unsupported,
               "the storage is read-only (ReadOnlyError)");
  expect_error(error_of(pair_of("ZODB.FileStorage.FileStorage.FileStorageError", "Already packing")),
               ErrorKind::busy, "another pack is running there");
  expect_error(error_of(pair_of("builtins.KeyError", "\0\0\0\0\0\0\0\7"s)), ErrorKind::corrupt,
               "object 0000000000000007 is referred to, but missing (KeyError)");
  expect_error(error_of(pair_of("exceptions.KeyError", "spam")), ErrorKind::io,
               "the server answered 'KeyError': 'spam'");
  expect_error(error_of(pair_of("builtins.OSError", "No space left\n\x1b[2J")), ErrorKind::io,
               "the server answered 'OSError': 'No space left\\n\\x1b[2J'");
}

TEST(ServerError, ShowsAttributesAsWell) {
  expect_error(error_of("U\x06"
                        "m.Oops}(U\4codeK\5U\4textU\2nou\x86"),
               ErrorKind::io, "the server answered 'Oops': 'code': 5, 'text': 'no'");
}

TEST(ServerError, OfAnOldServerStandsInTheValue) {
  expect_error(
      error_of("(cexceptions\nValueError\ncexceptions\nValueError\n(U\x17unknown storage: nosuchtRt", "K\0"s),
      ErrorKind::not_found, "the server has no storage of this name");
  expect_error(
      error_of("(cZODB.POSException\nReadOnlyError\ncZODB.POSException\n_recon\n(cZODB.POSException\n"
               "ReadOnlyError\n}tRt",
               "K\0"s),
      ErrorKind::unsupported, "the storage is read-only (ReadOnlyError)");
  expect_error(error_of("(cexceptions\nKeyError\ncexceptions\nKeyError\n(U\2\0\7tRt"s, "K\0"s),
               ErrorKind::corrupt, "object ...0007 is referred to, but missing (KeyError)");
  expect_error(error_of("(cZEO.Exceptions\nAuthError\ncZEO.Exceptions\nAuthError\n)Rt", "K\0"s),
               ErrorKind::unsupported, "the server wants a password (AuthError)");
}

TEST(ServerError, IsOneWhateverItLooksLike) {
  for (const std::string& value : {"N"s, "K\1"s, ")"s, "U\1a\x85"s, "K\1K\2\x86"s, "}"s}) {
    const auto error = error_of(value);
    ASSERT_TRUE(error.has_value()) << value;
    EXPECT_EQ(error->kind(), ErrorKind::io);
  }
  // A recreated exception that is not made as ZODB does.
  for (const std::string& arguments : {")"s, "N"s, "(K\1K\2K\3t"s, "cZODB.POSException\n_recon\n"s}) {
    EXPECT_TRUE(error_of("(cm\nC\ncZODB.POSException\n_recon\n" + arguments + "Rt", "K\0"s)) << arguments;
  }
}

}  // namespace
