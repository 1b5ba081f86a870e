# Tests that are scripts: Bats files and the chroot scenarios.
find_program(BATS bats REQUIRED)
file(GLOB bats_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/cli/*.bats)
foreach(file ${bats_files})
  get_filename_component(name ${file} NAME_WE)
  add_test(NAME cli.${name} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/cli/in-namespace ${file})
  set_tests_properties(cli.${name} PROPERTIES LABELS cli TIMEOUT 900 SKIP_RETURN_CODE 77
    ENVIRONMENT "PROGRAMS=${CMAKE_BINARY_DIR};TEST_DATA=${CMAKE_CURRENT_SOURCE_DIR}/data;SOURCES=${CMAKE_SOURCE_DIR}")
endforeach()
include(${CMAKE_CURRENT_SOURCE_DIR}/upgrade/upgrade.cmake)
