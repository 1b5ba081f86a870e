#!/usr/bin/env bats
# The steps that the hooks of apt and dpkg, the trigger and cron run.
load helper

# packages LINE...: apt's list with these lines.
packages() {
  printf 'VERSION 3\nDir=/\n\n'
  printf '%s\n' "$@"
}

upgrade_line='schooltool 1.0 all none < 2.0 all none /var/cache/apt/archives/schooltool_2.0_all.deb'

# dpkg_says STATUS: about schooltool.
dpkg_says() {
  printf '\nPackage: schooltool\nStatus: %s\nVersion: 2.0\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n' \
    "$1" >> /var/lib/dpkg/status
}

is_untouched() { is "$(names)" Data.fs && [ ! -e /var/lib/schooltool-dbtools ]; }

skip_hint="schooltool-dbtools: to go on without a copy of the database, set SCHOOLTOOL_DBTOOLS_SKIP=1 in the environment, or make the file /run/schooltool-dbtools.skip and remove it afterwards"

@test "before an upgrade of schooltool a snapshot is taken, held, and the upgrade opened" {
  expect 0 guard before-apt <<< "$(packages "$upgrade_line")"
  is "$output" "schooltool-dbtools: '/var/lib/schooltool/Data.fs' copied to 'Data.fs.0' before the upgrade (730.8 kB)"
  is "$stderr" ""
  cmp $DATA/Data.fs $DATA/Data.fs.0
  [ $DATA/Data.fs.0 -ef $DATA/.schooltool-dbtools/Data.fs.*.held ]
  is "$(stat -c '%u:%g %a' $DATA/.schooltool-dbtools $STATE $STATE/state.json | tr '\n' ' ')" "0:0 700 0:0 700 0:0 600 "
  is "$(journal '.open_upgrade | [.by, .before, .packages[0].old, .packages[0].new] | join(" ")')" "apt database 1.0 2.0"
}

@test "python-schooltool and plugins count, other packages and removals do not" {
  for line in 'python3-schooltool 1 all none < 2 all none /x.deb' 'schooltool-plugin - - none < 1 all none /x.deb' \
    'schooltool 2.0 all none > 1.0 all none /x.deb' 'schooltool 2.0 all none = 2.0 all none /x.deb'; do
    expect 0 guard before-apt <<< "$(packages "$line")"
    has "$output" "copied to 'Data.fs.0'"
    rm -r $DATA/Data.fs.0 $DATA/.schooltool-dbtools /var/lib/schooltool-dbtools
  done
  for line in 'bash 5.1 amd64 none < 5.2 amd64 none /x.deb' 'schooltool 1.0 all none > - - none **REMOVE**' \
    'schooltool 2.0 all none = 2.0 all none **CONFIGURE**' 'schooltool-dbtools 1 amd64 none < 2 amd64 none /x.deb'; do
    expect 0 guard before-apt <<< "$(packages "$line")"
    silent
    is_untouched
  done
}

@test "a list that is not understood is no reason to go without a snapshot" {
  expect 0 guard before-apt <<< "/var/cache/apt/archives/schooltool_2.0_all.deb"
  [ -e $DATA/Data.fs.0 ]
}

@test "the list may come on another descriptor" {
  packages "$upgrade_line" > /run/list
  APT_HOOK_INFO_FD=5 expect 0 guard before-apt 5< /run/list < /dev/null
  has "$output" "copied to 'Data.fs.0'"
}

@test "a second step before the same upgrade does nothing" {
  begin_upgrade
  before=$(ls -i $DATA; journal .open_upgrade.id)
  DPKG_HOOK_ACTION=unpack expect 0 guard before-dpkg
  silent
  expect 0 guard before-preinst schooltool 1.0
  silent
  is "$(ls -i $DATA; journal .open_upgrade.id)" "$before"
}

@test "a retry after a failed upgrade puts the database back first and keeps the good copy" {
  begin_upgrade
  : > $DATA/Data.fs
  expect 0 guard before-apt <<< "$(packages "$upgrade_line")"
  has "$stderr" "schooltool-dbtools: the database of before was put back from "
  is "$(digest $DATA/Data.fs; digest $DATA/Data.fs.0)" "$(digest_of school; digest_of school)"
}

