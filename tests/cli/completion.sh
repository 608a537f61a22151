# Completions: bash's script is asked in bash, zsh's and fish's by these shells where they are, for every option of every command that --help names.
. "$(dirname "$0")/helper.sh"
command -v bash >/dev/null || exit 77
bin=$(dirname "$NAS_PROGRAM")

run completion csh; expect_code 2; expect_err "bash, zsh and fish"
run completion; expect_code 2; expect_err "SHELL"
programs="clnas"
for program in clnas-bench clnas-tune clnas-simulate clnas-rank clnas-linear; do
    [ ! -x "$bin/$program" ] || programs="$programs $program"
done

# What bash offers for a line: ask PROGRAM 'LINE', one candidate a line.
cat >ask.bash <<'END'
. "./$1.bash"
COMP_LINE=$2 COMP_POINT=${#2}
COMP_WORDS=($2) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
function=$(complete -p "$1" | sed 's/.*-F \([^ ]*\) .*/\1/')
"$function" 2>errors
[ ! -s errors ] || { cat errors; exit 1; }
printf '%s\n' "${COMPREPLY[@]}" | sort
END
ask() { last="completion of '$2'"; bash ask.bash "$1" "$2" >out.txt 2>err.txt || fail "bash says so"; }
expect_words() { echo "$*" | tr ' ' '\n' | sort | cmp -s - out.txt || fail "not: $*"; }
expect_none() { [ -z "$(cat out.txt)" ] || fail "something was offered"; }

# Every command and every option that the help lists is there.
for program in $programs; do
    for shell in bash zsh fish; do "$bin/$program" --completion $shell >"$program.$shell"; done
    "$bin/$program" --help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p' >commands.txt
    [ -s commands.txt ] || echo "" >commands.txt
    while read -r command; do
        "$bin/$program" $command --help | sed -n 's/^  [ -][a-z ][, ] \(--[a-z-]*\).*/\1/p' | sort >options.txt
        grep -q -- --help options.txt || fail "no options in $program $command --help"
        # getopt takes the first of two options with one name or letter, and says nothing.
        "$bin/$program" $command --help | sed -n 's/^  \(-[a-zA-Z]\), .*/\1/p' | sort >letters.txt
        last="$program $command --help"
        [ -z "$(sort options.txt letters.txt | uniq -d)" ] || fail "called alike: $(sort options.txt letters.txt | uniq -d)"
        ask "$program" "$program ${command:+$command }--"
        cmp -s options.txt out.txt || fail "other options than --help of $program $command has: $(diff options.txt out.txt)"
        while read -r option; do
            grep -qE -- "(^|[^a-z-])$option(['=\" }]|\[|\$)" "$program.zsh" || fail "$program.zsh lacks $option"
            grep -qE -- "-l ${option#--} " "$program.fish" || fail "$program.fish lacks $option"
        done <options.txt
        [ -z "$command" ] || grep -q "complete -c $program -n __fish_use_subcommand -a $command " "$program.fish" ||
            fail "$program.fish lacks $command"
    done <commands.txt
    [ "$(wc -l <commands.txt)" = 1 ] || {
        ask "$program" "$program "
        { cat commands.txt; echo help; } | sort | cmp -s - out.txt || fail "other commands than --help of $program has"
    }
done
"$NAS_PROGRAM" completion bash | cmp -s - clnas.bash || fail "completion bash is not --completion bash"

# Arguments by what they are.
touch one.study two.cfg net.safetensors net.onnx photo.png "two words.cfg"
mkdir folder
ask clnas "clnas sea"; expect_words search
ask clnas "clnas resume "; expect_words folder one.study
ask clnas "clnas search tw"; printf 'two words.cfg\ntwo.cfg\n' | sort | cmp -s - out.txt || fail "not both configs"
ask clnas "clnas search two.cfg "; expect_none
ask clnas "clnas export "; expect_words folder net.onnx net.safetensors one.study
ask clnas "clnas train one.study:17 tw"; grep -qx two.cfg out.txt || fail "no config behind a study"
ask clnas "clnas predict net.onnx ph"; expect_words photo.png
ask clnas "clnas predict net.onnx a b c d ph"; expect_words photo.png
ask clnas "clnas search --format j"; expect_words json jsonl
ask clnas "clnas search --format=j"; expect_words json jsonl
ask clnas "clnas search --device type:"; expect_words cpu gpu
ask clnas "clnas search two.cfg -s budget.tri"; expect_words budget.trial_minutes= budget.trials=
ask clnas "clnas search two.cfg -s budget.trials=9"; expect_none
ask clnas "clnas search two.cfg --set space.kern"; expect_words space.kernel=
ask clnas "clnas describe stra"; expect_words strategy
ask clnas "clnas describe strategy evol"; expect_words evolution
ask clnas "clnas describe optimizer "; expect_words adam adamw rmsprop sgd
ask clnas "clnas -q describe dataset ci"; expect_words cifar
ask clnas "clnas init quick"; expect_words quickstart
ask clnas "clnas help tri"; expect_words trials
ask clnas "clnas export one.study --to on"; expect_words onnx
ask clnas "clnas plot hist"; expect_words history
ask clnas "clnas plot history "; expect_words folder one.study
ask clnas "clnas frobnicate "; expect_none
if [ -x "$bin/clnas-bench" ]; then
    ask clnas-bench "clnas-bench ops --clock "; expect_words cpu wall
    ask clnas-bench "clnas-bench net mobile"; expect_words mobilenetv2
    ask clnas-tune "clnas-tune --format m"; expect_words md
    ask clnas-simulate "clnas-simulate --out fol"; expect_words folder
fi

# The other shells take their scripts, and fish and zsh offer the same.
if command -v fish >/dev/null; then
    export HOME="$PWD" XDG_CONFIG_HOME="$PWD/config" XDG_DATA_HOME="$PWD/data"
    for program in $programs; do fish -n "$program.fish" 2>err.txt || fail "fish does not read $program.fish"; done
    offer() { last="fish: $1"; fish -c 'source clnas.fish; complete -C "$argv[1]"' "$1" 2>err.txt | cut -f1 | sort >out.txt; }
    offer "clnas sea"; expect_words search
    offer "clnas search --format js"; expect_words json jsonl
    offer "clnas describe optimizer "; for name in adam adamw rmsprop sgd; do grep -qx $name out.txt || fail "lacks $name"; done
    offer "clnas search two.cfg --set space.kern"; expect_words space.kernel=
    offer "clnas resume "; grep -q "one.study" out.txt || fail "no study"
else
    echo "no fish here: its script was not run"
fi
if command -v zsh >/dev/null; then
    for program in $programs; do zsh -n "$program.zsh" 2>err.txt || fail "zsh does not read $program.zsh"; done
    # A terminal of its own: the line is typed, Tab is pressed, and what the screen shows is read.
    cat >ask.zsh <<'END'
zmodload zsh/zpty
typeset text line
zpty -b z 'TERM=dumb exec zsh -f -i'
zpty -w z 'PS1=; unsetopt zle_bracketed_paste 2>/dev/null; autoload -Uz compinit && compinit -D -u; source ./clnas.zsh; unsetopt list_ambiguous; LISTMAX=1000; print RE""ADY'
until [[ $text == *READY* ]]; do zpty -r z line && text+=$line; done
zpty -w -n z "$1"$'\t'
text=
for i in {1..400}; do
    while zpty -r -t z line; do text+=$line; done
    missing=
    for word in "${@[2,-1]}"; do
        [[ " ${text//[$'\r\n\t\b']/ } " == *" $word "* ]] || missing+=" $word"
    done
    [[ -n $missing ]] || break
    sleep 0.05
done
zpty -d z
[[ -z $missing ]] || { print -r -- "lacks$missing: ${(V)text}"; exit 1; }
END
    offer() { last="zsh: $1"; timeout 60 zsh -f ask.zsh "$@" >out.txt 2>err.txt || fail "zsh offers something else"; }
    offer "clnas sea" search
    offer "clnas search --format js" json jsonl
    offer "clnas describe optimizer " adam adamw rmsprop sgd
    offer "clnas search two.cfg -s space.dr" space.drop_path=
    offer "clnas resume one" one.study
else
    echo "no zsh here: its script was not run"
fi
