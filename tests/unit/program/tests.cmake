# canh_unit_test(program <noun>), one line a file of this folder
canh_unit_test(program output)
target_link_libraries(unit_program_output PRIVATE PkgConfig::JANSSON)
canh_unit_test(program cell)
canh_unit_test(program rules_load)
target_link_libraries(unit_program_rules_load PRIVATE PkgConfig::ARCHIVE)
