# The program as its users start it: output, exit codes, hostile input.
foreach(name intel intel_pattern rules rules_test detect threads hostile packed streams
        config import hunt search tail export verify store)
    add_test(NAME cli/${name}
        COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/cli/${name}.sh $<TARGET_FILE:canh>
            ${PROJECT_SOURCE_DIR})
    set_tests_properties(cli/${name} PROPERTIES LABELS cli TIMEOUT 300)
endforeach()
set_tests_properties(cli/threads PROPERTIES LABELS "cli;tsan")
add_test(NAME cli/man COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/cli/man.sh $<TARGET_FILE:canh>
    ${PROJECT_SOURCE_DIR})
set_tests_properties(cli/man PROPERTIES LABELS cli TIMEOUT 60)
foreach(name serve ingest rules_update rules_hunt rules_fetch rules_burden
        rules_swap ingest_elastic ingest_otlp state audit backup status attribution watch)
    add_test(NAME cli/${name}
        COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/cli/${name}.sh $<TARGET_FILE:canh>
            ${PROJECT_SOURCE_DIR})
    set_tests_properties(cli/${name} PROPERTIES LABELS cli TIMEOUT 300)
endforeach()
set_tests_properties(cli/rules_fetch PROPERTIES SKIP_RETURN_CODE 77)
add_executable(canh_totp support/totp.c)
target_link_libraries(canh_totp PRIVATE PkgConfig::GNUTLS)
add_test(NAME cli/web COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/cli/web.sh $<TARGET_FILE:canh>
    ${PROJECT_SOURCE_DIR} $<TARGET_FILE:canh_totp>)
set_tests_properties(cli/web PROPERTIES LABELS cli TIMEOUT 300 SKIP_RETURN_CODE 77)
add_test(NAME cli/sandbox COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/cli/sandbox.sh
    $<TARGET_FILE:canh_inject> ${PROJECT_SOURCE_DIR})
set_tests_properties(cli/sandbox PROPERTIES LABELS "cli;slow_asan" TIMEOUT 600)
add_test(NAME cli/unit_file COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/cli/unit_file.sh
    ${PROJECT_BINARY_DIR}/canh.service)
set_tests_properties(cli/unit_file PROPERTIES LABELS "cli;slow_asan" TIMEOUT 60
    SKIP_RETURN_CODE 77)
foreach(name disk_full descriptors rights run)
    add_test(NAME cli/${name}
        COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/cli/${name}.sh $<TARGET_FILE:canh>
            ${PROJECT_SOURCE_DIR})
    set_tests_properties(cli/${name} PROPERTIES LABELS cli TIMEOUT 300 SKIP_RETURN_CODE 77)
endforeach()
set_tests_properties(cli/disk_full PROPERTIES LABELS "cli;slow_asan")
add_test(NAME cli/rogue COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/cli/rogue.sh
    $<TARGET_FILE:canh_inject> ${PROJECT_SOURCE_DIR})
set_tests_properties(cli/rogue PROPERTIES LABELS "cli;slow_asan" TIMEOUT 600)
add_test(NAME cli/sandbox_reader COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/cli/sandbox_reader.sh
    $<TARGET_FILE:canh_inject> ${PROJECT_SOURCE_DIR})
set_tests_properties(cli/sandbox_reader PROPERTIES LABELS "cli;slow_asan" TIMEOUT 600)
add_executable(canh_send support/send.c)
add_test(NAME cli/syslog COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/cli/syslog.sh $<TARGET_FILE:canh>
    ${PROJECT_SOURCE_DIR} $<TARGET_FILE:canh_send>)
set_tests_properties(cli/syslog PROPERTIES LABELS cli TIMEOUT 300 SKIP_RETURN_CODE 77)
add_test(NAME cli/sources COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/cli/sources.sh $<TARGET_FILE:canh>
    ${PROJECT_SOURCE_DIR} $<TARGET_FILE:canh_send>)
set_tests_properties(cli/sources PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
foreach(name journal drop follow)
    add_test(NAME cli/${name}
        COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/cli/${name}.sh $<TARGET_FILE:canh>
            ${PROJECT_SOURCE_DIR})
    set_tests_properties(cli/${name} PROPERTIES LABELS cli TIMEOUT 300 SKIP_RETURN_CODE 77)
endforeach()
# their programs and pauses take the time, not what a sanitizer sees: the suite stays within
# its time
set_tests_properties(cli/journal cli/drop cli/follow cli/sources cli/run cli/rules_swap
    cli/watch PROPERTIES LABELS "cli;slow_asan" TIMEOUT 600)
add_executable(canh_hostile support/hostile.c)
add_test(NAME cli/hostile_net COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/cli/hostile_net.sh
    $<TARGET_FILE:canh> ${PROJECT_SOURCE_DIR} $<TARGET_FILE:canh_load>
    $<TARGET_FILE:canh_hostile>)
add_test(NAME cli/overload COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/cli/overload.sh
    $<TARGET_FILE:canh> ${PROJECT_SOURCE_DIR} $<TARGET_FILE:canh_load>)
add_test(NAME cli/disk_full_load COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/cli/disk_full_load.sh
    $<TARGET_FILE:canh> ${PROJECT_SOURCE_DIR} $<TARGET_FILE:canh_load>)
set_tests_properties(cli/hostile_net cli/overload cli/disk_full_load PROPERTIES
    LABELS "cli;slow_asan" TIMEOUT 600 SKIP_RETURN_CODE 77)
# the program itself, whose wall clock the test sets
add_executable(canh_clock ${PROJECT_SOURCE_DIR}/src/program/main.c support/clock_jump.c)
target_link_libraries(canh_clock PRIVATE canh_program)
add_test(NAME cli/clock COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/cli/clock.sh
    $<TARGET_FILE:canh_clock> ${PROJECT_SOURCE_DIR} $<TARGET_FILE:canh_send>)
set_tests_properties(cli/clock PROPERTIES LABELS "cli;slow_asan" TIMEOUT 600
    SKIP_RETURN_CODE 77)
