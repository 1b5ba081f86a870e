// The layers include one way, and only tools/io talks to the operating system.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace {

using Names = std::set<std::string>;

const Names kLayers = {"base",    "io",     "pickle", "filestorage", "repozo",
                       "upgrade", "backup", "zeo",    "cli",         "app"};

// Which layers the files of a layer may include. "app" and the programs, tools/*.cc (""), join them all.
const std::map<std::string, Names> kMayInclude = {
    {"base", {"base"}},
    {"io", {"base", "io"}},
    {"pickle", {"base", "io", "pickle"}},
    {"filestorage", {"base", "io", "pickle", "filestorage"}},
    {"repozo", {"base", "io", "pickle", "filestorage", "repozo"}},
    {"upgrade", {"base", "io", "pickle", "filestorage", "upgrade"}},
    {"backup", {"base", "io", "pickle", "filestorage", "repozo", "upgrade", "backup"}},
    {"zeo", {"base", "io", "pickle", "zeo"}},
    {"cli", {"base", "io", "cli"}},
    {"app", kLayers},
    {"", kLayers},
};

// Headers with which a file could go around io::Env.
bool is_system_header(const std::string& header) {
  static const Names names = {"dirent.h",  "dlfcn.h",  "fcntl.h",  "filesystem", "fstream",  "poll.h",
                              "pthread.h", "pwd.h",    "signal.h", "spawn.h",    "stdlib.h", "syscall.h",
                              "syslog.h",  "unistd.h", "iostream", "csignal"};
  return names.contains(header) || header.starts_with("sys/") || header.starts_with("linux/") ||
         header.starts_with("netinet/") || header.starts_with("arpa/");
}

// The files that may have some all the same, and what for. Every program may use <iostream>.
const std::map<std::string, Names> kExceptions = {
    {"cli/progress.cc", {"unistd.h", "iostream"}},                     // isatty; the line itself
    {"cli/interrupt.cc", {"signal.h"}},                                // noted, to stop with care
    {"cli/tool_main.cc", {"csignal", "iostream"}},                     // SIGPIPE; messages
    {"app/context.cc", {"syslog.h", "unistd.h", "iostream"}},          // the administrator is told and asked
    {"app/guard.cc", {"iostream"}},                                    // messages
    {"app/place.cc", {"filesystem"}},                                  // the current folder
    {"schooltool-db.cc", {"unistd.h", "iostream"}},                    // it becomes the program of the verb
    {"guard.cc", {"fstream", "iostream"}},                             // apt hands over an open descriptor
    {"repozo.cc", {"csignal", "sys/stat.h", "unistd.h", "iostream"}},  // SIGPIPE, umask, getcwd
    {"zeopack.cc", {"unistd.h", "iostream"}},                          // isatty
    {"fspack.cc", {"unistd.h", "iostream"}},                           // isatty
    {"schooltool-db-pack.cc", {"unistd.h", "iostream"}},               // isatty
    {"zeo/posix_network.cc",                                           // what lies behind zeo::Network
     {"netinet/in.h", "netinet/tcp.h", "poll.h", "sys/socket.h", "sys/un.h", "unistd.h"}},
};

bool is_allowed(const std::string& file, const std::string& header) {
  const bool is_program = file.find('/') == std::string::npos;
  const auto found = kExceptions.find(file);
  if (found == kExceptions.end()) return is_program && header == "iostream";
  return found->second.contains(header);
}

std::string layer_of(const std::string& file) {
  const std::size_t slash = file.find('/');
  return slash == std::string::npos ? "" : file.substr(0, slash);
}

// <cstdio> is welcome for snprintf and <cstdlib> for getenv, but not for files, programs and output.
// std::remove with one argument is that of files; with three it is the algorithm.
std::string forbidden_call(const std::string& file, const std::string& line) {
  static const std::regex forms[] = {
      std::regex(R"((^|[^\w.>])(?:std::)?(fopen|fdopen|freopen|tmpfile|popen|v?f?printf|perror|puts|putchar|)"
                 R"(fputs|fputc|putc|fwrite|system|mkstemp|mkdtemp|realpath)\s*\()"),
      std::regex(R"((^|\W)(?:std)?::(rename)\s*\()"),
      std::regex(R"((^|\W)(?:std)?::(remove)\s*\([^,]*\)\s*;)")};
  const std::string code = line.substr(0, line.find("//"));
  if (layer_of(file) == "io" || code.find('(') == std::string::npos) return "";
  std::smatch match;
  for (const std::regex& form : forms)
    if (std::regex_search(code, match, form)) return "only io may call " + match[2].str();
  return "";
}

// JSON is parsed and written in base/json_text: what is compiled once, and one way to treat odd bytes.
std::string json_call(const std::string& file, const std::string& line) {
  const auto has = [&](const char* call) { return line.find(call) != std::string::npos; };
  if (file == "base/json_text.cc" || !(has("json::parse(") || has("Json::parse(") || has(".dump(")))
    return "";
  return "only base/json_text.h may parse and print JSON";
}

