# Configs, right and wrong: the message names file, line and the nearest name.
. "$(dirname "$0")/helper.sh"
write_small_config

run check small.cfg; expect_code 0; expect_out "# space:"; expect_out "# data:"; expect_err "clnas search small.cfg"
cp out.txt full.cfg
run check full.cfg; expect_code 0
cmp out.txt full.cfg || fail "the effective config is not its own effective config"
run check small.cfg -f json; expect_code 0
expect_json 'x["train_samples"] > 0 and x["genes"] > 0 and "seed" in x["config"]'
run check small.cfg -f csv; expect_code 0; expect_csv genes device
run check small.cfg -s train.lr=0.0625; expect_code 0; expect_out "0.0625"

wrong() # WORDS OVERRIDE…: refused, and the message has the words
{
    words=$1; shift
    run check small.cfg "$@"; expect_code 2; expect_err "$words"
}
wrong "lr" -s train.lrr=0.1
wrong "batch" -s train.batch=-1
wrong "evolution" -s strategy.type=evolutoin
wrong "kernel" -s space.kernal=[3]

bad() # WORDS: the file bad.cfg is refused with these words and its name
{
    run check bad.cfg; expect_code 2; expect_err "bad.cfg"; expect_err "$1"
}
sed 's/batch = 32/batsh = 32/' small.cfg >bad.cfg; bad "batch"; bad "bad.cfg:5"
sed 's/batch = 32/batch = "x"/' small.cfg >bad.cfg; bad "bad.cfg:5"
sed 's/"random"/"randmo"/' small.cfg >bad.cfg; bad "random"
echo 'study = "x";' >>small.cfg; cp small.cfg bad.cfg; bad "duplicate"; bad "bad.cfg:9"; write_small_config
echo '{ { {' >bad.cfg; bad "bad.cfg:"
: >bad.cfg; run check bad.cfg; expect_code 2
printf 'study = "a\0b";' >bad.cfg; run check bad.cfg; expect_code 2
head -c 3000000 /dev/zero >bad.cfg; run check bad.cfg; expect_code 2
run check .; expect_code 2
run check missing.cfg; expect_code 2; expect_err "missing.cfg"

# Data that is not there is a matter of the data set (6), not of the config.
sed 's/type = "synthetic"/type = "idx"; path = "nowhere"/' small.cfg >idx.cfg
run check idx.cfg; expect_code 6; expect_err "nowhere"
