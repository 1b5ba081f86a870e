#!/usr/bin/env bats
# zeopack as a person or cron calls it: the words of the original, and what ours adds. tests/interop/zeopack_interop.py
# has the live servers.
load helper

# serve ADDRESS STORAGE...: a server of the test's own, ended with it. Sets $address.
serve() {
  mkdir -p /run/schooltool
  "$SOURCES/tests/cli/zeo-server" "$@" > "$BATS_TEST_TMPDIR/said" 3>&- &
  until grep -q listening "$BATS_TEST_TMPDIR/said"; do sleep 0.02; done
  address=$(cut -d ' ' -f 2 "$BATS_TEST_TMPDIR/said")
}

usage="Usage: zeopack [options] [servers]

Pack one or more storages hosted by ZEO servers.

The positional arguments specify 0 or more tcp servers to pack, where
each is of the form:

    host:port[:name]



zeopack: error: "

@test "without arguments it prints its help" {
  expect 0 zeopack
  is "$stderr" ""
  is "${lines[0]}" "Usage: zeopack [options] [servers]"
  has "$output" "
Options:
  -d DAYS, --days=DAYS  Pack objects that are older than this number of days
"
  without=$output
  expect 0 zeopack --help
  is "$output" "$without"
}

@test "--version tells the version of the package" {
  version=$(sed -nE '1s/.*\((.*)\).*/\1/p' "$SOURCES/debian/changelog")
  expect 0 zeopack --version
  is "$output" "zeopack (schooltool-dbtools) $version"
}

@test "wrong options are refused with the usage and an exit status of 2" {
  expect 2 zeopack --nosuch
  is "$output" ""
  is "$stderr" "${usage}no such option: --nosuch"
  expect 2 zeopack -d x
  is "$stderr" "${usage}option -d: invalid integer value: 'x'"
}

@test "wrong servers are refused with an exit status of 1" {
  expect 1 zeopack -d 1
  is "$stderr" "Error:
No servers specified."
  expect 1 zeopack x:y
  is "$stderr" "Error:
Invalid port in server specification: 'x:y'"
  expect 1 zeopack -h localhost
  is "$stderr" "Error:
If host (-h) is specified then a port (-p) must be specified as well."
}

@test "a pack that succeeds is silent" {
  serve /run/schooltool/zeo.sock 1
  expect 0 zeopack -u /run/schooltool/zeo.sock
  silent
}

@test "--progress tells the sizes before and after" {
  serve /run/schooltool/zeo.sock 1
  expect 0 zeopack --progress -u /run/schooltool/zeo.sock
  is "$output" ""
  is "$stderr" "storage '1' at '/run/schooltool/zeo.sock': 12.3 kB before, 500 bytes after, 0 s"
}

@test "on a terminal the sizes are told without --progress" {
  serve /run/schooltool/zeo.sock 1
  run script -qec "zeopack -u /run/schooltool/zeo.sock" /dev/null
  has "$output" "12.3 kB before, 500 bytes after"
}

@test "--json reports every server" {
  serve /run/schooltool/zeo.sock 1 broken
  expect 1 zeopack --json -u /run/schooltool/zeo.sock -u /run/schooltool/zeo.sock:broken -u /nowhere
  is "$(jq -c '.[] | [.server, .storage, .packed, .size_before, .size_after]' <<< "$output")" \
    '["/run/schooltool/zeo.sock","1",true,12345,500]
["/run/schooltool/zeo.sock","broken",false,null,null]
["/nowhere","1",false,null,null]'
  is "$(jq -r '.[1].error' <<< "$output")" \
    "pack storage 'broken' at '/run/schooltool/zeo.sock': the server answered 'OSError': 28, 'No space left on device'"
}

