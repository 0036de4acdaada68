# find_package(stranded) with stranded::runtime, ::detector, ::gtest, ::gtest_main, and the program.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/stranded)
install(TARGETS stranded_runtime stranded_detector stranded_gtest stranded_gtest_main
  EXPORT strandedTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS stranded_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY runtime_hooks/include/ detector/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES docs/stranded_dump.proto docs/report.schema.json
  DESTINATION ${CMAKE_INSTALL_DATADIR}/stranded)
install(PROGRAMS ci/gate.sh DESTINATION ${CMAKE_INSTALL_DATADIR}/stranded/ci)
install(DIRECTORY ci/github ci/gitlab DESTINATION ${CMAKE_INSTALL_DATADIR}/stranded/ci
  USE_SOURCE_PERMISSIONS)
install(EXPORT strandedTargets NAMESPACE stranded:: DESTINATION ${package_dir})
configure_package_config_file(cmake/strandedConfig.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/strandedConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/strandedConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/strandedConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/strandedConfigVersion.cmake DESTINATION ${package_dir})
