/* command_completion.c - completion for a shell, written from the option tables (completion.c). */
#include "cli.h"

static nas_status run(const cli_call *call)
{
    return cli_completion_print(&cli_clnas, call->arguments[0], stdout);
}

const cli_command cli_command_completion = {
    .name = "completion",
    .arguments = "SHELL",
    .summary = "Print the completions of this program for bash, zsh or fish",
    .examples =
        "  clnas completion bash > ~/.local/share/bash-completion/completions/clnas\n"
        "  clnas completion zsh > ~/.zfunc/_clnas         with fpath+=(~/.zfunc) before compinit\n"
        "  clnas completion fish > ~/.config/fish/completions/clnas.fish\n"
        "  . <(clnas completion bash)                     in this shell alone\n",
    .details =
        "Packages bring them along.  The tools print theirs by `clnas-bench --completion bash`.\n",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
