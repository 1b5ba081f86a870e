# Tests against the real ZODB. interop.venv makes the Python environment, once, outside the tree; where it
# cannot be had, it and the tests that need it are skipped.
add_executable(fsdump ${CMAKE_CURRENT_SOURCE_DIR}/interop/fsdump.cc)
target_link_libraries(fsdump PRIVATE filestorage nlohmann_json::nlohmann_json project_flags)

add_test(NAME interop.venv COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/interop/make_venv.sh)
set_tests_properties(interop.venv PROPERTIES LABELS interop TIMEOUT 900 SKIP_RETURN_CODE 77 FIXTURES_SETUP zodb)

add_test(NAME interop.filestorage
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/interop/with_zodb.sh ${CMAKE_CURRENT_SOURCE_DIR}/interop/fs_interop.py
    --fsdump $<TARGET_FILE:fsdump> --make-database $<TARGET_FILE:make_database>)
set_tests_properties(interop.filestorage PROPERTIES LABELS interop TIMEOUT 900 SKIP_RETURN_CODE 77
  FIXTURES_REQUIRED zodb)
