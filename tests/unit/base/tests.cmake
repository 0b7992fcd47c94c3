# canh_unit_test(base <noun>), one line a file of this folder
