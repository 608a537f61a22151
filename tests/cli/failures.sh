# What goes wrong on the way: a candidate that gives NaN, a worker that crashes, a device that errs for good, a study from the future.
. "$(dirname "$0")/helper.sh"
write_small_config
have_device || exit 77

export CLNAS_TEST_NAN_TRIAL=1
run search small.cfg --study nan.study --no-retrain; expect_code 0; expect_err "trial 1 failed"
unset CLNAS_TEST_NAN_TRIAL
run trials nan.study -f json
expect_json 'x["trials"][1]["status"] == "failed" and "finite" in x["trials"][1]["reason"].lower() or "nan" in x["trials"][1]["reason"].lower()'
expect_json '[t["status"] for t in x["trials"]].count("complete") == 3'
run best nan.study -f json; expect_json 'x["trials"][0]["trial"] != 1'

export CLNAS_TEST_CRASH_TRIAL=1
run search small.cfg --study crash.study --no-retrain; expect_code 0; expect_err "worker 0"
unset CLNAS_TEST_CRASH_TRIAL
run trials crash.study -f json
expect_json 'x["trials"][1]["status"] == "complete" and x["trials"][1]["attempts"] == 2'

export CLNAS_TEST_ERROR_TRIAL=1:always
run search small.cfg --study error.study --no-retrain; expect_code 4; expect_err "trial 1"
unset CLNAS_TEST_ERROR_TRIAL
run resume error.study --no-retrain
[ "$code" = 0 ] || [ "$code" = 4 ] || fail "resume after a device error"

if command -v python3 >/dev/null; then
    python3 -c '
import sqlite3
db = sqlite3.connect("nan.study")
db.execute("PRAGMA user_version = 999")
db.commit()'
    run status nan.study; expect_code 5; expect_err "999"; expect_err "newer"
fi