@test "a server that fails is named, and the others are packed" {
  serve /run/schooltool/zeo.sock 1 broken
  expect 1 zeopack --progress -u /run/schooltool/zeo.sock:broken -u /nowhere -u /run/schooltool/zeo.sock
  is "$stderr" "zeopack: pack storage 'broken' at '/run/schooltool/zeo.sock': the server answered 'OSError': 28, 'No space left on device'
Error:
Error packing storage broken in '/run/schooltool/zeo.sock'
zeopack: connect to '/nowhere': No such file or directory
Couldn't connect to: ('/nowhere', '1')
storage '1' at '/run/schooltool/zeo.sock': 12.3 kB before, 500 bytes after, 0 s"
}

@test "no server that can be reached is told at the end" {
  expect 1 zeopack -u /nowhere
  is "$stderr" "zeopack: connect to '/nowhere': No such file or directory
Couldn't connect to: ('/nowhere', '1')
Error:
Cannot connect to any of the configured ZEO servers."
}

@test "a hostile name of a server cannot write on the terminal" {
  expect 1 zeopack -u $'/no\e[2J\n:x\ny'
  is "$stderr" "zeopack: connect to '/no\\x1b[2J\\n': No such file or directory
Couldn't connect to: ('/no\\x1b[2J\\n', 'x\\ny')
Error:
Cannot connect to any of the configured ZEO servers."
}

@test "--all packs the instances of this machine through their servers" {
  serve /run/schooltool/zeo.sock 1
  expect 0 zeopack --all
  silent
  expect 0 zeopack --all --json
  is "$(jq -c '.[] | [.instance, .server, .storage, .packed]' <<< "$output")" \
    '["standard","/var/run/schooltool/zeo.sock","1",true]'
}

@test "--all takes the port and the storage's name from zeo.conf" {
  serve 127.0.0.1 school
  sed -i "s|address .*|address $address|; s|<filestorage>|<filestorage School>|" /etc/schooltool/standard/zeo.conf
  expect 0 zeopack --all --json
  is "$(jq -c '.[] | [.server, .storage, .packed]' <<< "$output")" "[\"$address\",\"school\",true]"
}

@test "--all packs the storage that is the instance's database, and no other of the same server" {
  serve /run/schooltool/zeo.sock 1 second
  printf '<filestorage 1>\n  path %s/Other.fs\n</filestorage>\n' $DATA >> /etc/schooltool/standard/zeo.conf
  sed -i "s|<filestorage>|<filestorage second>|" /etc/schooltool/standard/zeo.conf
  expect 1 zeopack --all
  has "$stderr" "has more than one <filestorage>"
  printf '[instance standard]\ndata = %s/Data.fs\n' $DATA > $CONF
  expect 0 zeopack --all --json
  is "$(jq -c '.[] | [.storage, .packed]' <<< "$output")" '["second",true]'
}

@test "--all packs nothing where the server has another database than the configuration says" {
  : > $DATA/Served.fs
  STORAGE_PATH=$DATA/Served.fs serve /run/schooltool/zeo.sock 1
  expect 1 zeopack --all
  is "$stderr" "zeopack: pack '$DATA/Data.fs': the server has another database in this storage: '$DATA/Served.fs'
zeopack: the instance's configuration is not that of the server which runs; nothing was packed
Error:
Error packing storage 1 in '/var/run/schooltool/zeo.sock'"
}

@test "--all names an instance without a server, and packs the others" {
  serve /run/schooltool/zeo.sock 1
  mkdir /etc/schooltool/ancient
  printf '<zodb>\n  <filestorage>\n    path %s/ancient-Data.fs\n  </filestorage>\n</zodb>\n' $DATA \
    > /etc/schooltool/ancient/schooltool.conf
  expect 1 zeopack --all --json
  is "$(jq -c '.[] | [.instance, .packed]' <<< "$output")" '["standard",true]'
  is "$stderr" "zeopack: pack instance 'ancient': its configuration names no ZEO server for it
zeopack: pack '$DATA/ancient-Data.fs' with fspack while the service is stopped"
}

@test "--all leaves out an instance that is not enabled" {
  printf '[instance standard]\nenabled = no\n' > $CONF
  expect 0 zeopack --all
  silent
}

@test "--all has nothing to say on a machine without a school" {
  rm -rf /etc/schooltool
  expect 0 zeopack --all
  silent
}
