# Several seeds of a search, and studies against each other.
. "$(dirname "$0")/helper.sh"
have_device || exit 77
mkdir configs && cp -r "$NAS_SOURCE_FOLDER/configs/tables" "$NAS_SOURCE_FOLDER/configs/table729.cfg" configs
sed -i 's/trials = 100/trials = 12/' configs/table729.cfg
random='strategy={type="random";}'

# A study per seed, as --seed alone makes it; again: nothing is left to do.
run search configs/table729.cfg --seeds 1,3-4 -f json; expect_code 0
expect_json '[(s["seed"], s["study"], s["trials"], s["was_complete"]) for s in x["searches"]] == [(n, f"table729-s{n}.study", 12, False) for n in (1, 3, 4)]'
run search configs/table729.cfg --seed 3 --study alone.study -q; expect_code 0
"$NAS_PROGRAM" trials alone.study --canonical >a.txt
"$NAS_PROGRAM" trials table729-s3.study --canonical | cmp - a.txt || fail "--seeds 3 is not --seed 3"
cp table729-s1.study before.study
run search configs/table729.cfg --seeds 1,3-4 -f json; expect_code 0; expect_err "was complete already"
expect_json 'all(s["was_complete"] and s["trials"] == 12 for s in x["searches"])'
"$NAS_PROGRAM" trials before.study --canonical >a.txt
"$NAS_PROGRAM" trials table729-s1.study --canonical | cmp - a.txt || fail "a complete study was touched"

# Never another config's study; never nonsense.
run search configs/table729.cfg --seeds 1 --trials 13; expect_code 5; expect_err "seed 1: table729-s1.study was made from another config"
run search configs/table729.cfg --seeds 1,x; expect_code 2; expect_err "as in 1,2,5-8"
run search configs/table729.cfg --seeds 4-2; expect_code 2; expect_err "4-2 is empty"
run search configs/table729.cfg --seeds 1-3,2; expect_code 2; expect_err "2 twice"
run search configs/table729.cfg --seeds 1-99999; expect_code 2; expect_err "more than 1000"
run search configs/table729.cfg --seeds 1,2 --seed 3; expect_code 2; expect_err "not both"
run search configs/table729.cfg --seeds 1,2 --new; expect_code 2; expect_err "--study"
[ ! -e table729-s2.study ] || fail "a refused command made a study"

# Two strategies: groups, equal cost, pairs by seed.
run search configs/table729.cfg --seeds 1,3-4 --study "random one.study" -s "$random" -q --trials 9; expect_code 0
run compare table729-s*.study random\ one-s*.study; expect_code 0
expect_out "too few seeds to tell evolution from random: with n = 3 pairs the smallest possible p is 0.25"
expect_err "compared after 9 trials"; expect_err "compared is test_accuracy"
run compare table729-s*.study random\ one-s*.study -f json -o page.html; expect_code 0
expect_json 'x["by"] == "trials" and x["at"] == 9 and x["metric"] == "test_accuracy" and x["goal"] == "max"'
expect_json '[(g["group"], g["studies"]) for g in x["groups"]] == [("evolution", 3), ("random", 3)]'
expect_json 'x["verdicts"][0]["paired"] and x["verdicts"][0]["p_least"] == 0.25 and x["verdicts"][0]["better"] == "too few"'
expect_json 'len(x["curves"]) == 18 and len(x["studies"]) == 6 and all(n["note"] for n in x["notes"])'
expect_json 'abs(sum(s["value"] for s in x["studies"] if s["group"] == "random") / 3 - x["groups"][1]["value"]) < 1e-12'
# The value is that of the best trial so far.
"$NAS_PROGRAM" compare table729-s*.study random\ one-s*.study --metric valid_accuracy --list studies -f csv 2>err.txt >values.csv
"$NAS_PROGRAM" trials table729-s4.study -f json >out.txt
expect_json '[r for r in __import__("csv").DictReader(open("values.csv")) if r["study"] == "table729-s4.study"
    if float(r["value"]) == max(t["valid_accuracy"] for t in x["trials"][:9] if t["status"] == "complete")]'
run compare table729-s*.study random\ one-s*.study -f csv; expect_code 0; expect_csv verdict first second p p_holm
run compare table729-s*.study random\ one-s*.study -f jsonl --list curves; expect_code 0; expect_jsonl group cost mean low high
run compare table729-s*.study random\ one-s*.study --by simulated --at 5; expect_code 0; expect_out "simulated"
run compare table729-s*.study random\ one-s*.study --by epochs; expect_code 0; expect_out "epochs"
run compare table729-s*.study random\ one-s*.study --at 10; expect_code 2; expect_err "went only as far as 9 trials"

run compare table729-s*.study random\ one-s*.study --by seconds; expect_code 0; expect_out "seconds"
# A search that the simulated clock ended went on until then.
run search configs/table729.cfg --seeds 1-2 --study timed.study -q -s budget.minutes=0.2 --trials 100; expect_code 0
run compare timed-s*.study --by simulated -f json; expect_code 0; expect_json 'abs(x["at"] - 12) < 1e-9'

