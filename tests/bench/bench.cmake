# Benchmarks and what makes their data. Built, never run by ctest: a timed test says more about the machine than
# about the code.
foreach(program make_database make_school scan_bench make_pack_data make_blob_data pickle_bench)
  add_executable(${program} ${CMAKE_CURRENT_SOURCE_DIR}/bench/${program}.cc)
  target_include_directories(${program} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${program} PRIVATE filestorage project_flags)
endforeach()
