/* What the files of `canh store` share. */
#pragma once
#include "program/data.h"

int cli_store_stat(int argc, char **argv);
int cli_store_expire(int argc, char **argv);