// Why `file` ("upgrade/check.cc") must not have this line; "" if it may.
std::string violation(const std::string& file, const std::string& line) {
  static const std::regex form(R"(^\s*#\s*include\s*([<"])([^">]+)[">].*)");
  std::smatch match;
  if (!std::regex_match(line, match, form)) return forbidden_call(file, line) + json_call(file, line);
  const std::string layer = layer_of(file);
  const bool own = match[1] == "\"";
  const std::string target = match[2];
  const std::string folder = target.substr(0, target.find('/'));
  if (own && target.find('/') == std::string::npos) return "an include without its layer: " + target;
  if (own && !kMayInclude.at(layer).contains(folder))
    return "layer '" + layer + "' must not include " + target;
  if (own || layer == "io" || !is_system_header(target) || is_allowed(file, target)) return "";
  return "only io may include <" + target + ">";
}

TEST(Layers, ForbiddenIncludesAreFound) {
  EXPECT_NE(violation("base/x.cc", "#include \"io/env.h\""), "");
  EXPECT_NE(violation("filestorage/x.cc", "#include \"upgrade/journal.h\""), "");
  EXPECT_NE(violation("cli/x.cc", "#include \"upgrade/settings.h\""), "");
  EXPECT_NE(violation("upgrade/x.cc", "  #  include \"cli/ini.h\"  // handy"), "");
  EXPECT_NE(violation("zeo/x.cc", "#include \"filestorage/scan.h\""), "");
  EXPECT_NE(violation("cli/x.cc", "#include \"ini.h\""), "");
  EXPECT_NE(violation("upgrade/x.cc", "#include <fcntl.h>"), "");
  EXPECT_NE(violation("filestorage/x.cc", "#include <sys/stat.h>"), "");
  EXPECT_NE(violation("upgrade/x.cc", "#include <iostream>"), "");
  EXPECT_NE(violation("x.cc", "#include <unistd.h>"), "");
  EXPECT_EQ(violation("cli/progress.cc", "#include <unistd.h>"), "");
  EXPECT_NE(violation("cli/x.cc", "#include <unistd.h>"), "");
  EXPECT_NE(violation("cli/x.cc", "#include <iostream>"), "");
  EXPECT_EQ(violation("x.cc", "#include <iostream>"), "");
  EXPECT_EQ(violation("x.cc", "#include \"upgrade/settings.h\""), "");
  EXPECT_NE(violation("upgrade/x.cc", "#include \"app/context.h\""), "");
  EXPECT_EQ(violation("io/x.cc", "#include <fcntl.h>"), "");
  EXPECT_EQ(violation("upgrade/x.cc", "#include <string>"), "");
  EXPECT_EQ(violation("base/x.cc", "// #include <fcntl.h>"), "");
  EXPECT_NE(violation("upgrade/x.cc", "  FILE* f = fopen(name, \"r\");"), "");
  EXPECT_NE(violation("base/x.cc", "std::fprintf(stderr, \"no\");"), "");
  EXPECT_EQ(violation("base/x.cc", "std::snprintf(text, sizeof text, \"%d\", 1);"), "");
  EXPECT_EQ(violation("base/x.cc", "// as printf() would"), "");
  EXPECT_NE(violation("x.cc", "std::cout << value.dump(2);"), "");
  EXPECT_NE(violation("backup/x.cc", "auto value = nlohmann::json::parse(text);"), "");
  EXPECT_EQ(violation("backup/x.cc", "auto value = base::parse_json(text);"), "");
  EXPECT_NE(violation("upgrade/x.cc", "std::vfprintf(stderr, form, arguments);"), "");
  EXPECT_NE(violation("app/x.cc", "  if (std::system(\"rm\") != 0) return;"), "");
  EXPECT_NE(violation("repozo/x.cc", "std::rename(from, to);"), "");
  EXPECT_NE(violation("repozo/x.cc", "::rename(from, to);"), "");
  EXPECT_EQ(violation("repozo/x.cc", "dir.rename(from, dir, to, io::Replace::no);"), "");
  EXPECT_NE(violation("repozo/x.cc", "std::remove(path.c_str());"), "");
  EXPECT_EQ(violation("repozo/x.cc", "words.erase(std::remove(words.begin(), words.end(), word), end);"), "");
  EXPECT_EQ(violation("repozo/x.cc", "folder->remove(name);"), "");
}

TEST(Layers, IncludeOneWayAndLeaveTheSystemToIo) {
  const std::filesystem::path root = std::filesystem::path(SOURCE_DIR) / "tools";
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".h" && entry.path().extension() != ".cc") continue;
    ++files;
    const std::string file = entry.path().lexically_relative(root);
    ASSERT_TRUE(kMayInclude.contains(layer_of(file))) << file << " stands in a folder that is no layer";
    std::ifstream in(entry.path());
    std::string line;
    for (int number = 1; std::getline(in, line); ++number)
      EXPECT_EQ(violation(file, line), "") << "tools/" << file << ":" << number;
  }
  EXPECT_GT(files, 10) << "looked in the wrong place";
}

// Boost's headers cost seconds of compile time each.
TEST(Layers, BoostStaysInTwoFiles) {
  const std::filesystem::path root = std::filesystem::path(SOURCE_DIR) / "tools";
  Names with_boost;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    std::ifstream in(entry.path());
    std::string line;
    while (std::getline(in, line))
      if (line.starts_with("#include <boost/")) with_boost.insert(entry.path().lexically_relative(root));
  }
  EXPECT_EQ(with_boost, (Names{"cli/ini.cc", "cli/options.cc"}));
}

}  // namespace
