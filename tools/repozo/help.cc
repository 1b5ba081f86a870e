#include "repozo/options.h"

namespace repozo {

std::string help_text() {
  return R"(repozo: full and incremental backups of a ZODB Data.fs file and its index.

Usage: repozo [options]

Exactly one of these:

    -B / --backup
        Back up a Data.fs file, which may be in use.

    -R / --recover
        Put a Data.fs file together from its backups.

    -V / --verify
        Check the backups.

For all of them:

    -r dir / --repository=dir
        Folder of the backups.  Required, and has to exist.  Nobody else
        should put files there or change them.

    -v / --verbose
        Tell on standard error what is done.

    --json
        Report the result as JSON on standard output.

    --progress
        Show the progress on a terminal.

    -h / --help
        Print this text and exit.

    --version
        Print the version and exit.

For -B/--backup:

    -f file / --file=file
        The Data.fs file.  Required.

    -F / --full
        Make a full backup in any case.  Otherwise an incremental one is made
        where that is possible; after a pack it is not.

    -Q / --quick
        Compare only the last piece of the backup with the file before adding
        to it.  Saves reading, and does not see changes before that piece.

    -z / --gzip
        Compress this backup.

    -k / --kill-old-on-full
        After a full backup that was read back and found good, remove all
        backups from before.

    --keep=N
        The same, but the N newest full backups stay, with their increments.
        Those that lack something do not count.

For -R/--recover:

    -D str / --date=str
        State as of this moment, in UTC (not local time):
            yyyy-mm-dd[-hh[-mm[-ss]]]
        What is left out counts as the beginning of that period.  Default is
        the newest state.

    -o file / --output=file
        Where to write the Data.fs file.  One that is there is replaced when
        the new one is complete, checked and on disk.  Default is standard
        output; then there is no index file.

    -w / --with-verify
        Check by MD5 sums, also where faster sums are at hand.

    --no-verify
        Check only that every backup is there, has its size and its place;
        not the content.

For -V/--verify:

    -Q / --quick
        Check nothing but sizes.

    --all
        Check every full backup and its increments, not only the newest, and
        report every fault.
)";
}

}  // namespace repozo
