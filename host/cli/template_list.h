/* template_list.h - the configs that `clnas init NAME` writes, one line each: CMake embeds configs/NAME.cfg. */
CLI_TEMPLATE(quickstart)
CLI_TEMPLATE(random)
CLI_TEMPLATE(synthetic)
