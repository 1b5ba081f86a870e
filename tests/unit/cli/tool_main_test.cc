#include "cli/tool_main.h"

#include <gtest/gtest.h>

#include <csignal>
#include <iostream>
#include <new>
#include <sstream>
#include <stdexcept>
#include <streambuf>

#include "base/error.h"

namespace cli {
namespace {

struct Outcome {
  int status;
  std::string out, err;
};

class Redirected {
 public:
  Redirected(std::ostream& stream, std::streambuf* to) : stream_(stream), before_(stream.rdbuf(to)) {}
  ~Redirected() {
    stream_.rdbuf(before_);
    stream_.clear();
  }
  Redirected(const Redirected&) = delete;
  Redirected& operator=(const Redirected&) = delete;

 private:
  std::ostream& stream_;
  std::streambuf* before_;
};

Outcome run_tool(const std::vector<std::string>& options, const std::function<int(const Options&)>& run,
                 std::streambuf* out = nullptr) {
  ToolSpec spec;
  spec.name = "tool";
  spec.summary = "does nothing";
  spec.synopsis = "[OPTION]...";
  spec.options = {{.name = "all", .argument = "", .help = "everything"}};
  std::vector<std::string> words = {"/usr/sbin/called-otherwise"};
  for (const std::string& option : options) words.push_back(option);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::ostringstream captured_out, captured_err;
  int status = -1;
  {
    const Redirected cout(std::cout, out == nullptr ? captured_out.rdbuf() : out);
    const Redirected cerr(std::cerr, captured_err.rdbuf());
    status = tool_main(spec, static_cast<int>(words.size()), argv.data(), run);
  }
  return {status, captured_out.str(), captured_err.str()};
}

int must_not_run(const Options&) {
  ADD_FAILURE() << "the tool ran";
  return 0;
}

TEST(ToolMain, ReturnsWhatTheToolReturns) {
  const Outcome outcome = run_tool({"--all"}, [](const Options& options) {
    std::cout << "out";
    return options.has("all") ? kNo : kDone;
  });
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.out, "out");
  EXPECT_EQ(outcome.err, "");
}

TEST(ToolMain, AnswersHelpOnStandardOutput) {
  const Outcome outcome = run_tool({"--all", "--help"}, must_not_run);
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out.find("Usage: tool [OPTION]...\ndoes nothing\n"), 0u) << outcome.out;
  EXPECT_EQ(outcome.err, "");
}

TEST(ToolMain, AnswersVersionOnStandardOutput) {
  const Outcome outcome = run_tool({"--version"}, must_not_run);
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out.find("tool (schooltool-dbtools) "), 0u) << outcome.out;
  EXPECT_GT(outcome.out.size(), std::string("tool (schooltool-dbtools) \n").size());
  EXPECT_EQ(outcome.out.back(), '\n');
}

TEST(ToolMain, ExplainsUsageErrors) {
  const Outcome outcome = run_tool({"--foo", "--help"}, must_not_run);
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "tool: unknown option '--foo'\ntool: try 'tool --help'\n");
}

TEST(ToolMain, ReportsErrorsWithTheirHint) {
  const Outcome outcome = run_tool({}, [](const Options&) -> int {
    throw base::Error(base::ErrorKind::io, "open", "/x", "no luck").with_hint("look elsewhere");
  });
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.err, "tool: open '/x': no luck\ntool: look elsewhere\n");
}

TEST(ToolMain, TellsBusyByItsExitStatus) {
  const Outcome outcome = run_tool({}, [](const Options&) -> int {
    throw base::Error(base::ErrorKind::busy, "lock", "/x", "held by process 7");
  });
  EXPECT_EQ(outcome.status, 3);
  EXPECT_EQ(outcome.err, "tool: lock '/x': held by process 7\n");
}

TEST(ToolMain, ReportsOtherExceptions) {
  Outcome outcome = run_tool({}, [](const Options&) -> int { throw std::bad_alloc(); });
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.err, "tool: out of memory\n");
  outcome = run_tool({}, [](const Options&) -> int { throw std::runtime_error("odd"); });
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.err, "tool: odd\n");
}

class FullDisk : public std::stringbuf {
  int sync() override { return -1; }
};

TEST(ToolMain, FailsIfStandardOutputCannotBeFlushed) {
  FullDisk full;
  const Outcome outcome = run_tool(
      {},
      [](const Options&) {
        std::cout << "report";
        return kDone;
      },
      &full);
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.err, "tool: write to standard output: not everything could be written\n");
}

TEST(ToolMain, FailsIfHelpCannotBeWritten) {
  FullDisk full;
  EXPECT_EQ(run_tool({"--help"}, must_not_run, &full).status, 2);
}

TEST(ToolMain, OutlivesAReaderThatGoesAway) {
  const Outcome outcome = run_tool({}, [](const Options&) { return std::raise(SIGPIPE); });
  EXPECT_EQ(outcome.status, 0);
}

}  // namespace
}  // namespace cli
