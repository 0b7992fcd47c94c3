# cmake --install: the program, its rules and mappings, its documents.
include(GNUInstallDirs)
install(TARGETS canh RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY rules mappings samples DESTINATION ${CMAKE_INSTALL_DATADIR}/canh)
install(FILES README.md README.vi.md ARCHITECTURE.md CHANGELOG.md SECURITY.md LICENSE
    DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}
    PATTERN decisions EXCLUDE)
install(DIRECTORY man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1")

# What the program says of its commands itself: manual pages and completion.
set(CANH_PAGES ${PROJECT_BINARY_DIR}/pages)
file(MAKE_DIRECTORY ${CANH_PAGES}/vi)
add_custom_command(
    OUTPUT ${CANH_PAGES}/canh-commands.1 ${CANH_PAGES}/vi/canh-commands.1 ${CANH_PAGES}/canh
    COMMAND ${CMAKE_COMMAND} -E env LC_ALL=C $<TARGET_FILE:canh> help --man
            > ${CANH_PAGES}/canh-commands.1
    COMMAND ${CMAKE_COMMAND} -E env LC_ALL=vi $<TARGET_FILE:canh> help --man
            > ${CANH_PAGES}/vi/canh-commands.1
    COMMAND $<TARGET_FILE:canh> completion bash > ${CANH_PAGES}/canh
    DEPENDS canh VERBATIM)
add_custom_target(canh_pages ALL DEPENDS ${CANH_PAGES}/canh-commands.1)
install(FILES ${CANH_PAGES}/canh-commands.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${CANH_PAGES}/vi/canh-commands.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/vi/man1)
install(FILES ${CANH_PAGES}/canh DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)

# systemd: unit, users, folders
set(CANH_BINARY ${CMAKE_INSTALL_FULL_BINDIR}/canh)
configure_file(${PROJECT_SOURCE_DIR}/init/canh.service.in ${PROJECT_BINARY_DIR}/canh.service @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/canh.service DESTINATION lib/systemd/system)
install(FILES init/sysusers.d/canh.conf DESTINATION lib/sysusers.d)
install(FILES init/tmpfiles.d/canh.conf DESTINATION lib/tmpfiles.d)
