# canh_unit_test(formats <noun>), one line a file of this folder
