#include "zeo/command_line.h"

namespace zeo {

// As optparse lays it out; the options above --all are the original's, to the letter.
std::string usage_text() {
  return R"(Usage: zeopack [options] [servers]

Pack one or more storages hosted by ZEO servers.

The positional arguments specify 0 or more tcp servers to pack, where
each is of the form:

    host:port[:name]


)";
}

std::string help_text() {
  return usage_text() + R"(
Options:
  -d DAYS, --days=DAYS  Pack objects that are older than this number of days
  -t TIME, --time=TIME  Time of day to pack to of the form: HH[:MM[:SS]].
                        Defaults to current time.
  -u UNIX_SOCKETS, --unix=UNIX_SOCKETS
                        A unix-domain-socket server to connect to, of the
                        form: path[:name]
  -h HOST               Deprecated: Used with the -p and -S options, specified
                        the host to connect to.
  -p PORT               Deprecated: Used with the -h and -S options, specifies
                        the port to connect to.
  -S NAME               Deprecated: Used with the -h and -p, options, or with
                        the -U option specified the storage name to use.
                        Defaults to 1.
  -U UNIX               Deprecated: Used with the -S option, Unix-domain
                        socket to connect to.
  --all                 Pack every SchoolTool instance of this machine
  --timeout=SECONDS     Give up a server that cannot be reached or does not
                        answer for so long. Defaults to 30.
  --pack-timeout=SECONDS
                        Give up waiting for a pack after so long. Defaults to
                        0, which is never.
  --progress            Show progress and results although standard error is
                        no terminal
  --json                Report as JSON on standard output
  --help                Show this help
  --version             Show the version

Exit status:
  0  every server has packed
  1  at least one has not, or there is none to pack
  2  wrong options
)";
}

}  // namespace zeo
