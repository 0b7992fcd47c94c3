# canh_unit_test(detection <noun>), one line a file of this folder
canh_unit_test(detection event)
canh_unit_test(detection literal)
canh_unit_test(detection mapping)
target_compile_definitions(unit_detection_mapping PRIVATE CANH_SOURCE="${PROJECT_SOURCE_DIR}")
