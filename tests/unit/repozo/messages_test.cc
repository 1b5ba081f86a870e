#include "repozo/messages.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace {

using base::Error;
using base::ErrorKind;
using repozo::Messages;
using repozo::python_quoted;

TEST(Messages, AreThoseOfPythonForSystemCalls) {
  Messages messages;
  messages.show_as("/srv/school/repo", "repo/");
  EXPECT_EQ(messages.text(Error::from_errno("open", "/srv/school/repo/x.dat", ENOENT)),
            "[Errno 2] No such file or directory: 'repo/x.dat'");
  EXPECT_EQ(messages.text(Error::from_errno("open", "/srv/school/repository", EACCES)),
            "[Errno 13] Permission denied: '/srv/school/repository'");
}

TEST(Messages, NameABackupFileAndItsFault) {
  Messages messages;
  messages.show_as("/srv/repo", "../repo");
  EXPECT_EQ(
      messages.text(Error(ErrorKind::corrupt, "verify", "/srv/repo/a.fs", "is 5 bytes, should be 7 bytes")),
      "../repo/a.fs is 5 bytes, should be 7 bytes");
  EXPECT_EQ(messages.text(Error(ErrorKind::not_found, "", "", "No files in repository")),
            "No files in repository");
  EXPECT_EQ(
      messages.text(Error(ErrorKind::corrupt, "back up", "/srv/Data.fs", "is damaged").with_hint("look")),
      "repozo: back up '/srv/Data.fs': is damaged\nrepozo: look");
}

TEST(Messages, QuoteAsPythonDoesAndCannotBeForged) {
  EXPECT_EQ(python_quoted("repo"), "'repo'");
  EXPECT_EQ(python_quoted("it's"), "\"it's\"");
  EXPECT_EQ(python_quoted("a\nrepozo: done"), "'a\\nrepozo: done'");
}

}  // namespace
