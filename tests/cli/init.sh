# Example configs.
. "$(dirname "$0")/helper.sh"

run init; expect_code 0; expect_out "clnas search quickstart.cfg"
cmp quickstart.cfg "$NAS_SOURCE_FOLDER/configs/quickstart.cfg" || fail "not the file in configs/"
run init; expect_code 2; expect_err "quickstart.cfg exists"
run init --force; expect_code 0
run init quickstart -o other.cfg; expect_code 0
cmp quickstart.cfg other.cfg || fail "not the same"
run init quickstart -o -; expect_code 0; expect_out "strategy"
run init quickstrat; expect_code 2; expect_err "did you mean 'quickstart'?"
run init quickstart -o no/such/folder/x.cfg; [ "$code" != 0 ] || fail "wrote into nowhere"
run init --list; expect_code 0; expect_out "quickstart"
run init --list -f json; expect_json 'any(t["template"] == "quickstart" and t["summary"] for t in x["templates"])'

# Every example is a template.
for file in "$NAS_SOURCE_FOLDER"/configs/*.cfg; do
    run init "$(basename "$file" .cfg)" -o -; expect_code 0
    cmp out.txt "$file" || fail "the template is not $file; is it in host/cli/template_list.h?"
done

# Every template is a config that the program accepts up to its data.
"$NAS_PROGRAM" init --list -f csv | tail -n +2 | cut -d, -f1 >names.txt
while read -r name; do
    run init "$name" -o template.cfg --force; expect_code 0
    run check template.cfg
    [ "$code" = 0 ] || [ "$code" = 6 ] || fail "template $name is refused"
done <names.txt
