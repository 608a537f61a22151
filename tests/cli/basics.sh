# Commands, options, help and the exit codes of wrong usage.
. "$(dirname "$0")/helper.sh"

run; expect_code 2; expect_err "usage: clnas"
for word in --help -h help; do
    run $word; expect_code 0; expect_out "Exit codes: 0 done"; no_out "worker"
done
for command in init check devices doctor describe search resume status trials show best train eval version worker; do
    run $command --help; expect_code 0; expect_out "usage: clnas $command"; expect_out "--quiet"
    run help $command; expect_code 0
    run $command --no-such-option-at-all; expect_code 2; expect_err "has no option"
done

run serch; expect_code 2; expect_err "did you mean 'search'?"
run zzzzzzzz; expect_code 2; expect_err "lists them"
run devices --fromat json; expect_code 2; expect_err "did you mean --format?"
run devices --format yaml; expect_code 2; expect_err "table|json|jsonl|csv"
run devices --format jsno; expect_code 2; expect_err "did you mean 'json'?"
run devices -z; expect_code 2; expect_err "-z"
run devices --quiet=3; expect_code 2; expect_err "takes no value"
run devices surplus; expect_code 2; expect_err "surplus"
run search; expect_code 2; expect_err "CONFIG"
run search --trials; expect_code 2; expect_err "wants a value"
run search --trials many x.cfg; expect_code 2; expect_err "whole number"
run search --trials 0 x.cfg; expect_code 2; expect_err "must lie in"
run search --minutes nan x.cfg; expect_code 2
run search -s nonsense x.cfg; expect_code 2; expect_err "path.to.key=value"
run search no-such-file.cfg; expect_code 2; expect_err "no-such-file.cfg"

run version; expect_code 0; expect_out "clnas "
run --version; expect_code 0; expect_out "clnas "
run version --format json; expect_code 0; expect_json 'x["version"].count(".") == 2 and x["schema_version"] == 1'
run version --format csv; expect_code 0; expect_csv version
if [ -w /dev/full ]; then
    last="version > /dev/full"; code=0
    "$NAS_PROGRAM" version >/dev/full 2>err.txt || code=$?
    expect_code 1; expect_err "stdout"
fi
