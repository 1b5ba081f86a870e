#include "cli/tool_main.h"

#include <csignal>
#include <exception>
#include <iostream>
#include <new>

#include "base/error.h"
#include "io/posix_env.h"

namespace cli {
namespace {

int run_or_explain(const ToolSpec& spec, const std::vector<std::string>& words,
                   const std::function<int(const Options&)>& run) {
  const Options options = parse_options(spec, words);
  if (options.has("help")) {
    std::cout << help_text(spec);
    return kDone;
  }
  if (options.has("version")) {
    std::cout << spec.name << " (schooltool-dbtools) " << DBTOOLS_VERSION << '\n';
    return kDone;
  }
  return run(options);
}

}  // namespace

int tool_main(const ToolSpec& spec, int argc, char** argv, const std::function<int(const Options&)>& run) {
  io::occupy_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);
  int status = kCouldNot;
  try {
    status = run_or_explain(spec, std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc), run);
  } catch (const base::Error& error) {
    if (error.kind() == base::ErrorKind::busy) status = kBusy;
    std::cerr << spec.name << ": " << error.what() << '\n';
    if (!error.hint().empty()) std::cerr << spec.name << ": " << error.hint() << '\n';
  } catch (const std::bad_alloc&) {
    std::cerr << spec.name << ": out of memory\n";
  } catch (const std::exception& error) {
    std::cerr << spec.name << ": " << error.what() << '\n';
  }
  // Also after an error: what was said before it may be all that is left of a report.
  if (!std::cout.flush()) {
    std::cerr << spec.name << ": write to standard output: not everything could be written\n";
    status = kCouldNot;
  }
  return status;
}

}  // namespace cli
