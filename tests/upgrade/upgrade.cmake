# The upgrade scenarios in chroots (label "upgrade") and the checks of the packages themselves (label
# "packages"), for each supported Debian release. They build the packages from the working tree in a clean
# chroot, not from this build folder, so the release preset alone registers them. They need root; without it
# they are skipped.
if(NOT DBTOOLS_PRESET STREQUAL "release")
  return()
endif()

set(upgrade_dir ${CMAKE_CURRENT_LIST_DIR})
set(upgrade_build ${CMAKE_BINARY_DIR}/upgrade)
file(GLOB scenario_scripts CONFIGURE_DEPENDS ${upgrade_dir}/t-*/run)
# Those that are also run without our packages, to show that the stand-in really loses the database.
set(losing_scenarios demo moved-away deleted zeroed truncated full-disk dpkg-unpack-configure python-schooltool)

add_test(NAME upgrade.make-stand-ins COMMAND ${upgrade_dir}/make-stand-ins ${upgrade_build}/stand-ins)
set_tests_properties(upgrade.make-stand-ins PROPERTIES LABELS "upgrade;packages" FIXTURES_SETUP stand-ins)

foreach(suite bookworm trixie)
  set(debs ${upgrade_build}/${suite})
  add_test(NAME upgrade.make-debs.${suite} COMMAND ${upgrade_dir}/make-debs ${suite} ${debs})
  set_tests_properties(upgrade.make-debs.${suite} PROPERTIES LABELS "upgrade;packages" FIXTURES_SETUP debs-${suite}
    SKIP_RETURN_CODE 77 TIMEOUT 1800)
  add_test(NAME upgrade.make-chroot.${suite} COMMAND ${upgrade_dir}/make-chroot ${suite} run ${debs})
  set_tests_properties(upgrade.make-chroot.${suite} PROPERTIES LABELS "upgrade;packages" FIXTURES_SETUP chroot-${suite}
    FIXTURES_REQUIRED debs-${suite} SKIP_RETURN_CODE 77 TIMEOUT 1800)

  foreach(script ${scenario_scripts})
    get_filename_component(folder ${script} DIRECTORY)
    get_filename_component(folder ${folder} NAME)
    string(REGEX REPLACE "^t-" "" scenario ${folder})
    set(names upgrade.${suite}.${scenario})
    add_test(NAME upgrade.${suite}.${scenario}
      COMMAND ${upgrade_dir}/run-scenario ${suite} ${scenario} ${upgrade_build}/stand-ins ${debs})
    if(scenario IN_LIST losing_scenarios)
      list(APPEND names upgrade.${suite}.without-guard-${scenario})
      add_test(NAME upgrade.${suite}.without-guard-${scenario}
        COMMAND ${upgrade_dir}/run-scenario --without-guard ${suite} ${scenario} ${upgrade_build}/stand-ins ${debs})
    endif()
    set_tests_properties(${names} PROPERTIES LABELS upgrade FIXTURES_REQUIRED "stand-ins;chroot-${suite}"
      SKIP_RETURN_CODE 77 TIMEOUT 300)
    if(EXISTS ${upgrade_dir}/t-${scenario}/boot)
      # Two systemds at once would meet in the control groups of this machine.
      set_tests_properties(${names} PROPERTIES RESOURCE_LOCK systemd)
    endif()
  endforeach()

  foreach(what lintian adequate piuparts autopkgtest)
    add_test(NAME packages.${suite}.${what} COMMAND ${upgrade_dir}/check-packages ${what} ${suite} ${debs})
    set_tests_properties(packages.${suite}.${what} PROPERTIES LABELS packages SKIP_RETURN_CODE 77 TIMEOUT 900
      ENVIRONMENT "STAND_INS=${upgrade_build}/stand-ins" FIXTURES_REQUIRED "stand-ins;chroot-${suite}")
  endforeach()
endforeach()

# A second build from the same sources, under other circumstances. One release is enough: what could differ is in the
# rules and the sources, which are the same.
set(debs ${upgrade_build}/trixie)
add_test(NAME packages.make-other-debs COMMAND ${upgrade_dir}/make-debs trixie ${debs}-other other)
set_tests_properties(packages.make-other-debs PROPERTIES LABELS packages FIXTURES_SETUP other-debs SKIP_RETURN_CODE 77
  TIMEOUT 1800)
add_test(NAME packages.reproducible
  COMMAND ${upgrade_dir}/check-packages reproducible trixie ${debs} ${debs}-other)
set_tests_properties(packages.reproducible PROPERTIES LABELS packages SKIP_RETURN_CODE 77
  FIXTURES_REQUIRED "debs-trixie;other-debs")
