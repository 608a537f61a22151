# Reports and pictures from outside: files and exit codes, the same figures as `trials`, a running study, and what a browser makes of the pages.
. "$(dirname "$0")/helper.sh"
"$NAS_PROGRAM" devices >/dev/null 2>&1 || exit 77
cli=$NAS_SOURCE_FOLDER/tests/cli

# well_formed FILE…: XML, as far as there is a parser here
well_formed()
{
    command -v python3 >/dev/null || return 0
    python3 -c '
import sys, xml.dom.minidom
for name in sys.argv[1:]:
    xml.dom.minidom.parse(name)' "$@" || fail "$* is not well-formed"
}

write_small_config
cat >>small.cfg <<'END'
bounds = ( { metric = "parameters"; max = 4000; } );
evaluate = { type = "trained"; valid_every = 1; };
END
sed -i 's/epochs = 1; batch/epochs = 2; batch/' small.cfg
run search small.cfg --quiet -s budget.trials=6; expect_code 0

# The page, where it goes, and what it may replace.
run report small.study; expect_code 0; expect_out "small.html written"
well_formed small.html
for text in "What was searched" "Best networks" "History" "Trade-offs" "Training curves" "Retrained from the start" "Devices" "To repeat it" \
    "Content-Security-Policy" "default-src 'none'"; do
    grep -qF "$text" small.html || fail "the page lacks '$text'"
done
run report small.study; expect_code 0
run report small.study -o -; expect_code 0; expect_out "<!DOCTYPE html>"
echo "my notes" >notes.html
run report small.study -o notes.html; expect_code 2; expect_err "neither a page nor a picture"; expect_err "--force"
run report small.study -o small.study; expect_code 2
printf '<!DOCTYPE html>\n<html><body>of somebody else</body></html>\n' >other.html
run report small.study -o other.html; expect_code 2; grep -q "somebody else" other.html || fail "somebody else's page is gone"
mkfifo pipe && cat pipe >piped.html & reader=$!
until [ -p pipe ]; do sleep 0.1; done
run report small.study -o pipe; expect_code 0; wait $reader; well_formed piped.html; [ -p pipe ] || fail "the pipe was replaced"
run report small.study -o notes.html --force; expect_code 0; well_formed notes.html
# Its commands can be copied, whatever the study is called.
cp small.study "it's mine.study"; run report "it's mine.study" -o named.html; expect_code 0
grep -qF "clnas resume &#39;it&#39;\\&#39;&#39;s mine.study&#39;" named.html || fail "the page's commands are no commands"
run report nowhere.study; expect_code 5; expect_err "nowhere.study"
[ ! -e nowhere.html ] || fail "a page of no study"
run report; expect_code 2

# Its figures are those of the log: the scores of the ten best in their order, and what was retrained.
run trials small.study --format json; expect_code 0; cp out.txt trials.json
run best small.study; expect_code 0
if command -v python3 >/dev/null; then
    python3 - <<'END' || fail "the page's figures are not those of the log"
import json, re
trials = [t for t in json.load(open("trials.json"))["trials"] if t["status"] == "complete"]
trials.sort(key=lambda t: (-t["valid_accuracy"], t["trial"]))
page = open("small.html").read()
rows = re.findall(r"<tr>(.*?)</tr>", page.split('id="networks"')[1].split("</table>")[0])
cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows]
cells = [row for row in cells if row]
assert len(cells) == min(10, len(trials)), (len(cells), len(trials))
for row, trial in zip(cells, trials):
    assert int(row[0]) == trial["trial"], (row, trial)
    assert abs(float(row[1].replace(" %", "")) - 100 * trial["valid_accuracy"]) < 0.00501, (row, trial)
    assert row[2] == f"{trial['parameters']:,}", (row, trial)
    assert row[3] == f"{trial['macs']:,}", (row, trial)
END
fi

# The pictures: listed, each drawn or refused with a reason.
run plot; expect_code 0; expect_out "history"; expect_out "timeline"
run plot --format json; expect_code 0
expect_json '{"network", "cell", "history", "pareto", "curves", "supernet", "importance", "timeline"} <= {p["picture"] for p in x["plots"]}'
for kind in network history pareto curves timeline; do
    run plot "$kind" small.study; expect_code 0; expect_out "small-$kind.svg written"
    well_formed "small-$kind.svg"
done
run plot supernet small.study; expect_code 1; expect_err "nothing for this picture"
run plot importance small.study; expect_code 1; expect_err "needs at least 24"
run plot histroy small.study; expect_code 2; expect_err 'did you mean "history"'
run plot history; expect_code 2; expect_err "of which study?"
run plot history small.study -o small.study; expect_code 2
run plot history small.study; expect_code 0; run report small.study -o small-history.svg; expect_code 0; well_formed small-history.svg
printf '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"></svg>\n' >other.svg
run plot history small.study -o other.svg; expect_code 2
run describe plot; expect_code 0; expect_out "pareto"

# While the search goes on: read only.
"$NAS_PROGRAM" search small.cfg --quiet --new -s budget.trials=40 -s retrain.top=0 >/dev/null 2>&1 &
search=$!
for attempt in 1 2 3 4 5 6 7 8 9 10; do
    sleep 0.5
    run report small-2.study -o running.html
    [ "$code" = 0 ] && well_formed running.html
done
kill -INT "$search" 2>/dev/null || true
wait "$search" || true
run report small-2.study -o running.html; expect_code 0
run resume small-2.study --trials 1 --no-retrain --quiet; expect_code 0

# What a browser makes of it.  No name, reason or architecture of a study may become anything but text.
command -v python3 >/dev/null || exit 0
command -v chromium >/dev/null || exit 0
"$NAS_BUILD_FOLDER/tests/test_report" hostile hostile.study || fail "no hostile study"
run report hostile.study; expect_code 0; well_formed hostile.html
for page in small.html hostile.html; do
    last="report: $page in chromium"
    timeout -k 10 120 "$cli/browser.py" "$page" >out.txt 2>err.txt || fail "the browser failed"
    expect_json 'len(x["requests"]) == 1 and x["requests"][0].startswith("file:///")'
    expect_json 'x["console"] == [] and x["handlers"] == 0'
    expect_json 'not {"script", "img", "iframe", "object", "embed", "link", "form", "base", "b", "i"} & set(x["elements"])'
    expect_json 'x["wider"] == 0 and x["elements"]["svg"] >= 5'
    timeout -k 10 120 "$cli/browser.py" "$page" --dark --width 390 --height 844 >out.txt 2>err.txt || fail "the browser failed"
    expect_json 'x["wider"] == 0'
done
grep -qF '<title>&lt;img src=x onerror=alert(1)&gt;' hostile.html || fail "the hostile name is not there"
# The same look at a page that is what it should not be: the test can fail.
cat >bad.html <<'END'
<!DOCTYPE html><html><head><title>bad</title></head><body onclick="x()"><img src="missing.png"><script>console.error(1)</script>
<div style="width:3000px">wide</div></body></html>
END
last="report: bad.html in chromium"
timeout -k 10 120 "$cli/browser.py" bad.html >out.txt 2>err.txt || fail "the browser failed"
expect_json 'len(x["requests"]) == 2 and len(x["console"]) >= 1 and x["handlers"] == 1 and x["wider"] > 0 and "script" in x["elements"]'