@test "dpkg's hook acts before unpacking only" {
  for action in configure remove triggers-only ''; do
    DPKG_HOOK_ACTION=$action expect 0 guard before-dpkg
    silent
    is_untouched
  done
  DPKG_HOOK_ACTION=unpack expect 0 guard before-dpkg
  [ -e $DATA/Data.fs.0 ]
}

@test "a package's own preinst may take the step" {
  expect 0 guard before-preinst schooltool 1.0
  silent
  is "$(journal '.open_upgrade | [.by, .packages[0].name, .packages[0].old] | join(" ")')" "preinst schooltool 1.0"
}

@test "without enough space the upgrade is stopped, nothing is changed, and the switch is named" {
  small_disk 2200K
  before=$(find $DATA -type f -exec sha256sum {} +)
  expect 2 guard before-apt <<< "$(packages "$upgrade_line")"
  is "$output" ""
  has "$stderr" "schooltool-dbtools: copy '/var/lib/schooltool/Data.fs': needs 1.7 MB of free space (this copy and the package's own), there are "
  has "$stderr" "schooltool-dbtools: make room in /var/lib/schooltool, for instance with 'schooltool-db rotate', and try again"
  has "$stderr" "schooltool-dbtools: the upgrade is stopped, and nothing was changed
$skip_hint"
  is "$(find $DATA -type f -exec sha256sum {} +)" "$before"
  expect 2 guard before-preinst schooltool 1.0
  has "$stderr" "$skip_hint"
}

@test "the switch lets the upgrade go on without a copy" {
  small_disk 2200K
  SCHOOLTOOL_DBTOOLS_SKIP=1 expect 0 guard before-apt <<< "$(packages "$upgrade_line")"
  is "$stderr" "schooltool-dbtools: skipped, as asked for; the database is not copied before this upgrade"
  touch /run/schooltool-dbtools.skip
  expect 0 guard before-apt <<< "$(packages "$upgrade_line")"
  expect 0 guard before-preinst schooltool 1.0
  DPKG_HOOK_ACTION=unpack expect 0 guard before-dpkg
  rm /run/schooltool-dbtools.skip
  SCHOOLTOOL_DBTOOLS_SKIP=0 expect 2 guard before-apt <<< "$(packages "$upgrade_line")"
  is "$(names)" Data.fs
}

@test "on-snapshot-failure = warn lets it go on, with the reason told" {
  small_disk 2200K
  echo 'on-snapshot-failure = warn' > $CONF
  expect 0 guard before-apt <<< "$(packages "$upgrade_line")"
  has "$stderr" "needs 1.7 MB of free space"
}

@test "an instance whose configuration is broken stops the upgrade" {
  echo '<filestorage>' > /etc/schooltool/standard/zeo.conf
  expect 2 guard before-apt <<< "$(packages "$upgrade_line")"
  has "$stderr" "schooltool-dbtools: instance 'standard': "
  has "$stderr" "$skip_hint"
}

@test "a mistake in our own configuration stops upgrades of schooltool, and names the switch; other packages go on" {
  echo 'kep = 3' > $CONF
  expect 2 guard before-apt <<< "$(packages "$upgrade_line")"
  has "$stderr" "$CONF"
  has "$stderr" "$skip_hint"
  expect 2 guard before-preinst schooltool 1.0
  has "$stderr" "$skip_hint"
  expect 0 guard before-apt <<< "$(packages 'bash 5.1 amd64 none < 5.2 amd64 none /x.deb')"
  is "$output" ""
  has "$stderr" "$CONF"
  SCHOOLTOOL_DBTOOLS_SKIP=1 expect 0 guard before-apt <<< "$(packages "$upgrade_line")"
  is_untouched
}

