#include "sigma_case.h"

int main(void)
{
    return 0;
}
