# SIGKILL loops on the real program; rounds by CANH_KILL_ROUNDS.
add_executable(import_kill kill/import_kill.c)
target_link_libraries(import_kill PRIVATE canh_store)
add_test(NAME kill/import COMMAND import_kill $<TARGET_FILE:canh>)
set_tests_properties(kill/import PROPERTIES LABELS kill TIMEOUT 600)