@test "a package that comes for the first time finds no instance, and is installed" {
  rm -r /etc/schooltool $DATA
  expect 0 guard before-preinst schooltool ''
  silent
  [ ! -e /var/lib/schooltool-dbtools ]
}

@test "enabled = no is left alone" {
  echo 'enabled = no' > $CONF
  expect 0 guard before-apt <<< "$(packages "$upgrade_line")"
  silent
  expect 0 guard before-preinst schooltool 1.0
  silent
  is_untouched
}

@test "enabled = no is left alone also when the guard is configured, and while an upgrade is open" {
  begin_upgrade
  rm -r $DATA/Data.fs.0
  dpkg_says 'install ok installed'
  rm $DATA/Data.fs
  echo 'enabled = no' > $CONF
  before=$(listing)
  for step in after triggered tick configured; do
    expect 0 guard $step
    silent
  done
  is "$(listing)" "$before"
}

@test "the job of cron does not complain of a command that is at work; a hook says why it did nothing" {
  begin_upgrade
  dpkg_says 'install ok installed'
  echo 'lock-wait = 0' > $CONF
  hold_lock $STATE/lock
  expect 0 guard tick
  silent
  expect 0 guard after
  has "$stderr" "schooltool-dbtools: "
}

@test "an instance without a database is no reason to stop anybody" {
  rm -r $DATA
  expect 0 guard before-apt <<< "$(packages "$upgrade_line")"
  is "$stderr" ""
  expect 0 guard configured
  silent
}

@test "another system's root is none of our business" {
  expect 0 guard before-apt <<< "$(printf 'VERSION 3\nDir=/srv/chroot\n\n%s\n' "$upgrade_line")"
  expect 0 guard before-apt <<< "$(printf 'VERSION 3\nRootDir=/srv/chroot\n\n%s\n' "$upgrade_line")"
  DPKG_ROOT=/srv/chroot DPKG_HOOK_ACTION=unpack expect 0 guard before-dpkg
  DPKG_ROOT=/srv/chroot expect 0 guard before-preinst schooltool 1.0
  DPKG_ROOT=/srv/chroot expect 0 guard configured
  is_untouched
  begin_upgrade
  rm $DATA/Data.fs
  DPKG_ROOT=/srv/chroot expect 0 guard after
  [ ! -e $DATA/Data.fs ]
}

@test "without an open upgrade the steps after one are silent, and do not even read the configuration" {
  echo nonsense > $CONF
  before=$(listing)
  for step in after triggered tick after-postinst; do
    expect 0 guard $step
    silent
  done
  is "$(listing)" "$before"
  rm $CONF
  schooltool-db-snapshot
  echo nonsense > $CONF
  before=$(listing)
  for step in after triggered tick after-postinst; do
    expect 0 guard $step
    silent
  done
  is "$(listing)" "$before"
}

@test "after an upgrade that lost the database it is put back" {
  begin_upgrade
  dpkg_says 'install ok installed'
  blank_bootstrap
  blank=$(digest $DATA/Data.fs)
  expect 0 guard after
  has "$stderr" "schooltool-dbtools: instance standard: the database '/var/lib/schooltool/Data.fs' is blank "
  has "$stderr" "after the upgrade of schooltool 1.0 -> 2.0"
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
  is "$(digest $DATA/Data.fs.blank-*)" "$blank"
  has "$(cat $STATE/NOTE)" "the database of before was put back from"
}

@test "a dpkg that only simulates repairs nothing: another one may be in the middle of a script" {
  begin_upgrade
  dpkg_says 'install ok half-configured'
  rm $DATA/Data.fs
  mkdir -p /run/other/DEBIAN
  printf 'Package: other\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n' \
    > /run/other/DEBIAN/control
  dpkg-deb --build /run/other /run/other.deb > /dev/null
  expect 0 dpkg --log=/dev/null --post-invoke='guard after' --simulate -i /run/other.deb
  is "$stderr" ""
  [ ! -e $DATA/Data.fs ]
  expect 0 dpkg --log=/dev/null --post-invoke='guard after' -i /run/other.deb
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
}

