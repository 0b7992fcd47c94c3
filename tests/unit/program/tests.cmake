# canh_unit_test(program <noun>), one line a file of this folder
canh_unit_test(program output)
target_link_libraries(unit_program_output PRIVATE PkgConfig::JANSSON)
# jansson has functions of the same names (json_string): it must not call those of this program
target_link_options(unit_program_output PRIVATE -Wl,--exclude-libs,ALL)
canh_unit_test(program cell)
canh_unit_test(program rules_load)
target_link_libraries(unit_program_rules_load PRIVATE PkgConfig::ARCHIVE)
canh_unit_test(program finding_schema)
target_link_libraries(unit_program_finding_schema PRIVATE PkgConfig::JANSSON)
target_link_options(unit_program_finding_schema PRIVATE -Wl,--exclude-libs,ALL)
target_compile_definitions(unit_program_finding_schema PRIVATE CANH_SOURCE="${PROJECT_SOURCE_DIR}")
canh_unit_test(program input)
target_link_libraries(unit_program_input PRIVATE PkgConfig::ARCHIVE)
