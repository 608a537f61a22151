/* consumer.c - a program outside of clnas' build: it is linked with the library as it was installed, and says which one that is. */
#include <clnas/clnas.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    int major, minor, patch, strategies;
    char hex[33];
    nas_value value = {0};
    nas_version(&major, &minor, &patch);
    nas_strategy_all(&strategies);
    nas_hash_hex("clnas", 5, hex);
    const nas_status status = nas_value_parse("{ lr = 0.5; }", "text", 1, &value);
    const nas_value *lr = status == NAS_OK ? nas_value_member(&value, "lr") : NULL;
    const bool right = lr && lr->type == NAS_VALUE_REAL && lr->real == 0.5;
    nas_value_clear(&value);
    printf("clnas %d.%d.%d, %s, %s\n", major, minor, patch,
           strategies > 10 ? "strategies" : "too few", right ? "reads" : "does not read");
    return right && strategies > 10 && strlen(hex) == 32 ? 0 : 1;
}
