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

# The pickle readers, fscheck and fsindex.
add_executable(pickledump ${CMAKE_CURRENT_SOURCE_DIR}/interop/pickledump.cc)
target_include_directories(pickledump PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(pickledump PRIVATE pickle project_flags)
add_test(NAME interop.check
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/interop/with_zodb.sh ${CMAKE_CURRENT_SOURCE_DIR}/interop/check_interop.py
    --pickledump $<TARGET_FILE:pickledump> --fscheck $<TARGET_FILE:fscheck> --fsindex $<TARGET_FILE:fsindex>)
set_tests_properties(interop.check PROPERTIES LABELS interop TIMEOUT 900 SKIP_RETURN_CODE 77 FIXTURES_REQUIRED zodb)

add_executable(repozo_at ${CMAKE_CURRENT_SOURCE_DIR}/interop/repozo_at.cc)
target_link_libraries(repozo_at PRIVATE repozo project_flags)
add_test(NAME interop.repozo
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/interop/with_zodb.sh ${CMAKE_CURRENT_SOURCE_DIR}/interop/repozo_interop.py
    --repozo-at $<TARGET_FILE:repozo_at> --data ${CMAKE_CURRENT_SOURCE_DIR}/data)
set_tests_properties(interop.repozo PROPERTIES LABELS interop TIMEOUT 900 SKIP_RETURN_CODE 77 FIXTURES_REQUIRED zodb)

# zeopack against live servers of ZEO 6 and, from an environment of its own, ZEO 5.
add_test(NAME interop.venv_zeo5 COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/interop/make_venv.sh zeo5)
set_tests_properties(interop.venv_zeo5 PROPERTIES LABELS interop TIMEOUT 900 SKIP_RETURN_CODE 77 FIXTURES_SETUP zeo5)
foreach(version zeo6 zeo5)
  add_test(NAME interop.zeopack_${version}
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/interop/with_zodb.sh ${CMAKE_CURRENT_SOURCE_DIR}/interop/zeopack_interop.py
      --zeopack $<TARGET_FILE:zeopack>)
  set_tests_properties(interop.zeopack_${version} PROPERTIES LABELS interop TIMEOUT 900 SKIP_RETURN_CODE 77)
endforeach()
set_tests_properties(interop.zeopack_zeo6 PROPERTIES FIXTURES_REQUIRED zodb)
set_tests_properties(interop.zeopack_zeo5 PROPERTIES FIXTURES_REQUIRED zeo5 ENVIRONMENT ZODB_VENV=venv-zeo5)

# fspack against ZODB's pack: random databases, byte for byte.
add_test(NAME interop.pack
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/interop/with_zodb.sh ${CMAKE_CURRENT_SOURCE_DIR}/interop/pack_interop.py
    --fspack $<TARGET_FILE:fspack>)
set_tests_properties(interop.pack PROPERTIES LABELS interop TIMEOUT 900 SKIP_RETURN_CODE 77 FIXTURES_REQUIRED zodb)

# Backups while a ZEO server is at work; every one of them restored and read by ZODB.
add_executable(backup_at ${CMAKE_CURRENT_SOURCE_DIR}/interop/backup_at.cc)
target_include_directories(backup_at PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(backup_at PRIVATE backup project_flags)
add_test(NAME interop.backup
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/interop/with_zodb.sh ${CMAKE_CURRENT_SOURCE_DIR}/interop/backup_interop.py
    --backup-at $<TARGET_FILE:backup_at>)
set_tests_properties(interop.backup PROPERTIES LABELS interop TIMEOUT 900 SKIP_RETURN_CODE 77 FIXTURES_REQUIRED zodb)
