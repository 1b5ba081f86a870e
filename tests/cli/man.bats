#!/usr/bin/env bats
# The man pages agree with the programs and are well formed.

setup() {
  : "${PROGRAMS:?the folder of the built programs}" "${SOURCES:?the source tree}"
}

programs() {
  for source in "$SOURCES"/tools/*.cc; do basename "$source" .cc; done
}

# Of the guard, whose name alone says too little for a page.
page_of() {
  local name=$1
  [ "$name" != guard ] || name=schooltool-dbtools-guard
  for page in "$SOURCES/man/$name".[18]; do
    if [ -f "$page" ]; then echo "$page"; fi
  done
}

pages() {
  find "$SOURCES/man" -type f -name '*.[1-8]' | sort
}

# The lines of one section of a page.
section() {
  awk -v name="$2" '/^\.SH / { inside = 0 } inside { print } $0 ~ "^\\.SH \"?" name "\"?$" { inside = 1 }' "$1"
}

# The long options that the section OPTIONS of a page has an entry for.
options_of_page() {
  section "$1" OPTIONS | sed 's/\\-/-/g; s/\\f[A-Z]//g; s/\\&//g' |
    awk 'tag { print } { tag = /^\.T[PQ]/ }' | grep -oE -e '--[a-z][a-z0-9-]*' | sort
}

options_of_help() {
  "$PROGRAMS/$1" --help | sed -n '/^Options:/,/^Exit status:/p' |
    sed -nE 's/^ {2}(-., |    )(--[a-z][a-z0-9-]*).*/\2/p' | sort
}

# The same of repozo and zeopack, whose help has the form of the original's.
options_of_original_help() {
  "$PROGRAMS/$1" --help | sed -nE 's#^ {2,4}(-.( [A-Za-z_]+)?( /|,) )?(--[a-z][a-z0-9-]*).*#\4#p' | sort -u
}

@test "every program has a man page" {
  missing=
  for program in $(programs); do
    [ -n "$(page_of "$program")" ] || missing="$missing $program"
  done
  echo "without a page:$missing"
  [ -z "$missing" ]
}

@test "the options of a man page are those of --help" {
  wrong=0
  for program in $(programs); do
    page=$(page_of "$program")
    case $program in
      repozo | zeopack) help=$(options_of_original_help "$program") ;;
      *) help=$(options_of_help "$program") ;;
    esac
    [ -n "$help" ]
    diff -u --label "$program --help" --label "${page:-no page}" \
      <(echo "$help") <(options_of_page "${page:-/dev/null}") || wrong=1
  done
  [ "$wrong" = 0 ]
}

@test "every exit status of --help stands on the man page" {
  wrong=0
  for program in $(programs); do
    page=$(page_of "$program")
    for status in $("$PROGRAMS/$program" --help | sed -n '/^Exit status:/,$p' | sed -nE 's/^  ([0-9]+)  .*/\1/p'); do
      section "${page:-/dev/null}" "EXIT STATUS" | grep -qE "^(\.[A-Z]+ )?$status\$" || {
        echo "$program: exit status $status"
        wrong=1
      }
    done
  done
  [ "$wrong" = 0 ]
}

@test "sections of a man page stand in the agreed order" {
  order="NAME SYNOPSIS DESCRIPTION OPTIONS EXIT_STATUS ENVIRONMENT FILES NOTES EXAMPLES SEE_ALSO"
  wrong=0
  while read -r page; do
    rest=" $order "
    while read -r section; do
      case "$rest" in
        *" $section "*) rest=" ${rest#* "$section" }" ;;
        *)
          echo "$page: section $section is unknown or out of order"
          wrong=1
          ;;
      esac
    done < <(sed -nE 's/^\.SH "?([^"]*)"?$/\1/p' "$page" | tr ' ' _)
  done < <(pages)
  [ "$wrong" = 0 ]
}

@test "man pages referred to exist here or in Debian" {
  wrong=0
  while read -r page; do
    while read -r other; do
      name=${other%(*}
      section=${other#*(}
      [ -f "$SOURCES/man/$name.${section%)}" ] || case $name in
        schooltool* | repozo | zeopack | fs*)
          echo "$page: $other does not exist"
          wrong=1
          ;;
      esac
    done < <(sed 's/\\-/-/g' "$page" | sed -nE 's/^\.BR ([^ ]+) (\([1-8]\)).*/\1\2/p')
  done < <(pages)
  [ "$wrong" = 0 ]
}

@test "mandoc has nothing to say about the man pages" {
  command -v mandoc >/dev/null || skip "mandoc is not installed"
  pages | xargs mandoc -Tlint -Wstyle
}

@test "man has no warnings about the man pages" {
  command -v man >/dev/null || skip "man is not installed"
  while read -r page; do
    warnings=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
    [ -z "$warnings" ] || {
      echo "$page: $warnings"
      return 1
    }
  done < <(pages)
}
