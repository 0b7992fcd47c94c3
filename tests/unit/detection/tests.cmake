# canh_unit_test(detection <noun>), one line a file of this folder
