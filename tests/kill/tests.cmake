# SIGKILL loops on the real program; rounds by CANH_KILL_ROUNDS.
add_executable(import_kill kill/import_kill.c)
target_link_libraries(import_kill PRIVATE canh_store)
add_test(NAME kill/import COMMAND import_kill $<TARGET_FILE:canh>)
set_tests_properties(kill/import PROPERTIES LABELS kill TIMEOUT 600)
add_executable(canh_sink support/sink.c)
target_link_libraries(canh_sink PRIVATE PkgConfig::MICROHTTPD)
add_test(NAME kill/courier COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/kill/courier.sh
    $<TARGET_FILE:canh> ${PROJECT_SOURCE_DIR} $<TARGET_FILE:canh_sink>)
set_tests_properties(kill/courier PROPERTIES LABELS kill TIMEOUT 600)
add_executable(node_kill kill/node_kill.c)
target_link_libraries(node_kill PRIVATE canh_program)
add_test(NAME kill/node COMMAND node_kill $<TARGET_FILE:canh>)
set_tests_properties(kill/node PROPERTIES LABELS "kill;slow_asan" TIMEOUT 1800)
add_executable(canh_bulk_sink support/bulk_sink.c)
target_link_libraries(canh_bulk_sink PRIVATE PkgConfig::MICROHTTPD)
add_test(NAME kill/outputs COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/kill/outputs.sh
    $<TARGET_FILE:canh> ${PROJECT_SOURCE_DIR} $<TARGET_FILE:canh_bulk_sink>)
set_tests_properties(kill/outputs PROPERTIES LABELS "kill;slow_asan" TIMEOUT 900)
add_test(NAME cli/outputs COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/cli/outputs.sh
    $<TARGET_FILE:canh> ${PROJECT_SOURCE_DIR} $<TARGET_FILE:canh_bulk_sink>)
set_tests_properties(cli/outputs PROPERTIES LABELS "cli;slow_asan" TIMEOUT 600)
add_test(NAME kill/ledger COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/kill/ledger.sh
    $<TARGET_FILE:canh> ${PROJECT_SOURCE_DIR})
set_tests_properties(kill/ledger PROPERTIES LABELS "kill;slow_asan" TIMEOUT 900)
add_executable(canh_load support/load.c)
target_link_libraries(canh_load PRIVATE PkgConfig::GNUTLS)
add_test(NAME kill/watch COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/kill/watch.sh
    $<TARGET_FILE:canh> ${PROJECT_SOURCE_DIR} $<TARGET_FILE:canh_load>)
set_tests_properties(kill/watch PROPERTIES LABELS "kill;slow_asan" TIMEOUT 900)
