# Senders that are other people's programs, on loopback, while Canh is restarted. What is not there
# is skipped by name; the lines of all make the matrix of docs/forwarders.md.
set(peers_folder ${PROJECT_BINARY_DIR}/peers)
add_test(NAME peers/setup COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/peers/setup.sh
    ${PROJECT_SOURCE_DIR} ${peers_folder})
set_tests_properties(peers/setup PROPERTIES LABELS "peers;slow_asan" TIMEOUT 600
    FIXTURES_SETUP peers)
foreach(name documents rsyslog syslog_ng journal_upload logger python_elastic npm_elastic npm_otlp
        prometheus)
    add_test(NAME peers/${name} COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/peers/${name}.sh
        $<TARGET_FILE:canh> ${PROJECT_SOURCE_DIR} ${peers_folder})
    set_tests_properties(peers/${name} PROPERTIES LABELS "peers;slow_asan" TIMEOUT 600
        SKIP_RETURN_CODE 77 FIXTURES_REQUIRED peers)
endforeach()
add_test(NAME peers/matrix COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/peers/matrix.sh ${peers_folder})
set_tests_properties(peers/matrix PROPERTIES LABELS "peers;slow_asan" TIMEOUT 20
    FIXTURES_CLEANUP peers)