@test "while the packages are only unpacked nothing is judged" {
  begin_upgrade
  dpkg_says 'install ok unpacked'
  rm $DATA/Data.fs
  expect 0 guard after
  silent
  [ ! -e $DATA/Data.fs ]
}

@test "a half configured package gets its database back, and the upgrade stays open" {
  echo 'settle = 0' > $CONF
  begin_upgrade
  dpkg_says 'install ok half-configured'
  rm $DATA/Data.fs
  expect 0 guard after
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
  expect 0 guard after
  is "$(journal '.open_upgrade.by')" apt
}

@test "a good upgrade is closed after the settling time, and the hold is given up" {
  begin_upgrade
  dpkg_says 'install ok installed'
  expect 0 guard after
  silent
  is "$(journal '.open_upgrade.by')" apt
  echo 'settle = 0' > $CONF
  expect 0 guard tick
  silent
  is "$(journal '.open_upgrade // "none"') $(journal .last.action)" "none closed"
  is "$(names $DATA/.schooltool-dbtools)" ""
  rm $DATA/Data.fs
  expect 0 guard tick
  [ ! -e $DATA/Data.fs ]
}

@test "a foreign database waits for a person, who is told once by cron" {
  begin_upgrade
  dpkg_says 'install ok installed'
  foreign_school
  foreign=$(digest $DATA/Data.fs)
  expect 0 guard tick
  has "$stderr" "schooltool-dbtools: to put it back: schooltool-db rollback --instance standard"
  expect 0 guard tick
  silent
  is "$(digest $DATA/Data.fs)" "$foreign"
  expect 1 schooltool-db status
}

@test "the upgrade may take the instance's configuration away" {
  begin_upgrade
  dpkg_says 'install ok installed'
  rm -r /etc/schooltool
  rm $DATA/Data.fs
  expect 0 guard after
  is "$(digest $DATA/Data.fs)" "$(digest_of school)"
}

@test "a step after an upgrade never fails, whatever it finds" {
  begin_upgrade
  dpkg_says 'install ok installed'
  echo nonsense > $CONF
  expect 0 guard after
  rm $CONF
  echo '{"half' > $STATE/state.json
  for step in after triggered tick after-postinst configured; do expect 0 guard $step; done
  rm -r $STATE
  ln -s /tmp $STATE
  expect 0 guard after
}

@test "our own configuration takes a first copy, and opens nothing" {
  expect 0 guard configured
  silent
  cmp $DATA/Data.fs $DATA/Data.fs.0
  is "$(journal '.open_upgrade // "none"')" none
  expect 0 guard configured
  is "$(names)" "Data.fs Data.fs.0"
}

@test "--dry-run tells what each step would do, and changes nothing" {
  before=$(listing)
  expect 0 guard --dry-run before-apt <<< "$(packages "$upgrade_line")"
  is "$output" "standard: would copy 730.8 kB of '/var/lib/schooltool/Data.fs' to 'Data.fs.0'"
  is "$stderr" ""
  expect 0 guard -n before-preinst schooltool 1.0
  is "$output" "standard: would copy 730.8 kB of '/var/lib/schooltool/Data.fs' to 'Data.fs.0'"
  expect 0 guard -n configured
  is "$output" "standard: would copy 730.8 kB of '/var/lib/schooltool/Data.fs' to 'Data.fs.0'"
  expect 0 guard -n after
  silent
  is "$(listing)" "$before"
  is_untouched

  begin_upgrade
  dpkg_says 'install ok installed'
  blank_bootstrap
  before=$(listing)
  expect 0 guard --dry-run after
  has "$output" "standard: blank: "
  has "$output" "standard: the database of before stands in '/var/lib/schooltool/.schooltool-dbtools/Data.fs."
  is "$stderr" ""
  is "$(listing)" "$before"
}

@test "--dry-run of a step that would be refused says so" {
  small_disk 2200K
  expect 2 guard --dry-run before-apt <<< "$(packages "$upgrade_line")"
  has "$stderr" "needs 1.7 MB of free space"
  has "$stderr" "$skip_hint"
}