# The page is one that an XML parser reads, with everything in it and nothing from outside.
if command -v python3 >/dev/null; then
    last="compare -o page.html"
    python3 - <<'END' || fail "page.html is not what it should be"
import re, xml.dom.minidom
text = open("page.html", encoding="utf-8").read().replace("<!DOCTYPE html>", "")
page = xml.dom.minidom.parseString(text.encode())
assert not re.search(r"(src|href)=.(?!#)", text), "something from outside"
words = " ".join(n.data for n in page.getElementsByTagName("body")[0].getElementsByTagName("p") for n in n.childNodes)
assert "too few seeds" in words
assert len(page.getElementsByTagName("svg")) == 2
assert "random one-s4.study" in text
END
fi

# It replaces a page that clnas wrote, and nothing else: no study, and no page of somebody else's.
run compare table729-s*.study -o page.html; expect_code 0; expect_err "wrote page.html"
cp alone.study before.study
run compare table729-s*.study -o alone.study; expect_code 2; expect_err "neither a page nor a picture"; expect_err "--force"
cmp alone.study before.study || fail "a study was overwritten"
echo "my notes" >notes.html
run compare table729-s*.study -o notes.html; expect_code 2; grep -q "my notes" notes.html || fail "notes were overwritten"
run compare table729-s*.study -o notes.html --force; expect_code 0
head -c 15 notes.html | grep -q "<!DOCTYPE html>" || fail "--force wrote no page"
run compare table729-s*.study -o -; expect_code 0; cmp out.txt notes.html || fail "stdout is not the page"
no_err "wrote"
run compare alone.study -o .; expect_code 1; expect_err "cannot write there"

# One study alone, one twice, one and its copy, none, and what has no common measure.
run compare alone.study; expect_code 0; expect_err "nothing to compare it with"; expect_out "evolution"
run compare alone.study ./alone.study; expect_code 2; expect_err "named twice"
run compare alone.study table729-s3.study; expect_code 2; expect_err "that is one search"
run compare missing.study; expect_code 5
run compare; expect_code 2; expect_err "STUDY"
run search configs/table729.cfg --study small.study -q -s 'objectives=({metric="parameters";goal="min";})'; expect_code 0
run compare alone.study small.study; expect_code 2
expect_err "alone.study is a search for valid_accuracy (max), small.study for parameters (min): they have no common measure"
run compare alone.study small.study --metric nonsense; expect_code 2
run search configs/table729.cfg --study bound.study -q -s 'bounds=({metric="parameters";max=1e6;})'; expect_code 0
run compare alone.study bound.study; expect_code 0; expect_err "bounds"; expect_err "not allowed the same networks"
run compare alone.study --by nonsense; expect_code 2

# Ended in the first search and again in a later one: the command itself is what goes on, and the trials are the same in the end.
write_small_config
sed -i 's/trials = 4/trials = 6/; s/epochs = 1; batch/epochs = 2; batch/' small.cfg
interrupt() # SIGNAL WORDS: starts three searches in a process of their own and ends it when stderr has these words
{
    last="search --seeds, then SIG$1"
    : >err.txt
    "$NAS_PROGRAM" search small.cfg --seeds 1-2 --study 'my seeds.study' --no-retrain >out.txt 2>>err.txt </dev/null &
    process=$!
    tries=0
    while ! grep -q "$2" err.txt && [ $tries -lt 600 ] && kill -0 $process 2>/dev/null; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill -s "$1" $process 2>/dev/null || true
    code=0
    wait $process || code=$?
}
interrupt TERM "trials 2/"
expect_code 143
expect_err "the same command again: clnas search --seeds 1-2 --study 'my seeds.study' --no-retrain small.cfg"
no_err "clnas resume"
[ -f "my seeds-s1.study" ] && [ ! -e "my seeds-s2.study" ] || fail "it went on after the signal"
interrupt KILL "seed 2"
[ $code = 137 ] || [ $code = 0 ] || expect_code 137
run compare "my seeds-s1.study"; expect_code 0
run search small.cfg --seeds 1-2 --study 'my seeds.study' --no-retrain; expect_code 0
run search small.cfg --seed 1 --study whole.study --no-retrain -q; expect_code 0
"$NAS_PROGRAM" trials whole.study --canonical >a.txt
"$NAS_PROGRAM" trials "my seeds-s1.study" --canonical | cmp - a.txt || fail "an interrupted search ended with other trials"

# A study that runs is read as it stands, and one that has nothing yet is left out.
run ask small.cfg -s seed=7 -s study=asked --pid $$; expect_code 0
token=$(tr -d '\n' <out.txt | sed -n 's/.*"token": *\([0-9]*\).*/\1/p')
run compare "my seeds-s1.study" asked.study; expect_code 0; expect_err "asked.study has no complete trial yet: left out"
run compare asked.study; expect_code 1; expect_err "nothing to compare"
run tell asked.study:0 --token "$token" valid_accuracy=0.5; expect_code 0
run ask asked.study --pid $$; expect_code 0
run compare "my seeds-s1.study" asked.study; expect_code 0; expect_err "asked.study is not at its end"; expect_err "as far as asked.study went"
